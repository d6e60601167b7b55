import { day, decimal } from "../format";
import type { Alert } from "../host/bindings/Alert";
import type { AlertKind } from "../host/bindings/AlertKind";
import type { Light } from "../host/bindings/Light";
import { lang, n } from "../i18n/index.svelte";
import type { IconName } from "../ui/icons";
import type { Tone } from "./state";

/** Worst first. */
export const LIGHTS: readonly Light[] = ["late", "silent", "soon", "ok"];

/** A shape and a tone for each light: colour is never the only sign. */
export const lightFaces: Record<Light, { icon: IconName; tone: Tone }> = {
  late: { icon: "alert", tone: "danger" },
  silent: { icon: "speech", tone: "purple" },
  soon: { icon: "clock", tone: "warning" },
  ok: { icon: "tick", tone: "success" },
};

/** The light that an alert turns on, as `domain::alert` says. */
export const lightOf: Record<AlertKind, Light> = {
  milestone_overdue: "late",
  contract_overdue: "late",
  behind_plan: "late",
  paid_ahead: "late",
  handover_missing: "late",
  settlement_missing: "late",
  no_follow_up: "silent",
  contract_ending: "soon",
};

/** The cause of an alert as a sentence, with its days. */
export function cause(alert: Alert): string {
  const shown = Object.entries(alert.params).map(([name, value]): [string, unknown] => {
    if (name === "on" || name === "last") return [name, day(value as string | null, lang())];
    return [name, typeof value === "number" ? decimal(value, lang(), 1) : value];
  });
  return n(`alert.${alert.kind}`, alert.days, Object.fromEntries(shown));
}
