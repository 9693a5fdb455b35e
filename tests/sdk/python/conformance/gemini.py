"""The official Google SDK on the Gemini API."""

import base64
import json
import time
import urllib.request

from case import (
    CACHED, INPUT, OUTPUT, PARALLEL_ARGS, PARALLEL_STEP, PDF, PNG, REASONING, SENTENCE, UNICODE, WEATHER,
    Skip, ask, case, echoed, mark, now_ms, raises, same,
)
from google import genai
from google.genai import errors, types
from pydantic import BaseModel

DECLARATIONS = [
    {"name": "get_weather", "description": "The weather", "parameters_json_schema": WEATHER},
    {"name": "get_time", "parameters": {"type": "OBJECT", "properties": {"zone": {"type": "STRING", "enum": ["CET", "JST"]}}}},
]
TOOLS = [{"function_declarations": DECLARATIONS}]
NO_AUTO = {"automatic_function_calling": {"disable": True}}


class City(BaseModel):
    name: str
    population: int
    tags: list[str]


class Api:
    """A client; held as long as its answers are read, since it closes itself when nothing holds it."""

    def __init__(self, it, **options):
        self.model = it.model
        self.client = genai.Client(api_key=it.key, http_options={"base_url": it.base_url, "timeout": 60_000, **options})

    def create(self, contents, **config):
        return self.client.models.generate_content(model=self.model, contents=contents, config=config)

    def stream(self, contents, **config):
        return self.client.models.generate_content_stream(model=self.model, contents=contents, config=config)


def user(*parts):
    return types.Content(role="user", parts=[types.Part(text=part) if isinstance(part, str) else part for part in parts])


def check_usage(usage, reasoning=0):
    same(usage.prompt_token_count, INPUT, "prompt_token_count")
    same(usage.cached_content_token_count, CACHED, "cached_content_token_count")
    same(usage.candidates_token_count, OUTPUT - reasoning, "candidates_token_count")
    same(usage.thoughts_token_count or 0, reasoning, "thoughts_token_count")
    same(usage.total_token_count, INPUT + OUTPUT, "total_token_count")


@case("gemini")
def plain(it):
    api = Api(it)
    answer = api.create(ask())
    same(answer.text, SENTENCE)
    (candidate,) = answer.candidates
    same((candidate.finish_reason, candidate.content.role), (types.FinishReason.STOP, "model"))
    assert answer.model_version and answer.response_id
    check_usage(answer.usage_metadata)


@case("gemini")
def unicode(it):
    api = Api(it)
    same(api.create(ask(say=UNICODE)).text, UNICODE)
    same(echoed(api.create(ask(UNICODE, echo=True)).text)["user"], [UNICODE])


@case("gemini")
def stream(it):
    api = Api(it)
    for directive in ({}, {"split": 3}):
        chunks = list(api.stream(ask(say=UNICODE, **directive)))
        same("".join(chunk.text or "" for chunk in chunks), UNICODE)
        reasons = [candidate.finish_reason for chunk in chunks for candidate in chunk.candidates or [] if candidate.finish_reason]
        same(reasons, [types.FinishReason.STOP])
        check_usage(chunks[-1].usage_metadata)
        same(len({chunk.response_id for chunk in chunks}), 1)


