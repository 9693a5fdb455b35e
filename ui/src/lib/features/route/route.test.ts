import { beforeEach, expect, it } from "vitest";
import { setFormatLocale } from "$lib/format";
import { routing } from "$lib/gallery/routing";
import { figuresOf, removalText, ruleText, sizeText, taskText, trialText } from "./words";

beforeEach(() => setFormatLocale("en-US"));

const { decision } = routing.explanationOf({ prompt: "Fix the race in this code" });

it("says what was seen, what decided and what it needs", () => {
  expect(ruleText(decision)).toBe("Rule 2 of auto decided, version 3: Hard programming");
  expect(ruleText({ ...decision, rule: null })).toContain("No policy decides");
  expect(decision.task && taskText(decision.task)).toBe(
    "Seen as programming, 93% sure. Difficulty 74%; a strong model gains 21%.",
  );
  expect(sizeText(decision)).toBe("About 8 tokens in, 900 out expected. It needs tools.");
});

it("says why each candidate was ruled out", () => {
  const reason = { text: "in English", need: null, tokens: null, bound: null, for_ms: null };
  expect(removalText({ ...reason, by: "lacks", need: "tools" })).toBe("It cannot do tools.");
  expect(removalText({ ...reason, by: "context", tokens: 190_000 })).toBe(
    "190,000 tokens do not fit into it.",
  );
  expect(removalText({ ...reason, by: "bound", bound: "never_dearer" })).toContain("never dearer than asked");
  expect(removalText({ ...reason, by: "bound", bound: "of_tomorrow" })).toContain("of_tomorrow");
  expect(removalText({ ...reason, by: "resting", for_ms: 24_000 })).toContain("24 s");
});

it("never shows what is not known as a number", () => {
  const [first] = decision.candidates;
  if (first === undefined) throw new Error("the decision has no candidate");
  const unknown = {
    ...first,
    quality_permille: null,
    first_output_ms: null,
    total_ms: null,
    availability_permille: null,
  };
  expect(figuresOf(unknown)).toEqual(["no times measured yet"]);
  expect(figuresOf(first)).toContain("quality 91% ± 5.2%");
});

it("tells of a version on trial whether it decided", () => {
  expect(trialText(decision)).toContain("would have chosen gpt-5-mini, about $0.0031");
  const { trial } = decision;
  expect(trialText({ ...decision, trial: trial && { ...trial, has_decided: true } })).toContain(
    "decided this one",
  );
  expect(trialText({ ...decision, trial: null })).toBeNull();
});
