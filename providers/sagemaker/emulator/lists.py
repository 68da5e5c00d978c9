"""List operations: filters, order, pages (spec 4.3).

A page ends at an object, not at a number, so what is made or deleted between two pages neither repeats nor hides
anything. A token is good for the filters and the order it was given with, as the API demands.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from providers.emulation import Call, CloudObject
from providers.sagemaker.emulator.answers import invalid

Members = Mapping[str, Any]
Filter = Callable[[CloudObject, Any], bool]
SortKey = Callable[[CloudObject], Any]


def _contains(found: CloudObject, wanted: str) -> bool:
    return wanted.lower() in found.name.lower()  # [E]: whether case counts is not documented


# The filters several lists share. Whether a bound is inside is not documented; here it is not [E].
COMMON: Final[Mapping[str, Filter]] = {
    "NameContains": _contains,
    "CreationTimeBefore": lambda found, at: found.created < at,
    "CreationTimeAfter": lambda found, at: found.created > at,
    "LastModifiedTimeBefore": lambda found, at: found.modified < at,
    "LastModifiedTimeAfter": lambda found, at: found.modified > at,
    "ModifiedTimeBefore": lambda found, at: found.modified < at,
    "ModifiedTimeAfter": lambda found, at: found.modified > at,
    "UserProfileNameContains": _contains,
    "SpaceNameContains": _contains,
    "DomainIdEquals": lambda found, id: found.body["DomainId"] == id,
}

SORTS: Final[Mapping[str, SortKey]] = {
    "Name": lambda found: found.name,
    "Status": lambda found: found.status,
    "CreationTime": lambda found: found.created,
    "LastModifiedTime": lambda found: found.modified,
}
NOT_FILTERS: Final = frozenset({"NextToken", "MaxResults", "SortBy", "SortOrder"})


@dataclass(frozen=True, slots=True)
class Listing:
    """One row of the table of spec 4.3: what is listed, under which key, in which order by default, how narrowed."""

    type: str
    key: str
    row: Callable[[Call, CloudObject], Members]
    sort: str = "CreationTime"
    order: str = "Ascending"
    filters: Mapping[str, Filter] = field(default_factory=dict)

    def __call__(self, call: Call, given: Members) -> Members:
        """Carry the operation out."""
        found = call.objects.all(self.type, owner=call.owner)
        for name, value in given.items():
            if name not in NOT_FILTERS:
                keeps = self.filters.get(name) or COMMON[name]
                found = [each for each in found if keeps(each, value)]
        sort = SORTS[given.get("SortBy", self.sort)]
        backwards = given.get("SortOrder", self.order) == "Descending"
        found.sort(key=lambda each: (sort(each), each.seq), reverse=backwards)
        size = given.get("MaxResults", int(call.switch("page-size")))
        mark = _digest(call.operation, given)
        rest = _after(found, sort, backwards, given["NextToken"], mark) if "NextToken" in given else found
        page = rest[:size]
        answer: dict[str, Any] = {self.key: [self.row(call, each) for each in page]}
        if len(rest) > size:
            answer["NextToken"] = _token(mark, sort(page[-1]), page[-1].seq)
        return answer


def _digest(operation: str, given: Members) -> str:
    """What a token must be used with again: everything but itself and the size of a page."""
    same = {name: value for name, value in given.items() if name not in ("NextToken", "MaxResults")}
    return hashlib.sha256(f"{operation} {json.dumps(same, sort_keys=True)}".encode()).hexdigest()[:16]


def _token(mark: str, value: Any, seq: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([mark, value, seq]).encode()).decode()


def _after(
    found: Sequence[CloudObject], sort: SortKey, backwards: bool, token: str, mark: str
) -> Sequence[CloudObject]:
    """What comes after the object a token ends with, whether that still exists or not."""
    try:
        theirs, value, seq = json.loads(base64.urlsafe_b64decode(token.encode()))
        last = (value, int(seq))
        if theirs != mark:
            raise ValueError(token)
        return [
            each for each in found if ((sort(each), each.seq) < last if backwards else (sort(each), each.seq) > last)
        ]
    except (ValueError, TypeError, binascii.Error):
        raise invalid("Invalid NextToken") from None  # [E]
