import { plain } from "../format";

/** Reads a block copied from a spreadsheet: rows by line, cells by tab; a cell in quotes may hold both. */
export function readBlock(text: string): string[][] {
  const rows: string[][] = [[]];
  let cell = "";
  let quoted = false;
  const close = () => {
    rows.at(-1)?.push(cell.trim());
    cell = "";
  };
  for (let at = 0; at < text.length; at += 1) {
    const ch = text[at];
    if (quoted) {
      if (ch !== '"') cell += ch;
      else if (text[at + 1] === '"') {
        cell += ch;
        at += 1;
      } else quoted = false;
    } else if (ch === '"' && cell === "") quoted = true;
    else if (ch === "\t") close();
    else if (ch === "\n" || ch === "\r") {
      if (ch === "\r" && text[at + 1] === "\n") at += 1;
      close();
      rows.push([]);
    } else cell += ch;
  }
  close();
  return rows.filter((row) => row.some((value) => value !== ""));
}

/** One value that goes to a cell of the grid. */
export interface Cell {
  folio: string;
  field: string;
  value: string;
}

/** What a block becomes. */
export interface Placed {
  cells: Cell[];
  /** Folios of the block that are not in the grid. */
  unknown: string[];
  /** Values that fall outside of it. */
  outside: number;
}

export interface Column {
  id: string;
  titles: string[];
}

const FOLIO = ["folio", "proyecto", "project"];

/**
 * Lays a block on the grid. If it names folios in its first column, each row goes to its project, whatever the order;
 * otherwise it is laid from the cell with the focus. A first row of column titles says which column is which.
 */
export function place(
  block: readonly string[][],
  folios: readonly string[],
  columns: readonly Column[],
  focus: { folio: string; field: string },
): Placed {
  const known = new Map(folios.map((folio) => [plain(folio), folio]));
  const titled = (cell: string) =>
    columns.find((column) => column.titles.some((title) => plain(title) === plain(cell)));
  const [first = []] = block;
  const headed =
    first.some((cell) => titled(cell) !== undefined) &&
    first.every((cell) => cell === "" || titled(cell) !== undefined || FOLIO.includes(plain(cell)));
  const rows = headed ? block.slice(1) : block;
  const byFolio = rows.length > 0 && rows.some((row) => known.has(plain(row[0] ?? "")));
  const from = columns.findIndex((column) => column.id === focus.field);
  const ids = columns.map((column) => column.id);
  const order: (string | undefined)[] = headed
    ? first.slice(byFolio ? 1 : 0).map((cell) => titled(cell)?.id)
    : ids.slice(byFolio ? 0 : Math.max(from, 0));
  const placed: Placed = { cells: [], unknown: [], outside: 0 };
  const top = Math.max(folios.indexOf(focus.folio), 0);
  rows.forEach((row, at) => {
    const folio = byFolio ? known.get(plain(row[0] ?? "")) : folios[top + at];
    const values = byFolio ? row.slice(1) : row;
    if (folio === undefined) {
      if (byFolio && row[0]) placed.unknown.push(row[0]);
      else placed.outside += values.filter((value) => value !== "").length;
      return;
    }
    values.forEach((value, column) => {
      const field = order[column];
      // A blank cell of a block says nothing: it must not clear what was typed.
      if (value === "") return;
      if (field === undefined) placed.outside += 1;
      else placed.cells.push({ folio, field, value });
    });
  });
  return placed;
}
