"""Runs every example of docs/sdk-clients.md and compares what it prints.

An example is a fenced `python`, `js` or `sh` block; a `text` block after it is
its output, where `…` stands for anything. Fences `sh install` and `sh start`
are what scripts/real-clients.sh has done, and `toml` is what it has written. The
servers of the check are on 18000 to 18003 (PORTS), the page's on 8000 to 8003:
nothing else is changed.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "sdk-clients.md"
FENCE = re.compile(r"^```(?P<info>[^\n]+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
COMMANDS = {"python": ([sys.executable], ".py"), "js": (["node"], ".mjs"), "sh": (["bash", "-eu"], ".sh")}


def examples():
    page = PAGE.read_text()
    fences = list(FENCE.finditer(page))
    for fence, following in zip(fences, [*fences[1:], None], strict=True):
        if fence["info"] in COMMANDS:
            output = following["text"] if following and following["info"] == "text" else None
            line = page.count("\n", 0, fence.start()) + 1
            yield pytest.param(fence["info"], fence["text"], output, id=f"{fence['info']} at line {line}")
        else:
            assert fence["info"] in ("text", "toml", "sh install", "sh start"), f"what is a {fence['info']} block?"


@pytest.mark.parametrize("language, text, output", list(examples()))
def test_example(language, text, output, tmp_path):
    assert output is not None, "say what it prints, in a text block"
    command, suffix = COMMANDS[language]
    # Where an example stands is where Node looks for its packages.
    (tmp_path / "node_modules").symlink_to(HERE / "node" / "node_modules")
    file = tmp_path / f"example{suffix}"
    file.write_text(re.sub(r"localhost:80(\d\d)\b", rf"localhost:{os.environ['PORTS']}\1", text))
    ran = subprocess.run([*command, file], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    if ran.returncode != 0:
        pytest.fail(f"exit code {ran.returncode}:\n{ran.stderr}", pytrace=False)
    wanted = ".*".join(re.escape(part) for part in output.split("…"))
    if not re.fullmatch(wanted, ran.stdout, re.DOTALL):
        pytest.fail(f"wanted:\n{output}\ngot:\n{ran.stdout}", pytrace=False)


def test_versions():
    """The page names the versions that are pinned."""
    page = PAGE.read_text()

    def pinned(package, folder):
        text = (folder / "requirements.txt").read_text()
        return re.search(rf"^{package}==(\S+)$", text, re.MULTILINE)[1]

    python = pinned("openai", HERE.parent)
    assert pinned("openai", HERE) == python, "the frameworks stand on another official client"
    node = json.loads((HERE / "node" / "package.json").read_text())["dependencies"]["openai"]
    assert f"pip install openai=={python}\nnpm install openai@{node}\n" in page
    assert f"| `openai` (Python 3.11) | {python} |" in page
    assert f"| `openai` (npm, Node 18 and 20) | {node} |" in page
    assert f"| | Python {python} | npm {node} |" in page
    for framework in ("langchain-openai", "litellm", "semantic-kernel"):
        assert f"| `{framework}` | {pinned(framework, HERE)} |" in page
    rust = tomllib.loads((HERE / "rust" / "Cargo.toml").read_text())["dependencies"]["async-openai"]["version"]
    assert f"| `async-openai` (Rust) | {rust.removeprefix('=')} |" in page
