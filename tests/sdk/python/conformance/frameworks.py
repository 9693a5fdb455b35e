"""LangChain's own clients of the four dialects: what frameworks add is tools, schemas and streams."""

from case import INPUT, OUTPUT, PARALLEL_STEP, PNG_TEXT, SENTENCE, UNICODE, ask, case, echoed, same
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, Field

FRAMEWORKS = ("langchain-chat", "langchain-responses", "langchain-messages", "langchain-gemini")


class City(BaseModel):
    """A city."""

    name: str = Field(description="Its name")
    population: int


@tool
def get_weather(city: str, days: int) -> str:
    """The weather."""
    return f"sun in {city} for {days}"


def model(it, client, **options):
    if client == "langchain-messages":
        return ChatAnthropic(model=it.model, base_url=it.base_url, api_key=it.key, max_retries=0, **{"max_tokens": 1_000, **options})
    if client == "langchain-gemini":
        return ChatGoogleGenerativeAI(model=it.model, base_url=it.base_url, google_api_key=it.key, max_retries=1, **options)
    options |= {"use_responses_api": True, "store": False} if client == "langchain-responses" else {}
    return ChatOpenAI(model=it.model, base_url=f"{it.base_url}/v1", api_key=it.key, max_retries=0, **options)


def framework(function):
    """Registers a case for every framework."""
    for client in FRAMEWORKS:

        def bound(it, client=client):
            function(it, lambda **options: model(it, client, **options))

        bound.__name__ = function.__name__
        case(client)(bound)
    return function


def text(message):
    content = message.content
    if isinstance(content, str):
        return content
    return "".join(block if isinstance(block, str) else block.get("text", "") for block in content if isinstance(block, str) or block.get("type") == "text")


def check_usage(message):
    usage = message.usage_metadata
    same((usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]), (INPUT, OUTPUT, INPUT + OUTPUT))


@framework
def invokes(it, model):
    answer = model().invoke([SystemMessage("Be brief."), HumanMessage(ask())])
    same(text(answer), SENTENCE)
    check_usage(answer)


@framework
def streams(it, model):
    options = {"stream_usage": True} if it.upstream == "never" else {}
    whole = None
    for chunk in model(**options).stream(ask(say=UNICODE)):
        whole = chunk if whole is None else whole + chunk
    same(text(whole), UNICODE)


@framework
def loops_with_tools(it, model):
    bound = model().bind_tools([get_weather])
    messages = [HumanMessage(ask("Weather?", steps=[PARALLEL_STEP, ["get_weather"]]))]
    for count in (2, 1):
        answer = bound.invoke(messages)
        same(len(answer.tool_calls), count)
        messages.append(answer)
        messages += [get_weather.invoke(call) for call in answer.tool_calls]
    assert isinstance(messages[-1], ToolMessage)
    assert text(bound.invoke(messages)).startswith("get_weather said sun in"), messages


@framework
def loops_with_streamed_tools(it, model):
    bound = model().bind_tools([get_weather])
    whole = None
    for chunk in bound.stream(ask("Weather?", steps=[PARALLEL_STEP])):
        whole = chunk if whole is None else whole + chunk
    same([call["args"] for call in whole.tool_calls], [step["args"] for step in PARALLEL_STEP])


@framework
def structures_output(it, model):
    same(model().with_structured_output(City).invoke(ask()).population, 3)


@framework
def sees(it, model):
    content = [{"type": "text", "text": ask("What?", echo=True)}, {"type": "image", "base64": PNG_TEXT, "mime_type": "image/png"}]
    same(len(echoed(text(model().invoke([HumanMessage(content)])))["media"]), 1)


@case("langchain-chat")
def embeds(it):
    name = it.embedding_models.get(it.upstream)
    if name:
        embedder = OpenAIEmbeddings(model=name, base_url=f"{it.base_url}/v1", api_key=it.key, check_embedding_ctx_length=False, max_retries=0)
        same(len(embedder.embed_documents(["cat", "kitten"])), 2)
