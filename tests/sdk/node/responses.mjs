// The official OpenAI SDK on responses.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import {
  ask, CACHED, checkCancelled, collect, INPUT, mark, OUTPUT, PARALLEL_ARGS, PARALLEL_STEP, PNG, PNG_BYTES, SENTENCE, test, UNICODE,
  WEATHER,
} from './case.mjs';

const tools = [{ type: 'function', name: 'get_weather', description: 'The weather', parameters: WEATHER, strict: true }];
const thinking = { reasoning: { effort: 'high', summary: 'auto' }, include: ['reasoning.encrypted_content'] };

const client = (it, options) => new OpenAI({ baseURL: `${it.base_url}/v1`, apiKey: it.key, maxRetries: 0, timeout: 60_000, ...options });
const create = (it, input, options = {}) => client(it).responses.create({ model: it.model, input, store: false, ...options });
const callsOf = (answer) => answer.output.filter((item) => item.type === 'function_call');
const outputs = (calls) => calls.map(({ call_id }, index) => ({ type: 'function_call_output', call_id, output: `rain ${index}` }));

test('responses', 'plain', async (it) => {
  const answer = await create(it, ask());
  assert.equal(answer.output_text, SENTENCE);
  assert.equal(answer.status, 'completed');
  const { input_tokens, input_tokens_details, output_tokens, total_tokens } = answer.usage;
  assert.deepEqual([input_tokens, input_tokens_details.cached_tokens, output_tokens, total_tokens], [INPUT, CACHED, OUTPUT, INPUT + OUTPUT]);
});

test('responses', 'stream', async (it) => {
  for (const split of [undefined, 3]) {
    const events = await collect(await create(it, ask({ say: UNICODE, split }), { stream: true }));
    assert.deepEqual(events.map((event) => event.sequence_number), events.map((_, index) => index));
    assert.equal(events.filter((event) => event.type === 'response.output_text.delta').map((event) => event.delta).join(''), UNICODE);
    const done = events.filter((event) => event.type === 'response.output_item.done').map((event) => event.item);
    assert.equal(events.at(-1).type, 'response.completed');
    assert.deepEqual(done, events.at(-1).response.output);
  }
});

test('responses', 'stream_helper', async (it) => {
  const stream = client(it).responses.stream({ model: it.model, input: ask({ say: UNICODE }), store: false });
  assert.equal((await stream.finalResponse()).output_text, UNICODE);
});

test('responses', 'tool_loop', async (it) => {
  const input = [{ role: 'user', content: ask({ steps: [PARALLEL_STEP, ['get_weather']] }) }];
  for (const count of [2, 1]) {
    const answer = await create(it, input, { tools });
    const calls = callsOf(answer);
    assert.equal(calls.length, count);
    if (count === 2) assert.deepEqual(calls.map((call) => JSON.parse(call.arguments)), PARALLEL_ARGS);
    input.push(...answer.output, ...outputs(calls));
  }
  assert.equal((await create(it, input, { tools })).output_text, 'get_weather said rain 0.');
});

test('responses', 'reasoning_across_turns', async (it) => {
  const input = [{ role: 'user', content: ask({ steps: [['get_weather'], PARALLEL_STEP] }) }];
  for (let step = 0; step < 2; step += 1) {
    const events = await collect(await create(it, input, { tools, stream: true, ...thinking }));
    const answer = events.at(-1).response;
    input.push(...answer.output, ...outputs(callsOf(answer)));
  }
  assert.equal((await create(it, input, { tools, ...thinking })).output_text, 'get_weather said rain 0. get_weather said rain 1.');
});

test('responses', 'structured_output', async (it) => {
  const City = z.object({ name: z.string(), population: z.int() });
  const answer = await client(it).responses.parse({ model: it.model, input: ask(), store: false, text: { format: zodTextFormat(City, 'city') } });
  assert.equal(answer.output_parsed.population, 3);
});

test('responses', 'vision', async (it) => {
  const content = [{ type: 'input_text', text: ask({ echo: true }) }, { type: 'input_image', image_url: `data:image/png;base64,${PNG}`, detail: 'auto' }];
  assert.equal(JSON.parse((await create(it, [{ role: 'user', content }])).output_text).media[0].bytes, PNG_BYTES);
});

test('responses', 'errors_by_status', async (it) => {
  const server = OpenAI.InternalServerError;
  for (const [status, kind] of [[400, OpenAI.BadRequestError], [429, OpenAI.RateLimitError], [500, server], [503, server]]) {
    await assert.rejects(create(it, ask({ status }), { stream: true }), (error) => {
      assert.ok(error instanceof kind, `${status} became ${error.status} ${error.name}`);
      return true;
    });
  }
});

test('responses', 'cancel_a_stream', async (it) => {
  const token = mark();
  for await (const event of await create(it, ask({ words: 400, gap_ms: 20, mark: token }), { stream: true })) {
    if (event.type === 'response.output_text.delta') break;
  }
  await checkCancelled(it, token, Date.now());
});
