"""What the cases ask of every client: the same prompts, tools, types and sounds."""

import io
import json
import wave

from pydantic import BaseModel, ConfigDict

API_VERSION = "2025-04-01-preview"  # the first dated ones do not know Responses
CHAT = "modern"
EMBEDDING = "embedding"
PROMPT = "Tell me of a gateway, in one sentence."
MESSAGES = [{"role": "user", "content": PROMPT}]
FILTERED = [{"role": "user", "content": "Describe an act of violence."}]
TEXTS = ["a gateway", "a backend"]


class Place(BaseModel):
    """Arguments of both tools."""

    model_config = ConfigDict(extra="forbid")
    city: str


class Wind(BaseModel):
    model_config = ConfigDict(extra="forbid")
    direction: str
    knots: int


class Weather(BaseModel):
    """Weather of a place."""

    model_config = ConfigDict(extra="forbid")
    city: str
    celsius: float
    winds: list[Wind]


def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"It is mild in {city}."


def get_time(city: str) -> str:
    """Get the time of a city."""
    return f"It is noon in {city}."


PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


def tool(function) -> dict:
    described = {"name": function.__name__, "description": function.__doc__, "parameters": PARAMETERS}
    return {"type": "function", "function": described}


def response_tool(function) -> dict:
    return {"type": "function", "strict": True, **tool(function)["function"]}


TOOLS = [tool(get_weather), tool(get_time)]
RESPONSE_TOOLS = [response_tool(get_weather), response_tool(get_time)]


def call(name: str, arguments: str) -> str:
    """The result of a call, if its name and arguments are right."""
    functions = {function.__name__: function for function in (get_weather, get_time)}
    return functions[name](**Place.model_validate(json.loads(arguments)).model_dump())


def sound(seconds: int = 1) -> io.BytesIO:
    """A WAV file of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(16000 * seconds))
    file.seek(0)
    file.name = "silence.wav"
    return file
