import { cleanup, fireEvent, render, screen } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Draft } from "../host/bindings/Draft";
import type { Problem } from "../host/bindings/Problem";
import { watchPointer } from "../ui/pointer.svelte";
import { setLang } from "../i18n/index.svelte";
import CaptureForm from "./CaptureForm.svelte";
import { Keeper } from "./keeper.svelte";
import { draft, finding } from "./testing";

beforeEach(() => setLang("es"));
afterEach(cleanup);

HTMLDialogElement.prototype.showModal ??= function (this: HTMLDialogElement) {
  this.open = true;
};
HTMLDialogElement.prototype.close ??= function (this: HTMLDialogElement) {
  this.open = false;
};

function form(start: Draft = draft(), asked = false) {
  const save = vi.fn(async () => start);
  const keeper = new Keeper(start, { save, reload: async () => start, problem: (thrown) => thrown as Problem });
  const shown = render(CaptureForm, { keeper, draft: start, currency: "MXN", asked });
  const input = (name: string) =>
    shown.container.querySelector<HTMLInputElement>(`[name="${name}"]`) as HTMLInputElement;
  return { ...shown, keeper, save, input };
}

describe("the form is drawn from data", () => {
  it("gives each field its name, label, hint and last value", () => {
    const { input } = form();
    expect(input("visitedOn").type).toBe("text");
    expect(screen.getByLabelText("Título visitedOn")).toBe(input("visitedOn"));
    const described = input("physicalActual").getAttribute("aria-describedby") ?? "";
    const hint = described.split(" ").map((id) => document.getElementById(id)?.textContent ?? "");
    expect(hint.join(" ")).toContain("Ayuda physicalActual");
    expect(hint.join(" ")).toContain("30 %");
    expect(hint.join(" ")).toContain("2 oct 2026");
    expect(input("milestoneStatus").tagName).toBe("SELECT");
    expect(input("notes").tagName).toBe("TEXTAREA");
    expect(input("notes").closest("[data-field]")?.textContent).toContain("no se publica");
  });

  it("folds an optional part, unless something is in it", () => {
    const part = (shown: ReturnType<typeof form>) =>
      shown.container.querySelector<HTMLDetailsElement>("[data-group=contract]");
    const empty = form();
    expect(part(empty)?.open).toBe(false);
    empty.unmount();
    expect(part(form(draft({ values: { contractId: "OP-1" } })))?.open).toBe(true);
  });

  it("shows the next copy of a part once the one before it has something", async () => {
    const more = draft();
    const contract = more.form.groups[1];
    if (!contract) throw new Error("the small draft has a part for the contract");
    const copy = (number: number) => ({
      ...contract,
      id: `contract-${number}`,
      copyOf: "contract",
      fields: contract.fields.map((own) => ({ ...own, id: `${own.id}-${number}` })),
    });
    more.form.groups.splice(2, 0, copy(2), copy(3));
    const { container, input } = form(more);
    const parts = () =>
      [...container.querySelectorAll("[data-group^=contract]")].map(
        (part) => part.id || part.getAttribute("data-group"),
      );
    expect(parts()).toEqual(["contract"]);
    await fireEvent.input(input("contractId"), { target: { value: "OP-1" } });
    expect(parts()).toEqual(["contract", "contract-2"]);
    await fireEvent.input(input("contractId-2"), { target: { value: "OP-2" } });
    expect(parts()).toEqual(["contract", "contract-2", "contract-3"]);
    await fireEvent.input(input("contractId"), { target: { value: "" } });
    expect(parts()).toEqual(["contract", "contract-2", "contract-3"]);
  });

  it("takes a reason where there is no datum, and gives it back", async () => {
    const start = draft();
    for (const group of start.form.groups) for (const own of group.fields) own.mayLack = own.id === "visitedOn";
    const { container, input, keeper } = form(start);
    const row = container.querySelector("[data-field=visitedOn]") as HTMLElement;
    expect(container.querySelectorAll("[data-action=lack]").length).toBe(1);
    await fireEvent.click(row.querySelector("[data-action=lack]") as HTMLElement);
    await tick();
    const why = row.querySelector("select") as HTMLSelectElement;
    expect(document.activeElement).toBe(why);
    await fireEvent.change(why, { target: { value: "notYet" } });
    expect(keeper.values["~visitedOn"]).toBe("notYet");
    await fireEvent.click(row.querySelector("[data-action=fill]") as HTMLElement);
    await tick();
    expect(keeper.values["~visitedOn"]).toBe("");
    expect(document.activeElement).toBe(input("visitedOn"));
  });

  it("shows a value as it was typed", async () => {
    const { input, keeper } = form();
    await fireEvent.input(input("physicalActual"), { target: { value: "$1,234.56 MXN" } });
    expect(keeper.values["physicalActual"]).toBe("$1,234.56 MXN");
    expect(input("physicalActual").value).toBe("$1,234.56 MXN");
  });
});

