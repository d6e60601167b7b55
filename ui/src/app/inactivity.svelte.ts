/** How long before it locks it is said, milliseconds. */
export const WARNING = 30_000;
const SIGNS = ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"] as const;

/**
 * Locks a window that nobody uses. Time is that of the clock on the wall: a laptop that slept for an hour is locked when
 * it wakes, and the key that wakes it does not count as use.
 */
export class Inactivity {
  /** It is about to lock. */
  soon = $state(false);
  #last = Date.now();
  #minutes: () => number | null;
  #lock: () => void;

  /** `minutes` says after how many, and nothing where there is nothing to lock. */
  constructor(minutes: () => number | null, lock: () => void) {
    this.#minutes = minutes;
    this.#lock = lock;
  }

  /** Begins to watch. Returns how to stop. */
  start(): () => void {
    const used = () => this.#use();
    const look = () => this.#look();
    for (const sign of SIGNS) window.addEventListener(sign, used, { capture: true, passive: true });
    document.addEventListener("visibilitychange", look);
    const timer = setInterval(look, 1000);
    return () => {
      for (const sign of SIGNS) window.removeEventListener(sign, used, { capture: true });
      document.removeEventListener("visibilitychange", look);
      clearInterval(timer);
    };
  }

  #use(): void {
    this.#look();
    this.#last = Date.now();
    this.soon = false;
  }

  #look(): void {
    const minutes = this.#minutes();
    const now = Date.now();
    // Nothing to lock, or the clock was set back.
    if (minutes === null || now < this.#last) {
      this.#last = now;
      this.soon = false;
      return;
    }
    const left = minutes * 60_000 - (now - this.#last);
    this.soon = left > 0 && left <= WARNING;
    if (left > 0) return;
    this.#last = now;
    this.#lock();
  }
}
