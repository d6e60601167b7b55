import { cleanup, render } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Alert } from "../host/bindings/Alert";
import type { Todo } from "../host/bindings/Todo";
import { setLang } from "../i18n/index.svelte";
import { cause, LIGHTS, lightFaces } from "./alerts";
import TodoItem from "./TodoItem.svelte";

beforeEach(() => setLang("es"));
afterEach(cleanup);

const late: Alert = {
  kind: "milestone_overdue",
  ocid: "ocds-000000-P-1",
  pointer: "/contracts/0/milestones/0",
  days: 5,
  params: { title: "Colado", on: "2026-03-05" },
};
const silent: Alert = { kind: "no_follow_up", ocid: "", pointer: "", days: 1, params: { last: null, limit: 30 } };

const todo = (part: Partial<Todo> = {}): Todo => ({
  kind: "alert",
  project: "P-1",
  title: "Banqueta",
  id: null,
  folio: null,
  days: 5,
  due: null,
  light: "late",
  alerts: [late, silent],
  findings: 0,
  ...part,
});

describe("an alert", () => {
  it("says its cause with days, in both languages", () => {
    expect(cause(late)).toBe("El hito «Colado» venció el 5 mar 2026, hace 5 días.");
    expect(cause(silent)).toBe("Sin seguimiento desde hace 1 día; se espera uno cada 30.");
    const behind: Alert = {
      ...silent,
      kind: "behind_plan",
      days: 3,
      params: { planned: 50, actual: 38.75, points: 11.25 },
    };
    expect(cause(behind)).toContain("38.8 %, con 50 % programado");
    setLang("en");
    expect(cause(late)).toBe("The milestone “Colado” was due on 5 Mar 2026, 5 days ago.");
  });

  it("has a shape of its own for each light: colour is not the only sign", () => {
    expect(new Set(LIGHTS.map((light) => lightFaces[light].icon)).size).toBe(LIGHTS.length);
  });
});

describe("E12: what waits", () => {
  it("leads to the project, with the most urgent cause and how many more there are", () => {
    const { container } = render(TodoItem, { item: todo(), place: "Centro" });
    expect(container.querySelector("a")?.getAttribute("href")).toContain("P-1");
    expect(container.querySelector("[data-light]")?.textContent).toBe("Atrasado");
    expect(container.textContent).toContain("hace 5 días");
    expect(container.textContent).toContain("y 1 causa más");
    expect(container.textContent).toContain("Centro");
  });

  it("leads to the follow-up that came back", () => {
    const item = todo({ kind: "observed", id: "f1", folio: "S-00000-00001", days: 2, alerts: [] });
    const { container } = render(TodoItem, { item });
    expect(container.querySelector("a")?.getAttribute("href")).toContain("f1");
    expect(container.textContent).toContain("El seguimiento S-00000-00001 tiene observaciones desde hace 2 días");
  });
});
