import { expect, it } from "vitest";
import { fixtures } from "$lib/gallery/fixtures";
import { routing } from "$lib/gallery/routing";
import { attentionOf } from "./attention";

const [healthy, failing] = fixtures.providers;

it("is silent when all is well", () => {
  expect(attentionOf(fixtures.status, healthy ? [healthy] : [], undefined, undefined)).toEqual([]);
});

it("names a provider that fails, and what to do", () => {
  const [item] = attentionOf(fixtures.status, failing ? [failing] : [], undefined, undefined);
  expect(item).toMatchObject({ tone: "bad", screen: "providers" });
  expect(item?.text).toContain("groq failed 15%");
});

it("does not judge a provider by a handful of requests", () => {
  const few = { ...failing, last_24h: { ...failing?.last_24h, requests: 4, errors: 4 } } as typeof failing;
  expect(attentionOf(undefined, few ? [few] : [], undefined, undefined)).toEqual([]);
});

it("puts what refuses requests before what is only unknown", () => {
  const status = { ...fixtures.status, ledger: { ...fixtures.status.ledger, state: "unavailable" as const } };
  const figures = { unknown_cost_requests: 2 } as Parameters<typeof attentionOf>[2];
  expect(attentionOf(status, [], figures, undefined).map(({ id }) => id)).toEqual(["ledger", "unpriced"]);
});

it("names a model that ends, with our own traffic, unless another deployment stays", () => {
  const [item] = attentionOf(undefined, [], undefined, routing.radar);
  expect(item).toMatchObject({ tone: "warn", screen: "models", parameters: { view: "radar" } });
  expect(item?.text).toContain("gpt-5 ends in 20 days; 4,812 requests");
  const [entry] = routing.radar.entries;
  const changed = (change: object) => ({ ...routing.radar, entries: entry ? [{ ...entry, ...change }] : [] });
  expect(attentionOf(undefined, [], undefined, changed({ has_other: true }))).toEqual([]);
  expect(attentionOf(undefined, [], undefined, changed({ days_left: 200 }))).toEqual([]);
  expect(attentionOf(undefined, [], undefined, changed({ is_gone: true }))[0]?.tone).toBe("bad");
});
