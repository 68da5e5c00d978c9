"""Development environment instances: the demanager API (specification 5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from engine.core.contract import GONE, CheckResult, CreateResult, Found, ReadResult, UpdateResult
from engine.core.diff import Change
from engine.core.errors import CloudError
from providers.base import ResourceType, Tree, create_once, current_call, keeping
from providers.errors import RefusedError
from providers.modelarts.errors import WrongStatusError
from providers.modelarts.provider.calls import ModelArtsType, id_of, power_notes
from providers.modelarts.provider.instance_answers import BESIDES, LIFE, OUTPUTS, computed, inputs_in, told
from providers.modelarts.provider.power import DELETED, RUNNING, Detail, Power, status_of
from providers.modelarts.schema import instances as schema

if TYPE_CHECKING:
    from providers.modelarts.client import Client


class DevEnvInstances(ModelArtsType):
    """Development environment instances. The ID is the service's; names are unique in a project."""

    token = "pulumi-python:dynamic/modelarts:DevEnvInstance"
    schema = schema.DevEnvInstance
    outputs: ClassVar = dict.fromkeys((*OUTPUTS, *BESIDES, "project_id"), ())
    volatile = frozenset(outputs) - {"creation_timestamp", "profile", "user", "project_id"}
    marker = "its name"
    identity = ("name",)
    life = LIFE
    what = "instance"

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
        for there in self._all_named(name, workspace):
            if self.standing(str(there["id"]), {}) is not None:
                raise _taken(name, there)
        body = {member: value for member, value in wanted.items() if member != "running"}
        id_ = create_once(
            lambda: id_of(self.client.create_instance(body)),
            lambda: (self._named(name, workspace) or {}).get("id"),
            "the instance",
            within=self.lag(),
        )
        power = self._power(id_)
        power.last["status"] = "CREATING"
        unready = "the instance was created, but is not ready"
        with keeping(id_, lambda: {**wanted, **self.outputs_of(power.last)}, unready):
            detail = self._finished(id_, power, wanted)
        return CreateResult(id_, {**wanted, **self.outputs_of(detail)})

    def _finished(self, id_: str, power: Power, wanted: Tree) -> Detail:
        """The instance once its creation has ended and its power is as wanted. Raises a tainted PartialFailure."""
        detail = power.settled("create")
        if status_of(detail) in LIFE.failed:
            raise self.stillborn(id_, wanted, detail)
        running = wanted.get("running")
        if running is None or running == (status_of(detail) == RUNNING):
            return detail
        return power.reach(running, "create")

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Change description and auto-stop in place, then start or stop it as wanted."""
        wanted = self.declared(news)
        self.of_project(olds)
        done, power = dict(olds), self._power(id_)
        detail = power.settled("update")
        if status_of(detail) in LIFE.stillborn:
            raise self.stillborn(id_, self.declared(olds), detail)
        with keeping(id_, lambda: {**done, **self.outputs_of(power.last)}, "the instance was changed in part"):
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
        return UpdateResult({**self.lasting(olds, wanted), **wanted, **self.outputs_of(detail)})

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
        self.of_project(props)
        for loss in self.losses(props):
            current_call().report(loss)

        def look() -> Detail:
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

        self.remains(look, lambda status: status == DELETED)

    # --- reading

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What it looks like now; no ID when it is gone, which one that is being deleted is waited to be."""
        detail = self.standing(id_, props)
        return GONE if detail is None else self._seen(id_, props, detail)

    def detail(self, client: Client, id_: str) -> Detail:
        """The instance itself."""
        return client.instance(id_)

    def find(self, props: dict[str, Any]) -> ReadResult:
        """The instance that an interrupted create of these inputs left: of that name, and not of another make."""
        wanted = self.declared(props)
        item = self._named(wanted["name"], _workspace_of(wanted))
        found = self.read(str(item["id"]), wanted) if item else GONE
        # What could only be changed by a replacement was never what this create asked for.
        if found.id and ResourceType.diff(self, found.id, found.outs, props).replaces:
            return GONE
        return found

    def locate(self, props: dict[str, Any]) -> str:
        """The ID of the instance of that name in its workspace."""
        wanted = self.declared(props)
        item = self._named(wanted["name"], _workspace_of(wanted))
        return str(item["id"]) if item else ""

    def list(self) -> Iterator[Found]:
        """Every instance of the default workspace, whoever made it."""
        for item in self.client.instances():
            if item.get("id") and status_of(item) not in LIFE.gone:
                yield Found(
                    self.token, str(item["id"]), str(item.get("name", "")), status_of(item), outs=computed(item)
                )

    def _seen(self, id_: str, props: Mapping[str, Any], detail: Detail) -> ReadResult:
        recorded = self.declared(props)
        outputs = {**self.lasting(props, recorded), **self.outputs_of(detail)}
        return self.seen(str(detail.get("id") or id_), props, inputs_in(detail, recorded), outputs)

    def _named(self, name: str, workspace: str) -> Detail | None:
        """The list's entry of the instance of this name that is not being deleted."""
        items = self._all_named(name, workspace)
        return next((item for item in items if status_of(item) not in LIFE.gone), None)

    def _all_named(self, name: str, workspace: str) -> list[Detail]:
        items = self.client.instances(workspace)
        return [item for item in items if item.get("name") == name and item.get("id")]

    def computed(self, detail: Detail) -> Tree:
        """The outputs in an answer."""
        return computed(detail)

    def told(self, detail: Detail) -> str:
        """Why it failed, or how far it is."""
        return told(detail)

    def _power(self, id_: str) -> Power:
        return Power(
            "the instance",
            LIFE,
            lambda: self.client.instance(id_),
            lambda: self.client.act_on_instance(id_, "start"),
            lambda: self.client.act_on_instance(id_, "stop"),
            told,
        )


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