def raw(it, method, body, query="", headers=None):
    request = urllib.request.Request(
        f"{it.base_url}/v1beta/models/{it.model}:{method}{query}", json.dumps(body).encode(),
        {"content-type": "application/json", "x-goog-api-key": it.key} if headers is None else headers,
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.headers["content-type"], answer.read().decode()


@case("gemini")
def stream_as_an_array(it):
    kind, body = raw(it, "streamGenerateContent", {"contents": [{"parts": [{"text": ask(say=UNICODE)}]}]})
    assert kind.startswith("application/json"), kind
    chunks = json.loads(body)
    text = "".join(part.get("text", "") for chunk in chunks for candidate in chunk["candidates"] for part in candidate["content"]["parts"])
    same(text, UNICODE)


@case("gemini")
def key_in_the_query(it):
    _, body = raw(it, "generateContent", {"contents": [{"role": "user", "parts": [{"text": ask()}]}]}, f"?key={it.key}", {"content-type": "application/json"})
    same(json.loads(body)["candidates"][0]["content"]["parts"][0]["text"], SENTENCE)


@case("gemini")
def both_spellings(it):
    body = {
        "contents": [{"role": "user", "parts": [{"text": ask(echo=True)}, {"inline_data": {"mime_type": "image/png", "data": base64.b64encode(PNG).decode()}}]}],
        "system_instruction": {"parts": {"text": "Be brief."}}, "generation_config": {"max_output_tokens": 77, "stopSequences": ["END"]},
        "tools": [{"function_declarations": [{"name": "get_weather", "parameters_json_schema": WEATHER}]}],
    }
    _, text = raw(it, "generateContent", body)
    seen = echoed(json.loads(text)["candidates"][0]["content"]["parts"][0]["text"])
    same((seen["system"], seen["max_tokens"], seen["tools"], len(seen["media"])), (["Be brief."], 77, ["get_weather"], 1))


@case("gemini")
def usage_is_missing(it):
    api = Api(it)
    same(api.create(ask(no_usage=True)).text, SENTENCE)
    same("".join(chunk.text or "" for chunk in api.stream(ask(no_usage=True))), SENTENCE)


def respond(calls, text="rain"):
    parts = [types.Part(function_response=types.FunctionResponse(id=call.id, name=call.name, response={"output": f"{text} {index}"})) for index, call in enumerate(calls)]
    return types.Content(role="user", parts=parts)


@case("gemini")
def tool_loop(it):
    api = Api(it)
    contents = [user(ask("Weather?", steps=[["get_weather"], ["get_time"]]))]
    for name in ("get_weather", "get_time"):
        answer = api.create(contents, tools=TOOLS)
        (call,) = answer.function_calls
        same((call.name, answer.candidates[0].finish_reason), (name, types.FinishReason.STOP))
        contents += [answer.candidates[0].content, respond([call])]
    same(api.create(contents, tools=TOOLS).text, "get_time said rain 0.")


@case("gemini")
def parallel_tools(it):
    api = Api(it)
    contents = [user(ask("Weather?", steps=[PARALLEL_STEP]))]
    answer = api.create(contents, tools=TOOLS)
    same([call.args for call in answer.function_calls], PARALLEL_ARGS)
    if it.upstream != "gemini":
        same(len({call.id for call in answer.function_calls}), 2, "distinct ids")
    contents += [answer.candidates[0].content, respond(answer.function_calls)]
    same(api.create(contents, tools=TOOLS).text, "get_weather said rain 0. get_weather said rain 1.")


@case("gemini")
def parallel_tools_without_ids(it):
    """Clients may drop the ids; then order counts."""
    api = Api(it)
    contents = [user(ask("Weather?", steps=[PARALLEL_STEP]))]
    answer = api.create(contents, tools=TOOLS)
    for part in answer.candidates[0].content.parts:
        if part.function_call:
            part.function_call.id = None
    contents += [answer.candidates[0].content, respond([part.function_call for part in answer.candidates[0].content.parts if part.function_call])]
    same(api.create(contents, tools=TOOLS).text, "get_weather said rain 0. get_weather said rain 1.")


@case("gemini")
def streamed_tools(it):
    api = Api(it)
    for directive in ({}, {"split": 5}):
        chunks = list(api.stream(ask("Weather?", steps=[PARALLEL_STEP], **directive), tools=TOOLS))
        same([call.args for chunk in chunks for call in chunk.function_calls or []], PARALLEL_ARGS)
        assert [candidate.finish_reason for chunk in chunks for candidate in chunk.candidates or []][-1] == types.FinishReason.STOP


@case("gemini")
def text_before_a_tool(it):
    answer = Api(it).create(ask("Weather?", say="Let me look.", steps=[["get_weather"]]), tools=TOOLS)
    parts = answer.candidates[0].content.parts
    same([bool(part.function_call) for part in parts], [False, True])
    same(parts[0].text, "Let me look.")


@case("gemini")
def tool_choice(it):
    api = Api(it)
    mode = lambda mode, names=None: {"function_calling_config": {"mode": mode, **({"allowed_function_names": names} if names else {})}}
    assert api.create(ask(), tools=TOOLS, tool_config=mode("ANY")).function_calls, "any"
    named = api.create(ask(), tools=TOOLS, tool_config=mode("ANY", ["get_time"]))
    same([call.name for call in named.function_calls], ["get_time"], "named")
    assert not api.create(ask(steps=[["get_weather"]]), tools=TOOLS, tool_config=mode("NONE")).function_calls, "none"


@case("gemini")
def automatic_function_calling(it):
    asked = []

    def get_weather(city: str, days: int) -> str:
        """The weather."""
        asked.append((city, days))
        return f"sun in {city}"

    answer = Api(it).create(ask("Weather?", steps=[PARALLEL_STEP]), tools=[get_weather])
    same(asked, [(args["city"], args["days"]) for args in PARALLEL_ARGS])
    # The SDK wraps what the function gave; how much of that is unwrapped is the gateway's choice.
    assert answer.text.index("sun in Zürich") < answer.text.index("sun in 東京"), answer.text


@case("gemini")
def chat_session(it):
    api = Api(it)
    chat = api.client.chats.create(model=it.model)
    same(chat.send_message("One?").text, SENTENCE)
    seen = echoed("".join(chunk.text or "" for chunk in chat.send_message_stream(ask("Two?", echo=True))))
    same((seen["user"], seen["assistant"]), (["One?", "Two?"], [SENTENCE]))


@case("gemini")
def structured_output(it):
    answer = Api(it).create(ask(), response_mime_type="application/json", response_schema=City)
    same(answer.parsed.population, 3)


@case("gemini")
def structured_output_by_json_schema(it):
    answer = Api(it).create(ask(), response_mime_type="application/json", response_json_schema=City.model_json_schema())
    same(json.loads(answer.text)["population"], 3)


@case("gemini")
def vision_and_document(it):
    parts = [types.Part.from_bytes(data=PNG, mime_type="image/png"), types.Part.from_bytes(data=PDF, mime_type="application/pdf")]
    seen = echoed(Api(it).create([user(ask("What?", echo=True), *parts)]).text)
    same([(medium["kind"], medium["bytes"]) for medium in seen["media"]], [("image", len(PNG)), ("document", len(PDF))])


@case("gemini")
def system_and_settings(it):
    seen = echoed(Api(it).create(ask(echo=True), system_instruction="Be brief.", temperature=0.25, max_output_tokens=77, stop_sequences=["END"]).text)
    same((seen["system"], seen["max_tokens"], seen["settings"]["temperature"]), (["Be brief."], 77, 0.25))
    if it.upstream != "responses":
        stop = seen["settings"]["stop"]
        same(stop if isinstance(stop, list) else [stop], ["END"])


@case("gemini")
def output_bound(it):
    api = Api(it)
    answer = api.create(ask(words=60), max_output_tokens=20)
    same(answer.candidates[0].finish_reason, types.FinishReason.MAX_TOKENS)
    same(answer.usage_metadata.candidates_token_count, 20)
    same(list(api.stream(ask(words=60), max_output_tokens=20))[-1].candidates[0].finish_reason, types.FinishReason.MAX_TOKENS)


@case("gemini")
def probe_with_one_token(it):
    assert Api(it).create("Hi", max_output_tokens=1).candidates[0].finish_reason


@case("gemini")
def refusal(it):
    api = Api(it)
    for directive in ({"refusal": True}, {"blocked": True}):
        for answer in (api.create(ask(**directive)), list(api.stream(ask(**directive)))[-1]):
            reason = answer.candidates[0].finish_reason if answer.candidates else answer.prompt_feedback.block_reason
            assert reason and (reason != types.FinishReason.STOP or it.upstream in ("chat", "responses")), reason


THINKING = {"thinking_config": {"include_thoughts": True}, "max_output_tokens": 30_000}


def thoughts_of(parts):
    return "".join(part.text for part in parts if part.thought)


@case("gemini")
def thinking(it):
    answer = Api(it).create(ask(), **THINKING)
    same(answer.text, SENTENCE)
    if it.upstream != "chat":
        assert "no search" in thoughts_of(answer.candidates[0].content.parts), answer.candidates[0].content.parts
        check_usage(answer.usage_metadata, it.reasoning)


@case("gemini")
def thinking_streamed(it):
    api = Api(it)
    chunks = list(api.stream(ask(), **THINKING))
    parts = [part for chunk in chunks for candidate in chunk.candidates or [] if candidate.content for part in candidate.content.parts or []]
    same("".join(part.text or "" for part in parts if not part.thought), SENTENCE)
    if it.upstream != "chat":
        assert "no search" in thoughts_of(parts), parts
        check_usage(chunks[-1].usage_metadata, it.reasoning)


@case("gemini")
def thinking_across_turns(it):
    api = Api(it)
    contents = [user(ask("Weather?", steps=[["get_weather"], PARALLEL_STEP], echo=True))]
    for _ in range(2):
        answer = api.create(contents, tools=TOOLS, **THINKING)
        contents += [answer.candidates[0].content, respond(answer.function_calls)]
    seen = echoed(api.create(contents, tools=TOOLS, **THINKING).text)
    if it.upstream == "gemini":
        assert seen["thoughts"] >= 2, seen


@case("gemini")
def thinking_budget_and_level(it):
    api = Api(it)
    same(api.create(ask(), thinking_config={"thinking_budget": 2_000}, max_output_tokens=8_000).text, SENTENCE)
    same(api.create(ask(), thinking_config={"thinking_level": "low"}, max_output_tokens=8_000).text, SENTENCE)
    same(api.create(ask(), thinking_config={"thinking_budget": 0}).text, SENTENCE)


@case("gemini")
def like_gemini_cli(it):
    """A conversation whose signature the CLI made up, since another model made the call."""
    body = {
        "contents": [
            {"role": "user", "parts": [{"text": ask("Go.")}]},
            {"role": "model", "parts": [{"functionCall": {"name": "get_weather", "args": {"city": "x", "days": 1}}, "thoughtSignature": "skip_thought_signature_validator"}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "get_weather", "response": {"output": "rain"}}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "get_weather", "parametersJsonSchema": WEATHER}]}],
        "generationConfig": {"temperature": 1, "topP": 0.95, "topK": 64, "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 8192}},
        "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
    }
    _, text = raw(it, "streamGenerateContent", body, "?alt=sse")
    chunks = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    said = "".join(part.get("text", "") for chunk in chunks for candidate in chunk["candidates"] for part in candidate["content"]["parts"] if not part.get("thought"))
    same(said, "get_weather said rain.")
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP" and chunks[-1]["usageMetadata"]["totalTokenCount"] == INPUT + OUTPUT


