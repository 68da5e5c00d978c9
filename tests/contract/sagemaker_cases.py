"""SageMaker's part of the provider suite: our eight types, the same under Pulumi's AWS tokens, and IAM's three."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from providers.emulation import FILE_NAME, CloudFile, emulator_class, serve
from providers.sagemaker import emulator
from providers.sagemaker.opening import open_client
from tests.contract.contract_cases import Bench, Change, Drift, Invalid, Make, Tree, TypeCases

REGION = "eu-west-1"
ROLE = f"arn:aws:iam::{emulator.ACCOUNT}:role/sagemaker"
OTHER_ROLE = f"arn:aws:iam::{emulator.ACCOUNT}:role/service-role/other"
KEY = f"arn:aws:kms:{REGION}:{emulator.ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
OTHER_KEY = f"arn:aws:kms:{REGION}:{emulator.ACCOUNT}:key/66666666-2222-3333-4444-555555555555"
IMAGE = f"arn:aws:sagemaker:{REGION}:{emulator.ACCOUNT}:image/own-image"
VERSION = f"arn:aws:sagemaker:{REGION}:{emulator.ACCOUNT}:image-version/own-image/"
SECRET = f"arn:aws:secretsmanager:{REGION}:{emulator.ACCOUNT}:secret:git-ab12cd"
OTHER_SECRET = f"arn:aws:secretsmanager:{REGION}:{emulator.ACCOUNT}:secret:git-ef34gh"
SCRIPT = "#!/bin/bash\necho hello\n"

OURS = "pulumi-python:dynamic/sagemaker:"
APP = f"{OURS}App"
CODE_REPOSITORY = f"{OURS}CodeRepository"
DOMAIN = f"{OURS}Domain"
NOTEBOOK = f"{OURS}NotebookInstance"
NOTEBOOK_CONFIG = f"{OURS}NotebookInstanceLifecycleConfig"
SPACE = f"{OURS}Space"
STUDIO_CONFIG = f"{OURS}StudioLifecycleConfig"
USER_PROFILE = f"{OURS}UserProfile"


class Settings(dict[str, Any]):
    """A stack's settings, as a provider reads them."""


@contextmanager
def open_bench() -> Iterator[Bench]:
    """The emulator, on a file of its own; IAM is on the same port."""
    with (
        tempfile.TemporaryDirectory() as home,
        CloudFile(Path(home) / FILE_NAME) as file,
        serve([emulator_class("sagemaker")], file, speed="instant") as server,
    ):
        settings = {
            "sagemaker:endpoint": server.urls["sagemaker"],
            "iam:endpoint": server.urls["sagemaker"],
            "sagemaker:region": REGION,
            "sagemaker:accessKey": emulator.ACCESS_KEY,
            "sagemaker:secretKey": emulator.SECRET_KEY,
        }
        wrong = {**settings, "sagemaker:secretKey": "notTheSecretKeyAtAll"}
        yield Bench("sagemaker", file, settings, wrong, prepare_nothing)


def prepare_nothing(bench: Bench) -> None:
    """Types that need something make it, with `need`."""


def need(bench: Bench, name: str, type_: str, inputs: Callable[[], Tree]) -> str:
    """The ID of something that is made once in a test."""
    if name not in bench.needs:
        provider = bench.provider(type_)
        result = provider.check({}, inputs())
        assert not result.failures, result.failures
        bench.needs[name] = provider.create(result.inputs).id
    return bench.needs[name]


def call(bench: Bench, operation: str, **members: Any) -> Any:
    """What somebody else does, through the API."""
    return open_client(Settings(bench.settings), "sagemaker").call(operation, **members)


def domain(bench: Bench) -> str:
    return need(bench, "domain", DOMAIN, lambda: {**minimal_domain(bench), "domain_name": "common"})


def second_domain(bench: Bench) -> str:
    return need(bench, "second domain", DOMAIN, lambda: {**minimal_domain(bench), "domain_name": "second"})


def profile(bench: Bench) -> str:
    inputs = {"domain_id": domain(bench), "user_profile_name": "ann"}
    return need(bench, "profile", USER_PROFILE, lambda: inputs).rpartition("/")[2]


def second_profile(bench: Bench) -> str:
    inputs = {"domain_id": domain(bench), "user_profile_name": "bob"}
    return need(bench, "second profile", USER_PROFILE, lambda: inputs).rpartition("/")[2]


def profile_of_second(bench: Bench) -> str:
    """The second domain, which has a profile of the same name."""
    inputs = {"domain_id": second_domain(bench), "user_profile_name": "ann"}
    need(bench, "profile of second", USER_PROFILE, lambda: inputs)
    return second_domain(bench)


def space(bench: Bench) -> str:
    inputs = {"domain_id": domain(bench), "space_name": "shared"}
    return need(bench, "space", SPACE, lambda: inputs).rpartition("/")[2]


def script(bench: Bench, app_type: str = "KernelGateway") -> str:
    """ARN of a Studio lifecycle config."""
    inputs = {
        "studio_lifecycle_config_name": f"script-{app_type}",
        "studio_lifecycle_config_content": SCRIPT,
        "studio_lifecycle_config_app_type": app_type,
    }
    name = need(bench, f"script {app_type}", STUDIO_CONFIG, lambda: inputs)
    return call(bench, "DescribeStudioLifecycleConfig", StudioLifecycleConfigName=name)["StudioLifecycleConfigArn"]


def notebook_config(bench: Bench) -> str:
    inputs = {"notebook_instance_lifecycle_config_name": "setup", "on_start": SCRIPT}
    return need(bench, "notebook config", NOTEBOOK_CONFIG, lambda: inputs)


# --- making cases -----------------------------------------------------------------------------------------------------


