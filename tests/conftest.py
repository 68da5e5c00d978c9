"""What all tests share: golden files, one flag to write them anew, and how hypothesis works."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes is the machine's load more than anything; benchmarks are elsewhere.
settings.register_profile("workstead", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("workstead")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--regen`: golden files are written instead of compared; read the diff before you commit it (HOUSE 5.11)."""
    parser.addoption("--regen", action="store_true", help="write the golden files anew instead of comparing")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """`golden(file, text)`: the text is what the file says, or becomes it under --regen."""

    def compare(file: Path, text: str) -> None:
        if request.config.getoption("--regen"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            return
        expected = file.read_text(encoding="utf-8") if file.is_file() else ""
        if text != expected:
            lines = difflib.unified_diff(
                expected.splitlines(), text.splitlines(), f"{file.name} (golden)", "now", lineterm=""
            )
            pytest.fail(
                "\n".join(lines) + f"\n\nIf this is meant: pytest --regen {request.node.nodeid}, and read the diff.",
                pytrace=False,
            )

    return compare
