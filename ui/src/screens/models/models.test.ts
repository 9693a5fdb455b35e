import { expect, it } from "vitest";
import type { CatalogDetail, Model, Provider } from "$lib/api";
import { entriesOf } from "$lib/features/model/catalogue";
import { claudeAlias } from "$lib/features/model/change";
import { daysUntil, glanceText, rateLines } from "$lib/features/model/words";
import { detailFor } from "$lib/gallery/catalogue";
import { fixtures } from "$lib/gallery/fixtures";
import { adoptionOf, undoBodies } from "./adopt";
import { bestOf, compareLines } from "./compare";

const entries = entriesOf(fixtures.catalogue, fixtures.models, fixtures.providers, new Map());
const provider = (id: string, kind: string): Provider => ({
  ...(fixtures.providers[0] as Provider),
  id,
  name: id,
  kind,
});

it("plans what can be added and says what cannot", () => {
  const some = entries.filter(({ model }) => model.kind === "groq" || model.kind === "azure").slice(0, 40);
  const groq = some.filter(({ model }) => model.kind === "groq");
  const plan = adoptionOf(some, [provider("g1", "groq"), provider("g2", "groq")], [], { groq: "g2" });
  expect(plan.adopt).toEqual(groq.map(({ model }) => ({ provider: "g2", upstream_model: model.id })));
  expect(plan.withoutProvider).toBe(some.length - groq.length);
  expect(plan.missingKinds).toEqual(["azure"]);
  expect(plan.choices.map(({ kind, providers }) => [kind, providers.length])).toEqual([["groq", 2]]);
  expect(plan.byProvider).toEqual([["g2", groq.length]]);
});

it("leaves alone what is added already and counts names that join", () => {
  const model = fixtures.models[1] as Model;
  const entry = entries.find(({ model: one }) => one.id === "gpt-5");
  if (entry === undefined) throw new Error("gpt-5 is missing");
  const same = adoptionOf([entry], fixtures.providers, [model], {});
  expect([same.adopt.length, same.alreadyThere]).toEqual([0, 1]);
  const elsewhere = { ...model, deployments: [] };
  expect(adoptionOf([entry], fixtures.providers, [elsewhere], {}).joined).toBe(1);
});

it("takes an adoption back: new models go, joined ones become what they were", () => {
  const before = fixtures.models.slice(0, 1);
  const after = fixtures.models.slice(0, 2);
  const undo = undoBodies(before, after);
  expect(undo.map(({ body }) => body === null)).toEqual([false, true]);
  expect(undo[0]?.body?.deployments).toHaveLength(1);
});

it("marks the best only where something is better than something else", () => {
  const detail = (id: string) =>
    detailFor(fixtures.catalogue, fixtures.models, "openai", id) as CatalogDetail;
  const details = [detail("gpt-5"), detail("gpt-5-mini"), undefined];
  const lines = compareLines((kind) => kind);
  const line = (title: string) => lines.find((one) => one.title === title) ?? lines[0];
  const best = (title: string) => bestOf(line(title) as (typeof lines)[0], details);
  expect([...best("At your mix")]).toEqual([1]);
  expect([...best("Context")]).toEqual([]);
  expect([...best("Maker")]).toEqual([]);
});

it("says prices in the unit people think in", () => {
  const unit = (name: "image" | "audio_ms" | "character", rate: string) =>
    glanceText({
      input: "0",
      output: "0",
      cached_read: null,
      per_unit: { unit: name, rate },
      has_tiers: false,
    });
  expect([unit("image", "40000"), unit("audio_ms", "0.1"), unit("character", "15")]).toEqual([
    "$0.04 per image",
    "$0.006 per minute",
    "$15.00 per million characters",
  ]);
  expect(rateLines({ input: "0", output: "0", image: "40000" }).map(({ name }) => name)).toEqual(["image"]);
  expect(rateLines({ input: "1", output: "2", search: "10000" }).map(({ name }) => name)).toEqual([
    "input",
    "output",
    "search",
  ]);
});

it("counts down to the day a model ends", () => {
  const now = new Date("2026-11-22T12:00:00Z");
  expect([daysUntil("2026-11-24", now), daysUntil("2026-11-01", now)]).toEqual([2, -21]);
});

it("makes a name that Claude Code lists", () => {
  expect([claudeAlias("gpt-5"), claudeAlias("Meta/Llama 3"), claudeAlias("claude-x")]).toEqual([
    "claude-gpt-5",
    "claude-meta-llama-3",
    "claude-x",
  ]);
});
