import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Draft } from "../host/bindings/Draft";
import type { Problem } from "../host/bindings/Problem";
import { DEBOUNCE, Keeper } from "./keeper.svelte";
import { draft } from "./testing";

interface Pending {
  values: Record<string, string>;
  answer: (draft: Draft) => void;
  fail: (problem: unknown) => void;
}

function keeper(start: Draft = draft()) {
  const saves: Pending[] = [];
  const reload = vi.fn(async () => draft({ missing: 77 }));
  const made = new Keeper(start, {
    save: (values) => new Promise((answer, fail) => saves.push({ values, answer, fail })),
    reload,
    problem: (thrown) => thrown as Problem,
  });
  return { keeper: made, saves, reload };
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const DISK_FULL = { code: "disk_full", params: { freeBytes: 0 }, retry: "after_fix" };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a keeper", () => {
  it("saves what was typed within the wait, once, with the last letters", async () => {
    const { keeper: kept, saves } = keeper();
    kept.set("notes", "h");
    kept.set("notes", "ho");
    kept.set("visitedOn", "hoy");
    expect(kept.saving).toBe("pending");
    await vi.advanceTimersByTimeAsync(DEBOUNCE);
    expect(saves).toHaveLength(1);
    expect(saves[0]?.values).toEqual({ notes: "ho", visitedOn: "hoy" });
    saves[0]?.answer(draft({ savedAt: "2026-11-22T17:00:00Z" }));
    await settle();
    expect(kept.saving).toBe("saved");
    expect(kept.savedAt).toBe("2026-11-22T17:00:00Z");
  });

  it("does not put the save off while somebody types without a pause", async () => {
    const { keeper: kept, saves } = keeper();
    for (let letter = 1; letter <= 8; letter += 1) {
      kept.set("notes", "x".repeat(letter));
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(DEBOUNCE).toBeLessThanOrEqual(400);
    expect(saves.length).toBeGreaterThanOrEqual(1);
  });

  it("never lets an answer overwrite what was typed after it was asked", async () => {
    const { keeper: kept, saves } = keeper();
    kept.set("physicalActual", "3");
    await vi.advanceTimersByTimeAsync(DEBOUNCE);
    kept.set("physicalActual", "35");
    saves[0]?.answer(draft({ values: { physicalActual: "3" }, missing: 4 }));
    await settle();
    expect(kept.values["physicalActual"]).toBe("35");
    expect(kept.draft.missing).toBe(4);
    await vi.advanceTimersByTimeAsync(DEBOUNCE);
    expect(saves[1]?.values).toEqual({ physicalActual: "35" });
  });

  it("sends saves one at a time, so that none overtakes another", async () => {
    const { keeper: kept, saves } = keeper();
    kept.set("notes", "a");
    await vi.advanceTimersByTimeAsync(DEBOUNCE);
    kept.set("notes", "ab");
    await vi.advanceTimersByTimeAsync(DEBOUNCE * 3);
    expect(saves).toHaveLength(1);
    saves[0]?.answer(draft());
    await settle();
    expect(saves).toHaveLength(2);
    expect(saves[1]?.values).toEqual({ notes: "ab" });
  });

  it("keeps what could not be saved, says so and tries again by itself", async () => {
    const { keeper: kept, saves } = keeper();
    kept.set("notes", "importante");
    await vi.advanceTimersByTimeAsync(DEBOUNCE);
    saves[0]?.fail(DISK_FULL);
    await settle();
    expect(kept.saving).toBe("failed");
    expect(kept.problem?.code).toBe("disk_full");
    expect(kept.values["notes"]).toBe("importante");
    expect(kept.unsaved).toBe(true);
    kept.set("visitedOn", "hoy");
    await vi.advanceTimersByTimeAsync(1000);
    expect(saves[1]?.values).toEqual({ notes: "importante", visitedOn: "hoy" });
    saves[1]?.answer(draft());
    await settle();
    expect(kept.problem).toBeNull();
    expect(kept.saving).toBe("saved");
    expect(kept.unsaved).toBe(false);
  });

  it("tries again with the newer letters of a field whose save failed", async () => {
    const { keeper: kept, saves } = keeper();
    kept.set("notes", "uno");
    await vi.advanceTimersByTimeAsync(DEBOUNCE);
    kept.set("notes", "dos");
    saves[0]?.fail(DISK_FULL);
    await vi.advanceTimersByTimeAsync(1000);
    expect(saves[1]?.values).toEqual({ notes: "dos" });
  });

  it("flushes at once and tells whether it reached the disk", async () => {
    const { keeper: kept, saves } = keeper();
    kept.set("notes", "a");
    const flushed = kept.flush();
    expect(saves).toHaveLength(1);
    saves[0]?.answer(draft());
    expect(await flushed).toBe(true);
    kept.set("notes", "b");
    const refused = kept.flush();
    saves[1]?.fail(DISK_FULL);
    expect(await refused).toBe(false);
    expect(await keeper().keeper.flush()).toBe(true);
  });

  it("drops an answer older than what is shown and asks again", async () => {
    const { keeper: kept, saves, reload } = keeper();
    kept.set("notes", "a");
    void kept.flush();
    const file = {
      sha256: "ab",
      name: "a.jpg",
      size: 1,
      mediaType: "image/jpeg",
      documentType: "illustration",
      title: null,
      original: null,
      offer: null,
    } as const;
    await kept.run(async () => draft({ files: [file] }));
    expect(kept.draft.files).toHaveLength(1);
    saves[0]?.answer(draft({ files: [] }));
    await settle();
    expect(reload).toHaveBeenCalledOnce();
    expect(kept.draft.missing).toBe(77);
  });

  it("keeps unsaved letters when the draft is opened again", () => {
    const { keeper: kept } = keeper(draft({ values: { notes: "viejo", visitedOn: "1/2" } }));
    kept.set("notes", "nuevo");
    kept.reopen(draft({ values: { notes: "viejo", visitedOn: "3/4" } }));
    expect(kept.values).toMatchObject({ notes: "nuevo", visitedOn: "3/4" });
  });

  it("saves nothing more once it is closed", async () => {
    const { keeper: kept, saves } = keeper();
    kept.set("notes", "a");
    kept.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(saves).toHaveLength(0);
    expect(kept.unsaved).toBe(false);
  });
});

