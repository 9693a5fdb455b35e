/** What the time machine shows: a bar for each day. No DOM here. */
import type { Simulation } from "$lib/api";

export interface DayBar {
  day: string;
  requests: number;
  refused: number;
  used: string;
  /** Of the height, from 0 to 1. */
  allowedPart: number;
  refusedPart: number;
}

const dayLength = 86_400_000;

/** The days with those between and round them on which nothing happened. */
function wholeDays({ days, from, to }: Pick<Simulation, "days" | "from" | "to">): Simulation["days"] {
  const [first] = days;
  const quiet = (time: number) => ({ day: new Date(time).toISOString(), used: "0", requests: 0, refused: 0 });
  if (first === undefined) return [];
  const all: Simulation["days"] = [];
  const before = Math.ceil((Date.parse(first.day) - Date.parse(from)) / dayLength);
  for (let back = before; back > 0; back -= 1) all.push(quiet(Date.parse(first.day) - back * dayLength));
  for (const [index, one] of days.entries()) {
    all.push(one);
    // A day of a change of clocks has 23 or 25 hours.
    const next = Date.parse(days[index + 1]?.day ?? to);
    const missing = Math.max(0, Math.round((next - Date.parse(one.day)) / dayLength) - 1);
    for (let ahead = 1; ahead <= missing; ahead += 1)
      all.push(quiet(Date.parse(one.day) + ahead * dayLength));
  }
  return all;
}

/** The days as bars of one scale. */
export function dayBars(simulation: Pick<Simulation, "days" | "from" | "to">): DayBar[] {
  const days = wholeDays(simulation);
  const most = Math.max(1, ...days.map(({ requests }) => requests));
  return days.map(({ day, requests, refused, used }) => ({
    day,
    requests,
    refused,
    used,
    allowedPart: (requests - refused) / most,
    refusedPart: refused / most,
  }));
}
