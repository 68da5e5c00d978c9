"""Opens a stack: project file, stack file, record, secrets and providers, joined into a `Stack`.

Nothing is read before it is needed: the pass phrase is asked for when there is something to open or to seal, providers
are imported when a resource of theirs comes up, the program is looked at when it is run. So `destroy` works without the
program, and a stack without secrets works without a pass phrase.

Left to others: the files (`config`), the record (`state`), what is done with the stack (`deployment`).
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import config
from engine.clock import CLOCK
from engine.core.errors import CredentialsError, RecordUnavailableError, StackNotFoundError, UsageError
from engine.core.model import Snapshot
from engine.core.values import Properties, has_secret
from engine.stack import Stack
from engine.state import open_backend
from engine.state.backend import Backend, Holder, StackName, StackRecord
from engine.state.secrets import Vault, unseal_snapshot

if TYPE_CHECKING:
    from engine.program import InlineProgram

AskPassphrase = Callable[[str], str]


@dataclass(frozen=True)
class Place:
    """Where a command works: a project, its settings, and the backend that keeps its records."""

    project: config.Project
    settings: config.Settings
    backend: Backend
    environ: Mapping[str, str]
    flags: Mapping[str, Any]


def open_place(start: Path, environ: Mapping[str, str], flags: Mapping[str, Any]) -> Place:
    """The project a folder belongs to. Raises UsageError when there is none, or its settings make no sense."""
    project = config.find_project(start)
    settings = config.read_settings(project, environ=environ, flags=flags)
    return Place(project, settings, open_backend(settings.backend), environ, flags)


def stack_name(place: Place, flag: str | None) -> StackName:
    """The stack a command means. Raises StackNotFoundError when none was named or selected."""
    named = config.selected_stack(flag, place.environ, place.project)
    if named is not None:
        return StackName(*named)
    known = [summary.name for summary in place.backend.stacks(place.project.name)]
    if len(known) == 1:
        return known[0]
    names = ", ".join(name.stack for name in known) or "none yet"
    raise StackNotFoundError(
        "no stack was named",
        why=f"Without --stack a command means the selected stack; this project has: {names}.",
        remedy="give --stack NAME, or run `workstead stack select NAME` (or `stack init NAME`) once",
        reference="stack-not-selected",
    )


class Secrets:
    """A stack's pass phrase and vaults, opened when first needed.

    The stack file and the record usually share one salt; a record that has a salt of its own has a vault of its own.
    """

    def __init__(
        self, place: Place, name: StackName, record: StackRecord | None, ask: AskPassphrase | None = None
    ) -> None:
        self._place = place
        self._name = name
        self._record = record
        self.ask = ask
        self._vaults: dict[str, Vault] = {}
        self._sealing: Vault | None = None

    def of_config(self, stack_config: config.StackConfig) -> Vault | None:
        """The vault of the stack file's secrets, None when it has none."""
        if not stack_config.has_secrets:
            return None
        if not stack_config.encryption_salt:
            raise CredentialsError(
                f"{stack_config.document.file} has secrets, but no encryptionsalt to open them with",
                why="The salt and the pass phrase together make the key.",
                remedy="bring the line `encryptionsalt: …` back from version control",
                reference="salt-missing",
            )
        return self._open(stack_config.encryption_salt)

    def for_new_config(self, stack_config: config.StackConfig) -> Vault:
        """The vault a new secret of the stack file is sealed with; makes a salt when there is none."""
        if stack_config.encryption_salt:
            return self._open(stack_config.encryption_salt)
        return self.of_record() or self._made()

    def seal(self, content: Any) -> Mapping[str, Any]:
        """The envelope of a recorded secret; a `backend.Seal`.

        Which vault that is, the record is asked once after each `unseal`: whoever writes has read before, and holds the
        lease since.
        """
        if self._sealing is None:
            self._sealing = self.of_record() or self._made_for_record()
        return self._sealing.seal(content)

    def _made_for_record(self) -> Vault:
        vault = self._new_to_record()
        if self._record is not None:
            self._record.set_secrets_state(vault.state)
        return vault

    def _new_to_record(self) -> Vault:
        salt = config.read_stack_config(self._place.project, self._name.stack).encryption_salt
        return self._open(salt) if salt else self._made()

    def for_file(self, snapshot: Snapshot) -> Vault | None:
        """The vault of a file that stands in for a record which cannot be written, nor perhaps read.

        None where there is no secret.
        """
        if not _holds_secrets(snapshot):
            return None
        if self._sealing is not None:
            return self._sealing
        try:
            vault = self.of_record()
        except RecordUnavailableError:
            vault = None
        return vault or self._new_to_record()

    def unseal(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot with its secrets open; needs no pass phrase when it has none."""
        self._sealing = None
        if not _holds_secrets(snapshot):
            return snapshot
        vault = self.of_record()
        if vault is None:
            raise CredentialsError(
                "the record has secrets, but no salt to open them with",
                remedy="import the deployment again, with its secrets_providers",
                reference="salt-missing",
            )
        return unseal_snapshot(snapshot, vault)

    def unseal_with(self, snapshot: Snapshot, state: Mapping[str, Any]) -> Snapshot:
        """A foreign snapshot with its secrets open, by the `secrets_providers` object it came with."""
        return unseal_snapshot(snapshot, Vault.open(state, self._passphrase()))

    def of_record(self) -> Vault | None:
        """The vault of the record's secrets, None before there was one."""
        state = self._record.secrets_state() if self._record is not None else None
        if state is None:
            return None
        inner = state.get("state")
        salt = inner.get("salt", "") if isinstance(inner, Mapping) else ""
        if salt not in self._vaults:
            self._vaults[salt] = Vault.open(state, self._passphrase())
        return self._vaults[salt]

    def _open(self, salt: str) -> Vault:
        if salt not in self._vaults:
            self._vaults[salt] = Vault.from_salt(salt, self._passphrase())
        return self._vaults[salt]

    def _made(self) -> Vault:
        passphrase = config.passphrase(self._place.environ)
        if passphrase is None:
            passphrase = config.ensure_own_passphrase()
        vault = Vault.create(passphrase)
        self._vaults[vault.salt] = vault
        return vault

    def _passphrase(self) -> str:
        found = config.passphrase(self._place.environ)
        if found is not None:
            return found
        if self.ask is not None:
            return self.ask(f"Pass phrase of the stack {self._name.stack}: ")
        raise CredentialsError(
            "the stack has secrets, and no pass phrase was given",
            remedy="set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE to a file with it",
            reference="passphrase-missing",
        )


def open_record(place: Place, name: StackName, *, create: bool) -> StackRecord:
    """The record of a stack.

    One that has no record yet but a settings file (`Pulumi.<stack>.yaml`) is a stack all the same: somebody wrote it
    down and nobody has run it here. It gets its record now (`create`), or an empty one that is not kept.
    """
    try:
        return place.backend.stack(name)
    except StackNotFoundError:
        if name.project == place.project.name and place.project.stack_file(name.stack).is_file():
            return place.backend.create(name) if create else open_backend("memory://").create(name)
        raise


def open_stack(place: Place, name: StackName, *, create: bool = True, ask: AskPassphrase | None = None) -> Stack:
    """A stack, ready for an operation. Raises InputErrors for what is wrong with its settings."""
    if name.project != place.project.name:
        raise UsageError(
            f"the stack {name} belongs to another project",
            why=f"This folder's project is {place.project.name}; its program cannot run for that stack.",
            remedy="go to that project's folder, or name a stack of this one",
            reference="stack-foreign",
        )
    record = open_record(place, name, create=create)
    secrets = Secrets(place, name, record, ask)
    stack_config = config.read_stack_config(place.project, name.stack)
    run_config = config.run_config(stack_config, secrets.of_config(stack_config))
    settings = config.read_settings(place.project, environ=place.environ, flags=place.flags, stack=stack_config)

    return _joined(
        place,
        name,
        record,
        secrets,
        run_config,
        _program(place.project),
        settings,
    )


def inline_stack(
    program: InlineProgram, project: str, stack: str, texts: dict[str, str], backend: str, home: Path
) -> Stack:
    """A stack whose program is a function; made if the backend does not have it. See `engine.inline_stack`."""
    here = config.Project(name=project, root=home.resolve())
    place = Place(here, config.Settings(backend), open_backend(backend), os.environ, {})
    name = StackName(project, stack)
    known = any(summary.name == name for summary in place.backend.stacks(project))
    record = place.backend.stack(name) if known else place.backend.create(name)
    speed = texts.get("workstead:emulateSpeed", place.settings.emulate_speed)
    settings = replace(place.settings, emulate_speed=speed)
    return _joined(place, name, record, Secrets(place, name, record), config.RunConfig(texts), program, settings)


def _joined(
    place: Place,
    name: StackName,
    record: StackRecord,
    secrets: Secrets,
    run_config: config.RunConfig,
    program: Path | InlineProgram,
    settings: config.Settings,
) -> Stack:
    def outputs_of(text: str) -> Properties:
        other = StackName(*config.parse_stack_name(text, place.project.name))
        found = place.backend.stack(other)
        return Secrets(place, other, found, secrets.ask).unseal(found.load()).stack_outputs

    def exported(snapshot: Snapshot) -> bytes:
        from importlib.metadata import version

        from engine.state import deployment_json

        vault = secrets.for_file(snapshot)
        return deployment_json.export(snapshot, vault, time=CLOCK.stamp(), version=version("workstead"))

    return Stack(
        name=name,
        record=record,
        program=program,
        root=place.project.root,
        source=_providers(place.project.name),
        seal=secrets.seal,
        unseal=secrets.unseal,
        exported=exported,
        package_config=run_config.package_config,
        outputs_of=outputs_of,
        config=run_config.texts,
        secret_keys=tuple(sorted(run_config.secret_keys)),
        overlay={
            **{key: text for key, text in run_config.texts.items() if key.partition(":")[0] in _own_namespaces()},
            "workstead:home": str(place.project.own_folder),
            "workstead:emulateSpeed": settings.emulate_speed,
        },
        holder=holder(),
        parallel=settings.parallel,
        patience=settings.patience,
    )


def _holds_secrets(snapshot: Snapshot) -> bool:
    return any(map(has_secret, snapshot.values()))


def _program(project: config.Project) -> Path:
    return project.root / project.main


def _own_namespaces() -> frozenset[str]:
    """The namespaces of settings that every provider of ours may read, also one of another package's types."""
    from providers import clouds

    return frozenset({"workstead", *(cloud.config for cloud in clouds().values())})


def _providers(project: str) -> Any:
    from providers import Providers

    return Providers(project)


def holder(operation: str = "") -> Holder:
    """This process, as others are told of it."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    return Holder(user, socket.gethostname(), os.getpid(), operation)


def import_deployment(place: Place, name: StackName, text: bytes, *, force: bool = False) -> None:
    """Put a Pulumi deployment in the place of a stack's record, its secrets sealed anew with the stack's pass phrase.

    Raises RecordError for text that is no deployment, UsageError for one of another stack unless `force`.
    """
    from engine.core.model import parse_urn
    from engine.state import deployment_json, refusals
    from engine.state.backend import Deployment

    record = open_record(place, name, create=True)
    refusals.require_present(name, record.check())
    secrets = Secrets(place, name, record)
    imported = deployment_json.parse(text)
    foreign = [
        state.urn for state in imported.snapshot.resources if parse_urn(state.urn)[:2] != (name.stack, name.project)
    ]
    if foreign and not force:
        raise UsageError(
            f"the deployment has {len(foreign)} resources of another stack",
            urn=foreign[0],
            why=f"A record of the stack {name} can only hold that stack's resources.",
            remedy="import it into the stack it came from; or --force if you know better",
            reference="import-foreign",
        )
    snapshot = imported.snapshot
    if imported.secrets_state is not None:
        snapshot = secrets.unseal_with(snapshot, imported.secrets_state)
    lease = record.acquire(holder("import"), seal=secrets.seal)
    try:
        lease.start(Deployment(kind="import"))
        lease.replace(snapshot)
        lease.finish("succeeded", {})
    finally:
        lease.release()
