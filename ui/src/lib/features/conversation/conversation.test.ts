import { flushSync } from "svelte";
import { expect, it, vi } from "vitest";
import { FakeHost } from "../../../../tests/fake-host";
import { Conversation } from "./conversation.svelte";
import { conversationCost } from "./cost";
import { failureWords } from "./failure";

const parameters = { model: "gpt-5", system: "", temperature: null, maxTokens: null };
const word = (content: string) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
const record = { id: "request-1", cost: { state: "exact", amount: "3100000" } };

function hostWith(chunks: string[], answers = {}) {
  const host = new FakeHost({ "GET /requests/request-1": record, ...answers });
  host.chunks = chunks;
  return host;
}

it("sends the whole conversation with the system prompt and the parameters", async () => {
  const host = hostWith([word("Hi"), "data: [DONE]\n\n"]);
  const conversation = new Conversation();
  await conversation.ask("hello", parameters);
  await conversation.ask("again", { ...parameters, system: "Be short.", temperature: 0.5, maxTokens: 10 });
  expect(host.bodies("POST /playground/chat")).toEqual([
    { model: "gpt-5", messages: [{ role: "user", content: "hello" }] },
    {
      model: "gpt-5",
      temperature: 0.5,
      max_tokens: 10,
      messages: [
        { role: "system", content: "Be short." },
        { role: "user", content: "hello" },
        { role: "assistant", content: "Hi" },
        { role: "user", content: "again" },
      ],
    },
  ]);
});

it("takes the answer's record from the books once they have it", async () => {
  let asked = 0;
  const late = () =>
    ++asked < 3 ? { status: 404, json: { error: { code: "not_found" } } } : { json: record };
  hostWith([word("Hi"), "data: [DONE]\n\n"], { "GET /requests/request-1": late });
  const answer = await new Conversation().ask("hello", parameters);
  expect([answer.state, answer.text, answer.record]).toEqual(["done", "Hi", null]);
  await vi.waitFor(() => expect(answer.record?.cost.amount).toBe("3100000"), { timeout: 2_000 });
});

it("keeps the words of an answer that was cut short and says so", async () => {
  hostWith([word("half")]);
  const answer = await new Conversation().ask("hello", parameters);
  expect([answer.state, answer.text]).toEqual(["failed", "half"]);
  expect(answer.error && failureWords(answer.error).title).toBe("The answer was cut short");
});

it("marks a stopped answer as stopped, not failed", async () => {
  const host = hostWith([]);
  const conversation = new Conversation();
  host.requestId = null;
  const asking = conversation.ask("hello", parameters);
  conversation.stop();
  const answer = await asking;
  expect([answer.state, answer.error]).toEqual(["stopped", null]);
});

it("drops the old answer when asking again, but not its cost", async () => {
  hostWith([word("Hi"), "data: [DONE]\n\n"]);
  const conversation = new Conversation();
  await conversation.ask("hello", parameters);
  await conversation.askAgain(conversation.turns[0]?.id ?? 0, { ...parameters, model: "gpt-5-mini" });
  flushSync();
  expect(conversation.turns.map((turn) => [turn.question, turn.answer.model])).toEqual([
    ["hello", "gpt-5-mini"],
  ]);
  await vi.waitFor(() => expect(conversationCost(conversation.answers)?.amount).toBe("6200000"));
});

it("is as uncertain about the sum as about its least certain part", () => {
  const answer = (state: string, amount: string) => ({ record: { cost: { state, amount } } }) as never;
  expect(conversationCost([])).toBeNull();
  expect(conversationCost([answer("exact", "5"), answer("unknown", "0")])).toEqual({
    state: "unknown",
    amount: "5",
  });
  expect(conversationCost([answer("exact", "5"), answer("not_billable", "0")])).toEqual({
    state: "exact",
    amount: "5",
  });
});
