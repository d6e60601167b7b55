import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Ready } from "../app/session.svelte";
import { Session } from "../app/session.svelte";
import type { ReviewRow } from "../lib/host/bindings/ReviewRow";
import type { ReviewSent } from "../lib/host/bindings/ReviewSent";
import type { Call, Host } from "../lib/host/types";
import { setLang } from "../lib/i18n/index.svelte";
import { reviewsCsv } from "./reviews";
import Review from "./screens/Review.svelte";

beforeEach(() => setLang("es"));
afterEach(cleanup);

const me = { today: "2026-11-28", person: { role: "coordinacion" } } as unknown as Ready;

function row(id: string, part: Partial<ReviewRow> = {}, central: Partial<ReviewRow["central"]> = {}): ReviewRow {
  const at = "2026-11-20T18:00:00Z";
  return {
    central: {
      id,
      opId: `op-${id}`,
      folio: `S-${id}`,
      project: "P-1",
      ocid: "ocds-000000-P-1",
      area: "obras",
      stage: "implementation",
      state: "received",
      held: { why: "review" },
      capturedAt: at,
      visitedOn: null,
      progress: null,
      evidence: [],
      findings: [],
      review: { since: at, rounds: [] },
      ...central,
    },
    title: `Obra ${id}`,
    area: "Obras de muestra",
    own: false,
    since: at,
    names: { [`op-${id}`]: "Persona de muestra" },
    may: ["accept", "observe", "reject"],
    correct: false,
    act: null,
    changes: [
      {
        at: "/release/contracts/0/dateSigned",
        path: "/contracts/id=C-1/dateSigned",
        before: null,
        after: "2026-03-01",
      },
      { at: "/progress/physical/actual", path: "/progress/physical/actual", before: 30, after: 35 },
    ],
    labels: { "/progress/physical/actual": { es: "Avance físico real", en: "Actual physical progress" } },
    waited: { coordination: 7200, author: 0 },
    ...part,
  };
}

async function shown(rows: ReviewRow[], sent: (id: string) => ReviewSent["problem"] = () => null) {
  const call = vi.fn(async (name: string, request: { id?: string; acts?: { followUp: string }[] }) => {
    if (name === "reviews") return request.id ? rows.filter((item) => item.central.id === request.id) : rows;
    return (request.acts ?? []).map((act) => ({
      id: act.followUp,
      folio: `S-${act.followUp}`,
      problem: sent(act.followUp),
    }));
  });
  const session = new Session({ call: call as unknown as Call } as Host);
  const view = render(Review, { session, me, route: { screen: "review" } });
  await screen.findByText(/Esperan revisión/);
  const acts = () => call.mock.calls.filter(([name]) => name === "review").flatMap(([, request]) => request.acts ?? []);
  const at = (id: string) => view.container.querySelector<HTMLElement>(`[data-row="${id}"]`) as HTMLElement;
  const title = (id: string) => at(id).querySelector<HTMLButtonElement>("[data-open]") as HTMLButtonElement;
  return { ...view, call, acts, at, title };
}

const press = (key: string) => fireEvent.keyDown(document.activeElement as HTMLElement, { key });

