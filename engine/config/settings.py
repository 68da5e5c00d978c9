"""Workstead's own settings, each from the first place that has it.

    flag → environment → stack file → project → default

Stack file: config values in the namespace `workstead`, such as `workstead:emulateSpeed`. Project: the table
`[tool.workstead]` of the `pyproject.toml` beside `Pulumi.yaml`. Pulumi's own files get no keys Pulumi does not know.
The record's address is never taken from a stack's file: `stack ls` has to find it before it knows any stack.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from engine.config.entries import entry_text
from engine.config.project import OWN_FOLDER, Project
from engine.config.stack import StackConfig
from engine.core.errors import UsageError, WorksteadError, raise_all
from engine.core.values import has_secret

NAMESPACE: Final = "workstead"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one command. `origins`: setting → where it came from, in words."""

    backend: str
    """URL of the record."""
    parallel: int = 32
    """How many provider calls may run at once."""
    patience: float = 300.0
    """How many seconds a run waits for a record that cannot be written, because the disk is full or failing."""
    emulate_speed: str = "fast"
    """How fast emulated objects change their status: `instant`, `fast` (a hundredth of the vendor's time) or `real`."""
    origins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Setting:
    kind: Any
    variables: tuple[str, ...]
    per_stack: bool = True


_SETTINGS: Final[Mapping[str, _Setting]] = {
    "backend": _Setting(Annotated[str, msgspec.Meta(min_length=1)], ("WORKSTEAD_BACKEND",), per_stack=False),
    "parallel": _Setting(Annotated[int, msgspec.Meta(ge=1)], ("WORKSTEAD_PARALLEL", "PULUMI_PARALLEL")),
    "patience": _Setting(Annotated[float, msgspec.Meta(ge=0)], ("WORKSTEAD_PATIENCE",)),
    "emulate_speed": _Setting(Literal["instant", "fast", "real"], ("WORKSTEAD_EMULATE_SPEED",)),
}


def read_settings(
    project: Project,
    *,
    environ: Mapping[str, str],
    flags: Mapping[str, Any] | None = None,
    stack: StackConfig | None = None,
) -> Settings:
    """The settings of a command. A flag of None was not given; an empty variable counts as not set.

    Raises UsageErrors: unknown keys in `[tool.workstead]`, values of the wrong type, each naming its place.
    """
    table, errors = _own_table(project.root / "pyproject.toml")
    found: dict[str, Any] = {"backend": f"sqlite:///{project.root}/{OWN_FOLDER}/state.db"}
    origins: dict[str, str] = {}
    for name, setting in _SETTINGS.items():
        given = next(_candidates(name, setting, flags or {}, environ, stack, table), None)
        if given is None:
            continue
        origins[name], value = given
        try:
            found[name] = msgspec.convert(value, setting.kind, strict=not isinstance(value, str))
        except msgspec.ValidationError as error:
            errors.append(
                UsageError(
                    f"{value!r} cannot be the setting {name!r}: {error}",
                    path=origins[name],
                    remedy="give another value there",
                    reference="setting-malformed",
                )
            )
    raise_all(errors)
    return Settings(**found, origins=origins)


def _candidates(
    name: str,
    setting: _Setting,
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    stack: StackConfig | None,
    table: Mapping[str, Any],
) -> Iterator[tuple[str, Any]]:
    """(where from, value) of one setting, the strongest first."""
    if flags.get(name) is not None:
        yield f"--{name.replace('_', '-')}", flags[name]
    yield from ((variable, environ[variable]) for variable in setting.variables if environ.get(variable))
    first, *rest = name.split("_")
    key = f"{NAMESPACE}:{first}{''.join(map(str.capitalize, rest))}"
    if stack and setting.per_stack and key in stack.values and not has_secret(stack.values[key]):
        yield f"{key} in {stack.document.file}", entry_text(stack.values[key])
    if name in table:
        yield f"tool.{NAMESPACE}.{name} in pyproject.toml", table[name]


def _own_table(file: Path) -> tuple[dict[str, Any], list[WorksteadError]]:
    """`[tool.workstead]` with its names spelled with `_`, and what is wrong with it."""
    if not file.exists():
        return {}, []
    import difflib  # these two here, because most projects have no such table
    import tomllib

    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{file} cannot be read: {error}", remedy="correct the file", reference="file-malformed"
        ) from error
    tools = content.get("tool", {})
    table = tools.get(NAMESPACE, {}) if isinstance(tools, dict) else None
    if not isinstance(table, dict):
        raise UsageError(
            f"{file}: expected a table", path=f"tool.{NAMESPACE}", remedy="correct the file", reference="file-malformed"
        )
    errors: list[WorksteadError] = []
    for name in table:
        if name.replace("-", "_") in _SETTINGS:
            continue
        close = difflib.get_close_matches(name.replace("-", "_"), _SETTINGS, n=1)
        errors.append(
            UsageError(
                f"{file}: Workstead has no setting {name!r}",
                path=f"tool.{NAMESPACE}.{name}",
                remedy=f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(_SETTINGS)}",
                reference="setting-unknown",
            )
        )
    return {name.replace("-", "_"): value for name, value in table.items()}, errors
