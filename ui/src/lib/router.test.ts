import { beforeEach, expect, it } from "vitest";
import { href, parsePlace, router } from "./router.svelte";

beforeEach(() => {
  router.go("overview");
});

it("reads the screen and its parameters from the address", () => {
  expect(parsePlace("#/requests?model=gpt-5&q=a%26b")).toEqual({
    screen: "requests",
    parameters: { model: "gpt-5", q: "a&b" },
  });
  expect(parsePlace("")).toEqual({ screen: "", parameters: {} });
});

it("leaves empty parameters out of an address", () => {
  expect(href("requests", { model: "openai/gpt-5", q: undefined, key_id: "" })).toBe(
    "#/requests?model=openai%2Fgpt-5",
  );
});

it("keeps state in the address", () => {
  router.go("requests", { model: "gpt-5" });
  router.set({ selected: "1" });
  expect(location.hash).toBe("#/requests?model=gpt-5&selected=1");
  router.set({ model: undefined });
  expect(router.parameters).toEqual({ selected: "1" });
});

it("follows the browser's back and forward", () => {
  location.hash = "#/keys";
  dispatchEvent(new HashChangeEvent("hashchange"));
  expect(router.screen).toBe("keys");
});
