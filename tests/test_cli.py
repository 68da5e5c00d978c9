"""The command line as its users meet it: real processes, the real emulators, the screen they read."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pexpect
import pytest

from engine.cli import cli
from engine.core.errors import CloudError
from tests.workstead import Folder, clean_environment, copy_of_stack

WORKSPACE = "pulumi-python:dynamic/dataforest:AIWorkspace"
ONE_WORKSPACE = """
import pulumi
from providers import dataforest

config = pulumi.Config()
account = dataforest.Account("team", name="cli-team")
nlp = dataforest.AIWorkspace(
    "nlp",
    account_id=account.id,
    name=config.get("name"),
    configuration={"docker": {"image": "tensorflow:r2.3.1-py3", "command": config.get("command") or "ls"}},
)
pulumi.export("id", nlp.id)
pulumi.export("token", pulumi.Output.secret("s3cr3t-canary"))
"""


@pytest.fixture
def quickstart(tmp_path: Path) -> Folder:
    """A copy of the quickstart, nothing run yet."""
    environ = {**clean_environment(tmp_path / "home"), "WORKSTEAD_EMULATE_SPEED": "instant"}
    return Folder(copy_of_stack("quickstart", tmp_path / "project"), environ)


@pytest.fixture
def small(tmp_path: Path) -> Folder:
    """A project with one account and one workspace, and its stack `dev`."""
    folder = Folder(tmp_path / "small", {**clean_environment(tmp_path / "home"), "WORKSTEAD_EMULATE_SPEED": "instant"})
    folder.write(
        Pulumi__yaml="name: small\nruntime: python\n",
        Pulumi__dev__yaml='config:\n  workstead:emulate: "true"\n',
    )
    (folder.path / "__main__.py").write_text(ONE_WORKSPACE)
    return folder


# --- the story of the issue -------------------------------------------------------------------------------------------


def test_the_story_of_a_stack(quickstart: Folder) -> None:
    program = quickstart.path / "stacks/quickstart/__main__.py"
    quickstart.run("up", "--stack", "dev", "--yes").must()

    # One property of one workspace is edited: the preview shows that path and nothing else.
    program.write_text(program.read_text().replace("python report.py", "python weekly.py"))
    digest = quickstart.run("preview", "--stack", "dev", "--json").must().json
    changed = [step for step in digest["steps"] if step["op"] != "same"]
    assert [(step["op"], list(step["detailedDiff"])) for step in changed] == [
        ("update", ["configuration.docker.command"])
    ]
    assert digest["changeSummary"]["update"] == 1
    assert set(digest["changeSummary"]) == {"same", "update"}
    shown = quickstart.run("preview", "--stack", "dev").must().out
    assert 'configuration.docker.command: "python report.py" => "python weekly.py"' in shown
    before = quickstart.writes()
    quickstart.run("up", "--stack", "dev", "--yes").must()
    assert quickstart.writes()[len(before) :] == ["aiworkspaces/setConfiguration"]

    # A changed name is a replacement, and says why.
    program.write_text(program.read_text().replace('"report",\n', '"report",\n    name="weekly-report",\n'))
    shown = quickstart.run("preview", "--stack", "dev").must().out
    assert "report replace because name changed: no operation of the API renames a workspace" in shown
    assert '~ name: "report-' in shown
    assert '=> "weekly-report" (forces replacement)' in shown
    quickstart.run("up", "--stack", "dev", "--yes").must()
    objects = quickstart.run("cloud", "ls", "--json").must().json
    names = [row["name"] for row in objects if row["cloud"] == "dataforest"]
    assert "weekly-report" in names
    assert len(names) == 4

    # An object deleted behind the engine's back is found by refresh and made again by up.
    lost = next(row for row in objects if row["name"] == "weekly-report")
    quickstart.run("cloud", "rm", "dataforest", lost["id"]).must()
    assert quickstart.run("refresh", "--stack", "dev", "--yes", "--expect-no-changes").code == 7
    shown = quickstart.run("refresh", "--stack", "dev", "--yes").must().out
    assert "- 1 deleted" in shown
    quickstart.run("up", "--stack", "dev", "--yes").must()
    names = [row["name"] for row in quickstart.run("cloud", "ls", "--json").json]
    assert "weekly-report" in names

    quickstart.run("destroy", "--stack", "dev", "--yes").must()
    assert quickstart.run("cloud", "ls", "--json").must().json == []


def test_drift_is_shown_by_path_and_put_back(small: Folder) -> None:
    small.run("up", "-s", "dev", "-y").must()
    with sqlite3.connect(small.path / ".workstead/cloud.db") as db:
        assert db.execute("SELECT count(*) FROM object").fetchone()[0] == 2
    script = (
        "from pathlib import Path; from providers.emulation import CloudFile;"
        "file = CloudFile(Path('.workstead/cloud.db'));"
        "row = next(r for r in file.objects() if r['type'] == 'aiworkspace');"
        "file.edit('dataforest', row['id'], {'configuration.docker.command': 'rm -rf'})"
    )
    subprocess.run([sys.executable, "-c", script], cwd=small.path, env=small.environ, check=True)
    shown = small.run("refresh", "-s", "dev", "-y").must().out
    assert "configuration.docker.command" in shown
    small.run("up", "-s", "dev", "-y").must()
    small.run("refresh", "-s", "dev", "-y", "--expect-no-changes").must()


# --- json, streams, exit codes ----------------------------------------------------------------------------------------


def test_results_on_stdout_progress_on_stderr_and_no_colour(small: Folder) -> None:
    done = small.run("up", "-s", "dev", "-y").must()
    assert "created" in done.err
    assert "Updating (dev):" in done.err
    assert "Resources:" in done.out
    assert "\x1b" not in done.out + done.err


def test_json_commands_print_nothing_but_json(small: Folder) -> None:
    preview = small.run("preview", "-s", "dev", "--json").must()
    assert set(preview.json) >= {"steps", "changeSummary", "duration"}
    up = small.run("up", "-s", "dev", "-y", "--json").must()
    events = [json.loads(line) for line in up.out.splitlines()]
    assert "summaryEvent" in events[-2]
    assert events[-1]["cancelEvent"] == {}
    for command in (
        ("stack", "ls"),
        ("stack", "output", "-s", "dev"),
        ("stack", "history", "-s", "dev"),
        ("config", "-s", "dev"),
        ("cloud", "ls"),
        ("cloud", "log"),
        ("version",),
    ):
        done = small.run(*command, "--json").must()
        assert done.json is not None
        assert done.err == ""


def test_without_a_terminal_nobody_is_asked(small: Folder) -> None:
    for command in (("up", "-s", "dev"), ("destroy", "-s", "dev"), ("refresh", "-s", "dev")):
        done = small.run(*command).must(2)
        assert "--yes" in done.err
    assert small.run("cloud", "ls", "--json").must().json == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["preview", "--stack", "nope"], 6, "no stack named"),
        (["preview", "--no-such-option"], 2, "no such option"),
        (["frobnicate"], 2, "there is no command 'frobnicate'"),
        (["previw"], 2, "did you mean `workstead preview`?"),
        (["stack", "lss"], 2, "Did you mean 'ls'?"),
        (["up", "dev"], 2, "name a stack with --stack"),
        (["cloud", "fault", "add"], 2, "Usage: workstead cloud fault add [OPTIONS] CLOUD KIND"),
        (["-C", "/nowhere", "preview"], 2, "/nowhere"),
        (["preview", "-C", "/nowhere"], 2, "/nowhere"),
        (["stack", "output", "missing", "-s", "dev"], 2, "no output 'missing'"),
        (["up", "--stack", "dev", "--yes", "--backend", "ftp://x"], 2, "ftp://x"),
        (["preview", "--stack", "dev", "--expect-no-changes"], 7, "none were expected"),
        (["cloud", "rm", "dataforest", "nothing"], 2, "nothing"),
        (["cloud", "fault", "add", "dataforest", "bites"], 2, "bites"),
        (["import", "dataforest:AIWorkspace", "x", "missingid", "-s", "dev", "-y"], 1, "no object with the ID"),
        (["import", "-s", "dev", "-y"], 2, "workstead import TYPE NAME ID"),
    ],
)
def test_exit_codes_and_messages(small: Folder, arguments: list[str], code: int, words: str) -> None:
    done = small.run(*arguments).must(code)
    assert words in done.err
    assert "Traceback" not in done.err


def commands(group: click.Group, name: str = "workstead") -> Iterator[tuple[str, click.Command]]:
    """Every command, groups included, under the words it is called by."""
    yield name, group
    with click.Context(group) as ctx:
        for word in group.list_commands(ctx):
            command = group.get_command(ctx, word)
            assert command is not None
            if isinstance(command, click.Group):
                yield from commands(command, f"{name} {word}")
            else:
                yield f"{name} {word}", command


def test_help_has_examples_everywhere(small: Folder) -> None:
    every = dict(commands(cli))
    assert len(every) > 25
    for name, command in every.items():
        assert "Example" in (command.help or ""), name
        # An example names the command it is an example of, and no option that it does not have.
        lines = [line for line in (command.help or "").splitlines() if line.strip().startswith("workstead ")]
        for line in lines:
            words = line.split()
            called = max((other for other in every if line.strip().startswith(other)), key=len)
            options = {option for each in every[called].params for option in each.opts}
            assert {word for word in words if word.startswith("--")} <= options | {"--help"}, line
        assert any(line.strip().startswith(name) for line in lines), name
    assert "Example" in small.run("cloud", "fault", "add", "--help").must().out


def test_completion(small: Folder) -> None:
    done = small.run(_WORKSTEAD_COMPLETE="bash_complete", COMP_WORDS="workstead st", COMP_CWORD="1")
    assert "stack" in done.out


# --- stacks, settings, secrets ----------------------------------------------------------------------------------------


def test_stack_commands(small: Folder) -> None:
    small.run("stack", "init", "one").must()
    small.run("stack", "init", "two", "--no-select").must()
    rows = small.run("stack", "ls", "--json").must().json
    assert [(row["name"], row["current"]) for row in rows] == [("one", True), ("two", False)]
    small.run("stack", "select", "two").must()
    assert [row["name"] for row in small.run("stack", "ls", "--json").json if row["current"]] == ["two"]
    assert "already exists" in small.run("stack", "init", "one").must(2).err
    small.run("stack", "rm", "two", "--yes").must()
    assert [row["name"] for row in small.run("stack", "ls", "--json").json] == ["one"]

    small.run("up", "-s", "dev", "-y").must()
    assert "still has" in small.run("stack", "rm", "dev", "--yes").must(2).err
    assert small.run("stack", "output", "token", "-s", "dev").must().out == "[secret]\n"
    assert small.run("stack", "output", "token", "-s", "dev", "--show-secrets").must().out == "s3cr3t-canary\n"
    history = small.run("stack", "history", "-s", "dev", "--json").must().json
    assert [(row["kind"], row["result"]) for row in history] == [("update", "succeeded")]


def test_outputs_as_pulumi_prints_them(small: Folder) -> None:
    """Assets included; and a stack that stands for nothing in a cloud can be removed."""
    (small.path / "__main__.py").write_text(
        "import pulumi\n"
        "pulumi.export('asset', pulumi.StringAsset('x'))\n"
        "pulumi.export('map', {'k': [1, None, 'é']})\n"
        "pulumi.export('hidden', pulumi.Output.secret({'a': 1}))\n"
    )
    small.run("up", "-s", "dev", "-y", "-f").must()
    outputs = small.run("stack", "output", "--json", "-s", "dev").must().json
    assert outputs["asset"]["text"] == "x"
    assert (outputs["map"], outputs["hidden"]) == ({"k": [1, None, "é"]}, "[secret]")
    assert small.run("stack", "output", "map", "-s", "dev").must().out == '{"k":[1,null,"é"]}\n'
    assert small.run("stack", "output", "hidden", "-s", "dev", "--show-secrets").must().out == '{"a":1}\n'
    small.run("stack", "rm", "dev", "--yes").must()


def test_a_record_travels_by_export_and_import(small: Folder, tmp_path: Path) -> None:
    small.run("up", "-s", "dev", "-y").must()
    file = tmp_path / "record.json"
    small.run("stack", "export", "-s", "dev", "--file", str(file)).must()
    assert file.stat().st_mode & 0o777 == 0o600
    assert "s3cr3t-canary" not in file.read_text()
    assert json.loads(file.read_text())["version"] == 3
    small.run("stack", "rm", "dev", "--yes", "--force", "--preserve-config").must()
    small.run("stack", "import", "-s", "dev", "--file", str(file)).must()
    small.run("up", "-s", "dev", "-y", "--expect-no-changes").must()
    assert small.run("stack", "output", "token", "-s", "dev", "--show-secrets").must().out == "s3cr3t-canary\n"
    small.run("stack", "init", "elsewhere").must()
    assert "another stack" in small.run("stack", "import", "-s", "elsewhere", "--file", str(file)).must(2).err


def test_secrets_are_nowhere_in_plain_text(small: Folder) -> None:
    small.run("config", "set", "--secret", "password", "c4n4ry-in-config", "-s", "dev").must()
    done = small.run("up", "-s", "dev", "-y").must()
    again = small.run("preview", "-s", "dev", "--json", "--diff").must()
    everything = done.out + done.err + again.out + again.err
    for file in (small.path / ".workstead").iterdir():
        if file.is_file():
            everything += file.read_bytes().decode("latin-1")
    everything += (small.path / "Pulumi.dev.yaml").read_text()
    for canary in ("s3cr3t-canary", "c4n4ry-in-config"):
        assert canary not in everything
    assert small.run("config", "get", "password", "-s", "dev").must().out == "c4n4ry-in-config\n"
    assert (small.path / ".workstead/state.db").stat().st_mode & 0o077 == 0


def test_settings_commands(small: Folder) -> None:
    small.run("config", "set", "region", "KR", "-s", "dev").must()
    small.run("config", "set", "--path", "team.members[0]", "ada", "-s", "dev").must()
    assert small.run("config", "get", "region", "-s", "dev").must().out == "KR\n"
    shown = small.run("config", "-s", "dev", "--json").must().json
    assert shown["small:team"]["objectValue"] == {"members": ["ada"]}
    small.run("config", "set", "word", "-s", "dev", stdin="from stdin\n").must()
    assert small.run("config", "get", "word", "-s", "dev").must().out == "from stdin\n"
    small.run("config", "rm", "region", "-s", "dev").must()
    assert "small:region" not in small.run("config", "-s", "dev", "--json").must().json


def test_import_takes_an_object_over_and_says_the_code(small: Folder) -> None:
    small.run("up", "-s", "dev", "-y").must()
    id_ = small.run("stack", "output", "id", "-s", "dev").must().out.strip()
    small.run("stack", "init", "other", "--no-select").must()
    small.write(Pulumi__other__yaml='config:\n  workstead:emulate: "true"\n')
    done = small.run("import", "dataforest:AIWorkspace", "taken", id_, "-s", "other", "-y").must()
    assert "taken = dataforest.AIWorkspace(" in done.out
    assert "protect=True" in done.out
    resources = small.run("stack", "export", "-s", "other").must().json["deployment"]["resources"]
    taken = next(row for row in resources if row["type"] == WORKSPACE)
    assert (taken["id"], taken["protect"], taken["importID"]) == (id_, True, id_)
    # The code it prints, run as the program, changes nothing but what it says: protection.
    (small.path / "__main__.py").write_text(done.out)
    small.run("preview", "-s", "other", "--expect-no-changes").must()


# --- trouble ----------------------------------------------------------------------------------------------------------


def test_a_second_up_is_refused_at_once_with_who_holds_it(small: Folder) -> None:
    small.run("up", "-s", "dev", "-y").must()
    small.run("cloud", "fault", "add", "dataforest", "slow", "--always", "--set", "seconds=90").must()
    small.run("config", "set", "command", "sleep", "-s", "dev").must()
    first = subprocess.Popen(
        small.command("up", "-s", "dev", "-y"), cwd=small.path, env=small.environ, stderr=subprocess.PIPE, text=True
    )
    try:
        assert first.stderr is not None
        wait_for(first.stderr, "updating")
        done = small.run("up", "-s", "dev", "-y").must(1)
        assert first.poll() is None, "refused at once: the first is still at work"
        assert "is currently locked by" in done.err
        assert str(first.pid) in done.err
    finally:
        first.kill()
        first.communicate()
    # The holder is dead: no waiting for its lease to run out.
    small.run("cloud", "fault", "clear").must()
    small.run("up", "-s", "dev", "-y").must()
    small.run("up", "-s", "dev", "-y", "--expect-no-changes").must()


def test_ctrl_c_finishes_and_records_what_runs(small: Folder) -> None:
    small.run(
        "cloud", "fault", "add", "dataforest", "slow", "--operation", "accounts/create", "--set", "seconds=2"
    ).must()
    run = subprocess.Popen(
        small.command("up", "-s", "dev", "-y"), cwd=small.path, env=small.environ, stderr=subprocess.PIPE, text=True
    )
    assert run.stderr is not None
    wait_for(run.stderr, "Account team creating")
    run.send_signal(signal.SIGINT)
    _, rest = run.communicate(timeout=30)
    assert run.returncode == 8, rest
    assert "the run was stopped" in rest
    assert [row["type"] for row in small.run("cloud", "ls", "--json").json] == ["account"]
    recorded = small.run("stack", "export", "-s", "dev").must().json["deployment"]
    assert any(row["type"].endswith("dataforest:Account") for row in recorded["resources"])
    assert not recorded.get("pending_operations")
    small.run("up", "-s", "dev", "-y").must()


def test_killed_in_the_middle_of_a_create(small: Folder) -> None:
    small.run(
        "cloud", "fault", "add", "dataforest", "slow", "--operation", "*/create", "--always", "--set", "seconds=2"
    ).must()
    run = subprocess.Popen(
        small.command("up", "-s", "dev", "-y"), cwd=small.path, env=small.environ, stderr=subprocess.PIPE, text=True
    )
    assert run.stderr is not None
    wait_for(run.stderr, "AIWorkspace nlp creating")
    time.sleep(1)
    run.kill()
    run.communicate()
    small.run("cloud", "fault", "clear").must()
    small.run("up", "-s", "dev", "-y").must()
    assert sorted(row["type"] for row in small.run("cloud", "ls", "--json").json) == ["account", "aiworkspace"]
    small.run("up", "-s", "dev", "-y", "--expect-no-changes").must()


def test_a_lost_answer_is_no_second_object(small: Folder) -> None:
    small.run("cloud", "fault", "add", "dataforest", "drop-after", "--operation", "aiworkspaces/create").must()
    small.run("up", "-s", "dev", "-y").must()
    assert sorted(row["type"] for row in small.run("cloud", "ls", "--json").json) == ["account", "aiworkspace"]


def test_refused_credentials_and_an_unreachable_endpoint(small: Folder) -> None:
    config = "config:\n  dataforest:endpoint: {url}\n  dataforest:accessKey: WRONG\n  dataforest:secretKey: wrong\n"
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        small.write(Pulumi__dev__yaml=config.format(url=f"http://127.0.0.1:{closed.getsockname()[1]}"))
        done = small.run("up", "-s", "dev", "-y").must(CloudError.exit_code)
        assert "cannot reach http://127.0.0.1" in done.err
    with serving(small) as urls:
        small.write(Pulumi__dev__yaml=config.format(url=urls["dataforest"]))
        done = small.run("up", "-s", "dev", "-y").must(3)
        assert "credentials" in done.err
        assert "Traceback" not in done.err
    assert small.run("cloud", "ls", "--json").must().json == []


def test_a_time_limit_of_the_program_is_kept_and_told(small: Folder) -> None:
    (small.path / "__main__.py").write_text(
        "import pulumi\nfrom providers import dataforest\n"
        "limits = pulumi.CustomTimeouts(create='1s')\n"
        "dataforest.Account('team', name='cli-team', opts=pulumi.ResourceOptions(custom_timeouts=limits))\n"
    )
    done = small.run("up", "-s", "dev", "-y", WORKSTEAD_EMULATE_SPEED="real").must(9)
    assert "create did not finish within 1 s" in done.err
    assert "The last thing seen was: account ACCEPTED." in done.err
    assert [row["status"] for row in small.run("cloud", "ls", "--json").json] == ["ACCEPTED"]
    # What is there is recorded, and the next up goes on waiting for it.
    assert "to finish what an earlier run left unfinished" in small.run("preview", "-s", "dev").must().out


def test_a_port_in_use(small: Folder) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = small.run("cloud", "serve", "--port", str(port)).must(2)
        assert str(port) in done.err
        assert "To do:" in done.err


def test_programs_that_go_wrong(small: Folder) -> None:
    program = small.path / "__main__.py"
    for source, code, words in (
        ("import pulumi\n1 / 0\n", 1, "ZeroDivisionError"),
        ("import pulumi\nimport nonesuch\n", 1, "nonesuch"),
        ("def broken(:\n", 1, "SyntaxError"),
        ("import sys\nsys.exit(3)\n", 1, "exit code 3"),
        ("import pulumi\npulumi.Config().require('absent')\n", 2, "workstead config set small:absent <value>"),
        ("import pulumi\npulumi.Config('workstead').require_int('emulate')\n", 2, "<int>"),
        ("import pulumi\nraise pulumi.RunError('please do not')\n", 1, "please do not"),
        ("import pulumi\nimport pulumi_gcp_does_not_exist as gcp\n", 1, "pulumi_gcp_does_not_exist"),
        ("import pulumi\nimport nonesuch\n", 1, f"{sys.executable} -m pip install"),
    ):
        program.write_text(source)
        done = small.run("up", "-s", "dev", "-y").must(code)
        assert words in done.err
        for frame in ("/engine/", "site-packages/pulumi", "asyncio"):
            assert frame not in done.err
    assert small.run("stack", "export", "-s", "dev").must().json["deployment"].get("resources", []) == []


def test_a_full_disk_leaves_the_record_whole(small: Folder) -> None:
    small.run("up", "-s", "dev", "-y").must()
    size = (small.path / ".workstead/state.db").stat().st_size
    small.run("config", "set", "command", "-s", "dev", stdin="x" * 200_000).must()
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2);"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "from engine.cli import main; main(sys.argv[2:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, str(size + 20_000), "up", "-s", "dev", "-y"],
        cwd=small.path,
        env={**small.environ, "WORKSTEAD_PATIENCE": "0.5"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "To do:" in done.stderr
    small.run("up", "-s", "dev", "-y").must()
    small.run("up", "-s", "dev", "-y", "--expect-no-changes").must()


def test_a_person_is_asked_on_a_terminal_and_may_decline(small: Folder) -> None:
    screen = pexpect.spawn(
        sys.executable,
        ["-m", "engine", "up", "-s", "dev"],
        cwd=str(small.path),
        env={**small.environ, "TERM": "xterm"},
        encoding="utf-8",
        timeout=30,
        dimensions=(40, 120),
    )
    screen.expect("Do you want to go on with dev")
    screen.sendline("n")
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == 8
    assert small.run("cloud", "ls", "--json").must().json == []


# --- small parts ------------------------------------------------------------------------------------------------------


def wait_for(stream: Any, text: str) -> None:
    """Read lines until one has the text."""
    seen = []
    for line in stream:
        seen.append(line)
        if text in line:
            return
    pytest.fail(f"never saw {text!r} in:\n{''.join(seen)}")


class serving:
    """`workstead cloud serve` in the background; gives the URLs it prints."""

    def __init__(self, folder: Folder) -> None:
        self._server = subprocess.Popen(
            folder.command("cloud", "serve", "--speed", "instant"),
            cwd=folder.path,
            env=folder.environ,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> dict[str, str]:
        assert self._server.stdout is not None
        return json.loads(self._server.stdout.readline())

    def __exit__(self, *_exception: object) -> None:
        self._server.terminate()
        self._server.communicate(timeout=10)
        assert self._server.returncode == 0
