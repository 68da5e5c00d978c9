"""The SageMaker emulator against the spec, driven by boto3 and by a signer of its own.

Section numbers are those of the SageMaker spec. Nothing here knows the provider or its client: what is tested is the
wire. Protocol, signatures and constraints are in `test_sagemaker_wire`; IAM and STS have a file of their own.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.errors import UsageError
from providers.sagemaker.emulator import (
    ACCESS_KEY,
    OPERATIONS,
    SECRET_KEY,
    SWITCHES,
)
from providers.sagemaker.emulator import _model as model_of
from providers.sagemaker.emulator.answers import FAULTS
from tests.clouds.sagemaker_cloud import (
    ACCOUNT,
    CONFIG,
    DOMAIN,
    JUPYTER,
    NOON,
    NOTEBOOK,
    REGION,
    ROLE,
    Cloud,
    arn,
    fresh,
    moto_server,
    served,
)

SCRIPT = base64.b64encode(b"#!/bin/sh\necho hello\n").decode()
LAB: dict[str, Any] = {"SpaceName": "space", "AppType": "JupyterLab", "AppName": "default"}
PRIVATE: dict[str, Any] = {
    "OwnershipSettings": {"OwnerUserProfileName": "alice"},
    "SpaceSharingSettings": {"SharingType": "Private"},
    "SpaceSettings": {
        "AppType": "JupyterLab",
        "SpaceStorageSettings": {"EbsStorageSettings": {"EbsVolumeSizeInGb": 5}},
    },
}


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with served(tmp_path_factory.mktemp("sagemaker")) as cloud:
        yield cloud


@pytest.fixture
def cloud(one_server: Cloud) -> Iterator[Cloud]:
    with fresh(one_server):
        yield one_server


@pytest.fixture
def studio(cloud: Cloud) -> tuple[Cloud, str]:
    """A cloud with a domain `lab` and a profile `alice` in service."""
    domain = cloud.domain()
    cloud.profile(domain)
    return cloud, domain


# 5: notebook instances


def status(cloud: Cloud, name: str = "nb") -> str:
    return cloud.sm.describe_notebook_instance(NotebookInstanceName=name)["NotebookInstanceStatus"]


def modified(cloud: Cloud) -> float:
    return cloud.sm.describe_notebook_instance(NotebookInstanceName="nb")["LastModifiedTime"].timestamp()


def test_the_life_of_a_notebook(cloud: Cloud) -> None:
    """5.3: every status that a caller can bring about; LastModifiedTime moves with each."""
    name = {"NotebookInstanceName": "nb"}
    cloud.sm.create_notebook_instance(**NOTEBOOK)
    seen = [(status(cloud), modified(cloud) - NOON)]
    for act, seconds in (
        (lambda: None, 239),
        (lambda: None, 1),
        (lambda: cloud.sm.stop_notebook_instance(**name), 0),
        (lambda: None, 120),
        (lambda: cloud.sm.update_notebook_instance(**name, InstanceType="ml.m5.xlarge"), 0),
        (lambda: None, 30),
        (lambda: cloud.sm.start_notebook_instance(**name), 0),
        (lambda: None, 180),
        (lambda: cloud.sm.stop_notebook_instance(**name), 200),
        (lambda: cloud.sm.delete_notebook_instance(**name), 0),
    ):
        act()
        cloud.advance(seconds)
        seen.append((status(cloud), modified(cloud) - NOON))
    assert seen == [
        ("Pending", 0),
        ("Pending", 0),
        ("InService", 240),
        ("Stopping", 240),
        ("Stopped", 360),
        ("Updating", 360),
        ("Stopped", 390),
        ("Pending", 390),
        ("InService", 570),
        ("Stopped", 690),
        ("Deleting", 770),
    ]
    cloud.advance(60)
    for operation in ("describe", "delete", "start", "stop", "update"):
        assert cloud.no("ValidationException", f"{operation}_notebook_instance", **name) == "RecordNotFound"
    assert cloud.file.objects() == []
    cloud.notebook()  # room again


def test_everything_a_notebook_can_be_given(cloud: Cloud) -> None:
    cloud.sm.create_notebook_instance_lifecycle_config(
        NotebookInstanceLifecycleConfigName="hooks", OnStart=[{"Content": SCRIPT}]
    )
    cloud.sm.create_code_repository(CodeRepositoryName="repo", GitConfig={"RepositoryUrl": "https://example.org/a.git"})
    given = {
        **NOTEBOOK,
        "SubnetId": "subnet-1",
        "SecurityGroupIds": ["sg-2", "sg-1"],
        "IpAddressType": "dualstack",
        "KmsKeyId": "11111111-2222-3333-4444-555555555555",
        "Tags": [{"Key": "team", "Value": ""}],
        "LifecycleConfigName": "hooks",
        "DirectInternetAccess": "Disabled",
        "VolumeSizeInGB": 16384,
        "AcceleratorTypes": ["ml.eia2.medium"],
        "DefaultCodeRepository": "repo",
        "AdditionalCodeRepositories": ["https://example.org/b.git", "repo"],
        "RootAccess": "Disabled",
        "PlatformIdentifier": "notebook-al2023-v2",
        "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "2"},
    }
    cloud.sm.create_notebook_instance(**given)
    found = cloud.sm.describe_notebook_instance(NotebookInstanceName="nb")
    renamed = {"SecurityGroups": ["sg-2", "sg-1"], "NotebookInstanceLifecycleConfigName": "hooks"}
    shown = {
        name: value for name, value in given.items() if name not in ("SecurityGroupIds", "LifecycleConfigName", "Tags")
    }
    shown["KmsKeyId"] = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
    assert {**shown, **renamed}.items() <= found.items()
    assert re.fullmatch("eni-[0-9a-f]{17}", found["NetworkInterfaceId"])
    assert cloud.sm.list_tags(ResourceArn=found["NotebookInstanceArn"])["Tags"] == given["Tags"]


def test_updates_and_the_flags_that_clear(cloud: Cloud) -> None:
    for name in ("hooks", "other"):
        cloud.sm.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=name)
    url = "https://example.org/a.git"
    cloud.stopped(LifecycleConfigName="hooks", AcceleratorTypes=["ml.eia1.large"], DefaultCodeRepository=url)
    name = {"NotebookInstanceName": "nb"}

    def after(**changes: Any) -> dict[str, Any]:
        cloud.sm.update_notebook_instance(**name, **changes)
        cloud.advance(30)
        return cloud.sm.describe_notebook_instance(**name)

    found = after(
        InstanceType="ml.m5.xlarge",
        RoleArn=f"{ROLE}-2",
        LifecycleConfigName="other",
        VolumeSizeInGB=6,
        AdditionalCodeRepositories=[url],
        RootAccess="Disabled",
        PlatformIdentifier="notebook-al2023-v2",
        InstanceMetadataServiceConfiguration={"MinimumInstanceMetadataServiceVersion": "2"},
    )
    assert (found["InstanceType"], found["VolumeSizeInGB"], found["RootAccess"]) == ("ml.m5.xlarge", 6, "Disabled")
    assert found["NotebookInstanceLifecycleConfigName"] == "other"
    assert found["AdditionalCodeRepositories"] == [url]
    flags = {
        f"Disassociate{each}": True
        for each in ("LifecycleConfig", "AcceleratorTypes", "DefaultCodeRepository", "AdditionalCodeRepositories")
    }
    for _ in range(2):  # idempotent
        found = after(**flags)
        gone = {"NotebookInstanceLifecycleConfigName", "AcceleratorTypes", "DefaultCodeRepository"}
        assert not {*gone, "AdditionalCodeRepositories"} & found.keys()
        assert found["InstanceType"] == "ml.m5.xlarge"
    assert after(DisassociateLifecycleConfig=False)["NotebookInstanceStatus"] == "Stopped"


def test_a_flag_with_its_field(cloud: Cloud) -> None:
    """5.2, rule 3: nobody knows, so there is a switch."""
    cloud.sm.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="hooks")
    cloud.stopped()
    both = {"NotebookInstanceName": "nb", "LifecycleConfigName": "hooks", "DisassociateLifecycleConfig": True}
    cloud.no("ValidationException", "update_notebook_instance", **both)
    for choice, present in (("set", True), ("disassociate", False)):
        cloud.switch("disassociate-with-value", choice)
        cloud.sm.update_notebook_instance(**both)
        cloud.advance(30)
        found = cloud.sm.describe_notebook_instance(NotebookInstanceName="nb")
        assert ("NotebookInstanceLifecycleConfigName" in found) is present


STATUSES = (
    "Pending",
    "InService",
    "Stopping",
    "Stopped",
    "Failed",
    "Deleting",
    "Updating",
    "PendingMaintenance",
    "InMaintenance",
)


@pytest.mark.parametrize(
    ("operation", "legal", "leads_to"),
    [
        ("start", ("Stopped", "Failed"), "Pending"),
        ("stop", ("InService",), "Stopping"),
        ("update", ("Stopped", "Failed"), "Updating"),
        ("delete", ("Stopped", "Failed"), "Deleting"),
    ],
)
def test_every_guard_from_every_status(cloud: Cloud, operation: str, legal: tuple[str, ...], leads_to: str) -> None:
    """17.3's table, with the texts of 3.4."""
    for present in STATUSES:
        cloud.file.reset()
        cloud.file.freeze(NOON)
        cloud.notebook()
        cloud.file.edit("sagemaker", "nb", status=present)
        assert status(cloud) == present
        if present in legal:
            getattr(cloud.sm, f"{operation}_notebook_instance")(NotebookInstanceName="nb")
            assert status(cloud) == leads_to
        else:
            said = cloud.no("ValidationException", f"{operation}_notebook_instance", NotebookInstanceName="nb")
            assert said == (
                f"Status ({present}) not in ([{', '.join(legal)}]). Unable to transition to ({leads_to})"
                f" for Notebook Instance ({arn('notebook-instance/nb')})"
            )
            assert status(cloud) == present


def test_updating_a_failed_notebook_by_switch(cloud: Cloud) -> None:
    cloud.stopped()
    cloud.file.edit("sagemaker", "nb", status="Failed")
    cloud.switch("update-failed-notebook", "refuse")
    assert "not in ([Stopped])" in cloud.no(
        "ValidationException", "update_notebook_instance", NotebookInstanceName="nb"
    )


def test_maintenance_by_switch(cloud: Cloud) -> None:
    """5.3: InService, PendingMaintenance, InMaintenance, InService."""
    cloud.switch("maintenance", "1000")
    cloud.notebook()
    seen = []
    for seconds in (0, 999, 1, 60, 60):
        cloud.advance(seconds)
        seen.append(status(cloud))
    assert seen == ["InService", "InService", "PendingMaintenance", "InMaintenance", "InService"]
    cloud.switch("notebook-pace", "never")
    cloud.sm.create_notebook_instance(**{**NOTEBOOK, "NotebookInstanceName": "stuck"})
    cloud.advance(1e6)
    assert status(cloud, "stuck") == "Pending"


def test_duplicate_names(cloud: Cloud) -> None:
    """3.4; and 4.6: the ARN has no capitals, so the names cannot differ in them alone."""
    cloud.notebook("My-NB")
    for name in ("My-NB", "my-nb"):
        said = cloud.no("ValidationException", "create_notebook_instance", **{**NOTEBOOK, "NotebookInstanceName": name})
        assert said == f"Cannot create a duplicate Notebook Instance ({arn('notebook-instance/my-nb')})"
    found = cloud.sm.describe_notebook_instance(NotebookInstanceName="My-NB")
    assert (found["NotebookInstanceName"], found["NotebookInstanceArn"]) == ("My-NB", arn("notebook-instance/my-nb"))
    cloud.sm.add_tags(ResourceArn=found["NotebookInstanceArn"], Tags=[{"Key": "a", "Value": "b"}])


@pytest.mark.parametrize(
    "wrong",
    [
        {"DirectInternetAccess": "Disabled"},
        {"SecurityGroupIds": ["sg-1"]},
        {"IpAddressType": "dualstack"},
        {"PlatformIdentifier": "notebook-al1-v1"},
        {"PlatformIdentifier": "notebook-al2-v1"},
        {"PlatformIdentifier": "notebook-al2-v2"},
        {"PlatformIdentifier": "notebook-al2-v3"},
        {"InstanceType": "ml.p3.2xlarge"},
        {"InstanceType": "ml.inf1.xlarge", "PlatformIdentifier": "notebook-al2023-v2"},
        {"LifecycleConfigName": "nowhere"},
        {"DefaultCodeRepository": "nowhere"},
        {"AdditionalCodeRepositories": ["https://example.org/a", "nowhere"]},
        {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]},
        {"Tags": [{"Key": "aws:a", "Value": "1"}]},
    ],
)
def test_cross_field_rules_of_a_notebook(cloud: Cloud, wrong: dict[str, Any]) -> None:
    """5.2, 5.4, 17.3.6."""
    said = cloud.no("ValidationException", "create_notebook_instance", **{**NOTEBOOK, **wrong})
    assert "validation error" not in said
    assert cloud.file.objects() == []


