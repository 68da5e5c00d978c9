"""What Pulumi's SDK talks to: its requests become goals, and answers become its responses.

One object with the methods of Pulumi's ResourceMonitor service, called directly by the SDK in this process. It knows
the wire (protobuf structs, envelopes, sentinels), URNs, parents, inherited options and provider references (spec
sections 1.4 to 5, 8.1); it decides nothing. The one question it cannot answer, "what becomes of this goal, and which
value stands for it now?", it passes to `Answers`: the predicted state in a preview, the real one in an up.

An answer that is not there yet leaves as `Later`, so no thread waits for it (see `program`).
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, unquote, urlsplit

from google.protobuf import empty_pb2, struct_pb2
from pulumi import RunError
from pulumi.runtime.proto import engine_pb2, resource_pb2

from engine.core.errors import Diagnostic, ProgramError, Severity, WorksteadError
from engine.core.model import (
    ADOPT_IF_THERE,
    NO_OPTIONS,
    PROVIDER_TYPE_PREFIX,
    STACK_TYPE,
    Goal,
    Options,
    ResourceState,
    Timeouts,
    is_provider_type,
    make_urn,
    package_of,
    parse_urn,
    provider_urn,
)
from engine.core.values import (
    SENTINELS,
    SIGNATURE,
    UNKNOWN,
    Archive,
    Asset,
    Properties,
    Secret,
    finite,
    from_envelope,
    identical,
    open_envelope,
    reveal,
    to_plain,
)
from engine.program import Awaited, Later, OffLoop

# What the SDK may use (spec 1.4). Transforms, hooks, alias specs and parameterised packages are not offered, so the SDK
# itself refuses them with a clear message, or resolves them on its side.
_FEATURES = (
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_OUTPUT_VALUES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACEMENT_TRIGGER,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a goal. `ok` False: it failed or was skipped, and its outputs stay unknown."""

    state: ResourceState | None
    ok: bool = True


