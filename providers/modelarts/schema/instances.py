"""Development environment instances: the request of the customer's page, member by member (specification 5.1-5.3)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from providers.base import Facts, Inputs, Rule

NAME: Final = r"^[A-Za-z0-9_-]{1,64}$"
DESCRIPTION: Final = r"""^[^&<>"'/]*$"""
WORK_FOLDER: Final = "/home/ma-user/work"
SERVERS_OWN_ANNOTATIONS: Final = frozenset({"url", "target_domain"})
"""Annotations that the service writes itself (specification 5.4)."""

_PAGE = "modelarts_03_0110"
_FIXED = "an instance's description, auto-stop and power can change, nothing else (modelarts_03_0113)"


# --- storage (tables 4 and 5 of the page) -----------------------------------------------------------------------------


class Location(Inputs):
    """Where the storage is; which members count depends on its type."""

    path: Annotated[
        str | None,
        Field(min_length=1),
        Facts(
            source=f"{_PAGE} table 5; specification 5.1",
            rule="must not be empty",
            remedy="for obs give a folder such as bucket/work/, for obsfs the name of the file system's bucket",
        ),
    ] = None
    volume_size: Annotated[
        int | None,
        Field(ge=5, le=4096),
        Facts(source=f"{_PAGE} table 5", remedy="give whole gigabytes from 5 to 4096", computed=True, absent=5),
    ] = None
    mount_path: Annotated[
        str | None,
        Field(pattern="^/"),
        Facts(
            source=f"{_PAGE} table 5",
            rule="must be an absolute path",
            remedy=f"give {WORK_FOLDER} or a folder in it, or leave it out",
            absent=WORK_FOLDER,
        ),
    ] = None
    access_modes: Annotated[
        Literal["ReadOnlyMany", "ReadWriteMany"] | None,
        Facts(
            source=f"{_PAGE} table 5; specification 5 (recovered values)",
            remedy="give ReadOnlyMany or ReadWriteMany, or leave it out",
            absent="ReadWriteMany",
        ),
    ] = None

    rules = (
        Rule(
            at="mount_path",
            broken=lambda path: path is not None and not f"{path.rstrip('/')}/".startswith(f"{WORK_FOLDER}/"),
            rule=f"is outside {WORK_FOLDER}, so mounting, reading or writing may fail",
            remedy=f"mount it at {WORK_FOLDER} or in a folder below it",
            source=f"{_PAGE} table 5",
            warning=True,
        ),
    )


def _folders(path: str) -> str:
    """A path in OBS as bucket and folders; the address form of the vendor's tools, obs://bucket/folder/, is one too."""
    return path.removeprefix("obs://").strip("/")


def _only_for_obsfs(member: str) -> Rule:
    return Rule(
        at=f"location.{member}",
        reads=("type",),
        broken=lambda value, type_: value is not None and type_ != "obsfs",
        rule="is valid only for storage of type obsfs",
        remedy="leave it out",
        source=f"{_PAGE} table 5",
    )


_STORAGE_RULES: Final = (
    Rule(
        at="location",
        reads=("type",),
        broken=lambda location, type_: location is None and type_ == "obs",
        rule="is required for storage of type obs",
        remedy="give a location with the path of a folder, such as bucket/work/",
        source=f"{_PAGE} table 4; error 6317",
    ),
    Rule(
        at="location.path",
        reads=("type", "location"),
        broken=lambda path, type_, location: path is None and location is not None and type_ == "obs",
        rule="is required for storage of type obs",
        remedy="give the path of a folder, such as bucket/work/",
        source=f"{_PAGE} table 5; error 6317",
    ),
    Rule(
        at="location.path",
        reads=("type",),
        broken=lambda path, type_: path is not None and type_ == "obs" and not path.endswith("/"),
        rule="must end with / for storage of type obs",
        remedy="add a / at the end: it names a folder",
        source=f"{_PAGE} table 5; error 6318",
    ),
    Rule(
        at="location.path",
        reads=("type",),
        broken=lambda path, type_: (
            path is not None and type_ == "obs" and path.endswith("/") and "/" not in _folders(path)
        ),
        rule="must be a folder in the bucket, not the bucket itself",
        remedy="name a folder, such as bucket/work/",
        source="specification 5.1; error 6358",
    ),
    Rule(
        at="location.path",
        reads=("type",),
        broken=lambda path, type_: path is not None and type_ == "obsfs" and "/" in _folders(path),
        rule="names the bucket of a parallel file system; a folder in it cannot be mounted",
        remedy="give the bucket's name alone",
        source="specification 5.1",
    ),
    Rule(
        at="location.path",
        reads=("type",),
        broken=lambda path, type_: path is not None and type_ == "evs",
        rule=f"has no meaning for storage of type evs, whose disk is at {WORK_FOLDER}; it is left out",
        remedy="leave it out",
        source="specification 5.1",
        warning=True,
    ),
    Rule(
        at="location.volume_size",
        reads=("type",),
        broken=lambda size, type_: size is not None and type_ != "evs",
        rule="has no meaning except for storage of type evs; it is left out",
        remedy="leave it out",
        source=f"{_PAGE} table 5",
        warning=True,
    ),
    _only_for_obsfs("mount_path"),
    _only_for_obsfs("access_modes"),
)
MEANINGLESS: Final = {"evs": ("path",), "obs": ("volume_size",), "obsfs": ("volume_size",)}
"""Storage type → members of its location that the service ignores, so that they are neither sent nor compared."""


class Storage(Inputs):
    """The storage that is the instance's work folder."""

    type: Annotated[
        Literal["obs", "obsfs", "evs"],
        Facts(source=f"{_PAGE} table 4; error 6324", remedy="give obs, obsfs or evs", any_case=True),
    ]
    location: Annotated[
        Location | None,
        Facts(source=f"{_PAGE} table 4", remedy="give a map such as {path: bucket/work/}", computed=True),
    ] = None

    rules = _STORAGE_RULES


class ExtendStorage(Inputs):
    """More storage, mounted next to the work folder; only parallel file systems can be."""

    type: Annotated[
        Literal["obsfs"],
        Facts(source=f"{_PAGE} table 3; error 6324", remedy="give obsfs", any_case=True),
    ]
    location: Annotated[
        Location | None,
        Facts(source=f"{_PAGE} table 4", remedy="give a map such as {path: file-system}", computed=True),
    ] = None

    rules = _STORAGE_RULES


# --- the notebook definition (tables 3 and 6) -------------------------------------------------------------------------


class AutoStop(Inputs):
    """Whether the instance stops of itself, and after how many seconds of running."""

    enable: Annotated[bool | None, Facts(source=f"{_PAGE} table 6", remedy="say True or False", absent=False)] = None
    duration: Annotated[
        int | None,
        Field(ge=3600, le=86_400),
        Facts(source=f"{_PAGE} table 6; error 6349", remedy="give whole seconds from 3600 (1 h) to 86400 (24 h)"),
    ] = None
    prompt: Annotated[bool | None, Facts(source=f"{_PAGE} table 6", remedy="say True or False", absent=True)] = None

    rules = (
        Rule(
            at="duration",
            reads=("enable",),
            broken=lambda duration, enable: bool(enable) and duration is None,
            rule="is required when enable is true",
            remedy="give seconds from 3600 to 86400",
            source=f"{_PAGE} table 6; error 6348",
        ),
    )


def _not_the_servers(name: str) -> str:
    if name in SERVERS_OWN_ANNOTATIONS:
        raise ValueError("is an annotation that the service writes itself (specification 5.4)")
    return name


class Spec(Inputs):
    """The definition of the notebook in the instance."""

    storage: Annotated[
        Storage,
        Facts(source=f"{_PAGE} table 3; error 6316", remedy="give a map such as {type: evs}", replace=_FIXED),
    ]
    extend_storage: Annotated[
        list[ExtendStorage] | None,
        Facts(source=f"{_PAGE} table 3", remedy="give a list of storages of type obsfs", replace=_FIXED, absent=[]),
    ] = None
    auto_stop: Annotated[
        AutoStop | None, Facts(source=f"{_PAGE} table 3", remedy="give a map such as {enable: true, duration: 3600}")
    ] = None
    annotations: Annotated[
        dict[Annotated[str, AfterValidator(_not_the_servers)], str] | None,
        Facts(source=f"{_PAGE} table 3", remedy="give a map of names of your own to text", replace=_FIXED, absent={}),
    ] = None


# --- where it runs (tables 7 to 10) -----------------------------------------------------------------------------------


class Workspace(Inputs):
    """The workspace the instance belongs to."""

    id: Annotated[
        str | None,
        Field(min_length=1),
        Facts(source=f"{_PAGE} table 7", rule="must not be empty", remedy="give the ID, or leave it out", absent="0"),
    ] = None


class Owner(Inputs):
    """Whose resource pool it is."""

    project_id: Annotated[str | None, Facts(source=f"{_PAGE} table 9", remedy="give the project's ID")] = None


class Pool(Inputs):
    """A dedicated resource pool. The ID says which; the rest only describes it, so it is sent and never compared."""

    id: Annotated[
        str,
        Field(min_length=1),
        Facts(source=f"{_PAGE} table 8", rule="must not be empty", remedy="give the pool's ID"),
    ]
    type: Annotated[
        str | None,
        Facts(source=f"{_PAGE} table 8", remedy="give text, such as USER_DEFINED", unreadable=True, undiffed=True),
    ] = None
    name: Annotated[
        str | None, Facts(source=f"{_PAGE} table 8", remedy="give text", unreadable=True, undiffed=True)
    ] = None
    owner: Annotated[
        Owner | None,
        Facts(source=f"{_PAGE} table 8", remedy="give a map {project_id: ...}", unreadable=True, undiffed=True),
    ] = None


class AIProject(Inputs):
    """Reserved by the vendor; the service answers with one of its own choice."""

    id: Annotated[str | None, Facts(source=f"{_PAGE} table 10", remedy="give text", computed=True)] = None


# --- the instance (the page's first table) ----------------------------------------------------------------------------

_HARDWARE: Final = {
    "cpu": re.compile(r"(?:^|[-.])cpu(?:[-.]|$)"),
    "gpu": re.compile(r"(?:^|[-.])gpu(?:[-.]|$)"),
    "ascend": re.compile(r"(?:^|-)Power-Engine|\.kat1\."),
}
"""What the names of profiles and flavors tell of their hardware (specification 5.2, 5.3)."""


def _hardware(text: str) -> str:
    return next((kind for kind, name in _HARDWARE.items() if name.search(text)), "")


def _mismatched(flavor: Any, profile: Any) -> bool:
    """Do profile and flavor both name their hardware, and not the same?"""
    named = {_hardware(text) for text in (flavor, profile) if isinstance(text, str)} - {""}
    return len(named) == 2


class DevEnvInstance(Inputs):
    """The inputs of a development environment instance."""

    name: Annotated[
        str,
        Field(pattern=NAME),
        Facts(
            source=f"{_PAGE} table 2; error 6334",
            rule="must have 1 to 64 letters, digits, hyphens and underscores",
            remedy="give a name such as train-a, or leave it out to have one made",
            replace=_FIXED,
        ),
    ]
    profile_id: Annotated[
        str,
        Field(min_length=1),
        Facts(
            source=f"{_PAGE} table 2; specification 5.2",
            rule="must not be empty",
            remedy="give a configuration such as Multi-Engine 1.0 (python3)-cpu",
            replace=_FIXED,
        ),
    ]
    description: Annotated[
        str | None,
        Field(max_length=512, pattern=DESCRIPTION),
        Facts(
            source=f"{_PAGE} table 2; error 6334",
            rule="must have at most 512 characters and none of & < > \" ' /",
            remedy="leave those characters out",
            absent="",
        ),
    ] = None
    flavor: Annotated[
        str,
        Field(min_length=1),
        Facts(
            source=f"{_PAGE} table 2; specification 5.3",
            rule="must not be empty",
            remedy="give a flavor of the region, such as modelarts.vm.cpu.2u",
            replace=_FIXED,
        ),
    ]
    spec: Annotated[Spec, Facts(source=f"{_PAGE} table 2", remedy="give a map with at least storage")]
    workspace: Annotated[
        Workspace | None, Facts(source=f"{_PAGE} table 2", remedy="give a map {id: ...}", replace=_FIXED)
    ] = None
    pool: Annotated[Pool | None, Facts(source=f"{_PAGE} table 2", remedy="give a map {id: ...}", replace=_FIXED)] = None
    ai_project: Annotated[
        AIProject | None,
        Facts(
            source=f"{_PAGE} table 2",
            remedy="leave it out: it is reserved",
            replace=_FIXED,
            computed=True,
            unreadable=True,
        ),
    ] = None
    running: Annotated[
        bool | None, Facts(source="specification 8.2", remedy="say True or False, or leave its power alone")
    ] = None

    rules = (
        Rule(
            at="spec.storage.type",
            reads=("pool",),
            broken=lambda type_, pool: type_ == "obsfs" and pool is None,
            rule="can be obsfs only in a dedicated resource pool",
            remedy="give pool, or use obs or evs",
            source=f"{_PAGE} table 4",
        ),
        Rule(
            at="spec.extend_storage",
            reads=("pool",),
            broken=lambda more, pool: bool(more) and pool is None,
            rule="is available only in a dedicated resource pool",
            remedy="give pool, or leave it out",
            source=f"{_PAGE} table 3",
        ),
        Rule(
            at="flavor",
            reads=("profile_id",),
            broken=_mismatched,
            rule="has other hardware than profile_id names, which the service refuses",
            remedy="take a flavor and a profile of the same kind: cpu, gpu or Ascend",
            source="specification 5.10; error 6330",
            warning=True,
        ),
    )
