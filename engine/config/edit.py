"""One change in a YAML text that leaves everything around it as a person wrote it, byte for byte.

ruamel.yaml was tried first. Removing or replacing a key takes the comment above the *next* key with it, and every
change re-aligns values, flow spacing and list indentation all over the file. So here the lines of one entry are
replaced, inserted or deleted. Whether the new text says what was wanted is checked by who asked for it (`document`):
anchors shared between values are the known case where it does not.

Comments that stand on lines of their own stay when the entry below them goes: whose they are, only a person knows.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import yaml

from engine.config.entries import Place
from engine.config.nodes import PLAIN, child, compose, key_text, plain_scalar

# --- writing values ---------------------------------------------------------------------------------------------------


class _Writer(yaml.SafeDumper):
    """Quotes every text that Pulumi's, PyYAML's or our own reader could take for something else."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        tag = super().resolve(kind, value, implicit)
        if kind is yaml.ScalarNode and implicit[0] and tag == "tag:yaml.org,2002:str":
            return tag if plain_scalar(value) == value and not value.startswith("<<") else PLAIN
        return tag

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


# Where readers of YAML disagree: other line ends, tabs, blanks around a text or its lines. Observed: Pulumi refuses a
# tab at the beginning of literal text.
_DOUBTFUL = re.compile(r"[\t\r\x85\u2028\u2029\ufeff]|\A\s|\s\s\Z|[^\S\n]\n")


def _text_node(writer: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    if _DOUBTFUL.search(text):
        style = '"'
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _text_node)


def _dumped(value: Any, flow: bool = False) -> str:
    text = yaml.dump(value, Dumper=_Writer, default_flow_style=flow, allow_unicode=True, width=10**9, sort_keys=False)
    return re.sub(r"(?m)^\.\.\.\n\Z", "", text).removesuffix("\n")


# --- changing text ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Entry:
    """The lines of one key with its value, or of one list item, in block style."""

    segment: str | int
    key: yaml.Node
    node: yaml.Node
    column: int
    first: int
    last: int
    alone: bool  # nothing else stands on its lines
    alias: bool  # the value is `*name`; `node` is somewhere else


class Tangled(Exception):
    """The change cannot be made without losing something that has nothing to do with it."""


