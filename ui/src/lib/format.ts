/**
 * Every number, amount, length and time that a person sees. Money arrives as a string of integer
 * nano-USD and never becomes a float before it is rounded for show.
 */
import { systemLocale } from "./locale";

const nanosPerUsd = 1_000_000_000n;
let locale = systemLocale;

/** Sets the locale of numbers and dates; called when the language changes. */
export function setFormatLocale(tag: string): void {
  locale = tag;
  numberFormats.clear();
  collator = undefined;
}

const numberFormats = new Map<string, Intl.NumberFormat>();

function numbers(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = JSON.stringify(options);
  let format = numberFormats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(locale, options);
    numberFormats.set(key, format);
  }
  return format;
}

function parseNanos(amount: string): bigint {
  return /^-?\d+$/.test(amount) ? BigInt(amount) : 0n;
}

/** Divides, rounding half away from zero. */
function divideRounded(value: bigint, divisor: bigint): bigint {
  const half = divisor / 2n;
  return value < 0n ? -((-value + half) / divisor) : (value + half) / divisor;
}

function usd(nanos: bigint, decimals: number): string {
  const scale = 10n ** BigInt(9 - decimals);
  const rounded = divideRounded(nanos, scale) * scale;
  const isNegative = rounded < 0n;
  const absolute = isNegative ? -rounded : rounded;
  const fraction = (absolute % nanosPerUsd).toString().padStart(9, "0").slice(0, decimals);
  const text = `${absolute / nanosPerUsd}${decimals > 0 ? `.${fraction}` : ""}`;
  const format = numbers({
    style: "currency",
    currency: "USD",
    currencyDisplay: "narrowSymbol",
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  // A decimal string keeps every digit where the engine supports it; up to 2^53 nano-USD a number does too.
  return format.format((isNegative ? `-${text}` : text) as unknown as number);
}

/** Decimals that show two significant digits below ten cents, and cents above. */
function decimalsFor(nanos: bigint): number {
  const absolute = nanos < 0n ? -nanos : nanos;
  if (absolute === 0n) return 2;
  const digits = absolute.toString().length;
  const step = 10n ** BigInt(Math.max(0, digits - 2));
  // Rounding can add a digit: 0.0999 becomes 0.10.
  const rounded = divideRounded(absolute, step) * step;
  return Math.min(9, Math.max(2, 11 - rounded.toString().length));
}

/** Money for reading: `$1,204.50`, `$0.0031`, `$1.84 M`. */
export function money(amount: string): string {
  const nanos = parseNanos(amount);
  const million = nanosPerUsd * 1_000_000n;
  if (nanos >= million || nanos <= -million) return `${usd(nanos / 1_000_000n, 2)} M`;
  return usd(nanos, decimalsFor(nanos));
}

/** Money to the last nano-dollar, for tooltips and exports. */
export function exactMoney(amount: string): string {
  const nanos = parseNanos(amount);
  const digits = (nanos < 0n ? -nanos : nanos).toString().padStart(10, "0");
  const significant = digits.slice(-9).replace(/0+$/, "").length;
  return usd(nanos, Math.max(2, significant));
}

/** A price such as "0.15" (decimal US dollars per million tokens). */
export function rate(usdPerMillion: string): string {
  const [whole = "0", fraction = ""] = usdPerMillion.split(".");
  return exactMoney(`${whole}${fraction.padEnd(9, "0").slice(0, 9)}`.replace(/^(-?)0+(?=\d)/, "$1"));
}

/** What a number of units costs at a price per million of them: for 60,000 ms at "100" it is `$6.00`. */
export function priceOf(usdPerMillion: string, units: number): string {
  const [whole = "0", fraction = ""] = usdPerMillion.split(".");
  const nanosPerMillion = BigInt(`${whole}${fraction.padEnd(9, "0").slice(0, 9)}`);
  return exactMoney(divideRounded(nanosPerMillion * BigInt(Math.round(units)), 1_000_000n).toString());
}

/** The mark between whole and fraction in this language, and the one between thousands. */
function separators(): { decimal: string; group: string } {
  const parts = numbers({ minimumFractionDigits: 1 }).formatToParts(1_234_567.5);
  const mark = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  return { decimal: mark("decimal"), group: mark("group") };
}

/** A typed number as digits and a fraction; `14,000`, `14.000,5`, `1.5 M`. Null where it is none. */
function parseDecimal(text: string): { whole: string; fraction: string } | null {
  const found = /^([\d.,'\s]*\d[\d.,'\s]*?)\s*(k|m|mio\.?)?$/i.exec(text.trim());
  if (!found) return null;
  const digits = (found[1] ?? "").replace(/['\s]/g, "");
  const marks = [...digits.matchAll(/[.,]/g)];
  const last = marks.at(-1);
  let at = last?.index ?? -1;
  if (last !== undefined) {
    const isRepeated = marks.length > 1 && marks.every(([mark]) => mark === last[0]);
    // `14,000` and `14.000` are thousands where the language writes them so, a fraction elsewhere.
    const isGroup =
      marks.length === 1 && last[0] === separators().group && digits.length - at === 4 && at > 0;
    if (isRepeated || isGroup) at = -1;
  }
  const whole = (at < 0 ? digits : digits.slice(0, at)).replace(/[.,]/g, "");
  const fraction = at < 0 ? "" : digits.slice(at + 1);
  const shift = found[2] === undefined ? 0 : found[2].toLowerCase() === "k" ? 3 : 6;
  const moved = fraction.padEnd(shift, "0");
  return { whole: `${whole}${moved.slice(0, shift)}` || "0", fraction: moved.slice(shift) };
}

/** The largest amount that the ledger counts, in nano-USD. */
const mostMoney = 9_223_372_036_854_775_807n;

/** Nano-USD from what a person typed: `$14,000`, `14000.50`, `14k`. Null where it is no amount. */
export function parseMoney(text: string): string | null {
  const number = parseDecimal(text.trim().replace(/^(us)?\$|(us)?\$$|usd$/i, ""));
  if (number === null || number.fraction.length > 9) return null;
  const nanos = BigInt(`${number.whole}${number.fraction.padEnd(9, "0")}`);
  return nanos > mostMoney ? null : nanos.toString();
}

/** A whole number from what a person typed: `5,000,000`, `5M`. Null where it is none. */
export function parseCount(text: string): string | null {
  const number = parseDecimal(text);
  if (number === null || /[1-9]/.test(number.fraction)) return null;
  const whole = BigInt(number.whole);
  return whole > mostMoney ? null : whole.toString();
}

/** Money as a person would type it: `14,000` or `0.5`, without a sign for the currency. */
export function moneyInput(amount: string): string {
  const nanos = parseNanos(amount);
  const fraction = (nanos % nanosPerUsd).toString().padStart(9, "0").replace(/0+$/, "");
  const whole = integer((nanos / nanosPerUsd).toString());
  return fraction === "" ? whole : `${whole}${separators().decimal}${fraction}`;
}

/** A whole number of any size from its digits: `5,000,000`. */
export function integer(digits: string): string {
  return numbers({ maximumFractionDigits: 0 }).format(
    (/^\d+$/.test(digits) ? digits : "0") as unknown as number,
  );
}

/** Money without cents where it has none: `$14,000`. For limits, which people set as round numbers. */
export function roundMoney(amount: string): string {
  const nanos = parseNanos(amount);
  return nanos % nanosPerUsd === 0n && nanos < 1_000_000n * nanosPerUsd ? usd(nanos, 0) : money(amount);
}

/** Dollars as a float, for the axes and lines of charts only. */
export function moneyForChart(amount: string): number {
  return Number(parseNanos(amount)) / 1e9;
}

/** Money read out of a chart, from chart dollars. */
export function moneyFromChart(dollars: number): string {
  return money(BigInt(Math.round(dollars * 1e9)).toString());
}

/** Money on an axis, from chart dollars: as many decimals as the value has, at least cents. */
export function moneyTick(dollars: number): string {
  if (dollars >= 1_000_000) return moneyFromChart(dollars);
  return exactMoney(BigInt(Math.round(dollars * 1e9)).toString());
}

/** The sum of nano-USD strings. */
export function addMoney(amounts: readonly string[]): string {
  return amounts.reduce((sum, amount) => sum + parseNanos(amount), 0n).toString();
}

/** Sorts nano-USD strings by value. */
export function compareMoney(left: string, right: string): number {
  const difference = parseNanos(left) - parseNanos(right);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

let collator: Intl.Collator | undefined;

/** Sorts texts as people of this language do, numbers within them by value. */
export function compareText(left: string, right: string): number {
  collator ??= new Intl.Collator(locale, { numeric: true });
  return collator.compare(left, right);
}

/** A count in full: `12,345`. */
export function count(value: number): string {
  return numbers({ maximumFractionDigits: 0 }).format(value);
}

/** A count for a headline or an axis: `12,345`, `1.84 M`. */
export function compactCount(value: number): string {
  if (Math.abs(value) < 100_000) return count(value);
  return numbers({ notation: "compact", maximumSignificantDigits: 3 }).format(value);
}

/** A size in tokens for a glance: `128K`, `33K`, `1.05M`, `512`. The exact count belongs beside it. */
export function roundTokens(value: number): string {
  if (value < 1_000) return count(value);
  // Not the locale's compact form: German has none for thousands and would show a rounded number in full.
  const [unit, name] = value < 999_500 ? [1_000, "K"] : [1_000_000, "M"];
  const digits = value < 100_000 ? 2 : 3;
  return `${numbers({ maximumSignificantDigits: digits }).format(value / unit)}${name}`;
}

/** A share of one: `42 %`, `0.4 %`. */
export function percent(share: number): string {
  const digits = Math.abs(share) > 0 && Math.abs(share) < 0.1 ? 1 : 0;
  return numbers({ style: "percent", maximumFractionDigits: digits }).format(share);
}

/** A change against a comparison: `+12 %`; null where there is nothing to compare with. */
export function change(current: number, previous: number): string | null {
  if (previous === 0) return null;
  return numbers({ style: "percent", maximumFractionDigits: 0, signDisplay: "exceptZero" }).format(
    (current - previous) / previous,
  );
}

/** A share in thousandths: `82 %`. */
export function permille(thousandths: number): string {
  return percent(thousandths / 1_000);
}

/** Thousandths as a number with at most one digit behind the point: `1.5`. */
export function score(thousandths: number): string {
  return numbers({ maximumFractionDigits: 1 }).format(thousandths / 1_000);
}

/** A change in thousandths, always with its sign: `+1.2 %`. */
export function permilleChange(thousandths: number): string {
  const digits = Math.abs(thousandths) < 100 ? 1 : 0;
  return numbers({ style: "percent", maximumFractionDigits: digits, signDisplay: "exceptZero" }).format(
    thousandths / 1_000,
  );
}

/** Money that is a difference, always with its sign: `+$1.20`, `−$0.40`. */
export function signedMoney(amount: string): string {
  return compareMoney(amount, "0") > 0 ? `+${money(amount)}` : money(amount);
}

/** A length of time from microseconds: `840 µs`, `12 ms`, `1.24 s`, `2 min 3 s`. */
export function duration(microseconds: number): string {
  const unit = (value: number, name: string, digits: number) =>
    `${numbers({ maximumFractionDigits: digits }).format(value)} ${name}`;
  if (microseconds === 0) return unit(0, "s", 0);
  if (microseconds < 1_000) return unit(microseconds, "µs", 0);
  if (microseconds < 10_000) return unit(microseconds / 1_000, "ms", 1);
  if (microseconds < 1_000_000) return unit(microseconds / 1_000, "ms", 0);
  if (microseconds < 60_000_000) return unit(microseconds / 1_000_000, "s", 2);
  const seconds = Math.round(microseconds / 1_000_000);
  return `${unit(Math.floor(seconds / 60), "min", 0)} ${unit(seconds % 60, "s", 0)}`;
}

/** A size in bytes: `3.2 MB`. */
export function size(bytes: number): string {
  const names = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes < 1 ? 0 : Math.min(names.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${numbers({ maximumSignificantDigits: 3 }).format(bytes / 1000 ** power)} ${names[power]}`;
}

function dates(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat(locale, options);
}

/** A clock time: `14:02`, with seconds on demand; in the zone of this computer unless another is named. */
export function clock(time: string | Date, withSeconds = false, timeZone?: string): string {
  return dates({
    ...inZone(timeZone),
    hour: withSeconds ? "2-digit" : "numeric",
    minute: "2-digit",
    ...(withSeconds ? { second: "2-digit" } : {}),
  }).format(new Date(time));
}

/** The option for a zone; none for one that this engine does not know. */
function inZone(timeZone: string | undefined): { timeZone?: string } {
  if (timeZone === undefined) return {};
  try {
    new Intl.DateTimeFormat(locale, { timeZone });
    return { timeZone };
  } catch {
    return {};
  }
}

/** A day: `3 Nov`, with the year where it is not this one; in the zone of this computer unless another is named. */
export function day(time: string | Date, now: Date = new Date(), timeZone?: string): string {
  const date = new Date(time);
  const isThisYear = date.getFullYear() === now.getFullYear();
  const year = isThisYear ? {} : ({ year: "numeric" } as const);
  return dates({ ...inZone(timeZone), day: "numeric", month: "short", ...year }).format(date);
}

/** The name of a day of the week: 1 is Monday, 7 is Sunday. */
export function weekday(number: number): string {
  return dates({ weekday: "long", timeZone: "UTC" }).format(Date.UTC(2024, 0, number));
}

/** A list in words: `70 %, 90 % and 100 %`. */
export function listed(parts: readonly string[]): string {
  return new Intl.ListFormat(locale, { type: "conjunction" }).format(parts);
}

/** A choice in words: `code, maths or writing`. */
export function either(parts: readonly string[]): string {
  return new Intl.ListFormat(locale, { type: "disjunction" }).format(parts);
}

/** The time zone of this computer. */
export function ownZone(): string {
  return dates({}).resolvedOptions().timeZone || "UTC";
}

/** Every time zone this engine knows; UTC first. */
export function timeZones(): string[] {
  return ["UTC", ...(Intl.supportedValuesOf?.("timeZone") ?? [ownZone()]).filter((zone) => zone !== "UTC")];
}

/** A date of a catalogue, as exact as its source: `5 Aug 2026`, `Aug 2026` or `2026`. */
export function catalogueDate(text: string): string {
  const [year = "", month, date] = text.split("-");
  if (month === undefined) return year;
  const time = new Date(`${year}-${month}-${date ?? "01"}T00:00:00Z`);
  if (Number.isNaN(time.getTime())) return text;
  const day = date === undefined ? {} : ({ day: "numeric" } as const);
  return dates({ ...day, month: "short", year: "numeric", timeZone: "UTC" }).format(time);
}

/** Day and time in full with the zone, for tooltips. */
export function exactTime(time: string | Date): string {
  return dates({ dateStyle: "medium", timeStyle: "long" }).format(new Date(time));
}

/** A day with the clock time: `3 Nov, 14:02`. */
export function dayAndClock(time: string | Date, timeZone?: string): string {
  return `${day(time, new Date(), timeZone)}, ${clock(time, false, timeZone)}`;
}

/** Relative under 24 hours ("3 min ago", "in 2 hr"), a day and time beyond. */
export function moment(time: string | Date, now: Date = new Date()): string {
  const seconds = (new Date(time).getTime() - now.getTime()) / 1000;
  const distance = Math.abs(seconds);
  if (distance >= 86_400) return dayAndClock(time);
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
  if (distance < 60) return relative.format(Math.trunc(seconds), "second");
  if (distance < 3_600) return relative.format(Math.trunc(seconds / 60), "minute");
  return relative.format(Math.trunc(seconds / 3_600), "hour");
}
