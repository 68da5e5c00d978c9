"""What a notebook can be made of and how many there may be: flavors, pools, the feature's quota (spec 6, 6.9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from providers.emulation import Call
from providers.modelarts.emulator import gateway
from providers.modelarts.emulator.answers import Answer, missing
from providers.modelarts.emulator.catalogue import (
    ALL_STORAGES,
    CATALOGUE_SINCE,
    KIB_PER_GIB,
    Flavor,
    allowed,
    check_workspace,
    flavors,
    listed,
    sold_out,
)
from providers.modelarts.emulator.iam import Caller
from providers.modelarts.emulator.notebook_views import whole
from providers.modelarts.emulator.notebooks import TYPE, own, switchable


def list_flavors(call: Call, caller: Caller) -> Answer:
    """Spec 6.9: `data`, and `flavors` with the same."""
    asked = gateway.query(call, FLAVOR_PARAMETERS, "6400")
    found = [
        each
        for each in flavors(call).values()
        if asked.get("category") in (None, each.category)
        and asked.get("feature") in (None, each.feature)
        and (asked.get("type") != "DEDICATED" or listed(call, "pools"))
        and "flavor_type" not in asked
    ]
    return _flavors(call, found, asked)


def list_switchable(call: Call, caller: Caller, id: str) -> Answer:
    """Those that one notebook may change to (spec 6.5)."""
    asked = gateway.query(call, PAGE_PARAMETERS, "6400")
    return _flavors(call, switchable(call, own(call, id)), asked)


def get_feature(call: Call, caller: Caller, feature: str) -> Answer:
    """Spec 6: the switch and the quota."""
    if feature not in ("NOTEBOOK", "DEFAULT"):
        raise missing(call, "6404", "feature", feature)
    used = [each for each in call.objects.all(TYPE, owner=call.owner) if each.body["feature"] == feature]
    return {
        "id": f"00000000-0000-4000-8000-00000000000{'12'[feature == 'DEFAULT']}",
        "name": feature,
        "enabled": True,
        "quota": int(call.switch("notebook-quota")) if feature == "NOTEBOOK" else 1,
        "used": len(used),
        "create_at": CATALOGUE_SINCE,
        "update_at": CATALOGUE_SINCE,
        "user_id": caller.user.id,
    }


def list_pools(call: Call, caller: Caller) -> Answer:
    """The dedicated pools of the switch, and the public one."""
    asked = gateway.query(call, POOL_PARAMETERS, "6400")
    check_workspace(call, asked.get("workspace_id", "0"))
    pools = [_pool(call, caller, id, "DEDICATED") for id in listed(call, "pools") if call.switch("pools") != "any"]
    pools.append(_pool(call, caller, "public", "MANAGED"))
    return whole([pool for pool in pools if asked.get("type") in (None, pool["type"])], asked)


def get_pool(call: Call, caller: Caller, id: str) -> Answer:
    """One of them."""
    if not allowed(call, "pools", id):
        raise missing(call, "6404", "pool", id)
    return _pool(call, caller, id, "DEDICATED")


def _pool(call: Call, caller: Caller, id: str, type: str) -> dict[str, Any]:
    return {
        "logic_cluster_id": id,
        "pool_id": id,
        "type": type,
        "status": "ACTIVE",
        "resource_categories": "CPU,GPU,ASCEND",
        "workspace_id": "0",
        "create_at": str(CATALOGUE_SINCE),
        "update_at": str(CATALOGUE_SINCE),
        "project_id": call.owner,
        "domain_id": caller.user.domain_id,
        "is_allow_root": False,
        "flavors": [_flavor(call, each) for each in flavors(call).values()],
    }


def _flavors(call: Call, found: Sequence[Flavor], asked: gateway.Query) -> Answer:
    found = sorted(found, key=lambda each: each.id, reverse=asked.get("sort_dir") == "DESC")
    answer = whole([_flavor(call, each) for each in found], asked)
    return {**answer, "flavors": answer["data"]}


def _flavor(call: Call, flavor: Flavor) -> dict[str, Any]:
    cards: dict[str, Any] = {}
    if flavor.category == "GPU":
        cards = {"gpu": {"gpu": flavor.cards, "gpu_memory": f"{16 * flavor.cards}GB", "type": flavor.card}}
    elif flavor.category == "ASCEND":
        cards = {"ascend": {"npu": flavor.cards, "npu_memory": f"{32 * flavor.cards}GB", "type": flavor.card}}
    return {
        "id": flavor.id,
        "name": f"{flavor.category}: {flavor.vcpus} vCPUs {flavor.memory} GB",
        "description": f"{flavor.vcpus} vCPUs, {flavor.memory} GB",
        "arch": flavor.arch,
        "category": flavor.category,
        "feature": flavor.feature,
        "free": flavor.free,
        "memory": flavor.memory * KIB_PER_GIB,
        "vcpus": flavor.vcpus,
        "sold_out": sold_out(call, flavor.id),
        "storages": list(ALL_STORAGES),
        "billing": {"code": flavor.id, "unit_num": 1},
        **cards,
    }


PAGE_PARAMETERS: Final[Mapping[str, str]] = {
    "limit": "[0-9]{1,9}",
    "offset": "[0-9]{1,9}",
    "sort_key": "id|name",
    "sort_dir": "ASC|DESC",
}
FLAVOR_PARAMETERS: Final[Mapping[str, str]] = {
    **PAGE_PARAMETERS,
    "category": "CPU|GPU|ASCEND",
    "type": "MANAGED|DEDICATED",
    "feature": "NOTEBOOK|DEFAULT",
    "flavor_type": "ASCEND_SNT9|ASCEND_SNT9B|ASCEND_SNT3",
}
POOL_PARAMETERS: Final[Mapping[str, str]] = {
    "type": "MANAGED|DEDICATED",
    "workspace_id": ".*",
    "limit": "[0-9]{1,9}",
    "offset": "[0-9]{1,9}",
    "scope": "NOTEBOOK|TRAIN|INFER",
}

OPERATIONS: Final[Mapping[str, Callable[..., Answer]]] = {
    "notebooks/list-flavors": list_flavors,
    "notebooks/list-switchable-flavors": list_switchable,
    "authoring/get-feature": get_feature,
    "authoring/list-pools": list_pools,
    "authoring/get-pool": get_pool,
}
