"""Walks the official SDKs of Anthropic and Google through a base URL to a model that speaks neither
dialect: whole answers and streams.

The environment says where: BASE_URL, API_KEY, MODEL. It prints one JSON line for each answer, with the
request id the client saw and its token counts as OpenAI would name them.
"""

import json
import os

from anthropic import Anthropic
from google import genai

BASE_URL, KEY, MODEL = (os.environ[name] for name in ("BASE_URL", "API_KEY", "MODEL"))
PROMPT = "What is the capital of France?"

anthropic = Anthropic(base_url=BASE_URL, api_key=KEY, max_retries=0, timeout=300)
google = genai.Client(api_key=KEY, http_options={"base_url": BASE_URL, "timeout": 300_000})


def book(operation, request_id, prompt_tokens, completion_tokens):
    assert request_id, "no x-request-id"
    print(json.dumps({"operation": operation, "request_id": request_id, "prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}))


def messages():
    raw = anthropic.messages.with_raw_response.create(
        model=MODEL, max_tokens=12, messages=[{"role": "user", "content": PROMPT}], system="Answer briefly."
    )
    answer = raw.parse()
    assert answer.content[0].text.strip() and answer.stop_reason in ("end_turn", "max_tokens")
    book("messages", raw.headers["x-request-id"], answer.usage.input_tokens, answer.usage.output_tokens)


def streamed_messages():
    with anthropic.messages.stream(model=MODEL, max_tokens=12, messages=[{"role": "user", "content": PROMPT}]) as stream:
        assert "".join(stream.text_stream).strip()
        usage = stream.get_final_message().usage
        book("messages", stream.response.headers["x-request-id"], usage.input_tokens, usage.output_tokens)


def contents():
    answer = google.models.generate_content(model=MODEL, contents=PROMPT, config={"max_output_tokens": 12})
    assert answer.text.strip() and answer.candidates[0].finish_reason in ("STOP", "MAX_TOKENS")
    usage, headers = answer.usage_metadata, answer.sdk_http_response.headers
    book("generate_content", headers["x-request-id"], usage.prompt_token_count, usage.candidates_token_count)


def streamed_contents():
    chunks = list(google.models.generate_content_stream(model=MODEL, contents=PROMPT, config={"max_output_tokens": 12}))
    assert "".join(chunk.text or "" for chunk in chunks).strip()
    usage, headers = chunks[-1].usage_metadata, chunks[-1].sdk_http_response.headers
    book("generate_content", headers["x-request-id"], usage.prompt_token_count, usage.candidates_token_count)


for case in (messages, streamed_messages, contents, streamed_contents):
    case()
