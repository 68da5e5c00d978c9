"""AWS SageMaker: notebook instances, Studio domains, user profiles, spaces, apps, and what they stand on.

    from providers import sagemaker

    notebook = sagemaker.NotebookInstance("nb", instance_type="ml.t3.medium", role_arn=...)

Programs written with `pulumi_aws` are served, too: its tokens lead to the same implementations. Importing this loads
nothing heavy; the classes come when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from providers import Cloud

if TYPE_CHECKING:
    from providers.sagemaker.resources import (
        AmazonQSettings,
        App,
        AppLifecycleManagement,
        CanvasAppSettings,
        CodeEditorAppSettings,
        CodeRepository,
        CustomFileSystem,
        CustomFileSystemConfig,
        CustomImage,
        CustomPosixUserConfig,
        DefaultEbsStorageSettings,
        DefaultSpaceSettings,
        DefaultSpaceStorageSettings,
        DirectDeploySettings,
        DockerSettings,
        Domain,
        DomainSettings,
        EbsStorageSettings,
        EfsFileSystem,
        EfsFileSystemConfig,
        EmrServerlessSettings,
        EmrSettings,
        FsxLustreFileSystem,
        FsxLustreFileSystemConfig,
        GenerativeAiSettings,
        GitConfig,
        HiddenSageMakerImage,
        IdentityProviderOAuthSetting,
        IdleSettings,
        InstanceMetadataServiceConfiguration,
        JupyterLabAppSettings,
        JupyterServerAppSettings,
        KendraSettings,
        KernelGatewayAppSettings,
        ModelRegisterSettings,
        NotebookInstance,
        NotebookInstanceLifecycleConfig,
        OwnershipSettings,
        RepositoryReference,
        ResourceSpec,
        RetentionPolicy,
        RSessionAppSettings,
        RStudioServerProAppSettings,
        RStudioServerProDomainSettings,
        S3FileSystem,
        S3FileSystemConfig,
        SharingSettings,
        Space,
        SpaceAppLifecycleManagement,
        SpaceCodeEditorAppSettings,
        SpaceIdleSettings,
        SpaceJupyterLabAppSettings,
        SpaceSettings,
        SpaceSharingSettings,
        SpaceStorageSettings,
        StudioLifecycleConfig,
        StudioWebPortalSettings,
        TensorBoardAppSettings,
        TimeSeriesForecastingSettings,
        TrustedIdentityPropagationSettings,
        UnifiedStudioSettings,
        UserProfile,
        UserSettings,
        WorkspaceSettings,
    )

_OURS: Final = "pulumi-python:dynamic/sagemaker"
_HERE: Final = "providers.sagemaker.provider"

CLOUD: Final = Cloud(
    name="sagemaker",
    types={
        f"{_OURS}:App": f"{_HERE}.apps:Apps",
        f"{_OURS}:CodeRepository": f"{_HERE}.configs:CodeRepositories",
        f"{_OURS}:Domain": f"{_HERE}.studio:Domains",
        f"{_OURS}:NotebookInstance": f"{_HERE}.notebooks:NotebookInstances",
        f"{_OURS}:NotebookInstanceLifecycleConfig": f"{_HERE}.configs:NotebookInstanceLifecycleConfigs",
        f"{_OURS}:Space": f"{_HERE}.studio:Spaces",
        f"{_OURS}:StudioLifecycleConfig": f"{_HERE}.configs:StudioLifecycleConfigs",
        f"{_OURS}:UserProfile": f"{_HERE}.studio:UserProfiles",
        "aws:iam/role:Role": f"{_HERE}.iam:Roles",
        "aws:iam/rolePolicy:RolePolicy": f"{_HERE}.iam:RolePolicies",
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment": f"{_HERE}.iam:RolePolicyAttachments",
        "aws:sagemaker/app:App": f"{_HERE}.pulumi_aws:PulumiApps",
        "aws:sagemaker/codeRepository:CodeRepository": f"{_HERE}.pulumi_aws:PulumiCodeRepositories",
        "aws:sagemaker/domain:Domain": f"{_HERE}.pulumi_aws:PulumiDomains",
        "aws:sagemaker/notebookInstance:NotebookInstance": f"{_HERE}.pulumi_aws:PulumiNotebookInstances",
        "aws:sagemaker/notebookInstanceLifecycleConfiguration:NotebookInstanceLifecycleConfiguration": (
            f"{_HERE}.pulumi_aws:PulumiNotebookLifecycleConfigs"
        ),
        "aws:sagemaker/space:Space": f"{_HERE}.pulumi_aws:PulumiSpaces",
        "aws:sagemaker/studioLifecycleConfig:StudioLifecycleConfig": (
            f"{_HERE}.pulumi_aws:PulumiStudioLifecycleConfigs"
        ),
        "aws:sagemaker/userProfile:UserProfile": f"{_HERE}.pulumi_aws:PulumiUserProfiles",
    },
    emulator="providers.sagemaker.emulator:SageMakerEmulator",
    config="sagemaker",
)

__all__ = [
    "CLOUD",
    "AmazonQSettings",
    "App",
    "AppLifecycleManagement",
    "CanvasAppSettings",
    "CodeEditorAppSettings",
    "CodeRepository",
    "CustomFileSystem",
    "CustomFileSystemConfig",
    "CustomImage",
    "CustomPosixUserConfig",
    "DefaultEbsStorageSettings",
    "DefaultSpaceSettings",
    "DefaultSpaceStorageSettings",
    "DirectDeploySettings",
    "DockerSettings",
    "Domain",
    "DomainSettings",
    "EbsStorageSettings",
    "EfsFileSystem",
    "EfsFileSystemConfig",
    "EmrServerlessSettings",
    "EmrSettings",
    "FsxLustreFileSystem",
    "FsxLustreFileSystemConfig",
    "GenerativeAiSettings",
    "GitConfig",
    "HiddenSageMakerImage",
    "IdentityProviderOAuthSetting",
    "IdleSettings",
    "InstanceMetadataServiceConfiguration",
    "JupyterLabAppSettings",
    "JupyterServerAppSettings",
    "KendraSettings",
    "KernelGatewayAppSettings",
    "ModelRegisterSettings",
    "NotebookInstance",
    "NotebookInstanceLifecycleConfig",
    "OwnershipSettings",
    "RSessionAppSettings",
    "RStudioServerProAppSettings",
    "RStudioServerProDomainSettings",
    "RepositoryReference",
    "ResourceSpec",
    "RetentionPolicy",
    "S3FileSystem",
    "S3FileSystemConfig",
    "SharingSettings",
    "Space",
    "SpaceAppLifecycleManagement",
    "SpaceCodeEditorAppSettings",
    "SpaceIdleSettings",
    "SpaceJupyterLabAppSettings",
    "SpaceSettings",
    "SpaceSharingSettings",
    "SpaceStorageSettings",
    "StudioLifecycleConfig",
    "StudioWebPortalSettings",
    "TensorBoardAppSettings",
    "TimeSeriesForecastingSettings",
    "TrustedIdentityPropagationSettings",
    "UnifiedStudioSettings",
    "UserProfile",
    "UserSettings",
    "WorkspaceSettings",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from providers.sagemaker import resources

    return getattr(resources, name)


def __dir__() -> list[str]:
    return __all__
