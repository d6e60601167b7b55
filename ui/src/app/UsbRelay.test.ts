import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RelayState } from "../lib/host/bindings/RelayState";
import type { Call, Host } from "../lib/host/types";
import { setLang } from "../lib/i18n/index.svelte";
import { Session } from "./session.svelte";
import UsbRelay from "./UsbRelay.svelte";

beforeEach(() => setLang("es"));
afterEach(cleanup);

const NAME = "avance-1-20260312.relevo";
const waiting: RelayState = { supported: true, operations: 2, files: 3, bytes: 3_145_728, last: null, name: NAME };
const made = {
  path: "/usb/a.relevo",
  sha256: "ab",
  madeAt: "2026-03-12T18:00:00Z",
  operations: 2,
  files: 3,
  filesLeft: 1,
  bytes: 3_146_000,
  answeredAt: null,
};

type Answers = Record<string, (payload: unknown) => unknown>;

async function section(answers: Answers, chosen: string | null = "/usb/a.relevo") {
  const call = vi.fn(async (name: string, payload: unknown) => answers[name]?.(payload));
  const pickPath = vi.fn(async () => chosen);
  const session = new Session({ call: call as unknown as Call, pickPath } as unknown as Host);
  const shown = render(UsbRelay, { session });
  await settled();
  const button = (action: string) => shown.container.querySelector<HTMLButtonElement>(`[data-action=${action}]`)!;
  const text = (what: string) => shown.container.querySelector(`[data-relay=${what}]`)?.textContent?.trim();
  return { ...shown, call, pickPath, session, button, text };
}

async function settled() {
  await new Promise((resolve) => setTimeout(resolve));
  await tick();
}

describe("relay by USB", () => {
  it("says what to do and what waits", async () => {
    const { container, text, button } = await section({ relay: () => waiting });
    expect(container.textContent).toContain("sólo la Coordinación puede abrirlo");
    expect(text("waiting")).toBe("2 envíos por relevar, con 3 archivos (3.1 MB).");
    expect(button("relay-export").disabled).toBe(false);
  });

  it("saves where the person says, and says when the answer is missing", async () => {
    let state = waiting;
    const shown = await section({
      relay: () => state,
      relay_export: () => {
        state = { ...waiting, last: made };
        return made;
      },
    });
    await fireEvent.click(shown.button("relay-export"));
    await settled();
    expect(shown.pickPath).toHaveBeenCalledWith(expect.objectContaining({ ending: "relevo", name: NAME }));
    expect(shown.call).toHaveBeenCalledWith("relay_export", { path: "/usb/a.relevo" });
    expect(shown.text("done")).toContain("Relevo guardado en /usb/a.relevo: 2 envíos, 3 archivos");
    expect(shown.text("done")).toContain("1 archivo no cupo");
    expect(shown.text("last")).toContain("Falta su acuse");
  });

  it("does nothing when the dialog is cancelled", async () => {
    const { call, button } = await section({ relay: () => waiting }, null);
    await fireEvent.click(button("relay-upload"));
    await settled();
    expect(call.mock.calls.map(([name]) => name)).not.toContain("relay_upload");
  });

  it("shows how far it is while it works, and takes no second step meanwhile", async () => {
    let finish: (value: unknown) => void = () => {};
    const carried = new Promise((resolve) => (finish = resolve));
    const { container, session, button, text } = await section({ relay: () => waiting, relay_upload: () => carried });
    await fireEvent.click(button("relay-upload"));
    session.onEvent({ event: "relay_progress", done: 1_048_576, size: 4_194_304 });
    await settled();
    const bar = container.querySelector("progress");
    expect([bar?.value, bar?.max]).toEqual([1_048_576, 4_194_304]);
    expect(container.textContent).toContain("1 MB de 4.2 MB");
    expect(button("relay-import").disabled).toBe(true);
    finish({ path: "/usb/a.acuse", bytes: 4_194_304 });
    await settled();
    expect(text("done")).toContain("/usb/a.acuse");
    expect(container.querySelector("progress")).toBeNull();
  });

  it("tells what an answer brought and why the rest stays", async () => {
    const problem = { code: "out_of_scope", params: { folio: "P-1" }, retry: "after_fix" };
    const { container, button, text } = await section({
      relay: () => waiting,
      relay_import: () => ({ received: 1, waiting: 2, files: 3, problem }),
    });
    await fireEvent.click(button("relay-import"));
    await settled();
    expect(text("done")).toBe(
      "1 envío recibido, con su acuse verificado. 3 archivos recibidos. 2 envíos siguen en este equipo.",
    );
    expect(container.querySelector("[data-problem=out_of_scope]")).not.toBeNull();
  });

  it("says what is wrong with a file, and that nothing was lost", async () => {
    const refused = { code: "relay_unreadable", params: { file: "a.relevo" }, retry: "after_fix" };
    const { container, button } = await section({
      relay: () => waiting,
      relay_upload: () => {
        throw refused;
      },
    });
    await fireEvent.click(button("relay-upload"));
    await settled();
    expect(container.querySelector("[data-problem=relay_unreadable]")?.textContent).toContain("No se registró nada");
  });

  it("has nothing to save where the endpoint takes no relays", async () => {
    const { button, text } = await section({ relay: () => ({ ...waiting, supported: false }) });
    expect(button("relay-export").disabled).toBe(true);
    expect(button("relay-upload").disabled).toBe(false);
    expect(text("waiting")).toContain("no acepta relevos");
  });
});
