import { expect, it } from "vitest";
import type { ProviderVariable } from "$lib/api";
import { fillAddress, valuesIn, variableFault } from "./address";

const variable = (name: string, value: string | null = null): ProviderVariable => ({
  name,
  label: name,
  hint: "",
  default: value,
  choices: [],
});
const vertex = {
  base_url: "https://{region}-ai.example.com/v1/projects/{project}/locations/{region}",
  variables: [variable("region", "europe-west4"), variable("project")],
};

it("fills in what was typed, else what most people need, and leaves the rest in sight", () => {
  expect(fillAddress(vertex, {})).toBe(
    "https://europe-west4-ai.example.com/v1/projects/{project}/locations/europe-west4",
  );
  expect(fillAddress(vertex, { region: " us-east5 ", project: "p-1" })).toBe(
    "https://us-east5-ai.example.com/v1/projects/p-1/locations/us-east5",
  );
});

it("reads the values back, and knows an address that is another", () => {
  const url = fillAddress(vertex, { region: "us-east5", project: "p-1" });
  expect(valuesIn(vertex, url)).toEqual({ region: "us-east5", project: "p-1" });
  expect(valuesIn(vertex, "https://a-ai.example.com/v1/projects/p/locations/b")).toBeNull();
  expect(valuesIn(vertex, "https://proxy.example.com/v1")).toBeNull();
});

it("refuses values that could change what the address means", () => {
  expect(["", "a/b", "a?b", "ok-1"].map((text) => variableFault(variable("project"), text))).toEqual([
    "missing",
    "shape",
    "shape",
    null,
  ]);
  expect(variableFault(variable("region", "eu"), "")).toBeNull();
});