class Answers(Protocol):
    """Who decides, and in an up carries out, what the program asks."""

    def settle(self, goal: Goal) -> Answer | Awaited:
        """What becomes of a goal: at once if it can be said, else when its steps have ended."""
        ...

    def settle_now(self, goal: Goal) -> Answer:
        """The same for a goal that needs no cloud (a default provider)."""
        ...

    def outputs(self, urn: str, outputs: Properties) -> Awaited | None:
        """A component's outputs, or the stack's. What is awaited, if anything, is that they are recorded."""
        ...

    def registered(self, urn: str) -> tuple[Goal, ResourceState | None] | None:
        """The goal of this run under a URN, and its state as far as it is known."""
        ...

    def invoke(self, token: str, arguments: Properties, provider: str) -> Properties:
        """The result of a function of a provider. May take long."""
        ...

    def told(self, message: Diagnostic) -> None:
        """Something the program or the SDK says to the person."""
        ...


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the program may know of the run it is part of, and where its project is. `config` maps full keys to text."""

    project: str
    root: str
    stack: str
    organization: str
    preview: bool
    parallel: int
    config: Mapping[str, str]
    secret_keys: tuple[str, ...]
    adopt: bool = False


class Monitor:
    """Pulumi's ResourceMonitor and Engine services, as far as `_FEATURES` goes, for one evaluation of a program.

    `provider_config(package)` gives the settings of a package's default provider; `asset(value)` completes an asset or
    archive with its hash; `note_secret` is told of every secret the program sends.
    """

    def __init__(
        self,
        deployment: Deployment,
        answers: Answers,
        provider_config: Callable[[str], Properties],
        asset: Callable[[Asset | Archive], Asset | Archive],
        note_secret: Callable[[Secret], None] = lambda _secret: None,
    ) -> None:
        self._deployment = deployment
        self._answers = answers
        self._provider_config = provider_config
        self._asset = asset
        self._note_secret = note_secret
        self._default_providers: dict[str, str] = {}
        self._providers_below: dict[str, Mapping[str, str]] = {}

    # --- what the SDK calls -------------------------------------------------------------------------------------------

    def GetDeploymentInfo(self, _request: Any) -> resource_pb2.DeploymentInfo:
        """Who and what this run is."""
        this = self._deployment
        return resource_pb2.DeploymentInfo(
            project=this.project,
            stack=this.stack,
            organization=this.organization,
            config=dict(this.config),
            configSecretKeys=list(this.secret_keys),
            dryRun=this.preview,
            parallel=this.parallel,
            supportedFeatures=_FEATURES,
        )

    def SupportsFeature(self, _request: Any) -> resource_pb2.SupportsFeatureResponse:
        """The question of older SDKs; ours is never asked, because GetDeploymentInfo answers."""
        return resource_pb2.SupportsFeatureResponse(hasSupport=False)

    def RegisterResource(self, request: Any) -> resource_pb2.RegisterResourceResponse:
        """A resource or component: becomes a goal."""

        def answer(settled: Answer) -> resource_pb2.RegisterResourceResponse:
            if not settled.ok or settled.state is None:
                return resource_pb2.RegisterResourceResponse(urn=goal.urn, result=resource_pb2.FAIL)
            state = settled.state
            if not goal.custom:
                return resource_pb2.RegisterResourceResponse(urn=state.urn)
            # What the program sent is what it gets back more often than not: no need to write it out again.
            echo = identical(state.outputs, goal.inputs)
            return resource_pb2.RegisterResourceResponse(
                urn=state.urn, id=state.id, object=request.object if echo else struct_of(state.outputs)
            )

        with _as_run_error():
            goal = self._goal(request)
            return _now_or_later(self._answers.settle(goal), answer)

    def ReadResource(self, request: Any) -> resource_pb2.ReadResourceResponse:
        """A resource that is only looked up: becomes a goal with a `read_id`."""

        def answer(settled: Answer) -> resource_pb2.ReadResourceResponse:
            if not settled.ok or settled.state is None:
                return resource_pb2.ReadResourceResponse(urn=goal.urn, result=resource_pb2.FAIL)
            state = settled.state
            return resource_pb2.ReadResourceResponse(
                urn=state.urn, id=state.id, properties=struct_of(state.outputs), unknown=not state.id
            )

        with _as_run_error():
            goal = self._goal(request, read=True)
            return _now_or_later(self._answers.settle(goal), answer)

    def RegisterResourceOutputs(self, request: Any) -> empty_pb2.Empty:
        """A component is complete, or the program has ended."""
        with _as_run_error():
            outputs = self._properties(request.outputs)
            if parse_urn(request.urn).type == STACK_TYPE:
                outputs = _unmarked(outputs)
            kept = self._answers.outputs(request.urn, outputs)
            if kept is not None:
                raise Later(kept, lambda _: empty_pb2.Empty(), _refusal)
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> resource_pb2.ResourceInvokeResponse:
        """A function of a provider, or one of the engine's own."""
        arguments = self._properties(request.args)
        with _as_run_error():
            if request.tok == "pulumi:pulumi:getResource":
                result = self._get_resource(str(reveal(arguments.get("urn"))))
            elif _on_event_loop():
                raise OffLoop
            else:
                result = self._answers.invoke(request.tok, arguments, request.provider)
        response = resource_pb2.ResourceInvokeResponse()
        # The field is called "return", which Python cannot write as an attribute.
        getattr(response, "return").CopyFrom(struct_of(result))
        return response

    def Call(self, request: Any) -> Any:
        """Methods of resources exist only in packages of Pulumi's plugins."""
        raise RunError(f"the method {request.tok} is not served here: methods of resources need a Pulumi plugin")

    def RegisterPackage(self, request: Any) -> Any:
        """Parameterised packages exist only as Pulumi plugins."""
        raise RunError(f"the parameterised package {request.name} is not served here: it needs a Pulumi plugin")

    def SignalAndWaitForShutdown(self, _request: Any) -> empty_pb2.Empty:
        """The program is done with its callbacks; none are kept here."""
        return empty_pb2.Empty()

    def Log(self, request: Any) -> None:
        """A message of the program or the SDK."""
        self._answers.told(Diagnostic(_SEVERITIES[request.severity], request.message, urn=request.urn))

    def RequirePulumiVersion(self, _request: Any) -> engine_pb2.RequirePulumiVersionResponse:
        """The program asks for a version of Pulumi's CLI; the SDK that is installed decides what it can do here."""
        return engine_pb2.RequirePulumiVersionResponse()

    # --- goals --------------------------------------------------------------------------------------------------------

    def _goal(self, request: Any, read: bool = False) -> Goal:
        type_ = request.type
        custom = True if read else request.custom
        if not read and request.remote:
            raise ProgramError(
                f"{request.name} is a component that only a Pulumi plugin can make ({type_})",
                why="Remote components are constructed by a plugin process, and Workstead starts none.",
                remedy="write the component in Python, in the program",
                reference="remote-component",
            )
        parent = self._parent(request)
        urn = make_urn(self._deployment.stack, self._deployment.project, request.parent, type_, request.name)
        if custom and not is_provider_type(type_) and type_.count(":") < 2:
            raise ProgramError(
                f"{type_!r} is not a resource type",
                urn=urn,
                why="The type of a custom resource reads package:module:Name; its package decides who provides it.",
                remedy="correct the type token",
                reference="type-token",
            )
        try:
            inputs = self._properties(request.properties if read else request.object)
        except WorksteadError as error:
            error.urn = error.urn or urn
            raise
        dependencies = tuple(request.dependencies)
        if read:
            by_property: Mapping[str, tuple[str, ...]] = {}
        else:
            by_property = {key: tuple(of.urns) for key, of in request.propertyDependencies.items()}
        if not by_property and dependencies:
            by_property = dict.fromkeys(inputs, dependencies)
        return Goal(
            urn=urn,
            type=type_,
            custom=custom,
            inputs=inputs,
            parent=request.parent,
            provider=self._provider(request, parent) if custom else self._remember_providers(urn, request, parent),
            dependencies=dependencies,
            property_dependencies=by_property,
            options=_read_options(request) if read else self._options(request, parent),
            delete_before_replace=_delete_before_replace(request) if not read else None,
            import_id="" if read else request.importId,
            read_id=request.id if read else "",
            source_position=_position(request, self._deployment.root),
            adopt=not read and (self._deployment.adopt or ADOPT_IF_THERE in request.aliasURNs),
        )

    def _parent(self, request: Any) -> Goal | None:
        if not request.parent:
            return None
        known = self._answers.registered(request.parent)
        if known is None:
            raise ProgramError(
                f"the parent of {request.name} is not a resource of this program: {request.parent}",
                why="A parent has to be registered before its children.",
                remedy="give the parent resource itself as parent=",
                reference="parent-unknown",
            )
        return known[0]

    def _options(self, request: Any, parent: Goal | None) -> Options:
        """The options the record keeps; unset ones that are inherited come from the parent's goal (spec section 5)."""
        above = parent.options if parent else NO_OPTIONS
        protect = request.protect if request.HasField("protect") else above.protect
        retain = request.retainOnDelete if request.HasField("retainOnDelete") else above.retain_on_delete
        options = Options(
            protect=protect,
            retain_on_delete=retain,
            ignore_changes=tuple(request.ignoreChanges),
            replace_on_changes=tuple(request.replaceOnChanges),
            additional_secret_outputs=tuple(request.additionalSecretOutputs),
            custom_timeouts=_timeouts(request.customTimeouts) if request.HasField("customTimeouts") else Timeouts(),
            deleted_with=request.deletedWith or above.deleted_with,
            replace_with=tuple(request.replace_with),
            replacement_trigger=self._value(request.replacement_trigger)
            if request.HasField("replacement_trigger")
            else None,
            hide_diffs=tuple(request.hideDiffs),
        )
        return NO_OPTIONS if options == NO_OPTIONS else options

    # --- providers ----------------------------------------------------------------------------------------------------

    def _remember_providers(self, urn: str, request: Any, parent: Goal | None) -> str:
        """A component has no provider itself, but may name those of the resources below it."""
        above = self._providers_below.get(parent.urn, {}) if parent else {}
        below = {**above, **request.providers}
        if below:
            self._providers_below[urn] = below
        return ""

    def _provider(self, request: Any, parent: Goal | None) -> str:
        """The reference of the provider that serves a custom resource (spec sections 5 and 8.1)."""
        if is_provider_type(request.type):
            return ""
        package = package_of(request.type)
        if request.provider:
            return request.provider
        if parent is not None:
            below = self._providers_below.get(parent.urn, {})
            if package in below:
                return below[package]
            if parent.provider and package_of(parse_urn(provider_urn(parent.provider)).type) == package:
                return parent.provider
        return self._default_provider(package, request.version)

    def _default_provider(self, package: str, version: str) -> str:
        name = f"default_{version.replace('.', '_')}" if version else "default"
        known = self._default_providers.get(f"{package}/{name}")
        if known is not None:
            return known
        disabled = reveal(self._provider_config("pulumi").get("disable-default-providers"))
        if disabled and ("*" in disabled or package in disabled):
            raise ProgramError(
                f"the default provider of {package} is switched off",
                why="The config value pulumi:disable-default-providers names it.",
                remedy="pass an explicit provider, or change that value",
                reference="default-provider-disabled",
            )
        type_ = PROVIDER_TYPE_PREFIX + package
        inputs = dict(self._provider_config(package))
        if version:
            inputs["version"] = version
        urn = make_urn(self._deployment.stack, self._deployment.project, "", type_, name)
        answer = self._answers.settle_now(Goal(urn=urn, type=type_, custom=True, inputs=inputs))
        assert answer.state is not None
        reference = f"{urn}::{answer.state.id or UNKNOWN.sentinel}"
        self._default_providers[f"{package}/{name}"] = reference
        return reference

    def _get_resource(self, urn: str) -> Properties:
        known = self._answers.registered(urn)
        state = known[1] if known else None
        if state is None:
            raise ProgramError(
                f"there is no resource {urn} in this run",
                why="Only a resource that this program has registered can be looked up by its URN.",
                remedy="pass the resource itself, or read it by its ID with .get",
                reference="resource-unknown",
            )
        return {"urn": urn, "id": state.id, "provider": state.provider, "state": state.outputs}

    # --- values -------------------------------------------------------------------------------------------------------

    def _properties(self, struct: Any) -> dict[str, Any]:
        """Members without a value are left out; sorted, because protobuf's maps have no order of their own."""
        fields = struct.fields
        properties = {}
        for key in sorted(fields):
            try:
                value = self._value(fields[key])
            except WorksteadError as error:
                error.path = error.path or key
                raise
            if value is not None:
                properties[key] = value
        return properties

    def _value(self, value: Any) -> Any:
        kind = value.WhichOneof("kind")
        if kind == "string_value":
            text = value.string_value
            return SENTINELS.get(text, text) if len(text) == 36 else text
        if kind == "number_value":
            return finite(value.number_value)
        if kind == "bool_value":
            return value.bool_value
        if kind == "struct_value":
            fields = value.struct_value.fields
            members = {key: self._value(fields[key]) for key in sorted(fields)}
            if SIGNATURE not in members:
                return members
            special = from_envelope(members)
            if isinstance(special, Secret):
                self._note_secret(special)
            return self._asset(special) if isinstance(special, Asset | Archive) else special
        if kind == "list_value":
            return [self._value(item) for item in value.list_value.values]
        return None


