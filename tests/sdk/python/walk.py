"""Walks the official OpenAI SDK through a base URL: models, chat, streams, embeddings, errors.

The environment says where: OPENAI_BASE_URL, OPENAI_API_KEY, MODEL. It prints one JSON line for each
answer that carried a usage, with the request id the client saw, so that a ledger can be compared.
"""

import json
import os

from openai import AuthenticationError, NotFoundError, OpenAI

MODEL = os.environ["MODEL"]
MESSAGES = [{"role": "user", "content": "What is the capital of France?"}]

client = OpenAI(max_retries=0, timeout=300)


def book(operation, request_id, usage):
    assert request_id, "no x-request-id"
    print(json.dumps({
        "operation": operation,
        "request_id": request_id,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": getattr(usage, "completion_tokens", 0),
    }))


def lists_models():
    assert MODEL in [model.id for model in client.models.list()]
    assert client.models.retrieve(MODEL).id == MODEL


def chats():
    answer = client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=12)
    assert answer.choices[0].message.content.strip()
    assert answer.choices[0].finish_reason in ("stop", "length")
    book("chat_completions", answer._request_id, answer.usage)


def streams_without_usage():
    with client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=12, stream=True) as stream:
        chunks = list(stream)
    assert all(chunk.choices for chunk in chunks), "a chunk without choices that nobody asked for"
    assert all(chunk.usage is None for chunk in chunks), "a usage that nobody asked for"
    assert len({chunk.id for chunk in chunks}) == 1
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks).strip()
    assert chunks[-1].choices[0].finish_reason in ("stop", "length")


def streams_with_usage():
    raw = client.chat.completions.with_raw_response.create(
        model=MODEL, messages=MESSAGES, max_tokens=12, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(raw.parse())
    assert chunks[-1].choices == []
    assert all(chunk.choices and chunk.usage is None for chunk in chunks[:-1])
    book("chat_completions", raw.headers.get("x-request-id"), chunks[-1].usage)


def embeds():
    raw = client.embeddings.with_raw_response.create(model=MODEL, input=["cat", "kitten"])
    answer = raw.parse()
    assert [item.index for item in answer.data] == [0, 1]
    assert len(answer.data[0].embedding) == len(answer.data[1].embedding) > 1
    assert all(isinstance(number, float) for number in answer.data[0].embedding)
    book("embeddings", raw.headers.get("x-request-id"), answer.usage)


def tells_errors_apart():
    try:
        client.chat.completions.create(model="no-such-model", messages=MESSAGES)
        raise AssertionError("an unknown model was answered")
    except NotFoundError as error:
        assert error.code == "model_not_found", error.code
        assert error.request_id, "no x-request-id on an error"
    try:
        OpenAI(api_key="sk-wrong", max_retries=0).chat.completions.create(model=MODEL, messages=MESSAGES)
        raise AssertionError("a wrong key was answered")
    except AuthenticationError as error:
        assert error.code == "invalid_api_key", error.code


for case in (lists_models, chats, streams_without_usage, streams_with_usage, embeds, tells_errors_apart):
    case()