def copied(value: Any) -> Any:
    """A copy in which nothing is shared, not even what was shared before."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def put(make: Make, path: str, value: Any) -> Make:
    """The inputs with one member changed (None: taken out); `path` is dotted, numbers are list positions."""

    def changed(bench: Bench) -> Tree:
        tree = copied(make(bench))
        *outer, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        place: Any = tree
        for part in outer:
            place = place[part] if isinstance(part, int) else place.setdefault(part, {})
        if value is None:
            del place[last]
        else:
            place[last] = value(bench) if callable(value) else value
        return tree

    return changed


def changed(make: Make, path: str, value: Any, *paths: str, first: bool = False) -> Change:
    shown = getattr(value, "__name__", str(value))
    return Change(f"{path}={shown:.40}", make, put(make, path, value), frozenset(paths or [path]), first)


def wrong(make: Make, path: str, value: Any, *paths: str) -> Invalid:
    return Invalid(f"{path}={value!r:.40}", put(make, path, value), frozenset(paths or [path]))


def wrongs(make: Make, path: str, *values: Any) -> tuple[Invalid, ...]:
    return tuple(wrong(make, path, value) for value in values)


BAD_NAMES = ("", "-a", "a-", "a_b", "a b", "a" * 64, "ä", "a\n", 7)
BAD_TAGS = (
    ({"k" * 129: "v"}, f"tags.{'k' * 129}"),
    ({"": "v"}, 'tags[""]'),
    ({"k": "v" * 257}, "tags.k"),
    ({"k": "#"}, "tags.k"),
    ({"k": 1}, "tags.k"),
    ({str(number): "v" for number in range(51)}, "tags"),
    ({"aws:k": "v"}, "tags"),
    ("k=v", "tags"),
    ([{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}], "tags[1]"),
    ([{"Value": "1"}], "tags"),
)


def common_wrongs(make: Make) -> tuple[Invalid, ...]:
    """Mistakes in what every type has."""
    tags = (Invalid(f"tags={tags!r:.30}", put(make, "tags", tags), frozenset({path})) for tags, path in BAD_TAGS)
    return (*tags, *wrongs(make, "region", "Ireland", "eu-west", ""), wrong(make, "regoin", REGION))


def api(operation: Callable[[Bench, str], Any]) -> Callable[[Bench, str], None]:
    def damage(bench: Bench, id_: str) -> None:
        operation(bench, id_)

    return damage


# --- notebook instances -----------------------------------------------------------------------------------------------


def minimal_notebook(bench: Bench) -> Tree:
    return {"notebook_instance_name": "nb", "instance_type": "ml.t3.medium", "role_arn": ROLE}


def full_notebook(bench: Bench) -> Tree:
    return {
        "notebook_instance_name": "Nb-full",
        "instance_type": "ml.m5.xlarge",
        "subnet_id": "subnet-0123456789abcdef0",
        "security_group_ids": ["sg-2", "sg-1"],
        "ip_address_type": "dualstack",
        "role_arn": ROLE,
        "kms_key_id": KEY,
        "tags": {"team": "nlp", "Kosten Stelle": "42 ä"},
        "lifecycle_config_name": notebook_config(bench),
        "direct_internet_access": "Disabled",
        "volume_size_in_gb": 20,
        "accelerator_types": ["ml.eia1.medium"],
        "default_code_repository": "https://github.com/example/notebooks",
        "additional_code_repositories": ["https://github.com/example/b", "https://github.com/example/a"],
        "root_access": "Disabled",
        "platform_identifier": "notebook-al2023-v1",
        "instance_metadata_service_configuration": {"minimum_instance_metadata_service_version": "2"},
        "running": True,
    }


IMDS = "instance_metadata_service_configuration"

NOTEBOOKS = TypeCases(
    type=NOTEBOOK,
    emulated="NotebookInstance",
    going="Deleting",
    undeleted="Failed",
    create_operation="CreateNotebookInstance",
    minimal=minimal_notebook,
    full=full_notebook,
    in_place=(
        changed(full_notebook, "instance_type", "ml.t3.medium"),
        changed(full_notebook, "role_arn", OTHER_ROLE),
        changed(full_notebook, "ip_address_type", "ipv4"),
        changed(full_notebook, "ip_address_type", None),
        changed(full_notebook, "lifecycle_config_name", None),
        changed(full_notebook, "volume_size_in_gb", 21),
        changed(full_notebook, "default_code_repository", None),
        changed(full_notebook, "default_code_repository", "https://github.com/example/other"),
        changed(full_notebook, "additional_code_repositories", ["https://github.com/example/c"]),
        changed(full_notebook, "additional_code_repositories", None),
        changed(full_notebook, "root_access", None),
        changed(full_notebook, f"{IMDS}.minimum_instance_metadata_service_version", "1"),
        changed(full_notebook, IMDS, None),
        changed(full_notebook, "running", False),
        changed(full_notebook, "tags.team", "cv"),
        changed(full_notebook, "tags.team", None),
        changed(full_notebook, "tags", None),
        changed(minimal_notebook, "tags", {"a": ""}),
        changed(minimal_notebook, "running", False),
        Change(
            "several at once",
            full_notebook,
            put(put(put(full_notebook, "instance_type", "ml.t3.large"), "tags.team", None), "root_access", "Enabled"),
            frozenset({"instance_type", "tags.team", "root_access"}),
        ),
    ),
    replacing=(
        changed(full_notebook, "notebook_instance_name", "other"),
        changed(full_notebook, "subnet_id", "subnet-2", first=True),
        changed(full_notebook, "security_group_ids", ["sg-1"], first=True),
        changed(full_notebook, "kms_key_id", OTHER_KEY, first=True),
        changed(full_notebook, "kms_key_id", None, first=True),
        changed(full_notebook, "direct_internet_access", "Enabled", first=True),
        changed(full_notebook, "direct_internet_access", None, first=True),
        changed(full_notebook, "volume_size_in_gb", 19, first=True),
        changed(full_notebook, "platform_identifier", "notebook-al2023-v2", first=True),
        changed(full_notebook, "region", "us-east-1"),
    ),
    invalid=(
        *common_wrongs(full_notebook),
        *wrongs(full_notebook, "notebook_instance_name", *BAD_NAMES, None),
        *wrongs(full_notebook, "instance_type", "m5.xlarge", "ml.m5", "", None, "system2"),
        *wrongs(full_notebook, "subnet_id", "subnet_1", "s" * 33, "", 1),
        *wrongs(full_notebook, "security_group_ids", ["sg-1"] * 6, "sg-1"),
        wrong(
            full_notebook, "security_group_ids", ["sg-1", "sg 2", 3], "security_group_ids[1]", "security_group_ids[2]"
        ),
        *wrongs(full_notebook, "ip_address_type", "ipv6"),
        *wrongs(full_notebook, "role_arn", "sagemaker", "arn:aws:iam::1:role/x", f"{ROLE}{'x' * 2048}", None),
        *wrongs(full_notebook, "kms_key_id", "key with blanks", "k" * 2049),
        *wrongs(full_notebook, "lifecycle_config_name", *BAD_NAMES[:-1]),
        *wrongs(full_notebook, "direct_internet_access", "Maybe", True),
        *wrongs(full_notebook, "volume_size_in_gb", 4, 16385, 7.5, "20"),
        *wrongs(full_notebook, "default_code_repository", "http://example.com/x", "", "h" * 1025),
        *wrongs(full_notebook, "additional_code_repositories", ["a", "b", "c", "d"]),
        wrong(full_notebook, "additional_code_repositories", ["a", "-b"], "additional_code_repositories[1]"),
        *wrongs(full_notebook, "root_access", "enabled"),
        *wrongs(
            full_notebook,
            "platform_identifier",
            "notebook-al1-v1",
            "notebook-al2-v1",
            "notebook-al2-v2",
            "notebook-al2-v3",
            "notebook-al3",
        ),
        wrong(full_notebook, "accelerator_types", ["ml.eia9.huge"], "accelerator_types[0]"),
        wrong(full_notebook, IMDS, "2"),
        wrong(full_notebook, IMDS, {}, f"{IMDS}.minimum_instance_metadata_service_version"),
        wrong(full_notebook, f"{IMDS}.minimum_instance_metadata_service_version", "3"),
        wrong(full_notebook, f"{IMDS}.minimum_instance_metadata_service_version", 2),
        wrong(full_notebook, "running", "yes"),
        wrong(full_notebook, "subnet_id", None, "direct_internet_access", "security_group_ids", "ip_address_type"),
        wrong(minimal_notebook, "ip_address_type", "dualstack"),
        wrong(minimal_notebook, "direct_internet_access", "Disabled"),
        wrong(minimal_notebook, "security_group_ids", ["sg-1"]),
        *wrongs(full_notebook, "instance_type", "ml.p2.xlarge", "ml.p3.2xlarge", "ml.p3dn.24xlarge", "ml.inf1.xlarge"),
        wrong(full_notebook, "VolumeSizeInGB", 5),  # given twice, also as volume_size_in_gb
        wrong(full_notebook, "volume_size", 5),
        Invalid(
            "everything at once",
            lambda bench: {
                "notebook_instance_name": "-",
                "role_arn": "x",
                "volume_size_in_gb": 1,
                "direct_internet_access": "Disabled",
                "platform_identifier": "notebook-al2-v1",
                "tags": {"aws:x": "y"},
            },
            frozenset(
                {
                    "notebook_instance_name",
                    "instance_type",
                    "role_arn",
                    "volume_size_in_gb",
                    "direct_internet_access",
                    "platform_identifier",
                    "tags",
                }
            ),
        ),
    ),
    drifts=(
        Drift(
            "stopped by hand",
            lambda bench, id_: call(bench, "StopNotebookInstance", NotebookInstanceName=id_),
            frozenset({"running"}),
        ),
        Drift("tag changed", lambda bench, id_: _tag_notebook(bench, id_, "team", "cv"), frozenset({"tags.team"})),
        Drift("tag gone", lambda bench, id_: _untag_notebook(bench, id_, "team"), frozenset({"tags.team"})),
        Drift("changed by hand", lambda bench, id_: _resize(bench, id_), frozenset({"instance_type", "root_access"})),
    ),
    not_rebuilt=frozenset({"accelerator_types"}),
)


def _arn(bench: Bench, name: str) -> str:
    return call(bench, "DescribeNotebookInstance", NotebookInstanceName=name)["NotebookInstanceArn"]


def _tag_notebook(bench: Bench, name: str, key: str, value: str) -> None:
    call(bench, "AddTags", ResourceArn=_arn(bench, name), Tags=[{"Key": key, "Value": value}])


def _untag_notebook(bench: Bench, name: str, key: str) -> None:
    call(bench, "DeleteTags", ResourceArn=_arn(bench, name), TagKeys=[key])


def _resize(bench: Bench, name: str) -> None:
    key = {"NotebookInstanceName": name}
    call(bench, "StopNotebookInstance", **key)
    call(bench, "UpdateNotebookInstance", **key, InstanceType="ml.t3.medium", RootAccess="Enabled")
    call(bench, "StartNotebookInstance", **key)


# --- lifecycle configs and code repositories --------------------------------------------------------------------------


def minimal_notebook_config(bench: Bench) -> Tree:
    return {"notebook_instance_lifecycle_config_name": "lc"}


def full_notebook_config(bench: Bench) -> Tree:
    return {
        "notebook_instance_lifecycle_config_name": "lc",
        "on_create": "#!/bin/sh\necho made ä\n",
        "on_start": SCRIPT,
        "tags": {"team": "nlp"},
    }


def _set_hook(bench: Bench, name: str) -> None:
    key = {"NotebookInstanceLifecycleConfigName": name}
    call(bench, "UpdateNotebookInstanceLifecycleConfig", **key, OnStart=[{"Content": "ZWNobyBvdGhlcg=="}])


NOTEBOOK_CONFIGS = TypeCases(
    type=NOTEBOOK_CONFIG,
    emulated="NotebookInstanceLifecycleConfig",
    create_operation="CreateNotebookInstanceLifecycleConfig",
    minimal=minimal_notebook_config,
    full=full_notebook_config,
    in_place=(
        changed(full_notebook_config, "on_start", "#!/bin/sh\n"),
        changed(full_notebook_config, "on_start", None),
        changed(full_notebook_config, "on_create", None),
        changed(minimal_notebook_config, "on_create", SCRIPT),
        changed(full_notebook_config, "tags.team", "cv"),
    ),
    replacing=(
        changed(full_notebook_config, "notebook_instance_lifecycle_config_name", "other"),
        changed(full_notebook_config, "region", "us-east-1"),
    ),
    invalid=(
        *common_wrongs(full_notebook_config),
        *wrongs(full_notebook_config, "notebook_instance_lifecycle_config_name", *BAD_NAMES, None),
        *wrongs(full_notebook_config, "on_start", "", "x" * 12289, 5, ["x"]),
        *wrongs(full_notebook_config, "on_create", "ä" * 6145),
    ),
    drifts=(Drift("script", api(_set_hook), frozenset({"on_start"})),),
    secret_in_failure=(put(full_notebook_config, "on_start", ["swordfish"]), "swordfish"),
)


def minimal_studio_config(bench: Bench) -> Tree:
    return {
        "studio_lifecycle_config_name": "slc",
        "studio_lifecycle_config_content": SCRIPT,
        "studio_lifecycle_config_app_type": "JupyterLab",
    }


def full_studio_config(bench: Bench) -> Tree:
    return {**minimal_studio_config(bench), "tags": {"team": "nlp"}}


STUDIO_CONFIGS = TypeCases(
    type=STUDIO_CONFIG,
    emulated="StudioLifecycleConfig",
    create_operation="CreateStudioLifecycleConfig",
    minimal=minimal_studio_config,
    full=full_studio_config,
    in_place=(changed(full_studio_config, "tags.team", "cv"), changed(full_studio_config, "tags", None)),
    replacing=(
        changed(full_studio_config, "studio_lifecycle_config_name", "other"),
        changed(full_studio_config, "studio_lifecycle_config_content", "#!/bin/sh\n", first=True),
        changed(full_studio_config, "studio_lifecycle_config_app_type", "CodeEditor", first=True),
    ),
    invalid=(
        *common_wrongs(full_studio_config),
        *wrongs(full_studio_config, "studio_lifecycle_config_name", *BAD_NAMES, None),
        *wrongs(full_studio_config, "studio_lifecycle_config_content", "", "x" * 12289, None),
        *wrongs(full_studio_config, "studio_lifecycle_config_app_type", "TensorBoard", "jupyterlab", None),
    ),
    drifts=(),
    secret_in_failure=(put(full_studio_config, "studio_lifecycle_config_content", ["swordfish"]), "swordfish"),
)


def minimal_repository(bench: Bench) -> Tree:
    return {"code_repository_name": "repo", "git_config": {"repository_url": "https://github.com/example/a"}}


def full_repository(bench: Bench) -> Tree:
    git = {"repository_url": "https://github.com/example/a.git", "branch": "main", "secret_arn": SECRET}
    return {"code_repository_name": "repo", "git_config": git, "tags": {"team": "nlp"}}


def _set_secret(bench: Bench, name: str) -> None:
    call(bench, "UpdateCodeRepository", CodeRepositoryName=name, GitConfig={"SecretArn": OTHER_SECRET})


CODE_REPOSITORIES = TypeCases(
    type=CODE_REPOSITORY,
    emulated="CodeRepository",
    create_operation="CreateCodeRepository",
    minimal=minimal_repository,
    full=full_repository,
    in_place=(
        changed(full_repository, "git_config.secret_arn", OTHER_SECRET),
        changed(minimal_repository, "git_config.secret_arn", SECRET),
        changed(full_repository, "tags.team", None, "tags"),
    ),
    replacing=(
        changed(full_repository, "code_repository_name", "other"),
        changed(full_repository, "git_config.repository_url", "https://github.com/example/b", first=True),
        changed(full_repository, "git_config.branch", "dev", first=True),
        changed(full_repository, "git_config.branch", None, first=True),
    ),
    invalid=(
        *common_wrongs(full_repository),
        *wrongs(full_repository, "code_repository_name", *BAD_NAMES, None),
        *wrongs(full_repository, "git_config", None, "https://github.com/example/a"),
        *wrongs(full_repository, "git_config.repository_url", None, "http://x.com/abc", "https://a", "h" * 1025),
        *wrongs(full_repository, "git_config.branch", "", "a b", "a~b", "a^b", "a:b", "a?b", "a*b", "a[b", "b" * 1025),
        *wrongs(full_repository, "git_config.secret_arn", "secret", ""),
        wrong(full_repository, "git_config.url", "https://github.com/example/a"),
    ),
    drifts=(Drift("secret", api(_set_secret), frozenset({"git_config.secret_arn"})),),
)


# --- domains ----------------------------------------------------------------------------------------------------------


def minimal_domain(bench: Bench) -> Tree:
    return {
        "domain_name": "dom",
        "auth_mode": "IAM",
        "vpc_id": "vpc-1",
        "subnet_ids": ["subnet-1"],
        "default_user_settings": {"execution_role": ROLE},
    }


def user_settings(bench: Bench) -> Tree:
    """Every member there is."""
    image = {"image_name": "own", "app_image_config_name": "own-config", "image_version_number": 2}
    idle = {
        "lifecycle_management": "ENABLED",
        "idle_timeout_in_minutes": 120,
        "min_idle_timeout_in_minutes": 60,
        "max_idle_timeout_in_minutes": 600,
    }
    spec = {"instance_type": "ml.t3.medium", "sagemaker_image_arn": IMAGE}
    repositories = [{"repository_url": "https://github.com/example/a"}]
    return {
        "execution_role": ROLE,
        "security_groups": ["sg-1", "sg-2"],
        "sharing_settings": {
            "notebook_output_option": "Allowed",
            "s3_output_path": "s3://bucket/shared",
            "s3_kms_key_id": KEY,
        },
        "jupyter_server_app_settings": {
            "default_resource_spec": {"instance_type": "system"},
            "lifecycle_config_arns": [script(bench, "JupyterServer")],
            "code_repositories": repositories,
        },
        "kernel_gateway_app_settings": {
            "default_resource_spec": {**spec, "lifecycle_config_arn": script(bench)},
            "custom_images": [image],
            "lifecycle_config_arns": [script(bench)],
        },
        "tensor_board_app_settings": {"default_resource_spec": {"instance_type": "ml.t3.large"}},
        "r_studio_server_pro_app_settings": {"access_status": "DISABLED", "user_group": "R_STUDIO_USER"},
        "r_session_app_settings": {"default_resource_spec": {"instance_type": "ml.t3.large"}, "custom_images": [image]},
        "canvas_app_settings": {
            "time_series_forecasting_settings": {"status": "ENABLED", "amazon_forecast_role_arn": ROLE},
            "model_register_settings": {"status": "ENABLED", "cross_account_model_register_role_arn": ROLE},
            "workspace_settings": {"s3_artifact_path": "s3://bucket/canvas", "s3_kms_key_id": KEY},
            "identity_provider_oauth_settings": [
                {"data_source_name": "Snowflake", "status": "ENABLED", "secret_arn": SECRET}
            ],
            "direct_deploy_settings": {"status": "ENABLED"},
            "kendra_settings": {"status": "DISABLED"},
            "generative_ai_settings": {"amazon_bedrock_role_arn": ROLE},
            "emr_serverless_settings": {"execution_role_arn": ROLE, "status": "ENABLED"},
        },
        "code_editor_app_settings": {
            "default_resource_spec": spec,
            "custom_images": [image],
            "lifecycle_config_arns": [script(bench, "CodeEditor")],
            "app_lifecycle_management": {"idle_settings": idle},
        },
        "jupyter_lab_app_settings": {
            "default_resource_spec": spec,
            "custom_images": [image],
            "lifecycle_config_arns": [script(bench, "JupyterLab")],
            "code_repositories": repositories,
            "app_lifecycle_management": {"idle_settings": idle},
            "emr_settings": {"assumable_role_arns": [ROLE], "execution_role_arns": [ROLE]},
        },
        "space_storage_settings": {
            "default_ebs_storage_settings": {
                "default_ebs_volume_size_in_gb": 10,
                "maximum_ebs_volume_size_in_gb": 100,
            }
        },
        "default_landing_uri": "studio::",
        "studio_web_portal": "ENABLED",
        "custom_posix_user_config": {"uid": 10000, "gid": 1001},
        "custom_file_system_configs": [
            {"efs_file_system_config": {"file_system_id": "fs-0123456789abcdef0", "file_system_path": "/data"}}
        ],
        "studio_web_portal_settings": {
            "hidden_ml_tools": ["DataWrangler", "Models"],
            "hidden_app_types": ["Canvas"],
            "hidden_instance_types": ["ml.p3.2xlarge"],
            "hidden_sagemaker_image_version_aliases": [
                {"sagemaker_image_name": "sagemaker_distribution", "version_aliases": ["1.2"]}
            ],
            "execution_role_session_name_mode": "STATIC",
        },
        "auto_mount_home_efs": "Enabled",
    }


def full_domain(bench: Bench) -> Tree:
    return {
        **minimal_domain(bench),
        "domain_name": "Dom-full",
        "subnet_ids": ["subnet-2", "subnet-1"],
        "default_user_settings": user_settings(bench),
        "default_space_settings": {
            "execution_role": ROLE,
            "security_groups": ["sg-1"],
            "kernel_gateway_app_settings": {"default_resource_spec": {"instance_type": "ml.t3.medium"}},
        },
        "domain_settings": {
            "security_group_ids": ["sg-3"],
            "execution_role_identity_config": "USER_PROFILE_NAME",
            "docker_settings": {"enable_docker_access": "ENABLED", "vpc_only_trusted_accounts": [emulator.ACCOUNT]},
            "trusted_identity_propagation_settings": {"status": "DISABLED"},
            "ip_address_type": "ipv4",
        },
        "app_network_access_type": "VpcOnly",
        "app_security_group_management": "Customer",
        "kms_key_id": KEY,
        "home_efs_file_system_creation": "Enabled",
        "tag_propagation": "ENABLED",
        "retention_policy": {"home_efs_file_system": "Delete"},
        "tags": {"team": "nlp"},
    }


USER = "default_user_settings"


def _set_role(bench: Bench, id_: str) -> None:
    settings = call(bench, "DescribeDomain", DomainId=id_)["DefaultUserSettings"]
    call(bench, "UpdateDomain", DomainId=id_, DefaultUserSettings={**settings, "ExecutionRole": OTHER_ROLE})


def _propagate(bench: Bench, id_: str) -> None:
    call(bench, "UpdateDomain", DomainId=id_, TagPropagation="DISABLED")


def settings_wrongs(make: Make, at: str) -> tuple[Invalid, ...]:
    """Mistakes in user settings."""
    lab, kernel = f"{at}.jupyter_lab_app_settings", f"{at}.kernel_gateway_app_settings"
    idle = f"{lab}.app_lifecycle_management.idle_settings"
    disk = f"{at}.space_storage_settings.default_ebs_storage_settings"
    files = f"{at}.custom_file_system_configs"
    hidden = f"{at}.studio_web_portal_settings"
    return (
        *wrongs(make, f"{at}.execution_role", "role", 1),
        *wrongs(make, f"{at}.security_groups", ["sg"] * 6),
        *wrongs(make, f"{at}.sharing_settings.notebook_output_option", "Yes"),
        *wrongs(make, f"{at}.sharing_settings.s3_output_path", "bucket/shared"),
        *wrongs(make, f"{at}.jupyter_server_app_settings.default_resource_spec.instance_type", "ml.t3.medium"),
        wrong(
            make,
            f"{at}.jupyter_server_app_settings.code_repositories",
            [{"repository_url": "https://a"}, {}, {"repository_url": f"https://{'a' * 40}!"}],
            *(f"{at}.jupyter_server_app_settings.code_repositories[{n}].repository_url" for n in range(3)),
        ),
        *wrongs(make, f"{kernel}.default_resource_spec.instance_type", "t3.medium"),
        *wrongs(make, f"{kernel}.default_resource_spec.sagemaker_image_arn", "arn:aws:s3:::x"),
        *wrongs(make, f"{kernel}.default_resource_spec.sagemaker_image_version_arn", "none"),
        *wrongs(make, f"{kernel}.default_resource_spec.sagemaker_image_version_alias", "v1", "1.2.3.4"),
        *wrongs(make, f"{kernel}.default_resource_spec.lifecycle_config_arn", "script"),
        wrong(make, f"{kernel}.lifecycle_config_arns", ["x"], f"{kernel}.lifecycle_config_arns[0]"),
        wrong(make, f"{kernel}.default_resource_spec", None, f"{kernel}.lifecycle_config_arns"),
        wrong(make, f"{lab}.default_resource_spec", None, f"{lab}.lifecycle_config_arns"),
        *wrongs(make, f"{kernel}.custom_images", [{"image_name": "a", "app_image_config_name": "b"}] * 201),
        wrong(
            make,
            f"{kernel}.custom_images",
            [{"image_name": "-", "image_version_number": -1}],
            *(
                f"{kernel}.custom_images[0].{name}"
                for name in ("image_name", "image_version_number", "app_image_config_name")
            ),
        ),
        *wrongs(make, f"{at}.r_studio_server_pro_app_settings.user_group", "ADMIN"),
        *wrongs(make, f"{at}.canvas_app_settings.kendra_settings.status", "On"),
        *wrongs(make, f"{at}.canvas_app_settings.identity_provider_oauth_settings", [{}] * 21),
        *wrongs(make, f"{idle}.idle_timeout_in_minutes", 59, 525601),
        *wrongs(make, f"{idle}.idle_timeout_in_minutes", 601),
        wrong(make, f"{idle}.min_idle_timeout_in_minutes", 121, f"{idle}.idle_timeout_in_minutes"),
        *wrongs(make, f"{disk}.default_ebs_volume_size_in_gb", 4, 16385, 101),
        *wrongs(make, f"{disk}.maximum_ebs_volume_size_in_gb", None),
        *wrongs(make, f"{at}.studio_web_portal", "on"),
        wrong(make, f"{at}.studio_web_portal", "DISABLED", f"{at}.default_landing_uri"),
        wrong(make, f"{at}.studio_web_portal", None, f"{at}.default_landing_uri"),
        *wrongs(make, f"{at}.default_landing_uri", "x" * 1024),
        *wrongs(make, f"{at}.custom_posix_user_config.uid", 9999, 4000001),
        *wrongs(make, f"{at}.custom_posix_user_config.gid", 1000, None),
        wrong(make, files, [{}], f"{files}[0].efs_file_system_config"),
        wrong(
            make,
            files,
            [
                {
                    "efs_file_system_config": {"file_system_id": "fs-01234567"},
                    "s3_file_system_config": {"s3_uri": "s3://b"},
                }
            ],
            f"{files}[0].efs_file_system_config",
        ),
        wrong(
            make,
            files,
            [{"efs_file_system_config": {"file_system_id": "vol-1", "file_system_path": "data"}}],
            f"{files}[0].efs_file_system_config.file_system_id",
            f"{files}[0].efs_file_system_config.file_system_path",
        ),
        wrong(make, f"{hidden}.hidden_ml_tools", ["Hammer"], f"{hidden}.hidden_ml_tools[0]"),
        *wrongs(make, f"{at}.auto_mount_home_efs", "Sometimes"),
        wrong(make, f"{at}.jupyterLabAppSettings", {}),
    )


DOMAINS = TypeCases(
    type=DOMAIN,
    emulated="Domain",
    going="Deleting",
    undeleted="Delete_Failed",
    create_operation="CreateDomain",
    minimal=minimal_domain,
    full=full_domain,
    in_place=(
        changed(full_domain, f"{USER}.execution_role", OTHER_ROLE),
        changed(full_domain, f"{USER}.security_groups", ["sg-9"]),
        changed(full_domain, f"{USER}.jupyter_lab_app_settings.lifecycle_config_arns", []),
        changed(full_domain, f"{USER}.jupyter_lab_app_settings.lifecycle_config_arns", None),
        changed(full_domain, f"{USER}.canvas_app_settings", None),
        changed(full_domain, f"{USER}.kernel_gateway_app_settings.default_resource_spec.instance_type", "ml.m5.large"),
        changed(full_domain, "default_space_settings.security_groups", None),
        changed(full_domain, "domain_settings.security_group_ids", ["sg-4"]),
        changed(full_domain, "domain_settings.execution_role_identity_config", "DISABLED"),
        changed(full_domain, "subnet_ids", ["subnet-1", "subnet-3"]),
        changed(full_domain, "app_network_access_type", None),
        changed(full_domain, "app_security_group_management", "Service"),
        changed(full_domain, "tag_propagation", None),
        changed(full_domain, "retention_policy.home_efs_file_system", "Retain", "retention_policy"),
        changed(full_domain, "tags.team", "cv"),
        changed(
            put(minimal_domain, "home_efs_file_system_creation", "Disabled"), "home_efs_file_system_creation", None
        ),
    ),
    replacing=(
        changed(full_domain, "domain_name", "other"),
        changed(full_domain, "auth_mode", "SSO", first=True),
        changed(full_domain, "vpc_id", "vpc-2", first=True),
        changed(full_domain, "kms_key_id", OTHER_KEY, first=True),
    ),
    invalid=(
        *common_wrongs(full_domain),
        *wrongs(full_domain, "domain_name", *BAD_NAMES, None),
        *wrongs(full_domain, "auth_mode", "iam", None),
        *wrongs(full_domain, USER, None, []),
        *wrongs(full_domain, "vpc_id", None, "vpc_1", ""),
        *wrongs(full_domain, "subnet_ids", None, [], [f"subnet-{n}" for n in range(17)]),
        *wrongs(full_domain, "app_network_access_type", "Public"),
        *wrongs(full_domain, "app_security_group_management", "Me"),
        *wrongs(full_domain, "kms_key_id", "a b"),
        *wrongs(full_domain, "home_efs_file_system_creation", "No"),
        *wrongs(full_domain, "tag_propagation", "Enabled"),
        wrong(
            full_domain, "retention_policy", {"home_efs_file_system": "Keep"}, "retention_policy.home_efs_file_system"
        ),
        *wrongs(full_domain, "domain_settings.security_group_ids", ["sg"] * 4),
        wrong(
            full_domain,
            "domain_settings.docker_settings.vpc_only_trusted_accounts",
            ["1"],
            "domain_settings.docker_settings.vpc_only_trusted_accounts[0]",
        ),
        wrong(full_domain, "domain_settings.amazon_q_settings", {"status": "ENABLED"}),
        *(
            wrong(
                put(put(full_domain, "app_security_group_management", management), "app_network_access_type", access),
                "domain_settings.r_studio_server_pro_domain_settings",
                {"domain_execution_role_arn": ROLE},
                "app_security_group_management",
            )
            for management, access in (("Customer", "VpcOnly"), (None, "VpcOnly"), ("Customer", "PublicInternetOnly"))
        ),
        wrong(
            full_domain,
            "domain_settings.r_studio_server_pro_domain_settings",
            {},
            "domain_settings.r_studio_server_pro_domain_settings.domain_execution_role_arn",
            "app_security_group_management",
        ),
        wrong(full_domain, f"{USER}.auto_mount_home_efs", "DefaultAsDomain"),
        wrong(full_domain, "home_efs_file_system_kms_key_id", KEY),
        *settings_wrongs(full_domain, USER),
    ),
    drifts=(
        Drift("role", api(_set_role), frozenset({f"{USER}.execution_role"})),
        Drift("propagation", api(_propagate), frozenset({"tag_propagation"})),
    ),
    not_rebuilt=frozenset({"retention_policy", "home_efs_file_system_creation", "domain_settings.ip_address_type"}),
)


# --- user profiles ----------------------------------------------------------------------------------------------------


def minimal_profile(bench: Bench) -> Tree:
    return {"domain_id": domain(bench), "user_profile_name": "carl"}


def full_profile(bench: Bench) -> Tree:
    return {
        "domain_id": domain(bench),
        "user_profile_name": "Carl-1",
        "user_settings": {**user_settings(bench), "auto_mount_home_efs": "DefaultAsDomain"},
        "tags": {"team": "nlp"},
    }


def _profile_key(id_: str) -> dict[str, str]:
    domain_id, name = id_.split("/")[-2:]
    return {"DomainId": domain_id, "UserProfileName": name}


def _set_groups(bench: Bench, id_: str) -> None:
    key = _profile_key(id_)
    settings = call(bench, "DescribeUserProfile", **key)["UserSettings"]
    call(bench, "UpdateUserProfile", **key, UserSettings={**settings, "SecurityGroups": ["sg-7"]})


FIVE_AND_ONE = [{"image_name": "a", "app_image_config_name": "b"}] * 6

USER_PROFILES = TypeCases(
    type=USER_PROFILE,
    emulated="UserProfile",
    going="Deleting",
    undeleted="Delete_Failed",
    create_operation="CreateUserProfile",
    minimal=minimal_profile,
    full=full_profile,
    in_place=(
        changed(full_profile, "user_settings.execution_role", OTHER_ROLE),
        changed(full_profile, "user_settings.sharing_settings", None),
        changed(full_profile, "user_settings", None),
        changed(minimal_profile, "user_settings", {"execution_role": ROLE}),
        changed(full_profile, "tags.team", None, "tags"),
    ),
    replacing=(
        changed(full_profile, "user_profile_name", "other"),
        changed(full_profile, "domain_id", second_domain),
        Change(
            "single sign-on",
            put(full_profile, "user_settings", None),
            put(
                put(put(full_profile, "user_settings", None), "single_sign_on_user_identifier", "UserName"),
                "single_sign_on_user_value",
                "carl",
            ),
            frozenset({"single_sign_on_user_identifier", "single_sign_on_user_value"}),
            delete_first=True,
        ),
    ),
    invalid=(
        *common_wrongs(full_profile),
        *wrongs(full_profile, "user_profile_name", *BAD_NAMES, None),
        *wrongs(full_profile, "domain_id", "dom", "d-", "D-abc", None, "d-" + "a" * 62),
        wrong(full_profile, "single_sign_on_user_identifier", "Email"),
        wrong(full_profile, "single_sign_on_user_identifier", "UserName"),
        wrong(full_profile, "single_sign_on_user_value", "carl", "single_sign_on_user_identifier"),
        wrong(
            full_profile,
            "single_sign_on_user_value",
            "c" * 257,
            "single_sign_on_user_identifier",
            "single_sign_on_user_value",
        ),
        *settings_wrongs(full_profile, "user_settings"),
        *(
            wrong(full_profile, f"user_settings.{name}_app_settings.custom_images", FIVE_AND_ONE)
            for name in ("kernel_gateway", "jupyter_lab", "code_editor", "r_session")
        ),
    ),
    drifts=(Drift("groups", api(_set_groups), frozenset({"user_settings.security_groups"})),),
)


# --- spaces -----------------------------------------------------------------------------------------------------------


def minimal_space(bench: Bench) -> Tree:
    return {"domain_id": domain(bench), "space_name": "sp"}


def full_space(bench: Bench) -> Tree:
    return {
        "domain_id": domain(bench),
        "space_name": "Sp-1",
        "space_display_name": "The space of Ann",
        "space_settings": {
            "app_type": "JupyterLab",
            "jupyter_lab_app_settings": {
                "default_resource_spec": {"instance_type": "ml.t3.medium", "sagemaker_image_arn": IMAGE},
                "code_repositories": [{"repository_url": "https://github.com/example/a"}],
                "app_lifecycle_management": {"idle_settings": {"idle_timeout_in_minutes": 90}},
            },
            "space_storage_settings": {"ebs_storage_settings": {"ebs_volume_size_in_gb": 20}},
            "custom_file_systems": [{"efs_file_system": {"file_system_id": "fs-0123456789abcdef0"}}],
            "remote_access": "DISABLED",
        },
        "ownership_settings": {"owner_user_profile_name": profile(bench)},
        "space_sharing_settings": {"sharing_type": "Private"},
        "tags": {"team": "nlp"},
    }


DISK = "space_settings.space_storage_settings.ebs_storage_settings.ebs_volume_size_in_gb"


def _set_display(bench: Bench, id_: str) -> None:
    domain_id, name = id_.split("/")[-2:]
    call(bench, "UpdateSpace", DomainId=domain_id, SpaceName=name, SpaceDisplayName="another")


SPACES = TypeCases(
    type=SPACE,
    emulated="Space",
    going="Deleting",
    undeleted="Delete_Failed",
    create_operation="CreateSpace",
    minimal=minimal_space,
    full=full_space,
    in_place=(
        changed(full_space, "space_display_name", "The other"),
        changed(full_space, DISK, 30),
        changed(
            full_space,
            "space_settings.jupyter_lab_app_settings.default_resource_spec.instance_type",
            "ml.m5.large",
        ),
        changed(full_space, "space_settings.custom_file_systems", None),
        changed(full_space, "tags.team", "cv"),
        changed(minimal_space, "space_display_name", "shown"),
    ),
    replacing=(
        changed(full_space, "space_name", "other"),
        changed(full_space, "domain_id", profile_of_second),
        changed(full_space, "ownership_settings.owner_user_profile_name", second_profile, first=True),
        changed(full_space, "space_sharing_settings.sharing_type", "Shared", first=True),
        changed(full_space, "space_settings.app_type", "CodeEditor", first=True),
        changed(full_space, DISK, 19, first=True),
        Change(
            "owned to everybody's",
            full_space,
            put(put(full_space, "ownership_settings", None), "space_sharing_settings", None),
            frozenset({"ownership_settings", "space_sharing_settings"}),
            delete_first=True,
        ),
    ),
    invalid=(
        *common_wrongs(full_space),
        *wrongs(full_space, "space_name", *BAD_NAMES, None),
        *wrongs(full_space, "domain_id", "dom", None),
        *wrongs(full_space, "space_display_name", "", "   ", "x" * 65),
        *wrongs(full_space, "space_settings.app_type", "Lab"),
        *wrongs(full_space, DISK, 4, 16385),
        wrong(
            full_space,
            "space_settings.jupyter_lab_app_settings.app_lifecycle_management.idle_settings.idle_timeout_in_minutes",
            10,
        ),
        wrong(
            full_space,
            "space_settings.custom_file_systems",
            [{"efs_file_system": {"file_system_id": "fs-01234567"}}] * 6,
        ),
        wrong(
            full_space,
            "space_settings.custom_file_systems",
            [{"efs_file_system": {"file_system_id": "fs-1"}}, {}],
            "space_settings.custom_file_systems[0].efs_file_system.file_system_id",
            "space_settings.custom_file_systems[1].efs_file_system",
        ),
        *wrongs(full_space, "space_settings.remote_access", "on"),
        wrong(
            full_space,
            "space_settings.kernel_gateway_app_settings",
            {"custom_images": FIVE_AND_ONE},
            "space_settings.kernel_gateway_app_settings.custom_images",
        ),
        *wrongs(full_space, "space_sharing_settings.sharing_type", "private", None),
        wrong(full_space, "ownership_settings", None),
        wrong(full_space, "space_sharing_settings", None, "ownership_settings"),
        wrong(full_space, "space_settings", None),
        wrong(full_space, "ownership_settings", {}, "ownership_settings.owner_user_profile_name"),
    ),
    drifts=(Drift("display name", api(_set_display), frozenset({"space_display_name"})),),
)


# --- apps -------------------------------------------------------------------------------------------------------------


def minimal_app(bench: Bench) -> Tree:
    return {
        "domain_id": domain(bench),
        "user_profile_name": profile(bench),
        "app_type": "JupyterServer",
        "app_name": "default",
    }


def full_app(bench: Bench) -> Tree:
    """Every member of the customer's page on CreateApp but the space."""
    return {
        "domain_id": domain(bench),
        "user_profile_name": profile(bench),
        "app_type": "KernelGateway",
        "app_name": "kernels-1",
        "resource_spec": {
            "instance_type": "ml.t3.large",
            "lifecycle_config_arn": script(bench),
            "sagemaker_image_arn": IMAGE,
            "sagemaker_image_version_alias": "1.2",
            "sagemaker_image_version_arn": f"{VERSION}3",
        },
        "recovery_mode": True,
        "tags": {"team": "nlp"},
    }


