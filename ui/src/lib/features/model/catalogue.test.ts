import { expect, it } from "vitest";
import type { CatalogList, CatalogModel, Model, Provider } from "$lib/api";
import { fixtures } from "$lib/gallery/fixtures";
import { blendedOf, entriesOf, partsOf } from "./catalogue";

const chat = fixtures.catalogue.models.find(({ mode }) => mode === "chat") as CatalogModel;
const price = (input: string, output: string): CatalogModel["price"] => ({
  input,
  output,
  cached_read: null,
  per_unit: null,
  has_tiers: false,
});
const list = (models: CatalogModel[]): CatalogList => ({ ...fixtures.catalogue, models });

it("blends by the mix, and never calls unknown or priced by the image free", () => {
  const mix = { inputPercent: 80, isOwn: true };
  expect(blendedOf({ mode: "chat", price: price("1", "6") }, mix)).toBe(2);
  expect(blendedOf({ mode: "embedding", price: price("1", "0") }, mix)).toBe(1);
  expect(blendedOf({ mode: "chat", price: price("0", "0") }, mix)).toBe(0);
  expect(blendedOf({ mode: "chat", price: null }, mix)).toBeNull();
  const perImage = { ...price("0", "0"), per_unit: { unit: "image" as const, rate: "40000" } };
  expect(blendedOf({ mode: "image", price: perImage as CatalogModel["price"] }, mix)).toBeNull();
});

it("keeps slashes of a provider's id", () => {
  expect(partsOf("openrouter/meta/llama-3")).toEqual({ kind: "openrouter", id: "meta/llama-3" });
});

it("lists models of this installation that the catalogue does not know, once each", () => {
  const provider = { ...(fixtures.providers[2] as Provider), id: "p", kind: "ollama" };
  const deployment = {
    ...(fixtures.models[3] as Model).deployments[0],
    provider_id: "p",
  } as Model["deployments"][0];
  const model = (id: string, name: string, upstream_model: string): Model => ({
    id,
    name,
    aliases: [],
    created_at: "2026-11-01T00:00:00Z",
    deployments: [{ ...deployment, upstream_model }],
  });
  const known = { ...chat, kind: "ollama", id: "listed" };
  const entries = entriesOf(
    list([known]),
    [model("1", "a", "local"), model("2", "b", "local"), model("3", "c", "listed")],
    [provider],
    new Map(),
  );
  expect(entries.map(({ key, isListed }) => [key, isListed])).toEqual([
    ["ollama/local", false],
    ["ollama/listed", true],
  ]);
  expect(entries[0]?.model.mine?.models.map(({ name }) => name)).toEqual(["a", "b"]);
  expect(entries[0]?.model.context).toBeNull();
});

it("shows what a provider lists beyond the catalogue, added or not", () => {
  const unlisted = {
    provider_id: "p",
    provider: "home",
    kind: "ollama",
    is_local: true,
    id: "seen",
    name: null,
    context: 8_192,
    max_output: null,
    models: [],
  };
  const [entry] = entriesOf({ ...list([]), unlisted: [unlisted] }, [], [], new Map());
  expect([entry?.key, entry?.model.name, entry?.model.context, entry?.blended]).toEqual([
    "ollama/seen",
    "seen",
    8_192,
    null,
  ]);
  expect(entry?.model.mine).toEqual({ providers: [{ id: "p", name: "home", is_seen: true }], models: [] });
});
