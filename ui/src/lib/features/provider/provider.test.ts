import { expect, it } from "vitest";
import type { Provider, ProviderKind } from "$lib/api";
import { FakeHost } from "../../../../tests/fake-host";
import { AddFlow } from "./add.svelte";
import { ProviderDraft } from "./draft.svelte";
import { healthOf } from "./health";
import { freeName, isBaseUrl, kindOfSecret, nameFault } from "./recognise";

const kind = (id: string, key_prefixes: string[], rest: Partial<ProviderKind> = {}): ProviderKind => ({
  id,
  name: id,
  base_url: `https://api.${id}.example/v1`,
  base_url_is_fixed: true,
  needs_credential: true,
  is_local: false,
  credential_variables: [`${id.toUpperCase()}_API_KEY`],
  key_prefixes,
  docs_url: "https://docs.example",
  docs_date: "2026-11-01",
  note: null,
  variables: [],
  auth: "bearer",
  credential_hint: "The API key.",
  dialects: ["openai_chat"],
  operations: [],
  lists_models: true,
  retired_on: null,
  ...rest,
});
const kinds = [
  kind("openai", ["sk-"]),
  kind("openrouter", ["sk-or-"]),
  kind("ollama", [], { needs_credential: false, is_local: true, base_url_is_fixed: false }),
];
const provider = (change: Partial<Provider> = {}): Provider => ({
  id: "p1",
  name: "openai",
  kind: "openai",
  kind_name: "OpenAI",
  base_url: "https://api.openai.example/v1",
  credential: { source: "stored", variable: null, state: "ready", detail: null, stored_in: "the keychain" },
  dialects: [],
  is_enabled: true,
  is_local: false,
  region: null,
  keeps_prompts: null,
  pool: [],
  models: 0,
  last_24h: { requests: 0, errors: 0, p95_us: null, cost: { state: "exact", amount: "0" } },
  ...change,
});
const works = {
  is_ok: true,
  code: null,
  message: "",
  next_step: null,
  latency_us: 5,
  status: 200,
  models: ["a", "b"],
};
const saved = () => ({ status: 201, json: provider() });

it("recognises a key by its longest prefix", () => {
  expect(kindOfSecret(" sk-or-v1-abc ", kinds)?.id).toBe("openrouter");
  expect(kindOfSecret("sk-proj-abc", kinds)?.id).toBe("openai");
  expect(kindOfSecret("something else", kinds)).toBeNull();
});

