import { cleanup, fireEvent, render, screen } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ConflictRow } from "../lib/host/bindings/ConflictRow";
import type { Call, Host } from "../lib/host/types";
import { setLang } from "../lib/i18n/index.svelte";
import ConflictCard from "./ConflictCard.svelte";
import { Session } from "./session.svelte";

beforeEach(() => setLang("es"));
afterEach(cleanup);

function row(part: Partial<ConflictRow> = {}): ConflictRow {
  const at = "2026-03-12T18:00:00Z";
  return {
    id: "f1",
    folio: "S-00000-00001",
    project: "P-1",
    title: "Banqueta",
    ocid: "ocds-000000-P-1",
    state: "conflict",
    conflict: {
      version: 3,
      since: at,
      held: { opId: "o2", folio: "S-00000-00001", role: "campo", area: "Parques", capturedAt: at },
      standing: [
        {
          release: "r3",
          version: 3,
          acceptedAt: at,
          author: { opId: "o1", folio: "S-00000-00002", role: "enlace", area: "Obras", capturedAt: at },
        },
      ],
      overlaps: [{ path: "/contracts/id=OP~11/value/amount", standing: 55000, offered: 60000, release: "r3" }],
    },
    names: { o1: "Persona Uno" },
    may: ["keep", "apply"],
    own: null,
    ...part,
  };
}

function card(shown: ConflictRow) {
  const call = vi.fn(async () => ({ folio: shown.folio }));
  const host = { call: call as unknown as Call } as Host;
  return { call, ...render(ConflictCard, { session: new Session(host), row: shown }) };
}

describe("a conflict", () => {
  it("shows both values side by side with who captured each", () => {
    const { container } = card(row());
    const cells = [...container.querySelectorAll("tbody tr:first-child > *")].map((cell) => cell.textContent);
    expect(cells).toEqual(["contracts › OP/1 › value › amount", "55,000", "60,000"]);
    expect(container.textContent).toContain("Persona Uno · Enlace, Obras");
    expect(container.textContent).toContain("Campo, Parques");
  });

  it("is chosen with a reason, on the version that was on the screen when it was written", async () => {
    const { container, call, rerender } = card(row());
    const button = (action: string) => container.querySelector<HTMLButtonElement>(`[data-action=${action}]`);
    expect(button("apply")?.disabled).toBe(true);
    await fireEvent.input(screen.getByLabelText("Motivo"), { target: { value: "El acta" } });
    const newer = row();
    newer.conflict.version = 4;
    await rerender({ row: newer });
    await fireEvent.click(button("apply") as HTMLButtonElement);
    expect(call).toHaveBeenCalledWith("choose", { id: "f1", resolution: "apply", reason: "El acta", version: 3 });
  });

  it("lets its author only withdraw, and others only look", () => {
    const author = card(row({ may: ["keep"] }));
    expect(author.container.querySelector("[data-action=keep]")?.textContent).toBe("Retirar mi seguimiento");
    expect(author.container.querySelector("[data-action=apply]")).toBeNull();
    author.unmount();
    expect(card(row({ may: [] })).container.querySelector("button, textarea")).toBeNull();
  });

  it("says why a choice was refused", () => {
    const own: ConflictRow["own"] = {
      resolution: "apply",
      reason: "El acta",
      at: "2026-03-12T18:00:00Z",
      state: "rejected",
      findings: [{ pointer: "/version", rule: "choice-outdated", severity: "error", params: { value: 3, version: 4 } }],
      problem: null,
    };
    expect(card(row({ own })).container.querySelector(".refused")?.textContent).toContain("ahora es la versión 4");
  });
});
