"""Pulumi's own CLI runs the same programs, takes a record over and gives it back.

The other engine is the real one, so this says what no test of ours could. It runs where a `pulumi` with its Python
plugins is on PATH, with a home and a backend of its own in the test's folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workstead import Done, Folder, clean_environment, copy_of_stack

TOYS = '''
import os
import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

class Toys(ResourceProvider):
    """Keeps an object in a file, whose name is its ID."""

    def path(self, id):
        return os.path.join(os.environ["TOYS"], id)

    def diff(self, id, olds, news):
        changed = [key for key in ("text", "kind", "token") if olds.get(key) != news.get(key)]
        return DiffResult(changes=bool(changed), replaces=["kind"] if "kind" in changed else [])

    def create(self, props):
        id = props["kind"] + "-" + props["text"]
        with open(self.path(id), "x") as file:
            file.write(props["text"])
        return CreateResult(id, {**props, "made": id.upper()})

    def read(self, id, props):
        if not os.path.exists(self.path(id)):
            return ReadResult(None, None)
        return ReadResult(id, {**props, "text": open(self.path(id)).read()})

    def update(self, id, olds, news):
        with open(self.path(id), "w") as file:
            file.write(news["text"])
        return UpdateResult({**news, "made": id.upper()})

    def delete(self, id, props):
        os.remove(self.path(id))

class Toy(Resource, module="toys", name="Toy"):
    made: pulumi.Output[str]
    text: pulumi.Output[str]

    def __init__(self, name, kind, text, opts=None, **more):
        super().__init__(Toys(), name, {"kind": kind, "text": text, "made": None, **more}, opts)
'''

PROGRAM = """
import pulumi
from toys import Toy

config = pulumi.Config()
word = "one"

class Box(pulumi.ComponentResource):
    def __init__(self, name, opts=None):
        super().__init__("toys:index:Box", name, {"size": 2}, opts)
        self.inner = Toy("inner", "inside", "x", pulumi.ResourceOptions(parent=self, protect=True))
        self.register_outputs({"inner": self.inner.made})

base = pulumi.StackReference("organization/toys/base")
first = Toy("first", "a", word, token=config.require_secret("token"))
box = Box("box", pulumi.ResourceOptions(depends_on=[first]))
second = Toy("second", "b", first.made, pulumi.ResourceOptions(
    additional_secret_outputs=["made"], ignore_changes=["more"],
    custom_timeouts=pulumi.CustomTimeouts(create="5m", delete="90s")), more={"deep": [1, None, {"k": 2.5}]})
