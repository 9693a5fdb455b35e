// The official OpenAI SDK on chat completions.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import {
  ask, CACHED, checkCancelled, collect, INPUT, mark, only, OUTPUT, PARALLEL_ARGS, PARALLEL_STEP, PNG, PNG_BYTES, SENTENCE, Skip,
  test, UNICODE, WEATHER,
} from './case.mjs';

const tools = [{ type: 'function', function: { name: 'get_weather', description: 'The weather', parameters: WEATHER } }];

const client = (it, options) => new OpenAI({ baseURL: `${it.base_url}/v1`, apiKey: it.key, maxRetries: 0, timeout: 60_000, ...options });

function create(it, prompt, options = {}) {
  const messages = Array.isArray(prompt) ? prompt : [{ role: 'user', content: prompt }];
  return client(it).chat.completions.create({ model: it.model, messages, ...options });
}

const said = (answer) => answer.choices[0].message.content;
const joined = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');

function checkUsage(usage) {
  assert.deepEqual([usage.prompt_tokens, usage.completion_tokens, usage.total_tokens], [INPUT, OUTPUT, INPUT + OUTPUT]);
  assert.equal(usage.prompt_tokens_details.cached_tokens, CACHED);
}

test('chat', 'plain', async (it) => {
  const answer = await create(it, ask());
  assert.equal(said(answer), SENTENCE);
  assert.equal(answer.choices[0].finish_reason, 'stop');
  checkUsage(answer.usage);
});

test('chat', 'stream', async (it) => {
  for (const split of [undefined, 3]) {
    const chunks = await collect(await create(it, ask({ say: UNICODE, split }), { stream: true, stream_options: { include_usage: true } }));
    assert.equal(joined(chunks), UNICODE);
    assert.deepEqual(chunks.at(-1).choices, []);
    checkUsage(chunks.at(-1).usage);
    assert.ok(chunks.slice(0, -1).every((chunk) => chunk.choices.length === 1 && !chunk.usage));
  }
});

test('chat', 'stream_without_usage', async (it) => {
  const chunks = await collect(await create(it, ask(), { stream: true }));
  assert.equal(joined(chunks), SENTENCE);
  assert.ok(chunks.every((chunk) => chunk.choices.length === 1 && !chunk.usage));
});

test('chat', 'tool_loop', async (it) => {
  const messages = [{ role: 'user', content: ask({ steps: [PARALLEL_STEP, ['get_weather']] }) }];
  for (const count of [2, 1]) {
    const { message, finish_reason } = (await create(it, messages, { tools })).choices[0];
    assert.equal(finish_reason, 'tool_calls');
    assert.equal(message.tool_calls.length, count);
    messages.push(message, ...message.tool_calls.map(({ id }, index) => ({ role: 'tool', tool_call_id: id, content: `rain ${index}` })));
  }
  assert.equal(said(await create(it, messages, { tools })), 'get_weather said rain 0.');
});

test('chat', 'streamed_tools', async (it) => {
  const stream = client(it).chat.completions.stream({ model: it.model, messages: [{ role: 'user', content: ask({ steps: [PARALLEL_STEP], split: 5 }) }], tools });
  const message = await stream.finalMessage();
  assert.deepEqual(message.tool_calls.map((call) => JSON.parse(call.function.arguments)), PARALLEL_ARGS);
});

test('chat', 'tool_runner', async (it) => {
  const asked = [];
  const runner = client(it).chat.completions.runTools({
    model: it.model,
    messages: [{ role: 'user', content: ask({ steps: [PARALLEL_STEP] }) }],
    tools: [{ type: 'function', function: { name: 'get_weather', parameters: WEATHER, parse: JSON.parse, function: (args) => (asked.push(args), `sun in ${args.city}`) } }],
  });
  assert.equal(await runner.finalContent(), 'get_weather said sun in Zürich. get_weather said sun in 東京.');
  assert.deepEqual(asked, PARALLEL_ARGS);
});

test('chat', 'tool_choice', async (it) => {
  const required = await create(it, ask(), { tools, tool_choice: 'required' });
  assert.equal(required.choices[0].message.tool_calls.length, 1);
  const none = await create(it, ask({ steps: [['get_weather']] }), { tools, tool_choice: 'none' });
  assert.ok(!none.choices[0].message.tool_calls?.length);
});

test('chat', 'structured_output', async (it) => {
  const City = z.object({ name: z.string(), population: z.int(), tags: z.array(z.string()) });
  const answer = await client(it).chat.completions.parse({ model: it.model, messages: [{ role: 'user', content: ask() }], response_format: zodResponseFormat(City, 'city') });
  assert.equal(answer.choices[0].message.parsed.population, 3);
});

