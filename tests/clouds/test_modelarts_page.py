"""Every parameter of "Creating a Development Environment Instance", and every member of its response.

The page's tables are written down here once more. The schema has the same parameters, the README's table says of each
where it is validated and tested, and what it says is true.
"""

from __future__ import annotations

import inspect
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pulumi
import pytest

from providers import modelarts
from providers.inputs import Inputs, members_of
from providers.modelarts.provider.instance_answers import computed
from providers.modelarts.schema import instances as schema
from providers.modelarts.schema import notebooks
from tests.contract.modelarts_cases import INSTANCES

HERE = Path(__file__).parent

PAGE = [
    "project_id",
    "name", "profile_id", "description", "flavor", "spec", "workspace", "pool", "ai_project",
    "spec.storage", "spec.extend_storage", "spec.auto_stop", "spec.annotations",
    "storage.type", "storage.location",
    "location.path", "location.volume_size", "location.mount_path", "location.access_modes",
    "auto_stop.enable", "auto_stop.duration", "auto_stop.prompt",
    "workspace.id",
    "pool.id", "pool.type", "pool.name", "pool.owner",
    "owner.project_id",
    "ai_project.id",
]  # fmt: skip
"""The request tables of "Creating a Development Environment Instance", row by row."""


TABLES = {
    schema.DevEnvInstance: "",
    schema.Spec: "spec.",
    schema.Storage: "storage.",
    schema.ExtendStorage: "storage.",
    schema.Location: "location.",
    schema.AutoStop: "auto_stop.",
    schema.Workspace: "workspace.",
    schema.Pool: "pool.",
    schema.Owner: "owner.",
    schema.AIProject: "ai_project.",
}
"""What the page's tables are models of."""

NOTEBOOK_MODELS = [
    *(notebooks.Notebook, notebooks.Volume, notebooks.Lease, notebooks.Endpoint),
    *(notebooks.Hooks, notebooks.ContainerHooks, notebooks.Hook),
]


