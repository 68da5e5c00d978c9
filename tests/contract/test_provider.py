"""What every type of every cloud owes the engine: one suite, run for all that `providers.clouds()` finds.

A cloud brings `<cloud>_cases.py` (see `contract_cases`) and inherits all of this. Nothing here knows a cloud.
"""

from __future__ import annotations

import base64
import copy
import importlib
import os
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dill
import pytest
from pulumi.output import Unknown as PulumiUnknown

from engine.core import paths
from engine.core.contract import CheckResult, CloudProvider, PartialFailure
from engine.core.errors import CancelledError, CloudError, CredentialsError, DeadlineError, ProgramError
from engine.core.paths import Path as PropertyPath
from engine.core.values import UNKNOWN, UNKNOWN_NUMBER, equal
from providers import Providers, clouds
from providers.inputs import hides_secrets, members_of
from providers.resource import pickle_of
from tests.contract.contract_cases import (
    Bench,
    Change,
    Drift,
    Invalid,
    Meanwhile,
    TestClock,
    TypeCases,
    checked,
    provider_path,
    under,
)

CASES = {name: importlib.import_module(f"tests.contract.{name}_cases") for name in clouds()}
ALL = [(name, cases) for name, module in CASES.items() for cases in module.TYPES]


def each(attribute: str = "", *, asked: bool = True) -> Any:
    """Parametrise by type, or by the cases of one kind of every type.

    `asked`: whether the test has the cloud do something, so that it needs one that is as new.
    """
    if not attribute:
        rows = [((name, asked), cases) for name, cases in ALL]
        ids = [cases.type for _, cases in ALL]
        return pytest.mark.parametrize(("cloud", "type_"), rows, ids=ids, indirect=["cloud"])
    rows = [((name, asked), cases, case) for name, cases in ALL for case in getattr(cases, attribute)]
    ids = [f"{cases.type.rsplit(':', 1)[-1]}-{case.label}" for _, cases, case in rows]
    return pytest.mark.parametrize(("cloud", "type_", "case"), rows, ids=ids, indirect=["cloud"])


@pytest.fixture(scope="module")
def benches() -> Iterator[dict[str, Bench]]:
    opened = {name: module.open_bench() for name, module in CASES.items()}
    try:
        yield {name: bench.__enter__() for name, bench in opened.items()}
    finally:
        for bench in opened.values():
            bench.__exit__(None, None, None)


@pytest.fixture
def cloud(request: pytest.FixtureRequest, benches: dict[str, Bench]) -> Bench:
    name, asked = request.param
    bench = benches[name]
    if asked or bench.used:
        bench.reset()
    bench.used = asked
    return bench


def leaves(value: Any, path: PropertyPath = ()) -> Iterator[PropertyPath]:
    """Every place inside a tree, containers too."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from leaves(item, (*path, key))


def floats(value: Any) -> Any:
    """As the real Pulumi sends it."""
    if isinstance(value, dict):
        return {key: floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [floats(item) for item in value]
    return float(value) if type(value) is int else value


def without(tree: Any, gone: frozenset[str]) -> Any:
    for path in gone:
        if paths.lookup(tree, paths.parse(path))[0]:
            tree = paths.drop(tree, paths.parse(path))
    return tree


def includes(whole: Any, part: Any) -> bool:
    """Is everything in `part` in `whole`? Objects may have more members."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and includes(whole[name], item) for name, item in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(includes, whole, part))
    return whole == part


