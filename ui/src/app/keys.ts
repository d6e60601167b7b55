import { go, parse } from "../lib/router";
import type { Session } from "./session.svelte";

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
  // A dialog that is open has the keyboard.
  if (document.querySelector("dialog[open]")) return;
  const key = event.key.toLowerCase();
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
