"""The official OpenAI SDK on chat completions."""

import base64
import concurrent.futures
import json
import struct
import time

import openai
from case import (
    CACHED, INPUT, OUTPUT, PARALLEL_ARGS, PARALLEL_STEP, PDF, PDF_TEXT, PNG, PNG_TEXT, SENTENCE, UNICODE, WEATHER,
    Skip, ask, case, echoed, mark, now_ms, raises, same,
)
from pydantic import BaseModel

TOOLS = [
    {"type": "function", "function": {"name": "get_weather", "description": "The weather", "parameters": WEATHER}},
    {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {"zone": {"type": "string", "enum": ["CET", "JST"]}}}}},
]


class City(BaseModel):
    name: str
    population: int
    tags: list[str]


def client(it, **options):
    return openai.OpenAI(base_url=f"{it.base_url}/v1", api_key=it.key, **{"max_retries": 0, "timeout": 60, **options})


def create(it, prompt, **options):
    messages = prompt if isinstance(prompt, list) else [{"role": "user", "content": prompt}]
    return client(it).chat.completions.create(model=it.model, messages=messages, **options)


def said(answer):
    return answer.choices[0].message.content


def joined(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def check_usage(it, usage, reasoning=0):
    same(usage.prompt_tokens, INPUT, "prompt_tokens")
    same(usage.completion_tokens, OUTPUT, "completion_tokens")
    same(usage.total_tokens, INPUT + OUTPUT, "total_tokens")
    same(usage.prompt_tokens_details.cached_tokens, CACHED, "cached_tokens")
    if reasoning:
        same(usage.completion_tokens_details.reasoning_tokens, reasoning, "reasoning_tokens")


@case("chat")
def plain(it):
    answer = create(it, ask())
    same(said(answer), SENTENCE)
    same(answer.object, "chat.completion")
    same(answer.choices[0].finish_reason, "stop")
    same(answer.choices[0].message.role, "assistant")
    assert answer.id and answer.model and answer.created > 1_600_000_000
    assert not answer.choices[0].message.tool_calls
    check_usage(it, answer.usage)


@case("chat")
def unicode(it):
    same(said(create(it, ask(say=UNICODE))), UNICODE)


@case("chat")
def unicode_prompt_arrives(it):
    answer = create(it, ask(UNICODE, echo=True))
    same(echoed(said(answer))["user"], [UNICODE])


@case("chat")
def stream(it):
    chunks = list(create(it, ask(say=UNICODE), stream=True))
    same(joined(chunks), UNICODE)
    assert all(len(chunk.choices) == 1 for chunk in chunks), "a chunk without choices that nobody asked for"
    assert all(chunk.usage is None for chunk in chunks), "a usage that nobody asked for"
    same(len({(chunk.id, chunk.created, chunk.model, chunk.object) for chunk in chunks}), 1, "heads")
    same(chunks[0].choices[0].delta.role, "assistant")
    reasons = [chunk.choices[0].finish_reason for chunk in chunks]
    same([reason for reason in reasons if reason], ["stop"])
    assert reasons[-1] == "stop"


@case("chat")
def stream_with_usage(it):
    chunks = list(create(it, ask(), stream=True, stream_options={"include_usage": True}))
    same(joined(chunks), SENTENCE)
    same(chunks[-1].choices, [], "choices of the usage chunk")
    check_usage(it, chunks[-1].usage)
    assert all(chunk.choices and chunk.usage is None for chunk in chunks[:-1])


@case("chat")
def stream_in_odd_pieces(it):
    chunks = list(create(it, ask(say=UNICODE, split=3), stream=True, stream_options={"include_usage": True}))
    same(joined(chunks), UNICODE)
    check_usage(it, chunks[-1].usage)


@case("chat")
def usage_is_missing(it):
    same(said(create(it, ask(no_usage=True))), SENTENCE)
    same(joined(create(it, ask(no_usage=True), stream=True)), SENTENCE)


@case("chat")
def usage_with_cache_write(it):
    it.only("anthropic", why="only Anthropic reports cache writes")
    answer = create(it, ask(usage={"input": 500, "cached": 300, "written": 150, "output": 7}))
    same(answer.usage.prompt_tokens, 500)
    same(answer.usage.prompt_tokens_details.cached_tokens, 300)
    same(answer.usage.total_tokens, 507)


@case("chat")
def tool_loop(it):
    messages = [{"role": "user", "content": ask("Weather?", steps=[["get_weather"]])}]
    answer = create(it, messages, tools=TOOLS)
    same(answer.choices[0].finish_reason, "tool_calls")
    (call,) = answer.choices[0].message.tool_calls
    same(call.type, "function")
    same(call.function.name, "get_weather")
    same(set(json.loads(call.function.arguments)), {"city", "days"})
    messages += [answer.choices[0].message.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": call.id, "content": "sunny, 21°"}]
    answer = create(it, messages, tools=TOOLS)
    same(said(answer), "get_weather said sunny, 21°.")
    same(answer.choices[0].finish_reason, "stop")


@case("chat")
def tool_loop_of_two_steps(it):
    messages = [{"role": "user", "content": ask("Weather?", steps=[["get_weather"], ["get_time"]])}]
    for result in ["sunny", "noon"]:
        message = create(it, messages, tools=TOOLS).choices[0].message
        (call,) = message.tool_calls
        messages += [message.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": call.id, "content": result}]
    same(said(create(it, messages, tools=TOOLS)), "get_time said noon.")


@case("chat")
def parallel_tools(it):
    messages = [{"role": "user", "content": ask("Weather?", steps=[PARALLEL_STEP])}]
    message = create(it, messages, tools=TOOLS).choices[0].message
    same([json.loads(call.function.arguments) for call in message.tool_calls], PARALLEL_ARGS)
    same(len({call.id for call in message.tool_calls}), 2, "distinct ids")
    messages.append(message.model_dump(exclude_none=True))
    messages += [{"role": "tool", "tool_call_id": call.id, "content": f"weather {index}"} for index, call in enumerate(message.tool_calls)]
    same(said(create(it, messages, tools=TOOLS)), "get_weather said weather 0. get_weather said weather 1.")


def collect_calls(chunks):
    """Joins streamed calls as clients do: by index, the id and name from the first delta."""
    calls = {}
    for chunk in chunks:
        for delta in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
            call = calls.setdefault(delta.index, {"id": None, "name": None, "arguments": ""})
            call["id"] = call["id"] or delta.id
            if delta.function:
                call["name"] = call["name"] or delta.function.name
                call["arguments"] += delta.function.arguments or ""
    return [calls[index] for index in sorted(calls)]


@case("chat")
def streamed_tools(it):
    prompt = ask("Weather?", steps=[PARALLEL_STEP + ["get_time"]])
    chunks = list(create(it, prompt, tools=TOOLS, stream=True))
    calls = collect_calls(chunks)
    same([call["name"] for call in calls], ["get_weather", "get_weather", "get_time"])
    same([json.loads(call["arguments"]) for call in calls[:2]], PARALLEL_ARGS)
    assert all(call["id"] for call in calls) and len({call["id"] for call in calls}) == 3
    same(chunks[-1].choices[0].finish_reason, "tool_calls")


@case("chat")
def streamed_tools_in_odd_pieces(it):
    chunks = list(create(it, ask("Weather?", steps=[PARALLEL_STEP], split=5), tools=TOOLS, stream=True))
    same([json.loads(call["arguments"]) for call in collect_calls(chunks)], PARALLEL_ARGS)


@case("chat")
def text_before_a_tool(it):
    message = create(it, ask("Weather?", say="Let me look.", steps=[["get_weather"]]), tools=TOOLS).choices[0].message
    same(message.content, "Let me look.")
    same(message.tool_calls[0].function.name, "get_weather")


@case("chat")
def tool_choice(it):
    required = create(it, ask(), tools=TOOLS, tool_choice="required")
    assert required.choices[0].message.tool_calls, "required"
    named = create(it, ask(), tools=TOOLS, tool_choice={"type": "function", "function": {"name": "get_time"}})
    same([call.function.name for call in named.choices[0].message.tool_calls], ["get_time"], "named")
    none = create(it, ask(steps=[["get_weather"]]), tools=TOOLS, tool_choice="none")
    assert not none.choices[0].message.tool_calls, "none"


@case("chat")
def one_tool_at_a_time(it):
    it.only("chat", "responses", "anthropic", why="Gemini has no such switch")
    message = create(it, ask(steps=[PARALLEL_STEP]), tools=TOOLS, parallel_tool_calls=False).choices[0].message
    same(len(message.tool_calls), 1)


@case("chat")
def tool_without_parameters(it):
    tools = [{"type": "function", "function": {"name": "ping", "description": "Pings"}}]
    message = create(it, ask(steps=[["ping"]]), tools=tools).choices[0].message
    same(json.loads(message.tool_calls[0].function.arguments), {})


@case("chat")
def tool_schema_with_everything(it):
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "title": "Everything",
        "properties": {
            "kind": {"type": ["string", "null"], "enum": ["a", "b", None]}, "size": {"type": "integer", "minimum": 1, "exclusiveMaximum": 9},
            "either": {"oneOf": [{"type": "string"}, {"type": "integer"}]}, "ref": {"$ref": "#/$defs/inner"}, "fixed": {"const": "x"},
            "list": {"type": "array", "items": {"type": "string", "pattern": "^a", "format": "email"}, "uniqueItems": True},
            "map": {"type": "object", "additionalProperties": {"type": "number"}},
        },
        "$defs": {"inner": {"type": "object", "properties": {"deep": {"type": "boolean", "default": False}}}}, "required": ["kind"],
    }
    tools = [{"type": "function", "function": {"name": "everything", "parameters": schema}}]
    message = create(it, ask(steps=[["everything"]]), tools=tools).choices[0].message
    assert isinstance(json.loads(message.tool_calls[0].function.arguments), dict)


@case("chat")
def structured_output(it):
    answer = client(it).chat.completions.parse(model=it.model, messages=[{"role": "user", "content": ask()}], response_format=City)
    same(answer.choices[0].message.parsed.population, 3)


@case("chat")
def structured_output_streamed(it):
    with client(it).chat.completions.stream(model=it.model, messages=[{"role": "user", "content": ask()}], response_format=City) as events:
        for _ in events:
            pass
        same(events.get_final_completion().choices[0].message.parsed.population, 3)


@case("chat")
def json_object(it):
    it.only("chat", "responses", "gemini", why="Anthropic has no mode for any JSON")
    assert isinstance(json.loads(said(create(it, ask("Answer in JSON."), response_format={"type": "json_object"}))), dict)


@case("chat")
def vision(it):
    content = [{"type": "text", "text": ask("What is this?", echo=True)}, {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG_TEXT}"}}]
    seen = echoed(said(create(it, [{"role": "user", "content": content}])))
    same(seen["media"], [{"kind": "image", "mime": "image/png", "bytes": len(PNG)}])


@case("chat")
def vision_by_url(it):
    it.only("chat", "responses", "anthropic", why="Gemini fetches no images")
    content = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}, {"type": "text", "text": ask("What is this?", echo=True)}]
    same([medium["kind"] for medium in echoed(said(create(it, [{"role": "user", "content": content}])))["media"]], ["image"])


@case("chat")
def document(it):
    content = [{"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF_TEXT}"}}, {"type": "text", "text": ask("Read.", echo=True)}]
    seen = echoed(said(create(it, [{"role": "user", "content": content}])))
    same(seen["media"], [{"kind": "document", "mime": "application/pdf", "bytes": len(PDF)}])


