"""Notebook instances, their lifecycle configs, and the Git repositories they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pulumi

from providers.resource import CloudResource
from providers.sagemaker import CLOUD
from providers.sagemaker.resources.common import Group, Tags, named, token_of
from providers.sagemaker.resources.groups import GitConfig, InstanceMetadataServiceConfiguration


class NotebookInstance(
    CloudResource,
    token=token_of("NotebookInstance"),
    provider=CLOUD.types[token_of("NotebookInstance")],
    inputs=(
        "notebook_instance_name",
        "instance_type",
        "role_arn",
        "subnet_id",
        "security_group_ids",
        "ip_address_type",
        "kms_key_id",
        "lifecycle_config_name",
        "direct_internet_access",
        "volume_size_in_gb",
        "accelerator_types",
        "default_code_repository",
        "additional_code_repositories",
        "root_access",
        "platform_identifier",
        "instance_metadata_service_configuration",
        "running",
        "tags",
        "region",
    ),
    computed=("arn", "status", "failure_reason", "url", "network_interface_id", "creation_time"),
):
    """A notebook instance: one machine with Jupyter and a volume of its own.

    Most changes need it stopped: it is stopped, changed, and started again if it ran, which the preview says. Name,
    subnet, security groups, key and internet access can only be had anew, and a volume cannot shrink.
    """

    if TYPE_CHECKING:
        # Not at run time: the SDK would resolve these annotations anew for every resource.
        notebook_instance_name: pulumi.Output[str]
        instance_type: pulumi.Output[str]
        role_arn: pulumi.Output[str]
        subnet_id: pulumi.Output[str | None]
        security_group_ids: pulumi.Output[Sequence[str] | None]
        ip_address_type: pulumi.Output[str | None]
        kms_key_id: pulumi.Output[str | None]
        lifecycle_config_name: pulumi.Output[str | None]
        direct_internet_access: pulumi.Output[str | None]
        volume_size_in_gb: pulumi.Output[int | None]
        accelerator_types: pulumi.Output[Sequence[str] | None]
        default_code_repository: pulumi.Output[str | None]
        additional_code_repositories: pulumi.Output[Sequence[str] | None]
        root_access: pulumi.Output[str | None]
        platform_identifier: pulumi.Output[str | None]
        instance_metadata_service_configuration: pulumi.Output[Group | None]
        running: pulumi.Output[bool | None]
        tags: pulumi.Output[Mapping[str, str] | None]
        region: pulumi.Output[str]
        arn: pulumi.Output[str]
        status: pulumi.Output[str]
        failure_reason: pulumi.Output[str | None]
        url: pulumi.Output[str | None]
        network_interface_id: pulumi.Output[str | None]
        creation_time: pulumi.Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        instance_type: pulumi.Input[str],
        role_arn: pulumi.Input[str],
        notebook_instance_name: pulumi.Input[str] | None = None,
        subnet_id: pulumi.Input[str] | None = None,
        security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        ip_address_type: pulumi.Input[str] | None = None,
        kms_key_id: pulumi.Input[str] | None = None,
        lifecycle_config_name: pulumi.Input[str] | None = None,
        direct_internet_access: pulumi.Input[str] | None = None,
        volume_size_in_gb: pulumi.Input[int] | None = None,
        accelerator_types: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        default_code_repository: pulumi.Input[str] | None = None,
        additional_code_repositories: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        root_access: pulumi.Input[str] | None = None,
        platform_identifier: pulumi.Input[str] | None = None,
        instance_metadata_service_configuration: pulumi.Input[InstanceMetadataServiceConfiguration | Group]
        | None = None,
        running: pulumi.Input[bool] | None = None,
        tags: Tags | None = None,
        region: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param resource_name: The name in the program and in the URN.
        :param instance_type: Such as `ml.t3.medium`. One that botocore does not know is a warning.
        :param role_arn: ARN of the role it acts with; its trust policy names sagemaker.amazonaws.com.
        :param notebook_instance_name: 1 to 63 letters, digits and inner hyphens, unique in account and region.
        :param subnet_id: Subnet of your own VPC that it is connected to.
        :param security_group_ids: At most 5, in the subnet's VPC; needs `subnet_id`.
        :param ip_address_type: `ipv4` (the default) or `dualstack`.
        :param kms_key_id: Key that encrypts the volume: ID, ARN or alias.
        :param lifecycle_config_name: Name of a notebook lifecycle config.
        :param direct_internet_access: `Enabled` (the default) or `Disabled`, which needs `subnet_id`.
        :param volume_size_in_gb: 5 to 16384 GB, 5 by default. It can grow in place.
        :param accelerator_types: Retired by AWS: checked, reported, and not sent.
        :param default_code_repository: Name of a code repository, or an https:// address.
        :param additional_code_repositories: At most 3 more of them.
        :param root_access: `Enabled` (the default) or `Disabled`; scripts run as root regardless.
        :param platform_identifier: `notebook-al2023-v1` or `-v2`. The older ones are retired; moving from Amazon Linux
               2 to 2023 works in place.
        :param instance_metadata_service_configuration: The least version of the metadata service.
        :param running: Whether it is to run. Left out, it is left as it is.
        :param tags: At most 50; a map, or the API's list. Tags of others are left alone.
        :param region: Where, if not in the region of the settings.
        :param opts: Pulumi's options.
        """
        name = named("notebook_instance_name", notebook_instance_name, self._token, resource_name, opts)
        self._register(
            resource_name,
            {
                "instance_type": instance_type,
                "role_arn": role_arn,
                "subnet_id": subnet_id,
                "security_group_ids": security_group_ids,
                "ip_address_type": ip_address_type,
                "kms_key_id": kms_key_id,
                "lifecycle_config_name": lifecycle_config_name,
                "direct_internet_access": direct_internet_access,
                "volume_size_in_gb": volume_size_in_gb,
                "accelerator_types": accelerator_types,
                "default_code_repository": default_code_repository,
                "additional_code_repositories": additional_code_repositories,
                "root_access": root_access,
                "platform_identifier": platform_identifier,
                "instance_metadata_service_configuration": instance_metadata_service_configuration,
                "running": running,
                "tags": tags,
                "region": region,
                **name,
            },
            opts,
        )


