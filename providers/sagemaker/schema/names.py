"""Our own spelling of every structure: the API's names in snake_case. The API's own spelling is taken as well."""

from __future__ import annotations

import re
from typing import Final

from pydantic.alias_generators import to_camel

from providers.base import Inputs
from providers.sagemaker.schema import configs, notebooks, settings, studio
from providers.sagemaker.schema.structures import Dialect

_ONE_WORD: Final = {"SageMaker": "Sagemaker", "OAuth": "Oauth", "EFS": "Efs", "FSx": "Fsx", "GB": "Gb"}
_BOUNDARY: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake(name: str) -> str:
    """An API name in snake_case, as Pulumi's classes have it: `SageMakerImageArn` is `sagemaker_image_arn`."""
    for word, lowered in _ONE_WORD.items():
        name = name.replace(word, lowered)
    return _BOUNDARY.sub("_", name).lower()


def camel(name: str) -> str:
    """An API name in the camelCase of Pulumi's classes."""
    return to_camel(snake(name))


STRUCTURES: Final = {**notebooks.STRUCTURES, **configs.STRUCTURES, **settings.STRUCTURES, **studio.STRUCTURES}

OURS: Final = Dialect("ours", Inputs, STRUCTURES, snake, snake)