class Edit:
    """One change in a text. Looks for the smallest piece that can be replaced as a whole."""

    def __init__(self, text: str) -> None:
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.text = text if not text or text.endswith(("\n", "\r")) else text + self.newline
        self.lines = self.text.splitlines(keepends=True)
        self.starts = list(accumulate(map(len, self.lines), initial=0))
        self.root = compose(self.text)

    def made(self, have: Any, want: Any, place: Place) -> str:
        """The new text: `have` is what it says now, `want` what it shall say, different at `place` only.

        Raises Tangled when comments would be lost that belong to other entries.
        """
        if self.root is None:
            return self.text + self._rendered({None: want}, 0)
        node: yaml.Node = self.root
        entry: _Entry | None = None
        owner: tuple[_Entry | None, Any] = (None, want)  # the innermost entry with lines of its own, its new value
        takes_others = True  # would replacing the owner as a whole write other entries anew?
        for segment in place:
            if not _is_block(node):
                break
            exists = segment in have if isinstance(have, dict) else isinstance(segment, int) and segment < len(have)
            removed = exists and (segment not in want if isinstance(want, dict) else len(want) < len(have))
            if not exists:
                last = self._entry(node, _last_segment(node))
                if last.alone or isinstance(segment, str):
                    new = self._rendered({segment: want[segment]}, last.column)
                    return self._with_lines(last.last + 1, last.last + 1, new)
                takes_others = True
                break
            entry = self._entry(node, segment)
            if removed:
                if entry.alone and (len(have) > 1 or node is self.root):
                    return self._with_lines(entry.first, entry.last + 1, "")
                takes_others = takes_others or len(have) > 1
                entry = None
                break
            have, want, node = have[segment], want[segment], entry.node
            takes_others = not entry.alone
            if entry.alone:
                owner = (entry, want)
            if entry.alias:
                break
        inline = self._inline(node, want) if entry and not entry.alias else None
        return inline or self._replaced(*owner, takes_others)

    def _entry(self, parent: yaml.Node, segment: str | int) -> _Entry:
        key, node = child(parent, segment)
        assert key is not None
        assert node is not None
        start = key.start_mark
        index, alias, clear = start.index, node.start_mark.index < key.end_mark.index, True
        if key is node:  # a list item begins with its dash
            index = self.text.rfind("-", 0, start.index)
            alias, clear = False, index >= 0 and self.text[index + 1 : start.index].isspace()
        first = bisect_right(self.starts, index) - 1
        last = key.end_mark.line if alias else max(first, self._last_line(node))
        before = self.text[self.starts[first] : index]
        return _Entry(segment, key, node, len(before), first, last, clear and not before.strip(" "), alias)

    def _last_line(self, node: yaml.Node) -> int:
        """The last line with something of a node on it; comments after it belong to nobody."""
        if _is_block(node):
            parts = (
                node.value if isinstance(node, yaml.SequenceNode) else [part for pair in node.value for part in pair]
            )
            return max(map(self._last_line, parts))
        end = node.end_mark
        last = end.line if end.column or end.line == node.start_mark.line else end.line - 1
        if _is_block_text(node) and "+" not in self.lines[node.start_mark.line]:
            while last > node.start_mark.line and not self.lines[last].strip():
                last -= 1
        return last

    def _rendered(self, member: Mapping[Any, Any], column: int) -> str:
        """The lines of a new entry: a key with its value, a list item (the key is a number), or all of it (None)."""
        ((segment, value),) = member.items()
        text = _dumped(value if segment is None else [value] if isinstance(segment, int) else {segment: value})
        return "".join((" " * column + line if line else "") + self.newline for line in text.split("\n"))

    def _replaced(self, entry: _Entry | None, value: Any, takes_others: bool) -> str:
        """The text with an entry, or all of it, written anew."""
        first, last = (entry.first, entry.last + 1) if entry else (0, len(self.lines))
        if takes_others and re.search(r"(^|\s)#", "".join(self.lines[first:last])):
            raise Tangled
        if entry is None:
            return self._rendered({None: value}, 0)
        if isinstance(entry.segment, int):
            new = self._rendered({entry.segment: value}, entry.column)
        else:
            # Rendered under a stand-in, so that the key keeps its own quotes.
            written = self.text[entry.key.start_mark.index : entry.key.end_mark.index]
            new = self._rendered({"k": value}, entry.column).replace("k", written, 1)
        line, _, rest = new.partition(self.newline)
        return self._with_lines(first, last, line + self._remark(entry) + self.newline + rest)

    def _remark(self, entry: _Entry) -> str:
        """The comment at the end of an entry's first line, with the blanks before it."""
        start, end = entry.node.start_mark, entry.node.end_mark
        if not entry.alias and end.line == entry.first:
            after = end.index
        elif entry.alias or (start.line > entry.first and entry.key is not entry.node):
            after = entry.key.end_mark.index
        else:
            return ""
        match = re.compile(r"(?:[ \t]*:)?(?:[ \t]*\*\S+)?([ \t]+#[^\r\n]*)").match(self.text, after)
        return match[1] if match else ""

    def _inline(self, node: yaml.Node, value: Any) -> str | None:
        """The text with a one-line value in the place of another, if that is possible."""
        flow = isinstance(node, yaml.CollectionNode) and bool(node.value)  # an empty one may become block style
        if _is_block(node) or _is_block_text(node):
            return None
        if (isinstance(value, dict | list) and value and not flow) or (isinstance(value, str) and "\n" in value):
            return None
        start, end = node.start_mark.index, node.end_mark.index
        blank = " " if start == end else ""
        return self.text[:start] + blank + _dumped(value, flow=True) + self.text[end:]

    def _with_lines(self, first: int, last: int, new: str) -> str:
        return "".join(self.lines[:first]) + new + "".join(self.lines[last:])


def _is_block(node: yaml.Node) -> bool:
    return isinstance(node, yaml.CollectionNode) and not node.flow_style


def _is_block_text(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")


def _last_segment(node: yaml.Node) -> str | int:
    return len(node.value) - 1 if isinstance(node, yaml.SequenceNode) else key_text(node.value[-1][0])
