"""Programs written with `pulumi_aws`: the classes' own names and defaults, IAM, and what is not served.

The types behind the tokens are SageMaker's own, whose tests are `test_sagemaker` and the suite in `tests/contract`.
Numbers in comments are sections of the specification.
"""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import tomllib
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi_aws as aws
import pytest
from pulumi._types import input_type_py_to_pulumi_names, input_type_types, is_input_type

import engine
from engine.core.contract import CHECK, CheckContext
from engine.core.errors import Severity, UsageError
from engine.core.plan import Op, Plan
from engine.core.values import UNKNOWN
from providers import Providers, sagemaker
from providers.inputs import Inputs, members_of
from providers.sagemaker import emulator
from providers.sagemaker.errors import InUseError, RoleNotReadyError
from providers.sagemaker.schema.iam import same_policy
from providers.sagemaker.schema.pulumi import PULUMI
from tests.contract import sagemaker_cases as cases
from tests.contract.contract_cases import Bench, Passing, checked, under
from tests.contract.sagemaker_cases import (
    FULL_ACCESS,
    READ_ONLY,
    ROLE,
    as_text,
    call,
    copied,
    open_bench,
    reading,
    trust,
)

ROLES, ROLE_POLICIES, ATTACHMENTS = (each.type for each in cases.TYPES[-3:])
NOTEBOOK = cases.PULUMI_NOTEBOOKS.type


@pytest.fixture(scope="module")
def running() -> Iterator[Bench]:
    with open_bench() as bench:
        yield bench


@pytest.fixture
def bench(running: Bench) -> Iterator[Bench]:
    with running.fresh():
        yield running


# --- the classes ------------------------------------------------------------------------------------------------------

CLASSES: dict[str, Any] = {
    "App": aws.sagemaker.AppArgs,
    "CodeRepository": aws.sagemaker.CodeRepositoryArgs,
    "Domain": aws.sagemaker.DomainArgs,
    "NotebookInstance": aws.sagemaker.NotebookInstanceArgs,
    "NotebookInstanceLifecycleConfig": aws.sagemaker.NotebookInstanceLifecycleConfigurationArgs,
    "Space": aws.sagemaker.SpaceArgs,
    "StudioLifecycleConfig": aws.sagemaker.StudioLifecycleConfigArgs,
    "UserProfile": aws.sagemaker.UserProfileArgs,
    "Role": aws.iam.RoleArgs,
    "RolePolicy": aws.iam.RolePolicyArgs,
    "RolePolicyAttachment": aws.iam.RolePolicyAttachmentArgs,
}
POLICIES = {"assumeRolePolicy", "policy"}
"""Text, though the classes take a document, too."""
MADE_UP = {"name"}
"""Made up from the URN when left out, so never missing."""
EFS = "customFileSystemConfigs.efsFileSystemConfig"
LOOSER = {
    f"Domain.defaultSpaceSettings.{EFS}.fileSystemPath",
    f"Domain.defaultUserSettings.{EFS}.fileSystemPath",
    "Space.spaceSettings.jupyterServerAppSettings.defaultResourceSpec",
    "Space.spaceSettings.kernelGatewayAppSettings.defaultResourceSpec",
}
"""What Pulumi's classes require and the API does not, in structures that are optional elsewhere."""
STRICTER = {
    "NotebookInstance.instanceMetadataServiceConfiguration.minimumInstanceMetadataServiceVersion",
    f"UserProfile.userSettings.{EFS}s",
    "Role.inlinePolicies.policy",
}
"""What the API requires and Pulumi's classes do not."""


def theirs(arguments: type, path: str) -> dict[str, bool]:
    """Every input of one of Pulumi's classes of arguments, at any depth: is it required?"""
    names, types = input_type_py_to_pulumi_names(arguments), input_type_types(arguments)
    given = inspect.signature(arguments.__init__).parameters
    found: dict[str, bool] = {}
    for python, name in names.items():
        found[f"{path}.{name}"] = given[python].default is inspect.Parameter.empty
        inside = None if name in POLICIES else structure_in(types[name])
        found.update(theirs(inside, f"{path}.{name}") if inside else {})
    return found


