"""What stack authors import: the eight types of SageMaker, as Pulumi resources.

Inputs have the API's names in snake_case; what they may be is in `schema`, and is checked before anything is done.
Names are optional: one that is left out is made from the resource's name, and is the same every time. Groups of inputs
are in `groups`; plain dicts do as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pulumi

from providers.resource import CloudResource, generated_name
from providers.sagemaker import CLOUD
from providers.sagemaker.groups import *  # noqa: F403
from providers.sagemaker.groups import (
    DefaultSpaceSettings,
    DomainSettings,
    GitConfig,
    Group,
    InstanceMetadataServiceConfiguration,
    OwnershipSettings,
    ResourceSpec,
    RetentionPolicy,
    SpaceSettings,
    SpaceSharingSettings,
    UserSettings,
)

Tags = pulumi.Input[Mapping[str, pulumi.Input[str]]]

_TOKEN = "pulumi-python:dynamic/sagemaker:{}"
_LONGEST = 63
_LETTERS = "a-zA-Z0-9-"


def _token(name: str) -> str:
    return _TOKEN.format(name)


def _named(member: str, given: Any, token: str, resource_name: str, opts: pulumi.ResourceOptions | None) -> Group:
    """The input that is the object's name: as given, or made from the URN and marked so."""
    if given is not None:
        return {member: given}
    made = generated_name(token, resource_name, opts, _LONGEST, allowed=_LETTERS)
    (mark,) = [key for key in made if key != "name"]
    return {member: made["name"], mark: [member]}


# --- notebook instances -----------------------------------------------------------------------------------------------


class NotebookInstance(
    CloudResource,
    token=_token("NotebookInstance"),
    provider=CLOUD.types[_token("NotebookInstance")],
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
        named = _named("notebook_instance_name", notebook_instance_name, self._token, resource_name, opts)
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
                **named,
            },
            opts,
        )


