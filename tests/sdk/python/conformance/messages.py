"""The official Anthropic SDK."""

import time

import anthropic
import anthropic._constants
from case import (
    CACHED, INPUT, OUTPUT, PARALLEL_ARGS, PARALLEL_STEP, PDF, PDF_TEXT, PNG, PNG_TEXT, SENTENCE, UNICODE, WEATHER,
    ask, case, echoed, mark, now_ms, raises, same,
)
from pydantic import BaseModel

TOOLS = [
    {"name": "get_weather", "description": "The weather", "input_schema": WEATHER},
    {"name": "get_time", "input_schema": {"type": "object", "properties": {"zone": {"type": "string", "enum": ["CET", "JST"]}}}},
]


class City(BaseModel):
    name: str
    population: int
    tags: list[str]


def client(it, **options):
    return anthropic.Anthropic(base_url=it.base_url, api_key=it.key, **{"max_retries": 0, "timeout": 60, **options})


def given(prompt, options):
    messages = prompt if isinstance(prompt, list) else [{"role": "user", "content": prompt}]
    return {"messages": messages, "max_tokens": 1_000, **options}


def create(it, prompt, **options):
    return client(it).messages.create(model=it.model, **given(prompt, options))


def said(answer):
    return "".join(block.text for block in answer.content if block.type == "text")


def uses(answer):
    return [block for block in answer.content if block.type == "tool_use"]


def results(calls, text="rain"):
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": f"{text} {index}"} for index, call in enumerate(calls)]}


def check_usage(usage):
    same(usage.input_tokens, INPUT - CACHED, "input_tokens")
    same(usage.cache_read_input_tokens, CACHED, "cache_read_input_tokens")
    same(usage.output_tokens, OUTPUT, "output_tokens")


@case("messages")
def plain(it):
    answer = create(it, ask())
    same(said(answer), SENTENCE)
    same((answer.type, answer.role, answer.stop_reason, answer.stop_sequence), ("message", "assistant", "end_turn", None))
    assert answer.id.startswith("msg_") and answer.model, answer.id
    check_usage(answer.usage)


@case("messages")
def unicode(it):
    same(said(create(it, ask(say=UNICODE))), UNICODE)
    same(echoed(said(create(it, ask(UNICODE, echo=True))))["user"], [UNICODE])


def check_order(events):
    """The events come in the order of the API: one block after the other, within one message."""
    types = [event.type for event in events if event.type != "ping"]
    same((types[0], types[-2], types[-1]), ("message_start", "message_delta", "message_stop"))
    start = events[0].message
    same((start.content, start.stop_reason), ([], None))
    assert start.usage is not None
    is_open, count = None, 0
    for event in events:
        if event.type == "content_block_start":
            assert is_open is None, "two blocks at once"
            is_open = event.index
            same(is_open, count, "index")
        elif event.type == "content_block_delta":
            same(event.index, is_open, "index of a delta")
        elif event.type == "content_block_stop":
            same(event.index, is_open, "index of a stop")
            is_open, count = None, count + 1
    assert is_open is None and count, "a block was left open"


@case("messages")
def stream(it):
    events = list(create(it, ask(say=UNICODE), stream=True))
    check_order(events)
    same("".join(event.delta.text for event in events if event.type == "content_block_delta"), UNICODE)
    last = events[-2]
    same(last.delta.stop_reason, "end_turn")
    same(last.usage.output_tokens, OUTPUT)


@case("messages")
def stream_helper(it):
    for directive in ({}, {"split": 3}):
        with client(it).messages.stream(model=it.model, **given(ask(say=UNICODE, **directive), {})) as stream:
            same("".join(stream.text_stream), UNICODE)
            message = stream.get_final_message()
        same(message.stop_reason, "end_turn")
        check_usage(message.usage)


@case("messages")
def cache_writes(it):
    it.only("anthropic", why="only Anthropic reports cache writes")
    usage = create(it, ask(usage={"input": 500, "cached": 300, "written": 150, "output": 7})).usage
    same((usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens), (50, 300, 150))


