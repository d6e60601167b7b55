import { untrack } from "svelte";
import type { Problem } from "../lib/host/bindings/Problem";
import { asProblem } from "../lib/host/types";

/** Something asked of Rust and asked again when `again` changes. What is shown stays while the new answer comes, and
 *  an answer that was overtaken is dropped. Call it while a component starts. */
export class Loaded<T> {
  value = $state.raw<T | null>(null);
  problem = $state.raw<Problem | null>(null);
  #last = 0;
  #ask: () => Promise<T>;

  constructor(ask: () => Promise<T>, again: () => unknown) {
    this.#ask = ask;
    $effect(() => {
      again();
      untrack(() => void this.load());
    });
  }

  async load(): Promise<void> {
    const turn = ++this.#last;
    try {
      const value = await this.#ask();
      if (turn !== this.#last) return;
      this.value = value;
      this.problem = null;
    } catch (thrown) {
      if (turn === this.#last) this.problem = asProblem(thrown);
    }
  }
}
