import type { Lang } from "../format";
import { en } from "./en";
import { es } from "./es";

export type { Lang };
export type Key = keyof typeof es;
/** A sentence with a number in it: `x.one` and `x.other`. */
export type CountKey = Key extends infer K ? (K extends `${infer Base}.other` ? Base : never) : never;
export type Params = Record<string, unknown>;

export const dictionaries: Record<Lang, Record<Key, string>> = { es, en };

const STORED = "avance.language";

/** The language of a browser setting. Anything unknown, such as the "C" of a system without locale, is Spanish. */
export function languageOf(setting: string | null | undefined): Lang {
  return /^en\b/i.test(setting ?? "") ? "en" : "es";
}

function initial(): Lang {
  try {
    const stored = localStorage.getItem(STORED);
    if (stored === "es" || stored === "en") return stored;
  } catch {
    // Storage may be off; the setting of the system decides.
  }
  return languageOf(typeof navigator === "undefined" ? null : navigator.language);
}

const current = $state<{ lang: Lang }>({ lang: initial() });

export const lang = (): Lang => current.lang;

export function setLang(next: Lang): void {
  current.lang = next;
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // It will be asked of the system again next time.
  }
}

/** Puts values in the places of a sentence; a value that is not there is a dash. */
export function fill(sentence: string, params: Params = {}): string {
  return sentence.replace(/\{(\w+)\}/g, (_, name: string) => word(params[name]));
}

function word(value: unknown): string {
  if (value === null || value === undefined || value === "") return "–";
  if (Array.isArray(value)) return value.length > 0 ? value.map(word).join(", ") : "–";
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

/** A sentence in the language in use. */
export function t(key: Key, params?: Params): string {
  return fill(dictionaries[current.lang][key], params);
}

/** A sentence with a number: `1 archivo`, `2 archivos`. */
export function n(key: CountKey, count: number, params?: Params): string {
  const form = count === 1 ? "one" : "other";
  const sentence = (dictionaries[current.lang] as Record<string, string>)[`${key}.${form}`] ?? "";
  const shown = new Intl.NumberFormat(current.lang === "es" ? "es-MX" : "en-US").format(count);
  return fill(sentence, { n: shown, ...params });
}

/** A text that carries both languages itself. */
export function text(value: { es: string; en: string }): string {
  return value[current.lang];
}

/** Whether a key exists: for ids that come from outside, such as the rule of a finding. */
export function has(key: string): key is Key {
  return key in es;
}
