import { expect, it } from "vitest";
import { answerOf, messagesOf } from "./messages";

it("reads messages of every dialect", () => {
  const openai = {
    messages: [
      { role: "system", content: "Be short." },
      { role: "user", content: [{ type: "text", text: "Hi" }] },
    ],
  };
  expect(messagesOf(JSON.stringify(openai))).toEqual([
    { role: "system", text: "Be short." },
    { role: "user", text: "Hi" },
  ]);
  const anthropic = { system: "Be short.", messages: [{ role: "user", content: "Hi" }] };
  expect(messagesOf(JSON.stringify(anthropic)).map(({ role }) => role)).toEqual(["system", "user"]);
  const gemini = { contents: [{ role: "user", parts: [{ text: "Hi" }] }] };
  expect(messagesOf(JSON.stringify(gemini))).toEqual([{ role: "user", text: "Hi" }]);
  expect(messagesOf(JSON.stringify({ input: "Hi" }))).toEqual([{ role: "user", text: "Hi" }]);
});

it("folds calls of tools into messages of their own", () => {
  const body = {
    messages: [{ role: "assistant", content: null, tool_calls: [{ id: "1", function: { name: "find" } }] }],
  };
  const said = messagesOf(JSON.stringify(body));
  expect(said.at(-1)?.role).toBe("tool");
  expect(said.at(-1)?.text).toContain("find");
});

it("reads an answer from a document or from the events of a stream", () => {
  expect(answerOf(JSON.stringify({ choices: [{ message: { content: "Hello" } }] }))).toBe("Hello");
  expect(answerOf(JSON.stringify({ content: [{ type: "text", text: "Hello" }] }))).toBe("Hello");
  expect(answerOf(JSON.stringify({ candidates: [{ content: { parts: [{ text: "Hello" }] } }] }))).toBe(
    "Hello",
  );
  const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
  expect(
    answerOf(
      event({ choices: [{ delta: { content: "Hel" } }] }) +
        event({ choices: [{ delta: { content: "lo" } }] }) +
        "data: [DONE]\n\n",
    ),
  ).toBe("Hello");
  expect(answerOf(event({ type: "content_block_delta", delta: { text: "Hello" } }))).toBe("Hello");
});

it("is empty for what cannot be read, so that the text itself is shown", () => {
  expect(messagesOf("{ cut of")).toEqual([]);
  expect(answerOf("not json")).toBe("");
});
