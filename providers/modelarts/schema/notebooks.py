"""Notebooks: the request of today's API, member by member (specification 6.1, 6.8, 6.10).

Left out are the members that only the newest pages have: `data_volumes`, `custom_spec`, `affinity`, `run_user`,
`user_vpc`, `public_network_config`.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field

from providers.base import Facts, Inputs, Rule

NAME: Final = r"^[-_0-9A-Za-z\u4e00-\u9fa5]{1,128}$"
DESCRIPTION: Final = r"""^[^&<>"'/]*$"""
DESCRIPTION_LIMIT: Final = 512
UUID: Final = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
POOL: Final = r"^[a-z][a-z0-9-]{2,62}[a-z0-9]$"
WORKSPACE: Final = r"^(0|[0-9a-z]{32})$"
MARKER: Final = r"^[a-z0-9-]{1,40}$"
TAG_KEY: Final = r"^[\p{L}\p{N}_.:=+\-@]([\p{L}\p{N} _.:=+\-@]*[\p{L}\p{N}_.:=+\-@])?$"
TAG_VALUE: Final = r"^([\p{L}\p{N}_.:=+\-@/]([\p{L}\p{N} _.:=+\-@/]*[\p{L}\p{N}_.:=+\-@/])?)?$"
SYSTEM_TAGS: Final = "_sys_"
"""What the keys of tags begin with that are not the user's."""

NEVER: Final = -1
"""The `duration` that means: do not stop. The vendor's own Terraform provider sends it; no page has it (6.1)."""
SHORTEST, LONGEST = 3_600_000, 259_200_000
"""The limits of a lease, in milliseconds: 1 hour and 72 hours."""
SMALLEST, LARGEST = 5, 4096
"""The limits of an EVS volume, in gigabytes."""

_FIXED = "no API operation changes it (UpdateNotebook)"
_MS = "give milliseconds from 3600000 (1 h) to 259200000 (72 h)"


def _out_of_lease(duration: Any) -> bool:
    return duration is not None and not SHORTEST <= duration <= LONGEST


# --- storage ----------------------------------------------------------------------------------------------------------


class Volume(Inputs):
    """The storage that is the notebook's work folder."""

    category: Annotated[
        Literal["EVS", "EFS", "OBS", "OBSFS"],
        Facts(source="CreateNotebook; 6.1", remedy="give EVS, EFS, OBS or OBSFS", any_case=True, replace=_FIXED),
    ]
    # The page demands it; as in the vendor's Terraform provider, what is left out is MANAGED.
    ownership: Annotated[
        Literal["MANAGED", "DEDICATED"],
        Facts(
            source="CreateNotebook; 6.1",
            remedy="give MANAGED or DEDICATED",
            any_case=True,
            absent="managed",
            replace=_FIXED,
        ),
    ] = "MANAGED"
    capacity: Annotated[
        int | None,
        Field(ge=1),
        Facts(source="CreateNotebook; 6.1", remedy="give whole gigabytes", computed=True),
    ] = None
    uri: Annotated[
        str | None,
        Field(min_length=1, max_length=1024),
        Facts(
            source="CreateNotebook; 6.1",
            rule="must have 1 to 1024 characters",
            remedy="give the address of the file system",
            replace=_FIXED,
            computed=True,
        ),
    ] = None
    id: Annotated[
        str | None,
        Field(pattern=UUID),
        Facts(
            source="CreateNotebook; 6.1",
            rule="must be the UUID of a file system",
            remedy="give the ID of the EFS file system",
            replace=_FIXED,
            computed=True,
        ),
    ] = None
    mount_path: Annotated[
        str | None,
        Field(min_length=1, max_length=256),
        Facts(
            source="CreateNotebook; 6.1",
            rule="must have 1 to 256 characters",
            remedy="give a folder in the notebook, or leave it out",
            replace=_FIXED,
            computed=True,
        ),
    ] = None
    read_only: Annotated[
        bool | None, Facts(source="CreateNotebook; 6.1", remedy="say True or False", absent=False, replace=_FIXED)
    ] = None
    dew_secret_name: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z0-9_-]{1,64}$"),
        Facts(
            source="CreateNotebook; 6.1",
            rule="must have 1 to 64 letters, digits, hyphens and underscores",
            remedy="give the name of a secret in the Data Encryption Workshop",
            replace=_FIXED,
            unreadable=True,
        ),
    ] = None

    rules = (
        Rule(
            at="capacity",
            reads=("category",),
            broken=lambda size, category: category == "EVS" and size is not None and not SMALLEST <= size <= LARGEST,
            rule=f"must be {SMALLEST} to {LARGEST} for EVS",
            remedy=f"give whole gigabytes from {SMALLEST} to {LARGEST}",
            source="CreateNotebook; 6.1",
        ),
        Rule(
            at="ownership",
            reads=("category",),
            broken=lambda ownership, category: ownership == "DEDICATED" and category == "EVS",
            rule="cannot be DEDICATED for EVS",
            remedy="leave it out, or use EFS",
            source="CreateNotebook; 6.1",
        ),
        Rule(
            at="uri",
            reads=("category", "ownership"),
            broken=lambda uri, category, ownership: uri is None and category != "EVS" and ownership == "DEDICATED",
            rule="is required for a dedicated file system or bucket",
            remedy="give the address of the file system (for EFS also its id), or of the bucket's folder",
            source="CreateNotebook; 6.1",
        ),
        Rule(
            at="id",
            reads=("category", "ownership"),
            broken=lambda id_, category, ownership: id_ is None and category == "EFS" and ownership == "DEDICATED",
            rule="is required for a dedicated EFS",
            remedy="give uri and id of the file system",
            source="CreateNotebook; 6.1",
        ),
        Rule(
            at="dew_secret_name",
            reads=("category",),
            broken=lambda name, category: name is None and category == "OBS",
            rule="is required for OBS",
            remedy="give the name of the secret that holds the access key for the bucket",
            source="CreateNotebook; 6.1",
        ),
    )


