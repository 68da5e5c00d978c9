"""The kill test itself: a round of it, and that it would see what it looks for. `.ci/run` does twenty rounds."""

from __future__ import annotations

from pathlib import Path

from engine.core.model import Drop, PendingKind, Put
from engine.state import open_backend
from engine.state.backend import Deployment, Holder
from tests.faults import kill


def test_killed_and_run_again_nothing_is_lost() -> None:
    found = kill.run(rounds=1, seed=20)
    assert found.rounds == 1
    assert found.is_clean, str(found)


def test_what_is_lost_or_there_twice_is_seen(tmp_path: Path) -> None:
    project = kill.Project(tmp_path)
    project.want(1, None)
    project.run(*kill.COMMANDS["up"], speed="instant")
    found = kill.Found()
    assert kill.compare(project, found) == []
    rows = {row.name: row for row in kill.snapshot_of(project).resources}
    workspaces = [row["id"] for row in project.file.objects() if row["type"] == "aiworkspace"]
    project.file.delete("dataforest", workspaces[0])
    record = open_backend(f"sqlite:///{project.folder.path}/.workstead/state.db").stack(kill.STACK)
    lease = record.acquire(Holder("test", "here", 1, "update"), seal=lambda _content: {})
    lease.start(Deployment("update"))
    forgotten, unfinished, twice = rows["tools"], rows["code"], rows["lab-steady"]
    lease.end(None, [Drop(forgotten.key, forgotten.urn), Put(unfinished.but(tainted=True))])
    lease.end(None, [Put(twice.but(key=lease.new_key(), delete=True))])
    lease.begin(PendingKind.UPDATING, rows["desk-steady"])
    lease.release()
    problems = kill.compare(project, found)
    project.file.close()
    assert (found.orphans, found.duplicates, found.unsettled) == (3, 1, 3), problems
    assert f"orphan: sagemaker {forgotten.id}" in problems
    assert f"recorded, but nowhere: dataforest {workspaces[0]}" in problems
    assert f"twice: record {twice.type} {twice.urn}" in problems
    assert f"pending: updating {rows['desk-steady'].urn}" in problems
    assert f"unfinished: {unfinished.urn}" in problems
