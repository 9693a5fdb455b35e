import { expect, it } from "vitest";
import { type Column, fittingColumns, gridTemplate, scrollTopFor, visibleRange } from "./table";

const column = (id: string, width: number, more: Partial<Column<object>> = {}): Column<object> => ({
  id,
  title: id,
  width,
  text: () => "",
  ...more,
});

it("renders what is visible and a margin, whatever the length", () => {
  expect(visibleRange(0, 280, 28, 10_000_000)).toEqual({ first: 0, last: 16 });
  expect(visibleRange(28_000, 280, 28, 10_000_000)).toEqual({ first: 994, last: 1_016 });
  expect(visibleRange(0, 280, 28, 3)).toEqual({ first: 0, last: 3 });
  expect(visibleRange(9_999, 280, 28, 0)).toEqual({ first: 0, last: 0 });
});

it("leaves out the least important columns first and keeps their order", () => {
  const columns = [
    column("time", 100),
    column("key", 100, { priority: 2 }),
    column("total", 100, { priority: 1 }),
  ];
  const ids = (width: number) => fittingColumns(columns, width).map(({ id }) => id);
  expect(ids(300)).toEqual(["time", "key", "total"]);
  expect(ids(299)).toEqual(["time", "total"]);
  expect(ids(50)).toEqual(["time"]);
});

it("gives growing columns what is left over", () => {
  expect(gridTemplate([column("a", 80), column("b", 120, { grows: true })])).toBe("80px minmax(120px, 1fr)");
});

it("scrolls no further than needed", () => {
  expect(scrollTopFor(5, 28, 0, 280)).toBe(0);
  expect(scrollTopFor(20, 28, 0, 280)).toBe(308);
  expect(scrollTopFor(2, 28, 280, 280)).toBe(56);
});
