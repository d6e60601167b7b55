export interface Toast {
  id: number;
  text: string;
  kind: "info" | "success" | "danger";
  action?: { label: string; run: () => void };
}

/** Short messages at the bottom. One with an action stays long enough to be reached with the keyboard. */
export const toasts = $state<{ list: Toast[] }>({ list: [] });
let last = 0;

export function toast(text: string, kind: Toast["kind"] = "info", action?: Toast["action"]): void {
  const id = ++last;
  toasts.list = [...toasts.list.slice(-2), { id, text, kind, action }];
  setTimeout(() => dismiss(id), action ? 20_000 : 6000);
}

export function dismiss(id: number): void {
  toasts.list = toasts.list.filter((item) => item.id !== id);
}
