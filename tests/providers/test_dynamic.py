"""A stranger's dynamic provider here and in Pulumi's own plugin process: the same questions, the same answers.

The plugin process is started for real (`python -m pulumi.dynamic`) and spoken to as Pulumi's engine does.
"""

from __future__ import annotations

import base64
import contextvars
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dill
import grpc
import pulumi
import pytest
from google.protobuf import struct_pb2
from pulumi import dynamic as pulumi_dynamic
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime import proto
from pulumi.runtime.proto import provider_pb2_grpc

from engine.core.contract import CheckResult
from engine.core.errors import CloudError, InputError, ProgramError
from engine.core.values import UNKNOWN, UNKNOWN_NUMBER, Asset, from_plain, open_envelope, to_plain
from providers import Providers, clouds, dynamic
from providers.resource import pickle_of
from tests.contract.contract_cases import provider_path
from tests.contract.dataforest_cases import WORKSPACE
from tests.providers import strangers

CONFIG = {"demo:own": "mine", "other:key": "theirs"}
ROOT = Path(__file__).parents[2]


def pickled(provider: Any) -> str:
    """As Pulumi pickles, without its bug (section 9.4)."""
    return base64.b64encode(dill.dumps(provider, recurse=True)).decode()


def here(provider: Any) -> dynamic.DynamicProvider:
    """The provider as our engine has it."""
    source = Providers("demo").provider_for("pulumi-python:dynamic:Resource", {"__provider": pickled(provider)}, CONFIG)
    assert isinstance(source, dynamic.DynamicProvider)
    return source


# --- Pulumi's plugin process ------------------------------------------------------------------------------------------


def struct(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(to_plain(dict(properties), open_envelope))
    return made


def values(made: struct_pb2.Struct) -> dict[str, Any]:
    return {name: from_plain(dynamic._plain(value)) for name, value in made.fields.items()}


class Plugin:
    """The real plugin process, asked as our own interface is asked."""

    def __init__(self, stub: Any) -> None:
        self._stub = stub

    def check(self, olds: Any, news: Any) -> CheckResult:
        answer = self._stub.Check(proto.CheckRequest(olds=struct(olds), news=struct(news)))
        return CheckResult(values(answer.inputs), [(f.property, f.reason) for f in answer.failures])

    def diff(self, id_: str, olds: Any, news: Any) -> Any:
        answer = self._stub.Diff(proto.DiffRequest(id=id_, olds=struct(olds), news=struct(news)))
        changes = {proto.DiffResponse.DIFF_SOME: True, proto.DiffResponse.DIFF_NONE: False}.get(answer.changes)
        return changes, list(answer.replaces), answer.deleteBeforeReplace

    def create(self, props: Any) -> Any:
        answer = self._stub.Create(proto.CreateRequest(properties=struct(props)))
        return answer.id, values(answer.properties)

    def read(self, id_: str, props: Any) -> Any:
        answer = self._stub.Read(proto.ReadRequest(id=id_, properties=struct(props)))
        return answer.id, values(answer.properties), values(answer.inputs)

    def update(self, id_: str, olds: Any, news: Any) -> Any:
        answer = self._stub.Update(proto.UpdateRequest(id=id_, olds=struct(olds), news=struct(news)))
        return values(answer.properties)


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    environment = {"PULUMI_PROJECT": "demo", "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.dynamic", "127.0.0.1:1"],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=environment,
        text=True,
    ) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            stub.Configure(proto.ConfigureRequest(args=struct(CONFIG)))
            yield Plugin(stub)
        process.terminate()


# --- the same answers -------------------------------------------------------------------------------------------------

GIVEN = {
    "text": "a",
    "whole": 3,
    "fraction": 1.5,
    "truth": True,
    "nothing": None,
    "list": [1, None, {"a": None, "b": 2}],
    "asset": Asset(text="hello"),
}
RECORDER = pickled(strangers.Recorder())


def test_check_here_and_there(plugin: Plugin) -> None:
    ours = here(strangers.Recorder())
    for extra in ({}, {"bad": 1}, {"unknown": UNKNOWN, "deep": {"x": [UNKNOWN]}, "number": UNKNOWN_NUMBER}):
        news = {**GIVEN, **extra, "__provider": RECORDER}
        theirs = plugin.check({"old": 1, "__provider": "other"}, news)
        mine = ours.check({"old": 1, "__provider": "other"}, news)
        assert mine.inputs == theirs.inputs
        assert [(failure.property, failure.reason) for failure in mine.failures] == theirs.failures
        assert mine.inputs["told"]["whole"] == "float 3.0"
        assert "nothing" not in mine.inputs
        assert mine.inputs["__provider"] == RECORDER


def test_diff_here_and_there(plugin: Plugin) -> None:
    ours = here(strangers.Recorder())
    for opinion in ({}, {"opinion": True}, {"opinion": False}):
        news = {**opinion, "__provider": RECORDER}
        mine = ours.diff("id", {"__provider": RECORDER}, news)
        assert (mine.changes, list(mine.replaces), bool(mine.delete_before_replace)) == plugin.diff(
            "id", {"__provider": RECORDER}, news
        )
        assert not mine.stables, "they do not travel in Pulumi"


