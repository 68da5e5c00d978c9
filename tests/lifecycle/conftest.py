"""The golden file of a story is named after its test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lifecycle.story import Story

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def told(request: pytest.FixtureRequest, golden: Callable[[Path, str], None]) -> Callable[[Story], None]:
    """`told(story)`: its transcript is the golden one."""
    name = request.node.name.removeprefix("test_")

    def compare(story: Story) -> None:
        golden(GOLDEN / f"{name}.txt", story.text)

    return compare
