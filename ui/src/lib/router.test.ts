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

it("names what is open as the second part of the address", () => {
  const place = { screen: "models", parameters: { selected: "openai/gpt-5", tab: "prices" } };
  expect(parsePlace("#/models/openai%2Fgpt-5?tab=prices")).toEqual(place);
  expect(parsePlace("#/models?selected=openai%2Fgpt-5&tab=prices")).toEqual(place);
  expect(href(place.screen, place.parameters)).toBe("#/models/openai%2Fgpt-5?tab=prices");
});

it("leaves empty parameters out of an address", () => {
  expect(href("requests", { model: "openai/gpt-5", q: undefined, key_id: "" })).toBe(
    "#/requests?model=openai%2Fgpt-5",
  );
});

it("keeps state in the address", () => {
  router.go("requests", { model: "gpt-5" });
  router.set({ selected: "1" });
  expect(location.hash).toBe("#/requests/1?model=gpt-5");
  router.set({ model: undefined });
  expect(router.parameters).toEqual({ selected: "1" });
});

it("follows the browser's back and forward", () => {
  location.hash = "#/keys";
  dispatchEvent(new HashChangeEvent("hashchange"));
  expect(router.screen).toBe("keys");
});
