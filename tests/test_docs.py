"""What the README says is what happens: its commands are run, its output is compared, its tables are checked.

The two set-up commands themselves are run by `.ci/run` in a clean clone; here is everything after the installation.
`pytest --regen` writes the output of the examples into the README again.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import click
import pytest

from engine.cli import cli
from tests.workstead import ROOT, Folder, clean_environment, copy_of_stack

README = ROOT / "README.md"
TEXT = README.read_text()
EXAMPLE = re.compile(
    r"(<!-- example: (?P<command>.*?)(?:, after (?P<edit>.*?))? -->\n```text\n)(?P<output>.*?)(```)", re.S
)


@pytest.fixture
def here(tmp_path: Path) -> Folder:
    return Folder(copy_of_stack("quickstart", tmp_path / "workstead"), clean_environment(tmp_path / "home"))


def both(folder: Folder, *arguments: str) -> str:
    """What a person sees: both streams in one."""
    done = subprocess.run(
        folder.command(*arguments),
        cwd=folder.path,
        env=folder.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def comparable(output: str) -> list[str]:
    """Without what differs from run to run: how long things took, and which of two equal steps was first."""
    steady = re.sub(r"\(\d+(\.\d+)?s\)|Duration: \d+s|\d+ s\b", "(time)", output)
    # How often a provider reports while it waits depends on the machine's mood.
    return sorted(line for line in steady.splitlines() if line.strip() and "(time):" not in line)


def test_the_examples_output(here: Folder, request: pytest.FixtureRequest) -> None:
    program = here.path / "stacks/quickstart/__main__.py"
    outputs: list[str] = []
    for example in EXAMPLE.finditer(TEXT):
        if example["edit"]:
            old, new = re.findall(r"'([^']+)'", example["edit"])
            assert old in program.read_text()
            program.write_text(program.read_text().replace(old, new))
        outputs.append(both(here, *example["command"].split()[1:]))
    assert len(outputs) == 2
    if request.config.getoption("--regen"):
        texts = iter(outputs)
        README.write_text(EXAMPLE.sub(lambda found: found[1] + next(texts) + found[5], TEXT))
        return
    for example, output in zip(EXAMPLE.finditer(TEXT), outputs, strict=True):
        assert comparable(output) == comparable(example["output"])


def test_the_commands_of_the_first_screen() -> None:
    blocks = [block.strip() for block in re.findall(r"```sh\n(.*?)```", TEXT, re.S)]
    assert blocks[0].endswith(".venv/bin/workstead up --stack dev --yes")
    assert blocks[1].endswith("-m pytest -n 4")
    for block in blocks[:2]:
        assert block.startswith("python3 -m venv .venv && .venv/bin/pip install")
    assert TEXT.index("```sh") < TEXT.index("<!-- example") < 2500
    assert "re.findall" in (ROOT / ".ci/run").read_text(), "CI reads its test command from the README"


def test_the_sentences_after_the_example(here: Folder) -> None:
    here.run("up", "--stack", "dev", "--yes").must()
    here.run("up", "--stack", "dev", "--yes", "--expect-no-changes").must()
    here.run("destroy", "--stack", "dev", "--yes").must()
    assert here.run("cloud", "ls", "--json").must().json == []


def test_the_program_of_the_readme(here: Folder) -> None:
    source = re.findall(r"```python\n(.*?)```", TEXT, re.S)[0]
    (here.path / "stacks/quickstart/__main__.py").write_text(source)
    digest = here.run("preview", "--stack", "dev", "--json").must().json
    assert [step["urn"].rpartition("::")[2] for step in digest["steps"]] == ["workstead-dev", "team", "nlp"]


def test_the_settings_commands(here: Folder) -> None:
    here.run("stack", "init", "real").must()
    for line in re.findall(r"^workstead (config set .*)$", TEXT, re.M):
        here.run(*line.split(), stdin="secret of the example").must()
    assert here.run("config", "get", "dataforest:secretKey").must().out == "secret of the example\n"


def test_every_command_is_in_the_table_and_every_option_exists(here: Folder) -> None:
    rows = re.findall(r"^\| `workstead (\w+)[^|]*\| (.*) \|$", TEXT, re.M)
    documented = {name for name, _ in rows}
    assert documented == set(cli.list_commands(None)) - {"version"}  # type: ignore[arg-type]
    for name, text in rows:
        shown = here.run(name, "--help").must().out
        for option in re.findall(r"(--[a-z-]+)", text):
            assert option in shown, f"{name} {option}"
        for word in re.findall(r"`([a-z]+)`", text):
            assert re.search(rf"^  {word}\b", shown, re.M), f"{name} {word}"


def test_every_command_that_a_message_names_exists() -> None:
    named: set[tuple[str, str]] = set()
    for file in [*ROOT.glob("engine/**/*.py"), *ROOT.glob("providers/**/*.py")]:
        named |= set(re.findall(r'(?:`|remedy=f?")workstead ([a-z]+)(?: ([a-z]+))?', file.read_text()))
    assert len(named) > 10
    with click.Context(cli) as ctx:
        for word, inner in named:
            command = cli.get_command(ctx, word)
            assert command is not None, word
            if isinstance(command, click.Group) and inner:
                assert command.get_command(ctx, inner) is not None, f"{word} {inner}"


def test_links_lead_somewhere() -> None:
    for file in [README, *ROOT.glob("providers/*/README.md")]:
        for link in re.findall(r"\]\(([^)#]+)\)", file.read_text()):
            if not link.startswith("http"):
                assert (file.parent / link).exists(), f"{file}: {link}"


def test_the_quickstart_is_the_root_project() -> None:
    assert "main: stacks/quickstart" in (ROOT / "Pulumi.yaml").read_text()
