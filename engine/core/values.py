"""Property values: what a program gives and a cloud answers, with the few kinds JSON does not have.

A value is None, a bool, an int or float, a string, a list, a dict with string keys, or one of the kinds below. Whole
numbers are ints here although every number is a double on the wire, because the clouds' APIs ask for integers.

Special kinds travel (to the SDK) and rest (in the record) as *envelopes*: objects with the key `SIGNATURE` (spec
section 2). `from_plain` and `to_plain` translate; what a secret looks like at rest is the caller's business, so that
nothing here knows about encryption.

Left to others: property paths (`paths`), what changed between two values (`diff`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from engine.core.errors import InputError

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"
ASSET: Final = "c44067f5952c0a294b673a41bacd8c17"
ARCHIVE: Final = "0def7320c3a5731c473e5ecbe6d01bc7"
REFERENCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"

MASK: Final = "[secret]"

Properties = Mapping[str, Any]


class Unknown:
    """A value nobody has before the up: the output of something that does not exist yet.

    One object per kind, so `is` and `==` agree. An unknown equals only an unknown of its own kind.
    """

    __slots__ = ("kind", "sentinel")

    def __init__(self, kind: str, sentinel: str) -> None:
        self.kind = kind
        self.sentinel = sentinel

    def __repr__(self) -> str:
        return f"<unknown {self.kind}>"

    def __copy__(self) -> Unknown:
        return self

    def __deepcopy__(self, memo: object) -> Unknown:
        return self

    def __reduce__(self) -> str:
        return f"UNKNOWN_{self.kind.upper()}" if self.kind != "string" else "UNKNOWN"


# What the SDK sends for a value it does not have, by type of the value. The first is by far the usual one.
UNKNOWN: Final = Unknown("string", "04da6b54-80e4-46f7-96ec-b56ff0331ba9")
UNKNOWN_BOOL: Final = Unknown("bool", "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7")
UNKNOWN_NUMBER: Final = Unknown("number", "3eeb2bf0-c639-47a8-9e75-3b44932eb421")
UNKNOWN_ARRAY: Final = Unknown("array", "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2")
UNKNOWN_ASSET: Final = Unknown("asset", "030794c1-ac77-496b-92df-f27374a8bd58")
UNKNOWN_ARCHIVE: Final = Unknown("archive", "e48ece36-62e2-4504-bad9-02848725956a")
UNKNOWN_OBJECT: Final = Unknown("object", "dd056dcd-154b-4c76-9bd3-c8f88648b5ff")

SENTINELS: Final[Mapping[str, Unknown]] = {
    unknown.sentinel: unknown
    for unknown in (
        UNKNOWN,
        UNKNOWN_BOOL,
        UNKNOWN_NUMBER,
        UNKNOWN_ARRAY,
        UNKNOWN_ASSET,
        UNKNOWN_ARCHIVE,
        UNKNOWN_OBJECT,
    )
}


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is masked wherever people look. Never nested directly in another secret."""

    value: Any

    def __repr__(self) -> str:
        return "Secret(…)"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret of the record that nobody has decrypted (yet): kept, and written back, as its cipher text."""

    ciphertext: str

    def __repr__(self) -> str:
        return "Sealed(…)"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file, a text, or something at an address. Two assets with the same hash are equal (spec section 2)."""

    path: str = ""
    text: str | None = None
    uri: str = ""
    hash: str = ""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Asset):
            return NotImplemented
        if self.hash and other.hash:
            return self.hash == other.hash
        return (self.path, self.text, self.uri) == (other.path, other.text, other.uri)

    def __hash__(self) -> int:
        return hash(self.hash or (self.path, self.text, self.uri))


@dataclass(frozen=True, slots=True)
class Archive:
    """A folder, an archive file, something at an address, or a map of names to assets and archives."""

    path: str = ""
    uri: str = ""
    assets: Mapping[str, Any] | None = None
    hash: str = ""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Archive):
            return NotImplemented
        if self.hash and other.hash:
            return self.hash == other.hash
        return (self.path, self.uri, self.assets) == (other.path, other.uri, other.assets)

    def __hash__(self) -> int:
        return hash(self.hash or (self.path, self.uri))


@dataclass(frozen=True, slots=True)
class ResourceReference:
    """A resource used as a value, equal by URN and ID. `id` None: a component; `UNKNOWN`: not created yet."""

    urn: str
    id: str | Unknown | None = None
    package_version: str = field(default="", compare=False)


# --- looking at values ------------------------------------------------------------------------------------------------


def walk(value: Any) -> Iterator[Any]:
    """Every value inside `value`, itself first; goes into secrets and archives."""
    pending = [value]
    while pending:
        item = pending.pop()
        yield item
        kind = type(item)
        if kind is dict:
            pending.extend(item.values())
        elif kind is list:
            pending.extend(item)
        elif kind is Secret:
            pending.append(item.value)
        elif kind is Archive and item.assets:
            pending.extend(item.assets.values())