def test_texts_of_cross_field_rules(cloud: Cloud) -> None:
    def said(**wrong: Any) -> str:
        return cloud.no("ValidationException", "create_notebook_instance", **{**NOTEBOOK, **wrong})

    assert said(PlatformIdentifier="notebook-al2-v3") == (
        "Platform identifier (notebook-al2-v3) is not supported for this service."
    )
    assert said(LifecycleConfigName="no").startswith("Unable to describe Notebook Instance Lifecycle Config")
    assert said(DefaultCodeRepository="no").startswith("Cannot find CodeRepository")
    assert said(Tags=[{"Key": "aws:x", "Value": ""}]) == "System prefix 'aws:' reserved for AWS usage in tag key: aws:x"


def test_switches_for_what_is_not_known_about_notebooks(cloud: Cloud) -> None:
    cloud.switch("groups-without-subnet", "ignore")
    cloud.notebook("a", SecurityGroupIds=["sg-1"])
    assert "SecurityGroups" not in cloud.sm.describe_notebook_instance(NotebookInstanceName="a")
    cloud.switch("references", "accept")
    cloud.notebook("b", LifecycleConfigName="nowhere", DefaultCodeRepository="nowhere")
    cloud.switch("elastic-inference", "refuse")
    wrong = {**NOTEBOOK, "AcceleratorTypes": ["ml.eia1.medium"]}
    assert "no longer supported" in cloud.no("ValidationException", "create_notebook_instance", **wrong)


def test_the_end_of_al2(cloud: Cloud) -> None:
    """5.4: what runs on AL2 can neither be made nor started, only moved."""
    cloud.switch("al2-v3", "available")
    cloud.stopped(PlatformIdentifier="notebook-al2-v3")
    cloud.switch("al2-v3", "retired")
    said = cloud.no("ValidationException", "start_notebook_instance", NotebookInstanceName="nb")
    assert said == "Platform identifier (notebook-al2-v3) is not supported for this service."
    cloud.sm.update_notebook_instance(NotebookInstanceName="nb", VolumeSizeInGB=6)
    cloud.advance(30)
    cloud.sm.update_notebook_instance(NotebookInstanceName="nb", PlatformIdentifier="notebook-al2023-v1")
    cloud.advance(30)
    cloud.sm.start_notebook_instance(NotebookInstanceName="nb")


def test_a_volume_only_grows(cloud: Cloud) -> None:
    cloud.stopped(VolumeSizeInGB=10)
    for size in (9, 5):
        said = cloud.no(
            "ValidationException", "update_notebook_instance", NotebookInstanceName="nb", VolumeSizeInGB=size
        )
        assert "cannot be decreased" in said
    for size in (10, 11):
        cloud.sm.update_notebook_instance(NotebookInstanceName="nb", VolumeSizeInGB=size)
        cloud.advance(30)


def test_the_default_group_of_a_subnet(cloud: Cloud) -> None:
    cloud.notebook("a", SubnetId="subnet-1")
    cloud.notebook("b", SubnetId="subnet-1", SecurityGroupIds=[])
    groups = [cloud.sm.describe_notebook_instance(NotebookInstanceName=name)["SecurityGroups"] for name in "ab"]
    assert groups[0] == groups[1]
    assert re.fullmatch("sg-[0-9a-f]{17}", groups[0][0])


