"""What is the same for every emulated call, whatever the vendor: fault, effect, answer, log, in one transaction.

A cloud's emulator is a subclass of `Emulator` that says three things: what a request is about (`aim`), what it does and
answers (`answer`), and how this vendor words an unkindness (`fault_response`). Everything else is here, so that a lost
answer, a slow one or a stuck status means the same on all clouds. A refusal is the exception `Refused`: it carries the
vendor's answer and undoes whatever the call had already written, so a failed write changes nothing.

Status over time: an emulator describes the vendor's real stages with their real durations (`Stage`), and `Call.course`
turns them into instants by the speed of the server, or into looks, by a switch (`PACE`).

Left to others: keeping it all (`providers.emulation.store`), HTTP (`providers.emulation.server`).
"""

from __future__ import annotations

import json
import logging
import re
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, ClassVar, Final

from engine.core.errors import UsageError
from providers.emulation.faults import Fault, as_throttle
from providers.emulation.registry import KNOWN
from providers.emulation.store import CloudFile
from providers.emulation.transaction import Transaction, Turn

LOG = logging.getLogger(__name__)

PACE: Final = r"auto|instant|never|looks:\d{1,6}|seconds:\d{1,9}(\.\d{1,6})?"
PACE_TEXT: Final = "auto (real duration by the server's speed), instant, looks:N, seconds:N, never"

ENDING_FAULTS: Final = frozenset({"throttle", "error", "drop-before", "drop-after", "quota", "non-json"})

HTML_PAGE: Final = b"<html><head><title>Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>\n"


class Speed(StrEnum):
    """How the vendor's durations pass: not at all, a hundred times faster, or as they are."""

    INSTANT = "instant"
    FAST = "fast"
    REAL = "real"

    def seconds(self, real: float) -> float:
        """What so many of the vendor's seconds last here."""
        return {Speed.INSTANT: 0.0, Speed.FAST: real / 100, Speed.REAL: real}[self]


@dataclass(frozen=True)
class Request:
    """One HTTP request.

    `target`: path with query exactly as sent; header names are in lower case.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @cached_property
    def json(self) -> Any:
        """The body as JSON, `{}` for none. Raises ValueError for what is not JSON, or not UTF-8 all through."""
        if not self.body.strip():
            return {}
        try:
            found = json.loads(self.body.decode("utf-8"), parse_constant=_not_json)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        if b"\\u" in self.body:  # an escape may spell half a surrogate pair, which no text can hold
            json.dumps(found, ensure_ascii=False).encode("utf-8")
        return found


@dataclass(frozen=True)
class Response:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(cls, status: int, value: Any, headers: Mapping[str, str] | None = None) -> Response:
        """An answer with a JSON body."""
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        return cls(status, body, {"content-type": "application/json; charset=UTF-8", **(headers or {})})


class Refused(Exception):
    """The call is refused: the vendor's answer, and nothing has been done."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


@dataclass(frozen=True)
class Outcome:
    """What the server does with a call: wait (`delay`, real seconds), then answer, or hang up (`response` None)."""

    response: Response | None
    now: float
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Switch:
    """A choice the vendor's pages leave open: its default, the regex of allowed values, what they mean."""

    default: str
    allowed: str
    meaning: str

    def check(self, name: str, value: str) -> None:
        """Raises UsageError when the value is not one of the allowed."""
        if not re.fullmatch(self.allowed, value):
            raise UsageError(
                f"the switch {name} cannot be {value!r}",
                why=self.meaning,
                remedy=f"give a value that matches {self.allowed}",
                reference="switch-value",
            )


@dataclass(frozen=True, slots=True)
class Stage:
    """One status an object takes of itself after a time: `status` None when it is gone then.

    `seconds`: the vendor's real duration of the stage before. `scaled` False: a retention rule that holds at any
    speed. `changes`: body members set on entering.
    """

    status: str | None
    seconds: float
    changes: Mapping[str, Any] = field(default_factory=dict)
    scaled: bool = True


@dataclass
class Call:
    """One call being answered: what came in, the file's transaction, and what the log will say about it.

    `subjects`: IDs and names it is about, most telling first. An emulator sets `owner` when it knows the caller, and
    `object` when it has made one.
    """

    emulator: type[Emulator]
    request: Request
    objects: Transaction
    speed: Speed
    operation: str
    subjects: Sequence[str]
    owner: str = ""
    object: str = ""

    @property
    def now(self) -> float:
        """The emulator's clock, seconds since the epoch; it stands still during the call."""
        return self.objects.now

    def switch(self, name: str) -> str:
        """The present value of one of the emulator's switches."""
        return self.objects.switches.get(name, self.emulator.switches[name].default)

    def course(self, *stages: Stage, pace: str = "auto", failed: str = "") -> tuple[Turn, ...]:
        """The turns these stages mean from now on, at this server's speed.

        `pace`: a `PACE` value. `failed`: the status a `fault` of kind fail leads to; empty when the vendor has none.
        """
        kinds = {"stuck", "fail"} if failed else {"stuck"}
        fault = self.objects.take_fault(kinds, self.operation, self.subjects)
        if fault is not None and fault.kind == "stuck":
            pace = "never"
        elif fault is not None:
            status = fault.parameters.get("status", failed)
            stages = (Stage(status, stages[0].seconds, fault.parameters.get("changes", {})),)
        kind, _, amount = pace.partition(":")
        turns: list[Turn] = []
        due = self.now
        for stage in stages:
            if kind == "seconds" and stage.scaled:
                due += float(amount)
            elif kind == "auto" and stage.scaled:
                due += self.speed.seconds(stage.seconds)
            elif not stage.scaled:
                due += stage.seconds
            if kind == "never":
                turns.append(Turn(stage.status, changes=stage.changes))
            elif kind == "looks" and stage.scaled:
                turns.append(Turn(stage.status, looks=int(amount), changes=stage.changes))
            else:
                turns.append(Turn(stage.status, due=due, changes=stage.changes))
        return tuple(turns)


