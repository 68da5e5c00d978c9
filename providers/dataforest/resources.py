"""The classes a stack author writes: `dataforest.AIWorkspace`, `dataforest.Account` and the groups of inputs.

    from providers import dataforest

    workspace = dataforest.AIWorkspace(
        "nlp",
        account_id=account.id,
        configuration=dataforest.Configuration(
            docker=dataforest.Docker(image="tensorflow:r2.3.1-py3", command="python train.py"),
            queue_name="gpu",
            resource=dataforest.Resources(cpu_count=1, gpu_count=1, gpu_model="T4", memory_mb=1024),
        ),
    )

Everywhere a group stands, a plain dict will do, with snake_case names or the API's camelCase. Every value may be an
output of another resource. What is allowed is written in `schema`, and every mistake is reported before anything is
done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pulumi

from providers.dataforest import CLOUD
from providers.resource import Args, CloudResource, generated_name

_WORKSPACE = "pulumi-python:dynamic/dataforest:AIWorkspace"
_ACCOUNT = "pulumi-python:dynamic/dataforest:Account"

Group = Mapping[str, Any]
"""A group of inputs as a plain dict."""


# --- the configuration of a workspace ---------------------------------------------------------------------------------


class DataInput(Args):
    """Something copied from HDFS into the container before the command runs."""

    hdfs: pulumi.Input[str]
    """Where it is in HDFS."""
    path: pulumi.Input[str]
    """Where it goes in the container."""


class DataOutput(Args):
    """Something copied from the container to HDFS after the command has run."""

    hdfs: pulumi.Input[str]
    """Where it goes in HDFS."""
    path: pulumi.Input[str]
    """Where it is in the container."""
    overwrite: pulumi.Input[bool] | None = None
    """Replace what is there. Default: False."""


class Data(Args):
    """What is copied in and out. The order is kept."""

    input: pulumi.Input[Sequence[pulumi.Input[DataInput | Group]]]
    output: pulumi.Input[Sequence[pulumi.Input[DataOutput | Group]]]


class Docker(Args):
    """The container."""

    image: pulumi.Input[str]
    """An image of the platform's catalogue with its tag, such as `tensorflow:r2.3.1-py3`."""
    command: pulumi.Input[str]
    """What to run."""
    args: pulumi.Input[str] | None = None
    """The command's arguments, as one text."""
    env: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    """Environment variables. Mark secret ones with `pulumi.Output.secret`."""
    expose_tcp_ports: pulumi.Input[Sequence[pulumi.Input[int]]] | None = None
    """TCP ports to expose, 1 to 65535."""
    workdir: pulumi.Input[str] | None = None
    """Deprecated: ignored by the service since August 2024. Sent, never read back, never a difference."""


class Resources(Args):
    """What the container gets; the service chooses what is left out."""

    cpu_count: pulumi.Input[int] | None = None
    """Processors, from 1. The service's default is 1."""
    gpu_count: pulumi.Input[int] | None = None
    """GPUs, 1 to 8."""
    gpu_model: pulumi.Input[str] | None = None
    """GPU model, such as `T4` or `V100`."""
    memory_mb: pulumi.Input[int] | None = None
    """Memory in megabytes. The service's default is 15 GB."""


class Configuration(Args):
    """What a workspace runs: the vendor's AiAppTypeSpec."""

    docker: pulumi.Input[Docker | Group]
    data: pulumi.Input[Data | Group] | None = None
    resource: pulumi.Input[Resources | Group] | None = None
    queue_name: pulumi.Input[str] | None = None
    """YARN queue; the one for GPU work is `gpu`."""
    name: pulumi.Input[str] | None = None
    """A label inside the configuration, not the workspace's name."""
    user_package_uri: pulumi.Input[str] | None = None
    """HDFS path of an archive that was uploaded beforehand."""


