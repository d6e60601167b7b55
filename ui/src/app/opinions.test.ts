import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { OpinionDraft } from "../lib/host/bindings/OpinionDraft";
import type { OpinionRow } from "../lib/host/bindings/OpinionRow";
import type { Call, Host } from "../lib/host/types";
import { setLang } from "../lib/i18n/index.svelte";
import { toasts } from "../lib/ui/toasts.svelte";
import { onShortcut } from "./keys";
import MyReports from "./MyReports.svelte";
import OpinionDialog from "./OpinionDialog.svelte";
import { type Ready, Session } from "./session.svelte";

beforeEach(() => {
  setLang("es");
  toasts.list = [];
  location.hash = "#/proyectos";
  // jsdom draws no dialogs.
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function () {
    this.open = false;
    this.dispatchEvent(new Event("close"));
  };
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

type Answers = Record<string, (payload: Record<string, unknown>) => unknown>;

function desk(answers: Answers = {}) {
  const calls: [string, Record<string, unknown>][] = [];
  const call = async (name: string, payload: Record<string, unknown>) => {
    calls.push([name, payload]);
    if (name in answers) return answers[name]!(payload);
    return name === "opinions" ? { rows: [], draft: null } : {};
  };
  const session = new Session({ call: call as unknown as Call } as unknown as Host);
  session.app = { stage: "ready", version: "0.1.0", municipality: { id: "m" }, server: "s" } as unknown as Ready;
  const made = (name: string) => calls.filter(([called]) => called === name).map(([, payload]) => payload);
  return { session, made };
}

async function settled() {
  await new Promise((resolve) => setTimeout(resolve));
  await tick();
}

const draft: OpinionDraft = {
  topic: "suggestion",
  impact: null,
  text: "Que la lista",
  screen: "bulk",
  diagnostics: false,
};
const row = (more: Partial<OpinionRow>): OpinionRow => ({
  id: "1",
  folio: "R-00000-00001",
  topic: "problem",
  impact: "hinders",
  text: "La lista tarda",
  screen: "projects",
  diagnostics: null,
  at: "2026-11-28T18:00:00Z",
  word: "waiting",
  steps: [],
  problem: null,
  findings: [],
  ...more,
});

describe("reporting", () => {
  it("opens with its keys about the screen that is shown, over another dialog too, and never while locked", async () => {
    const { session } = desk();
    const press = async () => {
      const event = new KeyboardEvent("keydown", { key: "R", ctrlKey: true, shiftKey: true, cancelable: true });
      onShortcut(event, session);
      await settled();
      return event.defaultPrevented;
    };
    document.body.innerHTML = "<dialog open></dialog>";
    expect(await press()).toBe(true);
    document.body.innerHTML = "";
    expect(session.opinion.open).toBe(true);
    expect(session.opinion.screen).toBe("projects");
    expect(session.opinion.diagnosis).toContain("version: 0.1.0");
    session.enter({ stage: "locked", new: false, profile: "Perfil 1" });
    expect(session.opinion.open).toBe(false);
    expect(await press()).toBe(false);
    expect(session.opinion.open).toBe(false);
  });

  it("says what is missing, and sends what the person saw", async () => {
    const { session, made } = desk({ opinion_send: () => ({ folio: "R-00000-00001" }) });
    session.report();
    await settled();
    const { container } = render(OpinionDialog, { session });
    const form = container.querySelector("form")!;
    await fireEvent.submit(form);
    expect([...container.querySelectorAll("[role=alert]")].map((alert) => alert.textContent)).toEqual([
      "Elige qué tanto estorba el problema.",
      "Escribe qué pasó o qué opinas.",
    ]);
    expect(made("opinion_send")).toEqual([]);
    const shown = container.querySelector(".diagnosis")!.textContent?.trim();
    await fireEvent.click(container.querySelector("[name=impact][value=blocks]")!);
    await fireEvent.input(container.querySelector("textarea")!, { target: { value: "La lista tarda" } });
    await fireEvent.submit(form);
    await settled();
    expect(made("opinion_send")).toEqual([
      { topic: "problem", impact: "blocks", text: "La lista tarda", screen: "projects", diagnostics: shown },
    ]);
    expect(session.opinion.open).toBe(false);
    expect(session.opinion.text).toBe("");
    expect(toasts.list[0]?.text).toContain("R-00000-00001");
  });

  it("leaves out what the person leaves out, and says no impact of what is no problem", async () => {
    const { session, made } = desk({ opinion_send: () => ({ folio: "R-00000-00001" }) });
    session.report();
    await settled();
    const { container } = render(OpinionDialog, { session });
    await fireEvent.click(container.querySelector("[name=impact][value=blocks]")!);
    await fireEvent.click(container.querySelector("[name=topic][value=opinion]")!);
    await fireEvent.click(container.querySelector("[name=diagnostics]")!);
    expect(container.querySelector(".diagnosis")).toBeNull();
    await fireEvent.input(container.querySelector("textarea")!, { target: { value: "Me gusta" } });
    await fireEvent.keyDown(container.querySelector("textarea")!, { key: "Enter", ctrlKey: true });
    await settled();
    expect(made("opinion_send")).toEqual([
      { topic: "opinion", impact: null, text: "Me gusta", screen: "projects", diagnostics: null },
    ]);
  });

  it("keeps what is typed, and goes on with what was begun where it was begun", async () => {
    const { session, made } = desk({ opinions: () => ({ rows: [], draft }) });
    session.report();
    await settled();
    const pad = session.opinion;
    expect([pad.text, pad.topic, pad.screen, pad.diagnosed]).toEqual(["Que la lista", "suggestion", "bulk", false]);
    pad.text = "Que la lista recuerde";
    pad.changed();
    expect(session.unsaved).toBe(true);
    pad.close();
    await settled();
    expect(session.unsaved).toBe(false);
    expect(made("opinion_keep")).toEqual([{ ...draft, text: "Que la lista recuerde" }]);
  });

  it("keeps what could not be kept until the same person is back, and says why", async () => {
    let full = true;
    const { session, made } = desk({
      opinion_keep: () => {
        if (full) throw { code: "disk_full", params: {}, retry: "after_fix" };
        return {};
      },
    });
    session.report();
    await settled();
    session.opinion.text = "La lista tarda";
    session.opinion.changed();
    expect(await session.saveAll()).toBe(false);
    expect(session.opinion.problem?.code).toBe("disk_full");
    session.enter({ stage: "locked", new: false, profile: "Perfil 1" });
    expect(session.opinion.text).toBe("La lista tarda");
    full = false;
    expect(await session.saveAll()).toBe(true);
    expect(made("opinion_keep")).toHaveLength(2);
  });
});

describe("my reports", () => {
  const list = async (rows: OpinionRow[], begun: OpinionDraft | null = null) => {
    const { session } = desk({ opinions: () => ({ rows, draft: begun }) });
    const shown = render(MyReports, { session });
    await settled();
    return shown.container;
  };

  it("explains itself while there are none", async () => {
    const container = await list([]);
    expect(container.querySelector("[data-empty]")?.textContent).toContain("Ctrl+Shift+R");
  });

  it("says where each stands, why, in which version, and who decided by role", async () => {
    const step = { role: "coordinacion", area: "Coordinación", at: "2026-11-28T19:00:00Z" } as const;
    const container = await list(
      [
        row({ problem: { code: "kind_unknown", params: { opId: "1" }, retry: "after_fix" } as OpinionRow["problem"] }),
        row({ id: "2", word: "applied", steps: [{ ...step, standing: "applied", version: "0.2.0" }] }),
        row({ id: "3", word: "declined", steps: [{ ...step, standing: "declined", reason: "Ya se puede" }] }),
        row({ id: "4", word: "received", text: null, screen: null }),
      ],
      draft,
    );
    const said = [...container.querySelectorAll("li[data-report]")].map((item) => item.textContent ?? "");
    expect(said[0]).toContain("Por enviar");
    expect(said[0]).toContain("todavía no conoce esta clase de envío");
    expect(said[1]).toContain("Aplicado en versión 0.2.0");
    expect(said[1]).toContain("Coordinación");
    expect(said[2]).toContain("Ya se puede");
    expect(said[3]).toContain("otro equipo");
    expect(container.querySelector("[data-action=report]")?.textContent).toContain("empezaste");
  });
});
