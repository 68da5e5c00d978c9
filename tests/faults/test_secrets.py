"""A canary: its bytes are nowhere that people or files can see, however it got into the run and however the run ends.

It comes in through the stack's settings, as an input, as an output, as a part of a longer text, through an error
message of the cloud, and through what a program prints. Only the emulated cloud itself has it, as a real one would.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.workstead import Folder, clean_environment

CANARY = 'c4n4ry-7f3e9b\\"ü'
PROGRAM = """
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider, UpdateResult
from providers import dataforest

config = pulumi.Config()
canary = config.require_secret("canary")


class Parrots(ResourceProvider):
    def create(self, props):
        if props.get("mood") == "angry":
            raise Exception("I do not like " + props["word"])
        return CreateResult("parrot", {**props, "echo": "heard: " + props["word"]})

    def update(self, id, olds, news):
        raise Exception("never again say " + news["word"] + " or " + olds["echo"])


class Parrot(Resource):
    echo: pulumi.Output[str]

    def __init__(self, name, mood, opts=None):
        props = {"word": canary, "mood": mood, "echo": None}
        super().__init__(Parrots(), name, props, opts)


account = dataforest.Account("team", name="canary-team")
nlp = dataforest.AIWorkspace(
    "nlp",
    account_id=account.id,
    configuration={
        "docker": {
            "image": "tensorflow:r2.3.1-py3", "command": "ls", "env": {"TOKEN": pulumi.Output.concat("x-", canary)}
        }
    },
)
secret_outputs = pulumi.ResourceOptions(additional_secret_outputs=["echo"])
polly = Parrot("polly", config.get("mood") or "calm", secret_outputs)
canary.apply(lambda text: print("the program says", text))
canary.apply(lambda text: pulumi.log.warn("and warns of " + text, polly))
pulumi.export("echo", polly.echo)
pulumi.export("plain", canary)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A project with the canary among its settings."""
    environ = {**clean_environment(tmp_path / "home"), "WORKSTEAD_EMULATE_SPEED": "instant", "PYTHONUTF8": "1"}
    made = Folder(tmp_path / "project", environ)
    made.write(
        Pulumi__yaml="name: canary\nruntime: python\n",
        Pulumi__dev__yaml='config:\n  workstead:emulate: "true"\n',
        __main____py=PROGRAM,
    )
    (made.path / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    made.run("config", "set", "--secret", "canary", "-s", "dev", "--", CANARY).must()
    return made


def files(folder: Folder) -> Iterator[Path]:
    """Every file that the commands have written, but for the emulated cloud's own."""
    for root in (folder.path, Path(folder.environ["HOME"])):
        yield from (path for path in root.rglob("*") if path.is_file() and not path.name.startswith("cloud.db"))


def require_nowhere(texts: dict[str, bytes]) -> None:
    """The canary is in none of these, in none of the spellings it could have."""
    escaped = CANARY.replace("\\", "\\\\").replace('"', '\\"')
    spellings = {
        CANARY.encode(),
        escaped.encode(),
        escaped.replace("ü", "\\u00fc").encode(),
        CANARY.encode("utf-16-le"),
    }
    spellings |= {base64.b64encode(CANARY.encode())[:-3], b"c4n4ry-7f3e9b"}
    found = [where for where, text in texts.items() if any(spelling in text for spelling in spellings)]
    assert not found


def test_a_canary_is_nowhere(folder: Folder) -> None:
    texts: dict[str, bytes] = {}

    def run(*command: str, code: int = 0) -> None:
        done = folder.run(*command, "-s", "dev").must(code)
        texts[f"{' '.join(command)}, {len(texts)}"] = (done.out + "\n" + done.err).encode()

    run("preview", "--diff")
    run("up", "-y")
    run("preview", "--json")
    run("refresh", "-y")
    run("stack", "output")
    run("stack", "output", "--json")
    run("config", "--json")
    # The cloud refuses, and says the secret in its message; so does what it says of the recorded state.
    run("config", "set", "mood", "angry")
    run("up", "-y", code=4)
    run("up", "-y", "--json", "--skip-preview", code=4)
    run("up", "-y", "--continue-on-error", "--diff", code=4)
    run("stack", "export")
    run("stack", "history", "--json")
    run("destroy", "-y", "--json")
    run("up", "-y", "--debug", code=4)
    run("destroy", "-y")
    texts.update({str(path): path.read_bytes() for path in files(folder)})
    assert any(where.endswith("state.db") for where in texts)
    require_nowhere(texts)


def test_a_canary_is_not_on_a_terminal(folder: Folder) -> None:
    environ = {**folder.environ, "TERM": "xterm-256color"}
    command = folder.command("up", "-s", "dev", "-y", "--diff")
    screen = pexpect.spawn(
        sys.executable, command[1:], cwd=str(folder.path), env=environ, dimensions=(50, 200), timeout=100
    )
    text: bytes = screen.read()
    screen.wait()
    assert b"created" in text
    require_nowhere({"terminal": text})


def test_a_canary_would_be_seen(folder: Folder) -> None:
    """What the person asks for in clear is in clear, and this test's eyes see it."""
    folder.run("up", "-s", "dev", "-y").must()
    for command in (
        ("stack", "output", "--show-secrets"),
        ("stack", "export", "--show-secrets"),
        ("config", "--show-secrets"),
    ):
        done = folder.run(*command, "-s", "dev").must()
        with pytest.raises(AssertionError):
            require_nowhere({"shown": done.out.encode()})
    assert any(b"c4n4ry" in file.read_bytes() for file in (folder.path / ".workstead").glob("cloud.db*"))