describe("the queue of reviews", () => {
  it("shows what waits, and what changes when a row is opened", async () => {
    const { at, title, container } = await shown([row("1"), row("2", { may: [] }, { state: "observed" })]);
    expect(container.querySelectorAll("[data-row]")).toHaveLength(1);
    expect(container.querySelector("[data-part=away]")?.textContent).toContain("Obra 2");
    await fireEvent.click(title("1"));
    await waitFor(() => expect(at("1").querySelector("table")).not.toBeNull());
    const cells = [...at("1").querySelectorAll("tbody tr:first-child > *")].map((cell) => cell.textContent?.trim());
    expect(cells.slice(0, 3)).toEqual(["Avance físico real", "30", "35"]);
    expect(at("1").textContent).toContain("contracts › C-1 › dateSigned");
  });

  it("is walked and decided with the keyboard, and nothing that was not on the screen", async () => {
    const { acts, at, title } = await shown([row("1"), row("2")]);
    title("1").focus();
    await press("j");
    expect(document.activeElement).toBe(title("2"));
    await press("ArrowUp");
    expect(document.activeElement).toBe(title("1"));
    await press("a");
    expect(acts()).toEqual([]);
    await waitFor(() => expect(at("1").querySelector("[data-action=accept]")).not.toBeNull());
    await press("a");
    await waitFor(() => expect(acts()).toHaveLength(1));
    expect(acts()[0]).toMatchObject({ followUp: "1", version: 0, decision: "accept" });
    await waitFor(() => expect(document.activeElement).toBe(title("2")));
  });

  it("observes a value with a deadline, and letters typed in the text decide nothing", async () => {
    const { acts, at, title } = await shown([row("1")]);
    await fireEvent.click(title("1"));
    await waitFor(() => expect(at("1").querySelector("[data-at='/progress/physical/actual'] button")).not.toBeNull());
    await fireEvent.click(at("1").querySelector("[data-at='/progress/physical/actual'] button") as HTMLElement);
    const words = screen.getByLabelText("¿Qué hay que corregir o aclarar?");
    words.focus();
    await press("a");
    await press("r");
    expect(acts()).toEqual([]);
    await fireEvent.input(words, { target: { value: " La foto muestra menos. " } });
    await fireEvent.change(screen.getByLabelText("Plazo"), { target: { value: "5" } });
    await fireEvent.click(at("1").querySelector("[data-action=send]") as HTMLElement);
    await waitFor(() => expect(acts()).toHaveLength(1));
    expect(acts()[0]).toMatchObject({
      decision: "observe",
      observations: [{ at: "/progress/physical/actual", text: "La foto muestra menos.", due: "2026-12-03" }],
    });
  });

  it("rejects only with a reason", async () => {
    const { acts, at, title } = await shown([row("1")]);
    await fireEvent.click(title("1"));
    await waitFor(() => expect(at("1").querySelector("[data-action=reject]")).not.toBeNull());
    title("1").focus();
    await press("r");
    const send = () => at("1").querySelector<HTMLButtonElement>("[data-action=send]");
    expect(send()?.disabled).toBe(true);
    await fireEvent.input(screen.getByLabelText("Motivo del rechazo"), { target: { value: "Es de otro proyecto" } });
    await fireEvent.click(send() as HTMLElement);
    await waitFor(() => expect(acts()[0]).toMatchObject({ decision: "reject", reason: "Es de otro proyecto" }));
  });

  it("accepts a batch and says what became of each", async () => {
    const problem = { code: "review_outdated", params: { folio: "S-2" }, retry: "after_fix" } as ReviewSent["problem"];
    const { acts, at, container } = await shown([row("1"), row("2"), row("3", { may: [], own: true })], (id) =>
      id === "2" ? problem : null,
    );
    expect(at("3").querySelector("input")).toBeNull();
    expect(at("3").textContent).toContain("Capturado por ti");
    for (const id of ["1", "2"]) await fireEvent.click(at(id).querySelector("input") as HTMLElement);
    await fireEvent.click(container.querySelector("[data-action=accept-batch]") as HTMLElement);
    await waitFor(() => expect(at("2").querySelector("[data-result]")).not.toBeNull());
    expect(acts()).toHaveLength(2);
    expect(at("1").querySelector("[data-result]")?.textContent).toBe("Guardado; se envía solo.");
    expect(at("2").querySelector("[data-result]")?.textContent).toContain("mientras tanto");
  });

  it("gives the times as data", () => {
    const line = reviewsCsv([row("1")]).split("\r\n")[1];
    expect(line).toBe("S-1,P-1,Obras de muestra,implementation,received,2026-11-20T18:00:00Z,0,7200,0,,");
  });
});
