"""Which stack a command means: names, and the one selected in this checkout.

The selection is a file of our own, `.workstead/selected`. Pulumi's, in its home folder, is neither read nor written:
both tools can be used side by side without one moving the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from engine.config.document import write_atomically
from engine.config.project import LEGAL_NAME, NAME_LIMIT, Project, make_own_folder
from engine.core.errors import UsageError

ORGANIZATION: Final = "organization"  # there is no other; the longer forms have to begin with it


def parse_stack_name(text: str, project: str | None = None, *, origin: str = "") -> tuple[str, str]:
    """(project, stack) of `stack`, `organization/stack` or `organization/project/stack`.

    `project` is the one meant when the text names none, `origin` where the text came from, for the message. Raises
    UsageError for anything else, and for a name without a project where there is none.
    """
    owner, middle, stack = {
        0: (ORGANIZATION, "", text),
        1: (text.partition("/")[0], "", text.partition("/")[2]),
        2: tuple(text.split("/", 2)),
    }.get(text.count("/"), ("", "", ""))
    home = middle or project
    problem = ""
    if owner != ORGANIZATION:
        problem = f"the first part of a longer name is always the word `{ORGANIZATION}`"
    elif not home:
        problem = f"there is no project here, so the name has to read {ORGANIZATION}/<project>/<stack>"
    else:
        for part in (home, stack):
            if not LEGAL_NAME.match(part) or len(part) > NAME_LIMIT:
                problem = f"{part!r} is not 1 to {NAME_LIMIT} letters, digits, hyphens, underscores and periods"
    if problem or not home:
        raise UsageError(
            f"{text!r} is not the name of a stack",
            path=origin,
            why=problem[:1].upper() + problem[1:] + ".",
            remedy=f"write <stack>, {ORGANIZATION}/<stack> or {ORGANIZATION}/<project>/<stack>",
            reference="stack-name",
        )
    return home, stack


def selected_stack(flag: str | None, environ: Mapping[str, str], project: Project | None) -> tuple[str, str] | None:
    """(project, stack) a command means: the flag's, `PULUMI_STACK`'s, the selected one's; None when there is none.

    Raises UsageError for a malformed name, naming where it stands.
    """
    name = project.name if project else None
    if flag:
        return parse_stack_name(flag, name, origin="--stack")
    if environ.get("PULUMI_STACK"):
        return parse_stack_name(environ["PULUMI_STACK"], name, origin="PULUMI_STACK")
    if project:
        file = project.own_folder / "selected"
        with suppress(FileNotFoundError):
            text = file.read_text(encoding="utf-8").strip()
            return parse_stack_name(text, name, origin=str(file)) if text else None
    return None


def select_stack(project: Project, text: str) -> str:
    """Select a stack in this checkout and return its plain name. Raises UsageError for a stack of another project."""
    home, stack = parse_stack_name(text, project.name)
    if home != project.name:
        raise UsageError(
            f"{text!r} is a stack of the project {home!r}, but this is {project.name!r}",
            remedy="select it in its own project's folder",
            reference="stack-name",
        )
    write_atomically(make_own_folder(project) / "selected", f"{stack}\n")
    return stack


def unselect_stack(project: Project) -> None:
    """Forget the selection: what removing the selected stack does."""
    (project.own_folder / "selected").unlink(missing_ok=True)