describe("the keyboard", () => {
  it("moves on with Enter and never submits", async () => {
    const { input, container } = form();
    const submit = vi.fn((event: Event) => event.preventDefault());
    container.querySelector("form")?.addEventListener("submit", submit);
    input("visitedOn").focus();
    const unhandled = await fireEvent.keyDown(input("visitedOn"), { key: "Enter" });
    expect(unhandled).toBe(false);
    expect(document.activeElement).toBe(input("physicalActual"));
    await fireEvent.keyDown(input("physicalActual"), { key: "Enter" });
    expect(document.activeElement?.tagName).toBe("SUMMARY");
    await fireEvent.keyDown(input("physicalActual"), { key: "Enter", shiftKey: true });
    expect(document.activeElement).toBe(input("visitedOn"));
    expect(submit).not.toHaveBeenCalled();
  });

  it("leaves Enter alone in a text of several lines", async () => {
    const { input } = form();
    input("notes").focus();
    expect(await fireEvent.keyDown(input("notes"), { key: "Enter" })).toBe(true);
    expect(document.activeElement).toBe(input("notes"));
  });

  it("repeats the last value with Ctrl+D, also of a list", async () => {
    const { input, keeper } = form(draft({ values: { contractId: "OP-1" } }));
    input("physicalActual").focus();
    expect(await fireEvent.keyDown(input("physicalActual"), { key: "d", ctrlKey: true })).toBe(false);
    expect(input("physicalActual").value).toBe("30");
    input("milestoneStatus").focus();
    await fireEvent.keyDown(input("milestoneStatus"), { key: "D", ctrlKey: true });
    expect(keeper.values["milestoneStatus"]).toBe("met");
    input("visitedOn").focus();
    await fireEvent.keyDown(input("visitedOn"), { key: "d", ctrlKey: true });
    expect(keeper.values["visitedOn"]).toBeUndefined();
  });

  it("goes through the errors and unfolds the part they are in", async () => {
    const { input, component, container } = form(
      draft({
        values: { physicalActual: "x" },
        findings: [finding("contractId", "field-required"), finding("physicalActual", "percent-format")],
      }),
    );
    component.goToNextError();
    expect(document.activeElement).toBe(input("physicalActual"));
    component.goToNextError();
    await tick();
    expect(container.querySelector<HTMLDetailsElement>("[data-group=contract]")?.open).toBe(true);
    expect(document.activeElement).toBe(input("contractId"));
    component.goToNextError();
    expect(document.activeElement).toBe(input("physicalActual"));
  });

  it("opens the help of the field with F1", async () => {
    const { input } = form();
    input("physicalActual").focus();
    await fireEvent.keyDown(input("physicalActual"), { key: "F1" });
    const help = document.querySelector("dialog");
    expect(help?.textContent).toContain("Ayuda physicalActual");
    expect(help?.textContent).toContain("Un porcentaje de 0 a 100");
  });
});

describe("taking back", () => {
  const press = (on: HTMLElement, key: string, more: object = {}) =>
    fireEvent.keyDown(on, { key, ctrlKey: true, ...more });

  it("leaves the keys to the text that is being typed, and takes the change back once the field was left", async () => {
    const { input, keeper } = form(draft({ values: { physicalActual: "10" } }));
    input("physicalActual").focus();
    await fireEvent.input(input("physicalActual"), { target: { value: "12" } });
    expect(await press(input("physicalActual"), "z")).toBe(true);
    expect(keeper.values["physicalActual"]).toBe("12");
    input("notes").focus();
    await tick();
    expect(await press(input("notes"), "z")).toBe(false);
    expect(keeper.values["physicalActual"]).toBe("10");
    // What came back is where the person is.
    expect(document.activeElement).toBe(input("physicalActual"));
    expect(await press(input("physicalActual"), "y")).toBe(false);
    expect(keeper.values["physicalActual"]).toBe("12");
    await press(input("physicalActual"), "z");
    await press(input("physicalActual"), "Z", { shiftKey: true });
    expect(keeper.values["physicalActual"]).toBe("12");
  });

  it("takes back what was chosen from a list and what was repeated without leaving the field", async () => {
    const { input, keeper } = form(draft({ values: { contractId: "OP-1" } }));
    input("milestoneStatus").focus();
    await fireEvent.change(input("milestoneStatus"), { target: { value: "met" } });
    expect(await press(input("milestoneStatus"), "z")).toBe(false);
    expect(keeper.values["milestoneStatus"]).toBe("");
    input("physicalActual").focus();
    await press(input("physicalActual"), "d");
    expect(keeper.values["physicalActual"]).toBe("30");
    expect(await press(input("physicalActual"), "z")).toBe(false);
    expect(keeper.values["physicalActual"]).toBe("");
  });

  it("has nothing to say where nothing was changed", async () => {
    const { input } = form();
    input("notes").focus();
    expect(await press(input("notes"), "z")).toBe(true);
    expect(await press(input("notes"), "y")).toBe(true);
  });

  it("empties a part as one change, and gives it back", async () => {
    const { container, input, keeper } = form(draft({ values: { contractId: "OP-1", milestoneStatus: "met" } }));
    await fireEvent.click(container.querySelector("[data-group=contract] [data-action=empty]") as HTMLElement);
    expect([keeper.values["contractId"], keeper.values["milestoneStatus"]]).toEqual(["", ""]);
    await tick();
    expect(document.activeElement).toBe(input("contractId"));
    expect(container.querySelector("[data-action=empty]")).toBeNull();
    expect(await press(input("contractId"), "z")).toBe(false);
    expect([keeper.values["contractId"], keeper.values["milestoneStatus"]]).toEqual(["OP-1", "met"]);
  });

  it("repeats what is blank of a part with Ctrl+Shift+D", async () => {
    const { input, keeper } = form(
      draft({ values: { contractId: "OP-1" }, last: { contractId: "OP-9", milestoneStatus: "met" } }),
    );
    input("contractId").focus();
    expect(await press(input("contractId"), "D", { shiftKey: true })).toBe(false);
    expect([keeper.values["contractId"], keeper.values["milestoneStatus"]]).toEqual(["OP-1", "met"]);
    expect(keeper.undo()).toEqual(["milestoneStatus"]);
  });
});

