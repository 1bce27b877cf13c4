"""The common cases with langchain-openai: `azure` is AzureChatOpenAI and
AzureOpenAIEmbeddings, `v1` ChatOpenAI and OpenAIEmbeddings on Azure's v1 surface.

It waits and retries by the official client it stands on, whose classes its errors are.
"""

import json
import math

import control
import openai
import pytest
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_openai import AzureChatOpenAI, AzureOpenAIEmbeddings, ChatOpenAI, OpenAIEmbeddings
from tasks import API_VERSION, CHAT, EMBEDDING, FILTERED, PROMPT, TEXTS, TOOLS, Weather, call

pytestmark = pytest.mark.anyio

FORMS = ["langchain/azure", "langchain/v1"]
RESPONSES = {"use_responses_api": True}


def model(form, deployment=CHAT, key=control.KEY, **options):
    options = {"api_key": key, "max_retries": 0, **options}
    if form == "langchain/v1":
        return ChatOpenAI(base_url=f"{control.URL}/openai/v1/", model=deployment, **options)
    azure = {"azure_endpoint": control.URL, "api_version": API_VERSION, "azure_deployment": deployment}
    return AzureChatOpenAI(**azure, **options)


def embeddings(form, **options):
    # With the check it would fetch a vocabulary, to cut long texts.
    options = {"api_key": control.KEY, "check_embedding_ctx_length": False, **options}
    if form == "langchain/v1":
        return OpenAIEmbeddings(base_url=f"{control.URL}/openai/v1/", model=EMBEDDING, **options)
    azure = {"azure_endpoint": control.URL, "api_version": API_VERSION, "azure_deployment": EMBEDDING}
    return AzureOpenAIEmbeddings(**azure, **options)


def has_usage(answer) -> bool:
    usage = answer.usage_metadata
    return 0 < usage["output_tokens"] and usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


async def test_chat(form):
    for answer in (model(form).invoke(PROMPT), await model(form, max_tokens=12).ainvoke(PROMPT)):
        assert answer.content and has_usage(answer)


async def test_chat_stream(form):
    streaming = model(form, max_tokens=12, stream_usage=True)
    for chunks in (list(streaming.stream(PROMPT)), [chunk async for chunk in streaming.astream(PROMPT)]):
        used = [chunk.usage_metadata for chunk in chunks if chunk.usage_metadata]
        assert len(used) == 1
        assert 1 < len([chunk for chunk in chunks if chunk.content]) == used[0]["output_tokens"]


async def answered(asking, **bound):
    """Asks with tools, sends the results back, and returns the calls."""
    asked = await asking.bind_tools(TOOLS, **bound).ainvoke(PROMPT)
    assert not asked.invalid_tool_calls
    results = [
        ToolMessage(call(one["name"], json.dumps(one["args"])), tool_call_id=one["id"])
        for one in asked.tool_calls
    ]
    told = await asking.bind_tools(TOOLS).ainvoke([HumanMessage(PROMPT), asked, *results])
    assert told.text and not told.tool_calls
    return asked.tool_calls


async def test_tool_single(form):
    assert len(await answered(model(form, "parallel"), parallel_tool_calls=False)) == 1


async def test_tools_parallel(form):
    calls = await answered(model(form, "parallel"))
    assert 1 < len(calls) == len({one["id"] for one in calls})


async def test_tool_forced(form):
    asked = await model(form).bind_tools(TOOLS, tool_choice="get_time").ainvoke(PROMPT)
    assert {one["name"] for one in asked.tool_calls} == {"get_time"}


async def test_tool_stream(form):
    whole = None
    async for chunk in model(form, "parallel").bind_tools(TOOLS).astream(PROMPT):
        whole = chunk if whole is None else whole + chunk
    assert 1 < len(whole.tool_calls) and not whole.invalid_tool_calls
    assert all(set(one["args"]) == {"city"} for one in whole.tool_calls)


async def test_structured_output(form):
    for method in ("json_schema", "function_calling"):
        found = await model(form).with_structured_output(Weather, method=method).ainvoke(PROMPT)
        assert isinstance(found, Weather), method


async def test_embeddings_float(form):
    exact = embeddings(form, model_kwargs={"encoding_format": "float"})
    for vector in await exact.aembed_documents(TEXTS):
        assert len(vector) == 1536 and math.hypot(*vector) == pytest.approx(1, abs=1e-3)


async def test_embeddings_base64(form):
    # What the official client asks for by itself.
    exact = embeddings(form, model_kwargs={"encoding_format": "float"}).embed_documents(TEXTS)
    for left, right in zip(embeddings(form).embed_documents(TEXTS), exact, strict=True):
        assert left == pytest.approx(right, rel=1e-6)


async def test_responses(form):
    answer = await model(form, **RESPONSES).ainvoke(PROMPT)
    assert answer.text and has_usage(answer)
    assert answer.response_metadata["id"].startswith("resp_")


async def test_responses_stream(form):
    whole = None
    async for chunk in model(form, **RESPONSES).astream(PROMPT):
        whole = chunk if whole is None else whole + chunk
    assert whole.text and has_usage(whole)


async def test_responses_previous(form):
    asking = model(form, **RESPONSES)
    first = await asking.ainvoke(PROMPT)
    second = await asking.ainvoke("And of a backend?", previous_response_id=first.response_metadata["id"])
    assert second.usage_metadata["input_tokens"] > first.usage_metadata["total_tokens"]


async def test_responses_tools(form):
    assert 1 < len(await answered(model(form, "parallel", **RESPONSES)))


async def test_responses_structured(form):
    found = await model(form, **RESPONSES).with_structured_output(Weather, method="json_schema").ainvoke(PROMPT)
    assert isinstance(found, Weather)


async def test_error_401(form):
    with pytest.raises(openai.AuthenticationError):
        await model(form, key="not-a-key").ainvoke(PROMPT)


async def test_error_404(form):
    with pytest.raises(openai.NotFoundError) as refused:
        await model(form, "nowhere").ainvoke(PROMPT)
    assert refused.value.code == "DeploymentNotFound"


async def test_error_400(form):
    with pytest.raises(openai.BadRequestError) as refused:
        await model(form, temperature=-1).ainvoke(PROMPT)
    assert refused.value.param == "temperature"


async def test_error_filter(form):
    with pytest.raises(openai.BadRequestError) as refused:
        await model(form).ainvoke(FILTERED)
    assert refused.value.code == "content_filter"


async def test_retry_after_ms(form):
    headers = control.refused_once()
    await model(form, default_headers=headers, max_retries=2).ainvoke(PROMPT)
    control.check_waited(headers)


async def test_busy(form):
    for _ in range(control.PROVOCATIONS):
        headers = control.correlated()
        asking = model(form, "busy-payg-langchain", default_headers=headers, max_retries=2, max_tokens=1)
        await asking.ainvoke(PROMPT)
        if control.was_refused(headers):
            return
    pytest.fail("never refused")
