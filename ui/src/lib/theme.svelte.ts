export type Theme = "system" | "light" | "dark";
const STORED = "avance.theme";
const current = $state<{ theme: Theme }>({ theme: "system" });

export const theme = (): Theme => current.theme;

function apply(): void {
  const dark =
    current.theme === "dark" ||
    (current.theme === "system" && window.matchMedia?.("(prefers-color-scheme: dark)").matches === true);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

/** Reads the choice and follows the system while there is none. */
export function startTheme(): void {
  try {
    const stored = localStorage.getItem(STORED);
    if (stored === "light" || stored === "dark") current.theme = stored;
  } catch {
    // Storage may be off: the system decides.
  }
  window.matchMedia?.("(prefers-color-scheme: dark)").addEventListener("change", apply);
  apply();
}

export function setTheme(next: Theme): void {
  current.theme = next;
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // It lasts until the window closes.
  }
  apply();
}
