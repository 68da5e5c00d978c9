"""The AWS query protocol: a form in, XML out; IAM and STS speak it on this same port.

A form spells a structure as `Member=..`, a list as `Members.member.1=..`. It is read by the shapes of botocore's model,
so what comes out is what the JSON protocol would have brought, and the same constraints apply.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from providers.emulation import Request
from providers.sagemaker.emulator.constraints import Unreadable
from providers.sagemaker.emulator.shapes import Service

Form = Mapping[str, str]

VERSIONS: Final = {"2010-05-08": "iam", "2011-06-15": "sts"}
MOST_FIELDS: Final = 1000


def form_of(request: Request) -> Form:
    """The fields of a form. Raises ValueError for what is none."""
    pairs = parse_qsl(request.body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    return dict(pairs)


def members_of(service: Service, operation: str, form: Form) -> dict[str, Any]:
    """The request a form spells. Raises Unreadable."""
    if operation not in service.inputs:
        return {}
    found = _read(service, service.inputs[operation], form, "")
    return found if isinstance(found, dict) else {}


def _read(service: Service, name: str, form: Form, path: str) -> Any:
    """The value at a path, None when there is none."""
    shape = service.shapes[name]
    if shape["type"] == "structure":
        found = {
            member: value
            for member, inner in shape["members"].items()
            if (value := _read(service, inner, form, f"{path}.{member}" if path else member)) is not None
        }
        return found or None
    if shape["type"] == "list":
        numbers = {
            int(at[1]) for key in form if (at := re.match(rf"{re.escape(path)}\.member\.(\d{{1,6}})(\.|$)", key))
        }
        if not numbers:
            return [] if form.get(path) == "" else None
        return [_read(service, shape["member"], form, f"{path}.member.{at}") for at in sorted(numbers)]
    text = form.get(path)
    if text is None or shape["type"] == "string":
        return text
    if shape["type"] == "boolean":
        if text not in ("true", "false"):
            raise Unreadable(f"Value '{text}' at '{path}' is not a boolean")
        return text == "true"
    if not re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
        raise Unreadable(f"Value '{text}' at '{path}' is not a number")
    return int(text)
