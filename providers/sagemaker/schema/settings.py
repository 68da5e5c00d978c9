"""Settings inside domains, user profiles and spaces: what botocore's model does not say (specification 7.2 and 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.base import Rule
from providers.sagemaker.model import service_model
from providers.sagemaker.schema.common import UNKNOWN_REMEDY, UNKNOWN_TYPE
from providers.sagemaker.schema.structures import Structure

CUSTOM_IMAGES_OF_ONE: Final = 5
"""How many custom images a user profile or space may have; a domain may have as many as the model says."""


def _unknown_app_type(instance_type: Any) -> bool:
    return instance_type not in service_model("sagemaker").choices("AppInstanceType")


def _unknown_hidden(types: Any) -> bool:
    return any(_unknown_app_type(item) for item in types or ())


_UNKNOWN_WORDS: Final = f"{UNKNOWN_TYPE} for apps"

RESOURCE_SPEC: Final = Structure(
    shape="ResourceSpec",
    facts={
        "InstanceType": {"computed": True},
        "SageMakerImageArn": {"computed": True},
        "SageMakerImageVersionArn": {"computed": True, "absent": "None"},
        "SageMakerImageVersionAlias": {"computed": True},
        "LifecycleConfigArn": {"absent": "None"},
        "TrainingPlanArn": {"absent": "None"},
    },
    rules=(
        Rule(
            at="InstanceType",
            broken=lambda value: value is not None and _unknown_app_type(value),
            rule=_UNKNOWN_WORDS,
            remedy=UNKNOWN_REMEDY,
            source="shape AppInstanceType",
            warning=True,
        ),
    ),
)

_SCRIPTS_NEED_SPEC: Final = Rule(
    at="LifecycleConfigArns",
    reads=("DefaultResourceSpec",),
    broken=lambda arns, spec: bool(arns) and not spec,
    rule="need {DefaultResourceSpec} beside them",
    remedy="give {DefaultResourceSpec} too, for example with an instance type",
    source="developer guide; specification 7.2",
)

_ONLY_SYSTEM: Final = Rule(
    at="DefaultResourceSpec.InstanceType",
    broken=lambda value: value not in (None, "system"),
    rule="can only be system: JupyterServer apps run on nothing else",
    remedy="give system, or leave it out",
    source="API_ResourceSpec",
)

_APP_LISTS: Final[Mapping[str, Mapping[str, Any]]] = {"LifecycleConfigArns": {"unordered": True}}
_STUDIO_REPOSITORY: Final = {"CodeRepositories": "StudioCodeRepository"}


def _app_settings(shape: str, *rules: Rule) -> Structure:
    return Structure(shape=shape, facts=_APP_LISTS, uses=_STUDIO_REPOSITORY, rules=rules)


def _one_of(*members: str) -> Rule:
    first, *others = members
    return Rule(
        at=first,
        reads=tuple(others),
        broken=lambda *values: sum(value is not None for value in values) != 1,
        rule="must be the only one of its kind: each entry names exactly one file system",
        remedy="give one file system for each entry",
        source="specification 14 (unions)",
    )


_IDLE: Final = Rule(
    at="IdleTimeoutInMinutes",
    reads=("MinIdleTimeoutInMinutes", "MaxIdleTimeoutInMinutes"),
    broken=lambda value, least, most: (
        not _in_order(least, value) or not _in_order(value, most) or not _in_order(least, most)
    ),
    rule="must lie between {MinIdleTimeoutInMinutes} and {MaxIdleTimeoutInMinutes}",
    remedy="put the three in order",
    source="specification 7.2",
)


def _in_order(less: Any, more: Any) -> bool:
    return less is None or more is None or less <= more


_USER_RULES: Final = (
    Rule(
        at="DefaultLandingUri",
        reads=("StudioWebPortal",),
        broken=lambda uri, portal: str(uri).startswith("studio::") and portal != "ENABLED",
        rule="can be studio:: only with {StudioWebPortal} ENABLED beside it",
        remedy="give {StudioWebPortal} ENABLED, or land in app:JupyterServer:",
        source="API_UserSettings; specification 7.2",
    ),
)
_USER_FACTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "SecurityGroups": {"unordered": True},
    "AutoMountHomeEFS": {"computed": True},
    "StudioWebPortal": {"computed": True},
    "SpaceStorageSettings": {"computed": True},
}


def _few_images(settings: str) -> Rule:
    return Rule(
        at=f"{settings}.CustomImages",
        broken=lambda images: isinstance(images, list) and len(images) > CUSTOM_IMAGES_OF_ONE,
        rule=f"may have at most {CUSTOM_IMAGES_OF_ONE} items here; only a domain may have more",
        remedy="take some out, or give them to the domain",
        source="specification 7.2",
    )


STRUCTURES: Final[Mapping[str, Structure]] = {
    "ResourceSpec": RESOURCE_SPEC,
    "UserSettings": Structure(shape="UserSettings", facts=_USER_FACTS, rules=_USER_RULES),
    "ProfileUserSettings": Structure(
        shape="UserSettings",
        facts=_USER_FACTS,
        uses={"CustomFileSystemConfigs": "ProfileFileSystemConfig"},
        rules=(
            *_USER_RULES,
            *map(
                _few_images,
                ("KernelGatewayAppSettings", "JupyterLabAppSettings", "CodeEditorAppSettings", "RSessionAppSettings"),
            ),
        ),
    ),
    "DefaultSpaceSettings": Structure(
        shape="DefaultSpaceSettings",
        facts={"SecurityGroups": {"unordered": True}, "SpaceStorageSettings": {"computed": True}},
    ),
    "SpaceSettings": Structure(
        shape="SpaceSettings",
        facts={
            "AppType": {"replace": "the app type of a space cannot be changed", "computed": True},
            "SpaceStorageSettings": {"computed": True},
        },
        rules=(
            _few_images("KernelGatewayAppSettings"),
            Rule(
                at="SpaceManagedResources",
                broken=lambda value: value == "ENABLED",
                rule="has the service make a user profile and an app that no stack knows of",
                remedy="leave it out, and declare the app",
                source="API_SpaceSettings; specification 9",
                warning=True,
            ),
        ),
    ),
    "JupyterServerAppSettings": _app_settings("JupyterServerAppSettings", _SCRIPTS_NEED_SPEC, _ONLY_SYSTEM),
    "KernelGatewayAppSettings": _app_settings("KernelGatewayAppSettings", _SCRIPTS_NEED_SPEC),
    "JupyterLabAppSettings": _app_settings("JupyterLabAppSettings", _SCRIPTS_NEED_SPEC),
    "CodeEditorAppSettings": _app_settings("CodeEditorAppSettings", _SCRIPTS_NEED_SPEC),
    "SpaceJupyterLabAppSettings": _app_settings("SpaceJupyterLabAppSettings"),
    "StudioCodeRepository": Structure(shape="CodeRepository"),
    "IdleSettings": Structure(shape="IdleSettings", rules=(_IDLE,)),
    "DefaultEbsStorageSettings": Structure(
        shape="DefaultEbsStorageSettings",
        rules=(
            Rule(
                at="DefaultEbsVolumeSizeInGb",
                reads=("MaximumEbsVolumeSizeInGb",),
                broken=lambda default, most: default is not None and most is not None and default > most,
                rule="must not be more than {MaximumEbsVolumeSizeInGb}",
                remedy="put the two in order",
                source="specification 7.2",
            ),
        ),
    ),
    "SharingSettings": Structure(
        shape="SharingSettings",
        facts={"NotebookOutputOption": {"absent": "Disabled"}},
        rules=(
            Rule(
                at="S3OutputPath",
                reads=("NotebookOutputOption",),
                broken=lambda path, option: option == "Allowed" and path is None,
                rule="is needed for {NotebookOutputOption} Allowed: shared notebooks are kept there",
                remedy="give an address that begins with s3://",
                source="specification 7.2",
                warning=True,
            ),
        ),
    ),
    "StudioWebPortalSettings": Structure(
        shape="StudioWebPortalSettings",
        facts={
            "HiddenMlTools": {"unordered": True},
            "HiddenAppTypes": {"unordered": True},
            "HiddenInstanceTypes": {"unordered": True},
        },
        rules=(
            Rule(
                at="HiddenInstanceTypes",
                broken=_unknown_hidden,
                rule="has an item that " + _UNKNOWN_WORDS,
                remedy=UNKNOWN_REMEDY,
                source="shape AppInstanceType",
                warning=True,
            ),
        ),
    ),
    "EmrSettings": Structure(
        shape="EmrSettings",
        facts={"AssumableRoleArns": {"unordered": True}, "ExecutionRoleArns": {"unordered": True}},
    ),
    "DockerSettings": Structure(shape="DockerSettings", facts={"VpcOnlyTrustedAccounts": {"unordered": True}}),
    "CustomFileSystemConfig": Structure(
        shape="CustomFileSystemConfig",
        rules=(_one_of("EFSFileSystemConfig", "FSxLustreFileSystemConfig", "S3FileSystemConfig"),),
    ),
    "ProfileFileSystemConfig": Structure(
        shape="CustomFileSystemConfig",
        rules=(_one_of("EFSFileSystemConfig", "FSxLustreFileSystemConfig", "S3FileSystemConfig"),),
    ),
    "CustomFileSystem": Structure(
        shape="CustomFileSystem", rules=(_one_of("EFSFileSystem", "FSxLustreFileSystem", "S3FileSystem"),)
    ),
    "RStudioServerProDomainSettings": Structure(
        shape="RStudioServerProDomainSettings",
        facts={
            "DefaultResourceSpec": {"replace": "the default resources of RStudio are fixed when the domain is made"}
        },
    ),
    "DomainSettings": Structure(
        shape="DomainSettings",
        facts={"SecurityGroupIds": {"unordered": True}, "IpAddressType": {"absent": "ipv4"}},
    ),
}
