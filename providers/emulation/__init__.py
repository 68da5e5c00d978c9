"""What the emulators of all clouds share: a durable file, a status clock, faults, a call log, a server.

    from providers.emulation import Call, Emulator, Refused, Request, Response, Stage, Switch

    class SomeEmulator(Emulator):
        cloud = "some"
        ...

    with CloudFile(home / FILE_NAME) as file, serve([SomeEmulator], file) as server:
        ... server.urls["some"] ...

An emulator imports this package, the standard library, and nothing else of ours: it is an independent reading of the
vendor's pages. `store` and `transaction` keep, `emulator` answers, `faults` plans unkindness, `server` listens,
`registry` finds.
"""

from providers.emulation.emulator import (
    PACE,
    PACE_TEXT,
    Call,
    Emulator,
    Outcome,
    Refused,
    Request,
    Response,
    Speed,
    Stage,
    Switch,
)
from providers.emulation.faults import FAULT_KINDS, Fault
from providers.emulation.registry import emulator_class, emulator_classes
from providers.emulation.server import Server, ensure_running, serve, stop_running
from providers.emulation.store import FILE_NAME, CloudFile, find_home, rfc3339
from providers.emulation.transaction import CloudObject, Key, Transaction, Turn

__all__ = [
    "FAULT_KINDS",
    "FILE_NAME",
    "PACE",
    "PACE_TEXT",
    "Call",
    "CloudFile",
    "CloudObject",
    "Emulator",
    "Fault",
    "Key",
    "Outcome",
    "Refused",
    "Request",
    "Response",
    "Server",
    "Speed",
    "Stage",
    "Switch",
    "Transaction",
    "Turn",
    "emulator_class",
    "emulator_classes",
    "ensure_running",
    "find_home",
    "rfc3339",
    "serve",
    "stop_running",
]
