import { render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it } from "vitest";
import { refreshAll } from "$lib/api";
import { setFormatLocale } from "$lib/format";
import { fixtures } from "$lib/gallery/fixtures";
import { routing } from "$lib/gallery/routing";
import { router } from "$lib/router.svelte";
import { toasts } from "$lib/ui/toasts.svelte";
import { type Call, FakeHost } from "../../../tests/fake-host";
import { estimateOf, promptsIn } from "./estimate";
import ReplayScreen from "./ReplayScreen.svelte";
import { placed } from "./words";

const run = routing.replays[1];
if (run === undefined) throw new Error("the gallery has no run");
const items = [1, 2, 3].map(routing.itemOf);
const answers = {
  "GET /replays": routing.replays,
  [`GET /replays/${run.id}`]: { ...run, item_list: items },
  "GET /models": fixtures.models,
  "GET /settings": fixtures.settings,
};

beforeEach(() => {
  setFormatLocale("en-US");
  refreshAll();
  toasts.dismiss();
  router.go("replay");
});

it("parts prompts at empty lines", () => {
  expect(promptsIn("one\ntwo\n\n \nthree\n")).toEqual(["one\ntwo", "three"]);
  expect(promptsIn("  \n")).toEqual([]);
});

it("says about what a run costs, and that it is not known where a price is missing", () => {
  const { calls, range } = estimateOf(fixtures.models, ["gpt-5-mini", "gpt-5"], 10);
  expect(calls).toBe(20);
  expect(Number(range?.low)).toBeGreaterThan(0);
  expect(Number(range?.high)).toBeGreaterThan(Number(range?.low));
  expect(estimateOf(fixtures.models, ["llama-3.3-70b-versatile"], 10).range).toBeNull();
  expect(estimateOf(fixtures.models, ["qwen3:8b"], ["a"]).range).toEqual({ low: "0", high: "0" });
});

it("stands answers in an order that tells nothing and stays", () => {
  const item = routing.itemOf(2);
  expect(placed(item, false).map(({ number }) => number)).toEqual([1, 2, 3]);
  const hidden = placed(item, true);
  expect(hidden.map(({ letter }) => letter)).toEqual(["A", "B", "C"]);
  expect([...hidden.map(({ number }) => number)].sort()).toEqual([1, 2, 3]);
  expect(placed(item, true)).toEqual(hidden);
  const orders = new Set(
    Array.from({ length: 12 }, (_, at) =>
      placed({ ...item, number: at }, true)
        .map(({ number }) => number)
        .join(),
    ),
  );
  expect(orders.size).toBeGreaterThan(1);
});

it("hides who wrote what until the vote, and votes for the answer that was meant", async () => {
  const voted = routing.itemOf(2);
  let vote: number | null = null;
  const host = new FakeHost({
    ...answers,
    [`GET /replays/${run.id}`]: () => ({
      json: { ...run, item_list: items.map((item) => (item.number === 2 ? { ...item, vote } : item)) },
    }),
    [`POST /replays/${run.id}/items/2/vote`]: ({ body }: Call) => {
      vote = (body as { answer: number }).answer;
      return { json: { ...voted, vote } };
    },
  });
  router.go("replay", { selected: run.id, item: "2" });
  render(ReplayScreen);
  const second = await screen.findByRole("article", { name: "Answer B" });
  expect(screen.queryByRole("article", { name: "gpt-5-mini" })).toBeNull();
  await userEvent.click(within(second).getByRole("button", { name: "Better: B" }));
  const number = placed(voted, true)[1]?.number ?? 0;
  await waitFor(() =>
    expect(host.bodies(`POST /replays/${run.id}/items/2/vote`)).toEqual([{ answer: number }]),
  );
  const model = voted.answers[number - 1]?.model ?? "";
  expect(within(await screen.findByRole("article", { name: model })).getByText("Your vote")).toBeTruthy();
});

it("starts a run only with prompts, candidates and a cap", async () => {
  const host = new FakeHost({
    ...answers,
    "POST /replays": ({ body }: Call) => ({ json: { ...run, ...(body as object) } }),
  });
  render(ReplayScreen);
  const user = userEvent.setup();
  await user.click((await screen.findAllByRole("button", { name: "New run" }))[0] as HTMLElement);
  await user.click(await screen.findByRole("button", { name: "Start" }));
  expect((await screen.findByRole("alert")).textContent).toBe("Add a prompt.");
  await user.type(
    screen.getByRole("textbox", { name: /Prompts, with an empty line/ }),
    "one{Enter}{Enter}two",
  );
  await user.click(await screen.findByRole("checkbox", { name: "gpt-5-mini" }));
  expect(await screen.findByText(/^2 calls, about \$/)).toBeTruthy();
  const cap = screen.getByRole("textbox", { name: "Cost at most, in $" });
  await user.clear(cap);
  await user.type(cap, "0.50");
  await user.click(screen.getByRole("button", { name: "Start" }));
  await waitFor(() => expect(host.bodies("POST /replays")).toHaveLength(1));
  expect(host.bodies("POST /replays")[0]).toMatchObject({
    from: { prompts: ["one", "two"] },
    candidates: ["gpt-5-mini"],
    max_cost: "500000000",
  });
  expect(router.parameters.selected).toBe(run.id);
});

it("lets a name lead to the winner and takes that back", async () => {
  const promotion = {
    name: "fast",
    from: "m2",
    from_name: "gpt-5",
    to: "m1",
    to_name: "gpt-5-mini",
    at: run.created_at,
  };
  let isPromoted = false;
  const host = new FakeHost({
    ...answers,
    [`GET /replays/${run.id}`]: () => ({
      json: {
        ...run,
        item_list: items,
        promotion: isPromoted ? promotion : null,
      },
    }),
    [`POST /replays/${run.id}/promote`]: ({ body }: Call) => {
      isPromoted ||= (body as { dry_run: boolean }).dry_run === false;
      return { json: { is_done: isPromoted, changes: ["gpt-5 leads to gpt-5-mini."], promotion } };
    },
    [`POST /replays/${run.id}/revert`]: run,
  });
  router.go("replay", { selected: run.id });
  render(ReplayScreen);
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name: "Promote… gpt-5-mini" }));
  const dialog = await screen.findByRole("dialog");
  await user.click(within(dialog).getByRole("combobox", { name: "Name" }));
  await user.click(await within(dialog).findByRole("option", { name: /^gpt-5$/ }));
  expect(await within(dialog).findByText("gpt-5 leads to gpt-5-mini.")).toBeTruthy();
  await user.click(within(dialog).getByRole("button", { name: "Promote" }));
  await waitFor(() =>
    expect(host.bodies(`POST /replays/${run.id}/promote`)).toEqual([
      { candidate: "gpt-5-mini", name: "gpt-5", dry_run: true },
      { candidate: "gpt-5-mini", name: "gpt-5", dry_run: false },
    ]),
  );
  await user.click(await screen.findByRole("button", { name: "Take it back" }));
  await waitFor(() => expect(host.bodies(`POST /replays/${run.id}/revert`)).toHaveLength(1));
});
