"""Data Forest's part of the provider suite."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from providers.dataforest import emulator
from providers.emulation import FILE_NAME, CloudFile, emulator_class, serve
from tests.contract.contract_cases import Bench, Change, Drift, Invalid, Make, Tree, TypeCases

WORKSPACE = "pulumi-python:dynamic/dataforest:AIWorkspace"
ACCOUNT = "pulumi-python:dynamic/dataforest:Account"


@contextmanager
def open_bench() -> Iterator[Bench]:
    """The emulator, on a file of its own."""
    with (
        tempfile.TemporaryDirectory() as home,
        CloudFile(Path(home) / FILE_NAME) as file,
        serve([emulator_class("dataforest")], file, speed="instant") as server,
    ):
        settings = {
            "dataforest:endpoint": server.urls["dataforest"],
            "dataforest:accessKey": emulator.ACCESS_KEY,
            "dataforest:secretKey": emulator.SECRET_KEY,
        }
        yield Bench(
            "dataforest", file, settings, {**settings, "dataforest:secretKey": "notTheSecretKey"}, prepare_nothing
        )


def prepare_nothing(bench: Bench) -> None:
    """Accounts are what everything else needs; the types that need one make it (`_account`)."""


def _account(bench: Bench) -> str:
    if "account" not in bench.needs:
        accounts = bench.provider(ACCOUNT)
        bench.needs["account"] = accounts.create({"name": "ml-team", "password": "Passw0rd!x"}).id
    return bench.needs["account"]


def _second_account(bench: Bench) -> str:
    _account(bench)
    if "second" not in bench.needs:
        bench.file.set_switch("dataforest", "accounts-per-owner", "2")
        accounts = bench.provider(ACCOUNT)
        bench.needs["second"] = accounts.create({"name": "other-team", "password": "Passw0rd!x"}).id
    return bench.needs["second"]


# --- AI workspaces ----------------------------------------------------------------------------------------------------


def minimal_workspace(bench: Bench) -> Tree:
    return {
        "account_id": _account(bench),
        "name": "train-a",
        "configuration": {"docker": {"image": "tensorflow:r2.3.1-py3", "command": "ls"}},
    }


def full_workspace(bench: Bench) -> Tree:
    return {
        "account_id": _account(bench),
        "name": "api-test",
        "description": "test",
        "configuration": {
            "data": {
                "input": [{"hdfs": "/user/a/in", "path": "/data/in"}, {"hdfs": "/user/a/more", "path": "/data/more"}],
                "output": [{"hdfs": "/user/a/out", "overwrite": True, "path": "/data/out"}],
            },
            "docker": {
                "args": "--epochs 3",
                "command": "python train.py",
                "env": {"TOKEN": "swordfish", "camelKey": "kept", "__x": "kept too"},
                "expose_tcp_ports": [8888, 6006],
                "image": "dataforest/tensorflow:r2.3.1-py3",
                "workdir": "/root/",
            },
            "name": "test",
            "queue_name": "gpu",
            "resource": {"cpu_count": 2, "gpu_count": 1, "gpu_model": "T4", "memory_mb": 1024},
            "user_package_uri": "hdfs://koya/user/a/package.tar.gz",
        },
    }


def _with(make: Make, path: str, value: Any) -> Make:
    """The inputs with one member changed (None: taken out); `path` is dotted, numbers are list positions."""

    def changed(bench: Bench) -> Tree:
        tree = make(bench)
        *outer, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        place: Any = tree
        for part in outer:
            place = place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value(bench) if isinstance(value, Callable) else value
        return tree

    return changed


def _changed(path: str, value: Any, *paths: str, make: Make = full_workspace) -> Change:
    return Change(f"{path}={value}", make, _with(make, path, value), frozenset(paths))


def _wrong(path: str, value: Any, *paths: str, make: Make = full_workspace) -> Invalid:
    return Invalid(f"{path}={value!r:.40}", _with(make, path, value), frozenset(paths or [path]))


_DOCKER = "configuration.docker"
_RESOURCE = "configuration.resource"


def _edit(**changes: Any) -> Callable[[Bench, str], None]:
    def damage(bench: Bench, id_: str) -> None:
        bench.file.edit("dataforest", id_, {key.replace("__", "."): value for key, value in changes.items()})

    return damage


_BAD_NAMES = ("", "1abc", "-a", "a-", "a--b", "Api", "a_b", "a" * 16, "a\n")
_BAD_IMAGES = (
    "tensorflow/r2.3.1-py3",
    "tensorflow",
    "TensorFlow:1",
    "other/tensorflow:1",
    f"{'a' * 31}:1",
    f"a:{'1' * 21}",
    "a:b:c",
    "a:b\n",
)

WORKSPACES = TypeCases(
    type=WORKSPACE,
    emulated="aiworkspace",
    create_operation="aiworkspaces/create",
    minimal=minimal_workspace,
    full=full_workspace,
    in_place=(
        _changed(f"{_DOCKER}.command", "pwd", f"{_DOCKER}.command"),
        _changed(f"{_DOCKER}.image", "pytorch:r1.7.0-py3", f"{_DOCKER}.image"),
        _changed(f"{_DOCKER}.args", None, f"{_DOCKER}.args"),
        _changed(f"{_DOCKER}.env.TOKEN", "open sesame", f"{_DOCKER}.env.TOKEN"),
        _changed(f"{_DOCKER}.env.TOKEN", None, f"{_DOCKER}.env.TOKEN"),
        _changed(f"{_DOCKER}.env", None, f"{_DOCKER}.env"),
        _changed(f"{_DOCKER}.expose_tcp_ports", [8888], f"{_DOCKER}.expose_tcp_ports[1]"),
        _changed("configuration.data.input.0.path", "/elsewhere", "configuration.data.input[0].path"),
        _changed("configuration.data.output.0.overwrite", False, "configuration.data.output[0].overwrite"),
        _changed("configuration.data", None, "configuration.data"),
        _changed("configuration.queue_name", None, "configuration.queue_name"),
        _changed("configuration.name", "other", "configuration.name"),
        _changed(f"{_RESOURCE}.gpu_count", 8, f"{_RESOURCE}.gpu_count"),
        _changed(f"{_RESOURCE}.gpu_model", "V100", f"{_RESOURCE}.gpu_model"),
        Change(
            "from least to most",
            _with(minimal_workspace, "name", "api-test"),
            _with(full_workspace, "description", ""),
            frozenset(
                [f"{_DOCKER}.{name}" for name in ("args", "command", "env", "expose_tcp_ports", "image")]
                + [f"configuration.{name}" for name in ("data", "name", "queue_name", "resource", "user_package_uri")]
            ),
        ),
    ),
    replacing=(
        Change(
            "description",
            full_workspace,
            _with(full_workspace, "description", "other"),
            frozenset({"description"}),
            delete_first=True,
        ),
        Change(
            "description taken out",
            full_workspace,
            _with(full_workspace, "description", None),
            frozenset({"description"}),
            delete_first=True,
        ),
        Change("name", full_workspace, _with(full_workspace, "name", "other"), frozenset({"name"})),
        Change(
            "account",
            full_workspace,
            _with(full_workspace, "account_id", _second_account),
            frozenset({"account_id"}),
        ),
    ),
    invalid=(
        *(_wrong("name", name) for name in _BAD_NAMES),
        *(_wrong(f"{_DOCKER}.image", image) for image in _BAD_IMAGES),
        _wrong("account_id", None),
        _wrong("account_id", "x" * 23),
        _wrong("account_id", "6COy-tUe"),
        _wrong("account_id", 7),
        _wrong("name", None),
        _wrong("description", "x" * 256),
        _wrong("configuration", None),
        _wrong("configuration", "docker"),
        _wrong("configuration.docker", None),
        _wrong(f"{_DOCKER}.image", None),
        _wrong(f"{_DOCKER}.command", None),
        _wrong(f"{_DOCKER}.command", 1),
        _wrong(f"{_DOCKER}.args", ["a"]),
        _wrong(f"{_DOCKER}.env", {"A": 1, "B": "x"}, f"{_DOCKER}.env.A"),
        _wrong(f"{_DOCKER}.env", "A=1"),
        _wrong(
            f"{_DOCKER}.expose_tcp_ports", [0, 80, 65536, "x"], *(f"{_DOCKER}.expose_tcp_ports[{i}]" for i in (0, 2, 3))
        ),
        _wrong(f"{_DOCKER}.expose_tcp_ports", 80),
        _wrong(f"{_DOCKER}.workdir", 1),
        _wrong("configuration.data.input", None),
        _wrong("configuration.data.output", None),
        _wrong("configuration.data.input.0.hdfs", None, "configuration.data.input[0].hdfs"),
        _wrong("configuration.data.input.1.path", 1, "configuration.data.input[1].path"),
        _wrong("configuration.data.output.0.overwrite", "yes", "configuration.data.output[0].overwrite"),
        _wrong("configuration.queue_name", ""),
        _wrong("configuration.name", 1),
        _wrong("configuration.user_package_uri", 1),
        _wrong(f"{_RESOURCE}.cpu_count", 0),
        _wrong(f"{_RESOURCE}.cpu_count", 1.5),
        _wrong(f"{_RESOURCE}.gpu_count", 0),
        _wrong(f"{_RESOURCE}.gpu_count", 9),
        _wrong(f"{_RESOURCE}.gpu_count", True),
        _wrong(f"{_RESOURCE}.gpu_model", ""),
        _wrong(f"{_RESOURCE}.memory_mb", -1),
        _wrong(f"{_RESOURCE}.memory_mb", "1024"),
        _wrong("descripton", "x"),
        _wrong("configuration.queue", "gpu"),
        _wrong("configuration.queueName", "gpu"),  # given twice, also as queue_name
        Invalid(
            "everything at once",
            lambda bench: {
                "account_id": "!",
                "name": "A",
                "description": "x" * 256,
                "configuration": {"docker": {"image": "x"}, "resource": {"gpu_count": 9}, "data": {"input": [{}]}},
            },
            frozenset(
                ["account_id", "name", "description", f"{_DOCKER}.image", f"{_DOCKER}.command"]
                + [f"{_RESOURCE}.gpu_count", "configuration.data.output"]
                + [f"configuration.data.input[0].{name}" for name in ("hdfs", "path")]
            ),
        ),
    ),
    drifts=(
        Drift("command", _edit(configuration__docker__command="rm"), frozenset({f"{_DOCKER}.command"})),
        Drift("queue gone", _edit(configuration__queueName=None), frozenset({"configuration.queue_name"})),
        Drift(
            "ports",
            _edit(configuration__docker__exposeTcpPorts=[1]),
            frozenset({f"{_DOCKER}.expose_tcp_ports[0]", f"{_DOCKER}.expose_tcp_ports[1]"}),
        ),
        Drift("resources gone", _edit(configuration__resource=None), frozenset({_RESOURCE})),
    ),
    secret_in_failure=(_with(full_workspace, f"{_DOCKER}.env", {"TOKEN": ["swordfish"]}), "swordfish"),
    not_rebuilt=frozenset({f"{_DOCKER}.workdir"}),
)


# --- accounts ---------------------------------------------------------------------------------------------------------


def minimal_account(bench: Bench) -> Tree:
    return {"name": "ml-team"}


def full_account(bench: Bench) -> Tree:
    return {
        "name": "ml-team",
        "password": "Passw0rd!x",
        "quotas": {"koya": {"file_count_million": 2, "space_tb": 300}, "tata": {"space_tb": 500}},
        "adopt": False,
    }


def _account_changed(path: str, value: Any, *paths: str) -> Change:
    return _changed(path, value, *(paths or [path]), make=full_account)


def _account_wrong(path: str, value: Any, *paths: str) -> Invalid:
    return _wrong(path, value, *paths, make=full_account)


ACCOUNTS = TypeCases(
    type=ACCOUNT,
    emulated="account",
    create_operation="accounts/create",
    minimal=minimal_account,
    full=full_account,
    in_place=(
        _account_changed("password", "An0ther!pw"),
        _account_changed("quotas.koya.space_tb", 400),
        _account_changed("quotas.tata.file_count_million", 5),
        _account_changed("adopt", True),
    ),
    replacing=(
        Change("name", full_account, _with(full_account, "name", "other-team"), frozenset({"name"}), delete_first=True),
    ),
    invalid=(
        *(_account_wrong("name", name) for name in ("a", "-ab", "ab-", "Ab", "a_b", "a" * 17, "ab\n")),
        Invalid("no name", lambda bench: {}, frozenset({"name"})),
        *(
            _account_wrong("password", password)
            for password in (
                "Short1!",
                "x" * 21,
                "nodigits!!",
                "12345678!",
                "NoSpecial1",
                "has Space1!",
                "has\tTab11!",
                "quote'1!aa",
            )
        ),
        *(_account_wrong("password", f"Passw0rd!{letter}") for letter in "'\"₩/&`\\ "),
        _account_wrong("quotas.koya.file_count_million", 0),
        _account_wrong("quotas.koya.file_count_million", 6),
        _account_wrong("quotas.koya.space_tb", 250),
        _account_wrong("quotas.koya.space_tb", 100),
        _account_wrong("quotas.koya.space_tb", 600),
        _account_wrong("quotas.nara", {"space_tb": 200}),
        _account_wrong("adopt", "yes"),
    ),
    drifts=(),
    secret_in_failure=(_with(full_account, "password", "hunter2"), "hunter2"),
    not_rebuilt=frozenset({"password", "adopt"}),
)

TYPES = (WORKSPACES, ACCOUNTS)