@case("chat")
def audio(it):
    it.only("chat", "gemini", why="the others take no sound here")
    content = [{"type": "input_audio", "input_audio": {"data": base64.b64encode(b"RIFF....WAVE").decode(), "format": "wav"}}, {"type": "text", "text": ask("Listen.", echo=True)}]
    same([medium["kind"] for medium in echoed(said(create(it, [{"role": "user", "content": content}])))["media"]], ["audio"])


@case("chat")
def system_and_developer(it):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]}, {"role": "user", "content": ask(echo=True)}]
    same(echoed(said(create(it, messages)))["system"], ["Be brief.", "Be kind."])


@case("chat")
def history(it):
    messages = [
        {"role": "user", "content": "One?"}, {"role": "assistant", "content": "One."},
        {"role": "user", "content": "Two?"}, {"role": "user", "content": "Really?"}, {"role": "assistant", "content": "Two."},
        {"role": "user", "content": ask("Three?", echo=True)},
    ]
    seen = echoed(said(create(it, messages)))
    same(" ".join(seen["user"]).split(), ["One?", "Two?", "Really?", "Three?"])
    same(seen["assistant"], ["One.", "Two."])


@case("chat")
def settings_arrive(it):
    seen = echoed(said(create(it, ask(echo=True), temperature=0.25, max_completion_tokens=77, stop=["END"])))
    same(seen["max_tokens"], 77)
    same(seen["settings"]["temperature"], 0.25)
    if it.upstream != "responses":  # it has no stop texts
        stop = seen["settings"]["stop"]
        same(stop if isinstance(stop, list) else [stop], ["END"])