def structure_in(hint: Any) -> Any:
    """The class of arguments somewhere in a type."""
    if is_input_type(hint):
        return hint
    return next(filter(None, map(structure_in, typing.get_args(hint))), None)


def ours(model: type[Inputs], path: str) -> dict[str, bool]:
    """The same of one of our schema models."""
    found: dict[str, bool] = {}
    for name, member in members_of(model).items():
        shape = member.shape
        while shape.inner is not None:
            shape = shape.inner
        found[f"{path}.{name}"] = member.required and name not in MADE_UP
        found.update(ours(shape.model, f"{path}.{name}") if shape.model else {})
    return found


@pytest.mark.parametrize("structure", CLASSES)
def test_every_input_of_pulumis_classes_is_ours_at_every_depth(structure: str) -> None:
    """19.1, 19.2: by the names of the installed pulumi_aws; required where it is there; and none beyond."""
    one, other = ours(PULUMI.schema(structure), structure), theirs(CLASSES[structure], structure)
    assert set(one) == set(other)
    differing = {path for path in one if one[path] != other[path]}
    assert differing == {path for path in LOOSER | STRICTER if path.startswith(f"{structure}.")}


def test_every_class_has_its_token() -> None:
    served = {token for token in sagemaker.CLOUD.types if token.startswith("aws:")}
    assert {token_of(arguments) for arguments in CLASSES.values()} == served


def token_of(arguments: type) -> str:
    module, name = arguments.__module__.split("."), arguments.__name__.removesuffix("Args")
    return f"aws:{module[1]}/{name[0].lower()}{name[1:]}:{name}"


# --- names, defaults, outputs -----------------------------------------------------------------------------------------


def test_names_that_do_not_convert_by_themselves(bench: Bench) -> None:
    """19.3: what the API was told."""
    for type_ in (cases.PULUMI_NOTEBOOKS, cases.PULUMI_NOTEBOOK_CONFIGS, cases.PULUMI_DOMAINS, cases.PULUMI_PROFILES):
        provider = bench.provider(type_.type)
        provider.create(checked(provider, type_.full(bench)))
    spaces = bench.provider(cases.PULUMI_SPACES.type)
    spaces.create(checked(spaces, cases.full_pulumi_space(bench)))
    found = call(bench, "DescribeNotebookInstance", NotebookInstanceName="Nb-full")
    assert found["SecurityGroups"] == ["sg-2", "sg-1"]
    assert found["VolumeSizeInGB"] == 20
    assert found["NotebookInstanceLifecycleConfigName"] == "setup"
    found = call(bench, "DescribeNotebookInstanceLifecycleConfig", NotebookInstanceLifecycleConfigName="lc")
    assert (found["OnCreate"], found["OnStart"]) == ([{"Content": "ZWNobwo="}], [{"Content": "ZWNobyBhCg=="}])
    (row,) = [item for item in call(bench, "ListDomains")["Domains"] if item["DomainName"] == "dom"]
    found = call(bench, "DescribeDomain", DomainId=row["DomainId"])
    settings = found["DefaultUserSettings"]
    assert settings["AutoMountHomeEFS"] == "Enabled"
    assert settings["JupyterLabAppSettings"]["DefaultResourceSpec"]["SageMakerImageArn"] == cases.IMAGE
    assert settings["CanvasAppSettings"]["IdentityProviderOAuthSettings"][0]["DataSourceName"] == "Snowflake"
    files = {"FileSystemId": "fs-0123456789abcdef0", "FileSystemPath": "/data"}
    assert settings["CustomFileSystemConfigs"] == [{"EFSFileSystemConfig": files}]
    assert found["DomainSettings"]["DockerSettings"] == {"EnableDockerAccess": "ENABLED"}
    domain = cases.domain(bench)
    found = call(bench, "DescribeUserProfile", DomainId=domain, UserProfileName="carl")
    assert found["UserSettings"]["CustomFileSystemConfigs"] == [{"EFSFileSystemConfig": files}]
    found = call(bench, "DescribeSpace", DomainId=domain, SpaceName="sp")
    assert found["SpaceSettings"]["CustomFileSystems"] == [{"EFSFileSystem": {"FileSystemId": files["FileSystemId"]}}]
    assert call(bench, "ListTags", ResourceArn=row["DomainArn"])["Tags"] == [{"Key": "team", "Value": "nlp"}]


