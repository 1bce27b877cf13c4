"""Frameworks over the official client: langchain-openai, litellm, semantic-kernel.

Each does what its users do (chat, stream, tools, structured output, embeddings,
errors, waits after a 429) against the simulator itself. semantic-kernel refuses plain
HTTP: it gets the HTTPS listener, whose authority SSL_CERT_FILE names.
"""

import json
import math
import os
import time

import litellm
import openai
import pytest
from langchain_openai import AzureChatOpenAI, AzureOpenAIEmbeddings, ChatOpenAI
from pydantic import BaseModel
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import (
    AzureChatCompletion,
    AzureChatPromptExecutionSettings,
    AzureTextEmbedding,
)
from semantic_kernel.contents import ChatHistory
from semantic_kernel.exceptions import ServiceResponseException
from semantic_kernel.functions import kernel_function

pytestmark = pytest.mark.anyio

URL = os.environ["SIMULATOR_URL"]
HTTPS = os.environ["SIMULATOR_HTTPS_URL"]
KEY = os.environ["SIMULATOR_API_KEY"]
VERSION = "2024-10-21"
BUSY = "busy-payg-frameworks"
LATE = 1.0


class Weather(BaseModel):
    """Weather of a place."""

    city: str
    celsius: float
    windy: bool


def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"It is mild in {city}."


def schema(function) -> dict:
    parameters = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }
    return {
        "type": "function",
        "function": {"name": function.__name__, "description": function.__doc__, "parameters": parameters},
    }


# --- langchain-openai ---------------------------------------------------------


def langchain(deployment="modern", **options):
    made = {"azure_endpoint": URL, "api_key": KEY, "api_version": VERSION, **options}
    return AzureChatOpenAI(azure_deployment=deployment, **made)


async def test_langchain_chat_and_stream():
    whole = langchain(max_tokens=12).invoke("Tell me of a gateway.")
    assert whole.content and 0 < whole.usage_metadata["output_tokens"] <= 12
    chunks = [chunk async for chunk in langchain(max_tokens=12, stream_usage=True).astream("Tell me.")]
    used = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
    assert len(used) == 1
    assert len([chunk for chunk in chunks if chunk.content]) == used[0]["output_tokens"]


async def test_langchain_tools():
    asked = langchain().bind_tools([get_weather], tool_choice="get_weather").invoke("Weather in Oslo?")
    assert [call["name"] for call in asked.tool_calls] == ["get_weather"]
    assert set(asked.tool_calls[0]["args"]) == {"city"}
    assert not asked.invalid_tool_calls


async def test_langchain_structured_output():
    for method in ("json_schema", "function_calling"):
        found = langchain().with_structured_output(Weather, method=method).invoke("Weather in Oslo?")
        assert isinstance(found, Weather), method


async def test_langchain_responses():
    model = ChatOpenAI(base_url=f"{URL}/openai/v1/", api_key=KEY, model="modern", use_responses_api=True)
    answer = model.invoke("Tell me of a gateway.")
    assert answer.text and answer.usage_metadata["total_tokens"] > 0
    assert "".join(chunk.text for chunk in model.stream("Tell me of a gateway."))


async def test_langchain_embeddings():
    model = AzureOpenAIEmbeddings(
        azure_endpoint=URL,
        api_key=KEY,
        api_version=VERSION,
        azure_deployment="embedding",
        # It would fetch a vocabulary to cut long texts.
        check_embedding_ctx_length=False,
    )
    vectors = model.embed_documents(["a gateway", "a backend"])
    assert [len(vector) for vector in vectors] == [1536, 1536]
    assert math.hypot(*vectors[0]) == pytest.approx(1, abs=1e-3)


async def test_langchain_errors_and_waits():
    with pytest.raises(openai.NotFoundError):
        langchain("nowhere").invoke("hi")
    with pytest.raises(openai.AuthenticationError):
        langchain(api_key="wrong").invoke("hi")
    patient = langchain(BUSY, max_tokens=1, max_retries=9)
    start = time.monotonic()
    for _ in range(3):
        assert patient.invoke("hi").content is not None
    # One request a second: the third has waited once at least.
    assert time.monotonic() - start < 9 * LATE


# --- litellm ------------------------------------------------------------------


def azure(**options):
    return {"api_base": URL, "api_key": KEY, "api_version": VERSION, **options}


