"""Pulumi's deployment JSON: the text a stack leaves and enters with, whichever of the two engines runs it.

`export` writes what `pulumi stack export` would, so that `pulumi stack import` takes it; `parse` reads what that wrote,
older versions included, and a file backend's checkpoint. A deployment that was parsed, kept and exported again has lost
nothing the real CLI reads: what this engine has no field for travels in `ResourceState.extra` and `Snapshot.extra`.

Order matters to nobody but people: members stand in the order Pulumi writes them and maps are sorted, so that exports
of the two engines can be compared line by line.

Left to others: one resource (`codec`), encryption (`secrets`), putting the snapshot in place (`backend.Lease.replace`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from engine.core.errors import CredentialsError, RecordError
from engine.core.model import STACK_TYPE, PendingKind, PendingOperation, Snapshot, parse_urn, require_whole
from engine.core.values import SECRET, SIGNATURE, Secret
from engine.state.backend import StackName
from engine.state.codec import BYTE_STRING, members_of, refuse_secret, state_of, text_of
from engine.state.secrets import Vault, unseal_snapshot

_PLAIN_VERSION: Final = 3
_VERSION_WITH_FEATURES: Final = 4
_OLDEST_VERSION: Final = 1
_FEATURES: Final = frozenset(
    {
        "refreshBeforeUpdate",
        "views",
        "hooks",
        "taint",
        "replaceWith",
        "snippets-prototype",
        "extensionParameterization",
        "byteString",
    }
)
# The member of a resource that makes a feature necessary.
_FEATURE_OF: Final = {
    "refreshBeforeUpdate": "refreshBeforeUpdate",
    "viewOf": "views",
    "resourceHooks": "hooks",
    "taint": "taint",
    "replaceWith": "replaceWith",
    "extensionRef": "extensionParameterization",
    "snippetID": "snippets-prototype",
}
_SORTED_MEMBERS: Final = ("inputs", "outputs", "propertyDependencies", "replacementTrigger", "resourceHooks")


@dataclass(frozen=True, slots=True)
class ImportedDeployment:
    """What a deployment's text says.

    `snapshot` has neither lineage nor serial: those belong to the record it will be put into. Its secrets are sealed
    under `secrets_state` (a `secrets_providers` object, None when there is none) unless a vault was given. `version`
    and `features` are the text's, `time` (RFC 3339) and `engine` who wrote it.
    """

    snapshot: Snapshot
    secrets_state: Mapping[str, Any] | None = None
    version: int = _PLAIN_VERSION
    features: tuple[str, ...] = ()
    time: str = ""
    engine: str = ""

    def foreign_urns(self, name: StackName) -> list[str]:
        """The URNs that belong to another stack than `name`: importing them is almost always a mistake."""
        return [state.urn for state in self.snapshot.states if parse_urn(state.urn)[:2] != (name.stack, name.project)]


# --- its shape --------------------------------------------------------------------------------------------------------


class _Resource(msgspec.Struct, kw_only=True):
    """A resource's members in the order Pulumi writes them, with the types that are checked on the way in."""

    urn: str
    custom: bool = False
    delete: bool | None = None
    id: str | None = None
    type: str
    inputs: dict[str, Any] | None = None
    outputs: dict[str, Any] | None = None
    parent: str | None = None
    protect: bool | None = None
    taint: bool | None = None
    external: bool | None = None
    dependencies: list[str] | None = None
    initErrors: list[str] | None = None
    provider: str | None = None
    propertyDependencies: dict[str, list[str] | None] | None = None
    pendingReplacement: bool | None = None
    additionalSecretOutputs: list[str] | None = None
    aliases: list[str] | None = None
    customTimeouts: dict[str, float] | None = None
    importID: str | None = None
    retainOnDelete: bool | None = None
    deletedWith: str | None = None
    replaceWith: list[str] | None = None
    created: str | None = None
    modified: str | None = None
    sourcePosition: str | None = None
    stackTrace: Any = None
    ignoreChanges: list[str] | None = None
    hideDiff: list[str] | None = None
    replaceOnChanges: list[str] | None = None
    replacementTrigger: Any = None
    refreshBeforeUpdate: Any = None
    viewOf: str | None = None
    resourceHooks: Any = None
    extensionRef: Any = None
    snippetID: Any = None


class _Operation(msgspec.Struct):
    resource: _Resource
    type: PendingKind


class _Manifest(msgspec.Struct):
    time: str = ""
    magic: str = ""
    version: str = ""


class _SecretsProviders(msgspec.Struct):
    type: str = ""


