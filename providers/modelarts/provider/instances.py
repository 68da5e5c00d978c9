"""Development environment instances: the demanager API (specification 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from engine.core.contract import GONE, CheckResult, CreateResult, Found, PartialFailure, ReadResult, UpdateResult
from engine.core.diff import Change
from engine.core.errors import CloudError
from providers.base import ResourceType, Tree, create_once, current_call, keeping, wait_until
from providers.modelarts.errors import NotFoundError, RefusedError, WrongStatusError
from providers.modelarts.provider.calls import ModelArtsType, power_notes
from providers.modelarts.provider.power import (
    READY_LIMIT,
    READY_POLL,
    RUNNING,
    Detail,
    Life,
    Power,
    status_of,
)
from providers.modelarts.schema import instances as schema

_FAILED: Final = frozenset({"CREATE_FAILED", "START_FAILED", "RESIZE_FAILED", "UNAVAILABLE"})

LIFE: Final = Life(
    rising=frozenset({"CREATE_QUEUING", "CREATING", "START_QUEUING", "READY_TO_START", "STARTING", "RESTARTING"}),
    unborn=frozenset({"CREATE_QUEUING", "CREATING"}),
    failed=_FAILED,
    startable=frozenset({"READY_TO_START", "START_FAILED", "RESIZE_FAILED", "UNAVAILABLE"}),
    stillborn=frozenset({"CREATE_FAILED"}),
    gone=frozenset({"DELETED", "DELETING"}),
)


class DevEnvInstances(ModelArtsType):
    """Development environment instances. The ID is the service's; names are unique in a project."""

    token = "pulumi-python:dynamic/modelarts:DevEnvInstance"
    schema = schema.DevEnvInstance
    outputs: ClassVar = {
        "status": (),
        "creation_timestamp": (),
        "latest_update_timestamp": (),
        "profile": (),
        "flavor_details": (),
        "queuing_info": (),
        "user": (),
        "error_code": (),
        "failed_reasons": (),
        "url": (),
        "repository": (),
        "credential": (),
        "answered": (),
    }
    volatile = frozenset(outputs) - {"creation_timestamp", "profile", "user"}
    identity = ("name",)
    life = LIFE

    # --- inputs

    def check(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> CheckResult:
        """Complete and judge; what the service would ignore is warned of and left out."""
        result = super().check(olds, news)
        return CheckResult(_without_meaningless(result.inputs), result.failures, result.warnings)

    # --- what a change does

    def losses(self, olds: Mapping[str, Any]) -> list[str]:
        """An EVS disk goes with its instance; what is in OBS stays (5.6)."""
        storage = (olds.get("spec") or {}).get("storage") or {}
        if storage.get("type") != "evs":
            return []
        location = storage.get("location") or {}
        return [f"the contents of its EVS disk ({location.get('volume_size', 5)} GB) are lost"]

    def between(self, olds: Mapping[str, Any], new: Tree, found: tuple[Change, ...]) -> list[str]:
        """Nothing here needs a stopped instance; but a new duration counts from the next start (5.6)."""
        notes = power_notes(olds, new, found)
        stays_up = olds.get("status") == RUNNING and new.get("running") is not False
        auto_stop = (new.get("spec") or {}).get("auto_stop") or {}
        if stays_up and "duration" in auto_stop and any(change.path[:2] == ("spec", "auto_stop") for change in found):
            notes.append("the new auto-stop counts from its next start")
        return notes

    # --- writing

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create and wait until it is usable, or stopped again where that is asked for."""
        wanted = self.declared(props)
        name, workspace = wanted["name"], _workspace_of(wanted)
        there = self._named(name, workspace)
        if there is not None:
            raise _taken(name, there)
        body = {member: value for member, value in wanted.items() if member != "running"}
        id_ = create_once(
            lambda: self._id_of(self.client.create_instance(body)),
            lambda: (self._named(name, workspace) or {}).get("id"),
            "the instance",
        )
        power = self._power(id_)
        power.last["status"] = "CREATING"
        with keeping(id_, lambda: {**wanted, **computed(power.last)}, "the instance was created, but is not ready"):
            detail = self._finished(id_, power, wanted)
        return CreateResult(id_, {**wanted, **computed(detail)})

    def _finished(self, id_: str, power: Power, wanted: Tree) -> Detail:
        """The instance once its creation has ended and its power is as wanted. Raises a tainted PartialFailure."""
        detail = power.settled("create")
        if status_of(detail) in LIFE.failed:
            raise _failed_create(id_, wanted, detail)
        running = wanted.get("running")
        if running is None or running == (status_of(detail) == RUNNING):
            return detail
        return power.reach(running, "create")

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Change description and auto-stop in place, then start or stop it as wanted."""
        wanted = self.declared(news)
        done, power = dict(olds), self._power(id_)
        with keeping(id_, lambda: {**done, **computed(power.last)}, "the instance was changed in part"):
            detail = power.settled("update")
            if status_of(detail) in LIFE.stillborn:
                raise _failed_create(id_, self.declared(olds), detail)
            was_running = status_of(detail) == RUNNING
            body = self._changed(olds, news, detail)
            if body:
                self._put(id_, body, power, was_running)
                done.pop("description", None)
                done |= {name: wanted[name] for name in ("description", "spec") if name in wanted}
            detail = power.look()
            running = wanted.get("running", was_running)
            if running != (status_of(detail) == RUNNING):
                detail = power.reach(running, "update")
        return UpdateResult({**self.lasting(olds, wanted), **wanted, **computed(detail)})

    def _changed(self, olds: Tree, news: Tree, detail: Detail) -> Tree:
        """The body of an update: what differs from the record or from what was just seen; empty for nothing."""
        wanted = self.declared(news)
        observed = inputs_in(detail, wanted)
        paths = [str(change) for change in self._changes(olds, news)[2]] + list(self.deviations(wanted, observed))
        body: Tree = {}
        if any(path.startswith("description") for path in paths):
            body["description"] = wanted.get("description", "")
        if any(path.startswith("spec.auto_stop") for path in paths):
            asked = wanted["spec"].get("auto_stop") or {}
            there = (detail.get("spec") or {}).get("auto_stop") or {}
            # All three together: whether an update merges auto_stop or replaces it is not documented.
            auto_stop = {"enable": asked.get("enable", False), "prompt": asked.get("prompt", True)}
            duration = asked.get("duration") or there.get("duration")
            body["spec"] = {"auto_stop": auto_stop | ({"duration": duration} if duration else {})}
        return body

    def _put(self, id_: str, body: Tree, power: Power, running: bool) -> None:
        """Send an update; where the service wants the instance stopped for it, stop it first."""
        try:
            self.client.update_instance(id_, body)
        except WrongStatusError:
            if not running:
                raise
            current_call().report("the service accepts this change only while the instance is stopped")
            power.reach(False, "update")
            self.client.update_instance(id_, body)

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Stop it where it runs, delete it, and wait until it is gone; one that is gone already is success."""
        for loss in self.losses(props):
            current_call().report(loss)

        def look() -> Detail | None:
            """What is left of it, after doing what its status allows."""
            seen = self.client.instance(id_)
            status = status_of(seen)
            if status in LIFE.gone or not (LIFE.at_rest(status) or status.endswith("QUEUING")):
                return seen
            if status == RUNNING:
                self._power(id_).reach(False, "delete")
            try:
                self.client.delete_instance(id_)
            except WrongStatusError as error:
                current_call().report(f"not yet: {error.summary}")
            return self.client.instance(id_)

        wait_until(
            lambda: _or_none(look),
            lambda seen: seen is None or status_of(seen) == "DELETED",
            progress=lambda seen: f"the instance {status_of(seen or {})}",
            every=READY_POLL,
            limit=READY_LIMIT,
            doing="delete",
        )

    # --- reading

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What it looks like now; no ID when it is gone."""
        try:
            detail = self.client.instance(id_)
        except NotFoundError:
            return GONE
        if status_of(detail) == "DELETED":
            return GONE
        return self._seen(id_, props, detail)

    def find(self, props: dict[str, Any]) -> ReadResult:
        """The instance that an interrupted create of these inputs left: of that name, and not of another make."""
        wanted = self.declared(props)
        item = self._named(wanted["name"], _workspace_of(wanted))
        found = self.read(str(item["id"]), wanted) if item else GONE
        # What could only be changed by a replacement was never what this create asked for.
        if found.id and ResourceType.diff(self, found.id, found.outs, props).replaces:
            return GONE
        return found

    def list(self) -> Iterator[Found]:
        """Every instance of the default workspace, whoever made it."""
        for item in self.client.instances():
            if item.get("id") and status_of(item) not in LIFE.gone:
                yield Found(
                    self.token, str(item["id"]), str(item.get("name", "")), status_of(item), outs=computed(item)
                )

    def _seen(self, id_: str, props: Mapping[str, Any], detail: Detail) -> ReadResult:
        recorded = self.declared(props)
        kept = self.unaltered(props, recorded, ())
        stays = {name: value for name, value in kept.items() if name not in self.volatile}
        return self.seen(
            str(detail.get("id") or id_), props, inputs_in(detail, recorded), {**stays, **computed(detail)}
        )

    def _named(self, name: str, workspace: str) -> Detail | None:
        """The list's entry of the instance of this name."""
        items = self.client.instances(workspace)
        return next(
            (item for item in items if item.get("name") == name and item.get("id") and status_of(item) != "DELETED"),
            None,
        )

    def _power(self, id_: str) -> Power:
        return Power(
            "the instance",
            LIFE,
            lambda: self.client.instance(id_),
            lambda: self.client.act_on_instance(id_, "start"),
            lambda: self.client.act_on_instance(id_, "stop"),
            told,
        )

    @staticmethod
    def _id_of(made: Detail) -> str:
        from providers.modelarts.client import id_of

        return id_of(made)


def _or_none(look: Any) -> Detail | None:
    try:
        return look()
    except NotFoundError:
        return None


def _workspace_of(wanted: Tree) -> str:
    return str((wanted.get("workspace") or {}).get("id") or "0")


def _taken(name: str, there: Detail) -> CloudError:
    return RefusedError(
        f"there already is an instance named {name!r}",
        path="name",
        why=f"Names are unique in a project, and that one was not made by this stack. It has the ID {there['id']}.",
        remedy=f"give another name, or take it over with the option import_={there['id']!r}",
        reference="name-taken",
    )


def _failed_create(id_: str, wanted: Tree, detail: Detail) -> PartialFailure:
    failure = PartialFailure(
        f"the instance is {status_of(detail)}: {told(detail) or 'the service gives no reason'}",
        id=id_,
        outs={**wanted, **computed(detail)},
        tainted=True,
        why="The instance exists, but it never worked. It is recorded, so that the next up replaces it.",
        remedy="put right what the reason says, then run again",
    )
    failure.reference = "create-failed"
    return failure


def told(detail: Detail) -> str:
    """What an answer says beyond its status: why it failed, or where it stands in a queue."""
    reasons = (detail.get("spec") or {}).get("failed_reasons") or {}
    if reasons:
        details = reasons.get("detail") or {}
        more = ", ".join(f"{name}: {value}" for name, value in details.items()) if isinstance(details, dict) else ""
        text = " ".join(str(reasons[part]) for part in ("code", "message") if reasons.get(part))
        return f"{text} ({more})" if more else text
    queue = detail.get("queuing_info") or {}
    if status_of(detail).endswith("QUEUING") and queue:
        return f"number {queue.get('rank', '?')} in the queue, {queue.get('remain_time', '?')} s left"
    return str(detail.get("error_code") or "") if status_of(detail) in LIFE.failed else ""


# --- answers in our words ---------------------------------------------------------------------------------------------

_STORAGE_MEMBERS: Final = {
    "evs": ("volume_size",),
    "obs": ("path",),
    "obsfs": ("path", "mount_path", "access_modes"),
}


def inputs_in(detail: Mapping[str, Any], recorded: Mapping[str, Any]) -> Tree:
    """The inputs in an answer. What the answer leaves out stays as recorded; what is null in it is absent."""
    theirs = detail.get("spec") or {}
    ours: Mapping[str, Any] = recorded.get("spec") or {}
    spec: Tree = {
        "storage": _storage(theirs["storage"], ours.get("storage") or {})
        if theirs.get("storage")
        else ours.get("storage"),
        "extend_storage": _storages(theirs, ours.get("extend_storage") or []),
        "auto_stop": _auto_stop(theirs.get("auto_stop"), ours.get("auto_stop") or {})
        if "auto_stop" in theirs
        else ours.get("auto_stop"),
        "annotations": _annotations(theirs, ours.get("annotations")),
    }
    seen: Tree = {name: detail.get(name, recorded.get(name)) for name in ("name", "description", "flavor")}
    seen["profile_id"] = (detail.get("profile") or {}).get("id") or recorded.get("profile_id")
    seen["spec"] = {name: value for name, value in spec.items() if value is not None}
    for name in ("workspace", "pool"):
        there = detail.get(name)
        found = {"id": there["id"]} if isinstance(there, dict) and there.get("id") else None
        seen[name] = found if name in detail else recorded.get(name)
    if recorded:
        # An import says nothing of power: it is looked after only where a program asks for it.
        seen["running"] = LIFE.is_up(status_of(detail)) if status_of(detail) else recorded.get("running")
    return {name: value for name, value in seen.items() if value is not None}


def _storage(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> Tree:
    kind = str(theirs.get("type", "")).lower()
    there = theirs.get("location") or {}
    location = {name: there[name] for name in _STORAGE_MEMBERS.get(kind, ()) if there.get(name) is not None}
    recorded = ours.get("location") or {}
    # Samples have the path of an OBS folder with and without a slash at its front.
    for name in ("path", "mount_path"):
        if name in location and str(location[name]).strip("/") == str(recorded.get(name)).strip("/"):
            location[name] = recorded[name]
    return {"type": kind, **({"location": location} if location else {})}


def _storages(theirs: Mapping[str, Any], ours: list[Any]) -> list[Tree] | None:
    if "extend_storage" not in theirs:
        return ours or None
    found = [item for item in theirs["extend_storage"] or [] if isinstance(item, dict)]
    return [_storage(item, ours[at] if at < len(ours) else {}) for at, item in enumerate(found)] or None


def _auto_stop(theirs: Any, ours: Mapping[str, Any]) -> Tree:
    found = {name: theirs[name] for name in ("enable", "duration", "prompt") if (theirs or {}).get(name) is not None}
    if not found.get("enable") and "duration" not in found and "duration" in ours:
        found["duration"] = ours["duration"]  # It counts only when enabled, so the service may forget it.
    return found


def _annotations(theirs: Mapping[str, Any], ours: Any) -> Any:
    """Those that were given; on an import all but the service's own."""
    if "annotations" not in theirs:
        return ours
    found = theirs["annotations"] or {}
    if ours:
        return {name: found[name] for name in ours if name in found}
    return {name: value for name, value in found.items() if name not in schema.SERVERS_OWN_ANNOTATIONS} or None


def computed(detail: Mapping[str, Any]) -> Tree:
    """The outputs in an answer: every member under its own name, those that are also inputs in `answered`."""
    spec = dict(detail.get("spec") or {})
    outs = {
        name: detail.get(name)
        for name in (
            "status",
            "creation_timestamp",
            "latest_update_timestamp",
            "profile",
            "flavor_details",
            "queuing_info",
            "user",
            "error_code",
        )
    }
    outs["repository"] = detail.get("repository") or spec.pop("repository", None)
    outs["credential"] = spec.pop("credential", None)
    outs["failed_reasons"] = spec.get("failed_reasons")
    outs["url"] = (spec.get("annotations") or {}).get("url") or None
    spec.pop("repository", None)
    answered = {name: detail.get(name) for name in ("flavor", "pool", "workspace", "ai_project")}
    answered["spec"] = {name: value for name, value in spec.items() if value is not None}
    outs["answered"] = {name: value for name, value in answered.items() if value is not None}
    return {name: value for name, value in outs.items() if value is not None}


def _without_meaningless(inputs: Tree) -> Tree:
    """Inputs without the members of a location that mean nothing for its type of storage."""
    spec = inputs.get("spec")
    if not isinstance(spec, dict):
        return inputs
    changed = dict(spec)
    if isinstance(spec.get("storage"), dict):
        changed["storage"] = _meaningful(spec["storage"])
    if isinstance(spec.get("extend_storage"), list):
        changed["extend_storage"] = [
            _meaningful(item) if isinstance(item, dict) else item for item in spec["extend_storage"]
        ]
    return {**inputs, "spec": changed}


def _meaningful(storage: Tree) -> Tree:
    kind, location = storage.get("type"), storage.get("location")
    ignored = schema.MEANINGLESS.get(kind, ()) if isinstance(kind, str) else ()
    if not isinstance(location, dict) or not any(name in location for name in ignored):
        return storage
    return {**storage, "location": {name: value for name, value in location.items() if name not in ignored}}