def unchanged(provider: Any, id_: str, outs: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
    result = provider.diff(id_, dict(outs), dict(inputs))
    assert result.changes is False, result


# --- the declaration --------------------------------------------------------------------------------------------------


@each(asked=False)
def test_is_a_cloud_provider_and_travels_as_a_reference(cloud: Bench, type_: TypeCases) -> None:
    provider = dill.loads(base64.b64decode(pickle_of(provider_path(type_.type))))
    assert type(provider).__module__ + ":" + type(provider).__name__ == provider_path(type_.type)
    assert isinstance(provider, CloudProvider)
    assert provider.marker
    assert provider.lag() > 0
    assert cloud.provider(type_.type).lag() < provider.lag(), "an emulator on this machine is quicker"
    assert vars(provider) == {}, "an instance must have no state before configure"
    assert len(dill.dumps(provider)) < 200, "pickled by value, not by reference"


@each(asked=False)
def test_a_recorded_pickle_of_ours_never_runs(cloud: Bench, type_: TypeCases, tmp_path: Path) -> None:
    proof = tmp_path / "proof"

    class Trap:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(proof),)

    trap = base64.b64encode(pickle.dumps(Trap())).decode()
    provider = Providers().provider_for(type_.type, {"__provider": trap}, dict(cloud.settings))
    inputs = {**type_.full(cloud), "__provider": trap}
    assert not provider.check({}, inputs).failures
    assert not proof.exists()


# --- check ------------------------------------------------------------------------------------------------------------


@each(asked=False)
def test_check_is_pure_and_idempotent(cloud: Bench, type_: TypeCases) -> None:
    provider = cloud.provider(type_.type)
    for make in (type_.minimal, type_.full):
        inputs = make(cloud)
        before, calls = copy.deepcopy(inputs), len(cloud.calls())
        once = provider.check({}, inputs)
        again = provider.check(once.inputs, once.inputs)
        assert inputs == before
        assert once.failures == again.failures == []
        assert once.inputs == again.inputs
        assert len(cloud.calls()) == calls, "check must not reach the cloud"


@each(asked=False)
def test_check_drops_internal_keys_and_turns_whole_floats_into_ints(cloud: Bench, type_: TypeCases) -> None:
    provider = cloud.provider(type_.type)
    inputs = type_.full(cloud)
    result = provider.check({}, floats({**inputs, "__provider": "x", "__defaults": []}))
    assert not result.failures
    assert result.inputs == provider.check({}, inputs).inputs
    assert all(type(paths.lookup(result.inputs, path)[1]) is not float for path in leaves(result.inputs))


@each(asked=False)
@pytest.mark.parametrize("unknown", [UNKNOWN, UNKNOWN.sentinel, PulumiUnknown()], ids=["ours", "sentinel", "pulumi"])
def test_check_and_diff_take_an_unknown_anywhere(cloud: Bench, type_: TypeCases, unknown: Any) -> None:
    provider = cloud.provider(type_.type)
    inputs = checked(provider, type_.full(cloud))
    for path in leaves(inputs):
        given = paths.put(inputs, path, unknown)
        result = provider.check({}, given)
        assert not result.failures, (path, result.failures)
        kept = paths.lookup(result.inputs, path)[1]
        assert kept is unknown or kept == unknown, path
        provider.diff("id", inputs, result.inputs)
        provider.predict("", {}, result.inputs)


@each(asked=False)
def test_check_takes_sentinels_of_other_types(cloud: Bench, type_: TypeCases) -> None:
    provider = cloud.provider(type_.type)
    inputs = {**type_.full(cloud)}
    name = next(iter(inputs))
    assert provider.check({}, {**inputs, name: UNKNOWN_NUMBER.sentinel}).inputs[name] == UNKNOWN_NUMBER.sentinel


@each("invalid", asked=False)
def test_check_reports_exactly_what_is_wrong(cloud: Bench, type_: TypeCases, case: Invalid) -> None:
    result: CheckResult = cloud.provider(type_.type).check({}, case.inputs(cloud))
    assert {failure.property for failure in result.failures} == case.paths, result.failures
    for failure in result.failures:
        assert failure.rule
        assert failure.remedy
        assert failure.source or "is not a member here" in failure.rule or "given twice" in failure.rule


@each(asked=False)
def test_failures_never_show_secrets(cloud: Bench, type_: TypeCases) -> None:
    if type_.secret_in_failure is None:
        schema = cloud.provider(type_.type).schema
        assert not any(hides_secrets(member.shape, member.facts) for member in members_of(schema).values())
        return
    make, secret = type_.secret_in_failure
    result = cloud.provider(type_.type).check({}, make(cloud))
    assert result.failures
    assert all(secret not in f"{failure}{failure.reason}" for failure in result.failures)


