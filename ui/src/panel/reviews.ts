import type { ReviewRow } from "../lib/host/bindings/ReviewRow";
import { csv } from "./devices";

/** One line per follow-up, values as data: moments in ISO 8601, times in seconds. */
export function reviewsCsv(rows: readonly ReviewRow[]): string {
  return csv(
    [
      "folio",
      "project",
      "area",
      "stage",
      "state",
      "since",
      "rounds",
      "waited_coordination_s",
      "waited_author_s",
      "last_decision",
      "last_reason",
    ],
    rows.map((row) => {
      const last = row.central.review?.rounds.at(-1);
      return [
        row.central.folio,
        row.central.project,
        row.area,
        row.central.stage,
        row.central.state,
        row.since,
        row.central.review?.rounds.length ?? 0,
        row.waited?.coordination ?? null,
        row.waited?.author ?? null,
        last?.decision ?? null,
        last?.reason ?? (last?.observations ?? []).map((item) => `${item.at}: ${item.text}`).join("; "),
      ];
    }),
  );
}
