"""A stranger's dynamic provider, run from its pickle in this process as Pulumi's plugin process would run it.

The provider is any `pulumi.dynamic.ResourceProvider` a program pickled into the input `__provider` (spec section 9).
What it receives and what becomes of its answers goes through the SDK's own functions, so that numbers are floats, None
is dropped, unknowns are the SDK's `Unknown` objects and assets the SDK's assets, exactly as there. Our own types never
come here (`providers.Providers`).

What differs from the plugin process:

* All calls share this process. The plugin runs at most four at a time; here as many as the engine has workers, so a
  provider that keeps state in globals must lock them. `os.environ` and the working directory are shared too.
* The SDK's settings are context variables: each call runs in a copy of the caller's context with the plugin's settings
  in it (`get_stack()` is "stack", `get_organization()` "organization", `get_project()` the project), so the program's
  own settings stay untouched. A thread that the provider starts sees neither.
* What the provider prints goes to this process's standard output.
* `read` on an import gets no properties, but the program's pickle is used, so importing works where Pulumi's plugin
  fails for want of a pickle.
* The plugin passes on that something differs, but not what, so `replace_on_changes` of a provider with a `diff` of its
  own never finds its property there; here the inputs are compared, and it does.
* A provider whose pickle cannot be loaded, or that raises, is reported with its own lines of the traceback.
"""

from __future__ import annotations

import asyncio
import base64
import contextvars
import threading
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar

import dill
from google.protobuf import struct_pb2
from pulumi import dynamic
from pulumi.runtime import Settings, rpc
from pulumi.runtime._serialization import _deserialize

from engine.core.contract import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult
from engine.core.errors import CloudError, ProgramError, WorksteadError
from engine.core.model import PROVIDER_KEY
from engine.core.values import Properties, canonical_json, from_plain, open_envelope, to_plain

T = TypeVar("T")

_loaded: dict[tuple[str, str, str], dynamic.ResourceProvider] = {}
_lock = threading.Lock()

_LAST_FRAMES: Final = 6


def provider_for(pickle: Any, config: Properties, project: str) -> DynamicProvider:
    """The provider of resources with this pickle (base64; an unknown or None when it is not known yet)."""
    return DynamicProvider(pickle if isinstance(pickle, str) else "", config, project)


