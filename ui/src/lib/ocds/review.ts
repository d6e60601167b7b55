import { day, decimal, duration } from "../format";
import type { Changed } from "../host/bindings/Changed";
import type { ReviewRow } from "../host/bindings/ReviewRow";
import type { Round } from "../host/bindings/Round";
import { lang, t, text } from "../i18n/index.svelte";

/** What waits for somebody to review it. */
export const waits = (row: ReviewRow): boolean =>
  row.central.state === "received" && ["review", "untrained"].includes(row.central.held?.why ?? "");

/** What came back to its author, or what is public and asked about. */
export const asked = (row: ReviewRow): boolean =>
  row.central.state === "observed" ||
  (["accepted", "published"].includes(row.central.state) && row.central.review?.rounds.at(-1)?.decision === "observe");

/** What a place of the follow-up is called: as its form says, or by its path, items by their id. */
export function placeName(at: string, row: Pick<ReviewRow, "labels" | "changes">): string {
  const label = row.labels[at];
  if (label) return text(label);
  const path = row.changes.find((changed) => changed.at === at)?.path ?? at;
  const steps = path
    .split("/")
    .slice(1)
    .filter((step) => step !== "release")
    .map((step) => step.replace(/^id=/, "").replaceAll("~1", "/").replaceAll("~0", "~"));
  return steps.length > 0 ? steps.join(" › ") : t("finding.whole");
}

/** A value of a follow-up in words. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "number") return decimal(value, lang());
  if (typeof value !== "string") return JSON.stringify(value);
  return /^\d{4}-\d{2}-\d{2}(T|$)/.test(value) ? day(value.slice(0, 10), lang()) : value;
}

/** Who said a round: the name where it may be known, always the role and the área. */
export function whoSaid(row: ReviewRow, round: Pick<Round, "opId" | "role" | "area">): string {
  const post = t("conflict.post", { role: t(`role.${round.role}`), area: round.area });
  const name = row.names[round.opId];
  return name ? `${name} · ${post}` : post;
}

/** The day so many days after another, `yyyy-mm-dd`. */
export const plusDays = (day: string, days: number): string =>
  new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);

/** How long it waited for whom, in words. */
export function waitedText(row: ReviewRow): string {
  if (!row.waited) return "";
  const coordination = duration(row.waited.coordination * 1000);
  if (row.waited.author === 0) return t("review.waitedOnly", { coordination });
  return t("review.waited", { coordination, author: duration(row.waited.author * 1000) });
}

/** What the form has a field for comes first: ids and codes that only go with it are behind. */
export const changesInOrder = (changes: readonly Changed[], labels: ReviewRow["labels"]): Changed[] =>
  [...changes].sort((a, b) => Number(labels[b.at] !== undefined) - Number(labels[a.at] !== undefined));
