"""Access tokens in place of keys: `simulator token` gives them."""

import os

import openai
import pytest

URL = os.environ["SIMULATOR_URL"]
TOKEN = os.environ["ENTRA_TOKEN"]
MESSAGES = [{"role": "user", "content": "hello"}]


def azure(token):
    return openai.AzureOpenAI(
        azure_endpoint=URL, azure_ad_token_provider=lambda: token, api_version="2024-10-21", max_retries=0
    )


def v1(token):
    return openai.OpenAI(base_url=f"{URL}/openai/v1/", api_key=token, max_retries=0)


@pytest.mark.parametrize("make", [azure, v1])
def test_a_token_opens_the_resource(make):
    with make(TOKEN) as client:
        answer = client.chat.completions.create(model="chat", messages=MESSAGES, max_tokens=5)
        assert 1 <= answer.usage.completion_tokens <= 5


@pytest.mark.parametrize("make", [azure, v1])
def test_a_changed_token_does_not(make):
    with make(TOKEN[:-4] + "AAAA") as client, pytest.raises(openai.AuthenticationError) as refused:
        client.chat.completions.create(model="chat", messages=MESSAGES)
    assert "Access token is missing, invalid" in refused.value.message
