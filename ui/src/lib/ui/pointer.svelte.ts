import { untrack } from "svelte";

const pointer = $state({ down: false });

/** A value as it was before the button of the mouse went down, until it is up again. A page that moves between the
 *  press and the release loses the click: leaving a field by clicking elsewhere is exactly when findings appear. */
export class WhenStill<T> {
  value = $state.raw<T>() as T;

  constructor(read: () => T) {
    this.value = untrack(read);
    $effect.pre(() => {
      const next = read();
      if (!pointer.down) this.value = next;
    });
  }
}

/** Starts watching; returns how to stop. */
export function watchPointer(): () => void {
  const press = () => (pointer.down = true);
  // The click itself comes after the release, in the same turn.
  const release = () => setTimeout(() => (pointer.down = false), 0);
  window.addEventListener("pointerdown", press, true);
  for (const name of ["pointerup", "pointercancel", "dragend"]) window.addEventListener(name, release, true);
  window.addEventListener("blur", release);
  return () => {
    window.removeEventListener("pointerdown", press, true);
    for (const name of ["pointerup", "pointercancel", "dragend"]) window.removeEventListener(name, release, true);
    window.removeEventListener("blur", release);
  };
}
