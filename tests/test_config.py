"""Configuration: what is read from Pulumi's files, how it is shown and changed, what a run gets.

Expected values marked "observed" are what the real command did (built from its sources of August 2026); where it is on
the PATH, the last section asks it again.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.config import (
    Project,
    RunConfig,
    StackConfig,
    ensure_own_passphrase,
    find_project,
    make_own_folder,
    own_key_file,
    parse_stack_name,
    passphrase,
    read_settings,
    read_stack_config,
    run_config,
    select_stack,
    selected_stack,
    unselect_stack,
)
from engine.config.document import Document, write_atomically
from engine.config.entries import entry_text, json_text, looks_like_secret, typed
from engine.core import paths
from engine.core.errors import CredentialsError, ManyErrors, UsageError
from engine.core.values import Sealed, Secret

PROJECT = "name: proj\nruntime: python\n"


class Backwards:
    """A vault that anybody can read, for tests."""

    def decrypt(self, text: str) -> str:
        return text.removeprefix("sealed:")[::-1]

    def encrypt(self, text: str) -> str:
        return "sealed:" + text[::-1]


VAULT = Backwards()


def write_project(folder: Path, text: str = PROJECT, name: str = "Pulumi.yaml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def config_of(folder: Path, text: str = "", project: str = PROJECT) -> StackConfig:
    """The configuration of stack dev with that file."""
    write_project(folder, project)
    file = folder / "Pulumi.dev.yaml"
    file.write_text(text, encoding="utf-8")
    return read_stack_config(find_project(folder), "dev")


def problems(raised: pytest.ExceptionInfo[Any]) -> list[tuple[str, str]]:
    """(path, reference) of every error raised."""
    error = raised.value
    errors = error.errors if isinstance(error, ManyErrors) else (error,)
    return [(one.path, one.reference) for one in errors]


# --- the project file -------------------------------------------------------------------------------------------------


def test_the_project_is_found_from_below_it(tmp_path: Path) -> None:
    write_project(
        tmp_path,
        "name: proj\nruntime: {name: python, options: {virtualenv: venv}}\nmain: stacks/one\ndescription: Text.\n"
        "stackConfigDir: stacks\nbackend: {url: 'file://~'}\noptions: {refresh: always}\nauthor: unknown keys pass\n",
    )
    below = tmp_path / "stacks" / "one"
    below.mkdir(parents=True)
    (below / "__main__.py").touch()

    project = find_project(below)

    assert project == Project(
        name="proj",
        root=tmp_path,
        file=tmp_path / "Pulumi.yaml",
        runtime_options={"virtualenv": "venv"},
        main="stacks/one",
        description="Text.",
        config_folder="stacks",
        backend_url="file://~",
        always_refresh=True,
    )
    assert project.program_path == below / "__main__.py"
    assert project.stack_file("dev") == tmp_path / "stacks" / "Pulumi.dev.yaml"


@pytest.mark.parametrize(
    ("name", "text", "stack_file"),
    [
        ("Pulumi.yaml", PROJECT, "Pulumi.dev.yaml"),
        ("Pulumi.yml", "\ufeff" + PROJECT, "Pulumi.dev.yml"),
        ("Pulumi.json", '{"name": "proj", "runtime": "python"}', "Pulumi.dev.json"),
    ],
)
def test_the_stack_file_has_the_project_files_format(tmp_path: Path, name: str, text: str, stack_file: str) -> None:
    project = find_project(write_project(tmp_path, text, name))
    assert project.name == "proj"
    assert project.stack_file("dev") == tmp_path / stack_file


def test_the_nearest_project_wins_and_json_before_yaml(tmp_path: Path) -> None:
    write_project(tmp_path, "name: outer\nruntime: python\n")
    inner = write_project(tmp_path / "inner", "name: yaml\nruntime: python\n")
    assert find_project(inner).name == "yaml"
    write_project(inner, '{"name": "json", "runtime": "python"}', "Pulumi.json")
    assert find_project(inner).name == "json"
    (inner / "Pulumi.yml").mkdir()  # a folder of that name is no project file
    assert find_project(tmp_path).name == "outer"


def test_no_project_says_what_was_looked_for_and_from_where(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        find_project(tmp_path)
    message = str(raised.value)
    assert raised.value.reference == "project-missing"
    assert "Pulumi.yaml" in message
    assert str(tmp_path) in message
    assert "runtime: python" in message


@pytest.mark.parametrize(
    ("main", "files", "program"),
    [
        ("", ["__main__.py"], "__main__.py"),
        ("app", ["app/__main__.py"], "app/__main__.py"),
        ("app/run.py", ["app/run.py"], "app/run.py"),
        ("app", [], None),
        ("", [], None),
    ],
)
def test_program_path(tmp_path: Path, main: str, files: list[str], program: str | None) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    project = Project(name="proj", root=tmp_path, main=main)
    if program is not None:
        assert project.program_path == tmp_path / program
        return
    with pytest.raises(UsageError) as raised:
        _ = project.program_path
    assert raised.value.reference == "program-missing"


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("runtime: python\n", 1, [("name", "project-name")]),
        ("name: 5\nruntime: python\n", 1, [("name", "project-malformed")]),
        ("name: a b\nruntime: python\n", 1, [("name", "project-name")]),
        (f"name: {'a' * 101}\nruntime: python\n", 1, [("name", "project-name")]),
        ("name: p\n\nruntime: nodejs\n", 3, [("runtime", "runtime-unsupported")]),
        ("name: p\n", 1, [("runtime", "runtime-unsupported")]),
        ("name: p\nruntime: {name: python, option: {}}\n", 2, [("runtime", "project-malformed")]),
        (PROJECT + "main: {}\n", 3, [("main", "project-malformed")]),
        (PROJECT + "options:\n  refresh: never\n", 4, [("options.refresh", "project-malformed")]),
        (PROJECT + "backend:\n  uri: x\n", 3, [("backend", "project-malformed")]),
        (PROJECT + "config: [a]\n", 3, [("config", "project-malformed")]),
        (PROJECT + "config: a\nstackConfigDir: b\n", 3, [("config", "project-malformed")]),
        (PROJECT + "config:\n  a: {type: int}\n", 4, [("config.a.type", "project-malformed")]),
        (PROJECT + "config:\n  a: {foo: bar}\n", 4, [("config.a", "project-malformed")]),
        (PROJECT + "config:\n  a: 1.5\n", 4, [("config.a", "project-malformed")]),
        (PROJECT + "config:\n  a:\n", 4, [("config.a", "project-malformed")]),
        (PROJECT + "config:\n  a: {type: array}\n", 4, [("config.a", "project-malformed")]),
        (PROJECT + "config:\n  a: {default: 1, value: 2}\n", 4, [("config.a", "project-malformed")]),
        (PROJECT + "config:\n  a: {type: integer, default: x}\n", 4, [("config.a", "project-malformed")]),
        (PROJECT + "config:\n  a: {type: string, default: 5}\n", 4, [("config.a", "project-malformed")]),
        (PROJECT + "config:\n  aws:a: {type: string, value: x}\n", 4, [('config["aws:a"]', "project-malformed")]),
        (PROJECT + "config:\n  aws:a: {default: x}\n", 4, [('config["aws:a"]', "project-malformed")]),
        (PROJECT + "config:\n  aws:a: {}\n", 4, [('config["aws:a"]', "project-malformed")]),
        (PROJECT + "config:\n  a:b:c: x\n", 4, [('config["a:b:c"]', "config-key")]),
        (
            "name: p\nruntime: [a]\nmain: 5\noptions: {refresh: 1}\n",
            2,
            [
                ("runtime", "project-malformed"),
                ("main", "project-malformed"),
                ("options.refresh", "project-malformed"),
            ],
        ),
    ],
)
def test_a_wrong_project_file(tmp_path: Path, text: str, line: int, expected: list[tuple[str, str]]) -> None:
    """Every mistake at once, each with file, line and property path. Observed: Pulumi refuses the same files."""
    write_project(tmp_path, text)
    with pytest.raises((UsageError, ManyErrors)) as raised:
        find_project(tmp_path)
    assert problems(raised) == expected
    assert f"{tmp_path / 'Pulumi.yaml'}:{line}" in str(raised.value)
    assert raised.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("Pulumi.yaml", "name: p\nruntime: [\n", 3),
        ("Pulumi.yaml", "name: p\n- a\n", 2),
        ("Pulumi.yaml", "- a\n", 1),
        ("Pulumi.yaml", "name: p\nname: q\n", 2),
        ("Pulumi.yaml", "name: p\nx: .inf\n", 2),
        ("Pulumi.yaml", "name: p\nx: &a [*a]\n", 2),
        ("Pulumi.yaml", "name: p\n---\nname: q\n", 2),
        ("Pulumi.yaml", "name: \x01\n", 1),
        ("Pulumi.json", '{"name": "p",\n "runtime"}', 2),
        ("Pulumi.json", '{"name": NaN}', 1),
        ("Pulumi.json", '{"name": 1e999}', 1),
    ],
)
def test_a_malformed_file_names_the_line(tmp_path: Path, name: str, text: str, line: int) -> None:
    write_project(tmp_path, text, name)
    with pytest.raises(UsageError) as raised:
        find_project(tmp_path)
    assert raised.value.reference == "file-malformed"
    assert f"{tmp_path / name}:{line}:" in str(raised.value)


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(UsageError) as raised:
        find_project(tmp_path)
    assert raised.value.reference == "file-unreadable"


# --- reading a stack's file -------------------------------------------------------------------------------------------

# What is written for a value → the text a program gets. All observed.
SCALARS = {
    "text": "text",
    "yes": "yes",
    "on": "on",
    "True": "true",
    "TRUE": "true",
    "TrUe": "TrUe",
    '"5"': "5",
    "5": "5",
    "+5": "5",
    "-5": "-5",
    "-0": "0",
    "0x10": "16",
    "-0x10": "-16",
    "0X1F": "31",
    "0x_1F": "31",
    "0x": "0x",
    "0777": "511",
    "-0777": "-511",
    "0o17": "15",
    "0o8": "0o8",
    "089": "89",
    "0_7": "7",
    "0b11": "3",
    "+0b11": "3",
    "0b": "0b",
    "1_000": "1000",
    "1__0": "10",
    "1_": "1",
    "_1": "_1",
    "1e3": "1000",
    "1e+3": "1000",
    "1.e3": "1000",
    "e3": "e3",
    "1.0": "1",
    "-0.0": "0",
    "5.": "5",
    ".5": "0.5",
    "+.5": "0.5",
    ".5e3": "500",
    "1_0.5": "10.5",
    ".": ".",
    "1.5e300": "1.5e+300",
    "1e21": "1e+21",
    "1e20": "100000000000000000000",
    "0.0000001": "1e-7",
    "0.000001": "0.000001",
    "123456789.125": "123456789.125",
    "9223372036854775808": "9223372036854775808",
    "18446744073709551615": "18446744073709551615",
    "-9223372036854775808": "-9223372036854775808",
    "-9223372036854775809": "-9223372036854776000",
    "12345678901234567890123": "1.2345678901234568e+22",
    "1:30": "1:30",
    "-.inf2": "-.inf2",
    "1e999": "1e999",
    "=": "=",
    "2020-01-02": "2020-01-02 00:00:00 +0000 UTC",
    "2020-1-2 3:4:5": "2020-01-02 03:04:05 +0000 UTC",
    "2020-01-02T03:04:05Z": "2020-01-02 03:04:05 +0000 UTC",
    "2020-01-02t03:04:05Z": "2020-01-02 03:04:05 +0000 UTC",
    "2020-01-02T03:04:05.120Z": "2020-01-02 03:04:05.12 +0000 UTC",
    "2020-01-02T03:04:05+02:00": "2020-01-02 03:04:05 +0200 +0200",
    "2020-01-02T03:04:05-05:30": "2020-01-02 03:04:05 -0530 -0530",
    "2020-01-02T03:04:05": "2020-01-02T03:04:05",
    "2020-01-02 03:04": "2020-01-02 03:04",
    "2020-13-02": "2020-13-02",
    "02020-01-02": "02020-01-02",
    "!!binary aGVsbG8=": "hello",
    "!!str 5": "5",
    '!!int "7"': "7",
    "!foo x": "x",
    '"<a&b>"': "<a&b>",
    "[]": "[]",
    "{}": "{}",
    "{secure: 5}": '{"secure":5}',
    "{secure: x, other: y}": '{"other":"y","secure":"x"}',
    '[1, 1.5, yes, null, 0x1F, "<b>&", 1e3, 1.0, 1e21, 1e-7]': '[1,1.5,"yes",null,31,'
    '"\\u003cb\\u003e\\u0026",1000,1,1e+21,1e-7]',
    '["\\u2028", "\\t\\b\\u007f", "é", "\\U0001F600"]': '["\\u2028","\\t\\b\x7f","é","😀"]',
    "{1: a, true: b, null: c, 1.5: d, 2020-01-02: e}": '{"1":"a","1.5":"d","2020-01-02 00:00:00 +0000 UTC":"e",'
    '"\\u003cnil\\u003e":"c","true":"b"}',
    "{<<: {x: 1, y: 1}, y: 2}": '{"x":1,"y":2}',
}


def scalars_text() -> str:
    return "config:\n" + "".join(f"  proj:k{index:03}: {written}\n" for index, written in enumerate(SCALARS))


def test_values_as_pulumi_reads_them(tmp_path: Path) -> None:
    config = config_of(tmp_path, scalars_text())
    texts = dict(zip(SCALARS, run_config(config).texts.values(), strict=True))
    assert texts == SCALARS


def test_big_integers_inside_lists_stay_exact(tmp_path: Path) -> None:
    """Observed: Pulumi passes 18446744073709552000 on. We do not repeat that."""
    config = config_of(tmp_path, "config: {proj:a: [18446744073709551615]}\n")
    assert config.get("a")["value"] == "[18446744073709551615]"


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("a", "proj:a"),
        ("proj:a", "proj:a"),
        ("proj:config:a", "proj:a"),
        ("aws:config:region", "aws:region"),
        ("'a b'", "proj:a b"),
        ("a/b.c", "proj:a/b.c"),
        ("'x:'", "x:"),
        ("5", "proj:5"),
    ],
)
def test_keys_in_a_file(tmp_path: Path, written: str, key: str) -> None:
    assert list(config_of(tmp_path, f"config:\n  {written}: v\n").values) == [key]


def test_the_rest_of_a_stack_file(tmp_path: Path) -> None:
    config = config_of(
        tmp_path,
        "encryptionsalt: s\nsecretsprovider: passphrase\nencryptedkey: k\nenvironment: [a/b]\nconfig:\n"
        "  a: {secure: c}\n  b:\n  c: [{secure: d}, {x: {secure: e}}]\n",
    )
    assert (config.encryption_salt, config.secrets_provider, config.encrypted_key) == ("s", "passphrase", "k")
    assert config.environment == ["a/b"]
    # `b:` without a value is empty text, observed with a warning that this may become null.
    assert config.values == {"proj:a": Sealed("c"), "proj:b": "", "proj:c": [Sealed("d"), {"x": Sealed("e")}]}
    assert config.has_secrets


def test_a_missing_file_is_an_empty_configuration(tmp_path: Path) -> None:
    config = read_stack_config(find_project(write_project(tmp_path)), "dev")
    assert not config.values
    assert not config.has_secrets
    assert run_config(config) == RunConfig()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("config: [a]\n", [("config", "stack-file-malformed")]),
        (
            "config:\n  a:b:c: 1\n  d::e: 2\n",
            [('config["a:b:c"]', "stack-file-malformed"), ('config["d::e"]', "stack-file-malformed")],
        ),
        ("config:\n  a: 1\n  proj:a: 2\n", [('config["proj:a"]', "stack-file-malformed")]),
        ("encryptionsalt: [a]\n", [("encryptionsalt", "stack-file-malformed")]),
    ],
)
def test_a_wrong_stack_file(tmp_path: Path, text: str, expected: list[tuple[str, str]]) -> None:
    with pytest.raises((UsageError, ManyErrors)) as raised:
        config_of(tmp_path, text)
    assert problems(raised) == expected
    assert "Pulumi.dev.yaml:" in str(raised.value)


def test_another_file_can_be_given(tmp_path: Path) -> None:
    project = find_project(write_project(tmp_path))
    (tmp_path / "other.yaml").write_text("config: {a: b}\n")
    assert read_stack_config(project, "dev", tmp_path / "other.yaml").values == {"proj:a": "b"}


# --- showing ----------------------------------------------------------------------------------------------------------


def test_listing_and_table(tmp_path: Path) -> None:
    config = config_of(
        tmp_path,
        "config:\n  proj:s: {secure: 'sealed:hsuh'}\n  proj:n: 5\n  proj:l: ['007']\n  proj:e: {}\n"
        "  proj:o: {x: 1, s: {secure: 'sealed:tsp'}}\n  aws:region: eu\n",
        PROJECT + "config:\n  d: {default: [1]}\n  n: 6\n",
    )
    plain = {
        "aws:region": {"value": "eu", "secret": False},
        "proj:d": {"value": "[1]", "objectValue": [1], "secret": False},
        "proj:e": {"value": "{}", "objectValue": {}, "secret": False},
        "proj:l": {"value": '["007"]', "objectValue": ["007"], "secret": False},
        "proj:n": {"value": "5", "secret": False},
    }
    assert config.listing() == plain | {"proj:o": {"secret": True}, "proj:s": {"secret": True}}
    assert list(config.listing()) == sorted(config.listing())
    assert list(config.listing()["proj:l"]) == ["value", "objectValue", "secret"]
    assert config.listing(VAULT) == plain | {
        "proj:o": {"value": '{"s":"pst","x":1}', "objectValue": {"s": "pst", "x": 1}, "secret": True},
        "proj:s": {"value": "hush", "secret": True},
    }
    assert config.rows() == [
        ("aws:region", "eu"),
        ("d", "[1]"),
        ("e", "{}"),
        ("l", '["007"]'),
        ("n", "5"),
        ("o", '{"s":"[secret]","x":1}'),
        ("s", "[secret]"),
    ]
    assert dict(config.rows(VAULT))["o"] == '{"s":"pst","x":1}'


@pytest.mark.parametrize(
    ("key", "path", "expected"),
    [
        ("o", False, {"value": '{"b":true,"n":null,"s":"pst","x":[1]}', "secret": True}),
        ("o.x", True, {"value": "[1]", "objectValue": [1], "secret": False}),
        ("o.x[0]", True, {"value": "1", "secret": False}),
        ("o.b", True, {"value": "true", "secret": False}),
        ("o.n", True, {"value": "null", "secret": False}),
        ("proj:o.s", True, {"value": "pst", "secret": True}),
        ('o["s"]', True, {"value": "pst", "secret": True}),
        ("a.b", False, {"value": "dotted", "secret": False}),
        ('["a.b"]', True, {"value": "dotted", "secret": False}),
        ("d", False, {"value": "given", "secret": False}),
        ("config:d", False, None),
        ("o.nope", True, None),
        ("o.x[1]", True, None),
        ("nope", False, None),
    ],
)
def test_get(tmp_path: Path, key: str, path: bool, expected: dict[str, Any] | None) -> None:
    config = config_of(
        tmp_path,
        "config:\n  o: {x: [1], b: true, n: null, s: {secure: 'sealed:tsp'}}\n  a.b: dotted\n",
        PROJECT + "config: {d: given}\n",
    )
    if expected is None:
        with pytest.raises(UsageError) as raised:
            config.get(key, path=path)
        assert raised.value.reference == "config-missing"
        return
    found = config.get(key, path=path, vault=VAULT)
    assert {name: found[name] for name in expected} == expected


def test_a_secret_needs_a_vault(tmp_path: Path) -> None:
    config = config_of(tmp_path, "config: {s: {secure: x}}\n")
    for ask in (
        lambda: config.get("s"),
        lambda: run_config(config),
        lambda: config.set("t", "x", secret=True),
    ):
        with pytest.raises(CredentialsError) as raised:
            ask()
        assert raised.value.reference == "passphrase-missing"


# --- setting and removing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("True", "True"),
        ("5", 5),
        ("0", 0),
        ("-3", -3),
        ("+3", 3),
        ("-01", -1),
        ("-0", 0),
        ("007", "007"),
        ("1_000", "1_000"),
        ("1.5", "1.5"),
        ("1e3", "1e3"),
        ("", ""),
        (" 5", " 5"),
        ("５", "５"),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("-9223372036854775809", "-9223372036854775809"),
        ("+9223372036854775808", "+9223372036854775808"),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", "18446744073709551616"),
    ],
)
def test_text_at_a_place_becomes_what_it_looks_like(text: str, value: object) -> None:
    """Observed, but for numbers from 2^63 on, which Pulumi turns into inexact floats."""
    assert typed(text) == value
    assert type(typed(text)) is type(value)


# (before, key, path, value, after); values of stack dev of project proj
SETS: list[tuple[Any, str, bool, str, Any]] = [
    ({}, "a", False, "true", {"proj:a": "true"}),
    ({}, "a1", True, "5", {"proj:a1": "5"}),
    ({}, "aws:region", False, "eu", {"aws:region": "eu"}),
    ({}, "aws:config:region", False, "eu", {"aws:region": "eu"}),
    ({}, "a.b", False, "1", {"proj:a.b": "1"}),
    ({}, "a.b", True, "1", {"proj:a": {"b": 1}}),
    ({}, "a2.b[0].c", True, "x", {"proj:a2": {"b": [{"c": "x"}]}}),
    ({}, "l[0][0]", True, "x", {"proj:l": [["x"]]}),
    ({}, "ns:o.x", True, "x", {"ns:o": {"x": "x"}}),
    ({}, "foo.bar:baz", True, "x", {"proj:foo": {"bar:baz": "x"}}),
    ({}, '["parent.name"]["nested.name"]', True, "x", {"proj:parent.name": {"nested.name": "x"}}),
    ({}, 'proj:["k"].x', True, "x", {"proj:k": {"x": "x"}}),
    ({}, "é.x y", True, "x", {"proj:é": {"x y": "x"}}),
    ({"proj:l": ["a"]}, "l[1]", True, "b", {"proj:l": ["a", "b"]}),
    ({"proj:l": ["a"]}, "l[0]", True, "b", {"proj:l": ["b"]}),
    ({"proj:a": "scalar"}, "a.b", True, "1", {"proj:a": {"b": 1}}),
    ({"proj:a": {"secure": "x"}}, "a.b", True, "1", {"proj:a": {"b": 1}}),
    ({"proj:o": {"n": None}}, "o.n[0]", True, "1", {"proj:o": {"n": [1]}}),
    ({"proj:o": {"x": 1}}, "o", True, "1", {"proj:o": "1"}),
    ({"proj:o": {"x": 1}}, "o.secure", True, "y", {"proj:o": {"x": 1, "secure": "y"}}),
    ({}, "o.secure", True, "5", {"proj:o": {"secure": 5}}),
]


@pytest.mark.parametrize(("before", "key", "path", "value", "after"), SETS)
@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_set(tmp_path: Path, before: Any, key: str, path: bool, value: str, after: Any, suffix: str) -> None:
    write_project(tmp_path, json.dumps({"name": "proj", "runtime": "python"}), f"Pulumi{suffix}")
    file = tmp_path / f"Pulumi.dev{suffix}"
    if before:
        file.write_text(json.dumps({"config": before}))
    project = find_project(tmp_path)

    read_stack_config(project, "dev").set(key, value, path=path).write()

    assert Document.read(file).value == {"config": after}
    found = read_stack_config(project, "dev").get(key, path=path)
    assert found["value"] == entry_text(typed(value) if "." in key + "[" and path else value)


@pytest.mark.parametrize(
    ("key", "path", "value", "reference"),
    [
        ("a:b:c", False, "x", "config-key"),
        ("a::b", False, "x", "config-key"),
        ("a:b:c.d", True, "x", "config-key"),
        ("", False, "x", "config-key"),
        ("x:", False, "x", "config-key"),
        (":x", False, "x", "config-key"),
        ("", True, "x", "config-key"),
        ("[0]", True, "x", "config-key"),
        ('["a:b"].c', True, "x", "config-key"),
        ("o.*", True, "x", "config-key"),
        ("l[*]", True, "x", "config-key"),
        ("a.", True, "x", "property-path"),
        (".a", True, "x", "property-path"),
        ('a["x', True, "x", "property-path"),
        ("l[-1]", True, "x", "property-path"),
        ("l[2]", True, "x", "config-path"),
        ("new[1]", True, "x", "config-path"),
        ("l.x", True, "x", "config-path"),
        ("o[0]", True, "x", "config-path"),
        ("o.x.y", True, "x", "config-path"),
        ("new.secure", True, "x", "config-reserved"),
        ("a", False, "\udcff", "config-value"),
        ("dbToken", False, "aGVsbG8gd29ybGQhIQ8s", "config-looks-secret"),
    ],
)
def test_refused_sets(tmp_path: Path, key: str, path: bool, value: str, reference: str) -> None:
    config = config_of(tmp_path, "config:\n  l: [a]\n  o: {x: 1}\n")
    with pytest.raises(UsageError) as raised:
        config.set(key, value, path=path)
    assert raised.value.reference == reference


def test_lists_and_maps_can_be_set_whole(tmp_path: Path) -> None:
    """What `config set-all --json` needs: the inverse of the listing."""
    config = config_of(tmp_path)
    config = config.set("o", {"a": [1, "x", None]}).set("s", {"a": 1}, secret=True, vault=VAULT)
    assert config.values["proj:o"] == {"a": [1, "x", None]}
    assert config.get("s", vault=VAULT) == {"value": '{"a":1}', "secret": True}
    with pytest.raises(UsageError) as raised:
        config.set("o", [{"a": {"secure": "x"}}])
    assert problems(raised) == [("o", "config-reserved")]


def test_secrets(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    config = config.set("s", "5", secret=True, vault=VAULT).set("o.s", "true", path=True, secret=True, vault=VAULT)
    config = config.with_salt("v1:salt")
    assert config.document.text == (
        "config:\n  proj:s:\n    secure: sealed:5\n  proj:o:\n    s:\n      secure: sealed:eurt\n"
        "encryptionsalt: v1:salt\n"
    )
    # A secret is always text, also at a place (observed).
    assert config.listing(VAULT)["proj:o"] == {
        "value": '{"s":"true"}',
        "objectValue": {"s": "true"},
        "secret": True,
    }
    assert config.encryption_salt == "v1:salt"


@pytest.mark.parametrize(
    ("key", "path", "after"),
    [
        ("a", False, {"proj:l": [1, 2], "proj:o": {"x": 1, "secure": "y"}, "proj:b": 2}),
        ("b", False, {"proj:a": 1, "proj:l": [1, 2], "proj:o": {"x": 1, "secure": "y"}}),
        ("nope", False, None),
        ("l[0]", True, {"proj:a": 1, "proj:l": [2], "proj:o": {"x": 1, "secure": "y"}, "proj:b": 2}),
        ("l[9]", True, None),
        ("a.b", True, None),
        ("nope.x", True, None),
        ("o.secure", True, {"proj:a": 1, "proj:l": [1, 2], "proj:o": {"x": 1}, "proj:b": 2}),
        ("l", True, {"proj:a": 1, "proj:o": {"x": 1, "secure": "y"}, "proj:b": 2}),
    ],
)
def test_remove(tmp_path: Path, key: str, path: bool, after: Any) -> None:
    """Observed: what is not there is removed without complaint."""
    config = config_of(tmp_path, "config:\n  a: 1\n  l: [1, 2]\n  o:\n    x: 1\n    secure: y\n  proj:config:b: 2\n")
    left = config.remove(key, path=path)
    if after is None:
        assert left is config
    else:
        assert left.values == after


def test_what_would_read_as_a_secret_is_not_left_behind(tmp_path: Path) -> None:
    config = config_of(tmp_path, "config: {o: {x: 1, secure: y}}\n")
    with pytest.raises(UsageError) as raised:
        config.remove("o.x", path=True)
    assert raised.value.reference == "config-reserved"


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("dbToken", "aGVsbG8gd29ybGQhIQ8s", True),
        ("dbSecret", "xK9mQ2pL", True),
        ("pw.token", "Zx8#kLm2Qw9$", True),
        ("apiToken", "0123456789abcdef", True),
        ("apiToken", "ghp_abcdef1234", True),
        ("password", "hunter2", False),
        ("password", "correct-horse", False),
        ("passMark", "12345678", False),
        ("secretName", "my-long-secret-name-here", False),
        ("tokenUrl", "https://example.com/token", False),
        ("greeting", "Zx8#kLm2Qw9$", False),
        ("password", "A sentence with 3 kinds.", False),
    ],
)
def test_what_looks_like_a_secret(tmp_path: Path, name: str, text: str, found: bool) -> None:
    assert looks_like_secret(name, text) is found
    config = config_of(tmp_path)
    assert config.set(name, text, plaintext=True).get(name)["value"] == text
    assert config.set(name, text, secret=True, vault=VAULT).get(name, vault=VAULT)["value"] == text


# --- the file around the change ---------------------------------------------------------------------------------------

FILE = """\
# head
encryptionsalt: v1:abc   # salt