def test_keys_read_back_as_arns(cloud: Cloud) -> None:
    """5.1: an ID or an alias reads back differently."""
    shown = {}
    for name, key in (
        ("a", "alias/mine"),
        ("b", "alias/mine"),
        ("c", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"),
        ("d", "k"),
    ):
        cloud.notebook(name, KmsKeyId=key)
        shown[name] = cloud.sm.describe_notebook_instance(NotebookInstanceName=name)["KmsKeyId"]
    assert shown["a"] == shown["b"]
    assert re.fullmatch(rf"arn:aws:kms:{REGION}:{ACCOUNT}:key/[0-9a-f-]{{36}}", shown["a"])
    assert shown["c"] == shown["d"] == f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"


def test_presigned_urls_of_a_notebook(cloud: Cloud) -> None:
    cloud.sm.create_notebook_instance(**NOTEBOOK)
    cloud.no("ValidationException", "create_presigned_notebook_instance_url", NotebookInstanceName="nb")
    cloud.advance(240)
    url = cloud.sm.create_presigned_notebook_instance_url(NotebookInstanceName="nb")["AuthorizedUrl"]
    assert url.startswith("https://nb.notebook.eu-west-1.sagemaker.aws?authToken=")
    short = {"NotebookInstanceName": "nb", "SessionExpirationDurationInSeconds": 1799}
    assert "sessionExpirationDurationInSeconds" in cloud.no(
        "ValidationException", "create_presigned_notebook_instance_url", **short
    )


# 4.4: boto3's own waiters


@pytest.mark.parametrize("speed", ["instant", "fast"])
def test_waiters(tmp_path: Path, speed: str) -> None:
    with served(tmp_path, speed=speed) as cloud:
        cloud.switch("notebook-pace", "looks:2" if speed == "fast" else "auto")
        config = {"Delay": 0.01, "MaxAttempts": 10}
        name = {"NotebookInstanceName": "nb"}
        cloud.sm.create_notebook_instance(**NOTEBOOK)
        cloud.sm.get_waiter("notebook_instance_in_service").wait(**name, WaiterConfig=config)
        cloud.sm.stop_notebook_instance(**name)
        cloud.sm.get_waiter("notebook_instance_stopped").wait(**name, WaiterConfig=config)
        cloud.sm.delete_notebook_instance(**name)
        cloud.sm.get_waiter("notebook_instance_deleted").wait(**name, WaiterConfig=config)
        cloud.fault("fail", "CreateNotebookInstance")
        cloud.sm.create_notebook_instance(**NOTEBOOK)
        with pytest.raises(botocore.exceptions.WaiterError):
            cloud.sm.get_waiter("notebook_instance_in_service").wait(**name, WaiterConfig=config)
        assert cloud.strangers == []


def test_fast_is_a_hundredth(tmp_path: Path) -> None:
    with served(tmp_path, speed="fast") as cloud:
        cloud.file.freeze(NOON)
        cloud.sm.create_notebook_instance(**NOTEBOOK)
        cloud.advance(2.3)
        assert status(cloud) == "Pending"
        cloud.advance(0.2)
        assert status(cloud) == "InService"


# 7: domains


def test_the_life_of_a_domain(cloud: Cloud) -> None:
    made = cloud.sm.create_domain(**DOMAIN, Tags=[{"Key": "a", "Value": "b"}])
    id = made["DomainId"]
    assert re.fullmatch("d-[a-z0-9]{12}", id)
    assert made["DomainArn"] == arn(f"domain/{id}")
    assert made["Url"] == f"https://{id}.studio.eu-west-1.sagemaker.aws"
    found = cloud.sm.describe_domain(DomainId=id)
    assert found["Status"] == "Pending"
    assert re.fullmatch("fs-[0-9a-f]{17}", found["HomeEfsFileSystemId"])
    assert {
        **DOMAIN,
        "AppNetworkAccessType": "PublicInternetOnly",
        "TagPropagation": "DISABLED",
    }.items() <= found.items()
    cloud.advance(180)
    found = cloud.sm.describe_domain(DomainId=id)
    assert (found["Status"], found["LastModifiedTime"]) == ("InService", datetime.fromtimestamp(NOON + 180, UTC))
    assert cloud.sm.update_domain(DomainId=id, TagPropagation="ENABLED")["DomainArn"] == arn(f"domain/{id}")
    assert cloud.sm.describe_domain(DomainId=id)["Status"] == "Updating"
    cloud.advance(20)
    assert cloud.sm.describe_domain(DomainId=id)["TagPropagation"] == "ENABLED"
    cloud.sm.delete_domain(DomainId=id, RetentionPolicy={"HomeEfsFileSystem": "Delete"})
    assert cloud.sm.describe_domain(DomainId=id)["Status"] == "Deleting"
    cloud.no("ResourceInUse", "delete_domain", DomainId=id)
    cloud.advance(120)
    for operation in ("describe", "update", "delete"):
        assert "does not exist" in cloud.no("ResourceNotFound", f"{operation}_domain", DomainId=id)


FAMILY = {
    "Domain": ("describe_domain", "update_domain", "delete_domain", ("DomainId",)),
    "UserProfile": (
        "describe_user_profile",
        "update_user_profile",
        "delete_user_profile",
        ("DomainId", "UserProfileName"),
    ),
    "Space": ("describe_space", "update_space", "delete_space", ("DomainId", "SpaceName")),
}


@pytest.mark.parametrize("type", list(FAMILY))
def test_every_status_of_the_family(studio: tuple[Cloud, str], type: str) -> None:
    """7.3 and 17.3: what may be updated and deleted from where, and the three ways to fail."""
    cloud, domain = studio
    if type == "Domain":
        domain = cloud.domain("other")
        id = domain
    else:
        id = cloud.profile(domain, "bob") if type == "UserProfile" else cloud.space(domain)
    key = {"DomainId": domain, "UserProfileName": "bob", "SpaceName": "space"}
    describe, update, delete, names = FAMILY[type]
    key = {name: key[name] for name in names}
    calls = {each: getattr(cloud.sm, each) for each in (describe, update, delete)}
    for present in ("Pending", "InService", "Updating", "Deleting", "Failed", "Update_Failed", "Delete_Failed"):
        for operation, legal in (
            (update, ("InService", "Update_Failed")),
            (delete, ("InService", "Failed", "Update_Failed", "Delete_Failed")),
        ):
            cloud.file.edit("sagemaker", id, status=present)
            assert calls[describe](**key)["Status"] == present
            if present in legal:
                calls[operation](**key)
                assert calls[describe](**key)["Status"] == ("Updating" if operation == update else "Deleting")
            else:
                assert f"is in status {present}" in cloud.no("ResourceInUse", operation, **key)
    cloud.file.edit("sagemaker", id, status="InService")
    for operation, failed in ((update, "Update_Failed"), (delete, "Delete_Failed")):
        cloud.fault("fail", changes={"FailureReason": "bad luck"})
        calls[operation](**key)
        cloud.advance(1000)
        found = calls[describe](**key)
        assert (found["Status"], found["FailureReason"]) == (failed, "bad luck")
    cloud.file.edit("sagemaker", id, status="Update_Failed")
    calls[update](**key)
    cloud.advance(1000)
    found = calls[describe](**key)
    assert found["Status"] == "InService"
    assert "FailureReason" not in found


def test_a_create_that_fails(cloud: Cloud) -> None:
    cloud.fault("fail", "CreateDomain")
    id = cloud.domain()
    found = cloud.sm.describe_domain(DomainId=id)
    assert (found["Status"], bool(found["FailureReason"])) == ("Failed", True)
    cloud.no("ResourceInUse", "create_user_profile", DomainId=id, UserProfileName="a")
    cloud.sm.delete_domain(DomainId=id)


def test_what_stands_in_a_domain_holds_it(studio: tuple[Cloud, str]) -> None:
    """7.4: apps, spaces, profiles, then the domain."""
    cloud, domain = studio
    cloud.space(domain, **PRIVATE)
    cloud.app(domain, **LAB)
    cloud.app(domain, **JUPYTER)
    profile = arn(f"user-profile/{domain}/alice")
    alice, space = {"DomainId": domain, "UserProfileName": "alice"}, {"DomainId": domain, "SpaceName": "space"}
    assert "UserProfile(s) are associated" in cloud.no("ResourceInUse", "delete_domain", DomainId=domain)
    assert cloud.no("ResourceInUse", "delete_user_profile", **alice) == (
        f"Unable to delete UserProfile [{profile}] because App(s) are associated with it."
    )
    assert "because App(s) are associated" in cloud.no("ResourceInUse", "delete_space", **space)
    cloud.sm.delete_app(DomainId=domain, **JUPYTER)
    cloud.no("ResourceInUse", "delete_user_profile", **alice)  # still Deleting
    cloud.advance(60)
    assert "because Space(s) are associated" in cloud.no("ResourceInUse", "delete_user_profile", **alice)
    cloud.sm.delete_app(DomainId=domain, **LAB)
    cloud.advance(60)
    cloud.sm.delete_space(**space)
    cloud.no("ResourceInUse", "delete_user_profile", **alice)  # the space is still Deleting
    cloud.advance(15)
    cloud.sm.delete_user_profile(**alice)
    cloud.no("ResourceInUse", "delete_domain", DomainId=domain)
    cloud.advance(15)
    cloud.sm.delete_domain(DomainId=domain)
    cloud.advance(120)
    cloud.no("ResourceNotFound", "describe_domain", DomainId=domain)
    assert cloud.file.objects() == []  # not even the apps that had ended


@pytest.mark.parametrize(
    "wrong",
    [
        {"VpcId": None},
        {"SubnetIds": None},
        {"AppNetworkAccessType": "VpcOnly", "DomainSettings": {"UnifiedStudioSettings": {}}, "VpcId": None},
        {"DomainSettings": {"AmazonQSettings": {"Status": "ENABLED"}}},
        {
            "AppNetworkAccessType": "VpcOnly",
            "DomainSettings": {"RStudioServerProDomainSettings": {"DomainExecutionRoleArn": ROLE}},
        },
        {
            "AppSecurityGroupManagement": "Customer",
            "DomainSettings": {"RStudioServerProDomainSettings": {"DomainExecutionRoleArn": ROLE}},
        },
        {"DefaultUserSettings": {"DefaultLandingUri": "studio::"}},
        {"DefaultUserSettings": {"AutoMountHomeEFS": "DefaultAsDomain"}},
        {"DefaultUserSettings": {"SharingSettings": {"NotebookOutputOption": "Allowed"}}},
        {
            "DefaultUserSettings": {
                "SpaceStorageSettings": {
                    "DefaultEbsStorageSettings": {"DefaultEbsVolumeSizeInGb": 9, "MaximumEbsVolumeSizeInGb": 8}
                }
            }
        },
        {"DefaultUserSettings": {"JupyterLabAppSettings": {"LifecycleConfigArns": [arn("studio-lifecycle-config/x")]}}},
        {
            "DefaultUserSettings": {
                "JupyterLabAppSettings": {
                    "DefaultResourceSpec": {"InstanceType": "ml.t3.medium"},
                    "LifecycleConfigArns": [arn("studio-lifecycle-config/x")],
                }
            }
        },
        {
            "DefaultUserSettings": {
                "CodeEditorAppSettings": {
                    "AppLifecycleManagement": {
                        "IdleSettings": {"IdleTimeoutInMinutes": 60, "MinIdleTimeoutInMinutes": 90}
                    }
                }
            }
        },
        {"DefaultUserSettings": {"KernelGatewayAppSettings": {"DefaultResourceSpec": {"TrainingPlanArn": "None"}}}},
        {
            "DefaultSpaceSettings": {
                "JupyterServerAppSettings": {"DefaultResourceSpec": {"InstanceType": "ml.t3.micro"}}
            }
        },
        {"Tags": [{"Key": "AWS:a", "Value": ""}]},
    ],
)
def test_cross_field_rules_of_a_domain(cloud: Cloud, wrong: dict[str, Any]) -> None:
    """7.1, 7.2."""
    given = {name: value for name, value in {**DOMAIN, **wrong}.items() if value is not None}
    assert "validation error" not in cloud.no("ValidationException", "create_domain", **given)
    assert cloud.file.objects() == []


def test_an_instance_for_jupyter_server(cloud: Cloud) -> None:
    """The text of terraform-provider-aws, pull request 20470."""
    settings = {"JupyterServerAppSettings": {"DefaultResourceSpec": {"InstanceType": "ml.t3.micro"}}}
    said = cloud.no("ValidationException", "create_domain", **{**DOMAIN, "DefaultUserSettings": settings})
    assert said == "Invalid instance type 'ml.t3.micro' for JupyterServer App. Only 'system' instance type is supported"


def test_a_domain_of_unified_studio_needs_no_vpc(cloud: Cloud) -> None:
    settings = {"UnifiedStudioSettings": {"DomainId": "dzd-abc"}}
    id = cloud.sm.create_domain(DomainName="u", AuthMode="IAM", DefaultUserSettings={}, DomainSettings=settings)[
        "DomainId"
    ]
    cloud.advance(180)
    cloud.sm.update_domain(DomainId=id, VpcId="vpc-1", SubnetIds=["subnet-1"])
    cloud.advance(20)
    assert cloud.sm.describe_domain(DomainId=id)["VpcId"] == "vpc-1"
    cloud.no("ValidationException", "update_domain", DomainId=id, VpcId="vpc-2")


def test_domain_names(cloud: Cloud) -> None:
    first = cloud.domain()
    assert "already exists" in cloud.no("ResourceInUse", "create_domain", **DOMAIN)
    cloud.switch("domain-names", "any")
    second = cloud.domain()
    assert [each["DomainId"] for each in cloud.sm.list_domains()["Domains"]] == [first, second]


def test_what_a_domain_has_made_for_it(cloud: Cloud) -> None:
    settings = {"RStudioServerProDomainSettings": {"DomainExecutionRoleArn": ROLE, "RStudioConnectUrl": "https://x"}}
    id = cloud.domain(AuthMode="SSO", DomainSettings=settings, KmsKeyId="k", HomeEfsFileSystemCreation="Disabled")
    found = cloud.sm.describe_domain(DomainId=id)
    assert re.fullmatch("sg-[0-9a-f]{17}", found["SecurityGroupIdForDomainBoundary"])
    assert re.fullmatch(rf"arn:aws:sso::{ACCOUNT}:application/ssoins-\w+/apl-\w+", found["SingleSignOnApplicationArn"])
    assert found["SingleSignOnManagedApplicationInstanceId"].startswith("ins-")
    assert found["KmsKeyId"] == f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"
    assert "HomeEfsFileSystemId" not in found
    cloud.sm.update_domain(DomainId=id, HomeEfsFileSystemCreation="Enabled")
    cloud.advance(20)
    assert "HomeEfsFileSystemId" in cloud.sm.describe_domain(DomainId=id)
    cloud.no("ValidationException", "update_domain", DomainId=id, HomeEfsFileSystemCreation="Disabled")
    said = cloud.no("ValidationException", "update_domain", DomainId=id, AppNetworkAccessType="VpcOnly")
    assert "RStudio" in said


def test_settings_replaced_or_merged(cloud: Cloud) -> None:
    """7.2, unknown 5."""
    rich = {
        "ExecutionRole": ROLE,
        "SecurityGroups": ["sg-1"],
        "JupyterLabAppSettings": {"DefaultResourceSpec": {"InstanceType": "ml.t3.medium"}},
    }
    id = cloud.domain(DefaultUserSettings=rich, DomainSettings={"SecurityGroupIds": ["sg-9"]})
    change = {"JupyterLabAppSettings": {"DefaultResourceSpec": {"SageMakerImageVersionAlias": "1.2.3"}}}
    cloud.switch("settings-update", "merge")
    cloud.sm.update_domain(DomainId=id, DefaultUserSettings=change)
    cloud.advance(20)
    spec = {"InstanceType": "ml.t3.medium", "SageMakerImageVersionAlias": "1.2.3"}
    merged = {**rich, "JupyterLabAppSettings": {"DefaultResourceSpec": spec}}
    assert cloud.sm.describe_domain(DomainId=id)["DefaultUserSettings"] == merged
    cloud.switch("settings-update", "replace")
    update = {"RStudioServerProDomainSettingsForUpdate": {"DomainExecutionRoleArn": ROLE}}
    cloud.sm.update_domain(DomainId=id, DefaultUserSettings=change, DomainSettingsForUpdate=update)
    cloud.advance(20)
    found = cloud.sm.describe_domain(DomainId=id)
    assert found["DefaultUserSettings"] == change
    assert found["DomainSettings"] == {
        "SecurityGroupIds": ["sg-9"],
        "RStudioServerProDomainSettings": {"DomainExecutionRoleArn": ROLE},
    }


def test_changes_that_live_apps_forbid(studio: tuple[Cloud, str]) -> None:
    """7.1."""
    cloud, domain = studio
    cloud.sm.update_domain(DomainId=domain, SubnetIds=["subnet-0a", "subnet-0b"])
    cloud.advance(20)
    cloud.app(domain)
    for change in (
        {"SubnetIds": ["subnet-0a"]},
        {"AppNetworkAccessType": "VpcOnly"},
        {"DomainSettingsForUpdate": {"ExecutionRoleIdentityConfig": "USER_PROFILE_NAME"}},
    ):
        assert "App(s) are associated" in cloud.no("ResourceInUse", "update_domain", DomainId=domain, **change)
    cloud.sm.update_domain(DomainId=domain, SubnetIds=["subnet-0c", "subnet-0b", "subnet-0a"])
    cloud.advance(20)
    cloud.sm.delete_app(DomainId=domain, **JUPYTER)
    cloud.advance(60)
    cloud.sm.update_domain(DomainId=domain, SubnetIds=["subnet-0a"], AppNetworkAccessType="VpcOnly")


def test_a_wrong_network_shows_later(cloud: Cloud) -> None:
    """3.4: accepted, then Failed."""
    cloud.switch("subnets", "subnet-0a=vpc-0b,subnet-0b=vpc-0b")
    cloud.switch("security-groups", "sg-1=vpc-0b,sg-2=vpc-0c,sg-3")
    for wrong, names in (
        ({}, "subnet-0a"),
        ({"VpcId": "vpc-0b", "SubnetIds": ["subnet-0c"]}, "subnet-0c"),
        ({"VpcId": "vpc-0b", "DomainSettings": {"SecurityGroupIds": ["sg-2"]}}, "sg-2"),
        ({"VpcId": "vpc-0b", "DefaultUserSettings": {"SecurityGroups": ["sg-4"]}}, "sg-4"),
    ):
        id = cloud.domain(**wrong)
        found = cloud.sm.describe_domain(DomainId=id)
        assert found["Status"] == "Failed"
        assert names in found["FailureReason"]
        cloud.sm.delete_domain(DomainId=id)
        cloud.advance(120)
    id = cloud.domain(VpcId="vpc-0b", DomainSettings={"SecurityGroupIds": ["sg-1", "sg-3"]})
    assert cloud.sm.describe_domain(DomainId=id)["Status"] == "InService"
    cloud.sm.update_domain(DomainId=id, SubnetIds=["subnet-0c"])
    cloud.advance(20)
    assert cloud.sm.describe_domain(DomainId=id)["Status"] == "Update_Failed"


def test_networks_and_keys_of_a_notebook_are_judged_at_once(cloud: Cloud) -> None:
    cloud.switch("subnets", "subnet-0a=vpc-0a")
    cloud.switch("security-groups", "sg-1=vpc-0b")
    cloud.switch("kms-keys", "k1,k2=disabled,alias/mine")
    for wrong in (
        {"SubnetId": "subnet-0b"},
        {"SubnetId": "subnet-0a", "SecurityGroupIds": ["sg-1"]},
        {"SubnetId": "subnet-0a", "SecurityGroupIds": ["sg-2"]},
        {"KmsKeyId": "k2"},
        {"KmsKeyId": "k3"},
        {"KmsKeyId": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k3"},
    ):
        cloud.no("ValidationException", "create_notebook_instance", **{**NOTEBOOK, **wrong})
    cloud.notebook("a", SubnetId="subnet-0a", KmsKeyId="k1")
    cloud.notebook("b", KmsKeyId=f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k1")
    cloud.notebook("c", KmsKeyId="alias/mine")
    cloud.no("ValidationException", "create_domain", **DOMAIN, KmsKeyId="k2")


def test_a_console_made_domain(cloud: Cloud) -> None:
    """7.1: members beyond those that were set."""
    cloud.switch("domain-extras", "console")
    found = cloud.sm.describe_domain(DomainId=cloud.domain())
    settings = found["DefaultUserSettings"]
    assert (settings["ExecutionRole"], settings["DefaultLandingUri"]) == (ROLE, "studio::")
    cloud.sm.update_domain(DomainId=found["DomainId"], DefaultUserSettings=settings)


def test_presigned_urls_of_a_domain(studio: tuple[Cloud, str]) -> None:
    cloud, domain = studio
    cloud.space(domain)
    for more in ({}, {"SpaceName": "space", "LandingUri": "studio::relative/path"}):
        members = {"DomainId": domain, "UserProfileName": "alice", **more}
        url = cloud.sm.create_presigned_domain_url(**members)["AuthorizedUrl"]
        assert url.startswith(f"https://{domain}.studio.eu-west-1.sagemaker.aws/auth?token=")
    missing = {"DomainId": domain, "UserProfileName": "bob"}
    cloud.no("ResourceNotFound", "create_presigned_domain_url", **missing)
    cloud.sm.create_user_profile(**missing)
    cloud.no("ValidationException", "create_presigned_domain_url", **missing)


# 8: user profiles


def test_the_life_of_a_profile(cloud: Cloud) -> None:
    domain = cloud.domain()
    key = {"DomainId": domain, "UserProfileName": "Alice"}
    made = cloud.sm.create_user_profile(**key, UserSettings={"ExecutionRole": ROLE}, Tags=[{"Key": "a", "Value": "b"}])
    assert made["UserProfileArn"] == arn(f"user-profile/{domain}/Alice")
    assert cloud.sm.describe_user_profile(**key)["Status"] == "Pending"
    assert "already exists" in cloud.no("ResourceInUse", "create_user_profile", **key)
    cloud.advance(15)
    found = cloud.sm.describe_user_profile(**key)
    assert (found["Status"], found["HomeEfsFileSystemUid"]) == ("InService", "200001")
    assert found["UserSettings"] == {"ExecutionRole": ROLE}
    cloud.sm.update_user_profile(**key, UserSettings={"SecurityGroups": ["sg-1"]})
    cloud.advance(10)
    assert cloud.sm.describe_user_profile(**key)["UserSettings"] == {"SecurityGroups": ["sg-1"]}
    cloud.sm.delete_user_profile(**key)
    assert cloud.sm.describe_user_profile(**key)["Status"] == "Deleting"
    cloud.advance(15)
    for operation in ("describe", "update", "delete"):
        assert "does not exist" in cloud.no("ResourceNotFound", f"{operation}_user_profile", **key)
    cloud.profile(domain, "bob")
    again = cloud.sm.describe_user_profile(DomainId=domain, UserProfileName="bob")
    assert again["HomeEfsFileSystemUid"] == "200002"
    cloud.no("ResourceNotFound", "create_user_profile", DomainId="d-nowhere", UserProfileName="a")


def test_the_case_of_a_profiles_name_does_not_count(studio: tuple[Cloud, str]) -> None:
    cloud, domain = studio
    loud = {"DomainId": domain, "UserProfileName": "ALICE"}
    assert cloud.sm.describe_user_profile(**loud)["UserProfileName"] == "alice"
    cloud.no("ResourceInUse", "create_user_profile", **loud)
    cloud.app(domain, UserProfileName="ALICE")
    app = cloud.sm.describe_app(DomainId=domain, **JUPYTER)
    assert (app["UserProfileName"], app["Status"]) == ("alice", "InService")


def test_single_sign_on(cloud: Cloud) -> None:
    """8: both with SSO, neither without."""
    plain, sso = cloud.domain("plain"), cloud.domain("sso", AuthMode="SSO")
    both = {"SingleSignOnUserIdentifier": "UserName", "SingleSignOnUserValue": "alice@example.org"}
    for domain, members, good in (
        (plain, both, False),
        (plain, {}, True),
        (sso, {}, False),
        (sso, {"SingleSignOnUserIdentifier": "UserName"}, False),
        (sso, both, True),
    ):
        if good:
            cloud.profile(domain, **members)
            found = cloud.sm.describe_user_profile(DomainId=domain, UserProfileName="alice")
            assert members.items() <= found.items()
        else:
            said = cloud.no(
                "ValidationException", "create_user_profile", DomainId=domain, UserProfileName="bob", **members
            )
            assert "SingleSignOnUser" in said
    wrong = {**both, "SingleSignOnUserIdentifier": "Mail"}
    cloud.no("ValidationException", "create_user_profile", DomainId=sso, UserProfileName="bob", **wrong)


def test_groups_of_a_vpc_only_domain(cloud: Cloud) -> None:
    domain = cloud.domain(AppNetworkAccessType="VpcOnly")
    bare = {"DomainId": domain, "UserProfileName": "alice"}
    assert "SecurityGroups" in cloud.no("ValidationException", "create_user_profile", **bare)
    cloud.profile(domain, UserSettings={"SecurityGroups": ["sg-1"]})
    cloud.no("ValidationException", "update_user_profile", **bare, UserSettings={"ExecutionRole": ROLE})


def test_a_domain_must_be_in_service(cloud: Cloud) -> None:
    id = cloud.sm.create_domain(**DOMAIN)["DomainId"]
    cloud.no("ResourceInUse", "create_user_profile", DomainId=id, UserProfileName="a")
    cloud.no("ResourceInUse", "create_space", DomainId=id, SpaceName="a")
    cloud.advance(180)
    cloud.sm.update_domain(DomainId=id)
    cloud.no("ResourceInUse", "create_user_profile", DomainId=id, UserProfileName="a")


# 9: spaces


def test_the_life_of_a_space(studio: tuple[Cloud, str]) -> None:
    cloud, domain = studio
    key = {"DomainId": domain, "SpaceName": "space"}
    cloud.sm.create_space(**key, **PRIVATE, SpaceDisplayName="My space", Tags=[{"Key": "a", "Value": "b"}])
    found = cloud.sm.describe_space(**key)
    assert found["Status"] == "Pending"
    assert {**PRIVATE, "SpaceDisplayName": "My space", "HomeEfsFileSystemUid": "200002"}.items() <= found.items()
    assert found["Url"].startswith(f"https://{domain}.studio.")
    assert "already exists" in cloud.no("ResourceInUse", "create_space", **key)
    cloud.advance(10)
    listed = cloud.sm.list_spaces(DomainIdEquals=domain)["Spaces"][0]
    assert listed["SpaceSettingsSummary"] == PRIVATE["SpaceSettings"]
    assert listed["SpaceSharingSettingsSummary"] == {"SharingType": "Private"}
    assert listed["OwnershipSettingsSummary"] == {"OwnerUserProfileName": "alice"}
    cloud.sm.update_space(**key, SpaceDisplayName="Other", SpaceSettings={"RemoteAccess": "ENABLED"})
    assert cloud.sm.describe_space(**key)["Status"] == "Updating"
    cloud.advance(10)
    found = cloud.sm.describe_space(**key)
    assert (found["SpaceDisplayName"], found["SpaceSettings"]["AppType"]) == ("Other", "JupyterLab")
    cloud.sm.delete_space(**key)
    cloud.advance(15)
    for operation in ("describe", "update", "delete"):
        assert "does not exist" in cloud.no("ResourceNotFound", f"{operation}_space", **key)
    cloud.switch("missing-app-or-space", "ValidationException")
    assert cloud.no("ValidationException", "describe_space", **key) == "RecordNotFound"


def test_rules_of_a_space(studio: tuple[Cloud, str]) -> None:
    """9 and 3.4."""
    cloud, domain = studio
    key = {"DomainId": domain, "SpaceName": "space"}
    bare = {name: value for name, value in PRIVATE.items() if name != "SpaceSettings"}
    said = cloud.no("ValidationException", "create_space", **key, **bare)
    assert said == f"SpaceSettings must be provided for creating private space [{arn(f'space/{domain}/space')}]"
    for wrong in (
        {"OwnershipSettings": PRIVATE["OwnershipSettings"]},
        {"SpaceSharingSettings": {"SharingType": "Shared"}},
        {**PRIVATE, "OwnershipSettings": {"OwnerUserProfileName": "nobody"}},
        {"SpaceSettings": {"JupyterServerAppSettings": {"DefaultResourceSpec": {"InstanceType": "ml.m5.large"}}}},
    ):
        cloud.no("ValidationException", "create_space", **key, **wrong)
    assert "spaceDisplayName" in cloud.no("ValidationException", "create_space", **key, SpaceDisplayName="  ")
    cloud.no("ResourceNotFound", "create_space", DomainId="d-nowhere", SpaceName="a")
    cloud.space(domain)
    said = cloud.no("ValidationException", "update_space", **key, SpaceSettings={"AppType": "JupyterLab"})
    assert said == "Updating AppType for Space is not supported."


def test_a_spaces_volume(studio: tuple[Cloud, str]) -> None:
    """9, 3.4: it grows, once in six hours."""
    cloud, domain = studio
    key = {"DomainId": domain, "SpaceName": "space"}
    cloud.space(domain, **PRIVATE)

    def resized(size: int) -> dict[str, Any]:
        storage = {"EbsStorageSettings": {"EbsVolumeSizeInGb": size}}
        cloud.sm.update_space(**key, SpaceSettings={"SpaceStorageSettings": storage})
        cloud.advance(10)
        return cloud.sm.describe_space(**key)

    assert resized(6)["Status"] == "InService"
    found = resized(7)
    assert found["Status"] == "Update_Failed"
    assert found["FailureReason"].startswith("VolumeModificationRateExceeded:")
    assert found["SpaceSettings"]["SpaceStorageSettings"]["EbsStorageSettings"]["EbsVolumeSizeInGb"] == 6
    assert resized(6)["Status"] == "InService"
    smaller = {"SpaceStorageSettings": {"EbsStorageSettings": {"EbsVolumeSizeInGb": 5}}}
    assert "cannot be decreased" in cloud.no("ValidationException", "update_space", **key, SpaceSettings=smaller)
    cloud.advance(6 * 3600)
    assert resized(7)["Status"] == "InService"


# 6: apps


def app_status(cloud: Cloud, domain: str, **key: Any) -> str:
    return cloud.sm.describe_app(DomainId=domain, **{**JUPYTER, **key})["Status"]


def test_the_life_of_an_app(studio: tuple[Cloud, str]) -> None:
    """6.3: Deleted stays visible for a day, and may be started anew."""
    cloud, domain = studio
    key = {"DomainId": domain, **JUPYTER}
    born = cloud.file.now()
    made = cloud.sm.create_app(**key, RecoveryMode=True, Tags=[{"Key": "a", "Value": "b"}])["AppArn"]
    assert made == arn(f"app/{domain}/alice/jupyterserver/default")
    found = cloud.sm.describe_app(**key)
    assert (found["Status"], found["RecoveryMode"], found["ResourceSpec"]["InstanceType"]) == (
        "Pending",
        True,
        "system",
    )
    assert "LastHealthCheckTimestamp" not in found
    assert "already exists" in cloud.no("ResourceInUse", "create_app", **key)
    cloud.advance(90)
    found = cloud.sm.describe_app(**key)
    assert (found["Status"], found["LastHealthCheckTimestamp"].timestamp()) == ("InService", born + 90)
    cloud.no("ResourceInUse", "create_app", **key)
    cloud.sm.delete_app(**key)
    assert app_status(cloud, domain) == "Deleting"
    cloud.no("ResourceInUse", "delete_app", **key)
    cloud.no("ResourceInUse", "create_app", **key)
    cloud.advance(60)
    assert app_status(cloud, domain) == "Deleted"
    assert cloud.sm.list_apps()["Apps"][0]["Status"] == "Deleted"
    assert "has already been deleted" in cloud.no("ValidationException", "delete_app", **key)
    cloud.advance(86_399)
    assert app_status(cloud, domain) == "Deleted"
    assert cloud.sm.create_app(**key)["AppArn"] == made
    found = cloud.sm.describe_app(**key)
    assert (found["Status"], found["CreationTime"].timestamp()) == ("Pending", born)  # a restart, not a new app
    assert "RecoveryMode" not in found
    assert cloud.sm.list_tags(ResourceArn=made)["Tags"] == []
    cloud.advance(90)
    cloud.sm.delete_app(**key)
    cloud.advance(60 + 86_400)
    for operation in ("describe", "delete"):
        assert "does not exist" in cloud.no("ResourceNotFound", f"{operation}_app", **key)
    assert cloud.sm.list_apps()["Apps"] == []
    cloud.switch("missing-app-or-space", "ValidationException")
    assert cloud.no("ValidationException", "describe_app", **key) == "RecordNotFound"


def test_a_failed_app(studio: tuple[Cloud, str]) -> None:
    """6.3: it holds nothing back, cannot be deleted, and may be started anew."""
    cloud, domain = studio
    key = {"DomainId": domain, **JUPYTER}
    cloud.fault("fail", "CreateApp", changes={"FailureReason": "no such image"})
    made = cloud.app(domain)
    found = cloud.sm.describe_app(**key)
    assert (found["Status"], found["FailureReason"]) == ("Failed", "no such image")
    said = cloud.no("ValidationException", "delete_app", **key)
    assert "previously failed and was automatically deleted" in said
    for operation, more in (("list_tags", {}), ("add_tags", {"Tags": []}), ("delete_tags", {"TagKeys": ["a"]})):
        assert cloud.no("ValidationException", operation, ResourceArn=made, **more) == ""
    cloud.app(domain)
    found = cloud.sm.describe_app(**key)
    assert found["Status"] == "InService"
    assert "FailureReason" not in found
    cloud.file.edit("sagemaker", made, status="Failed")
    cloud.sm.delete_user_profile(DomainId=domain, UserProfileName="alice")


def test_one_owner(studio: tuple[Cloud, str]) -> None:
    """6.1."""
    cloud, domain = studio
    for operation in ("create_app", "describe_app", "delete_app"):
        for owners in ({}, {"UserProfileName": "alice", "SpaceName": "s"}):
            key = {"DomainId": domain, "AppType": "JupyterServer", "AppName": "default", **owners}
            assert "UserProfileName" in cloud.no("ValidationException", operation, **key)
    both = {"UserProfileNameEquals": "a", "SpaceNameEquals": "b"}
    cloud.no("ValidationException", "list_apps", **both)


def test_owners_that_are_not_there(studio: tuple[Cloud, str]) -> None:
    cloud, domain = studio
    cloud.no("ResourceNotFound", "create_app", **{"DomainId": "d-nowhere", **JUPYTER})
    cloud.no("ResourceNotFound", "create_app", DomainId=domain, **{**JUPYTER, "UserProfileName": "bob"})
    cloud.no("ResourceNotFound", "create_app", DomainId=domain, **LAB)
    cloud.sm.create_user_profile(DomainId=domain, UserProfileName="bob")
    cloud.no("ResourceInUse", "create_app", DomainId=domain, **{**JUPYTER, "UserProfileName": "bob"})  # still Pending
    cloud.sm.update_domain(DomainId=domain)
    cloud.no("ResourceInUse", "create_app", DomainId=domain, **JUPYTER)


KERNEL = {"UserProfileName": "alice", "AppType": "KernelGateway", "AppName": "k1"}


def test_where_an_instance_type_comes_from(cloud: Cloud) -> None:
    """6.2: request, then profile, then domain; a KernelGateway app needs one."""

    def spec(instance: str, **more: str) -> dict[str, Any]:
        return {"KernelGatewayAppSettings": {"DefaultResourceSpec": {"InstanceType": instance, **more}}}

    bare = cloud.domain("bare")
    cloud.profile(bare)
    said = cloud.no("ValidationException", "create_app", DomainId=bare, **KERNEL)
    assert "InstanceType must be specified" in said
    cloud.app(bare, **KERNEL, ResourceSpec={"InstanceType": "system"})
    found = cloud.sm.describe_app(DomainId=bare, **KERNEL)["ResourceSpec"]
    assert found["InstanceType"] == "ml.t3.medium"
    assert found["SageMakerImageArn"].startswith(f"arn:aws:sagemaker:{REGION}:")

    image = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:image/mine"
    rich = cloud.domain("rich", DefaultUserSettings=spec("ml.m5.large", SageMakerImageArn=image))
    cloud.profile(rich)
    cloud.profile(rich, "bob", UserSettings=spec("ml.m5.xlarge"))
    cloud.app(rich, **KERNEL)
    assert cloud.sm.describe_app(DomainId=rich, **KERNEL)["ResourceSpec"] == {
        "InstanceType": "ml.m5.large",
        "SageMakerImageArn": image,
    }
    bob = {**KERNEL, "UserProfileName": "bob"}
    cloud.app(rich, **bob)
    assert cloud.sm.describe_app(DomainId=rich, **bob)["ResourceSpec"]["InstanceType"] == "ml.m5.xlarge"
    version = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:image-version/mine/1"
    cloud.app(
        rich,
        **{**bob, "AppName": "k2"},
        ResourceSpec={"InstanceType": "ml.g5.xlarge", "SageMakerImageVersionArn": version},
    )
    assert cloud.sm.describe_app(DomainId=rich, **{**bob, "AppName": "k2"})["ResourceSpec"] == {
        "InstanceType": "ml.g5.xlarge",
        "SageMakerImageArn": image,
        "SageMakerImageVersionArn": version,
    }


def test_where_a_spaces_app_gets_its_instance(studio: tuple[Cloud, str]) -> None:
    cloud, domain = studio
    lab = {"DefaultResourceSpec": {"InstanceType": "ml.m5.2xlarge"}}
    cloud.profile(domain, "bob", UserSettings={"JupyterLabAppSettings": lab})
    cloud.space(domain, **PRIVATE)
    cloud.space(domain, "bobs", **{**PRIVATE, "OwnershipSettings": {"OwnerUserProfileName": "bob"}})
    own = {
        **PRIVATE["SpaceSettings"],
        "JupyterLabAppSettings": {"DefaultResourceSpec": {"InstanceType": "ml.m5.large"}},
    }
    cloud.space(domain, "own", **{**PRIVATE, "SpaceSettings": own})
    for name, instance in (("space", "ml.t3.medium"), ("bobs", "ml.m5.2xlarge"), ("own", "ml.m5.large")):
        cloud.app(domain, **{**LAB, "SpaceName": name})
        found = cloud.sm.describe_app(DomainId=domain, **{**LAB, "SpaceName": name})
        assert found["ResourceSpec"]["InstanceType"] == instance
        assert found["SpaceName"] == name
        assert "UserProfileName" not in found


@pytest.mark.parametrize(
    "wrong",
    [
        {**JUPYTER, "ResourceSpec": {"InstanceType": "ml.t3.medium"}},
        {**JUPYTER, "AppName": "other"},
        {**JUPYTER, "AppType": "JupyterLab"},
        {**JUPYTER, "AppType": "CodeEditor"},
        {**LAB, "AppType": "Canvas"},
        {**LAB, "AppType": "RSessionGateway"},
        {**LAB, "AppName": "other"},
        {**KERNEL, "ResourceSpec": {"InstanceType": "ml.t3.medium", "TrainingPlanArn": "None"}},
        {**KERNEL, "ResourceSpec": {"LifecycleConfigArn": arn("studio-lifecycle-config/x")}},
        {**JUPYTER, "Tags": [{"Key": "aws:x", "Value": ""}]},
    ],
)
def test_rules_of_an_app(studio: tuple[Cloud, str], wrong: dict[str, Any]) -> None:
    """6.1, 6.2."""
    cloud, domain = studio
    cloud.space(domain)
    before = cloud.file.objects()
    assert "validation error" not in cloud.no("ValidationException", "create_app", DomainId=domain, **wrong)
    assert cloud.file.objects() == before


def test_one_app_in_a_space(studio: tuple[Cloud, str]) -> None:
    cloud, domain = studio
    cloud.space(domain)
    cloud.app(domain, **LAB)
    editor = {**LAB, "AppType": "CodeEditor"}
    assert "already has App" in cloud.no("ResourceInUse", "create_app", DomainId=domain, **editor)
    cloud.switch("app-rules", "lax")
    cloud.app(domain, **editor)
    cloud.app(domain, **{**JUPYTER, "AppType": "JupyterLab", "AppName": "any"})


def test_a_fifth_kernel(studio: tuple[Cloud, str]) -> None:
    """6.2, 3.4: at most four on one instance."""
    cloud, domain = studio
    medium = {"InstanceType": "ml.t3.medium"}
    for number in range(4):
        cloud.app(domain, **{**KERNEL, "AppName": f"k{number}"}, ResourceSpec=medium)
    fifth = {"DomainId": domain, **KERNEL, "AppName": "k5"}
    said = cloud.no("ResourceLimitExceeded", "create_app", **fifth, ResourceSpec=medium)
    begins = "Unable to start more Apps of AppType [KernelGateway] and ResourceSpec(instanceType=[ml.t3.medium])"
    assert said.startswith(f"{begins} for UserProfile [")
    cloud.switch("fifth-kernel", "ValidationException")
    cloud.no("ValidationException", "create_app", **fifth, ResourceSpec=medium)
    cloud.sm.create_app(**fifth, ResourceSpec={"InstanceType": "ml.m5.large"})


def test_app_types_a_new_account_cannot_have(studio: tuple[Cloud, str]) -> None:
    cloud, domain = studio
    cloud.switch("deprecated-app-types", "JupyterServer,KernelGateway")
    said = cloud.no("ValidationException", "create_app", DomainId=domain, **JUPYTER)
    assert said == "Invalid AppType [JupyterServer]. This AppType has been deprecated."


def test_the_spelling_of_an_apps_arn(studio: tuple[Cloud, str]) -> None:
    """4.6: in lower case or mixed; found by either, and by its key."""
    cloud, domain = studio
    cloud.switch("app-arn", "mixed")
    mixed = cloud.app(domain)
    assert mixed == arn(f"app/{domain}/alice/JupyterServer/default")
    cloud.switch("app-arn", "lower")
    assert cloud.sm.describe_app(DomainId=domain, **JUPYTER)["AppArn"] == mixed
    for spelling in (mixed, mixed.replace("JupyterServer", "jupyterserver")):
        assert cloud.sm.list_tags(ResourceArn=spelling)["Tags"] == []


def test_maintenance_of_an_app(studio: tuple[Cloud, str]) -> None:
    """6.3: InService, Pending, InService."""
    cloud, domain = studio
    cloud.switch("maintenance", "500")
    cloud.app(domain)
    seen = []
    for seconds in (0, 500, 60):
        cloud.advance(seconds)
        seen.append(app_status(cloud, domain))
    assert seen == ["InService", "Pending", "InService"]


def test_tags_that_propagate(cloud: Cloud) -> None:
    """4.5."""
    for propagation, inherited in (("DISABLED", set()), ("ENABLED", {"d", "p"})):
        tags = [{"Key": "d", "Value": "domain"}]
        domain = cloud.domain(f"lab-{propagation}", TagPropagation=propagation, Tags=tags)
        cloud.profile(domain, Tags=[{"Key": "p", "Value": "profile"}])
        made = cloud.app(domain, Tags=[{"Key": "own", "Value": ""}])
        assert {tag["Key"] for tag in cloud.sm.list_tags(ResourceArn=made)["Tags"]} == {"own", *inherited}


# 10: lifecycle configs and repositories


def test_the_life_of_a_notebook_lifecycle_config(cloud: Cloud) -> None:
    name = {"NotebookInstanceLifecycleConfigName": "hooks"}
    made = cloud.sm.create_notebook_instance_lifecycle_config(**name, OnCreate=[{"Content": SCRIPT}], Tags=[])
    where = arn("notebook-instance-lifecycle-config/hooks")
    assert made["NotebookInstanceLifecycleConfigArn"] == where
    assert cloud.no("ValidationException", "create_notebook_instance_lifecycle_config", **name) == (
        f"Unable to create Notebook Instance Lifecycle Config {where}."
        " (Details: Notebook Instance Lifecycle Config already exists.)"
    )
    cloud.advance(5)
    cloud.sm.update_notebook_instance_lifecycle_config(**name, OnStart=[{"Content": SCRIPT}])
    found = cloud.sm.describe_notebook_instance_lifecycle_config(**name)
    assert found["OnCreate"] == found["OnStart"] == [{"Content": SCRIPT}]
    assert (found["LastModifiedTime"] - found["CreationTime"]).seconds == 5
    cloud.switch("other-hook", "drop")
    cloud.sm.update_notebook_instance_lifecycle_config(**name, OnStart=[{"Content": SCRIPT}])
    assert "OnCreate" not in cloud.sm.describe_notebook_instance_lifecycle_config(**name)
    cloud.notebook(LifecycleConfigName="hooks")
    said = cloud.no("ValidationException", "delete_notebook_instance_lifecycle_config", **name)
    assert said.startswith("Unable to delete Notebook Instance Lifecycle Config")
    cloud.file.delete("sagemaker", "nb")
    cloud.sm.delete_notebook_instance_lifecycle_config(**name)
    for operation, verb in (("describe", "describe"), ("delete", "delete"), ("update", "update")):
        said = cloud.no("ValidationException", f"{operation}_notebook_instance_lifecycle_config", **name)
        assert said == (
            f"Unable to {verb} Notebook Instance Lifecycle Config '{where}'."
            " (Details: Notebook Instance Lifecycle Config does not exist.)"
        )


def test_scripts(cloud: Cloud) -> None:
    name = {"NotebookInstanceLifecycleConfigName": "hooks"}
    for wrong in (
        [{"Content": SCRIPT}] * 2,
        [{"Content": "not base64!"}],
        [{"Content": ""}],
        [{"Content": "A" * 16388}],
    ):
        cloud.no("ValidationException", "create_notebook_instance_lifecycle_config", **name, OnCreate=wrong)
    cloud.sm.create_notebook_instance_lifecycle_config(**name, OnCreate=[{"Content": "A" * 16384}], OnStart=[{}])
    cloud.no("ValidationException", "update_notebook_instance_lifecycle_config", **name, OnStart=[{"Content": "?"}])


STUDIO_CONFIG: dict[str, Any] = {
    "StudioLifecycleConfigName": "slc",
    "StudioLifecycleConfigContent": SCRIPT,
    "StudioLifecycleConfigAppType": "JupyterServer",
}


def test_the_life_of_a_studio_lifecycle_config(cloud: Cloud) -> None:
    name = {"StudioLifecycleConfigName": "slc"}
    made = cloud.sm.create_studio_lifecycle_config(**STUDIO_CONFIG)["StudioLifecycleConfigArn"]
    assert made == arn("studio-lifecycle-config/slc")
    assert STUDIO_CONFIG.items() <= cloud.sm.describe_studio_lifecycle_config(**name).items()
    assert "already exists" in cloud.no("ResourceInUse", "create_studio_lifecycle_config", **STUDIO_CONFIG)
    wrong = {**STUDIO_CONFIG, "StudioLifecycleConfigName": "x", "StudioLifecycleConfigContent": "***"}
    cloud.no("ValidationException", "create_studio_lifecycle_config", **wrong)
    settings = {
        "JupyterServerAppSettings": {"DefaultResourceSpec": {"InstanceType": "system"}, "LifecycleConfigArns": [made]}
    }
    domain = cloud.domain(DefaultUserSettings=settings)
    cloud.profile(domain)
    assert "is in use by Domain" in cloud.no("ResourceInUse", "delete_studio_lifecycle_config", **name)
    cloud.app(domain, ResourceSpec={"LifecycleConfigArn": made})
    cloud.sm.update_domain(DomainId=domain, DefaultUserSettings={})
    cloud.advance(20)
    assert "is in use by App" in cloud.no("ResourceInUse", "delete_studio_lifecycle_config", **name)
    cloud.sm.delete_app(DomainId=domain, **JUPYTER)
    cloud.advance(60)
    cloud.sm.delete_studio_lifecycle_config(**name)
    for operation in ("describe", "delete"):
        assert "does not exist" in cloud.no("ResourceNotFound", f"{operation}_studio_lifecycle_config", **name)


def test_a_studio_config_is_for_one_kind_of_app(cloud: Cloud) -> None:
    made = cloud.sm.create_studio_lifecycle_config(**STUDIO_CONFIG)["StudioLifecycleConfigArn"]
    settings = {
        "JupyterLabAppSettings": {
            "DefaultResourceSpec": {"InstanceType": "ml.t3.medium"},
            "LifecycleConfigArns": [made],
        }
    }
    given = {**DOMAIN, "DefaultUserSettings": settings}
    assert "is for AppType [JupyterServer]" in cloud.no("ValidationException", "create_domain", **given)
    cloud.switch("references", "accept")
    cloud.sm.create_domain(**given)


def test_the_life_of_a_code_repository(cloud: Cloud) -> None:
    name = {"CodeRepositoryName": "repo"}
    secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:git-a1b2c3"
    config = {"RepositoryUrl": "https://example.org/a.git", "Branch": "main"}
    made = cloud.sm.create_code_repository(**name, GitConfig=config)["CodeRepositoryArn"]
    assert made == arn("code-repository/repo")
    cloud.no("ValidationException", "create_code_repository", **name, GitConfig=config)
    cloud.advance(3)
    assert cloud.sm.update_code_repository(**name, GitConfig={"SecretArn": secret})["CodeRepositoryArn"] == made
    found = cloud.sm.describe_code_repository(**name)
    assert found["GitConfig"] == {**config, "SecretArn": secret}
    assert (found["LastModifiedTime"] - found["CreationTime"]).seconds == 3
    cloud.notebook(AdditionalCodeRepositories=["repo"])
    cloud.switch("repository-in-use", "refuse")
    assert "is in use" in cloud.no("ValidationException", "delete_code_repository", **name)
    cloud.switch("repository-in-use", "allow")
    cloud.sm.delete_code_repository(**name)
    for operation in ("describe", "update", "delete"):
        said = cloud.no("ValidationException", f"{operation}_code_repository", **name)
        assert said == f'Cannot find CodeRepository "{made}"'
    for url in ("http://example.org/a.git", "https://a", "git@example.org:a"):
        cloud.no("ValidationException", "create_code_repository", **name, GitConfig={"RepositoryUrl": url})


# 11: roles


def test_a_role_must_let_sagemaker_in(cloud: Cloud) -> None:
    """3.4; roles come from IAM on the same port."""
    good = cloud.role("good")
    bad = cloud.role(
        "bad",
        {
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com"]}, "Action": "sts:AssumeRole"}
            ]
        },
    )
    refusal = (
        "Could not assume role {}. Please ensure that the role exists and allows principal 'sagemaker.amazonaws.com'"
        " to assume the role."
    )
    cloud.notebook("a", RoleArn=good)
    cloud.notebook("b", RoleArn=ROLE)  # was there before us: taken on trust
    wrong = {**NOTEBOOK, "RoleArn": bad}
    assert cloud.no("ValidationException", "create_notebook_instance", **wrong) == refusal.format(bad)
    for roles in ({"DefaultUserSettings": {"ExecutionRole": bad}}, {"DefaultSpaceSettings": {"ExecutionRole": bad}}):
        assert cloud.no("ValidationException", "create_domain", **{**DOMAIN, **roles}) == refusal.format(bad)
    domain = cloud.domain()
    cloud.no(
        "ValidationException",
        "create_user_profile",
        DomainId=domain,
        UserProfileName="a",
        UserSettings={"ExecutionRole": bad},
    )
    cloud.switch("role-check", "known")
    assert cloud.no("ValidationException", "create_notebook_instance", **NOTEBOOK) == refusal.format(ROLE)
    cloud.no(
        "ValidationException",
        "create_notebook_instance",
        **{**NOTEBOOK, "RoleArn": good.replace("role/", "role/path/")},
    )
    cloud.notebook("c", RoleArn=good)
    cloud.switch("role-check", "accept")
    cloud.notebook("d", RoleArn=bad)


@pytest.mark.parametrize(
    ("statement", "good"),
    [
        ({"Effect": "Allow", "Principal": "*", "Action": "*"}, True),
        (
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": ["sts:TagSession", "sts:*"],
            },
            True,
        ),
        ({"Effect": "Allow", "Principal": {"AWS": ROLE}, "Action": "sts:AssumeRole"}, False),
        ({"Effect": "Deny", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}, False),
        ({"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:TagSession"}, False),
    ],
)
def test_trust_policies(cloud: Cloud, statement: dict[str, Any], good: bool) -> None:
    role = cloud.role(trust={"Version": "2012-10-17", "Statement": statement})
    if good:
        cloud.notebook(RoleArn=role)
    else:
        cloud.no("ValidationException", "create_notebook_instance", **{**NOTEBOOK, "RoleArn": role})


def test_a_new_role_cannot_be_assumed_at_once(cloud: Cloud) -> None:
    """11: IAM is eventually consistent."""
    cloud.switch("role-delay", "10")
    given = {**NOTEBOOK, "RoleArn": cloud.role()}
    assert cloud.no("ValidationException", "create_notebook_instance", **given).startswith("Could not assume role")
    cloud.advance(9.9)
    cloud.no("ValidationException", "create_notebook_instance", **given)
    cloud.advance(0.2)
    cloud.sm.create_notebook_instance(**given)


# 3.4: quotas


def test_quotas(studio: tuple[Cloud, str]) -> None:
    cloud, domain = studio
    cloud.switch("notebook-quota", "2")
    cloud.stopped("a")
    cloud.notebook("b", InstanceType="ml.m5.xlarge")
    said = cloud.no("ResourceLimitExceeded", "create_notebook_instance", **NOTEBOOK)
    assert said.startswith(
        "The account-level service limit 'Total number of notebook instances' is 2 Instances,"
        " with current utilization of 2 Instances and a request delta of 1 Instances."
    )
    cloud.switch("notebook-quota", "none")
    cloud.switch("notebook-type-quota", "1")
    said = cloud.no("ResourceLimitExceeded", "create_notebook_instance", **{**NOTEBOOK, "InstanceType": "ml.m5.xlarge"})
    assert "'ml.m5.xlarge for notebook instance usage' is 1 Instances" in said
    cloud.notebook("c")  # the stopped one of this type does not count
    cloud.no("ResourceLimitExceeded", "start_notebook_instance", NotebookInstanceName="a")
    cloud.switch("domain-quota", "1")
    said = cloud.no("ResourceLimitExceeded", "create_domain", **{**DOMAIN, "DomainName": "b"})
    assert "'Total domains' is 1 Domains" in said
    cloud.switch("app-type-quota", "1")
    for name in ("s1", "s2"):
        cloud.space(domain, name)
    cloud.app(domain, **{**LAB, "SpaceName": "s1"})
    said = cloud.no("ResourceLimitExceeded", "create_app", DomainId=domain, **{**LAB, "SpaceName": "s2"})
    assert "'Studio JupyterLab Apps running on ml.t3.medium instance'" in said
    kernel = {**KERNEL, "ResourceSpec": {"InstanceType": "ml.t3.medium"}}
    cloud.app(domain, **kernel)
    said = cloud.no("ResourceLimitExceeded", "create_app", DomainId=domain, **{**kernel, "AppName": "k2"})
    assert "'KernelGateway Apps running on ml.t3.medium instance'" in said


# 4.5: tags


def test_tags_of_all_eight_types(studio: tuple[Cloud, str]) -> None:
    cloud, domain = studio
    tags = [{"Key": "team", "Value": "a"}]
    cloud.space(domain)
    arns = [
        cloud.notebook(Tags=tags),
        cloud.sm.create_domain(**{**DOMAIN, "DomainName": "t"}, Tags=tags)["DomainArn"],
        cloud.profile(domain, "tagged", Tags=tags),
        cloud.space(domain, "tagged", Tags=tags),
        cloud.app(domain, Tags=tags),
        cloud.sm.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="h", Tags=tags)[
            "NotebookInstanceLifecycleConfigArn"
        ],
        cloud.sm.create_studio_lifecycle_config(**STUDIO_CONFIG, Tags=tags)["StudioLifecycleConfigArn"],
        cloud.sm.create_code_repository(
            CodeRepositoryName="r", GitConfig={"RepositoryUrl": "https://a.org/b"}, Tags=tags
        )["CodeRepositoryArn"],
    ]
    for each in arns:
        assert cloud.sm.list_tags(ResourceArn=each)["Tags"] == tags
        added = cloud.sm.add_tags(ResourceArn=each, Tags=[{"Key": "team", "Value": "b"}, {"Key": "x", "Value": ""}])[
            "Tags"
        ]
        assert added == [{"Key": "team", "Value": "b"}, {"Key": "x", "Value": ""}]
        cloud.sm.delete_tags(ResourceArn=each, TagKeys=["team", "not there"])
        assert cloud.sm.list_tags(ResourceArn=each, MaxResults=50)["Tags"] == [{"Key": "x", "Value": ""}]


