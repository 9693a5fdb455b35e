/** The range of time a screen looks at, as kept in the address: `range=7d`, or `from` and `to`. */

export type RangeName = "1h" | "24h" | "7d" | "30d" | "month";

export interface Range {
  /** Undefined for a custom range. */
  name: RangeName | undefined;
  /** RFC 3339 in UTC. */
  from: string;
  /** Undefined: up to now, so that new rows belong to it. */
  to: string | undefined;
}

const minute = 60_000;
const hour = 60 * minute;
/** How long each named range is and which step its beginning is rounded down to, so that buckets are whole. */
const named: Record<Exclude<RangeName, "month">, { length: number; step: number }> = {
  "1h": { length: hour, step: 5 * minute },
  "24h": { length: 24 * hour, step: 5 * minute },
  "7d": { length: 7 * 24 * hour, step: hour },
  "30d": { length: 30 * 24 * hour, step: hour },
};

export const rangeNames: readonly RangeName[] = ["1h", "24h", "7d", "30d", "month"];

function isRangeName(text: string | undefined): text is RangeName {
  return rangeNames.includes(text as RangeName);
}

function isTime(text: string | undefined): text is string {
  return text !== undefined && !Number.isNaN(Date.parse(text));
}

/** The range the parameters of an address name; the last 24 hours where they name none. */
export function rangeOf(parameters: Readonly<Record<string, string>>, now: Date = new Date()): Range {
  const { from, to, range } = parameters;
  if (isTime(from)) return { name: undefined, from, to: isTime(to) ? to : undefined };
  const name = isRangeName(range) ? range : "24h";
  if (name === "month") {
    return { name, from: new Date(now.getFullYear(), now.getMonth(), 1).toISOString(), to: undefined };
  }
  const { length, step } = named[name];
  const start = Math.floor((now.getTime() - length) / step) * step;
  return { name, from: new Date(start).toISOString(), to: undefined };
}

/** The parameters that name the range in an address, other forms removed. */
export function rangeParameters(range: Range): Record<"range" | "from" | "to", string | undefined> {
  return range.name
    ? { range: range.name, from: undefined, to: undefined }
    : { range: undefined, from: range.from, to: range.to };
}
