import { describe, expect, it } from "vitest";
import { place, readBlock } from "./block";

const columns = [
  { id: "visitedOn", titles: ["Fecha de la visita", "Date of the visit"] },
  { id: "physicalActual", titles: ["Avance físico real", "Physical progress, actual"] },
  { id: "notes", titles: ["Notas internas", "Internal notes"] },
];
const folios = ["P-1", "P-2", "P-3"];
const at = { folio: "P-2", field: "physicalActual" };

describe("a block copied from a spreadsheet", () => {
  it("is read by lines and tabs, quotes and all", () => {
    expect(readBlock("a\tb\r\nc\td\r\n")).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
    expect(readBlock('"dos\nlíneas"\t"con ""comillas"""\n')).toEqual([["dos\nlíneas", 'con "comillas"']]);
    expect(readBlock('5" de tubo\t1')).toEqual([['5" de tubo', "1"]]);
    expect(readBlock("")).toEqual([]);
  });

  it("goes to its projects when it names their folios, in any order", () => {
    const placed = place(readBlock("p-3\thoy\t30\nP-1\tayer\t10\nP-9\thoy\t1"), folios, columns, at);
    expect(placed.cells).toEqual([
      { folio: "P-3", field: "visitedOn", value: "hoy" },
      { folio: "P-3", field: "physicalActual", value: "30" },
      { folio: "P-1", field: "visitedOn", value: "ayer" },
      { folio: "P-1", field: "physicalActual", value: "10" },
    ]);
    expect(placed.unknown).toEqual(["P-9"]);
  });

  it("is laid from the cell with the focus when it does not", () => {
    const placed = place(readBlock("20\tnota\n30\n40"), folios, columns, at);
    expect(placed.cells).toEqual([
      { folio: "P-2", field: "physicalActual", value: "20" },
      { folio: "P-2", field: "notes", value: "nota" },
      { folio: "P-3", field: "physicalActual", value: "30" },
    ]);
    expect(placed.outside).toBe(1);
  });

  it("heeds a first row of titles, and leaves alone what is blank", () => {
    const placed = place(readBlock("FOLIO\tNotas internas\tavance fisico real\nP-2\t\t55"), folios, columns, at);
    expect(placed.cells).toEqual([{ folio: "P-2", field: "physicalActual", value: "55" }]);
  });
});
