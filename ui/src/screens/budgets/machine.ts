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

/** The days as bars of one scale. */
export function dayBars({ days }: Pick<Simulation, "days">): DayBar[] {
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
