"""What every case is given, and the list of all cases.

A case is a function of one `Context` for one client dialect. It runs once for every upstream dialect,
straight against the scripted upstream (only where the dialects are the same) or through the proxy.
The prompt asks the scripted upstream for what it should do: see `ask`.
"""

import base64
import json
import time
import urllib.request
import uuid
from dataclasses import dataclass, field

CASES = []

# A red picture of one pixel, and the smallest document that is one.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
PNG_TEXT = base64.b64encode(PNG).decode()
PDF_TEXT = base64.b64encode(PDF).decode()

SENTENCE = "The capital of France is Paris."
UNICODE = "Grüße aus Zürich 🇨🇭 – 東京は晴れ ☀️, \"quoted\" \\ and a family: 👨‍👩‍👧. \u2028 Ελλάδα"

# What the scripted upstream reports unless told otherwise.
INPUT, CACHED, OUTPUT, REASONING = 120, 20, 30, 10

# How long an abort may take to reach the upstream, in milliseconds.
CANCEL_LIMIT_MS = 250

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Where"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
PARALLEL_STEP = [
    {"name": "get_weather", "args": {"city": "Zürich", "days": 1}},
    {"name": "get_weather", "args": {"city": "東京", "days": 2}},
]
PARALLEL_ARGS = [step["args"] for step in PARALLEL_STEP]


class Skip(Exception):
    """This case says nothing about this pair; the text says why."""


@dataclass
class Context:
    """Where to call, and what is behind it."""

    base_url: str
    key: str
    mock_url: str
    model: str
    upstream: str
    is_direct: bool
    embedding_models: dict = field(default_factory=dict)

    @property
    def reasoning(self):
        """The reasoning tokens a client is told when it asked to think."""
        return REASONING

    def only(self, *upstreams, why):
        if self.upstream not in upstreams:
            raise Skip(why)

    def through_proxy(self, why="the gateway's own behaviour"):
        if self.is_direct:
            raise Skip(why)

    def calls(self, mark):
        """The upstream's calls that hold `mark`, once they have ended."""
        with urllib.request.urlopen(f"{self.mock_url}/mock/calls/{mark}", timeout=30) as answer:
            return json.load(answer)

    def check_cancelled(self, mark, aborted_at):
        """The upstream saw its client leave soon after `aborted_at`, a `now_ms()`."""
        calls = self.calls(mark)
        assert calls, "the upstream never saw the call"
        call = calls[-1]
        assert call["end"] == "peer_closed", f"the upstream's call ended as {call['end']}"
        late = call["closed_ms"] - aborted_at
        assert late <= CANCEL_LIMIT_MS, f"the upstream saw the abort after {late} ms"


def case(*clients):
    """Registers a case for client dialects."""

    def register(function):
        for client in clients:
            CASES.append((client, function.__name__, function))
        return function

    return register


def ask(text="What is the capital of France?", **directive):
    """A prompt that also tells the scripted upstream what to do."""
    return f"{text} [mock {json.dumps(directive)}]" if directive else text


def mark():
    return f"mark-{uuid.uuid4().hex}"


def now_ms():
    return int(time.time() * 1000)


def same(left, right, what=""):
    assert left == right, f"{what}: {left!r} is not {right!r}"


def raises(kinds, call):
    """The error of one of `kinds` that `call` raises."""
    try:
        call()
    except kinds as error:
        return error
    except Exception as error:  # the report names what came instead
        raise AssertionError(f"raised {type(error).__name__} ({error}) and not {kinds}") from error
    raise AssertionError(f"did not raise {kinds}")


def echoed(text):
    """What the upstream saw of the request."""
    return json.loads(text)
