"""Settings of a domain itself, and of the spaces in it by default."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from providers.resource import Args
from providers.sagemaker.resources.common import Group
from providers.sagemaker.resources.groups import ResourceSpec
from providers.sagemaker.resources.user_settings import (
    CustomFileSystemConfig,
    CustomPosixUserConfig,
    DefaultSpaceStorageSettings,
    JupyterLabAppSettings,
    JupyterServerAppSettings,
    KernelGatewayAppSettings,
)


class RStudioServerProDomainSettings(Args):
    """Settings that configure the RStudioServerPro Domain-level app."""

    domain_execution_role_arn: pulumi.Input[str]
    """The ARN of the execution role for the RStudioServerPro Domain-level app."""
    r_studio_connect_url: pulumi.Input[str] | None = None
    """A URL pointing to an RStudio Connect server."""
    r_studio_package_manager_url: pulumi.Input[str] | None = None
    """A URL pointing to an RStudio Package Manager server."""
    default_resource_spec: pulumi.Input[ResourceSpec | Group] | None = None
    """What apps run on if nothing nearer to them says so."""


class TrustedIdentityPropagationSettings(Args):
    """The Trusted Identity Propagation (TIP) settings for the SageMaker domain."""

    status: pulumi.Input[str]
    """`ENABLED` or `DISABLED`."""


class DockerSettings(Args):
    """Settings that configure the domain's Docker interaction."""

    enable_docker_access: pulumi.Input[str] | None = None
    """Whether the domain can access Docker. `ENABLED` or `DISABLED`."""
    vpc_only_trusted_accounts: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """The list of AWS accounts that are trusted when the domain is created in VPC-only mode."""
    rootless_docker: pulumi.Input[str] | None = None
    """Whether to use rootless Docker. `ENABLED` or `DISABLED`."""


class AmazonQSettings(Args):
    """Settings that configure the Amazon Q experience within the domain."""

    status: pulumi.Input[str] | None = None
    """`ENABLED` or `DISABLED`."""
    q_profile_arn: pulumi.Input[str] | None = None
    """The ARN of the Amazon Q profile used within the domain."""


class UnifiedStudioSettings(Args):
    """The settings that apply to an SageMaker domain when you use it in SageMaker Unified Studio."""

    studio_web_portal_access: pulumi.Input[str] | None = None
    """Whether the domain can be reached in Studio: `ENABLED` or `DISABLED`."""
    domain_account_id: pulumi.Input[str] | None = None
    """The ID of the AWS account that has the SageMaker Unified Studio domain."""
    domain_region: pulumi.Input[str] | None = None
    """The AWS Region where the domain is located in SageMaker Unified Studio."""
    domain_id: pulumi.Input[str] | None = None
    """The ID of the SageMaker Unified Studio domain associated with this domain."""
    project_id: pulumi.Input[str] | None = None
    """The ID of the SageMaker Unified Studio project that corresponds to the domain."""
    environment_id: pulumi.Input[str] | None = None
    """The ID of the environment that SageMaker Unified Studio associates with the domain."""
    project_s3_path: pulumi.Input[str] | None = None
    """Where S3 keeps temporary data and artifacts of the project."""
    single_sign_on_application_arn: pulumi.Input[str] | None = None
    """The ARN of the Amazon DataZone application managed by SageMaker Unified Studio in the AWS IAM Identity Center."""


class DomainSettings(Args):
    """Settings that apply to the SageMaker Domain."""

    security_group_ids: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """At most 3 security groups for the domain itself."""
    r_studio_server_pro_domain_settings: pulumi.Input[RStudioServerProDomainSettings | Group] | None = None
    """Settings that configure the RStudioServerPro Domain-level app."""
    execution_role_identity_config: pulumi.Input[str] | None = None
    """Whether the user profile's name goes into the role's session: `USER_PROFILE_NAME` or `DISABLED`."""
    trusted_identity_propagation_settings: pulumi.Input[TrustedIdentityPropagationSettings | Group] | None = None
    """The Trusted Identity Propagation (TIP) settings for the SageMaker domain."""
    docker_settings: pulumi.Input[DockerSettings | Group] | None = None
    """Settings that configure the domain's Docker interaction."""
    amazon_q_settings: pulumi.Input[AmazonQSettings | Group] | None = None
    """Settings that configure the Amazon Q experience within the domain."""
    unified_studio_settings: pulumi.Input[UnifiedStudioSettings | Group] | None = None
    """Ties the domain to a Unified Studio."""
    ip_address_type: pulumi.Input[str] | None = None
    """`ipv4` (the default) or `dualstack`."""


class DefaultSpaceSettings(Args):
    """The default settings for shared spaces that users create in the domain."""

    execution_role: pulumi.Input[str] | None = None
    """The ARN of the execution role for the space."""
    security_groups: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """The security group IDs for the VPC that the space uses for communication."""
    jupyter_server_app_settings: pulumi.Input[JupyterServerAppSettings | Group] | None = None
    """Settings of JupyterServer apps."""
    kernel_gateway_app_settings: pulumi.Input[KernelGatewayAppSettings | Group] | None = None
    """Settings of KernelGateway apps."""
    jupyter_lab_app_settings: pulumi.Input[JupyterLabAppSettings | Group] | None = None
    """Settings of JupyterLab apps."""
    space_storage_settings: pulumi.Input[DefaultSpaceStorageSettings | Group] | None = None
    """The storage of spaces."""
    custom_posix_user_config: pulumi.Input[CustomPosixUserConfig | Group] | None = None
    """The POSIX identity for file systems."""
    custom_file_system_configs: pulumi.Input[Sequence[pulumi.Input[CustomFileSystemConfig | Group]]] | None = None
    """The settings for assigning a custom file system to a domain."""


class RetentionPolicy(Args):
    """What becomes of a domain's home file system when the domain is deleted."""

    home_efs_file_system: pulumi.Input[str] | None = None
    """`Retain` (the default) or `Delete`."""
