import type { Draft } from "../host/bindings/Draft";
import type { Problem } from "../host/bindings/Problem";

export type Saving = "saved" | "pending" | "saving" | "failed";
type Typed = Record<string, string>;
/** One change that can be taken back: what each field said before and after it. */
type Step = Map<string, { before: string; after: string }>;

export interface KeeperDoors {
  /** Sends changed fields. Rejects with a problem. */
  save(values: Typed): Promise<Draft>;
  /** Reads the draft again. */
  reload(): Promise<Draft>;
  /** Anything thrown, as a problem. */
  problem(thrown: unknown): Problem;
}

/** Longest wait between a keystroke and its save, milliseconds. */
export const DEBOUNCE = 300;
/** Changes that can be taken back. */
const STEPS = 100;
const RETRY = [1000, 2000, 4000, 8000, 15_000] as const;

/**
 * What is typed in a draft, from the first letter until it is on the disk.
 *
 * While a form is open its values are the truth: an answer brings findings, files and times, never values. Saves go
 * one at a time, so they cannot overtake each other; answers of other commands carry a ticket, and one that is older
 * than what is shown is dropped and asked for again. A keeper outlives its screen: a save that failed is still tried
 * again after the person went elsewhere.
 */
export class Keeper {
  /** Everything but the values, as last answered. */
  draft = $state.raw<Draft>() as Draft;
  values = $state<Typed>({});
  saving = $state<Saving>("saved");
  problem = $state.raw<Problem | null>(null);
  /** Last save that is on the disk. */
  savedAt = $state<string>("");

  #doors: KeeperDoors;
  #dirty = new Map<string, string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #armed = false;
  #running: Promise<boolean> | undefined;
  #failures = 0;
  #tickets = 0;
  #shown = 0;
  #closed = false;
  #steps: Step[] = [];
  #undone: Step[] = [];
  /** The field whose last step still grows while it is typed. */
  #growing: string | null = null;

  constructor(draft: Draft, doors: KeeperDoors) {
    this.draft = draft;
    this.values = { ...(draft.values as Typed) };
    this.savedAt = draft.savedAt;
    this.#doors = doors;
  }

