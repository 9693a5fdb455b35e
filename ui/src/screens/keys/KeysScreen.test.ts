import { render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";
import type { Key } from "$lib/api";
import { refreshAll } from "$lib/api";
import { router } from "$lib/router.svelte";
import { FakeHost } from "../../../tests/fake-host";
import { shownKeys } from "./columns";
import KeysScreen from "./KeysScreen.svelte";

const key = (change: Partial<Key> = {}): Key => ({
  id: "k1",
  name: "editor",
  hint: "mr-...a91f",
  models: null,
  created_at: "2026-11-01T00:00:00Z",
  expires_at: null,
  revoked_at: null,
  state: "active",
  is_builtin: false,
  is_strict: false,
  last_used_at: null,
  last_24h: { requests: 41, cost: { state: "exact", amount: "3100000" } },
  flags: ["all_models"],
  owner: [],
  project: null,
  ...change,
});
const status = { proxy: { base_url: "http://127.0.0.1:4180/v1" } };
const models = [
  { id: "m1", name: "gpt-5", aliases: [], deployments: [], created_at: "2026-11-01T00:00:00Z" },
];
const answers = (keys: Key[]) => ({ "GET /keys": keys, "GET /models": models, "GET /status": status });

beforeEach(() => {
  refreshAll();
  router.go("keys");
});

it("says why it is empty and offers the first key", async () => {
  new FakeHost(answers([]));
  render(KeysScreen);
  expect(await screen.findByText("No keys yet")).toBeTruthy();
});

it("says what failed and tries again", async () => {
  const host = new FakeHost({});
  render(KeysScreen);
  await screen.findByRole("alert");
  Object.assign(host.answers, answers([key()]));
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByRole("grid", { name: "Keys" })).toBeTruthy();
});

it("shows a new secret once, copies it unseen, and forgets it", async () => {
  const secret = "mr-0123456789-secret";
  const host = new FakeHost({
    ...answers([]),
    "POST /keys": () => ({ status: 201, json: { key: key(), secret } }),
  });
  render(KeysScreen);
  const user = userEvent.setup();
  await user.click((await screen.findAllByRole("button", { name: "New key" }))[0] as HTMLElement);
  await user.type(screen.getByLabelText("Name"), "editor");
  await user.click(screen.getByRole("button", { name: "Create key" }));
  const dialog = await screen.findByRole("dialog", { name: "Key created" });
  expect(document.body.innerHTML).not.toContain(secret);
  await user.click(within(dialog).getByRole("button", { name: "Copy key" }));
  expect(host.copied).toEqual([{ text: secret, isPrivate: true }]);
  await user.click(within(dialog).getByRole("button", { name: "Copy code" }));
  expect(host.copied[1]).toMatchObject({ isPrivate: true, text: expect.stringContaining(secret) as string });
  await user.click(within(dialog).getByRole("button", { name: "Show" }));
  expect(within(dialog).getByTestId("key-secret").textContent).toBe(secret);
  await user.click(within(dialog).getByRole("button", { name: "Done" }));
  expect(screen.queryByRole("dialog")).toBeNull();
  expect(document.body.innerHTML).not.toContain(secret);
});

it("warns before a secret is lost that nobody copied", async () => {
  new FakeHost({
    ...answers([]),
    "POST /keys": () => ({ status: 201, json: { key: key(), secret: "mr-x" } }),
  });
  render(KeysScreen);
  const user = userEvent.setup();
  await user.click((await screen.findAllByRole("button", { name: "New key" }))[0] as HTMLElement);
  await user.type(screen.getByLabelText("Name"), "editor");
  await user.click(screen.getByRole("button", { name: "Create key" }));
  await user.click(await screen.findByRole("button", { name: "Done" }));
  expect(screen.getByRole("dialog", { name: "Close without copying?" })).toBeTruthy();
});

it("revokes only after saying what the key did in the last 24 hours", async () => {
  const rows = [{ user_agent: "OpenAI/Python 2" }, { user_agent: "OpenAI/Python 2" }, { user_agent: null }];
  const host = new FakeHost({
    ...answers([key()]),
    "GET /requests": { rows },
    "POST /keys/k1/revoke": key({ state: "revoked" }),
  });
  router.go("keys", { selected: "k1" });
  render(KeysScreen);
  const user = userEvent.setup();
  await user.click(await screen.findByRole("button", { name: "Revoke" }));
  const dialog = screen.getByRole("dialog", { name: "Revoke editor?" });
  expect(dialog.textContent).toContain("41 requests in the last 24 hours, at $0.0031");
  expect(await within(dialog).findAllByText("OpenAI/Python 2")).toHaveLength(1);
  expect(host.bodies("POST /keys/k1/revoke")).toHaveLength(0);
  await user.click(within(dialog).getByRole("button", { name: "Revoke key" }));
  await vi.waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(host.bodies("POST /keys/k1/revoke")).toHaveLength(1);
});

it("offers no way to revoke the window's own key", async () => {
  new FakeHost(answers([key({ is_builtin: true })]));
  router.go("keys", { selected: "k1" });
  render(KeysScreen);
  expect(await screen.findByText(/cannot be revoked/)).toBeTruthy();
  expect(screen.queryByRole("button", { name: "Revoke" })).toBeNull();
});

it("filters by every word and puts active keys first", () => {
  const keys = [
    key({ id: "1", state: "revoked" }),
    key({ id: "2", models: ["qwen3:8b"] }),
    key({ id: "3", name: "report" }),
  ];
  const ids = (...wanted: Parameters<typeof shownKeys>) => shownKeys(...wanted).map(({ id }) => id);
  expect(ids(keys, "all", "")).toEqual(["2", "3", "1"]);
  expect(ids(keys, "active", "EDITOR qwen")).toEqual(["2"]);
  expect(ids(keys, "ended", "")).toEqual(["1"]);
});