def test_rules_of_tags(cloud: Cloud) -> None:
    made = cloud.notebook()
    before = modified(cloud)
    many = [{"Key": f"k{number}", "Value": "v"} for number in range(50)]
    cloud.advance(10)
    cloud.sm.add_tags(ResourceArn=made, Tags=many)
    assert modified(cloud) == before
    cloud.sm.add_tags(ResourceArn=made, Tags=many[:3])  # overwriting is no addition
    one_more = [{"Key": "one more", "Value": ""}]
    assert "more than 50 tags" in cloud.no("ValidationException", "add_tags", ResourceArn=made, Tags=one_more)
    assert len(cloud.sm.list_tags(ResourceArn=made)["Tags"]) == 50
    for operation, wrong in (
        ("add_tags", {"Tags": [{"Key": "aws:x", "Value": ""}]}),
        ("delete_tags", {"TagKeys": ["aws:x"]}),
    ):
        said = cloud.no("ValidationException", operation, ResourceArn=made, **wrong)
        assert said == "System prefix 'aws:' reserved for AWS usage in tag key: aws:x"
    cloud.no("ValidationException", "add_tags", ResourceArn=made, Tags=[{"Key": "a", "Value": ""}] * 2)
    cloud.no("ValidationException", "delete_tags", ResourceArn=made, TagKeys=[])
    cloud.no("ValidationException", "delete_tags", ResourceArn=made, TagKeys=["k"] * 51)
    cloud.no("ValidationException", "list_tags", ResourceArn=made, MaxResults=49)
    cloud.no("ValidationException", "list_tags", ResourceArn=made, NextToken="x")
    cloud.switch("add-tags-answer", "added")
    assert cloud.sm.add_tags(ResourceArn=made, Tags=many[:1])["Tags"] == many[:1]


