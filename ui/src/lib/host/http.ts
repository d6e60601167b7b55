import type { Problem } from "./bindings/Problem";
import { download } from "./download";
import { type Call, type ClientEvent, type Host, isProblem } from "./types";

/** A browser: the same commands by HTTP, events by SSE, files by their bytes. */
export function httpHost(base = "."): Host {
  return {
    call: ((name, payload) => post(`${base}/call/${name}`, payload)) as Call,
    listen: (callback) => {
      const source = new EventSource(`${base}/events`);
      source.onmessage = (message: MessageEvent<string>) => callback(JSON.parse(message.data) as ClientEvent);
      return () => source.close();
    },
    pickFiles: () =>
      new Promise((resolve) => {
        const input = document.createElement("input");
        input.type = "file";
        input.multiple = true;
        input.accept = "image/jpeg,image/png,image/webp,application/pdf";
        input.addEventListener("change", () => resolve({ files: [...(input.files ?? [])] }));
        input.addEventListener("cancel", () => resolve({ files: [] }));
        input.click();
      }),
    // A browser knows no paths; whoever tests with it types one of the machine of the host.
    pickPath: async (words) => window.prompt(words.title, words.name ?? ""),
    onFileDrop: (callback) => {
      const carriesFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
      const over = (event: DragEvent) => {
        if (!carriesFiles(event)) return;
        event.preventDefault();
        callback({ kind: "over" });
      };
      const leave = (event: DragEvent) => {
        if (event.relatedTarget === null) callback({ kind: "leave" });
      };
      const drop = (event: DragEvent) => {
        if (!carriesFiles(event)) return;
        event.preventDefault();
        callback({ kind: "drop", chosen: { files: [...(event.dataTransfer?.files ?? [])] } });
      };
      window.addEventListener("dragover", over);
      window.addEventListener("dragleave", leave);
      window.addEventListener("drop", drop);
      return () => {
        window.removeEventListener("dragover", over);
        window.removeEventListener("dragleave", leave);
        window.removeEventListener("drop", drop);
      };
    },
    saveFile: async (name, bytes) => {
      download(name, bytes);
      return true;
    },
  };
}

async function post(url: string, payload: unknown): Promise<unknown> {
  let answer: globalThis.Response;
  try {
    answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(payload),
    });
  } catch {
    throw { code: "unavailable", params: {}, retry: "later" } satisfies Problem;
  }
  const body: unknown = await answer.json().catch(() => null);
  if (answer.ok) return body;
  if (isProblem(body)) throw body;
  throw { code: "fault", params: { detail: `HTTP ${answer.status}` }, retry: "later" } satisfies Problem;
}
