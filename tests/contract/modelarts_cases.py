"""ModelArts's part of the provider suite."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from providers.emulation import FILE_NAME, CloudFile, emulator_class, serve
from providers.modelarts import emulator
from tests.contract.contract_cases import Bench, Change, Drift, Invalid, Make, Tree, TypeCases

INSTANCE = "pulumi-python:dynamic/modelarts:DevEnvInstance"
NOTEBOOK = "pulumi-python:dynamic/modelarts:Notebook"

PROFILE = "Multi-Engine 1.0 (python3)-cpu"
OTHER_PROFILE = "Multi-Engine 1.0 (python2)-cpu"
FLAVOR, OTHER_FLAVOR = "modelarts.vm.cpu.2u", "modelarts.vm.cpu.8u"
IMAGE, OTHER_IMAGE = "e1a07296-22a8-4f05-8bc8-e936c8e54090", "278e88d1-5b71-4766-8502-b3ba72e824d9"


@contextmanager
def open_bench() -> Iterator[Bench]:
    """The emulator, on a file of its own."""
    with (
        tempfile.TemporaryDirectory() as home,
        CloudFile(Path(home) / FILE_NAME) as file,
        serve([emulator_class("modelarts")], file, speed="instant") as server,
    ):
        settings = {
            "modelarts:endpoint": server.urls["modelarts"],
            "modelarts:iamEndpoint": server.urls["modelarts"],
            "modelarts:accessKey": emulator.ACCESS_KEY,
            "modelarts:secretKey": emulator.SECRET_KEY,
            "modelarts:region": emulator.REGION,
            "modelarts:projectId": emulator.PROJECT_ID,
        }
        yield Bench("modelarts", file, settings, {**settings, "modelarts:secretKey": "notTheSecretKey"}, lambda _: None)


def with_(make: Make, path: str, value: Any) -> Make:
    """The inputs with one member changed (None: taken out); `path` is dotted, numbers are list positions."""

    def changed(bench: Bench) -> Tree:
        tree = copy.deepcopy(make(bench))
        *outer, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        place: Any = tree
        for part in outer:
            place = place[part] if isinstance(place, list) else place.setdefault(part, {})
        if value is None:
            del place[last]
        else:
            place[last] = value
        return tree

    return changed


def _changed(make: Make, path: str, value: Any, *paths: str) -> Change:
    return Change(f"{path}={value!r:.40}", make, with_(make, path, value), frozenset(paths or [path]))


def _replaced(make: Make, path: str, value: Any, *paths: str, first: bool = False) -> Change:
    return Change(
        f"{path}={value!r:.40}", make, with_(make, path, value), frozenset(paths or [path]), delete_first=first
    )


def _wrong(make: Make, path: str, value: Any, *paths: str) -> Invalid:
    return Invalid(f"{path}={value!r:.40}", with_(make, path, value), frozenset(paths or [path]))


def edit(status: str | None = None, renamed: str | None = None, **changes: Any) -> Callable[[Bench, str], None]:
    """What somebody does in the console; `__` stands for a dot."""

    def damage(bench: Bench, id_: str) -> None:
        paths = {key.replace("__", "."): value for key, value in changes.items()}
        bench.file.edit("modelarts", id_, paths, name=renamed, status=status)

    return damage


# --- development environment instances --------------------------------------------------------------------------------


def minimal_instance(bench: Bench) -> Tree:
    """Only what the page demands."""
    return {"name": "nb-1", "profile_id": PROFILE, "flavor": FLAVOR, "spec": {"storage": {"type": "evs"}}}


def disk_instance(bench: Bench) -> Tree:
    """On an EVS disk, as in the page's sample."""
    return {
        "name": "notebook-instance",
        "description": "",
        "profile_id": "Multi-Engine 1.0 (python3)-gpu",
        "flavor": "modelarts.bm.gpu.v100NV32",
        "spec": {
            "storage": {"location": {"volume_size": 5}, "type": "evs"},
            "auto_stop": {"enable": True, "duration": 3600},
        },
        "workspace": {"id": "0"},
    }


