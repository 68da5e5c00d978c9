"""The project: what `Pulumi.yaml` says, found by walking up from a folder.

The file is Pulumi's and stays readable by Pulumi; what Workstead needs beyond it is in `settings`. Everything wrong in
the file is gathered and told at once, each with line and property path.

msgspec checks the types, not pydantic: this module is on the way of every command, and pydantic alone would double the
start-up of `stack ls`.

Left to others: the stack's own file (`stack`), whether its values fit the declarations made here (`run`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from engine.config.document import Document, write_atomically
from engine.config.entries import Place, parse_path_key
from engine.core import paths
from engine.core.errors import UsageError, WorksteadError, raise_all

FILE_NAMES: Final = ("Pulumi.json", "Pulumi.yaml", "Pulumi.yml")  # in the order Pulumi prefers them
OWN_FOLDER: Final = ".workstead"
NAME_LIMIT: Final = 100  # characters, of a project and of a stack
LEGAL_NAME: Final = re.compile(r"[A-Za-z0-9_.-]+\Z")


# --- declarations -----------------------------------------------------------------------------------------------------

Kind = Literal["string", "integer", "boolean", "array", "object"]


class Items(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The type of a list's items."""

    type: Kind
    items: Items | None = None


class Declaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the project file says of one configuration key. `given` is its value when the stack sets none."""

    type: Kind | None = None
    items: Items | None = None
    description: str = ""
    default: Any = None
    value: Any = None
    secret: bool = False

    @property
    def given(self) -> Any:
        """Default or value, None when there is neither."""
        return self.value if self.default is None else self.default


def type_name(kind: Kind, items: Items | None) -> str:
    """A type in words, like `array<array<integer>>`."""
    return f"array<{type_name(items.type, items.items)}>" if items else kind


_WHOLE_TEXT = re.compile(r"[+-]?[0-9]+\Z")


def misfits(kind: Kind, items: Items | None, value: Any, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """(place, wanted type) of each part of a value that does not fit.

    Observed: text fits `integer` when it reads as a whole number (`007`, `+5`) and `boolean` when it is `true` or
    `false`; 5.0 is an integer; a number is not a string.
    """
    if not _fits(kind, items, value):
        yield place, type_name(kind, items)
    elif kind == "array" and items is not None:
        for index, item in enumerate(value):
            yield from misfits(items.type, items.items, item, (*place, index))


def _fits(kind: Kind, items: Items | None, value: Any) -> bool:
    if kind == "integer":
        if isinstance(value, str):
            return bool(_WHOLE_TEXT.match(value))
        return not isinstance(value, bool) and isinstance(value, int | float) and value == int(value)
    if kind == "boolean":
        return isinstance(value, bool) or value in ("true", "false")
    if kind == "array":
        return isinstance(value, list) and items is not None
    return isinstance(value, str if kind == "string" else dict)


# --- the file ---------------------------------------------------------------------------------------------------------


class _Runtime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str = ""
    options: dict[str, Any] = {}


class _Backend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    url: str = ""


class _Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    refresh: Literal["always"] | None = None


_FIELDS: Final[Mapping[str, Any]] = {
    "name": str,
    "runtime": str | _Runtime,
    "main": str | None,
    "description": str | None,
    "stackConfigDir": str | None,
    "backend": _Backend | None,
    "options": _Options | None,
    "config": dict[str, Any] | str | None,
}

_KIND_WORDS: Final = {
    "`str`": "text",
    "`int`": "a whole number",
    "`float`": "a number",
    "`bool`": "true or false",
    "`array`": "a list",
    "`object`": "a map",
    "`null`": "nothing",
}


@dataclass(frozen=True)
class Project:
    """A project. `file` is None for a program given as a function; its stacks' files are then looked for in `root`.

    `declarations`: by key as the project file spells it. `runtime_options`: Pulumi's, kept but not acted upon.
    """

    name: str
    root: Path
    file: Path | None = None
    runtime_options: Mapping[str, Any] = field(default_factory=dict)
    main: str = ""
    description: str = ""
    config_folder: str = ""
    backend_url: str = ""
    always_refresh: bool = False
    declarations: Mapping[str, Declaration] = field(default_factory=dict)

    @property
    def program_path(self) -> Path:
        """The file to run: `main`, or `__main__.py` of the folder `main` is. Raises UsageError when it is not there."""
        place = self.root / self.main
        program = place / "__main__.py" if place.is_dir() else place
        if program.is_file():
            return program
        raise UsageError(
            f"the program {program} does not exist",
            path="main" if self.main else "",
            why=f"It is what {self.file or self.root} names as the program to run.",
            remedy="create it, or let `main` in the project file name the program's file or folder",
            reference="program-missing",
        )

    @property
    def own_folder(self) -> Path:
        """Where Workstead keeps what belongs to this checkout only: the selection, the embedded record."""
        return self.root / OWN_FOLDER

    def stack_file(self, stack: str) -> Path:
        """`Pulumi.<stack>.yaml` beside the project file or in `stackConfigDir`, in the project file's format."""
        suffix = self.file.suffix if self.file else ".yaml"
        return self.root / self.config_folder / f"Pulumi.{stack}{suffix}"


def make_own_folder(project: Project) -> Path:
    """The project's `.workstead` folder, created with a .gitignore that keeps all of it out of the repository."""
    ignore = project.own_folder / ".gitignore"
    if not ignore.exists():
        write_atomically(ignore, "*\n")
    return project.own_folder


