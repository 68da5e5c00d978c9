"""Policy documents: what IAM calls malformed, in its words, as far as roles need it.

Not part of the SageMaker spec (whose section 11 only names the role); an independent reading of IAM's API reference and
of its grammar of policies. Texts are AWS's where they are widely quoted, else ours [E].
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from providers.emulation import Refused
from providers.sagemaker.emulator.answers import refused

VERSIONS: Final = ("2008-10-17", "2012-10-17")
MEMBERS: Final = frozenset({"Version", "Id", "Statement"})
COMMON: Final = frozenset({"Sid", "Effect", "Action", "NotAction", "Condition"})
TRUST: Final = COMMON | {"Principal", "NotPrincipal"}
IDENTITY: Final = COMMON | {"Resource", "NotResource"}
PRINCIPALS: Final = ("AWS", "Service", "Federated", "CanonicalUser")


def judge(document: str, *, trust: bool) -> None:
    """Refuse a document that is none: a role's trust policy, or a policy of permissions."""
    found = _parsed(document)
    given = found.get("Statement")
    statements: list[Any] = given if isinstance(given, list) else [given]
    if found.get("Version", VERSIONS[0]) not in VERSIONS:
        raise malformed("Policy document must be version 2012-10-17 or greater.")
    if not set(found) <= MEMBERS or not statements:
        raise malformed("Syntax errors in policy.")
    for each in statements:
        _judge_statement(each, trust=trust)
    named = [each["Sid"] for each in statements if "Sid" in each]
    if len(named) != len(set(named)):
        raise malformed("Statement IDs (SID) in a single policy must be unique.")


def malformed(text: str) -> Refused:
    """The one code for all of it."""
    return refused("iam", "MalformedPolicyDocument", text)


def _parsed(document: str) -> Mapping[str, Any]:
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        raise malformed("This policy contains invalid Json") from None
    if not isinstance(found, dict):
        raise malformed("Syntax errors in policy.")
    return found


def _judge_statement(each: Any, *, trust: bool) -> None:
    if not isinstance(each, dict) or each.get("Effect") not in ("Allow", "Deny"):
        raise malformed("Syntax errors in policy.")
    if "Sid" in each and not isinstance(each["Sid"], str):
        raise malformed("Syntax errors in policy.")
    _one_of(each, "Action", "NotAction", text="Missing required field Action")
    if trust:
        if {"Resource", "NotResource"} & set(each):
            raise malformed("Has prohibited field Resource")
        _one_of(each, "Principal", "NotPrincipal", text="Missing required field Principal")
        _judge_principal(each.get("Principal", each.get("NotPrincipal")))
    else:
        if {"Principal", "NotPrincipal"} & set(each):
            raise malformed("Policy document should not specify a principal.")
        _one_of(each, "Resource", "NotResource", text="Policy statement must contain resources.")
    if not set(each) <= (TRUST if trust else IDENTITY) or not isinstance(each.get("Condition", {}), dict):
        raise malformed("Syntax errors in policy.")


def _one_of(each: Mapping[str, Any], *names: str, text: str) -> None:
    """Exactly one of the members, and it says something."""
    given = [name for name in names if name in each]
    if not given or each[given[0]] in ("", [], {}):
        raise malformed(text)
    if len(given) > 1 or (names[0] != "Principal" and not _texts(each[given[0]])):
        raise malformed("Syntax errors in policy.")


def _judge_principal(principal: Any) -> None:
    if principal == "*":
        return
    if not isinstance(principal, dict):
        raise malformed("Syntax errors in policy.")
    for kind, values in principal.items():
        if kind not in PRINCIPALS or not _texts(values):
            raise malformed("Syntax errors in policy.")
        for value in values if isinstance(values, list) else [values]:
            if kind == "Service" and ".amazonaws.com" not in value:
                raise malformed(f'Invalid principal in policy: "SERVICE":"{value}"')


def _texts(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))
