"""Fixtures of the SDK checks, and the record of the common cases.

A module with a list FORMS runs each of its tests for each form; such a test is a case
of cases.toml, named so, and what came of it goes into a file of the folder RESULTS.
"""

import os
import tomllib
from pathlib import Path

import pytest
from table import excuses

LISTED = tomllib.loads((Path(__file__).parent / "cases.toml").read_text())


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
async def one_event_loop(anyio_backend):
    """Keeps the loop from one test to the next: frameworks keep connections that live in it."""
    yield


def pytest_generate_tests(metafunc):
    if "form" in metafunc.fixturenames:
        # Of module scope, so that the checks of a form run, and are listed, together.
        metafunc.parametrize("form", metafunc.module.FORMS, ids=str, scope="module")


def pytest_collection_modifyitems(config, items):
    excused = []
    for item in items:
        if not hasattr(item.module, "FORMS"):
            continue
        client = str(item.callspec.params["form"])
        case = item.originalname.removeprefix("test_").replace("_", "-")
        assert case in LISTED["cases"], f"{item.nodeid} is no case of cases.toml"
        if case in excuses(LISTED["excused"], client):
            excused.append(item)
        item.user_properties.append(("case", f"{client}\t{case}"))
    items[:] = [item for item in items if item not in excused]


def pytest_runtest_logreport(report):
    case = dict(report.user_properties).get("case")
    if case and (report.when == "call" or report.failed) and (folder := os.environ.get("RESULTS")):
        with (Path(folder) / f"{os.getpid()}.tsv").open("a") as file:
            file.write(f"{case}\t{'pass' if report.passed else 'fail'}\n")
