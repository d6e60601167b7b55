import type { Bounds } from "../host/bindings/Bounds";
import type { Position } from "../host/bindings/Position";

/** A point that can be opened. */
export interface MapPoint {
  id: string;
  label: string;
  position: Position;
  /** Behind its programme. */
  late: boolean;
}

/** As it is typed: six decimals are a tenth of a metre. */
export const placeText = ({ latitude, longitude }: Position): string =>
  `${Number(latitude.toFixed(6))}, ${Number(longitude.toFixed(6))}`;

/** What Rust writes, `latitude, longitude`, as a point. Anything else is for Rust to read. */
export function plainPlace(text: string): Position | null {
  const found = /^\s*(-?\d{1,2}(?:\.\d+)?)\s*,\s*(-?\d{1,3}(?:\.\d+)?)\s*$/.exec(text);
  if (!found) return null;
  const [latitude, longitude] = [Number(found[1]), Number(found[2])];
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? { latitude, longitude } : null;
}

/** What has to be on the map: the points, or else as far as the municipality reaches; nothing where neither is known. */
export function extent(
  positions: readonly Position[],
  bounds: Bounds | null,
): [[number, number], [number, number]] | null {
  if (positions.length > 0) {
    const latitudes = positions.map((position) => position.latitude);
    const longitudes = positions.map((position) => position.longitude);
    return [
      [Math.min(...latitudes), Math.min(...longitudes)],
      [Math.max(...latitudes), Math.max(...longitudes)],
    ];
  }
  return bounds
    ? [
        [bounds.south, bounds.west],
        [bounds.north, bounds.east],
      ]
    : null;
}