@case("chat")
def both_kinds_of_sampling(it):
    same(said(create(it, ask(), temperature=0.5, top_p=0.9)), SENTENCE)


@case("chat")
def temperature_above_one(it):
    same(said(create(it, ask(), temperature=1.7)), SENTENCE)


@case("chat")
def output_bound(it):
    answer = create(it, ask(words=60), max_completion_tokens=20)
    same(answer.choices[0].finish_reason, "length")
    same(answer.usage.completion_tokens, 20)
    chunks = list(create(it, ask(words=60), max_completion_tokens=20, stream=True))
    same(chunks[-1].choices[0].finish_reason, "length")


@case("chat")
def probe_with_one_token(it):
    answer = create(it, ask(), max_completion_tokens=1)
    assert answer.choices[0].finish_reason in ("stop", "length")


@case("chat")
def refusal(it):
    choice = create(it, ask(refusal=True)).choices[0]
    assert choice.message.refusal or choice.finish_reason == "content_filter", choice
    chunks = list(create(it, ask(refusal=True), stream=True))
    assert any(chunk.choices[0].delta.refusal or chunk.choices[0].finish_reason == "content_filter" for chunk in chunks)


@case("chat")
def blocked_prompt(it):
    it.only("gemini", why="only Gemini blocks prompts without a word")
    same(create(it, ask(blocked=True)).choices[0].finish_reason, "content_filter")
    same(list(create(it, ask(blocked=True), stream=True))[-1].choices[0].finish_reason, "content_filter")