# --- a life -----------------------------------------------------------------------------------------------------------


@each()
@pytest.mark.parametrize("which", ["minimal", "full"])
def test_created_read_listed_imported_and_deleted_twice(cloud: Bench, type_: TypeCases, which: str) -> None:
    provider = cloud.provider(type_.type)
    inputs = checked(provider, getattr(type_, which)(cloud))
    predicted = provider.predict("", {}, inputs)
    made = provider.create(dict(inputs))
    assert made.id
    assert includes(made.outs, inputs), "recorded outputs hold the inputs as declared"
    assert includes(made.outs, predicted), "what was predicted comes true"
    unchanged(provider, made.id, made.outs, inputs)

    seen = provider.read(made.id, {**made.outs, "__provider": "x"})
    assert seen.id == made.id
    assert seen.inputs == inputs
    unchanged(provider, made.id, seen.outs, inputs)

    assert made.id in [found.id for found in provider.list()]
    assert all(found.type == type_.type for found in provider.list())

    imported = provider.read(made.id, {})
    assert imported.id == made.id
    assert imported.inputs is not None
    rebuilt = checked(provider, imported.inputs)
    assert includes(rebuilt, without(inputs, type_.not_rebuilt))
    unchanged(provider, made.id, imported.outs, rebuilt)

    provider.delete(made.id, dict(made.outs))
    provider.delete(made.id, dict(made.outs))
    assert not provider.read(made.id, dict(made.outs)).id
    assert made.id not in cloud.ids(type_.emulated)


@each("in_place")
def test_changed_in_place(cloud: Bench, type_: TypeCases, case: Change) -> None:
    provider = cloud.provider(type_.type)
    before, after = checked(provider, case.before(cloud)), checked(provider, case.after(cloud))
    made = provider.create(dict(before))
    calls = len(cloud.calls())
    diff = provider.diff(made.id, dict(made.outs), dict(after))
    predicted = provider.predict(made.id, dict(made.outs), dict(after))
    assert diff.changes is True
    assert not diff.replaces
    assert set(diff.detailed_diff or {}) == case.paths
    assert len(cloud.calls()) == calls, "diff and predict must not reach the cloud"
    done = provider.update(made.id, dict(made.outs), dict(after))
    assert includes(done.outs, predicted), "what was predicted comes true"
    unchanged(provider, made.id, done.outs, after)
    seen = provider.read(made.id, dict(done.outs))
    assert equal(seen.inputs, after)
    unchanged(provider, made.id, seen.outs, after)


@each("replacing")
def test_replaced(cloud: Bench, type_: TypeCases, case: Change) -> None:
    provider = cloud.provider(type_.type)
    before, after = checked(provider, case.before(cloud)), checked(provider, case.after(cloud))
    made = provider.create(dict(before))
    diff = provider.diff(made.id, dict(made.outs), dict(after))
    assert diff.changes is True
    assert set(diff.replaces) == case.paths
    assert bool(diff.delete_before_replace) is case.delete_first
    assert {kind.endswith("-replace") for path, kind in (diff.detailed_diff or {}).items() if path in case.paths} == {
        True
    }
    assert diff.note, "a replacement says why"


@each("drifts")
def test_drift_shows_and_is_put_back(cloud: Bench, type_: TypeCases, case: Drift) -> None:
    provider = cloud.provider(type_.type)
    inputs = checked(provider, type_.full(cloud))
    made = provider.create(dict(inputs))
    case.damage(cloud, made.id)
    seen = provider.read(made.id, dict(made.outs))
    assert seen.inputs != inputs
    diff = provider.diff(made.id, dict(seen.outs), dict(inputs))
    assert set(diff.detailed_diff or {}) == case.paths
    done = provider.update(made.id, dict(seen.outs), dict(inputs))
    unchanged(provider, made.id, provider.read(made.id, dict(done.outs)).outs, inputs)


