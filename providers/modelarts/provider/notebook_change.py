"""One update of a notebook: what changes while it runs, what while it is stopped, and the starts and stops between.

The order spares starts and stops: a running notebook first gets what it takes while it runs, a stopped one what needs
it stopped. Where the pages contradict each other the kinder reading is tried first (specification 6.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from providers.base import Tree, current_call, wait_until
from providers.errors import RefusedError
from providers.modelarts.errors import WrongStatusError
from providers.modelarts.provider.notebook_answers import listed, number
from providers.modelarts.provider.notebook_requests import lease_of, on_the_wire
from providers.modelarts.provider.power import READY_LIMIT, READY_POLL, Detail, Power

if TYPE_CHECKING:
    from providers.modelarts.client import Client

WHILE_STOPPED: Final = ("flavor", "image_id", "endpoints", "hooks")
"""What can change only while the notebook is stopped (6.3)."""
AT_ANY_TIME: Final = ("name", "description")
GROWTH_STEP: Final = 100
"""Gigabytes by which a volume may grow at once (the user guide, 6.5)."""
VOLUME_BUSY: Final = frozenset({"RESIZING", "INITIALIZING"})


@dataclass
class NotebookChange:
    """One update under way: `names` are the inputs that differ, `done` the outputs to record should it stop here."""

    client: Client
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
            current_call().report(f"changing {listed(names)}")
            self._put({name: on_the_wire(name, self.wanted) for name in names})
            self._did(names)

    def _put(self, body: Tree) -> None:
        """Send an update. In the status where the service refuses it, the other one is tried (6.3)."""
        try:
            self.client.update_notebook(self.id, body)
        except WrongStatusError:
            self._reach(not self.runs)
            self.client.update_notebook(self.id, body)

    def _did(self, names: list[str]) -> None:
        for name in names:
            self.done.pop(name, None)
        self.done.update({name: self.wanted[name] for name in names if name in self.wanted})

    def _grow(self, detail: Detail) -> None:
        """Let the volume grow to the wanted size, in steps that the service accepts, and wait for each."""
        size = self.wanted["volume"].get("capacity")
        if "volume" not in self.names or size is None:
            return
        there = number((detail.get("volume") or {}).get("capacity"))
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
            return str(volume.get("status") or "") not in VOLUME_BUSY and number(volume.get("capacity")) >= size

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
        lease = lease_of(self.wanted)
        if self.runs and not self.leased and lease:
            current_call().report("renewing the lease")
            self.client.renew_lease(self.id, lease)
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
            self.client.delete_tags(self.id, gone, workspace)
        if after:
            self.client.add_tags(self.id, after, workspace)
        self._did(["tags"])
