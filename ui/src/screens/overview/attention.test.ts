import { expect, it } from "vitest";
import { fixtures } from "$lib/gallery/fixtures";
import { attentionOf } from "./attention";

const [healthy, failing] = fixtures.providers;

it("is silent when all is well", () => {
  expect(attentionOf(fixtures.status, healthy ? [healthy] : [], undefined)).toEqual([]);
});

it("names a provider that fails, and what to do", () => {
  const [item] = attentionOf(fixtures.status, failing ? [failing] : [], undefined);
  expect(item).toMatchObject({ tone: "bad", screen: "providers" });
  expect(item?.text).toContain("groq failed 15%");
});

it("does not judge a provider by a handful of requests", () => {
  const few = { ...failing, last_24h: { ...failing?.last_24h, requests: 4, errors: 4 } } as typeof failing;
  expect(attentionOf(undefined, few ? [few] : [], undefined)).toEqual([]);
});

it("puts what refuses requests before what is only unknown", () => {
  const status = { ...fixtures.status, ledger: { ...fixtures.status.ledger, state: "unavailable" as const } };
  const figures = { unknown_cost_requests: 2 } as Parameters<typeof attentionOf>[2];
  expect(attentionOf(status, [], figures).map(({ id }) => id)).toEqual(["ledger", "unpriced"]);
});
