"""Waiting: what has a status is waited for, and what ends badly is recorded as such (specification 5.3, 6.3, 7.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from engine.core.contract import DiffResult, PartialFailure
from engine.core.diff import Kind
from engine.core.errors import CloudError
from providers.base import Tree, current_call, wait_until
from providers.sagemaker.errors import InUseError
from providers.sagemaker.provider.calls import Key, SageMakerType

if TYPE_CHECKING:
    from providers.sagemaker.client import Client

GOING: Final = "Deleting"
"""The status of what is being deleted."""
POLL: Final = 10.0
"""Seconds between two looks at an object that is changing, at most."""
CHILDREN_GO_WITHIN: Final = 10 * 60.0
"""Seconds in which what still is in an object's way may finish going."""


class WithStatus(SageMakerType):
    """A type whose objects go through statuses."""

    status_member: ClassVar[str] = "Status"
    busy: ClassVar[frozenset[str]] = frozenset({"Pending", "Updating", GOING})
    failed: ClassVar[frozenset[str]] = frozenset({"Failed"})
    ready_limit: ClassVar[float] = 10 * 60.0
    """Seconds until an object has to be usable, if the customer gives no limit."""
    gone_limit: ClassVar[float] = 20 * 60.0
    """Seconds until an object has to be gone."""

    def status(self, content: Mapping[str, Any]) -> str:
        """The status in a description."""
        return str(content.get(self.status_member) or "")

    def reason(self, content: Mapping[str, Any]) -> str:
        """Why an object has failed, in the service's words."""
        return str(content.get("FailureReason") or "no reason was given").rstrip(".")

    @property
    def status_output(self) -> str:
        """The recorded name of the status."""
        return self.recorded("status")

    # --- a failed object is replaced

    def diff(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> DiffResult:
        """As in the base; an object that has failed since is replaced."""
        result = super().diff(id_, olds, news)
        if olds.get(self.status_output) not in self.failed:
            return result
        first = self._collides(*self._changes(olds, news)[:2])
        why = olds.get(self.recorded("failure_reason")) or "see the console"
        return DiffResult(
            changes=True,
            replaces=[*result.replaces, self.status_output],
            delete_before_replace=True if first or result.delete_before_replace else None,
            detailed_diff={**(result.detailed_diff or {}), self.status_output: Kind.UPDATE_REPLACE.value},
            note="; ".join(filter(None, (result.note, f"it has failed: {why}"))),
        )

    # --- waiting

    def await_settled(self, client: Client, key: Key, limit: float) -> Tree | None:
        """The description once nothing is going on; None when it is gone."""
        return wait_until(
            lambda: self.describe(client, key),
            lambda seen: seen is None or self.status(seen) not in self.busy,
            progress=lambda seen: f"{self.noun} {self.status(seen or {})}",
            every=POLL,
            limit=limit,
        )

    def settled(self, client: Client, key: Key) -> Tree | None:
        """The description once nothing is going on any more."""
        return self.await_settled(client, key, self.ready_limit)

    def require_usable(self, content: Tree, outs: Callable[[], Tree]) -> None:
        """Raise PartialFailure, tainted, when the object has failed: only replacing it helps."""
        if self.status(content) in self.failed:
            raise PartialFailure(
                f"the {self.noun} is {self.status(content)}: {self.reason(content)}",
                id=self.id_of(content),
                outs=outs(),
                tainted=True,
                remedy="mend what the reason names; the next up replaces it",
            )

    # --- deleting

    def is_going(self, content: Mapping[str, Any]) -> bool:
        """As its status says."""
        return self.status(content) == GOING

    def standing(self, client: Client, key: Key) -> Tree | None:
        """The object; None when there is none. Waits for a deletion to end, which leaves none, or one that failed."""
        return wait_until(
            lambda: self.describe(client, key),
            lambda seen: seen is None or not self.is_going(seen),
            progress=lambda seen: f"{self.noun} {self.status(seen or {})}",
            every=POLL,
            limit=self.gone_limit,
            doing="delete",
        )

    def await_gone(self, client: Client, key: Key) -> None:
        """Return when it is gone. Raises CloudError when the deletion has failed."""
        content = self.standing(client, key)
        if content is not None:
            raise CloudError(
                f"the {self.noun} {self.id_of(content)} could not be deleted: it is {self.status(content)}",
                why=f"{self.reason(content)}.",
                remedy="mend what the reason names, then run again",
                reference="delete-failed",
            )

    def end(self, client: Client, key: Key, props: Mapping[str, Any]) -> None:
        """Have it deleted; wait for what is going on in it, and for children that are on their way out."""
        content = self.await_settled_for_delete(client, key)
        if content is None:
            return
        call = current_call("delete").with_limit(CHILDREN_GO_WITHIN)
        pause = 0.5
        while True:
            try:
                self.ask_to_end(client, key, props)
                return
            except InUseError as error:
                children = list(self.children(client, key))
                if not children or not all(going for _, going in children):
                    raise self._in_the_way(error, [name for name, going in children if not going]) from error
                call.pause(pause, f"waiting for {', '.join(name for name, _ in children)}")
                pause = min(pause * 1.5, POLL)

    def await_settled_for_delete(self, client: Client, key: Key) -> Tree | None:
        """Nothing is deleted while it is being made or changed; what is going already is as good as deleted."""
        return wait_until(
            lambda: self.describe(client, key),
            lambda seen: seen is None or self.status(seen) not in self.busy or self.is_going(seen),
            progress=lambda seen: f"{self.noun} {self.status(seen or {})}",
            every=POLL,
            limit=self.ready_limit,
            doing="delete",
        )

    def ask_to_end(self, client: Client, key: Key, props: Mapping[str, Any]) -> None:
        """The delete call itself."""
        del props
        client.call(self.delete_operation, **key)

    def children(self, client: Client, key: Key) -> Iterable[tuple[str, bool]]:
        """What is in an object's way: (what it is, whether it is going)."""
        del client, key
        return ()

    def _in_the_way(self, error: InUseError, names: list[str]) -> InUseError:
        if not names:
            return error
        shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
        return InUseError(
            error.summary,
            why=f"In its way: {shown}. This stack does not manage them, or keeps them.",
            remedy="delete them, or keep this one with the option retain_on_delete; then run again",
        )