class NotebookInstanceLifecycleConfig(
    CloudResource,
    token=_token("NotebookInstanceLifecycleConfig"),
    provider=CLOUD.types[_token("NotebookInstanceLifecycleConfig")],
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
        named = _named(member, notebook_instance_lifecycle_config_name, self._token, resource_name, opts)
        self._register(
            resource_name,
            {"on_create": on_create, "on_start": on_start, "tags": tags, "region": region, **named},
            opts,
        )


class CodeRepository(
    CloudResource,
    token=_token("CodeRepository"),
    provider=CLOUD.types[_token("CodeRepository")],
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
        named = _named("code_repository_name", code_repository_name, self._token, resource_name, opts)
        self._register(resource_name, {"git_config": git_config, "tags": tags, "region": region, **named}, opts)


# --- Studio -----------------------------------------------------------------------------------------------------------


class Domain(
    CloudResource,
    token=_token("Domain"),
    provider=CLOUD.types[_token("Domain")],
    inputs=(
        "domain_name",
        "auth_mode",
        "default_user_settings",
        "default_space_settings",
        "domain_settings",
        "vpc_id",
        "subnet_ids",
        "app_network_access_type",
        "app_security_group_management",
        "kms_key_id",
        "home_efs_file_system_creation",
        "tag_propagation",
        "retention_policy",
        "tags",
        "region",
    ),
    computed=(
        "arn",
        "url",
        "status",
        "failure_reason",
        "home_efs_file_system_id",
        "security_group_id_for_domain_boundary",
        "single_sign_on_application_arn",
        "single_sign_on_managed_application_instance_id",
        "creation_time",
    ),
):
    """A Studio domain: a home file system, a network, and default settings for the users and spaces in it.

    Its ID, which everything in it needs, is `domain.id`. Name, sign-in, VPC and key can only be had anew. Deleting it
    keeps the home file system, unless `retention_policy` says otherwise.
    """

    if TYPE_CHECKING:
        domain_name: pulumi.Output[str]
        auth_mode: pulumi.Output[str]
        default_user_settings: pulumi.Output[Group]
        default_space_settings: pulumi.Output[Group | None]
        domain_settings: pulumi.Output[Group | None]
        vpc_id: pulumi.Output[str | None]
        subnet_ids: pulumi.Output[Sequence[str] | None]
        app_network_access_type: pulumi.Output[str | None]
        app_security_group_management: pulumi.Output[str | None]
        kms_key_id: pulumi.Output[str | None]
        home_efs_file_system_creation: pulumi.Output[str | None]
        tag_propagation: pulumi.Output[str | None]
        retention_policy: pulumi.Output[Group | None]
        tags: pulumi.Output[Mapping[str, str] | None]
        region: pulumi.Output[str]
        arn: pulumi.Output[str]
        url: pulumi.Output[str | None]
        status: pulumi.Output[str]
        failure_reason: pulumi.Output[str | None]
        home_efs_file_system_id: pulumi.Output[str | None]
        security_group_id_for_domain_boundary: pulumi.Output[str | None]
        single_sign_on_application_arn: pulumi.Output[str | None]
        single_sign_on_managed_application_instance_id: pulumi.Output[str | None]
        creation_time: pulumi.Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        auth_mode: pulumi.Input[str],
        default_user_settings: pulumi.Input[UserSettings | Group],
        domain_name: pulumi.Input[str] | None = None,
        vpc_id: pulumi.Input[str] | None = None,
        subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None,
        default_space_settings: pulumi.Input[DefaultSpaceSettings | Group] | None = None,
        domain_settings: pulumi.Input[DomainSettings | Group] | None = None,
        app_network_access_type: pulumi.Input[str] | None = None,
        app_security_group_management: pulumi.Input[str] | None = None,
        kms_key_id: pulumi.Input[str] | None = None,
        home_efs_file_system_creation: pulumi.Input[str] | None = None,
        tag_propagation: pulumi.Input[str] | None = None,
        retention_policy: pulumi.Input[RetentionPolicy | Group] | None = None,
        tags: Tags | None = None,
        region: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param resource_name: The name in the program and in the URN.
        :param auth_mode: How users sign in: `IAM` or `SSO`.
        :param default_user_settings: What user profiles have if they do not say otherwise.
        :param domain_name: 1 to 63 letters, digits and inner hyphens, unique in account and region.
        :param vpc_id: VPC of its file system and apps; required, unless it belongs to a Unified Studio.
        :param subnet_ids: 1 to 16 subnets of that VPC.
        :param default_space_settings: What shared spaces have if they do not say otherwise.
        :param domain_settings: RStudio, Docker, security groups of the domain itself.
        :param app_network_access_type: `PublicInternetOnly` (the default) or `VpcOnly`.
        :param app_security_group_management: `Service` or `Customer`; RStudio with VpcOnly needs `Service`.
        :param kms_key_id: Key that encrypts file system and volumes.
        :param home_efs_file_system_creation: `Enabled` (the default) or `Disabled`; it can be enabled later.
        :param tag_propagation: Whether tags go on to what is made in it: `ENABLED` or `DISABLED` (the default).
        :param retention_policy: What becomes of the home file system when the domain is deleted.
        :param tags: At most 50; apps that are started later get them, too.
        :param region: Where, if not in the region of the settings.
        :param opts: Pulumi's options.
        """
        self._register(
            resource_name,
            {
                "auth_mode": auth_mode,
                "default_user_settings": default_user_settings,
                "default_space_settings": default_space_settings,
                "domain_settings": domain_settings,
                "vpc_id": vpc_id,
                "subnet_ids": subnet_ids,
                "app_network_access_type": app_network_access_type,
                "app_security_group_management": app_security_group_management,
                "kms_key_id": kms_key_id,
                "home_efs_file_system_creation": home_efs_file_system_creation,
                "tag_propagation": tag_propagation,
                "retention_policy": retention_policy,
                "tags": tags,
                "region": region,
                **_named("domain_name", domain_name, self._token, resource_name, opts),
            },
            opts,
        )


class UserProfile(
    CloudResource,
    token=_token("UserProfile"),
    provider=CLOUD.types[_token("UserProfile")],
    inputs=(
        "domain_id",
        "user_profile_name",
        "single_sign_on_user_identifier",
        "single_sign_on_user_value",
        "user_settings",
        "tags",
        "region",
    ),
    computed=("arn", "home_efs_file_system_uid", "status", "failure_reason", "creation_time"),
):
    """A user of a domain. Only the settings can be changed in place."""

    if TYPE_CHECKING:
        domain_id: pulumi.Output[str]
        user_profile_name: pulumi.Output[str]
        single_sign_on_user_identifier: pulumi.Output[str | None]
        single_sign_on_user_value: pulumi.Output[str | None]
        user_settings: pulumi.Output[Group | None]
        tags: pulumi.Output[Mapping[str, str] | None]
        region: pulumi.Output[str]
        arn: pulumi.Output[str]
        home_efs_file_system_uid: pulumi.Output[str | None]
        status: pulumi.Output[str]
        failure_reason: pulumi.Output[str | None]
        creation_time: pulumi.Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        domain_id: pulumi.Input[str],
        user_profile_name: pulumi.Input[str] | None = None,
        single_sign_on_user_identifier: pulumi.Input[str] | None = None,
        single_sign_on_user_value: pulumi.Input[str] | None = None,
        user_settings: pulumi.Input[UserSettings | Group] | None = None,
        tags: Tags | None = None,
        region: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param resource_name: The name in the program and in the URN.
        :param domain_id: ID of its domain, such as `domain.id`.
        :param user_profile_name: 1 to 63 letters, digits and inner hyphens; the case of letters does not matter.
        :param single_sign_on_user_identifier: `UserName`, for a domain with SSO only.
        :param single_sign_on_user_value: The user's name there; goes with the identifier.
        :param user_settings: What differs from the domain's default user settings.
        :param tags: At most 50; apps that are started later get them, too.
        :param region: Where, if not in the region of the settings.
        :param opts: Pulumi's options.
        """
        self._register(
            resource_name,
            {
                "domain_id": domain_id,
                "single_sign_on_user_identifier": single_sign_on_user_identifier,
                "single_sign_on_user_value": single_sign_on_user_value,
                "user_settings": user_settings,
                "tags": tags,
                "region": region,
                **_named("user_profile_name", user_profile_name, self._token, resource_name, opts),
            },
            opts,
        )


class Space(
    CloudResource,
    token=_token("Space"),
    provider=CLOUD.types[_token("Space")],
    inputs=(
        "domain_id",
        "space_name",
        "space_display_name",
        "space_settings",
        "ownership_settings",
        "space_sharing_settings",
        "tags",
        "region",
    ),
    computed=("arn", "url", "home_efs_file_system_uid", "status", "failure_reason", "creation_time"),
):
    """A space of a domain: storage and settings that an app runs with, of one user or shared.

    Settings and display name can be changed in place, but not the app type; a volume can only grow.
    """

    if TYPE_CHECKING:
        domain_id: pulumi.Output[str]
        space_name: pulumi.Output[str]
        space_display_name: pulumi.Output[str | None]
        space_settings: pulumi.Output[Group | None]
        ownership_settings: pulumi.Output[Group | None]
        space_sharing_settings: pulumi.Output[Group | None]
        tags: pulumi.Output[Mapping[str, str] | None]
        region: pulumi.Output[str]
        arn: pulumi.Output[str]
        url: pulumi.Output[str | None]
        home_efs_file_system_uid: pulumi.Output[str | None]
        status: pulumi.Output[str]
        failure_reason: pulumi.Output[str | None]
        creation_time: pulumi.Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        domain_id: pulumi.Input[str],
        space_name: pulumi.Input[str] | None = None,
        space_display_name: pulumi.Input[str] | None = None,
        space_settings: pulumi.Input[SpaceSettings | Group] | None = None,
        ownership_settings: pulumi.Input[OwnershipSettings | Group] | None = None,
        space_sharing_settings: pulumi.Input[SpaceSharingSettings | Group] | None = None,
        tags: Tags | None = None,
        region: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param resource_name: The name in the program and in the URN.
        :param domain_id: ID of its domain, such as `domain.id`.
        :param space_name: 1 to 63 letters, digits and inner hyphens.
        :param space_display_name: What Studio shows, up to 64 characters.
        :param space_settings: App type, storage, app settings; required for a private space.
        :param ownership_settings: The user profile that owns it; goes with the next. Neither: everybody's.
        :param space_sharing_settings: `Private` or `Shared`.
        :param tags: At most 50.
        :param region: Where, if not in the region of the settings.
        :param opts: Pulumi's options.
        """
        self._register(
            resource_name,
            {
                "domain_id": domain_id,
                "space_display_name": space_display_name,
                "space_settings": space_settings,
                "ownership_settings": ownership_settings,
                "space_sharing_settings": space_sharing_settings,
                "tags": tags,
                "region": region,
                **_named("space_name", space_name, self._token, resource_name, opts),
            },
            opts,
        )


class App(
    CloudResource,
    token=_token("App"),
    provider=CLOUD.types[_token("App")],
    inputs=(
        "domain_id",
        "user_profile_name",
        "space_name",
        "app_type",
        "app_name",
        "resource_spec",
        "recovery_mode",
        "tags",
        "region",
    ),
    computed=("arn", "status", "failure_reason", "built_in_lifecycle_config_arn", "creation_time"),
):
    """A running app of a user profile or a space.

    An app has no update: everything but the tags is changed by ending it and starting it again. One that the service or
    its user has ended counts as gone, and the next up starts it again.
    """

    if TYPE_CHECKING:
        domain_id: pulumi.Output[str]
        user_profile_name: pulumi.Output[str | None]
        space_name: pulumi.Output[str | None]
        app_type: pulumi.Output[str]
        app_name: pulumi.Output[str]
        resource_spec: pulumi.Output[Group | None]
        recovery_mode: pulumi.Output[bool | None]
        tags: pulumi.Output[Mapping[str, str] | None]
        region: pulumi.Output[str]
        arn: pulumi.Output[str]
        status: pulumi.Output[str]
        failure_reason: pulumi.Output[str | None]
        built_in_lifecycle_config_arn: pulumi.Output[str | None]
        creation_time: pulumi.Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        domain_id: pulumi.Input[str],
        app_type: pulumi.Input[str],
        app_name: pulumi.Input[str] = "default",
        user_profile_name: pulumi.Input[str] | None = None,
        space_name: pulumi.Input[str] | None = None,
        resource_spec: pulumi.Input[ResourceSpec | Group] | None = None,
        recovery_mode: pulumi.Input[bool] | None = None,
        tags: Tags | None = None,
        region: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param resource_name: The name in the program and in the URN.
        :param domain_id: ID of its domain, such as `domain.id`.
        :param app_type: `JupyterServer`, `KernelGateway`, `JupyterLab`, `CodeEditor`, `TensorBoard`, `Canvas`,
               `DetailedProfiler`, `RStudioServerPro` or `RSessionGateway`.
        :param app_name: 1 to 63 letters, digits and inner hyphens. JupyterServer, JupyterLab and CodeEditor apps are
               called `default`.
        :param user_profile_name: The user profile it belongs to; or
        :param space_name: the space it belongs to. Exactly one of the two; JupyterLab and CodeEditor need a space.
        :param resource_spec: Instance type, image, script. A KernelGateway app needs an instance type here, in its
               profile or space, or in the domain.
        :param recovery_mode: Start it in recovery mode.
        :param tags: At most 50.
        :param region: Where, if not in the region of the settings.
        :param opts: Pulumi's options.
        """
        self._register(
            resource_name,
            {
                "domain_id": domain_id,
                "app_type": app_type,
                "app_name": app_name,
                "user_profile_name": user_profile_name,
                "space_name": space_name,
                "resource_spec": resource_spec,
                "recovery_mode": recovery_mode,
                "tags": tags,
                "region": region,
            },
            opts,
        )


class StudioLifecycleConfig(
    CloudResource,
    token=_token("StudioLifecycleConfig"),
    provider=CLOUD.types[_token("StudioLifecycleConfig")],
    inputs=(
        "studio_lifecycle_config_name",
        "studio_lifecycle_config_content",
        "studio_lifecycle_config_app_type",
        "tags",
        "region",
    ),
    computed=("arn", "creation_time"),
):
    """A script that Studio apps run when they start. It has no update, and cannot be deleted while it is attached.

    Without a name of its own it is called after its contents, too: a new script then is a new config, attached before
    the old one goes.
    """

    if TYPE_CHECKING:
        studio_lifecycle_config_name: pulumi.Output[str]
        studio_lifecycle_config_content: pulumi.Output[str]
        studio_lifecycle_config_app_type: pulumi.Output[str]
        tags: pulumi.Output[Mapping[str, str] | None]
        region: pulumi.Output[str]
        arn: pulumi.Output[str]
        creation_time: pulumi.Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        studio_lifecycle_config_content: pulumi.Input[str],
        studio_lifecycle_config_app_type: pulumi.Input[str],
        studio_lifecycle_config_name: pulumi.Input[str] | None = None,
        tags: Tags | None = None,
        region: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param resource_name: The name in the program and in the URN.
        :param studio_lifecycle_config_content: The script itself, as plain text; about 12 kB.
        :param studio_lifecycle_config_app_type: `JupyterServer`, `KernelGateway`, `JupyterLab` or `CodeEditor`.
        :param studio_lifecycle_config_name: 1 to 63 letters, digits and inner hyphens.
        :param tags: At most 50.
        :param region: Where, if not in the region of the settings.
        :param opts: Pulumi's options.
        """
        content, app_type = studio_lifecycle_config_content, studio_lifecycle_config_app_type
        member = "studio_lifecycle_config_name"
        named = dict(_named(member, studio_lifecycle_config_name, self._token, resource_name, opts))
        if studio_lifecycle_config_name is None:
            named[member] = _called_after(named[member], content, app_type)
        self._register(
            resource_name,
            {
                "studio_lifecycle_config_content": content,
                "studio_lifecycle_config_app_type": app_type,
                "tags": tags,
                "region": region,
                **named,
            },
            opts,
        )


_MARK = 7
"""Letters of a made-up name that stand for the contents."""


def _called_after(name: Any, *contents: Any) -> Any:
    """A made-up name that changes with the contents."""

    def mark(texts: Sequence[Any]) -> str:
        start, *rest = map(str, texts)
        digest = hashlib.sha256("\0".join(rest).encode()).hexdigest()
        return f"{start[: _LONGEST - _MARK - 1]}-{digest[:_MARK]}"

    if all(isinstance(text, str) for text in (name, *contents)):
        return mark([name, *contents])
    return pulumi.Output.all(name, *contents).apply(mark)
