import { describe, expect, it } from "vitest";
import { follow, go, href, parse, type Route } from "./router";

const routes: [string, Route][] = [
  ["#/bandeja", { screen: "tray" }],
  ["#/proyectos", { screen: "projects" }],
  ["#/proyectos/PP-2026-S1-0001", { screen: "project", folio: "PP-2026-S1-0001" }],
  ["#/seguimiento/0193-ab", { screen: "followUp", id: "0193-ab" }],
  ["#/envio", { screen: "status" }],
  ["#/equipos", { screen: "devices" }],
  ["#/revision", { screen: "review" }],
  ["#/ayuda", { screen: "help" }],
];

describe("addresses", () => {
  it.each(routes)("%s is read and written back", (hash, route) => {
    expect(parse(hash)).toEqual(route);
    expect(href(route)).toBe(hash);
  });

  it("keeps a folio whole whatever it has in it", () => {
    const route: Route = { screen: "project", folio: "a/b ñ%" };
    expect(parse(href(route))).toEqual(route);
  });

  it("takes what it does not know to the tray", () => {
    for (const hash of ["", "#", "#/", "#/nada", "#/seguimiento", "#/seguimiento/"]) {
      expect(parse(hash), hash).toEqual({ screen: "tray" });
    }
    expect(parse("#/proyectos/%E0%A4%A")).toEqual({ screen: "project", folio: "%E0%A4%A" });
  });

  it("tells each change until it is asked to stop", async () => {
    const seen: string[] = [];
    const stop = follow((route) => seen.push(route.screen));
    go({ screen: "help" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    stop();
    go({ screen: "status" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(seen).toEqual(["tray", "help"]);
  });
});
