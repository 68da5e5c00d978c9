"""Notebooks: today's API (specification 6).

Names are not unique there, so a notebook is found again by a mark: its description on the wire ends in
`(workstead <marker>)`. The marker is an input that the class makes from the URN; where there is none, it is made from
all inputs. The mark is taken off again when a description is read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from engine.core.contract import GONE, CreateResult, Found, PartialFailure, ReadResult, UpdateResult
from engine.core.diff import Change
from engine.core.values import canonical_json
from providers.base import ReplaceRule, ResourceType, Tree, create_once, current_call, keeping, wait_until
from providers.modelarts.errors import ForbiddenError, NotFoundError, RefusedError, WrongStatusError
from providers.modelarts.provider.calls import ModelArtsType, power_notes
from providers.modelarts.provider.power import READY_LIMIT, READY_POLL, RUNNING, Detail, Life, Power, status_of
from providers.modelarts.schema import notebooks as schema

LIFE: Final = Life(
    rising=frozenset({"INIT", "CREATING", "STARTING", "SNAPSHOTTING"}),
    unborn=frozenset({"INIT", "CREATING"}),
    failed=frozenset({"CREATE_FAILED", "START_FAILED", "DELETE_FAILED", "ERROR", "FROZEN"}),
    startable=frozenset({"START_FAILED"}),
    stillborn=frozenset({"CREATE_FAILED"}),
    gone=frozenset({"DELETED", "DELETING"}),
)

OURS: Final = ("running", "tags", "marker")
"""Inputs that are not members of the request."""
WHILE_STOPPED: Final = ("flavor", "image_id", "endpoints", "hooks")
"""What can change only while the notebook is stopped (6.3)."""
AT_ANY_TIME: Final = ("name", "description")
GROWTH_STEP: Final = 100
"""Gigabytes by which a volume may grow at once (the user guide, 6.5)."""
VOLUME_BUSY: Final = frozenset({"RESIZING", "INITIALIZING"})

_MARK = re.compile(r" ?\(workstead (?P<marker>[a-z0-9-]{1,40})\)$")


class Notebooks(ModelArtsType):
    """Notebooks. The ID is the service's; several may have the same name."""

    token = "pulumi-python:dynamic/modelarts:Notebook"
    schema = schema.Notebook
    outputs: ClassVar = {
        "status": (),
        "fail_reason": (),
        "create_at": (),
        "update_at": (),
        "url": (),
        "token": (),
        "image": (),
        "pool": (),
        "user": (),
        "user_id": (),
        "ip": (),
        "jupyter_version": (),
        "is_need_credentials": (),
        "action_progress": (),
        "billing_items": (),
        "answered": (),
    }
    volatile = frozenset(outputs) - {"create_at", "pool", "user", "user_id"}
    replace_rules = (
        ReplaceRule(
            path="volume.capacity",
            when=lambda before, after: after < before,
            why="a volume cannot shrink",
        ),
    )
    life = LIFE

    # --- what a change means

    def _changes(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> tuple[Tree, Tree, tuple[Change, ...]]:
        """As for any type; a size that was left to the service so far is compared with what it chose."""
        recorded, volume = olds.get("volume"), _answered(olds, "volume")
        if isinstance(recorded, dict) and recorded.get("capacity") is None and volume.get("capacity"):
            olds = {**olds, "volume": {**recorded, "capacity": volume["capacity"]}}
        return super()._changes(olds, news)

    def _replaces(self, change: Change, old: Tree, new: Tree) -> str:
        why = super()._replaces(change, old, new)
        if not why and change.path == ("volume", "capacity") and old["volume"].get("category") != "EVS":
            return "only an EVS volume can grow"
        return why

    def losses(self, olds: Mapping[str, Any]) -> list[str]:
        """A managed volume goes with its notebook (6.5)."""
        volume = olds.get("volume") or {}
        if volume.get("category") not in ("EVS", "EFS") or volume.get("ownership") == "DEDICATED":
            return []
        size = volume.get("capacity") or _answered(olds, "volume").get("capacity")
        return [f"the contents of its {volume['category']} volume{f' ({size} GB)' if size else ''} are lost"]

    def between(self, olds: Mapping[str, Any], new: Tree, found: tuple[Change, ...]) -> list[str]:
        """Stops and starts between the changes (6.3), as far as the record tells how it stands."""
        names = {str(change.path[0]) for change in found}
        runs, wanted = olds.get("status") == RUNNING, new.get("running")
        still = [name for name in WHILE_STOPPED if name in names]
        grows = "volume" in names
        ends_up = runs if wanted is None else wanted
        notes: list[str] = []
        if still and runs:
            text = f"{_listed(still)} can change only while it is stopped: it is stopped, changed"
            return [*notes, f"{text} and started again" if ends_up else f"{text} and stays stopped"]
        if grows and not runs:
            text = "a volume grows only while it runs: it is started for that"
            notes.append(text if ends_up else f"{text} and stopped again")
            return notes
        notes += power_notes(olds, new, found)
        if {"lease", "duration"} & names:
            notes.append("its time begins anew" if runs and ends_up else "the new lease counts from its next start")
        return notes

    # --- writing

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create and wait until it is usable, or stopped again where that is asked for."""
        wanted = self.declared(props)
        before = {item["id"] for item in self._marked(wanted)}
        id_ = create_once(
            lambda: self._id_of(self.client.create_notebook(_body(wanted))),
            lambda: next((item["id"] for item in self._marked(wanted) if item["id"] not in before), None),
            "the notebook",
        )
        power = self._power(id_, wanted)
        power.last["status"] = "CREATING"
        with keeping(id_, lambda: {**wanted, **computed(power.last)}, "the notebook was created, but is not ready"):
            detail = self._finished(id_, power, wanted)
        return CreateResult(id_, {**wanted, **computed(detail)})

    def _finished(self, id_: str, power: Power, wanted: Tree) -> Detail:
        """The notebook once its creation has ended, with its tags and power. Raises a tainted PartialFailure."""
        detail = power.settled("create")
        if status_of(detail) == "FROZEN":
            raise power.failure(detail)
        if status_of(detail) in LIFE.failed:
            raise _failed_create(id_, wanted, detail)
        if wanted.get("tags"):
            self.client.add_tags(id_, wanted["tags"], wanted.get("workspace_id"))
            detail = power.look()
        running = wanted.get("running")
        if running is None or running == (status_of(detail) == RUNNING):
            return detail
        return power.reach(running, "create")

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Change in place whatever needs it, with the stops and starts in between; raises PartialFailure."""
        wanted = self.declared(news)
        done, power = dict(olds), self._power(id_, wanted)
        with keeping(id_, lambda: {**done, **computed(power.last)}, "the notebook was changed in part"):
            detail = power.settled("update")
            if status_of(detail) in LIFE.stillborn:
                raise _failed_create(id_, self.declared(olds), detail)
            paths = [str(change) for change in self._changes(olds, news)[2]]
            paths += self.deviations(wanted, inputs_in(detail, wanted))
            names = dict.fromkeys(re.split(r"[.\[]", path)[0] for path in paths)
            work = _Change(self, id_, power, wanted, names, done, status_of(detail) == RUNNING)
            detail = work.carried_out(self.declared(olds), detail)
        return UpdateResult({**self.lasting(olds, wanted), **wanted, **computed(detail)})

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Delete and wait until it is gone, stopped first where the service insists; gone already is success."""
        for loss in self.losses(props):
            current_call().report(loss)
        sent = False

        def look() -> Detail | None:
            nonlocal sent
            try:
                seen = self.client.notebook(id_)
                status = status_of(seen)
                if status == "DELETE_FAILED" and sent:
                    raise self._power(id_, {}).failure(seen)
                if status in LIFE.gone or not LIFE.at_rest(status):
                    return seen
                try:
                    self.client.delete_notebook(id_)
                    sent = True
                except WrongStatusError:
                    # The pages want it stopped first, the service usually does not (6.3).
                    if status == RUNNING:
                        self._power(id_, {}).reach(False, "delete")
                        return self.client.notebook(id_)
                return self.client.notebook(id_)
            except NotFoundError:
                return None

        wait_until(
            look,
            lambda seen: seen is None or status_of(seen) == "DELETED",
            progress=lambda seen: f"the notebook {status_of(seen or {})}",
            every=READY_POLL,
            limit=READY_LIMIT,
            doing="delete",
        )

    # --- reading

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What it looks like now; no ID when it is gone."""
        try:
            detail = self.client.notebook(id_)
        except NotFoundError:
            return GONE
        if status_of(detail) == "DELETED":
            return GONE
        recorded = self.declared(props)
        outputs = {**self.lasting(props, recorded), **computed(detail)}
        return self.seen(str(detail.get("id") or id_), props, inputs_in(detail, recorded), outputs)

    def find(self, props: dict[str, Any]) -> ReadResult:
        """The notebook that an interrupted create of these inputs left: the newest that bears their mark.

        An older one may bear it too: what is being replaced just now. Where the newest is of another make, in ways that
        only a replacement can change, it is that, and the interrupted create had made nothing.
        """
        wanted = self.declared(props)
        item = next(iter(self._marked(wanted)), None)
        found = self.read(str(item["id"]), wanted) if item else GONE
        if found.id and ResourceType.diff(self, found.id, found.outs, props).replaces:
            return GONE
        return found

    def list(self) -> Iterator[Found]:
        """Every notebook that the credentials may see."""
        try:
            items = self.client.notebooks(everyones=True)
        except ForbiddenError:  # Seeing everybody's is a permission of its own.
            items = self.client.notebooks()
        for item in items:
            if item.get("id") and status_of(item) not in LIFE.gone:
                outs = {name: value for name, value in computed(item).items() if name not in ("token", "url")}
                yield Found(self.token, str(item["id"]), str(item.get("name", "")), status_of(item), outs)

    def _marked(self, wanted: Tree) -> list[Detail]:
        """The notebooks that bear the mark of these inputs, newest first."""
        description = _description(wanted)
        mark = _MARK.search(description)
        items = [
            item
            for item in self.client.notebooks(name=wanted["name"])
            if item.get("id") and item.get("name") == wanted["name"] and status_of(item) not in LIFE.gone
        ]
        if mark is None:  # There was no room for it, so the text itself, some 500 characters, has to do.
            ours = [item for item in items if (item.get("description") or "") == description]
        else:
            ours = [item for item in items if str(item.get("description") or "").endswith(mark[0].lstrip())]
        return sorted(ours, key=lambda item: _number(item.get("create_at")), reverse=True)

    def _power(self, id_: str, wanted: Tree) -> Power:
        lease = _lease(wanted)
        return Power(
            "the notebook",
            LIFE,
            lambda: self.client.notebook(id_),
            lambda: self.client.start_notebook(id_, lease.get("duration"), lease.get("type")),
            lambda: self.client.stop_notebook(id_),
            told,
        )

    @staticmethod
    def _id_of(made: Detail) -> str:
        from providers.modelarts.client import id_of

        return id_of(made)


# --- one update -------------------------------------------------------------------------------------------------------


@dataclass
class _Change:
    """One update under way: `names` are the inputs that differ, `done` the outputs to record should it stop here."""

    of: Notebooks
    id: str
    power: Power
    wanted: Tree
    names: Mapping[str, Any]
    done: Tree
    runs: bool
    leased: bool = False

    def carried_out(self, old: Tree, detail: Detail) -> Detail:
        """The notebook with everything as wanted."""
        ends_up = self.wanted.get("running", self.runs)
        at_once = [name for name in AT_ANY_TIME if name in self.names]
        still = [name for name in WHILE_STOPPED if name in self.names]
        if self.runs:
            self._set(at_once)
            self._grow(detail)
            if still:
                self._reach(False)
            self._set(still)
        else:
            self._set([*at_once, *still])
            self._grow(detail)
        self._reach(ends_up)
        self._renew()
        self._tag(old)
        return self.power.look()

    def _reach(self, running: bool) -> None:
        if self.runs == running:
            return
        self.power.reach(running, "update")
        self.leased = self.leased or running
        self.runs = running

    def _set(self, names: list[str]) -> None:
        if names:
            current_call().report(f"changing {_listed(names)}")
            self._put({name: _on_the_wire(name, self.wanted) for name in names})
            self._did(names)

    def _put(self, body: Tree) -> None:
        """Send an update. In the status where the service refuses it, the other one is tried (6.3)."""
        try:
            self.of.client.update_notebook(self.id, body)
        except WrongStatusError:
            self._reach(not self.runs)
            self.of.client.update_notebook(self.id, body)

    def _did(self, names: list[str]) -> None:
        for name in names:
            self.done.pop(name, None)
        self.done.update({name: self.wanted[name] for name in names if name in self.wanted})

    def _grow(self, detail: Detail) -> None:
        """Let the volume grow to the wanted size, in steps that the service accepts, and wait for each."""
        size = self.wanted["volume"].get("capacity")
        if "volume" not in self.names or size is None:
            return
        there = _number((detail.get("volume") or {}).get("capacity"))
        if there == size:
            return
        if size < there:
            raise RefusedError(
                f"the volume has {there:.0f} GB and cannot shrink to {size} GB",
                path="volume.capacity",
                why="ModelArts lets volumes grow only. Trying again does not help.",
                remedy=f"give capacity {there:.0f}, or replace the notebook, which loses what is on the volume",
                reference="volume-shrinks",
            )
        self._reach(True)
        first = int(there) + GROWTH_STEP if there else size
        for step in [*range(first, size, GROWTH_STEP), size]:
            current_call().report(f"letting the volume grow to {step} GB")
            self._put({"storage_new_size": step})
            self._await_volume(step)
        self._did(["volume"])

    def _await_volume(self, size: int) -> None:
        def grown(seen: Detail) -> bool:
            volume = seen.get("volume") or {}
            return str(volume.get("status") or "") not in VOLUME_BUSY and _number(volume.get("capacity")) >= size

        wait_until(
            self.power.look,
            grown,
            progress=lambda seen: f"volume {(seen.get('volume') or {}).get('status', '')}",
            every=READY_POLL,
            limit=READY_LIMIT,
            doing="update",
        )

    def _renew(self) -> None:
        """Let a running notebook's time begin anew with the new lease, unless a start has just done so."""
        names = [name for name in ("duration", "lease") if name in self.names]
        if not names:
            return
        lease = _lease(self.wanted)
        if self.runs and not self.leased and lease:
            current_call().report("renewing the lease")
            self.of.client.renew_lease(self.id, lease)
        elif not self.runs:
            current_call().report("the new lease counts from the next start")
        self._did(names)

    def _tag(self, old: Tree) -> None:
        if "tags" not in self.names:
            return
        before, after = old.get("tags") or {}, self.wanted.get("tags") or {}
        workspace = self.wanted.get("workspace_id")
        gone = {key: value for key, value in before.items() if key not in after}
        if gone:
            self.of.client.delete_tags(self.id, gone, workspace)
        if after:
            self.of.client.add_tags(self.id, after, workspace)
        self._did(["tags"])


# --- requests ---------------------------------------------------------------------------------------------------------


def _body(wanted: Tree) -> Tree:
    """The body of a create."""
    body = {name: value for name, value in wanted.items() if name not in OURS}
    lease = {name: value for name, value in (wanted.get("lease") or {}).items() if name != "renew"}
    body.pop("lease", None)
    return {**body, **({"lease": lease} if lease else {}), "description": _description(wanted)}


def _on_the_wire(name: str, wanted: Tree) -> Any:
    if name == "description":
        return _description(wanted)
    return wanted.get(name, [] if name == "endpoints" else {})


def _lease(wanted: Tree) -> Tree:
    """The lease as start and renewal want it."""
    if "duration" in wanted:
        return {"duration": wanted["duration"]}
    return {name: value for name, value in (wanted.get("lease") or {}).items() if name != "renew"}


def _description(wanted: Tree) -> str:
    """The description with the mark, where there is room for both."""
    marker = wanted.get("marker")
    if marker is None:
        digest = int.from_bytes(hashlib.sha256(canonical_json(wanted).encode()).digest()[:10], "big")
        marker = f"{digest:x}"
    text = wanted.get("description") or ""
    marked = f"{text} (workstead {marker})".lstrip() if text else f"(workstead {marker})"
    return marked if len(marked) <= schema.DESCRIPTION_LIMIT else text


def unmarked(description: str) -> str:
    """A description without its mark."""
    return _MARK.sub("", description)


# --- answers in our words ---------------------------------------------------------------------------------------------


def inputs_in(detail: Mapping[str, Any], recorded: Mapping[str, Any]) -> Tree:
    """The inputs in an answer. What the answer leaves out stays as recorded."""
    seen: Tree = {
        name: detail.get(name, recorded.get(name))
        for name in ("name", "description", "flavor", "feature", "workspace_id")
    }
    if "description" in detail:
        seen["description"] = unmarked(str(detail["description"] or ""))
    seen["image_id"] = (detail.get("image") or {}).get("id") or recorded.get("image_id")
    seen["pool_id"] = (detail.get("pool") or {}).get("id") if "pool" in detail else recorded.get("pool_id")
    seen["volume"] = _volume(detail.get("volume"), recorded.get("volume") or {})
    seen["endpoints"] = _endpoints(detail, recorded.get("endpoints"))
    seen["tags"] = _tags(detail, recorded.get("tags"))
    if recorded:
        # An import says nothing of power: it is looked after only where a program asks for it.
        seen["running"] = LIFE.is_up(status_of(detail)) if status_of(detail) else recorded.get("running")
    return {name: value for name, value in seen.items() if value is not None}


def _volume(theirs: Any, ours: Mapping[str, Any]) -> Tree | None:
    if not isinstance(theirs, dict) or not theirs:
        return dict(ours) or None
    managed = str(theirs.get("ownership") or "MANAGED").upper() == "MANAGED"
    # A managed volume's address, ID and folder are the service's choice, which an import need not repeat.
    names = ["category", "ownership", "capacity", "read_only"]
    if ours or not managed:
        names += ["uri", "id", "mount_path"]
    found = {name: theirs[name] for name in names if theirs.get(name) is not None}
    for name in ours:
        found.setdefault(name, ours[name])
    if str(found.get("mount_path")).rstrip("/") == str(ours.get("mount_path")).rstrip("/"):
        found["mount_path"] = ours.get("mount_path")
    return {name: value for name, value in found.items() if value is not None}


def _endpoints(detail: Mapping[str, Any], ours: Any) -> Any:
    """Those that were given, without the address and the service's other additions; on an import those with a key."""
    if "endpoints" not in detail:
        return ours
    theirs = {
        str(item.get("service") or "").upper(): {
            name: item[name] for name in ("service", "key_pair_names", "allowed_access_ips") if item.get(name)
        }
        for item in detail["endpoints"] or []
        if isinstance(item, dict)
    }
    if ours:
        services = [str(item.get("service") or "").upper() for item in ours if isinstance(item, dict)]
        return [theirs[service] for service in services if service in theirs]
    return [item for item in theirs.values() if item.get("key_pair_names")] or None


def _tags(detail: Mapping[str, Any], ours: Any) -> Any:
    """Those that were given; on an import all but the service's own. Other people's tags are none of our business."""
    if "tags" not in detail:
        return ours
    there = {
        str(item["key"]): str(item.get("value") or "")
        for item in detail["tags"] or []
        if isinstance(item, dict) and "key" in item
    }
    if ours:
        return {key: there[key] for key in ours if key in there}
    return {key: value for key, value in there.items() if not key.startswith(schema.SYSTEM_TAGS)} or None


def computed(detail: Mapping[str, Any]) -> Tree:
    """The outputs in an answer: every member under its own name, those that are also inputs in `answered`."""
    outs = {name: detail.get(name) for name in Notebooks.outputs if name != "answered"}
    answered = {
        name: detail[name]
        for name in ("feature", "flavor", "workspace_id", "lease", "volume", "endpoints", "tags")
        if detail.get(name) is not None
    }
    return {name: value for name, value in {**outs, "answered": answered}.items() if value is not None}


def told(detail: Mapping[str, Any]) -> str:
    """What an answer says beyond its status: why it failed, or which of its four stages it is in."""
    if detail.get("fail_reason"):
        return str(detail["fail_reason"])
    steps = [item for item in detail.get("action_progress") or [] if isinstance(item, dict)]
    current = next((item for item in steps if item.get("status") in ("PROCESSING", "FAILED")), None)
    if current is None or status_of(detail) not in LIFE.rising | LIFE.failed:
        return ""
    stage = current.get("description") or current.get("step_description")
    return f"stage {current.get('step', '?')} of {len(steps)}{f', {stage}' if stage else ''}"


def _failed_create(id_: str, wanted: Tree, detail: Detail) -> PartialFailure:
    failure = PartialFailure(
        f"the notebook is {status_of(detail)}: {told(detail) or 'the service gives no reason'}",
        id=id_,
        outs={**wanted, **computed(detail)},
        tainted=True,
        why="The notebook exists, but it never worked. It is recorded, so that the next up replaces it.",
        remedy="put right what the reason says, then run again",
    )
    failure.reference = "create-failed"
    return failure


def _answered(olds: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = (olds.get("answered") or {}).get(name)
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _listed(names: list[str]) -> str:
    names = [name.removesuffix("_id") for name in names]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