@each()
def test_deleted_outside(cloud: Bench, type_: TypeCases) -> None:
    provider = cloud.provider(type_.type)
    made = provider.create(checked(provider, type_.minimal(cloud)))
    cloud.file.delete(cloud.cloud, made.id)
    assert not provider.read(made.id, dict(made.outs)).id
    assert not provider.find(dict(made.outs)).id
    provider.delete(made.id, dict(made.outs))


# --- what is being deleted --------------------------------------------------------------------------------------------

GOING = [((name, True), cases) for name, cases in ALL if cases.going]
each_that_goes = pytest.mark.parametrize(
    ("cloud", "type_"), GOING, ids=[cases.type for _, cases in GOING], indirect=["cloud"]
)


def on_its_way_out(cloud: Bench, type_: TypeCases) -> tuple[Any, dict[str, Any], str, dict[str, Any]]:
    """(provider, inputs, ID, outputs) of an object that somebody is deleting; it stays so until something happens."""
    provider = cloud.provider(type_.type)
    inputs = checked(provider, type_.minimal(cloud))
    made = provider.create(dict(inputs))
    cloud.file.edit(cloud.cloud, made.id, status=type_.going)
    return provider, inputs, made.id, dict(made.outs)


@each_that_goes
@pytest.mark.parametrize("known", ["recorded", "imported"])
def test_what_is_being_deleted_is_read_as_gone_once_it_is(cloud: Bench, type_: TypeCases, known: str) -> None:
    provider, _, id_, outs = on_its_way_out(cloud, type_)
    clock = Meanwhile(lambda: cloud.file.delete(cloud.cloud, id_))
    with under(clock.call("read")):
        assert not provider.read(id_, outs if known == "recorded" else {}).id
    assert type_.going in clock.reports[0], "it says what it waits for"


@each_that_goes
def test_what_could_not_be_deleted_is_read_as_it_is(cloud: Bench, type_: TypeCases) -> None:
    provider, _, id_, outs = on_its_way_out(cloud, type_)
    with under(Meanwhile(lambda: cloud.file.edit(cloud.cloud, id_, status=type_.undeleted)).call("read")):
        assert provider.read(id_, outs).id == id_
    assert (id_, type_.undeleted) in [(found.id, found.status) for found in provider.list()]


@each_that_goes
def test_waiting_for_a_deletion_can_be_cancelled_and_has_a_limit(cloud: Bench, type_: TypeCases) -> None:
    provider, _, id_, outs = on_its_way_out(cloud, type_)
    with under(TestClock(cancelled=True).call("read")), pytest.raises(CancelledError):
        provider.read(id_, outs)
    for limit in (10, None):
        with under(TestClock().call("read", limit)), pytest.raises(DeadlineError):
            provider.read(id_, outs)


@each_that_goes
def test_what_is_being_deleted_is_nobodys_to_take(cloud: Bench, type_: TypeCases) -> None:
    provider, inputs, id_, _ = on_its_way_out(cloud, type_)
    assert provider.locate(dict(inputs)) == ""
    assert id_ not in [found.id for found in provider.list()]
    with under(Meanwhile(lambda: cloud.file.delete(cloud.cloud, id_)).call("read")):
        assert not provider.find(dict(inputs)).id


@each_that_goes
def test_what_is_being_deleted_is_in_nobodys_way(cloud: Bench, type_: TypeCases) -> None:
    provider, inputs, id_, _ = on_its_way_out(cloud, type_)
    with under(Meanwhile(lambda: cloud.file.delete(cloud.cloud, id_)).call()):
        provider.create(dict(inputs))


# --- an unkind cloud --------------------------------------------------------------------------------------------------