_RESOURCE_MARK = "@isPulumiResource"


def _unmarked(value: Any) -> Any:
    """Exports without the mark that the SDK, only in a preview, puts into a map made of a whole resource.

    Pulumi's display reads it; a reader of ours would take it for a member that the up is going to add.
    """
    if type(value) is dict:
        return {key: _unmarked(item) for key, item in value.items() if key != _RESOURCE_MARK}
    if type(value) is list:
        return [_unmarked(item) for item in value]
    return Secret(_unmarked(value.value)) if type(value) is Secret else value


class _as_run_error:
    """Engine errors leave as the SDK's RunError, which ends the program without a traceback of the SDK's."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        if isinstance(error, WorksteadError):
            raise RunError(str(error)) from error


def _on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _now_or_later(settled: Answer | Awaited, respond: Callable[[Answer], Any]) -> Any:
    if isinstance(settled, Answer):
        return respond(settled)
    raise Later(settled, respond, _refusal)


def _refusal(error: BaseException) -> BaseException:
    stop = RunError(str(error))
    stop.__cause__ = error
    return stop


_SEVERITIES = {
    engine_pb2.DEBUG: Severity.DEBUG,
    engine_pb2.INFO: Severity.INFO,
    engine_pb2.WARNING: Severity.WARNING,
    engine_pb2.ERROR: Severity.ERROR,
}


# --- small parts of a request -----------------------------------------------------------------------------------------


def _read_options(request: Any) -> Options:
    secret_outputs = tuple(request.additionalSecretOutputs)
    return Options(additional_secret_outputs=secret_outputs) if secret_outputs else NO_OPTIONS


def _delete_before_replace(request: Any) -> bool | None:
    if request.deleteBeforeReplaceDefined or request.deleteBeforeReplace:
        return request.deleteBeforeReplace
    return None


def _position(request: Any, root: str) -> str:
    """Where in the program a resource is declared, from the project's folder: a record may move to another machine."""
    position = request.sourcePosition
    file = _in_project(position.uri, root)
    return f"{file}#{position.line}{f',{position.column}' if position.column else ''}" if file else ""


