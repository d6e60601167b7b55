import { afterEach, describe, expect, it, vi } from "vitest";
import { httpHost } from "./http";
import { asProblem, base64, isProblem } from "./types";

afterEach(() => vi.unstubAllGlobals());

function answer(status: number, body: string) {
  const fetched = vi.fn(async () => new Response(body, { status }));
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

describe("the host of a browser", () => {
  it("posts a command and gives its answer", async () => {
    const fetched = answer(200, '{"folio":"S-1"}');
    expect(await httpHost().call("draft_ready", { id: "d" })).toEqual({ folio: "S-1" });
    expect(fetched).toHaveBeenCalledWith(
      "./call/draft_ready",
      expect.objectContaining({ method: "POST", body: '{"id":"d"}' }),
    );
  });

  it("rejects with the problem that was answered", async () => {
    const problem = { code: "gap", params: { last: 4 }, retry: "later" };
    answer(409, JSON.stringify(problem));
    await expect(httpHost().call("status", {})).rejects.toEqual(problem);
  });

  it("makes a problem of what is not one", async () => {
    answer(502, "<html>");
    await expect(httpHost().call("status", {})).rejects.toMatchObject({
      code: "fault",
      params: { detail: "HTTP 502" },
    });
    vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("failed")));
    await expect(httpHost().call("status", {})).rejects.toMatchObject({ code: "unavailable", retry: "later" });
  });

  it("hears events until it stops", () => {
    const sources: { url: string; onmessage?: (message: { data: string }) => void; closed: boolean }[] = [];
    vi.stubGlobal(
      "EventSource",
      class {
        closed = false;
        constructor(public url: string) {
          sources.push(this);
        }
        close() {
          this.closed = true;
        }
      },
    );
    const heard: unknown[] = [];
    const stop = httpHost().listen((event) => heard.push(event));
    sources[0]?.onmessage?.({ data: '{"event":"changed"}' });
    stop();
    expect(heard).toEqual([{ event: "changed" }]);
    expect(sources[0]).toMatchObject({ url: "./events", closed: true });
  });
});

describe("what crosses the door", () => {
  it("tells a problem from anything else", () => {
    expect(isProblem({ code: "gap", params: {}, retry: "later" })).toBe(true);
    for (const other of [null, "gap", new Error("x"), { code: "gap" }]) expect(isProblem(other)).toBe(false);
    expect(asProblem("command not found")).toMatchObject({ code: "fault", params: { detail: "command not found" } });
    expect(asProblem({ code: "gap", retry: "later" }).params).toEqual({});
  });

  it("writes bytes in base64, also many", async () => {
    const bytes = new Uint8Array(100_000).map((_, index) => index % 251);
    const blob = { arrayBuffer: async () => bytes.buffer } as Blob;
    expect(await base64(blob)).toBe(btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")));
  });
});
