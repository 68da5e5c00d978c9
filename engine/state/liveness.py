"""Proof that a lease's holder is alive: a lock the operating system drops with the process, however that ends.

Each lease keeps a file of its own beside the database and a lock on it. Whoever can take the lock of somebody's lease
knows that the holder is dead and need not wait until the lease runs out. A file is never used twice, so a process that
was taken over while it was paused cannot be mistaken for its successor.

`fcntl.flock` and not the filelock library: that one falls back to lock files that outlive their process where the file
system has no locks, and takes 50 ms to import. Where there are no such locks, only time tells.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path


def prove(path: Path) -> int | None:
    """Lock the file of a lease, making it; the descriptor to keep open, or None where that is impossible."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return None
    if _locked(descriptor):
        return descriptor
    os.close(descriptor)
    return None


def is_dead(path: Path) -> bool:
    """Is the process that proved its life with this file gone? A missing file proves nothing."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return _locked(descriptor)
    finally:
        os.close(descriptor)


def forget(path: Path, descriptor: int | None = None) -> None:
    """Remove the file of a lease that has ended, and its lock."""
    with contextlib.suppress(OSError):
        path.unlink()
    if descriptor is not None:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held by somebody, or no locks on this file system
        return False
    return True
