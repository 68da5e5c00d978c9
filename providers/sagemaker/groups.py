"""Groups of inputs, as typed classes that are plain dicts on the wire: settings of domains, profiles, spaces, apps.

One class for each structure of the API, members in snake_case; plain dicts do as well, in this spelling or the API's.
Nothing is judged here: a wrong or missing member is reported by the provider's `check`, with every other mistake.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from providers.resource import Args

Group = Mapping[str, Any]
"""A group of inputs as a plain dict."""


class ResourceSpec(Args):
    """What an app runs on, and its image. The app's own goes before its profile's, and that before its domain's."""

    sagemaker_image_arn: pulumi.Input[str] | None = None
    """ARN of the SageMaker image."""
    sagemaker_image_version_arn: pulumi.Input[str] | None = None
    """ARN of the image's version; goes before the image's ARN. `None`, as text, clears it."""
    sagemaker_image_version_alias: pulumi.Input[str] | None = None
    """Version of the image, such as `1.2`."""
    instance_type: pulumi.Input[str] | None = None
    """Such as `ml.t3.medium`. JupyterServer apps run on `system` only."""
    lifecycle_config_arn: pulumi.Input[str] | None = None
    """ARN of the Studio lifecycle config that runs when the app starts. `None`, as text, clears it."""
    training_plan_arn: pulumi.Input[str] | None = None
    """ARN of a training plan; JupyterLab and CodeEditor apps only. `None`, as text, clears it."""


class InstanceMetadataServiceConfiguration(Args):
    """The instance metadata service of a notebook instance."""

    minimum_instance_metadata_service_version: pulumi.Input[str]
    """The least version it answers: `"1"` or `"2"`, as text."""


class GitConfig(Args):
    """Where a Git repository is, and how to get in."""

    repository_url: pulumi.Input[str]
    """The `https://` address, 11 to 1024 characters."""
    branch: pulumi.Input[str] | None = None
    """The default branch for the Git repository."""
    secret_arn: pulumi.Input[str] | None = None
    """ARN of the secret in Secrets Manager that has username and password; it can be changed in place."""


class SharingSettings(Args):
    """Options for sharing SageMaker Studio notebooks."""

    notebook_output_option: pulumi.Input[str] | None = None
    """Whether shared notebooks keep their cells' output: `Allowed` or `Disabled` (the default)."""
    s3_output_path: pulumi.Input[str] | None = None
    """Where shared notebooks are kept; needed for `Allowed`."""
    s3_kms_key_id: pulumi.Input[str] | None = None
    """Key that encrypts shared notebooks."""


class RepositoryReference(Args):
    """A Git repository that Studio offers its users to clone."""

    repository_url: pulumi.Input[str]
    """Its `https://` address."""


class JupyterServerAppSettings(Args):
    """The JupyterServer app settings."""

    default_resource_spec: pulumi.Input[ResourceSpec | Group] | None = None
    """What apps run on if nothing nearer to them says so."""
    lifecycle_config_arns: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """ARNs of Studio lifecycle configs; they need a default resource spec beside them."""
    code_repositories: pulumi.Input[Sequence[pulumi.Input[RepositoryReference | Group]]] | None = None
    """At most 10 Git repositories that users are offered to clone."""


class CustomImage(Args):
    """A custom SageMaker image."""

    image_name: pulumi.Input[str]
    """The name of the CustomImage."""
    app_image_config_name: pulumi.Input[str]
    """The name of the AppImageConfig."""
    image_version_number: pulumi.Input[int] | None = None
    """The version number of the CustomImage."""


class KernelGatewayAppSettings(Args):
    """The KernelGateway app settings."""

    default_resource_spec: pulumi.Input[ResourceSpec | Group] | None = None
    """What apps run on if nothing nearer to them says so."""
    custom_images: pulumi.Input[Sequence[pulumi.Input[CustomImage | Group]]] | None = None
    """A list of custom SageMaker images that are configured to run as a KernelGateway app."""
    lifecycle_config_arns: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """ARNs of Studio lifecycle configs; they need a default resource spec beside them."""


class TensorBoardAppSettings(Args):
    """The TensorBoard app settings."""

    default_resource_spec: pulumi.Input[ResourceSpec | Group] | None = None
    """What apps run on if nothing nearer to them says so."""


class RStudioServerProAppSettings(Args):
    """Settings that configure user interaction with the RStudioServerPro app."""

    access_status: pulumi.Input[str] | None = None
    """Whether the current user has access to the RStudioServerPro app. `ENABLED` or `DISABLED`."""
    user_group: pulumi.Input[str] | None = None
    """What the user may do in RStudio: `R_STUDIO_ADMIN` or `R_STUDIO_USER`."""


