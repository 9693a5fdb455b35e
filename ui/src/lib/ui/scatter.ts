/** Where the marks of a scatter stand, which of them are on the frontier, and how they are found. No DOM here. */

export type Tone = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;
export type Shape = "circle" | "square" | "diamond" | "triangle" | "cross" | "star";

/** One thing in the plane. Less of x is better (a price), more of y is better. */
export interface Mark {
  id: string;
  label: string;
  /** Zero or more. On a logarithmic axis zero stands in a lane of its own at the left. */
  x: number;
  y: number;
  /** From 0 to 1, shown as area; undefined where it is not known. */
  size?: number | undefined;
  tone: Tone;
  shape: Shape;
}

/** A part of the plane, in values. */
export interface Box {
  fromX: number;
  toX: number;
  fromY: number;
  toY: number;
}

/** Maps values to a share of the axis and back. */
export interface Scale {
  isLog: boolean;
  least: number;
  most: number;
  /** From 0 at the least to 1 at the most. */
  at: (value: number) => number;
  /** The value at a share. */
  value: (share: number) => number;
  ticks: readonly number[];
}

const marginOfAxis = 0.06;

/** A scale over the values with a little room at both ends. On a logarithmic one, zeros are left out. */
export function scaleOf(values: readonly number[], isLog: boolean, tickCount = 6): Scale {
  const usable = isLog ? values.filter((value) => value > 0) : values;
  const [least, most] = extent(usable, isLog);
  const forward = (value: number) => (isLog ? Math.log10(value) : value);
  const low = forward(least);
  const span = forward(most) - low || 1;
  return {
    isLog,
    least,
    most,
    at: (value) => (forward(value) - low) / span,
    value: (share) => (isLog ? 10 ** (low + share * span) : low + share * span),
    ticks: isLog ? logTicks(least, most, tickCount) : linearTicks(least, most, tickCount),
  };
}

function extent(values: readonly number[], isLog: boolean): [number, number] {
  if (values.length === 0) return isLog ? [0.1, 10] : [0, 1];
  const least = values.reduce((one, other) => Math.min(one, other));
  const most = values.reduce((one, other) => Math.max(one, other));
  if (isLog) {
    const room = least === most ? 2 : (most / least) ** marginOfAxis;
    return [least / room, most * room];
  }
  const room = (most - least || Math.abs(most) || 1) * marginOfAxis;
  return [least >= 0 && least - room < 0 ? 0 : least - room, most + room];
}

function linearTicks(least: number, most: number, wanted: number): number[] {
  const rough = (most - least) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.ceil(least / step);
  const last = Math.floor(most / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step);
}

function logTicks(least: number, most: number, wanted: number): number[] {
  const decades = Math.log10(most / least);
  const fits = (perDecade: number) => decades * perDecade <= wanted * 1.4;
  const factors = fits(3) ? [1, 2, 5] : fits(2) ? [1, 3] : [1];
  const first = Math.floor(Math.log10(least));
  const count = Math.ceil(decades) + 2;
  return Array.from({ length: count }, (_, index) => factors.map((factor) => factor * 10 ** (first + index)))
    .flat()
    .filter((tick) => tick >= least && tick <= most)
    .map((tick) => Number(tick.toPrecision(2)));
}

/** The marks that nothing beats: nothing else has as much y for less x. From the least x on. */
export function frontierOf(marks: readonly Mark[]): Mark[] {
  const sorted = [...marks].sort((left, right) => left.x - right.x || right.y - left.y);
  let best = Number.NEGATIVE_INFINITY;
  return sorted.filter((mark) => {
    const isBetter = mark.y > best;
    best = Math.max(best, mark.y);
    return isBetter;
  });
}

/** Whether a mark is inside a part of the plane. */
export function isInside(mark: Pick<Mark, "x" | "y">, box: Box): boolean {
  return mark.x >= box.fromX && mark.x <= box.toX && mark.y >= box.fromY && mark.y <= box.toY;
}

/** A mark with its place on the screen, in pixels. */
export interface Placed {
  mark: Mark;
  left: number;
  top: number;
  radius: number;
}

/** The placed mark nearest to a point, within a reach in pixels. */
export function nearest(
  placed: readonly Placed[],
  left: number,
  top: number,
  reach: number,
): Placed | undefined {
  let best: Placed | undefined;
  let shortest = reach ** 2;
  for (const one of placed) {
    const distance = (one.left - left) ** 2 + (one.top - top) ** 2;
    if (distance <= shortest) {
      shortest = distance;
      best = one;
    }
  }
  return best;
}