class _Deployment(msgspec.Struct):
    """The deployment's members, likewise."""

    manifest: _Manifest = msgspec.field(default_factory=_Manifest)
    secrets_providers: _SecretsProviders | None = None
    resources: list[_Resource] | None = None
    pending_operations: list[_Operation] | None = None
    metadata: Any = None
    snippets: Any = None
    extensions: Any = None


class _Latest(msgspec.Struct):
    latest: _Deployment | None = None


class _Whole(msgspec.Struct):
    version: int = 0
    features: list[str] | None = None
    deployment: _Deployment | None = None
    checkpoint: _Latest | None = None


# --- out --------------------------------------------------------------------------------------------------------------


def export(
    snapshot: Snapshot,
    vault: Vault | None = None,
    show_secrets: bool = False,
    *,
    time: str,
    version: str,
    secrets_state: Mapping[str, Any] | None = None,
) -> bytes:
    """The deployment as text, indented by four. `time` is RFC 3339, `version` names the engine that writes it.

    Without a vault, sealed secrets are written as they are; `secrets_state` says what they are sealed under.
    Raises CredentialsError for a secret that needs a vault.
    """
    if show_secrets:
        snapshot = _opened(snapshot, vault)
    seal = _in_clear if show_secrets else vault.seal if vault else refuse_secret
    features = set(snapshot.extra.get("features", ()))

    def written(members: dict[str, Any]) -> dict[str, Any]:
        features.update(feature for member, feature in _FEATURE_OF.items() if members.get(member))
        for member in _SORTED_MEMBERS:
            if member in members:
                members[member] = _sorted(members[member])
        return _in_order(members, _Resource.__struct_fields__)

    resources = [written(members_of(state, seal)) for state in snapshot.resources]
    pending = [
        {"resource": written(members_of(operation.resource, seal, pending=True)), "type": operation.kind.value}
        for operation in snapshot.pending
    ]
    kept = {name: value for name, value in snapshot.extra.items() if name not in ("manifest", "features")}
    if kept.get("snippets"):
        features.add("snippets-prototype")
    if _has_byte_string(snapshot):
        features.add("byteString")
    deployment = {
        "manifest": {
            "time": time,
            "magic": _magic(version),
            "version": version,
            **snapshot.extra.get("manifest", {}),
        },
        "metadata": {},
        **kept,
    }
    state = vault.state if vault else secrets_state
    if state:
        deployment["secrets_providers"] = dict(state)
    if resources:
        deployment["resources"] = resources
    if pending:
        deployment["pending_operations"] = pending
    whole: dict[str, Any] = {"version": _VERSION_WITH_FEATURES if features else _PLAIN_VERSION}
    if features:
        whole["features"] = sorted(features)
    whole["deployment"] = _in_order(deployment, _Deployment.__struct_fields__)
    return msgspec.json.format(msgspec.json.encode(whole), indent=4) + b"\n"


def _opened(snapshot: Snapshot, vault: Vault | None) -> Snapshot:
    if vault is None:
        raise CredentialsError(
            "the secrets of this stack cannot be shown without its pass phrase",
            remedy="set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE and run again",
            reference="passphrase-missing",
        )
    return unseal_snapshot(snapshot, vault)


def _in_clear(content: Any) -> Mapping[str, Any]:
    return {SIGNATURE: SECRET, "plaintext": text_of(content)}


def _has_byte_string(snapshot: Snapshot) -> bool:
    """Is there text that is not Unicode? Inside a secret that is still sealed nobody can see it."""
    return any(_mentions(value, BYTE_STRING) for value in snapshot.values())


def _mentions(value: Any, signature: str) -> bool:
    inner = value.value if isinstance(value, Secret) else value
    if isinstance(inner, Mapping):
        return inner.get(SIGNATURE) == signature or any(_mentions(item, signature) for item in inner.values())
    return isinstance(inner, list) and any(_mentions(item, signature) for item in inner)


def _magic(version: str) -> str:
    return hashlib.sha256(version.encode()).hexdigest() if version else ""


def _in_order(members: Mapping[str, Any], order: Iterable[str]) -> dict[str, Any]:
    return {name: members[name] for name in order if name in members} | dict(members)


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


# --- in ---------------------------------------------------------------------------------------------------------------


