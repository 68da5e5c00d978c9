"""Studio apps, and the scripts they run when they start."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pulumi

from providers.resource import CloudResource
from providers.sagemaker import CLOUD
from providers.sagemaker.resources.common import LONGEST, Group, Tags, named, token_of
from providers.sagemaker.resources.groups import ResourceSpec


class App(
    CloudResource,
    token=token_of("App"),
    provider=CLOUD.types[token_of("App")],
    inputs=(
        "domain_id",
        "user_profile_name",
        "space_name",
        "app_type",
        "app_name",
        "resource_spec",
        "recovery_mode",
        "stay_ended",
        "tags",
        "region",
    ),
    computed=("arn", "status", "failure_reason", "built_in_lifecycle_config_arn", "creation_time"),
):
    """A running app of a user profile or a space.

    An app has no update: everything but the tags is changed by ending it and starting it again. One that the service or
    its user has ended counts as gone, and the next up after a refresh starts it again, unless `stay_ended` is True.
    """

    if TYPE_CHECKING:
        domain_id: pulumi.Output[str]
        user_profile_name: pulumi.Output[str | None]
        space_name: pulumi.Output[str | None]
        app_type: pulumi.Output[str]
        app_name: pulumi.Output[str]
        resource_spec: pulumi.Output[Group | None]
        recovery_mode: pulumi.Output[bool | None]
        stay_ended: pulumi.Output[bool | None]
        tags: pulumi.Output[Mapping[str, str] | None]
        region: pulumi.Output[str]
        arn: pulumi.Output[str]
        status: pulumi.Output[str]
        failure_reason: pulumi.Output[str | None]
        built_in_lifecycle_config_arn: pulumi.Output[str | None]
        creation_time: pulumi.Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        domain_id: pulumi.Input[str],
        app_type: pulumi.Input[str],
        app_name: pulumi.Input[str] = "default",
        user_profile_name: pulumi.Input[str] | None = None,
        space_name: pulumi.Input[str] | None = None,
        resource_spec: pulumi.Input[ResourceSpec | Group] | None = None,
        recovery_mode: pulumi.Input[bool] | None = None,
        stay_ended: pulumi.Input[bool] | None = None,
        tags: Tags | None = None,
        region: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param resource_name: The name in the program and in the URN.
        :param domain_id: ID of its domain, such as `domain.id`.
        :param app_type: `JupyterServer`, `KernelGateway`, `JupyterLab`, `CodeEditor`, `TensorBoard`, `Canvas`,
               `DetailedProfiler`, `RStudioServerPro` or `RSessionGateway`.
        :param app_name: 1 to 63 letters, digits and inner hyphens. JupyterServer, JupyterLab and CodeEditor apps are
               called `default`.
        :param user_profile_name: The user profile it belongs to; or
        :param space_name: the space it belongs to. Exactly one of the two; JupyterLab and CodeEditor need a space.
        :param resource_spec: Instance type, image, script. A KernelGateway app needs an instance type here, in its
               profile or space, or in the domain.
        :param recovery_mode: Start it in recovery mode.
        :param stay_ended: Leave it alone once its user or the service has ended it, for example for want of use.
        :param tags: At most 50.
        :param region: Where, if not in the region of the settings.
        :param opts: Pulumi's options.
        """
        self._register(
            resource_name,
            {
                "domain_id": domain_id,
                "app_type": app_type,
                "app_name": app_name,
                "user_profile_name": user_profile_name,
                "space_name": space_name,
                "resource_spec": resource_spec,
                "recovery_mode": recovery_mode,
                "stay_ended": stay_ended,
                "tags": tags,
                "region": region,
            },
            opts,
        )


class StudioLifecycleConfig(
    CloudResource,
    token=token_of("StudioLifecycleConfig"),
    provider=CLOUD.types[token_of("StudioLifecycleConfig")],
    inputs=(
        "studio_lifecycle_config_name",
        "studio_lifecycle_config_content",
        "studio_lifecycle_config_app_type",
        "tags",
        "region",
    ),
    computed=("arn", "creation_time"),
):
    """A script that Studio apps run when they start. It has no update, and cannot be deleted while it is attached.

    Without a name of its own it is called after its contents, too: a new script then is a new config, attached before
    the old one goes.
    """

    if TYPE_CHECKING:
        studio_lifecycle_config_name: pulumi.Output[str]
        studio_lifecycle_config_content: pulumi.Output[str]
        studio_lifecycle_config_app_type: pulumi.Output[str]
        tags: pulumi.Output[Mapping[str, str] | None]
        region: pulumi.Output[str]
        arn: pulumi.Output[str]
        creation_time: pulumi.Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        studio_lifecycle_config_content: pulumi.Input[str],
        studio_lifecycle_config_app_type: pulumi.Input[str],
        studio_lifecycle_config_name: pulumi.Input[str] | None = None,
        tags: Tags | None = None,
        region: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param resource_name: The name in the program and in the URN.
        :param studio_lifecycle_config_content: The script itself, as plain text; about 12 kB.
        :param studio_lifecycle_config_app_type: `JupyterServer`, `KernelGateway`, `JupyterLab` or `CodeEditor`.
        :param studio_lifecycle_config_name: 1 to 63 letters, digits and inner hyphens.
        :param tags: At most 50.
        :param region: Where, if not in the region of the settings.
        :param opts: Pulumi's options.
        """
        content, app_type = studio_lifecycle_config_content, studio_lifecycle_config_app_type
        member = "studio_lifecycle_config_name"
        name = dict(named(member, studio_lifecycle_config_name, self._token, resource_name, opts))
        if studio_lifecycle_config_name is None:
            name[member] = _called_after(name[member], content, app_type)
        self._register(
            resource_name,
            {
                "studio_lifecycle_config_content": content,
                "studio_lifecycle_config_app_type": app_type,
                "tags": tags,
                "region": region,
                **name,
            },
            opts,
        )


_MARK = 7
"""Letters of a made-up name that stand for the contents."""


def _called_after(name: Any, *contents: Any) -> Any:
    """A made-up name that changes with the contents."""

    def mark(texts: Sequence[Any]) -> str:
        start, *rest = map(str, texts)
        digest = hashlib.sha256("\0".join(rest).encode()).hexdigest()
        return f"{start[: LONGEST - _MARK - 1]}-{digest[:_MARK]}"

    if all(isinstance(text, str) for text in (name, *contents)):
        return mark([name, *contents])
    return pulumi.Output.all(name, *contents).apply(mark)
