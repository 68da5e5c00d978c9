"""Two independent readings of ModelArts's pages, against each other: what a preview accepts, the emulator accepts.

The schema and the emulator were written from the same pages, neither from the other. Random inputs around every limit
are checked by one and then sent to the other. Where a preview is stricter on purpose, `stricter` says so; what only the
cloud can know (which flavors, images and pools there are) is chosen so that it is there.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core import paths
from providers import Providers
from providers.modelarts.provider.notebook_requests import create_body
from tests.clouds.modelarts_wire import GPU_PROFILE, HOUR, NB, PYTORCH_IMAGE, A, B, Cloud, serving
from tests.contract.contract_cases import Bench, Make, Tree
from tests.contract.modelarts_cases import (
    INSTANCE,
    NOTEBOOK,
    dedicated_notebook,
    disk_instance,
    folder_instance,
    full_instance,
    full_notebook,
    minimal_instance,
    minimal_notebook,
)

ACCEPTED = {"", "6301", "6302", "0118"}
"""No code at all, or one that is only asked for when everything else is right: the name is taken, a quota is full."""
DOUBTED = {"6330", "6400"}
"""What a preview only warns of: profile and flavor for different hardware, addresses without a key pair."""


def stricter(property: str, given: Tree) -> bool:
    """Does the preview refuse on purpose what the emulator takes?"""
    storage = given.get("spec", {}).get("storage", {})
    if property.endswith(".mount_path"):
        return True  # The page calls it doubtful where the preview knows that it cannot be: a relative path.
    if property.endswith((".access_modes", ".volume_size")):
        # What means nothing for the type is ignored by the service, but a program that gives it errs.
        meant_for = "evs" if property.endswith(".volume_size") else "obsfs"
        return not property.startswith("spec.storage.") or storage.get("type") != meant_for
    if property.endswith(".location.path"):
        return paths.lookup(given, paths.parse(property))[1] == "" and storage.get("type") != "obs"
    if property == "lease.duration":
        return given["lease"]["duration"] == -1  # The vendor's own client sends it as `duration` only.
    if property == "endpoints[0].service":
        return "service" not in given["endpoints"][0]  # The page does not demand it; without it the rest means nothing.
    # The service would overwrite the one and ignore the other.
    return property in ("spec.annotations.url", "lease")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with serving(tmp_path_factory.mktemp("modelarts")) as cloud:
        yield cloud


Deviation = tuple[str, Any]
"""A dotted path (numbers are positions in a list), and what stands there instead."""


def each(path: str, *values: Any) -> list[Deviation]:
    return [(path, value) for value in values]


DESCRIPTIONS = ("", "team A", "x" * 512, "x" * 513, "R&D", "a/b", "it's", "déjà vu", 7)
STORAGE = "spec.storage"
MORE = "spec.extend_storage.0"
FILES = {"type": "obsfs", "location": {"path": "b"}}

INSTANCES: list[Deviation] = [
    *each("name", "n" * 64, "n" * 65, "", "a b", "a.b", "é", 7),
    *each("profile_id", GPU_PROFILE, "Multi-Engine 2.0 (python3)", 1),
    *each("flavor", "modelarts.vm.gpu.p100"),
    *each("description", *DESCRIPTIONS),
    *each("workspace", {"id": "0"}, {}, {"id": 0}),
    *each("pool", {"id": "pool-example"}, {"id": "pool-example", "type": "USER_DEFINED"}, {"name": "p"}),
    *each("ai_project", {"id": "x"}, {}),
    *each(f"{STORAGE}.type", "evs", "obs", "obsfs", "EVS", "nfs"),
    *each(f"{STORAGE}.location", {}, "x"),
    *each(f"{STORAGE}.location.path", "/b/d/", "b/d", "b/", "b", "", "obs://b/", "obs://b/d/", "obs://b", "b//"),
    *each(f"{STORAGE}.location.volume_size", 4, 5, 4096, 4097, 5.5, True, "5"),
    *each(f"{STORAGE}.location.mount_path", "/home/ma-user/work", "work"),
    *each(f"{STORAGE}.location.access_modes", "ReadOnlyMany", "rw"),
    *each("spec.extend_storage", [], [FILES], [FILES, FILES], [{"type": "evs"}], [{"type": "obsfs"}], {}),
    *each(f"{MORE}.location.path", "b/d", "fs"),
    *each(f"{MORE}.location.access_modes", "ReadWriteMany", "rw"),
    *each("spec.auto_stop", {}, {"enable": True}, {"enable": False}, {"duration": 3600}, {"duration": 3599}, []),
    *each("spec.auto_stop.duration", 0, 3599, 3600, 86400, 86401, 3600.5),
    *each("spec.auto_stop.enable", True, False, 1),
    *each("spec.auto_stop.prompt", True, "no"),
    *each("spec.annotations", {}, {"team": "a"}, {"url": "x"}),
]

ADDRESSES = "endpoints.0.allowed_access_ips"
HOOK = "hooks.container_hooks.pre_start"
LONGEST = 72 * HOUR

NOTEBOOKS: list[Deviation] = [
    # Not Chinese letters: the vendor's SDK speaks of them, the page does not, so each reading keeps to its own.
    *each("name", "n" * 128, "n" * 129, "", "a b", "a.b", "é"),
    *each("flavor", ""),
    *each("image_id", PYTORCH_IMAGE, "x"),
    *each("description", *DESCRIPTIONS),
    *each("volume.category", "EVS", "EFS", "OBS", "OBSFS", "evs", "NFS"),
    *each("volume.ownership", "MANAGED", "DEDICATED", "managed", "X"),
    *each("volume.capacity", 4, 5, 50, 4096, 4097),
    *each("volume.uri", "192.0.2.1:/", "b/d/", "x" * 1024, "x" * 1025),
    *each("volume.id", NB, "x"),
    *each("volume.mount_path", "/home/ma-user/work/", "x" * 256, "x" * 257),
    *each("volume.read_only", True, "yes"),
    *each("volume.dew_secret_name", "secret-1", "s" * 64, "s" * 65, "a b"),
    *each("duration", -1, -2, 0, HOUR - 1, HOUR, LONGEST, LONGEST + 1),
    *each("lease", {}, {"type": "IDLE"}, {"duration": HOUR - 1}, {"duration": LONGEST}, {"duration": -1}),
    *each("lease.type", "TIMING", "idle", "X"),
    *each("endpoints", [], [{"service": "SSH"}], [{"service": "ssh"}], [{"service": "FTP"}], [{}]),
    *each("endpoints.0.key_pair_names", [], ["ada"], "ada"),
    *each(ADDRESSES, [], ["203.0.113.7"], ["10.0.0.1"], ["192.168.1.1"], ["127.0.0.1"], ["172.16.0.1"], ["::1"]),
    *each(ADDRESSES, ["203.0.113.0/24"], ["x"], [f"203.0.113.{n}" for n in range(5)], ["203.0.113.1"] * 6),
    *each("pool_id", "pool-example", "Pool", "abc", "pool-", "1pool"),
    *each("workspace_id", "0", "1", ""),
    *each(f"{HOOK}.script", "/a.sh", "a.sh", "bHMK"),
    *each(f"{HOOK}.type", "SCRIPT", "COMMAND", "command", "X"),
    *each(f"{HOOK}.mode", "BLOCK", "async", "X"),
]


def put(holder: Any, path: str, value: Any) -> None:
    """The value at its place, as far as there is one; what is missing on the way there is made."""
    first, _, rest = path.partition(".")
    if isinstance(holder, list):
        if first.isdigit() and int(first) < len(holder):
            put(holder[int(first)], rest, value)
    elif isinstance(holder, dict):
        if not rest:
            holder[first] = copy.deepcopy(value)
        else:
            put(holder.setdefault(first, [{}] if rest.startswith("0") else {}), rest, value)


def deviating(bases: Sequence[Make], deviations: Sequence[Deviation]) -> st.SearchStrategy[Tree]:
    """Something valid, with up to three members changed."""

    def tree(base: Make, changes: Sequence[Deviation]) -> Tree:
        made = copy.deepcopy(base(cast("Bench", None)))
        for path, value in changes:
            put(made, path, value)
        made.pop("running", None)
        made.pop("tags", None)
        return made

    return st.builds(tree, st.sampled_from(bases), st.lists(st.sampled_from(deviations), max_size=3))


def compared(served: Cloud, token: str, path: str, given: Tree) -> None:
    """One set of inputs, judged by both."""
    result = Providers().provider_for(token, {}, {}).check({}, given)
    failures = {failure.property for failure in result.failures}
    if token == NOTEBOOK and not failures:
        body = create_body(result.inputs)
    else:
        body = given if failures else result.inputs
    answer = served.call("POST", path, body)
    code = "" if answer.is_success else answer.json()["error_code"].removeprefix("ModelArts.")
    if not failures:
        assert code in ACCEPTED or (result.warnings and code in DOUBTED), answer.json()
    elif not all(stricter(property, given) for property in failures):
        assert code not in ACCEPTED, f"the emulator accepts what the preview refuses: {sorted(failures)}"


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(given=deviating([minimal_instance, disk_instance, folder_instance, full_instance], INSTANCES))
def test_instances(served: Cloud, given: Tree) -> None:
    compared(served, INSTANCE, A, given)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(given=deviating([minimal_notebook, full_notebook, dedicated_notebook], NOTEBOOKS))
def test_notebooks(served: Cloud, given: Tree) -> None:
    compared(served, NOTEBOOK, B, given)
