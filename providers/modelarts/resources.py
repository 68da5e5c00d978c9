"""The classes a stack author writes: `modelarts.DevEnvInstance`, `modelarts.Notebook` and the groups of inputs.

    from providers import modelarts

    instance = modelarts.DevEnvInstance(
        "nlp",
        profile_id="Multi-Engine 1.0 (python3)-cpu",
        flavor="modelarts.vm.cpu.2u",
        spec=modelarts.Spec(
            storage=modelarts.Storage(type="evs", location=modelarts.Location(volume_size=10)),
            auto_stop=modelarts.AutoStop(enable=True, duration=3600),
        ),
        running=True,
    )

Everywhere a group stands, a plain dict will do, with snake_case names (which are the API's) or camelCase. Every value
may be an output of another resource. What is allowed is written in `schema`, and every mistake is reported before
anything is done.

Every member of the service's answer is an output of the same name. Where an input has that name (such as `spec`), it
stays what the program said, and the answer's is in `answered`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pulumi

from providers.base import GENERATED
from providers.modelarts import CLOUD
from providers.resource import Args, CloudResource, generated_name

_INSTANCE = "pulumi-python:dynamic/modelarts:DevEnvInstance"
_NOTEBOOK = "pulumi-python:dynamic/modelarts:Notebook"

Group = Mapping[str, Any]
"""A group of inputs as a plain dict."""


# --- groups of an instance --------------------------------------------------------------------------------------------


class Location(Args):
    """Where storage is."""

    path: pulumi.Input[str] | None = None
    """obs: a folder of a bucket, ending in `/`. obsfs: the bucket of a parallel file system. evs: leave it out."""
    volume_size: pulumi.Input[int] | None = None
    """evs: gigabytes, 5 to 4096. The service's default is 5."""
    mount_path: pulumi.Input[str] | None = None
    """obsfs: where in the instance. Default: `/home/ma-user/work`."""
    access_modes: pulumi.Input[str] | None = None
    """obsfs: `ReadWriteMany` (default) or `ReadOnlyMany`."""


class Storage(Args):
    """Storage of an instance."""

    type: pulumi.Input[str]
    """`evs`, `obs`, or in a dedicated resource pool `obsfs`."""
    location: pulumi.Input[Location | Group] | None = None


class AutoStop(Args):
    """Whether an instance stops of itself."""

    enable: pulumi.Input[bool] | None = None
    """Default: False."""
    duration: pulumi.Input[int] | None = None
    """Seconds from each start, 3600 to 86400."""
    prompt: pulumi.Input[bool] | None = None
    """Whether the console asks again. Default: True."""


class Spec(Args):
    """The notebook in an instance."""

    storage: pulumi.Input[Storage | Group]
    extend_storage: pulumi.Input[Sequence[pulumi.Input[Storage | Group]]] | None = None
    """More storage, of type obsfs, in a dedicated resource pool."""
    auto_stop: pulumi.Input[AutoStop | Group] | None = None
    annotations: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    """Labels. The service adds `url` and `target_domain`."""


class Workspace(Args):
    """A workspace of ModelArts."""

    id: pulumi.Input[str] | None = None
    """Default: `0`."""


class Owner(Args):
    """Whose a resource pool is."""

    project_id: pulumi.Input[str] | None = None


class Pool(Args):
    """A dedicated resource pool. The ID says which; the rest is sent as given."""

    id: pulumi.Input[str]
    type: pulumi.Input[str] | None = None
    name: pulumi.Input[str] | None = None
    owner: pulumi.Input[Owner | Group] | None = None


class AIProject(Args):
    """Reserved by the vendor."""

    id: pulumi.Input[str] | None = None