@case("chat")
def content_filter(it):
    it.only("chat", "responses", "gemini", why="Anthropic knows refusals only")
    same(create(it, ask(finish="filter")).choices[0].finish_reason, "content_filter")


@case("chat")
def reasoning(it):
    token = mark()
    answer = create(it, ask(mark=token), reasoning_effort="high", max_completion_tokens=30_000)
    same(said(answer), SENTENCE)
    check_usage(it, answer.usage, it.reasoning if it.upstream != "gemini" else 0)
    assert it.calls(token), "the call did not arrive"


@case("chat")
def reasoning_reaches_the_upstream(it):
    seen = echoed(said(create(it, ask(echo=True), reasoning_effort="high", max_completion_tokens=30_000)))
    assert seen["effort"], "the upstream was not asked to think"


@case("chat")
def no_reasoning(it):
    same(said(create(it, ask(), reasoning_effort="none")), SENTENCE)


@case("chat")
def reasoning_with_a_small_bound(it):
    same(said(create(it, ask(), reasoning_effort="high", max_completion_tokens=500)), SENTENCE)


@case("chat")
def reasoning_tool_loop(it):
    messages = [{"role": "user", "content": ask("Weather?", steps=[["get_weather"], PARALLEL_STEP])}]
    options = {"tools": TOOLS, "reasoning_effort": "medium", "max_completion_tokens": 30_000}
    for _ in range(2):
        message = create(it, messages, **options).choices[0].message
        messages.append(message.model_dump(exclude_none=True, include={"role", "content", "tool_calls"}))
        messages += [{"role": "tool", "tool_call_id": call.id, "content": "rain"} for call in message.tool_calls]
    assert said(create(it, messages, **options)).startswith("get_weather said rain.")


@case("chat")
def reasoning_streamed(it):
    chunks = list(create(it, ask(), reasoning_effort="high", max_completion_tokens=30_000, stream=True, stream_options={"include_usage": True}))
    same(joined(chunks), SENTENCE)
    same(chunks[-1].usage.completion_tokens, OUTPUT)


@case("chat")
def several_choices(it):
    try:
        answer = create(it, ask(), n=2)
    except openai.BadRequestError:
        assert it.upstream in ("responses", "anthropic"), "refused where it can be done"
        return
    same([choice.index for choice in answer.choices], [0, 1])


@case("chat")
def logprobs(it):
    it.only("chat", why="compared for the same dialect only")
    answer = create(it, ask(), logprobs=True)
    assert answer.choices[0].logprobs.content


