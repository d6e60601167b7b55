import type { Draft } from "../host/bindings/Draft";
import type { Field } from "../host/bindings/Field";
import type { FieldFinding } from "../host/bindings/FieldFinding";
import type { Kind } from "../host/bindings/Kind";

/** Small drafts for tests of this folder. */
const both = (text: string) => ({ es: text, en: `${text} (en)` });

export function field(id: string, kind: Kind, more: Partial<Field> = {}): Field {
  return {
    id,
    kind,
    path: `/${id}`,
    class: "public",
    required: "never",
    title: both(`Título ${id}`),
    help: both(`Ayuda ${id}`),
    choices: [],
    maxLength: 250,
    mayLack: false,
    ...more,
  };
}

export function finding(id: string | null, rule: string, severity: "error" | "warning" = "error"): FieldFinding {
  return { field: id, finding: { pointer: `/${id ?? ""}`, rule, severity, params: { value: "x" } } };
}

export function draft(more: Partial<Draft> = {}): Draft {
  return {
    id: "d-1",
    folio: "S-00000-00001",
    project: {
      folio: "P-1",
      title: "Parque",
      ocid: "ocds-000000-P-1",
      place: null,
      areas: [],
      budget: null,
      physical: null,
      financial: null,
      visitedOn: null,
      waiting: 0,
      draft: "d-1",
      position: null,
    },
    form: {
      id: "implementation",
      version: 1,
      stage: "implementation",
      title: both("Ejecución"),
      groups: [
        {
          id: "progress",
          title: both("Avance"),
          help: both("Ayuda"),
          optional: false,
          copyOf: null,
          fields: [
            field("visitedOn", "date", { required: "always" }),
            field("physicalActual", "percent", { required: "always" }),
          ],
        },
        {
          id: "contract",
          title: both("Contrato"),
          help: both("Ayuda"),
          optional: true,
          copyOf: null,
          fields: [
            field("contractId", "text", { required: "group" }),
            field("milestoneStatus", "code", { choices: [{ code: "met", title: both("Cumplido") }] }),
          ],
        },
        {
          id: "internal",
          title: both("Notas"),
          help: both("Ayuda"),
          optional: false,
          copyOf: null,
          fields: [field("notes", "notes", { class: "internal", maxLength: 4000 })],
        },
      ],
      lacking: [{ code: "notYet", title: both("Todavía no existe") }],
    },
    values: {},
    last: { physicalActual: "30", milestoneStatus: "met" },
    lastOn: "2026-10-02",
    understood: {},
    newerForm: null,
    findings: [],
    missing: 0,
    files: [],
    savedAt: "2026-11-22T16:00:00Z",
    corrects: null,
    ...more,
  };
}