class DevEnvInstance(
    CloudResource,
    token=_INSTANCE,
    provider=CLOUD.types[_INSTANCE],
    inputs=(
        "name",
        "profile_id",
        "description",
        "flavor",
        "spec",
        "workspace",
        "pool",
        "ai_project",
        "running",
    ),
    computed=(
        "status",
        "creation_timestamp",
        "latest_update_timestamp",
        "profile",
        "flavor_details",
        "queuing_info",
        "user",
        "error_code",
        "failed_reasons",
        "url",
        "repository",
        "credential",
        "answered",
        "project_id",
    ),
    secrets=("repository", "credential"),
):
    """A ModelArts development environment instance of the demanager API: a notebook with its storage.

    Description, auto-stop and power change in place; everything else replaces the instance, the old one first, because
    its name is unique. What is on an EVS disk is lost with the instance.
    """

    if TYPE_CHECKING:
        # Not at run time: the SDK would resolve these annotations anew for every resource.
        name: pulumi.Output[str]
        profile_id: pulumi.Output[str]
        description: pulumi.Output[str | None]
        flavor: pulumi.Output[str]
        spec: pulumi.Output[Group]
        workspace: pulumi.Output[Group | None]
        pool: pulumi.Output[Group | None]
        ai_project: pulumi.Output[Group | None]
        running: pulumi.Output[bool | None]
        status: pulumi.Output[str]
        creation_timestamp: pulumi.Output[str | None]
        latest_update_timestamp: pulumi.Output[str | None]
        profile: pulumi.Output[Group | None]
        flavor_details: pulumi.Output[Group | None]
        queuing_info: pulumi.Output[Group | None]
        user: pulumi.Output[Group | None]
        error_code: pulumi.Output[str | None]
        failed_reasons: pulumi.Output[Group | None]
        url: pulumi.Output[str | None]
        repository: pulumi.Output[Group | None]
        credential: pulumi.Output[Group | None]
        answered: pulumi.Output[Group]
        project_id: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        profile_id: pulumi.Input[str],
        flavor: pulumi.Input[str],
        spec: pulumi.Input[Spec | Group],
        name: pulumi.Input[str] | None = None,
        description: pulumi.Input[str] | None = None,
        workspace: pulumi.Input[Workspace | Group] | None = None,
        pool: pulumi.Input[Pool | Group] | None = None,
        ai_project: pulumi.Input[AIProject | Group] | None = None,
        running: pulumi.Input[bool] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param resource_name: The name in the program and in the URN.
        :param profile_id: The configuration, such as `Multi-Engine 1.0 (python3)-cpu`.
        :param flavor: The machine, such as `modelarts.vm.cpu.2u`; which there are depends on the region.
        :param spec: Storage, auto-stop and annotations.
        :param name: Up to 64 letters, digits, hyphens and underscores, unique in the project. Left out, one is made
               from the resource's name.
        :param description: Up to 512 characters, none of `&<>"'/`.
        :param workspace: The workspace; default `0`.
        :param pool: A dedicated resource pool.
        :param ai_project: Reserved by the vendor.
        :param running: Whether it is to run. Left out, its power is nobody's business once it is made.
        :param opts: Pulumi's options.
        """
        named = generated_name(_INSTANCE, resource_name, opts, 64) if name is None else {"name": name}
        inputs = {
            "profile_id": profile_id,
            "description": description,
            "flavor": flavor,
            "spec": spec,
            "workspace": workspace,
            "pool": pool,
            "ai_project": ai_project,
            "running": running,
        }
        self._register(resource_name, {**inputs, **named}, opts)


# --- groups of a notebook ---------------------------------------------------------------------------------------------


class Volume(Args):
    """Storage of a notebook."""

    category: pulumi.Input[str]
    """`EVS`, `EFS`, `OBS` or `OBSFS`, in any case."""
    ownership: pulumi.Input[str] | None = None
    """`MANAGED` (default) or, for EFS, `DEDICATED`."""
    capacity: pulumi.Input[int] | None = None
    """Gigabytes: EVS 5 to 4096, default 5. It can grow in place; a smaller one replaces the notebook."""
    uri: pulumi.Input[str] | None = None
    """The address of a dedicated file system."""
    id: pulumi.Input[str] | None = None
    """The ID of a dedicated EFS file system."""
    mount_path: pulumi.Input[str] | None = None
    read_only: pulumi.Input[bool] | None = None
    dew_secret_name: pulumi.Input[str] | None = None
    """OBS: the secret that holds the access key for the bucket."""


class Lease(Args):
    """When a notebook stops of itself."""

    duration: pulumi.Input[int] | None = None
    """Milliseconds from each start, 3600000 (the service's default) to 259200000."""
    type: pulumi.Input[str] | None = None
    """`TIMING` (default) or `IDLE`: without use."""
    renew: pulumi.Input[str] | None = None
    """Any text. Another one lets a running notebook's time begin anew."""


class Endpoint(Args):
    """A way into a notebook."""

    service: pulumi.Input[str]
    """`NOTEBOOK` or `SSH`."""
    key_pair_names: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    allowed_access_ips: pulumi.Input[Sequence[pulumi.Input[str]]] | None = None
    """At most five public addresses that may use SSH."""


class Hook(Args):
    """Something that runs when the container starts."""

    script: pulumi.Input[str]
    """The absolute path of a script, or for type COMMAND a command in base64."""
    type: pulumi.Input[str] | None = None
    """`SCRIPT` (default) or `COMMAND`."""
    mode: pulumi.Input[str] | None = None
    """`ASYNC` (default) or `BLOCK`."""


class ContainerHooks(Args):
    """What runs before and after the container starts."""

    pre_start: pulumi.Input[Hook | Group] | None = None
    post_start: pulumi.Input[Hook | Group] | None = None


class Hooks(Args):
    """What runs at certain moments."""

    container_hooks: pulumi.Input[ContainerHooks | Group] | None = None


class Notebook(
    CloudResource,
    token=_NOTEBOOK,
    provider=CLOUD.types[_NOTEBOOK],
    inputs=(
        "name",
        "flavor",
        "image_id",
        "volume",
        "description",
        "feature",
        "duration",
        "lease",
        "endpoints",
        "pool_id",
        "workspace_id",
        "hooks",
        "tags",
        "running",
        "marker",
    ),
    computed=(
        "status",
        "fail_reason",
        "create_at",
        "update_at",
        "url",
        "token",
        "image",
        "pool",
        "user",
        "user_id",
        "ip",
        "jupyter_version",
        "is_need_credentials",
        "action_progress",
        "billing_items",
        "answered",
        "project_id",
    ),
    secrets=("url", "token"),
):
    """A ModelArts notebook of today's API.

    Name, description, tags, lease, power, flavor, image, allowed addresses, hooks and a growing volume change in place,
    with a stop and a start where the service needs them; everything else replaces the notebook.
    """

    if TYPE_CHECKING:
        # Not at run time: the SDK would resolve these annotations anew for every resource.
        name: pulumi.Output[str]
        flavor: pulumi.Output[str]
        image_id: pulumi.Output[str]
        volume: pulumi.Output[Group]
        description: pulumi.Output[str | None]
        feature: pulumi.Output[str | None]
        duration: pulumi.Output[int | None]
        lease: pulumi.Output[Group | None]
        endpoints: pulumi.Output[Sequence[Group] | None]
        pool_id: pulumi.Output[str | None]
        workspace_id: pulumi.Output[str | None]
        hooks: pulumi.Output[Group | None]
        tags: pulumi.Output[Mapping[str, str] | None]
        running: pulumi.Output[bool | None]
        marker: pulumi.Output[str]
        status: pulumi.Output[str]
        fail_reason: pulumi.Output[str | None]
        create_at: pulumi.Output[int | None]
        update_at: pulumi.Output[int | None]
        url: pulumi.Output[str | None]
        token: pulumi.Output[str | None]
        image: pulumi.Output[Group | None]
        pool: pulumi.Output[Group | None]
        user: pulumi.Output[Group | None]
        user_id: pulumi.Output[str | None]
        ip: pulumi.Output[str | None]
        jupyter_version: pulumi.Output[str | None]
        is_need_credentials: pulumi.Output[bool | None]
        action_progress: pulumi.Output[Sequence[Group] | None]
        billing_items: pulumi.Output[Sequence[str] | None]
        answered: pulumi.Output[Group]
        project_id: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        flavor: pulumi.Input[str],
        image_id: pulumi.Input[str],
        volume: pulumi.Input[Volume | Group],
        name: pulumi.Input[str] | None = None,
        description: pulumi.Input[str] | None = None,
        feature: pulumi.Input[str] | None = None,
        duration: pulumi.Input[int] | None = None,
        lease: pulumi.Input[Lease | Group] | None = None,
        endpoints: pulumi.Input[Sequence[pulumi.Input[Endpoint | Group]]] | None = None,
        pool_id: pulumi.Input[str] | None = None,
        workspace_id: pulumi.Input[str] | None = None,
        hooks: pulumi.Input[Hooks | Group] | None = None,
        tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
        running: pulumi.Input[bool] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param resource_name: The name in the program and in the URN.
        :param flavor: The machine, such as `modelarts.vm.cpu.2u`. Another one: stopped, changed, started again.
        :param image_id: The image's UUID. Another one: stopped, changed, started again.
        :param volume: The storage.
        :param name: Up to 128 letters, digits, hyphens and underscores; need not be unique. Left out, one is made from
               the resource's name.
        :param description: Up to 512 characters, none of `&<>"'/`. In the cloud a mark follows it, by which the
               notebook is found again after an interrupted run; without room for one there is none.
        :param feature: `NOTEBOOK` (default) or `DEFAULT`, the free CodeLab.
        :param duration: Milliseconds until it stops of itself, or -1 for never. Instead of `lease`.
        :param lease: When it stops of itself.
        :param endpoints: Ways in, such as SSH with a key pair.
        :param pool_id: A dedicated resource pool.
        :param workspace_id: The workspace; default `0`.
        :param hooks: What runs when the container starts.
        :param tags: Tags. Those that others have set are left alone.
        :param running: Whether it is to run. Left out, its power is nobody's business once it is made.
        :param opts: Pulumi's options.
        """
        named: dict[str, Any] = {"name": name}
        if name is None:
            named = generated_name(_NOTEBOOK, resource_name, opts, 64)
        # Not the name: a program may give the same one to several notebooks.
        marker = generated_name(_NOTEBOOK, resource_name, opts, 40, hash_length=12)["name"]
        made_up = ["marker", *(["name"] if name is None else [])]
        inputs = {
            "flavor": flavor,
            "image_id": image_id,
            "volume": volume,
            "description": description,
            "feature": feature,
            "duration": duration,
            "lease": lease,
            "endpoints": endpoints,
            "pool_id": pool_id,
            "workspace_id": workspace_id,
            "hooks": hooks,
            "tags": tags,
            "running": running,
        }
        self._register(resource_name, {**inputs, **named, "marker": marker, GENERATED: made_up}, opts)
