import { expect, it } from "vitest";
import {
  frontierOf,
  isInside,
  type Mark,
  nearest,
  type Placed,
  placeLabels,
  scaleOf,
  shapePath,
  step,
} from "./scatter";

const mark = (id: string, x: number, y: number): Mark => ({ id, label: id, x, y, tone: 1, shape: "circle" });
const place = (one: Mark): Placed => ({ mark: one, left: one.x, top: 100 - one.y, radius: 4 });

it("keeps what nothing beats, from the cheapest on", () => {
  const marks = [
    mark("dear", 9, 5),
    mark("best", 10, 9),
    mark("cheap", 1, 2),
    mark("mid", 3, 5),
    mark("tie", 1, 1),
  ];
  expect(frontierOf(marks).map(({ id }) => id)).toEqual(["cheap", "mid", "best"]);
});

it("maps values there and back, with every value inside", () => {
  const values = [0.05, 0.4, 3, 75];
  for (const isLog of [true, false]) {
    const scale = scaleOf(values, isLog);
    for (const value of values) {
      expect(scale.at(value)).toBeGreaterThanOrEqual(0);
      expect(scale.at(value)).toBeLessThanOrEqual(1);
      expect(scale.value(scale.at(value))).toBeCloseTo(value);
    }
    expect(scale.ticks.length).toBeGreaterThan(2);
    expect(scale.ticks.every((tick) => tick >= scale.least && tick <= scale.most)).toBe(true);
  }
});

it("has a scale for nothing, for one value and for zeros", () => {
  expect(scaleOf([], true).ticks.length).toBeGreaterThan(0);
  expect(scaleOf([0], true).ticks.length).toBeGreaterThan(0);
  expect(scaleOf([5], false).at(5)).toBeCloseTo(0.5);
  expect(scaleOf([0, 0], false).ticks.length).toBeGreaterThan(0);
});

it("finds the nearest mark within reach", () => {
  const placed = [place(mark("a", 10, 10)), place(mark("b", 20, 10))];
  expect(nearest(placed, 14, 90, 12)?.mark.id).toBe("a");
  expect(nearest(placed, 60, 90, 12)).toBeUndefined();
});

it("reaches every mark with the arrow keys", () => {
  const placed = [mark("a", 1, 5), mark("b", 1, 9), mark("c", 4, 1)].map(place);
  const walk = (direction: "ArrowRight" | "ArrowUp") => {
    const ids: string[] = [];
    let at: string | undefined;
    for (let count = 0; count < 4; count += 1) {
      at = step(placed, at, direction)?.mark.id;
      ids.push(at ?? "");
    }
    return ids;
  };
  expect(walk("ArrowRight")).toEqual(["a", "b", "c", "c"]);
  expect(walk("ArrowUp")).toEqual(["c", "a", "b", "b"]);
  expect(step(placed, undefined, "ArrowLeft")?.mark.id).toBe("c");
});

it("knows what a brush covers", () => {
  const box = { fromX: 1, toX: 2, fromY: 3, toY: 4 };
  expect([isInside({ x: 1, y: 4 }, box), isInside({ x: 2.1, y: 4 }, box)]).toEqual([true, false]);
});

it("never puts one label on another, nor outside", () => {
  const placed = Array.from({ length: 30 }, (_, index) => place(mark(`model-${index}`, 40 + index, 50)));
  const labels = placeLabels(placed, 300, 200);
  expect(labels.length).toBeGreaterThan(0);
  expect(labels.length).toBeLessThan(10);
  expect(placeLabels([place(mark("a very long name indeed", 2, 50))], 100, 100)).toEqual([]);
});

it("draws every shape as a closed path", () => {
  for (const shape of ["circle", "square", "diamond", "triangle", "cross", "star"] as const) {
    expect(shapePath(shape, 5)).toMatch(/^M.*Z$/);
  }
});
