import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AppState } from "../lib/host/bindings/AppState";
import type { Problem } from "../lib/host/bindings/Problem";
import type { Call, Host } from "../lib/host/types";
import { setLang } from "../lib/i18n/index.svelte";
import { toasts } from "../lib/ui/toasts.svelte";
import RescueBehind from "./RescueBehind.svelte";
import Choose from "./screens/Choose.svelte";
import Unlock from "./screens/Unlock.svelte";
import { Session } from "./session.svelte";

beforeEach(() => {
  setLang("es");
  toasts.list = [];
  // jsdom draws no dialogs.
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function () {
    this.open = false;
  };
});
afterEach(cleanup);

type Answers = Record<string, (payload: Record<string, unknown>) => unknown>;

function session(answers: Answers, path: string | null = "/m/rescate") {
  const call = vi.fn(async (name: string, payload: Record<string, unknown>) => {
    const answer = answers[name];
    if (!answer) throw { code: "command_invalid", params: { name }, retry: "never" } satisfies Problem;
    return answer(payload);
  });
  const pickPath = vi.fn(async () => path);
  const host = { call: call as unknown as Call, pickPath } as unknown as Host;
  return { call, pickPath, session: new Session(host) };
}
const settle = () => new Promise((done) => setTimeout(done, 0));
const press = async (container: HTMLElement, action: string) => {
  await fireEvent.click(container.querySelector(`[data-action=${action}]`) as HTMLElement);
  await settle();
};
const copy = { at: "2026-11-28T17:00:00Z", files: 2, bytes: 3_000_000, name: "perfil-1.avance-rescate" };

describe("a passphrase and a code that are lost", () => {
  it("saves what was not sent, without asking for either", async () => {
    const made = { path: "/m/rescate", at: copy.at, files: 2, damaged: 1, bytes: 3_000_000 };
    const doors = session({ rescue: () => copy, rescue_export: () => made });
    const { container } = render(Unlock, { session: doors.session, isNew: false, profile: "Perfil 1" });
    await press(container, "forgot");
    await press(container, "lost");
    expect(container.textContent).toContain("nadie puede abrir el perfil «Perfil 1»");
    expect(container.querySelector("[data-rescue=copy]")?.textContent).toContain("2 archivos");
    await press(container, "rescue-save");
    expect(doors.pickPath).toHaveBeenCalledWith(
      expect.objectContaining({ ending: "avance-rescate", name: "perfil-1.avance-rescate" }),
    );
    expect(doors.call).toHaveBeenCalledWith("rescue_export", { id: null, path: "/m/rescate" });
    const said = container.querySelector("[data-rescue=made]")?.textContent;
    expect(said).toContain("/m/rescate");
    expect(said).toContain("1 archivo está dañado");
  });

  it("says that there is no copy, and why one could not be saved", async () => {
    const none = session({ rescue: () => ({ ...copy, at: null }) });
    const { container } = render(Unlock, { session: none.session, isNew: false, profile: "Perfil 1" });
    await press(container, "forgot");
    await press(container, "lost");
    expect(container.querySelector("[data-rescue=none]")).not.toBeNull();
    expect(container.querySelector<HTMLButtonElement>("[data-action=rescue-save]")?.disabled).toBe(true);
    cleanup();
    const full = session({
      rescue: () => copy,
      rescue_export: () => {
        throw { code: "disk_full", params: { freeBytes: 0 }, retry: "after_fix" } satisfies Problem;
      },
    });
    const other = render(Unlock, { session: full.session, isNew: false, profile: "Perfil 1" });
    await press(other.container, "forgot");
    await press(other.container, "lost");
    await press(other.container, "rescue-save");
    expect(other.container.querySelector("[role=alert]")?.textContent).toContain("disco");
  });
});

describe("a profile that is taken away", () => {
  const profiles = [
    { id: "primero", name: "Ana de muestra", usedAt: null },
    { id: "x1", name: "Luz de muestra", usedAt: null },
  ];
  const left: AppState = { stage: "choose", profiles: profiles.slice(0, 1) };
  const away = { id: "q1", name: "Luz de muestra", removedAt: "2026-11-01T17:00:00Z", daysLeft: 3 };

  it("says what is not known of it, offers its rescue file first, and takes away only that one", async () => {
    const doors = session({
      rescue: () => copy,
      profile_remove: () => left,
      profiles_removed: () => [],
      rescue_export: () => ({ path: "/m/r", at: copy.at, files: 0, damaged: 0, bytes: 1 }),
    });
    const { container } = render(Choose, { session: doors.session, profiles });
    const remove = container.querySelector<HTMLElement>("[data-remove='Luz de muestra']");
    expect(remove?.getAttribute("aria-label")).toBe("Quitar el perfil Luz de muestra…");
    await fireEvent.click(remove as HTMLElement);
    await settle();
    expect(container.querySelector("dialog")?.textContent).toContain("no se puede saber cuánto tiene sin enviar");
    await press(container, "rescue-save");
    expect(doors.call).toHaveBeenCalledWith("rescue_export", { id: "x1", path: "/m/rescate" });
    await press(container, "remove-profile");
    expect(doors.call).toHaveBeenCalledWith("profile_remove", { id: "x1" });
    expect(doors.session.app).toEqual(left);
    expect(toasts.list.at(-1)?.text).toContain("Luz de muestra");
  });

  it("is brought back at once, and deleted only after its days and a second question", async () => {
    let list = [away, { ...away, id: "q2", name: "Ana de muestra", daysLeft: 0 }];
    const doors = session({
      profiles_removed: () => list,
      profile_bring_back: () => left,
      profile_delete: () => (list = [away]),
    });
    const { container } = render(Choose, { session: doors.session, profiles });
    await settle();
    expect(container.querySelector("summary")?.textContent).toBe("2 perfiles quitados");
    const [first, second] = [...container.querySelectorAll("[data-removed]")];
    expect(first?.textContent).toContain("dentro de 3 días");
    expect(first?.querySelector("[data-action=delete]")).toBeNull();
    await press(second as HTMLElement, "delete");
    expect(doors.call).not.toHaveBeenCalledWith("profile_delete", expect.anything());
    expect(container.querySelector("dialog")?.textContent).toContain("No hay manera de deshacerlo");
    await press(container, "delete-for-good");
    expect(doors.call).toHaveBeenCalledWith("profile_delete", { id: "q2" });
    expect(container.querySelectorAll("[data-removed]")).toHaveLength(1);
    await press(container, "bring-back");
    expect(doors.call).toHaveBeenCalledWith("profile_bring_back", { id: "q1" });
  });
});

describe("a copy that is behind", () => {
  it("is shown with its reason and with what it means; one that is not is not spoken about", () => {
    const problem = { code: "disk_full", params: {}, retry: "after_fix" } satisfies Problem;
    const { container } = render(RescueBehind, { rescue: { at: null, behind: problem, filesLeft: 2 } });
    expect(container.textContent).toContain("Faltan 2 archivos");
    expect(container.textContent).toContain("libera espacio");
    cleanup();
    const kept = render(RescueBehind, { rescue: { at: null, behind: null, filesLeft: 0 } });
    expect(kept.container.textContent?.trim()).toBe("");
  });
});
