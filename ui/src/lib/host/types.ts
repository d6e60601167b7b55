import type { Commands } from "./bindings/commands";
import type { Event as ClientEvent } from "./bindings/Event";
import type { Problem } from "./bindings/Problem";

export type { ClientEvent };
export type CommandName = keyof Commands;
export type Request<N extends CommandName> = Commands[N]["request"];
export type Response<N extends CommandName> = Commands[N]["response"];
export type Call = <N extends CommandName>(name: N, payload: Request<N>) => Promise<Response<N>>;

/** Files a person chose: the window knows their paths, a browser their bytes. */
export type Chosen = { paths: string[] } | { files: File[] };
export type DropEvent = { kind: "over" } | { kind: "leave" } | { kind: "drop"; chosen: Chosen };

/** The only door to Rust. */
export interface Host {
  /** Rejects with a `Problem`. */
  call: Call;
  /** What the client tells without being asked. Returns how to stop listening. */
  listen(callback: (event: ClientEvent) => void): () => void;
  /** Opens the dialog of the system, in these words; nothing chosen is an empty list. */
  pickFiles(words: { title: string; kinds: string }): Promise<Chosen>;
  /** Lets the person choose one file by its path: a place for a new one when a name is proposed, one that exists
   *  otherwise. None when it was cancelled. */
  pickPath(words: { title: string; kind: string; ending: string; name?: string }): Promise<string | null>;
  /** Files dragged over the window. */
  onFileDrop(callback: (event: DropEvent) => void): () => void;
  /** Saves a file where the person says; its bytes in base64. Rejects with a `Problem`; cancelling is no problem, and
   *  answers that nothing was saved. */
  saveFile(name: string, bytes: string): Promise<boolean>;
}

/** Whether a rejection is a problem of ours. */
export function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "code" in value && "retry" in value;
}

/** Anything thrown, as a problem. */
export function asProblem(value: unknown): Problem {
  if (isProblem(value)) return { ...value, params: value.params ?? {} };
  const detail = value instanceof Error ? value.message : String(value);
  return { code: "fault", params: { detail }, retry: "later" };
}

/** Bytes of a file in base64, for `evidence_add_bytes`. */
export async function base64(file: Blob): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) {
    text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(text);
}
