"""A stack's own file, `Pulumi.<stack>.yaml`, and its configuration as commands read and change it.

A `StackConfig` is a value: `set` and `remove` return the next one, `write` puts it into the file. Secrets stay sealed
while it is read, shown masked and rewritten; only who brings a `Vault` sees or makes one. Keys keep the spelling the
file has (`name`, `project:name`, `project:config:name` are the same key); new ones are written in full.

Left to others: how secrets are encrypted (whoever implements `Vault`), what of all this a run gets (`run`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from engine.config.document import Document
from engine.config.entries import (
    Place,
    drop,
    entry_text,
    looks_like_secret,
    masked_text,
    parse_key,
    parse_path_key,
    put,
    refuse_false_secrets,
    require_name,
    sealed,
    sort_key,
    typed,
    unsealed,
)
from engine.config.project import Project
from engine.core import paths
from engine.core.errors import CredentialsError, UsageError, WorksteadError, raise_all
from engine.core.values import Sealed, Secret, has_secret, transform


class Vault(Protocol):
    """What opens and makes the secrets of one stack."""

    def decrypt(self, text: str, /) -> str: ...

    def encrypt(self, text: str, /) -> str: ...


def opened(value: Any, vault: Vault | None) -> Any:
    """`value` with every sealed secret as `Secret`. Raises CredentialsError when there is one and no vault."""

    def open_one(item: Any) -> Any:
        if not isinstance(item, Sealed):
            return item
        return Secret(_needed(vault).decrypt(item.ciphertext))

    return transform(value, open_one)


def _needed(vault: Vault | None) -> Vault:
    if vault is not None:
        return vault
    raise CredentialsError(
        "the stack's secrets cannot be read or made: nobody gave a pass phrase",
        remedy="set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE",
        reference="passphrase-missing",
    )


@dataclass(frozen=True)
class StackConfig:
    """What a stack's file says. `values`: full key → value with `Sealed` inside, the file's only, in its order."""

    project: Project
    stack: str
    document: Document
    values: Mapping[str, Any]
    spellings: Mapping[str, str]
    encryption_salt: str = ""
    secrets_provider: str = ""
    encrypted_key: str = ""
    environment: Any = None

    # --- reading ------------------------------------------------------------------------------------------------------

    def merged(self) -> dict[str, Any]:
        """The values with what the project file gives for keys the stack does not set."""
        values = dict(self.values)
        for name, declared in sorted(self.project.declarations.items()):
            if declared.given is None:
                continue
            # The name is taken as a path, as Pulumi does: `nest.x` is the member x of the key nest.
            key, place = parse_path_key(name, self.project.name)
            if key in values and paths.lookup(values[key], place)[0]:
                continue
            given = sealed(declared.given)
            if place and isinstance(given, str):
                given = typed(given)
            values[key] = put(values.get(key), place, given, key)
        return values

    @property
    def has_secrets(self) -> bool:
        """Will a run or a listing with secrets need a vault?"""
        return any(map(has_secret, self.merged().values()))

    def get(self, key: str, *, path: bool = False, vault: Vault | None = None) -> dict[str, Any]:
        """One value as `config get --json` shows it: `value` (text), `objectValue` for lists and maps, `secret`.

        Raises UsageError `config-missing` when it is not set, CredentialsError for a secret without a vault.
        """
        full, place = self._named(key, path)
        values = self.merged()
        found, value = paths.lookup(values, (full, *place))
        if not found:
            raise UsageError(
                f"the configuration key {self.pretty(full)!r}"
                + (f" has nothing at {key!r}" if place else " is not set")
                + f" on stack {self.stack!r}",
                remedy=f"workstead config set {'--path ' if path else ''}{key} <value>",
                reference="config-missing",
            )
        return _listed(value, opened(value, vault))

    def listing(self, vault: Vault | None = None) -> dict[str, dict[str, Any]]:
        """All values as `config --json` shows them; without a vault, secret ones have no `value`."""
        return {
            key: {"secret": True} if vault is None and has_secret(value) else _listed(value, opened(value, vault))
            for key, value in sorted(self.merged().items(), key=lambda item: sort_key(item[0]))
        }

    def rows(self, vault: Vault | None = None) -> list[tuple[str, str]]:
        """(key, text) of all values as the table of `config` shows them; without a vault, secrets are `[secret]`."""
        return [
            (self.pretty(key), masked_text(value) if vault is None else entry_text(opened(value, vault)))
            for key, value in sorted(self.merged().items(), key=lambda item: sort_key(item[0]))
        ]

    def pretty(self, key: str) -> str:
        """A full key as people write it: without the project's own namespace."""
        return key.removeprefix(f"{self.project.name}:")

    # --- changing -----------------------------------------------------------------------------------------------------

    def set(
        self,
        key: str,
        value: Any,
        *,
        path: bool = False,
        secret: bool = False,
        plaintext: bool = False,
        vault: Vault | None = None,
    ) -> StackConfig:
        """The configuration with one value set.

        Text stays text, except at a place inside a list or map (`typed`); a list or map is stored as one. A secret is
        always text, a list or map its JSON. A scalar that stands where a map or list has to be is replaced, but only
        at the top of a key, as in Pulumi. Raises UsageError for malformed keys, gaps in lists, text that looks like a
        secret (`plaintext` says it is none); CredentialsError for a secret without a vault.
        """
        full, place = self._named(key, path)
        require_name(full)
        text = entry_text(value)
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise UsageError(
                f"the value of {key!r} is not text: {error.reason}",
                remedy="give UTF-8",
                reference="config-value",
            ) from error
        if not secret and not plaintext and looks_like_secret(key, text):
            raise UsageError(
                f"the value of {key!r} looks like a secret",
                why="It would be stored readably in the stack's file.",
                remedy="add --secret to encrypt it, or --plaintext if it is none",
                reference="config-looks-secret",
            )
        if secret:
            new: Any = Sealed(_needed(vault).encrypt(text))
        elif isinstance(value, str):
            new = typed(value) if place else value
        else:
            new = refuse_false_secrets(value, self.pretty(full))
        old = self.values.get(full)
        if place and not isinstance(old, dict | list):
            old = None
        return self._with(full, place, put(old, place, new, self.pretty(full)))

    def remove(self, key: str, *, path: bool = False) -> StackConfig:
        """The configuration without a key, or without one place of its value; unchanged when there is nothing."""
        full, place = self._named(key, path)
        if full not in self.values:
            return self
        if place:
            left = drop(self.values[full], place, self.pretty(full))
            return self if left is self.values[full] else self._with(full, place, left)
        config = {name: item for name, item in self.document.value["config"].items() if name != self.spellings[full]}
        if config:
            return self._rewritten({**self.document.value, "config": config}, ("config", self.spellings[full]))
        rest = {name: item for name, item in self.document.value.items() if name != "config"}
        return self._rewritten(rest, ("config",))

    def with_salt(self, salt: str) -> StackConfig:
        """The configuration with another `encryptionsalt`: what a new vault of pass-phrase secrets is told by."""
        return self._rewritten({**self.document.value, "encryptionsalt": salt}, ("encryptionsalt",))

    def write(self) -> None:
        """Put it into the file, all or nothing."""
        self.document.write()

    def _named(self, key: str, path: bool) -> tuple[str, Place]:
        return parse_path_key(key, self.project.name) if path else (parse_key(key, self.project.name), ())

    def _with(self, full: str, place: Place, value: Any) -> StackConfig:
        spelling = self.spellings.get(full, full)
        config = {**(self.document.value.get("config") or {}), spelling: unsealed(value)}
        return self._rewritten({**self.document.value, "config": config}, ("config", spelling, *place))

    def _rewritten(self, wanted: dict[str, Any], place: Place) -> StackConfig:
        return _understood(self.project, self.stack, self.document.changed(wanted, place))


