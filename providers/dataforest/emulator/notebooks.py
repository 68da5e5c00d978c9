"""Notebooks (spec 9): seventeen operations over a small invented catalogue."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from providers.dataforest.emulator.accounts import availability
from providers.dataforest.emulator.answers import date, invalid, refused, taken
from providers.dataforest.emulator.fields import ACCOUNT_ID, ID, INTEGER_MAX, Body, Field, Kind, Operation
from providers.dataforest.emulator.ownership import new_id, own, own_account, running_account
from providers.emulation import Call, CloudObject, Stage

CREATION_SECONDS: Final = 180.0  # [E]
RESTART_SECONDS: Final = 60.0  # [E]
DELETION_SECONDS: Final = 60.0  # [E], only when the switch makes a deleted notebook linger
NAME_PATTERN: Final = r"^[a-z][a-z0-9-]{1,13}[a-z0-9]$"
NAME_LENGTHS: Final = Field("name", required=True, shortest=3, longest=15)
MASKED: Final = "********"

# The catalogue. Codes and names that the spec quotes are kept; numbers and the rest are invented [E].
CENTOS: Final = "SW.DFRNT.OS.LNX64.CNTOS.0708.B050"
JUPYTER: Final = "Jupyter Lab"
TYPES: Final = {CENTOS: JUPYTER}
SERVER_TYPES: Final = {
    "SVR.VSVR.STAND.C004.M016.NET.SSD.B050.G002": "vCPU 4EA, Memory 16GB, Disk 50GB",
    "SVR.VSVR.STAND.C008.M032.NET.SSD.B050.G002": "vCPU 8EA, Memory 32GB, Disk 50GB",
}
LOGIN_KEYS: Final = ("ml-key", "ml-key-2")
VPCS: Final = {1001: "ml-vpc", 1002: "other-vpc"}
# Spec 9.1: public subnets of zone KR-2 only; the other two are here to be refused.
SUBNETS: Final[Mapping[int, Mapping[str, Any]]] = {
    2001: {"vpcNo": 1001, "subnetName": "ml-public", "zoneName": "KR-2", "subnet": "10.0.1.0/24", "isPublic": True},
    2002: {"vpcNo": 1001, "subnetName": "ml-private", "zoneName": "KR-2", "subnet": "10.0.2.0/24", "isPublic": False},
    2003: {"vpcNo": 1001, "subnetName": "ml-kr1", "zoneName": "KR-1", "subnet": "10.0.3.0/24", "isPublic": True},
    2004: {"vpcNo": 1002, "subnetName": "other", "zoneName": "KR-2", "subnet": "10.1.1.0/24", "isPublic": True},
}  # fmt: skip
CATALOGUE_SINCE: Final = 1_672_498_800.0  # 2023-01-01T00:00:00+09:00


def _setting(component: str, name: str, regex: str, *, mandatory: bool) -> dict[str, Any]:
    return {
        "name": name,
        "value": "",
        "componentName": component,
        "regularExpression": regex,
        "isMasking": True,
        "isMandatory": mandatory,
    }


# Spec 9.2, all three quoted there.
SETTINGS: Final[Mapping[str, tuple[dict[str, Any], ...]]] = {
    JUPYTER: (
        _setting(JUPYTER, "Access Password", "^[a-zA-Z][a-zA-Z0-9]{1,7}$", mandatory=True),
        _setting("Object Storage", "Access Key", ".*", mandatory=False),
        _setting("Object Storage", "Secret Key", ".*", mandatory=False),
    )
}

# Catalogue reads (spec 9.2)


def get_types(call: Call, body: Body) -> Mapping[str, Any]:
    """What can be installed."""
    return {"contents": [{"typeCode": code, "typeName": name} for code, name in TYPES.items()]}


def get_server_types(call: Call, body: Body) -> Mapping[str, Any]:
    """Sizes; none for an unknown type."""
    known = SERVER_TYPES if body["typeCode"] in TYPES else {}
    return {"contents": [{"serverTypeCode": code, "serverDesc": text} for code, text in known.items()]}


def get_login_keys(call: Call, body: Body) -> Mapping[str, Any]:
    """Keys for ssh; made-up public halves."""
    contents = [
        {
            "loginKeyName": name,
            "fingerprint": "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff",
            "publicKey": f"ssh-rsa EXAMPLE {name}",
            "createdAt": date(call, CATALOGUE_SINCE),
        }
        for name in LOGIN_KEYS
    ]
    return {"total": len(contents), "contents": contents}


def get_vpcs(call: Call, body: Body) -> Mapping[str, Any]:
    """Members beyond number and name are not documented (spec 9.2)."""
    contents = [_vpc(call, number) for number in VPCS]
    return {"total": len(contents), "contents": contents}


def get_vpc(call: Call, body: Body) -> Mapping[str, Any]:
    """One of them."""
    if body["vpcNo"] not in VPCS:
        raise refused(404)
    return _vpc(call, body["vpcNo"])


def get_subnets(call: Call, body: Body) -> Mapping[str, Any]:
    """The subnets of one VPC; none for an unknown one."""
    contents = [_subnet(call, number) for number, row in SUBNETS.items() if row["vpcNo"] == body["vpcNo"]]
    return {"total": len(contents), "contents": contents}


def get_subnet(call: Call, body: Body) -> Mapping[str, Any]:
    """One of them."""
    if SUBNETS.get(body["subnetNo"], {}).get("vpcNo") != body["vpcNo"]:
        raise refused(404)
    return _subnet(call, body["subnetNo"])


def get_setting_specs(call: Call, body: Body) -> Mapping[str, Any]:
    """Which user settings a type has; none for an unknown type."""
    return {"userConfigurationSpecs": list(SETTINGS.get(body["typeName"], ()))}


def get_acg_rules(call: Call, body: Body) -> Mapping[str, Any]:
    """One inbound rule per notebook [E]."""
    found = own(call, "notebook", body["id"])
    rule = {
        "accessControlGroupRuleNo": 30_000 + found.seq,
        **_acg(found),
        "accessControlGroupSequence": 1,
        "protocolTypeCode": "TCP",
        "ipBlock": "0.0.0.0/0",
        "portRange": "22",
        "statusCode": "RUN",
        "isInboundRule": True,
        "description": "",
        "createdAt": date(call, found.created),
        "modifiedAt": date(call, found.created),
    }
    return {"contents": [rule]}


def _vpc(call: Call, number: int) -> dict[str, Any]:
    return {"vpcNo": number, "vpcName": VPCS[number], "createdAt": date(call, CATALOGUE_SINCE), "state": "RUN"}


def _subnet(call: Call, number: int) -> dict[str, Any]:
    row = SUBNETS[number]
    return {
        "vpcName": VPCS[row["vpcNo"]],
        "zoneNo": row["zoneName"].removeprefix("KR-"),
        "subnetNo": number,
        "createdAt": date(call, CATALOGUE_SINCE),
        "state": "RUN",
        **row,
    }


def _acg(found: CloudObject) -> dict[str, Any]:
    return {"accessControlGroupNo": 20_000 + found.seq, "accessControlGroupName": f"df-{found.name}"}


# A notebook's life


def check_name(call: Call, body: Body) -> Mapping[str, Any]:
    """Asked without an account, so unique everywhere (spec 9.2)."""
    return availability(body["name"], NAME_PATTERN, bool(call.objects.all("notebook", name=body["name"])))


def create(call: Call, body: Body) -> Mapping[str, Any]:
    """Answers at once, RUNNING comes later (spec 9.1, 9.5)."""
    if body["addStorage"]:
        _judge_storage(body)
    account = own_account(call, body["accountId"])
    _judge_references(body)
    settings = _judge_settings(body["typeName"], body["userConfigurations"])
    name = body["name"]
    if call.objects.all("notebook", name=name):
        raise invalid("name", name, taken(name))
    running_account(call, account)
    id = new_id(call, "notebook")
    storage = {"storageGB": body["storageGB"], "storageType": body["storageType"]} if body["addStorage"] else None
    kept = ("typeCode", "typeName", "serverTypeCode", "vpcNo", "subnetNo", "loginKeyName", "bucketName")
    call.objects.add(
        "notebook",
        id,
        owner=call.owner,
        name=name,
        parent=account.id,
        status="ACCEPTED",
        course=_to_running(call, CREATION_SECONDS),
        body={**{member: body[member] for member in kept}, "storage": storage, "settings": settings},
    )
    return {"id": id}


def get_list(call: Call, body: Body) -> Mapping[str, Any]:
    """`total` counts all, `offset` counts from 0 [E] (spec 9.3)."""
    account = own_account(call, body["accountId"])
    found = call.objects.all("notebook", parent=account.id, look=True)
    paging = body.get("paging", {})
    first = paging.get("offset", 0)
    page = found[first : first + paging.get("limit", len(found))]
    return {"total": len(found), "contents": [_row(call, each) for each in page]}


def get_detail(call: Call, body: Body) -> Mapping[str, Any]:
    """No account, codes or bucket here; masked settings come back unreadable (spec 9.4)."""
    found = own(call, "notebook", body["id"], look=True)
    specs = {(spec["componentName"], spec["name"]): spec for spec in SETTINGS[found.body["typeName"]]}
    acg = _acg(found)
    detail = {
        **_row(call, found),
        "domain": f"{found.name}.df.example",
        "sshAccount": "forest",
        "loginKeyName": found.body["loginKeyName"],
        "acgNo": acg["accessControlGroupNo"],
        "acgName": acg["accessControlGroupName"],
        "userConfigurations": [
            {
                **setting,
                "description": "",
                "isMasking": True,
                "regularExpression": specs[setting["componentName"], setting["name"]]["regularExpression"],
                "regexpDescription": "",
            }
            for setting in found.body["settings"]
        ],
    }
    return {**detail, "additionalStorage": found.body["storage"]} if found.body["storage"] else detail


def set_settings(call: Call, body: Body) -> Mapping[str, Any]:
    """The whole list anew [E]; the answer has no ID (spec 9.5)."""
    found = own(call, "notebook", body["id"])
    settings = _judge_settings(found.body["typeName"], body["userConfigurations"])
    call.objects.save(found, body={**found.body, "settings": settings})
    return {}


def set_bucket(call: Call, body: Body) -> Mapping[str, Any]:
    """Not shown by any read (spec 9.4)."""
    found = own(call, "notebook", body["id"])
    call.objects.save(found, body={**found.body, "bucketName": body["bucketName"]})
    return {}


def restart(call: Call, body: Body) -> Mapping[str, Any]:
    """ACCEPTED again, then RUNNING [E] (spec 9.5)."""
    found = own(call, "notebook", body["id"])
    call.objects.save(found, status="ACCEPTED", course=_to_running(call, RESTART_SECONDS))
    return {"id": found.id}


def delete(call: Call, body: Body) -> Mapping[str, Any]:
    """Gone at once, or after lingering as TERMINATING by the switch [E] (spec 9.5)."""
    found = own(call, "notebook", body["id"])
    pace = call.switch("notebook-delete")
    if pace == "instant":
        call.objects.remove(found)
    elif found.status != "TERMINATING":
        course = call.course(Stage(None, DELETION_SECONDS), pace=pace)
        call.objects.save(found, status="TERMINATING", course=course)
    return {"id": found.id}


def _to_running(call: Call, seconds: float) -> Any:
    return call.course(Stage("RUNNING", seconds), pace=call.switch("notebook-create"), failed="FAILED")


def _judge_storage(body: Body) -> None:
    """Spec 9.1: a type, and 100-2000 GB or exactly 4000 or 6000."""
    for member in ("storageType", "storageGB"):
        if member not in body:
            raise invalid(member, None, "must not be null")
    if body["storageType"] not in ("SSD", "HDD"):
        raise invalid("storageType", body["storageType"], "must be one of [SSD, HDD]")
    if not 100 <= body["storageGB"] <= 2000 and body["storageGB"] not in (4000, 6000):
        raise invalid("storageGB", body["storageGB"], "must be between 100 and 2000, or one of [4000, 6000]")


def _judge_references(body: Body) -> None:
    """What is named must be in the catalogue; a subnet must be public and in zone KR-2 (spec 9.1)."""
    for member, known in (
        ("typeCode", TYPES),
        ("typeName", TYPES.values()),
        ("serverTypeCode", SERVER_TYPES),
        ("vpcNo", VPCS),
        ("subnetNo", SUBNETS),
        ("loginKeyName", LOGIN_KEYS),
    ):
        if body[member] not in known:
            listed = ", ".join(str(each) for each in known)
            raise invalid(member, body[member], f"must be one of [{listed}]")
    subnet = SUBNETS[body["subnetNo"]]
    if subnet["vpcNo"] != body["vpcNo"]:
        raise invalid("subnetNo", body["subnetNo"], f"must be a subnet of vpc {body['vpcNo']}")
    if not subnet["isPublic"] or subnet["zoneName"] != "KR-2":
        raise invalid("subnetNo", body["subnetNo"], "must be a public subnet in zone KR-2")


def _judge_settings(type_name: str, given: list[Body]) -> list[Body]:
    """The settings with their masked values gone: the emulator has no use for a secret, so it keeps none."""
    specs = {(spec["componentName"], spec["name"]): spec for spec in SETTINGS[type_name]}
    for index, setting in enumerate(given):
        spec = specs.get((setting["componentName"], setting["name"]))
        if spec is None:
            raise invalid(f"userConfigurations[{index}].name", setting["name"], "no such setting")
        if not re.fullmatch(spec["regularExpression"], setting["value"]):
            # the value is a secret: the template would show it
            rule = f'Must match "{spec["regularExpression"]}"'
            raise invalid(f"userConfigurations[{index}].value", MASKED, rule)
    named = {(setting["componentName"], setting["name"]) for setting in given}
    for place, spec in specs.items():
        if spec["isMandatory"] and place not in named:
            raise invalid("userConfigurations", None, f"'{spec['name']}' is mandatory")
    return [{**setting, "value": MASKED} for setting in given]


def _row(call: Call, found: CloudObject) -> dict[str, Any]:
    body = found.body
    return {
        "id": found.id,
        "name": found.name,
        "state": found.status,
        "typeName": body["typeName"],
        "serverDesc": SERVER_TYPES[body["serverTypeCode"]],
        "vpcNo": body["vpcNo"],
        "vpcName": VPCS[body["vpcNo"]],
        "subnetNo": body["subnetNo"],
        "subnetName": SUBNETS[body["subnetNo"]]["subnetName"],
        "createdAt": date(call, found.created),
    }


VPC_NO: Final = Field("vpcNo", Kind.INTEGER, required=True)
SUBNET_NO: Final = Field("subnetNo", Kind.INTEGER, required=True)
TYPE_CODE: Final = Field("typeCode", required=True)
TYPE_NAME: Final = Field("typeName", required=True)
BUCKET: Final = Field("bucketName", required=True, shortest=1, longest=63)
USER_SETTINGS: Final = Field(
    "userConfigurations",
    Kind.ARRAY,
    required=True,
    item=Field(
        "",
        Kind.OBJECT,
        members=tuple(Field(name, required=True) for name in ("componentName", "name", "value")),
    ),
)

OPERATIONS: Final[Mapping[str, Operation]] = {
    "notebooks/getVpcList": Operation((), get_vpcs),
    "notebooks/getVpcDetail": Operation((VPC_NO,), get_vpc),
    "notebooks/getSubnetList": Operation((TYPE_CODE, VPC_NO), get_subnets),
    "notebooks/getSubnetDetail": Operation((VPC_NO, SUBNET_NO), get_subnet),
    "notebooks/getTypeList": Operation((), get_types),
    "notebooks/getServerTypeList": Operation((TYPE_CODE,), get_server_types),
    "notebooks/getLoginKeyList": Operation((), get_login_keys),
    "notebooks/getUserConfigurationSpecList": Operation((TYPE_NAME,), get_setting_specs),
    "notebooks/checkAvailableName": Operation((NAME_LENGTHS,), check_name),
    "notebooks/create": Operation(
        (
            ACCOUNT_ID,
            Field("name", required=True, shortest=3, longest=15, pattern=NAME_PATTERN),
            TYPE_CODE,
            TYPE_NAME,
            Field("serverTypeCode", required=True),
            VPC_NO,
            SUBNET_NO,
            Field("loginKeyName", required=True),
            BUCKET,
            Field("addStorage", Kind.BOOLEAN, required=True),
            Field("storageType"),
            Field("storageGB", Kind.INTEGER),
            USER_SETTINGS,
        ),
        create,
    ),
    "notebooks/getList": Operation(
        (
            ACCOUNT_ID,
            Field(
                "paging",
                Kind.OBJECT,
                members=(
                    Field("limit", Kind.INTEGER, lowest=1, highest=INTEGER_MAX),
                    Field("offset", Kind.INTEGER, lowest=0, highest=INTEGER_MAX),
                ),
            ),
        ),
        get_list,
    ),
    "notebooks/getDetail": Operation((ID,), get_detail),
    "notebooks/setUserConfigurationList": Operation((ID, USER_SETTINGS), set_settings),
    "notebooks/setObjectStorageBucket": Operation((ID, BUCKET), set_bucket),
    "notebooks/getAcgRuleList": Operation((ID,), get_acg_rules),
    "notebooks/restart": Operation((ID,), restart),
    "notebooks/delete": Operation((ID,), delete),
}
