import { setLegalOffset } from "../lib/format";
import { Keeper } from "../lib/form/keeper.svelte";
import type { AppState } from "../lib/host/bindings/AppState";
import type { Draft } from "../lib/host/bindings/Draft";
import type { FollowUpRow } from "../lib/host/bindings/FollowUpRow";
import type { Problem } from "../lib/host/bindings/Problem";
import type { ProjectRow } from "../lib/host/bindings/ProjectRow";
import type { Stage } from "../lib/host/bindings/Stage";
import type { Status } from "../lib/host/bindings/Status";
import { asProblem, type ClientEvent, type Host } from "../lib/host/types";
import { t } from "../lib/i18n/index.svelte";
import { describe, look } from "../lib/problems";
import { go, parse } from "../lib/router";
import { toast, toasts } from "../lib/ui/toasts.svelte";
import { diagnostics } from "./diagnostics";
import { OpinionPad } from "./opinion.svelte";

export type Ready = Extract<AppState, { stage: "ready" }>;

/** What the screens share while the window is open. */
export class Session {
  readonly host: Host;
  /** What is being written of the program. */
  readonly opinion: OpinionPad;
  app = $state.raw<AppState | null>(null);
  status = $state.raw<Status | null>(null);
  /** Why the program could not start. */
  problem = $state.raw<Problem | null>(null);
  /** A fault to be read. */
  fault = $state.raw<Problem | null>(null);
  /** Grows when lists must be asked for again. */
  changes = $state(0);
  sending = $state(false);
  /** Files under way: bytes sent of bytes in all. */
  transfers = $state<Record<string, { sent: number; size: number }>>({});
  /** How far a relay is: bytes done of bytes in all. */
  relay = $state.raw<{ done: number; size: number } | null>(null);
  /** The list a project was opened from, to go to the one before and after. */
  folios = $state.raw<string[]>([]);
  /** The person does not want to be reminded of the recovery code again, until the store is opened next. */
  reminded = $state(false);

  #keepers = $state<Record<string, Keeper>>({});
  #rows = new Map<string, FollowUpRow>();

  constructor(host: Host) {
    this.host = host;
    this.opinion = new OpinionPad(host);
  }

  async start(): Promise<void> {
    try {
      this.enter(await this.host.call("app_state", {}));
      this.problem = null;
    } catch (thrown) {
      this.problem = asProblem(thrown);
    }
  }

  /** A new state of the equipment: locked, not enrolled, ready. */
  enter(app: AppState): void {
    if (app.stage !== "ready") this.#forget();
    this.app = app;
    if (app.stage !== "ready") return;
    setLegalOffset(app.municipality.offsetMinutes);
    // What could not be saved before it was locked.
    if (this.unsaved) void this.saveAll();
    void this.refreshStatus();
  }

  /** Closes the store until its passphrase is typed. What was typed is on the disk before; what could not be written
   *  stays in this window, out of sight, and is written when the same person is back. */
  async lock(): Promise<void> {
    await this.saveAll();
    try {
      this.enter(await this.host.call("lock", {}));
    } catch (thrown) {
      this.tell(asProblem(thrown));
    }
  }

  /** Somebody else sits down. Not as long as something of this person is only in the window: it would be lost. */
  async changePerson(): Promise<void> {
    if (this.app?.stage === "ready") await this.saveAll();
    if (this.unsaved) return toast(t("choose.unsaved"), "danger");
    try {
      this.enter(await this.host.call("profile_leave", {}));
      go({ screen: "tray" });
    } catch (thrown) {
      this.tell(asProblem(thrown));
    }
  }