@each()
@pytest.mark.parametrize("fault", ["drop-after", "drop-before"])
def test_a_lost_create_answer_never_makes_two(cloud: Bench, type_: TypeCases, fault: str) -> None:
    provider = cloud.provider(type_.type)
    inputs = checked(provider, type_.minimal(cloud))
    there = set(cloud.ids(type_.emulated))
    cloud.file.add_fault(cloud.cloud, fault, type_.create_operation)
    failure: CloudError | None = None
    try:
        with under(TestClock().call()):
            id_ = provider.create(dict(inputs)).id
    except CloudError as error:
        failure, id_ = error, provider.find(dict(inputs)).id
    assert failure is None or failure.uncertain
    made = set(cloud.ids(type_.emulated)) - there
    if fault == "drop-after":
        assert made == {id_}
    else:
        assert made == ({id_} if id_ else set())
    found = provider.find(dict(inputs))
    assert found.id == id_
    if id_:
        assert found.inputs == inputs
        unchanged(provider, id_, found.outs, inputs)


@each()
def test_what_was_made_and_never_recorded_is_found(cloud: Bench, type_: TypeCases) -> None:
    """Whoever dies after a create and before its record; with all that a full set of inputs takes to make."""
    provider = cloud.provider(type_.type)
    inputs = checked(provider, type_.full(cloud))
    id_ = provider.create(dict(inputs)).id
    found = provider.find(dict(inputs))
    assert found.id == id_
    unchanged(provider, id_, found.outs, inputs)


@each()
def test_find_finds_nothing_where_nothing_is(cloud: Bench, type_: TypeCases) -> None:
    provider = cloud.provider(type_.type)
    inputs = checked(provider, type_.minimal(cloud))
    assert not provider.find(inputs).id


@each()
def test_what_exists_is_located_by_its_name_and_is_what_was_declared(cloud: Bench, type_: TypeCases) -> None:
    provider = cloud.provider(type_.type)
    inputs = checked(provider, type_.minimal(cloud))
    assert provider.locate(inputs) == ""
    with under(TestClock().call()):
        made = provider.create(inputs)
        assert provider.locate(inputs) == made.id
        found = provider.read(made.id, inputs)
    unchanged(provider, made.id, found.outs, inputs)


@each()
def test_throttling_is_survived(cloud: Bench, type_: TypeCases) -> None:
    provider = cloud.provider(type_.type)
    inputs = checked(provider, type_.minimal(cloud))
    cloud.file.add_fault(cloud.cloud, "throttle", "*", times=5)
    clock = TestClock()
    with under(clock.call()):
        made = provider.create(inputs)
    assert made.id in cloud.ids(type_.emulated)
    assert clock.now > 1000, "it waited between tries"


@each()
def test_throttling_for_ever_ends_in_an_error_that_may_be_retried(cloud: Bench, type_: TypeCases) -> None:
    provider = cloud.provider(type_.type)
    inputs = checked(provider, type_.minimal(cloud))
    cloud.file.add_fault(cloud.cloud, "throttle", "*", times=None)
    with under(TestClock().call()), pytest.raises(CloudError) as caught:
        provider.create(inputs)
    assert caught.value.retryable
    assert not caught.value.uncertain
    assert caught.value.remedy


@each()
def test_the_customers_time_limit_holds(cloud: Bench, type_: TypeCases) -> None:
    provider = cloud.provider(type_.type)
    inputs = checked(provider, type_.minimal(cloud))
    cloud.file.add_fault(cloud.cloud, "throttle", "*", times=None, retry_after=7)
    clock = TestClock()
    with under(clock.call(limit=10)), pytest.raises(DeadlineError):
        provider.create(inputs)
    assert clock.now <= 1010


@each()
def test_cancelling_ends_a_wait(cloud: Bench, type_: TypeCases) -> None:
    provider = cloud.provider(type_.type)
    inputs = checked(provider, type_.minimal(cloud))
    cloud.file.add_fault(cloud.cloud, "throttle", "*", times=None)
    with under(TestClock(cancelled=True).call()), pytest.raises(CancelledError):
        provider.create(inputs)