def app_in_space(bench: Bench) -> Tree:
    return {
        "domain_id": domain(bench),
        "space_name": space(bench),
        "app_type": "KernelGateway",
        "app_name": "kernels-2",
        "resource_spec": {"instance_type": "ml.t3.large"},
    }


SPEC = "resource_spec"
PLAN = f"arn:aws:sagemaker:{REGION}:{emulator.ACCOUNT}:training-plan/p"


def lab_in_space(bench: Bench) -> Tree:
    spec = {"instance_type": "ml.t3.large", "training_plan_arn": PLAN}
    return {**app_in_space(bench), "app_type": "JupyterLab", "app_name": "default", SPEC: spec}


APPS = TypeCases(
    type=APP,
    emulated="App",
    going="Deleting",
    undeleted="Failed",
    create_operation="CreateApp",
    minimal=minimal_app,
    full=full_app,
    in_place=(
        changed(full_app, "tags.team", "cv"),
        changed(full_app, "tags", None),
        changed(minimal_app, "tags", {"team": "nlp"}),
        changed(minimal_app, "stay_ended", True),
    ),
    replacing=(
        changed(full_app, "app_name", "other"),
        changed(full_app, "app_type", "TensorBoard"),
        changed(full_app, "user_profile_name", second_profile),
        changed(full_app, "domain_id", profile_of_second),
        changed(full_app, "recovery_mode", None, first=True),
        changed(full_app, f"{SPEC}.instance_type", "ml.m5.large", first=True),
        changed(full_app, f"{SPEC}.lifecycle_config_arn", None, first=True),
        changed(full_app, f"{SPEC}.sagemaker_image_arn", f"{IMAGE}-2", first=True),
        changed(full_app, f"{SPEC}.sagemaker_image_version_alias", "1.3", first=True),
        changed(full_app, f"{SPEC}.sagemaker_image_version_arn", f"{VERSION}4", first=True),
        changed(lab_in_space, f"{SPEC}.training_plan_arn", None, first=True),
        changed(app_in_space, f"{SPEC}.instance_type", "ml.m5.large", first=True),
        Change(
            "to a space",
            full_app,
            put(put(full_app, "user_profile_name", None), "space_name", space),
            frozenset({"user_profile_name", "space_name"}),
        ),
    ),
    invalid=(
        *common_wrongs(full_app),
        *wrongs(full_app, "domain_id", "dom", "d-", None, "d-" + "a" * 62, 1),
        *wrongs(full_app, "app_name", *BAD_NAMES, None),
        *wrongs(full_app, "app_type", "Jupyter", "kernelgateway", None),
        *wrongs(full_app, "user_profile_name", *BAD_NAMES, None),
        *(wrong(app_in_space, "space_name", name) for name in BAD_NAMES),
        wrong(app_in_space, "space_name", None, "user_profile_name"),
        wrong(app_in_space, "user_profile_name", "ann"),
        *wrongs(full_app, f"{SPEC}.instance_type", "t3.large", ""),
        *wrongs(full_app, f"{SPEC}.lifecycle_config_arn", "script", "none"),
        *wrongs(full_app, f"{SPEC}.sagemaker_image_arn", "image", "i" * 257),
        *wrongs(full_app, f"{SPEC}.sagemaker_image_version_arn", "image", "none"),
        *wrongs(full_app, f"{SPEC}.sagemaker_image_version_alias", "latest", "", "01.2.3"),
        wrong(full_app, f"{SPEC}.training_plan_arn", PLAN),
        *wrongs(full_app, f"{SPEC}.training_plan_arn", "plan"),
        *wrongs(full_app, "recovery_mode", "yes", 1),
        *wrongs(full_app, "stay_ended", "yes"),
        wrong(full_app, f"{SPEC}.gpu", 1),
        wrong(full_app, SPEC, "ml.t3.large"),
        wrong(put(minimal_app, SPEC, {}), f"{SPEC}.instance_type", "ml.t3.medium"),
        wrong(full_app, "app_type", "JupyterServer", f"{SPEC}.instance_type"),
        wrong(full_app, "app_type", "JupyterLab"),
        wrong(full_app, "app_type", "CodeEditor"),
        wrong(put(app_in_space, "app_type", "JupyterLab"), f"{SPEC}.instance_type", "system"),
    ),
    drifts=(),
)


