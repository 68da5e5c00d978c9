"""Code repositories (spec 10): a name for a git repository; five operations, no status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.emulation import Call
from providers.sagemaker.emulator.answers import invalid
from providers.sagemaker.emulator.lists import Listing
from providers.sagemaker.emulator.named import by_name, described, made, row
from providers.sagemaker.emulator.names import arn_of
from providers.sagemaker.emulator.notebooks import using

Members = Mapping[str, Any]

TYPE: Final = "CodeRepository"


def create(call: Call, given: Members) -> Members:
    """A name for a git repository (spec 10)."""
    name = given["CodeRepositoryName"]
    present = call.objects.get(TYPE, name, owner=call.owner)
    if present is not None:  # text [E] (spec 4.2)
        raise invalid(f'Cannot create already existing CodeRepository "{arn_of(present)}"')
    return made(call, TYPE, name, given)


def describe(call: Call, given: Members) -> Members:
    """All that was given."""
    return described(by_name(call, TYPE, given["CodeRepositoryName"]))


def update(call: Call, given: Members) -> Members:
    """Only the secret can change (spec 10)."""
    found = by_name(call, TYPE, given["CodeRepositoryName"])
    config = {**found.body["GitConfig"], **given.get("GitConfig", {})}
    call.objects.save(found, body={**found.body, "GitConfig": config})
    return {"CodeRepositoryArn": arn_of(found)}


def delete(call: Call, given: Members) -> None:
    """Whether one in use may go is not known; the switch decides (unknown 8)."""
    found = by_name(call, TYPE, given["CodeRepositoryName"])
    users = using(call, repository=found.name)
    if users and call.switch("repository-in-use") == "refuse":
        raise invalid(f'CodeRepository "{arn_of(found)}" is in use by Notebook Instance ({arn_of(users[0])})')
    call.objects.remove(found)


OPERATIONS: Final = {
    "CreateCodeRepository": create,
    "DescribeCodeRepository": describe,
    "UpdateCodeRepository": update,
    "DeleteCodeRepository": delete,
    "ListCodeRepositories": Listing(
        TYPE,
        "CodeRepositorySummaryList",
        row("CodeRepositoryName", "CodeRepositoryArn", "GitConfig"),
        sort="Name",
    ),
}