test('chat', 'vision', async (it) => {
  const content = [{ type: 'text', text: ask({ echo: true }) }, { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } }];
  assert.equal(JSON.parse(said(await create(it, [{ role: 'user', content }]))).media[0].bytes, PNG_BYTES);
});

test('chat', 'reasoning_tool_loop', async (it) => {
  const options = { tools, reasoning_effort: 'medium', max_completion_tokens: 30_000 };
  const messages = [{ role: 'user', content: ask({ steps: [['get_weather'], PARALLEL_STEP] }) }];
  for (let step = 0; step < 2; step += 1) {
    const { message } = (await create(it, messages, options)).choices[0];
    const { role, content, tool_calls } = message;
    messages.push({ role, content, tool_calls }, ...tool_calls.map(({ id }) => ({ role: 'tool', tool_call_id: id, content: 'rain' })));
  }
  assert.equal(said(await create(it, messages, options)), 'get_weather said rain. get_weather said rain.');
});

test('chat', 'errors_by_status', async (it) => {
  const server = OpenAI.InternalServerError;
  const kinds = it.is_direct
    ? [[400, OpenAI.BadRequestError], [401, OpenAI.AuthenticationError], [403, OpenAI.PermissionDeniedError], [404, OpenAI.NotFoundError], [429, OpenAI.RateLimitError], [500, server], [503, server]]
    : [[400, OpenAI.BadRequestError], [401, server], [403, server], [429, OpenAI.RateLimitError], [500, server], [503, server], [529, server]];
  for (const [status, kind] of kinds) {
    for (const stream of [false, true]) {
      await assert.rejects(create(it, ask({ status }), { stream }), (error) => {
        assert.ok(error instanceof kind, `${status} became ${error.status} ${error.name}`);
        assert.ok(error.error?.message);
        return true;
      });
    }
  }
});

test('chat', 'retry_after', async (it) => {
  await assert.rejects(create(it, ask({ status: 429, headers: { 'retry-after': '17' } })), (error) => {
    const seconds = Number(error.headers.get('retry-after'));
    return error instanceof OpenAI.RateLimitError && seconds > 0 && seconds <= 17;
  });
});

test('chat', 'context_length', (it) =>
  assert.rejects(create(it, ask({ status: 400, error: 'context' })), (error) => error instanceof OpenAI.BadRequestError && error.code === 'context_length_exceeded'));

test('chat', 'unknown_model_and_wrong_key', async (it) => {
  const messages = [{ role: 'user', content: 'Hi' }];
  await assert.rejects(client(it).chat.completions.create({ model: 'no-such-model', messages }), OpenAI.NotFoundError);
  await assert.rejects(client(it, { apiKey: 'sk-wrong' }).chat.completions.create({ model: it.model, messages }), OpenAI.AuthenticationError);
});

test('chat', 'error_in_a_stream', async (it) => {
  let count = 0;
  await assert.rejects(async () => {
    for await (const _ of await create(it, ask({ words: 20, mid_error: 5, gap_ms: 5 }), { stream: true })) count += 1;
  }, OpenAI.APIError);
  assert.ok(count > 0);
});

test('chat', 'embeddings', async (it) => {
  const model = it.embedding_models[it.upstream];
  if (!model) throw new Skip('no embeddings there');
  const [packed, floats] = await Promise.all([undefined, 'float'].map((encoding_format) => client(it).embeddings.create({ model, input: ['cat', 'kitten'], encoding_format })));
  assert.equal(packed.data.length, 2);
  packed.data[1].embedding.forEach((number, index) => assert.ok(Math.abs(number - floats.data[1].embedding[index]) < 1e-6));
});

test('chat', 'models', async (it) => {
  only({ upstream: String(it.is_direct) }, ['false'], 'the scripted upstream lists its own');
  assert.ok((await collect(await client(it).models.list())).some(({ id }) => id === it.model));
});

test('chat', 'cancel_a_stream', async (it) => {
  const token = mark();
  const stream = await create(it, ask({ words: 400, gap_ms: 20, mark: token }), { stream: true });
  let count = 0;
  for await (const _ of stream) if ((count += 1) === 5) break;
  await checkCancelled(it, token, Date.now());
});

test('chat', 'cancel_before_the_first_byte', async (it) => {
  const token = mark();
  const abort = new AbortController();
  const pending = client(it).chat.completions.create({ model: it.model, messages: [{ role: 'user', content: ask({ first_ms: 5_000, mark: token }) }] }, { signal: abort.signal });
  setTimeout(() => abort.abort(), 500);
  await assert.rejects(pending, OpenAI.APIUserAbortError);
  await checkCancelled(it, token, Date.now());
});
