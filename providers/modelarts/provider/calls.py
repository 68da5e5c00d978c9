"""What both types share: a client opened late, outputs that tick, and what a status means for a diff and a create."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from engine.core.contract import ConfigReader, DiffResult, PartialFailure
from engine.core.diff import Change, Kind
from engine.core.errors import CloudError, UsageError
from engine.core.values import UNKNOWN
from providers.base import OneClientType, Tree, wait_until
from providers.errors import NotFoundError
from providers.modelarts.provider.power import (
    DELETED,
    GOING,
    READY_LIMIT,
    READY_POLL,
    RUNNING,
    Detail,
    Life,
    status_of,
)

if TYPE_CHECKING:
    from providers.modelarts.client import Client


class ModelArtsType(OneClientType["Client"]):
    """What both types need."""

    what: ClassVar[str]
    """What a person calls an object of this type."""
    life: ClassVar[Life]
    volatile: ClassVar[frozenset[str]] = frozenset()
    """Outputs that change of themselves (specification 8.2): nobody is promised what they will be."""
    endpoints: ClassVar[tuple[str, ...]] = ("modelarts:endpoint",)

    def opened(self, config: ConfigReader) -> Client:
        """The API client; only here is loaded what calls need."""
        from providers.modelarts.client import open_client

        return open_client(config)

    def of_project(self, props: Mapping[str, Any]) -> Client:
        """The API client for a recorded object. Raises UsageError when the settings are those of another project.

        Another project knows nothing of the object and would say that it is gone.
        """
        recorded = props.get("project_id")
        if recorded and recorded != self.client.project_id:
            raise UsageError(
                f"this object is in the project {recorded}, and the settings are those of {self.client.project_id}",
                why="Another project would say that the object does not exist, and it would leave the record.",
                remedy="check modelarts:region and modelarts:projectId",
                reference="project-differs",
            )
        return self.client

    def standing(self, id_: str, props: Mapping[str, Any]) -> Detail | None:
        """The object; None when there is none. Waits for a deletion to end, which leaves none, or one that failed."""
        client = self.of_project(props)
        seen = self.remains(lambda: self.detail(client, id_), lambda status: status != GOING)
        return None if seen is None or status_of(seen) == DELETED else seen

    def remains(self, look: Callable[[], Detail], done: Callable[[str], bool]) -> Detail | None:
        """What a deletion leaves: the object once it is in a status that is `done`, or None once it is gone."""

        def there() -> Detail | None:
            try:
                return look()
            except NotFoundError:
                return None

        return wait_until(
            there,
            lambda seen: seen is None or done(status_of(seen)),
            progress=lambda seen: f"the {self.what} {status_of(seen or {})}",
            every=READY_POLL,
            limit=READY_LIMIT,
            doing="delete",
        )

    def detail(self, client: Client, id_: str) -> Detail:
        """The object as the API describes it. Raises NotFoundError."""
        raise NotImplementedError

    def predict(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Tree:
        """Outputs known before the call."""
        known = {name: value for name, value in super().predict(id_, olds, news).items() if name not in self.volatile}
        if id_ and olds.get("status") in self.life.unborn:
            known["status"] = UNKNOWN  # The one difference there may be, so it is shown.
        return known

    def diff(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> DiffResult:
        """What an update would mean, the steps in between told in `note`.

        Something recorded in the middle of its creation (by a run that was interrupted) is waited for; what turned out
        to have failed in it is replaced.
        """
        result = super().diff(id_, olds, news)
        old, new, found = self._changes(olds, news)
        status = str(olds.get("status") or "")
        if status in self.life.stillborn:
            result = _with_status(result, Kind.UPDATE_REPLACE, "its creation failed")
            result = replace(result, delete_before_replace=True if self._collides(old, new) else None)
        elif status in self.life.unborn and not result.replaces:
            result = _with_status(result, Kind.UPDATE, "its creation is waited for")
        if not result.changes:
            return result
        more = self.losses(olds) if result.replaces else self.between(olds, new, found)
        return replace(result, note="; ".join(filter(None, [result.note, *more])))

    def lasting(self, olds: Mapping[str, Any], declared: Tree) -> Tree:
        """The recorded outputs that stay what they are."""
        return {name: value for name, value in self.unaltered(olds, declared, ()).items() if name not in self.volatile}

    def computed(self, detail: Detail) -> Tree:
        """The outputs in an answer."""
        raise NotImplementedError

    def told(self, detail: Detail) -> str:
        """What an answer says beyond its status."""
        raise NotImplementedError

    def outputs_of(self, detail: Detail) -> Tree:
        """Every output that is not an input."""
        return {**self.computed(detail), "project_id": self.client.project_id}

    def stillborn(self, id_: str, wanted: Tree, detail: Detail) -> PartialFailure:
        """The error of a creation that failed: the object is there, and has to go."""
        failure = PartialFailure(
            f"the {self.what} is {status_of(detail)}: {self.told(detail) or 'the service gives no reason'}",
            id=id_,
            outs={**wanted, **self.outputs_of(detail)},
            tainted=True,
            why=f"The {self.what} exists, but it never worked. It is recorded, so that the next up replaces it.",
            remedy="put right what the reason says, then run again",
        )
        failure.reference = "create-failed"
        return failure

    def losses(self, olds: Mapping[str, Any]) -> list[str]:
        """What is lost when the object is deleted, as sentences for a person."""
        raise NotImplementedError

    def between(self, olds: Mapping[str, Any], new: Tree, found: tuple[Change, ...]) -> list[str]:
        """What else an update does between the changes, as sentences for a person."""
        raise NotImplementedError


def power_notes(olds: Mapping[str, Any], new: Tree, found: tuple[Change, ...]) -> list[str]:
    """What a change of `running` means."""
    if not any(change.path == ("running",) for change in found):
        return []
    if new.get("running") is None:
        return ["from now on its power is left alone"]
    runs = olds.get("status") == RUNNING
    if new["running"] == runs:
        return []
    return ["it is started"] if new["running"] else ["it is stopped"]


def _with_status(result: DiffResult, kind: Kind, note: str) -> DiffResult:
    return DiffResult(
        changes=True,
        replaces=[*result.replaces, *(["status"] if kind.replaces else [])],
        delete_before_replace=result.delete_before_replace,
        detailed_diff={**(result.detailed_diff or {}), "status": kind.value},
        note="; ".join(filter(None, [note, result.note])),
    )


def id_of(made: Mapping[str, Any]) -> str:
    """The ID in the answer to a create. Raises an uncertain CloudError when there is none."""
    found = made.get("id")
    if isinstance(found, str) and found:
        return found
    raise CloudError(
        "the service created something but did not say its ID",
        uncertain=True,
        retryable=True,
        remedy="run again: it is looked up",
        reference="id-missing",
    )