def test_tags_of_what_is_not_there(cloud: Cloud) -> None:
    for part, code in (
        ("notebook-instance/x", "ValidationException"),
        ("notebook-instance-lifecycle-config/x", "ValidationException"),
        ("code-repository/x", "ValidationException"),
        ("model/x", "ValidationException"),
        ("domain/d-x", "ResourceNotFound"),
        ("user-profile/d-x/a", "ResourceNotFound"),
        ("space/d-x/a", "ResourceNotFound"),
        ("app/d-x/a/jupyterserver/default", "ResourceNotFound"),
        ("studio-lifecycle-config/x", "ResourceNotFound"),
    ):
        cloud.no(code, "list_tags", ResourceArn=arn(part))
    cloud.no("ValidationException", "list_tags", ResourceArn="nonsense")


# 4.3: lists


def test_pages_of_every_list(studio: tuple[Cloud, str]) -> None:
    """boto3's own paginators, ten to a page by default."""
    cloud, domain = studio
    names = [f"n{number:02}" for number in range(12)]
    cloud.switch("domain-names", "any")
    for name in names:
        cloud.notebook(name)
        cloud.sm.create_domain(**DOMAIN)
        cloud.profile(domain, name)
        cloud.space(domain, name)
        cloud.app(domain, **{**JUPYTER, "UserProfileName": name})
        cloud.sm.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName=name)
        cloud.sm.create_studio_lifecycle_config(**{**STUDIO_CONFIG, "StudioLifecycleConfigName": name})
        cloud.sm.create_code_repository(CodeRepositoryName=name, GitConfig={"RepositoryUrl": "https://a.org/b"})
    for operation, key, total in (
        ("list_notebook_instances", "NotebookInstances", 12),
        ("list_domains", "Domains", 13),
        ("list_user_profiles", "UserProfiles", 13),
        ("list_spaces", "Spaces", 12),
        ("list_apps", "Apps", 12),
        ("list_notebook_instance_lifecycle_configs", "NotebookInstanceLifecycleConfigs", 12),
        ("list_studio_lifecycle_configs", "StudioLifecycleConfigs", 12),
        ("list_code_repositories", "CodeRepositorySummaryList", 12),
    ):
        first = getattr(cloud.sm, operation)()
        assert (len(first[key]), "NextToken" in first) == (10, True), operation
        paginator = cloud.sm.get_paginator(operation)
        for config in ({}, {"PageSize": 1}, {"PageSize": 5}, {"PageSize": 100}):
            pages = [page[key] for page in paginator.paginate(PaginationConfig=config)]
            rows = [json.dumps(row, default=str) for page in pages for row in page]
            assert len(set(rows)) == len(rows) == total, operation
        assert not any("Arn" in row for row in first[key]) or key not in ("Apps", "UserProfiles", "Spaces")


