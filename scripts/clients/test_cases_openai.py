"""The common cases with the official client for Python.

`azure` is AzureOpenAI on dated paths; `v1` and `openai` are OpenAI on Azure's v1 surface
and on a resource in OpenAI's dress; each sync and async.
"""

import base64
import math

import control
import openai
import pytest
from cells import OPENAI, SIMULATOR, Cell, Connect, collect, settle
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


class Form(Cell):
    def __str__(self) -> str:
        return f"python/{self.form}/{self.mode}"


FORMS = [Form(form, mode, "simulator") for form in ("azure", "v1", "openai") for mode in ("sync", "async")]


@pytest.fixture
async def client(form):
    """A client, or with options of its own another."""
    async with Connect(form) as connect:
        yield lambda **options: connect(CHAT, api_version=API_VERSION, **options)[0]


def url(form: Form) -> str:
    return OPENAI if form.form == "openai" else SIMULATOR


async def chat(client, **request):
    return await settle(client.chat.completions.create(**{"model": CHAT, "messages": MESSAGES, **request}))


async def test_chat(client):
    answer = await chat(client(), max_tokens=12)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason in ("stop", "length")
    usage = answer.usage
    assert 0 < usage.completion_tokens <= 12
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


async def test_chat_stream(client):
    options = {"stream": True, "stream_options": {"include_usage": True}}
    chunks = await collect(chat(client(), max_tokens=12, **options))
    pieces = [c.delta.content for chunk in chunks for c in chunk.choices if c.delta.content]
    assert 1 < len(pieces) == chunks[-1].usage.completion_tokens <= 12
    assert [bool(chunk.usage) for chunk in chunks].count(True) == 1


async def answered(client, model, **request):
    """Asks with tools, sends the results back, and returns the calls."""
    asked = (await chat(client, model=model, tools=TOOLS, **request)).choices[0]
    assert asked.finish_reason == "tool_calls" and asked.message.content is None
    calls = asked.message.tool_calls
    results = [
        {"role": "tool", "tool_call_id": c.id, "content": call(c.function.name, c.function.arguments)}
        for c in calls
    ]
    told = await chat(client, model=model, tools=TOOLS, messages=[*MESSAGES, asked.message, *results])
    assert told.choices[0].message.content and not told.choices[0].message.tool_calls
    return calls


async def test_tool_single(client):
    assert len(await answered(client(), "parallel", parallel_tool_calls=False)) == 1


async def test_tools_parallel(client):
    calls = await answered(client(), "parallel")
    assert 1 < len(calls) == len({one.id for one in calls})


async def test_tool_forced(client):
    forced = {"type": "function", "function": {"name": "get_time"}}
    asked = (await chat(client(), tools=TOOLS, tool_choice=forced)).choices[0]
    assert {one.function.name for one in asked.message.tool_calls} == {"get_time"}
    assert asked.finish_reason == "stop"


async def test_tool_stream(client):
    chunks = await collect(chat(client(), model="parallel", tools=TOOLS, stream=True))
    calls: dict[int, list[str]] = {}
    for fragment in [f for chunk in chunks for c in chunk.choices for f in c.delta.tool_calls or []]:
        name, arguments = fragment.function.name, fragment.function.arguments
        entry = calls.setdefault(fragment.index, [name, ""])
        assert (name is None) == (entry[1] != "" or name != entry[0])
        entry[1] += arguments
    assert list(calls) == list(range(len(calls))) and 1 < len(calls)
    assert all(call(name, arguments) for name, arguments in calls.values())


async def test_structured_output(client):
    parse = client().chat.completions.parse
    answer = await settle(parse(model=CHAT, messages=MESSAGES, response_format=Weather))
    assert isinstance(answer.choices[0].message.parsed, Weather)


async def vectors(client, encoding):
    request = {"model": EMBEDDING, "input": TEXTS, "encoding_format": encoding}
    answer = await settle(client.embeddings.create(**request))
    assert answer.usage.total_tokens == answer.usage.prompt_tokens > 0
    return [vector.embedding for vector in answer.data]


async def test_embeddings_float(client):
    for vector in await vectors(client(), "float"):
        assert len(vector) == 1536 and math.hypot(*vector) == pytest.approx(1, abs=1e-3)


async def test_embeddings_base64(client):
    # Without `encoding_format` the client asks for base64 and decodes it.
    decoded = await settle(client().embeddings.create(model=EMBEDDING, input=TEXTS))
    exact = await vectors(client(), "float")
    assert all(isinstance(text, str) for text in await vectors(client(), "base64"))
    for left, right in zip(decoded.data, exact, strict=True):
        assert list(left.embedding) == pytest.approx(right, rel=1e-6)


