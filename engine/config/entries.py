"""One config entry: its key, its value, and the text a program gets for it.

A key is `namespace:name`. A value is null-free at the top (Pulumi reads a missing value as empty text), otherwise a
scalar, list or map as in the file, with `Sealed` for every `{secure: ciphertext}` inside. Everything here is pure;
files are the business of `document`, and whose entry it is that of `stack`.

What Pulumi does where its documentation is silent was observed with the real command (August 2026 sources) and is
written down beside the function that repeats it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from engine.core import paths
from engine.core.errors import UsageError
from engine.core.values import MASK, Sealed, Secret, reveal, transform

Segment = str | int
Place = tuple[Segment, ...]

_WHOLE = re.compile(r"[+-]?[0-9]+\Z")


# --- keys -------------------------------------------------------------------------------------------------------------


def parse_key(text: str, namespace: str) -> str:
    """The full key a text means: `name` is in `namespace`, `a:config:b` is the old spelling of `a:b`.

    Raises UsageError for other uses of the colon. Spaces, dots and slashes are legal in a name, as in Pulumi.
    """
    parts = text.split(":")
    if len(parts) == 1:
        return f"{namespace}:{text}"
    if len(parts) == 2:
        return text
    if len(parts) == 3 and parts[1] == "config":
        return f"{parts[0]}:{parts[2]}"
    raise UsageError(
        f"{text!r} is not a configuration key",
        why="A key reads <name>, which means <project>:<name>, or <namespace>:<name>.",
        remedy="leave out the extra colons",
        reference="config-key",
    )


def parse_path_key(text: str, namespace: str) -> tuple[str, Place]:
    """(full key, the place inside its value) of a key given with `--path`, like `aws:tags.owner` or `["odd.name"][0]`.

    Only what stands before the first dot or bracket can hold a namespace. Raises UsageError for malformed paths, and
    for wildcards, which Pulumi here takes for plain names: nobody who types `list[*]` wants a map with the key `*`.
    """
    cut = next((index for index, letter in enumerate(text) if letter in ".[" and index > 0), len(text))
    if text.startswith("["):
        cut = 0
    head = parse_key(text[:cut], namespace)
    owner, _, name = head.partition(":")
    segments = paths.parse(name + text[cut:])
    if not segments or not isinstance(segments[0], str) or ":" in segments[0] or paths.ANY in segments:
        raise UsageError(
            f"{text!r} is not the path of a configuration value",
            why="It begins with the name of a key, followed by names and list positions without wildcards.",
            remedy="write for example outer.inner or names[0]",
            reference="config-key",
        )
    return f"{owner}:{segments[0]}", tuple(segment for segment in segments[1:] if isinstance(segment, str | int))


def require_name(key: str) -> str:
    """`key`, refused when a part of it is empty. Pulumi stores such keys; here they are taken for an unset variable."""
    owner, _, name = key.partition(":")
    if owner and name:
        return key
    raise UsageError(
        f"the configuration key {key!r} has an empty part",
        remedy="give a name: <name> or <namespace>:<name>",
        reference="config-key",
    )


def sort_key(key: str) -> tuple[str, str]:
    """Orders keys as Pulumi lists them: by namespace, then by name."""
    owner, _, name = key.partition(":")
    return owner, name


# --- values -----------------------------------------------------------------------------------------------------------


def sealed(value: Any) -> Any:
    """A value as it stands in a file with `Sealed` for each map whose only key is `secure` and holds text."""
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(value.get("secure"), str):
            return Sealed(value["secure"])
        return {key: sealed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [sealed(item) for item in value]
    return value


def unsealed(value: Any) -> Any:
    """The opposite of `sealed`: what is written into the file."""
    return transform(value, lambda item: {"secure": item.ciphertext} if isinstance(item, Sealed) else item)


def typed(text: str) -> bool | int | str:
    """What a text becomes inside a list or map (`config set --path`).

    `true`, `false` and whole numbers of 64 bits; observed: `-3`, `+3` and `-01` are numbers, `007`, `1_000`, `1.5` and
    `True` stay text. The real command writes numbers from 2^63 on as inexact floats; here they stay exact.
    """
    if text in ("true", "false"):
        return text == "true"
    if _WHOLE.match(text) and not (len(text) > 1 and text.startswith("0")):
        number = int(text)
        if -(2**63) <= number < 2 ** (63 if text[0] in "+-" else 64):
            return number
    return text


def put(value: Any, place: Place, new: Any, done: str = "") -> Any:
    """A copy of `value` with `new` at a place; `done` is the text of the place so far, for messages.

    Containers on the way are made when there is nothing (null). A list grows by one position at most; the real command
    fills a *new* list with nulls up to any position, which here is refused like any other gap. Raises UsageError when
    the place leads through something that is not a container, or would make a map that reads as a secret.
    """
    if not place:
        return new
    segment, rest = place[0], place[1:]
    here = done + _shown(segment)
    if value is None:
        value = {} if isinstance(segment, str) else []
    if isinstance(value, dict) and isinstance(segment, str):
        made = {**value, segment: put(value.get(segment), rest, new, here)}
        _refuse_false_secret(made, here)
        return made
    if isinstance(value, list) and isinstance(segment, int):
        if segment > len(value):
            raise UsageError(
                f"the list has {len(value)} items, so the next position is [{len(value)}]",
                path=here,
                remedy=f"set [{len(value)}] first",
                reference="config-path",
            )
        inner = value[segment] if segment < len(value) else None
        return [*value[:segment], put(inner, rest, new, here), *value[segment + 1 :]]
    kind = "a list" if isinstance(value, list) else "a map" if isinstance(value, dict) else "neither a map nor a list"
    raise UsageError(
        f"what it should go into is {kind}",
        path=here,
        remedy="use a name inside a map and [n] inside a list, or remove the value first",
        reference="config-path",
    )


def drop(value: Any, place: Place, done: str = "") -> Any:
    """A copy of `value` without what is at a place; the same object when there is nothing. Later list items move up."""
    segment, rest = place[0], place[1:]
    here = done + _shown(segment)
    there, inner = paths.lookup(value, (segment,))
    if not there:
        return value
    if rest:
        changed = drop(inner, rest, here)
        return value if changed is inner else put(value, (segment,), changed, done)
    if isinstance(value, list):
        return [item for index, item in enumerate(value) if index != segment]
    left = {key: item for key, item in value.items() if key != segment}
    _refuse_false_secret(left, here)
    return left


def refuse_false_secrets(value: Any, here: str) -> Any:
    """`value`, refused with UsageError when a map inside would read as a secret."""
    if isinstance(value, dict):
        _refuse_false_secret(value, here)
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        refuse_false_secrets(inner, here)
    return value


def _shown(segment: Segment) -> str:
    return f"[{segment}]" if isinstance(segment, int) else f".{segment}"


def _refuse_false_secret(members: Mapping[str, Any], here: str) -> None:
    if len(members) == 1 and isinstance(members.get("secure"), str):
        raise UsageError(
            "a map whose only key is `secure` cannot be stored",
            path=here,
            why="In the file it would read as an encrypted value.",
            remedy="use another name, or set a second key first",
            reference="config-reserved",
        )


# --- text -------------------------------------------------------------------------------------------------------------


def entry_text(value: Any) -> str:
    """What a program gets for a value: text as it is, anything else as compact JSON with its secrets opened.

    A value that is still sealed shows as `[secret]`.
    """
    plain = transform(reveal(value), lambda item: MASK if isinstance(item, Sealed) else item)
    return plain if isinstance(plain, str) else json_text(plain)


def masked_text(value: Any) -> str:
    """`entry_text` as a person may see it: each secret inside is `[secret]`."""
    return entry_text(transform(value, lambda item: MASK if isinstance(item, Secret | Sealed) else item))


def json_text(value: Any) -> str:
    """Compact JSON byte for byte as Pulumi's engine writes it, so that a stack taken over shows no difference.

    Observed: keys sorted, `<`, `>`, `&` and the two Unicode line ends escaped, `1.0` as `1`, exponents only below 1e-6
    and from 1e21 on. (Pulumi also rounds integers from 2^63 on that are inside lists and maps; here they stay exact.)
    """
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_quoted(key)}:{json_text(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Sequence):
        return "[" + ",".join(map(json_text, value)) + "]"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return _number(value)


_ESCAPED: Final = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).translate(_ESCAPED)


def _number(number: int | float) -> str:
    if isinstance(number, int):
        return str(number)
    if number == 0:
        return "0"
    if 1e-6 <= abs(number) < 1e21:
        return format(Decimal(repr(number)), "f").removesuffix(".0")
    return re.sub(r"(\.0)?e([+-])0?", r"e\2", repr(number))


# --- secrets typed in the open ----------------------------------------------------------------------------------------

_SECRET_NAME = re.compile(r"pass|pwd|secret|token", re.IGNORECASE)


def looks_like_secret(name: str, text: str) -> bool:
    """Does this look like a secret about to be stored readably? A guess: only a reason to ask for `--plaintext`.

    Pulumi asks a password-strength library. This rule needs no library and agrees on what matters: the key's name
    speaks of a secret, and the text is either eight characters of three kinds (lower, upper, digit, other), or sixteen
    of letters and digits. (Unlike Pulumi's it lets `https://example.com/token` pass and stops `ghp_abcdef1234`.)
    """
    if not _SECRET_NAME.search(name) or len(text) < 8 or re.search(r"\s", text):
        return False
    kinds = sum(bool(re.search(kind, text)) for kind in ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]"))
    return kinds >= 3 or (len(text) >= 16 and bool(re.fullmatch(r"(?=.*[0-9])(?=.*[a-zA-Z])[a-zA-Z0-9]+", text)))