def parse(text: str | bytes, vault: Vault | None = None) -> ImportedDeployment:
    """The deployment in a text; its secrets are opened when the vault they are sealed under is given.

    Raises RecordError for a text that is no deployment, that a newer Pulumi wrote, or whose snapshot is not whole.
    """
    members, shape = _read(text)
    version, features = shape.version, tuple(shape.features or ())
    _require_known(version, features)
    deployment = members.get("deployment") or (members.get("checkpoint") or {}).get("latest") or {}
    resources = [*(deployment.pop("resources", None) or ())]
    operations = [*(deployment.pop("pending_operations", None) or ())]
    everything = [*resources, *(operation["resource"] for operation in operations)]
    if version < _PLAIN_VERSION:
        for resource in everything:
            _upgrade(resource)
    _resolve_aliases(resources, everything)
    manifest = deployment.pop("manifest", None) or {}
    time, magic, engine = (manifest.pop(name, None) or "" for name in ("time", "magic", "version"))
    _require_untouched(magic, engine)
    secrets = deployment.pop("secrets_providers", None) or {}
    secrets_state = secrets if secrets.get("type") else None
    kept = {name: value for name, value in deployment.items() if value} | ({"manifest": manifest} if manifest else {})
    if "byteString" in features:  # the one feature that cannot be seen again while secrets are sealed
        kept["features"] = ["byteString"]
    snapshot = require_whole(
        Snapshot(
            tuple(state_of(resource, 0) for resource in resources),
            tuple(
                PendingOperation(PendingKind(each["type"]), state_of(each["resource"], 0, pending=True))
                for each in operations
            ),
            extra=kept,
        )
    )
    if vault is not None:
        snapshot = unseal_snapshot(snapshot, vault)
    return ImportedDeployment(snapshot, secrets_state, version, features, time, engine)


def _read(text: str | bytes) -> tuple[dict[str, Any], _Whole]:
    """The text twice: as members to take apart, and as a shape that was checked."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any]), msgspec.json.decode(text, type=_Whole)
    except (ValueError, RecursionError) as error:
        raise RecordError(
            "the text is not a Pulumi deployment",
            why=f"{error}." if str(error) else "It is nested too deeply.",
            remedy="give what `pulumi stack export` or `workstead stack export` wrote, unchanged or mended with care",
            reference="deployment-unreadable",
        ) from error


def _require_known(version: int, features: tuple[str, ...]) -> None:
    if version < _OLDEST_VERSION:
        raise RecordError(
            "the text is not a Pulumi deployment: it has no version",
            why=f"Versions {_OLDEST_VERSION} to {_VERSION_WITH_FEATURES} are known.",
            remedy="give what `pulumi stack export` or `workstead stack export` wrote",
            reference="deployment-unreadable",
        )
    unknown = [feature for feature in features if feature not in _FEATURES]
    if version > _VERSION_WITH_FEATURES or (version == _VERSION_WITH_FEATURES and unknown):
        raise RecordError(
            f"the deployment was written by a newer Pulumi: it has version {version}"
            + (f" and uses {', '.join(unknown)}" if unknown else ""),
            why="Reading it all the same could lose what this version does not know.",
            remedy="use a newer Workstead",
            reference="deployment-newer",
        )


def _require_untouched(magic: str, engine: str) -> None:
    if magic != _magic(engine):
        raise RecordError(
            "the deployment's manifest does not fit together",
            why="Its magic must be the SHA-256 of its version.",
            remedy="when editing an export, leave the manifest as it is",
            reference="deployment-magic",
        )


def _upgrade(resource: dict[str, Any]) -> None:
    """From version 1 or 2: any property may depend on whatever the resource depends on, as Pulumi assumes too."""
    resource.pop("defaults", None)
    if resource.get("dependencies"):
        resource["propertyDependencies"] = dict.fromkeys(resource.get("inputs") or {}, resource["dependencies"])


def _resolve_aliases(resources: list[dict[str, Any]], everything: list[dict[str, Any]]) -> None:
    """Old files name resources by URNs they had before; from here on everybody uses the present one."""
    present: dict[str, str] = {}
    for resource in resources:
        for alias in resource.pop("aliases", None) or ():
            present[alias] = resource["urn"]
        parent = present.get(resource.get("parent") or "")
        if parent and parse_urn(parent).type != STACK_TYPE:
            urn = parse_urn(resource["urn"])
            present[resource["urn"]] = (
                f"urn:pulumi:{urn.stack}::{urn.project}::{parse_urn(parent).chain}${urn.type}::{urn.name}"
            )
    if present:
        for resource in everything:
            _rename(resource, lambda urn: present.get(urn, urn))


def _rename(resource: dict[str, Any], renamed: Callable[[str], str]) -> None:
    for name in ("urn", "parent", "deletedWith", "viewOf"):
        if resource.get(name):
            resource[name] = renamed(resource[name])
    if resource.get("provider"):
        urn, _, id = resource["provider"].rpartition("::")
        resource["provider"] = f"{renamed(urn)}::{id}"
    for name in ("dependencies", "replaceWith"):
        if resource.get(name):
            resource[name] = [renamed(urn) for urn in resource[name]]
    if resource.get("propertyDependencies"):
        resource["propertyDependencies"] = {
            name: [renamed(urn) for urn in urns or ()] for name, urns in resource["propertyDependencies"].items()
        }