def find_project(start: Path) -> Project:
    """The project whose file is in `start` or the nearest folder above.

    Raises UsageError `project-missing` when there is none, and errors naming file, line and path when it is wrong.
    """
    folder = Path(os.path.abspath(start))
    for place in (folder, *folder.parents):
        for name in FILE_NAMES:
            # os.path: a folder on the way up that may not be read counts as empty, as in Pulumi.
            if os.path.isfile(place / name):
                return read_project(place / name)
    raise UsageError(
        f"no Pulumi.yaml (or .yml, .json) in {folder} or any folder above it",
        why="That file names the project and its program.",
        remedy="change into the project's folder, or create a Pulumi.yaml with the lines "
        "`name: <project>` and `runtime: python`",
        reference="project-missing",
    )


def read_project(file: Path) -> Project:
    """The project a file describes. Raises all that is wrong with it."""
    document = Document.read(file)
    raw = document.value
    errors: list[WorksteadError] = []
    found: dict[str, Any] = {}
    for name, kind in _FIELDS.items():
        if name in raw:
            found[name] = _converted(document, raw[name], kind, (name,), errors)
    _check_name(document, raw, errors)
    runtime = found.get("runtime")
    runtime = _Runtime(runtime) if isinstance(runtime, str) else runtime
    if "runtime" not in raw or (runtime and runtime.name != "python"):
        errors.append(
            document.error(
                f"the runtime is {runtime.name!r}" if runtime else "there is no runtime",
                ("runtime",),
                why="Workstead runs Python programs only, and runs them in its own process.",
                remedy="write `runtime: python`, or use Pulumi for this project",
                reference="runtime-unsupported",
            )
        )
    config_folder = found.get("stackConfigDir") or ""
    config = found.get("config") or {}
    if isinstance(config, str):  # the old meaning of `config`: the folder of the stacks' files
        if config_folder:
            errors.append(
                document.error(
                    "both `config` and `stackConfigDir` name a folder",
                    ("config",),
                    remedy="keep `stackConfigDir`",
                    reference="project-malformed",
                )
            )
        config_folder, config = config, {}
    declarations = {
        key: declared
        for key, item in config.items()
        if (declared := _declaration(document, str(raw.get("name")), key, item, errors)) is not None
    }
    raise_all(errors)
    return Project(
        name=found["name"],
        root=file.parent,
        file=file,
        runtime_options=runtime.options if runtime else {},
        main=found.get("main") or "",
        description=found.get("description") or "",
        config_folder=config_folder,
        backend_url=(found.get("backend") or _Backend()).url,
        always_refresh=(found.get("options") or _Options()).refresh == "always",
        declarations=declarations,
    )


def _converted(document: Document, value: Any, kind: Any, place: Place, errors: list[WorksteadError]) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at `$")
        for word, plain in _KIND_WORDS.items():
            problem = problem.replace(word, plain)
        inner = where.removesuffix("`").removeprefix(".")
        inner_place = tuple(part for part in paths.parse(inner) if isinstance(part, str | int))
        errors.append(
            document.error(
                problem[0].lower() + problem[1:],
                (*place, *inner_place),
                remedy="correct the project file",
                reference="project-malformed",
            )
        )
        return None


def _check_name(document: Document, raw: Mapping[str, Any], errors: list[WorksteadError]) -> None:
    name = raw.get("name")
    if "name" in raw and not isinstance(name, str):
        return  # told already
    if not isinstance(name, str) or not LEGAL_NAME.match(name) or len(name) > NAME_LIMIT:
        errors.append(
            document.error(
                f"{name!r} cannot be a project's name" if name else "the project has no name",
                ("name",),
                why=f"A name is 1 to {NAME_LIMIT} letters, digits, hyphens, underscores and periods.",
                remedy="write `name: <project>`",
                reference="project-name",
            )
        )


def _declaration(
    document: Document, project: str, key: str, item: Any, errors: list[WorksteadError]
) -> Declaration | None:
    """What one entry of the project's `config` declares. A bare value is the default of one of the project's own keys,
    and the value of another package's."""
    place = ("config", key)
    own = ":" not in key or key.startswith(f"{project}:")
    try:
        parse_path_key(key, project)
    except UsageError as error:
        errors.append(document.error(error.summary, place, remedy=error.remedy, reference=error.reference))
        return None
    if isinstance(item, str | int | bool | list):
        item = {"default" if own else "value": item}
    declared = _converted(document, item, Declaration, place, errors)
    if declared is None:
        return None
    problem = ""
    if declared.default is not None and declared.value is not None:
        problem = "it has both a default and a value"
    elif own and declared.type == "array" and declared.items is None:
        problem = "it declares a list without the type of its `items`"
    elif own and declared.type and declared.default is not None:
        wrong = list(misfits(declared.type, declared.items, declared.default))
        if wrong:
            problem = f"its default does not fit the type {type_name(declared.type, declared.items)}"
    elif not own and declared.type:
        problem = "it declares a type, which only keys of the project itself may have"
    elif not own and declared.value is None:
        problem = "it is a key of another package and needs a `value`"
    if not problem:
        return declared
    errors.append(document.error(problem, place, remedy="correct the declaration", reference="project-malformed"))
    return None
