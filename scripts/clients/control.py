"""The simulator's live control: its journal, and faults for one call.

What a client did is read here, not in the client: so one check fits every client.
"""

import json
import math
import os
import time
import urllib.request
import uuid

KEY = os.environ["SIMULATOR_API_KEY"]
URL = os.environ["SIMULATOR_URL"]

# The header of one refusal. Clients that knew only `retry-after` would wait 2 s,
# those that knew neither half a second.
TOLD_MS = 1200

# How often to try to be refused by a deployment that answers once a second.
PROVOCATIONS = 10


def ask(path: str, body: dict | None = None, url: str = URL) -> dict:
    data = None if body is None else json.dumps(body).encode()
    headers = {"api-key": KEY, "content-type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/++/{path}", data, headers)) as answer:
        return json.load(answer)


def journal(correlation_id: str, url: str = URL) -> list[dict]:
    """The records of one call; waits for the one that ends it."""
    deadline = time.monotonic() + 5
    while True:
        records, after = [], 0
        while (page := ask(f"journal?after={after}", url=url))["records"]:
            records += [r for r in page["records"] if r["correlation_id"] == correlation_id]
            after = page["next"]
        if any(r["status"] != 429 for r in records) or time.monotonic() > deadline:
            return records
        time.sleep(0.05)


def refused_once(url: str = URL) -> dict[str, str]:
    """Headers for a call whose first request will be refused, with TOLD_MS to wait."""
    correlation_id = str(uuid.uuid4())
    fault = {"kind": "status", "status": 429, "retry_after_ms": TOLD_MS, "count": 1}
    ask("faults", {**fault, "name": correlation_id, "correlation_id": correlation_id}, url)
    return {"x-ms-client-request-id": correlation_id}


def check_waited(headers: dict[str, str], url: str = URL, told_ms: int = TOLD_MS) -> None:
    """The call came again once, after `told_ms` and before a whole second more has begun."""
    first, second = journal(headers["x-ms-client-request-id"], url)
    assert (first["status"], second["status"]) == (429, 200)
    waited_ms = (second["received_us"] - first["done_us"]) / 1000
    latest = math.ceil(told_ms / 1000) * 1000
    assert told_ms <= waited_ms < latest, f"told {told_ms} ms, waited {waited_ms:.0f} ms"


def correlated() -> dict[str, str]:
    return {"x-ms-client-request-id": str(uuid.uuid4())}


def was_refused(headers: dict[str, str], url: str = URL) -> bool:
    """Whether a call was refused by a full deployment; then it came again once only."""
    statuses = [record["status"] for record in journal(headers["x-ms-client-request-id"], url)]
    assert statuses in ([200], [429, 200]), statuses
    return statuses == [429, 200]
