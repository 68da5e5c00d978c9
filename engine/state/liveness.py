"""Proof that a lease's holder is alive: a lock the operating system drops with the process, however that ends.

Each lease keeps a file of its own beside the database and a lock on it. Whoever can take the lock of somebody's lease
knows that the holder is dead and need not wait until the lease runs out. A file is never used twice, so a process that
was taken over while it was paused cannot be mistaken for its successor.

The file also bears witness: in it stands how many commits were acknowledged under the lease. SQLite takes a commit log
that was cut short or damaged for one that ends earlier, and nothing inside the database could tell; whoever reads it
compares. It is not synced, so after a power failure it may say less than is there, but never more.

`fcntl.flock` and not the filelock library: that one falls back to lock files that outlive their process where the file
system has no locks, and takes 50 ms to import. Where there are no such locks, only time tells.
"""

from __future__ import annotations

import contextlib
import os
import sys
import zlib
from collections.abc import Iterable
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


def testify(descriptor: int, commits: int) -> None:
    """Note that so many commits have been acknowledged. Where that cannot be written, the file says less."""
    text = f"{commits:016x}".encode()
    with contextlib.suppress(OSError):
        os.pwrite(descriptor, b"%s %08x\n" % (text, zlib.crc32(text)), 0)


def acknowledged(files: Iterable[Path]) -> int:
    """The greatest number of commits that any of these leases' files knows of; a damaged file knows of none."""
    known = 0
    for file in files:
        try:
            text, _, check = file.read_bytes().strip().partition(b" ")
            if int(check, 16) == zlib.crc32(text):
                known = max(known, int(text, 16))
        except (OSError, ValueError):
            continue
    return known


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


def forget(path: Path | None, descriptor: int | None = None) -> None:
    """Remove the file of a lease that has ended (None: it stays), and its lock."""
    if path is not None:
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
