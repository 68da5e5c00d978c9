"""Errors a person can act on.

Every error answers four questions: what failed, where (URN, property path), why it matters, what to do; and it has a
stable kebab-case `reference` that documentation, tests and pipelines can rely on. Three families, told apart by whose
turn it is:

    WorksteadError
        ├── InputError                 yours: change the program, the settings or the command
        │   ├── UsageError                 2   a command, setting or file that does not make sense
        │   ├── CredentialsError           3   a pass phrase, key or token that is refused or missing
        │   ├── ProgramError               1   the stack program raised, or asked for the impossible
        │   ├── StackNotFoundError         6
        │   ├── ChangesFoundError          7   --expect-no-changes, and there are some
        │   └── CancelledError             8   stopped by the person or the pipeline
        ├── CloudError                 theirs: the service refused, failed, or did not answer
        │   ├── (retryable=True)           4   trying later can help
        │   ├── (retryable=False)          4   it never will
        │   └── DeadlineError              9   the customer's own time limit ran out
        ├── RecordError                1   the record cannot be read or written, or is held by somebody else
        │   ├── RecordUnavailableError     it cannot be read or written now; a later try can succeed
        │   ├── LeaseHeldError
        │   └── LeaseLostError
        └── InternalError            255   ours: a bug, and it says so

The number is the exit code of the command line (Pulumi's, spec 13.5). Errors are collected where they can be
(`Diagnostics`): a person should see every wrong input at once, and each root failure once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a diagnostic matters; `info#err` is the program's own standard error (spec 13.3)."""

    DEBUG = "debug"
    INFO = "info"
    STDERR = "info#err"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One thing to tell a person, as data: views decide how it looks."""

    severity: Severity
    summary: str
    urn: str = ""
    path: str = ""
    why: str = ""
    remedy: str = ""
    reference: str = ""

    def sentences(self) -> str:
        """The whole message as plain text: summary, place, reason and remedy, one per line."""
        lines = [self.summary if not self.path else f"{self.path}: {self.summary}"]
        if self.why:
            lines.append(self.why)
        if self.remedy:
            lines.append(f"To do: {self.remedy}")
        if self.reference:
            lines.append(f"Reference: {self.reference}")
        return "\n".join(lines)


class WorksteadError(Exception):
    """The root of the tree above. `str(error)` is the whole message, ready to print."""

    exit_code = 1
    reference = "error"

    def __init__(
        self,
        summary: str,
        *,
        urn: str = "",
        path: str = "",
        why: str = "",
        remedy: str = "",
        reference: str = "",
    ) -> None:
        self.summary = summary
        self.urn = urn
        self.path = path
        self.why = why
        self.remedy = remedy
        if reference:
            self.reference = reference
        super().__init__(summary)

    def diagnostic(self) -> Diagnostic:
        """This error as a diagnostic of severity error."""
        return Diagnostic(Severity.ERROR, self.summary, self.urn, self.path, self.why, self.remedy, self.reference)

    def __str__(self) -> str:
        place = f"{self.urn}: " if self.urn else ""
        return place + self.diagnostic().sentences()


class InputError(WorksteadError):
    """Yours: something in the program, the settings or the command has to change."""

    reference = "input"


class UsageError(InputError):
    """A command line, setting or project file that does not make sense."""

    exit_code = 2
    reference = "usage"


class CredentialsError(InputError):
    """A pass phrase, key or token that is refused or missing."""

    exit_code = 3
    reference = "credentials"


class ProgramError(InputError):
    """The stack program raised, or asked the engine for something impossible."""

    reference = "program"


class StackNotFoundError(InputError):
    """No stack of that name is in the record."""

    exit_code = 6
    reference = "stack-not-found"


class ChangesFoundError(InputError):
    """Changes were found where none were expected."""

    exit_code = 7
    reference = "changes-found"


class CancelledError(InputError):
    """The person or the pipeline stopped the run."""

    exit_code = 8
    reference = "cancelled"


class CloudError(WorksteadError):
    """Theirs: the service refused, failed, or did not answer.

    `retryable`: the same call can succeed later without anybody changing anything.
    `uncertain`: the call may have had its effect although it failed (a lost answer), so a create must be looked up
    before it is sent again.
    """

    exit_code = 4
    reference = "cloud"

    def __init__(
        self,
        summary: str,
        *,
        retryable: bool = False,
        uncertain: bool = False,
        urn: str = "",
        path: str = "",
        why: str = "",
        remedy: str = "",
        reference: str = "",
    ) -> None:
        super().__init__(summary, urn=urn, path=path, why=why, remedy=remedy, reference=reference)
        self.retryable = retryable
        self.uncertain = uncertain


class DeadlineError(CloudError):
    """The time limit of a call ran out before the object was ready."""

    exit_code = 9
    reference = "deadline"


class StepFailedError(WorksteadError):
    """One or more steps of a deployment failed; each was already reported with its resource."""

    exit_code = 4
    reference = "step-failed"


class RecordError(WorksteadError):
    """The record cannot be read or written, or does not make sense."""

    reference = "record"


class RecordUnavailableError(RecordError):
    """The disk is full or failing, or the file locked or closed to us: nothing was written, and a later try can be."""

    reference = "record-unavailable"


class LeaseHeldError(RecordError):
    """Another run holds the right to write this stack's record."""

    reference = "lease-held"


class LeaseLostError(RecordError):
    """This run's right to write was taken over; nothing it does from now on is recorded."""

    reference = "lease-lost"


class InternalError(WorksteadError):
    """Ours: a bug in Workstead. Says so, and asks for a report."""

    exit_code = 255
    reference = "internal"

    def __init__(self, summary: str, *, urn: str = "", why: str = "") -> None:
        super().__init__(
            summary,
            urn=urn,
            why=why or "This is a bug in Workstead, not in your program.",
            remedy="run again with --debug and report what it prints; the record is whole",
        )


class ManyErrors(InputError):
    """Several errors found in one pass, reported together."""

    reference = "several-errors"

    def __init__(self, errors: Sequence[WorksteadError]) -> None:
        self.errors = tuple(errors)
        super().__init__(f"{len(self.errors)} errors")
        self.exit_code = max(error.exit_code for error in self.errors)

    def __str__(self) -> str:
        return "\n\n".join(str(error) for error in self.errors)


def raise_all(errors: Iterable[WorksteadError]) -> None:
    """Raise nothing, the only error, or all of them as one."""
    found = list(errors)
    if len(found) == 1:
        raise found[0]
    if found:
        raise ManyErrors(found)
