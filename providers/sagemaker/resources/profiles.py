"""User profiles and spaces of a domain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pulumi

from providers.resource import CloudResource
from providers.sagemaker import CLOUD
from providers.sagemaker.resources.common import Group, Tags, named, token_of
from providers.sagemaker.resources.space_settings import OwnershipSettings, SpaceSettings, SpaceSharingSettings
from providers.sagemaker.resources.user_settings import UserSettings


class UserProfile(
    CloudResource,
    token=token_of("UserProfile"),
    provider=CLOUD.types[token_of("UserProfile")],
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
                **named("user_profile_name", user_profile_name, self._token, resource_name, opts),
            },
            opts,
        )


class Space(
    CloudResource,
    token=token_of("Space"),
    provider=CLOUD.types[token_of("Space")],
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
                **named("space_name", space_name, self._token, resource_name, opts),
            },
            opts,
        )
