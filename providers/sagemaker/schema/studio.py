"""Domains, user profiles, spaces and apps: what botocore's model does not say (specification sections 6 to 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.base import Rule
from providers.sagemaker.schema.common import REGION, TAG_RULES, TAGS
from providers.sagemaker.schema.structures import Own, Structure

_OWN: Final = {"Tags": TAGS, "Region": REGION}

# --- domains ----------------------------------------------------------------------------------------------------------

_UNIFIED: Final = "DomainSettings.UnifiedStudioSettings"


def _needed(member: str) -> Rule:
    return Rule(
        at=member,
        reads=(_UNIFIED,),
        broken=lambda value, unified: value is None and unified is None,
        rule="is required, unless the domain belongs to a Unified Studio",
        remedy="give the VPC and the subnets that the domain's file system and apps are to be in",
        source="API_CreateDomain; specification 7.1",
    )


DOMAIN: Final = Structure(
    shape="CreateDomainRequest",
    page="CreateDomain",
    facts={
        "DomainName": {"replace": "a domain cannot be renamed"},
        "AuthMode": {"replace": "how users sign in to a domain cannot be changed"},
        "KmsKeyId": {"replace": "the file system of a domain cannot be encrypted with another key"},
        "SubnetIds": {"unordered": True},
        "AppNetworkAccessType": {"absent": "PublicInternetOnly"},
        "AppSecurityGroupManagement": {"computed": True},
        "HomeEfsFileSystemCreation": {"absent": "Enabled"},
        "TagPropagation": {"absent": "DISABLED"},
    },
    own={
        **_OWN,
        "RetentionPolicy": Own(
            None,
            {
                "source": "API_RetentionPolicy",
                "remedy": "give a map with the home file system's fate: Retain or Delete",
                "unreadable": True,
            },
            structure="RetentionPolicy",
        ),
    },
    rules=(
        *TAG_RULES,
        _needed("VpcId"),
        _needed("SubnetIds"),
        Rule(
            at="AppSecurityGroupManagement",
            reads=("AppNetworkAccessType", "DomainSettings.RStudioServerProDomainSettings"),
            broken=lambda value, access, rstudio: (
                rstudio is not None and (value == "Customer" or (value is None and access == "VpcOnly"))
            ),
            rule="can only be Service for a domain with RStudio, and is needed if {AppNetworkAccessType} is VpcOnly",
            remedy="give Service",
            source="API_CreateDomain; specification 7.1",
        ),
        Rule(
            at="DefaultUserSettings.AutoMountHomeEFS",
            broken=lambda value: value == "DefaultAsDomain",
            rule="cannot be DefaultAsDomain in the domain itself",
            remedy="give Enabled or Disabled; DefaultAsDomain is for user profiles",
            source="API_UserSettings; specification 7.2",
        ),
        Rule(
            at="DomainSettings.AmazonQSettings",
            reads=("AuthMode",),
            broken=lambda settings, mode: settings is not None and mode == "IAM",
            rule="are only for domains with {AuthMode} SSO",
            remedy="take them out, or sign in through SSO",
            source="API_AmazonQSettings; specification 7.2",
        ),
    ),
)

# --- user profiles and spaces -----------------------------------------------------------------------------------------

_SSO_BOTH: Final = Rule(
    at="SingleSignOnUserIdentifier",
    reads=("SingleSignOnUserValue",),
    broken=lambda identifier, value: (identifier is None) != (value is None),
    rule="goes with {SingleSignOnUserValue}: give both for a domain with SSO, and neither for one with IAM",
    remedy="give both or neither",
    source="API_CreateUserProfile",
)

_FOREVER: Final = "a user profile is tied to its user"

USER_PROFILE: Final = Structure(
    shape="CreateUserProfileRequest",
    page="CreateUserProfile",
    facts={
        "DomainId": {"replace": "a user profile cannot move to another domain"},
        "UserProfileName": {"replace": "a user profile cannot be renamed", "any_case": True},
        "SingleSignOnUserIdentifier": {"replace": _FOREVER},
        "SingleSignOnUserValue": {"replace": _FOREVER},
    },
    uses={"UserSettings": "ProfileUserSettings"},
    own=_OWN,
    rules=(*TAG_RULES, _SSO_BOTH),
)

SPACE: Final = Structure(
    shape="CreateSpaceRequest",
    page="CreateSpace",
    facts={
        "DomainId": {"replace": "a space cannot move to another domain"},
        "SpaceName": {"replace": "a space cannot be renamed"},
        "OwnershipSettings": {"replace": "the owner of a space cannot be changed"},
        "SpaceSharingSettings": {"replace": "whether a space is shared cannot be changed"},
    },
    own=_OWN,
    rules=(
        *TAG_RULES,
        Rule(
            at="OwnershipSettings",
            reads=("SpaceSharingSettings",),
            broken=lambda owner, sharing: (owner is None) != (sharing is None),
            rule="goes with {SpaceSharingSettings}",
            remedy="give both, or neither for a space that everybody in the domain shares",
            source="specification 9",
        ),
        Rule(
            at="SpaceSettings",
            reads=("SpaceSharingSettings.SharingType",),
            broken=lambda settings, sharing: sharing == "Private" and settings is None,
            rule="are required for a private space",
            remedy="give settings, such as the app type",
            source="specification 3.4, 9",
        ),
    ),
)

# --- apps -------------------------------------------------------------------------------------------------------------

IN_SPACES: Final = frozenset({"JupyterLab", "CodeEditor"})
OF_PROFILES: Final = frozenset({"TensorBoard", "DetailedProfiler", "Canvas", "RSessionGateway", "RStudioServerPro"})
CALLED_DEFAULT: Final = frozenset({"JupyterServer", "JupyterLab", "CodeEditor"})

_NO_UPDATE: Final = "an app has no update: it is ended and started again"
_TYPE_OF: Final = "ResourceSpec.InstanceType"


def _given(value: Any) -> bool:
    return value is not None and value != "None"


APP: Final = Structure(
    shape="CreateAppRequest",
    page="CreateApp",
    facts={
        "DomainId": {"replace": _NO_UPDATE},
        "UserProfileName": {"replace": _NO_UPDATE, "any_case": True},
        "SpaceName": {"replace": _NO_UPDATE},
        "AppType": {"replace": _NO_UPDATE},
        "AppName": {"replace": _NO_UPDATE},
        "ResourceSpec": {"replace": _NO_UPDATE, "computed": True},
        "RecoveryMode": {"replace": _NO_UPDATE, "absent": False},
    },
    own={
        **_OWN,
        "StayEnded": Own(
            bool,
            {
                "source": "specification 6.4",
                "remedy": "say True to leave an app alone that was ended; False, the default, to start it again",
                "unreadable": True,
                "absent": False,
            },
        ),
    },
    rules=(
        *TAG_RULES,
        Rule(
            at="UserProfileName",
            reads=("SpaceName",),
            broken=lambda profile, space: (profile is None) == (space is None),
            rule="is needed, or {SpaceName} in its place, and not both: an app belongs to a user profile or to a space",
            remedy="give exactly one of {UserProfileName} and {SpaceName}",
            source="API_CreateApp",
        ),
        Rule(
            at="AppType",
            reads=("SpaceName", "UserProfileName"),
            broken=lambda app, space, profile: app in IN_SPACES and space is None and profile is not None,
            rule="JupyterLab and CodeEditor run in spaces only",
            remedy="give {SpaceName} instead of {UserProfileName}",
            source="specification 6.2",
        ),
        Rule(
            at="SpaceName",
            reads=("AppType",),
            broken=lambda space, app: space is not None and app in OF_PROFILES,
            rule="does not go with an app of this type, which belongs to a user profile",
            remedy="give {UserProfileName} instead of {SpaceName}",
            source="specification 6.2",
            warning=True,
        ),
        Rule(
            at=_TYPE_OF,
            reads=("AppType",),
            broken=lambda value, app: app == "JupyterServer" and value not in (None, "system"),
            rule="can only be system for a JupyterServer app",
            remedy="give system, or leave it out",
            source="API_ResourceSpec",
        ),
        Rule(
            at=f"{_TYPE_OF}",
            reads=("AppType",),
            broken=lambda value, app: app in IN_SPACES and value == "system",
            rule="cannot be system for a JupyterLab or CodeEditor app, which need an instance of their own",
            remedy="give an instance type such as ml.t3.medium",
            source="specification 6.2",
        ),
        Rule(
            at="ResourceSpec.TrainingPlanArn",
            reads=("AppType",),
            broken=lambda plan, app: _given(plan) and app not in IN_SPACES,
            rule="is only for JupyterLab and CodeEditor apps",
            remedy="take it out",
            source="API_ResourceSpec",
        ),
        Rule(
            at="AppName",
            reads=("AppType",),
            broken=lambda name, app: app in CALLED_DEFAULT and name != "default",
            rule="is expected to be default for an app of this type",
            remedy="call it default",
            source="specification 6.1",
            warning=True,
        ),
    ),
)

STRUCTURES: Final[Mapping[str, Structure]] = {
    "Domain": DOMAIN,
    "RetentionPolicy": Structure(
        shape="RetentionPolicy", facts={"HomeEfsFileSystem": {"absent": "Retain", "unreadable": True}}
    ),
    "UserProfile": USER_PROFILE,
    "Space": SPACE,
    "App": APP,
}
