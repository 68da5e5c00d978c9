"""Notebooks: today's API (specification 6).

Names are not unique there, so a notebook is found again by a mark: its description on the wire ends in
`(workstead <marker>)`. The marker is an input that the class makes from the URN; where there is none, it is made from
all inputs. The mark is taken off again when a description is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from engine.core.contract import GONE, CreateResult, Found, ReadResult, UpdateResult
from engine.core.diff import Change
from engine.core.errors import CloudError
from providers.base import ReplaceRule, ResourceType, Tree, create_once, current_call, keeping
from providers.errors import ForbiddenError
from providers.modelarts.errors import WrongStatusError
from providers.modelarts.provider.calls import ModelArtsType, id_of, power_notes
from providers.modelarts.provider.notebook_answers import (
    LIFE,
    OUTPUTS,
    answered,
    as_large_as_declared,
    computed,
    inputs_in,
    listed,
    number,
    told,
)
from providers.modelarts.provider.notebook_change import WHILE_STOPPED, NotebookChange
from providers.modelarts.provider.notebook_requests import MARK, create_body, description_of, lease_of
from providers.modelarts.provider.power import DELETED, RUNNING, Detail, Power, status_of
from providers.modelarts.schema import notebooks as schema

if TYPE_CHECKING:
    from providers.modelarts.client import Client


class Notebooks(ModelArtsType):
    """Notebooks. The ID is the service's; several may have the same name."""

    token = "pulumi-python:dynamic/modelarts:Notebook"
    marker = "the mark in its description"
    schema = schema.Notebook
    outputs: ClassVar = dict.fromkeys((*OUTPUTS, "answered", "project_id"), ())
    volatile = frozenset(outputs) - {"create_at", "pool", "user", "user_id", "project_id"}
    replace_rules = (
        ReplaceRule(
            path="volume.capacity",
            when=lambda before, after: after < before,
            why="a volume cannot shrink",
        ),
    )
    life = LIFE
    what = "notebook"

    # --- what a change means

    def _changes(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> tuple[Tree, Tree, tuple[Change, ...]]:
        """As for any type; a size that was left to the service so far is compared with what it chose."""
        recorded, volume = olds.get("volume"), answered(olds, "volume")
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
        size = volume.get("capacity") or answered(olds, "volume").get("capacity")
        return [f"the contents of its {volume['category']} volume{f' ({size} GB)' if size else ''} are lost"]

    def between(self, olds: Mapping[str, Any], new: Tree, found: tuple[Change, ...]) -> list[str]:
        """Stops and starts between the changes (6.3), as far as the record tells how it stands."""
        names = {str(change.path[0]) for change in found}
        runs, wanted = olds.get("status") == RUNNING, new.get("running")
        still = [name for name in WHILE_STOPPED if name in names]
        grows = "volume" in names
        ends_up = runs if wanted is None else wanted
        if still and runs:
            text = f"{listed(still)} can change only while it is stopped: it is stopped, changed"
            return [f"{text} and started again" if ends_up else f"{text} and stays stopped"]
        if grows and not runs:
            text = "a volume grows only while it runs: it is started for that"
            return [text if ends_up else f"{text} and stopped again"]
        notes = power_notes(olds, new, found)
        if {"lease", "duration"} & names:
            notes.append("its time begins anew" if runs and ends_up else "the new lease counts from its next start")
        return notes

    # --- writing

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create and wait until it is usable, or stopped again where that is asked for."""
        wanted = self.declared(props)
        before = {item["id"] for item in self._marked(wanted)}
        id_ = create_once(
            lambda: id_of(self.client.create_notebook(create_body(wanted))),
            lambda: next((item["id"] for item in self._marked(wanted) if item["id"] not in before), None),
            "the notebook",
            within=self.lag(),
        )
        power = self._power(id_, wanted)
        power.last["status"] = "CREATING"
        unready = "the notebook was created, but is not ready"
        with keeping(id_, lambda: {**wanted, **self.outputs_of(power.last)}, unready):
            detail = self._finished(id_, power, wanted)
        return CreateResult(id_, {**wanted, **self.outputs_of(detail)})

    def _finished(self, id_: str, power: Power, wanted: Tree) -> Detail:
        """The notebook once its creation has ended, with its tags and power. Raises a tainted PartialFailure."""
        detail = power.settled("create")
        if status_of(detail) == "FROZEN":
            raise power.failure(detail)
        if status_of(detail) in LIFE.failed:
            raise self.stillborn(id_, wanted, detail)
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
        self.of_project(olds)
        done, power = dict(olds), self._power(id_, wanted)
        detail = power.settled("update")
        if status_of(detail) in LIFE.stillborn:
            raise self.stillborn(id_, self.declared(olds), detail)
        with keeping(id_, lambda: {**done, **self.outputs_of(power.last)}, "the notebook was changed in part"):
            paths = [str(change) for change in self._changes(olds, news)[2]]
            paths += self.deviations(wanted, inputs_in(detail, wanted))
            names = dict.fromkeys(re.split(r"[.\[]", path)[0] for path in paths)
            work = NotebookChange(self.client, id_, power, wanted, names, done, status_of(detail) == RUNNING)
            detail = work.carried_out(self.declared(olds), detail)
        return UpdateResult({**self.lasting(olds, wanted), **wanted, **self.outputs_of(detail)})

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Delete and wait until it is gone, stopped first where the service insists; gone already is success."""
        self.of_project(props)
        for loss in self.losses(props):
            current_call().report(loss)
        sent = False

        def look() -> Detail:
            nonlocal sent
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

        self.remains(look, lambda status: status == DELETED)

    # --- reading

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What it looks like now; no ID when it is gone, which one that is being deleted is waited to be."""
        detail = self.standing(id_, props)
        if detail is None:
            return GONE
        recorded = self.declared(props)
        observed = as_large_as_declared(inputs_in(detail, recorded), recorded)
        return self._seen(id_, props, observed, detail)

    def detail(self, client: Client, id_: str) -> Detail:
        """The notebook itself."""
        return client.notebook(id_)

    def _seen(self, id_: str, props: Mapping[str, Any], observed: Tree, detail: Detail) -> ReadResult:
        outputs = {**self.lasting(props, self.declared(props)), **self.outputs_of(detail)}
        return self.seen(str(detail.get("id") or id_), props, observed, outputs)

    def find(self, props: dict[str, Any]) -> ReadResult:
        """The notebook that an interrupted create of these inputs left: the newest that bears their mark.

        An older one may bear it too: what is being replaced just now. Where the newest is of another make, in ways that
        only a replacement can change, it is that, and the interrupted create had made nothing.
        """
        wanted = self.declared(props)
        for item in self._marked(wanted)[:1]:
            detail = self.standing(item["id"], wanted)
            if detail is None:
                continue
            found = self._seen(item["id"], wanted, inputs_in(detail, wanted), detail)
            if not ResourceType.diff(self, found.id, found.outs, props).replaces:
                return found
        return GONE

    def locate(self, props: dict[str, Any]) -> str:
        """The ID of the notebook of that name with our mark or none: another mark says that it is another stack's."""
        wanted = self.declared(props)
        own = MARK.search(description_of(wanted))
        items = [
            item
            for item in self._named(wanted)
            if (mark := MARK.search(str(item.get("description") or ""))) is None
            or (own is not None and mark["marker"] == own["marker"])
        ]
        if len(items) > 1:
            raise CloudError(
                f"there are {len(items)} notebooks named {wanted['name']!r}",
                why="Names are not unique in ModelArts, so it cannot be told which one is meant: "
                f"{', '.join(str(item['id']) for item in items)}.",
                remedy="name the one to take over with the option import_",
                reference="adoption-ambiguous",
            )
        return str(items[0]["id"]) if items else ""

    def list(self) -> Iterator[Found]:
        """Every notebook that the credentials may see."""
        for item in self._visible():
            if item.get("id") and status_of(item) not in LIFE.gone:
                outs = {name: value for name, value in computed(item).items() if name not in ("token", "url")}
                yield Found(self.token, str(item["id"]), str(item.get("name", "")), status_of(item), outs)

    def _visible(self, name: str | None = None, workspace_id: str | None = None) -> list[Detail]:
        """Everybody's, so that one goes on where a colleague was interrupted; seeing them is a permission apart."""
        try:
            return self.client.notebooks(name=name, workspace_id=workspace_id, everyones=True)
        except ForbiddenError:
            return self.client.notebooks(name=name, workspace_id=workspace_id)

    def _named(self, wanted: Tree) -> list[Detail]:
        """The notebooks of that name, whoever made them."""
        return [
            item
            for item in self._visible(name=wanted["name"], workspace_id=wanted.get("workspace_id"))
            if item.get("id") and item.get("name") == wanted["name"] and status_of(item) not in LIFE.gone
        ]

    def _marked(self, wanted: Tree) -> list[Detail]:
        """The notebooks that bear the mark of these inputs, newest first."""
        description = description_of(wanted)
        mark = MARK.search(description)
        items = self._named(wanted)
        if mark is None:  # There was no room for it, so the text itself, some 500 characters, has to do.
            ours = [item for item in items if (item.get("description") or "") == description]
        else:
            ours = [item for item in items if str(item.get("description") or "").endswith(mark[0].lstrip())]
        return sorted(ours, key=lambda item: number(item.get("create_at")), reverse=True)

    def computed(self, detail: Detail) -> Tree:
        """The outputs in an answer."""
        return computed(detail)

    def told(self, detail: Detail) -> str:
        """Why it failed, or how far it is."""
        return told(detail)

    def _power(self, id_: str, wanted: Tree) -> Power:
        lease = lease_of(wanted)
        return Power(
            "the notebook",
            LIFE,
            lambda: self.client.notebook(id_),
            lambda: self.client.start_notebook(id_, lease.get("duration"), lease.get("type")),
            lambda: self.client.stop_notebook(id_),
            told,
        )