@case("chat")
def errors_by_status(it):
    kinds = {
        400: openai.BadRequestError, 401: openai.AuthenticationError, 403: openai.PermissionDeniedError,
        404: openai.NotFoundError, 429: openai.RateLimitError, 500: openai.InternalServerError, 503: openai.InternalServerError,
    }
    if not it.is_direct:
        # The provider refused our credential, not the client's key.
        kinds |= {401: openai.InternalServerError, 403: openai.InternalServerError}
        kinds |= {404: (openai.NotFoundError, openai.InternalServerError), 529: openai.InternalServerError}
    for status, kind in kinds.items():
        for is_streaming in (False, True):
            error = raises(kind, lambda: create(it, ask(status=status), stream=is_streaming))
            assert error.body and error.body["message"], f"{status}: no error body"
            same(set(error.body), {"message", "type", "param", "code"}, f"{status}: keys")


@case("chat")
def retry_after(it):
    start = time.monotonic()
    error = raises(openai.RateLimitError, lambda: create(it, ask(status=429, headers={"retry-after": "17"})))
    assert 0 < int(error.response.headers["retry-after"]) <= 17, error.response.headers
    assert time.monotonic() - start < 15, "the client was kept waiting for its refusal"


@case("chat")
def context_length(it):
    error = raises(openai.BadRequestError, lambda: create(it, ask(status=400, error="context")))
    same(error.code, "context_length_exceeded")


@case("chat")
def bad_parameter(it):
    raises(openai.BadRequestError, lambda: create(it, ask(), temperature=9))


@case("chat")
def no_messages(it):
    raises(openai.BadRequestError, lambda: create(it, []))


@case("chat")
def unknown_model(it):
    error = raises(openai.NotFoundError, lambda: client(it).chat.completions.create(model="no-such-model", messages=[{"role": "user", "content": "Hi"}]))
    same(error.code, "model_not_found")


@case("chat")
def wrong_key(it):
    stranger = openai.OpenAI(base_url=f"{it.base_url}/v1", api_key="sk-wrong", max_retries=0)
    error = raises(openai.AuthenticationError, lambda: stranger.chat.completions.create(model=it.model, messages=[{"role": "user", "content": "Hi"}]))
    same(error.code, "invalid_api_key")


@case("chat")
def request_id(it):
    it.through_proxy()
    assert create(it, ask())._request_id
    assert raises(openai.APIStatusError, lambda: create(it, ask(status=400))).request_id


@case("chat")
def error_in_a_stream(it):
    words = []

    def read():
        for chunk in create(it, ask(words=20, mid_error=5, gap_ms=5), stream=True):
            words.append(chunk)

    raises(openai.APIError, read)
    assert words, "the output before the error was lost"


@case("chat")
def cut_stream(it):
    def read():
        for _ in create(it, ask(words=20, cut=5, gap_ms=5), stream=True):
            pass

    raises(Exception, read)


@case("chat")
def cancel_a_stream(it):
    token = mark()
    answer = create(it, ask(words=400, gap_ms=20, mark=token), stream=True)
    for index, _ in enumerate(answer):
        if index == 5:
            break
    aborted_at = now_ms()
    answer.close()
    it.check_cancelled(token, aborted_at)


@case("chat")
def timeout_before_the_first_byte(it):
    token = mark()
    start = time.monotonic()
    raises(openai.APITimeoutError, lambda: client(it, timeout=0.7).chat.completions.create(model=it.model, messages=[{"role": "user", "content": ask(first_ms=5_000, mark=token)}]))
    assert time.monotonic() - start < 4
    it.check_cancelled(token, now_ms())


@case("chat")
def many_at_once(it):
    def one(index):
        text = f"{index}: {UNICODE}"
        same(joined(create(it, ask(say=text, gap_ms=2), stream=True)), text)

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        list(pool.map(one, range(20)))


@case("chat")
def models(it):
    it.through_proxy("the scripted upstream lists its own")
    listed = {model.id: model for model in client(it).models.list()}
    assert it.model in listed, sorted(listed)
    same(client(it).models.retrieve(it.model).object, "model")
    raises(openai.NotFoundError, lambda: client(it).models.retrieve("no-such-model"))


