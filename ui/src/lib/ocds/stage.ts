import type { ProjectDetail } from "../host/bindings/ProjectDetail";
import type { Stage } from "../host/bindings/Stage";
import { contracts } from "./extract";

/**
 * The stage that a person most likely reports on: the one of the last follow-up, or what the process has come to. While
 * nothing is known of a procedure, how the works go: that is what most follow-ups are about.
 */
export function likelyStage(detail: Pick<ProjectDetail, "compiled" | "followUps">): Stage {
  const last = detail.followUps[0];
  if (last) return last.stage;
  const compiled = detail.compiled as { tender?: { status?: unknown }; awards?: { status?: unknown }[] } | null;
  const known = contracts(compiled);
  if (known.some((contract) => contract.status === "active")) return "implementation";
  if (known.some((contract) => contract.status === "terminated")) return "closure";
  if (compiled?.awards?.some((award) => award.status === "active")) return "contract";
  const tender = compiled?.tender?.status;
  if (tender === "complete") return "award";
  return tender === undefined ? "implementation" : "tender";
}
