/** Moving through a form with the keyboard: what the page does with keys that are not letters. */

const STOPS = "input, select, textarea, summary, [data-action='attach'], [data-action='mark-ready']";

/** Enter moves on and never submits. In a text of several lines it is a new line; on a button or a folded part it
 *  does what it always does. Returns whether the key was used. */
export function enterMovesOn(event: KeyboardEvent, form: HTMLElement): boolean {
  if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return false;
  const target = event.target;
  if (!(target instanceof HTMLInputElement || target instanceof HTMLSelectElement)) return false;
  event.preventDefault();
  moveFrom(target, form, event.shiftKey ? -1 : 1);
  return true;
}

/** Puts the focus on the next place of the form that can be reached, in its order. */
export function moveFrom(from: HTMLElement, form: HTMLElement, step: 1 | -1): void {
  const stops = [...form.querySelectorAll<HTMLElement>(STOPS)].filter(
    (stop) => stop === from || (!stop.hasAttribute("disabled") && !folded(stop)),
  );
  const next = stops[stops.indexOf(from) + step];
  if (!next) return;
  next.focus();
  if (next instanceof HTMLInputElement) next.select();
}

function folded(stop: HTMLElement): boolean {
  const details = stop.closest("details");
  return details !== null && !details.open && stop.tagName !== "SUMMARY";
}

/** The field with the focus. */
export function focusedField(form: HTMLElement | undefined): string | null {
  const active = document.activeElement;
  if (!form || !(active instanceof HTMLElement) || !form.contains(active)) return null;
  return active.closest<HTMLElement>("[data-field]")?.dataset.field ?? null;
}

/** Puts the focus in a field, unfolding the part it is in. */
export function focusField(form: HTMLElement | undefined, field: string): boolean {
  const input = [...(form?.querySelectorAll<HTMLElement>("[name]") ?? [])].find(
    (named) => named.getAttribute("name") === field,
  );
  if (!input) return false;
  const details = input.closest("details");
  if (details) details.open = true;
  input.focus();
  input.scrollIntoView?.({ block: "center" });
  return true;
}