third = Toy("third", word, "y", pulumi.ResourceOptions(delete_before_replace=True, depends_on=[box]))
kept = Toy("kept", "c", "z", pulumi.ResourceOptions(retain_on_delete=True, deleted_with=first))
pulumi.export("word", base.get_output("word"))
pulumi.export("hidden", base.require_output("hidden"))
pulumi.export("second", second.made)
pulumi.export("box", {"inner": box.inner.made, "id": box.inner.id})
"""

BASE = 'import pulumi\npulumi.export("word", "ha")\npulumi.export("hidden", pulumi.Output.secret({"a": 1}))\n'


def missing() -> str:
    """Why this cannot run here; empty when it can."""
    tools = ("pulumi", "pulumi-language-python", "pulumi-resource-pulumi-python")
    absent = [tool for tool in tools if shutil.which(tool) is None]
    return f"needs Pulumi's own CLI: {', '.join(absent)} not on PATH" if absent else ""


pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

Pulumi = Callable[..., Done]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """For both engines: nobody's settings, one pass phrase, the Python of the tests first on PATH."""
    for folder in ("home", "backend", "toys"):
        (tmp_path / folder).mkdir()
    return {
        **clean_environment(tmp_path / "home"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_HOME": str(tmp_path / "home" / ".pulumi"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'backend'}",
        "PULUMI_CONFIG_PASSPHRASE": "correct horse",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "TOYS": str(tmp_path / "toys"),
        "WORKSTEAD_EMULATE_SPEED": "instant",
    }


def pulumi_in(here: Folder) -> Pulumi:
    """`pulumi ARGUMENTS` in a folder."""

    def pulumi(*arguments: str) -> Done:
        command = ["pulumi", "--non-interactive", *arguments]
        done = subprocess.run(
            command, cwd=here.path, env=here.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return pulumi


def hand_over(record: Path, giver: Pulumi, taker: Pulumi, stack: str = "dev") -> None:
    """One engine exports its record, the other takes it and finds nothing to do."""
    giver("stack", "export", "--stack", stack, "--file", str(record)).must()
    taker("stack", "import", "--stack", stack, "--file", str(record)).must()
    taker("preview", "--stack", stack, "--expect-no-changes").must()


@pytest.mark.timeout(300)
def test_the_quickstart_there_and_back(tmp_path: Path, environ: dict[str, str]) -> None:
    here = Folder(copy_of_stack("quickstart", tmp_path / "project"), environ)
    pulumi, workstead = pulumi_in(here), here.run
    program, record = here.path / "stacks/quickstart/__main__.py", tmp_path / "record.json"

    def edit(before: str, after: str) -> None:
        text = program.read_text()
        assert text.count(before) == 1
        program.write_text(text.replace(before, after))

    pulumi("stack", "init", "dev").must()
    pulumi("up", "--stack", "dev", "--yes", "--skip-preview").must()
    made = workstead("cloud", "ls", "--json").must().json
    assert {row["cloud"] for row in made} >= {"dataforest", "modelarts"}, "the plugin's emulator keeps another file"
    pulumi("preview", "--stack", "dev", "--expect-no-changes").must()

    hand_over(record, pulumi, workstead)
    edit("python report.py", "python weekly.py")
    assert "~ 1 updated" in workstead("up", "--stack", "dev", "--yes").must().out
    workstead("refresh", "--stack", "dev", "--yes", "--expect-no-changes").must()

    hand_over(record, workstead, pulumi)
    edit("python weekly.py", "python monthly.py")
    assert "~ 1 updated" in pulumi("up", "--stack", "dev", "--yes", "--skip-preview").must().out
    pulumi("refresh", "--stack", "dev", "--yes", "--skip-preview", "--expect-no-changes").must()
    assert workstead("cloud", "ls", "--json").must().json == made

    pulumi("destroy", "--stack", "dev", "--yes", "--skip-preview").must()
    assert workstead("cloud", "ls", "--json").must().json == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", ["pulumi", "workstead"])
def test_every_option_there_and_back(first: str, tmp_path: Path, environ: dict[str, str]) -> None:
    """A stranger's provider, secrets, a component, a reference to another stack; each change is carried out once."""
    here = Folder(tmp_path / "project", environ)
    here.write(Pulumi__yaml="name: toys\nruntime: python\n", __main____py=BASE, toys__py=TOYS)
    (here.path / "__main__.py").write_text(BASE)
    engines: dict[str, Pulumi] = {"pulumi": pulumi_in(here), "workstead": here.run}
    one, other = (engines[first], *(engine for name, engine in engines.items() if name != first))
    record = tmp_path / "record.json"

    def objects() -> list[str]:
        return sorted(file.name for file in (tmp_path / "toys").iterdir())

    def program(text: str) -> None:
        (here.path / "__main__.py").write_text(text)

    for engine in (one, other):
        engine("stack", "init", "base").must()
        engine("up", "--stack", "base", "--yes", "--skip-preview").must()
        engine("stack", "init", "dev").must()
    program(PROGRAM)
    one("config", "set", "--secret", "token", "canary", "--stack", "dev").must()
    one("up", "--stack", "dev", "--yes", "--skip-preview").must()
    assert objects() == ["a-one", "b-A-ONE", "c-z", "inside-x", "one-y"]

    hand_over(record, one, other)
    assert "canary" not in record.read_text()
    assert one("stack", "output", "--stack", "dev", "--json").json == other(
        "stack", "output", "--stack", "dev", "--json", "--show-secrets"
    ).json | {"hidden": "[secret]", "second": "[secret]"}

    program(PROGRAM.replace('word = "one"', 'word = "two"').replace("2.5", "3.5"))
    changes = other("preview", "--stack", "dev", "--json").must().json["changeSummary"]
    # What the update will answer is not known yet, so `second`, which is made from it, counts as changed.
    assert [changes[op] for op in ("same", "update", "replace")] == [4, 2, 1]
    other("up", "--stack", "dev", "--yes", "--skip-preview").must()
    assert objects() == ["a-one", "b-A-ONE", "c-z", "inside-x", "two-y"]
    other("refresh", "--stack", "dev", "--yes", "--skip-preview", "--expect-no-changes").must()

    hand_over(record, other, one)
    program(PROGRAM.replace('word = "one"', 'word = "two"').replace("protect=True", "protect=False"))
    one("up", "--stack", "dev", "--yes", "--skip-preview").must()
    hand_over(record, one, other)
    other("destroy", "--stack", "dev", "--yes", "--skip-preview").must()
    assert objects() == ["c-z"], "all but what is retained"
