import { render, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it } from "vitest";
import { type Course, refreshAll } from "$lib/api";
import { setFormatLocale } from "$lib/format";
import { courseOf, govern, simulationOf, subjectsOf } from "$lib/gallery/govern";
import { router } from "$lib/router.svelte";
import { toasts } from "$lib/ui/toasts.svelte";
import { type Call, FakeHost } from "../../../tests/fake-host";
import BudgetsScreen from "./BudgetsScreen.svelte";
import { bandPath, between, burnDownOf, nearestMoment, planeOf, timeTicks } from "./burn-down";
import { shownBudgets } from "./columns";
import { dayBars } from "./machine";

const search = govern.budgets.find(({ scope }) => scope.name === "Search");
const answers = {
  "GET /budgets": govern.budgets,
  "GET /units": govern.tree,
  "GET /keys": [],
  "GET /models": [],
  "GET /providers": [],
  "GET /ledger": govern.ledger,
  [`GET /budgets/${search?.id}/course`]: search && courseOf(search),
  [`GET /budgets/${search?.id}/subjects`]: search && subjectsOf(search),
  "POST /budgets/simulate": ({ body }: Call) => ({ json: simulationOf(body) }),
};

beforeEach(() => {
  setFormatLocale("en-US");
  refreshAll();
  toasts.dismiss();
  router.go("budgets");
});

const at = (day: number) => `2026-11-${String(day).padStart(2, "0")}T00:00:00Z`;
const course: Course = {
  window: { from: at(1), to: at(30) },
  limit: "100",
  points: [
    { at: at(1), used: "0" },
    { at: at(11), used: "40" },
  ],
  previous: [],
  ideal: [
    { at: at(1), used: "0" },
    { at: at(30), used: "100" },
  ],
  forecast: [
    { at: at(11), median: "40", low_50: "40", high_50: "40", low_90: "40", high_90: "40" },
    { at: at(30), median: "110", low_50: "90", high_50: "130", low_90: "80", high_90: "400" },
  ],
  exhausts_at: at(27),
};

it("shows what is left, an even use, and the band the right way up", () => {
  const burn = burnDownOf(course, "tokens");
  expect(burn.moments.map(({ left, median }) => [left, median])).toEqual([
    [100, null],
    [60, null],
    [null, -10],
  ]);
  expect(burn.moments[2]?.bands).toEqual({ low50: -30, high50: 10, low90: -300, high90: 20 });
  expect(Math.round(burn.moments[1]?.ideal ?? 0)).toBe(66);
  // A band far below nothing does not squeeze the rest.
  expect(burn.least).toBeCloseTo(-100 / 3);
  expect(burn.most).toBe(100);
});

it("places times and amounts on the plane", () => {
  const plane = planeOf({ from: 0, to: 100, least: 0, most: 50 }, 200, 100);
  expect([plane.x(50), plane.y(50), plane.y(0)]).toEqual([100, 0, 100]);
  expect(
    bandPath([
      [0, 10, 5],
      [10, 12, 2],
    ]),
  ).toBe("M0 5L10 2L10 12L0 10Z");
  expect(
    between(
      [
        { at: 0, left: 10 },
        { at: 10, left: 0 },
      ],
      5,
    ),
  ).toBe(5);
  expect(between([{ at: 0, left: 10 }], 5)).toBeNull();
  expect(nearestMoment(burnDownOf(course, "tokens").moments, Date.parse(at(12)))).toBe(1);
  expect(timeTicks(0, 30 * 86_400_000, 6).length).toBeLessThanOrEqual(7);
});

it("draws the days of the time machine on one scale, quiet ones too", () => {
  const days = [
    { day: at(2), used: "5", requests: 10, refused: 0 },
    { day: at(4), used: "5", requests: 20, refused: 5 },
  ];
  const bars = dayBars({ days, from: at(1), to: "2026-11-04T12:00:00Z" });
  expect(
    bars.map(({ day, allowedPart, refusedPart }) => [new Date(day).getUTCDate(), allowedPart, refusedPart]),
  ).toEqual([
    [1, 0, 0],
    [2, 0.5, 0],
    [3, 0, 0],
    [4, 0.75, 0.25],
  ]);
});

it("filters by words and by trouble", () => {
  expect(shownBudgets(govern.budgets, "active", "team search").map(({ scope }) => scope.name)).toEqual([
    "Search",
  ]);
  expect(shownBudgets(govern.budgets, "archived", "").length).toBe(1);
  expect(shownBudgets(govern.budgets, "trouble", "").every(({ state }) => state?.level !== "on_track")).toBe(
    true,
  );
});

it("changes a budget by its words and takes it back", async () => {
  const host = new FakeHost({ ...answers, [`PUT /budgets/${search?.id}`]: search });
  router.go("budgets", { selected: search?.id });
  render(BudgetsScreen);
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name: "Edit" }));
  await user.click(await screen.findByRole("button", { name: /^Limit: \$14,000/ }));
  const field = screen.getByRole("textbox", { name: "Limit" });
  await user.clear(field);
  await user.type(field, "9k{Enter}");
  expect(await screen.findByRole("button", { name: /^Limit: \$9,000/ })).toBeTruthy();
  await user.click(screen.getByRole("button", { name: /^When requests are refused/ }));
  await user.type(screen.getByRole("textbox", { name: "Percent of the limit" }), "5");
  await user.keyboard("{Escape}");
  expect(screen.getByRole("button", { name: /^When requests are refused: 110%/ })).toBeTruthy();
  await waitFor(() => expect(host.bodies("POST /budgets/simulate").length).toBeGreaterThan(0), {
    timeout: 3_000,
  });
  await user.click(screen.getByRole("button", { name: "Save budget" }));
  await waitFor(() => expect(host.bodies(`PUT /budgets/${search?.id}`)).toHaveLength(1));
  expect(host.bodies(`PUT /budgets/${search?.id}`)[0]).toMatchObject({
    limit: "9000000000000",
    measure: "cost",
  });
  toasts.current?.undo?.();
  await waitFor(() => expect(host.bodies(`PUT /budgets/${search?.id}`)).toHaveLength(2));
  expect(host.bodies(`PUT /budgets/${search?.id}`)[1]).toMatchObject({ limit: search?.limit });
});

it("asks for what is missing instead of saving", async () => {
  const host = new FakeHost(answers);
  render(BudgetsScreen);
  const user = userEvent.setup();
  await user.click((await screen.findAllByRole("button", { name: "New budget" }))[0] as HTMLElement);
  await user.click(await screen.findByRole("button", { name: "Create budget" }));
  expect((await screen.findByRole("alert")).textContent).toBe("Write an amount above zero.");
  expect(screen.getByRole("textbox", { name: "Limit" })).toBeTruthy();
  expect(host.bodies("POST /budgets")).toEqual([]);
});