def folder_instance(bench: Bench) -> Tree:
    """On a folder in OBS."""
    return with_(minimal_instance, "spec.storage", {"type": "obs", "location": {"path": "team-a/work/"}})(bench)


def full_instance(bench: Bench) -> Tree:
    """Every parameter of the page at once: parallel file systems in a dedicated pool."""
    return {
        "name": "nb_full-1",
        "profile_id": PROFILE,
        "description": "team A",
        "flavor": FLAVOR,
        "spec": {
            "storage": {
                "type": "obsfs",
                "location": {
                    "path": "team-a-files",
                    "mount_path": "/home/ma-user/work/team",
                    "access_modes": "ReadOnlyMany",
                },
            },
            "extend_storage": [
                {
                    "type": "obsfs",
                    "location": {
                        "path": "data-files",
                        "mount_path": "/home/ma-user/work/data",
                        "access_modes": "ReadOnlyMany",
                    },
                }
            ],
            "auto_stop": {"enable": True, "duration": 7200, "prompt": False},
            "annotations": {"team": "nlp", "camelKey": "kept"},
        },
        "workspace": {"id": "0"},
        "pool": {
            "id": "pool-example",
            "type": "USER_DEFINED",
            "name": "ours",
            "owner": {"project_id": emulator.PROJECT_ID},
        },
        "ai_project": {"id": "default-ai-project"},
        "running": True,
    }


_LOCATION = "spec.storage.location"
_MORE = "spec.extend_storage.0.location"
_AUTO_STOP = "spec.auto_stop"
_FORBIDDEN = "&<>\"'/"


def _disk(path: str, value: Any, *paths: str) -> Invalid:
    return _wrong(disk_instance, path, value, *paths)


def _folder(path: str, value: Any, *paths: str) -> Invalid:
    return _wrong(folder_instance, path, value, *paths)


def _full(path: str, value: Any, *paths: str) -> Invalid:
    return _wrong(full_instance, path, value, *paths)


