import { bytes, day, moment } from "./format";
import type { Code } from "./host/bindings/Code";
import type { FieldFinding } from "./host/bindings/FieldFinding";
import type { Problem } from "./host/bindings/Problem";
import { type Params, has, lang, n, t } from "./i18n/index.svelte";

/** What the person can do about a problem from here. */
export type Action = "retry" | "send-now" | "enrol" | "tray" | "projects" | "first-error" | "copy-diagnostics";

/** Three looks: a finding goes beside its field, a precondition in a quiet banner, a fault in a dialog. */
export type Look = "finding" | "precondition" | "fault";

const ACTIONS: Partial<Record<Code, Action>> = {
  malformed_request: "copy-diagnostics",
  broken_compression: "copy-diagnostics",
  too_large: "copy-diagnostics",
  fault: "copy-diagnostics",
  receipt_invalid: "copy-diagnostics",
  op_id_reused: "copy-diagnostics",
  store_set_aside: "copy-diagnostics",
  unauthenticated: "send-now",
  gap: "send-now",
  unavailable: "send-now",
  body_damaged: "send-now",
  server_unreachable: "send-now",
  server_not_ours: "send-now",
  no_progress: "send-now",
  too_many_requests: "send-now",
  project_unknown: "send-now",
  not_enrolled: "enrol",
  draft_unknown: "tray",
  not_found: "projects",
  process_unknown: "projects",
  has_errors: "first-error",
  store_in_use: "retry",
  disk_full: "retry",
  disk_failing: "retry",
  folder_read_only: "retry",
  keyring_locked: "retry",
};

const FAULTS: readonly Code[] = ["fault", "command_invalid", "malformed_request", "store_set_aside"];

export function look(problem: Problem): Look {
  if (problem.code === "has_errors") return "finding";
  return FAULTS.includes(problem.code) ? "fault" : "precondition";
}

export interface Described {
  text: string;
  action: Action | null;
  actionLabel: string | null;
}

/** A problem as a sentence in the language in use, with what can be done about it. */
export function describe(problem: Problem): Described {
  const key = `problem.${problem.code}`;
  // Only a problem without a sentence of its own is told by its name; «{code}» in any other is a code of activation.
  const text = has(key)
    ? t(key, readable(problem.params))
    : t("problem.unknown", { ...readable(problem.params), code: problem.code });
  const action = ACTIONS[problem.code] ?? (problem.retry === "later" ? "retry" : null);
  return { text, action, actionLabel: action ? t(`action.${action}`) : null };
}

/** Values of a problem in the words of a person: sizes, moments, counts. */
function readable(params: Params): Params {
  const shown: Params = {};
  for (const [name, value] of Object.entries(params ?? {})) {
    if (typeof value === "number" && /bytes$/i.test(name)) shown[name] = bytes(value, lang());
    else if (typeof value === "string" && /At$/.test(name)) shown[name] = moment(value, lang());
    else if (name === "findings" && Array.isArray(value)) shown[name] = n("count.data", value.filter(holds).length);
    else shown[name] = value;
  }
  return shown;
}

/** Warnings hold nothing, so they are not counted among what must be corrected. */
function holds(item: unknown): boolean {
  return (item as Partial<FieldFinding> | null)?.finding?.severity !== "warning";
}

export type Finding = FieldFinding["finding"];

/** A finding as a sentence. `label` is the title of its field, when it has one. */
export function describeFinding(finding: Finding, label?: string): string {
  const params: Params = finding.params ?? {};
  const shown: Params = {};
  for (const [name, value] of Object.entries(params)) shown[name] = readableValue(value);
  shown.label = label ? `«${label}»` : place(finding.pointer, params);
  shown.rule = finding.rule;
  const withReason = `rule.${finding.rule}.${String(params.reason ?? "")}`;
  const plain = `rule.${finding.rule}`;
  if (has(withReason)) return t(withReason, shown);
  if (has(plain)) return t(plain, shown);
  return t("rule.unknown", shown);
}

function readableValue(value: unknown): unknown {
  if (typeof value === "string" && /^\d{4}-\d{2}-\d{2}(T|$)/.test(value)) return day(value.slice(0, 10), lang());
  return value;
}

/** `/release/contracts/0/value/amount` → `«contracts · value · amount»`: a place that has no field of its own. */
function place(pointer: string, params: Params): string {
  const steps = pointer.split("/").filter((step) => step !== "" && step !== "release" && !/^\d+$/.test(step));
  const text = steps.length > 0 ? steps.join(" · ") : String(params.field ?? "");
  return text ? `«${text}»` : t("finding.whole");
}
