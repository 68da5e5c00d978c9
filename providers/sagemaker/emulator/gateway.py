"""Which API of this port a request is meant for, which operation of it, and what that is about (spec 2, 17.3.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from providers.emulation import Request
from providers.sagemaker.emulator.query import VERSIONS, Form, form_of
from providers.sagemaker.emulator.signature import credential

PREFIX: Final = "SageMaker."
APIS: Final = ("sagemaker", "iam", "sts")

# The members that name what a call is about, most telling first; those of the second row only where nothing in the
# first is given. An app is also known as `<owner>/<type>/<name>`, because most of them are called `default`.
NARROW: Final = (
    "NotebookInstanceName",
    "AppName",
    "SpaceName",
    "UserProfileName",
    "NotebookInstanceLifecycleConfigName",
    "StudioLifecycleConfigName",
    "CodeRepositoryName",
    "DomainName",
    "ResourceArn",
    "RoleName",
)
WIDE: Final = ("DomainId", "PolicyArn")


def api_of(request: Request) -> str:
    """`sagemaker` for what has a target; else by the credential's scope, or the version a form names. Never raises."""
    if "x-amz-target" in request.headers:
        return "sagemaker"
    given = credential(request)
    if given is not None and given.service in APIS:
        return given.service
    try:
        form = form_of(request)
    except ValueError:
        return "sagemaker"
    return VERSIONS.get(form.get("Version", ""), "iam" if "Action" in form else "sagemaker")


def aim(request: Request) -> tuple[str, Sequence[str]]:
    """The operation as log and faults know it (`CreateApp`, `iam:CreateRole`), and what it is about. Never raises."""
    api = api_of(request)
    try:
        if api == "sagemaker":
            return request.headers.get("x-amz-target", "").removeprefix(PREFIX), tuple(_subjects(request.json))
        form = form_of(request)
        return f"{api}:{form.get('Action', '')}", tuple(_subjects(form))
    except ValueError:
        target = request.headers.get("x-amz-target", "").removeprefix(PREFIX)
        return target if api == "sagemaker" else f"{api}:", ()


def _subjects(given: Mapping[str, Any] | Form) -> Iterator[str]:
    if not isinstance(given, Mapping):
        return
    named = [value for name in NARROW if isinstance(value := given.get(name), str)]
    if isinstance(given.get("AppName"), str):
        owner = given.get("UserProfileName", given.get("SpaceName", ""))
        yield f"{owner}/{given.get('AppType', '')}/{given['AppName']}"
        yield given["AppName"]  # not its owner: a fault for a profile is not meant for the profile's apps
        return
    if isinstance(given.get("ResourceArn"), str):
        yield given["ResourceArn"].rpartition("/")[2]
    yield from named or [value for name in WIDE if isinstance(value := given.get(name), str)]