def test_create_here_and_there(plugin: Plugin) -> None:
    props = {**GIVEN, "__provider": RECORDER}
    mine = here(strangers.Recorder()).create(props)
    assert (mine.id, mine.outs) == plugin.create(props)
    assert mine.outs["settings"] == ["mine", "theirs", "mine"]
    assert mine.outs["configured"] == 1
    assert mine.outs["names"] == ["stack", "organization", "demo", False]
    assert mine.outs["asset"] == Asset(text="hello")
    assert "none" not in mine.outs
    assert mine.outs["nested"] == {"none": None, "list": [None, 1]}


@pytest.mark.parametrize("id_", ["x", "with inputs"])
def test_read_here_and_there(plugin: Plugin, id_: str) -> None:
    props = {**GIVEN, "__provider": RECORDER}
    mine = here(strangers.Recorder()).read(id_, props)
    assert (mine.id, mine.outs, mine.inputs or {}) == plugin.read(id_, props)


def test_what_is_gone_has_no_id(plugin: Plugin) -> None:
    props = {"__provider": RECORDER}
    assert plugin.read("gone", props)[0] == ""
    mine = here(strangers.Recorder()).read("gone", props)
    assert (mine.id, mine.outs, mine.inputs) == ("", {}, None)


def test_update_here_and_there(plugin: Plugin) -> None:
    olds, news = {"a": 1, "__provider": RECORDER}, {"a": 2, "__provider": RECORDER}
    assert here(strangers.Recorder()).update("id", olds, news).outs == plugin.update("id", olds, news)


def test_the_sdks_defaults(plugin: Plugin) -> None:
    pickle = pickled(strangers.Bare())
    ours, olds, news = here(strangers.Bare()), {"a": 1, "__provider": pickle}, {"a": 2, "__provider": pickle}
    assert ours.create(news).outs == plugin.create(news)[1] == {"__provider": pickle}
    assert ours.update("id", olds, news).outs == plugin.update("id", olds, news) == {"__provider": pickle}
    assert ours.read("id", olds).outs == plugin.read("id", olds)[1] == olds
    assert ours.diff("id", olds, news).changes is None
    assert ours.check({}, news).inputs == plugin.check({}, news).inputs == news
    ours.delete("id", olds)


def test_our_own_types_in_pulumis_plugin_process(plugin: Plugin) -> None:
    """The constant `__provider` of our classes is all the plugin process needs."""
    for token in (token for cloud in clouds().values() for token in cloud.types):
        pickle = pickle_of(provider_path(token))
        with pytest.raises(grpc.RpcError) as caught:
            plugin.create({"__provider": pickle})
        assert "Traceback" in caught.value.details()
        assert "providers/" in caught.value.details()
    pickle = pickle_of(provider_path(WORKSPACE))
    news = {
        "accountId": UNKNOWN,
        "name": "nlp",
        "configuration": {"docker": {"image": "a:b", "command": UNKNOWN}, "resource": {"cpuCount": 2}},
        "__provider": pickle,
    }
    checked = plugin.check({}, news)
    assert checked.failures == []
    assert checked.inputs == {
        "account_id": UNKNOWN,
        "name": "nlp",
        "configuration": {"docker": {"image": "a:b", "command": UNKNOWN}, "resource": {"cpu_count": 2}},
        "__provider": pickle,
    }
    olds = {**checked.inputs, "account_id": "a", "description": "gone"}
    assert plugin.diff("id", olds, checked.inputs) == (True, ["account_id", "description"], False)


def test_a_secret_in_a_wrong_password_is_not_shown_by_pulumi(plugin: Plugin) -> None:
    """Pulumi's CLI prints the value of the property a failure names, so it must not find it."""
    token = "pulumi-python:dynamic/dataforest:Account"
    news = {"name": "ab", "password": "hunter2", "__provider": pickle_of(provider_path(token))}
    ((path, reason),) = plugin.check({}, news).failures
    assert path == '["password"]'
    assert "hunter2" not in reason


# --- only here --------------------------------------------------------------------------------------------------------


def test_which_pickle_is_used() -> None:
    recorder, bare = RECORDER, pickled(strangers.Bare())
    ours = here(strangers.Bare())
    assert "told" in ours.check({"__provider": bare}, {"__provider": recorder}).inputs
    unknown = ours.check({"__provider": recorder}, {"__provider": UNKNOWN})
    assert "told" in unknown.inputs
    assert unknown.inputs["__provider"] is UNKNOWN
    assert "told" in ours.read("id", {"__provider": recorder}).outs
    assert ours.read("id", {}).outs == {"__provider": bare}, "an import uses the program's own"


def test_no_pickle_at_all() -> None:
    source = Providers().provider_for("pulumi-python:dynamic:Resource", {"__provider": UNKNOWN}, {})
    with pytest.raises(ProgramError) as caught:
        source.read("id", {})
    assert caught.value.reference == "dynamic-provider-missing"