@case("gemini")
def count_tokens(it):
    api = Api(it)
    few = api.client.models.count_tokens(model=it.model, contents="Hi")
    many = api.client.models.count_tokens(model=it.model, contents="Hi there. " * 200)
    assert 0 < few.total_tokens < many.total_tokens


@case("gemini")
def embeddings(it):
    model = it.embedding_models.get(it.upstream)
    if not model:
        raise Skip("no embeddings there")
    api = Api(it)
    one = api.client.models.embed_content(model=model, contents="cat")
    two = api.client.models.embed_content(model=model, contents=["cat", "kitten"])
    same(len(two.embeddings), 2)
    same(one.embeddings[0].values, two.embeddings[0].values)
    assert two.embeddings[0].values != two.embeddings[1].values


@case("gemini")
def models(it):
    api = Api(it)
    names = [model.name for model in api.client.models.list()]
    if not it.is_direct:
        assert f"models/{it.model}" in names, names
    same(api.client.models.get(model=names[0]).name, names[0])


@case("gemini")
def errors_by_status(it):
    api = Api(it)
    statuses = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}
    for status, name in statuses.items():
        for call in (api.create, lambda prompt: list(api.stream(prompt))):
            error = raises(errors.APIError, lambda: call(ask(status=status)))
            assert error.status and error.message, f"{status}: {error}"
            if it.is_direct or status in (400, 429):
                same((error.code, error.status), (status, name))
                assert isinstance(error, errors.ClientError if status < 500 else errors.ServerError)
            elif status in (401, 403, 500, 503):
                assert error.code >= 500 and isinstance(error, errors.ServerError), f"{status} became {error.code}"