@case("messages")
def usage_is_missing(it):
    same(said(create(it, ask(no_usage=True))), SENTENCE)
    events = list(create(it, ask(no_usage=True), stream=True))
    check_order(events)


@case("messages")
def tool_loop(it):
    messages = [{"role": "user", "content": ask("Weather?", steps=[["get_weather"], ["get_time"]])}]
    for name in ("get_weather", "get_time"):
        answer = create(it, messages, tools=TOOLS)
        same((answer.stop_reason, [call.name for call in uses(answer)]), ("tool_use", [name]))
        assert isinstance(uses(answer)[0].input, dict)
        messages += [{"role": "assistant", "content": answer.content}, results(uses(answer))]
    same(said(create(it, messages, tools=TOOLS)), "get_time said rain 0.")


@case("messages")
def parallel_tools(it):
    messages = [{"role": "user", "content": ask("Weather?", steps=[PARALLEL_STEP])}]
    answer = create(it, messages, tools=TOOLS)
    same([call.input for call in uses(answer)], PARALLEL_ARGS)
    same(len({call.id for call in uses(answer)}), 2)
    content = results(uses(answer))["content"] + [{"type": "text", "text": "Go on."}]
    messages += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": content}]
    assert "rain 0" in said(create(it, messages, tools=TOOLS)) or it.upstream != "anthropic"


@case("messages")
def parallel_results_match(it):
    messages = [{"role": "user", "content": ask("Weather?", steps=[PARALLEL_STEP])}]
    answer = create(it, messages, tools=TOOLS)
    messages += [{"role": "assistant", "content": answer.content}, results(uses(answer))]
    same(said(create(it, messages, tools=TOOLS)), "get_weather said rain 0. get_weather said rain 1.")


@case("messages")
def streamed_tools(it):
    for directive in ({}, {"split": 5}):
        events = list(create(it, ask("Weather?", steps=[PARALLEL_STEP], **directive), tools=TOOLS, stream=True))
        check_order(events)
        same(events[-2].delta.stop_reason, "tool_use")
        with client(it).messages.stream(model=it.model, **given(ask("Weather?", steps=[PARALLEL_STEP], **directive), {"tools": TOOLS})) as stream:
            same([call.input for call in uses(stream.get_final_message())], PARALLEL_ARGS)


@case("messages")
def text_before_a_tool(it):
    answer = create(it, ask("Weather?", say="Let me look.", steps=[["get_weather"]]), tools=TOOLS)
    same([block.type for block in answer.content], ["text", "tool_use"])


@case("messages")
def tool_choice(it):
    assert uses(create(it, ask(), tools=TOOLS, tool_choice={"type": "any"})), "any"
    named = create(it, ask(), tools=TOOLS, tool_choice={"type": "tool", "name": "get_time"})
    same([call.name for call in uses(named)], ["get_time"], "tool")
    assert not uses(create(it, ask(steps=[["get_weather"]]), tools=TOOLS, tool_choice={"type": "none"})), "none"


@case("messages")
def one_tool_at_a_time(it):
    it.only("chat", "responses", "anthropic", why="Gemini has no such switch")
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    same(len(uses(create(it, ask(steps=[PARALLEL_STEP]), tools=TOOLS, tool_choice=choice))), 1)


@case("messages")
def tool_results_of_all_kinds(it):
    messages = [{"role": "user", "content": ask("Weather?", steps=[PARALLEL_STEP], echo=True)}]
    answer = create(it, messages, tools=TOOLS)
    first, second = uses(answer)
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG_TEXT}}
    content = [
        {"type": "tool_result", "tool_use_id": first.id, "content": [{"type": "text", "text": "See:"}, picture]},
        {"type": "tool_result", "tool_use_id": second.id, "is_error": True, "content": "broken"},
    ]
    messages += [{"role": "assistant", "content": answer.content}, {"role": "user", "content": content}]
    seen = echoed(said(create(it, messages, tools=TOOLS)))
    same([medium["bytes"] for medium in seen["media"]], [len(PNG)])


@case("messages")
def structured_output(it):
    answer = client(it).messages.parse(model=it.model, output_format=City, **given(ask(), {}))
    same(answer.parsed_output.population, 3)


