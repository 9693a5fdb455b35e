import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { browserHost, signInFromAddress } from "./host.browser";

const respond = (status: number, body: unknown) => new Response(JSON.stringify(body), { status });

beforeEach(() => {
  sessionStorage.clear();
  location.hash = "";
});
afterEach(() => vi.unstubAllGlobals());

it("exchanges the link's token for a session and removes it from the address", async () => {
  const fetched = vi.fn(async () => respond(200, { session_token: "session" }));
  vi.stubGlobal("fetch", fetched);
  location.hash = "#signin=one-time";
  const moved = vi.fn();
  addEventListener("hashchange", moved, { once: true });
  expect(await signInFromAddress()).toBe(true);
  expect(moved).toHaveBeenCalled();
  expect(location.hash).not.toContain("one-time");
  await browserHost().request("GET", "/status");
  expect(fetched).toHaveBeenLastCalledWith(
    "/api/v1/status",
    expect.objectContaining({ headers: { authorization: "Bearer session" }, credentials: "omit" }),
  );
});

it("says so when the link was used before", async () => {
  vi.stubGlobal("fetch", async () => respond(401, {}));
  location.hash = "#signin=used";
  expect(await signInFromAddress()).toBe(false);
  expect(sessionStorage.length).toBe(0);
});

it("opens only https addresses outside", async () => {
  const open = vi.fn();
  vi.stubGlobal("open", open);
  await browserHost().openExternal("https://example.com/docs");
  await browserHost().openExternal("javascript:alert(1)");
  expect(open).toHaveBeenCalledTimes(1);
});
