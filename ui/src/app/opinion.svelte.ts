import type { OpinionImpact } from "../lib/host/bindings/OpinionImpact";
import type { OpinionRow } from "../lib/host/bindings/OpinionRow";
import type { OpinionTopic } from "../lib/host/bindings/OpinionTopic";
import type { OpinionWord } from "../lib/host/bindings/OpinionWord";
import type { Problem } from "../lib/host/bindings/Problem";
import { asProblem, type Host } from "../lib/host/types";
import { has, t } from "../lib/i18n/index.svelte";
import type { ChipFace } from "../lib/ocds/state";
import type { Screen } from "../lib/router";
import type { IconName } from "../lib/ui/icons";

export const TOPICS = ["problem", "opinion", "suggestion"] as const satisfies readonly OpinionTopic[];
export const IMPACTS = ["blocks", "hinders", "detail"] as const satisfies readonly OpinionImpact[];
/** Longest text, as `domain::opinion` has it. */
export const MOST = 4000;
/** Longest wait between a keystroke and its save, milliseconds. */
const DEBOUNCE = 300;

const FACES: Record<OpinionWord, { icon: IconName; tone: ChipFace["tone"] }> = {
  waiting: { icon: "upArrow", tone: "info" },
  received: { icon: "tick", tone: "success" },
  analysing: { icon: "search", tone: "purple" },
  applied: { icon: "doubleTick", tone: "success" },
  declined: { icon: "crossedPage", tone: "neutral" },
  refused: { icon: "cross", tone: "danger" },
};

/** Where a report stands, as a chip: what was applied says in which version. */
export function face(row: OpinionRow): ChipFace {
  const version = row.steps.at(-1)?.version;
  const applied = row.word === "applied" && version !== undefined;
  return {
    ...FACES[row.word],
    label: applied ? t("opinion.word.appliedIn", { version }) : t(`opinion.word.${row.word}`),
    meaning: t(`opinion.word.${row.word}.meaning`),
  };
}

/** The screen a report is about, in words where this program knows it. */
export function screenName(screen: string): string {
  const key = `opinion.screen.${screen}`;
  return has(key) ? t(key) : screen;
}

/**
 * What is being written of the program. It is on the disk a moment after each key, so that neither closing the dialog
 * nor the window loses it, and it waits there until it is sent.
 */
export class OpinionPad {
  open = $state(false);
  topic = $state<OpinionTopic>("problem");
  impact = $state<OpinionImpact | null>(null);
  text = $state("");
  /** Whether the diagnostics go along. */
  diagnosed = $state(true);
  /** What goes along: as it was when the dialog was opened, which is what the person sees. */
  diagnosis = $state("");
  /** Where it was begun. */
  screen = $state<string>("tray");
  busy = $state(false);
  /** Why it could not be kept or sent. */
  problem = $state.raw<Problem | null>(null);

  #host: Host;
  #dirty = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** One save at a time: one that came after what was sent would bring the draft back. */
  #running: Promise<boolean> | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Opens the dialog with what was begun, or with nothing. */
  async begin(screen: Screen, diagnosis: string): Promise<void> {
    if (this.open) return;
    if (this.text.trim() === "") {
      this.screen = screen;
      await this.#resume();
    }
    this.diagnosis = diagnosis;
    this.problem = null;
    this.open = true;
  }

  async #resume(): Promise<void> {
    try {
      const { draft } = await this.#host.call("opinions", {});
      if (!draft || this.#dirty) return;
      this.topic = draft.topic ?? "problem";
      this.impact = draft.impact;
      this.text = draft.text;
      this.diagnosed = draft.diagnostics;
      this.screen = draft.screen;
    } catch {
      // What was begun stays where it is; whoever writes now is not kept from it.
    }
  }

  /** Something was typed or chosen. */
  changed(): void {
    this.#dirty = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), DEBOUNCE);
  }

  /** Something is only in this window. */
  get unsaved(): boolean {
    return this.#dirty;
  }

  /** Puts what was typed on the disk. */
  async flush(): Promise<boolean> {
    clearTimeout(this.#timer);
    await this.#running;
    if (!this.#dirty) return true;
    this.#running = this.#save();
    return this.#running;
  }

  async #save(): Promise<boolean> {
    const { topic, impact, text, screen, diagnosed: diagnostics } = this;
    this.#dirty = false;
    try {
      await this.#host.call("opinion_keep", { topic, impact, text, screen, diagnostics });
      return true;
    } catch (thrown) {
      this.#dirty = true;
      this.problem = asProblem(thrown);
      return false;
    }
  }

  /** Closes the dialog; what was typed stays. */
  close(): void {
    this.open = false;
    void this.flush();
  }

  /** Queues it. Gives its folio, or nothing and the reason in `problem`. */
  async send(): Promise<string | null> {
    if (this.busy) return null;
    this.busy = true;
    clearTimeout(this.#timer);
    try {
      await this.#running;
      const { topic, text, screen } = this;
      const impact = topic === "problem" ? this.impact : null;
      const diagnostics = this.diagnosed ? this.diagnosis : null;
      const { folio } = await this.#host.call("opinion_send", { topic, impact, text, screen, diagnostics });
      this.#clear();
      this.open = false;
      return folio;
    } catch (thrown) {
      this.problem = asProblem(thrown);
      return null;
    } finally {
      this.busy = false;
    }
  }

  /** The store was closed: nothing of a person stays in the page, but what is not on the disk yet. */
  forget(): void {
    this.open = false;
    if (!this.#dirty) this.#clear();
  }

  #clear(): void {
    this.#dirty = false;
    this.topic = "problem";
    this.impact = null;
    this.text = "";
    this.diagnosed = true;
    this.diagnosis = "";
    this.problem = null;
  }
}
