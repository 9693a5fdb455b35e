/** What is left of a budget against time, as shapes. No DOM here. */
import type { Course, Measure } from "$lib/api";
import { moneyForChart } from "$lib/format";
import { scaleOf } from "$lib/ui/scatter";

/** One instant of the course: what was left, or is going to be. */
export interface Moment {
  at: number;
  /** What was left; null where it lies ahead. */
  left: number | null;
  ideal: number | null;
  previous: number | null;
  /** What is likely left; null where it is past. */
  median: number | null;
  bands: { low50: number; high50: number; low90: number; high90: number } | null;
}

export interface BurnDown {
  from: number;
  to: number;
  now: number;
  limit: number;
  /** The axis of amounts. */
  least: number;
  most: number;
  ticks: readonly number[];
  /** In the order of time. */
  moments: readonly Moment[];
  /** When nothing is left any more; null where that does not come. */
  exhaustsAt: number | null;
}

interface At {
  at: number;
  left: number;
}

/** An amount in the unit of the axis: dollars for money. */
export function axisValue(measure: Measure, amount: string): number {
  return measure === "cost" ? moneyForChart(amount) : Number(amount);
}

/** The value of a line at a time, between its points; null outside. */
export function between(line: readonly At[], at: number): number | null {
  const next = line.findIndex((point) => point.at >= at);
  const [before, after] = [line[next - 1], line[next]];
  if (after === undefined) return null;
  if (after.at === at) return after.left;
  if (before === undefined) return null;
  return before.left + ((after.left - before.left) * (at - before.at)) / (after.at - before.at);
}

/** Reads a course as what is left of it. */
export function burnDownOf(course: Course, measure: Measure): BurnDown {
  const value = (amount: string) => axisValue(measure, amount);
  const limit = value(course.limit);
  const line = (points: Course["points"]): At[] =>
    points.map(({ at, used }) => ({ at: Date.parse(at), left: limit - value(used) }));
  const [past, ideal, previous] = [line(course.points), line(course.ideal), line(course.previous)];
  const from = Date.parse(course.window.from);
  const now = past.at(-1)?.at ?? from;
  const ahead = course.forecast.map((point) => ({
    at: Date.parse(point.at),
    left: limit - value(point.median),
    bands: {
      low50: limit - value(point.high_50),
      high50: limit - value(point.low_50),
      low90: limit - value(point.high_90),
      high90: limit - value(point.low_90),
    },
  }));
  const last = Math.max(now, ahead.at(-1)?.at ?? now, ideal.at(-1)?.at ?? now);
  const to = course.window.to ? Date.parse(course.window.to) : last;
  const moments = [
    ...past.map(
      (point): Moment => ({ at: point.at, left: point.left, ...others(point.at), median: null, bands: null }),
    ),
    ...ahead
      .filter(({ at }) => at > now)
      .map(
        (point): Moment => ({
          at: point.at,
          left: null,
          ...others(point.at),
          median: point.left,
          bands: point.bands,
        }),
      ),
  ];

  function others(at: number): { ideal: number | null; previous: number | null } {
    return { ideal: between(ideal, at), previous: between(previous, at) };
  }

  const lows = [...past, ...previous].map(({ left }) => left).concat(ahead.map(({ bands }) => bands.low90));
  // A band that runs far below nothing would squeeze what matters: a third of the limit is enough to see it.
  const least = Math.min(0, Math.max(-limit / 3, ...[Math.min(0, ...lows)]), ...past.map(({ left }) => left));
  const most = Math.max(limit, ...past.map(({ left }) => left)) || 1;
  const exhaustsAt = course.exhausts_at ? Date.parse(course.exhausts_at) : null;
  return { from, to, now, limit, least, most, ticks: ticksOf(least, most), moments, exhaustsAt };
}

function ticksOf(least: number, most: number): number[] {
  const { ticks } = scaleOf([least, most], false, 5);
  return ticks.filter((tick) => tick >= least && tick <= most * 1.001);
}

export interface Plane {
  x: (time: number) => number;
  y: (amount: number) => number;
}

/** Where times and amounts lie on a plane of a size, in pixels from its top left. */
export function planeOf(
  burn: Pick<BurnDown, "from" | "to" | "least" | "most">,
  width: number,
  height: number,
): Plane {
  const span = burn.to - burn.from || 1;
  const range = burn.most - burn.least || 1;
  return {
    x: (time) => (Math.max(0, Math.min(span, time - burn.from)) / span) * width,
    y: (amount) => (1 - (Math.max(burn.least, amount) - burn.least) / range) * height,
  };
}

/** A line through points, as the path of an SVG. */
export function linePath(points: readonly (readonly [number, number])[]): string {
  return points.map(([x, y], index) => `${index === 0 ? "M" : "L"}${round(x)} ${round(y)}`).join("");
}

/** The area between two lines, as the path of an SVG. */
export function bandPath(points: readonly (readonly [x: number, low: number, high: number])[]): string {
  if (points.length === 0) return "";
  const upper = points.map(([x, , high]) => [x, high] as const);
  const lower = points.map(([x, low]) => [x, low] as const).reverse();
  return `${linePath([...upper, ...lower])}Z`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Even steps of the time axis: hours, days, weeks or months, as many as have room. */
export function timeTicks(from: number, to: number, most: number): number[] {
  const hour = 3_600_000;
  const steps = [
    hour / 12,
    hour / 4,
    hour / 2,
    hour,
    3 * hour,
    6 * hour,
    12 * hour,
    24 * hour,
    48 * hour,
    120 * hour,
    168 * hour,
    336 * hour,
    730 * hour,
    2190 * hour,
    8760 * hour,
  ];
  const step = steps.find((length) => (to - from) / length <= most) ?? 8760 * hour;
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
}

/** The moment nearest to a time; -1 where there is none. */
export function nearestMoment(moments: readonly Moment[], at: number): number {
  let best = -1;
  for (const [index, moment] of moments.entries()) {
    if (best < 0 || Math.abs(moment.at - at) < Math.abs((moments[best]?.at ?? 0) - at)) best = index;
  }
  return best;
}