INSTANCES = TypeCases(
    type=INSTANCE,
    emulated="devenvinstance",
    going="DELETING",
    undeleted="UNAVAILABLE",
    create_operation="demanager/create",
    minimal=minimal_instance,
    full=full_instance,
    in_place=(
        _changed(full_instance, "description", "team B"),
        _changed(full_instance, "description", None),
        _changed(minimal_instance, "description", "team A"),
        _changed(full_instance, f"{_AUTO_STOP}.duration", 3600),
        _changed(full_instance, f"{_AUTO_STOP}.enable", False),
        _changed(full_instance, f"{_AUTO_STOP}.prompt", True),
        _changed(full_instance, _AUTO_STOP, None),
        _changed(minimal_instance, _AUTO_STOP, {"enable": True, "duration": 86_400}),
        _changed(disk_instance, _AUTO_STOP, {"enable": False}, f"{_AUTO_STOP}"),
        _changed(full_instance, "running", False),
        _changed(full_instance, "running", None),
        _changed(minimal_instance, "running", False),
        Change(
            "started",
            with_(minimal_instance, "running", False),
            with_(minimal_instance, "running", True),
            frozenset({"running"}),
        ),
        Change(
            "everything that can change",
            full_instance,
            with_(with_(with_(full_instance, "description", "x"), f"{_AUTO_STOP}.duration", 4000), "running", False),
            frozenset({"description", f"{_AUTO_STOP}.duration", "running"}),
        ),
    ),
    replacing=(
        _replaced(minimal_instance, "name", "nb-2"),
        _replaced(minimal_instance, "profile_id", OTHER_PROFILE, first=True),
        _replaced(minimal_instance, "flavor", OTHER_FLAVOR, first=True),
        _replaced(
            minimal_instance,
            "spec.storage",
            {"type": "obs", "location": {"path": "a/b/"}},
            "spec.storage.type",
            _LOCATION,
            first=True,
        ),
        _replaced(disk_instance, f"{_LOCATION}.volume_size", 6, _LOCATION, first=True),
        _replaced(folder_instance, f"{_LOCATION}.path", "team-a/other/", first=True),
        _replaced(full_instance, f"{_LOCATION}.mount_path", "/home/ma-user/work/b", first=True),
        _replaced(full_instance, f"{_LOCATION}.access_modes", "ReadWriteMany", first=True),
        _replaced(full_instance, f"{_MORE}.path", "other-files", "spec.extend_storage[0].location.path", first=True),
        _replaced(full_instance, "spec.extend_storage", None, first=True),
        _replaced(full_instance, "spec.annotations.team", "vision", first=True),
        _replaced(full_instance, "spec.annotations", None, first=True),
        _replaced(full_instance, "workspace.id", "other", "workspace", first=True),
        _replaced(full_instance, "pool.id", "pool-other", first=True),
        _replaced(full_instance, "ai_project.id", "other", first=True),
    ),
    invalid=(
        *(_disk("name", name) for name in ("", "a b", "a.b", "ä", "a" * 65, "a/b", "a\n")),
        *(_disk(name, None) for name in ("name", "profile_id", "flavor", "spec", "spec.storage", "spec.storage.type")),
        *(_disk(name, "") for name in ("profile_id", "flavor")),
        *(_disk(name, 7) for name in ("name", "profile_id", "flavor", "description")),
        *(_disk("description", f"team {letter}") for letter in _FORBIDDEN),
        _disk("description", "x" * 513),
        _disk("spec", "evs"),
        _disk("spec.storage", "evs"),
        _disk("spec.storage.type", "efs"),
        _disk("spec.storage.type", 1),
        _disk(_LOCATION, "5"),
        *(_disk(f"{_LOCATION}.volume_size", size) for size in (4, 4097, 0, 5.5, "5", True)),
        *(_disk(f"{_LOCATION}.{name}", "/home/ma-user/work") for name in ("mount_path",)),
        _disk(f"{_LOCATION}.access_modes", "ReadWriteMany"),
        _folder(_LOCATION, None),
        _folder(_LOCATION, {}, f"{_LOCATION}.path"),
        _folder(f"{_LOCATION}.path", None),
        *(
            _folder(f"{_LOCATION}.path", path)
            for path in ("", "team-a/work", "team-a/", "/team-a/", "obs://team-a/", "team-a", 1)
        ),
        _folder(f"{_LOCATION}.mount_path", "/home/ma-user/work"),
        _folder("spec.storage.type", "obsfs", "spec.storage.type", f"{_LOCATION}.path"),
        _full("pool", None, "spec.storage.type", "spec.extend_storage"),
        _full(f"{_LOCATION}.path", "team-a-files/folder"),
        _full(f"{_LOCATION}.mount_path", "work"),
        _full(f"{_LOCATION}.access_modes", "ReadOnly"),
        _full("spec.extend_storage", {"type": "obsfs"}),
        _full("spec.extend_storage.0.type", "evs", "spec.extend_storage[0].type"),
        _full("spec.extend_storage.0.type", None, "spec.extend_storage[0].type"),
        _full(f"{_MORE}.path", 1, "spec.extend_storage[0].location.path"),
        _full(f"{_MORE}.access_modes", "x", "spec.extend_storage[0].location.access_modes"),
        *(_full(f"{_AUTO_STOP}.duration", seconds) for seconds in (3599, 86_401, -1, "3600", 3600.5)),
        _full(f"{_AUTO_STOP}.duration", None),
        Invalid(
            "a duration out of range although disabled",
            with_(disk_instance, _AUTO_STOP, {"enable": False, "duration": 60}),
            frozenset({f"{_AUTO_STOP}.duration"}),
        ),
        _full(f"{_AUTO_STOP}.enable", "yes"),
        _full(f"{_AUTO_STOP}.prompt", 1),
        _full(_AUTO_STOP, True),
        _full("spec.annotations", {"a": 1, "b": "x"}, "spec.annotations.a"),
        _full("spec.annotations", {"url": "x"}, "spec.annotations.url"),
        _full("spec.annotations", ["a"]),
        _full("workspace", "0"),
        _full("workspace.id", 0),
        _full("pool.id", None),
        _full("pool.id", ""),
        _full("pool.type", 1),
        _full("pool.name", 1),
        _full("pool.owner", "me"),
        _full("pool.owner.project_id", 1),
        _full("ai_project", "x"),
        _full("ai_project.id", 1),
        _full("running", "yes"),
        _full("profileId", PROFILE),  # given twice, also as profile_id
        _full("flavour", FLAVOR),
        _full(f"{_LOCATION}.size", 5),
        Invalid(
            "everything at once",
            lambda bench: {
                "name": "a b",
                "description": "a/b",
                "spec": {
                    "storage": {"type": "obs", "location": {"path": "bucket", "mount_path": "/x"}},
                    "extend_storage": [{"type": "evs"}],
                    "auto_stop": {"enable": True},
                    "annotations": {"url": "x", "a": 1},
                },
                "ai_project": 7,
            },
            frozenset(
                {
                    *("name", "description", "profile_id", "flavor", f"{_LOCATION}.path", f"{_LOCATION}.mount_path"),
                    *("spec.extend_storage", "spec.extend_storage[0].type", f"{_AUTO_STOP}.duration", "ai_project"),
                    *("spec.annotations.url", "spec.annotations.a"),
                }
            ),
        ),
    ),
    drifts=(
        Drift("description", edit(description="other"), frozenset({"description"})),
        Drift("description emptied", edit(description=""), frozenset({"description"})),
        Drift("auto-stop", edit(spec__auto_stop__duration=3600), frozenset({f"{_AUTO_STOP}.duration"})),
        Drift("auto-stop off", edit(spec__auto_stop__enable=False), frozenset({f"{_AUTO_STOP}.enable"})),
        Drift("stopped", edit(status="STOPPED"), frozenset({"running"})),
    ),
    not_rebuilt=frozenset({"running", "ai_project", "pool.type", "pool.name", "pool.owner", "workspace"}),
)


