import { flushSync } from "svelte";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Host, setHost } from "../host";
import { invalidate, Query, refreshAll } from "./query.svelte";

type Reply = { status: number; json: unknown };
let replies: ((reply: Reply) => void)[] = [];
let request = vi.fn();
let stop = () => {};

beforeEach(() => {
  replies = [];
  request = vi.fn(
    () =>
      new Promise((resolve) => {
        replies.push((reply) => resolve({ headers: {}, text: "", ...reply }));
      }),
  );
  setHost({ request } as unknown as Host);
});
afterEach(() => {
  stop();
  refreshAll();
});

function inComponent<T>(make: () => T): T {
  let made: T | undefined;
  stop = $effect.root(() => {
    made = make();
  });
  flushSync();
  return made as T;
}

async function settle(index: number, json: unknown, status = 200): Promise<void> {
  replies[index]?.({ status, json });
  await vi.waitFor(() => undefined);
  await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
  flushSync();
}

it("loads, then shows the value", async () => {
  const query = inComponent(() => new Query("GET /models", () => ({})));
  expect(query.isLoading).toBe(true);
  await settle(0, [{ name: "a" }]);
  await vi.waitFor(() => expect(query.value).toEqual([{ name: "a" }]));
  expect(query.isLoading).toBe(false);
});

it("keeps the old value, marked stale, when a refresh fails", async () => {
  const query = inComponent(() => new Query("GET /models", () => ({})));
  await settle(0, ["old"]);
  await vi.waitFor(() => expect(query.value).toEqual(["old"]));
  void query.refresh();
  await settle(1, { error: { code: "x", message: "no" } }, 500);
  await vi.waitFor(() => expect(query.isStale).toBe(true));
  expect(query.value).toEqual(["old"]);
});

it("drops an answer that a newer question overtook", async () => {
  const query = inComponent(() => new Query("GET /models", () => ({})));
  void query.refresh();
  await settle(1, ["new"]);
  await settle(0, ["late"]);
  await vi.waitFor(() => expect(query.value).toEqual(["new"]));
});

it("fetches again when its tag is invalidated, and only then", async () => {
  inComponent(() => new Query("GET /models", () => ({})));
  await settle(0, []);
  invalidate("keys");
  expect(request).toHaveBeenCalledTimes(1);
  invalidate("models");
  expect(request).toHaveBeenCalledTimes(2);
});

it("shows what is cached at once when it is asked for again", async () => {
  const first = inComponent(() => new Query("GET /providers/{id}", () => ({ path: { id: "1" } })));
  await settle(0, { name: "one" });
  await vi.waitFor(() => expect(first.value).toBeDefined());
  stop();
  const second = inComponent(() => new Query("GET /providers/{id}", () => ({ path: { id: "1" } })));
  expect(second.value).toEqual({ name: "one" });
});
