import { render, screen } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it, vi } from "vitest";
import type { Settings } from "$lib/api";
import { refreshAll } from "$lib/api";
import { govern } from "$lib/gallery/govern";
import { router } from "$lib/router.svelte";
import { FakeHost } from "../../../tests/fake-host";
import SettingsScreen from "./SettingsScreen.svelte";
import { matchingSettings } from "./texts";

const settings: Settings = {
  proxy_port: 4180,
  proxy_port_in_use: 4180,
  keep_running_on_close: null,
  needs_restart: false,
  catalogue_refresh: null,
  unknown_price: "deny",
  bodies: { is_on: false, retention_days: 30, max_mb: 500, redacts: true },
  savings_baseline: "asked",
  redaction_patterns: [],
  probes: false,
};
const status = {
  version: "0.1.0",
  mode: "desktop",
  platform: "linux",
  proxy: {
    state: "running",
    addresses: ["127.0.0.1:4180"],
    base_url: "http://127.0.0.1:4180/v1",
    paused_until: null,
    error: null,
  },
  ledger: { state: "ok", durable_lsn: 7, queued: 0, error: null },
  secret_store: { kind: "encrypted_file", state: "ready", detail: "" },
  data_dir: "/home/ada/.local/share/megarouter",
  first_run: false,
  today: { cost: { state: "exact", amount: "0" }, requests: 3 },
};
const answers = (change: Partial<Settings> = {}) => ({
  "GET /settings": { ...settings, ...change },
  "GET /status": status,
  "GET /ledger": govern.ledger,
  "GET /nodes": { is_cluster: false, this: null, nodes: [] },
});

beforeEach(() => {
  refreshAll();
  router.go("settings");
});

it("finds a setting by the words of its title, hint or section", () => {
  expect([...matchingSettings("touch")]).toEqual([]);
  expect([...matchingSettings("KEYCHAIN")]).toEqual([]);
  expect([...matchingSettings("folder secrets")]).toEqual(["data_folder"]);
  expect(matchingSettings("").size).toBeGreaterThan(15);
});

it("narrows the page as one searches", async () => {
  new FakeHost(answers());
  render(SettingsScreen);
  await screen.findByText("Port");
  await userEvent.type(screen.getByRole("searchbox"), "theme");
  expect(screen.queryByText("Port")).toBeNull();
  expect(screen.getByRole("combobox", { name: "Theme" })).toBeTruthy();
});

it("refuses a port that is none and sends nothing", async () => {
  const host = new FakeHost(answers());
  render(SettingsScreen);
  const user = userEvent.setup();
  const field = await screen.findByRole("textbox", { name: "Port" });
  await user.clear(field);
  await user.type(field, "80{Enter}");
  expect((await screen.findByRole("alert")).textContent).toContain("1024 to 65535");
  expect(host.bodies("PATCH /settings")).toEqual([]);
});

it("changes the port only after saying whom it stops", async () => {
  const host = new FakeHost({ ...answers(), "PATCH /settings": { ...settings, proxy_port: 5000 } });
  render(SettingsScreen);
  const user = userEvent.setup();
  const field = await screen.findByRole("textbox", { name: "Port" });
  await user.clear(field);
  await user.type(field, "5000{Enter}");
  expect(screen.getByRole("dialog").textContent).toContain("3 requests came in today");
  expect(host.bodies("PATCH /settings")).toEqual([]);
  await user.click(screen.getByRole("button", { name: "Change the port" }));
  await vi.waitFor(() => expect(host.bodies("PATCH /settings")).toEqual([{ proxy_port: 5000 }]));
});

it("warns when another program has the port", async () => {
  new FakeHost(answers({ proxy_port_in_use: 4190 }));
  render(SettingsScreen);
  expect((await screen.findByRole("alert")).textContent).toContain("port 4190: port 4180 was taken");
});

it("says plainly what an encrypted file does not protect against", async () => {
  new FakeHost(answers());
  render(SettingsScreen);
  expect(await screen.findByText(/not against programs that run as you/)).toBeTruthy();
});

it("remembers that the proxy keeps running", async () => {
  const host = new FakeHost({
    ...answers(),
    "PATCH /settings": { ...settings, keep_running_on_close: true },
  });
  render(SettingsScreen);
  await userEvent.click(await screen.findByRole("switch", { name: /Keep running/ }));
  await vi.waitFor(() => expect(host.bodies("PATCH /settings")).toEqual([{ keep_running_on_close: true }]));
});

it("turns the refresh of the catalogue on, and says that nothing was chosen yet", async () => {
  const host = new FakeHost({ ...answers(), "PATCH /settings": { ...settings, catalogue_refresh: true } });
  render(SettingsScreen);
  const toggle = await screen.findByRole("switch", { name: "Refresh the model catalogue" });
  expect(toggle.getAttribute("aria-checked")).toBe("false");
  expect(screen.getByText(/Not chosen yet/)).toBeTruthy();
  await userEvent.click(toggle);
  await vi.waitFor(() => expect(host.bodies("PATCH /settings")).toEqual([{ catalogue_refresh: true }]));
});
