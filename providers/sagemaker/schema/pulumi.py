"""The spelling of Pulumi's AWS classes: camelCase, with their renamed members, their defaults, and without what they do
not offer (specification section 19). IAM's types are there in this spelling only.
"""

from __future__ import annotations

from typing import Final

from pydantic import ConfigDict

from providers.base import Inputs
from providers.sagemaker.schema import configs, iam
from providers.sagemaker.schema.names import STRUCTURES, camel, snake
from providers.sagemaker.schema.structures import Codec, Dialect, Own, Structure, Variant


class CamelInputs(Inputs):
    """Schema models of properties that arrive, and are recorded, in camelCase."""

    model_config = ConfigDict(loc_by_alias=True, validate_by_alias=True, validate_by_name=False)


_HOOKS: Final = {"OnCreate": configs.ENCODED_HOOK, "OnStart": configs.ENCODED_HOOK}
_EXECUTION_ROLE: Final = Variant(required=frozenset({"ExecutionRole"}))
_DEFAULT_RESOURCES: Final = Variant(required=frozenset({"DefaultResourceSpec"}))
_ONE_FILE_SYSTEM: Final = Own(
    None,
    {"source": "API_CustomFileSystemConfig", "remedy": "give a list with one file system; repeat the entry for more"},
    structure="EFSFileSystemConfig",
    many=1,
    required=True,
    codec=Codec(lambda items: items[0], lambda item: [item]),
)

PULUMI: Final = Dialect(
    "pulumi",
    CamelInputs,
    {
        **STRUCTURES,
        **iam.STRUCTURES,
        "ProfileFileSystemConfig": Structure(shape="CustomFileSystemConfig"),
    },
    snake,
    camel,
    {
        "NotebookInstance": Variant(
            renamed={
                "NotebookInstanceName": "name",
                "SecurityGroupIds": "securityGroups",
                "VolumeSizeInGB": "volumeSize",
            },
            without=frozenset({"IpAddressType", "AcceleratorTypes", "Running"}),
            defaults={"DirectInternetAccess": "Enabled", "RootAccess": "Enabled", "VolumeSizeInGB": 5},
        ),
        "NotebookInstanceLifecycleConfig": Variant(renamed={"NotebookInstanceLifecycleConfigName": "name"}, own=_HOOKS),
        "StudioLifecycleConfig": Variant(own={"StudioLifecycleConfigContent": configs.ENCODED_STUDIO}),
        "App": Variant(without=frozenset({"RecoveryMode", "StayEnded"})),
        "ResourceSpec": Variant(without=frozenset({"TrainingPlanArn"})),
        "Domain": Variant(
            without=frozenset({"HomeEfsFileSystemCreation"}),
            required=frozenset({"VpcId", "SubnetIds"}),
            defaults={"AppNetworkAccessType": "PublicInternetOnly", "TagPropagation": "DISABLED"},
        ),
        "UserSettings": _EXECUTION_ROLE,
        "ProfileUserSettings": _EXECUTION_ROLE,
        "DefaultSpaceSettings": _EXECUTION_ROLE,
        "DomainSettings": Variant(without=frozenset({"AmazonQSettings", "UnifiedStudioSettings", "IpAddressType"})),
        "DockerSettings": Variant(without=frozenset({"RootlessDocker"})),
        "StudioWebPortalSettings": Variant(
            without=frozenset({"HiddenSageMakerImageVersionAliases", "ExecutionRoleSessionNameMode"})
        ),
        "SpaceSettings": Variant(without=frozenset({"SpaceManagedResources", "RemoteAccess"})),
        "IdentityProviderOAuthSetting": Variant(required=frozenset({"SecretArn"})),
        "CustomFileSystemConfig": Variant(only=frozenset({"EFSFileSystemConfig"})),
        "CustomFileSystem": Variant(only=frozenset({"EFSFileSystem"}), required=frozenset({"EFSFileSystem"})),
        "SpaceCodeEditorAppSettings": _DEFAULT_RESOURCES,
        "SpaceJupyterLabAppSettings": _DEFAULT_RESOURCES,
        "SpaceStorageSettings": Variant(required=frozenset({"EbsStorageSettings"})),
        "ProfileFileSystemConfig": Variant(
            renamed={"EFSFileSystemConfig": "efsFileSystemConfigs"},
            only=frozenset(),
            own={"EFSFileSystemConfig": _ONE_FILE_SYSTEM},
        ),
    },
)