# --- lease ------------------------------------------------------------------------------------------------------------


class Lease(Inputs):
    """When the notebook stops of itself. The service counts in its own way, so it is never read back."""

    duration: Annotated[int | None, Facts(source="CreateNotebook; 6.1", remedy=_MS)] = None
    type: Annotated[
        Literal["TIMING", "IDLE"] | None,
        Facts(
            source="CreateNotebook; 6.1",
            remedy="give TIMING (after a time) or IDLE (after a time without use)",
            any_case=True,
            absent="timing",
        ),
    ] = None
    renew: Annotated[
        str | None, Facts(source="specification 6.6", remedy="give any text; another one starts the time anew")
    ] = None

    rules = (
        Rule(
            at="duration",
            broken=_out_of_lease,
            rule=f"must be {SHORTEST} to {LONGEST} milliseconds",
            remedy=f"{_MS}; for no automatic stop give duration={NEVER} in place of lease",
            source="CreateNotebook; 6.1",
        ),
    )


# --- endpoints and hooks ----------------------------------------------------------------------------------------------


_NOT_PUBLIC: Final = [
    ipaddress.IPv4Network(text)
    for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16")
]


def _public_address(text: str) -> str:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        raise ValueError("must be an IPv4 address") from None
    if any(address in network for network in _NOT_PUBLIC):
        raise ValueError("must be a public address: this one is reached from within a private network only")
    return text


class Endpoint(Inputs):
    """A way into the notebook."""

    service: Annotated[
        Literal["NOTEBOOK", "SSH"],
        Facts(source="CreateNotebook; 6.1", remedy="give NOTEBOOK or SSH", any_case=True),
    ]
    key_pair_names: Annotated[
        list[str] | None,
        Facts(
            source="CreateNotebook; 6.10",
            remedy="give the names of key pairs",
            unordered=True,
            absent=[],
            replace="the key pair of a notebook cannot change (6.10)",
        ),
    ] = None
    allowed_access_ips: Annotated[
        list[Annotated[str, AfterValidator(_public_address)]] | None,
        Field(max_length=5),
        Facts(
            source="CreateNotebook; 6.1",
            remedy="give at most 5 public addresses, such as 203.0.113.7",
            unordered=True,
            absent=[],
        ),
    ] = None

    rules = (
        Rule(
            at="allowed_access_ips",
            reads=("key_pair_names",),
            broken=lambda addresses, keys: bool(addresses) and not keys,
            rule="counts for SSH only, which needs key_pair_names",
            remedy="give key_pair_names, or leave it out",
            source="the vendor's Terraform provider (7.1)",
            warning=True,
        ),
    )


def _wrong_script(script: Any, type_: Any) -> bool:
    if not isinstance(script, str):
        return False
    if type_ != "COMMAND":
        return not script.startswith("/")
    try:
        return not base64.b64decode(script, validate=True)
    except (binascii.Error, ValueError):
        return True


class Hook(Inputs):
    """Something that runs when the container starts."""

    type: Annotated[
        Literal["SCRIPT", "COMMAND"] | None,
        Facts(source="CreateNotebook; 6.1", remedy="give SCRIPT or COMMAND", any_case=True, absent="script"),
    ] = None
    script: Annotated[
        str, Facts(source="CreateNotebook; 6.1", remedy="give the absolute path of a script, or a command in base64")
    ]
    mode: Annotated[
        Literal["ASYNC", "BLOCK"] | None,
        Facts(source="CreateNotebook; 6.1", remedy="give ASYNC or BLOCK", any_case=True, absent="async"),
    ] = None

    rules = (
        Rule(
            at="script",
            reads=("type",),
            broken=_wrong_script,
            rule="must be an absolute path (type SCRIPT) or a command in base64 (type COMMAND)",
            remedy="give a path that begins with /, or encode the command",
            source="CreateNotebook; 6.1",
        ),
    )


class ContainerHooks(Inputs):
    """What runs before and after the container starts."""

    pre_start: Annotated[Hook | None, Facts(source="CreateNotebook; 6.1", remedy="give a map {script: ...}")] = None
    post_start: Annotated[Hook | None, Facts(source="CreateNotebook; 6.1", remedy="give a map {script: ...}")] = None


