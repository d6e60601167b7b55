import { describe, expect, it } from "vitest";
import { contracts, documents, milestones, payments, series } from "./extract";

const compiled = {
  planning: { milestones: [{ id: "m1", title: "Asamblea", dueDate: "2026-09-01T00:00:00Z", status: "met" }] },
  awards: [{ id: "A1", title: "Adjudicación", suppliers: [{ id: "x", name: "Constructora" }] }],
  contracts: [
    {
      id: 7,
      awardID: "A1",
      status: "active",
      value: { amount: 10, currency: "MXN" },
      documents: [{ id: "d1", title: "Contrato", documentType: "contractSigned" }],
      implementation: {
        milestones: [{ id: "m2", title: "Colado", dueDate: "2026-03-01T00:00:00Z" }],
        transactions: [
          { id: "1", date: "2026-01-01T00:00:00Z", value: { amount: 2 } },
          { id: "2", date: "2026-05-01T00:00:00Z", value: { amount: 3, currency: "MXN" } },
        ],
        documents: [
          { id: "d1", title: "Foto" },
          { id: "d1", title: "Foto" },
        ],
      },
    },
  ],
};

describe("a compiled release", () => {
  it("gives contracts with the supplier of their award", () => {
    expect(contracts(compiled)).toMatchObject([
      {
        id: "7",
        title: "Adjudicación",
        suppliers: ["Constructora"],
        value: { amount: 10, currency: "MXN" },
        signed: null,
      },
    ]);
  });

  it("gives milestones of every section by date and payments newest first", () => {
    expect(milestones(compiled).map((item) => item.title)).toEqual(["Colado", "Asamblea"]);
    expect(payments(compiled).map((item) => item.id)).toEqual(["2", "1"]);
    expect(payments(compiled)[1]).toMatchObject({ contract: "7", value: { amount: 2, currency: "MXN" } });
  });

  it("gives each document of a section once", () => {
    expect(documents(compiled).map((item) => `${item.section} ${item.title}`)).toEqual([
      "contract Contrato",
      "implementation Foto",
    ]);
  });

  it("survives whatever is not there", () => {
    for (const nothing of [null, undefined, {}, [], "x", { contracts: {} }, { contracts: [null] }]) {
      expect(payments(nothing)).toEqual([]);
      expect(documents(nothing)).toEqual([]);
      expect(milestones(nothing)).toEqual([]);
    }
    expect(contracts(null)).toEqual([]);
  });
});

describe("the series of a project", () => {
  const visit = (visitedOn: string | null, actual: number | null, at = "1", state = "received") => ({
    visitedOn,
    state,
    at,
    physical: actual === null ? null : { planned: 50, actual },
    financial: null,
  });

  it("is by day, oldest first; of one day the later capture counts", () => {
    const points = series(
      [visit("2026-03-01", 30), visit("2026-01-01", 10, "1"), visit("2026-01-01", 12, "2")],
      "physical",
    );
    expect(points).toEqual([
      { on: "2026-01-01", planned: 50, actual: 12 },
      { on: "2026-03-01", planned: 50, actual: 30 },
    ]);
  });

  it("leaves out drafts, what was refused or replaced, and what has no day or figure", () => {
    const left = [
      visit("2026-01-01", 1, "1", "draft"),
      visit("2026-01-02", 1, "1", "rejected"),
      visit("2026-01-03", 1, "1", "superseded"),
      visit(null, 1),
      visit("hoy", 1),
      visit("2026-01-04", null),
    ];
    expect(series(left, "physical")).toEqual([]);
    expect(series([visit("2026-01-01", 5)], "financial")).toEqual([]);
  });
});
