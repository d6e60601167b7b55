import type { Key } from "../lib/i18n/index.svelte";
import { go, parse } from "../lib/router";
import type { Session } from "./session.svelte";

/** Every key of the program, in the order of the help, which is printed from here. */
export const SHORTCUTS = [
  { keys: ["Ctrl", "N"], does: "keys.new" },
  { keys: ["Ctrl", "B"], does: "keys.find" },
  { keys: ["Ctrl", "S"], does: "keys.save" },
  { keys: ["Ctrl", "Enter"], does: "keys.ready" },
  { keys: ["F9"], does: "keys.send" },
  { keys: ["Alt", "←"], does: "keys.previous" },
  { keys: ["Alt", "→"], does: "keys.next" },
  { keys: ["F8"], does: "keys.nextError" },
  { keys: ["Ctrl", "D"], does: "keys.repeat" },
  { keys: ["Ctrl", "Shift", "D"], does: "keys.repeatPart" },
  { keys: ["Ctrl", "Z"], does: "keys.undo" },
  { keys: ["Ctrl", "Y"], does: "keys.redo" },
  { keys: ["Ctrl", "Shift", "A"], does: "keys.attach" },
  { keys: ["Ctrl", "V"], does: "keys.paste" },
  { keys: ["Enter"], does: "keys.enter" },
  { keys: ["Esc"], does: "keys.escape" },
  { keys: ["Ctrl", "Shift", "R"], does: "keys.report" },
  { keys: ["F1"], does: "keys.help" },
] as const satisfies readonly { keys: readonly string[]; does: Key }[];

/** Keys that work everywhere. What a screen adds, it hears through `screenKey`. */
export type ScreenKey = "new" | "save" | "ready" | "next-error" | "attach" | "previous" | "next";

type Handler = (key: ScreenKey) => void;
let handler: Handler | null = null;

/** A screen listens while it is shown. */
export function onScreenKey(next: Handler): () => void {
  handler = next;
  return () => {
    if (handler === next) handler = null;
  };
}

export function screenKey(event: KeyboardEvent): ScreenKey | null {
  const key = event.key.toLowerCase();
  const ctrl = event.ctrlKey || event.metaKey;
  if (ctrl && !event.shiftKey && !event.altKey) {
    if (key === "n") return "new";
    if (key === "s") return "save";
    if (key === "enter") return "ready";
  }
  if (ctrl && event.shiftKey && key === "a") return "attach";
  if (key === "f8") return "next-error";
  if (event.altKey && !ctrl && key === "arrowleft") return "previous";
  if (event.altKey && !ctrl && key === "arrowright") return "next";
  return null;
}

export function onShortcut(event: KeyboardEvent, session: Session): void {
  if (session.app?.stage !== "ready" || event.defaultPrevented) return;
  const key = event.key.toLowerCase();
  // Also over a dialog: what it says may be what is reported.
  if ((event.ctrlKey || event.metaKey) && event.shiftKey && !event.altKey && key === "r") {
    event.preventDefault();
    session.report();
    return;
  }
  // A dialog that is open has the keyboard.
  if (document.querySelector("dialog[open]")) return;
  if (key === "f9") {
    event.preventDefault();
    void session.sendNow();
  } else if (key === "f1") {
    event.preventDefault();
    go({ screen: "help" });
  } else if (event.ctrlKey && !event.shiftKey && !event.altKey && key === "b") {
    event.preventDefault();
    find();
  } else {
    const screen = screenKey(event);
    if (!screen) return;
    event.preventDefault();
    handler?.(screen);
  }
}

/** Ctrl+B: to the search of projects, wherever one is. */
function find(): void {
  const focus = () => {
    const input = document.querySelector<HTMLInputElement>("#main input[type='search']");
    input?.focus();
    input?.select();
    return input !== null;
  };
  const here = parse(location.hash).screen;
  if ((here === "projects" || here === "tray") && focus()) return;
  go({ screen: "projects" });
  let tries = 0;
  const wait = () => {
    if (!focus() && ++tries < 30) requestAnimationFrame(wait);
  };
  requestAnimationFrame(wait);
}
