"""What API B accepts (spec 6.1, 6.5-6.8): tables of the bodies, rules across fields, one code for nearly all of it.

A malformed value is 6400, whatever it is (spec 9); what only the service can know (flavor, image, key pair, bucket) has
the code that names it, checked in the order of this file [E].
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from providers.emulation import Call, Refused
from providers.modelarts.emulator.answers import refused
from providers.modelarts.emulator.catalogue import (
    Flavor,
    allowed,
    check_bucket,
    check_workspace,
    image_fits,
    image_of,
    sold_out,
    usable_flavor,
)
from providers.modelarts.emulator.fields import Body, Field, Kind, failures, first_failure, known

NEVER: Final = -1  # a lease without an end; undocumented, but what the vendor's own provider sends (spec 6.1)
LEASES: Final = (3_600_000, 259_200_000)  # milliseconds
LEASE_TYPES: Final = ("TIMING", "IDLE")
CAPACITIES: Final = (5, 4096)  # GB, of EVS; of the others no page has a limit
DEFAULT_CAPACITIES: Final[Mapping[str, int]] = {"EVS": 5, "EFS": 50}
CUSTOM_FLAVOR: Final = "custom.flavor.spec.code"
PRIVATE_NETWORKS: Final = tuple(
    ipaddress.IPv4Network(network)
    for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "0.0.0.0/8")
)

UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
NAME: Final = r"[A-Za-z0-9_-]{1,128}"
DESCRIPTION: Final = r"""[^&<>"'/]{0,512}"""
WORKSPACE: Final = r"0|[0-9a-z]{32}"
TAG_MOST: Final = 20  # [U]

# Spec 6.1.
DESCRIPTION_FIELD: Final = Field("description", pattern=DESCRIPTION)
ENDPOINTS: Final = Field(
    "endpoints",
    Kind.ARRAY,
    item=Field(
        "",
        Kind.OBJECT,
        members=(
            Field("service", choices=("NOTEBOOK", "SSH"), any_case=True),
            Field("key_pair_names", Kind.ARRAY, item=Field("")),
            Field("allowed_access_ips", Kind.ARRAY, longest=5, item=Field("")),
        ),
    ),
)
HOOK: Final = (
    Field("type", choices=("SCRIPT", "COMMAND"), any_case=True),
    Field("script", required=True),
    Field("mode", choices=("ASYNC", "BLOCK"), any_case=True),
)
HOOKS: Final = Field(
    "hooks",
    Kind.OBJECT,
    members=(
        Field(
            "container_hooks",
            Kind.OBJECT,
            members=(
                Field("pre_start", Kind.OBJECT, members=HOOK),
                Field("post_start", Kind.OBJECT, members=HOOK),
            ),
        ),
    ),
)
VOLUME: Final = (
    Field("category", required=True, choices=("EVS", "EFS", "OBS", "OBSFS", "SFS"), any_case=True),
    Field("ownership", required=True, choices=("MANAGED", "DEDICATED"), any_case=True),
    Field("capacity", Kind.INTEGER),
    Field("uri", longest=1024),
    Field("id", pattern=UUID),
    Field("mount_path", longest=256),
    Field("read_only", Kind.BOOLEAN),
    Field("dew_secret_name", pattern=r"[A-Za-z0-9_-]{1,64}"),
)
DATA_VOLUMES: Final = Field("data_volumes", Kind.ARRAY, item=Field("", Kind.OBJECT, members=VOLUME))
LEASE: Final = (
    Field("duration", Kind.INTEGER),
    Field("type", choices=LEASE_TYPES, any_case=True),
)
CUSTOM_SPEC: Final = Field(
    "custom_spec",
    Kind.OBJECT,
    members=(
        Field("cpu", Kind.NUMBER, required=True, lowest=0.4, highest=9_999_999_999.99),
        Field("memory", Kind.INTEGER, required=True, lowest=513, highest=9_999_999_999),
        Field("gpu", Kind.NUMBER, lowest=0, highest=9_999_999_999),
        Field("gpu_type"),
        Field("arch", choices=("X86_64", "AARCH64"), any_case=True),
        Field("category", choices=("CPU", "GPU"), any_case=True),
        Field("resource_flavor"),
    ),
)
_RULE: Final = (
    Field("key", required=True),
    Field("operator", required=True, choices=("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")),
    Field("values", Kind.ARRAY, item=Field("")),
    Field("weight", Kind.INTEGER, lowest=0, highest=100),
)
_RULES: Final = Field("", Kind.OBJECT, members=_RULE)
AFFINITY: Final = Field(
    "affinity",
    Kind.OBJECT,
    members=tuple(
        Field(f"{strength}_during_scheduling_ignored_during_execution", Kind.ARRAY, item=_RULES)
        for strength in ("required", "preferred")
    ),
)
PUBLIC_NETWORK: Final = Field(
    "public_network_config",
    Kind.OBJECT,
    members=(Field("public_network_type", choices=("SHARED", "EXCLUSIVE", "FORBIDDEN"), any_case=True),),
)
CREATE: Final = (
    Field("name", required=True, pattern=NAME),
    Field("image_id", required=True, pattern=UUID),
    Field("volume", Kind.OBJECT, required=True, members=VOLUME),
    Field("flavor"),
    DESCRIPTION_FIELD,
    Field("feature", choices=("NOTEBOOK", "DEFAULT"), any_case=True),
    Field("duration", Kind.INTEGER),
    Field("lease", Kind.OBJECT, members=LEASE),
    ENDPOINTS,
    Field("pool_id", pattern=r"[a-z][a-z0-9-]{2,62}[a-z0-9]"),
    Field("workspace_id", pattern=WORKSPACE),
    HOOKS,
    DATA_VOLUMES,
    CUSTOM_SPEC,
    AFFINITY,
    Field("run_user", Kind.OBJECT, members=(Field("uid", Kind.INTEGER), Field("gid", Kind.INTEGER))),
    Field(
        "user_vpc",
        Kind.OBJECT,
        members=(
            Field("vpc_id", required=True),
            Field("subnet_id", required=True),
            Field("security_group_ids", Kind.ARRAY, required=True, item=Field("")),
            Field("connect_cidrs", Kind.ARRAY, item=Field("")),
            Field("nat_id"),
            Field("eip_id"),
        ),
    ),
    PUBLIC_NETWORK,
)
# Spec 6.5.
UPDATE: Final = (
    Field("name", pattern=NAME),
    DESCRIPTION_FIELD,
    Field("flavor"),
    Field("image_id", pattern=UUID),
    ENDPOINTS,
    HOOKS,
    Field("storage_new_size", Kind.INTEGER, highest=4096),
    CUSTOM_SPEC,
    AFFINITY,
    Field("dew_secret_name", pattern=r"[A-Za-z0-9_-]{1,64}"),
    DATA_VOLUMES,
    PUBLIC_NETWORK,
)
# Spec 6.7.
MOUNT: Final = (
    Field("category", required=True, choices=("OBS", "OBSFS", "EFS"), any_case=True),
    Field("uri", required=True, longest=256),
    Field("mount_path", required=True, longest=256, pattern=r"/data/.*"),
    Field("efs_id", pattern=UUID),
)
# Spec 6.8: letters of any language; no space at either end; the prefix is the system's.
_KEY: Final = r"(?!_sys_)(?! )[\w .:=+@-]{1,128}(?<! )"
_VALUE: Final = r"[\w .:/=+@-]{0,255}"


def tags(*, value_required: bool) -> tuple[Field, ...]:
    """The body of both tag operations; a value is not needed to delete [E]."""
    members = (Field("key", required=True, pattern=_KEY), Field("value", required=value_required, pattern=_VALUE))
    return (Field("tags", Kind.ARRAY, required=True, item=Field("", Kind.OBJECT, members=members)),)


def read(call: Call, fields: Sequence[Field], body: Body) -> Body:
    """What the table knows. Raises Refused, 6400."""
    failure = first_failure(failures(fields, body), strict=call.switch("unknown-members") == "refuse")
    if failure is not None:
        raise invalid(failure.text)
    return known(fields, body)


def invalid(text: str) -> Refused:
    """The refusal of a malformed value."""
    return refused("6400", text)


# Create


def judge_create(call: Call, body: Body) -> Mapping[str, Any]:
    """Every rule of spec 6.1; returns the image."""
    if ("flavor" in body) == ("custom_spec" in body):
        raise invalid("either flavor or custom_spec is needed")
    if "custom_spec" in body and "pool_id" not in body:
        raise invalid("custom_spec is for dedicated pools")
    judge_volumes(body)
    for asked in (body, body.get("lease", {})):
        duration(asked.get("duration"))
    judge_hooks(body)
    judge_addresses(body)
    check_workspace(call, body.get("workspace_id", "0"))
    if "pool_id" in body and not allowed(call, "pools", body["pool_id"]):
        raise invalid(f"The pool {body['pool_id']} does not exist")
    flavor = usable_flavor(call, body["flavor"]) if "flavor" in body else custom_flavor(body["custom_spec"])
    if sold_out(call, flavor.id):
        raise refused("6716", f"The flavor {flavor.id} is sold out")
    if flavor.feature != body.get("feature", "NOTEBOOK"):
        raise refused("6870", f"The flavor {flavor.id} is for instances of the feature {flavor.feature}")
    image = judge_image(call, body["image_id"], flavor)
    services = {endpoint.get("service") for endpoint in body.get("endpoints", [])}
    if "NOTEBOOK" not in image["dev_services"] and "SSH" not in services:
        raise refused("6768", f"The image {image['name']} needs an endpoint of the service SSH")
    judge_key_pairs(call, body)
    judge_buckets(call, body)
    return image


def judge_image(call: Call, id: str, flavor: Flavor) -> Mapping[str, Any]:
    """The image, if it exists, is ready and runs on the flavor (spec 6.9)."""
    image = image_of(call, id)
    if image is None or image["status"] != "ACTIVE":
        raise refused("6797", f"The image {id} does not exist")
    if not image_fits(image, flavor):
        raise refused("6870", f"The image {image['name']} does not run on {flavor.arch} {flavor.category}")
    return image


def judge_volumes(body: Body) -> None:
    """The volume and the data volumes, as far as there are any."""
    for volume in _volumes(body):
        _volume(volume)


def judge_buckets(call: Call, body: Body) -> None:
    """Their buckets can be reached."""
    for volume in _volumes(body):
        if volume["category"] in ("OBS", "OBSFS") and "uri" in volume:
            check_bucket(call, volume["uri"])


def judge_key_pairs(call: Call, body: Body) -> None:
    """Spec 3.3, 6789."""
    for endpoint in body.get("endpoints", []):
        for name in endpoint.get("key_pair_names", []):
            if not allowed(call, "key-pairs", name):
                raise refused("6789", f"The key pair {name} cannot be used")


def judge_addresses(body: Body) -> None:
    """Spec 6.1: public IPv4 addresses."""
    for endpoint in body.get("endpoints", []):
        for text in endpoint.get("allowed_access_ips", []):
            try:
                address = ipaddress.IPv4Address(text)
            except ValueError:
                raise invalid(f"{text} is no IPv4 address") from None
            if any(address in network for network in PRIVATE_NETWORKS):
                raise invalid(f"{text} is no public address")


def judge_hooks(body: Body) -> None:
    """Spec 6.1: a script's absolute path, or a command's text in base64."""
    for name, hook in body.get("hooks", {}).get("container_hooks", {}).items():
        if hook.get("type", "SCRIPT") == "SCRIPT":
            if not hook["script"].startswith("/"):
                raise invalid(f"hooks.container_hooks.{name}.script must be an absolute path")
            continue
        try:
            base64.b64decode(hook["script"], validate=True)
        except (ValueError, binascii.Error):
            raise invalid(f"hooks.container_hooks.{name}.script must be base64") from None


def duration(given: int | None) -> int:
    """A lease's length in milliseconds, the default for none (spec 6.1)."""
    if given is None:
        return LEASES[0]
    if given != NEVER and not LEASES[0] <= given <= LEASES[1]:
        raise invalid(f"duration must be between {LEASES[0]} and {LEASES[1]} milliseconds")
    return given


def _volumes(body: Body) -> list[Body]:
    return [*([body["volume"]] if "volume" in body else []), *body.get("data_volumes", [])]


def _volume(volume: Body) -> None:
    """Spec 6.1, VolumeMount."""
    category, dedicated = volume["category"], volume["ownership"] == "DEDICATED"
    if dedicated and category not in ("EFS", "OBS", "OBSFS"):
        raise invalid(f"a volume of the category {category} cannot be DEDICATED")
    needed = {
        "uri": dedicated,
        "id": dedicated and category == "EFS",
        "dew_secret_name": category == "OBS",
    }
    for name, needs in needed.items():
        if needs and name not in volume:
            raise invalid(f"volume.{name} is needed for {category} that is {volume['ownership']}")
    lowest, highest = CAPACITIES if category == "EVS" else (1, math.inf)
    if not lowest <= volume.get("capacity", lowest) <= highest:
        raise invalid(f"volume.capacity must be between {lowest} and {highest} GB")


def custom_flavor(spec: Body) -> Flavor:
    """What a dedicated pool makes to measure, as a flavor (spec 6.1)."""
    category, arch = spec.get("category", "CPU"), spec.get("arch", "X86_64").lower()
    return Flavor(CUSTOM_FLAVOR, category, int(spec["cpu"]), int(spec["memory"]) // 1024, arch=arch)


# Storage and images


def judge_mount(call: Call, body: Body) -> None:
    """Spec 6.7."""
    if not re.fullmatch(r"/data/[A-Za-z0-9_-]+/?", body["mount_path"]):
        raise invalid("mount_path must be a directory under /data/")
    if body["category"] == "EFS":
        if "efs_id" not in body:
            raise invalid("efs_id is needed for EFS")
        return
    if not re.fullmatch(r"obs://[^/]+/(.+/)?", body["uri"]):
        raise invalid("uri must be of the form obs://bucket/directory/")
    check_bucket(call, body["uri"])
    if call.switch("global-credentials") == "missing":
        raise refused("6782")