def test_orders(cloud: Cloud) -> None:
    for name in ("b", "c", "a"):
        cloud.sm.create_studio_lifecycle_config(**{**STUDIO_CONFIG, "StudioLifecycleConfigName": name})
        cloud.notebook(name)
    cloud.sm.stop_notebook_instance(NotebookInstanceName="b")

    def studio(**more: str) -> str:
        rows = cloud.sm.list_studio_lifecycle_configs(**more)["StudioLifecycleConfigs"]
        return "".join(row["StudioLifecycleConfigName"] for row in rows)

    assert studio() == "acb"  # by creation, descending: the odd one
    assert studio(SortOrder="Ascending") == "bca"
    assert studio(SortBy="Name") == "cba"

    def notebooks(**more: str) -> str:
        return "".join(
            row["NotebookInstanceName"] for row in cloud.sm.list_notebook_instances(**more)["NotebookInstances"]
        )

    assert notebooks() == "abc"
    assert notebooks(SortBy="CreationTime") == "bca"
    assert notebooks(SortBy="CreationTime", SortOrder="Descending") == "acb"
    assert notebooks(SortBy="Status") == "cab"


def test_filters_of_notebooks(cloud: Cloud) -> None:
    cloud.sm.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="Hooks")
    url = "https://example.org/a.git"
    cloud.notebook("first", LifecycleConfigName="Hooks")
    cloud.notebook("second", DefaultCodeRepository=url)
    cloud.sm.create_notebook_instance(
        **{**NOTEBOOK, "NotebookInstanceName": "third", "AdditionalCodeRepositories": [url]}
    )
    made = NOON + 240

    def found(**more: Any) -> list[str]:
        return [row["NotebookInstanceName"] for row in cloud.sm.list_notebook_instances(**more)["NotebookInstances"]]

    assert found(NameContains="ir") == ["first", "third"]
    assert found(StatusEquals="Pending") == ["third"]
    assert found(NotebookInstanceLifecycleConfigNameContains="ook") == ["first"]
    assert found(DefaultCodeRepositoryContains="example") == ["second"]
    assert found(AdditionalCodeRepositoryEquals=url) == ["third"]
    assert found(CreationTimeAfter=made) == ["third"]
    assert found(CreationTimeBefore=datetime.fromtimestamp(made, UTC)) == ["first"]
    assert found(LastModifiedTimeAfter=made - 1, LastModifiedTimeBefore=made + 1) == ["first"]


