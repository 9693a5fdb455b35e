import { expect, it } from "vitest";
import { detailOf, fixtures } from "$lib/gallery/fixtures";
import { curlOf } from "./curl";
import { matches } from "./pages.svelte";
import { extentOf, lanesOf } from "./timeline";
import { tierOf, tokenLines, unitLines } from "./token-lines";

const row =
  fixtures.requests.find((one) => one.attempts === 2 && one.outcome === "completed") ?? fixtures.requests[0];
if (!row) throw new Error("the fixtures have no requests");

it("lets a live row in by the rules of the API", () => {
  expect(matches(row, {})).toBe(true);
  expect(matches(row, { model: row.model ?? "", q: row.key_name.toUpperCase() })).toBe(true);
  expect(matches(row, { outcome: "refused" })).toBe(false);
  expect(matches(row, { from: row.started_at, to: undefined })).toBe(true);
  expect(matches(row, { to: row.started_at })).toBe(false);
});

it("draws one lane for each attempt, all within the picture", () => {
  const detail = detailOf(row);
  const lanes = lanesOf(detail);
  expect(lanes).toHaveLength(2);
  expect(lanes[0]?.hasFailed).toBe(true);
  expect(lanes[1]?.spans.map(({ kind }) => kind)).toEqual(["wait", "stream"]);
  for (const lane of lanes) expect(lane.start + lane.length).toBeLessThanOrEqual(extentOf(detail));
});

it("leaves out kinds of tokens nobody told, and charges a kind without a rate as its base", () => {
  const attempt = detailOf(row).attempt_list[1];
  if (!attempt) throw new Error("the attempt is missing");
  const price = { id: "p", rates: { input: "1", output: "2" }, tiers: [] };
  const usage = { ...attempt.usage, input: 10, cached_read: 5, output: 7, reasoning: null };
  expect(tokenLines({ ...attempt, usage, price }).map(({ name, rate }) => [name, rate])).toEqual([
    ["input", "1"],
    ["cached_read", "1"],
    ["output", "2"],
  ]);
});

it("writes a curl command without any secret", () => {
  const asked = { ...row, operation: "chat_completions" as const, model_asked: "it's", is_streaming: true };
  const text = curlOf(asked, "http://127.0.0.1:4180/v1");
  expect(text).toContain("http://127.0.0.1:4180/v1/chat/completions");
  expect(text).toContain("$MEGAROUTER_KEY");
  expect(text).toContain(`it'\\''s`);
});

it("shows units in the measure people think in, and says which are not charged", () => {
  const attempt = detailOf(row).attempt_list[1];
  if (!attempt) throw new Error("the attempt is missing");
  const price = { id: "p", rates: { input: "0", output: "0", audio_ms: "0.1", search: "10000" }, tiers: [] };
  const usage = { ...attempt.usage, audio_ms: 90_000, searches: 3, images: 1, characters: null };
  expect(unitLines({ ...attempt, usage, price }).map(({ amount, rate }) => [amount, rate])).toEqual([
    ["1", null],
    ["1 min 30 s", "$0.006 per minute"],
    ["3", "$10.00 per 1,000 searches"],
  ]);
});

it("picks the tier as the ledger does", () => {
  const rates = { input: "1", output: "1" };
  const tiers = [
    { service: null, above_input_tokens: 200, rates },
    { service: null, above_input_tokens: 400, rates },
    { service: "flex" as const, above_input_tokens: null, rates },
  ];
  const usage = detailOf(row).usage;
  const chosen = (total_input: number, service_tier: "flex" | "batch" | null) =>
    tiers.indexOf(tierOf({ id: "p", rates, tiers }, { ...usage, total_input, service_tier }) as never);
  expect([chosen(200, null), chosen(201, null), chosen(500, null)]).toEqual([-1, 0, 1]);
  expect([chosen(500, "flex"), chosen(500, "batch")]).toEqual([2, 1]);
});

it("calls each operation at its own path, and says nothing where no command can", () => {
  const of = (operation: typeof row.operation, is_streaming = false) =>
    curlOf({ ...row, operation, model_asked: "m", is_streaming }, "http://127.0.0.1:4180/v1") ?? "";
  expect(of("messages")).toContain("'http://127.0.0.1:4180/v1/messages'");
  expect(of("messages")).toContain("anthropic-version");
  expect(of("responses")).toContain("/v1/responses");
  expect(of("generate_content", true)).toContain("/v1beta/models/m:streamGenerateContent?alt=sse'");
  expect(of("transcriptions")).toBe("");
});
