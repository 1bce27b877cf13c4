"""The official openai client for Python, in every cell of the matrix.

A check is written once: `settle` and `collect` take the results of both the
sync and the async clients.
"""

import math
import uuid

import openai
import pytest
from cells import CELLS, Connect, collect, settle
from control import journal

pytestmark = pytest.mark.anyio


# Of module scope, so that the checks of a cell run, and are listed, together.
@pytest.fixture(scope="module", params=CELLS, ids=str)
def cell(request):
    return request.param


@pytest.fixture
async def connect(cell):
    async with Connect(cell) as connect:
        yield connect


CHAT = "chat"
EMBEDDING = "embedding"
MESSAGES = [{"role": "user", "content": "Tell me of a gateway, in one sentence."}]

# The machine may be busy: between a refusal's answer and the retry there is the
# wait, and whatever else runs. Early is a fault, a second late is not.
LATE = 1.0
# How often to try to be refused. Three calls must fall into about a second;
# only a machine that stands still for that long needs a second try.
PROVOCATIONS = 10


async def test_chat(connect):
    client, _ = connect(CHAT)
    answer = await settle(client.chat.completions.create(model=CHAT, messages=MESSAGES, max_tokens=12))
    assert answer.object == "chat.completion"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason in ("stop", "length")
    usage = answer.usage
    assert 0 < usage.completion_tokens <= 12
    assert usage.prompt_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


async def test_chat_stream(connect):
    client, _ = connect(CHAT)
    chunks = await collect(
        client.chat.completions.create(
            model=CHAT, messages=MESSAGES, max_tokens=12, stream=True, stream_options={"include_usage": True}
        )
    )
    choices = [choice for chunk in chunks for choice in chunk.choices]
    pieces = [choice.delta.content for choice in choices if choice.delta.content]
    finish = [choice.finish_reason for choice in choices if choice.finish_reason]
    assert len(finish) == 1 and finish[0] in ("stop", "length")
    # Usage comes once, in the last chunk, which has no choices.
    assert [chunk.usage is not None for chunk in chunks].count(True) == 1
    usage = chunks[-1].usage
    assert chunks[-1].choices == []
    # A chunk is a token.
    assert 1 < len(pieces) == usage.completion_tokens <= 12
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


async def test_chat_stream_without_usage(connect):
    client, _ = connect(CHAT)
    chunks = await collect(
        client.chat.completions.create(model=CHAT, messages=MESSAGES, max_tokens=4, stream=True)
    )
    assert chunks and all(chunk.usage is None for chunk in chunks)


async def test_completion(connect):
    client, _ = connect(CHAT)
    answer = await settle(client.completions.create(model=CHAT, prompt="Once upon a time", max_tokens=8))
    assert answer.object == "text_completion"
    assert answer.choices[0].text
    assert 0 < answer.usage.completion_tokens <= 8


async def test_completion_stream(connect):
    client, _ = connect(CHAT)
    chunks = await collect(
        client.completions.create(
            model=CHAT,
            prompt="Once upon a time",
            max_tokens=8,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert [c.finish_reason for c in choices if c.finish_reason] in (["stop"], ["length"])
    assert 1 < len([c for c in choices if c.text]) == chunks[-1].usage.completion_tokens <= 8


async def test_embeddings(connect):
    client, trace = connect(EMBEDDING)
    texts = ["a gateway", "a backend"]
    decoded = await settle(client.embeddings.create(model=EMBEDDING, input=texts))
    plain = await settle(client.embeddings.create(model=EMBEDDING, input=texts, encoding_format="float"))
    assert [attempt.body["encoding_format"] for attempt in trace.attempts] == ["base64", "float"]
    assert [vector.index for vector in plain.data] == [0, 1]
    for left, right in zip(decoded.data, plain.data, strict=True):
        assert len(left.embedding) == 1536
        # 32-bit floats against decimal text.
        assert list(left.embedding) == pytest.approx(right.embedding, rel=1e-6)
        assert math.hypot(*left.embedding) == pytest.approx(1, abs=1e-3)
    assert plain.data[0].embedding != plain.data[1].embedding
    assert decoded.usage.total_tokens == decoded.usage.prompt_tokens > 0


async def test_wrong_key(cell, connect):
    client, trace = connect(CHAT, key="not-a-key", max_retries=2)
    with pytest.raises(openai.AuthenticationError) as refused:
        await settle(client.chat.completions.create(model=CHAT, messages=MESSAGES))
    assert refused.value.status_code == 401
    if cell.form == "v1" and cell.target == "simulator":
        # A wrong key that comes as a bearer token is a wrong token.
        assert "Access token is missing, invalid" in refused.value.message
    else:
        assert "Access denied due to invalid subscription key" in refused.value.message
        assert refused.value.code == ("401" if cell.target == "simulator" else None)
    assert len(trace.attempts) == 1, "401 is not retried"


async def test_unknown_deployment(connect):
    client, trace = connect("no-such-deployment", max_retries=2)
    with pytest.raises(openai.NotFoundError) as refused:
        await settle(client.chat.completions.create(model="no-such-deployment", messages=MESSAGES))
    assert refused.value.code == "DeploymentNotFound"
    assert len(trace.attempts) == 1, "404 is not retried"


async def test_bad_parameter(connect):
    client, _ = connect(CHAT)
    with pytest.raises(openai.BadRequestError) as refused:
        await settle(client.chat.completions.create(model=CHAT, messages=MESSAGES, temperature=-1))
    assert refused.value.param == "temperature"
    assert refused.value.code == "decimal_below_min_value"


@pytest.mark.parametrize("capacity", ["ptu", "payg"])
async def test_429(connect, capacity):
    """Without retries 429 is raised; with them the SDK waits as told, once."""
    model = f"busy-{capacity}-python"
    filler, _ = connect(model, max_retries=9)
    for _ in range(PROVOCATIONS):
        await settle(filler.chat.completions.create(model=model, messages=MESSAGES, max_tokens=16))

        impatient, raised_trace = connect(model, max_retries=0)
        try:
            await settle(impatient.chat.completions.create(model=model, messages=MESSAGES, max_tokens=1))
            continue
        except openai.RateLimitError as error:
            raised = error

        patient, trace = connect(model, max_retries=2)
        correlation_id = str(uuid.uuid4())
        answer = await settle(
            patient.chat.completions.create(
                model=model,
                messages=MESSAGES,
                max_tokens=1,
                extra_headers={"x-ms-client-request-id": correlation_id},
            )
        )
        if trace.attempts[0].status == 429:
            break
    else:
        pytest.fail(f"{PROVOCATIONS} times not refused")

    assert len(raised_trace.attempts) == 1
    assert (raised.status_code, raised.code) == (429, "429")
    assert "retry after" in raised.message.lower()
    headers = raised.response.headers
    assert 0 < int(headers["retry-after-ms"])
    assert 0 < int(headers["retry-after"])
    if capacity == "ptu":
        assert float(headers["azure-openai-deployment-utilization"].removesuffix("%")) >= 100
    else:
        assert headers["x-ratelimit-remaining-requests"] == "0"

    assert answer.choices
    assert [(a.status, a.retry_count) for a in trace.attempts] == [(429, "0"), (200, "1")]
    first, second = trace.attempts
    told_ms = int(first.headers["retry-after-ms"])
    assert int(first.headers["retry-after"]) == max(1, math.ceil(told_ms / 1000))
    waited = second.sent - first.answered
    assert told_ms / 1000 <= waited <= told_ms / 1000 + LATE
    assert [record["status"] for record in journal(correlation_id)] == [429, 200]