def test_filters_of_the_others(studio: tuple[Cloud, str]) -> None:
    cloud, domain = studio
    other = cloud.domain("other")
    cloud.profile(other, "bob")
    cloud.space(domain, "s1")
    cloud.app(domain)
    cloud.app(domain, **{**LAB, "SpaceName": "s1"})

    def names(operation: str, key: str, name: str, **more: Any) -> list[str]:
        return [row[name] for row in getattr(cloud.sm, operation)(**more)[key]]

    assert names("list_user_profiles", "UserProfiles", "UserProfileName", DomainIdEquals=other) == ["bob"]
    assert names("list_user_profiles", "UserProfiles", "UserProfileName", UserProfileNameContains="lic") == ["alice"]
    assert names("list_spaces", "Spaces", "SpaceName", DomainIdEquals=other) == []
    assert names("list_spaces", "Spaces", "SpaceName", SpaceNameContains="s") == ["s1"]
    assert names("list_apps", "Apps", "AppType", DomainIdEquals=domain) == ["JupyterServer", "JupyterLab"]
    assert names("list_apps", "Apps", "AppType", UserProfileNameEquals="Alice") == ["JupyterServer"]
    assert names("list_apps", "Apps", "AppType", SpaceNameEquals="s1") == ["JupyterLab"]
    cloud.sm.create_studio_lifecycle_config(**STUDIO_CONFIG)
    listing = ("list_studio_lifecycle_configs", "StudioLifecycleConfigs", "StudioLifecycleConfigName")
    assert names(*listing, AppTypeEquals="JupyterServer", ModifiedTimeAfter=NOON) == ["slc"]
    assert names(*listing, AppTypeEquals="CodeEditor") == []
    assert names(*listing, ModifiedTimeBefore=NOON) == []


def test_tokens(cloud: Cloud) -> None:
    for name in "abcde":
        cloud.notebook(name)
    first = cloud.sm.list_notebook_instances(MaxResults=2, NameContains="a")
    assert "NextToken" not in first
    first = cloud.sm.list_notebook_instances(MaxResults=2)
    cloud.file.delete("sagemaker", "b")  # the last one shown
    cloud.notebook("aa")
    rest = cloud.sm.list_notebook_instances(MaxResults=5, NextToken=first["NextToken"])
    assert [row["NotebookInstanceName"] for row in rest["NotebookInstances"]] == ["c", "d", "e"]
    for wrong in (
        {"NextToken": "nonsense"},
        {"NextToken": ""},
        {"NextToken": "é"},
        {"NextToken": base64.b64encode(b"[1]").decode()},
        {"NextToken": first["NextToken"], "SortOrder": "Descending"},
        {"NextToken": "x" * 8193},
        {"MaxResults": 0},
        {"MaxResults": 101},
    ):
        cloud.no("ValidationException", "list_notebook_instances", **wrong)
    with pytest.raises(botocore.exceptions.ClientError):
        cloud.sm.list_domains(NextToken=first["NextToken"])


# 17.3.4: faults


def test_throttling(cloud: Cloud) -> None:
    cloud.fault("throttle", "List*", times=2, retry_after=1)
    answer = cloud.signed("ListDomains")
    assert answer.json() == {"__type": "ThrottlingException", "message": "Rate exceeded"}
    assert (answer.status_code, answer.headers["retry-after"]) == (400, "1")
    assert answer.headers["x-amzn-requestid"]
    assert cloud.no("ThrottlingException", "list_domains") == "Rate exceeded"
    cloud.sm.list_domains()


def test_boto3_retries_a_throttle_by_itself(cloud: Cloud) -> None:
    cloud.fault("throttle", "ListDomains", times=1)
    patient = boto3.client(
        "sagemaker",
        endpoint_url=cloud.url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(retries={"mode": "standard", "total_max_attempts": 2}),
    )
    assert patient.list_domains()["Domains"] == []
    patient.close()
    assert [line["status"] for line in cloud.file.log()] == [400, 200]


@pytest.mark.parametrize("code", sorted(FAULTS))
def test_any_error_by_its_code(cloud: Cloud, code: str) -> None:
    cloud.fault("error", "ListDomains", code=code)
    answer = cloud.signed("ListDomains")
    assert answer.json()["__type"] == code
    assert answer.status_code == {"InternalFailure": 500, "ServiceUnavailable": 503}.get(code, 400)
    modelled = code in ("ResourceNotFound", "ResourceInUse", "ResourceLimitExceeded", "ConflictException")
    assert answer.json()["Message" if modelled else "message"]


def test_other_errors(cloud: Cloud) -> None:
    for status_code, code in ((400, "ValidationException"), (500, "InternalFailure"), (503, "ServiceUnavailable")):
        cloud.fault("error", "ListDomains", status=status_code, message="because")
        answer = cloud.signed("ListDomains")
        assert (answer.status_code, answer.json()) == (status_code, {"__type": code, "message": "because"})
    cloud.fault("error", "ListDomains", code="SomethingNew", status=418)
    assert cloud.no("SomethingNew", "list_domains") == ""
    with pytest.raises(UsageError):
        cloud.fault("error", "ListDomains", code="SomethingNew")
    with pytest.raises(UsageError):
        cloud.fault("error", "ListNothing")
    cloud.fault("quota", "CreateNotebookInstance", object="nb")
    assert "Total number of notebook instances" in cloud.no(
        "ResourceLimitExceeded", "create_notebook_instance", **NOTEBOOK
    )
    cloud.fault("non-json")
    assert cloud.no("502", "list_domains")
    cloud.fault("error", "UpdateCodeRepository", code="ConflictException")
    with pytest.raises(cloud.sm.exceptions.ConflictException):
        cloud.sm.update_code_repository(CodeRepositoryName="x")


def test_a_lost_answer(cloud: Cloud) -> None:
    """4.2: the retry meets its own object."""
    cloud.fault("drop-after", "CreateNotebookInstance")
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        cloud.sm.create_notebook_instance(**NOTEBOOK)
    cloud.no("ValidationException", "create_notebook_instance", **NOTEBOOK)
    cloud.fault("drop-before", "CreateDomain")
    with pytest.raises(botocore.exceptions.ConnectionClosedError):
        cloud.sm.create_domain(**DOMAIN)
    assert [row["id"] for row in cloud.file.objects()] == ["nb"]
    assert [line["status"] for line in cloud.file.log()] == ["dropped", 400, "dropped"]


def test_a_start_that_does_not_take(cloud: Cloud) -> None:
    """5.5: terraform starts once more after half a minute."""
    cloud.stopped()
    cloud.fault("no-effect", "StartNotebookInstance")
    cloud.sm.start_notebook_instance(NotebookInstanceName="nb")
    cloud.advance(30)
    assert status(cloud) == "Stopped"
    cloud.sm.start_notebook_instance(NotebookInstanceName="nb")
    assert status(cloud) == "Pending"


def test_no_capacity_and_stuck(cloud: Cloud) -> None:
    cloud.fault("fail", "CreateNotebookInstance")
    cloud.notebook()
    found = cloud.sm.describe_notebook_instance(NotebookInstanceName="nb")
    assert found["NotebookInstanceStatus"] == "Failed"
    assert found["FailureReason"] == (
        "Insufficient notebook instance capacity. Retry later or with a different instance type."
    )
    cloud.sm.start_notebook_instance(NotebookInstanceName="nb")
    cloud.advance(180)
    assert "FailureReason" not in cloud.sm.describe_notebook_instance(NotebookInstanceName="nb")
    cloud.fault("stuck", "StopNotebookInstance")
    cloud.sm.stop_notebook_instance(NotebookInstanceName="nb")
    cloud.advance(86_400)
    assert status(cloud) == "Stopping"


def test_faults_for_one_object(studio: tuple[Cloud, str]) -> None:
    cloud, domain = studio
    cloud.profile(domain, "bob")
    cloud.fault("fail", "CreateApp", object="bob/JupyterServer/default")
    for name in ("alice", "bob"):
        cloud.app(domain, UserProfileName=name)
    assert [app_status(cloud, domain, UserProfileName=name) for name in ("alice", "bob")] == ["InService", "Failed"]
    cloud.fault("throttle", "Describe*", object=domain)
    cloud.sm.describe_user_profile(DomainId=domain, UserProfileName="bob")  # is about bob, not about the domain
    cloud.no("ThrottlingException", "describe_domain", DomainId=domain)
    made = cloud.notebook("tagged")
    cloud.fault("throttle", "ListTags", object="tagged")
    cloud.no("ThrottlingException", "list_tags", ResourceArn=made)


def test_paces_by_switch(cloud: Cloud) -> None:
    cloud.switch("domain-pace", "looks:2")
    id = cloud.sm.create_domain(**DOMAIN)["DomainId"]
    cloud.sm.list_domains()  # a list is no look
    assert [cloud.sm.describe_domain(DomainId=id)["Status"] for _ in range(3)] == ["Pending", "Pending", "InService"]
    cloud.switch("user-profile-pace", "instant")
    cloud.sm.create_user_profile(DomainId=id, UserProfileName="alice")
    assert cloud.sm.describe_user_profile(DomainId=id, UserProfileName="alice")["Status"] == "InService"
    cloud.switch("app-pace", "seconds:5")
    cloud.sm.create_app(DomainId=id, **JUPYTER)
    cloud.advance(5)
    cloud.sm.delete_app(DomainId=id, **JUPYTER)
    cloud.advance(5)
    assert app_status(cloud, id) == "Deleted"
    cloud.advance(86_399)
    assert app_status(cloud, id) == "Deleted"  # the day is a day at any pace
    cloud.advance(1)
    cloud.no("ResourceNotFound", "describe_app", DomainId=id, **JUPYTER)
    cloud.switch("space-pace", "never")
    cloud.space(id)
    cloud.advance(1e6)
    assert cloud.sm.describe_space(DomainId=id, SpaceName="space")["Status"] == "Pending"