class DynamicProvider:
    """The engine's view of a stranger's provider: `contract.Provider`.

    Which pickle is used is decided per call, as in the plugin: the new inputs' one for check, diff, create and update,
    the recorded one for read and delete; `pickle` only where there is none.
    """

    def __init__(self, pickle: str, config: Properties, project: str) -> None:
        self._pickle = pickle
        self._config = dict(config)
        self._config_key = canonical_json(self._config)
        self._project = project or "project"

    def configure(self, req: object) -> None:
        """Nothing to do: each stranger is configured when it is loaded."""

    def check(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> CheckResult:
        """Ask the stranger; raises ProgramError when it fails."""

        def call(provider: dynamic.ResourceProvider) -> CheckResult:
            result = provider.check(_given(olds, True), _given(news, True))
            failures = [CheckFailure(failure.property, failure.reason) for failure in result.failures or ()]
            return CheckResult(_answer(result.inputs, pickle), failures)

        pickle = news.get(PROVIDER_KEY)
        return self._ask("check", call, news, olds)

    def diff(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> DiffResult:
        """Ask the stranger; stable and detailed differences do not travel in Pulumi, so not here either."""

        def call(provider: dynamic.ResourceProvider) -> DiffResult:
            result = provider.diff(id_, _given(olds, True), _given(news, True))
            changes = None if result.changes is None else bool(result.changes)
            return DiffResult(changes, list(result.replaces or ()), (), result.delete_before_replace)

        return self._ask("diff", call, news, olds)

    def create(self, props: Mapping[str, Any]) -> CreateResult:
        """Create; raises CloudError when the stranger fails or gives no ID."""

        def call(provider: dynamic.ResourceProvider) -> CreateResult:
            result = provider.create(_given(props))
            return CreateResult(_id(result.id), _answer(result.outs, props.get(PROVIDER_KEY)))

        return self._ask("create", call, props)

    def read(self, id_: str, props: Mapping[str, Any]) -> ReadResult:
        """Read; no ID or no outputs means that the object is gone."""

        def call(provider: dynamic.ResourceProvider) -> ReadResult:
            result = provider.read(id_, _given(props))
            if not result.id or result.outs is None:
                return ReadResult()
            pickle = props.get(PROVIDER_KEY) or self._pickle
            inputs = None if result.inputs is None else _answer(result.inputs, pickle)
            return ReadResult(_id(result.id), _answer(result.outs, pickle), inputs)

        return self._ask("read", call, props)

    def update(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> UpdateResult:
        """Update; the answer replaces all recorded outputs, so the SDK's default `update` loses them."""

        def call(provider: dynamic.ResourceProvider) -> UpdateResult:
            result = provider.update(id_, _given(olds), _given(news))
            return UpdateResult(_answer(result.outs, news.get(PROVIDER_KEY)))

        return self._ask("update", call, news)

    def delete(self, id_: str, props: Mapping[str, Any]) -> None:
        """Delete; raises CloudError when the stranger fails."""
        self._ask("delete", lambda provider: provider.delete(id_, _given(props)), props)

    def _ask(self, method: str, call: Callable[[dynamic.ResourceProvider], T], *sources: Mapping[str, Any]) -> T:
        texts = [*(source.get(PROVIDER_KEY) for source in sources), self._pickle]
        text = next((text for text in texts if isinstance(text, str) and text), None)
        if text is None:
            raise ProgramError(
                "a dynamic resource has no provider",
                why="Its input __provider is missing or not known yet, so there is no code to run.",
                remedy="let no unknown output into the provider object; give it to the resource as an input instead",
                reference="dynamic-provider-missing",
            )
        return contextvars.copy_context().run(partial(self._in_plugin, method, call, text))

    def _in_plugin(self, method: str, call: Callable[[dynamic.ResourceProvider], T], text: str) -> T:
        _enter_plugin(self._project)
        provider = self._load(text)
        try:
            return call(provider)
        except WorksteadError:
            raise
        except Exception as error:
            kind = ProgramError if method in ("check", "diff") else CloudError
            raise kind(
                f"{type(provider).__name__}.{method} failed: {_summary(error)}",
                why=_own_lines(error),
                remedy="correct the dynamic provider in the program",
                reference="dynamic-provider-failed",
            ) from error

    def _load(self, text: str) -> dynamic.ResourceProvider:
        key = (text, self._config_key, self._project)
        with _lock:
            provider = _loaded.get(key)
            if provider is None:
                provider = self._unpickle(text)
                try:
                    provider.configure(dynamic.ConfigureRequest(dynamic.Config(self._config, self._project)))
                except Exception as error:
                    raise ProgramError(
                        f"{type(provider).__name__}.configure failed: {_summary(error)}",
                        why=_own_lines(error),
                        remedy="correct the dynamic provider, or give the configuration it asks for",
                        reference="dynamic-provider-failed",
                    ) from error
                _loaded[key] = provider
        return provider

    @staticmethod
    def _unpickle(text: str) -> dynamic.ResourceProvider:
        try:
            return _deserialize(lambda: dill.loads(base64.b64decode(text)))
        except Exception as error:
            raise ProgramError(
                f"a dynamic provider cannot be loaded: {_summary(error)}",
                why="Its class, or something it uses, is not there under the name it had when it was pickled; "
                "or it was pickled by another version of Python.",
                remedy="install the module it comes from, or put the class back where it was",
                reference="dynamic-provider-unloadable",
            ) from error


def _enter_plugin(project: str) -> None:
    """Put the plugin process's settings into the present context.

    Not by making a `Settings`: assigning to its properties also changes what other threads fall back to, so that a
    running program could lose its monitor.
    """
    settings = {
        "project": project,
        "stack": "stack",
        "organization": "organization",
        "monitor": None,
        "engine": None,
        "dry_run": None,
        "monitor_features": set(),
    }
    for name, value in settings.items():
        vars(Settings)[name]._data.set(value)


# --- values there and back --------------------------------------------------------------------------------------------


def _given(props: Mapping[str, Any], keep_unknowns: bool = False) -> dict[str, Any]:
    """Properties as the SDK would hand them to the provider."""
    struct = struct_pb2.Struct()
    struct.update(to_plain(dict(props), open_envelope))
    return rpc.deserialize_properties(struct, keep_unknowns)


def _answer(properties: Mapping[str, Any] | None, pickle: Any) -> dict[str, Any]:
    """A provider's properties as engine values, with `__provider` put back."""
    struct = _settled(dict(properties or {}))
    plain = {name: from_plain(_plain(value)) for name, value in struct.fields.items()}
    return plain if pickle is None else {**plain, PROVIDER_KEY: pickle}


def _settled(properties: dict[str, Any]) -> struct_pb2.Struct:
    """What the SDK would send. Serialising only waits when there are awaitables in it, which is rare."""
    serialising = rpc.serialize_properties(properties, {})
    try:
        serialising.send(None)
    except StopIteration as done:
        return done.value
    serialising.close()
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, rpc.serialize_properties(properties, {})).result()


def _plain(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return {name: _plain(item) for name, item in value.struct_value.fields.items()}
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    return None if kind in (None, "null_value") else getattr(value, kind)


def _id(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"the ID must be text that is not empty, not {value!r}; return str(id)")
    return value


# --- telling whose mistake it is --------------------------------------------------------------------------------------


def _summary(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip()


def _own_lines(error: BaseException) -> str:
    """The provider's own part of the traceback, innermost last."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    lines = [
        f"{frame.filename}:{frame.lineno} in {frame.name}" + (f": {frame.line}" if frame.line else "")
        for frame in frames[-_LAST_FRAMES:]
    ]
    return "It happened at " + ", called from ".join(reversed(lines)) + "." if lines else ""