class RSessionAppSettings(Args):
    """Settings that apply to an RSessionGateway app."""

    default_resource_spec: pulumi.Input[ResourceSpec | Group] | None = None
    """What apps run on if nothing nearer to them says so."""
    custom_images: pulumi.Input[Sequence[pulumi.Input[CustomImage | Group]]] | None = None
    """A list of custom SageMaker images that are configured to run as a RSession app."""


class TimeSeriesForecastingSettings(Args):
    """Time series forecast settings for the SageMaker Canvas application."""

    status: pulumi.Input[str] | None = None
    """`ENABLED` or `DISABLED`."""
    amazon_forecast_role_arn: pulumi.Input[str] | None = None
    """The IAM role that Canvas passes to Amazon Forecast for time series forecasting."""


class ModelRegisterSettings(Args):
    """The model registry settings for the SageMaker Canvas application."""

    status: pulumi.Input[str] | None = None
    """`ENABLED` or `DISABLED`."""
    cross_account_model_register_role_arn: pulumi.Input[str] | None = None
    """The ARN of the SageMaker model registry account."""


class WorkspaceSettings(Args):
    """The workspace settings for the SageMaker Canvas application."""

    s3_artifact_path: pulumi.Input[str] | None = None
    """The S3 bucket used to store artifacts generated by Canvas."""
    s3_kms_key_id: pulumi.Input[str] | None = None
    """The AWS KMS key that is used to encrypt artifacts generated by Canvas in the S3 bucket."""


class IdentityProviderOAuthSetting(Args):
    """How Canvas signs in to an external data source, such as Snowflake."""

    data_source_name: pulumi.Input[str] | None = None
    """The name of the data source that you're connecting to. `SalesforceGenie` or `Snowflake`."""
    status: pulumi.Input[str] | None = None
    """`ENABLED` or `DISABLED`."""
    secret_arn: pulumi.Input[str] | None = None
    """ARN of the secret in Secrets Manager with the client ID and secret, authorization URL and token URL."""


class DirectDeploySettings(Args):
    """The model deployment settings for the SageMaker Canvas application."""

    status: pulumi.Input[str] | None = None
    """`ENABLED` or `DISABLED`."""


class KendraSettings(Args):
    """The SageMaker Canvas application setting where you configure document querying."""

    status: pulumi.Input[str] | None = None
    """`ENABLED` or `DISABLED`."""


class GenerativeAiSettings(Args):
    """The generative AI settings for the SageMaker Canvas application."""

    amazon_bedrock_role_arn: pulumi.Input[str] | None = None
    """The ARN of an IAM role that allows fine-tuning of large language models (LLMs) in Amazon Bedrock."""


class EmrServerlessSettings(Args):
    """The settings for running EMR Serverless jobs in SageMaker Canvas."""

    execution_role_arn: pulumi.Input[str] | None = None
    """The ARN of the IAM role that is assumed for running EMR Serverless jobs in SageMaker Canvas."""
    status: pulumi.Input[str] | None = None
    """`ENABLED` or `DISABLED`."""


class CanvasAppSettings(Args):
    """The SageMaker Canvas application settings."""

    time_series_forecasting_settings: pulumi.Input[TimeSeriesForecastingSettings | Group] | None = None
    """Time series forecast settings for the SageMaker Canvas application."""
    model_register_settings: pulumi.Input[ModelRegisterSettings | Group] | None = None
    """The model registry settings for the SageMaker Canvas application."""
    workspace_settings: pulumi.Input[WorkspaceSettings | Group] | None = None
    """The workspace settings for the SageMaker Canvas application."""
    identity_provider_oauth_settings: (
        pulumi.Input[Sequence[pulumi.Input[IdentityProviderOAuthSetting | Group]]] | None
    ) = None
    """The settings for connecting to an external data source with OAuth."""
    direct_deploy_settings: pulumi.Input[DirectDeploySettings | Group] | None = None
    """The model deployment settings for the SageMaker Canvas application."""
    kendra_settings: pulumi.Input[KendraSettings | Group] | None = None
    """The settings for document querying."""
    generative_ai_settings: pulumi.Input[GenerativeAiSettings | Group] | None = None
    """The generative AI settings for the SageMaker Canvas application."""
    emr_serverless_settings: pulumi.Input[EmrServerlessSettings | Group] | None = None
    """The settings for running EMR Serverless data processing jobs in SageMaker Canvas."""


