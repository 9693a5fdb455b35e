import { expect, it } from "vitest";
import type { Model } from "$lib/api";
import { parseRate, withoutProvider, withPrice } from "./change";

const deployment = (id: string, provider_id: string) => ({
  id,
  provider_id,
  provider: provider_id,
  upstream_model: `${id}-model`,
  price: {
    id: "price",
    valid_from: "2026-01-01T00:00:00Z",
    rates: { input: "1", output: "2", reasoning: "3" },
    tiers: [],
    source: "list",
  },
  is_free: false,
  max_output_tokens: 100,
  can_reason: null,
  is_catalogue_price: false,
});
const model: Model = {
  id: "m",
  name: "gpt-5",
  aliases: ["fast"],
  deployments: [deployment("d1", "p1"), deployment("d2", "p2")],
  created_at: "2026-01-01T00:00:00Z",
};

it("changes one price and sends the rest as it was", () => {
  const body = withPrice(model, "d1", { input: "0.5", output: "4" });
  expect(body.aliases).toEqual(["fast"]);
  expect(body.deployments.map((one) => one.price)).toEqual([
    { rates: { input: "0.5", output: "4" } },
    { rates: { input: "1", output: "2", reasoning: "3" }, tiers: [], source: "list" },
  ]);
  expect(body.deployments[1]).toMatchObject({
    provider: "p2",
    upstream_model: "d2-model",
    max_output_tokens: 100,
  });
});

it("takes a provider's part away, and says when nothing is left", () => {
  expect(withoutProvider(model, "p1")?.deployments.map((one) => one.provider)).toEqual(["p2"]);
  expect(withoutProvider({ ...model, deployments: [deployment("d1", "p1")] }, "p1")).toBeNull();
});

it("takes plain decimals only, so that no price becomes a float", () => {
  expect([" 0.15 ", "0,15", "3", "1e3", "-1", ".5", "", "0.1234567890"].map(parseRate)).toEqual([
    "0.15",
    "0.15",
    "3",
    null,
    null,
    null,
    null,
    null,
  ]);
});
