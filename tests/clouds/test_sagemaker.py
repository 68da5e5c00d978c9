"""What is peculiar to SageMaker: one code for everything, instances that have to stand still, apps that just end.

What all types of all clouds owe is in `tests/contract`; Pulumi's AWS classes are in `test_sagemaker_pulumi_aws`.
Numbers in comments are sections of the specification.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.core.contract import PartialFailure
from engine.core.errors import (
    CloudError,
    CredentialsError,
    DeadlineError,
    Severity,
    StepFailedError,
    UsageError,
    WorksteadError,
)
from engine.core.events import StepEnded, StepProgressed
from engine.core.plan import Op, Plan
from providers import Providers, sagemaker
from providers.errors import ForbiddenError, NotFoundError, RefusedError
from providers.inputs import along, members_of
from providers.patience import Verdict
from providers.sagemaker import emulator, opening
from providers.sagemaker.answers import BAD_CREDENTIALS, FORBIDDEN, THROTTLED, Said, judged
from providers.sagemaker.errors import ConflictError, InUseError, LimitError, RoleNotReadyError
from providers.sagemaker.model import service_model
from providers.sagemaker.opening import open_client
from providers.sagemaker.schema.names import OURS
from providers.sagemaker.schema.pulumi import PULUMI
from providers.sagemaker.schema.structures import api_path
from tests.contract import sagemaker_cases as cases
from tests.contract.contract_cases import Bench, Passing, TestClock, TypeCases, checked, under
from tests.contract.sagemaker_cases import (
    APP,
    DOMAIN,
    NOTEBOOK,
    NOTEBOOK_CONFIG,
    REGION,
    ROLE,
    SCRIPT,
    SPACE,
    STUDIO_CONFIG,
    USER_PROFILE,
    Settings,
    call,
    full_app,
    full_notebook,
    minimal_app,
    minimal_domain,
    minimal_notebook,
    open_bench,
    put,
)

HERE = Path(__file__).parent
README = (HERE.parent.parent / "providers" / "sagemaker" / "README.md").read_text()


@pytest.fixture(scope="module")
def running() -> Iterator[Bench]:
    with open_bench() as bench:
        yield bench


@pytest.fixture
def bench(running: Bench) -> Iterator[Bench]:
    with running.fresh():
        yield running


@pytest.fixture
def books(bench: Bench) -> Any:
    return bench.provider(NOTEBOOK)


@pytest.fixture
def apps(bench: Bench) -> Any:
    return bench.provider(APP)


def made(provider: Any, bench: Bench, make: Any) -> Any:
    return provider.create(checked(provider, make(bench)))


def writes(bench: Bench, since: int = 0) -> list[str]:
    """The operations called, without looks."""
    names = [entry["operation"] for entry in bench.calls()[since:]]
    return [name for name in names if not name.startswith(("Describe", "List", "iam:Get", "iam:List"))]


# --- every parameter of the customer's pages --------------------------------------------------------------------------

CREATE_APP = [
    "AppName", "AppType", "DomainId", "SpaceName", "UserProfileName", "RecoveryMode",
    "ResourceSpec", "ResourceSpec.InstanceType", "ResourceSpec.LifecycleConfigArn", "ResourceSpec.SageMakerImageArn",
    "ResourceSpec.SageMakerImageVersionAlias", "ResourceSpec.SageMakerImageVersionArn",
    "Tags", "Tags[].Key", "Tags[].Value",
]  # fmt: skip
"""The requests of the pages "CreateApp" and `create_app`, member by member."""
CREATE_NOTEBOOK = [
    "AcceleratorTypes", "AdditionalCodeRepositories", "DefaultCodeRepository", "DirectInternetAccess", "InstanceType",
    "KmsKeyId", "LifecycleConfigName", "NotebookInstanceName", "RoleArn", "RootAccess", "SecurityGroupIds", "SubnetId",
    "Tags", "Tags[].Key", "Tags[].Value", "VolumeSizeInGB",
]  # fmt: skip
"""The request of the page "CreateNotebookInstance"."""
TABLES: list[tuple[str, str, TypeCases, list[str]]] = [
    ("CreateApp", "App", cases.APPS, CREATE_APP),
    ("CreateNotebookInstance", "NotebookInstance", cases.NOTEBOOKS, CREATE_NOTEBOOK),
]


def table(page: str) -> dict[str, list[str]]:
    """The README's rows about a page: parameter → the other cells."""
    section = README.split(f"## Every request parameter of {page}\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in rows}


@pytest.mark.parametrize(("page", "structure", "type_", "parameters"), TABLES)
def test_the_readme_lists_every_request_parameter(
    page: str, structure: str, type_: TypeCases, parameters: list[str]
) -> None:
    rows = table(page)
    assert not set(parameters) - set(rows)
    model = service_model("sagemaker")
    today = [name for name in model.members(model.input_of(page)) if name not in rows]
    assert not today, "botocore knows more"


@pytest.mark.parametrize(
    ("page", "structure", "type_", "name"),
    [(page, structure, type_, name) for page, structure, type_, _ in TABLES for name in table(page)],
)
def test_what_the_readme_says_about_a_parameter(page: str, structure: str, type_: TypeCases, name: str) -> None:
    """Its names, its limits, the rules it is in, what a change means and the samples that test it are what they are."""
    spelt, _, validated, change, tests = table(page)[name]
    api, _, inside = name.partition("[].")
    path = OURS.path(structure, api)
    schema = OURS.schema(structure)
    native, _, pulumi = spelt.partition("; ")
    assert native == f"`{path}`"
    offered = members_of(PULUMI.schema(structure))
    there = PULUMI.path(structure, api)
    for part in there.split("."):
        found = offered.get(part)
        offered = members_of(found.shape.model) if found and found.shape.model else {}
    assert pulumi == (f"`{there}`" if found else "-")

    *outer, (_, facts) = along(schema, tuple(path.split(".")))
    shape = f"Tag{inside}" if inside else re.findall(r"shape ([\w]+)", facts.source.replace("shapes ", "shape "))[0]
    assert f"shape `{shape}`" in validated
    holder = outer[-1][0].of_model
    rules = [] if inside else [rule for rule in holder.rules if rule.at == path.rpartition(".")[2]]
    rules += [] if inside or holder is schema else [rule for rule in schema.rules if rule.at == path]
    with_ = {api_path(schema, other) for rule in rules for other in rule.reads}
    told = next((part for part in validated.split("; ") if part.split(" ")[0] == "rule"), None)
    assert (told is not None) is bool(rules)
    assert set(re.findall(r"`(\w+)`", told or "")) == with_

    replaces = any(one.replace for _, one in [*outer, (None, facts)])
    assert (change.split(";")[0] == "replaces") is (replaces or name == "PlatformIdentifier")
    assert (change == "nothing") is facts.undiffed
    for kind in ("invalid", "in_place", "replacing", "drifts"):
        sampled = {sample for case in getattr(type_, kind) for sample in case.paths}
        tag = path == "tags"
        there_is = any(sample == path or sample.startswith((f"{path}[", *([f"{path}."] * tag))) for sample in sampled)
        assert (kind in re.split(r", ", tests)) is there_is, kind


def test_the_readme_names_tests_there_are() -> None:
    code = "".join(path.read_text() for path in HERE.glob("test_sagemaker*.py"))
    there = set(re.findall(r"^def (test_\w+)", code, re.M))
    named = set(re.findall(r"`(test_\w+)`", README))
    assert named
    assert not named - there


def test_the_readme_names_operations_there_are() -> None:
    operations = set(re.findall(r"\b((?:Create|Describe|Update|Delete|List|Start|Stop|Add)[A-Z]\w+)\b", README))
    known = {"CreateServiceRole"} | set(emulator.OPERATIONS)
    assert {name for name in operations if name[-1] != "*"} <= known


def test_the_readme_names_every_class() -> None:
    ours = {token.rpartition(":")[2] for token in sagemaker.CLOUD.types if token.startswith("pulumi-python")}
    assert set(re.findall(r"^\| `sagemaker\.(\w+)` \|", README, re.M)) == ours


# --- what an error means (3) ------------------------------------------------------------------------------------------

NOTHING = ""
QUOTA = (
    "The account-level service limit 'ml.p3.2xlarge for notebook instance usage' is 1 Instances, with current "
    "utilization of 1 Instances and a request delta of 1 Instances. Please contact AWS support to request an increase."
)
ASSUME = (
    f"Could not assume role {ROLE}. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com' "
    "to assume the role."
)
CONSTRAINT = (
    "2 validation errors detected: Value 'x_y' at 'securityGroupIds.2.member' failed to satisfy constraint: Member "
    "must satisfy regular expression pattern: [-0-9a-zA-Z]+; Value '0' at 'volumeSizeInGB' failed to satisfy constraint"
)
NO_CONFIG = "Unable to describe Notebook Instance Lifecycle Config 'arn:…'. (Details: … Config does not exist.)"


@pytest.mark.parametrize(
    ("code", "text", "status", "verdict", "kind"),
    [
        ("ThrottlingException", "Rate exceeded", 400, Verdict.THROTTLED, CloudError),
        ("Throttling", "Rate exceeded", 400, Verdict.THROTTLED, CloudError),
        ("RequestLimitExceeded", NOTHING, 503, Verdict.THROTTLED, CloudError),
        ("", NOTHING, 429, Verdict.THROTTLED, CloudError),
        ("InternalFailure", NOTHING, 500, Verdict.UNCERTAIN, CloudError),
        ("ServiceUnavailable", NOTHING, 503, Verdict.UNCERTAIN, CloudError),
        ("500", "<html>", 502, Verdict.UNCERTAIN, CloudError),
        ("ExpiredTokenException", NOTHING, 400, Verdict.REFUSED, CredentialsError),
        ("UnrecognizedClientException", NOTHING, 400, Verdict.REFUSED, CredentialsError),
        ("InvalidClientTokenId", NOTHING, 403, Verdict.REFUSED, CredentialsError),
        ("AccessDeniedException", "… is not authorized to perform: iam:PassRole", 400, Verdict.REFUSED, ForbiddenError),
        ("AccessDenied", NOTHING, 403, Verdict.REFUSED, ForbiddenError),
        ("ResourceLimitExceeded", QUOTA, 400, Verdict.REFUSED, LimitError),
        ("LimitExceeded", NOTHING, 409, Verdict.REFUSED, LimitError),
        ("ResourceNotFound", NOTHING, 400, Verdict.REFUSED, NotFoundError),
        ("NoSuchEntity", NOTHING, 404, Verdict.REFUSED, NotFoundError),
        ("ValidationException", "RecordNotFound", 400, Verdict.REFUSED, NotFoundError),
        ("ValidationException", NO_CONFIG, 400, Verdict.REFUSED, NotFoundError),
        ("ValidationException", 'Cannot find CodeRepository "arn:…"', 400, Verdict.REFUSED, NotFoundError),
        ("ValidationException", "App [arn:…] has already been deleted.", 400, Verdict.REFUSED, NotFoundError),
        ("ValidationException", "previously failed and was automatically deleted", 400, Verdict.REFUSED, NotFoundError),
        ("ResourceInUse", NOTHING, 400, Verdict.REFUSED, InUseError),
        ("DeleteConflict", NOTHING, 409, Verdict.REFUSED, InUseError),
        ("ConflictException", NOTHING, 400, Verdict.REFUSED, ConflictError),
        ("EntityTemporarilyUnmodifiable", NOTHING, 409, Verdict.REFUSED, ConflictError),
        ("ValidationException", ASSUME, 400, Verdict.REFUSED, RoleNotReadyError),
        ("ValidationException", CONSTRAINT, 400, Verdict.REFUSED, RefusedError),
        ("ValidationException", "Updating AppType for Space is not supported.", 400, Verdict.REFUSED, RefusedError),
        ("ValidationException", NOTHING, 400, Verdict.REFUSED, RefusedError),
        ("MalformedPolicyDocument", NOTHING, 400, Verdict.REFUSED, RefusedError),
        ("SomethingNew", NOTHING, 400, Verdict.REFUSED, RefusedError),
    ],
)  # fmt: skip
def test_what_an_error_means(code: str, text: str, status: int, verdict: Verdict, kind: type[WorksteadError]) -> None:
    found, error = judged(Said("CreateSomething", code, text, status))
    assert (found, type(error)) == (verdict, kind)
    assert error.remedy
    if isinstance(error, CloudError):
        assert error.uncertain is (verdict is Verdict.UNCERTAIN)
        assert error.retryable is (verdict is not Verdict.REFUSED or kind in (ConflictError, RoleNotReadyError))
        assert text in error.summary
        assert "CreateSomething" in error.summary


def test_every_code_of_a_family_means_the_same() -> None:
    for codes, kind in ((THROTTLED, CloudError), (BAD_CREDENTIALS, CredentialsError), (FORBIDDEN, ForbiddenError)):
        assert {type(judged(Said("X", code, "", 400))[1]) for code in codes} == {kind}


def test_what_an_error_says_beyond_the_services_words() -> None:
    _, limit = judged(Said("CreateNotebookInstance", "ResourceLimitExceeded", QUOTA, 400))
    assert "'ml.p3.2xlarge for notebook instance usage' is 1" in limit.why
    _, refused = judged(Said("CreateNotebookInstance", "ValidationException", CONSTRAINT, 400))
    assert refused.path == "securityGroupIds.2.member"
    _, forbidden = judged(Said("CreateApp", "AccessDeniedException", "no", 400))
    assert "iam:PassRole" in forbidden.why
    text = "Signature expired: 20240101T000000Z is now earlier than … Credential=AKIAEXAMPLE/20240101"
    _, credentials = judged(Said("ListApps", "InvalidSignatureException", text, 400))
    assert "is this computer's clock right?" in credentials.why
    assert "AKIAEXAMPLE" not in str(credentials)


def test_a_refusal_names_the_property_in_the_programs_words(bench: Bench, books: Any) -> None:
    """What botocore's model allows and the service does not, by the path the program knows (3.3)."""
    message = CONSTRAINT.replace("2 validation errors", "1 validation error")
    bench.fault("error", "CreateNotebookInstance", code="ValidationException", message=message)
    with pytest.raises(RefusedError) as caught:
        books.create(checked(books, minimal_notebook(bench)))
    assert caught.value.path == "security_group_ids[1]"
    theirs = bench.provider(cases.PULUMI_NOTEBOOKS.type)
    bench.fault("error", "CreateNotebookInstance", code="ValidationException", message=message)
    with pytest.raises(RefusedError) as caught:
        theirs.create(checked(theirs, cases.pulumi_notebook(bench)))
    assert caught.value.path == "securityGroups[1]"


# --- settings and credentials -----------------------------------------------------------------------------------------


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for kept in ("_OPENED", "_SESSIONS"):  # a process has one environment; here there are several
        monkeypatch.setattr(opening, kept, {})
    return monkeypatch


def signer(client: Any) -> tuple[str, str, str | None]:
    found = client._api._request_signer._credentials.get_frozen_credentials()
    return found.access_key, found.secret_key, found.token


def test_settings_come_before_the_environment_and_ours_before_pulumis(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("AWS_ACCESS_KEY_ID", "env-key")
    bare.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
    bare.setenv("AWS_REGION", "eu-north-1")
    client = open_client(Settings(), "sagemaker")
    assert signer(client) == ("env-key", "env-secret", None)
    assert (client.region, client.endpoint) == ("eu-north-1", "https://api.sagemaker.eu-north-1.amazonaws.com")
    pulumis = {
        "aws:accessKey": "aws-key",
        "aws:secretKey": "aws-secret",
        "aws:token": "aws-token",
        "aws:region": "eu-west-3",
    }
    client = open_client(Settings(pulumis), "sagemaker")
    assert (signer(client), client.region) == (("aws-key", "aws-secret", "aws-token"), "eu-west-3")
    ours = {"sagemaker:accessKey": "our-key", "sagemaker:secretKey": "our-secret", "sagemaker:region": "eu-central-1"}
    both = Settings({**pulumis, **ours, "sagemaker:useFipsEndpoint": "true"})
    assert signer(open_client(both, "sagemaker"))[:2] == ("our-key", "our-secret")
    assert signer(open_client(both, "iam", spaces=("aws", "sagemaker")))[0] == "aws-key"
    endpoints = Settings({**pulumis, "aws:endpoints": '[{"sagemaker": "http://127.0.0.1:9", "s3": "http://x"}]'})
    assert open_client(endpoints, "sagemaker").endpoint == "http://127.0.0.1:9"
    with pytest.raises(UsageError, match="aws:endpoints is not JSON"):
        open_client(Settings({**pulumis, "aws:endpoints": "[{"}), "sagemaker")


def test_a_profile_of_the_aws_files(bare: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text("[profile lab]\nregion = eu-west-2\n")
    (tmp_path / ".aws/credentials").write_text(
        "[lab]\naws_access_key_id = file-key\naws_secret_access_key = file-secret\n"
    )
    client = open_client(Settings({"sagemaker:profile": "lab"}), "sagemaker")
    assert (signer(client), client.region) == (("file-key", "file-secret", None), "eu-west-2")
    with pytest.raises(CredentialsError, match="nobody") as caught:
        open_client(Settings({"sagemaker:profile": "nobody"}), "sagemaker")
    assert "sagemaker:profile" in caught.value.remedy


@pytest.mark.parametrize(
    ("given", "kind", "words", "others"),
    [
        ({}, CredentialsError, ["credentials and a region", "sagemaker:accessKey", "sagemaker:region"], []),
        (
            {"region": "eu-west-1"},
            CredentialsError,
            ["needs credentials", "sagemaker:accessKey"],
            ["sagemaker:region ("],
        ),
        ({"accessKey": "a", "secretKey": "b"}, UsageError, ["a region", "sagemaker:region"], ["sagemaker:accessKey"]),
        ({"accessKey": "a", "region": "eu-west-1"}, CredentialsError, ["sagemaker:secretKey is not set"], []),
        ({"secretKey": "a", "region": "eu-west-1"}, CredentialsError, ["sagemaker:accessKey is not set"], []),
        ({"accessKey": "a", "secretKey": "b", "region": "nowhere else"}, UsageError, ["no client for AWS"], []),
    ],
)
def test_only_what_is_missing_is_asked_for(
    bare: Any, given: dict[str, str], kind: type[WorksteadError], words: list[str], others: list[str]
) -> None:
    with pytest.raises(kind) as caught:
        open_client(Settings({f"sagemaker:{name}": value for name, value in given.items()}), "sagemaker")
    assert all(word in caught.value.summary for word in words)
    assert not any(word in caught.value.summary for word in others)
    assert caught.value.remedy


# --- doubtful and retired choices -------------------------------------------------------------------------------------


def doubts(provider: Any, tree: Mapping[str, Any]) -> dict[str, str]:
    """Path → rule of what is doubtful about good inputs."""
    result = provider.check({}, dict(tree))
    assert not result.failures, result.failures
    return {warning.property: warning.rule for warning in result.warnings}


NEW_TYPE = "ml.zz9.huge"


def unknown_types(bench: Bench) -> list[tuple[str, dict[str, Any], str]]:
    settings = {"studio_web_portal_settings": {"hidden_instance_types": [NEW_TYPE]}}
    lab = {"jupyter_lab_app_settings": {"default_resource_spec": {"instance_type": NEW_TYPE}}}
    return [
        (NOTEBOOK, put(minimal_notebook, "instance_type", NEW_TYPE)(bench), "instance_type"),
        (NOTEBOOK, put(minimal_notebook, "instance_type", "ml.c5.large")(bench), "instance_type"),  # 5.2: of apps only
        (APP, put(full_app, "resource_spec.instance_type", NEW_TYPE)(bench), "resource_spec.instance_type"),
        (APP, put(full_app, "resource_spec.instance_type", "ml.t2.medium")(bench), "resource_spec.instance_type"),
        (
            DOMAIN,
            put(minimal_domain, "default_user_settings", settings)(bench),
            "default_user_settings.studio_web_portal_settings.hidden_instance_types",
        ),
        (
            DOMAIN,
            put(minimal_domain, "default_user_settings", lab)(bench),
            "default_user_settings.jupyter_lab_app_settings.default_resource_spec.instance_type",
        ),
    ]


def test_an_instance_type_nobody_knows(bench: Bench) -> None:
    """12: a warning, because the list grows weekly; a setting makes it an error, for Pulumi's classes, too."""
    strict = {**bench.settings, "sagemaker:strictInstanceTypes": "true"}
    for token, tree, path in unknown_types(bench):
        assert (
            "is not among the instance types that the installed botocore knows"
            in doubts(bench.provider(token), tree)[path]
        )
        result = bench.provider(token, strict).check({}, tree)
        assert [failure.property for failure in result.failures] == [path]
        assert "sagemaker:strictInstanceTypes" in result.failures[0].remedy
        assert not [warning for warning in result.warnings if warning.property == path]
    theirs = put(cases.pulumi_notebook, "instanceType", NEW_TYPE)(bench)
    assert list(doubts(bench.provider(cases.PULUMI_NOTEBOOKS.type), theirs)) == ["instanceType"]
    result = bench.provider(cases.PULUMI_NOTEBOOKS.type, strict).check({}, theirs)
    assert [failure.property for failure in result.failures] == ["instanceType"]


def test_what_is_doubtful_is_a_warning(bench: Bench, books: Any, apps: Any) -> None:
    assert doubts(apps, full_app(bench)) == doubts(books, minimal_notebook(bench)) == {}
    old = put(minimal_notebook, "instance_type", "ml.p3.2xlarge")(bench)
    assert "does not run on AL2023, which is what a new instance gets" in doubts(books, old)["instance_type"]
    assert "expected to be default" in doubts(apps, put(minimal_app, "app_name", "mine")(bench))["app_name"]
    board = {**cases.app_in_space(bench), "app_type": "TensorBoard"}
    assert "belongs to a user profile" in doubts(apps, board)["space_name"]
    domains = bench.provider(DOMAIN)
    sharing = {"sharing_settings": {"notebook_output_option": "Allowed"}}
    shared = put(minimal_domain, "default_user_settings", sharing)(bench)
    assert list(doubts(domains, shared)) == ["default_user_settings.sharing_settings.s3_output_path"]
    managed = {"domain_id": "d-abc", "space_name": "s", "space_settings": {"space_managed_resources": "ENABLED"}}
    assert list(doubts(bench.provider(SPACE), managed)) == ["space_settings.space_managed_resources"]
    encoded = {"notebook_instance_lifecycle_config_name": "x", "on_start": "IyEvYmluL3NoCmVjaG8K"}
    assert "encoded already" in doubts(bench.provider(NOTEBOOK_CONFIG), encoded)["on_start"]


def test_accelerators_are_not_sent(bench: Bench, books: Any) -> None:
    bench.switch("elastic-inference", "refuse")
    tree = put(minimal_notebook, "accelerator_types", ["ml.eia1.medium"])(bench)
    assert "AWS has retired Elastic Inference (ml.eia)" in doubts(books, tree)["accelerator_types"]
    one = books.create(checked(books, tree))
    assert books.diff(one.id, one.outs, checked(books, minimal_notebook(bench))).changes is False


def test_a_platform_that_was_retired_meanwhile(bench: Bench, books: Any) -> None:
    """5.4: nothing new on AL2; what is there may stay, and moves to AL2023 in place."""
    tree = put(minimal_notebook, "platform_identifier", "notebook-al2-v3")(bench)
    (failure,) = books.check({}, tree).failures
    assert "since 1 July 2026 AWS neither creates nor restarts it" in failure.rule
    bench.switch("al2-v3", "available")
    one = books.create(tree)
    assert not books.check(one.outs, tree).failures
    diff = books.diff(one.id, one.outs, put(lambda _: tree, "root_access", "Disabled")(bench))
    assert "once stopped, it can only start again on notebook-al2023-v1 or later" in diff.note
    bench.switch("al2-v3", "retired")
    wanted = put(lambda _: tree, "platform_identifier", "notebook-al2023-v2")(bench)
    diff = books.diff(one.id, one.outs, wanted)
    assert not diff.replaces
    done = books.update(one.id, one.outs, wanted)
    assert done.outs["status"] == "InService"
    back = put(lambda _: tree, "platform_identifier", "notebook-al2023-v1")(bench)
    assert books.diff(one.id, done.outs, back).replaces == ["platform_identifier"]


# --- rules between resources of a program -----------------------------------------------------------------------------


def stack_of(program: Callable[[], Any], home: Path | str = ".", **more: str) -> Any:
    config = {"workstead:emulate": "true", "workstead:emulateSpeed": "instant", **more}
    return engine.inline_stack(program, project="lab", stack="dev", config=config, home=home)


def problems(plan: Plan) -> list[tuple[str, str, str]]:
    """(resource, path, rule) of a plan's errors."""
    return [
        (one.urn.rpartition("::")[2], one.path, one.summary)
        for one in plan.diagnostics
        if one.severity is Severity.ERROR
    ]


def studio_program(
    *,
    domain: Mapping[str, Any] | None = None,
    profile: Mapping[str, Any] | None = None,
    space: Mapping[str, Any] | None = None,
    app: Mapping[str, Any] | None = None,
) -> Callable[[], None]:
    """A domain with a profile, or a space, and perhaps an app in it."""

    def program() -> None:
        studio = sagemaker.Domain(
            "studio",
            **{
                "auth_mode": "IAM",
                "vpc_id": "vpc-1",
                "subnet_ids": ["subnet-1"],
                "default_user_settings": {"execution_role": ROLE},
                **(domain or {}),
            },
        )
        ann = sagemaker.UserProfile("ann", domain_id=studio.id, **(profile or {}))
        owner: dict[str, Any] = {"user_profile_name": ann.user_profile_name}
        if space is not None:
            room = sagemaker.Space("room", domain_id=studio.id, **space)
            owner = {"space_name": room.space_name}
        if app is not None:
            kind = {"app_type": "KernelGateway", "app_name": "k"}
            sagemaker.App("kernels", domain_id=studio.id, **{**kind, **owner, **app})

    return program


KERNEL = {"kernel_gateway_app_settings": {"default_resource_spec": {"instance_type": "ml.t3.medium"}}}
LAB = {"jupyter_lab_app_settings": {"default_resource_spec": {"instance_type": "ml.t3.medium"}}}


@pytest.mark.parametrize(
    ("good", "parts"),
    [
        (False, {}),
        (True, {"app": {"resource_spec": {"instance_type": "ml.t3.medium"}}}),
        (False, {"app": {"resource_spec": {"lifecycle_config_arn": "None"}}}),
        (True, {"profile": {"user_settings": KERNEL}}),
        (True, {"domain": {"default_user_settings": KERNEL}}),
        (False, {"profile": {"user_settings": LAB}, "domain": {"default_user_settings": LAB}}),
        (False, {"domain": {"default_space_settings": KERNEL}}),
        (False, {"space": {}}),
        (False, {"space": {}, "domain": {"default_user_settings": KERNEL}}),
        (True, {"space": {}, "domain": {"default_space_settings": KERNEL}}),
        (True, {"space": {"space_settings": KERNEL}}),
        (True, {"app": {"app_type": "TensorBoard"}}),
    ],
)
def test_a_kernel_needs_an_instance_type_somewhere(good: bool, parts: dict[str, Any]) -> None:
    """6.2: in the app, its profile or space, or the domain; said by the preview as far as the program shows."""
    found = problems(engine.preview(stack_of(studio_program(**{"app": {}, **parts}))))
    assert [(urn, path) for urn, path, _ in found] == ([] if good else [("kernels", "resource_spec.instance_type")])


def test_a_kernels_instance_type_in_settings_of_others(bench: Bench, apps: Any) -> None:
    """What others have made, the preview cannot see; the create looks before it sends anything."""
    bare = put(put(full_app, "resource_spec", None), "app_name", "bare")
    before = len(bench.calls())
    with pytest.raises(RefusedError) as caught:
        made(apps, bench, bare)
    assert (caught.value.reference, caught.value.path) == ("instance-type-missing", "resource_spec.instance_type")
    assert "CreateApp" not in writes(bench, before)
    call(bench, "UpdateDomain", DomainId=cases.domain(bench), DefaultUserSettings={
        "ExecutionRole": ROLE, "KernelGatewayAppSettings": {"DefaultResourceSpec": {"InstanceType": "ml.t3.large"}},
    })  # fmt: skip
    assert made(apps, bench, bare).outs["status"] == "InService"


SSO = {"single_sign_on_user_identifier": "UserName", "single_sign_on_user_value": "ann"}
VPC_ONLY = {"app_network_access_type": "VpcOnly"}


@pytest.mark.parametrize(
    ("domain", "profile", "path"),
    [
        ({}, {}, ""),
        ({}, SSO, "single_sign_on_user_identifier"),
        ({"auth_mode": "SSO"}, SSO, ""),
        ({"auth_mode": "SSO"}, {}, "single_sign_on_user_identifier"),
        (VPC_ONLY, {}, "user_settings.security_groups"),
        (VPC_ONLY, {"user_settings": {"security_groups": ["sg-1"]}}, ""),
        ({**VPC_ONLY, "default_user_settings": {"security_groups": ["sg-1"]}}, {}, ""),
    ],
)
def test_a_profile_is_as_its_domain_wants_it(domain: dict[str, Any], profile: dict[str, Any], path: str) -> None:
    """8 and 7.2."""
    found = problems(engine.preview(stack_of(studio_program(domain=domain, profile=profile))))
    assert [(urn, where) for urn, where, _ in found] == ([("ann", path)] if path else [])


def test_all_mistakes_of_a_program_are_told_together() -> None:
    def program() -> None:
        sagemaker.NotebookInstance("a", instance_type="m5", role_arn="x", direct_internet_access="Disabled")
        sagemaker.App("b", domain_id="x", app_type="KernelGateway", user_profile_name="u", space_name="s")
        sagemaker.CodeRepository("c", git_config={"repository_url": "http://x"})

    plan = engine.preview(stack_of(program))
    assert {(urn, path) for urn, path, _ in problems(plan)} == {
        ("a", "instance_type"),
        ("a", "role_arn"),
        ("a", "direct_internet_access"),
        ("b", "domain_id"),
        ("b", "user_profile_name"),
        ("c", "git_config.repository_url"),
    }
    assert all(one.remedy for one in plan.diagnostics)


def test_the_home_file_system_cannot_be_taken_away(bench: Bench) -> None:
    domains = bench.provider(DOMAIN)
    one = made(domains, bench, minimal_domain)
    without = put(minimal_domain, "home_efs_file_system_creation", "Disabled")(bench)
    assert not domains.check({}, without).failures
    (failure,) = domains.check(one.outs, without).failures
    assert failure.property == "home_efs_file_system_creation"


# --- names and places -------------------------------------------------------------------------------------------------


def arn(part: str, region: str = REGION) -> str:
    return f"arn:aws:sagemaker:{region}:{emulator.ACCOUNT}:{part}"


def test_every_form_an_import_takes(bench: Bench) -> None:
    domain = cases.domain(bench)
    cases.profile(bench)
    cases.space(bench)
    cases.script(bench)
    cases.notebook_config(bench)
    made(bench.provider(APP), bench, minimal_app)
    made(bench.provider(APP), bench, cases.app_in_space)
    made(bench.provider(NOTEBOOK), bench, put(minimal_notebook, "notebook_instance_name", "Nb"))
    made(bench.provider(cases.CODE_REPOSITORY), bench, cases.minimal_repository)
    server, kernels = (
        arn(f"app/{domain}/ann/jupyterserver/default"),
        arn(f"app/{domain}/shared/kernelgateway/kernels-2"),
    )
    forms: dict[str, dict[str, str]] = {
        APP: {
            server: server,
            server.replace("jupyterserver", "JupyterServer"): server,
            kernels: kernels,
            f"{domain}/user-profile/ann/JupyterServer/default": server,
            f"{domain}/space/shared/KernelGateway/kernels-2": kernels,
            f"{domain}/space/shared/kernelgateway/kernels-2@{REGION}": kernels,
        },
        DOMAIN: dict.fromkeys((domain, arn(f"domain/{domain}"), f"{domain}@{REGION}"), domain),
        USER_PROFILE: dict.fromkeys(
            (f"{domain}/ann", arn(f"user-profile/{domain}/ann")), arn(f"user-profile/{domain}/ann")
        ),
        SPACE: dict.fromkeys((f"{domain}/shared", arn(f"space/{domain}/shared")), arn(f"space/{domain}/shared")),
        NOTEBOOK: {"Nb": "Nb", f"Nb@{REGION}": "Nb"},
        NOTEBOOK_CONFIG: dict.fromkeys(("setup", arn("notebook-instance-lifecycle-config/setup")), "setup"),
        STUDIO_CONFIG: dict.fromkeys(
            ("script-KernelGateway", arn("studio-lifecycle-config/script-KernelGateway")), "script-KernelGateway"
        ),
        cases.CODE_REPOSITORY: dict.fromkeys(("repo", arn("code-repository/repo")), "repo"),
    }
    assert set(forms) == {token for token in sagemaker.CLOUD.types if not token.startswith("aws:")}
    for token, ids in forms.items():
        provider = bench.provider(token)
        for given, meant in ids.items():
            assert provider.read(given, {}).id == meant
        for wrong in ("", "a/b/c/d/e/f", arn("model/x"), "d-x/y/z"):
            with pytest.raises(RefusedError) as caught:
                provider.read(wrong, {})
            assert caught.value.reference == "id-malformed"
            assert provider.id_forms.split(",")[0] in caught.value.remedy


def test_another_region_than_the_settings(bench: Bench, books: Any) -> None:
    """4.6: the region of an ARN or after an @ is where an import looks, and what it declares."""
    one = books.create(checked(books, {**minimal_notebook(bench), "region": "ap-south-1"}))
    assert not books.read("nb", {}).id
    seen = books.read("nb@ap-south-1", {})
    assert seen.inputs["region"] == "ap-south-1"
    assert books.read(one.id, one.outs).id == "nb"
    plain = books.create(checked(books, minimal_notebook(bench)))
    assert plain.outs["region"] == REGION
    assert (
        books.diff(plain.id, plain.outs, checked(books, {**minimal_notebook(bench), "region": REGION})).changes is False
    )
    books.delete(one.id, one.outs)
    assert bench.ids("NotebookInstance") == ["nb"]


def test_a_taken_name_is_refused_and_says_how_to_take_it_over(bench: Bench, books: Any) -> None:
    made(books, bench, minimal_notebook)
    before = len(bench.calls())
    with pytest.raises(RefusedError) as caught:
        made(books, bench, minimal_notebook)
    assert (caught.value.reference, caught.value.path) == ("name-taken", "notebook_instance_name")
    assert "import_='nb'" in caught.value.remedy
    assert writes(bench, before) == []
    assert not books.find(checked(books, put(minimal_notebook, "instance_type", "ml.m5.xlarge")(bench))).id


def test_domains_of_one_name_are_told_apart_by_nobody(bench: Bench) -> None:
    """4.2: only a domain has no name of its own to be found by."""
    domains = bench.provider(DOMAIN)
    bench.switch("domain-names", "any")
    body = {"DomainName": "dom", "AuthMode": "IAM", "DefaultUserSettings": {}, "VpcId": "v", "SubnetIds": ["s"]}
    ids = [call(bench, "CreateDomain", **body)["DomainId"] for _ in range(2)]
    with pytest.raises(RefusedError) as caught:
        made(domains, bench, minimal_domain)
    assert caught.value.reference == "name-ambiguous"
    assert all(id_ in caught.value.summary for id_ in ids)


def test_the_case_of_a_profiles_name_means_nothing(bench: Bench) -> None:
    """8."""
    profiles = bench.provider(USER_PROFILE)
    inputs = checked(profiles, {"domain_id": cases.domain(bench), "user_profile_name": "Carl"})
    one = profiles.create(dict(inputs))
    assert profiles.diff(one.id, one.outs, {**inputs, "user_profile_name": "carl"}).changes is False
    with pytest.raises(RefusedError) as caught:
        profiles.create({**inputs, "user_profile_name": "CARL"})
    assert caught.value.reference == "name-taken"


def test_made_up_names(bench: Bench) -> None:
    """From the URN; a Studio script's changes with the script, so that a new one is attached before the old goes."""
    script, steps = [SCRIPT], {}

    def program() -> None:
        config = sagemaker.StudioLifecycleConfig(
            "tools", studio_lifecycle_config_app_type="JupyterLab", studio_lifecycle_config_content=script[0]
        )
        sagemaker.Domain("studio", auth_mode="IAM", vpc_id="v", subnet_ids=["s"], default_user_settings={
            "jupyter_lab_app_settings": {
                "default_resource_spec": {"instance_type": "ml.t3.medium"}, "lifecycle_config_arns": [config.arn]},
        })  # fmt: skip

    for _ in range(2):
        plan = engine.preview(stack_of(program))
        steps[script[0]] = {
            step.urn.rpartition("::")[2]: step.new.inputs for step in plan.steps if step.op is Op.CREATE and step.new
        }
        script[0] = "#!/bin/sh\n"
    first, second = (found["tools"]["studio_lifecycle_config_name"] for found in steps.values())
    assert re.fullmatch(r"tools-[a-z0-9]{6}-[0-9a-f]{7}", first)
    assert first[:12] == second[:12]
    assert first != second
    assert all(re.fullmatch(r"studio-[a-z0-9]{6}", found["studio"]["domain_name"]) for found in steps.values())


# --- what the service says differently, and what it fills in ----------------------------------------------------------


OTHER_ANSWERS = {
    "domain-extras": "console",
    "app-arn": "mixed",
    "add-tags-answer": "added",
    "settings-update": "merge",
    "other-hook": "drop",
    "missing-app-or-space": "ValidationException",
    "disassociate-with-value": "set",
    "page-size": "1",
}
SLOW = {f"{type_}-pace": "looks:2" for type_ in ("notebook", "domain", "user-profile", "space", "app")}


@pytest.mark.parametrize("switches", [OTHER_ANSWERS, SLOW], ids=["other answers", "slow"])
def test_a_life_whatever_the_service_does(bench: Bench, switches: dict[str, str]) -> None:
    """The other choice wherever one is not known (20), and every status seen: created, changed, deleted, no drift."""
    for name, value in switches.items():
        bench.switch(name, value)
    for type_ in sorted(cases.TYPES[:8], key=lambda each: each.emulated != "Domain"):
        provider = bench.provider(type_.type)
        inputs = checked(provider, type_.full(bench))
        with under(TestClock().call("create")):
            one = provider.create(dict(inputs))
        seen = provider.read(one.id, dict(one.outs))
        assert provider.diff(one.id, seen.outs, inputs).changes is False, type_.type
        change = type_.in_place[0].after(bench)
        with under(TestClock().call("update")):
            done = provider.update(one.id, dict(seen.outs), checked(provider, change))
        seen = provider.read(one.id, dict(done.outs))
        assert provider.diff(one.id, seen.outs, checked(provider, change)).changes is False, type_.type
        assert one.id in [found.id for found in provider.list()]
        with under(TestClock().call("delete")):
            provider.delete(one.id, dict(done.outs))
        assert not provider.read(one.id, dict(done.outs)).id, type_.type


def test_a_key_that_comes_back_as_an_arn_is_no_drift(bench: Bench, books: Any) -> None:
    """5.1: an ID or an alias reads back as the key's ARN."""
    for number, key in enumerate(("11111111-2222-3333-4444-555555555555", "alias/lab", cases.KEY)):
        inputs = checked(books, {**minimal_notebook(bench), "notebook_instance_name": f"n{number}", "kms_key_id": key})
        one = books.create(dict(inputs))
        seen = books.read(one.id, one.outs)
        assert seen.inputs["kms_key_id"] == key
        other = {**inputs, "kms_key_id": cases.OTHER_KEY}
        assert books.diff(one.id, seen.outs, other).replaces == ["kms_key_id"]


def test_system_comes_back_as_what_it_means(bench: Bench, apps: Any) -> None:
    """6.2."""
    inputs = checked(apps, put(full_app, "resource_spec.instance_type", "system")(bench))
    one = apps.create(dict(inputs))
    key = {"UserProfileName": "ann", "AppType": "KernelGateway", "AppName": "kernels-1"}
    found = call(bench, "DescribeApp", DomainId=inputs["domain_id"], **key)
    assert found["ResourceSpec"]["InstanceType"] == "ml.t3.medium"
    seen = apps.read(one.id, one.outs)
    assert apps.diff(one.id, seen.outs, inputs).changes is False


def test_tags_that_others_gave_are_left_alone(bench: Bench, books: Any) -> None:
    """4.5: AddTags overwrites, so nothing but the program's own keys is sent or compared."""
    inputs = checked(books, {**minimal_notebook(bench), "tags": {"team": "nlp", "old": "x"}})
    one = books.create(dict(inputs))
    theirs = [{"Key": "cost", "Value": "42"}, {"Key": "sagemaker:studio", "Value": "y"}]
    call(bench, "AddTags", ResourceArn=one.outs["arn"], Tags=theirs)
    assert books.diff(one.id, books.read(one.id, one.outs).outs, inputs).changes is False
    done = books.update(one.id, one.outs, {**inputs, "tags": {"team": "cv"}})
    tags = {tag["Key"]: tag["Value"] for tag in call(bench, "ListTags", ResourceArn=one.outs["arn"])["Tags"]}
    assert tags == {"team": "cv", "cost": "42", "sagemaker:studio": "y"}
    assert "StopNotebookInstance" not in writes(bench), "tags need no stop"
    assert books.read(one.id, {}).inputs["tags"] == {"team": "cv", "cost": "42"}
    assert done.outs["tags"] == {"team": "cv"}


# --- notebook instances: stop first -----------------------------------------------------------------------------------


def test_an_update_stops_and_starts_it(bench: Bench, books: Any) -> None:
    inputs = checked(books, minimal_notebook(bench))
    one = books.create(dict(inputs))
    wanted = {**inputs, "instance_type": "ml.m5.xlarge", "root_access": "Disabled"}
    note = books.diff(one.id, one.outs, wanted).note
    assert note == "the instance is stopped for this and started again; what is not in its volume is lost"
    before, clock = len(bench.calls()), TestClock()
    with under(clock.call("update")):
        done = books.update(one.id, one.outs, wanted)
    assert writes(bench, before) == ["StopNotebookInstance", "UpdateNotebookInstance", "StartNotebookInstance"]
    assert done.outs["status"] == "InService"
    told = ["stopping the instance for the change", "starting the instance again"]
    assert [text for text in clock.reports if text in told] == told

    call(bench, "StopNotebookInstance", NotebookInstanceName="nb")
    stopped = books.read(one.id, done.outs).outs
    assert books.diff(one.id, stopped, wanted).changes is False, "left out, power is nobody's business"
    assert books.diff(one.id, stopped, inputs).note == ""
    before = len(bench.calls())
    assert books.update(one.id, stopped, inputs).outs["status"] == "Stopped"
    assert writes(bench, before) == ["UpdateNotebookInstance"]
    assert books.diff(one.id, one.outs, {**wanted, "running": False}).note.startswith(
        "the instance is stopped for this and stays stopped"
    )


def test_created_stopped(bench: Bench, books: Any) -> None:
    inputs = checked(books, {**minimal_notebook(bench), "running": False})
    one = books.create(dict(inputs))
    assert one.outs["status"] == "Stopped"
    assert writes(bench) == ["CreateNotebookInstance", "StopNotebookInstance"]
    started = books.update(one.id, one.outs, {**inputs, "running": True})
    assert started.outs["status"] == "InService"
    books.delete(one.id, started.outs)
    assert writes(bench)[2:] == ["StartNotebookInstance", "StopNotebookInstance", "DeleteNotebookInstance"]


def test_what_is_no_longer_declared_is_cleared_by_its_flag(bench: Bench, books: Any) -> None:
    """5.2: a flag, and never with its field; what has a default goes back to it."""
    one = made(books, bench, full_notebook)
    left = (
        "lifecycle_config_name",
        "default_code_repository",
        "additional_code_repositories",
        "root_access",
        "ip_address_type",
        "instance_metadata_service_configuration",
        "volume_size_in_gb",
    )
    wanted = {name: value for name, value in full_notebook(bench).items() if name not in left}
    assert "volume_size_in_gb" not in books.diff(one.id, one.outs, checked(books, wanted)).detailed_diff
    books.update(one.id, one.outs, checked(books, wanted))
    found = call(bench, "DescribeNotebookInstance", NotebookInstanceName="Nb-full")
    assert not {"NotebookInstanceLifecycleConfigName", "DefaultCodeRepository", "AdditionalCodeRepositories"} & set(
        found
    )
    assert (found["RootAccess"], found["IpAddressType"], found["VolumeSizeInGB"]) == ("Enabled", "ipv4", 20)
    assert found["InstanceMetadataServiceConfiguration"] == {"MinimumInstanceMetadataServiceVersion": "1"}


def test_a_change_that_is_refused_leaves_it_running(bench: Bench, books: Any) -> None:
    inputs = checked(books, minimal_notebook(bench))
    one = books.create(dict(inputs))
    bench.fault("quota", "UpdateNotebookInstance")
    with under(TestClock().call("update")), pytest.raises(PartialFailure) as caught:
        books.update(one.id, one.outs, {**inputs, "instance_type": "ml.p5.48xlarge"})
    assert caught.value.reference == "limit-reached"
    assert caught.value.outs["instance_type"] == "ml.t3.medium"
    assert not caught.value.tainted
    assert call(bench, "DescribeNotebookInstance", NotebookInstanceName="nb")["NotebookInstanceStatus"] == "InService"


def test_a_start_that_does_not_take_is_sent_again(bench: Bench, books: Any) -> None:
    """5.5, as Terraform found out."""
    inputs = checked(books, {**minimal_notebook(bench), "running": False})
    one = books.create(dict(inputs))
    bench.fault("no-effect", "StartNotebookInstance")
    clock = TestClock()
    with under(clock.call("update")):
        done = books.update(one.id, one.outs, {**inputs, "running": True})
    assert done.outs["status"] == "InService"
    assert [entry["operation"] for entry in bench.calls("StartNotebookInstance")] == ["StartNotebookInstance"] * 2
    assert clock.now - 1000 >= 30


@pytest.mark.parametrize("operation", ["StartNotebookInstance", "StopNotebookInstance", "UpdateNotebookInstance"])
def test_a_lost_answer_in_the_middle_of_a_change(bench: Bench, books: Any, operation: str) -> None:
    inputs = checked(books, minimal_notebook(bench))
    one = books.create(dict(inputs))
    bench.fault("drop-after", operation)
    with under(TestClock().call("update")):
        done = books.update(one.id, one.outs, {**inputs, "instance_type": "ml.m5.xlarge"})
    assert (done.outs["status"], done.outs["instance_type"]) == ("InService", "ml.m5.xlarge")


def test_a_failed_instance(bench: Bench, books: Any) -> None:
    """5.3: in its creation: tainted; later: started again if it is to run; and it can be deleted as it is."""
    inputs = checked(books, minimal_notebook(bench))
    bench.fault("fail", "CreateNotebookInstance")
    with under(TestClock().call("create")), pytest.raises(PartialFailure) as caught:
        books.create(dict(inputs))
    assert caught.value.tainted
    assert "Insufficient notebook instance capacity" in caught.value.summary
    outs = caught.value.outs
    diff = books.diff("nb", books.read("nb", outs).outs, inputs)
    assert "it has failed and is started again: Insufficient" in diff.note
    assert set(diff.detailed_diff) == {"status"}
    with under(TestClock().call("update")):
        done = books.update("nb", outs, inputs)
    assert done.outs["status"] == "InService"
    assert "failure_reason" not in done.outs
    bench.file.edit("sagemaker", "nb", status="Failed")
    books.delete("nb", done.outs)
    assert writes(bench)[-1] == "DeleteNotebookInstance"
    assert "StopNotebookInstance" not in writes(bench), "a failed one cannot be stopped"


def test_a_role_that_was_just_made_is_waited_for(bench: Bench, books: Any) -> None:
    """3.4, 11: for two minutes, in creates and updates; one that will never do is an error that says what it lacks."""
    bench.fault("error", "CreateNotebookInstance", code="ValidationException", message=ASSUME, times=3)
    clock = TestClock()
    with under(clock.call("create")):
        one = made(books, bench, minimal_notebook)
    assert [text.startswith("waiting for the role to become assumable") for text in clock.reports] == [True] * 3
    bench.fault("error", "UpdateNotebookInstance", code="ValidationException", message=ASSUME, times=2)
    with under(clock.call("update")):
        books.update(one.id, one.outs, checked(books, put(minimal_notebook, "role_arn", cases.OTHER_ROLE)(bench)))
    bench.switch("role-check", "known")
    clock = TestClock()
    with under(clock.call("create")), pytest.raises(RoleNotReadyError) as caught:
        made(books, bench, put(minimal_notebook, "notebook_instance_name", "other"))
    assert caught.value.reference == "role-not-assumable"
    assert "sagemaker.amazonaws.com" in caught.value.why
    assert 100 < clock.now - 1000 <= 130


# --- apps: ended, failed, started again -------------------------------------------------------------------------------


def end_app(bench: Bench, one: Any) -> None:
    """As its user does in Studio."""
    key = {"DomainId": one.outs["domain_id"], "UserProfileName": "ann", "AppType": one.outs["app_type"]}
    call(bench, "DeleteApp", **key, AppName=one.outs["app_name"])


def test_an_app_that_has_ended_counts_as_gone(bench: Bench, apps: Any) -> None:
    """6.3: it is still described for a day."""
    one = made(apps, bench, minimal_app)
    end_app(bench, one)
    described = call(bench, "ListApps")["Apps"]
    assert [item["Status"] for item in described] == ["Deleted"]
    assert not apps.read(one.id, one.outs).id
    assert not apps.find(checked(apps, minimal_app(bench))).id
    assert list(apps.list()) == []
    before = len(bench.calls())
    apps.delete(one.id, one.outs)
    assert writes(bench, before) == []
    again = made(apps, bench, minimal_app)
    assert (again.id, again.outs["status"]) == (one.id, "InService")


def test_an_app_that_may_stay_ended(bench: Bench, apps: Any) -> None:
    inputs = checked(apps, {**minimal_app(bench), "stay_ended": True, "tags": {"a": "b"}})
    one = apps.create(dict(inputs))
    end_app(bench, one)
    seen = apps.read(one.id, one.outs)
    assert (seen.id, seen.outs["status"], seen.inputs) == (one.id, "Deleted", inputs)
    assert apps.diff(one.id, seen.outs, inputs).changes is False
    before = len(bench.calls())
    retagged = {**inputs, "tags": {"a": "c"}}
    kept = apps.update(one.id, seen.outs, retagged)
    assert (kept.outs["status"], kept.outs["tags"], writes(bench, before)) == ("Deleted", {"a": "c"}, [])
    wanted = {**retagged, "stay_ended": False}
    started = apps.update(one.id, kept.outs, wanted)
    assert started.outs["status"] == "InService"
    assert call(bench, "ListTags", ResourceArn=one.id)["Tags"] == [{"Key": "a", "Value": "c"}]


def test_an_app_that_is_going_is_waited_for_before_it_is_made_again(bench: Bench, apps: Any) -> None:
    one = made(apps, bench, minimal_app)
    bench.switch("app-pace", "looks:3")
    end_app(bench, one)
    clock = TestClock()
    with under(clock.call("create")):
        again = made(apps, bench, minimal_app)
    assert again.outs["status"] == "InService"
    assert clock.reports[0].startswith("app Deleting")
    with pytest.raises(RefusedError) as caught:
        made(apps, bench, minimal_app)
    assert caught.value.reference == "name-taken"


def test_an_app_that_has_failed(bench: Bench, apps: Any) -> None:
    """6.3: in nobody's way; it is replaced, and deleting it, which the service refuses, is success."""
    inputs = checked(apps, {**minimal_app(bench), "tags": {"a": "b"}})
    bench.fault("fail", "CreateApp", changes={"FailureReason": "no such image"})
    with under(TestClock().call("create")), pytest.raises(PartialFailure) as caught:
        apps.create(dict(inputs))
    failure = caught.value
    assert (failure.tainted, "no such image" in failure.summary) == (True, True)
    seen = apps.read(failure.id, failure.outs)
    diff = apps.diff(failure.id, seen.outs, inputs)
    assert (diff.replaces[-1], diff.delete_before_replace) == ("status", True)
    assert "it has failed: no such image" in diff.note
    apps.delete(failure.id, failure.outs)
    assert apps.create(dict(inputs)).outs["status"] == "InService"


# --- domains, profiles, spaces ----------------------------------------------------------------------------------------


def test_a_failed_update_is_told_and_sent_whole_the_next_time(bench: Bench) -> None:
    """7.3."""
    domains = bench.provider(DOMAIN)
    inputs = checked(domains, minimal_domain(bench))
    one = domains.create(dict(inputs))
    wanted = {**inputs, "default_user_settings": {"execution_role": ROLE, "security_groups": ["sg-1"]}}
    bench.fault("fail", "UpdateDomain", changes={"FailureReason": "no such group"})
    with under(TestClock().call("update")), pytest.raises(PartialFailure, match="no such group") as caught:
        domains.update(one.id, one.outs, wanted)
    assert not caught.value.tainted
    assert caught.value.outs["default_user_settings"] == inputs["default_user_settings"]
    with under(TestClock().call("update")):
        done = domains.update(one.id, caught.value.outs, {**wanted, "tags": {"a": "b"}})
    assert done.outs["status"] == "InService"
    found = call(bench, "DescribeDomain", DomainId=one.id)
    assert found["DefaultUserSettings"]["SecurityGroups"] == ["sg-1"]
    assert "FailureReason" not in found


def test_what_the_service_kept_is_told(bench: Bench) -> None:
    """20, unknown 5: should an update merge, a member that is no longer declared stays; lifecycle configs do not."""
    bench.switch("settings-update", "merge")
    domains = bench.provider(DOMAIN)
    inputs = checked(domains, cases.full_domain(bench))
    one = domains.create(dict(inputs))
    lab = {**inputs["default_user_settings"]["jupyter_lab_app_settings"]}
    del lab["lifecycle_config_arns"], lab["emr_settings"]
    wanted = {**inputs, "default_user_settings": {**inputs["default_user_settings"], "jupyter_lab_app_settings": lab}}
    clock = TestClock()
    with under(clock.call("update")):
        domains.update(one.id, one.outs, wanted)
    kept = "default_user_settings.jupyter_lab_app_settings.emr_settings"
    assert [text for text in clock.reports if "kept" in text] == [
        f"the service kept {kept}, which is no longer declared"
    ]


def test_a_delete_waits_for_what_is_going_and_names_what_is_not(bench: Bench) -> None:
    """3.4, 7.4: apps, spaces and profiles before the domain."""
    one = made(bench.provider(APP), bench, minimal_app)
    domain, domains = cases.domain(bench), bench.provider(DOMAIN)
    outs = domains.read(domain, {}).outs
    with under(TestClock().call("delete")), pytest.raises(InUseError) as caught:
        domains.delete(domain, outs)
    assert "app JupyterServer default of ann, user profile ann" in caught.value.why
    assert "retain_on_delete" in caught.value.remedy
    profiles = bench.provider(USER_PROFILE)
    profile = f"{domain}/ann"
    bench.switch("app-pace", "seconds:40")
    bench.switch("user-profile-pace", "seconds:10")
    end_app(bench, one)
    clock = Passing(bench.file)
    with under(clock.call("delete")):
        profiles.delete(profile, profiles.read(profile, {}).outs)
        domains.delete(domain, outs)
    assert any(text.startswith("waiting for app JupyterServer default of ann") for text in clock.reports)
    assert bench.ids("Domain") == bench.ids("UserProfile") == []


def test_an_owner_of_spaces_cannot_go(bench: Bench) -> None:
    made(bench.provider(SPACE), bench, cases.full_space)
    profiles = bench.provider(USER_PROFILE)
    profile = f"{cases.domain(bench)}/ann"
    with under(TestClock().call("delete")), pytest.raises(InUseError) as caught:
        profiles.delete(profile, profiles.read(profile, {}).outs)
    assert "space Sp-1, which it owns" in caught.value.why


@pytest.mark.parametrize(("policy", "stays"), [(None, True), ("Retain", True), ("Delete", False)])
def test_the_home_file_system_of_a_deleted_domain(bench: Bench, policy: str | None, stays: bool) -> None:
    """7.4: what stays keeps subnets from being deleted, so it is told."""
    domains = bench.provider(DOMAIN)
    tree = minimal_domain(bench) | ({"retention_policy": {"home_efs_file_system": policy}} if policy else {})
    one = domains.create(checked(domains, tree))
    clock = TestClock()
    with under(clock.call("delete")):
        domains.delete(one.id, one.outs)
    told = [text for text in clock.reports if one.outs["home_efs_file_system_id"] in text]
    assert bool(told) is stays


def test_a_deletion_that_fails_is_an_error_and_can_be_repeated(bench: Bench) -> None:
    domains = bench.provider(DOMAIN)
    one = made(domains, bench, minimal_domain)
    bench.fault("fail", "DeleteDomain", changes={"FailureReason": "a mount target is in the way"})
    with under(TestClock().call("delete")), pytest.raises(CloudError, match="a mount target is in the way") as caught:
        domains.delete(one.id, one.outs)
    assert caught.value.reference == "delete-failed"
    domains.delete(one.id, one.outs)
    assert bench.ids("Domain") == []


def test_an_attached_script_cannot_go(bench: Bench) -> None:
    """10."""
    made(bench.provider(APP), bench, full_app)
    scripts = bench.provider(STUDIO_CONFIG)
    with under(TestClock().call("delete")), pytest.raises(InUseError) as caught:
        scripts.delete("script-KernelGateway", {})
    assert "take it out of those settings first" in caught.value.remedy


@pytest.mark.parametrize(
    ("token", "make", "pace"),
    [(NOTEBOOK, minimal_notebook, "notebook"), (DOMAIN, minimal_domain, "domain"), (APP, minimal_app, "app")],
)
def test_the_customers_time_limit_leaves_something_to_finish(bench: Bench, token: str, make: Any, pace: str) -> None:
    provider = bench.provider(token)
    inputs = checked(provider, make(bench))
    bench.switch(f"{pace}-pace", "never")
    clock = TestClock()
    with under(clock.call(limit=60)), pytest.raises(PartialFailure) as caught:
        provider.create(dict(inputs))
    failure = caught.value
    assert (failure.reference, failure.tainted) == ("deadline", False)
    assert "was created, but is not ready" in failure.summary
    assert failure.outs["arn"]
    assert 1050 < clock.now <= 1060
    assert any("Pending" in report for report in clock.reports)
    with under(TestClock().call("read", limit=60)), pytest.raises(DeadlineError):
        provider.find(inputs)


def test_without_a_limit_it_ends_after_the_services_own(bench: Bench) -> None:
    for token, make, pace, minutes in (
        (NOTEBOOK, minimal_notebook, "notebook", 60),
        (USER_PROFILE, cases.minimal_profile, "user-profile", 10),
    ):
        provider = bench.provider(token)
        inputs = checked(provider, make(bench))
        bench.switch(f"{pace}-pace", "never")
        clock = TestClock()
        with under(clock.call()), pytest.raises(PartialFailure):
            provider.create(dict(inputs))
        assert minutes * 60 - 15 < clock.now - 1000 <= minutes * 60


# --- through the engine -----------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    from providers import emulation

    (tmp_path / ".workstead").mkdir()
    yield tmp_path
    emulation.stop_running()


def test_a_stack_lives_through_an_ended_app_a_failed_one_and_a_stop(home: Path) -> None:
    """What a customer meets in a week: an app that ended, an instance type that changed, a create that failed."""
    kind = ["ml.t3.medium"]

    def program() -> None:
        studio_program(app={"resource_spec": {"instance_type": "ml.t3.medium"}})()
        sagemaker.NotebookInstance("nb", instance_type=kind[0], role_arn=ROLE)

    stack = stack_of(program, home)
    assert stack.overlay["workstead:emulateSpeed"] == "instant", "as its settings say"
    from providers.emulation import FILE_NAME, CloudFile, find_home

    with CloudFile(find_home(home) / FILE_NAME) as file:
        file.add_fault("sagemaker", "fail", "CreateApp")
        with pytest.raises(StepFailedError):
            engine.up(stack)
        done: list[Op] = []
        engine.up(stack, lambda event: done.append(event.step.op) if isinstance(event, StepEnded) else None)
        assert done.index(Op.DELETE_REPLACED) < done.index(Op.CREATE_REPLACEMENT)
        assert {item["type"]: item["status"] for item in file.objects()} == {
            "Domain": "InService",
            "UserProfile": "InService",
            "App": "InService",
            "NotebookInstance": "InService",
        }
        app = next(item for item in file.objects() if item["type"] == "App")
        file.edit("sagemaker", app["id"], status="Deleted")
        assert engine.preview(stack, refresh=True).counts.get(Op.CREATE) == 1
        engine.up(stack, refresh=True)

        kind[0] = "ml.m5.xlarge"
        (step,) = [step for step in engine.preview(stack).steps if step.op is Op.UPDATE]
        assert "stopped for this and started again" in step.reason.note
        told: list[str] = []
        engine.up(stack, lambda event: told.append(event.text) if isinstance(event, StepProgressed) else None)
        assert "stopping the instance for the change" in told
        before = len(file.log())
        assert engine.up(stack).plan.counts.get(Op.UPDATE, 0) == 0
        assert len(file.log()) == before, "an up without changes asks nothing"
        engine.destroy(stack)
        assert [item for item in file.objects() if item["status"] != "Deleted"] == []


def test_every_class_offers_every_input() -> None:
    """A member that a newer botocore brings can be given in plain dicts; those of today have a name in the classes."""
    from providers.sagemaker import resources

    for token in (token for token in sagemaker.CLOUD.types if token.startswith("pulumi-python")):
        name = token.rpartition(":")[2]
        schema = members_of(Providers().provider_for(token, {}, {}).schema)  # type: ignore[attr-defined]
        assert set(getattr(resources, name)._inputs) == set(schema), name