# --- notebooks --------------------------------------------------------------------------------------------------------


def minimal_notebook(bench: Bench) -> Tree:
    """Only what the page demands."""
    return {"name": "nb-1", "flavor": FLAVOR, "image_id": IMAGE, "volume": {"category": "EVS"}}


def full_notebook(bench: Bench) -> Tree:
    """Every parameter we have, but for those that exclude each other."""
    return {
        "name": "nb_full-1",
        "flavor": FLAVOR,
        "image_id": IMAGE,
        "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 10, "read_only": False},
        "description": "team A",
        "feature": "NOTEBOOK",
        "lease": {"duration": 7_200_000, "type": "TIMING", "renew": "1"},
        "endpoints": [{"service": "SSH", "key_pair_names": ["ada"], "allowed_access_ips": ["203.0.113.7"]}],
        "pool_id": "pool-example",
        "workspace_id": "0",
        "hooks": {"container_hooks": {"pre_start": {"type": "SCRIPT", "script": "/home/ma-user/work/before.sh"}}},
        "tags": {"team": "nlp", "stage": "dev"},
        "running": True,
        "marker": "full-0123456789ab",
    }


def dedicated_notebook(bench: Bench) -> Tree:
    """On a file system of one's own."""
    return {
        **minimal_notebook(bench),
        "volume": {
            "category": "EFS",
            "ownership": "DEDICATED",
            "uri": "192.0.2.1:/",
            "id": "11111111-2222-3333-4444-555555555555",
        },
    }


def _bad(path: str, value: Any, *paths: str) -> Invalid:
    return _wrong(full_notebook, path, value, *paths)


_SSH = "endpoints.0"
_HOOK = "hooks.container_hooks.pre_start"

