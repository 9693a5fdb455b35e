// Walks the official OpenAI SDK through a base URL: models, chat, streams, embeddings, errors.
//
// The environment says where: OPENAI_BASE_URL, OPENAI_API_KEY, MODEL. It prints one JSON line for each
// answer that carried a usage, with the request id the client saw, so that a ledger can be compared.
import assert from 'node:assert/strict';
import OpenAI from 'openai';

const model = process.env.MODEL;
const messages = [{ role: 'user', content: 'What is the capital of France?' }];
const client = new OpenAI({ maxRetries: 0, timeout: 300_000 });

function book(operation, requestId, usage) {
  assert.ok(requestId, 'no x-request-id');
  const { prompt_tokens, completion_tokens = 0 } = usage;
  console.log(JSON.stringify({ operation, request_id: requestId, prompt_tokens, completion_tokens }));
}

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

async function listsModels() {
  const ids = [];
  for await (const { id } of client.models.list()) ids.push(id);
  assert.ok(ids.includes(model));
  assert.equal((await client.models.retrieve(model)).id, model);
}

async function chats() {
  const answer = await client.chat.completions.create({ model, messages, max_tokens: 12 });
  assert.ok(answer.choices[0].message.content.trim());
  assert.ok(['stop', 'length'].includes(answer.choices[0].finish_reason));
  book('chat_completions', answer._request_id, answer.usage);
}

async function streamsWithoutUsage() {
  const chunks = await collect(await client.chat.completions.create({ model, messages, max_tokens: 12, stream: true }));
  assert.ok(chunks.every((chunk) => chunk.choices.length === 1), 'a chunk without choices that nobody asked for');
  assert.ok(chunks.every((chunk) => !chunk.usage), 'a usage that nobody asked for');
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  assert.ok(chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join('').trim());
}

async function streamsWithUsage() {
  const { data, response } = await client.chat.completions
    .create({ model, messages, max_tokens: 12, stream: true, stream_options: { include_usage: true } })
    .withResponse();
  const chunks = await collect(data);
  const last = chunks.at(-1);
  assert.deepEqual(last.choices, []);
  assert.ok(chunks.slice(0, -1).every((chunk) => chunk.choices.length === 1 && !chunk.usage));
  book('chat_completions', response.headers.get('x-request-id'), last.usage);
}

async function embeds() {
  const { data: answer, response } = await client.embeddings.create({ model, input: ['cat', 'kitten'] }).withResponse();
  assert.deepEqual(answer.data.map((item) => item.index), [0, 1]);
  assert.ok(answer.data[0].embedding.length > 1);
  assert.ok(answer.data[0].embedding.every((number) => typeof number === 'number'));
  book('embeddings', response.headers.get('x-request-id'), answer.usage);
}

async function leavesAStream() {
  const stream = await client.chat.completions.create({ model, messages, max_tokens: 200, stream: true });
  for await (const chunk of stream) {
    assert.ok(chunk.id);
    break; // leaving the loop aborts the request
  }
}

async function tellsErrorsApart() {
  await assert.rejects(client.chat.completions.create({ model: 'no-such-model', messages }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
    assert.ok(error.requestID, 'no x-request-id on an error');
    return true;
  });
  const stranger = new OpenAI({ apiKey: 'sk-wrong', maxRetries: 0 });
  await assert.rejects(stranger.chat.completions.create({ model, messages }), (error) => {
    assert.ok(error instanceof OpenAI.AuthenticationError);
    assert.equal(error.code, 'invalid_api_key');
    return true;
  });
}

for (const walk of [listsModels, chats, streamsWithoutUsage, streamsWithUsage, embeds, leavesAStream, tellsErrorsApart]) {
  await walk();
}