def readme_table() -> dict[str, list[str]]:
    """Parameter → type, rule, validated by, a change, tests: the README's table of the page."""
    readme = (HERE.parent.parent / "providers" / "modelarts" / "README.md").read_text()
    section = readme.split("## Every request parameter", 1)[1].split("\n## ", 1)[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|") and "`" in line]
    assert all(len(row) == 6 for row in rows)
    return {row[0].split("`")[1]: row[1:] for row in rows}


def rows_at(path: str) -> set[str]:
    """The table's rows that a property path leads through, such as storage.type for spec.extend_storage[0].type."""
    first, *rest = re.sub(r"\[.*?\]|\.\d+", "", path).split(".")
    names = [first, *(name.removeprefix("extend_") for name in rest)]
    rows = {names[0], *(f"{outer}.{inner}" for outer, inner in pairwise(names))}
    return rows | ({"spec.extend_storage"} if "extend_storage" in path else set())


def test_the_page_the_schema_and_the_readme_have_the_same_parameters() -> None:
    known = {f"{table}{name}" for model, table in TABLES.items() for name in members_of(model)}
    assert set(PAGE) == (known | {"project_id"}) - {"running"}
    assert set(readme_table()) == set(PAGE) | {"running"}


@pytest.mark.parametrize("name", PAGE)
def test_the_readme_says_where_a_parameter_is_validated_and_tested(name: str) -> None:
    """What the README's table names is there, and its tests are about this parameter."""
    _, _, validated, change, tests = readme_table()[name]
    for model, member in re.findall(r"`([A-Z]\w+)\.(\w+)`", validated):
        assert member in members_of(getattr(schema, model))
    if name != "project_id":
        assert re.search(r"`[A-Z]\w+(\.\w+)?`", validated) or "rule on" in validated
    kinds = {kind for kind in ("invalid", "in_place", "replacing", "drifts") if re.search(rf"\b{kind}\b", tests)}
    named = re.findall(r"`(test_\w+)…?`", tests)
    assert kinds or named
    for kind in kinds:
        cases: Any = getattr(INSTANCES, kind)
        # What a diff calls a location that loses its only member, the case calls by that member.
        paths = {path for case in cases for path in (*case.paths, case.label.partition("=")[0])}
        assert any(name in rows_at(path) for path in paths), kind
    for test in named:
        assert f"\ndef {test}" in (HERE / "test_modelarts.py").read_text(), test
    assert ("replaces" in change) <= ("replacing" in kinds)
    assert ("in place" in change) <= ("in_place" in kinds)


ANSWER: dict[str, Any] = {
    **dict.fromkeys(["id", "name", "description", "status", "creation_timestamp", "latest_update_timestamp", "flavor"]),
    "profile": {
        **dict.fromkeys(["id", "name", "description", "de_type", "flavor_type", "labels"]),
        "provision": {
            "type": None,
            "spec": {"engine": None, "params": dict.fromkeys(["namespace", "image_name", "image_tag", "annotations"])},
        },
    },
    "flavor_details": dict.fromkeys(
        [
            "name",
            "status",
            "queuing_num",
            "queue_left_time",
            "storage_list",
            "is_permitted",
            "type",
            "params",
            "promo_type",
            "instance_num",
            "duration",
            "store_time",
            "billing_flavor",
            "billing_params",
        ]
    ),
    "pool": {**dict.fromkeys(["id", "name", "type"]), "owner": {"project_id": None}},
    "spec": {
        **dict.fromkeys(["log_path", "custom_script_path", "resource_reserved_timestamp", "extend_params"]),
        "extend_storage": [{"type": None, "location": {"path": None}}],
        "storage": {"type": None, "location": dict.fromkeys(["path", "volume_size", "mount_path", "access_modes"])},
        "credential": {"ak": None},
        "repository": {"id": None},
        "auto_stop": dict.fromkeys(["enable", "duration", "prompt", "stop_timestamp", "remain_time"]),
        "failed_reasons": dict.fromkeys(["code", "message", "detail"]),
        "annotations": {"team": None},
    },
    "workspace": {"id": None},
    "ai_project": {"id": None},
    "error_code": None,
    "queuing_info": dict.fromkeys(
        [
            "id",
            "name",
            "de_type",
            "flavor",
            "flavor_details",
            "status",
            "begin_timestamp",
            "remain_time",
            "end_timestamp",
            "rank",
        ]
    ),
    "user": dict.fromkeys(["id", "name"]),
    "repository": {
        **dict.fromkeys(["id", "branch", "user_name", "user_email", "type"]),
        "connection_info": {"protocol": None, "url": None, "credential": {"access_token": None}},
    },
}
"""The response tables of the page, 11 to 30, member by member."""


def filled(tree: Any, path: str = "") -> Any:
    """The answer with every leaf's own path as its value."""
    if isinstance(tree, dict):
        return {name: filled(value, f"{path}.{name}") for name, value in tree.items()}
    return [filled(value, f"{path}[]") for value in tree] if isinstance(tree, list) else path


def leaves(tree: Any) -> set[str]:
    if isinstance(tree, (dict, list)):
        return {leaf for value in (tree.values() if isinstance(tree, dict) else tree) for leaf in leaves(value)}
    return {str(tree)}


def test_every_member_of_the_pages_response_can_be_read() -> None:
    """The ID is the resource's own; name and description are inputs."""
    outs = computed(filled(ANSWER))
    assert leaves(filled(ANSWER)) - leaves(outs) == {".id", ".name", ".description", ".spec.repository.id"}
    assert set(outs) <= set(modelarts.DevEnvInstance._computed)


@pytest.mark.parametrize("model", [*TABLES, *NOTEBOOK_MODELS], ids=lambda model: model.__name__)
def test_every_parameter_is_typed_for_the_author_of_a_program(model: type[Inputs]) -> None:
    name = {"ExtendStorage": "Storage"}.get(model.__name__, model.__name__)
    offered = getattr(modelarts, name)
    if issubclass(offered, pulumi.CustomResource):
        assert set(offered._inputs) == set(members_of(model))
        written = set(inspect.signature(offered.__init__).parameters) - {"self", "resource_name", "opts"}
        assert written == set(members_of(model)) - {"marker"}
    else:
        assert set(offered.__annotations__) == set(members_of(model))
