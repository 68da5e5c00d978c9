"""Members that every type has in a form of our own, tags as a map and the region; and words that several types use."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field

from providers.base import Rule
from providers.sagemaker.model import Text, service_model
from providers.sagemaker.schema.structures import Own, text

UNKNOWN_TYPE: Final = "is not among the instance types that the installed botocore knows"
UNKNOWN_REMEDY: Final = "check the spelling, or update botocore; sagemaker:strictInstanceTypes makes this an error"


def _tags(service: str, key: str, value: str, most: int) -> Any:
    model = service_model(service)
    return Annotated[dict[text(model.text(key)), text(model.text(value))], Field(max_length=most)]


def _most_tags() -> int:
    return service_model("sagemaker").shape("TagList")["max"]


TAGS: Final = Own(
    _tags("sagemaker", "TagKey", "TagValue", _most_tags()),
    {
        "source": "API_Tag; shapes TagList, TagKey, TagValue",
        "remedy": "give at most 50 tags; keys of 1 to 128 and values of up to 256 letters, digits, spaces and "
        "_ . : / = + - @",
        "absent": {},
    },
)

REGION: Final = Own(
    text(Text(pattern=r"[a-z]{2,}(-[a-z0-9]+)+-[0-9]+")),
    {
        "source": "specification 2",
        "remedy": "give a region such as eu-west-1, or leave it out to take the one of the settings",
        "replace": "an object cannot move to another region",
        "computed": True,
    },
)


def _reserved(tags: Any) -> bool:
    return any(str(key).lower().startswith("aws:") for key in tags or ())


TAG_RULES: Final = (
    Rule(
        at="Tags",
        broken=_reserved,
        rule="has a key that begins with aws:, which AWS keeps for itself",
        remedy="give that tag another name",
        source="API_Tag; specification 4.5",
    ),
)
