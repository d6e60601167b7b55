import { cleanup, render } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { MapInfo } from "../host/bindings/MapInfo";
import { setLang } from "../i18n/index.svelte";
import Map from "./Map.svelte";
import { extent, placeText, plainPlace } from "./points";

beforeEach(() => setLang("es"));
afterEach(cleanup);

const info = (more: Partial<MapInfo> = {}): MapInfo => ({
  tiles: null,
  problem: null,
  bounds: { west: -100.43, south: 25.63, east: -100.37, north: 25.68 },
  places: [{ name: "Colonia Ejemplo", position: { latitude: 25.67, longitude: -100.41 }, projects: 2 }],
  ...more,
});
const at = { latitude: 25.65, longitude: -100.4 };
const tile = async () => null;

async function ready(container: HTMLElement): Promise<HTMLElement> {
  await vi.waitFor(() => expect(container.querySelector("[data-map=ready]")).not.toBeNull(), 5000);
  return container.querySelector("[data-map]") as HTMLElement;
}

describe("the map", () => {
  it("shows points and names without any tiles, and each point can be reached and says what it is", async () => {
    const onopen = vi.fn();
    const points = [{ id: "P-1", label: "Parque <b>x</b> (P-1)", position: at, late: true }];
    const { container } = render(Map, { label: "Mapa", info: info(), tile, points, onopen });
    await ready(container);
    const mark = await vi.waitFor(() => {
      const found = container.querySelector<HTMLElement>(".point");
      expect(found).not.toBeNull();
      return found as HTMLElement;
    });
    expect(mark.getAttribute("aria-label")).toBe("Parque <b>x</b> (P-1)");
    expect(mark.tabIndex).toBe(0);
    expect(container.querySelector(".colonia")?.textContent).toBe("Colonia Ejemplo");
    expect(container.textContent).toContain("Sin mapa de calles");
    mark.click();
    expect(onopen).toHaveBeenCalledWith("P-1");
  });

  it("marks its middle with Enter, and nothing where it only shows", async () => {
    const onpick = vi.fn();
    const { container } = render(Map, { label: "Mapa", info: info(), tile, picked: at, onpick });
    const box = await ready(container);
    box.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    expect(onpick).toHaveBeenCalledOnce();
    const picked = onpick.mock.calls[0]?.[0] as typeof at;
    expect(Math.abs(picked.latitude - 25.65)).toBeLessThan(0.01);
    expect(container.querySelector(".picked")).not.toBeNull();
  });
});

describe("places as text", () => {
  it("are written as Rust reads them", () => {
    expect(placeText({ latitude: 25.65791234, longitude: -100.4 })).toBe("25.657912, -100.4");
    expect(plainPlace("25.6579, -100.4023")).toEqual({ latitude: 25.6579, longitude: -100.4023 });
    for (const text of ["", "25°39' N 100° O", "95, 10", "a, b"]) expect(plainPlace(text), text).toBeNull();
  });

  it("span what there is", () => {
    expect(extent([at, { latitude: 25.7, longitude: -100.5 }], null)).toEqual([
      [25.65, -100.5],
      [25.7, -100.4],
    ]);
    expect(extent([], info().bounds)).toEqual([
      [25.63, -100.43],
      [25.68, -100.37],
    ]);
    expect(extent([], null)).toBeNull();
  });
});
