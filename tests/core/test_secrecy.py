"""No secret in free text: what a run has met, it masks wherever it is quoted."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import CloudError, Diagnostic, Severity
from engine.core.secrecy import Secrecy
from engine.core.values import Secret

CANARY = 'can"ary\nof two lines'


def knowing(*values: object) -> Secrecy:
    secrecy = Secrecy()
    for value in values:
        secrecy.note(value)
    return secrecy


def test_a_quoted_secret_is_masked_however_it_is_spelled() -> None:
    secrecy = knowing({"deep": [Secret({"password": CANARY})]})
    for text in (f"refused: {CANARY}!", f"refused: {json.dumps(CANARY)}", "line: of two lines"):
        assert "[secret]" in secrecy.scrub(text)
        assert "canary" not in secrecy.scrub(text).replace('"', "")
        assert "two lines" not in secrecy.scrub(text)


def test_what_is_no_secret_and_what_is_too_short_stays() -> None:
    secrecy = knowing({"plain": "visible"}, Secret("yes"), Secret(True), Secret(""))
    assert secrecy.scrub("visible, yes, True") == "visible, yes, True"


def test_the_longest_secret_wins() -> None:
    assert knowing(Secret("abcd"), Secret("abcdefgh")).scrub("abcdefgh abcd") == "[secret] [secret]"


def test_diagnostics_and_errors() -> None:
    secrecy = knowing(Secret("hunter2!"))
    problem = Diagnostic(Severity.ERROR, "bad hunter2!", why="given: hunter2!", remedy="not hunter2!")
    assert "hunter2" not in secrecy.scrubbed(problem).sentences()
    error = CloudError("bad hunter2!", why="hunter2!")
    secrecy.clean(error)
    assert "hunter2" not in str(error)


@given(st.text(min_size=4), st.text(), st.text())
def test_no_secret_survives(secret: str, before: str, after: str) -> None:
    scrubbed = knowing(Secret(secret)).scrub(before + secret + after)
    assert secret not in scrubbed.replace("[secret]", "") or secret in "[secret]"
