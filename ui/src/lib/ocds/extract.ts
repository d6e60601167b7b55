/** What the file of a project shows, read out of a compiled release (OCDS 1.1). Everything may be missing. */

type Json = Record<string, unknown>;
export interface Money {
  amount: number;
  currency: string;
}

export interface Contract {
  id: string;
  title: string | null;
  status: string | null;
  value: Money | null;
  signed: string | null;
  start: string | null;
  end: string | null;
  suppliers: string[];
}
export interface Milestone {
  id: string;
  title: string;
  status: string | null;
  due: string | null;
  met: string | null;
}
export interface Payment {
  id: string;
  contract: string;
  date: string | null;
  value: Money | null;
  payee: string | null;
}
export interface Document {
  id: string;
  title: string;
  type: string | null;
  url: string | null;
  date: string | null;
  section: string;
}

const object = (value: unknown): Json =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
const list = (value: unknown): Json[] => (Array.isArray(value) ? value.map(object) : []);
const text = (value: unknown): string | null =>
  typeof value === "string" && value !== "" ? value : typeof value === "number" ? String(value) : null;

function money(value: unknown): Money | null {
  const { amount, currency } = object(value);
  return typeof amount === "number" ? { amount, currency: text(currency) ?? "MXN" } : null;
}

export function contracts(compiled: unknown): Contract[] {
  const awards = list(object(compiled).awards);
  return list(object(compiled).contracts).map((contract, index) => {
    const award = awards.find((item) => text(item.id) === text(contract.awardID));
    const period = object(contract.period);
    return {
      id: text(contract.id) ?? String(index + 1),
      title: text(contract.title) ?? text(award?.title),
      status: text(contract.status),
      value: money(contract.value) ?? money(award?.value),
      signed: text(contract.dateSigned),
      start: text(period.startDate),
      end: text(period.endDate),
      suppliers: list(award?.suppliers).flatMap((supplier) => text(supplier.name) ?? []),
    };
  });
}

export function milestones(compiled: unknown): Milestone[] {
  const release = object(compiled);
  const found = [
    ...list(object(release.planning).milestones),
    ...list(object(release.tender).milestones),
    ...list(release.contracts).flatMap((contract) => [
      ...list(contract.milestones),
      ...list(object(contract.implementation).milestones),
    ]),
  ];
  return found
    .map((item, index) => ({
      id: text(item.id) ?? String(index + 1),
      title: text(item.title) ?? text(item.id) ?? "–",
      status: text(item.status),
      due: text(item.dueDate),
      met: text(item.dateMet),
    }))
    .sort((a, b) => (a.due ?? "9").localeCompare(b.due ?? "9"));
}

export function payments(compiled: unknown): Payment[] {
  return list(object(compiled).contracts)
    .flatMap((contract) =>
      list(object(contract.implementation).transactions).map((item, index) => ({
        id: text(item.id) ?? String(index + 1),
        contract: text(contract.id) ?? "",
        date: text(item.date),
        value: money(item.value),
        payee: text(object(item.payee).name),
      })),
    )
    .sort((a, b) => (b.date ?? "").localeCompare(a.date ?? ""));
}

/** Documents of every section; one that several sections name is shown once. */
export function documents(compiled: unknown): Document[] {
  const release = object(compiled);
  const sections: [string, unknown][] = [
    ["planning", object(release.planning).documents],
    ["tender", object(release.tender).documents],
    ...list(release.awards).map((item): [string, unknown] => ["award", item.documents]),
    ...list(release.contracts).flatMap((item): [string, unknown][] => [
      ["contract", item.documents],
      ["implementation", object(item.implementation).documents],
    ]),
  ];
  const seen = new Set<string>();
  return sections.flatMap(([section, found]) =>
    list(found).flatMap((item, index) => {
      const id = text(item.id) ?? `${section}-${index}`;
      if (seen.has(`${section}/${id}`)) return [];
      seen.add(`${section}/${id}`);
      return [
        {
          id,
          section,
          title: text(item.title) ?? text(item.documentType) ?? id,
          type: text(item.documentType),
          url: text(item.url),
          date: text(item.datePublished) ?? text(item.dateModified),
        },
      ];
    }),
  );
}

export interface Point {
  on: string;
  planned: number | null;
  actual: number | null;
}

interface Visit {
  visitedOn: string | null;
  state: string;
  at: string;
  physical: { planned?: number | null; actual?: number | null } | null;
  financial: { planned?: number | null; actual?: number | null } | null;
}

/** Progress by day of visit, oldest first. Of two follow-ups of one day the later one counts; what was refused or
 *  withdrawn does not. */
export function series(followUps: readonly Visit[], kind: "physical" | "financial"): Point[] {
  const days = new Map<string, Visit>();
  for (const visit of followUps) {
    if (!visit.visitedOn || !/^\d{4}-\d{2}-\d{2}$/.test(visit.visitedOn)) continue;
    if (["rejected", "withdrawn", "superseded", "draft"].includes(visit.state)) continue;
    const value = visit[kind];
    if (!value || (value.planned ?? value.actual ?? null) === null) continue;
    const there = days.get(visit.visitedOn);
    if (!there || there.at < visit.at) days.set(visit.visitedOn, visit);
  }
  return [...days.values()]
    .map((visit) => ({
      on: visit.visitedOn ?? "",
      planned: visit[kind]?.planned ?? null,
      actual: visit[kind]?.actual ?? null,
    }))
    .sort((a, b) => a.on.localeCompare(b.on));
}
