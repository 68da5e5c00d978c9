"""What a display costs, measured by hand: `python -m tests.views.speed [resources] [seconds]` in a terminal.

Plays a run in real time, 32 steps at once, to each view in turn and prints the processor time it took beyond the
playing itself. Never part of the test suite: seconds depend on the machine.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable

from engine.core import events
from engine.core.plan import Step
from engine.views import View, choose
from tests.views.scenes import create, ended, preview_of, root, state, tell, update


def _play(view: Callable[[events.Event], None], steps: list[Step], seconds: float) -> float:
    """The processor seconds of a run shown to a view."""
    spent = time.process_time()
    start = time.time()
    each = seconds * 32 / len(steps)
    pending, running = steps[::-1], []
    view(events.Began("update", "dev", "lab", False, start))
    while pending or running:
        now = time.time()
        for step, until in [item for item in running if item[1] <= now]:
            running.remove((step, until))
            view(events.StepEnded(step, now))
        while pending and len(running) < 32:
            step = pending.pop()
            view(events.StepBegan(step, now))
            running.append((step, now + each))
        for step, until in running[::4]:
            view(events.StepProgressed(step, f"Pending, {until - now:.1f} s to go", now))
        time.sleep(0.05)
    view(ended(steps, time.time() - start))
    return time.process_time() - spent


def main() -> None:
    """Print one line per view."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20.0
    steps = [create(root()), *(create(state(f"workspace-{number}")) for number in range(count))]
    found = [f"{count} resources in {seconds:.0f} s, 32 at once; processor seconds:"]
    nothing = _play(lambda _event: None, steps, seconds)
    for name, as_json, environ in (
        ("text", False, {**os.environ, "CI": "1"}),
        ("events", True, {}),
        ("live", False, {**os.environ, "CI": ""}),
    ):
        out = sys.stdout if name == "live" else io.StringIO()
        error = sys.stderr if name == "live" else io.StringIO()
        view: View = choose("up", stdout=out, stderr=error, environ=environ, as_json=as_json)
        spent = _play(view, steps, seconds) - nothing
        view.close()
        found.append(f"  {name}: {spent:.2f} ({100 * spent / seconds:.1f} % of a core)")
    changed = [update(state(f"workspace-{number}", id="1"), {"name": "x", "size": number}) for number in range(count)]
    for name, as_json, diff in (("text", False, False), ("text --diff", False, True), ("digest", True, False)):
        view = choose("preview", stdout=io.StringIO(), stderr=io.StringIO(), environ={}, as_json=as_json, diff=diff)
        spent = time.process_time()
        tell(view, preview_of(changed))
        found.append(f"  a plan as {name}: {time.process_time() - spent:.2f}")
    print("\n".join(found))


if __name__ == "__main__":
    main()