it("finds a free name and refuses what is none", () => {
  expect(freeName("OpenAI", [{ name: "openai" }, { name: "openai-2" }])).toBe("openai-3");
  expect(["", "a/b", "-x", "ok.name-1"].map(nameFault)).toEqual(["missing", "shape", "shape", null]);
  expect(["https://a/v1", "ftp://a", "https://u:p@a", "nothing"].map(isBaseUrl)).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

it("fills in the provider of a pasted key and keeps a name typed by hand", () => {
  const draft = new ProviderDraft(
    () => kinds,
    () => [provider()],
  );
  draft.takeSecret("sk-abc");
  expect([draft.kindId, draft.name, draft.baseUrl]).toEqual([
    "openai",
    "openai-2",
    "https://api.openai.example/v1",
  ]);
  draft.rename("mine");
  draft.takeSecret("sk-or-abc");
  expect([draft.kindId, draft.name]).toEqual(["openrouter", "mine"]);
});

it("sends nothing while a field is wrong", async () => {
  const host = new FakeHost({});
  const draft = new ProviderDraft(
    () => kinds,
    () => [],
  );
  draft.chooseKind("openai");
  expect(await draft.test()).toBeNull();
  expect(draft.fieldError("secret")).toContain("Paste the key");
  expect(host.calls).toEqual([]);
});

it("forgets a test when what it tested has changed, even while it runs", async () => {
  let finish = (_: unknown) => {};
  new FakeHost({
    "POST /providers/test": () => new Promise((resolve) => (finish = () => resolve({ json: works }))),
  });
  const draft = new ProviderDraft(
    () => kinds,
    () => [],
  );
  draft.takeSecret("sk-abc");
  const testing = draft.test();
  draft.takeSecret("sk-abd");
  finish(undefined);
  await testing;
  expect([draft.diagnosis, draft.isTesting]).toEqual([null, false]);
});

it("shows the server's refusal at the field it names", async () => {
  const taken = { error: { code: "provider.name_taken", message: "That name is taken.", field: "name" } };
  new FakeHost({ "POST /providers": () => ({ status: 409, json: taken }) });
  const draft = new ProviderDraft(
    () => kinds,
    () => [],
  );
  draft.takeSecret("sk-abc");
  expect(await draft.save()).toBeNull();
  expect(draft.fieldError("name")).toBe("That name is taken.");
});

it("leaves a stored key alone unless a new one is written", async () => {
  const host = new FakeHost({ "PATCH /providers/p1": provider(), "POST /providers/p1/test": works });
  const draft = new ProviderDraft(
    () => kinds,
    () => [],
    provider(),
  );
  await draft.test();
  draft.rename("renamed");
  await draft.save();
  draft.takeSecret("new-secret");
  await draft.save();
  expect(host.bodies("PATCH /providers/p1")).toEqual([
    { name: "renamed", base_url: "https://api.openai.example/v1" },
    {
      name: "renamed",
      base_url: "https://api.openai.example/v1",
      credential: { source: "stored", secret: "new-secret" },
    },
  ]);
});

it("tests an offered server at one click and adds it with its models", async () => {
  const host = new FakeHost({
    "POST /providers/test": works,
    "POST /providers": saved,
    "POST /providers/p1/models": [],
  });
  const flow = new AddFlow(
    () => kinds,
    () => [],
  );
  await flow.takeServer({
    kind: "ollama",
    name: "Ollama",
    base_url: "http://127.0.0.1:11434/v1",
    models: [],
  });
  expect([flow.isTested, flow.selected]).toEqual([true, ["a", "b"]]);
  expect((await flow.add())?.id).toBe("p1");
  const sent = {
    name: "ollama",
    kind: "ollama",
    base_url: "http://127.0.0.1:11434/v1",
    credential: { source: "none" },
  };
  expect(host.bodies("POST /providers")).toEqual([sent]);
  expect(host.bodies("POST /providers/p1/models")).toEqual([{ upstream_models: ["a", "b"] }]);
});

it("does not add the provider twice when only its models failed", async () => {
  let isDown = true;
  const refuse = { status: 503, json: { error: { code: "internal", message: "Try again." } } };
  const host = new FakeHost({
    "POST /providers/test": works,
    "POST /providers": saved,
    "POST /providers/p1/models": () => (isDown ? refuse : { json: [] }),
  });
  const flow = new AddFlow(
    () => kinds,
    () => [],
  );
  await flow.takeVariable({ kind: "openai", name: "OpenAI", variable: "OPENAI_API_KEY" });
  expect(await flow.add()).toBeNull();
  expect(flow.error).toBe("Try again.");
  isDown = false;
  expect((await flow.add())?.id).toBe("p1");
  expect(host.bodies("POST /providers")).toHaveLength(1);
});

it("does not choose beforehand from a long list", async () => {
  const models = Array.from({ length: 21 }, (_, index) => `m${index}`);
  new FakeHost({ "POST /providers/test": { ...works, models } });
  const flow = new AddFlow(
    () => kinds,
    () => [],
  );
  flow.draft.takeSecret("sk-abc");
  await flow.test();
  expect([flow.offered.length, flow.selected]).toEqual([21, []]);
});

it("judges health by what a person must fix first", () => {
  const activity = (requests: number, errors: number) => ({
    last_24h: { ...provider().last_24h, requests, errors },
  });
  const noKey = { ...provider().credential, state: "unavailable" as const };
  expect(healthOf(provider({ is_enabled: false, credential: noKey }))).toBe("disabled");
  expect(healthOf(provider({ credential: noKey, ...activity(9, 0) }))).toBe("no_key");
  expect(healthOf(provider())).toBe("idle");
  expect(healthOf(provider(activity(10, 5)))).toBe("failing");
  expect(healthOf(provider(activity(10, 1)))).toBe("some_errors");
  expect(healthOf(provider(activity(10, 0)))).toBe("healthy");
});

const region = { name: "region", label: "Region", hint: "", default: "eu-1", choices: [] };
const cloud = kind("cloud", [], {
  base_url: "https://{resource}.{region}.example/v1",
  variables: [{ ...region, name: "resource", label: "Resource", default: null }, region],
  dialects: ["openai_chat", "anthropic"],
});

it("asks for the places of an address, and sends them apart", async () => {
  const host = new FakeHost({ "POST /providers": saved });
  const draft = new ProviderDraft(
    () => [cloud],
    () => [],
  );
  draft.chooseKind("cloud");
  draft.takeSecret("secret");
  expect(await draft.save()).toBeNull();
  expect(draft.valueErrors.resource).toContain("Resource");
  draft.fill("resource", "acme");
  draft.dialect = "anthropic";
  expect(draft.baseUrl).toBe("https://acme.eu-1.example/v1");
  await draft.save();
  expect(host.bodies("POST /providers")).toEqual([
    {
      name: "cloud",
      kind: "cloud",
      variables: { resource: "acme" },
      dialects: ["anthropic"],
      credential: { source: "stored", secret: "secret" },
    },
  ]);
});

it("changes one place of a saved address and keeps the others", async () => {
  const existing = provider({
    kind: "cloud",
    base_url: "https://acme.us-2.example/v1",
    dialects: ["anthropic"],
  });
  const host = new FakeHost({ "PATCH /providers/p1": existing });
  const draft = new ProviderDraft(
    () => [cloud],
    () => [],
    existing,
  );
  expect([draft.valueOf("resource"), draft.valueOf("region"), draft.dialect]).toEqual([
    "acme",
    "us-2",
    "anthropic",
  ]);
  draft.fill("region", "eu-3");
  await draft.save();
  expect(host.bodies("PATCH /providers/p1")).toEqual([
    { name: "openai", base_url: "https://acme.eu-3.example/v1" },
  ]);
});

it("offers the catalogue's models where a provider lists none", async () => {
  new FakeHost({
    "POST /providers/test": { ...works, models: [] },
    "GET /catalog": { models: [{ id: "sonar" }] },
  });
  const flow = new AddFlow(
    () => kinds,
    () => [],
  );
  flow.draft.takeSecret("sk-abc");
  await flow.test();
  expect([flow.isFromCatalogue, flow.offered, flow.selected]).toEqual([true, ["sonar"], []]);
});
