"""Settings of users: of a domain's users by default, or of one user profile."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from providers.resource import Args
from providers.sagemaker.resources.canvas import CanvasAppSettings
from providers.sagemaker.resources.common import Group
from providers.sagemaker.resources.groups import CustomImage, RepositoryReference, ResourceSpec


class SharingSettings(Args):
    """Options for sharing SageMaker Studio notebooks."""

    notebook_output_option: pulumi.Input[str] | None = None
    """Whether shared notebooks keep their cells' output: `Allowed` or `Disabled` (the default)."""
    s3_output_path: pulumi.Input[str] | None = None
    """Where shared notebooks are kept; needed for `Allowed`."""
    s3_kms_key_id: pulumi.Input[str] | None = None
    """Key that encrypts shared notebooks."""


class JupyterServerAppSettings(Args):
    """The JupyterServer app settings."""

    default_resource_spec: pulumi.Input[ResourceSpec | Group] | None = None
    """What apps run on if nothing nearer to them says so."""
    lifecycle_config_arns: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """ARNs of Studio lifecycle configs; they need a default resource spec beside them."""
    code_repositories: pulumi.Input[Sequence[pulumi.Input[RepositoryReference | Group]]] | None = None
    """At most 10 Git repositories that users are offered to clone."""


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
