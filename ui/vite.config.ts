import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Addresses relative to the page: the same files work under tauri://localhost/ and under http://…/.
  base: "./",
  plugins: [svelte()],
  // Tests run in Node, where Svelte would otherwise be the half that renders on a server.
  ...(process.env.VITEST ? { resolve: { conditions: ["browser"] } } : {}),
  server: { fs: { allow: [".", "../icons"] } },
  build: {
    target: "es2022",
    outDir: "dist",
    // The content security policy allows no data: scripts, and pictures only from the program itself.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: "app.html" },
  },
  test: { environment: "jsdom", include: ["src/**/*.test.ts"], restoreMocks: true },
});
