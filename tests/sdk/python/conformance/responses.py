"""The official OpenAI SDK on responses."""

import json
import time

import openai
from case import (
    CACHED, INPUT, OUTPUT, PARALLEL_ARGS, PARALLEL_STEP, PDF, PDF_TEXT, PNG, PNG_TEXT, SENTENCE, UNICODE, WEATHER,
    ask, case, echoed, mark, now_ms, raises, same,
)
from pydantic import BaseModel

TOOLS = [
    {"type": "function", "name": "get_weather", "description": "The weather", "parameters": WEATHER, "strict": True},
    {"type": "function", "name": "get_time", "parameters": {"type": "object", "properties": {"zone": {"type": "string", "enum": ["CET", "JST"]}}}, "strict": False},
]


class City(BaseModel):
    name: str
    population: int
    tags: list[str]


def client(it, **options):
    return openai.OpenAI(base_url=f"{it.base_url}/v1", api_key=it.key, **{"max_retries": 0, "timeout": 60, **options})


def create(it, given, **options):
    return client(it).responses.create(model=it.model, input=given, **{"store": False, **options})


def check_usage(usage, reasoning=0):
    same(usage.input_tokens, INPUT, "input_tokens")
    same(usage.input_tokens_details.cached_tokens, CACHED, "cached_tokens")
    same(usage.output_tokens, OUTPUT, "output_tokens")
    same(usage.total_tokens, INPUT + OUTPUT, "total_tokens")
    if reasoning:
        same(usage.output_tokens_details.reasoning_tokens, reasoning, "reasoning_tokens")
    else:
        assert usage.output_tokens_details.reasoning_tokens is not None


def calls_of(answer):
    return [item for item in answer.output if item.type == "function_call"]


def back(answer):
    """The answer's items as the input of the next turn, as stateless clients send them."""
    return [item.model_dump(exclude_none=True) for item in answer.output]


@case("responses")
def plain(it):
    answer = create(it, ask())
    same(answer.output_text, SENTENCE)
    same((answer.object, answer.status, answer.error), ("response", "completed", None))
    assert answer.id.startswith("resp_"), answer.id
    (item,) = [item for item in answer.output if item.type == "message"]
    assert item.id.startswith("msg_"), item.id
    same((item.role, item.status), ("assistant", "completed"))
    check_usage(answer.usage)


@case("responses")
def unicode(it):
    same(create(it, ask(say=UNICODE)).output_text, UNICODE)
    same(echoed(create(it, ask(UNICODE, echo=True)).output_text)["user"], [UNICODE])


@case("responses")
def items_and_instructions(it):
    given = [
        {"role": "developer", "content": "Be kind."},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "One?"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "One.", "annotations": []}]},
        {"role": "user", "content": ask("Two?", echo=True)},
    ]
    seen = echoed(create(it, given, instructions="Be brief.").output_text)
    same("\n".join(seen["system"]).split(), ["Be", "brief.", "Be", "kind."], "system")
    same((seen["user"], seen["assistant"]), (["One?", "Two?"], ["One."]))


def check_order(events):
    """The events come in the order of the API, numbered without gaps, and the items in them agree."""
    same([event.sequence_number for event in events], list(range(len(events))), "sequence numbers")
    same([event.type for event in events[:2]], ["response.created", "response.in_progress"])
    assert events[-1].type in ("response.completed", "response.incomplete"), events[-1].type
    same(len([event for event in events if event.type in ("response.completed", "response.incomplete")]), 1)
    is_open, done = None, []
    for event in events:
        if event.type == "response.output_item.added":
            assert is_open is None, "two items at once"
            is_open = event.output_index
            same(is_open, len(done), "output_index")
        elif event.type == "response.output_item.done":
            same(event.output_index, is_open, "output_index of the end")
            done.append(event.item)
            is_open = None
        elif hasattr(event, "output_index"):
            same(event.output_index, is_open, f"output_index of {event.type}")
    same([item.model_dump() for item in done], [item.model_dump() for item in events[-1].response.output], "items")
    return done


@case("responses")
def stream(it):
    events = list(create(it, ask(say=UNICODE), stream=True))
    check_order(events)
    same("".join(event.delta for event in events if event.type == "response.output_text.delta"), UNICODE)
    same([event.text for event in events if event.type == "response.output_text.done"], [UNICODE])
    types = [event.type for event in events]
    for first, then in zip(["response.output_item.added", "response.content_part.added", "response.output_text.done", "response.content_part.done"], ["response.content_part.added", "response.output_text.delta", "response.content_part.done", "response.output_item.done"]):
        assert types.index(first) < types.index(then), (first, then)
    same(events[-1].response.output_text, UNICODE)
    same(len({event.response.id for event in events if hasattr(event, "response")}), 1)
    check_usage(events[-1].response.usage)