async def respond(client, **request):
    return await settle(client.responses.create(**{"model": CHAT, "input": PROMPT, **request}))


async def test_responses(client):
    answer = await respond(client(), max_output_tokens=40, instructions="Be brief.")
    assert answer.output_text and answer.status in ("completed", "incomplete")
    usage = answer.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens


async def test_responses_stream(client):
    events = await collect(respond(client(), stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text and text == events[-1].response.output_text


async def test_responses_retrieve(client):
    client = client()
    made = await respond(client)
    kept = await settle(client.responses.retrieve(made.id))
    assert kept.output_text == made.output_text
    listed = await settle(client.responses.input_items.list(made.id))
    assert [item.content[0].text for item in listed.data] == [PROMPT]
    await settle(client.responses.delete(made.id))
    with pytest.raises(openai.NotFoundError):
        await settle(client.responses.retrieve(made.id))


async def test_responses_previous(client):
    first = await respond(client())
    second = await respond(client(), input="And of a backend?", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    assert second.usage.input_tokens > first.usage.total_tokens


async def test_responses_tools(client):
    asked = await respond(client(), model="parallel", tools=RESPONSE_TOOLS)
    calls = [item for item in asked.output if item.type == "function_call"]
    assert 1 < len(calls)
    results = [
        {"type": "function_call_output", "call_id": c.call_id, "output": call(c.name, c.arguments)} for c in calls
    ]
    told = await respond(
        client(), model="parallel", tools=RESPONSE_TOOLS, input=results, previous_response_id=asked.id
    )
    assert told.output_text


async def test_responses_structured(client):
    answer = await settle(client().responses.parse(model=CHAT, input=PROMPT, text_format=Weather))
    assert isinstance(answer.output_parsed, Weather)


async def test_images(client):
    request = {"model": "image", "prompt": "A gateway.", "size": "1024x1024", "quality": "low"}
    answer = await settle(client().images.generate(**request))
    assert base64.b64decode(answer.data[0].b64_json).startswith(b"\x89PNG\r\n\x1a\n")
    assert answer.usage.output_tokens == 272


async def test_transcription(client):
    create = client().audio.transcriptions.create
    answer = await settle(create(model="whisper", file=sound(), response_format="verbose_json"))
    assert answer.text and answer.duration == pytest.approx(1)
    subtitles = await settle(create(model="whisper", file=sound(), response_format="srt"))
    assert "-->" in subtitles


async def test_speech(client):
    create = client().audio.speech.create
    answer = await settle(create(model="speech", voice="alloy", input=PROMPT, response_format="wav"))
    assert answer.content.startswith(b"RIFF")


async def test_models(client):
    page = await settle(client().models.list())
    assert page.data and all(model.object == "model" for model in page.data)
    one = await settle(client().models.retrieve(page.data[0].id))
    assert one.id == page.data[0].id


async def test_moderation(client):
    create = client().moderations.create
    answer = await settle(create(model="omni-moderation-latest", input=["I like gateways.", "I will kill you."]))
    assert [result.flagged for result in answer.results] == [False, True]
    assert answer.results[1].categories.violence


async def test_error_401(client):
    with pytest.raises(openai.AuthenticationError) as refused:
        await chat(client(key="not-a-key"))
    assert refused.value.status_code == 401


async def test_error_404(form):
    async with Connect(form) as connect:
        client, _ = connect("nowhere", api_version=API_VERSION)
        with pytest.raises(openai.NotFoundError) as refused:
            await chat(client, model="nowhere")
    assert refused.value.code == ("model_not_found" if form.form == "openai" else "DeploymentNotFound")


async def test_error_400(client):
    with pytest.raises(openai.BadRequestError) as refused:
        await chat(client(), temperature=-1)
    assert (refused.value.param, refused.value.code) == ("temperature", "decimal_below_min_value")


async def test_error_filter(client):
    with pytest.raises(openai.BadRequestError) as refused:
        await chat(client(), messages=FILTERED)
    assert refused.value.code == "content_filter"
    assert refused.value.body["innererror"]["content_filter_result"]["violence"]["filtered"]


async def test_retry_after_ms(form, client):
    headers = control.refused_once(url(form))
    assert (await chat(client(headers=headers, max_retries=2))).choices
    control.check_waited(headers, url(form))


async def test_busy(form, client):
    model = "busy-payg-python-cases"
    for _ in range(control.PROVOCATIONS):
        headers = control.correlated()
        await chat(client(headers=headers, max_retries=2), model=model, max_tokens=1)
        if control.was_refused(headers, url(form)):
            return
    pytest.fail("never refused")