config:
  # about a
  proj:a:   1   # end of a
  # about b
  proj:b:  # end of b
    x: [1,2,   3]
    y: "q"  # end of y

  # about c
  proj:c: ~
  proj:l:
    - 1
    # second
    - 'two'
  "proj:q": yes
  proj:m:
  - x: 1
    y: 2
  -
    z: 3
  old: |
    text

  # tail
environment:
  - foo
# end
"""


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        ("set a 5", {"  proj:a:   1   # end of a": "  proj:a:   '5'   # end of a"}),
        ("secret a 5", {"  proj:a:   1   # end of a": "  proj:a:   # end of a\n    secure: sealed:5"}),
        ("remove a", {"  proj:a:   1   # end of a": None}),
        ("set b.y k", {'    y: "q"  # end of y': "    y: k  # end of y"}),
        ("set b.x[1] k", {"    x: [1,2,   3]": "    x: [1, k, 3]"}),
        ("remove b.x[1]", {"    x: [1,2,   3]": "    x: [1, 3]"}),
        ("set b.z.w[0] k", {'    y: "q"  # end of y': '    y: "q"  # end of y\n    z:\n      w:\n        - k'}),
        ("remove b.y", {'    y: "q"  # end of y': None}),
        (
            "set b k",
            {
                "  proj:b:  # end of b": "  proj:b: k  # end of b",
                "    x: [1,2,   3]": None,
                '    y: "q"  # end of y': None,
            },
        ),
        ("set c k", {"  proj:c: ~": "  proj:c: k"}),
        ("set c.d true", {"  proj:c: ~": "  proj:c:\n    d: true"}),
        ("set l[1] 2", {"    - 'two'": "    - 2"}),
        ("set l[2].x 2", {"    - 'two'": "    - 'two'\n    - x: 2"}),
        ("remove l[0]", {"    - 1": None}),
        ("set q k", {'  "proj:q": yes': '  "proj:q": k'}),
        ("set q.r k", {'  "proj:q": yes': '  "proj:q":\n    r: k'}),
        ("set m[0].x k", {"  - x: 1": "  - x: k"}),
        ("set m[0].z k", {"    y: 2": "    y: 2\n    z: k"}),
        ("remove m[0].x", {"  - x: 1": "  - y: 2", "    y: 2": None}),
        ("remove m[1]", {"  -": None, "    z: 3": None}),
        ("set old k", {"  old: |": "  old: k", "    text": None}),
        ("set new k", {"    text": "    text\n  proj:new: k"}),
    ],
)
def test_only_what_changes_changes(tmp_path: Path, command: str, lines: dict[str, str | None]) -> None:
    config = config_of(tmp_path, FILE)
    verb, key, *value = command.split(" ")
    if verb == "remove":
        changed = config.remove(key, path=True)
    else:
        changed = config.set(key, value[0], path=True, secret=verb == "secret", vault=VAULT)
    expected = [lines.get(line, line) for line in FILE.split("\n")]
    assert changed.document.text.split("\n") == "\n".join(line for line in expected if line is not None).split("\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "config:\n  proj:k: v\n"),
        ("# only a comment", "# only a comment\nconfig:\n  proj:k: v\n"),
        ("a: 1", "a: 1\nconfig:\n  proj:k: v\n"),
        ("config:\n", "config:\n  proj:k: v\n"),
        ("config: {}\n", "config:\n  proj:k: v\n"),
        ("config: {proj:a: 1}\n", "config: {'proj:a': 1, 'proj:k': v}\n"),
        ("config:\r\n  a: 1\r\n", "config:\r\n  a: 1\r\n  proj:k: v\r\n"),
        ("{config: {a: 1}}\n", "config:\n  a: 1\n  proj:k: v\n"),
        ("config:\n    a: 1\n    # tail", "config:\n    a: 1\n    proj:k: v\n    # tail\n"),
        ("config:\n  a: &x 1\n  b: *x\n", "config:\n  a: &x 1\n  b: *x\n  proj:k: v\n"),
    ],
)
def test_a_first_key(tmp_path: Path, before: str, after: str) -> None:
    config = config_of(tmp_path)
    file = config.document.file
    file.write_bytes(before.encode())
    config = read_stack_config(config.project, "dev")
    config.set("k", "v").write()
    written = file.read_bytes().decode()
    assert yaml_equal(written, after)
    assert written == after


def yaml_equal(one: str, other: str) -> bool:
    return Document.parse(Path("a.yaml"), one).value == Document.parse(Path("b.yaml"), other).value


def test_the_last_key_takes_the_section_with_it(tmp_path: Path) -> None:
    config = config_of(tmp_path, "# head\nconfig:\n  a: 1\nencryptionsalt: s\n")
    assert config.remove("a").document.text == "# head\nencryptionsalt: s\n"
    assert config_of(tmp_path, "# head\nconfig:\n  a: 1\n").remove("a").document.text == "# head\n"


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("a: &x\n    x: 1\n  b: *x\n", "set a"),
        ("a: &x\n    x: 1\n  b: *x\n", "set a.x"),
        ("a: &x {x: 1}\n  b: *x\n", "set a.x"),
        ("a: &x {x: 1}\n  b: *x\n", "remove a"),
        ("l:\n  - &x 1\n  - *x\n", "set l[1]"),
        ("l:\n  - &x 1\n  - *x\n", "remove l[0]"),
        ("l:\n  - x: 1\n    # kept\n    y: 2\n", "remove l[0].x"),
        ("l:\n  - # kept\n    x: 1\n  - 2\n", "remove l[0]"),
        ("? a\n  : # kept\n    1\n", "remove a"),
    ],
)
def test_nothing_is_lost_to_a_change_that_is_hard_to_make(tmp_path: Path, text: str, command: str) -> None:
    """Anchors shared with other values, comments in the middle of what would have to be written anew."""
    config = config_of(tmp_path, f"config:\n  z: 1 # other\n  {text}")
    verb, key = command.split()
    with pytest.raises(UsageError) as raised:
        config.set(key, "7", path=True) if verb == "set" else config.remove(key, path=True)
    assert raised.value.reference == "file-edit"


def test_an_alias_can_be_replaced(tmp_path: Path) -> None:
    config = config_of(tmp_path, "config:\n  a: &x {x: 1}\n  b: *x # note\n  c: *x\n")
    changed = config.set("b.x", "2", path=True)
    assert changed.document.text == "config:\n  a: &x {x: 1}\n  b: # note\n    x: 2\n  c: *x\n"
    assert config.remove("b").document.text == "config:\n  a: &x {x: 1}\n  c: *x\n"
    assert config.set("d", "1").document.text == config.document.text + "  proj:d: '1'\n"


WORDS = st.text(alphabet="abz019 _-.:#'\"{}[]&*!|>%@,?\n\t\\é\u2028😀~=<", max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | WORDS
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
NAMES = st.text(alphabet="abcxyz019_-. /é'\"#", min_size=1, max_size=8)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(name=NAMES, text=WORDS)
@example(name="k", text="a\n...\n")
@example(name="k", text="...")
@example(name="k", text=" leading\n  lines\n\n")
@example(name="k", text="\n")
@example(name="k", text="2020-01-02")
@example(name="k", text="0o17")
@example(name="k", text="a\r\nb")
def test_set_then_get(tmp_path: Path, name: str, text: str) -> None:
    project = Project(name="proj", root=tmp_path)
    config = read_stack_config(project, "dev")
    config.set(name, text, plaintext=True).write()
    again = read_stack_config(project, "dev")
    assert again.get(name)["value"] == text
    again.set("other", text).set(name, text, secret=True, vault=VAULT).write()
    assert read_stack_config(project, "dev").get(name, vault=VAULT) == {"value": text, "secret": True}


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_everything_else_stays(tmp_path: Path, data: st.DataObject) -> None:
    """In a file of any shape with comments anywhere: after a set the others have their values and their comments."""
    values = data.draw(st.dictionaries(st.sampled_from("abcdefg"), VALUES, min_size=1, max_size=5), label="values")
    values = {f"proj:{key}": "" if value is None else value for key, value in values.items()}
    text = commented(data, values)
    config = config_in(tmp_path, text)
    assert json_text(config.document.value["config"]) == json_text(values)

    key = data.draw(st.sampled_from([*values, "proj:new"]), label="key")
    if data.draw(st.booleans(), label="remove"):
        changed = config.remove(key)
        expected = {name: value for name, value in values.items() if name != key}
    else:
        new = data.draw(VALUES.filter(lambda value: value is not None and not secret_shaped(value)), label="new")
        changed = config.set(key, new, plaintext=True)
        expected = values | {key: new}

    after = config_in(tmp_path, changed.document.text)
    assert json_text(after.document.value.get("config", {})) == json_text(expected)
    if expected:
        kept = [line for line in text.split("\n") if line.lstrip(" ").startswith("# keep")]
        assert [line for line in kept if line not in changed.document.text.split("\n")] == []


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_a_place_inside_a_value(tmp_path: Path, data: st.DataObject) -> None:
    tree = st.recursive(
        st.integers(0, 9) | st.sampled_from(["", "x", "a\nb", "yes"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        max_leaves=12,
    )
    value = data.draw(tree, label="value")
    text = commented(data, {"proj:k": value, "proj:z": 1})
    config = config_in(tmp_path, text)
    place, inner = [], value
    while isinstance(inner, dict | list) and data.draw(st.booleans(), label="deeper"):
        step = data.draw(
            st.sampled_from("abcd") if isinstance(inner, dict) else st.integers(0, len(inner)), label="step"
        )
        place.append(step)
        inner = paths.lookup(inner, (step,))[1]
    path = "k" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    new = data.draw(tree, label="new")

    changed = config.set(path, new, path=True)
    assert changed.get(path, path=True)["value"] == entry_text(typed(new) if place and isinstance(new, str) else new)
    assert changed.values["proj:z"] == 1
    assert all(line in changed.document.text.split("\n") for line in text.split("\n") if "# keep" in line)
    assert changed.remove("k").values == {"proj:z": 1}
    if place:
        left = changed.remove(path, path=True)
        assert left.document.text != changed.document.text
        assert config_in(tmp_path, left.document.text).values == left.values


def secret_shaped(value: Any) -> bool:
    return "secure" in json_text(value)


def config_in(folder: Path, text: str) -> StackConfig:
    """The configuration of a stack without a project file."""
    project = Project(name="proj", root=folder)
    project.stack_file("dev").write_bytes(text.encode())
    return read_stack_config(project, "dev")


class Quoting(yaml.SafeDumper):
    """Writes texts in quotes unless they are harmless words."""


def quoted(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text in ("a", "b", "abz") else '"')


Quoting.add_representer(str, quoted)


def commented(data: st.DataObject, values: dict[str, Any]) -> str:
    """A stack file with those values in block or flow style, and comments between the top-level keys."""
    lines = ["config:"]
    for index, (key, value) in enumerate(values.items()):
        style = data.draw(st.sampled_from([False, True, None]), label="flow style")
        indent = data.draw(st.sampled_from([2, 4]), label="indent")
        body = yaml.dump({key: value}, Dumper=Quoting, default_flow_style=style, width=10**9, indent=indent)
        if data.draw(st.booleans(), label="comment"):
            lines.append(f"  # keep {index}")
        if body.startswith("{"):
            body = body.removeprefix("{").removesuffix("}\n")  # {key: value} → key: value
        lines += ["  " + line for line in body.removesuffix("\n").split("\n")]
        if data.draw(st.booleans(), label="blank"):
            lines.append("")
    return "\n".join([*lines, "# keep end", "environment: []", ""])


def test_writing_is_all_or_nothing(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "a.yaml"
    write_atomically(file, "one")
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    file.chmod(0o600)
    link = tmp_path / "link.yaml"
    link.symlink_to(file)
    write_atomically(link, "two")
    assert link.is_symlink()
    assert file.read_text() == "two"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(UnicodeEncodeError):
        write_atomically(file, "\udcff")
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path / "deep", "three")
    assert os.listdir(tmp_path / "deep") == ["a.yaml"]
    assert sorted(os.listdir(tmp_path)) == ["deep", "link.yaml"]


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file where a folder should be")
    config = config_of(tmp_path, "", PROJECT + "stackConfigDir: blocked\n".replace("blocked", "stacks"))
    shutil.move(tmp_path / "blocked", tmp_path / "stacks")
    with pytest.raises(UsageError) as raised:
        config.set("a", "b").write()
    assert raised.value.reference == "file-unwritable"


# --- what a run gets --------------------------------------------------------------------------------------------------

DECLARED = (
    PROJECT
    + """config:
  d: dd
  i: {type: integer, default: 3}
  fl: {default: 1.5}
  l: {type: array, items: {type: string}, default: [a, b]}
  m: {default: {a: 1, b: [x]}}
  aws:region: eu
  aws:tags: {value: {a: b}}
  aws:list: [1, 2]
  b: true
  nest.x: {default: 5}
  proj:full: {type: string, default: x}
