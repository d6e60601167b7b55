import type { FollowUpRow } from "../host/bindings/FollowUpRow";
import type { State } from "../host/bindings/State";
import { bytes } from "../format";
import { lang, n, t } from "../i18n/index.svelte";
import type { IconName } from "../ui/icons";

export type Tone = "neutral" | "info" | "success" | "warning" | "danger" | "purple";
export interface ChipFace {
  icon: IconName;
  tone: Tone;
  label: string;
  meaning: string;
}

const FACES: Record<State, { icon: IconName; tone: Tone }> = {
  draft: { icon: "pencil", tone: "neutral" },
  ready: { icon: "upArrow", tone: "info" },
  sending: { icon: "sending", tone: "info" },
  received: { icon: "tick", tone: "success" },
  accepted: { icon: "doubleTick", tone: "success" },
  published: { icon: "globe", tone: "success" },
  observed: { icon: "speech", tone: "warning" },
  rejected: { icon: "cross", tone: "danger" },
  conflict: { icon: "arrows", tone: "warning" },
  parked: { icon: "box", tone: "danger" },
  withdrawn: { icon: "crossedPage", tone: "neutral" },
  superseded: { icon: "crossedPage", tone: "neutral" },
};

export const STATES = Object.keys(FACES) as State[];

/** The chip of a state by itself, as the legend shows it. */
export function face(state: State): ChipFace {
  return { ...FACES[state], label: t(`state.${state}`), meaning: t(`state.${state}.meaning`) };
}

/** The chip of a follow-up: its state with what it still lacks. */
export function faceOf(row: FollowUpRow): ChipFace {
  const plain = face(row.state);
  if (row.state === "draft" && row.missing > 0) {
    return { ...plain, label: `${plain.label} · ${n("chip.missing", row.missing)}` };
  }
  if (row.state === "ready" && row.problem) {
    return { icon: "cloudAlert", tone: "danger", label: t("chip.notSent"), meaning: t("chip.notSent.meaning") };
  }
  if (row.state === "sending" && row.files > 0) {
    return { ...plain, label: `${plain.label} ${row.files - row.filesWaiting}/${row.files}` };
  }
  if (row.state === "received" && row.filesWaiting > 0) {
    return {
      icon: "tickClip",
      tone: "warning",
      label: n("chip.receivedLacking", row.filesWaiting, { size: bytes(row.bytesWaiting, lang()) }),
      meaning: t("chip.receivedLacking.meaning"),
    };
  }
  return plain;
}
