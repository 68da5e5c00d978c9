"""Status over time: how long each change takes, how it fails, what maintenance adds (spec 5.3, 6.3, 7.3, 17.3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from providers.emulation import Call, Stage, Turn

# A deleted app stays visible for a day, at any speed of the emulator (spec 6.3).
FORGOTTEN: Final = Stage(None, 86_400.0, scaled=False)

# Seconds; recorded are the notebook's (spec 5.3, of 2018) and a profile's (spec 8), the rest is [E].
SECONDS: Final[Mapping[tuple[str, str], float]] = {
    ("NotebookInstance", "create"): 240.0,
    ("NotebookInstance", "start"): 180.0,
    ("NotebookInstance", "stop"): 120.0,
    ("NotebookInstance", "update"): 30.0,
    ("NotebookInstance", "delete"): 60.0,
    ("Domain", "create"): 180.0,
    ("Domain", "update"): 20.0,
    ("Domain", "delete"): 120.0,
    ("UserProfile", "create"): 15.0,
    ("UserProfile", "update"): 10.0,
    ("UserProfile", "delete"): 15.0,
    ("Space", "create"): 10.0,
    ("Space", "update"): 10.0,
    ("Space", "delete"): 15.0,
    ("App", "create"): 90.0,
    ("App", "delete"): 60.0,
}
MAINTENANCE_SECONDS: Final = 60.0

# The switch that paces a type.
PACES: Final = {
    "NotebookInstance": "notebook-pace",
    "Domain": "domain-pace",
    "UserProfile": "user-profile-pace",
    "Space": "space-pace",
    "App": "app-pace",
}

NO_CAPACITY: Final = "Insufficient notebook instance capacity. Retry later or with a different instance type."
REASONS: Final[Mapping[str, str]] = {"NotebookInstance": NO_CAPACITY}  # spec 3.4; the other types' are not known
ANY_REASON: Final = "An internal error occurred. Try again later."  # [E]
FAILURES: Final = frozenset({"Failed", "Update_Failed", "Delete_Failed"})


def course(
    call: Call, type: str, change: str, *stages: str | Stage | None, failed: str, doomed: str = ""
) -> tuple[Turn, ...]:
    """The statuses an object takes of itself after this change; None: it is gone.

    `failed`: where a planned failure leads; `doomed`: why this change is bound to get there. Whatever ends in failure
    says why, whatever ends well no longer does.
    """
    seconds = SECONDS[type, change]
    planned = [each if isinstance(each, Stage) else Stage(each, seconds) for each in stages]
    if doomed:
        planned = [Stage(failed, seconds, {"FailureReason": doomed})]
    turns = call.course(*planned, pace=call.switch(PACES[type]), failed=failed)
    return tuple(_explained(type, turn) for turn in turns)


def maintained(call: Call, turns: tuple[Turn, ...], *stages: str) -> tuple[Turn, ...]:
    """The same with the service's own maintenance after it, when the switch asks for it (spec 5.3, 6.3)."""
    after = call.switch("maintenance")
    if after == "never" or turns[-1].status in FAILURES or (turns[-1].due is None and turns[-1].looks is None):
        return turns
    # when it depends on looks, nobody knows yet when the object is in service: maintenance counts from now
    due = (turns[-1].due or call.now) + float(after)
    seconds = call.speed.seconds(MAINTENANCE_SECONDS)
    return (*turns, *(Turn(status, due=due + at * seconds) for at, status in enumerate(stages)))


def _explained(type: str, turn: Turn) -> Turn:
    if turn.status in FAILURES:
        reason = REASONS.get(type, ANY_REASON)
        return replace(turn, changes={"FailureReason": reason, **turn.changes})
    return replace(turn, changes={**turn.changes, "FailureReason": None}) if turn.status else turn