def test_what_the_service_chose_is_put_out_as_pulumi_does(bench: Bench) -> None:
    books = bench.provider(NOTEBOOK)
    inputs = checked(books, cases.pulumi_notebook(bench))
    defaults = {"directInternetAccess": "Enabled", "rootAccess": "Enabled", "volumeSize": 5}
    assert inputs == {**cases.pulumi_notebook(bench), **defaults}
    one = books.create(dict(inputs))
    assert one.id == "nb"
    shown = {name: value for name, value in one.outs.items() if not name.startswith("__")}
    assert shown == {
        **inputs,
        "arn": f"arn:aws:sagemaker:{cases.REGION}:{emulator.ACCOUNT}:notebook-instance/nb",
        "url": f"nb.notebook.{cases.REGION}.sagemaker.aws",
        "platformIdentifier": "notebook-al2023-v1",
        "instanceMetadataServiceConfiguration": {"minimumInstanceMetadataServiceVersion": "1"},
        "region": cases.REGION,
        "tagsAll": {},
    }
    assert books.diff(one.id, one.outs, inputs).changes is False
    domains = bench.provider(cases.PULUMI_DOMAINS.type)
    domain = domains.create(checked(domains, cases.pulumi_domain(bench)))
    assert domain.outs["url"] == f"https://{domain.id}.studio.{cases.REGION}.sagemaker.aws"
    assert domain.outs["homeEfsFileSystemId"].startswith("fs-")
    assert domain.outs["appNetworkAccessType"] == "PublicInternetOnly"


