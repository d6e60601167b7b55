import type { DeviceRow } from "../lib/host/bindings/DeviceRow";

export const SILENT_DAYS = 7;

/** Nothing heard from it in `days` days, or ever. A revoked device is not expected to speak. */
export function silent(row: DeviceRow, now: Date, days = SILENT_DAYS): boolean {
  if (row.revoked) return false;
  return row.lastContact === null || now.getTime() - Date.parse(row.lastContact) > days * 86_400_000;
}

/** Those with something out first, then those silent longest. */
export function order(rows: readonly DeviceRow[]): DeviceRow[] {
  return [...rows].sort(
    (a, b) =>
      b.waiting.length - a.waiting.length ||
      (a.lastContact ?? "").localeCompare(b.lastContact ?? "") ||
      a.device.localeCompare(b.device),
  );
}

/** A table for a spreadsheet: UTF-8 with its mark, and no cell that a spreadsheet would run. */
export function csv(header: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const cell = (value: string | number | null) => {
    const text = value === null ? "" : String(value);
    const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return `\u{feff}${[header, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

/** One line per device, values as data: moments in ISO 8601, sizes in bytes. */
export function devicesCsv(rows: readonly DeviceRow[]): string {
  return csv(
    [
      "device",
      "person",
      "role",
      "area",
      "waiting",
      "folios",
      "last_contact",
      "last_receipt",
      "clock_offset_ms",
      "app_version",
      "free_bytes",
      "revoked",
    ],
    rows.map((row) => [
      row.device,
      row.person,
      row.role,
      row.area,
      row.waiting.length,
      row.waiting.map((item) => `${item.folio} (${item.project}, ${item.state})`).join("; "),
      row.lastContact,
      row.lastReceipt,
      row.clockOffsetMs,
      row.appVersion,
      row.freeBytes,
      String(row.revoked),
    ]),
  );
}