class IdleSettings(Args):
    """Settings related to idle shutdown of Studio applications."""

    lifecycle_management: pulumi.Input[str] | None = None
    """Whether apps without use are ended: `ENABLED` or `DISABLED`."""
    idle_timeout_in_minutes: pulumi.Input[int] | None = None
    """Minutes without use until an app is ended, 60 to 525600."""
    min_idle_timeout_in_minutes: pulumi.Input[int] | None = None
    """The least that users may choose, in minutes."""
    max_idle_timeout_in_minutes: pulumi.Input[int] | None = None
    """The most that users may choose, in minutes."""


class AppLifecycleManagement(Args):
    """Settings that are used to configure and manage the lifecycle of SageMaker Studio applications."""

    idle_settings: pulumi.Input[IdleSettings | Group] | None = None
    """Settings related to idle shutdown of Studio applications."""


class CodeEditorAppSettings(Args):
    """The Code Editor application settings."""

    default_resource_spec: pulumi.Input[ResourceSpec | Group] | None = None
    """What apps run on if nothing nearer to them says so."""
    custom_images: pulumi.Input[Sequence[pulumi.Input[CustomImage | Group]]] | None = None
    """A list of custom SageMaker images that are configured to run as a Code Editor app."""
    lifecycle_config_arns: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """ARNs of Studio lifecycle configs; they need a default resource spec beside them."""
    app_lifecycle_management: pulumi.Input[AppLifecycleManagement | Group] | None = None
    """Settings that are used to configure and manage the lifecycle of CodeEditor applications."""
    built_in_lifecycle_config_arn: pulumi.Input[str] | None = None
    """The lifecycle configuration that runs before the default lifecycle configuration."""


class EmrSettings(Args):
    """The roles for running EMR clusters and EMR Serverless applications."""

    assumable_role_arns: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """At most 5 roles that the execution role of SageMaker can assume."""
    execution_role_arns: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """At most 5 roles of the clusters and jobs themselves."""


class JupyterLabAppSettings(Args):
    """The settings for the JupyterLab application."""

    default_resource_spec: pulumi.Input[ResourceSpec | Group] | None = None
    """What apps run on if nothing nearer to them says so."""
    custom_images: pulumi.Input[Sequence[pulumi.Input[CustomImage | Group]]] | None = None
    """A list of custom SageMaker images that are configured to run as a JupyterLab app."""
    lifecycle_config_arns: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """ARNs of Studio lifecycle configs; they need a default resource spec beside them."""
    code_repositories: pulumi.Input[Sequence[pulumi.Input[RepositoryReference | Group]]] | None = None
    """At most 10 Git repositories that users are offered to clone."""
    app_lifecycle_management: pulumi.Input[AppLifecycleManagement | Group] | None = None
    """Whether idle shutdown is activated for JupyterLab applications."""
    emr_settings: pulumi.Input[EmrSettings | Group] | None = None
    """The roles for EMR."""
    built_in_lifecycle_config_arn: pulumi.Input[str] | None = None
    """The lifecycle configuration that runs before the default lifecycle configuration."""


class DefaultEbsStorageSettings(Args):
    """Default EBS storage settings that apply to spaces created within a domain or user profile."""

    default_ebs_volume_size_in_gb: pulumi.Input[int]
    """The size of a new space's volume, 5 to 16384 GB."""
    maximum_ebs_volume_size_in_gb: pulumi.Input[int]
    """The most that users may choose, 5 to 16384 GB."""


class DefaultSpaceStorageSettings(Args):
    """The default storage settings for a space."""

    default_ebs_storage_settings: pulumi.Input[DefaultEbsStorageSettings | Group] | None = None
    """The default EBS storage settings for a space."""


class CustomPosixUserConfig(Args):
    """Details about the POSIX identity that is used for file system operations."""

    uid: pulumi.Input[int]
    """User ID, 10000 to 4000000."""
    gid: pulumi.Input[int]
    """Group ID, 1001 to 4000000."""


class EfsFileSystemConfig(Args):
    """A custom EFS file system for a user profile or space."""

    file_system_id: pulumi.Input[str]
    """The ID of your EFS file system."""
    file_system_path: pulumi.Input[str] | None = None
    """The path to the file system directory that is accessible in SageMaker Studio."""


class FsxLustreFileSystemConfig(Args):
    """A custom FSx for Lustre file system for a user profile or space."""

    file_system_id: pulumi.Input[str]
    """The globally unique, 17-digit, ID of the file system, assigned by FSx for Lustre."""
    file_system_path: pulumi.Input[str] | None = None
    """The path to the file system directory that is accessible in SageMaker Studio."""