NOTEBOOKS = TypeCases(
    type=NOTEBOOK,
    emulated="notebook",
    going="DELETING",
    undeleted="DELETE_FAILED",
    create_operation="notebooks/create",
    minimal=minimal_notebook,
    full=full_notebook,
    in_place=(
        _changed(full_notebook, "name", "other"),
        _changed(full_notebook, "description", "team B"),
        _changed(full_notebook, "description", None),
        _changed(minimal_notebook, "description", "team A"),
        _changed(minimal_notebook, "flavor", OTHER_FLAVOR),
        _changed(minimal_notebook, "image_id", OTHER_IMAGE),
        _changed(full_notebook, "volume.capacity", 20),
        _changed(minimal_notebook, "volume.capacity", 250),
        _changed(full_notebook, f"{_SSH}.allowed_access_ips", ["203.0.113.8"], "endpoints[0].allowed_access_ips"),
        _changed(full_notebook, f"{_SSH}.allowed_access_ips", None, "endpoints[0].allowed_access_ips"),
        _changed(full_notebook, f"{_HOOK}.script", "/home/ma-user/work/other.sh"),
        _changed(full_notebook, f"{_HOOK}.mode", "BLOCK"),
        _changed(full_notebook, "lease.duration", 3_600_000),
        _changed(full_notebook, "lease.type", "IDLE"),
        _changed(full_notebook, "lease.renew", "2"),
        _changed(minimal_notebook, "duration", 3_600_001),
        _changed(minimal_notebook, "duration", -1),
        _changed(full_notebook, "tags.team", "vision"),
        _changed(full_notebook, "tags.stage", None),
        _changed(full_notebook, "tags", None),
        _changed(minimal_notebook, "tags", {"team": "nlp"}),
        _changed(full_notebook, "running", False),
        _changed(full_notebook, "running", None),
        _changed(minimal_notebook, "running", False),
        Change(
            "started",
            with_(minimal_notebook, "running", False),
            with_(minimal_notebook, "running", True),
            frozenset({"running"}),
        ),
        Change(
            "while it is stopped",
            with_(full_notebook, "running", False),
            with_(with_(with_(full_notebook, "running", False), "description", "x"), "volume.capacity", 11),
            frozenset({"description", "volume.capacity"}),
        ),
        Change(
            "everything at once",
            minimal_notebook,
            lambda bench: {
                **minimal_notebook(bench),
                "name": "other",
                "description": "x",
                "flavor": OTHER_FLAVOR,
                "image_id": OTHER_IMAGE,
                "volume": {"category": "EVS", "capacity": 30},
                "lease": {"duration": 7_200_000},
                "tags": {"a": "b"},
                "running": False,
            },
            frozenset(
                ["name", "description", "flavor", "image_id", "volume.capacity", "lease", "tags", "running"],
            ),
        ),
    ),
    replacing=(
        _replaced(full_notebook, "volume.category", "EFS", "volume.category"),
        _replaced(full_notebook, "volume.capacity", 9),
        _replaced(full_notebook, "volume.read_only", True),
        _replaced(full_notebook, f"{_SSH}.key_pair_names", ["grace"], "endpoints[0].key_pair_names"),
        _replaced(dedicated_notebook, "volume.uri", "192.0.2.2:/"),
        _replaced(dedicated_notebook, "volume.id", "11111111-2222-3333-4444-666666666666"),
        _replaced(full_notebook, "pool_id", "pool-other"),
        _replaced(full_notebook, "pool_id", None),
        _replaced(full_notebook, "workspace_id", "0123456789abcdef0123456789abcdef"),
        _replaced(full_notebook, "feature", "DEFAULT"),
        Change(
            "an endpoint with a key",
            minimal_notebook,
            with_(minimal_notebook, "endpoints", [{"service": "SSH", "key_pair_names": ["ada"]}]),
            frozenset({"endpoints"}),
        ),
    ),
    invalid=(
        *(_bad("name", name) for name in ("", "a b", "a.b", "a/b", "a" * 129, "a\n", 7)),
        *(_bad(name, None) for name in ("name", "flavor", "image_id", "volume", "volume.category")),
        _bad("flavor", ""),
        *(_bad("image_id", id_) for id_ in ("", "x", "e1a07296-22a8-4f05-8bc8-e936c8e5409", 7)),
        *(_bad("description", f"team {letter}") for letter in _FORBIDDEN),
        _bad("description", "x" * 513),
        _bad("volume", "EVS"),
        _bad("volume.category", "NFS"),
        _bad("volume.ownership", "MINE"),
        _bad("volume.ownership", "DEDICATED"),
        *(_bad("volume.capacity", size) for size in (4, 4097, 0, 5.5, "5")),
        _bad("volume.uri", "x" * 1025),
        _bad("volume.id", "x"),
        _bad("volume.mount_path", "x" * 257),
        _bad("volume.read_only", "no"),
        _bad("volume.dew_secret_name", "a b"),
        _bad("volume.category", "OBS", "volume.dew_secret_name"),
        _wrong(dedicated_notebook, "volume.uri", None),
        _wrong(dedicated_notebook, "volume", {"category": "OBSFS", "ownership": "DEDICATED"}, "volume.uri"),
        _wrong(dedicated_notebook, "volume.id", None),
        _bad("feature", "FREE"),
        *(_wrong(minimal_notebook, "duration", ms) for ms in (0, -2, 3_599_999, 259_200_001, "3600000", 3_600_000.5)),
        _bad("duration", 3_600_000, "lease"),
        *(_bad("lease.duration", ms) for ms in (-1, 3_599_999, 259_200_001, "3600000")),
        _bad("lease.type", "NEVER"),
        _bad("lease.renew", 1),
        _bad("endpoints", {"service": "SSH"}),
        _bad(f"{_SSH}.service", "FTP", "endpoints[0].service"),
        _bad(f"{_SSH}.service", None, "endpoints[0].service"),
        _bad(f"{_SSH}.key_pair_names", "ada", "endpoints[0].key_pair_names"),
        *(
            _bad(f"{_SSH}.allowed_access_ips", ["203.0.113.7", text], "endpoints[0].allowed_access_ips[1]")
            for text in ("somewhere", "10.0.0.1", "203.0.113.0/24", "::1")
        ),
        _bad(f"{_SSH}.allowed_access_ips", [f"203.0.113.{n}" for n in range(6)], "endpoints[0].allowed_access_ips"),
        *(_bad("pool_id", id_) for id_ in ("abc", "1abc", "abc-", "Abcd", "a" * 65)),
        *(_bad("workspace_id", id_) for id_ in ("", "1", "x" * 31, "X" * 32)),
        _bad(f"{_HOOK}.script", None),
        _bad(f"{_HOOK}.script", "before.sh"),
        _bad(f"{_HOOK}.type", "COMMAND", f"{_HOOK}.script"),
        _bad(f"{_HOOK}.type", "X"),
        _bad(f"{_HOOK}.mode", "X"),
        *(_bad("tags", {key: "x"}, f'tags["{key}"]') for key in (" a", "a ", "a/b", "a#b")),
        _bad("tags", {"a": " x"}, "tags.a"),
        _bad("tags", {"a": "x" * 256}, "tags.a"),
        _bad("tags", {"a" * 129: "x"}, f"tags.{'a' * 129}"),
        _bad("tags", {"_sys_a": "x"}),
        _bad("tags", {"a": 1}, "tags.a"),
        _bad("tags", ["a"]),
        _bad("running", "yes"),
        _bad("marker", "A b"),
        _bad("imageId", IMAGE),  # given twice, also as image_id
        _bad("custom_spec", {"cpu": 1}),
        Invalid(
            "everything at once",
            lambda bench: {
                "name": "a b",
                "image_id": "x",
                "volume": {"category": "EVS", "capacity": 1, "ownership": "DEDICATED"},
                "duration": 1,
                "lease": {"duration": 1, "type": "NEVER"},
                "tags": {"a#": "b"},
                "endpoints": [{"service": "SSH", "allowed_access_ips": ["here"]}],
            },
            frozenset(
                {
                    *("name", "flavor", "image_id", "volume.capacity", "volume.ownership", "duration", "lease"),
                    *("lease.duration", "lease.type", 'tags["a#"]', "endpoints[0].allowed_access_ips[0]"),
                }
            ),
        ),
    ),
    drifts=(
        Drift("name", edit(renamed="other"), frozenset({"name"})),
        Drift("description", edit(description="other"), frozenset({"description"})),
        Drift("stopped", edit(status="STOPPED"), frozenset({"running"})),
    ),
    not_rebuilt=frozenset({"running", "lease", "hooks", "marker", "feature", "workspace_id", "volume.read_only"})
    | {"volume.ownership"},
)

TYPES = (INSTANCES, NOTEBOOKS)
