"""Planned unkindness: the kinds of fault, their parameters, and what a well-formed one is.

A fault waits in the file until a call it is meant for comes by, whichever process serves that call. What a kind does is
`providers.emulation.emulator`'s business, how a vendor words it is the cloud's emulator's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from engine.core.errors import UsageError

FAULT_KINDS: Final[Mapping[str, str]] = {
    "throttle": "the vendor's own throttle answer; retry_after=SECONDS adds that header, code=CODE chooses which",
    "rate-limit": "the throttle answer to calls above per_second=N (5) of one account; burst=N (1) of them at once",
    "error": "an error of the vendor's tables: code=CODE, or status=N and message=TEXT; after=true: effect done first",
    "drop-before": "the connection is closed, nothing is done",
    "drop-after": "the effect is done, the connection is closed without an answer",
    "no-effect": "the call is answered as if it were carried out, and nothing is done",
    "slow": "the effect is done at once, the answer comes after seconds=N (real ones, default 1)",
    "quota": "the vendor's own refusal of one object more",
    "non-json": "an HTML page as a proxy would send; status=N (502), after=true: effect done first",
    "stuck": "a status change begins and never ends",
    "fail": "a status change ends in failure; status=NAME chooses which, changes=JSON sets members with it",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One planned fault: what (`FAULT_KINDS`), to which calls, how often (`times` None: for ever).

    `operation` is a shell pattern over the cloud's operation names; `object`, if given, the ID or name the call is
    about. `parameters` are those of the kind, converted. A rate limit always holds for ever.
    """

    seq: int
    cloud: str
    kind: str
    operation: str
    object: str
    times: int | None
    parameters: Mapping[str, Any]


def as_throttle(limit: Fault) -> Fault:
    """What a rate limit does to a call above it."""
    own = {name: value for name, value in limit.parameters.items() if name in _PARAMETERS["throttle"]}
    return replace(limit, kind="throttle", parameters=own)


def check_kind(kind: str) -> None:
    """Raises UsageError (`unknown-fault`) for a kind there is not."""
    if kind not in FAULT_KINDS:
        raise UsageError(
            f"there is no fault named {kind!r}",
            remedy=f"use one of: {', '.join(FAULT_KINDS)}",
            reference="unknown-fault",
        )


def converted(kind: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as the emulators expect them; a command line gives them as text.

    Raises UsageError (`fault-parameter`) for one the kind does not have, or a value that makes no sense.
    """
    known = _PARAMETERS[kind]
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        if name not in known:
            raise UsageError(
                f"the fault {kind} has no parameter {name!r}",
                why=FAULT_KINDS[kind],
                remedy=f"use one of: {', '.join(known)}" if known else "leave it out",
                reference="fault-parameter",
            )
        try:
            found[name] = known[name](value)
        except (TypeError, ValueError) as error:
            raise UsageError(
                f"the parameter {name} of the fault {kind} cannot be {value!r}",
                why=FAULT_KINDS[kind],
                reference="fault-parameter",
            ) from error
    return found


def _yes_or_no(value: Any) -> bool:
    if str(value).lower() in ("true", "yes", "1"):
        return True
    if str(value).lower() in ("false", "no", "0"):
        return False
    raise ValueError(value)


def _seconds(value: Any) -> float:
    seconds = float(value)
    if not 0 <= seconds <= 86_400:
        raise ValueError(value)
    return seconds


def _calls(value: Any) -> float:
    calls = float(value)
    if not 0.001 <= calls <= 1_000_000:
        raise ValueError(value)
    return calls


def _http_status(value: Any) -> int:
    status = int(value)
    if not 200 <= status <= 599:
        raise ValueError(value)
    return status


def _members(value: Any) -> dict[str, Any]:
    return dict(json.loads(value) if isinstance(value, str) else value)


_PARAMETERS: Final[Mapping[str, Mapping[str, Callable[[Any], Any]]]] = {
    "throttle": {"code": str, "retry_after": _seconds},
    "rate-limit": {"per_second": _calls, "burst": _calls, "code": str, "retry_after": _seconds},
    "error": {
        "code": str,
        "status": _http_status,
        "message": str,
        "retry_after": _seconds,
        "after": _yes_or_no,
    },
    "drop-before": {},
    "drop-after": {},
    "no-effect": {},
    "slow": {"seconds": _seconds},
    "quota": {},
    "non-json": {"status": _http_status, "after": _yes_or_no},
    "stuck": {},
    "fail": {"status": str, "changes": _members},
}
