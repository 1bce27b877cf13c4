"""The common cases with semantic-kernel: `azure` is its Azure services, given an
endpoint, `v1` its OpenAI services, given an official client for Azure's v1 surface.

It takes HTTPS endpoints only: SSL_CERT_FILE names the authority of the simulator's
certificate. Its services are all async. It waits and retries by the official client;
its errors are its own, caused by the official ones.
"""

import base64
import json
import math
import os

import control
import openai
import pytest
from semantic_kernel import Kernel
from semantic_kernel.agents import AzureResponsesAgent, OpenAIResponsesAgent
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import (
    AzureAudioToText,
    AzureChatCompletion,
    AzureTextEmbedding,
    AzureTextToAudio,
    AzureTextToImage,
    OpenAIAudioToText,
    OpenAIChatCompletion,
    OpenAIChatPromptExecutionSettings,
    OpenAIEmbeddingPromptExecutionSettings,
    OpenAITextEmbedding,
    OpenAITextToAudio,
    OpenAITextToAudioExecutionSettings,
    OpenAITextToImage,
)
from semantic_kernel.connectors.ai.open_ai.exceptions.content_filter_ai_exception import ContentFilterAIException
from semantic_kernel.connectors.ai.open_ai.prompt_execution_settings.open_ai_text_to_image_execution_settings import (
    ImageSize,
)
from semantic_kernel.contents import AudioContent, ChatHistory
from semantic_kernel.exceptions import ServiceResponseException
from semantic_kernel.functions import kernel_function
from tasks import API_VERSION, CHAT, EMBEDDING, FILTERED, PROMPT, TEXTS, Place, Weather, get_time, get_weather, sound

pytestmark = pytest.mark.anyio

FORMS = ["semantic-kernel/azure", "semantic-kernel/v1"]
HTTPS = os.environ["SIMULATOR_HTTPS_URL"]


def client(form, key=control.KEY, **options):
    if form == "semantic-kernel/v1":
        return openai.AsyncOpenAI(base_url=f"{HTTPS}/openai/v1/", api_key=key, **options)
    return openai.AsyncAzureOpenAI(azure_endpoint=HTTPS, api_version=API_VERSION, api_key=key, **options)


def service(form, azure, stock, deployment, key=control.KEY, **options):
    if form == "semantic-kernel/v1":
        return stock(ai_model_id=deployment, async_client=client(form, key, **options))
    whom = {"deployment_name": deployment, "endpoint": HTTPS, "api_key": key, "api_version": API_VERSION}
    return azure(**whom, **options)


def chat(form, deployment=CHAT, **options):
    return service(form, AzureChatCompletion, OpenAIChatCompletion, deployment, **options)


def history(text=PROMPT) -> ChatHistory:
    messages = ChatHistory()
    messages.add_user_message(text)
    return messages


def settings(**options) -> OpenAIChatPromptExecutionSettings:
    return OpenAIChatPromptExecutionSettings(**options)


async def answer(asked, text=PROMPT, kernel=None, **options):
    return await asked.get_chat_message_content(history(text), settings(**options), kernel=kernel)


class Town:
    """Tools, which write down how they are called."""

    def __init__(self) -> None:
        self.cities: list[str] = []

    @kernel_function(description="Get the weather of a city.")
    def get_weather(self, city: str) -> str:
        self.cities.append(city)
        return get_weather(city)

    @kernel_function(description="Get the time of a city.")
    def get_time(self, city: str) -> str:
        self.cities.append(city)
        return get_time(city)


def equipped() -> tuple[Kernel, Town]:
    kernel, town = Kernel(), Town()
    kernel.add_plugin(town, "town")
    return kernel, town


async def test_chat(form):
    whole = await answer(chat(form), max_tokens=12)
    assert whole.content and 0 < whole.metadata["usage"].completion_tokens <= 12


async def test_chat_stream(form):
    streaming = settings(max_tokens=12, stream_options={"include_usage": True})
    stream = chat(form).get_streaming_chat_message_contents(history(), streaming)
    parts = [part async for group in stream for part in group]
    used = [part.metadata["usage"].completion_tokens for part in parts if part.metadata.get("usage")]
    assert 1 < len([part for part in parts if part.content]) == sum(used) <= 12


async def test_tool_single(form):
    # The kernel calls the function and sends its result back by itself.
    kernel, town = equipped()
    auto = FunctionChoiceBehavior.Auto()
    told = await answer(
        chat(form, "parallel"), kernel=kernel, function_choice_behavior=auto, parallel_tool_calls=False
    )
    assert told.content and len(town.cities) == 1


async def test_tools_parallel(form):
    kernel, town = equipped()
    told = await answer(chat(form, "parallel"), kernel=kernel, function_choice_behavior=FunctionChoiceBehavior.Auto())
    assert told.content and 1 < len(town.cities) and all(town.cities)