class NotebookInstanceLifecycleConfig(
    CloudResource,
    token=token_of("NotebookInstanceLifecycleConfig"),
    provider=CLOUD.types[token_of("NotebookInstanceLifecycleConfig")],
    inputs=("notebook_instance_lifecycle_config_name", "on_create", "on_start", "tags", "region"),
    computed=("arn", "creation_time"),
):
    """Scripts that notebook instances run. A change takes effect when an instance starts the next time."""

    if TYPE_CHECKING:
        notebook_instance_lifecycle_config_name: pulumi.Output[str]
        on_create: pulumi.Output[str | None]
        on_start: pulumi.Output[str | None]
        tags: pulumi.Output[Mapping[str, str] | None]
        region: pulumi.Output[str]
        arn: pulumi.Output[str]
        creation_time: pulumi.Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        notebook_instance_lifecycle_config_name: pulumi.Input[str] | None = None,
        on_create: pulumi.Input[str] | None = None,
        on_start: pulumi.Input[str] | None = None,
        tags: Tags | None = None,
        region: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param resource_name: The name in the program and in the URN.
        :param notebook_instance_lifecycle_config_name: 1 to 63 letters, digits and inner hyphens.
        :param on_create: The script itself, as plain text, that runs once when an instance is made; about 12 kB.
        :param on_start: The script that runs whenever an instance starts. More than 5 minutes fail the instance.
        :param tags: At most 50.
        :param region: Where, if not in the region of the settings.
        :param opts: Pulumi's options.
        """
        member = "notebook_instance_lifecycle_config_name"
        name = named(member, notebook_instance_lifecycle_config_name, self._token, resource_name, opts)
        self._register(
            resource_name,
            {"on_create": on_create, "on_start": on_start, "tags": tags, "region": region, **name},
            opts,
        )


class CodeRepository(
    CloudResource,
    token=token_of("CodeRepository"),
    provider=CLOUD.types[token_of("CodeRepository")],
    inputs=("code_repository_name", "git_config", "tags", "region"),
    computed=("arn", "creation_time"),
):
    """A Git repository that notebook instances can name. Only its secret can be changed in place."""

    if TYPE_CHECKING:
        code_repository_name: pulumi.Output[str]
        git_config: pulumi.Output[Group]
        tags: pulumi.Output[Mapping[str, str] | None]
        region: pulumi.Output[str]
        arn: pulumi.Output[str]
        creation_time: pulumi.Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        git_config: pulumi.Input[GitConfig | Group],
        code_repository_name: pulumi.Input[str] | None = None,
        tags: Tags | None = None,
        region: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param resource_name: The name in the program and in the URN.
        :param git_config: Its address, branch, and the secret with user name and password.
        :param code_repository_name: 1 to 63 letters, digits and inner hyphens.
        :param tags: At most 50.
        :param region: Where, if not in the region of the settings.
        :param opts: Pulumi's options.
        """
        name = named("code_repository_name", code_repository_name, self._token, resource_name, opts)
        self._register(resource_name, {"git_config": git_config, "tags": tags, "region": region, **name}, opts)
