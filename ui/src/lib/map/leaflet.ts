/** Leaflet with its vector tiles: a part of the page that is fetched only when somebody opens a map. */
import L from "leaflet";
import "leaflet/dist/leaflet.css";
import { leafletLayer } from "protomaps-leaflet";
import type { TilesInfo } from "../host/bindings/TilesInfo";

// The layer of tiles looks for Leaflet there.
Object.assign(window, { L });

export { L };

/** Bytes of a tile in base64; null where there is nothing. */
export type TileDoor = (z: number, x: number, y: number) => Promise<string | null>;

/** A layer that asks for each tile at a door: it speaks to no network. */
export function tileLayer(info: TilesInfo, door: TileDoor, dark: boolean): L.Layer {
  // The library reads tiles from an archive of its own kind; of that it uses this one function.
  const archive = {
    getZxy: async (z: number, x: number, y: number) => {
      const text = await door(z, x, y);
      return text === null ? undefined : { data: Uint8Array.from(atob(text), (ch) => ch.charCodeAt(0)).buffer };
    },
  };
  const layer: unknown = leafletLayer({
    url: archive,
    flavor: dark ? "dark" : "light",
    lang: "es",
    maxDataZoom: info.maxZoom,
    attribution: "",
  } as unknown as Parameters<typeof leafletLayer>[0]);
  return layer as L.Layer;
}
