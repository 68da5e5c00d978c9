"""Errors a person can act on: the tree in the docstring, the four questions, and how several are told as one."""

from __future__ import annotations

import inspect
import re

import pytest

from engine.core import errors
from engine.core.contract import PartialFailure
from engine.core.errors import (
    CloudError,
    DeadlineError,
    Diagnostic,
    InputError,
    InternalError,
    ManyErrors,
    ProgramError,
    Severity,
    UsageError,
    WorksteadError,
    raise_all,
)

KINDS = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, WorksteadError)
]  # fmt: skip


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    assert errors.__doc__ is not None
    drawn = [line for line in errors.__doc__.splitlines() if "── " in line and "(" not in line.split("── ")[1]]
    depth_of = {}
    stack: list[tuple[int, str]] = [(-1, "WorksteadError")]
    for line in drawn:
        depth, name = line.index("── "), line.split("── ")[1].split()[0]
        while stack[-1][0] >= depth:
            stack.pop()
        depth_of[name] = stack[-1][1]
        stack.append((depth, name))
    for name, parent in depth_of.items():
        assert issubclass(getattr(errors, name), getattr(errors, parent)), f"{name} under {parent}"
    assert {"InputError", "CloudError", "RecordError", "InternalError", "LeaseLostError"} <= set(depth_of)


def test_the_exit_codes_in_the_docstring_are_the_exit_codes() -> None:
    assert errors.__doc__ is not None
    drawn = dict(re.findall(r"── (\w+) +(\d+)\b", errors.__doc__))
    assert {name: str(getattr(errors, name).exit_code) for name in drawn} == drawn
    assert len(drawn) > 8


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_has_a_stable_reference(kind: type[WorksteadError]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.reference)
    assert kind.__doc__
    assert [other for other in KINDS if other.reference == kind.reference] == [kind]


def test_the_four_questions_are_answered_in_order() -> None:
    error = UsageError(
        "it does not fit",
        urn="urn:x",
        path="spec.size",
        why="The box is small.",
        remedy="take a larger box",
        reference="too-large",
    )
    assert str(error).splitlines() == [
        "urn:x: spec.size: it does not fit",
        "The box is small.",
        "To do: take a larger box",
        "Reference: too-large",
    ]
    assert error.diagnostic() == Diagnostic(
        Severity.ERROR,
        "it does not fit",
        "urn:x",
        "spec.size",
        "The box is small.",
        "take a larger box",
        "too-large",
    )


def test_what_is_not_known_is_left_out() -> None:
    assert Diagnostic(Severity.INFO, "hello").sentences() == "hello"
    assert str(WorksteadError("oops")) == "oops\nReference: error"


def test_a_bug_says_so() -> None:
    error = InternalError("this cannot be")
    assert "bug in Workstead" in str(error)
    assert error.exit_code == 255


def test_the_clouds_errors_know_whether_to_try_again() -> None:
    assert not CloudError("no").retryable
    assert not CloudError("no").uncertain
    error = CloudError("no", retryable=True, uncertain=True, reference="throttled")
    assert (error.retryable, error.uncertain, error.reference) == (True, True, "throttled")
    assert (DeadlineError("late").exit_code, DeadlineError("late").reference) == (9, "deadline")


def test_a_partial_failure_carries_the_object() -> None:
    outs = {"a": 1}
    error = PartialFailure("half", id="x", outs=outs, tainted=True, why="w", remedy="r")
    assert (error.id, error.outs, error.tainted, error.why, error.remedy) == ("x", outs, True, "w", "r")
    assert isinstance(error, CloudError)
    outs["a"] = 2
    assert error.outs == {"a": 1}


def test_several_errors_are_told_as_one() -> None:
    raise_all([])
    with pytest.raises(ProgramError, match="one"):
        raise_all([ProgramError("one")])
    with pytest.raises(ManyErrors) as caught:
        raise_all([ProgramError("one"), UsageError("two")])
    assert caught.value.exit_code == 2
    assert "one" in str(caught.value)
    assert "two" in str(caught.value)
    assert [type(error) for error in caught.value.errors] == [ProgramError, UsageError]
    assert isinstance(caught.value, InputError)
