"""Time, handed in (house rule 12): who needs the time gets a `Clock`, a real run this process's, a test its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """`monotonic` and `epoch` in seconds, `stamp` as RFC 3339 text.

    `wait(event, seconds)` lets that much time pass, less when the event is set before; True if it is.
    """

    monotonic: Callable[[], float]
    epoch: Callable[[], float]
    stamp: Callable[[], str]
    wait: Callable[[threading.Event, float], bool] = threading.Event.wait


CLOCK = Clock(
    monotonic=time.monotonic,
    epoch=time.time,
    stamp=lambda: datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
)
