"""Lifecycle configs and code repositories: what botocore's model does not say about them (specification section 10)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator

from providers.base import Rule
from providers.sagemaker.model import service_model
from providers.sagemaker.schema.common import REGION, TAG_RULES, TAGS
from providers.sagemaker.schema.structures import Codec, Own, Structure, text

# --- scripts ----------------------------------------------------------------------------------------------------------


def encoded(script: str) -> str:
    """A script as the API wants it."""
    return base64.b64encode(script.encode()).decode()


def decoded(content: str) -> str:
    """The script in an API answer; the answer itself when it is not base64 of text."""
    try:
        return base64.b64decode(content, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return content


def _longest(shape: str) -> int:
    return service_model("sagemaker").shape(shape)["max"]


def _script(shape: str) -> Any:
    longest = _longest(shape)

    def judge(script: str) -> str:
        size = len(encoded(script))
        if not script:
            raise ValueError("must not be empty")
        if size > longest:
            raise ValueError(f"must have at most {longest} characters once base64-encoded; it has {size}")
        return script

    return Annotated[str, AfterValidator(judge)]


def _content(shape: str) -> Any:
    limits = text(service_model("sagemaker").text(shape))

    def judge(content: str) -> str:
        try:
            base64.b64decode(content, validate=True)
        except binascii.Error:
            raise ValueError("must be base64") from None
        return content

    return Annotated[limits, AfterValidator(judge)]


def looks_encoded(script: Any) -> bool:
    """Is this the base64 of a script, where the script itself is meant?"""
    return isinstance(script, str) and not script.startswith("#!") and decoded(script).startswith("#!")


def _hook(annotation: Any, encode: Any, decode: Any, remedy: str) -> Own:
    return Own(
        annotation,
        {
            "source": "API_NotebookInstanceLifecycleHook; shape NotebookInstanceLifecycleConfigContent",
            "remedy": remedy,
            "sensitive": True,
            "absent": "",
        },
        codec=Codec(
            lambda script: [{"Content": encode(script)}],
            lambda hooks: decode(hooks[0].get("Content", "")) if hooks else None,
        ),
    )


_SCRIPT_REMEDY: Final = "give the script itself, of at most about 12 kB"
_CONTENT_REMEDY: Final = "give the script in base64, at most 16384 characters"

_NOTEBOOK_SCRIPT: Final = "NotebookInstanceLifecycleConfigContent"
_STUDIO_SCRIPT: Final = "StudioLifecycleConfigContent"

PLAIN_HOOK: Final = _hook(_script(_NOTEBOOK_SCRIPT), encoded, decoded, _SCRIPT_REMEDY)
ENCODED_HOOK: Final = _hook(_content(_NOTEBOOK_SCRIPT), str, str, _CONTENT_REMEDY)

_STUDIO_FACTS: Final[Mapping[str, Any]] = {
    "source": "API_CreateStudioLifecycleConfig; shape StudioLifecycleConfigContent",
    "replace": "a Studio lifecycle config has no update",
    "sensitive": True,
}
PLAIN_STUDIO: Final = Own(
    _script(_STUDIO_SCRIPT), {**_STUDIO_FACTS, "remedy": _SCRIPT_REMEDY}, required=True, codec=Codec(encoded, decoded)
)
ENCODED_STUDIO: Final = Own(_content(_STUDIO_SCRIPT), {**_STUDIO_FACTS, "remedy": _CONTENT_REMEDY}, required=True)


def _double(at: str) -> Rule:
    return Rule(
        at=at,
        broken=looks_encoded,
        rule="looks encoded already, and would be encoded once more",
        remedy="give the script as plain text",
        source="specification 10",
        warning=True,
    )


# --- the types --------------------------------------------------------------------------------------------------------

STRUCTURES: Final[Mapping[str, Structure]] = {
    "NotebookInstanceLifecycleConfig": Structure(
        shape="CreateNotebookInstanceLifecycleConfigInput",
        page="CreateNotebookInstanceLifecycleConfig",
        facts={"NotebookInstanceLifecycleConfigName": {"replace": "a lifecycle config cannot be renamed"}},
        own={"OnCreate": PLAIN_HOOK, "OnStart": PLAIN_HOOK, "Tags": TAGS, "Region": REGION},
        rules=(*TAG_RULES, _double("OnCreate"), _double("OnStart")),
    ),
    "StudioLifecycleConfig": Structure(
        shape="CreateStudioLifecycleConfigRequest",
        page="CreateStudioLifecycleConfig",
        facts={
            "StudioLifecycleConfigName": {"replace": "a lifecycle config cannot be renamed"},
            "StudioLifecycleConfigAppType": {"replace": "a Studio lifecycle config has no update"},
        },
        own={"StudioLifecycleConfigContent": PLAIN_STUDIO, "Tags": TAGS, "Region": REGION},
        rules=(*TAG_RULES, _double("StudioLifecycleConfigContent")),
    ),
    "CodeRepository": Structure(
        shape="CreateCodeRepositoryInput",
        page="CreateCodeRepository",
        facts={"CodeRepositoryName": {"replace": "a code repository cannot be renamed"}},
        own={"Tags": TAGS, "Region": REGION},
        rules=TAG_RULES,
    ),
    "GitConfig": Structure(
        shape="GitConfig",
        facts={
            "RepositoryUrl": {"replace": "the address of a code repository cannot be changed"},
            "Branch": {"replace": "the branch of a code repository cannot be changed"},
        },
    ),
}
