"""What there is to choose from: profiles, flavors, images, pools, workspaces, buckets, key pairs (spec 5.2, 5.3, 6.9).

Names, IDs and the figures the spec quotes are kept; the rest is invented [E]. Real catalogues differ by region and
account, so switches add to them, sell flavors out, and name what a caller may use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from providers.emulation import Call, CloudObject
from providers.modelarts.emulator.answers import refused

KIB_PER_GIB: Final = 1024 * 1024  # spec 6.9: a flavor's memory is told in KiB
CATALOGUE_SINCE: Final = 1_638_841_805_439  # from a sample
FREE_RETENTION_HOURS: Final = 72  # [E]
QUEUE_SECONDS: Final = 120.0  # [E], how long a free flavor's queue takes
ALL_STORAGES: Final = ("EVS", "EFS", "OBS", "OBSFS")


@dataclass(frozen=True, slots=True)
class Flavor:
    """One size of machine; both APIs sell the same."""

    id: str
    category: str = "CPU"
    vcpus: int = 2
    memory: int = 8
    cards: int = 0
    card: str = ""
    arch: str = "x86_64"
    free: bool = False

    @property
    def feature(self) -> str:
        """Spec 6.1: free flavors are CodeLab's."""
        return "DEFAULT" if self.free else "NOTEBOOK"


_FLAVORS: Final[Mapping[str, Flavor]] = {
    flavor.id: flavor
    for flavor in (
        Flavor("modelarts.vm.cpu.2u"),
        Flavor("modelarts.vm.cpu.8u", vcpus=8, memory=32),
        Flavor("modelarts.vm.cpu.free", free=True),
        Flavor("modelarts.vm.gpu.free", "GPU", 8, 64, 1, "p100", free=True),
        Flavor("modelarts.vm.gpu.p100", "GPU", 8, 64, 1, "p100"),
        Flavor("modelarts.vm.gpu.2p100", "GPU", 16, 128, 2, "p100"),
        Flavor("modelarts.vm.gpu.4p100", "GPU", 32, 256, 4, "p100"),
        Flavor("modelarts.vm.gpu.v100", "GPU", 8, 64, 1, "v100"),
        Flavor("modelarts.bm.gpu.v100NV32", "GPU", 8, 64, 1, "v100NV32"),
        Flavor("modelarts.kat1.xlarge", "ASCEND", 24, 96, 1, "ascend910", "aarch64"),
    )
}


@dataclass(frozen=True, slots=True)
class Profile:
    """One of API A's runtimes; `hardware` None fits any but Ascend (spec 5.2)."""

    id: str
    hardware: str | None
    image: str
    description: str


_PROFILES: Final[Mapping[str, Profile]] = {
    profile.id: profile
    for profile in (
        Profile("Multi-Engine 1.0 (python2)-cpu", "CPU", "mul-kernel-cpu-cp27", "multi engine, cpu, python 2.7"),
        Profile("Multi-Engine 1.0 (python2)-gpu", "GPU", "mul-kernel-gpu-cuda-cp27", "multi engine, gpu, python 2.7"),
        Profile("Multi-Engine 1.0 (python3)-cpu", "CPU", "mul-kernel-cpu-cp36", "multi engine, cpu, python 3.6"),
        Profile("Multi-Engine 1.0 (python3)-gpu", "GPU", "mul-kernel-gpu-cuda-cp36", "multi engine, gpu, python 3.6"),
        Profile("Multi-Engine 2.0 (python3)", None, "mul-kernel-2-cp36", "multi engine 2.0, python 3.6"),
        Profile("Ascend-Power-Engine 1.0(python3)", "ASCEND", "ascend-power-cp37", "ascend, python 3.7"),
    )
}

CPU_IMAGE: Final = "e1a07296-22a8-4f05-8bc8-e936c8e54090"
PYTORCH_IMAGE: Final = "278e88d1-5b71-4766-8502-b3ba72e824d9"
MINDSPORE_IMAGE: Final = "9d63f4d1-dc09-4873-b669-3483cea777c0"
ASCEND_IMAGE: Final = "59a6e9f5-93c0-44dd-85b0-82f390c5d53b"
SSH_IMAGE: Final = "e1a07296-22a8-4f05-8bc8-e936c8e54103"


def _image(id: str, name: str, tag: str, categories: Sequence[str], services: Sequence[str], **more: Any) -> Any:
    return {
        "id": id,
        "name": name,
        "namespace": "atelier",
        "tag": tag,
        "swr_path": f"swr.example.invalid/atelier/{name}:{tag}",
        "arch": "x86_64",
        "type": "BUILD_IN",
        "status": "ACTIVE",
        "description": name,
        "dev_services": list(services),
        "resource_categories": list(categories),
        "service_type": "COMMON",
        "visibility": "PUBLIC",
        "origin": "CUSTOMIZE",
        "size": 3_376_133,
        "create_at": CATALOGUE_SINCE,
        "update_at": CATALOGUE_SINCE,
        "workspace_id": "0",
        **more,
    }


