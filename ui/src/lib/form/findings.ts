import type { Draft } from "../host/bindings/Draft";
import type { Field } from "../host/bindings/Field";
import type { FieldFinding } from "../host/bindings/FieldFinding";

export type Finding = FieldFinding["finding"];

/** Findings by field; those about the whole under the empty name. */
export function byField(findings: readonly FieldFinding[]): Map<string, Finding[]> {
  const found = new Map<string, Finding[]>();
  for (const { field, finding } of findings) {
    const name = field ?? "";
    found.set(name, [...(found.get(name) ?? []), finding]);
  }
  return found;
}

/** Under which name the reason why a field has no datum is typed. */
export const lackKey = (field: Field): string => `~${field.id}`;

export const fieldsOf = (draft: Draft): Field[] => draft.form.groups.flatMap((group) => group.fields);

export const errorsOf = (draft: Draft): FieldFinding[] =>
  draft.findings.filter((item) => item.finding.severity === "error");
export const warningsOf = (draft: Draft): FieldFinding[] =>
  draft.findings.filter((item) => item.finding.severity === "warning");

/** What is missing is said once the person passed by the field, or asked to send; what is wrong, at once. */
export function visible(finding: Finding, touched: boolean): boolean {
  return finding.rule !== "field-required" || touched;
}

/** The field of the next error after the one with the focus, in the order of the form, round the end. */
export function nextError(draft: Draft, current: string | null): string | null {
  const order = fieldsOf(draft).map((field) => field.id);
  const wrong = new Set(errorsOf(draft).flatMap((item) => item.field ?? []));
  const names = order.filter((id) => wrong.has(id));
  if (names.length === 0) return null;
  const at = current === null ? -1 : order.indexOf(current);
  return names.find((id) => order.indexOf(id) > at) ?? names[0] ?? null;
}
