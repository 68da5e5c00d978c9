"""Lifecycle configs of notebooks and of Studio (spec 10): scripts as base64 text, nine operations, no status."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from providers.emulation import Call, CloudObject
from providers.sagemaker.emulator.answers import in_use, invalid, missing
from providers.sagemaker.emulator.lists import Listing
from providers.sagemaker.emulator.named import by_name, described, made, row
from providers.sagemaker.emulator.names import SEGMENTS, arn_of, place
from providers.sagemaker.emulator.notebooks import using
from providers.sagemaker.emulator.references import users_of
from providers.sagemaker.emulator.studio import ENDED

Members = Mapping[str, Any]

HOOKS: Final = "NotebookInstanceLifecycleConfig"
STUDIO: Final = "StudioLifecycleConfig"

# Notebook lifecycle configs


def create_hooks(call: Call, given: Members) -> Members:
    """At most one script each for creation and start, as base64 text (spec 10)."""
    _judge_scripts(given)
    name = given[f"{HOOKS}Name"]
    present = call.objects.get(HOOKS, name, owner=call.owner)
    if present is not None:
        raise invalid(
            f"Unable to create Notebook Instance Lifecycle Config {arn_of(present)}."
            " (Details: Notebook Instance Lifecycle Config already exists.)"
        )
    return made(call, HOOKS, name, given)


def describe_hooks(call: Call, given: Members) -> Members:
    """Both scripts, as they were given."""
    return described(by_name(call, HOOKS, given[f"{HOOKS}Name"]))


def update_hooks(call: Call, given: Members) -> Members:
    """The script that is not sent stays, or goes by the switch (unknown 5)."""
    _judge_scripts(given)
    found = by_name(call, HOOKS, given[f"{HOOKS}Name"])
    kept = ("OnCreate", "OnStart") if call.switch("other-hook") == "keep" else ()
    body = {name: value for name, value in found.body.items() if name not in ("OnCreate", "OnStart") or name in kept}
    call.objects.save(found, body={**body, **given})
    return {}


def delete_hooks(call: Call, given: Members) -> None:
    """Not while an instance uses it (spec 17.3); text [E] (unknown 8)."""
    found = by_name(call, HOOKS, given[f"{HOOKS}Name"])
    users = using(call, lifecycle_config=found.name)
    if users:
        raise invalid(
            f"Unable to delete Notebook Instance Lifecycle Config '{arn_of(found)}'. (Details: Notebook Instance"
            f" Lifecycle Config is in use by Notebook Instance ({arn_of(users[0])}).)"
        )
    call.objects.remove(found)


def _judge_scripts(given: Members) -> None:
    for hook in ("OnCreate", "OnStart"):
        for each in given.get(hook, []):
            if "Content" in each:
                _judge_base64(f"Content of {hook}", each["Content"])


# Studio lifecycle configs


def create_studio(call: Call, given: Members) -> Members:
    """No update: only tags change later (spec 10)."""
    _judge_base64(f"{STUDIO}Content", given[f"{STUDIO}Content"])
    name = given[f"{STUDIO}Name"]
    present = call.objects.get(STUDIO, name, owner=call.owner)
    if present is not None:
        raise in_use(f"StudioLifecycleConfig [{arn_of(present)}] already exists.")  # [E]
    return made(call, STUDIO, name, given)


def describe_studio(call: Call, given: Members) -> Members:
    """All that was given."""
    return described(_studio(call, given))


def delete_studio(call: Call, given: Members) -> None:
    """Not while settings name it or a live app runs it (spec 10)."""
    found = _studio(call, given)
    arn = arn_of(found)
    for type in ("Domain", "UserProfile", "Space", "App"):
        for user in users_of(call, type, arn):
            if user.status not in ENDED or type != "App":
                raise in_use(f"StudioLifecycleConfig [{arn}] is in use by {type} [{arn_of(user)}].")  # [E]
    call.objects.remove(found)


def _studio(call: Call, given: Members) -> CloudObject:
    name = given[f"{STUDIO}Name"]
    found = call.objects.get(STUDIO, name, owner=call.owner)
    if found is None:  # three words of it are known (spec 3.2)
        raise missing(f"StudioLifecycleConfig [{place(call).arn(f'{SEGMENTS[STUDIO]}/{name}')}] does not exist.")
    return found


def _judge_base64(member: str, content: str) -> None:
    """Spec 10; text [E]."""
    try:
        base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        raise invalid(f"{member} must be base64 encoded.") from None


OPERATIONS: Final = {
    "CreateNotebookInstanceLifecycleConfig": create_hooks,
    "DescribeNotebookInstanceLifecycleConfig": describe_hooks,
    "UpdateNotebookInstanceLifecycleConfig": update_hooks,
    "DeleteNotebookInstanceLifecycleConfig": delete_hooks,
    "ListNotebookInstanceLifecycleConfigs": Listing(HOOKS, f"{HOOKS}s", row(f"{HOOKS}Name", f"{HOOKS}Arn")),
    "CreateStudioLifecycleConfig": create_studio,
    "DescribeStudioLifecycleConfig": describe_studio,
    "DeleteStudioLifecycleConfig": delete_studio,
    "ListStudioLifecycleConfigs": Listing(
        STUDIO,
        f"{STUDIO}s",
        row(f"{STUDIO}Name", f"{STUDIO}Arn", f"{STUDIO}AppType"),
        order="Descending",
        filters={"AppTypeEquals": lambda found, wanted: found.body[f"{STUDIO}AppType"] == wanted},
    ),
}