def test_a_provider_is_loaded_and_configured_once_for_all_threads() -> None:
    ours = here(strangers.Recorder())
    barrier = threading.Barrier(8)

    def create(_: int) -> int:
        barrier.wait()
        return ours.create({"__provider": RECORDER, "n": _}).outs["configured"]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(create, range(8))) == {1}


def test_another_configuration_is_another_provider() -> None:
    token, inputs = "pulumi-python:dynamic:Resource", {"__provider": RECORDER}
    one = Providers("demo").provider_for(token, inputs, {"demo:own": "one"}).create(inputs).outs["settings"]
    two = Providers("demo").provider_for(token, inputs, {"demo:own": "two"}).create(inputs).outs["settings"]
    assert (one[0], two[0]) == ("one", "two")


def test_the_programs_own_settings_stay_untouched() -> None:
    def program() -> tuple[Any, ...]:
        monitor = object()
        pulumi.runtime.configure(pulumi.runtime.Settings(project="p", stack="s", organization="o", monitor=monitor))
        here(strangers.Recorder()).create({"__provider": RECORDER})
        kept = pulumi.runtime.settings.get_monitor() is monitor
        return pulumi.get_project(), pulumi.get_stack(), pulumi.get_organization(), kept

    assert contextvars.copy_context().run(program) == ("p", "s", "o", True)


def test_a_thread_without_settings_changes_nothing_for_others() -> None:
    """The SDK's properties have a fallback shared by all threads, which assigning to them in a new thread changes."""
    before = (pulumi.get_project(), pulumi.get_stack(), pulumi.runtime.settings.get_monitor())
    thread = threading.Thread(target=lambda: here(strangers.Recorder()).create({"__provider": RECORDER}))
    thread.start()
    thread.join()
    assert (pulumi.get_project(), pulumi.get_stack(), pulumi.runtime.settings.get_monitor()) == before


def test_a_failure_shows_the_strangers_own_lines() -> None:
    ours, props = here(strangers.Faulty()), {"__provider": pickled(strangers.Faulty())}
    with pytest.raises(CloudError) as caught:
        ours.create(props)
    assert caught.value.summary == "Faulty.create failed: ValueError: the quota is used up"
    assert "strangers.py" in caught.value.why
    assert "in _deeper" in caught.value.why
    assert "called from" in caught.value.why
    assert "dynamic.py" not in caught.value.why
    assert caught.value.reference == "dynamic-provider-failed"
    with pytest.raises(ProgramError, match="KeyError: 'missing'"):
        ours.diff("id", props, props)


def test_an_id_that_is_no_text() -> None:
    with pytest.raises(CloudError, match="return str"):
        here(strangers.Numbered()).create({"__provider": pickled(strangers.Numbered())})


def test_a_setting_that_is_missing() -> None:
    with pytest.raises(ProgramError, match="configuration key: absent"):
        here(strangers.Choosy()).create({"__provider": pickled(strangers.Choosy())})


@pytest.mark.parametrize(
    "text",
    [
        "not base64!",
        base64.b64encode(b"\x80\x04cno.such.module\nClass\n)\x81.").decode(),
        base64.b64encode(b"").decode(),
    ],
)
def test_a_pickle_that_cannot_be_loaded(text: str) -> None:
    ours = Providers().provider_for("pulumi-python:dynamic:Resource", {"__provider": text}, {})
    with pytest.raises(ProgramError) as caught:
        ours.create({"__provider": text})
    assert caught.value.reference in ("dynamic-provider-unloadable", "dynamic-provider-missing")


def test_a_class_pickled_by_value() -> None:
    """A class in the program's own file travels with its byte code."""
    scope: dict[str, Any] = {"__name__": "__main__", "pulumi_dynamic": pulumi_dynamic}
    exec(
        textwrap.dedent(
            """
            class Local(pulumi_dynamic.ResourceProvider):
                def create(self, props):
                    return pulumi_dynamic.CreateResult("local", {"doubled": props["n"] * 2})
            """
        ),
        scope,
    )
    pickle = serialize_provider(scope["Local"]())
    ours = Providers().provider_for("pulumi-python:dynamic:Resource", {"__provider": pickle}, {})
    assert ours.create({"n": 4, "__provider": pickle}).outs["doubled"] == 8


def test_what_cannot_be_recorded_is_an_error_of_ours() -> None:
    class Odd(pulumi_dynamic.ResourceProvider):
        def create(self, props: dict[str, Any]) -> pulumi_dynamic.CreateResult:
            return pulumi_dynamic.CreateResult("x", {"n": float("nan")})

    pickle = pickled(Odd())
    ours = Providers().provider_for("pulumi-python:dynamic/mine:Odd", {"__provider": pickle}, {})
    with pytest.raises(InputError):
        ours.create({"__provider": pickle})


def test_it_may_be_asked_inside_a_running_event_loop() -> None:
    import asyncio

    async def program() -> Any:
        return here(strangers.Recorder()).check({}, {"__provider": RECORDER, "a": 1}).inputs["a"]

    assert asyncio.run(program()) == 1
