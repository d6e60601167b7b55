import { cleanup, fireEvent, render } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AppState } from "../lib/host/bindings/AppState";
import type { Problem } from "../lib/host/bindings/Problem";
import type { ProjectList } from "../lib/host/bindings/ProjectList";
import type { Call, Host } from "../lib/host/types";
import { draft } from "../lib/form/testing";
import { setLang } from "../lib/i18n/index.svelte";
import { toasts } from "../lib/ui/toasts.svelte";
import { Inactivity } from "./inactivity.svelte";
import Notices from "./Notices.svelte";
import Choose from "./screens/Choose.svelte";
import Profile from "./screens/Profile.svelte";
import Projects from "./screens/Projects.svelte";
import Unlock from "./screens/Unlock.svelte";
import { type Ready, Session } from "./session.svelte";

beforeEach(() => {
  setLang("es");
  toasts.list = [];
  location.hash = "";
  // jsdom draws no dialogs.
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
  HTMLDialogElement.prototype.close = function () {
    this.open = false;
  };
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const ready: Ready = {
  stage: "ready",
  profile: "Perfil 1",
  lock_minutes: 15,
  recovery: "none",
  person: { id: "p1", name: "Persona Uno", role: "enlace", area: "Obras", trained: true },
  municipality: {
    id: "m",
    name: "Municipio de muestra",
    prefix: "ocds-000000",
    prefixRegistered: true,
    offsetMinutes: -360,
  } as Ready["municipality"],
  server: "http://127.0.0.1",
  device: "PC",
  version: "0.1.0",
  today: "2026-11-28",
  forms: [
    { stage: "planning", title: { es: "Planeación", en: "Planning" }, version: 1, columns: [] },
    { stage: "implementation", title: { es: "Ejecución", en: "Implementation" }, version: 1, columns: [] },
  ],
  document_types: [],
};
const locked: AppState = { stage: "locked", new: false, profile: "Perfil 1" };

type Answers = Record<string, (payload: Record<string, unknown>) => unknown>;

function session(answers: Answers) {
  const call = vi.fn(async (name: string, payload: Record<string, unknown>) => {
    const answer = answers[name];
    if (!answer) throw { code: "command_invalid", params: { name }, retry: "never" } satisfies Problem;
    return answer(payload);
  });
  const saveFile = vi.fn(async () => true);
  const host = { call: call as unknown as Call, saveFile } as unknown as Host;
  return { call, saveFile, session: new Session(host) };
}

const problem = (code: Problem["code"], params: Problem["params"] = {}): never => {
  throw { code, params, retry: "after_fix" } satisfies Problem;
};
const settle = () => new Promise((done) => setTimeout(done, 0));
const press = (container: HTMLElement, action: string) =>
  fireEvent.click(container.querySelector(`[data-action=${action}]`) as HTMLElement);
const fill = (container: HTMLElement, name: string, value: string) =>
  fireEvent.input(container.querySelector(`[name=${name}]`) as HTMLElement, { target: { value } });
const alert = (container: HTMLElement) => container.querySelector("[role=alert]")?.textContent ?? "";

describe("choosing who one is", () => {
  const profiles = [
    { id: "primero", name: "Ana de muestra", usedAt: "2026-11-20T18:00:00Z" },
    { id: "x1", name: "Luz de muestra", usedAt: null },
  ];

  it("lists the people with their last use, and asks for the passphrase of the one that is chosen", async () => {
    const doors = session({ profile_choose: () => locked });
    const { container } = render(Choose, { session: doors.session, profiles });
    const [first, second] = [...container.querySelectorAll<HTMLElement>("[data-profile]")];
    expect(first?.textContent).toContain("Último uso: 20 nov 2026");
    expect(second?.textContent).toContain("Sin usar todavía");
    await fireEvent.click(second as HTMLElement);
    await settle();
    expect(doors.call).toHaveBeenCalledWith("profile_choose", { id: "x1" });
    expect(doors.session.app).toEqual(locked);
  });

  it("says why a person cannot be chosen now", async () => {
    const doors = session({ profile_choose: () => problem("store_in_use") });
    const { container } = render(Choose, { session: doors.session, profiles });
    await fireEvent.click(container.querySelector("[data-profile]") as HTMLElement);
    await settle();
    expect(alert(container)).toContain("abiert");
  });

  it("adds a person with a name and a passphrase typed twice, and says what is wrong beside its field", async () => {
    const doors = session({
      profile_add: ({ name }) =>
        name === "ana"
          ? problem("profile_name_taken", { name: "Ana" })
          : { stage: "not_enrolled", profile: name, server: null },
    });
    const { container } = render(Choose, { session: doors.session, profiles });
    await press(container, "add-person");
    const invalid = () => container.querySelector("[aria-invalid=true]")?.getAttribute("name");
    await press(container, "add");
    expect(invalid()).toBe("profileName");
    await fill(container, "profileName", "ana");
    await fill(container, "passphrase", "corta");
    await press(container, "add");
    expect(invalid()).toBe("passphrase");
    await fill(container, "passphrase", "una frase larga");
    await fill(container, "passphraseAgain", "otra frase larga");
    await press(container, "add");
    expect(invalid()).toBe("passphraseAgain");
    expect(doors.call).not.toHaveBeenCalledWith("profile_add", expect.anything());
    await fill(container, "passphraseAgain", "una frase larga");
    await press(container, "add");
    await settle();
    expect(invalid()).toBe("profileName");
    expect(alert(container)).toContain("«Ana»");
    await fill(container, "profileName", "Eva");
    await press(container, "add");
    await settle();
    expect(doors.session.app?.stage).toBe("not_enrolled");
  });
});

describe("a store that is closed", () => {
  it("waits after several wrong passphrases, longer each time, and says for how long", async () => {
    vi.useFakeTimers();
    let wait = 0;
    const doors = session({
      unlock: () => problem("passphrase_wrong", wait > 0 ? { retryAfterSeconds: wait } : {}),
    });
    const { container } = render(Unlock, { session: doors.session, isNew: false, profile: "Ana" });
    const button = () => container.querySelector<HTMLButtonElement>("[data-action=unlock]");
    const attempt = async () => {
      await fill(container, "passphrase", "no es");
      await press(container, "unlock");
      await vi.advanceTimersByTimeAsync(1);
    };
    await attempt();
    expect(alert(container)).toContain("no es la frase");
    expect(button()?.disabled).toBe(false);
    wait = 4;
    await attempt();
    expect(button()?.disabled).toBe(true);
    expect(container.querySelector("[data-wait]")?.textContent).toContain("4 s");
    await vi.advanceTimersByTimeAsync(2500);
    expect(container.querySelector("[data-wait]")?.textContent).toContain("2 s");
    await vi.advanceTimersByTimeAsync(2000);
    expect(button()?.disabled).toBe(false);
  });

  it("is opened with the recovery code and a new passphrase", async () => {
    const doors = session({ recover: () => ready, status: () => null });
    const { container } = render(Unlock, { session: doors.session, isNew: false, profile: "Ana" });
    await press(container, "forgot");
    await fill(container, "recoveryCode", "abcd efgh");
    await fill(container, "passphrase", "una frase nueva");
    await fill(container, "passphraseAgain", "una frase nueva");
    await press(container, "recover");
    await settle();
    expect(doors.call).toHaveBeenCalledWith("recover", { code: "abcd efgh", passphrase: "una frase nueva" });
    expect(doors.session.app?.stage).toBe("ready");
  });
});

describe("locking", () => {
  it("saves what was typed first, and leaves nothing of the person in the page", async () => {
    const done: string[] = [];
    const doors = session({
      draft_save: () => (done.push("save"), draft()),
      lock: () => (done.push("lock"), locked),
      status: () => null,
    });
    doors.session.enter(ready);
    doors.session.keep(draft()).set("notes", "algo");
    doors.session.folios = ["P-1"];
    await doors.session.lock();
    expect(done).toEqual(["save", "lock"]);
    expect(doors.session.app).toEqual(locked);
    expect([doors.session.unsaved, doors.session.folios, doors.session.status]).toEqual([false, [], null]);
  });

  it("keeps what could not be saved, lets nobody else sit down, and saves it when the person is back", async () => {
    let full = true;
    const saved: unknown[] = [];
    const doors = session({
      draft_save: ({ values }) => (full ? problem("disk_full") : (saved.push(values), draft())),
      draft_open: () => draft(),
      lock: () => locked,
      unlock: () => ready,
      profile_leave: () => ({ stage: "choose", profiles: [] }),
      status: () => null,
    });
    doors.session.enter(ready);
    const keeper = doors.session.keep(draft());
    keeper.set("notes", "no cupo");
    await doors.session.changePerson();
    expect(doors.session.app?.stage).toBe("ready");
    expect(toasts.list.at(-1)?.text).toContain("se perdería");
    await doors.session.lock();
    expect(doors.session.app?.stage).toBe("locked");
    await doors.session.changePerson();
    expect(doors.session.app?.stage).toBe("locked");
    full = false;
    doors.session.enter(ready);
    await keeper.flush();
    expect(saved).toEqual([{ notes: "no cupo" }]);
    await doors.session.changePerson();
    expect(doors.session.app?.stage).toBe("choose");
  });
});

describe("a window that nobody uses", () => {
  const watch = (minutes: () => number | null) => {
    vi.useFakeTimers();
    const lock = vi.fn();
    const inactivity = new Inactivity(minutes, lock);
    return { lock, inactivity, stop: inactivity.start() };
  };

  it("says that it will lock, and does after its minutes", () => {
    const { lock, inactivity, stop } = watch(() => 5);
    vi.advanceTimersByTime(4 * 60_000);
    expect(inactivity.soon).toBe(false);
    vi.advanceTimersByTime(40_000);
    expect(inactivity.soon).toBe(true);
    window.dispatchEvent(new KeyboardEvent("keydown", { key: "a" }));
    expect(inactivity.soon).toBe(false);
    vi.advanceTimersByTime(4 * 60_000 + 59_000);
    expect(lock).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2000);
    expect(lock).toHaveBeenCalledTimes(1);
    stop();
  });

  it("is locked when a laptop wakes, before the key that wakes it counts", () => {
    const { lock, stop } = watch(() => 5);
    vi.setSystemTime(Date.now() + 3_600_000);
    window.dispatchEvent(new KeyboardEvent("keydown", { key: "a" }));
    expect(lock).toHaveBeenCalledTimes(1);
    stop();
  });

  it("has nothing to lock while it is locked", () => {
    const { lock, stop } = watch(() => null);
    vi.advanceTimersByTime(3_600_000);
    expect(lock).not.toHaveBeenCalled();
    stop();
  });
});

describe("the recovery code", () => {
  it("is made after the passphrase, shown once, and asked for until it is on paper", async () => {
    let recovery: Ready["recovery"] = "none";
    const doors = session({
      recovery_new: ({ passphrase }) => {
        if (passphrase !== "la frase") problem("passphrase_wrong");
        recovery = "made";
        return { code: "AAAA-BBBB", name: "codigo.pdf", base64: "JVBERi0=" };
      },
      recovery_kept: () => ({ ...ready, recovery: (recovery = "kept") }),
      app_state: () => ({ ...ready, recovery }),
      status: () => null,
    });
    doors.session.enter(ready);
    const route = { screen: "profile" } as const;
    const { container, rerender } = render(Profile, { session: doors.session, me: ready, route });
    expect(container.querySelector("[data-recovery=none]")).not.toBeNull();
    await press(container, "recovery");
    await fill(container, "recoveryPassphrase", "otra");
    await press(container, "make");
    await settle();
    expect(alert(container)).toContain("no es la frase");
    await fill(container, "recoveryPassphrase", "la frase");
    await press(container, "make");
    await settle();
    expect(container.querySelector("[data-code]")?.textContent).toBe("AAAA-BBBB");
    await rerender({ me: doors.session.app as Ready });
    expect(container.querySelector("[data-recovery=made]")).not.toBeNull();
    await press(container, "save-page");
    await settle();
    expect(doors.saveFile).toHaveBeenCalledWith("codigo.pdf", "JVBERi0=");
    await press(container, "keep");
    await settle();
    expect(container.querySelector("[data-code]")).toBeNull();
    expect((doors.session.app as Ready).recovery).toBe("kept");
  });

  it("is reminded of where one looks around, once, until it is kept", async () => {
    const doors = session({});
    const props = { session: doors.session, me: ready, screen: "tray" as const };
    const { container, rerender } = render(Notices, props);
    const there = () => container.querySelector("[data-action=recovery]") !== null;
    expect(there()).toBe(true);
    await rerender({ screen: "followUp" });
    expect(there()).toBe(false);
    await rerender({ screen: "projects" });
    await press(container, "later");
    expect(there()).toBe(false);
    doors.session.reminded = false;
    await rerender({ me: { ...ready, recovery: "kept" } });
    expect(there()).toBe(false);
  });
});

describe("the profile", () => {
  it("has another name, another passphrase and another time until it locks", async () => {
    const doors = session({
      profile_rename: ({ name }) => ({ ...ready, profile: name }),
      set_lock_after: ({ minutes }) => ({ ...ready, lock_minutes: minutes }),
      passphrase_change: ({ old }) => (old === "la frase" ? {} : problem("passphrase_wrong")),
      status: () => null,
    });
    const route = { screen: "profile" } as const;
    const { container } = render(Profile, { session: doors.session, me: ready, route });
    await fill(container, "profileName", "Ana");
    await press(container, "rename");
    await settle();
    expect(doors.call).toHaveBeenCalledWith("profile_rename", { name: "Ana" });
    const select = container.querySelector("[name=lockMinutes]") as HTMLSelectElement;
    expect(select.value).toBe("15");
    await fireEvent.change(select, { target: { value: "5" } });
    expect(doors.call).toHaveBeenCalledWith("set_lock_after", { minutes: 5 });
    await fill(container, "old", "no es");
    await fill(container, "passphrase", "la siguiente");
    await fill(container, "passphraseAgain", "la siguiente");
    await press(container, "change-passphrase");
    await settle();
    expect(container.querySelector("[name=old]")?.getAttribute("aria-invalid")).toBe("true");
    await fill(container, "old", "la frase");
    await press(container, "change-passphrase");
    await settle();
    expect(doors.call).toHaveBeenCalledWith("passphrase_change", { old: "la frase", new: "la siguiente" });
    expect((container.querySelector("[name=old]") as HTMLInputElement).value).toBe("");
  });
});

describe("the filters of the projects", () => {
  it("ask for a stage and an área, and are taken off at once", async () => {
    const list: ProjectList = { rows: [], total: 0, known: 3, lights: {}, areas: ["Obras", "Parques"] };
    const doors = session({ project_list: () => list, departures: () => [], map_info: () => problem("not_found") });
    const props = { session: doors.session, me: ready, route: { screen: "projects" } as const };
    const { container } = render(Projects, props);
    await settle();
    const last = () => doors.call.mock.calls.filter(([name]) => name === "project_list").at(-1)?.[1];
    expect(container.querySelector("[data-action=clear]")).toBeNull();
    const choose = async (name: string, label: string) => {
      const select = container.querySelector(`[name=${name}]`) as HTMLSelectElement;
      select.selectedIndex = [...select.options].findIndex((option) => option.textContent === label);
      await fireEvent.change(select);
      await settle();
    };
    await choose("stage", "Ejecución");
    await choose("area", "Parques");
    expect(last()).toMatchObject({ stage: "implementation", area: "Parques" });
    await press(container, "clear");
    await settle();
    expect(last()).toMatchObject({ stage: null, area: null, text: "", light: null, here: null });
    expect(container.querySelector("[data-action=clear]")).toBeNull();
    expect(document.activeElement?.id).toBe("project-search");
  });
});