# --- the same under Pulumi's AWS tokens -------------------------------------------------------------------------------


def pulumi_notebook(bench: Bench) -> Tree:
    return {"name": "nb", "instanceType": "ml.t3.medium", "roleArn": ROLE}


def full_pulumi_notebook(bench: Bench) -> Tree:
    return {
        "name": "Nb-full",
        "instanceType": "ml.m5.xlarge",
        "subnetId": "subnet-1",
        "securityGroups": ["sg-2", "sg-1"],
        "roleArn": ROLE,
        "kmsKeyId": KEY,
        "tags": {"team": "nlp"},
        "lifecycleConfigName": notebook_config(bench),
        "directInternetAccess": "Disabled",
        "volumeSize": 20,
        "defaultCodeRepository": "https://github.com/example/notebooks",
        "additionalCodeRepositories": ["https://github.com/example/b"],
        "rootAccess": "Disabled",
        "platformIdentifier": "notebook-al2023-v1",
        "instanceMetadataServiceConfiguration": {"minimumInstanceMetadataServiceVersion": "2"},
    }


AWS = "aws:sagemaker/"

PULUMI_NOTEBOOKS = TypeCases(
    type=f"{AWS}notebookInstance:NotebookInstance",
    emulated="NotebookInstance",
    going="Deleting",
    undeleted="Failed",
    create_operation="CreateNotebookInstance",
    minimal=pulumi_notebook,
    full=full_pulumi_notebook,
    in_place=(
        changed(full_pulumi_notebook, "instanceType", "ml.t3.medium"),
        changed(full_pulumi_notebook, "volumeSize", 21),
        changed(full_pulumi_notebook, "rootAccess", None),
        changed(full_pulumi_notebook, "lifecycleConfigName", None),
        changed(full_pulumi_notebook, "tags.team", "cv"),
        changed(full_pulumi_notebook, "tags", None),
    ),
    replacing=(
        changed(full_pulumi_notebook, "name", "other"),
        changed(full_pulumi_notebook, "securityGroups", ["sg-1"], first=True),
        changed(full_pulumi_notebook, "volumeSize", None, "volumeSize", first=True),
        changed(full_pulumi_notebook, "region", "us-east-1"),
    ),
    invalid=(
        *common_wrongs(full_pulumi_notebook),
        *wrongs(full_pulumi_notebook, "name", *BAD_NAMES, None),
        *wrongs(full_pulumi_notebook, "volumeSize", 4),
        *wrongs(full_pulumi_notebook, "running", True),
        *wrongs(full_pulumi_notebook, "ipAddressType", "ipv4"),
        wrong(full_pulumi_notebook, "subnetId", None, "directInternetAccess", "securityGroups"),
    ),
    drifts=(
        Drift("changed by hand", lambda bench, id_: _resize(bench, id_), frozenset({"instanceType", "rootAccess"})),
    ),
)


