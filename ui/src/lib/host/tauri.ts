import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import { getCurrentWebview } from "@tauri-apps/api/webview";
import type { ClientEvent, Host } from "./types";

/** The window: commands and events through the IPC of Tauri. */
export function tauriHost(): Host {
  return {
    call: (name, payload) => invoke("call", { name, payload }),
    listen: (callback) => stopLater(listen<ClientEvent>("event", (event) => callback(event.payload))),
    pickFiles: async (words) => ({ paths: await invoke<string[]>("pick_files", words) }),
    pickPath: (words) => invoke<string | null>("pick_path", words),
    onFileDrop: (callback) =>
      stopLater(
        getCurrentWebview().onDragDropEvent(({ payload }) => {
          if (payload.type === "drop") callback({ kind: "drop", chosen: { paths: payload.paths } });
          else if (payload.type === "leave") callback({ kind: "leave" });
          else callback({ kind: "over" });
        }),
      ),
    saveFile: (name, bytes) => invoke("save_file", { name, base64: bytes }),
  };
}

/** Listening starts asynchronously; stopping before it started must also stop it. */
function stopLater(starting: Promise<() => void>): () => void {
  return () => void starting.then((stop) => stop());
}
