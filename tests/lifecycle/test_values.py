"""Values on their way through a run: config, secrets, exports, assets, stack references."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from engine.core.values import Secret, identical
from tests.lifecycle.story import Story


@pytest.mark.parametrize(
    ("before", "after", "recorded"),
    [
        pytest.param(lambda: 1, lambda: True, True, id="a number becomes a bool"),
        pytest.param(lambda: False, lambda: 0, 0, id="a bool becomes a number"),
        pytest.param(lambda: {"a": None}, dict, {}, id="a null goes"),
        pytest.param(lambda: "s", lambda: pulumi.Output.secret("s"), Secret("s"), id="a text becomes secret"),
    ],
)
def test_an_export_is_recorded_whatever_changed(
    before: Callable[[], Any], after: Callable[[], Any], recorded: Any
) -> None:
    story = Story(lambda: pulumi.export("x", before()))
    story.up()
    story.program = lambda: pulumi.export("x", after())
    story.up()
    assert identical(story.snapshot.stack_outputs, {"x": recorded})
