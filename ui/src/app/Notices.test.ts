import { cleanup, render } from "@testing-library/svelte";
import { afterEach, expect, it } from "vitest";
import type { Status } from "../lib/host/bindings/Status";
import type { Host } from "../lib/host/types";
import { setLang } from "../lib/i18n/index.svelte";
import Notices from "./Notices.svelte";
import { type Ready, Session } from "./session.svelte";

afterEach(cleanup);

const YEAR = 365 * 86_400_000;
const me = {
  stage: "ready",
  recovery: "kept",
  person: { trained: true },
  municipality: { prefixRegistered: true },
} as Ready;

/** What is said above every screen with the clock of the equipment so far from that of the endpoint. */
function said(clockOffsetMs: number): string {
  const session = new Session({} as Host);
  session.status = { clockOffsetMs, freeBytes: null, room: "enough" } as Status;
  const { container, unmount } = render(Notices, { session, me, screen: "tray" });
  const text = container.textContent?.trim() ?? "";
  unmount();
  return text;
}

it("p6_wrong_clock says how wrong it is, that nothing is lost, and what to set", () => {
  setLang("es");
  expect(said(4 * 60_000)).toBe("");
  expect(said(5 * YEAR)).toContain("va 1825 d adelantado");
  expect(said(-7 * YEAR)).toContain("va 2555 d atrasado");
  for (const offset of [5 * YEAR, -7 * YEAR]) {
    setLang("es");
    expect(said(offset)).toMatch(/se conserva.*Ajusta la hora en la configuración del sistema\.$/);
    setLang("en");
    expect(said(offset)).toMatch(/ d (fast|slow)\..*is kept.*Set the time in the settings of the system\.$/);
  }
});
