"""What both types share: a client opened late, outputs that tick, and what a recorded status means for a diff."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from engine.core.contract import DiffResult
from engine.core.diff import Change, Kind
from engine.core.values import UNKNOWN
from providers.base import ResourceType, Tree
from providers.modelarts.provider.power import RUNNING, Life

if TYPE_CHECKING:
    from providers.modelarts.client import Client

_opening = threading.Lock()


class ModelArtsType(ResourceType):
    """What both types need."""

    life: ClassVar[Life]
    volatile: ClassVar[frozenset[str]] = frozenset()
    """Outputs that change of themselves (specification 8.2): nobody is promised what they will be."""
    _opened: Client | None = None

    @property
    def client(self) -> Client:
        """The API client, opened now if need be; only here is loaded what calls need."""
        if self._opened is None:
            from providers.modelarts.client import open_client

            with _opening:
                if self._opened is None:
                    assert self.config is not None, "configure was not called"
                    self._opened = open_client(self.config)
        return self._opened

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
