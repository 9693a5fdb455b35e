import { render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";
import type { Provider } from "$lib/api";
import { refreshAll } from "$lib/api";
import { router } from "$lib/router.svelte";
import { FakeHost } from "../../../tests/fake-host";
import ProvidersScreen from "./ProvidersScreen.svelte";

const provider = (change: Partial<Provider> = {}): Provider => ({
  id: "p1",
  name: "openai",
  kind: "openai",
  kind_name: "OpenAI",
  base_url: "https://api.openai.example/v1",
  credential: {
    source: "stored",
    variable: null,
    state: "ready",
    detail: null,
    stored_in: "the login keyring",
  },
  dialects: [],
  is_enabled: true,
  is_local: false,
  region: null,
  keeps_prompts: null,
  pool: [],
  models: 2,
  last_24h: { requests: 240, errors: 2, p95_us: 1_420_000, cost: { state: "unknown", amount: "0" } },
  ...change,
});
const kinds = [
  {
    id: "openai",
    name: "OpenAI",
    base_url: "https://api.openai.example/v1",
    base_url_is_fixed: true,
    needs_credential: true,
    is_local: false,
    credential_variables: ["OPENAI_API_KEY"],
    key_prefixes: ["sk-"],
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
  },
];
const nothing = { local_servers: [], environment: [] };
const answers = (providers: Provider[]) => ({
  "GET /providers": providers,
  "GET /provider-kinds": kinds,
  "GET /providers/detected": nothing,
});
const works = {
  is_ok: true,
  code: null,
  message: "",
  next_step: null,
  latency_us: 184_000,
  status: 200,
  models: ["gpt-5"],
};
const rejected = {
  is_ok: false,
  code: "credential.rejected",
  message: "The provider refused the key.",
  next_step: "Check that it was copied whole.",
  latency_us: 90_000,
  status: 401,
  models: [],
};

beforeEach(() => {
  refreshAll();
  router.go("providers");
});

it("shows health, figures and where the key is, never an unknown cost as zero", async () => {
  new FakeHost(answers([provider()]));
  render(ProvidersScreen);
  const card = await screen.findByRole("article", { name: "openai" });
  expect(card.textContent).toContain("Some errors");
  expect(card.textContent).toContain("Key kept in the login keyring");
  expect(within(card).getByRole("link", { name: "240" }).getAttribute("href")).toBe(
    "#/requests?provider=openai&range=24h",
  );
  expect(within(card).getByRole("link", { name: "Unknown" })).toBeTruthy();
  expect(card.textContent).not.toContain("$0");
});

it("adds a provider from a pasted key in two clicks", async () => {
  const host = new FakeHost({
    ...answers([]),
    "POST /providers/test": works,
    "POST /providers": () => ({ status: 201, json: provider() }),
    "POST /providers/p1/models": [],
  });
  router.go("providers", { add: "1" });
  render(ProvidersScreen);
  const user = userEvent.setup();
  const dialog = await screen.findByRole("dialog", { name: "Add a provider" });
  await user.click(await within(dialog).findByLabelText("API key"));
  await user.paste("sk-test-123");
  await user.click(within(dialog).getByRole("button", { name: "Test" }));
  expect(await within(dialog).findByText(/answered in 184 ms/)).toBeTruthy();
  await user.click(within(dialog).getByRole("button", { name: "Add with 1 model" }));
  await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  const credential = { source: "stored", secret: "sk-test-123" };
  expect(host.bodies("POST /providers")).toEqual([
    { name: "openai", kind: "openai", base_url: "https://api.openai.example/v1", credential },
  ]);
  expect(document.body.innerHTML).not.toContain("sk-test-123");
});

it("says what a failed test means and what to do", async () => {
  new FakeHost({ ...answers([provider()]), "POST /providers/p1/test": rejected });
  render(ProvidersScreen);
  await userEvent.click(await screen.findByRole("button", { name: "Test openai" }));
  const diagnosis = await screen.findByTestId("diagnosis");
  expect(diagnosis.textContent).toContain("The provider refused the key.");
  expect(diagnosis.textContent).toContain("Check that it was copied whole.");
  expect(diagnosis.textContent).toContain("credential.rejected");
});

it("never shows a stored key when editing", async () => {
  new FakeHost(answers([provider()]));
  render(ProvidersScreen);
  await userEvent.click(await screen.findByRole("button", { name: "Edit openai" }));
  const dialog = screen.getByRole("dialog", { name: "Edit openai" });
  expect(await within(dialog).findByText(/stored key cannot be shown/)).toBeTruthy();
  expect(dialog.querySelector("input[type=password]")).toBeNull();
});

it("asks again before models are deleted with their only provider", async () => {
  const inUse = {
    status: 409,
    json: { error: { code: "provider.in_use", message: "In use.", field: null } },
  };
  let tries = 0;
  const host = new FakeHost({
    ...answers([provider()]),
    "DELETE /providers/p1": () => (++tries === 1 ? inUse : { status: 204, json: null }),
  });
  render(ProvidersScreen);
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name: "Delete openai" }));
  await user.click(screen.getByRole("button", { name: "Delete provider" }));
  await user.click(await screen.findByRole("button", { name: "Delete provider and models" }));
  await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(host.bodies("DELETE /providers/p1")).toHaveLength(2);
});

it("disables at once and offers the way back", async () => {
  const host = new FakeHost({
    ...answers([provider()]),
    "PATCH /providers/p1": provider({ is_enabled: false }),
  });
  render(ProvidersScreen);
  await userEvent.click(await screen.findByRole("button", { name: "Disable openai" }));
  const { toasts } = await import("$lib/ui/toasts.svelte");
  await vi.waitFor(() => expect(toasts.current?.undo).toBeDefined());
  toasts.current?.undo?.();
  await vi.waitFor(() =>
    expect(host.bodies("PATCH /providers/p1")).toEqual([{ is_enabled: false }, { is_enabled: true }]),
  );
});

it("moves between cards by arrows", async () => {
  new FakeHost(answers([provider(), provider({ id: "p2", name: "groq" })]));
  render(ProvidersScreen);
  (await screen.findByRole("listitem", { name: "openai" })).focus();
  await userEvent.keyboard("{ArrowDown}");
  expect(document.activeElement).toBe(screen.getByRole("listitem", { name: "groq" }));
});