@case("chat")
def embeddings(it):
    model = it.embedding_models.get(it.upstream)
    if not model:
        raise Skip("no embeddings there")
    answer = client(it).embeddings.create(model=model, input=["cat", "kitten"])
    same([item.index for item in answer.data], [0, 1])
    floats = client(it).embeddings.create(model=model, input=["cat", "kitten"], encoding_format="float")
    for one, other in zip(answer.data, floats.data):
        assert max(abs(a - b) for a, b in zip(one.embedding, other.embedding, strict=True)) < 1e-6
    same(answer.data[0].embedding == answer.data[1].embedding, False, "equal vectors")
    raw = client(it).embeddings.with_raw_response.create(model=model, input="cat", encoding_format="base64").http_response.json()
    packed = base64.b64decode(raw["data"][0]["embedding"])
    same(len(struct.unpack(f"<{len(packed) // 4}f", packed)), len(answer.data[0].embedding))
    assert answer.usage.total_tokens >= answer.usage.prompt_tokens


def operation(it):
    it.only("chat", why="one upstream is enough for an operation that is not translated")
    return client(it)


@case("chat")
def old_completions(it):
    api = operation(it)
    answer = api.completions.create(model=it.model, prompt="Once")
    same((answer.choices[0].text, answer.choices[0].finish_reason), (" there was a fox.", "stop"))
    same((answer.usage.prompt_tokens, answer.usage.completion_tokens), (8, 5))
    chunks = list(api.completions.create(model=it.model, prompt="Once", stream=True, stream_options={"include_usage": True}))
    same("".join(chunk.choices[0].text for chunk in chunks if chunk.choices), " there was a fox.")
    same(chunks[-1].usage.total_tokens, 13)
    chunks = list(api.completions.create(model=it.model, prompt="Once", stream=True))
    assert all(chunk.choices and not chunk.usage for chunk in chunks), "a usage that nobody asked for"


@case("chat")
def images(it):
    answer = operation(it).images.generate(model=it.model, prompt="A fox", n=2)
    same(len(answer.data), 2)
    assert base64.b64decode(answer.data[0].b64_json).startswith(b"\x89PNG")
    same(answer.usage.total_tokens, 282)


@case("chat")
def speech(it):
    answer = operation(it).audio.speech.create(model=it.model, voice="alloy", input="Good morning")
    assert answer.read().startswith(b"ID3")


@case("chat")
def transcriptions(it):
    answer = operation(it).audio.transcriptions.create(model=it.model, file=("a.wav", b"RIFF....WAVE", "audio/wav"))
    same(answer.text, "Good morning.")


@case("chat")
def moderations(it):
    answer = operation(it).moderations.create(model=it.model, input=["kill", "hug"])
    same([result.flagged for result in answer.results], [True, False])


@case("chat")
def rerank(it):
    body = {"model": it.model, "query": "fox", "documents": ["a dog", "a fox"], "top_n": 1}
    answer = operation(it).post("/rerank", body=body, cast_to=object)
    same(answer["results"], [{"index": 1, "relevance_score": 0.9}])


@case("chat")
def strict_clients_lose_nothing(it):
    it.through_proxy()
    it.only("responses", "anthropic", why="the target takes it")
    strict = {"extra_headers": {"x-megarouter-strict": "true"}}
    same(said(create(it, ask(), **strict)), SENTENCE)
    error = raises(openai.BadRequestError, lambda: create(it, ask(), logit_bias={"50256": -100}, **strict))
    assert "logit_bias" in error.message, error


@case("chat")
def losses_are_told(it):
    it.through_proxy()
    it.only("responses", "anthropic", why="the target takes it")
    raw = client(it).chat.completions.with_raw_response.create(
        model=it.model, messages=[{"role": "user", "content": ask()}], logit_bias={"50256": -100}
    )
    assert "logit_bias" in raw.headers.get("x-megarouter-losses", ""), dict(raw.headers)


@case("chat")
def nothing_lost_nothing_told(it):
    it.through_proxy()
    raw = client(it).chat.completions.with_raw_response.create(model=it.model, messages=[{"role": "user", "content": ask()}])
    assert "x-megarouter-losses" not in raw.headers, raw.headers["x-megarouter-losses"]


@case("chat")
def unknown_fields_do_no_harm(it):
    it.through_proxy()
    it.only("responses", "anthropic", "gemini", why="the same dialect passes them on")
    same(said(create(it, ask(), extra_body={"made_up": 1})), SENTENCE)