BOTH: Final = ("NOTEBOOK", "SSH")
IMAGES: Final[Mapping[str, Mapping[str, Any]]] = {
    image["id"]: image
    for image in (
        _image(CPU_IMAGE, "notebook2.0-mul-kernel-cpu-cp36", "3.3.2-release_v1", ["CPU"], BOTH),
        _image(PYTORCH_IMAGE, "pytorch1.8-cuda10.2-cudnn7-ubuntu18.04", "1.8.0", ["CPU", "GPU"], BOTH),
        _image(MINDSPORE_IMAGE, "mindspore1.7.0-ubuntu18.04-default", "1.7.0", ["CPU"], BOTH),
        _image(
            ASCEND_IMAGE,
            "tensorflow1.15-mindspore1.7.0-cann5.1.0-euler2.8-aarch64",
            "5.1.0",
            ["ASCEND"],
            BOTH,
            arch="aarch64",
        ),
        _image(SSH_IMAGE, "modelbox1.3.0-libtorch1.9.1-cuda10.2-cudnn8-euler2.9.6", "1.3.0", ["GPU"], ["SSH"]),
    )
}


# What switches say


def listed(call: Call, switch: str) -> list[str]:
    """A switch whose value is a list with commas."""
    return [each for each in call.switch(switch).split(",") if each]


def allowed(call: Call, switch: str, name: str) -> bool:
    """Whether the switch's list has the name, or says any."""
    return call.switch(switch) == "any" or name in listed(call, switch)


def flavors(call: Call) -> dict[str, Flavor]:
    """The catalogue's flavors and the switch's."""
    more = (each.partition("=") for each in listed(call, "more-flavors"))
    return {**_FLAVORS, **{id: Flavor(id, category) for id, _, category in more}}


def flavor_named(call: Call, id: str) -> Flavor:
    """A recorded flavor, even if the switch that made it known is gone."""
    return flavors(call).get(id) or Flavor(id)


def usable_flavor(call: Call, id: str) -> Flavor:
    """A flavor this caller may ask for. Raises Refused: not supported 6323, not permitted 6328 (spec 5.10)."""
    found = flavors(call).get(id)
    if found is None:
        raise refused("6323", f"The flavor {id} is not supported")
    if id in listed(call, "not-permitted"):
        raise refused("6328", f"The flavor {id} is not permitted to this user")
    return found


def sold_out(call: Call, flavor: str) -> bool:
    """Whether the switch says so."""
    return flavor in listed(call, "sold-out")


def profiles(call: Call) -> dict[str, Profile]:
    """The catalogue's profiles and the switch's, which fit any hardware."""
    more = {id: Profile(id, None, "custom", id) for id in listed(call, "more-profiles")}
    return {**_PROFILES, **more}


def fits(profile: Profile, flavor: Flavor) -> bool:
    """Spec 5.10.11: the hardware types match; one that is not stated means CPU or GPU."""
    if profile.hardware is None:
        return flavor.category in ("CPU", "GPU")
    return profile.hardware == flavor.category


def check_workspace(call: Call, id: str) -> None:
    """Raises Refused, 0102 (spec 9.1)."""
    if not allowed(call, "workspaces", id):
        raise refused("0102", f"The workspace {id} does not exist")


def check_bucket(call: Call, path: str) -> None:
    """Refuse a path in a bucket that is not in the switch's list, 6320 (spec 9.1)."""
    bucket = path.removeprefix("obs://").strip("/").partition("/")[0]
    if not allowed(call, "buckets", bucket):
        raise refused("6320", f"The bucket {bucket} cannot be accessed")


def image_of(call: Call, id: str) -> Mapping[str, Any] | None:
    """A built-in image, one of the project's own, or somebody's public one."""
    if id in IMAGES:
        return IMAGES[id]
    found = call.objects.get("image", id)
    if found is None or (found.owner != call.owner and found.body["visibility"] != "PUBLIC"):
        return None
    return image_body(found)


def image_body(found: CloudObject) -> dict[str, Any]:
    """A registered or saved image as the API shows it."""
    return {
        **found.body,
        "id": found.id,
        "status": found.status,
        "create_at": round(found.created * 1000),
        "update_at": round(found.modified * 1000),
    }


def image_fits(image: Mapping[str, Any], flavor: Flavor) -> bool:
    """Spec 6.9: architecture and category agree."""
    return image["arch"] == flavor.arch and flavor.category in image["resource_categories"]
