"""Asks through the official SDKs, with the retries they make by default, where a budget refuses.

The environment says where: BASE_URL, API_KEY. It prints one JSON line for each client: what it raised.
"""

import json
import os

import anthropic
import openai
from google import genai
from google.genai import errors

BASE_URL, KEY = os.environ["BASE_URL"], os.environ["API_KEY"]
PROMPT = "What is the capital of France?"


def tell(client, error, status):
    print(json.dumps({"client": client, "error": type(error).__name__, "status": status, "message": str(error)}))


def raises(client, call):
    try:
        call()
    except (openai.APIStatusError, anthropic.APIStatusError) as error:
        tell(client, error, error.status_code)
    except errors.APIError as error:
        tell(client, error, error.code)
    else:
        raise AssertionError(f"{client} was answered")


chat = openai.OpenAI(base_url=f"{BASE_URL}/v1", api_key=KEY)
messages = anthropic.Anthropic(base_url=BASE_URL, api_key=KEY)
google = genai.Client(api_key=KEY, http_options={"base_url": BASE_URL})
said = [{"role": "user", "content": PROMPT}]

raises("chat", lambda: chat.chat.completions.create(model="evil-chat", messages=said, max_tokens=20))
raises("responses", lambda: chat.responses.create(model="evil-responses", input=PROMPT, max_output_tokens=20))
raises("messages", lambda: messages.messages.create(model="evil-messages", messages=said, max_tokens=20))
raises("gemini", lambda: google.models.generate_content(model="evil-gemini", contents=PROMPT))