@each()
def test_an_endpoint_out_of_reach(cloud: Bench, type_: TypeCases) -> None:
    inputs = checked(cloud.provider(type_.type), type_.minimal(cloud))
    dead = {key: "http://127.0.0.1:1" if key.endswith("endpoint") else value for key, value in cloud.settings.items()}
    provider = cloud.provider(type_.type, dead)
    with under(TestClock().call()), pytest.raises(CloudError) as caught:
        provider.create(inputs)
    assert caught.value.reference == "endpoint-unreachable"
    assert caught.value.retryable
    assert not caught.value.uncertain
    assert "http://127.0.0.1:1" in caught.value.summary
    with under(TestClock().call("read")), pytest.raises(CloudError):
        provider.read("x", dict(inputs))


@each()
def test_refused_credentials(cloud: Bench, type_: TypeCases) -> None:
    inputs = checked(cloud.provider(type_.type), type_.minimal(cloud))
    provider = cloud.provider(type_.type, cloud.wrong_credentials)
    for call in (lambda: provider.create(inputs), lambda: provider.read("x", inputs), lambda: list(provider.list())):
        with pytest.raises(CredentialsError) as caught:
            call()
        assert caught.value.remedy
        for secret in cloud.wrong_credentials.values():
            assert secret not in str(caught.value)


@each()
def test_missing_credentials_are_named(
    cloud: Bench, type_: TypeCases, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in list(os.environ):
        if name.startswith(("NCLOUD", "AWS", "HUAWEI", "HW", "OS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    provider = cloud.provider(type_.type, {})
    assert not provider.check({}, type_.minimal(cloud)).failures, "check needs no credentials"
    with pytest.raises(CredentialsError) as caught:
        provider.read("x", {})
    assert clouds()[cloud.cloud].config in str(caught.value)


# --- the source of providers ------------------------------------------------------------------------------------------


def test_a_type_nobody_serves_is_named() -> None:
    """With those there are: of its own package, else those it may have been meant for, else only the clouds."""
    tokens = {token for cloud in clouds().values() for token in cloud.types}
    for type_, named in (
        ("aws:s3/bucket:Bucket", {token for token in tokens if token.startswith("aws:")}),
        ("dataforest:account", {token for token in tokens if "dataforest" in token}),
        ("random:index/randomPet:RandomPet", set()),
    ):
        with pytest.raises(ProgramError) as caught:
            Providers().provider_for(type_, {}, {})
        assert caught.value.reference == "type-not-served"
        assert type_ in caught.value.summary
        told = caught.value.why.replace(";", ",")
        assert {token for token in tokens if f"{token}," in told} == named


def test_a_provider_is_configured_once_per_configuration() -> None:
    source = Providers()
    for token in (token for cloud in clouds().values() for token in cloud.types):
        one = source.provider_for(token, {}, {"a:b": "1"})
        assert source.provider_for(token, {}, {"a:b": "1"}) is one
        assert source.provider_for(token, {}, {"a:b": "2"}) is not one


def test_a_partial_failure_is_a_cloud_error() -> None:
    assert issubclass(PartialFailure, CloudError)


def test_a_role_without_its_policies_is_found_and_finished(benches: dict[str, Bench]) -> None:
    """Who dies between CreateRole and the calls for its policies leaves a role that lacks them."""
    bench = benches["sagemaker"]
    bench.reset()
    cases = next(cases for _, cases in ALL if cases.type == "aws:iam/role:Role")
    provider = bench.provider(cases.type)
    inputs = checked(provider, cases.full(bench))
    lacking = {name: value for name, value in inputs.items() if name not in ("inlinePolicies", "managedPolicyArns")}
    assert lacking != inputs
    id_ = provider.create(lacking).id
    found = provider.find(dict(inputs))
    assert found.id == id_
    assert provider.diff(id_, dict(found.outs), dict(inputs)).changes
    done = provider.update(id_, dict(found.outs), dict(inputs))
    unchanged(provider, id_, provider.read(id_, dict(done.outs)).outs, inputs)