@case("gemini")
def retry_after(it):
    error = raises(errors.ClientError, lambda: Api(it).create(ask(status=429, headers={"retry-after": "17"})))
    same((error.code, error.status), (429, "RESOURCE_EXHAUSTED"))
    assert 0 < int(error.response.headers["retry-after"]) <= 17


@case("gemini")
def context_length(it):
    error = raises(errors.ClientError, lambda: Api(it).create(ask(status=400, error="context")))
    same((error.code, error.status), (400, "INVALID_ARGUMENT"))
    assert "token count" in error.message and "exceeds the maximum" in error.message, error.message


@case("gemini")
def bad_parameters(it):
    api = Api(it)
    same(raises(errors.ClientError, lambda: api.create(ask(), temperature=9)).code, 400)
    same(raises(errors.ClientError, lambda: api.client.models.generate_content(model="no-such-model", contents="Hi")).code, 404)
    stranger = genai.Client(api_key="sk-wrong", http_options={"base_url": it.base_url})
    error = raises(errors.ClientError, lambda: stranger.models.generate_content(model=it.model, contents="Hi"))
    assert error.code in (400, 401), error


@case("gemini")
def error_in_a_stream(it):
    api, chunks = Api(it), []

    def read():
        for chunk in api.stream(ask(words=20, mid_error=5, gap_ms=5)):
            chunks.append(chunk)

    raises(errors.APIError, read)
    assert chunks


