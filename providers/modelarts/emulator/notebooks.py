"""API B, `notebooks`: create, list, get, update, delete, start, stop, lease, and the life of a notebook (spec 6).

What a body may hold is `notebook_rules`' business, what an answer shows `notebook_views`'. Durations marked [E] are the
emulator's own; 27 seconds to create are a sample's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from providers.emulation import Call, CloudObject, Refused, Stage, Turn
from providers.modelarts.emulator import gateway
from providers.modelarts.emulator.answers import Answer, milliseconds, missing, refused
from providers.modelarts.emulator.catalogue import (
    Flavor,
    flavor_named,
    flavors,
    sold_out,
    usable_flavor,
)
from providers.modelarts.emulator.fields import Body
from providers.modelarts.emulator.iam import Caller
from providers.modelarts.emulator.notebook_rules import (
    CREATE,
    CUSTOM_FLAVOR,
    DEFAULT_CAPACITIES,
    LEASE,
    LEASE_TYPES,
    NEVER,
    UPDATE,
    custom_flavor,
    duration,
    invalid,
    judge_addresses,
    judge_buckets,
    judge_create,
    judge_hooks,
    judge_image,
    judge_key_pairs,
    judge_volumes,
    read,
)
from providers.modelarts.emulator.notebook_views import WORK_PATH, created, notebook

TYPE: Final = "notebook"
CREATION_SECONDS: Final = 27.0  # spec 6.2
START_SECONDS: Final = 20.0  # [E]
STOP_SECONDS: Final = 10.0  # [E]
DELETION_SECONDS: Final = 5.0  # [E]
GROWTH_SECONDS: Final = 10.0  # [E]

# Spec 6.3: from which statuses an event is possible; elsewhere 6357. FROZEN and DELETE_FAILED can be deleted [I].
DELETABLE: Final = ("RUNNING", "STOPPED", "CREATE_FAILED", "START_FAILED", "DELETE_FAILED", "ERROR", "FROZEN")
STARTABLE: Final = ("STOPPED", "START_FAILED")

# Spec 6.3: in which statuses PUT may change what; elsewhere 6347.
CHANGEABLE: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("RUNNING", "STOPPED"),
    "description": ("RUNNING", "STOPPED"),
    "storage_new_size": ("RUNNING",),
}
STOPPED_ONLY: Final = ("STOPPED",)
UPDATED_MEMBERS: Final = ("custom_spec", "affinity", "data_volumes", "endpoints", "description")


def create(call: Call, caller: Caller) -> Answer:
    """Spec 6.1; names may be in use, so nothing here finds a lost answer (8.4)."""
    body = read(call, CREATE, gateway.body(call, "6400"))
    image = judge_create(call, body)
    feature = body.get("feature", "NOTEBOOK")
    _quota(call, caller, feature)
    period, kind = _lease_of(body)
    kept = ("pool_id", "custom_spec", "affinity", "run_user", "user_vpc", "data_volumes")
    recorded = {
        "description": body.get("description", ""),
        "feature": feature,
        "flavor": body.get("flavor", CUSTOM_FLAVOR),
        "image": _image(image),
        "lease": _lease(call.now, milliseconds(call.now), period, kind),
        "period": period,
        "volume": _recorded_volume(body["volume"]),
        "endpoints": body.get("endpoints", []),
        "tags": [],
        "token": new_uuid(call),
        "user": caller.user.name,
        "workspace_id": body.get("workspace_id", "0"),
        **{name: body[name] for name in kept if name in body},
    }
    first = call.switch("notebook-first-status")
    waiting = (Stage("CREATING", 0),) if first == "INIT" else ()
    course = _to_running(
        call, recorded, *waiting, seconds=CREATION_SECONDS, pace="notebook-create", failed="CREATE_FAILED"
    )
    added = call.objects.add(
        TYPE, new_uuid(call), owner=call.owner, name=body["name"], status=first, course=course, body=recorded
    )
    call.object = added.id
    return created(call, added)


def get(call: Call, caller: Caller, id: str) -> Answer:
    """Spec 6.5; anybody's in the project [E]."""
    return notebook(call, own(call, id, look=True))


