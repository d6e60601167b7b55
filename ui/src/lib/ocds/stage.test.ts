import { describe, expect, it } from "vitest";
import type { FollowUpRow } from "../host/bindings/FollowUpRow";
import { likelyStage } from "./stage";

const of = (compiled: unknown, followUps: Partial<FollowUpRow>[] = []) =>
  likelyStage({ compiled, followUps: followUps as FollowUpRow[] });

describe("the stage that is offered first", () => {
  it("is that of the last follow-up", () => {
    expect(of({ contracts: [{ id: "C", status: "active" }] }, [{ stage: "closure" }])).toBe("closure");
  });

  it("or what the process has come to", () => {
    expect(of({})).toBe("implementation");
    expect(of(null)).toBe("implementation");
    expect(of({ tender: { status: "active" } })).toBe("tender");
    expect(of({ tender: { status: "complete" } })).toBe("award");
    expect(of({ tender: { status: "complete" }, awards: [{ id: "A", status: "active" }] })).toBe("contract");
    expect(of({ contracts: [{ id: "C", status: "active" }] })).toBe("implementation");
    expect(of({ contracts: [{ id: "C", status: "terminated" }] })).toBe("closure");
  });
});