class S3FileSystemConfig(Args):
    """A custom S3 file system."""

    s3_uri: pulumi.Input[str]
    """The S3 URI of the S3 file system configuration."""
    mount_path: pulumi.Input[str] | None = None
    """The file system path where the S3 storage location will be mounted within the SageMaker Studio environment."""


class CustomFileSystemConfig(Args):
    """A file system for users; exactly one of the three."""

    efs_file_system_config: pulumi.Input[EfsFileSystemConfig | Group] | None = None
    """The settings for a custom EFS file system."""
    fsx_lustre_file_system_config: pulumi.Input[FsxLustreFileSystemConfig | Group] | None = None
    """The settings for a custom FSx for Lustre file system."""
    s3_file_system_config: pulumi.Input[S3FileSystemConfig | Group] | None = None
    """Settings of a custom S3 file system."""


class HiddenSageMakerImage(Args):
    """The SageMaker images that are hidden from the Studio user interface."""

    sagemaker_image_name: pulumi.Input[str] | None = None
    """`sagemaker_distribution`."""
    version_aliases: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """The version aliases you are hiding from the Studio user interface."""


class StudioWebPortalSettings(Args):
    """Studio settings."""

    hidden_ml_tools: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """The machine learning tools that are hidden from the Studio left navigation pane."""
    hidden_app_types: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """The Applications supported in Studio that are hidden from the Studio left navigation pane."""
    hidden_instance_types: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """The instance types you are hiding from the Studio user interface."""
    hidden_sagemaker_image_version_aliases: (
        pulumi.Input[Sequence[pulumi.Input[HiddenSageMakerImage | Group]]] | None
    ) = None
    """The version aliases you are hiding from the Studio user interface."""
    execution_role_session_name_mode: pulumi.Input[str] | None = None
    """The execution role session name mode. `STATIC` or `USER_IDENTITY`."""


class UserSettings(Args):
    """Settings that apply to users in a domain."""

    execution_role: pulumi.Input[str] | None = None
    """ARN of the role that apps of the user act with."""
    security_groups: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """At most 5; added to those of the domain. Required here or there when apps are VpcOnly."""
    sharing_settings: pulumi.Input[SharingSettings | Group] | None = None
    """Options for sharing SageMaker Studio notebooks."""
    jupyter_server_app_settings: pulumi.Input[JupyterServerAppSettings | Group] | None = None
    """The Jupyter server's app settings."""
    kernel_gateway_app_settings: pulumi.Input[KernelGatewayAppSettings | Group] | None = None
    """The kernel gateway app settings."""
    tensor_board_app_settings: pulumi.Input[TensorBoardAppSettings | Group] | None = None
    """The TensorBoard app settings."""
    r_studio_server_pro_app_settings: pulumi.Input[RStudioServerProAppSettings | Group] | None = None
    """Settings that configure user interaction with the RStudioServerPro app."""
    r_session_app_settings: pulumi.Input[RSessionAppSettings | Group] | None = None
    """Settings that configure the RSessionGateway app."""
    canvas_app_settings: pulumi.Input[CanvasAppSettings | Group] | None = None
    """The Canvas app settings."""
    code_editor_app_settings: pulumi.Input[CodeEditorAppSettings | Group] | None = None
    """The Code Editor application settings."""
    jupyter_lab_app_settings: pulumi.Input[JupyterLabAppSettings | Group] | None = None
    """The settings for the JupyterLab application."""
    space_storage_settings: pulumi.Input[DefaultSpaceStorageSettings | Group] | None = None
    """The storage settings for a space."""
    default_landing_uri: pulumi.Input[str] | None = None
    """Where users land: `studio::` (while the web portal is ENABLED) or `app:JupyterServer:`."""
    studio_web_portal: pulumi.Input[str] | None = None
    """Whether the user can access Studio. `ENABLED` or `DISABLED`."""
    custom_posix_user_config: pulumi.Input[CustomPosixUserConfig | Group] | None = None
    """Details about the POSIX identity that is used for file system operations."""
    custom_file_system_configs: pulumi.Input[Sequence[pulumi.Input[CustomFileSystemConfig | Group]]] | None = None
    """The settings for assigning a custom file system to a user profile."""
    studio_web_portal_settings: pulumi.Input[StudioWebPortalSettings | Group] | None = None
    """Studio settings."""
    auto_mount_home_efs: pulumi.Input[str] | None = None
    """`Enabled`, `Disabled`, or in user profiles `DefaultAsDomain`."""


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


class SpaceIdleSettings(Args):
    """Settings related to idle shutdown of Studio applications in a space."""

    idle_timeout_in_minutes: pulumi.Input[int] | None = None
    """Minutes without use until the app is ended, 60 to 525600."""