def checked_as(provider: Any, urn: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
    token = CHECK.set(CheckContext(urn, lambda name: ()))
    try:
        result = provider.check(olds, news)
    finally:
        CHECK.reset(token)
    assert not result.failures, result.failures
    return result.inputs


def test_a_name_that_is_left_out_is_made_up_and_kept(bench: Bench) -> None:
    """As pulumi-aws does, from the resource's name; here it is the same for the same URN."""
    books = bench.provider(NOTEBOOK)
    given = {"instanceType": "ml.t3.medium", "roleArn": ROLE}
    urn = f"urn:pulumi:dev::lab::{NOTEBOOK}::My notebook"
    name = checked_as(books, urn, {}, given)["name"]
    assert name.startswith("My-notebook-")
    assert len(name) == len("My-notebook-") + 7
    assert checked_as(books, urn, {}, given)["name"] == name
    assert checked_as(books, f"{urn}2", {"name": name}, given)["name"] == name
    assert checked_as(books, urn, {"name": name}, {**given, "name": "mine"})["name"] == "mine"
    roles = bench.provider(ROLES)
    policy = {"assumeRolePolicy": as_text(trust())}
    role = checked_as(roles, "urn:pulumi:dev::lab::aws:iam/role:Role::a_b+c", {}, policy)["name"]
    assert role.startswith("a_b+c-")
    prefixed = checked_as(roles, "urn:pulumi:dev::lab::aws:iam/role:Role::r", {}, {**policy, "namePrefix": "team-"})
    assert prefixed["name"].startswith("team-")
    assert len(prefixed["name"]) == len("team-") + 7


# --- tags of the provider's settings ----------------------------------------------------------------------------------


def tags_in_the_cloud(bench: Bench, arn: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in call(bench, "ListTags", ResourceArn=arn)["Tags"]}


def test_default_tags(bench: Bench) -> None:
    """On everything; the program's overrule them; another setting is a change of every resource."""

    def with_tags(tags: Mapping[str, str]) -> Any:
        return bench.provider(NOTEBOOK, {**bench.settings, "aws:defaultTags": json.dumps({"tags": tags})})

    books = with_tags({"cost": "1", "team": "all"})
    inputs = checked(books, {**cases.pulumi_notebook(bench), "tags": {"team": "nlp"}})
    everything = {"cost": "1", "team": "nlp"}
    assert books.predict("", {}, inputs)["tagsAll"] == everything
    one = books.create(dict(inputs))
    assert (one.outs["tags"], one.outs["tagsAll"]) == ({"team": "nlp"}, everything)
    assert tags_in_the_cloud(bench, one.outs["arn"]) == everything
    assert books.diff(one.id, books.read(one.id, one.outs).outs, inputs).changes is False

    imported = books.read(one.id, {})
    assert (imported.inputs["tags"], imported.outs["tagsAll"]) == ({"team": "nlp"}, everything)
    untagged = with_tags(everything).read(one.id, {})
    assert "tags" not in untagged.inputs

    others = with_tags({"owner": "ann"})
    assert others.diff(one.id, one.outs, inputs).detailed_diff == {"tagsAll": "update"}
    done = others.update(one.id, one.outs, inputs)
    assert tags_in_the_cloud(bench, one.outs["arn"]) == done.outs["tagsAll"] == {"owner": "ann", "team": "nlp"}
    assert others.predict(one.id, done.outs, {**inputs, "tags": UNKNOWN})["tagsAll"] is UNKNOWN


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("assumeRoles", '[{"roleArn": "arn:aws:iam::1:role/x"}]'),
        ("assumeRole", '{"roleArn": "arn:aws:iam::1:role/x"}'),
        ("allowedAccountIds", '["1"]'),
        ("ignoreTags", '{"keys": ["a"]}'),
        ("httpsProxy", "http://proxy"),
    ],
)
def test_settings_that_must_not_be_neglected(bench: Bench, setting: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"aws:{setting}") as caught:
        bench.provider(NOTEBOOK, {**bench.settings, f"aws:{setting}": value})
    assert caught.value.reference == "setting-not-served"
    bench.provider(NOTEBOOK, {**bench.settings, f"aws:{setting}": "[]" if value[0] == "[" else ""})


# --- IAM --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"Version": "2012-10-17", "Statement": []}', {"Statement": [], "Version": "2012-10-17"}, True),
        ({"Statement": [{"Action": ["a", "b"]}]}, {"Statement": [{"Action": ["b", "a"]}]}, True),
        ({"Statement": [{"Action": "a"}]}, {"Statement": {"Action": ["a"]}}, True),
        ({"Statement": [{"Sid": "1"}, {"Sid": "2"}]}, {"Statement": [{"Sid": "2"}, {"Sid": "1"}]}, True),
        ({"Statement": [{"Action": "a"}]}, {"Statement": [{"Action": "b"}]}, False),
        ({"Statement": [{"Action": "a"}]}, {"Statement": [{"Action": "A"}]}, False),
        ({"Statement": []}, "{", False),
        ({"Statement": [], "Version": "2008-10-17"}, {"Statement": []}, False),
    ],
)
def test_policies_are_compared_by_what_they_mean(one: Any, other: Any, same: bool) -> None:
    assert same_policy(one, other) is same
    assert same_policy(other, one) is same


def test_a_policy_may_be_a_document(bench: Bench) -> None:
    roles = bench.provider(ROLES)
    inputs = checked(roles, {"name": "worker", "assumeRolePolicy": trust()})
    assert inputs["assumeRolePolicy"] == as_text(trust())
    inline = [{"name": "reads", "policy": json.loads(reading("a"))}]
    assert checked(roles, {**inputs, "inlinePolicies": inline})["inlinePolicies"][0]["policy"] == reading("a")
    later = roles.check({}, {"name": "worker", "assumeRolePolicy": {"Statement": [UNKNOWN]}})
    assert (later.failures, later.inputs["assumeRolePolicy"]) == ([], UNKNOWN)


