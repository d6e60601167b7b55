import type { Problem } from "../lib/host/bindings/Problem";
import { lang, t } from "../lib/i18n/index.svelte";
import { toast } from "../lib/ui/toasts.svelte";
import type { Session } from "./session.svelte";

/** What whoever helps needs to know, without names of people, folios or content. */
export function diagnostics(session: Session, problem: Problem | null = null): string {
  const { app, status } = session;
  const lines: [string, unknown][] = [
    ["screen", location.hash.split("/")[1] ?? ""],
    ["version", app?.stage === "ready" ? app.version : app?.stage],
    ["municipality", app?.stage === "ready" ? app.municipality.id : undefined],
    ["server", app?.stage === "ready" ? app.server : undefined],
    ["language", `${lang()} (${navigator.language})`],
    ["view", navigator.userAgent],
    ["now", new Date().toISOString()],
    [
      "problem",
      problem
        ? `${problem.code} ${JSON.stringify({ reportId: problem.params?.reportId, name: problem.params?.name })}`
        : undefined,
    ],
    ["connection", status?.connection],
    ["lastProblem", status?.problem?.code],
    ["nextAttempt", status?.nextAttempt],
    ["counts", status ? JSON.stringify(status.counts) : undefined],
    ["received", status ? `${status.received}/${status.marked}` : undefined],
    ["files", status ? `${status.filesReceived}/${status.files}` : undefined],
    ["bytesWaiting", status?.bytesWaiting],
    ["lastReceipt", status?.lastReceipt],
    ["lastPull", status?.lastPull],
    ["clockOffsetMs", status?.clockOffsetMs],
    ["freeBytes", status?.freeBytes],
  ];
  const known = lines.filter(([, value]) => value !== undefined && value !== null);
  return ["Avance Abierto", ...known.map(([name, value]) => `${name}: ${String(value)}`)].join("\n");
}

export async function copyDiagnostics(session: Session, problem: Problem | null = null): Promise<void> {
  toast((await copy(diagnostics(session, problem))) ? t("copy.done") : t("copy.failed"));
}

/** Puts a text on the clipboard, also where the page has no permission for the newer way. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("readonly", "");
    area.className = "hidden";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