def update(call: Call, caller: Caller, id: str) -> Answer:
    """Spec 6.5, 6.3: each member in the statuses that allow it, all of them or none."""
    found = own(call, id)
    body = read(call, UPDATE, gateway.body(call, "6400"))
    judge_volumes(body)
    judge_hooks(body)
    judge_addresses(body)
    for name in body:
        allowed = CHANGEABLE.get(name, STOPPED_ONLY) if call.switch("notebook-update") == "split" else STOPPED_ONLY
        if found.status not in allowed:
            raise refused("6347", f"{name} cannot be changed while the notebook is {found.status}")
    judge_key_pairs(call, body)
    judge_buckets(call, body)
    changed = {**found.body, **{name: body[name] for name in UPDATED_MEMBERS if name in body}}
    flavor = _changed_flavor(call, found, body)
    changed["flavor"] = flavor.id
    if "image_id" in body:
        changed["image"] = _image(judge_image(call, body["image_id"], flavor))
    if "dew_secret_name" in body:
        changed["volume"] = {**changed["volume"], "dew_secret_name": body["dew_secret_name"]}
    if "storage_new_size" in body:
        changed |= _growth(call, found, body["storage_new_size"])
    if body or call.switch("empty-update") == "bump":
        found = call.objects.save(found, name=body.get("name", found.name), body=changed)
    answer = notebook(call, found)
    few = ("name", "description", "flavor", "endpoints")
    return {name: answer[name] for name in few} if call.switch("notebook-update-answer") == "few" else answer


def delete(call: Call, caller: Caller, id: str) -> Answer:
    """DELETING, then gone (spec 6.5); one that is being deleted answers 6357 (3.3)."""
    found = own(call, id)
    if found.status == "RUNNING" and call.switch("notebook-delete-running") == "refuse":
        raise refused("6304")
    _need(found, *DELETABLE)
    course = call.course(Stage(None, DELETION_SECONDS), pace=call.switch("notebook-delete"), failed="DELETE_FAILED")
    answer = notebook(call, call.objects.save(found, status="DELETING", course=course))
    return {name: value for name, value in answer.items() if name not in ("url", "volume")}


def start(call: Call, caller: Caller, id: str) -> Answer:
    """STARTING, with a new token and a new lease (spec 6.6)."""
    asked = gateway.query(call, {"duration": DURATION, "type": LEASE_TYPE}, "6400")
    if gateway.body(call, "6400"):
        raise invalid("the body must be empty")
    found = own(call, id)
    _need(found, *(STARTABLE if call.switch("start-from-failed") == "allow" else STOPPED_ONLY))
    if sold_out(call, found.body["flavor"]):
        raise refused("6716", f"The flavor {found.body['flavor']} is sold out")
    period, kind = _lease_asked(asked, {})
    body = {name: value for name, value in found.body.items() if name != "fail_reason"}
    lease = _lease(call.now, found.body["lease"]["create_at"], period, kind)
    body |= {"lease": lease, "period": period, "token": new_uuid(call)}
    course = _to_running(call, body, seconds=START_SECONDS, pace="notebook-start", failed="START_FAILED")
    return notebook(call, call.objects.save(found, status="STARTING", course=course, body=body))


def stop(call: Call, caller: Caller, id: str) -> Answer:
    """STOPPING, from RUNNING only (spec 6.3)."""
    found = own(call, id)
    _need(found, "RUNNING")
    course = call.course(Stage("STOPPED", STOP_SECONDS), pace=call.switch("notebook-stop"), failed="ERROR")
    return notebook(call, call.objects.save(found, status="STOPPING", course=course, body=_leased(call, found)))


def get_lease(call: Call, caller: Caller, id: str) -> Answer:
    """Of a running notebook only (spec 6.6)."""
    found = own(call, id, look=True)
    _need(found, "RUNNING")
    return found.body["lease"]