class Emulator:
    """One cloud's API, spoken over HTTP. Stateless: all it knows is in the file."""

    cloud: ClassVar[str] = ""
    operations: ClassVar[Sequence[str]] = ()
    switches: ClassVar[Mapping[str, Switch]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.cloud:
            KNOWN[cls.cloud] = cls

    def aim(self, request: Request) -> tuple[str, Sequence[str]]:
        """The operation's name for log and faults, and the IDs and names it is about. Judges nothing, never raises."""
        raise NotImplementedError

    def answer(self, call: Call) -> Response:
        """Check the call, carry it out, answer it. Raises Refused."""
        raise NotImplementedError

    def fault_response(self, fault: Fault) -> Response:
        """This vendor's answer for a fault of kind throttle, error or quota. Raises ValueError if it has none."""
        raise NotImplementedError

    def fault_answer(self, call: Call, fault: Fault) -> Response:
        """The same in the words this very call understands; for an API that speaks several protocols."""
        return self.fault_response(fault)

    def finish(self, call: Call, response: Response) -> Response:
        """The last word on every answer, refusals and faults included: what a vendor's gateway adds to all of them."""
        return response

    def respond(self, file: CloudFile, request: Request, speed: Speed) -> Outcome:
        """One request from beginning to end; each write it makes is in the file when this returns."""
        operation = ""
        try:
            operation, subjects = self.aim(request)
            with file.transaction(self.cloud) as transaction:
                call = Call(type(self), request, transaction, speed, operation, subjects)
                return self._respond(call)
        except (sqlite3.Error, UsageError) as error:
            # Neither the vendor's answer nor a mistake of the emulator's: its file is full, damaged or gone.
            text = f"The {self.cloud} emulator cannot answer from {file.path}: {str(error).splitlines()[0]}\n"
            LOG.error(text.rstrip())
            return Outcome(Response(500, text.encode(), {"content-type": "text/plain"}), time.time())
        except Exception as error:
            # Not a vendor's error but a mistake in the emulator; nobody should take it for the vendor's answer.
            LOG.exception("the %s emulator failed at %s", self.cloud, operation)
            with file.transaction(self.cloud) as transaction:
                transaction.record(operation, "", 500)
                text = f"The {self.cloud} emulator itself failed: {type(error).__name__}. This is a bug in Workstead.\n"
                return Outcome(Response(500, text.encode(), {"content-type": "text/plain"}), transaction.now)

    def _respond(self, call: Call) -> Outcome:
        slow = call.objects.take_fault({"slow"}, call.operation, call.subjects)
        ending = call.objects.take_fault(ENDING_FAULTS, call.operation, call.subjects)
        idle = call.objects.take_fault({"no-effect"}, call.operation, call.subjects)
        limit = call.objects.take_fault({"rate-limit"}, call.operation, call.subjects) if ending is None else None
        response: Response | None = None
        if ending is None or ending.kind == "drop-after" or ending.parameters.get("after"):
            try:
                with call.objects.undoable():
                    response = self.answer(call)  # only now the caller is known, and so whose calls are counted
                    above = limit is not None and call.objects.calls_left(limit, call.owner) < 1
                    if idle is not None or above:
                        raise Refused(response)  # undoes the effect, keeps the answer
            except Refused as refused:
                response = refused.response
        if limit is not None and not call.objects.count_call(limit, call.owner):
            ending = as_throttle(limit)
        if ending is not None:
            response = self._ending(call, ending)
        if response is not None:
            response = self.finish(call, response)
        named = call.object or next(iter(call.subjects), "")
        call.objects.record(call.operation, named, "dropped" if response is None else response.status)
        delay = slow.parameters.get("seconds", 1.0) if slow else 0.0
        return Outcome(response, call.now, delay)

    def _ending(self, call: Call, fault: Fault) -> Response | None:
        if fault.kind in ("drop-before", "drop-after"):
            return None
        if fault.kind == "non-json":
            return Response(fault.parameters.get("status", 502), HTML_PAGE, {"content-type": "text/html"})
        response = self.fault_answer(call, fault)
        if (seconds := fault.parameters.get("retry_after")) is not None:
            return Response(response.status, response.body, {**response.headers, "retry-after": f"{seconds:g}"})
        return response


def _not_json(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
