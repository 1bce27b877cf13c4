"""The common cases with litellm's SDK: `azure` is its provider azure/ on dated paths,
`openai` its provider openai/ on a resource in OpenAI's dress.

It waits and retries by the official client it stands on; its errors are its own.
"""

import base64
import math

import control
import litellm
import pytest
from cells import OPENAI
from tasks import (
    API_VERSION,
    CHAT,
    EMBEDDING,
    FILTERED,
    MESSAGES,
    PROMPT,
    RESPONSE_TOOLS,
    TEXTS,
    TOOLS,
    Weather,
    call,
    sound,
)

pytestmark = pytest.mark.anyio

FORMS = ["litellm/azure", "litellm/openai"]


def url(form) -> str:
    return OPENAI if form == "litellm/openai" else control.URL


def to(form, deployment=CHAT, **options) -> dict:
    """The arguments that say whom to ask, and how often.

    litellm keeps the client of an Azure endpoint, with the retries of its first call.
    """
    options = {"api_key": control.KEY, "max_retries": 2, **options}
    if form == "litellm/openai":
        return {"model": f"openai/{deployment}", "api_base": f"{OPENAI}/v1", **options}
    return {"model": f"azure/{deployment}", "api_base": control.URL, "api_version": API_VERSION, **options}


def chat(form, deployment=CHAT, **request):
    return litellm.acompletion(**{"messages": MESSAGES, **to(form, deployment), **request})


async def test_chat(form):
    whole = litellm.completion(messages=MESSAGES, max_tokens=12, **to(form))
    for answer in (whole, await chat(form, max_tokens=12)):
        assert answer.choices[0].message.content
        assert 0 < answer.usage.completion_tokens <= 12


async def test_chat_stream(form):
    stream = await chat(form, max_tokens=12, stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    pieces = [c.delta.content for chunk in chunks for c in chunk.choices if c.delta.content]
    assert 1 < len(pieces) == chunks[-1].usage.completion_tokens <= 12


async def answered(form, **request):
    """Asks with tools, sends the results back, and returns the calls."""
    asked = (await chat(form, "parallel", tools=TOOLS, **request)).choices[0]
    assert asked.finish_reason == "tool_calls"
    calls = asked.message.tool_calls
    results = [
        {"role": "tool", "tool_call_id": c.id, "content": call(c.function.name, c.function.arguments)}
        for c in calls
    ]
    told = await chat(form, "parallel", tools=TOOLS, messages=[*MESSAGES, asked.message, *results])
    assert told.choices[0].message.content
    return calls


async def test_tool_single(form):
    assert len(await answered(form, parallel_tool_calls=False)) == 1


async def test_tools_parallel(form):
    calls = await answered(form)
    assert 1 < len(calls) == len({one.id for one in calls})


async def test_tool_forced(form):
    forced = {"type": "function", "function": {"name": "get_time"}}
    asked = (await chat(form, tools=TOOLS, tool_choice=forced)).choices[0]
    assert {one.function.name for one in asked.message.tool_calls} == {"get_time"}


async def test_tool_stream(form):
    stream = await chat(form, "parallel", tools=TOOLS, stream=True)
    whole = litellm.stream_chunk_builder([chunk async for chunk in stream])
    calls = whole.choices[0].message.tool_calls
    assert 1 < len(calls) and all(call(c.function.name, c.function.arguments) for c in calls)


async def test_structured_output(form):
    # It sends the type's schema; reading the answer is the caller's.
    answer = await chat(form, response_format=Weather)
    Weather.model_validate_json(answer.choices[0].message.content)


async def vectors(form, encoding):
    found = await litellm.aembedding(input=TEXTS, encoding_format=encoding, **to(form, EMBEDDING))
    return [vector["embedding"] for vector in found.data]


async def test_embeddings_float(form):
    for vector in await vectors(form, "float"):
        assert len(vector) == 1536 and math.hypot(*vector) == pytest.approx(1, abs=1e-3)


async def test_embeddings_base64(form):
    # It hands on what it got.
    assert [len(base64.b64decode(text)) for text in await vectors(form, "base64")] == [4 * 1536] * 2


def respond(form, deployment=CHAT, **request):
    return litellm.aresponses(**{"input": PROMPT, **to(form, deployment), **request})


async def test_responses(form):
    answer = await respond(form)
    assert answer.output_text
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens


async def test_responses_stream(form):
    events = [event async for event in await respond(form, stream=True)]
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text and text == events[-1].response.output_text


async def test_responses_retrieve(form):
    made = await respond(form)
    whom = {key: value for key, value in to(form).items() if key not in ("model", "max_retries")}
    whom |= {"response_id": made.id, "custom_llm_provider": form.removeprefix("litellm/")}
    assert (await litellm.aget_responses(**whom)).output_text == made.output_text
    assert (await litellm.adelete_responses(**whom)).deleted


async def test_responses_previous(form):
    first = await respond(form)
    second = await respond(form, input="And of a backend?", previous_response_id=first.id)
    assert second.usage.input_tokens > first.usage.total_tokens


async def test_responses_tools(form):
    asked = await respond(form, "parallel", tools=RESPONSE_TOOLS)
    calls = [item for item in asked.output if item.type == "function_call"]
    assert 1 < len(calls)
    results = [
        {"type": "function_call_output", "call_id": c.call_id, "output": call(c.name, c.arguments)} for c in calls
    ]
    told = await respond(form, "parallel", tools=RESPONSE_TOOLS, input=results, previous_response_id=asked.id)
    assert told.output_text


async def test_responses_structured(form):
    answer = await respond(form, text_format=Weather)
    Weather.model_validate_json(answer.output_text)


async def test_images(form):
    request = {"prompt": "A gateway.", "size": "1024x1024", "quality": "low"}
    answer = await litellm.aimage_generation(**request, **to(form, "image"))
    assert base64.b64decode(answer.data[0].b64_json).startswith(b"\x89PNG")


async def test_transcription(form):
    answer = await litellm.atranscription(file=sound(), **to(form, "whisper"))
    assert answer.text


async def test_speech(form):
    answer = await litellm.aspeech(input=PROMPT, voice="alloy", response_format="wav", **to(form, "speech"))
    assert answer.content.startswith(b"RIFF")


async def test_moderation(form):
    answer = await litellm.amoderation(input="I will kill you.", **to(form, "omni-moderation-latest"))
    assert answer.results[0].flagged


async def test_error_401(form):
    with pytest.raises(litellm.AuthenticationError):
        await chat(form, api_key="not-a-key")


async def test_error_404(form):
    with pytest.raises(litellm.NotFoundError):
        await chat(form, "nowhere")


async def test_error_400(form):
    with pytest.raises(litellm.BadRequestError) as refused:
        await chat(form, temperature=-1)
    assert "temperature" in str(refused.value)


async def test_error_filter(form):
    with pytest.raises(litellm.ContentPolicyViolationError):
        await chat(form, messages=FILTERED)


async def test_retry_after_ms(form):
    headers = control.refused_once(url(form))
    await chat(form, extra_headers=headers)
    control.check_waited(headers, url(form))


async def test_busy(form):
    for _ in range(control.PROVOCATIONS):
        headers = control.correlated()
        await chat(form, "busy-payg-litellm", extra_headers=headers, max_tokens=1)
        if control.was_refused(headers, url(form)):
            return
    pytest.fail("never refused")