  /** Nothing of a person stays in the page, but what is not on the disk yet. */
  #forget(): void {
    for (const [id, keeper] of Object.entries(this.#keepers)) if (!keeper.unsaved) this.drop(id);
    this.#rows.clear();
    this.folios = [];
    this.transfers = {};
    this.status = null;
    this.reminded = false;
    this.opinion.forget();
    toasts.list = [];
  }

  onEvent(event: ClientEvent): void {
    if (event.event === "status") this.status = event.status;
    else if (event.event === "changed") {
      this.changes += 1;
      void this.refreshStatus();
      void this.refreshForms();
    } else if (event.event === "file_progress") {
      if (event.sent >= event.size) delete this.transfers[event.sha256];
      else this.transfers[event.sha256] = { sent: event.sent, size: event.size };
    } else if (event.event === "relay_progress") {
      this.relay = { done: event.done, size: event.size };
    }
  }

  async refreshStatus(): Promise<void> {
    try {
      this.status = await this.host.call("status", {});
    } catch {
      // The bar keeps what it last knew; the next event brings it up to date.
    }
  }

  /** A form may have come with the changes: what can be begun is drawn from what the equipment has now. */
  async refreshForms(): Promise<void> {
    if (this.app?.stage !== "ready") return;
    try {
      const app = await this.host.call("app_state", {});
      const versions = (state: Ready) => state.forms.map((form) => `${form.stage} ${form.version}`).join();
      if (app.stage === "ready" && this.app.stage === "ready" && versions(app) !== versions(this.app)) this.app = app;
    } catch {
      // The next event asks again.
    }
  }

  async sendNow(): Promise<void> {
    if (this.sending || this.app?.stage !== "ready") return;
    this.sending = true;
    try {
      await this.saveAll();
      const status = await this.host.call("send_now", {});
      this.status = status;
      this.changes += 1;
      if (status.problem) this.tell(status.problem);
      else if (status.connection === "online") toast(t("send.done"), "success");
      else toast(t("send.started"));
    } catch (thrown) {
      this.tell(asProblem(thrown));
    } finally {
      this.sending = false;
    }
  }

  /** Says a problem where there is no place for it on the screen. A fault stays until it was read. */
  tell(problem: Problem): void {
    if (look(problem) === "fault") this.fault = problem;
    else toast(describe(problem).text, "danger");
  }

  /** Opens the dialog to report a problem or give an opinion, about the screen that is shown. */
  report(problem: Problem | null = this.fault): void {
    if (this.app?.stage !== "ready") return;
    void this.opinion.begin(parse(location.hash).screen, diagnostics(this, problem));
  }

  /** The receipt of a follow-up as a page to print, saved where the person says. */
  async saveReceipt(id: string): Promise<void> {
    try {
      const { name, base64 } = await this.host.call("receipt_pdf", { id });
      await this.host.saveFile(name, base64);
    } catch (thrown) {
      this.tell(asProblem(thrown));
    }
  }

  /** Rows that were listed: the screen of a follow-up knows what it is before it asks. */
  remember(rows: readonly FollowUpRow[]): void {
    for (const row of rows) this.#rows.set(row.id, row);
  }

  remembered(id: string): FollowUpRow | undefined {
    return this.#rows.get(id);
  }

  async newFollowUp(project: Pick<ProjectRow, "folio">, stage: Stage): Promise<void> {
    try {
      const draft = await this.host.call("draft_new", { folio: project.folio, stage });
      this.keep(draft);
      this.changes += 1;
      go({ screen: "followUp", id: draft.id });
    } catch (thrown) {
      this.tell(asProblem(thrown));
    }
  }

  /** The keeper of a draft; one that still has unsaved words is the same one as before. */
  keep(draft: Draft): Keeper {
    const there = this.#keepers[draft.id];
    if (there) {
      there.reopen(draft);
      return there;
    }
    const keeper = new Keeper(draft, {
      save: (values) => this.host.call("draft_save", { id: draft.id, values }),
      reload: () => this.host.call("draft_open", { id: draft.id }),
      problem: asProblem,
    });
    this.#keepers[draft.id] = keeper;
    return keeper;
  }

  /** Leaves a draft: saves it and lets it go once it is on the disk. */
  async leave(id: string): Promise<void> {
    const keeper = this.#keepers[id];
    if (!keeper) return;
    if (await keeper.flush()) {
      if (this.#keepers[id] === keeper && !keeper.unsaved) delete this.#keepers[id];
      this.changes += 1;
    }
  }

  /** Nothing of this draft is saved any more: it was marked ready or discarded. */
  drop(id: string): void {
    this.#keepers[id]?.close();
    delete this.#keepers[id];
  }

  /** Drafts whose last save failed: what was typed is only in this window. */
  get failing(): Keeper[] {
    return Object.values(this.#keepers).filter((keeper) => keeper.problem !== null);
  }

  get unsaved(): boolean {
    return this.opinion.unsaved || Object.values(this.#keepers).some((keeper) => keeper.unsaved);
  }

  async saveAll(): Promise<boolean> {
    const kept = this.opinion.flush();
    const saved = await Promise.all([kept, ...Object.values(this.#keepers).map((keeper) => keeper.flush())]);
    return saved.every(Boolean);
  }
}