async def test_litellm_chat_and_stream():
    messages = [{"role": "user", "content": "Tell me of a gateway."}]
    whole = litellm.completion(model="azure/modern", messages=messages, max_tokens=12, **azure())
    assert whole.choices[0].message.content
    assert 0 < whole.usage.completion_tokens <= 12
    stream = await litellm.acompletion(
        model="azure/modern",
        messages=messages,
        max_tokens=12,
        stream=True,
        stream_options={"include_usage": True},
        **azure(),
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text
    assert chunks[-1].usage.completion_tokens <= 12


async def test_litellm_tools_and_structured_output():
    messages = [{"role": "user", "content": "Weather in Oslo?"}]
    asked = litellm.completion(
        model="azure/modern", messages=messages, tools=[schema(get_weather)], tool_choice="required", **azure()
    )
    call = asked.choices[0].message.tool_calls[0]
    assert call.function.name == "get_weather"
    assert set(json.loads(call.function.arguments)) == {"city"}
    found = litellm.completion(model="azure/modern", messages=messages, response_format=Weather, **azure())
    Weather.model_validate_json(found.choices[0].message.content)


async def test_litellm_embeddings_and_responses():
    found = litellm.embedding(model="azure/embedding", input=["a gateway"], **azure())
    assert len(found.data[0]["embedding"]) == 1536
    answer = litellm.responses(model="azure/modern", input="Tell me.", **azure(api_version="2025-04-01-preview"))
    assert answer.output and answer.usage.total_tokens > 0


async def test_litellm_errors_and_waits():
    messages = [{"role": "user", "content": "hi"}]
    with pytest.raises(litellm.NotFoundError):
        litellm.completion(model="azure/nowhere", messages=messages, **azure())
    with pytest.raises(litellm.AuthenticationError):
        litellm.completion(model="azure/modern", messages=messages, **azure(api_key="wrong"))
    with pytest.raises(litellm.RateLimitError):
        for _ in range(20):
            litellm.completion(
                model=f"azure/{BUSY}", messages=messages, max_tokens=1, max_retries=0, num_retries=0, **azure()
            )
    patient = litellm.completion(
        model=f"azure/{BUSY}", messages=messages, max_tokens=1, max_retries=9, **azure()
    )
    assert patient.choices


# --- semantic-kernel, over HTTPS ------------------------------------------------


def kernel_chat(deployment="modern"):
    return AzureChatCompletion(deployment_name=deployment, endpoint=HTTPS, api_key=KEY, api_version=VERSION)


def history(text="Tell me of a gateway."):
    messages = ChatHistory()
    messages.add_user_message(text)
    return messages


async def test_semantic_kernel_chat_and_stream():
    settings = AzureChatPromptExecutionSettings(max_tokens=12)
    whole = await kernel_chat().get_chat_message_content(history(), settings)
    assert whole.content
    stream = kernel_chat().get_streaming_chat_message_contents(history(), settings)
    text = "".join([part.content async for parts in stream for part in parts if part.content])
    assert text


async def test_semantic_kernel_tools():
    class Plugin:
        @kernel_function(description="Get the weather of a city.")
        def get_weather(self, city: str) -> str:
            return get_weather(city)

    kernel = Kernel()
    kernel.add_plugin(Plugin(), "weather")
    choice = FunctionChoiceBehavior.Auto(auto_invoke=False)
    settings = AzureChatPromptExecutionSettings(function_choice_behavior=choice)
    answer = await kernel_chat().get_chat_message_content(history("Weather in Oslo?"), settings, kernel=kernel)
    calls = [item for item in answer.items if item.content_type == "function_call"]
    assert calls and calls[0].name == "weather-get_weather"
    assert set(json.loads(calls[0].arguments)) == {"city"}


async def test_semantic_kernel_structured_output():
    settings = AzureChatPromptExecutionSettings(response_format=Weather)
    answer = await kernel_chat().get_chat_message_content(history(), settings)
    Weather.model_validate_json(answer.content)


async def test_semantic_kernel_embeddings_and_errors():
    service = AzureTextEmbedding(
        deployment_name="embedding", endpoint=HTTPS, api_key=KEY, api_version=VERSION
    )
    vectors = await service.generate_embeddings(["a gateway", "a backend"])
    assert vectors.shape == (2, 1536)
    with pytest.raises(ServiceResponseException):
        await kernel_chat("nowhere").get_chat_message_content(history(), AzureChatPromptExecutionSettings())
