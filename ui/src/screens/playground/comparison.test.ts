import { flushSync } from "svelte";
import { expect, it, vi } from "vitest";
import { FakeHost } from "../../../tests/fake-host";
import { Comparison } from "./comparison.svelte";

const parametersOf = (model: string) => ({ model, system: "", temperature: null, maxTokens: null });
const chunks = [
  `data: ${JSON.stringify({ choices: [{ delta: { content: "Hi" } }] })}\n\n`,
  "data: [DONE]\n\n",
];

function comparison(): { host: FakeHost; both: Comparison } {
  const host = new FakeHost({ "GET /requests/request-1": { id: "request-1" }, "POST /feedback/votes": [] });
  host.chunks = chunks;
  const both = new Comparison();
  both.add("gpt-5");
  both.add("gpt-5-mini");
  return { host, both };
}

it("asks every model the same, and hides names until the vote where it is blind", async () => {
  const { host, both } = comparison();
  both.isBlind = true;
  expect(both.isHidden).toBe(false);
  both.ask("hello", parametersOf);
  await vi.waitFor(() => expect(both.isBusy).toBe(false));
  flushSync();
  expect(
    host.calls
      .filter(({ path }) => path === "/playground/chat")
      .map(({ body }) => (body as { model: string }).model),
  ).toEqual(["gpt-5", "gpt-5-mini"]);
  expect([both.isHidden, both.canVote]).toEqual([true, true]);
  expect([...both.shown].map(({ model }) => model).sort()).toEqual(["gpt-5", "gpt-5-mini"]);
  await both.vote(both.contestants[1]?.id ?? -1);
  expect([both.isHidden, both.canVote]).toEqual([false, false]);
  expect(host.bodies("POST /feedback/votes")).toEqual([
    { requests: ["request-1", "request-1"], preferred: "request-1" },
  ]);
});

it("counts equally good as no preference, and ends when one is left", async () => {
  const { host, both } = comparison();
  both.ask("hello", parametersOf);
  await vi.waitFor(() => expect(both.isBusy).toBe(false));
  await both.vote(0);
  expect(host.bodies("POST /feedback/votes")[0]).toMatchObject({ preferred: null });
  both.remove(both.contestants[0]?.id ?? -1);
  expect([both.isOn, both.contestants.length]).toEqual([false, 0]);
});

it("compares four at most", () => {
  const { both } = comparison();
  for (const model of ["c", "d", "e"]) both.add(model);
  expect(both.contestants.map(({ model }) => model)).toEqual(["gpt-5", "gpt-5-mini", "c", "d"]);
});