@case("messages")
def vision_and_document(it):
    content = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG_TEXT}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF_TEXT}, "title": "a.pdf"},
        {"type": "text", "text": ask("What?", echo=True)},
    ]
    seen = echoed(said(create(it, [{"role": "user", "content": content}])))
    same([(medium["kind"], medium["bytes"]) for medium in seen["media"]], [("image", len(PNG)), ("document", len(PDF))])


@case("messages")
def vision_by_url(it):
    it.only("chat", "responses", "anthropic", why="Gemini fetches no images")
    content = [{"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}, {"type": "text", "text": ask("What?", echo=True)}]
    same([medium["kind"] for medium in echoed(said(create(it, [{"role": "user", "content": content}])))["media"]], ["image"])


@case("messages")
def system_blocks_and_cache(it):
    system = [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}]
    messages = [
        {"role": "user", "content": "One?"}, {"role": "assistant", "content": "One."},
        {"role": "user", "content": [{"type": "text", "text": ask("Two?", echo=True), "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
    ]
    seen = echoed(said(create(it, messages, system=system)))
    same("\n".join(seen["system"]).split(), ["Be", "brief.", "Be", "kind."], "system")
    same((seen["user"], seen["assistant"]), (["One?", "Two?"], ["One."]))


@case("messages")
def settings_arrive(it):
    seen = echoed(said(create(it, ask(echo=True), extra_body={"temperature": 0.25}, stop_sequences=["END"], max_tokens=77)))
    same((seen["max_tokens"], seen["settings"]["temperature"]), (77, 0.25))
    if it.upstream != "responses":
        same(seen["settings"]["stop"], ["END"])


@case("messages")
def top_k(it):
    token = mark()
    same(said(create(it, ask(mark=token), extra_body={"top_k": 5})), SENTENCE)
    if it.upstream in ("anthropic", "gemini"):
        assert "5" in str(it.calls(token)[0]["body"].get("top_k") or it.calls(token)[0]["body"]["generationConfig"])


@case("messages")
def output_bound(it):
    answer = create(it, ask(words=60), max_tokens=20)
    same((answer.stop_reason, answer.usage.output_tokens), ("max_tokens", 20))
    events = list(create(it, ask(words=60), max_tokens=20, stream=True))
    same(events[-2].delta.stop_reason, "max_tokens")


@case("messages")
def probe_with_one_token(it):
    assert create(it, "Hi", max_tokens=1).stop_reason in ("end_turn", "max_tokens")


@case("messages")
def refusal(it):
    same(create(it, ask(refusal=True)).stop_reason, "refusal")
    events = list(create(it, ask(refusal=True), stream=True))
    same(events[-2].delta.stop_reason, "refusal")


@case("messages")
def blocked_prompt(it):
    it.only("gemini", why="only Gemini blocks prompts without a word")
    same(create(it, ask(blocked=True)).stop_reason, "refusal")
    events = list(create(it, ask(blocked=True), stream=True))
    same(events[-2].delta.stop_reason, "refusal")


THINKING = {"thinking": {"type": "enabled", "budget_tokens": 2_000}, "max_tokens": 8_000}


@case("messages")
def thinking(it):
    answer = create(it, ask(), **THINKING)
    same([block.type for block in answer.content], ["thinking", "text"])
    assert "no search" in answer.content[0].thinking
    check_usage(answer.usage)


@case("messages")
def thinking_streamed(it):
    events = list(create(it, ask(), stream=True, **THINKING))
    check_order(events)
    assert "no search" in "".join(event.delta.thinking for event in events if event.type == "content_block_delta" and event.delta.type == "thinking_delta")
    with client(it).messages.stream(model=it.model, **given(ask(), THINKING)) as stream:
        blocks = stream.get_final_message().content
    same([block.type for block in blocks], ["thinking", "text"])
    if it.upstream == "anthropic":
        assert blocks[0].signature


@case("messages")
def thinking_across_turns(it):
    messages = [{"role": "user", "content": ask("Weather?", steps=[["get_weather"], PARALLEL_STEP], echo=True)}]
    for is_streaming in (False, True):
        options = given(messages, {"tools": TOOLS, **THINKING})
        if is_streaming:
            with client(it).messages.stream(model=it.model, **options) as stream:
                answer = stream.get_final_message()
        else:
            answer = client(it).messages.create(model=it.model, **options)
        messages += [{"role": "assistant", "content": answer.content}, results(uses(answer))]
    seen = echoed(said(create(it, messages, tools=TOOLS, **THINKING)))
    if it.upstream == "anthropic":
        same(seen["thoughts"], 2, "thoughts that came back")


@case("messages")
def adaptive_thinking(it):
    same(said(create(it, ask(), thinking={"type": "adaptive"}, output_config={"effort": "high"}, max_tokens=8_000)), SENTENCE)


@case("messages")
def foreign_thoughts(it):
    """A conversation that another model began goes on: its thoughts are not sent where they mean nothing."""
    it.through_proxy()
    it.only("chat", "responses", "gemini", why="here they are checked")
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "Zm9yZWlnbg=="}
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": [thought, {"type": "text", "text": "Hi."}]}, {"role": "user", "content": ask()}]
    same(said(create(it, messages, **THINKING)), SENTENCE)


@case("messages")
def like_claude_code(it):
    """What Claude Code sends for a model it does not know."""
    tools = TOOLS + [{"name": "Write", "description": "Writes", "input_schema": {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {"file_path": {"type": "string"}, "content": {"type": "string"}}, "required": ["file_path", "content"], "additionalProperties": False}}]
    body = {"temperature": 1, "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}}
    step = [{"name": "Write", "args": {"file_path": "a.txt", "content": UNICODE}}]
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "<system-reminder>x</system-reminder>"}, {"type": "text", "text": ask("Write.", steps=[step]), "cache_control": {"type": "ephemeral"}}]},
        {"role": "system", "content": "Keep to the point."},
    ]
    options = {
        "system": [{"type": "text", "text": "x-anthropic-billing-header: 1"}, {"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}}],
        "tools": tools, "thinking": {"type": "adaptive"}, "output_config": {"effort": "medium"}, "max_tokens": 32_000, "metadata": {"user_id": "user_1"},
        "extra_body": body, "extra_headers": {"anthropic-beta": "context-management-2025-06-27,mid-conversation-system-2026-04-07,interleaved-thinking-2025-05-14"},
    }
    with client(it).beta.messages.stream(model=it.model, messages=messages, **options) as stream:
        answer = stream.get_final_message()
    (call,) = uses(answer)
    same(call.input, step[0]["args"])
    messages += [{"role": "assistant", "content": answer.content}, results([call], "ok")]
    with client(it).beta.messages.stream(model=it.model, messages=messages, **options) as stream:
        same(said(stream.get_final_message()), "Write said ok 0.")


@case("messages")
def beta_headers_pass(it):
    it.only("anthropic", why="they are Anthropic's")
    token = mark()
    create(it, ask(mark=token), extra_headers={"anthropic-beta": "made-up-2026-11-22"})
    headers = it.calls(token)[0]["headers"]
    assert "made-up-2026-11-22" in headers["anthropic-beta"], headers
    same(headers["anthropic-version"], anthropic._constants.ANTHROPIC_API_VERSION)


@case("messages")
def count_tokens(it):
    few = client(it).messages.count_tokens(model=it.model, messages=[{"role": "user", "content": "Hi"}])
    many = client(it).messages.count_tokens(model=it.model, messages=[{"role": "user", "content": "Hi there. " * 200}], tools=TOOLS, system="Be brief.")
    assert 0 < few.input_tokens < many.input_tokens


@case("messages")
def models(it):
    listed = client(it).models.list(limit=1000)
    if not it.is_direct:
        assert it.model in [model.id for model in listed.data], listed
    assert all(model.type == "model" and model.display_name for model in listed.data)
    same(client(it).models.retrieve(listed.data[0].id).id, listed.data[0].id)
    raises(anthropic.NotFoundError, lambda: client(it).models.retrieve("no-such-model"))


@case("messages")
def errors_by_status(it):
    server = anthropic.InternalServerError
    kinds = {400: anthropic.BadRequestError, 401: anthropic.AuthenticationError, 403: anthropic.PermissionDeniedError, 404: anthropic.NotFoundError, 429: anthropic.RateLimitError, 500: server, 503: server, 529: server}
    if not it.is_direct:
        kinds |= {401: server, 403: server, 404: (anthropic.NotFoundError, server)}
    for status, kind in kinds.items():
        for is_streaming in (False, True):
            error = raises(kind, lambda: create(it, ask(status=status), stream=is_streaming))
            same((error.body["type"], set(error.body["error"]) >= {"type", "message"}), ("error", True), f"{status}: body")


@case("messages")
def overload_is_told_as_such(it):
    error = raises(anthropic.APIStatusError, lambda: create(it, ask(status=529 if it.upstream == "anthropic" else 503)))
    same((error.status_code, error.body["error"]["type"]), (529, "overloaded_error"))


@case("messages")
def retry_after(it):
    error = raises(anthropic.RateLimitError, lambda: create(it, ask(status=429, headers={"retry-after": "17"})))
    same(error.body["error"]["type"], "rate_limit_error")
    assert 0 < int(error.response.headers["retry-after"]) <= 17


@case("messages")
def context_length(it):
    error = raises(anthropic.BadRequestError, lambda: create(it, ask(status=400, error="context"), stream=True))
    same(error.body["error"]["type"], "invalid_request_error")
    assert "prompt is too long" in error.body["error"]["message"], error.body


@case("messages")
def bad_parameters(it):
    raises(anthropic.BadRequestError, lambda: create(it, ask(), extra_body={"temperature": 9}))
    raises(anthropic.BadRequestError, lambda: create(it, []))
    raises(anthropic.BadRequestError, lambda: create(it, ask(), max_tokens=-1))


@case("messages")
def unknown_model_and_wrong_key(it):
    error = raises(anthropic.NotFoundError, lambda: client(it).messages.create(model="no-such-model", max_tokens=9, messages=[{"role": "user", "content": "Hi"}]))
    same(error.body["error"]["type"], "not_found_error")
    stranger = anthropic.Anthropic(base_url=it.base_url, api_key="sk-wrong", max_retries=0)
    error = raises(anthropic.AuthenticationError, lambda: stranger.messages.create(model=it.model, max_tokens=9, messages=[{"role": "user", "content": "Hi"}]))
    same(error.body["error"]["type"], "authentication_error")


@case("messages")
def key_as_bearer(it):
    it.through_proxy()
    bearer = anthropic.Anthropic(base_url=it.base_url, auth_token=it.key, max_retries=0)
    same(said(bearer.messages.create(model=it.model, **given(ask(), {}))), SENTENCE)


@case("messages")
def error_in_a_stream(it):
    events = []

    def read():
        for event in create(it, ask(words=20, mid_error=5, gap_ms=5), stream=True):
            events.append(event.type)

    raises(anthropic.APIError, read)
    assert "content_block_delta" in events and "message_stop" not in events


@case("messages")
def cut_stream(it):
    events = []
    try:
        for event in create(it, ask(words=20, cut=5, gap_ms=5), stream=True):
            events.append(event.type)
    except Exception:
        pass
    assert "message_stop" not in events, "a cut stream looks whole"


@case("messages")
def cancel_a_stream(it):
    token = mark()
    answer = create(it, ask(words=400, gap_ms=20, mark=token), stream=True)
    for event in answer:
        if event.type == "content_block_delta":
            break
    aborted_at = now_ms()
    answer.close()
    it.check_cancelled(token, aborted_at)


@case("messages")
def timeout_before_the_first_byte(it):
    token = mark()
    start = time.monotonic()
    raises(anthropic.APITimeoutError, lambda: client(it, timeout=0.7).messages.create(model=it.model, **given(ask(first_ms=5_000, mark=token), {})))
    assert time.monotonic() - start < 4
    it.check_cancelled(token, now_ms())


@case("messages")
def request_id(it):
    assert create(it, ask())._request_id
    assert raises(anthropic.APIStatusError, lambda: create(it, ask(status=400))).request_id