class SpaceAppLifecycleManagement(Args):
    """Settings that are used to configure and manage the lifecycle of SageMaker Studio applications in a space."""

    idle_settings: pulumi.Input[SpaceIdleSettings | Group] | None = None
    """Settings related to idle shutdown of Studio applications."""


class SpaceCodeEditorAppSettings(Args):
    """The application settings for a Code Editor space."""

    default_resource_spec: pulumi.Input[ResourceSpec | Group] | None = None
    """What apps run on if nothing nearer to them says so."""
    app_lifecycle_management: pulumi.Input[SpaceAppLifecycleManagement | Group] | None = None
    """Settings that are used to configure and manage the lifecycle of CodeEditor applications in a space."""


class SpaceJupyterLabAppSettings(Args):
    """The settings for the JupyterLab application within a space."""

    default_resource_spec: pulumi.Input[ResourceSpec | Group] | None = None
    """What apps run on if nothing nearer to them says so."""
    code_repositories: pulumi.Input[Sequence[pulumi.Input[RepositoryReference | Group]]] | None = None
    """At most 10 Git repositories that users are offered to clone."""
    app_lifecycle_management: pulumi.Input[SpaceAppLifecycleManagement | Group] | None = None
    """Settings that are used to configure and manage the lifecycle of JupyterLab applications in a space."""


class EbsStorageSettings(Args):
    """The EBS storage settings that apply to both private and shared spaces."""

    ebs_volume_size_in_gb: pulumi.Input[int]
    """5 to 16384 GB. It can grow in place, once in six hours; a smaller one replaces the space."""


class SpaceStorageSettings(Args):
    """The storage settings for a space."""

    ebs_storage_settings: pulumi.Input[EbsStorageSettings | Group] | None = None
    """The EBS storage settings for a space."""


class EfsFileSystem(Args):
    """A file system in EFS that you assign to a user profile or space for an SageMaker Domain."""

    file_system_id: pulumi.Input[str]
    """The ID of your EFS file system."""


class FsxLustreFileSystem(Args):
    """A custom file system in FSx for Lustre."""

    file_system_id: pulumi.Input[str]
    """FSx for Lustre file system ID."""


class S3FileSystem(Args):
    """A custom file system in S3."""

    s3_uri: pulumi.Input[str]
    """The place in S3 that is mounted, beginning with `s3://`."""


class CustomFileSystem(Args):
    """A file system for a space; exactly one of the three."""

    efs_file_system: pulumi.Input[EfsFileSystem | Group] | None = None
    """A custom file system in EFS."""
    fsx_lustre_file_system: pulumi.Input[FsxLustreFileSystem | Group] | None = None
    """A custom file system in FSx for Lustre."""
    s3_file_system: pulumi.Input[S3FileSystem | Group] | None = None
    """A custom file system in S3."""


class SpaceSettings(Args):
    """The space settings."""

    jupyter_server_app_settings: pulumi.Input[JupyterServerAppSettings | Group] | None = None
    """Settings of JupyterServer apps."""
    kernel_gateway_app_settings: pulumi.Input[KernelGatewayAppSettings | Group] | None = None
    """Settings of KernelGateway apps."""
    code_editor_app_settings: pulumi.Input[SpaceCodeEditorAppSettings | Group] | None = None
    """The Code Editor application settings."""
    jupyter_lab_app_settings: pulumi.Input[SpaceJupyterLabAppSettings | Group] | None = None
    """The settings for the JupyterLab application."""
    app_type: pulumi.Input[str] | None = None
    """The type of app the space is for. A change replaces the space."""
    space_storage_settings: pulumi.Input[SpaceStorageSettings | Group] | None = None
    """The storage settings for a space."""
    space_managed_resources: pulumi.Input[str] | None = None
    """`ENABLED` has the service make a user profile and an app that no stack knows of: better left out."""
    custom_file_systems: pulumi.Input[Sequence[pulumi.Input[CustomFileSystem | Group]]] | None = None
    """A file system that you assign to a space for an SageMaker Domain."""
    remote_access: pulumi.Input[str] | None = None
    """A setting that enables or disables remote access for a SageMaker space. `ENABLED` or `DISABLED`."""


class OwnershipSettings(Args):
    """The collection of ownership settings for a space."""

    owner_user_profile_name: pulumi.Input[str]
    """The user profile that owns the space."""


class SpaceSharingSettings(Args):
    """The space sharing settings."""

    sharing_type: pulumi.Input[str]
    """`Private` or `Shared`."""