@case("gemini")
def cut_stream(it):
    chunks = []
    api = Api(it)
    try:
        for chunk in api.stream(ask(words=20, cut=5, gap_ms=5)):
            chunks.append(chunk)
    except Exception:
        return
    assert not any(candidate.finish_reason for chunk in chunks for candidate in chunk.candidates or []), "a cut stream looks whole"


@case("gemini")
def cancel_a_stream(it):
    token = mark()
    request = urllib.request.Request(
        f"{it.base_url}/v1beta/models/{it.model}:streamGenerateContent?alt=sse",
        json.dumps({"contents": [{"role": "user", "parts": [{"text": ask(words=400, gap_ms=20, mark=token)}]}]}).encode(),
        {"content-type": "application/json", "x-goog-api-key": it.key},
    )
    answer = urllib.request.urlopen(request, timeout=60)
    assert answer.readline().startswith(b"data: ")
    aborted_at = now_ms()
    answer.close()
    it.check_cancelled(token, aborted_at)


@case("gemini")
def timeout_before_the_first_byte(it):
    token = mark()
    start = time.monotonic()
    raises(Exception, lambda: Api(it, timeout=700).create(ask(first_ms=5_000, mark=token)))
    assert time.monotonic() - start < 4
    it.check_cancelled(token, now_ms())
