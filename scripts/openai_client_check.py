"""Drives the official openai client (AzureOpenAI) at one Azure endpoint.

    openai_client_check.py NAME ENDPOINT KEY [--gateway]

ENDPOINT is a simulator or a gateway API; the client adds `/openai/deployments/…`
itself. Every check prints a line; the first that does not hold ends the run.
"""

import sys

import openai
from openai import AzureOpenAI

DEPLOYMENT = "gpt-35-turbo-100k-token"
MESSAGES = [{"role": "user", "content": "Tell me of a gateway, in one sentence."}]


def check(name: str, holds: bool, seen: object) -> None:
    print(f"  {'ok  ' if holds else 'FAIL'} {name}: {seen}")
    if not holds:
        sys.exit(1)


def client(endpoint: str, key: str) -> AzureOpenAI:
    return AzureOpenAI(azure_endpoint=endpoint, api_key=key, api_version="2024-10-21", max_retries=0)


def main() -> None:
    name, endpoint, key = sys.argv[1:4]
    through_gateway = "--gateway" in sys.argv[4:]
    print(f"{name}: openai {openai.__version__} at {endpoint}")
    azure = client(endpoint, key)

    answer = azure.chat.completions.create(model=DEPLOYMENT, messages=MESSAGES, max_tokens=12)
    usage = answer.usage
    check("chat completes", bool(answer.choices[0].message.content), answer.choices[0].message.content)
    check("completion obeys max_tokens", usage.completion_tokens <= 12, usage.completion_tokens)
    check(
        "usage adds up",
        usage.total_tokens == usage.prompt_tokens + usage.completion_tokens and usage.prompt_tokens > 0,
        usage.total_tokens,
    )

    stream = azure.chat.completions.create(
        model=DEPLOYMENT, messages=MESSAGES, max_tokens=12, stream=True, stream_options={"include_usage": True}
    )
    text, finish, streamed_usage, chunks = "", None, None, 0
    for chunk in stream:
        chunks += 1
        if chunk.usage:
            streamed_usage = chunk.usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    check("chat streams", chunks > 3 and bool(text), f"{chunks} chunks")
    check("stream names a finish reason", finish in ("length", "stop"), finish)
    check("stream ends with usage", streamed_usage is not None, streamed_usage and streamed_usage.total_tokens)

    completion = azure.completions.create(model=DEPLOYMENT, prompt="Once upon a time", max_tokens=8)
    check("completion completes", completion.usage.completion_tokens == 8, completion.choices[0].text)

    pieces = list(azure.completions.create(model=DEPLOYMENT, prompt="Once upon a time", max_tokens=8, stream=True))
    joined = "".join(c.choices[0].text for c in pieces if c.choices)
    check("completion streams", len(pieces) > 3 and bool(joined), joined)

    vectors = azure.embeddings.create(model="embedding", input=["a gateway", "a backend"])
    check("embeddings come as vectors", [len(v.embedding) for v in vectors.data] == [1536, 1536], vectors.usage)

    try:
        client(endpoint, "not-a-key").chat.completions.create(model=DEPLOYMENT, messages=MESSAGES)
        check("a wrong key is refused", False, "it was accepted")
    except openai.AuthenticationError as error:
        check("a wrong key is refused", error.status_code == 401, error.message[:72])

    try:
        azure.chat.completions.create(model="no-such-deployment", messages=MESSAGES)
        check("an unknown deployment is not found", False, "it was found")
    except openai.NotFoundError as error:
        check("an unknown deployment is not found", error.code == "DeploymentNotFound", error.status_code)

    if not through_gateway:
        try:
            azure.chat.completions.create(model=DEPLOYMENT, messages=MESSAGES, temperature=-1)
            check("a bad parameter is refused", False, "it was accepted")
        except openai.BadRequestError as error:
            check("a bad parameter is refused", error.code == "decimal_below_min_value", error.message[:72])


main()