describe("taking back", () => {
  it("takes back what was typed in a field as one change, and makes it again", () => {
    const { keeper: kept } = keeper();
    kept.set("notes", "h");
    kept.set("notes", "hola");
    expect(kept.grows("notes")).toBe(true);
    kept.settle();
    kept.set("notes", "hola y más");
    kept.settle();
    expect(kept.undo()).toEqual(["notes"]);
    expect(kept.values.notes).toBe("hola");
    expect(kept.undo()).toEqual(["notes"]);
    expect(kept.values.notes).toBe("");
    expect(kept.undo()).toEqual([]);
    expect(kept.redo()).toEqual(["notes"]);
    expect(kept.values.notes).toBe("hola");
    // Whoever types on has left what was taken back behind.
    kept.set("visitedOn", "hoy");
    expect(kept.redo()).toEqual([]);
  });

  it("brings a part that was emptied back whole, and saves it", async () => {
    const { keeper: kept, saves } = keeper(draft({ values: { paymentId: "E-1", paymentAmount: "100" } }));
    kept.setAll({ paymentId: "", paymentAmount: "", paymentDate: "" });
    expect(kept.values.paymentId).toBe("");
    expect(kept.undo()).toEqual(["paymentId", "paymentAmount"]);
    await vi.advanceTimersByTimeAsync(DEBOUNCE);
    expect(saves[0]?.values).toEqual({ paymentId: "E-1", paymentAmount: "100" });
  });

  it("has nothing to take back of what was typed and taken away again", () => {
    const { keeper: kept } = keeper();
    kept.set("notes", "h");
    kept.set("notes", "");
    expect(kept.undo()).toEqual([]);
  });

  it("takes back together what was changed together", () => {
    const { keeper: kept } = keeper();
    kept.set("place", "2", { method: "typed" });
    kept.set("place", "25.6, -100.4", { method: "typed" });
    expect(kept.grows("place")).toBe(true);
    expect(kept.undo()).toEqual(["place", "method"]);
    expect([kept.values.place, kept.values.method]).toEqual(["", ""]);
    kept.redo();
    expect([kept.values.place, kept.values.method]).toEqual(["25.6, -100.4", "typed"]);
  });

  it("takes back what a photograph filled in", () => {
    const { keeper: kept } = keeper(draft({ values: { visitedOn: "" } }));
    kept.reopen(draft({ values: { visitedOn: "2026-03-12" } }));
    expect(kept.values.visitedOn).toBe("2026-03-12");
    expect(kept.undo()).toEqual(["visitedOn"]);
    expect(kept.values.visitedOn).toBe("");
  });

  it("begins anew with another version of the draft", () => {
    const { keeper: kept } = keeper();
    kept.set("notes", "una");
    kept.replace(draft({ values: { notes: "otra" } }));
    expect(kept.values).toEqual({ notes: "otra" });
    expect(kept.unsaved).toBe(false);
    expect(kept.undo()).toEqual([]);
  });
});
