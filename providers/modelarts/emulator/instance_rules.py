"""What API A accepts: the validation order of spec 5.10, each rule with its code.

The tables below cover rules 1-4; the functions after them are the numbered rules from 5 on, called in that order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from providers.emulation import Call
from providers.modelarts.emulator.answers import refused
from providers.modelarts.emulator.catalogue import (
    allowed,
    check_bucket,
    check_workspace,
    fits,
    profiles,
    sold_out,
    usable_flavor,
)
from providers.modelarts.emulator.fields import Body, Field, Kind, Rank, failures, first_failure, known

NAME_CHARACTERS: Final = re.compile(r"[A-Za-z0-9_-]*")
NAME_LENGTH: Final = 64
DESCRIPTION_FORBIDDEN: Final = frozenset("&<>\"'/")
DESCRIPTION_LENGTH: Final = 512
STORAGE_TYPES: Final = ("obs", "obsfs", "evs")
VOLUME_SIZES: Final = (5, 4096)  # GB
DURATIONS: Final = (3600, 86400)  # seconds
ACCESS_MODES: Final = ("ReadOnlyMany", "ReadWriteMany")

# Spec 5.1. Values are judged by the rules below, so the tables hold types only.
STORAGE: Final = (
    Field("type", required=True),
    Field(
        "location",
        Kind.OBJECT,
        members=(
            Field("path"),
            Field("volume_size", Kind.INTEGER),
            Field("mount_path"),
            Field("access_modes"),
        ),
    ),
)
AUTO_STOP: Final = Field(
    "auto_stop",
    Kind.OBJECT,
    members=(Field("enable", Kind.BOOLEAN), Field("duration", Kind.INTEGER), Field("prompt", Kind.BOOLEAN)),
)
CREATE: Final = (
    Field("name", required=True),
    Field("profile_id", required=True),
    Field("flavor", required=True),
    Field(
        "spec",
        Kind.OBJECT,
        required=True,
        members=(
            Field("storage", Kind.OBJECT, required=True, members=STORAGE),
            Field("extend_storage", Kind.ARRAY, item=Field("", Kind.OBJECT, members=STORAGE)),
            AUTO_STOP,
            Field("annotations", Kind.OBJECT),
        ),
    ),
    Field("description"),
    Field("workspace", Kind.OBJECT, members=(Field("id"),)),
    Field(
        "pool",
        Kind.OBJECT,
        members=(
            Field("id", required=True),
            Field("type"),
            Field("name"),
            Field("owner", Kind.OBJECT, members=(Field("project_id"),)),
        ),
    ),
    Field("ai_project", Kind.OBJECT, members=(Field("id"),)),
)
UPDATE: Final = (Field("description"), Field("spec", Kind.OBJECT, members=(AUTO_STOP,)))  # spec 5.6
ACTION: Final = (Field("action", required=True),)  # spec 5.7

MISSING_CODES: Final[Mapping[str, str]] = {"spec.storage": "6316"}
CODES: Final[Mapping[Rank, str]] = {Rank.MISSING: "6335", Rank.TYPE: "6332", Rank.UNKNOWN: "6336", Rank.VALUE: "6336"}


def read(call: Call, fields: Sequence[Field], body: Body) -> Body:
    """Rules 2-4. Raises Refused with the first failure's code."""
    failure = first_failure(failures(fields, body), strict=call.switch("unknown-members") == "refuse")
    if failure is not None:
        missing = failure.rank is Rank.MISSING and MISSING_CODES.get(failure.path)
        raise refused(missing or CODES[failure.rank], failure.text)
    return known(fields, body)


def judge_create(call: Call, body: Body) -> None:
    """Rules 5-12; who is there already (13, 14) is the operation's own look."""
    judge_texts(body)
    _storages(call, body)
    judge_auto_stop(body["spec"].get("auto_stop", {}))
    _choices(call, body)


