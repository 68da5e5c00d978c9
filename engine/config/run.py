"""What one run gets of the configuration: texts for the program, properties for the providers.

The stack's values and the project's are laid over each other, checked against the project's declarations, and opened.
All that is missing or does not fit is told at once.

Left to others: handing it to the SDK (`engine.program`), who asks for a package's part (`engine.source`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.config.entries import Place, entry_text, parse_path_key, sort_key
from engine.config.project import Declaration, misfits
from engine.config.stack import StackConfig, Vault, opened
from engine.core import paths
from engine.core.errors import UsageError, WorksteadError, raise_all
from engine.core.model import DYNAMIC_PACKAGE
from engine.core.values import Secret, has_secret, reveal


@dataclass(frozen=True, slots=True)
class RunConfig:
    """The configuration of one run. `texts`: full key → text, as `PULUMI_CONFIG` has it; `secret_keys` are keys whose
    text is secret, because anything in it is. A program given as a function may make one directly."""

    texts: Mapping[str, str] = field(default_factory=dict)
    secret_keys: frozenset[str] = frozenset()

    def package_config(self, package: str) -> dict[str, str | Secret]:
        """What a package's default provider gets: its own keys without the namespace.

        Dynamic providers (package `pulumi-python`) get every key, in full.
        """
        return {
            key if package == DYNAMIC_PACKAGE else key.partition(":")[2]: Secret(text)
            if key in self.secret_keys
            else text
            for key, text in self.texts.items()
            if package in (DYNAMIC_PACKAGE, key.partition(":")[0])
        }


def run_config(config: StackConfig, vault: Vault | None = None, *, validate: bool = True) -> RunConfig:
    """The configuration of a run on a stack; `validate=False` skips the checks (`--skip-config-validation`).

    Raises UsageErrors for what is missing or does not fit, CredentialsError for secrets without a vault.
    """
    if config.environment:
        raise config.document.error(
            "the stack's `environment` cannot be used",
            ("environment",),
            why="Environments live in Pulumi Cloud, and without them values the program counts on would be missing.",
            remedy="write the values into `config` and remove `environment`",
            reference="environment-unsupported",
        )
    values = config.merged()
    texts = {key: opened(values[key], vault) for key in sorted(values, key=sort_key)}
    if validate:
        raise_all(_complaints(config, texts))
    return RunConfig(
        {key: entry_text(value) for key, value in texts.items()},
        frozenset(key for key, value in texts.items() if has_secret(value)),
    )


def _complaints(config: StackConfig, values: Mapping[str, object]) -> list[WorksteadError]:
    missing: list[str] = []
    errors: list[WorksteadError] = []
    for name, declared in sorted(config.project.declarations.items()):
        key, place = parse_path_key(name, config.project.name)
        found, value = paths.lookup(values, (key, *place))
        if not found:
            missing.append(name)
        elif declared.type:
            errors += _unfit(config, declared, key, place, value)
    if missing:
        one = len(missing) == 1
        errors.insert(
            0,
            UsageError(
                f"stack {config.stack!r} has no value for the configuration key{'' if one else 's'} "
                + ", ".join(map(repr, missing)),
                why="The project file declares " + ("it without a default." if one else "them without defaults."),
                remedy=f"workstead config set {missing[0]} <value>" + ("" if one else ", and so on"),
                reference="config-missing",
            ),
        )
    return errors


def _unfit(config: StackConfig, declared: Declaration, key: str, place: Place, value: object) -> list[WorksteadError]:
    """What is wrong with one value of a declared type. Declarations without a type check nothing, not even secrecy."""
    shown = ".".join((config.pretty(key), *map(str, place)))
    if declared.secret and not has_secret(value):
        return [
            UsageError(
                f"stack {config.stack!r} has a readable value where the project file declares a secret",
                path=shown,
                remedy=f"workstead config set --secret {shown} <value>",
                reference="config-not-secret",
            )
        ]
    plain = reveal(value)
    if not isinstance(plain, dict | list):
        plain = entry_text(plain)  # a scalar is judged by its text: 5 fits `string`, "5" fits `integer`
    assert declared.type is not None
    return [
        UsageError(
            f"stack {config.stack!r} has a value that is not of type {wanted}",
            path=shown + (paths.show(inner) if inner else ""),
            why="The project file declares that type.",
            remedy=f"workstead config set {shown} <{wanted}>",
            reference="config-type",
        )
        for inner, wanted in misfits(declared.type, declared.items, plain)
    ]