@case("responses")
def stream_in_odd_pieces(it):
    events = list(create(it, ask(say=UNICODE, split=3), stream=True))
    check_order(events)
    same(events[-1].response.output_text, UNICODE)


@case("responses")
def stream_helper(it):
    with client(it).responses.stream(model=it.model, input=ask(), store=False) as stream:
        for _ in stream:
            pass
        same(stream.get_final_response().output_text, SENTENCE)


@case("responses")
def usage_is_missing(it):
    same(create(it, ask(no_usage=True)).output_text, SENTENCE)
    same(list(create(it, ask(no_usage=True), stream=True))[-1].response.output_text, SENTENCE)


@case("responses")
def tool_loop(it):
    given = [{"role": "user", "content": ask("Weather?", steps=[["get_weather"], ["get_time"]])}]
    for result, name in [("sunny", "get_weather"), ("noon", "get_time")]:
        answer = create(it, given, tools=TOOLS)
        (call,) = calls_of(answer)
        same((call.name, call.status), (name, "completed"))
        assert call.call_id and call.id.startswith("fc_"), call
        json.loads(call.arguments)
        given += back(answer) + [{"type": "function_call_output", "call_id": call.call_id, "output": result}]
    same(create(it, given, tools=TOOLS).output_text, "get_time said noon.")


@case("responses")
def parallel_tools(it):
    given = [{"role": "user", "content": ask("Weather?", steps=[PARALLEL_STEP])}]
    answer = create(it, given, tools=TOOLS)
    calls = calls_of(answer)
    same([json.loads(call.arguments) for call in calls], PARALLEL_ARGS)
    same(len({call.call_id for call in calls}), 2)
    given += back(answer)
    given += [{"type": "function_call_output", "call_id": call.call_id, "output": [{"type": "input_text", "text": f"weather {index}"}]} for index, call in enumerate(calls)]
    same(create(it, given, tools=TOOLS).output_text, "get_weather said weather 0. get_weather said weather 1.")


@case("responses")
def streamed_tools(it):
    for split in (None, 5):
        directive = {"split": split} if split else {}
        events = list(create(it, ask("Weather?", steps=[PARALLEL_STEP], **directive), tools=TOOLS, stream=True))
        done = check_order(events)
        calls = [item for item in done if item.type == "function_call"]
        same([json.loads(call.arguments) for call in calls], PARALLEL_ARGS)
        for call in calls:
            own = [event for event in events if getattr(event, "item_id", None) == call.id]
            same("".join(event.delta for event in own if event.type == "response.function_call_arguments.delta"), call.arguments)
            same([event.arguments for event in own if event.type == "response.function_call_arguments.done"], [call.arguments])


@case("responses")
def text_before_a_tool(it):
    answer = create(it, ask("Weather?", say="Let me look.", steps=[["get_weather"]]), tools=TOOLS)
    same([item.type for item in answer.output], ["message", "function_call"])


@case("responses")
def tool_choice(it):
    assert calls_of(create(it, ask(), tools=TOOLS, tool_choice="required")), "required"
    named = create(it, ask(), tools=TOOLS, tool_choice={"type": "function", "name": "get_time"})
    same([call.name for call in calls_of(named)], ["get_time"], "named")
    assert not calls_of(create(it, ask(steps=[["get_weather"]]), tools=TOOLS, tool_choice="none")), "none"


def run_code_step(it):
    """Only OpenAI has custom tools; elsewhere one is a function with the argument `input`."""
    return ["run_code"] if it.upstream == "responses" else [{"name": "run_code", "args": {"input": "print(1)\n"}}]


@case("responses")
def custom_tool(it):
    tools = [{"type": "custom", "name": "run_code", "description": "Runs code"}]
    given = [{"role": "user", "content": ask("Run.", steps=[run_code_step(it)])}]
    answer = create(it, given, tools=tools)
    (call,) = [item for item in answer.output if item.type == "custom_tool_call"]
    same((call.name, call.input.startswith("print(")), ("run_code", True))
    given += back(answer) + [{"type": "custom_tool_call_output", "call_id": call.call_id, "output": "1"}]
    same(create(it, given, tools=tools).output_text, "run_code said 1.")