def read_stack_config(project: Project, stack: str, file: Path | None = None) -> StackConfig:
    """The configuration of a stack (its plain name), from its own file or the one given (`--config-file`).

    A missing file is an empty configuration. Raises all that is wrong with the file.
    """
    return _understood(project, stack, Document.read(file or project.stack_file(stack)))


def _understood(project: Project, stack: str, document: Document) -> StackConfig:
    errors: list[WorksteadError] = []
    spellings: dict[str, str] = {}
    values: dict[str, Any] = {}
    config = document.value.get("config")
    if not isinstance(config, dict | None):
        errors.append(_wrong(document, "expected a map of keys to values", ("config",)))
        config = None
    for name, item in (config or {}).items():
        try:
            key = parse_key(name, project.name)
        except UsageError as error:
            errors.append(_wrong(document, error.summary, ("config", name)))
            continue
        if key in values:
            # Pulumi takes one of them, not always the same one.
            errors.append(_wrong(document, f"the key is there twice, also as {spellings[key]!r}", ("config", name)))
        spellings[key] = name
        # Pulumi reads `key:` without a value as empty text, and warns that this may change.
        values[key] = "" if item is None else sealed(item)
    texts = {}
    for name in ("encryptionsalt", "secretsprovider", "encryptedkey"):
        texts[name] = document.value.get(name) or ""
        if not isinstance(texts[name], str):
            errors.append(_wrong(document, "expected text", (name,)))
    raise_all(errors)
    return StackConfig(
        project,
        stack,
        document,
        values,
        spellings,
        texts["encryptionsalt"],
        texts["secretsprovider"],
        texts["encryptedkey"],
        document.value.get("environment"),
    )


def _wrong(document: Document, problem: str, place: Place) -> UsageError:
    return document.error(problem, place, remedy="correct the stack's file", reference="stack-file-malformed")


def _listed(value: Any, open_value: Any) -> dict[str, Any]:
    listed: dict[str, Any] = {"value": entry_text(open_value)}
    if isinstance(value, dict | list):
        listed["objectValue"] = transform(open_value, lambda item: item.value if isinstance(item, Secret) else item)
    listed["secret"] = has_secret(value)
    return listed