def pulumi_notebook_config(bench: Bench) -> Tree:
    return {"name": "lc"}


def full_pulumi_notebook_config(bench: Bench) -> Tree:
    return {"name": "lc", "onCreate": "ZWNobwo=", "onStart": "ZWNobyBhCg==", "tags": {"a": "b"}}


PULUMI_NOTEBOOK_CONFIGS = TypeCases(
    type=f"{AWS}notebookInstanceLifecycleConfiguration:NotebookInstanceLifecycleConfiguration",
    emulated="NotebookInstanceLifecycleConfig",
    create_operation="CreateNotebookInstanceLifecycleConfig",
    minimal=pulumi_notebook_config,
    full=full_pulumi_notebook_config,
    in_place=(
        changed(full_pulumi_notebook_config, "onStart", "ZWNobyBiCg=="),
        changed(full_pulumi_notebook_config, "onCreate", None),
    ),
    replacing=(changed(full_pulumi_notebook_config, "name", "other"),),
    invalid=(
        *wrongs(full_pulumi_notebook_config, "name", *BAD_NAMES),
        *wrongs(full_pulumi_notebook_config, "onStart", "echo a", "", "A" * 16388),
    ),
    drifts=(Drift("script", api(_set_hook), frozenset({"onStart"})),),
    secret_in_failure=(put(full_pulumi_notebook_config, "onStart", "swordfish!"), "swordfish"),
)


