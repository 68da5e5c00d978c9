"""Why a step was chosen, in words a person understands.

All sentences are in the one table below. A view prints the reason a step carries and never works one out itself. What
it adds is discretion: nothing is told from inside a secret, not even a property's path.

Left to others: the step's own word before the sentence (`words`), old and new values (`properties`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from engine.core import paths
from engine.core.errors import WorksteadError
from engine.core.paths import Path
from engine.core.plan import Reason, Step, Why
from engine.core.values import Sealed, Secret
from engine.views.printing import message_lines, visible
from engine.views.words import place

# `{properties}` and `{urns}` are what the reason names; what stands behind the bar is said when it names none. A note
# of the provider follows after a colon.
_BECAUSE: Final[Mapping[Why, str]] = {
    Why.UNCHANGED: "nothing changed",
    Why.NEW: "new",
    Why.CHANGED: "{properties} changed|its provider finds it different",
    Why.NOT_DECLARED: "no longer declared",
    Why.DESTROY: "the stack is destroyed",
    Why.REPLACED: "its replacement has taken its place",
    Why.PROPERTY_REPLACES: "because {properties} changed|because its provider cannot update it",
    Why.TAINTED: "because it was created but not finished well",
    Why.PROVIDER_CHANGED: "because its provider is another one",
    Why.TRIGGER: "because its replacement trigger changed",
    Why.REPLACED_WITH: "because it is to be replaced together with {urns}|"
    "because it is to be replaced together with another resource",
    Why.DELETED_WITH: "because {urns}, with which it is deleted, is replaced",
    Why.DEPENDENCY_REPLACED: "because {urns}, which it cannot do without, is replaced|"
    "because something it cannot do without is replaced",
    Why.PENDING_DELETE: "left over from an earlier replacement",
    Why.PENDING_REPLACEMENT: "because an earlier replacement deleted it and got no further",
    Why.TAKEN_BACK: "its object from before the last replacement is still there and fits again",
    Why.UNFINISHED: "to finish what an earlier run left unfinished",
    Why.IMPORT: "it is taken into the record",
    Why.READ: "the program looks it up",
    Why.BECOMES_MANAGED: "so far only looked up, from now on managed",
    Why.BECOMES_EXTERNAL: "from now on only looked up",
    Why.DRIFT: "the object differs from the record in {properties}|the object differs from the record",
    Why.GONE: "the object is gone",
}
_NAMED_AT_MOST: Final = 4


def because(step: Step) -> str:
    """The step's reason in words a person understands, without secrets; fit to follow a word or to stand alone."""
    reason = step.reason
    properties = shown_properties(reason, step)
    sentence, _, otherwise = _BECAUSE[reason.why].partition("|")
    named = properties if "{properties}" in sentence else reason.urns
    if otherwise and not named:
        # The pickled code of a dynamic provider is a property too, one that nobody should have to know of.
        sentence = "the code of its provider changed" if reason.properties and not properties else otherwise
    text = sentence.format(properties=_listed(properties), urns=_listed([place(urn) for urn in reason.urns]))
    return f"{text}: {' '.join(message_lines(reason.note))}" if reason.note else text


def with_reason(word: str, step: Step) -> str:
    """`update: size changed`, `replace because name changed: no API can rename a workspace`."""
    text = because(step)
    return f"{word} {text}" if text.startswith(("because ", "to ")) else f"{word}: {text}"


def _listed(names: Sequence[str]) -> str:
    if len(names) > _NAMED_AT_MOST:
        names = [*names[: _NAMED_AT_MOST - 1], f"{len(names) - _NAMED_AT_MOST + 1} more"]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def shown_properties(reason: Reason, step: Step) -> list[str]:
    """The properties a reason names, as text: internal ones left out, none told from inside a secret."""
    found = {path: None for path in _named(reason.properties, step) if not is_internal(path)}
    return [visible(paths.show(path)) for path in sorted(found, key=path_order)]


def replace_keys(step: Step) -> list[str]:
    """The paths that force a replacement, as text, none from inside a secret."""
    return list(dict.fromkeys(map(paths.show, _named(step.replace_keys, step))))


def _named(texts: Iterable[str], step: Step) -> Iterator[Path]:
    """The paths of a step's properties, up to where one enters a secret."""
    known = {str(change): change.path for change in step.changes}
    for text in texts:
        yield outside_secrets(known.get(text) or _parsed(text) or (text,), step)


def path_order(path: Path) -> list[tuple[int, str]]:
    """Paths in the order of their names, list positions as numbers: providers give them in any order."""
    return [(segment, "") if isinstance(segment, int) else (-1, str(segment)) for segment in path]


def _parsed(text: str) -> Path | None:
    try:
        return paths.parse(text)
    except WorksteadError:
        return None


def is_internal(path: Path) -> bool:
    """Does the path lead to something a person has not written (`__provider`)?"""
    return any(isinstance(segment, str) and segment.startswith("__") for segment in path)


def outside_secrets(path: Path, step: Step) -> Path:
    """The path up to where it enters a secret: what is inside one, keys included, is nobody's business."""
    for state in (step.old, step.new):
        if state is not None:
            for values in (state.inputs, state.outputs):
                path = path[: _open_part(path, values)]
    return path


def _open_part(path: Path, value: object) -> int:
    for index, segment in enumerate(path):
        if isinstance(value, Secret | Sealed):
            return index
        _, value = paths.lookup(value, (segment,))
    return len(path)
