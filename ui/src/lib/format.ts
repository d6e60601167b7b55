/** Numbers, days and times as people read them. No dependency on the time zone of the equipment once the offset of
 *  legal time is known. */

export type Lang = "es" | "en";

const MONTHS: Record<Lang, readonly string[]> = {
  es: ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"],
  en: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
};

let legalOffset: number | null = null;

/** Legal time of the municipality, minutes from UTC; null: that of the equipment. */
export function setLegalOffset(minutes: number | null): void {
  legalOffset = minutes;
}

/** The moment with its UTC fields set to local ones. */
function local(moment: string | Date): Date | null {
  const date = typeof moment === "string" ? new Date(moment) : moment;
  if (Number.isNaN(date.getTime())) return null;
  const offset = legalOffset ?? -date.getTimezoneOffset();
  return new Date(date.getTime() + offset * 60_000);
}

const two = (n: number) => String(n).padStart(2, "0");

/** `2026-03-12` (or a moment) → `12 mar 2026`. */
export function day(value: string | null | undefined, lang: Lang): string {
  if (!value) return "";
  const plain = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value);
  if (plain) return `${Number(plain[3])} ${MONTHS[lang][Number(plain[2]) - 1] ?? plain[2]} ${plain[1]}`;
  const date = local(value);
  if (!date) return value;
  return `${date.getUTCDate()} ${MONTHS[lang][date.getUTCMonth()]} ${date.getUTCFullYear()}`;
}

/** `10:42`, with seconds `10:42:07`. */
export function time(value: string | Date | null | undefined, seconds = false): string {
  if (!value) return "";
  const date = local(value);
  if (!date) return "";
  const hm = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
  return seconds ? `${hm}:${two(date.getUTCSeconds())}` : hm;
}

/** `12 mar 2026, 10:42`; today only the time. */
export function moment(value: string | null | undefined, lang: Lang, now: Date = new Date()): string {
  if (!value) return "";
  const today = day(now.toISOString(), lang);
  const on = day(value, lang);
  return on === today ? time(value) : `${on}, ${time(value)}`;
}

const number = (lang: Lang, options?: Intl.NumberFormatOptions) =>
  new Intl.NumberFormat(lang === "es" ? "es-MX" : "en-US", options);

/** `1,234.5` */
export function decimal(value: number, lang: Lang, most = 2): string {
  return number(lang, { maximumFractionDigits: most }).format(value);
}

/** `33.3 %`: rounded on the screen only. */
export function percent(value: number | null | undefined, lang: Lang): string {
  return value === null || value === undefined ? "–" : `${decimal(value, lang, 1)} %`;
}

/** `$1,234.56 MXN` */
export function money(value: { amount: number; currency: string } | null | undefined, lang: Lang): string {
  if (!value) return "–";
  const text = number(lang, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(value.amount);
  return `${value.currency === "EUR" ? "€" : "$"}${text} ${value.currency}`;
}

/** `3.1 MB` */
export function bytes(value: number, lang: Lang): string {
  if (value < 1000) return `${value} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let amount = value / 1000;
  let unit = 0;
  while (amount >= 999.95 && unit < units.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${decimal(amount, lang, 1)} ${units[unit]}`;
}

/** Whole days from one day to another; negative when `to` is before. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000);
}

/** A length of time in its largest unit: `14 min`, `3 h`, `2 d`. */
export function duration(milliseconds: number): string {
  const minutes = Math.round(Math.abs(milliseconds) / 60_000);
  if (minutes < 1) return `${Math.round(Math.abs(milliseconds) / 1000)} s`;
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

/** Without accents and case, to search. */
export function plain(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{Diacritic}/gu, "")
    .toLowerCase();
}
