import { t } from "../lib/i18n/index.svelte";
import { describe } from "../lib/problems";

/** Fewest characters of a new passphrase; Rust decides. */
const MINIMUM = 8;

/** What is wrong with a new passphrase that is typed twice, and in which of both fields. */
export function objection(first: string, again: string): { again: boolean; text: string } | null {
  if (first === "") return { again: false, text: t("unlock.blank") };
  if ([...first].length < MINIMUM) {
    const params = { minimum: MINIMUM };
    return { again: false, text: describe({ code: "passphrase_too_short", params, retry: "after_fix" }).text };
  }
  return first === again ? null : { again: true, text: t("unlock.differ") };
}