def test_a_respelt_policy_is_no_drift(bench: Bench) -> None:
    policies = bench.provider(ROLE_POLICIES)
    inputs = checked(policies, cases.role_policy(bench))
    one = policies.create(dict(inputs))
    respelt = copied(json.loads(inputs["policy"]))
    respelt["Statement"] = {**respelt["Statement"][0], "Action": "s3:GetObject"}
    cases._iam(bench, "PutRolePolicy", RoleName="worker", PolicyName="reads", PolicyDocument=json.dumps(respelt))
    seen = policies.read(one.id, one.outs)
    assert seen.inputs == inputs
    assert policies.diff(one.id, seen.outs, inputs).changes is False


def test_policies_that_a_role_does_not_list_are_nobodys_business(bench: Bench) -> None:
    roles, attachments = bench.provider(ROLES), bench.provider(ATTACHMENTS)
    inputs = checked(roles, cases.role(bench))
    one = roles.create(dict(inputs))
    attached = attachments.create(checked(attachments, {"role": "worker", "policyArn": READ_ONLY}))
    assert (one.id, attached.id) == ("worker", f"worker/{READ_ONLY}")
    seen = roles.read(one.id, one.outs)
    assert roles.diff(one.id, seen.outs, inputs).changes is False
    with under(Passing(bench.file).call("delete")), pytest.raises(InUseError) as caught:
        roles.delete(one.id, one.outs)
    assert READ_ONLY in caught.value.why
    assert "force_detach_policies" in caught.value.remedy
    forced = roles.update(one.id, one.outs, {**inputs, "forceDetachPolicies": True})
    roles.delete(one.id, forced.outs)
    assert bench.ids("Role") == []
    assert not attachments.read(attached.id, attached.outs).id