_SCALARS: Final = frozenset({str, int, float, bool, type(None)})


def has_unknown(value: Any) -> bool:
    """Is there an unknown anywhere inside?"""
    return _holds(value, _is_unknown)


def has_secret(value: Any) -> bool:
    """Is there a secret, opened or sealed, anywhere inside?"""
    return _holds(value, _is_secret)


def is_special(value: Any) -> bool:
    """Is there anything inside that JSON does not have?"""
    return _holds(value, lambda _special: True)


def _is_unknown(special: Any) -> bool:
    kind = type(special)
    return kind is Unknown or (kind is ResourceReference and type(special.id) is Unknown)


def _is_secret(special: Any) -> bool:
    return type(special) is Secret or type(special) is Sealed


def _holds(value: Any, is_one: Callable[[Any], bool]) -> bool:
    """Is one of the special values inside like that? Asked several times of every resource, mostly in vain."""
    kind = type(value)
    if kind in _SCALARS:
        return False
    if kind is dict:
        items = value.values()
    elif kind is list:
        items = value
    elif is_one(value):
        return True
    else:
        items = (value.value,) if kind is Secret else (value.assets or {}).values() if kind is Archive else ()
    return any(type(item) not in _SCALARS and _holds(item, is_one) for item in items)


def equal(one: Any, other: Any) -> bool:
    """Equality as the engine means it (spec section 2).

    A missing key equals null, numbers are compared by value, a bool is not a number, a secret equals only a secret
    with equal content, and an unknown only an unknown of the same kind.
    """
    if one is other:
        return True
    kind, other_kind = type(one), type(other)
    if kind is str or other_kind is str:
        return one == other
    if kind is bool or other_kind is bool:
        return False
    if kind is dict and other_kind is dict:
        for key, value in one.items():
            if not equal(value, other.get(key)):
                return False
        return all(value is None or key in one for key, value in other.items())
    if kind is list and other_kind is list:
        return len(one) == len(other) and all(map(equal, one, other))
    if kind is Secret and other_kind is Secret:
        return equal(one.value, other.value)
    if one is None or other is None:
        return False
    return one == other


def identical(one: Any, other: Any) -> bool:
    """Is there no difference worth recording? Unlike `equal`, null is not a missing key; unlike `==`, 1 is not true."""
    return one == other and equal(one, other)


# --- making values from values ----------------------------------------------------------------------------------------


def transform(value: Any, change: Callable[[Any], Any]) -> Any:
    """`value` with `change` applied to every special value inside, outermost first; the same object when none is."""
    kind = type(value)
    if kind in _SCALARS:
        return value
    if kind is dict:
        return _dict_of(value, change)
    if kind is list:
        return _list_of(value, change)
    return change(value)