"""
)


def test_texts_for_the_program(tmp_path: Path) -> None:
    """Observed in PULUMI_CONFIG and PULUMI_CONFIG_SECRET_KEYS of the real thing."""
    config = config_of(
        tmp_path,
        "config:\n  i: 4\n  o: {s: {secure: 'sealed:b<a'}, t: a<b&c}\n  s: {secure: 'sealed:x'}\n"
        "  workstead:emulate: true\n  nest: {y: 6}\n",
        DECLARED,
    )
    run = run_config(config, VAULT)
    assert run.texts == {
        "aws:list": "[1,2]",
        "aws:region": "eu",
        "aws:tags": '{"a":"b"}',
        "proj:b": "true",
        "proj:d": "dd",
        "proj:fl": "1.5",
        "proj:full": "x",
        "proj:i": "4",
        "proj:l": '["a","b"]',
        "proj:m": '{"a":1,"b":["x"]}',
        "proj:nest": '{"x":5,"y":6}',
        "proj:o": '{"s":"a\\u003cb","t":"a\\u003cb\\u0026c"}',
        "proj:s": "x",
        "workstead:emulate": "true",
    }
    assert list(run.texts) == sorted(run.texts)
    assert run.secret_keys == {"proj:o", "proj:s"}


def test_what_providers_get() -> None:
    run = RunConfig({"aws:region": "eu", "aws:key": "k", "proj:a": "1"}, frozenset({"aws:key"}))
    assert run.package_config("aws") == {"region": "eu", "key": Secret("k")}
    assert run.package_config("gcp") == {}
    # Dynamic providers get everything, in full.
    assert run.package_config("pulumi-python") == {"aws:region": "eu", "aws:key": Secret("k"), "proj:a": "1"}


# (declared, stack's values, what is wrong: path and reference)
CHECKS: list[tuple[str, str, list[tuple[str, str]]]] = [
    ("c: {type: string}, a: {type: integer}, b: {}", "", [("", "config-missing")]),
    ("aws:x: {value: 1}", "", []),
    ("opt: {default: null}", "", [("", "config-missing")]),
    ("a: {type: integer}", "a: xx", [("a", "config-type")]),
    ("a: {type: integer}", "a: 5.0", []),
    ("a: {type: integer}", "a: 5.5", [("a", "config-type")]),
    ("a: {type: integer}", "a: '007'", []),
    ("a: {type: integer}", "a: +5", []),
    ("a: {type: integer}", "a: '１'", [("a", "config-type")]),
    ("a: {type: integer}", "a:", [("a", "config-type")]),
    ("a: {type: integer}", "a: [1]", [("a", "config-type")]),
    ("a: {type: string}", "a: 5", []),
    ("a: {type: string}", "a: {y: 5}", [("a", "config-type")]),
    ("a: {type: boolean}", "a: 'true'", []),
    ("a: {type: boolean}", "a: True", []),
    ("a: {type: boolean}", "a: yes", [("a", "config-type")]),
    ("a: {type: object}", "a: {x: 1}", []),
    ("a: {type: object}", "a: '{}'", [("a", "config-type")]),
    ("a: {type: array, items: {type: string}}", "a: [x, '2']", []),
    (
        "a: {type: array, items: {type: string}}",
        "a: [1, '2', true]",
        [("a[0]", "config-type"), ("a[2]", "config-type")],
    ),
    ("a: {type: array, items: {type: integer}}", "a: [1, '2', 3.0]", []),
    ("a: {type: array, items: {type: array, items: {type: integer}}}", "a: [[1], [x]]", [("a[1][0]", "config-type")]),
    ("a: {type: array, items: {type: string}}", "a: '[]'", [("a", "config-type")]),
    ("a: {type: integer, value: x}", "", [("a", "config-type")]),
    ("a: {type: string, secret: true}", "a: x", [("a", "config-not-secret")]),
    ("a: {type: string, secret: true, default: x}", "", [("a", "config-not-secret")]),
    ("a: {type: string, secret: true}", "a: {secure: 'sealed:x'}", []),
    ("a: {type: integer, secret: true}", "a: {secure: 'sealed:5'}", []),
    ("a: {type: integer, secret: true}", "a: {secure: 'sealed:x'}", [("a", "config-type")]),
    ("a: {secret: true}", "a: x", []),
    ("a.b: {type: integer}", "a: {b: x}", [("a.b", "config-type")]),
    ("a.b: {type: integer}", "a: {c: 1}", [("", "config-missing")]),
    ("a: {type: integer}, b: {}", "a: x", [("", "config-missing"), ("a", "config-type")]),
]


def checked_files(declared: str, values: str) -> tuple[str, str]:
    """(project file, stack file)"""
    config = "".join(f"  {line}\n" for line in values.split("; ") if line)
    return f"{PROJECT}config: {{{declared}}}\n", f"config:\n{config}" if config else ""


@pytest.mark.parametrize(("declared", "values", "expected"), CHECKS)
def test_checks(tmp_path: Path, declared: str, values: str, expected: list[tuple[str, str]]) -> None:
    project, stack = checked_files(declared, values)
    config = config_of(tmp_path, stack, project)
    run_config(config, VAULT, validate=False)
    if not expected:
        run_config(config, VAULT)
        return
    with pytest.raises((UsageError, ManyErrors)) as raised:
        run_config(config, VAULT)
    assert problems(raised) == expected


def test_all_missing_keys_are_named_in_one_error(tmp_path: Path) -> None:
    config = config_of(tmp_path, "", PROJECT + "config: {b: {}, a: {}, 'proj:c': {}}\n")
    with pytest.raises(UsageError) as raised:
        run_config(config)
    assert "'a', 'b', 'proj:c'" in str(raised.value)
    assert "'dev'" in str(raised.value)


def test_environments_of_pulumi_cloud_are_refused_in_a_run_only(tmp_path: Path) -> None:
    config = config_of(tmp_path, "config: {a: b}\nenvironment:\n  - x\n")
    assert config.rows() == [("a", "b")]
    with pytest.raises(UsageError) as raised:
        run_config(config)
    assert problems(raised) == [("environment", "environment-unsupported")]
    assert "Pulumi.dev.yaml:2" in str(raised.value)


# --- settings ---------------------------------------------------------------------------------------------------------


def test_default_settings(tmp_path: Path) -> None:
    found = read_settings(find_project(write_project(tmp_path)), environ={})
    assert found.backend == f"sqlite:///{tmp_path}/.workstead/state.db"
    assert (found.parallel, found.emulate_speed, found.origins) == (32, "fast", {})


def test_the_order_of_settings(tmp_path: Path) -> None:
    config = config_of(tmp_path, "config: {'workstead:parallel': 4, 'workstead:backend': 'memory://x'}\n")
    project = config.project
    assert read_settings(project, environ={}, stack=config).parallel == 4
    (tmp_path / "pyproject.toml").write_text(
        "[tool.workstead]\nparallel = 5\nbackend = 'sqlite:///x.db'\nemulate-speed = 'instant'\n"
    )
    found = read_settings(project, environ={}, stack=config)
    assert (found.parallel, found.backend, found.emulate_speed) == (4, "sqlite:///x.db", "instant")
    assert read_settings(project, environ={}).parallel == 5
    environ = {"PULUMI_PARALLEL": "3", "WORKSTEAD_BACKEND": ""}
    assert read_settings(project, environ=environ, stack=config).parallel == 3
    environ["WORKSTEAD_PARALLEL"] = "2"
    assert read_settings(project, environ=environ, stack=config).parallel == 2
    found = read_settings(project, environ=environ, stack=config, flags={"parallel": 1, "backend": None})
    assert (found.parallel, found.backend) == (1, "sqlite:///x.db")
    assert found.origins == {
        "parallel": "--parallel",
        "backend": "tool.workstead.backend in pyproject.toml",
        "emulate_speed": "tool.workstead.emulate_speed in pyproject.toml",
    }


@pytest.mark.parametrize(
    ("table", "environ", "expected", "words"),
    [
        ("paralel = 1", {}, [("tool.workstead.paralel", "setting-unknown")], "'parallel'"),
        ("zzz = 1", {}, [("tool.workstead.zzz", "setting-unknown")], "backend, parallel"),
        ("parallel = 0", {}, [("tool.workstead.parallel in pyproject.toml", "setting-malformed")], ">= 1"),
        ("parallel = 'x'", {}, [("tool.workstead.parallel in pyproject.toml", "setting-malformed")], "'x'"),
        ("", {"PULUMI_PARALLEL": "x"}, [("PULUMI_PARALLEL", "setting-malformed")], "'x'"),
        (
            "x = 1\nbackend = 2",
            {"WORKSTEAD_EMULATE_SPEED": "-1"},
            [
                ("tool.workstead.x", "setting-unknown"),
                ("tool.workstead.backend in pyproject.toml", "setting-malformed"),
                ("WORKSTEAD_EMULATE_SPEED", "setting-malformed"),
            ],
            "",
        ),
    ],
)
def test_wrong_settings(
    tmp_path: Path, table: str, environ: dict[str, str], expected: list[tuple[str, str]], words: str
) -> None:
    project = find_project(write_project(tmp_path))
    (tmp_path / "pyproject.toml").write_text(f"[tool.workstead]\n{table}\n")
    with pytest.raises((UsageError, ManyErrors)) as raised:
        read_settings(project, environ=environ)
    assert problems(raised) == expected
    assert words in str(raised.value)


@pytest.mark.parametrize("text", ["[tool", "tool = 1", "[tool]\nworkstead = 1", "\xff"])
def test_a_malformed_pyproject(tmp_path: Path, text: str) -> None:
    project = find_project(write_project(tmp_path))
    (tmp_path / "pyproject.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError) as raised:
        read_settings(project, environ={})
    assert "pyproject.toml" in str(raised.value)


# --- which stack ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dev", ("proj", "dev")),
        (".x", ("proj", ".x")),
        ("A-b_c.9", ("proj", "A-b_c.9")),
        ("a" * 100, ("proj", "a" * 100)),
        ("organization/dev", ("proj", "dev")),
        ("organization/other/dev", ("other", "dev")),
        ("organization//dev", ("proj", "dev")),  # observed
        ("a" * 101, None),
        ("", None),
        ("a b", None),
        ("é", None),
        ("dev\n", None),
        ("proj/dev", None),
        ("me/proj/dev", None),
        ("organization/proj/", None),
        ("organization/a b/dev", None),
        ("organization/x/y/z", None),
    ],
)
def test_stack_names(text: str, expected: tuple[str, str] | None) -> None:
    if expected is not None:
        assert parse_stack_name(text, "proj") == expected
        return
    with pytest.raises(UsageError) as raised:
        parse_stack_name(text, "proj", origin="--stack")
    assert problems(raised) == [("--stack", "stack-name")]


def test_outside_a_project_only_the_long_form_will_do() -> None:
    assert parse_stack_name("organization/p/dev") == ("p", "dev")
    for text in ("dev", "organization/dev"):
        with pytest.raises(UsageError):
            parse_stack_name(text)


def test_the_selected_stack(tmp_path: Path) -> None:
    project = find_project(write_project(tmp_path))
    assert selected_stack(None, {}, project) is None
    assert select_stack(project, "organization/dev") == "dev"
    assert selected_stack(None, {}, project) == ("proj", "dev")
    assert selected_stack(None, {"PULUMI_STACK": "prod"}, project) == ("proj", "prod")
    assert selected_stack("test", {"PULUMI_STACK": "prod"}, project) == ("proj", "test")
    assert selected_stack("", {"PULUMI_STACK": ""}, project) == ("proj", "dev")
    assert selected_stack("organization/p/dev", {}, None) == ("p", "dev")
    assert selected_stack(None, {}, None) is None
    unselect_stack(project)
    unselect_stack(project)
    assert selected_stack(None, {}, project) is None
    assert (project.own_folder / ".gitignore").read_text() == "*\n"
    assert make_own_folder(project) == tmp_path / ".workstead"


def test_a_wrong_selection_says_where_it_stands(tmp_path: Path) -> None:
    project = find_project(write_project(tmp_path))
    with pytest.raises(UsageError) as raised:
        selected_stack(None, {"PULUMI_STACK": "a b"}, project)
    assert raised.value.path == "PULUMI_STACK"
    (make_own_folder(project) / "selected").write_text("a b\n")
    with pytest.raises(UsageError) as raised:
        selected_stack(None, {}, project)
    assert raised.value.path == str(project.own_folder / "selected")
    with pytest.raises(UsageError) as raised:
        select_stack(project, "organization/other/dev")
    assert raised.value.reference == "stack-name"


# --- pass phrases -----------------------------------------------------------------------------------------------------


def test_where_the_pass_phrase_comes_from(tmp_path: Path) -> None:
    named = tmp_path / "named"
    named.write_text("  from file \n")
    environ = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(named)}
    assert passphrase({}, tmp_path) is None
    own = ensure_own_passphrase(tmp_path)
    assert passphrase({}, tmp_path) == own
    assert passphrase({"PULUMI_CONFIG_PASSPHRASE_FILE": ""}, tmp_path) == own
    assert passphrase(environ, tmp_path) == "from file"
    assert passphrase(environ | {"PULUMI_CONFIG_PASSPHRASE": ""}, tmp_path) == ""
    assert passphrase(environ | {"PULUMI_CONFIG_PASSPHRASE": " kept "}, tmp_path) == " kept "


def test_our_own_key_file(tmp_path: Path) -> None:
    home = tmp_path / "config" / "workstead"
    first = ensure_own_passphrase(home)
    assert len(first) == 32
    assert first.replace("-", "").replace("_", "").isalnum()
    assert ensure_own_passphrase(home) == first
    assert ensure_own_passphrase(tmp_path) != first
    assert stat.S_IMODE(own_key_file(home).stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert os.listdir(home) == ["passphrase"]
    assert own_key_file().name == "passphrase"
    assert own_key_file().parent.name == "workstead"


def test_all_who_start_at_once_get_the_same_key(tmp_path: Path) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(ensure_own_passphrase(tmp_path))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len(set(found)) == 1
    assert os.listdir(tmp_path) == ["passphrase"]


def test_pass_phrases_that_cannot_be_had(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError) as raised:
        passphrase({"PULUMI_CONFIG_PASSPHRASE_FILE": str(tmp_path / "none")}, tmp_path)
    assert problems(raised) == [("PULUMI_CONFIG_PASSPHRASE_FILE", "passphrase-file")]
    own_key_file(tmp_path).write_text("\n")
    for ask in (lambda: passphrase({}, tmp_path), lambda: ensure_own_passphrase(tmp_path)):
        with pytest.raises(CredentialsError, match="empty"):
            ask()
    (tmp_path / "file").touch()
    with pytest.raises(CredentialsError, match="cannot be created"):
        ensure_own_passphrase(tmp_path / "file" / "below")


# --- start-up ---------------------------------------------------------------------------------------------------------


def test_reading_a_project_imports_nothing_heavy(tmp_path: Path) -> None:
    config_of(tmp_path, "config: {a: 1}\n")
    script = (
        "import sys; from pathlib import Path; from engine.config import *; "
        "c = read_stack_config(find_project(Path(sys.argv[1])), 'dev'); run_config(c); "
        "read_settings(c.project, environ={}); passphrase({'PULUMI_CONFIG_PASSPHRASE': ''}); "
        "print([name for name in ('pulumi', 'boto3', 'pydantic', 'rich', 'networkx', 'ruamel', 'platformdirs', "
        "'cryptography') if name in sys.modules])"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


# --- beside the real command ------------------------------------------------------------------------------------------


class Pulumi:
    """The real command on one project with a stack dev, away from the person's own settings."""

    def __init__(self, command: str, folder: Path, project: str = PROJECT) -> None:
        self.command = command
        self.folder = write_project(folder / "project", project)
        (folder / "backend").mkdir()
        self.environ = {
            "PATH": f"{Path(command).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder / 'backend'}",
            "PULUMI_CONFIG_PASSPHRASE": "phrase",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        assert self.run("stack", "init", "dev").returncode == 0

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.command, *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def listing(self) -> dict[str, Any]:
        done = self.run("config", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @property
    def file(self) -> Path:
        return self.folder / "Pulumi.dev.yaml"

    @property
    def ours(self) -> StackConfig:
        return read_stack_config(find_project(self.folder), "dev")


@pytest.fixture
def command() -> str:
    found = shutil.which("pulumi")
    if found is None:
        pytest.skip("the real `pulumi` is not on the PATH, so there is nothing to compare with")
    return found


def test_pulumi_reads_the_same_values(command: str, tmp_path: Path) -> None:
    pulumi = Pulumi(command, tmp_path)
    pulumi.file.write_text(pulumi.file.read_text() + scalars_text(), encoding="utf-8")
    theirs = [entry["value"] for entry in pulumi.listing().values()]
    assert dict(zip(SCALARS, theirs, strict=True)) == SCALARS
    assert json_text(pulumi.ours.listing()) == json_text(pulumi.listing())


def test_pulumi_sets_and_removes_the_same(command: str, tmp_path: Path) -> None:
    """The same commands for both; then both read both files."""
    pulumi = Pulumi(command, tmp_path)
    pairs = [(key, value) for before, key, path, value, _ in SETS if path and not before]
    pairs += [(f"t.k{index}", text) for index, text in enumerate(TYPED)]
    pairs += [("p.x", "1"), ("p.secure", "y"), ("a1.z", "over"), ("o", "over")]
    arguments = [argument for key, value in pairs for argument in ("--plaintext", f"{key}={value}")]
    done = pulumi.run("config", "set-all", "--path", *arguments)
    assert done.returncode == 0, done.stderr
    theirs = pulumi.file.read_text()

    config = config_in(tmp_path, "")
    for key, value in pairs:
        config = config.set(key, value, path=True, plaintext=True)
    assert json_text(config.listing()) == json_text(pulumi.listing())
    pulumi.file.write_text(config.with_salt(pulumi.ours.encryption_salt).document.text)
    assert json_text(config.listing()) == json_text(pulumi.listing())

    pulumi.file.write_text(theirs)
    removed = ["l[0]", "t.k0", "nope", "nope.x", "a", "p.secure", '["parent.name"]["nested.name"]', "aws:region"]
    assert pulumi.run("config", "rm-all", "--path", *removed).returncode == 0
    for key in removed:
        config = config.remove(key, path=True)
    assert json_text(config.listing()) == json_text(pulumi.listing())


# Texts at a place; those where we differ on purpose are not among them.
TYPED = ["true", "True", "5", "-3", "+3", "-01", "-0", "007", "1_000", "1.5", "1e3", "", " 5", "18446744073709551616"]


def test_pulumi_reads_what_we_write(command: str, tmp_path: Path) -> None:
    """Texts made of everything that means something to some YAML reader, at the top of a key and inside."""
    pulumi = Pulumi(command, tmp_path)
    chance = random.Random(7)
    alphabet = [
        *"ab 01_-.:#'\"{}[]&*!|>%@,?~=<\n\t\\é😀",
        "\u2028",
        "\r",
        "\x85",
        "\xa0",
        "\x7f",
        "\x01",
        "\ufeff",
        "\n\n",
    ]
    texts = ["".join(chance.choices(alphabet, k=chance.randint(0, 9))) for _ in range(200)]
    texts += [written for written in SCALARS if not written.startswith(("[", "{", "!", '"'))]
    texts += [
        "---",
        "...",
        "a\n...\n",
        "a\n---\n",
        " a\n b\n",
        "a \n b",
        "a\n\n\n",
        "\n",
        "\n\na",
        "<<",
        "a: b",
        "- a",
        "# a",
    ]
    # Pulumi mangles these, also in its own `config set`: several lines beginning with a blank one, or with blanks.
    texts = [text for text in texts if not ("\n" in text and text[0].isspace())]
    # … and keys of several lines, and the quoted key "<<".
    keys = {text: "" for text in texts if text.isprintable() and text != "<<"}
    config = pulumi.ours
    tree = {f"t{index:03}": text for index, text in enumerate(texts)}
    config = config.set("tree", tree).set("list", texts).set("keys", keys)
    top = dict(list(tree.items())[::12])
    for name, text in top.items():
        config = config.set(name, text)
    config.write()
    theirs = pulumi.listing()
    assert {name: theirs[f"proj:{name}"]["value"] for name in top} == top
    assert theirs["proj:tree"]["objectValue"] == tree
    assert theirs["proj:list"]["objectValue"] == texts
    assert theirs["proj:keys"]["objectValue"] == keys


def test_pulumi_shapes_secrets_the_same(command: str, tmp_path: Path) -> None:
    pulumi = Pulumi(command, tmp_path, DECLARED)
    assert pulumi.run("config", "set-all", "--secret", "s=x", "--plaintext", "n=5").returncode == 0
    assert pulumi.run("config", "set", "--secret", "--path", "o.s[0]", "5").returncode == 0
    assert pulumi.run("config", "set", "--path", "o.x", "<5>").returncode == 0
    theirs = pulumi.listing()
    # A default that is a fraction is listed as an object by Pulumi. It is one to nobody else.
    assert theirs["proj:fl"].pop("objectValue") == 1.5
    assert json_text(pulumi.ours.listing()) == json_text(theirs)
    table = [line.split(maxsplit=1) for line in pulumi.run("config").stdout.splitlines()[1:] if line]
    assert [[key, text] for key, text in pulumi.ours.rows()] == table
    sealed = pulumi.ours.values["proj:o"]
    assert isinstance(sealed["s"][0], Sealed)


def test_pulumi_complains_about_the_same_keys(command: str, tmp_path: Path) -> None:
    """Missing values and wrong types, without running a program: the checks come before it."""
    pulumi = Pulumi(command, tmp_path)
    salt = pulumi.file.read_text()
    verdicts = {}
    for declared, values, expected in CHECKS[::3]:
        if "secure" in values:
            continue  # our test vault's secrets are none to Pulumi
        project, stack = checked_files(declared, values)
        write_project(pulumi.folder, project)
        pulumi.file.write_text(salt + stack)
        refused = "validating stack config" in pulumi.run("preview").stderr
        verdicts[declared, values] = (refused, bool(expected))
    assert verdicts == {case: (ours, ours) for case, (_, ours) in verdicts.items()}
    assert {refused for refused, _ in verdicts.values()} == {True, False}