  /** A field changed, and with it what follows from it. Typing on in it is one change, until it is left. */
  set(field: string, value: string, more: Typed = {}): void {
    const grown = this.#growing === field ? this.#steps.at(-1) : undefined;
    const step: Step = grown ?? new Map();
    const changed = Object.entries({ [field]: value, ...more }).filter(([name, after]) => this.#says(name) !== after);
    if (changed.length === 0) return;
    for (const [name, after] of changed) {
      const known = step.get(name);
      if (known) known.after = after;
      else step.set(name, { before: this.#says(name), after });
    }
    if (!grown) {
      this.#remember(step);
      this.#growing = field;
    } else if ([...step.values()].every(({ before, after }) => before === after)) {
      // Typed and taken away again, letter by letter: there is nothing to take back.
      this.#steps = this.#steps.filter((other) => other !== step);
      this.#growing = null;
    }
    for (const [name, after] of changed) this.#put(name, after);
  }

  /** Several fields at once, as one change. */
  setAll(values: Typed): void {
    const step: Step = new Map();
    for (const [field, after] of Object.entries(values)) {
      const before = this.#says(field);
      if (before !== after) step.set(field, { before, after });
    }
    if (step.size === 0) return;
    this.#remember(step);
    for (const [field, { after }] of step) this.#put(field, after);
  }

  /** The field was left: what is typed in it next is another change. */
  settle(): void {
    this.#growing = null;
  }

  /** Whether a field is being typed in, so that the keys of its own text come first. */
  grows(field: string): boolean {
    return this.#growing === field;
  }

  /** Takes back the last change and gives the fields it was in; none when there is nothing to take back. */
  undo(): string[] {
    const step = this.#steps.pop();
    if (!step) return [];
    this.#undone.push(step);
    this.#growing = null;
    for (const [field, { before }] of step) this.#put(field, before);
    return [...step.keys()];
  }

  /** Makes the change again that was taken back last. */
  redo(): string[] {
    const step = this.#undone.pop();
    if (!step) return [];
    this.#steps.push(step);
    this.#growing = null;
    for (const [field, { after }] of step) this.#put(field, after);
    return [...step.keys()];
  }

  #says(field: string): string {
    return this.values[field] ?? "";
  }

  #remember(step: Step): void {
    this.#steps.push(step);
    if (this.#steps.length > STEPS) this.#steps.shift();
    // Whoever goes on has left behind what was taken back.
    this.#undone = [];
    this.#growing = null;
  }

  #put(field: string, value: string): void {
    this.values[field] = value;
    this.#dirty.set(field, value);
    if (this.saving !== "failed") this.saving = "pending";
    this.#arm(DEBOUNCE);
  }

  /** The draft was read again; what was not saved yet stays as typed. */
  reopen(draft: Draft): void {
    this.#tickets += 1;
    this.#show(this.#tickets, draft);
    const step: Step = new Map();
    for (const [field, after] of Object.entries(draft.values as Typed)) {
      const before = this.#says(field);
      if (this.#dirty.has(field) || before === after) continue;
      step.set(field, { before, after });
      this.values[field] = after;
    }
    // What a photograph filled in can be taken back like what was typed.
    if (step.size > 0) this.#remember(step);
  }

  /** An earlier version became the draft: what was typed since is in another version. */
  replace(draft: Draft): void {
    this.#steps = [];
    this.#undone = [];
    this.#growing = null;
    this.#dirty.clear();
    clearTimeout(this.#timer);
    this.#armed = false;
    this.values = { ...(draft.values as Typed) };
    if (this.#running === undefined) this.saving = "saved";
    this.problem = null;
    this.#tickets += 1;
    this.#show(this.#tickets, draft);
  }

  /** Saves now whatever is not saved. True when everything typed so far is on the disk. */
  flush(): Promise<boolean> {
    clearTimeout(this.#timer);
    this.#armed = false;
    this.#running ??= this.#drain().finally(() => {
      this.#running = undefined;
      if (this.#dirty.size > 0 && !this.#closed && this.saving !== "failed") this.#arm(0);
    });
    return this.#running;
  }

  /** Runs a command that answers with the draft (evidence), beside the saves. */
  async run(command: () => Promise<Draft>): Promise<Draft> {
    const ticket = ++this.#tickets;
    const draft = await command();
    this.#show(ticket, draft);
    return draft;
  }

  get unsaved(): boolean {
    return this.#dirty.size > 0 || this.#running !== undefined;
  }

  /** Nothing more is saved: the draft was marked ready or discarded. */
  close(): void {
    this.#closed = true;
    this.#dirty.clear();
    clearTimeout(this.#timer);
    this.saving = "saved";
    this.problem = null;
  }

  #arm(wait: number): void {
    // The first keystroke starts the clock: typing without a pause must not put the save off.
    if (this.#closed || (this.#armed && wait === DEBOUNCE)) return;
    clearTimeout(this.#timer);
    this.#armed = true;
    this.#timer = setTimeout(() => void this.flush(), wait);
  }

  async #drain(): Promise<boolean> {
    while (this.#dirty.size > 0 && !this.#closed) {
      const batch = new Map(this.#dirty);
      this.#dirty.clear();
      this.saving = "saving";
      const ticket = ++this.#tickets;
      try {
        const draft = await this.#doors.save(Object.fromEntries(batch));
        if (this.#closed) return true;
        this.#failures = 0;
        this.problem = null;
        this.#show(ticket, draft);
      } catch (thrown) {
        if (this.#closed) return true;
        for (const [field, value] of batch) if (!this.#dirty.has(field)) this.#dirty.set(field, value);
        this.problem = this.#doors.problem(thrown);
        this.saving = "failed";
        this.#failures += 1;
        const wait = RETRY[Math.min(this.#failures, RETRY.length) - 1] ?? 15_000;
        // Trying again by itself never gives up: the only copy of what was typed is this page.
        this.#arm(wait);
        return false;
      }
    }
    this.saving = "saved";
    return true;
  }

  #show(ticket: number, draft: Draft): void {
    if (draft.savedAt > this.savedAt) this.savedAt = draft.savedAt;
    if (ticket < this.#shown) {
      const again = ++this.#tickets;
      void this.#doors.reload().then(
        (fresh) => this.#show(again, fresh),
        () => undefined,
      );
      return;
    }
    this.#shown = ticket;
    this.draft = draft;
  }
}