def test_policies_that_a_role_lists_are_exactly_those(bench: Bench) -> None:
    roles = bench.provider(ROLES)
    inputs = checked(roles, cases.full_role(bench))
    one = roles.create(dict(inputs))
    cases._iam(bench, "AttachRolePolicy", RoleName="Worker_1", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    cases._iam(bench, "PutRolePolicy", RoleName="Worker_1", PolicyName="more", PolicyDocument=reading("b"))
    seen = roles.read(one.id, one.outs)
    assert set(roles.diff(one.id, seen.outs, inputs).detailed_diff) == {"inlinePolicies", "managedPolicyArns"}
    done = roles.update(one.id, seen.outs, inputs)
    seen = roles.read(one.id, done.outs)
    assert roles.diff(one.id, seen.outs, inputs).changes is False
    assert sorted(seen.inputs["managedPolicyArns"]) == sorted([READ_ONLY, FULL_ACCESS])


def test_a_role_is_usable_some_seconds_after_it_is_made(bench: Bench) -> None:
    """3.4, 11: and one that does not trust SageMaker never."""
    bench.switch("role-delay", "15")
    roles, books = bench.provider(ROLES), bench.provider(NOTEBOOK)
    arn = roles.create(checked(roles, cases.role(bench))).outs["arn"]
    clock = Passing(bench.file)
    with under(clock.call("create")):
        books.create(checked(books, {**cases.pulumi_notebook(bench), "roleArn": arn}))
    assert any(text.startswith("waiting for the role to become assumable") for text in clock.reports)
    other = {"name": "other", "assumeRolePolicy": as_text(trust("ec2.amazonaws.com"))}
    arn = roles.create(checked(roles, other)).outs["arn"]
    with under(Passing(bench.file).call("create")), pytest.raises(RoleNotReadyError):
        books.create(checked(books, {"name": "second", "instanceType": "ml.t3.medium", "roleArn": arn}))


# --- whole programs ---------------------------------------------------------------------------------------------------


def preview(program: Any, **settings: str) -> Plan:
    config = {"workstead:emulate": "true", "aws:region": cases.REGION, **settings}
    return engine.preview(engine.inline_stack(program, project="lab", stack="dev", config=config))


def test_types_that_are_not_served_are_named_by_the_preview() -> None:
    def program() -> None:
        role = aws.iam.Role("worker", assume_role_policy=as_text(trust()))
        aws.sqs.Queue("data")
        aws.sagemaker.Model("model", execution_role_arn=role.arn)
        aws.sagemaker.NotebookInstance("nb", instance_type="ml.t3.medium", role_arn=role.arn)

    plan = preview(program)
    found = {one.urn.rpartition("::")[2]: one for one in plan.diagnostics if one.severity is Severity.ERROR}
    assert {name: one.summary for name, one in found.items()} == {
        "data": "nothing here serves the type aws:sqs/queue:Queue",
        "model": "nothing here serves the type aws:sagemaker/model:Model",
    }
    for one in found.values():
        assert one.reference == "type-not-served"
        assert "aws:sagemaker/notebookInstance:NotebookInstance" in one.why
        assert "dataforest" not in one.why
    planned = {step.urn.rpartition("::")[2] for step in plan.steps if step.op is Op.CREATE}
    assert {"worker", "nb"} <= planned


def test_mistakes_of_a_program_are_told_in_its_classes_words() -> None:
    def program() -> None:
        domain = aws.sagemaker.Domain(
            "studio",
            domain_name="studio",
            auth_mode="IAM",
            vpc_id="vpc-1",
            subnet_ids=["subnet-1"],
            app_network_access_type="VpcOnly",
            default_user_settings=aws.sagemaker.DomainDefaultUserSettingsArgs(execution_role=ROLE),
        )
        aws.sagemaker.UserProfile("ann", domain_id=domain.id, user_profile_name="ann")
        aws.sagemaker.App(
            "kernels", domain_id=domain.id, user_profile_name="ann", app_type="KernelGateway", app_name="k",
            resource_spec=aws.sagemaker.AppResourceSpecArgs(instance_type="t3"),
        )  # fmt: skip
        aws.sagemaker.NotebookInstance(
            "nb", instance_type="ml.t3.medium", role_arn="x", volume_size=4, direct_internet_access="Disabled",
            platform_identifier="notebook-al2-v1", security_groups=[f"sg-{number}" for number in range(6)],
        )  # fmt: skip
        aws.iam.Role("worker", assume_role_policy="{")

    plan = preview(program)
    found = {(one.urn.rpartition("::")[2], one.path) for one in plan.diagnostics if one.severity is Severity.ERROR}
    assert found == {
        ("ann", "userSettings.securityGroups"),
        ("kernels", "resourceSpec.instanceType"),
        ("nb", "roleArn"),
        ("nb", "volumeSize"),
        ("nb", "directInternetAccess"),
        ("nb", "platformIdentifier"),
        ("nb", "securityGroups"),
        ("worker", "assumeRolePolicy"),
    }
    assert all(one.remedy for one in plan.diagnostics)


# --- an extra ---------------------------------------------------------------------------------------------------------


def test_neither_the_engine_nor_a_provider_imports_pulumi_aws() -> None:
    """It takes a second to import, and those whose programs do not use it need not have it."""
    code = (
        "import importlib, pkgutil, sys, engine, providers;"
        "names = [m.name for p in (engine, providers) for m in pkgutil.walk_packages(p.__path__, p.__name__ + '.')];"
        "[importlib.import_module(name) for name in names if not name.endswith('__main__')];"
        "assert len(names) > 100, names; assert 'pulumi_aws' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_pulumi_aws_is_an_extra() -> None:
    root = Path(__file__).parent.parent.parent
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert not [name for name in project["dependencies"] if name.startswith("pulumi-aws")]
    for extra in ("aws", "test"):
        assert [name for name in project["optional-dependencies"][extra] if name.startswith("pulumi-aws")]
    assert set(Providers().constants("aws:sagemaker/app:App")) == set()
