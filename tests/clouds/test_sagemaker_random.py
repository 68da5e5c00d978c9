"""Two independent readings of SageMaker's rules under random inputs: what the preview lets pass, the emulator takes.

The samples of the contract suite, with members left out and other choices made, by a chance that is always the same.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from providers.errors import RefusedError
from providers.inputs import Inputs, Shape, members_of
from tests.contract import sagemaker_cases as cases
from tests.contract.contract_cases import Bench, TestClock, TypeCases, under

SAMPLES = 6
LEFT_OUT, OTHERWISE = 0.2, 0.4
"""How likely a member is left out, and a choice made otherwise."""
ONLY_THE_CLOUD_KNOWS = ("needs an instance type", "is for AppType", "because App(s) are associated with it")
"""Refusals about other objects."""


@pytest.fixture(scope="module")
def running() -> Iterator[Bench]:
    with cases.open_bench() as bench:
        yield bench


@pytest.mark.parametrize("type_", cases.TYPES[:16], ids=lambda type_: type_.type)
def test_what_passes_the_preview_is_accepted_and_comes_back_as_it_was(running: Bench, type_: TypeCases) -> None:
    """Created; read without a difference, also by somebody who knows but the ID; deleted."""
    chance, accepted = random.Random(type_.type), 0
    provider = running.provider(type_.type)
    for _ in range(SAMPLES):
        with running.fresh() as bench:
            result = provider.check({}, varied(type_.full(bench), provider.schema, chance))
            if result.failures:
                continue
            inputs = result.inputs
            try:
                with under(TestClock().call("create")):
                    made = provider.create(dict(inputs))
            except RefusedError as error:
                if result.warnings or any(text in error.summary for text in ONLY_THE_CLOUD_KNOWS):
                    continue
                raise
            accepted += 1
            seen = provider.read(made.id, dict(made.outs))
            assert provider.diff(made.id, seen.outs, inputs).changes is False, inputs
            imported = provider.read(made.id, {})
            again = provider.check({}, imported.inputs)
            assert not again.failures, (inputs, again.failures)
            assert provider.diff(made.id, imported.outs, again.inputs).changes is False, inputs
            with under(TestClock().call("delete")):
                provider.delete(made.id, dict(made.outs))
            assert made.id not in bench.ids(type_.emulated)
    assert accepted


def varied(tree: Mapping[str, Any], model: type[Inputs], chance: random.Random) -> dict[str, Any]:
    """The tree with some members left out, and other choices."""
    members = members_of(model)
    return {
        name: _varied(value, members[name].shape, chance)
        for name, value in tree.items()
        if members[name].required or chance.random() > LEFT_OUT
    }


def _varied(value: Any, shape: Shape, chance: random.Random) -> Any:
    if shape.model is not None:
        return varied(value, shape.model, chance)
    if shape.kind == "list":
        return [_varied(item, shape.of_items, chance) for item in value]
    if shape.kind == "choice" and chance.random() < OTHERWISE:
        return chance.choice(shape.choices)
    return value
