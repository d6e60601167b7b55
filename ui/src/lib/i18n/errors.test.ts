import { describe, expect, it } from "vitest";
import { en } from "./en";
import { es } from "./es";

/** The parts of an error (`words.md`): what happened, where and why, what to do, what was not lost. A sentence may say
 *  them in any order and any words; these are the words by which each part is told in the sentences that there are. */
const LANGUAGES = [
  {
    name: "es",
    sentences: es as Record<string, string>,
    /** Verbs of what to do, at the beginning of a clause. */
    verbs:
      "pide|rev[ií]sa(?:l[oa]s?)?|escr[ií]be(?:l[oa]s?)?|vuelve|c[oó]pia(?:lo)?|avisa|elige|envía|actual[ií]za(?:l[oa])?|b[uú]sca(?:lo)?|ci[eé]rra(?:l[oa])?|libera|entra|espera|indica|qu[ií]ta(?:l[oa])?|capt[uú]ra(?:lo)?|corr[ií]ge(?:lo)?|redúcelo|adjúntalo|conviértelo|haz(?:la)?|llévalo|ábrelo|desbloquéalo|mira|agrega|usa|d[eé]ja(?:lo)?|llena|ac[oó]rta(?:l[oa])?|registra|cambia|descarta|sigue adelante|marca|conéctalo",
    /** Nobody has to do anything, or somebody else does. */
    self: /\bsol[oa]s?\b|no hace falta|lo decide otra|(elige|revisa) la coordinación|atender a más tardar/i,
    kept: /\bsiguen?\b|guardad[oa]s?\b|conserva|se perdió|se pierde|no se (guardó|registró|cargó|hizo|cambió|borró|movió|usó)|nada cambió|a salvo|intact|complet|quedó|funciona igual/i,
  },
  {
    name: "en",
    sentences: en as Record<string, string>,
    verbs:
      "ask|check|write|type|go|try|copy|tell|choose|send|update|refresh|look|close|free|sign|enter|wait|say|take|capture|mend|correct|make|attach|convert|carry|open|unlock|see|add|use|leave|fill|shorten|record|change|discard|connect|mark|remove|move|review|read",
    self: /by itself|by themselves|renews itself|is tried again|no other code is needed|somebody else|the coordination (chooses|reviews)|attend|is sent again/i,
    kept: /\bstill\b|stays here|stored|\bkept\b|saved|nothing|safe|untouched|\bwhole\b|as (it|they) (was|were)|no file was made|not lost|not used|was made|attached|works as/i,
  },
];

/** What the coordination says in its own words. */
const QUOTED = ["rule.review-observed", "rule.review-observed.due", "rule.review-rejected", "rule.conflict-kept"];

describe.each(LANGUAGES)("errors in $name", ({ sentences, verbs, self, kept }) => {
  const keys = (prefix: string) => Object.keys(sentences).filter((key) => key.startsWith(prefix));
  const told = (key: string) => sentences[key] ?? "";
  const does = new RegExp(`(?:^|[.;:,?(] ?|\\b(?:y|o|no,|and|or|not,) )(?:${verbs})(?!\\p{L})`, "iu");

  it("says what to do, or that it heals by itself", () => {
    const silent = [...keys("problem."), ...keys("rule.")].filter(
      (key) => !QUOTED.includes(key) && !does.test(told(key)) && !self.test(told(key)),
    );
    expect(silent.map((key) => `${key}: ${told(key)}`)).toEqual([]);
  });

  // A finding stands beside its field in a draft that is saved: what was kept is said of problems.
  it("says what was not lost", () => {
    const silent = keys("problem.").filter((key) => !kept.test(told(key)));
    expect(silent.map((key) => `${key}: ${told(key)}`)).toEqual([]);
  });

  it("says what happened before anything else, in whole sentences", () => {
    for (const key of [...keys("problem."), ...keys("rule.")]) {
      const clauses = told(key).split(/[.;:,?] /);
      expect(clauses.length, `${key}: ${told(key)}`).toBeGreaterThan(1);
      if (!/(reason|text)\}$/.test(told(key))) expect(told(key), key).toMatch(/[.?]$/);
    }
  });
});