class AIWorkspace(
    CloudResource,
    token=_WORKSPACE,
    provider=CLOUD.types[_WORKSPACE],
    inputs=("account_id", "name", "description", "configuration"),
    computed=("account_name", "image_version", "created_at", "modified_at"),
    hidden=("configuration",),
):
    """A saved job definition in a Data Forest account: container image, command, resources, data.

    Only the configuration can be changed in place. A change of name, account or description replaces the workspace.
    """

    if TYPE_CHECKING:
        # Not at run time: the SDK would resolve these annotations anew for every resource.
        account_id: pulumi.Output[str]
        name: pulumi.Output[str]
        description: pulumi.Output[str | None]
        configuration: pulumi.Output[Group]
        account_name: pulumi.Output[str]
        image_version: pulumi.Output[str | None]
        created_at: pulumi.Output[str | None]
        modified_at: pulumi.Output[str | None]

    def __init__(
        self,
        resource_name: str,
        *,
        account_id: pulumi.Input[str],
        configuration: pulumi.Input[Configuration | Group],
        name: pulumi.Input[str] | None = None,
        description: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param resource_name: The name in the program and in the URN.
        :param account_id: ID of the account it belongs to, such as `account.id`.
        :param configuration: What it runs.
        :param name: Its name in the account: up to 15 lower-case letters, digits and single hyphens, beginning with a
               letter. Left out, one is made from the resource's name.
        :param description: Up to 255 characters. No API call changes it: a new one replaces the workspace.
        :param opts: Pulumi's options.
        """
        made_up = generated_name(_WORKSPACE, resource_name, opts, 15) if name is None else {"name": name}
        self._register(
            resource_name,
            {"account_id": account_id, "configuration": configuration, "description": description, **made_up},
            opts,
        )


# --- accounts ---------------------------------------------------------------------------------------------------------


class Quota(Args):
    """The HDFS quota of one namespace."""

    file_count_million: pulumi.Input[int] | None = None
    """Millions of files, 1 to 5. The service's default is 1."""
    space_tb: pulumi.Input[int] | None = None
    """Terabytes: 200, 300, 400 or 500. The service's default is 200."""


class Quotas(Args):
    """Quotas by namespace; one that is left out is left alone."""

    koya: pulumi.Input[Quota | Group] | None = None
    tata: pulumi.Input[Quota | Group] | None = None


class Account(
    CloudResource,
    token=_ACCOUNT,
    provider=CLOUD.types[_ACCOUNT],
    inputs=("name", "password", "quotas", "adopt"),
    computed=("status", "principal", "created_at", "adopted"),
    secrets=("password",),
):
    """A Data Forest account: the owner of workspaces. A user normally has one; creating it takes minutes."""

    if TYPE_CHECKING:
        name: pulumi.Output[str]
        password: pulumi.Output[str | None]
        quotas: pulumi.Output[Group | None]
        adopt: pulumi.Output[bool | None]
        status: pulumi.Output[str]
        principal: pulumi.Output[str]
        created_at: pulumi.Output[str | None]
        adopted: pulumi.Output[bool]

    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str] | None = None,
        password: pulumi.Input[str] | None = None,
        quotas: pulumi.Input[Quotas | Group] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """
        :param resource_name: The name in the program and in the URN.
        :param name: 2 to 16 lower-case letters, digits and hyphens, unique in the whole cluster. Left out, one is made
               from the resource's name; with `adopt`, the only account there is is taken.
        :param password: 8 to 20 characters with a letter, a digit and a special character. Left out, one is made and
               returned as a secret output. Changing it resets the password in place.
        :param quotas: HDFS quotas by namespace.
        :param adopt: Take over an account that is already there. It stays in the cloud when this resource is deleted.
        :param opts: Pulumi's options.
        """
        if name is None and (adopt is None or adopt is False):
            named: dict[str, Any] = generated_name(_ACCOUNT, resource_name, opts, 16)
        else:
            named = {"name": name}
        hidden = None if password is None else pulumi.Output.secret(password)
        self._register(resource_name, {"password": hidden, "quotas": quotas, "adopt": adopt, **named}, opts)