describe("findings", () => {
  it("says what is wrong at once and what is missing after the field was left", async () => {
    const { input, container } = form(
      draft({
        values: { physicalActual: "135" },
        findings: [finding("visitedOn", "field-required"), finding("physicalActual", "percent-range")],
      }),
    );
    const rules = () => [...container.querySelectorAll<HTMLElement>("[data-rule]")].map((item) => item.dataset.rule);
    expect(rules()).toEqual(["percent-range"]);
    expect(input("physicalActual").getAttribute("aria-invalid")).toBe("true");
    await fireEvent.blur(input("visitedOn"));
    await tick();
    expect(rules()).toEqual(["field-required", "percent-range"]);
  });

  it("moves nothing while the button of the mouse is down, so that no click is lost", async () => {
    const stop = watchPointer();
    const { input, container } = form(draft({ findings: [finding("visitedOn", "field-required")] }));
    await fireEvent.pointerDown(document.body);
    await fireEvent.blur(input("visitedOn"));
    await tick();
    expect(container.querySelector("[data-rule]")).toBeNull();
    await fireEvent.pointerUp(document.body);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await tick();
    expect(container.querySelector("[data-rule=field-required]")).not.toBeNull();
    stop();
  });

  it("says everything once the person asked to send", () => {
    const { container } = form(draft({ findings: [finding("visitedOn", "field-required")] }), true);
    expect(container.querySelector("[data-rule=field-required]")).not.toBeNull();
  });

  it("marks a warning without holding the field", () => {
    const { input, container } = form(draft({ findings: [finding("physicalActual", "amounts", "warning")] }));
    expect(container.querySelector("[data-rule=amounts]")?.className).toContain("warning");
    expect(input("physicalActual").getAttribute("aria-invalid")).toBeNull();
  });

  it("says how a number and a day were read, and the field is described by it", () => {
    const { input } = form(
      draft({
        values: { visitedOn: "ayer", physicalActual: "35,5" },
        understood: { visitedOn: "2026-11-21", physicalActual: "35.5" },
      }),
    );
    const said = (name: string) => document.getElementById(`field-${name}-understood`)?.textContent?.trim();
    expect(said("visitedOn")).toBe("Se leyó como 21 nov 2026");
    expect(said("physicalActual")).toBe("Se leyó como 35.5 %");
    expect(input("physicalActual").getAttribute("aria-describedby")).toContain("field-physicalActual-understood");
  });

  it("leads from a possible duplicate to the other follow-up", () => {
    const other = finding("visitedOn", "possible-duplicate", "warning");
    other.finding.params = { id: "d-9", folio: "S-00000-00009", day: "2026-11-21", state: "draft", reason: "day" };
    const { container } = form(draft({ values: { visitedOn: "ayer" }, findings: [other] }));
    const told = container.querySelector("[data-rule=possible-duplicate]");
    expect(told?.textContent).toContain("S-00000-00009");
    expect(told?.textContent).toContain("21 nov 2026");
    expect(told?.querySelector("a")?.getAttribute("href")).toBe("#/seguimiento/d-9");
  });
});