def renew_lease(call: Call, caller: Caller, id: str) -> Answer:
    """From now on; a `duration` in the query wins over the body, and means TIMING (spec 6.6)."""
    asked = gateway.query(call, {"duration": DURATION}, "6400")
    body = read(call, LEASE, gateway.body(call, "6400"))
    found = own(call, id)
    period, kind = _lease_asked(asked, body)
    _need(found, "RUNNING")
    lease = _lease(call.now, found.body["lease"]["create_at"], period, kind)
    course = call.course(*_lease_stages(period), pace=call.switch("notebook-stop"))
    call.objects.save(found, body={**found.body, "lease": lease, "period": period}, course=course)
    return lease


# Leases (spec 6.2, the arithmetic)


def _lease_of(body: Body) -> tuple[int, str]:
    """`duration` at the top wins over `lease`, and means TIMING (spec 6.1)."""
    return _lease_asked({}, {"duration": body["duration"]} if "duration" in body else body.get("lease", {}))


def _lease_asked(query: Mapping[str, str], body: Body) -> tuple[int, str]:
    if "duration" in query:
        return duration(int(query["duration"])), query.get("type", LEASE_TYPES[0]).upper()
    return duration(body.get("duration")), body.get("type", query.get("type", LEASE_TYPES[0])).upper()


def _lease(now: float, since: int, period: int, kind: str) -> Body:
    """What is shown: the end is at `create_at + duration`, and `create_at` never changes."""
    at = milliseconds(now)
    lasts = NEVER if period == NEVER else at - since + period
    return {"create_at": since, "update_at": at, "duration": lasts, "enable": period != NEVER, "type": kind}


def _leased(call: Call, found: CloudObject) -> Body:
    """The body with its lease counted from now."""
    lease, period = found.body["lease"], found.body["period"]
    return {**found.body, "lease": _lease(call.now, lease["create_at"], period, lease["type"])}


def _lease_stages(period: int) -> tuple[Stage, ...]:
    """Asked for by the user, so it holds at any speed; IDLE ends too, as nobody works in an emulated notebook."""
    if period == NEVER:
        return ()
    return Stage("STOPPING", period / 1000, scaled=False), Stage("STOPPED", STOP_SECONDS)


def _to_running(call: Call, body: Body, *before: Stage, seconds: float, pace: str, failed: str) -> tuple[Turn, ...]:
    """The lease counts from RUNNING; at a pace of looks, whose instant nobody knows before, from now."""
    stages = (*before, Stage("RUNNING", seconds), *_lease_stages(body["period"]))
    lease = body["lease"]

    def leased(turn: Turn) -> Turn:
        if turn.status != "RUNNING":
            return turn
        at = call.now if turn.due is None else turn.due
        return replace(turn, changes={"lease": _lease(at, lease["create_at"], body["period"], lease["type"])})

    return tuple(leased(turn) for turn in call.course(*stages, pace=call.switch(pace), failed=failed))


DURATION: Final = "-1|[0-9]{1,12}"
LEASE_TYPE: Final = "(?i:TIMING|IDLE)"


# Bodies


def own(call: Call, id: str, *, look: bool = False) -> CloudObject:
    """The project's notebook of this ID. Raises Refused, 6404 (spec 6.5)."""
    found = call.objects.get(TYPE, id, owner=call.owner, look=look)
    if found is None:
        raise missing(call, "6404", "notebook", id)
    return found


def new_uuid(call: Call) -> str:
    """A random UUID, from the file's seed."""
    drawn = call.objects.new_text("0123456789abcdef", 32)
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-8{drawn[17:20]}-{drawn[20:]}"


def wrong_state(found: CloudObject) -> Refused:
    """Spec 6.3."""
    return refused("6357", f"This is not possible while the notebook is {found.status}")


def _need(found: CloudObject, *statuses: str) -> None:
    if found.status not in statuses:
        raise wrong_state(found)


