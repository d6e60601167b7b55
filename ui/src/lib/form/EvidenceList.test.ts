import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AttachedFile } from "../host/bindings/AttachedFile";
import { setLang } from "../i18n/index.svelte";
import EvidenceList from "./EvidenceList.svelte";

beforeEach(() => setLang("es"));
afterEach(cleanup);

const file = (more: Partial<AttachedFile> = {}): AttachedFile => ({
  sha256: "ab".repeat(32),
  name: "obra.jpg",
  size: 500_000,
  mediaType: "image/jpeg",
  documentType: "illustration",
  title: null,
  original: null,
  offer: null,
  ...more,
});

function show(files: AttachedFile[], more: Record<string, unknown> = {}) {
  const doors = { onattach: vi.fn(), onset: vi.fn(), onremove: vi.fn(), onanswer: vi.fn() };
  const types = [{ code: "illustration", title: { es: "Fotografía", en: "Photograph" } }];
  const props = { files, types, busy: false, over: false, thumbnail: async () => null, ...doors, ...more };
  return { doors, ...render(EvidenceList, props) };
}

describe("what a photograph offers", () => {
  it("is asked, and taken whole or in part", async () => {
    const offer = { date: "2026-03-12", place: "25.65, -100.4" };
    const { container, doors } = show([file({ offer })]);
    expect(container.textContent).toContain("se tomó el 12 mar 2026 en 25.65, -100.4");
    const press = (action: string) =>
      fireEvent.click(container.querySelector(`[data-action=${action}]`) as HTMLElement);
    await press("offer-use");
    await press("offer-date");
    await press("offer-place");
    await press("offer-no");
    const hash = "ab".repeat(32);
    expect(doors.onanswer.mock.calls).toEqual([
      [hash, true, true],
      [hash, true, false],
      [hash, false, true],
      [hash, false, false],
    ]);
  });

  it("is only a day where there is no place", async () => {
    const { container, doors } = show([file({ offer: { date: "2026-03-12", place: null } })]);
    expect(container.querySelector("[data-offer=date]")).not.toBeNull();
    expect(container.querySelector("[data-action=offer-place]")).toBeNull();
    await fireEvent.click(container.querySelector("[data-action=offer-use]") as HTMLElement);
    expect(doors.onanswer).toHaveBeenCalledWith("ab".repeat(32), true, false);
  });

  it("is not there when there is nothing to say", () => {
    expect(show([file()]).container.querySelector("[data-offer]")).toBeNull();
  });
});

describe("a file", () => {
  it("shows both hashes when it was made smaller", () => {
    const { container } = show([file({ original: { sha256: "cd".repeat(32), size: 4_000_000 } })]);
    expect(container.textContent).toContain("ab".repeat(32));
    expect(container.textContent).toContain("cd".repeat(32));
    expect(container.textContent).toContain("Se guardó más pequeña");
  });

  it("that is being read is named, of how many", () => {
    const { container } = show([], { attaching: { name: "b.jpg", at: 2, of: 5 } });
    expect(container.querySelector("[role=status]")?.textContent).toContain("«b.jpg» (2 de 5)");
  });
});
