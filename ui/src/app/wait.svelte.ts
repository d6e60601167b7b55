import type { Problem } from "../lib/host/bindings/Problem";

/** Seconds until a passphrase or a code may be tried again, counted down. */
export class Wait {
  left = $state(0);
  #until = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** A problem that says how long. */
  after(problem: Problem): void {
    const seconds = problem.params?.["retryAfterSeconds"];
    if (typeof seconds !== "number" || seconds <= 0) return;
    this.#until = Date.now() + seconds * 1000;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#count(), 250);
    this.#count();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.left = 0;
  }

  #count(): void {
    this.left = Math.max(0, Math.ceil((this.#until - Date.now()) / 1000));
    if (this.left === 0) clearInterval(this.#timer);
  }
}