# 17.3.9: the file


def test_what_the_command_line_shows(studio: tuple[Cloud, str]) -> None:
    """IDs are those of section 4.6."""
    cloud, domain = studio
    cloud.notebook("NB")
    space, app = cloud.space(domain), cloud.app(domain)
    cloud.sm.create_studio_lifecycle_config(**STUDIO_CONFIG)
    rows = [(row["type"], row["id"], row["name"], row["status"]) for row in cloud.file.objects()]
    assert rows == [
        ("Domain", domain, "lab", "InService"),
        ("UserProfile", arn(f"user-profile/{domain}/alice"), "alice", "InService"),
        ("NotebookInstance", "NB", "NB", "InService"),
        ("Space", space, "space", "InService"),
        ("App", app, "default", "InService"),
        ("StudioLifecycleConfig", "slc", "slc", ""),
    ]
    last = cloud.file.log()[-2]
    assert (last["operation"], last["object"], last["status"]) == ("CreateApp", app, 200)


def test_drift_behind_the_engines_back(studio: tuple[Cloud, str]) -> None:
    cloud, domain = studio
    made = cloud.notebook()
    cloud.file.edit("sagemaker", "nb", {"InstanceType": "ml.m5.xlarge", "Tags.by": "hand"}, status="Stopped")
    found = cloud.sm.describe_notebook_instance(NotebookInstanceName="nb")
    assert (found["InstanceType"], found["NotebookInstanceStatus"]) == ("ml.m5.xlarge", "Stopped")
    assert cloud.sm.list_tags(ResourceArn=made)["Tags"] == [{"Key": "by", "Value": "hand"}]
    cloud.app(domain)
    cloud.file.delete("sagemaker", domain)  # takes the profile and its app along
    assert [row["id"] for row in cloud.file.objects()] == ["nb"]


def test_a_race_for_one_name(cloud: Cloud) -> None:
    def create(_: int) -> int:
        return cloud.signed("CreateNotebookInstance", json.dumps(NOTEBOOK).encode()).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(create, range(16))) == [200] + [400] * 15


def test_a_failed_write_changes_nothing(studio: tuple[Cloud, str]) -> None:
    cloud, domain = studio
    before = cloud.file.objects()
    cloud.no(
        "ValidationException",
        "create_user_profile",
        DomainId=domain,
        UserProfileName="b",
        Tags=[{"Key": "aws:", "Value": ""}],
    )
    assert cloud.file.objects() == before
    cloud.profile(domain, "b")
    uid = cloud.sm.describe_user_profile(DomainId=domain, UserProfileName="b")["HomeEfsFileSystemUid"]
    assert uid == "200002"


def test_it_survives_a_restart(tmp_path: Path) -> None:
    with served(tmp_path, speed="instant") as cloud:
        domain = cloud.domain()
        cloud.role()
    with served(tmp_path, speed="instant") as cloud:
        assert cloud.sm.describe_domain(DomainId=domain)["Status"] == "InService"
        assert cloud.iam.get_role(RoleName="sm")["Role"]["RoleName"] == "sm"


def test_the_same_seed_gives_the_same_identifiers(cloud: Cloud) -> None:
    cloud.file.set_seed("s")
    first = cloud.domain()
    cloud.file.reset()
    cloud.file.set_seed("s")
    assert cloud.domain() == first


def test_every_switch_says_what_it_means_and_takes_its_default() -> None:
    for name, each in SWITCHES.items():
        each.check(name, each.default)
        assert each.meaning
    for name, value in (
        ("subnets", "subnet-1"),
        ("security-groups", "sg-1,sg-2=vpc-1"),
        ("kms-keys", "arn:aws:kms:eu-west-1:111122223333:key/1=disabled"),
        ("maintenance", "60"),
    ):
        if name == "subnets":
            with pytest.raises(UsageError):
                SWITCHES[name].check(name, value)
        else:
            SWITCHES[name].check(name, value)


def test_importing_it_does_not_load_botocore() -> None:
    """A command that only looks into the file must not pay for the model."""
    code = "import sys, providers.sagemaker.emulator; sys.exit('botocore' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


# moto as a second opinion (17.1, 17.2)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with moto_server() as url:
        yield url


def opinions(ours: Any, theirs: Any, script: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, Any, Any]]:
    """What the two answer to the same calls: the member names of an answer, or the code and text of a refusal."""

    def said(client: Any, operation: str, members: dict[str, Any]) -> Any:
        try:
            answer = getattr(client, operation)(**members)
        except botocore.exceptions.ClientError as error:
            return error.response["Error"]["Code"], error.response["Error"]["Message"].replace("123456789012", ACCOUNT)
        return sorted(name for name in answer if name != "ResponseMetadata")

    return [
        (operation, said(ours, operation, members), said(theirs, operation, members)) for operation, members in script
    ]


def test_moto_agrees_where_it_is_right(tmp_path: Path, moto: str) -> None:
    """Codes of the whole sequence; texts of the duplicates and the guards, which are moto's wording."""
    theirs = boto3.client(
        "sagemaker",
        endpoint_url=moto,
        region_name=REGION,
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=CONFIG,
    )
    name, hooks = {"NotebookInstanceName": "nb"}, {"NotebookInstanceLifecycleConfigName": "hooks"}
    role = ROLE.replace(ACCOUNT, "123456789012")
    tagged = {"ResourceArn": arn("notebook-instance/nb", account="123456789012")}
    script: list[tuple[str, dict[str, Any]]] = [
        ("describe_notebook_instance", name),
        ("create_notebook_instance", {**NOTEBOOK, "RoleArn": role, "Tags": [{"Key": "a", "Value": "b"}]}),
        ("create_notebook_instance", {**NOTEBOOK, "RoleArn": role}),
        ("create_notebook_instance", {**NOTEBOOK, "InstanceType": "ml.no", "NotebookInstanceName": "x"}),
        ("list_tags", tagged),
        ("add_tags", {**tagged, "Tags": [{"Key": "c", "Value": "d"}]}),
        ("delete_tags", {**tagged, "TagKeys": ["c"]}),
        ("list_notebook_instances", {}),
        ("list_notebook_instances", {"NameContains": "nb"}),
        ("delete_notebook_instance", name),
        ("stop_notebook_instance", name),
        ("start_notebook_instance", name),
        ("stop_notebook_instance", name),
        ("delete_notebook_instance", name),
        ("describe_notebook_instance", name),
        ("delete_notebook_instance", name),
        ("create_notebook_instance_lifecycle_config", {**hooks, "OnStart": [{"Content": SCRIPT}]}),
        ("create_notebook_instance_lifecycle_config", hooks),
        ("describe_notebook_instance_lifecycle_config", hooks),
        ("delete_notebook_instance_lifecycle_config", hooks),
        ("describe_notebook_instance_lifecycle_config", hooks),
        ("delete_notebook_instance_lifecycle_config", hooks),
        ("list_domains", {}),
    ]
    with served(tmp_path, speed="instant") as cloud:
        cloud.file.add_key("sagemaker", "AKIAMOTO", "moto", owner="123456789012")
        ours = cloud.client(key="AKIAMOTO", secret="moto")
        for operation, mine, its in opinions(ours, theirs, script):
            if isinstance(mine, tuple):
                assert isinstance(its, tuple), operation
                assert mine[0] == its[0], (operation, mine, its)
                if "validation error" not in mine[1]:
                    assert mine[1] == its[1], operation
            else:
                assert isinstance(its, list), (operation, its)
                # moto leaves out what 17.2 lists, and has nothing that we have not
                assert set(its) <= {*mine, "NextToken", "SecurityGroups"}, operation
        assert cloud.strangers == []
    theirs.close()


# Random members: always one of the documented shapes

WORDS = st.one_of(
    st.sampled_from(
        [
            "nb",
            "lab",
            "alice",
            "space",
            "default",
            "hooks",
            "repo",
            "slc",
            "DOMAIN",
            ROLE,
            SCRIPT,
            "subnet-1",
            "sg-1",
            "None",
        ]
    ),
    st.sampled_from(
        [arn("notebook-instance/nb"), arn("studio-lifecycle-config/slc"), "https://example.org/a.git", "s3://b/k"]
    ),
    st.text(max_size=12),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 20_000), st.floats(allow_nan=False), WORDS)
ANY = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=6,
)


# A good value of each shape of text that has rules.
KNOWN = {
    "AppName": "default",
    "CodeRepositoryNameOrUrl": "repo",
    "DomainId": "DOMAIN",
    "DomainName": "other",
    "EntityName": "repo",
    "GitConfigUrl": "https://example.org/a.git",
    "ImageArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:image/a",
    "KmsKeyId": "key",
    "NotebookInstanceLifecycleConfigContent": SCRIPT,
    "NotebookInstanceLifecycleConfigName": "hooks",
    "NotebookInstanceName": "nb",
    "PlatformIdentifier": "notebook-al2023-v2",
    "RepositoryUrl": "https://example.org/a",
    "ResourceArn": arn("notebook-instance/nb"),
    "RoleArn": ROLE,
    "S3Uri": "s3://bucket/key",
    "SecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:a",
    "SecurityGroupId": "sg-1",
    "SpaceName": "space",
    "StudioLifecycleConfigArn": arn("studio-lifecycle-config/slc"),
    "StudioLifecycleConfigContent": SCRIPT,
    "StudioLifecycleConfigName": "slc",
    "SubnetId": "subnet-1",
    "TagKey": "team",
    "TagValue": "a",
    "UserProfileName": "alice",
    "VpcId": "vpc-0a",
}


@st.composite
def of_shape(draw: st.DrawFn, name: str, depth: int = 0) -> Any:
    """A value of the shape, mostly: right, at an edge, or of another kind altogether."""
    shape = model_of("sagemaker").shapes[name]
    if draw(st.integers(0, 150)) == 0:
        return draw(ANY)
    kind = shape["type"]
    if kind == "structure":
        required = shape.get("required", ())
        return {
            member: draw(of_shape(inner, depth + 1))
            for member, inner in shape["members"].items()
            if (member in required and draw(st.integers(0, 30))) or draw(st.integers(0, 2 + depth)) == 0
        }
    if kind == "list":
        return draw(st.lists(of_shape(shape["member"], depth + 1), max_size=min(shape.get("max", 3), 3)))
    if kind == "boolean":
        return draw(st.booleans())
    if kind in ("integer", "long"):
        return draw(st.integers(shape.get("min", 0), shape.get("max", 200)))
    if kind == "timestamp":
        return draw(st.floats(0, 2e9))
    if "enum" in shape:
        return draw(st.sampled_from(shape["enum"][:12]))
    if name in KNOWN and draw(st.integers(0, 12)):
        return KNOWN[name]
    return draw(WORDS)


CODES = {
    "ValidationException", "SerializationException", "ResourceInUse", "ResourceNotFound", "ResourceLimitExceeded",
}  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, Any]:
    operation = draw(st.sampled_from(sorted(OPERATIONS)))
    return operation, draw(of_shape(model_of("sagemaker").inputs[operation]))


def with_domain(value: Any, domain: str) -> Any:
    if isinstance(value, dict):
        return {name: with_domain(each, domain) for name, each in value.items()}
    if isinstance(value, list):
        return [with_domain(each, domain) for each in value]
    return domain if value == "DOMAIN" else value


def furnished(cloud: Cloud) -> str:
    """One object of each type, all in service but the notebook, which is stopped; the domain's ID."""
    domain = cloud.domain()
    cloud.profile(domain)
    cloud.space(domain)
    cloud.app(domain)
    cloud.stopped()
    cloud.sm.create_notebook_instance_lifecycle_config(NotebookInstanceLifecycleConfigName="hooks")
    cloud.sm.create_code_repository(CodeRepositoryName="repo", GitConfig={"RepositoryUrl": "https://a.org/b"})
    cloud.sm.create_studio_lifecycle_config(**STUDIO_CONFIG)
    return domain


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(script=st.lists(requests(), min_size=1, max_size=4), raw=st.one_of(st.none(), st.binary(max_size=40)))
def test_whatever_comes_in_a_documented_shape_goes_out(
    cloud: Cloud, caplog: pytest.LogCaptureFixture, script: list[tuple[str, Any]], raw: bytes | None
) -> None:
    domains = cloud.sm.list_domains(MaxResults=1)["Domains"]
    if not domains or domains[0]["Status"] != "InService":
        cloud.file.reset()
        cloud.file.freeze(NOON)
        furnished(cloud)
        domains = cloud.sm.list_domains()["Domains"]
    with caplog.at_level(logging.WARNING):
        for operation, body in script:
            body = with_domain(body, domains[0]["DomainId"])
            answer = cloud.signed(operation, json.dumps(body).encode() if raw is None else raw)
            assert not caplog.records, (operation, body)
            assert answer.status_code in (200, 400)
            if answer.status_code == 400:
                assert answer.json().keys() in ({"__type", "message"}, {"__type", "Message"})
                assert answer.json()["__type"] in CODES