def pulumi_studio_config(bench: Bench) -> Tree:
    return {
        "studioLifecycleConfigName": "slc",
        "studioLifecycleConfigContent": "ZWNobwo=",
        "studioLifecycleConfigAppType": "JupyterLab",
    }


PULUMI_STUDIO_CONFIGS = TypeCases(
    type=f"{AWS}studioLifecycleConfig:StudioLifecycleConfig",
    emulated="StudioLifecycleConfig",
    create_operation="CreateStudioLifecycleConfig",
    minimal=pulumi_studio_config,
    full=put(pulumi_studio_config, "tags", {"a": "b"}),
    in_place=(changed(pulumi_studio_config, "tags", {"a": "b"}),),
    replacing=(changed(pulumi_studio_config, "studioLifecycleConfigContent", "ZWNobyBiCg==", first=True),),
    invalid=wrongs(pulumi_studio_config, "studioLifecycleConfigContent", "echo!", None),
    drifts=(),
    secret_in_failure=(put(pulumi_studio_config, "studioLifecycleConfigContent", "swordfish!"), "swordfish"),
)


def pulumi_repository(bench: Bench) -> Tree:
    return {"codeRepositoryName": "repo", "gitConfig": {"repositoryUrl": "https://github.com/example/a"}}


PULUMI_REPOSITORIES = TypeCases(
    type=f"{AWS}codeRepository:CodeRepository",
    emulated="CodeRepository",
    create_operation="CreateCodeRepository",
    minimal=pulumi_repository,
    full=put(put(pulumi_repository, "gitConfig.secretArn", SECRET), "gitConfig.branch", "main"),
    in_place=(changed(pulumi_repository, "gitConfig.secretArn", SECRET),),
    replacing=(changed(pulumi_repository, "gitConfig.repositoryUrl", "https://github.com/example/b", first=True),),
    invalid=wrongs(pulumi_repository, "gitConfig.repositoryUrl", "http://x", None),
    drifts=(),
)


