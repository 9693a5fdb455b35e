import { render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";
import type { Model } from "$lib/api";
import { refreshAll } from "$lib/api";
import { router } from "$lib/router.svelte";
import { FakeHost } from "../../../tests/fake-host";
import FirstRunScreen from "./FirstRunScreen.svelte";
import { testModel } from "./test-model";

const model = (name: string, provider_id = "p1"): Model => ({
  id: name,
  name,
  aliases: [],
  created_at: "2026-11-01T00:00:00Z",
  deployments: [
    {
      id: name,
      provider_id,
      provider: "ollama",
      upstream_model: name,
      price: null,
      is_free: true,
      max_output_tokens: null,
      can_reason: null,
      is_catalogue_price: false,
    },
  ],
});
const kind = {
  id: "ollama",
  name: "Ollama",
  base_url: "http://127.0.0.1:11434/v1",
  base_url_is_fixed: false,
  needs_credential: false,
  is_local: true,
  credential_variables: [],
  key_prefixes: [],
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
};
const server = {
  kind: "ollama",
  name: "Ollama",
  base_url: "http://127.0.0.1:11434/v1",
  models: ["qwen3:8b"],
};
const works = {
  is_ok: true,
  code: null,
  message: "",
  next_step: null,
  latency_us: 9,
  status: 200,
  models: ["qwen3:8b"],
};
const key = { id: "k1", name: "my-first-app", hint: "mr-...a91f", models: null };
const record = {
  id: "request-1",
  usage: { total_input: 12, total_output: 3 },
  usage_source: "reported",
  cost: { state: "exact", amount: "3100000" },
  first_output_us: 1,
  total_us: 1_200_000,
};

beforeEach(() => {
  refreshAll();
  router.go("first-run");
});

it("leads from nothing to a routed request in seven clicks and no typing", async () => {
  let models: Model[] = [];
  const host = new FakeHost({
    "GET /status": { proxy: { base_url: "http://127.0.0.1:4180/v1" } },
    "GET /provider-kinds": [kind],
    "GET /providers": [],
    "GET /providers/detected": { local_servers: [server], environment: [] },
    "GET /models": () => ({ json: models }),
    "POST /providers/test": works,
    "POST /providers": () => ({ status: 201, json: { id: "p1", name: "ollama" } }),
    "POST /providers/p1/models": () => {
      models = [model("qwen3:8b")];
      return { json: models };
    },
    "POST /keys": () => ({ status: 201, json: { key, secret: "mr-secret" } }),
    "GET /requests/request-1": record,
  });
  host.chunks = ['data: {"choices":[{"delta":{"content":"Hello."}}]}\n\n', "data: [DONE]\n\n"];
  render(FirstRunScreen);
  const user = userEvent.setup();
  const press = async (name: string | RegExp) => user.click(await screen.findByRole("button", { name }));
  await press(/Just me/);
  await press(/^Ollama/);
  await press("Add with 1 model");
  await press("Create key");
  await press("Copy key");
  await press("Next");
  await press("Send a test");
  expect(await screen.findByText(/Your first request cost \$0\.0031 and took 1\.2 s\./)).toBeTruthy();
  expect(host.bodies("POST /playground/chat")).toEqual([
    {
      model: "qwen3:8b",
      max_tokens: 64,
      messages: [{ role: "user", content: "Say hello in one short sentence." }],
    },
  ]);
  await press("Go to the overview");
  expect(router.screen).toBe("overview");
});

it("lets every step be skipped", async () => {
  new FakeHost({ "GET /models": [], "GET /providers": [], "GET /provider-kinds": [kind], "GET /status": {} });
  render(FirstRunScreen);
  const user = userEvent.setup();
  for (const step of ["provider", "key", "test"]) {
    await user.click(screen.getByRole("button", { name: "Skip this step" }));
    await vi.waitFor(() => expect(router.parameters.step).toBe(step));
  }
  expect(await screen.findByText(/no model to ask yet/)).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "Skip this step" }));
  expect(router.screen).toBe("overview");
});

it("offers a model of the new provider that looks able to chat", () => {
  const models = [model("gpt-5", "p0"), model("text-embedding-3-small"), model("qwen3:8b")];
  expect(testModel(models, "p1")?.name).toBe("qwen3:8b");
  expect(testModel(models, null)?.name).toBe("gpt-5");
  expect(testModel([], "p1")).toBeUndefined();
});

it("asks once whether prices may be refreshed, off unless one says so", async () => {
  const host = new FakeHost({
    "PATCH /settings": {},
    "GET /models": [],
    "GET /providers": [],
    "GET /provider-kinds": [],
  });
  const first = render(FirstRunScreen);
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name: /Just me/ }));
  expect(host.bodies("PATCH /settings")).toEqual([{ catalogue_refresh: false }]);
  first.unmount();
  router.go("first-run");
  render(FirstRunScreen);
  await user.click(await screen.findByRole("checkbox", { name: /Keep model prices current/ }));
  await user.click(screen.getByRole("button", { name: /Just me/ }));
  expect(host.bodies("PATCH /settings")[1]).toEqual({ catalogue_refresh: true });
});
