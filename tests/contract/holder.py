"""A process that holds a lease, for tests that kill or pause it: it does what it reads and answers line by line.

    acquire <url> <project> <stack>    → held <fence>
    begin <name>                       → begun <token>
    end                                → ended          ends the last begin with a row
    release                            → released
    storm <threads>                    → b <name> after each begin, e <name> after each end, until killed

An error is answered as `error <class> <reference>`.
"""

from __future__ import annotations

import os
import sys
import threading
from itertools import count

from engine.core.errors import WorksteadError
from engine.core.model import PendingKind, Put
from engine.state import open_backend
from engine.state.backend import Deployment, Holder, Lease, StackName
from tests.contract.records import resource


def say(*words: object) -> None:
    """One line, in one write, so that lines of several threads never mix."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def storm(lease: Lease, threads: int) -> None:
    """Steps from many threads, as fast as they go."""
    numbers = count(1)

    def work() -> None:
        while True:
            name = f"r{next(numbers)}"
            state = resource(name, key=lease.new_key())
            token = lease.begin(PendingKind.CREATING, state)
            say("b", name)
            lease.end(token, [Put(state)])
            say("e", name)

    for _ in range(threads):
        threading.Thread(target=work, daemon=True).start()


def main() -> None:
    """Obey until the end of the input."""
    lease: Lease | None = None
    token, state = 0, resource("none")
    for line in sys.stdin:
        word, *rest = line.split()
        try:
            if word == "acquire":
                record = open_backend(rest[0]).stack(StackName(rest[1], rest[2]))
                lease = record.acquire(Holder("holder", os.uname().nodename, os.getpid(), "update"))
                lease.start(Deployment("update"))
                say("held", lease.fence)
                continue
            assert lease is not None
            if word == "begin":
                state = resource(rest[0], key=lease.new_key())
                token = lease.begin(PendingKind.CREATING, state)
                say("begun", token)
            elif word == "end":
                lease.end(token, [Put(state)])
                say("ended")
            elif word == "release":
                lease.release()
                say("released")
            elif word == "storm":
                storm(lease, int(rest[0]))
        except WorksteadError as error:
            say("error", type(error).__name__, error.reference)


if __name__ == "__main__":
    main()