@case("responses")
def custom_tool_streamed(it):
    tools = [{"type": "custom", "name": "run_code", "description": "Runs code"}]
    events = list(create(it, ask("Run.", steps=[run_code_step(it)]), tools=tools, stream=True))
    (call,) = [item for item in check_order(events) if item.type == "custom_tool_call"]
    same("".join(event.delta for event in events if event.type == "response.custom_tool_call_input.delta"), call.input)
    assert call.input.startswith("print("), call.input


@case("responses")
def structured_output(it):
    answer = client(it).responses.parse(model=it.model, input=ask(), text_format=City, store=False)
    same(answer.output_parsed.population, 3)


@case("responses")
def vision_and_document(it):
    content = [
        {"type": "input_text", "text": ask("What?", echo=True)},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PNG_TEXT}", "detail": "low"},
        {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PDF_TEXT}"},
    ]
    seen = echoed(create(it, [{"role": "user", "content": content}]).output_text)
    same([(medium["kind"], medium["bytes"]) for medium in seen["media"]], [("image", len(PNG)), ("document", len(PDF))])


@case("responses")
def settings_arrive(it):
    seen = echoed(create(it, ask(echo=True), temperature=0.25, max_output_tokens=77).output_text)
    same((seen["max_tokens"], seen["settings"]["temperature"]), (77, 0.25))


@case("responses")
def output_bound(it):
    answer = create(it, ask(words=60), max_output_tokens=20)
    same((answer.status, answer.incomplete_details.reason), ("incomplete", "max_output_tokens"))
    same(answer.usage.output_tokens, 20)
    last = list(create(it, ask(words=60), max_output_tokens=20, stream=True))[-1]
    same((last.type, last.response.incomplete_details.reason), ("response.incomplete", "max_output_tokens"))


@case("responses")
def refusal(it):
    it.only("chat", "responses", why="the others refuse by a reason to end")
    answer = create(it, ask(refusal=True))
    same([part.type for item in answer.output if item.type == "message" for part in item.content], ["refusal"])


@case("responses")
def refusal_does_not_look_whole(it):
    it.only("anthropic", "gemini", why="the others have refusals")
    answer = create(it, ask(refusal=True))
    parts = [part.type for item in answer.output if item.type == "message" for part in item.content]
    assert "refusal" in parts or (answer.incomplete_details and answer.incomplete_details.reason == "content_filter"), answer


REASONING = {"reasoning": {"effort": "high", "summary": "auto"}, "include": ["reasoning.encrypted_content"], "max_output_tokens": 30_000}


@case("responses")
def reasoning(it):
    answer = create(it, ask(), **REASONING)
    same(answer.output_text, SENTENCE)
    check_usage(answer.usage, it.reasoning)
    thoughts = [item for item in answer.output if item.type == "reasoning"]
    assert thoughts and thoughts[0].id.startswith("rs_"), answer.output
    assert isinstance(thoughts[0].summary, list)


@case("responses")
def reasoning_streamed(it):
    events = list(create(it, ask(), stream=True, **REASONING))
    done = check_order(events)
    same([item.type for item in done], ["reasoning", "message"])
    deltas = [event.delta for event in events if event.type in ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")]
    assert "no search" in "".join(deltas), deltas


@case("responses")
def reasoning_across_turns(it):
    given = [{"role": "user", "content": ask("Weather?", steps=[["get_weather"], PARALLEL_STEP], echo=True)}]
    for _ in range(2):
        answer = create(it, given, tools=TOOLS, **REASONING)
        given += back(answer)
        given += [{"type": "function_call_output", "call_id": call.call_id, "output": "rain"} for call in calls_of(answer)]
    seen = echoed(create(it, given, tools=TOOLS, **REASONING).output_text)
    if it.upstream == "responses":
        same(seen["thoughts"], 2, "thoughts that came back")


@case("responses")
def like_codex(it):
    """What Codex sends beside the usual: namespaces, its own tools, metadata for its client."""
    tools = TOOLS + [
        {"type": "web_search", "external_web_access": False},
        {"type": "namespace", "name": "mcp__files", "description": "Files", "tools": [{"type": "function", "name": "read_file", "description": "Reads", "strict": False, "parameters": {"type": "object", "properties": {"path": {"type": "string"}}}}]},
    ]
    given = [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "You are a coding agent."}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "<environment_context/>"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": ask("Go.", steps=[["get_weather"]])}]},
    ]
    body = {"client_metadata": {"session": "1"}}
    options = {"tools": tools, "tool_choice": "auto", "parallel_tool_calls": True, "prompt_cache_key": "session-1", "instructions": "Work.", "text": {"verbosity": "low"}, "extra_body": body, **REASONING}
    options.pop("max_output_tokens")
    events = list(create(it, given, stream=True, **options))
    done = check_order(events)
    (call,) = [item for item in done if item.type == "function_call"]
    given += [item.model_dump(exclude_none=True) for item in done] + [{"type": "function_call_output", "call_id": call.call_id, "output": "ok"}]
    same(list(create(it, given, stream=True, **options))[-1].response.output_text, "get_weather said ok.")


