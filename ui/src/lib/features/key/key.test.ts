import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { FakeHost } from "../../../../tests/fake-host";
import { KeyDraft } from "./draft.svelte";
import { snippets } from "./snippets";

const values = { baseUrl: "http://127.0.0.1:4180/v1", secret: "mr-abc", model: "it's $(a) `model`\"" };
const textOf = (id: string, change = {}) =>
  snippets({ ...values, ...change }).find((one) => one.id === id)?.text ?? "";

it("writes shell words that no value can break out of", () => {
  const script = `${textOf("environment", { secret: "a'b $(touch x)" })}\nprintf %s "$OPENAI_API_KEY"`;
  expect(execFileSync("/bin/sh", ["-c", script]).toString()).toBe("a'b $(touch x)");
  const arguments_ = execFileSync("/bin/sh", [
    "-c",
    `curl() { printf '%s\\n' "$@"; }\n${textOf("curl")}`,
  ]).toString();
  const body = arguments_.trimEnd().split("\n").at(-1) ?? "";
  expect(JSON.parse(body)).toMatchObject({ model: values.model });
  expect(arguments_).toContain("Authorization: Bearer mr-abc");
});

it("gives Anthropic's and Gemini's clients the address without the version, which they add", () => {
  for (const id of ["anthropic", "gemini"]) {
    expect(textOf(id)).toContain('"http://127.0.0.1:4180"');
    expect(textOf(id)).not.toContain("4180/v1");
  }
  expect(textOf("responses")).toContain('base_url="http://127.0.0.1:4180/v1"');
  expect(textOf("environment")).toContain("ANTHROPIC_BASE_URL=http://127.0.0.1:4180\n");
});

it("quotes values in Python and JavaScript", () => {
  expect(textOf("python")).toContain(JSON.stringify(values.model));
  expect(textOf("node")).toContain(`baseURL: "${values.baseUrl}"`);
});

it("sends the name, the models and the day it ends", async () => {
  const created = { key: { id: "k1" }, secret: "mr-secret" };
  const host = new FakeHost({ "POST /keys": () => ({ status: 201, json: created }) });
  const draft = new KeyDraft(" editor ");
  expect(await draft.save(new Date("2026-11-01T00:00:00Z"))).toEqual(created);
  draft.hasAllModels = false;
  draft.models = ["gpt-5"];
  draft.lifetimeDays = null;
  draft.isStrict = true;
  await draft.save();
  expect(host.bodies("POST /keys")).toEqual([
    {
      name: "editor",
      models: null,
      owner: null,
      project: null,
      expires_at: "2027-01-30T00:00:00.000Z",
      is_strict: false,
    },
    { name: "editor", models: ["gpt-5"], owner: null, project: null, expires_at: null, is_strict: true },
  ]);
});

it("asks for a name and, where not all are allowed, for a model", async () => {
  const host = new FakeHost({});
  const draft = new KeyDraft();
  draft.hasAllModels = false;
  expect(await draft.save()).toBeNull();
  expect(draft.nameError).not.toBeNull();
  expect(draft.modelsError).not.toBeNull();
  expect(host.calls).toEqual([]);
});