async def test_tool_forced(form):
    # It has no way to name one: it sends "required", with that one alone.
    required = FunctionChoiceBehavior.Required(
        auto_invoke=False, filters={"included_functions": ["town-get_time"]}
    )
    asked = await answer(chat(form), kernel=equipped()[0], function_choice_behavior=required)
    calls = [item for item in asked.items if item.content_type == "function_call"]
    assert {one.name for one in calls} == {"town-get_time"}
    assert all(Place.model_validate(json.loads(one.arguments)) for one in calls)


async def test_tool_stream(form):
    kernel, town = equipped()
    auto = settings(function_choice_behavior=FunctionChoiceBehavior.Auto())
    stream = chat(form, "parallel").get_streaming_chat_message_contents(history(), auto, kernel=kernel)
    text = "".join([part.content async for group in stream for part in group if part.content])
    assert text and 1 < len(town.cities) and all(town.cities)


async def test_structured_output(form):
    # It sends the type's schema; reading the answer is the caller's.
    Weather.model_validate_json((await answer(chat(form), response_format=Weather)).content)


async def vectors(form, **options):
    embedding = service(form, AzureTextEmbedding, OpenAITextEmbedding, EMBEDDING)
    return await embedding.generate_embeddings(TEXTS, OpenAIEmbeddingPromptExecutionSettings(**options))


async def test_embeddings_float(form):
    found = await vectors(form, encoding_format="float")
    assert found.shape == (2, 1536) and math.hypot(*found[0]) == pytest.approx(1, abs=1e-3)


async def test_embeddings_base64(form):
    # What the official client asks for by itself.
    assert (await vectors(form)) == pytest.approx(await vectors(form, encoding_format="float"), rel=1e-6)


def agent(form, deployment=CHAT, **options):
    kind = OpenAIResponsesAgent if form == "semantic-kernel/v1" else AzureResponsesAgent
    return kind(ai_model_id=deployment, client=client(form), name="guide", **options)


async def test_responses(form):
    found = await agent(form, instructions="Be brief.").get_response(messages=PROMPT)
    assert found.message.content


async def test_responses_stream(form):
    parts = [part.message.content async for part in agent(form).invoke_stream(messages=PROMPT)]
    assert 1 < len([part for part in parts if part])


async def test_responses_previous(form):
    first = await agent(form).get_response(messages=PROMPT)
    second = await agent(form).get_response(messages="And of a backend?", thread=first.thread)
    usage = [one.message.metadata["usage"] for one in (first, second)]
    assert usage[1]["input_tokens"] > usage[0]["total_tokens"]


async def test_responses_tools(form):
    town = Town()
    told = await agent(form, "parallel", plugins=[town]).get_response(messages=PROMPT)
    assert told.message.content and 1 < len(town.cities) and all(town.cities)


async def test_responses_structured(form):
    text = OpenAIResponsesAgent.configure_response_format(Weather)
    found = await agent(form, text=text).get_response(messages=PROMPT)
    Weather.model_validate_json(found.message.content)


async def test_images(form):
    painter = service(form, AzureTextToImage, OpenAITextToImage, "image")
    size = ImageSize(width=1024, height=1024)
    pictures = await painter.generate_images("A gateway.", size=size, quality="low")
    assert base64.b64decode(pictures[0]).startswith(b"\x89PNG")


async def test_transcription(form, tmp_path):
    file = tmp_path / "silence.wav"
    file.write_bytes(sound().read())
    listener = service(form, AzureAudioToText, OpenAIAudioToText, "whisper")
    assert (await listener.get_text_contents(AudioContent(uri=str(file))))[0].text


async def test_speech(form):
    speaker = service(form, AzureTextToAudio, OpenAITextToAudio, "speech")
    wav = OpenAITextToAudioExecutionSettings(voice="alloy", response_format="wav")
    assert (await speaker.get_audio_contents(PROMPT, wav))[0].data.startswith(b"RIFF")


async def failure(form, kind, **options) -> Exception:
    with pytest.raises(ServiceResponseException) as refused:
        await answer(chat(form, **options.pop("service", {})), **options)
    assert isinstance(refused.value.__cause__, kind)
    return refused.value.__cause__


async def test_error_401(form):
    await failure(form, openai.AuthenticationError, service={"key": "not-a-key"})


async def test_error_404(form):
    cause = await failure(form, openai.NotFoundError, service={"deployment": "nowhere"})
    assert cause.code == "DeploymentNotFound"


async def test_error_400(form):
    # It checks a temperature by itself; how much a model can say it leaves to the service.
    cause = await failure(form, openai.BadRequestError, max_tokens=1_000_000)
    assert cause.param == "max_tokens"


async def test_error_filter(form):
    with pytest.raises(ContentFilterAIException) as refused:
        await answer(chat(form), FILTERED[0]["content"])
    assert refused.value.content_filter_result["violence"].filtered


async def test_retry_after_ms(form):
    headers = control.refused_once()
    await answer(chat(form, default_headers=headers))
    control.check_waited(headers)


async def test_busy(form):
    for _ in range(control.PROVOCATIONS):
        headers = control.correlated()
        await answer(chat(form, "busy-payg-kernel", default_headers=headers), max_tokens=1)
        if control.was_refused(headers):
            return
    pytest.fail("never refused")