@cache
def _in_project(uri: str, root: str) -> str:
    file = urlsplit(uri)
    if file.scheme != "file":
        return ""
    return f"project:///{quote(Path(os.path.relpath(unquote(file.path), root)).as_posix())}"


_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """The seconds of a duration such as `5m` or `1h30m`. Raises ProgramError for anything else."""
    if not text:
        return 0.0
    parts = list(_DURATION_PART.finditer(text))
    if "".join(part[0] for part in parts) != text:
        raise ProgramError(
            f"{text!r} is not a duration",
            why="Custom timeouts are written as numbers with units.",
            remedy='write for example "90s", "10m" or "1h30m"',
            reference="duration",
        )
    return sum(float(part[1]) * _SECONDS[part[2]] for part in parts)


def _timeouts(given: Any) -> Timeouts:
    return Timeouts(seconds(given.create), seconds(given.update), seconds(given.delete), seconds(given.read))


# --- values on the wire -----------------------------------------------------------------------------------------------


def struct_of(properties: Properties) -> struct_pb2.Struct:
    """Properties as the SDK reads them: secrets in open envelopes, unknowns as sentinels."""
    struct = struct_pb2.Struct()
    _fill(struct, to_plain(dict(properties), open_envelope))
    return struct


def _fill(struct: Any, members: Mapping[str, Any]) -> None:
    fields = struct.fields
    for key, item in members.items():
        _set(fields[key], item)


def _set(value: Any, item: Any) -> None:
    kind = type(item)
    if kind is str:
        value.string_value = item
    elif kind is bool:
        value.bool_value = item
    elif kind is int or kind is float:
        value.number_value = item
    elif item is None:
        value.null_value = struct_pb2.NULL_VALUE
    elif kind is dict:
        value.struct_value.SetInParent()
        _fill(value.struct_value, item)
    else:
        value.list_value.SetInParent()
        values = value.list_value.values
        for inner in item:
            _set(values.add(), inner)
