import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DraftVersion } from "../host/bindings/DraftVersion";
import { setLang } from "../i18n/index.svelte";
import { draft } from "./testing";
import Versions from "./Versions.svelte";

beforeEach(() => setLang("es"));
afterEach(cleanup);

HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
  this.open = true;
};
HTMLDialogElement.prototype.close ??= function (this: HTMLDialogElement) {
  this.open = false;
};

function version(number: number, more: Partial<DraftVersion> = {}): DraftVersion {
  return {
    number,
    savedAt: "2026-11-21T16:00:00Z",
    reason: "typing",
    values: {},
    changed: [],
    files: 0,
    filesChanged: false,
    ...more,
  };
}

describe("versions of a draft", () => {
  it("says of each why it was kept and what differs, and goes back to it", async () => {
    const onrestore = vi.fn();
    const versions = [
      version(3, { reason: "cleared", changed: ["visitedOn", "notes"] }),
      version(2, { filesChanged: true, files: 2 }),
      version(1),
    ];
    const shown = render(Versions, { draft: draft(), versions, busy: false, onrestore, onclose: () => undefined });
    const item = (number: number) => shown.baseElement.querySelector(`[data-version="${number}"]`) as HTMLElement;
    expect(item(3).textContent).toContain("antes de borrar datos");
    expect(item(3).textContent).toContain("2 datos distintos: Título visitedOn, Título notes");
    expect(item(2).textContent).toContain("Otros archivos adjuntos (2)");
    expect(item(1).textContent).toContain("Igual que ahora");
    expect(item(1).querySelector("button")).toBeNull();
    const button = item(3).querySelector("button") as HTMLElement;
    // Several buttons say the same; each has a name of its own.
    expect(button.getAttribute("aria-label")).toContain("Volver a esta versión, de");
    await fireEvent.click(button);
    expect(onrestore).toHaveBeenCalledExactlyOnceWith(3);
  });

  it("says that there are none yet", () => {
    const props = { draft: draft(), versions: [], busy: false, onrestore: vi.fn(), onclose: vi.fn() };
    const shown = render(Versions, props);
    expect(shown.baseElement.textContent).toContain("Todavía no hay otras versiones");
  });
});
