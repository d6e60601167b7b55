import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setLegalOffset } from "./format";
import type { Code } from "./host/bindings/Code";
import type { Problem } from "./host/bindings/Problem";
import { setLang } from "./i18n/index.svelte";
import { describe as say, describeFinding, look } from "./problems";

beforeEach(() => setLang("es"));
afterEach(() => setLegalOffset(null));

const problem = (code: string, params: Problem["params"] = {}, retry: Problem["retry"] = "after_fix"): Problem => ({
  code: code as Code,
  params,
  retry,
});

describe("problems", () => {
  it("says what happened, what to do and what was not lost", () => {
    const said = say(problem("device_revoked"));
    expect(said.text).toContain("no reconoce este equipo");
    expect(said.text).toContain("Nada se perdió");
    expect(said.action).toBeNull();
  });

  it("writes sizes and moments as people read them", () => {
    setLegalOffset(-360);
    const big = say(problem("evidence_too_large", { file: "obra.jpg", bytes: 31_000_000, limitBytes: 26_214_400 }));
    expect(big.text).toContain("«obra.jpg» pesa 31 MB y el límite es 26.2 MB");
    expect(say(problem("code_used", { usedAt: "2020-03-12T18:00:00Z" })).text).toContain("12 mar 2020, 12:00");
    expect(say(problem("has_errors", { findings: [1, 2] })).text).toContain("2 datos");
  });

  it("never tells the name of a problem as if it were what somebody typed", () => {
    expect(say(problem("code_unknown", { code: "7KQ2M4XB1Z" })).text).toContain("«7KQ2M4XB1Z»");
    expect(say(problem("code_unknown")).text).not.toContain("code_unknown");
    expect(say(problem("of_tomorrow")).text).toContain("of_tomorrow");
  });

  it("offers what can be done from here", () => {
    expect(say(problem("server_unreachable", {}, "later"))).toMatchObject({
      action: "send-now",
      actionLabel: "Enviar ahora",
    });
    expect(say(problem("has_errors")).action).toBe("first-error");
    expect(say(problem("fault", {}, "later")).action).toBe("copy-diagnostics");
    expect(say(problem("evidence_hash_mismatch", {}, "later")).action).toBe("retry");
  });

  it("has words for a code it does not know", () => {
    const said = say(problem("brand_new_code"));
    expect(said.text).toContain("brand_new_code");
    expect(said.text).toContain("guardado");
  });

  it("knows a finding from a precondition from a fault", () => {
    expect(look(problem("has_errors"))).toBe("finding");
    expect(look(problem("disk_full"))).toBe("precondition");
    expect(look(problem("fault"))).toBe("fault");
  });
});

describe("findings", () => {
  const finding = (rule: string, params: Record<string, unknown> = {}, pointer = "") => ({
    pointer,
    rule,
    severity: "error" as const,
    params,
  });

  it("names the field", () => {
    expect(describeFinding(finding("field-required", {}), "Fecha de la visita")).toBe(
      "Falta «Fecha de la visita». Escribe el dato.",
    );
  });

  it("says which reason of a rule", () => {
    const falls = finding("amounts", { reason: "progress-falls", value: 35, expected: 42 });
    expect(describeFinding(falls)).toContain("El avance (35 %) es menor que el del seguimiento anterior (42 %)");
    expect(
      describeFinding(finding("amounts", { reason: "new-reason", value: 3 }, "/release/contracts/0/value/amount")),
    ).toBe("«contracts · value · amount»: el monto 3 no es posible. Revisa el monto.");
  });

  it("shows days as days", () => {
    const future = finding("visit-in-future", { value: "2027-01-01", today: "2026-11-22" });
    expect(describeFinding(future)).toContain("1 ene 2027");
    expect(describeFinding(future)).toContain("hoy (22 nov 2026)");
  });

  it("shows rule and value of a rule it does not know, in both languages", () => {
    const unknown = finding("rule-of-tomorrow", { value: "x9" }, "/a/b");
    expect(describeFinding(unknown)).toContain("rule-of-tomorrow");
    expect(describeFinding(unknown)).toContain("x9");
    setLang("en");
    expect(describeFinding(unknown)).toBe(
      "Rule “rule-of-tomorrow” is not met at «a · b»: x9. Tell the administration.",
    );
  });
});
