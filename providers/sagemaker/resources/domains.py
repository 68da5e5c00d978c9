"""Studio domains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pulumi

from providers.resource import CloudResource
from providers.sagemaker import CLOUD
from providers.sagemaker.resources.common import Group, Tags, named, token_of
from providers.sagemaker.resources.domain_settings import DefaultSpaceSettings, DomainSettings, RetentionPolicy
from providers.sagemaker.resources.user_settings import UserSettings


class Domain(
    CloudResource,
    token=token_of("Domain"),
    provider=CLOUD.types[token_of("Domain")],
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
                **named("domain_name", domain_name, self._token, resource_name, opts),
            },
            opts,
        )
