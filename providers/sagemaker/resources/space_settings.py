"""Settings of a space."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from providers.resource import Args
from providers.sagemaker.resources.common import Group
from providers.sagemaker.resources.groups import RepositoryReference, ResourceSpec
from providers.sagemaker.resources.user_settings import JupyterServerAppSettings, KernelGatewayAppSettings


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