class Hooks(Inputs):
    """What runs at certain moments."""

    container_hooks: Annotated[
        ContainerHooks | None, Facts(source="CreateNotebook; 6.1", remedy="give a map {pre_start: {script: ...}}")
    ] = None


# --- the notebook -----------------------------------------------------------------------------------------------------

TagKey = Annotated[str, Field(pattern=TAG_KEY, max_length=128)]
TagValue = Annotated[str, Field(pattern=TAG_VALUE, max_length=255)]


class Notebook(Inputs):
    """The inputs of a notebook."""

    name: Annotated[
        str,
        Field(pattern=NAME),
        Facts(
            source="CreateNotebook; 6.1",
            rule="must have 1 to 128 letters, digits, hyphens and underscores",
            remedy="give a name such as train-a, or leave it out to have one made",
        ),
    ]
    flavor: Annotated[
        str,
        Field(min_length=1),
        Facts(
            source="CreateNotebook; 6.1",
            rule="must not be empty",
            remedy="give a flavor of the region, such as modelarts.vm.cpu.2u",
        ),
    ]
    image_id: Annotated[
        str,
        Field(pattern=UUID),
        Facts(source="CreateNotebook; 6.1", rule="must be an image's UUID", remedy="give an ID of the list of images"),
    ]
    volume: Annotated[Volume, Facts(source="CreateNotebook; 6.1", remedy="give a map such as {category: EVS}")]
    description: Annotated[
        str | None,
        Field(max_length=DESCRIPTION_LIMIT, pattern=DESCRIPTION),
        Facts(
            source="CreateNotebook; 6.1",
            rule="must have at most 512 characters and none of & < > \" ' /",
            remedy="leave those characters out",
            absent="",
        ),
    ] = None
    feature: Annotated[
        Literal["NOTEBOOK", "DEFAULT"] | None,
        Facts(
            source="CreateNotebook; 6.1",
            remedy="give NOTEBOOK, or DEFAULT for the free CodeLab",
            any_case=True,
            absent="notebook",
            replace=_FIXED,
        ),
    ] = None
    duration: Annotated[int | None, Facts(source="CreateNotebook; 6.1", remedy=_MS, computed=True, unreadable=True)] = (
        None
    )
    lease: Annotated[
        Lease | None,
        Facts(
            source="CreateNotebook; 6.1",
            remedy="give a map such as {duration: 7200000, type: TIMING}",
            computed=True,
            unreadable=True,
        ),
    ] = None
    endpoints: Annotated[
        list[Endpoint] | None,
        Facts(source="CreateNotebook; 6.1", remedy="give a list of maps such as {service: SSH, ...}", absent=[]),
    ] = None
    pool_id: Annotated[
        str | None,
        Field(pattern=POOL),
        Facts(
            source="CreateNotebook; 6.1",
            rule="must have 4 to 64 lower-case letters, digits and hyphens, a letter first and no hyphen last",
            remedy="give a dedicated resource pool's ID",
            replace=_FIXED,
        ),
    ] = None
    workspace_id: Annotated[
        str | None,
        Field(pattern=WORKSPACE),
        Facts(
            source="CreateNotebook; 6.1",
            rule="must be 0 or have 32 digits and lower-case letters",
            remedy="give a workspace's ID, or leave it out",
            absent="0",
            replace=_FIXED,
        ),
    ] = None
    hooks: Annotated[
        Hooks | None,
        Facts(source="CreateNotebook; 6.1", remedy="give a map {container_hooks: ...}", unreadable=True),
    ] = None
    tags: Annotated[
        dict[TagKey, TagValue] | None,
        Facts(
            source="specification 6.8",
            rule="must have keys of 1 to 128 and values of 0 to 255 letters, digits, inner spaces and _ . : = + - @ "
            "(values also /)",
            remedy="give a map of keys to values",
            absent={},
        ),
    ] = None
    running: Annotated[
        bool | None, Facts(source="specification 8.2", remedy="say True or False, or leave its power alone")
    ] = None
    marker: Annotated[
        str | None,
        Field(pattern=MARKER),
        Facts(
            source="specification 8.4",
            rule="must have 1 to 40 lower-case letters, digits and hyphens",
            remedy="leave it out: the class makes it from the URN",
            undiffed=True,
            unreadable=True,
        ),
    ] = None

    rules = (
        Rule(
            at="duration",
            broken=lambda duration: duration != NEVER and _out_of_lease(duration),
            rule=f"must be {SHORTEST} to {LONGEST} milliseconds, or -1 for no automatic stop",
            remedy=_MS,
            source="CreateNotebook; 6.1",
        ),
        Rule(
            at="lease",
            reads=("duration",),
            broken=lambda lease, duration: lease is not None and duration is not None,
            rule="would be ignored, because duration is given too",
            remedy="give one of them",
            source="CreateNotebook; 6.1",
        ),
        Rule(
            at="tags",
            broken=lambda tags: any(key.startswith(SYSTEM_TAGS) for key in tags or ()),
            rule=f"has a key that begins with {SYSTEM_TAGS}, which is the service's own",
            remedy="use another key",
            source="specification 6.8",
        ),
    )