def _dict_of(value: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    changed: dict[str, Any] | None = None
    for key, item in value.items():
        if type(item) in _SCALARS:
            continue
        new = transform(item, change)
        if new is not item:
            if changed is None:
                changed = dict(value)
            changed[key] = new
    return value if changed is None else changed


def _list_of(value: list[Any], change: Callable[[Any], Any]) -> list[Any]:
    changed: list[Any] | None = None
    for index, item in enumerate(value):
        if type(item) in _SCALARS:
            continue
        new = transform(item, change)
        if new is not item:
            if changed is None:
                changed = list(value)
            changed[index] = new
    return value if changed is None else changed


def reveal(value: Any) -> Any:
    """`value` without its secret marks: what a provider gets."""

    def open_secret(item: Any) -> Any:
        return reveal(item.value) if type(item) is Secret else item

    return transform(value, open_secret)


def mask(value: Any) -> Any:
    """`value` as a person may see it: every secret is the text `[secret]`."""

    def hide(item: Any) -> Any:
        return MASK if type(item) in (Secret, Sealed) else item

    return transform(value, hide)


def unknown_as(value: Any, replacement: Callable[[Unknown], Any]) -> Any:
    """`value` with every unknown replaced; secrets stay secrets."""

    def replace(item: Any) -> Any:
        if type(item) is Unknown:
            return replacement(item)
        if type(item) is Secret:
            return Secret(transform(item.value, replace))
        return item

    return transform(value, replace)


def secret(value: Any) -> Any:
    """`value` marked secret as a whole; marks inside are absorbed."""
    if type(value) in (Secret, Sealed) or value is None:
        return value
    return Secret(reveal(value))


def mark_like(value: Any, pattern: Any) -> Any:
    """`value` with the secret marks of `pattern`, for a provider that returns plain values (spec section 5).

    Objects are marked member by member; an array with a secret anywhere inside is marked as a whole.
    """
    kind = type(pattern)
    if kind is Secret or kind is Sealed:
        return secret(value)
    if kind is dict and type(value) is dict:
        marked: dict[str, Any] | None = None
        for key, item in value.items():
            new = mark_like(item, pattern.get(key))
            if new is not item:
                marked = dict(value) if marked is None else marked
                marked[key] = new
        return value if marked is None else marked
    if kind is list and has_secret(pattern):
        return secret(value)
    return value


def plain_number(number: float) -> int | float:
    """An int when the double is a whole number small enough to be exact, else the double itself.

    Raises InputError for NaN and infinities: JSON has no way to write them, so they would silently become null.
    """
    if number == math.floor(number) and abs(number) <= 2**53:
        return int(number)
    return number


def finite(number: float, path: str = "") -> int | float:
    """`plain_number`, refusing what no record can hold."""
    if math.isfinite(number):
        return plain_number(number)
    raise InputError(
        f"{number} is not a number that can be recorded",
        path=path,
        why="JSON, which records and cloud APIs are written in, has no NaN and no infinities.",
        remedy="give a finite number",
        reference="number-not-finite",
    )


# --- envelopes --------------------------------------------------------------------------------------------------------


def from_plain(value: Any) -> Any:
    """A value from its JSON form, envelopes and sentinels included. Raises InputError for an unknown envelope."""
    kind = type(value)
    if kind is str:
        return SENTINELS.get(value, value) if len(value) == 36 else value
    if kind is dict:
        items = {key: item if type(item) is bool else from_plain(item) for key, item in value.items()}
        return from_envelope(items) if SIGNATURE in items else items
    if kind is list:
        return [from_plain(item) for item in value]
    if kind is float:
        return finite(value)
    return value


def from_envelope(members: dict[str, Any]) -> Any:
    """The special value an envelope stands for. Its members are values already."""
    signature = members[SIGNATURE]
    if signature == SECRET:
        if "ciphertext" in members:
            return Sealed(members["ciphertext"])
        if "plaintext" in members:
            return secret(from_plain(json.loads(members["plaintext"])))
        return secret(members.get("value"))
    if signature == ASSET:
        path, uri = members.get("path") or "", members.get("uri") or ""
        text = members.get("text")
        # Pulumi leaves an empty text away; without path and address nothing else can be meant.
        return Asset(path, "" if text is None and not path and not uri else text, uri, members.get("hash") or "")
    if signature == ARCHIVE:
        return Archive(
            members.get("path") or "",
            members.get("uri") or "",
            members.get("assets"),
            members.get("hash") or "",
        )
    if signature == REFERENCE:
        identity = members.get("id")
        return ResourceReference(
            members.get("urn") or "",
            UNKNOWN if identity == "" else identity,
            members.get("packageVersion") or "",
        )
    if signature == OUTPUT:
        inner = members.get("value", UNKNOWN)
        return secret(inner) if members.get("secret") else inner
    raise InputError(
        f"a value has the signature {signature!r}, which this version of Workstead does not know",
        why="Its meaning would be lost if it were recorded.",
        remedy="use a newer Workstead, or a different kind of value",
        reference="value-kind-unknown",
    )


def to_plain(value: Any, seal: Callable[[Any], Mapping[str, Any]]) -> Any:
    """The JSON form of a value; `seal` gives the envelope of a secret's content (a record encrypts it there)."""

    def envelope(item: Any) -> Any:
        kind = type(item)
        if kind is Secret:
            return seal(item.value)
        if kind is Sealed:
            return {SIGNATURE: SECRET, "ciphertext": item.ciphertext}
        if kind is Unknown:
            return item.sentinel
        if kind is Asset:
            return _envelope(ASSET, path=item.path, text=item.text, uri=item.uri, hash=item.hash)
        if kind is Archive:
            assets = item.assets and {name: to_plain(part, seal) for name, part in item.assets.items()}
            return _envelope(ARCHIVE, path=item.path, uri=item.uri, assets=assets, hash=item.hash)
        if kind is ResourceReference:
            members = _envelope(REFERENCE, urn=item.urn, packageVersion=item.package_version)
            if item.id is not None:
                members["id"] = "" if type(item.id) is Unknown else item.id
            return members
        raise InputError(
            f"a value of type {kind.__name__} cannot be recorded",
            remedy="give text, numbers, booleans, lists, maps, assets or resources",
            reference="value-kind-unknown",
        )

    return transform(value, envelope)


def _envelope(signature: str, **members: Any) -> dict[str, Any]:
    kept = {name: item for name, item in members.items() if item is not None and (item != "" or name == "text")}
    return {SIGNATURE: signature, **kept}


def open_envelope(content: Any) -> dict[str, Any]:
    """A secret's envelope as it travels to the SDK: the content stays readable."""
    return {SIGNATURE: SECRET, "value": to_plain(content, open_envelope)}


def masked_envelope(content: Any) -> Any:
    """A secret as views show it: no content at all."""
    return MASK


# --- text -------------------------------------------------------------------------------------------------------------


def canonical_json(value: Any) -> str:
    """One text per value: sorted keys, no spaces. For comparing and hashing, not for recording."""
    return json.dumps(
        to_plain(value, open_envelope),
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )
