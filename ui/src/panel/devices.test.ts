import { describe, expect, it } from "vitest";
import type { DeviceRow } from "../lib/host/bindings/DeviceRow";
import { csv, devicesCsv, order, silent } from "./devices";

const now = new Date("2026-11-22T12:00:00Z");
const row = (more: Partial<DeviceRow> = {}): DeviceRow => ({
  deviceId: "1",
  device: "PC-1",
  person: "Persona",
  role: "enlace",
  area: "Obras",
  waiting: [],
  lastContact: "2026-11-22T11:00:00Z",
  lastReceipt: null,
  clockOffsetMs: 0,
  appVersion: "0.1.0",
  freeBytes: null,
  revoked: false,
  ...more,
});

describe("equipment", () => {
  it("is silent after seven days, or if it never spoke", () => {
    expect(silent(row({ lastContact: "2026-11-15T12:00:00Z" }), now)).toBe(false);
    expect(silent(row({ lastContact: "2026-11-15T11:59:59Z" }), now)).toBe(true);
    expect(silent(row({ lastContact: null }), now)).toBe(true);
    expect(silent(row({ lastContact: null, revoked: true }), now)).toBe(false);
  });

  it("puts first what still holds folios, then who is silent longest", () => {
    const waiting = [{ folio: "S-1", project: "P-1", state: "ready" as const }];
    const rows = [
      row({ device: "a" }),
      row({ device: "b", lastContact: "2026-01-01T00:00:00Z" }),
      row({ device: "c", waiting }),
    ];
    expect(order(rows).map((item) => item.device)).toEqual(["c", "b", "a"]);
  });

  it("exports a table that a spreadsheet reads and does not run", () => {
    const text = csv(
      ["a", "b"],
      [
        ["x, y", 'di "hola"'],
        ["=1+1", "@x"],
        ["-5", -5],
      ],
    );
    expect(text.startsWith("\u{feff}a,b\r\n")).toBe(true);
    expect(text).toContain('"x, y","di ""hola"""');
    expect(text).toContain("'=1+1,'@x");
    expect(text).toContain("'-5,-5");
    const lines = devicesCsv([row({ waiting: [{ folio: "S-1", project: "P-1", state: "ready" }] })]).split("\r\n");
    expect(lines[0]?.split(",")).toHaveLength(12);
    expect(lines[1]).toContain("S-1 (P-1, ready)");
  });
});