def judge_texts(body: Body) -> None:
    """Rule 5 for what there is of name and description: characters before lengths."""
    name, description = body.get("name"), body.get("description", "")
    if name is not None and not NAME_CHARACTERS.fullmatch(name):
        raise refused("6334", "The name may have letters, digits, hyphens and underscores")
    if not DESCRIPTION_FORBIDDEN.isdisjoint(description):
        raise refused("6334", "The description has one of the characters & < > \" ' /")
    if name is not None and not 1 <= len(name) <= NAME_LENGTH:
        raise refused("6336", f"The name must have 1 to {NAME_LENGTH} characters")
    if len(description) > DESCRIPTION_LENGTH:
        raise refused("6336", f"The description is longer than {DESCRIPTION_LENGTH}")


def judge_auto_stop(auto_stop: Mapping[str, Any]) -> None:
    """Rule 10; the range holds for a duration that is not used yet, too [U]."""
    duration = auto_stop.get("duration")
    if auto_stop.get("enable") and duration is None:
        raise refused("6348", "The duration is mandatory when auto stop is enabled")
    lowest, highest = DURATIONS
    if duration is not None and not lowest <= duration <= highest:
        raise refused("6349", f"The duration must be between {lowest} and {highest} seconds")


def _storages(call: Call, body: Body) -> None:
    """Rules 6-9."""
    spec = body["spec"]
    storage, extended = spec["storage"], spec.get("extend_storage", [])
    if storage["type"] not in STORAGE_TYPES:
        raise refused("6324", f"The storage type must be one of {', '.join(STORAGE_TYPES)}")
    if any(each["type"] != "obsfs" for each in extended):
        raise refused("6324", "Extended storage must be of the type obsfs")
    if storage["type"] == "obs":
        _obs(call, storage.get("location", {}).get("path", ""))
    if storage["type"] == "evs":
        _evs(storage.get("location", {}))
    for each in (storage, *extended):
        if each["type"] == "obsfs":
            _obsfs(call, each.get("location", {}), "pool" in body)


def _obs(call: Call, path: str) -> None:
    """Rule 7."""
    if not path:
        raise refused("6317", "Storage of the type obs needs a path")
    if not path.endswith("/"):
        raise refused("6318", "The path must end with /")
    if "/" not in path.removeprefix("obs://").strip("/"):
        raise refused("6358", "The path must be a directory, not the root of a bucket")
    check_bucket(call, path)
    if call.switch("global-credentials") == "missing":
        raise refused("6319", "There is no AK and SK in the global settings")


def _evs(location: Mapping[str, Any]) -> None:
    """Rule 8."""
    lowest, highest = VOLUME_SIZES
    if not lowest <= location.get("volume_size", lowest) <= highest:
        raise refused("6331", f"The volume size must be between {lowest} and {highest} GB")


def _obsfs(call: Call, location: Mapping[str, Any], in_pool: bool) -> None:
    """Rule 9, and spec 5: the path of a parallel file system names the bucket, no directory in it [E]."""
    if not in_pool:
        raise refused("6336", "Storage of the type obsfs needs a dedicated pool")
    if location.get("access_modes", ACCESS_MODES[1]) not in ACCESS_MODES:
        raise refused("6336", f"access_modes must be one of {', '.join(ACCESS_MODES)}")
    path = location.get("path")
    if path is not None:
        if "/" in path.removeprefix("obs://").strip("/"):
            raise refused("6336", "The path of obsfs must be the name of a parallel file system")
        check_bucket(call, path)


def _choices(call: Call, body: Body) -> None:
    """Rules 11 and 12. A free flavor that is sold out is queued for, not refused (spec 5.8)."""
    profile = profiles(call).get(body["profile_id"])
    if profile is None:
        raise refused("6336", f"The profile {body['profile_id']} is not known")
    flavor = usable_flavor(call, body["flavor"])
    if sold_out(call, flavor.id) and not flavor.free:
        raise refused("6329", f"The flavor {flavor.id} is sold out")
    if not fits(profile, flavor):
        raise refused("6330", f"The profile {profile.id} does not run on a {flavor.category} flavor")
    check_workspace(call, body.get("workspace", {}).get("id", "0"))
    if "pool" in body and not allowed(call, "pools", body["pool"]["id"]):
        raise refused("6336", f"The pool {body['pool']['id']} does not exist")