export type Direction = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown";

/** The next mark for the cursor: by x for left and right, by y for up and down, so that every one is reached. */
export function step(
  placed: readonly Placed[],
  from: string | undefined,
  direction: Direction,
): Placed | undefined {
  const isAcross = direction === "ArrowLeft" || direction === "ArrowRight";
  const sorted = [...placed].sort(
    isAcross
      ? (one, other) => one.left - other.left || other.top - one.top
      : (one, other) => other.top - one.top || one.left - other.left,
  );
  const at = sorted.findIndex(({ mark }) => mark.id === from);
  const isForward = direction === "ArrowRight" || direction === "ArrowUp";
  if (at < 0) return isForward ? sorted[0] : sorted.at(-1);
  return sorted[Math.min(sorted.length - 1, Math.max(0, at + (isForward ? 1 : -1)))];
}

/** The outline of a shape around the origin whose area is that of a circle of the radius, as SVG path data. */
export function shapePath(shape: Shape, radius: number): string {
  const r = (factor: number) => Math.round(radius * factor * 100) / 100;
  const polygon = (points: [number, number][]) => `M${points.map(([x, y]) => `${r(x)} ${r(y)}`).join("L")}Z`;
  switch (shape) {
    case "circle":
      return `M${-radius} 0a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0Z`;
    case "square":
      return polygon([
        [-0.89, -0.89],
        [0.89, -0.89],
        [0.89, 0.89],
        [-0.89, 0.89],
      ]);
    case "diamond":
      return polygon([
        [0, -1.25],
        [1.25, 0],
        [0, 1.25],
        [-1.25, 0],
      ]);
    case "triangle":
      return polygon([
        [0, -1.5],
        [1.35, 0.84],
        [-1.35, 0.84],
      ]);
    case "cross":
      return polygon(crossPoints());
    case "star":
      return polygon(starPoints());
  }
}

function crossPoints(): [number, number][] {
  const [inner, outer] = [0.4, 1.2];
  return [
    [-inner, -outer],
    [inner, -outer],
    [inner, -inner],
    [outer, -inner],
    [outer, inner],
    [inner, inner],
    [inner, outer],
    [-inner, outer],
    [-inner, inner],
    [-outer, inner],
    [-outer, -inner],
    [-inner, -inner],
  ];
}

function starPoints(): [number, number][] {
  return Array.from({ length: 10 }, (_, index) => {
    const length = index % 2 === 0 ? 1.55 : 0.7;
    const angle = (Math.PI * index) / 5 - Math.PI / 2;
    return [length * Math.cos(angle), length * Math.sin(angle)];
  });
}

/** A label beside its mark, where it covers no other label and stays inside. */
export interface Label {
  id: string;
  text: string;
  left: number;
  top: number;
  anchor: "start" | "end";
}

const labelHeight = 14;
const letterWidth = 6.2;

/** Places labels for the marks in their order; those that would cover an earlier one are left out. */
export function placeLabels(placed: readonly Placed[], width: number, height: number): Label[] {
  const taken: { left: number; right: number; top: number; bottom: number }[] = [];
  const labels: Label[] = [];
  for (const { mark, left, top, radius } of placed) {
    const long = mark.label.length * letterWidth;
    const spots = [
      { from: left + radius + 4, top: top - 4, anchor: "start" as const },
      { from: left - radius - 4 - long, top: top - 4, anchor: "end" as const },
      { from: left - long / 2, top: top - radius - 10, anchor: "start" as const },
    ];
    for (const spot of spots) {
      const box = {
        left: spot.from,
        right: spot.from + long,
        top: spot.top - 7,
        bottom: spot.top + labelHeight - 7,
      };
      const isIn = box.left >= 0 && box.right <= width && box.top >= 0 && box.bottom <= height;
      const isFree = taken.every(
        (other) =>
          box.right < other.left ||
          box.left > other.right ||
          box.bottom < other.top ||
          box.top > other.bottom,
      );
      if (!isIn || !isFree) continue;
      taken.push(box);
      const at = spot.anchor === "end" ? box.right : box.left;
      labels.push({ id: mark.id, text: mark.label, left: at, top: spot.top + 4, anchor: spot.anchor });
      break;
    }
  }
  return labels;
}