def _quota(call: Call, caller: Caller, feature: str) -> None:
    """Spec 9.1; one CodeLab per user (6.1)."""
    quota = int(call.switch("notebook-quota"))
    if call.objects.at_least(quota, TYPE, owner=call.owner):
        raise refused("0118", f"There may be no more than {quota} notebooks")
    if feature == "DEFAULT":
        labs = (each for each in call.objects.all(TYPE, owner=call.owner) if each.body["feature"] == feature)
        if any(each.body["user"] == caller.user.name for each in labs):
            raise refused("0118", "A user may have one instance of the feature DEFAULT")


def _image(image: Mapping[str, Any]) -> Body:
    """What a notebook shows of its image (spec 6.2)."""
    return {
        name: image[name] for name in ("id", "name", "swr_path", "tag", "type", "description", "arch") if name in image
    }


def _recorded_volume(volume: Body) -> Body:
    """Spec 6.2: capacity by default, the fixed path, upper case."""
    capacity = volume.get("capacity", DEFAULT_CAPACITIES.get(volume["category"]))
    sized = {} if capacity is None or volume["category"] not in DEFAULT_CAPACITIES else {"capacity": capacity}
    kept = {name: volume[name] for name in ("category", "ownership", "uri", "id", "dew_secret_name") if name in volume}
    fixed = {"mount_path": WORK_PATH, "read_only": volume.get("read_only", False), "mount_type": "STATIC"}
    return {**kept, **sized, **fixed}


def switchable(call: Call, found: CloudObject) -> list[Flavor]:
    """What a notebook may change to: the same kind of machine, as its image runs on no other (spec 6.5)."""
    now = flavor_named(call, found.body["flavor"])
    return [
        each
        for each in flavors(call).values()
        if (each.category, each.arch, each.free) == (now.category, now.arch, now.free)
        and found.body["flavor"] != CUSTOM_FLAVOR
    ]


def _changed_flavor(call: Call, found: CloudObject, body: Body) -> Flavor:
    """The flavor after an update; 6792 for one it may not change to (spec 6.5)."""
    spec = body.get("custom_spec")
    if spec is not None and ("pool_id" not in found.body or "flavor" in body):
        raise invalid("custom_spec is for dedicated pools, and instead of a flavor")
    if spec is None and "flavor" not in body:
        spec = found.body.get("custom_spec") if found.body["flavor"] == CUSTOM_FLAVOR else None
        return flavor_named(call, found.body["flavor"]) if spec is None else custom_flavor(spec)
    if spec is not None:
        return custom_flavor(spec)
    flavor = usable_flavor(call, body["flavor"])
    if flavor not in switchable(call, found):
        raise refused("6792", f"This notebook cannot change to the flavor {flavor.id}")
    if flavor.id != found.body["flavor"] and sold_out(call, flavor.id):
        raise refused("6716", f"The flavor {flavor.id} is sold out")
    return flavor


def _growth(call: Call, found: CloudObject, size: int) -> Body:
    """A larger volume, RESIZING for a while, the notebook running on (spec 6.5)."""
    volume = found.body["volume"]
    if volume["category"] != "EVS" or volume["ownership"] != "MANAGED":
        raise invalid("only EVS can grow")
    if size <= volume["capacity"]:
        raise invalid(f"storage_new_size must be more than {volume['capacity']} GB")
    step = call.switch("growth-step")
    if step != "none" and size > volume["capacity"] + int(step):
        raise invalid(f"a volume can grow by {step} GB at a time")
    (turn,) = call.course(Stage("RESIZED", GROWTH_SECONDS), pace=call.switch("notebook-growth"))
    return {"volume": {**volume, "capacity": size}, "growing_until": turn.due}


OPERATIONS: Final[Mapping[str, Callable[..., Answer]]] = {
    "notebooks/create": create,
    "notebooks/get": get,
    "notebooks/update": update,
    "notebooks/delete": delete,
    "notebooks/start": start,
    "notebooks/stop": stop,
    "notebooks/get-lease": get_lease,
    "notebooks/renew-lease": renew_lease,
}