def pulumi_domain(bench: Bench) -> Tree:
    return {
        "domainName": "dom",
        "authMode": "IAM",
        "vpcId": "vpc-1",
        "subnetIds": ["subnet-1"],
        "defaultUserSettings": {"executionRole": ROLE},
    }


def full_pulumi_domain(bench: Bench) -> Tree:
    return {
        **pulumi_domain(bench),
        "subnetIds": ["subnet-2", "subnet-1"],
        "defaultUserSettings": {
            "executionRole": ROLE,
            "securityGroups": ["sg-1"],
            "autoMountHomeEfs": "Enabled",
            "jupyterLabAppSettings": {
                "defaultResourceSpec": {"instanceType": "ml.t3.medium", "sagemakerImageArn": IMAGE},
                "codeRepositories": [{"repositoryUrl": "https://github.com/example/a"}],
            },
            "canvasAppSettings": {
                "identityProviderOauthSettings": [{"dataSourceName": "Snowflake", "secretArn": SECRET}]
            },
            "customFileSystemConfigs": [
                {"efsFileSystemConfig": {"fileSystemId": "fs-0123456789abcdef0", "fileSystemPath": "/data"}}
            ],
        },
        "domainSettings": {"securityGroupIds": ["sg-3"], "dockerSettings": {"enableDockerAccess": "ENABLED"}},
        "appNetworkAccessType": "VpcOnly",
        "kmsKeyId": KEY,
        "retentionPolicy": {"homeEfsFileSystem": "Delete"},
        "tagPropagation": "ENABLED",
        "tags": {"team": "nlp"},
    }


PULUMI_DOMAINS = TypeCases(
    type=f"{AWS}domain:Domain",
    emulated="Domain",
    going="Deleting",
    undeleted="Delete_Failed",
    create_operation="CreateDomain",
    minimal=pulumi_domain,
    full=full_pulumi_domain,
    in_place=(
        changed(full_pulumi_domain, "defaultUserSettings.securityGroups", ["sg-2"]),
        changed(full_pulumi_domain, "subnetIds", ["subnet-3"]),
        changed(full_pulumi_domain, "tags.team", None, "tags"),
    ),
    replacing=(
        changed(full_pulumi_domain, "vpcId", "vpc-2", first=True),
        changed(full_pulumi_domain, "domainName", "other"),
    ),
    invalid=(
        *wrongs(full_pulumi_domain, "vpcId", None, "vpc_1"),
        *wrongs(full_pulumi_domain, "defaultUserSettings.executionRole", None, "x"),
        *wrongs(full_pulumi_domain, "homeEfsFileSystemCreation", "Enabled"),
        wrong(
            full_pulumi_domain,
            "defaultUserSettings.canvasAppSettings.identityProviderOauthSettings",
            [{}],
            "defaultUserSettings.canvasAppSettings.identityProviderOauthSettings[0].secretArn",
        ),
    ),
    drifts=(Drift("role", api(_set_role), frozenset({"defaultUserSettings.executionRole"})),),
    not_rebuilt=frozenset({"retentionPolicy", "appNetworkAccessType", "tagPropagation"}),
)


def pulumi_profile(bench: Bench) -> Tree:
    return {"domainId": domain(bench), "userProfileName": "carl"}


def full_pulumi_profile(bench: Bench) -> Tree:
    files = {"fileSystemId": "fs-0123456789abcdef0", "fileSystemPath": "/data"}
    settings = {"executionRole": ROLE, "customFileSystemConfigs": [{"efsFileSystemConfigs": [files]}]}
    return {**pulumi_profile(bench), "userSettings": settings, "tags": {"team": "nlp"}}


PULUMI_PROFILES = TypeCases(
    type=f"{AWS}userProfile:UserProfile",
    emulated="UserProfile",
    going="Deleting",
    undeleted="Delete_Failed",
    create_operation="CreateUserProfile",
    minimal=pulumi_profile,
    full=full_pulumi_profile,
    in_place=(
        changed(full_pulumi_profile, "userSettings.executionRole", OTHER_ROLE),
        changed(full_pulumi_profile, "userSettings.customFileSystemConfigs", None),
    ),
    replacing=(changed(full_pulumi_profile, "userProfileName", "other"),),
    invalid=(
        *wrongs(full_pulumi_profile, "domainId", "x", None),
        *wrongs(full_pulumi_profile, "userSettings.executionRole", None),
        wrong(
            full_pulumi_profile,
            "userSettings.customFileSystemConfigs.0.efsFileSystemConfigs",
            [{"fileSystemId": "fs-01234567", "fileSystemPath": "/a"}] * 2,
            "userSettings.customFileSystemConfigs[0].efsFileSystemConfigs",
        ),
    ),
    drifts=(),
)


def pulumi_space(bench: Bench) -> Tree:
    return {"domainId": domain(bench), "spaceName": "sp"}


def full_pulumi_space(bench: Bench) -> Tree:
    return {
        **pulumi_space(bench),
        "spaceDisplayName": "shown",
        "spaceSettings": {
            "appType": "JupyterLab",
            "jupyterLabAppSettings": {"defaultResourceSpec": {"instanceType": "ml.t3.medium"}},
            "spaceStorageSettings": {"ebsStorageSettings": {"ebsVolumeSizeInGb": 20}},
            "customFileSystems": [{"efsFileSystem": {"fileSystemId": "fs-0123456789abcdef0"}}],
        },
        "ownershipSettings": {"ownerUserProfileName": profile(bench)},
        "spaceSharingSettings": {"sharingType": "Private"},
    }


