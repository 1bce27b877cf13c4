"""The matrix: how a client is made (form), sync or async, and what it talks to.

The servers' addresses and keys come from scripts/real-clients.sh through the
environment.
"""

import inspect
import json
import os
import time
import urllib.request
from dataclasses import dataclass, field

import openai

API_VERSION = "2024-10-21"
SIMULATOR = os.environ["SIMULATOR_URL"]
OPENAI = os.environ["OPENAI_URL"]  # a resource in OpenAI's dress
CAPABILITY = os.environ["CAPABILITY_URL"]
PASS_THROUGH = os.environ["PASS_THROUGH_URL"]
SIMULATOR_KEY = os.environ["SIMULATOR_API_KEY"]
SUBSCRIPTION_KEY = os.environ["APIM_KEY_ONE"]

# A client is handed an API key even where the gateway's header carries the
# secret; this one must open nothing.
PLACEHOLDER_KEY = "goes-nowhere"


@dataclass
class Attempt:
    """One request as the SDK's HTTP client sent it, and its answer's head."""

    sent: float
    body: dict
    retry_count: str
    answered: float = 0.0
    status: int = 0
    headers: dict = field(default_factory=dict)


class Trace:
    """Every attempt of a client, stamped by hooks of its HTTP client."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []

    def sent(self, request) -> None:
        retry_count = request.headers.get("x-stainless-retry-count", "")
        is_json = request.headers.get("content-type") == "application/json"
        body = json.loads(request.content or "{}") if is_json else {}
        self.attempts.append(Attempt(time.monotonic(), body, retry_count))

    def answered(self, response) -> None:
        attempt = self.attempts[-1]
        attempt.answered = time.monotonic()
        attempt.status, attempt.headers = response.status_code, dict(response.headers)

    def http_client(self, mode: str):
        if mode == "sync":
            hooks = {"request": [self.sent], "response": [self.answered]}
            return openai.DefaultHttpxClient(event_hooks=hooks)

        async def sent(request) -> None:
            self.sent(request)

        async def answered(response) -> None:
            self.answered(response)

        hooks = {"request": [sent], "response": [answered]}
        return openai.DefaultAsyncHttpxClient(event_hooks=hooks)


@dataclass(frozen=True)
class Cell:
    form: str  # "azure", "v1", "deployment" or "openai"
    mode: str  # "sync" or "async"
    target: str  # "simulator" or "gateway"

    def __str__(self) -> str:
        return f"{self.form}-{self.mode}-{self.target}"

    @property
    def key(self) -> str:
        return SIMULATOR_KEY if self.target == "simulator" else SUBSCRIPTION_KEY

    def url(self, deployment: str) -> str:
        if self.form == "openai":
            return OPENAI
        if self.target == "simulator":
            return SIMULATOR
        # The capability knows dated paths only, and retries refusals itself.
        if self.form == "v1" or deployment.startswith("busy-"):
            return PASS_THROUGH
        return CAPABILITY

    def client(
        self,
        deployment: str,
        *,
        trace: Trace,
        key: str | None = None,
        max_retries: int = 0,
        api_version: str = API_VERSION,
        headers: dict | None = None,
    ):
        url, key = self.url(deployment), key or self.key
        options = {"max_retries": max_retries, "http_client": trace.http_client(self.mode)}
        options["default_headers"] = headers or {}
        if self.form == "azure":
            azure = {"sync": openai.AzureOpenAI, "async": openai.AsyncAzureOpenAI}[self.mode]
            return azure(azure_endpoint=url, api_key=key, api_version=api_version, **options)
        stock = {"sync": openai.OpenAI, "async": openai.AsyncOpenAI}[self.mode]
        if self.form == "openai":
            return stock(base_url=f"{url}/v1/", api_key=key, **options)
        if self.form == "v1" and self.target == "simulator":
            return stock(base_url=f"{url}/openai/v1/", api_key=key, **options)
        # The gateway's key, and that of the dated paths, is a header of its own;
        # the SDK adds `Authorization: Bearer` all the same.
        options |= {"api_key": PLACEHOLDER_KEY}
        options["default_headers"] |= {"api-key": key}
        if self.form == "v1":
            return stock(base_url=f"{url}/openai/v1/", **options)
        base = f"{url}/openai/deployments/{deployment}"
        return stock(base_url=base, default_query={"api-version": api_version}, **options)


CELLS = [
    Cell(form, mode, target)
    for target in ("simulator", "gateway")
    for form in ("azure", "v1", "deployment")
    for mode in ("sync", "async")
]


class Connect:
    """Makes clients of a cell, with their traces, and closes them."""

    def __init__(self, cell: Cell) -> None:
        self.cell, self.clients = cell, []

    def __call__(self, deployment: str, **options):
        trace = Trace()
        client = self.cell.client(deployment, trace=trace, **options)
        self.clients.append(client)
        return client, trace

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        for client in self.clients:
            await settle(client.close())


async def settle(value):
    """What a call of either kind of client returns in the end."""
    return await value if inspect.isawaitable(value) else value


async def collect(stream) -> list:
    """Every chunk of either kind of stream."""
    stream = await settle(stream)
    if hasattr(stream, "__aiter__"):
        return [chunk async for chunk in stream]
    return list(stream)
