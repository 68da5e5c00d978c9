"""The provider class of a type token of this cloud, in either dialect."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any


@cache
def of(token: str) -> Any:
    """The class that serves a type; None for a type that is not ours."""
    from providers.sagemaker import CLOUD

    path = CLOUD.types.get(token)
    if path is None:
        return None
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