PULUMI_DISK = "spaceSettings.spaceStorageSettings.ebsStorageSettings.ebsVolumeSizeInGb"

PULUMI_SPACES = TypeCases(
    type=f"{AWS}space:Space",
    emulated="Space",
    going="Deleting",
    undeleted="Delete_Failed",
    create_operation="CreateSpace",
    minimal=pulumi_space,
    full=full_pulumi_space,
    in_place=(changed(full_pulumi_space, PULUMI_DISK, 21), changed(full_pulumi_space, "spaceDisplayName", "other")),
    replacing=(
        changed(full_pulumi_space, PULUMI_DISK, 19, first=True),
        changed(full_pulumi_space, "spaceSettings.appType", "CodeEditor", first=True),
    ),
    invalid=(wrong(full_pulumi_space, "ownershipSettings", None), *wrongs(full_pulumi_space, PULUMI_DISK, 4)),
    drifts=(Drift("display name", api(_set_display), frozenset({"spaceDisplayName"})),),
)


def pulumi_app(bench: Bench) -> Tree:
    return {
        "domainId": domain(bench),
        "userProfileName": profile(bench),
        "appType": "JupyterServer",
        "appName": "default",
    }


def full_pulumi_app(bench: Bench) -> Tree:
    return {
        "domainId": domain(bench),
        "spaceName": space(bench),
        "appType": "KernelGateway",
        "appName": "kernels",
        "resourceSpec": {
            "instanceType": "ml.t3.large",
            "sagemakerImageArn": IMAGE,
            "lifecycleConfigArn": script(bench),
        },
        "tags": {"team": "nlp"},
    }


PULUMI_APPS = TypeCases(
    type=f"{AWS}app:App",
    emulated="App",
    going="Deleting",
    undeleted="Failed",
    create_operation="CreateApp",
    minimal=pulumi_app,
    full=full_pulumi_app,
    in_place=(changed(full_pulumi_app, "tags.team", None, "tags"),),
    replacing=(
        changed(full_pulumi_app, "resourceSpec.instanceType", "ml.m5.large", first=True),
        changed(full_pulumi_app, "appName", "other"),
    ),
    invalid=(
        wrong(full_pulumi_app, "userProfileName", "ann"),
        wrong(full_pulumi_app, "recoveryMode", True),
        *wrongs(full_pulumi_app, "resourceSpec.instanceType", "x"),
    ),
    drifts=(),
)


# --- IAM --------------------------------------------------------------------------------------------------------------


def trust(service: str = "sagemaker.amazonaws.com") -> Tree:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def reading(*buckets: str) -> str:
    statement = {
        "Effect": "Allow",
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{name}" for name in buckets],
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"), sort_keys=True)


def as_text(policy: Tree) -> str:
    return json.dumps(policy, separators=(",", ":"), sort_keys=True)


FULL_ACCESS = "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


def role(bench: Bench) -> Tree:
    return {"name": "worker", "assumeRolePolicy": as_text(trust())}


def full_role(bench: Bench) -> Tree:
    return {
        "name": "Worker_1",
        "assumeRolePolicy": as_text(trust()),
        "description": "Works",
        "forceDetachPolicies": True,
        "inlinePolicies": [{"name": "reads", "policy": reading("a")}],
        "managedPolicyArns": [READ_ONLY, FULL_ACCESS],
        "maxSessionDuration": 7200,
        "path": "/team/",
        "permissionsBoundary": FULL_ACCESS,
        "tags": {"team": "nlp"},
    }


def _iam(bench: Bench, operation: str, **members: Any) -> None:
    open_client(Settings(bench.settings), "iam").call(operation, **members)


ROLES = TypeCases(
    type="aws:iam/role:Role",
    emulated="Role",
    create_operation="iam:CreateRole",
    minimal=role,
    full=full_role,
    in_place=(
        changed(full_role, "assumeRolePolicy", as_text(trust("ec2.amazonaws.com"))),
        changed(full_role, "description", "Rests"),
        changed(full_role, "description", None),
        changed(full_role, "inlinePolicies", [{"name": "reads", "policy": reading("b")}]),
        changed(full_role, "inlinePolicies", []),
        changed(full_role, "managedPolicyArns", [READ_ONLY]),
        changed(full_role, "maxSessionDuration", None),
        changed(full_role, "permissionsBoundary", None),
        changed(full_role, "permissionsBoundary", READ_ONLY),
        changed(full_role, "tags.team", "cv"),
        changed(full_role, "tags", None),
        changed(role, "tags", {"a": "b"}),
    ),
    replacing=(changed(full_role, "name", "other"), changed(full_role, "path", "/", first=True)),
    invalid=(
        *wrongs(full_role, "name", "", "a b", "a" * 65, None),
        *wrongs(full_role, "assumeRolePolicy", None, "{", "[]", "{}", ""),
        *wrongs(full_role, "maxSessionDuration", 3599, 43201),
        *wrongs(full_role, "path", "team", "/team"),
        *wrongs(full_role, "description", "x" * 1001),
        *wrongs(full_role, "permissionsBoundary", "x"),
        wrong(full_role, "inlinePolicies", [{"name": "reads", "policy": "x"}], "inlinePolicies[0].policy"),
        wrong(full_role, "managedPolicyArns", ["x"], "managedPolicyArns[0]"),
        wrong(full_role, "namePrefix", "x"),
        Invalid("aws: tag", put(full_role, "tags", {"aws:k": "v"}), frozenset({"tags"})),
    ),
    drifts=(
        Drift(
            "trust",
            lambda bench, id_: _iam(
                bench,
                "UpdateAssumeRolePolicy",
                RoleName=id_,
                PolicyDocument=json.dumps(trust("ec2.amazonaws.com")),
            ),
            frozenset({"assumeRolePolicy"}),
        ),
        Drift(
            "policy taken off",
            lambda bench, id_: _iam(bench, "DetachRolePolicy", RoleName=id_, PolicyArn=READ_ONLY),
            frozenset({"managedPolicyArns"}),
        ),
        Drift(
            "inline policy",
            lambda bench, id_: _iam(
                bench, "PutRolePolicy", RoleName=id_, PolicyName="reads", PolicyDocument=reading("z")
            ),
            frozenset({"inlinePolicies"}),
        ),
    ),
    not_rebuilt=frozenset({"forceDetachPolicies", "inlinePolicies", "managedPolicyArns"}),
)


def a_role(bench: Bench) -> str:
    return need(bench, "role", "aws:iam/role:Role", lambda: {**role(bench), "name": "worker"})


def another_role(bench: Bench) -> str:
    return need(bench, "another role", "aws:iam/role:Role", lambda: {**role(bench), "name": "other"})


def role_policy(bench: Bench) -> Tree:
    return {"name": "reads", "role": a_role(bench), "policy": reading("a")}


def _put_policy(bench: Bench, id_: str) -> None:
    role_name, _, name = id_.partition(":")
    _iam(bench, "PutRolePolicy", RoleName=role_name, PolicyName=name, PolicyDocument=reading("z"))


ROLE_POLICIES = TypeCases(
    type="aws:iam/rolePolicy:RolePolicy",
    emulated="RolePolicy",
    create_operation="iam:PutRolePolicy",
    minimal=role_policy,
    full=role_policy,
    in_place=(changed(role_policy, "policy", reading("b")),),
    replacing=(changed(role_policy, "name", "other"), changed(role_policy, "role", another_role)),
    invalid=(
        *wrongs(role_policy, "policy", None, "x", "{}"),
        *wrongs(role_policy, "role", None, "a b"),
        *wrongs(role_policy, "name", None, "a" * 129),
    ),
    drifts=(Drift("policy", api(_put_policy), frozenset({"policy"})),),
)


def attachment(bench: Bench) -> Tree:
    return {"role": a_role(bench), "policyArn": READ_ONLY}


ROLE_POLICY_ATTACHMENTS = TypeCases(
    type="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    emulated="RolePolicyAttachment",
    create_operation="iam:AttachRolePolicy",
    minimal=attachment,
    full=attachment,
    in_place=(),
    replacing=(changed(attachment, "policyArn", FULL_ACCESS), changed(attachment, "role", another_role)),
    invalid=(*wrongs(attachment, "policyArn", None, "x"), *wrongs(attachment, "role", None, "")),
    drifts=(),
)

TYPES = (
    NOTEBOOKS,
    NOTEBOOK_CONFIGS,
    STUDIO_CONFIGS,
    CODE_REPOSITORIES,
    DOMAINS,
    USER_PROFILES,
    SPACES,
    APPS,
    PULUMI_NOTEBOOKS,
    PULUMI_NOTEBOOK_CONFIGS,
    PULUMI_STUDIO_CONFIGS,
    PULUMI_REPOSITORIES,
    PULUMI_DOMAINS,
    PULUMI_PROFILES,
    PULUMI_SPACES,
    PULUMI_APPS,
    ROLES,
    ROLE_POLICIES,
    ROLE_POLICY_ATTACHMENTS,
)
