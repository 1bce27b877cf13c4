"""Fixtures of the SDK checks."""

import pytest
from cells import CELLS, Trace, settle


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


# Of module scope, so that the checks of a cell run, and are listed, together.
@pytest.fixture(scope="module", params=CELLS, ids=str)
def cell(request):
    return request.param


@pytest.fixture
async def connect(cell):
    """Makes clients of the cell, with their traces, and closes them."""
    clients = []

    def make(deployment, **options):
        trace = Trace()
        client = cell.client(deployment, trace=trace, **options)
        clients.append(client)
        return client, trace

    yield make
    for client in clients:
        await settle(client.close())