@case("responses")
def stored_answers(it):
    """`previous_response_id` is either kept or refused, never silently dropped."""
    same(client(it).responses.create(model=it.model, input=ask()).output_text, SENTENCE, "without a word about storing")
    try:
        first = create(it, "Remember me.", store=True)
        answer = create(it, ask("And?", echo=True), previous_response_id=first.id, store=True)
    except (openai.BadRequestError, openai.NotFoundError):
        return
    assert "Remember me." in " ".join(echoed(answer.output_text)["user"]), "the first turn was forgotten"


@case("responses")
def unknown_stored_answers(it):
    raises((openai.NotFoundError, openai.BadRequestError), lambda: client(it).responses.retrieve("resp_unknown"))
    raises((openai.NotFoundError, openai.BadRequestError), lambda: create(it, "Hi", previous_response_id="resp_unknown"))


@case("responses")
def count_tokens(it):
    few = client(it).responses.input_tokens.count(model=it.model, input="Hi")
    many = client(it).responses.input_tokens.count(model=it.model, input="Hi there. " * 200)
    same(few.object, "response.input_tokens")
    assert 0 < few.input_tokens < many.input_tokens


@case("responses")
def errors_by_status(it):
    kinds = {400: openai.BadRequestError, 401: openai.AuthenticationError, 403: openai.PermissionDeniedError, 404: openai.NotFoundError, 429: openai.RateLimitError, 500: openai.InternalServerError, 503: openai.InternalServerError}
    if not it.is_direct:
        kinds |= {401: openai.InternalServerError, 403: openai.InternalServerError, 404: (openai.NotFoundError, openai.InternalServerError), 529: openai.InternalServerError}
    for status, kind in kinds.items():
        for is_streaming in (False, True):
            error = raises(kind, lambda: create(it, ask(status=status), stream=is_streaming))
            assert error.body and error.body["message"], f"{status}: no error body"


@case("responses")
def retry_after(it):
    error = raises(openai.RateLimitError, lambda: create(it, ask(status=429, headers={"retry-after": "17"})))
    assert 0 < int(error.response.headers["retry-after"]) <= 17


@case("responses")
def context_length(it):
    error = raises(openai.BadRequestError, lambda: create(it, ask(status=400, error="context"), stream=True))
    same(error.code, "context_length_exceeded")


@case("responses")
def bad_parameters(it):
    raises(openai.BadRequestError, lambda: create(it, ask(), temperature=9))
    raises(openai.BadRequestError, lambda: create(it, []))


@case("responses")
def unknown_model_and_wrong_key(it):
    error = raises((openai.NotFoundError, openai.BadRequestError), lambda: client(it).responses.create(model="no-such-model", input="Hi"))
    same(error.code, "model_not_found")
    stranger = openai.OpenAI(base_url=f"{it.base_url}/v1", api_key="sk-wrong", max_retries=0)
    raises(openai.AuthenticationError, lambda: stranger.responses.create(model=it.model, input="Hi"))


@case("responses")
def error_in_a_stream(it):
    events = []

    def read():
        for event in create(it, ask(words=20, mid_error=5, gap_ms=5), stream=True):
            events.append(event.type)
            if event.type in ("response.failed", "error"):
                raise openai.OpenAIError("told")

    raises(openai.OpenAIError, read)
    assert "response.output_text.delta" in events and "response.completed" not in events, events


@case("responses")
def cut_stream(it):
    events = []

    def read():
        for event in create(it, ask(words=20, cut=5, gap_ms=5), stream=True):
            events.append(event.type)

    try:
        read()
    except Exception:
        pass
    assert "response.completed" not in events, "a cut stream looks whole"


@case("responses")
def cancel_a_stream(it):
    token = mark()
    answer = create(it, ask(words=400, gap_ms=20, mark=token), stream=True)
    for event in answer:
        if event.type == "response.output_text.delta":
            break
    aborted_at = now_ms()
    answer.close()
    it.check_cancelled(token, aborted_at)


@case("responses")
def timeout_before_the_first_byte(it):
    token = mark()
    start = time.monotonic()
    raises(openai.APITimeoutError, lambda: client(it, timeout=0.7).responses.create(model=it.model, input=ask(first_ms=5_000, mark=token), store=False))
    assert time.monotonic() - start < 4
    it.check_cancelled(token, now_ms())
