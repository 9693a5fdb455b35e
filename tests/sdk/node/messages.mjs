// The official Anthropic SDK.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import {
  ask, CACHED, checkCancelled, collect, INPUT, mark, OUTPUT, PARALLEL_ARGS, PARALLEL_STEP, PNG, PNG_BYTES, SENTENCE, test, UNICODE,
  WEATHER,
} from './case.mjs';

const tools = [{ name: 'get_weather', description: 'The weather', input_schema: WEATHER }];
const thinking = { thinking: { type: 'enabled', budget_tokens: 2_000 }, max_tokens: 8_000 };

const client = (it, options) => new Anthropic({ baseURL: it.base_url, apiKey: it.key, maxRetries: 0, timeout: 60_000, ...options });
const given = (prompt, options) => ({ messages: Array.isArray(prompt) ? prompt : [{ role: 'user', content: prompt }], max_tokens: 1_000, ...options });
const create = (it, prompt, options = {}) => client(it).messages.create({ model: it.model, ...given(prompt, options) });
const said = (answer) => answer.content.filter((block) => block.type === 'text').map((block) => block.text).join('');
const uses = (answer) => answer.content.filter((block) => block.type === 'tool_use');
const results = (calls) => ({ role: 'user', content: calls.map(({ id }, index) => ({ type: 'tool_result', tool_use_id: id, content: `rain ${index}` })) });

test('messages', 'plain', async (it) => {
  const answer = await create(it, ask());
  assert.equal(said(answer), SENTENCE);
  const { input_tokens, cache_read_input_tokens, output_tokens } = answer.usage;
  assert.deepEqual([input_tokens, cache_read_input_tokens, output_tokens], [INPUT - CACHED, CACHED, OUTPUT]);
});

test('messages', 'stream', async (it) => {
  for (const split of [undefined, 3]) {
    const stream = client(it).messages.stream({ model: it.model, ...given(ask({ say: UNICODE, split })) });
    const message = await stream.finalMessage();
    assert.equal(said(message), UNICODE);
    assert.equal(message.usage.output_tokens, OUTPUT);
    assert.equal(message.stop_reason, 'end_turn');
  }
});

test('messages', 'tool_loop', async (it) => {
  const messages = [{ role: 'user', content: ask({ steps: [PARALLEL_STEP, ['get_weather']], split: 7 }) }];
  for (const count of [2, 1]) {
    const answer = await client(it).messages.stream({ model: it.model, ...given(messages, { tools }) }).finalMessage();
    assert.equal(answer.stop_reason, 'tool_use');
    assert.equal(uses(answer).length, count);
    if (count === 2) assert.deepEqual(uses(answer).map((call) => call.input), PARALLEL_ARGS);
    messages.push({ role: 'assistant', content: answer.content }, results(uses(answer)));
  }
  assert.equal(said(await create(it, messages, { tools })), 'get_weather said rain 0.');
});

test('messages', 'tool_choice', async (it) => {
  assert.equal(uses(await create(it, ask(), { tools, tool_choice: { type: 'any' } })).length, 1);
  assert.equal(uses(await create(it, ask({ steps: [['get_weather']] }), { tools, tool_choice: { type: 'none' } })).length, 0);
});

test('messages', 'thinking_across_turns', async (it) => {
  const messages = [{ role: 'user', content: ask({ steps: [['get_weather'], PARALLEL_STEP] }) }];
  for (let step = 0; step < 2; step += 1) {
    const answer = await client(it).messages.stream({ model: it.model, ...given(messages, { tools, ...thinking }) }).finalMessage();
    assert.equal(answer.content[0].type, 'thinking');
    messages.push({ role: 'assistant', content: answer.content }, results(uses(answer)));
  }
  assert.equal(said(await create(it, messages, { tools, ...thinking })), 'get_weather said rain 0. get_weather said rain 1.');
});

test('messages', 'structured_output', async (it) => {
  const schema = { type: 'object', properties: { name: { type: 'string' }, population: { type: 'integer' } }, required: ['name', 'population'], additionalProperties: false };
  const answer = await create(it, ask(), { output_config: { format: { type: 'json_schema', schema } } });
  assert.equal(JSON.parse(said(answer)).population, 3);
});

test('messages', 'vision', async (it) => {
  const content = [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } }, { type: 'text', text: ask({ echo: true }) }];
  assert.equal(JSON.parse(said(await create(it, [{ role: 'user', content }]))).media[0].bytes, PNG_BYTES);
});

test('messages', 'count_tokens_and_models', async (it) => {
  const counted = await client(it).messages.countTokens({ model: it.model, messages: [{ role: 'user', content: 'Hi' }] });
  assert.ok(counted.input_tokens > 0);
  const listed = await collect(await client(it).models.list({ limit: 1000 }));
  assert.ok(listed.length && listed.every((model) => model.type === 'model' && model.display_name));
});

test('messages', 'errors_by_status', async (it) => {
  const server = Anthropic.InternalServerError;
  for (const [status, kind, type] of [[400, Anthropic.BadRequestError, 'invalid_request_error'], [429, Anthropic.RateLimitError, 'rate_limit_error'], [500, server], [503, server], [529, server]]) {
    for (const stream of [false, true]) {
      await assert.rejects(create(it, ask({ status }), { stream }), (error) => {
        assert.ok(error instanceof kind, `${status} became ${error.status} ${error.name}`);
        assert.equal(error.error.type, 'error');
        if (type) assert.equal(error.error.error.type, type);
        return true;
      });
    }
  }
});

test('messages', 'retry_after', (it) =>
  assert.rejects(create(it, ask({ status: 429, headers: { 'retry-after': '17' } })), (error) => Number(error.headers.get('retry-after')) > 0));

test('messages', 'wrong_key', (it) =>
  assert.rejects(client(it, { apiKey: 'sk-wrong' }).messages.create({ model: it.model, ...given('Hi') }), Anthropic.AuthenticationError));

test('messages', 'error_in_a_stream', async (it) => {
  let count = 0;
  await assert.rejects(async () => {
    for await (const _ of await create(it, ask({ words: 20, mid_error: 5, gap_ms: 5 }), { stream: true })) count += 1;
  }, Anthropic.APIError);
  assert.ok(count > 0);
});

test('messages', 'cancel_a_stream', async (it) => {
  const token = mark();
  for await (const event of await create(it, ask({ words: 400, gap_ms: 20, mark: token }), { stream: true })) {
    if (event.type === 'content_block_delta') break;
  }
  await checkCancelled(it, token, Date.now());
});
