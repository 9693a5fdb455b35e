import { render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";
import { refreshAll } from "$lib/api";
import { catalogueFor, catalogueStatus, detailFor } from "$lib/gallery/catalogue";
import { fixtures } from "$lib/gallery/fixtures";
import { router } from "$lib/router.svelte";
import { type Answers, FakeHost } from "../../../tests/fake-host";
import ModelsScreen from "./ModelsScreen.svelte";

const catalogue = catalogueFor(fixtures.models, fixtures.providers, 60);
const detail = detailFor(catalogue, fixtures.models, "openai", "gpt-5-mini");
const answers = (change: Answers = {}): Answers => ({
  "GET /catalog": catalogue,
  "GET /catalog/status": catalogueStatus,
  "GET /catalog/model": detail,
  "GET /models": fixtures.models,
  "GET /providers": fixtures.providers,
  "GET /provider-kinds": fixtures.kinds,
  "GET /keys": fixtures.keys,
  ...change,
});

beforeEach(() => {
  refreshAll();
  router.go("models");
});

it("lists the catalogue and says how prices are blended", async () => {
  new FakeHost(answers());
  render(ModelsScreen);
  const grid = await screen.findByRole("grid", { name: "Models" });
  expect(grid.getAttribute("aria-rowcount")).toBe("65");
  expect(await screen.findByText("88 % input, 12 % output, as in your last 30 days")).toBeTruthy();
  expect(screen.getByText(/Refresh is off/)).toBeTruthy();
});

it("says what failed, and shows the list although a part that only adds to it failed", async () => {
  const host = new FakeHost({});
  render(ModelsScreen);
  await screen.findByRole("alert");
  const { "GET /keys": _, ...others } = answers();
  Object.assign(host.answers, others);
  await userEvent.click(screen.getAllByRole("button", { name: "Try again" })[0] as HTMLElement);
  expect(await screen.findByRole("grid", { name: "Models" })).toBeTruthy();
  expect(screen.getByText(/Some of your own models, keys or figures are missing/)).toBeTruthy();
});

it("keeps the search in the address and offers a way out of an empty result", async () => {
  new FakeHost(answers());
  router.go("models", { q: "no such model anywhere" });
  render(ModelsScreen);
  await userEvent.click(await screen.findByRole("button", { name: "Clear the filters" }));
  expect(router.parameters.q).toBeUndefined();
  expect(await screen.findByRole("grid", { name: "Models" })).toBeTruthy();
});

it("adds every matching model in a few keys, after saying what happens", async () => {
  const host = new FakeHost(answers({ "POST /models/adopt": fixtures.models }));
  router.go("models", { kind: "groq" });
  render(ModelsScreen);
  const grid = await screen.findByRole("grid", { name: "Models" });
  const user = userEvent.setup();
  grid.focus();
  await user.keyboard("{Control>}a{/Control}");
  await user.click(await screen.findByRole("button", { name: /^Add \d+ models$/ }));
  const dialog = await screen.findByRole("dialog");
  expect(dialog.textContent).toContain("from groq");
  expect(dialog.textContent).toContain("added already");
  await user.click(within(dialog).getByRole("button", { name: /^Add \d+ models$/ }));
  await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  const [body] = host.bodies("POST /models/adopt") as { models: { provider: string }[] }[];
  const groq = catalogue.models.filter(({ kind }) => kind === "groq");
  expect(body?.models).toHaveLength(groq.length - 1);
});

it("shows who is touched before a model is replaced", async () => {
  const keys = [
    {
      key_id: "k",
      name: "Editor",
      requests: 980,
      cost: { state: "exact", amount: "1" },
      is_named: true,
      state: "active",
    },
  ];
  const answer = { is_done: false, names: ["gpt-5-mini", "fast"], keys, replacement: fixtures.models[1] };
  const id = fixtures.models[0]?.id ?? "";
  const host = new FakeHost(answers({ [`POST /models/${id}/replace`]: answer }));
  router.go("models", { selected: "openai/gpt-5-mini" });
  render(ModelsScreen);
  const user = userEvent.setup();
  expect(await screen.findByText(/This model ends on/)).toBeTruthy();
  await user.click(screen.getAllByRole("button", { name: "Replace it" })[0] as HTMLElement);
  const dialog = await screen.findByRole("dialog", { name: "Replace gpt-5-mini" });
  expect(await within(dialog).findByText("1 key uses or names it")).toBeTruthy();
  expect(dialog.textContent).toContain("fast");
  await user.click(within(dialog).getByRole("button", { name: "Replace the model" }));
  await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  const bodies = host.bodies(`POST /models/${id}/replace`) as { dry_run: boolean }[];
  expect(bodies.map(({ dry_run }) => dry_run)).toEqual([true, false]);
});

it("adds a name for Claude Code and takes it back", async () => {
  const model = fixtures.models[0];
  const path = `PUT /models/${model?.id}`;
  const host = new FakeHost(answers({ [path]: model }));
  router.go("models", { selected: "openai/gpt-5-mini", tab: "names" });
  render(ModelsScreen);
  await userEvent.click(await screen.findByRole("button", { name: "Show in Claude Code" }));
  const { toasts } = await import("$lib/ui/toasts.svelte");
  await vi.waitFor(() => expect(toasts.current?.undo).toBeDefined());
  toasts.current?.undo?.();
  await vi.waitFor(() => expect(host.bodies(path)).toHaveLength(2));
  const aliases = (host.bodies(path) as { aliases: string[] }[]).map((body) => body.aliases);
  expect(aliases).toEqual([["fast", "claude-gpt-5-mini"], ["fast"]]);
});

it("asks for a reason before a price is set", async () => {
  const model = fixtures.models[1];
  const path = `PATCH /models/${model?.id}/deployments/${model?.deployments[0]?.id}`;
  const own = detailFor(catalogue, fixtures.models, "openai", "gpt-5");
  const host = new FakeHost(
    answers({ "GET /catalog/model": own, [`GET /models/${model?.id}/prices`]: [], [path]: model }),
  );
  router.go("models", { selected: "openai/gpt-5", tab: "prices" });
  render(ModelsScreen);
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name: "Set another price for gpt-5 at openai" }));
  const dialog = await screen.findByRole("dialog");
  await user.click(within(dialog).getByRole("button", { name: "Save the price" }));
  expect(host.bodies(path)).toEqual([]);
  await user.type(within(dialog).getByLabelText("Reason"), "Contract");
  await user.click(within(dialog).getByRole("button", { name: "Save the price" }));
  await vi.waitFor(() => expect(host.bodies(path)).toHaveLength(1));
  expect(host.bodies(path)[0]).toMatchObject({
    price: { rates: { input: "1.25", output: "10" }, reason: "Contract" },
  });
});
