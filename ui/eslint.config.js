import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";
import svelteConfig from "./svelte.config.js";

// Screens know the components; the components know what is below them and never the host. Types of the contract
// (host/bindings) are known everywhere.
const tauri = {
  group: ["@tauri-apps/*"],
  message: "Only src/lib/host/tauri.ts speaks to the window.",
};
const host = {
  regex: "host/(types|tauri|http|context)$",
  message: "A component takes data and functions; only screens know the host.",
};
const above = {
  group: ["**/app/**", "**/panel/**"],
  message: "A component does not know the screens.",
};
const siblings = {
  group: ["**/lib/form/**", "**/lib/ocds/**", "../form/**", "../ocds/**"],
  message: "lib/ui is below lib/form and lib/ocds.",
};
const restrict = (...patterns) => ({ "no-restricted-imports": ["error", { patterns }] });

export default ts.config(
  { ignores: ["dist", "node_modules", "src/lib/host/bindings"] },
  js.configs.recommended,
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  {
    languageOptions: { globals: globals.browser },
    rules: {
      "no-console": "error",
      eqeqeq: "error",
      "@typescript-eslint/no-explicit-any": "error",
      "svelte/no-navigation-without-resolve": "off",
      "no-undef": "off",
      // A Map here is bookkeeping; what a screen shows is in $state.
      "svelte/prefer-svelte-reactivity": "off",
    },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: ts.parser, extraFileExtensions: [".svelte"], svelteConfig } },
  },
  { files: ["src/**/*.{ts,svelte}"], ignores: ["src/lib/host/tauri.ts"], rules: restrict(tauri) },
  { files: ["src/lib/{form,ocds}/**/*.{ts,svelte}"], rules: restrict(tauri, host, above) },
  { files: ["src/lib/ui/**/*.{ts,svelte}"], rules: restrict(tauri, host, above, siblings) },
  { files: ["src/lib/*.ts", "src/lib/i18n/**/*.ts"], rules: restrict(tauri, host, above, siblings) },
);
