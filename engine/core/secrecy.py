"""Keeps secrets out of free text.

Masking values is `values.mask`'s business; but a cloud's error message, a provider's progress or a line the program
prints can quote a secret, and nobody marks anything there. So a run notes every secret it meets, and every text on its
way to a person or into the record is searched for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.core.errors import Diagnostic, WorksteadError
from engine.core.values import MASK, Secret, walk

_SHORTEST = 4
"""Shorter secrets are not searched for: masking every `1` or `yes` would hide the message and no secret."""


class Secrecy:
    """The secrets of one run. Notes may come from any thread."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def note(self, value: Any) -> None:
        """Remember the text of every secret inside a value."""
        kind = type(value)
        if kind is str or kind is int or kind is bool:
            return
        for item in walk(value):
            if type(item) is Secret:
                for inner in walk(item.value):
                    if isinstance(inner, str):
                        self.note_text(inner)

    def note_text(self, text: str) -> None:
        """Remember a secret text, its lines, and how JSON spells it."""
        for form in (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], *text.splitlines()):
            if len(form) >= _SHORTEST and form not in self._known:
                self._known.add(form)
                self._pattern = None

    def scrub(self, text: str) -> str:
        """The text with every known secret in it masked."""
        if not text or not self._known:
            return text
        pattern = self._pattern
        if pattern is None:
            longest_first = sorted(self._known, key=len, reverse=True)
            pattern = self._pattern = re.compile("|".join(map(re.escape, longest_first)))
        return pattern.sub(MASK, text)

    def scrubbed(self, problem: Diagnostic) -> Diagnostic:
        """The diagnostic with every known secret in its texts masked."""
        if not self._known:
            return problem
        return replace(
            problem,
            summary=self.scrub(problem.summary),
            why=self.scrub(problem.why),
            remedy=self.scrub(problem.remedy),
        )

    def clean(self, error: WorksteadError) -> None:
        """Mask every known secret in an error's own texts."""
        error.summary, error.why = self.scrub(error.summary), self.scrub(error.why)
        error.remedy = self.scrub(error.remedy)

    def note_all(self, properties: Mapping[str, Any]) -> None:
        """Remember every secret among some properties."""
        for value in properties.values():
            self.note(value)
