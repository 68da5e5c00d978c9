"""What Data Forest accepts: the constraints of the vendor's pages on accounts and AI workspaces, each with its source.

Sources are the keys of section 14 of the specification, which name the vendor's pages: W-create is the page "create" of
AI workspaces, T-docker the data type AiAppDocker, AC-create the page "create" of accounts, and so on. Limits the pages
leave open are not invented here: what cannot be known is the service's to refuse.

Names are snake_case; the API's camelCase is made from them in `wire`.
"""

from __future__ import annotations

import string
from typing import Annotated, Any, Final

from pydantic import Field

from providers.base import Facts, Inputs, Rule, Shape, Tree, members_of

ID: Final = r"^[0-9A-Za-z]{1,22}$"
WORKSPACE_NAME: Final = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"
ACCOUNT_NAME: Final = r"^[a-z0-9][a-z0-9-]{0,14}[a-z0-9]$"
IMAGE: Final = r"^(dataforest/)?([a-z0-9._-]{1,30}):([a-z0-9._-]{1,20})$"
FORBIDDEN_IN_PASSWORDS: Final = frozenset("'\"₩/&` \\")

_NAME_REPLACES = "no operation of the API renames a workspace"


# --- the configuration of a workspace ---------------------------------------------------------------------------------


class DataInput(Inputs):
    """One item of `data.input`: copied from HDFS into the container."""

    hdfs: Annotated[str, Facts(source="T-data", remedy="give the path in HDFS to copy from")]
    path: Annotated[str, Facts(source="T-data", remedy="give the path in the container to copy to")]


class DataOutput(Inputs):
    """One item of `data.output`: copied from the container to HDFS."""

    hdfs: Annotated[str, Facts(source="T-data", remedy="give the path in HDFS to copy to")]
    path: Annotated[str, Facts(source="T-data", remedy="give the path in the container to copy from")]
    # The page gives no default, so it is always sent.
    overwrite: Annotated[bool, Facts(source="T-data", remedy="say True or False", absent=False)] = False


class Data(Inputs):
    """What is copied in before the command runs, and out afterwards. Order is kept."""

    input: Annotated[
        list[DataInput],
        Facts(source="T-data", remedy="give a list, which may be empty: input and output go together"),
    ]
    output: Annotated[
        list[DataOutput],
        Facts(source="T-data", remedy="give a list, which may be empty: input and output go together"),
    ]


class Docker(Inputs):
    """The container."""

    image: Annotated[
        str,
        Field(pattern=IMAGE),
        Facts(
            source="W-create, T-docker",
            rule=f"must match {IMAGE}",
            remedy="name an image of the platform's catalogue with its tag, such as tensorflow:r2.3.1-py3",
        ),
    ]
    command: Annotated[str, Facts(source="T-docker", remedy="give the command to run in the container")]
    args: Annotated[str | None, Facts(source="T-docker", remedy="give the arguments as one text", absent="")] = None
    env: Annotated[
        dict[str, str] | None,
        Facts(
            source="T-docker",
            remedy="give a map of names to text, numbers in quotes",
            sensitive=True,
            absent={},
        ),
    ] = None
    expose_tcp_ports: Annotated[
        list[Annotated[int, Field(ge=1, le=65535)]] | None,
        Facts(
            source="T-docker; range inferred (specification 6.2)",
            remedy="give TCP port numbers from 1 to 65535",
            absent=[],
        ),
    ] = None
    workdir: Annotated[
        str | None,
        Facts(
            source="REL (2024-08-08), W-create",
            remedy="give a path in the container, or better leave it out",
            unreadable=True,
            undiffed=True,
        ),
    ] = None

    rules = (
        Rule(
            at="workdir",
            broken=lambda workdir: workdir is not None,
            rule="has been ignored by the service since 8 August 2024",
            remedy="put the change of directory into the command",
            source="REL (2024-08-08)",
            warning=True,
        ),
    )


class Resources(Inputs):
    """What the container gets. The service fills in what is left out, and may or may not say so."""

    cpu_count: Annotated[
        int | None,
        Field(ge=1),
        Facts(source="T-res; minimum inferred", remedy="give a whole number from 1", computed=True),
    ] = None
    gpu_count: Annotated[
        int | None,
        Field(ge=1, le=8),
        Facts(source="T-res", remedy="give a whole number from 1 to 8, or leave it out", computed=True),
    ] = None
    gpu_model: Annotated[
        str | None,
        Field(min_length=1),
        Facts(source="T-res", rule="names a GPU model", remedy="give one such as T4 or V100", computed=True),
    ] = None
    memory_mb: Annotated[
        int | None,
        Field(ge=1),
        Facts(source="T-res; minimum inferred", remedy="give megabytes, a whole number from 1", computed=True),
    ] = None


class Configuration(Inputs):
    """AiAppTypeSpec: everything about a run. The only thing of a workspace that can be changed."""

    docker: Annotated[Docker, Facts(source="T-spec", remedy="give the container's image and command")]
    data: Annotated[Data | None, Facts(source="T-spec", remedy="give lists input and output")] = None
    resource: Annotated[
        Resources | None, Facts(source="T-spec", remedy="give a map such as {gpu_count: 1}", computed=True)
    ] = None
    queue_name: Annotated[
        str | None,
        Field(min_length=1),
        Facts(source="T-spec", rule="names a queue", remedy="name a YARN queue; the one for GPUs is gpu"),
    ] = None
    name: Annotated[str | None, Facts(source="T-spec", remedy="give a label, any text")] = None
    user_package_uri: Annotated[
        str | None, Facts(source="T-spec", remedy="give the HDFS path of an uploaded archive")
    ] = None


class AIWorkspace(Inputs):
    """The inputs of an AI workspace."""

    account_id: Annotated[
        str,
        Field(pattern=ID),
        Facts(
            source="W-create; specification 2.1",
            rule="is an account's ID: 1 to 22 letters and digits",
            remedy="give the ID of a Data Forest account, such as account.id",
            replace="a workspace cannot move to another account",
        ),
    ]
    name: Annotated[
        str,
        Field(pattern=WORKSPACE_NAME, max_length=15),
        Facts(
            source="W-create",
            rule="has 1 to 15 lower-case letters, digits and single hyphens, begins with a letter, "
            "and does not end with a hyphen",
            remedy="give a name such as train-a, or leave it out to have one made",
            replace=_NAME_REPLACES,
        ),
    ]
    description: Annotated[
        str | None,
        Field(max_length=255),
        Facts(
            source="W-create",
            remedy="shorten it",
            absent="",
            replace="the description cannot be changed by any API call, so the workspace is replaced; files put into "
            "it in the console are lost",
        ),
    ] = None
    configuration: Annotated[
        Configuration, Facts(source="W-create, T-spec", remedy="give at least docker with image and command")
    ]


# --- accounts ---------------------------------------------------------------------------------------------------------


class Quota(Inputs):
    """The HDFS quota of one namespace."""

    file_count_million: Annotated[
        int | None,
        Field(ge=1, le=5),
        Facts(source="AC-quota", remedy="give millions of files, 1 to 5", computed=True),
    ] = None
    space_tb: Annotated[
        int | None,
        Field(ge=200, le=500, multiple_of=100),
        Facts(
            source="AC-quota",
            rule="is 200, 300, 400 or 500",
            remedy="give terabytes in steps of 100",
            computed=True,
        ),
    ] = None


class Quotas(Inputs):
    """The quotas by namespace. They cannot be deleted: one that is left out is left alone."""

    koya: Annotated[Quota | None, Facts(source="AC-quota", remedy="give a quota", computed=True)] = None
    tata: Annotated[Quota | None, Facts(source="AC-quota", remedy="give a quota", computed=True)] = None


def _password_is_weak(password: Any) -> bool:
    if not isinstance(password, str):
        return False
    kinds = (string.ascii_letters, string.digits, string.punctuation)
    missing = any(not set(kind).intersection(password) for kind in kinds)
    return missing or not password.isprintable() or bool(FORBIDDEN_IN_PASSWORDS.intersection(password))


class Account(Inputs):
    """The inputs of an account."""

    name: Annotated[
        str | None,
        Field(pattern=ACCOUNT_NAME),
        Facts(
            source="AC-create, G-acc",
            rule="has 2 to 16 lower-case letters, digits and hyphens, and begins and ends with a letter or digit",
            remedy="give a name such as ml-team, or leave it out to have one made",
            replace="an account cannot be renamed; every workspace in it is replaced too",
            computed=True,
        ),
    ] = None
    password: Annotated[
        str | None,
        Field(min_length=8, max_length=20),
        Facts(
            source="AC-create",
            rule="has 8 to 20 characters",
            remedy="give another password, or leave it out to have one made",
            sensitive=True,
            unreadable=True,
            computed=True,
        ),
    ] = None
    quotas: Annotated[
        Quotas | None, Facts(source="AC-quota", remedy="give quotas by namespace: koya, tata", computed=True)
    ] = None
    adopt: Annotated[
        bool | None,
        Facts(source="specification 7.2", remedy="say True to take over an account that is there", unreadable=True),
    ] = None

    rules = (
        Rule(
            at="password",
            broken=_password_is_weak,
            rule="needs a letter, a digit and a special character, and none of ' \" ₩ / \\ & ` or space",
            remedy="give another password, or leave it out to have one made",
            source="AC-create",
        ),
        Rule(
            at="name",
            reads=("adopt",),
            broken=lambda name, adopt: name is None and not adopt,
            rule="is required",
            remedy="give a name, or adopt=True to take over the only account there is",
            source="AC-create",
        ),
    )


# --- the wire ---------------------------------------------------------------------------------------------------------

NAMESPACES: Final = tuple(members_of(Quotas))


def wire(model: type[Inputs], tree: Tree) -> Tree:
    """A completed tree as the API spells it: members in camelCase, the keys of free maps as they are."""
    members = members_of(model)
    return {
        members[name].other if name in members else name: _wire(members[name].shape, value)
        if name in members
        else value
        for name, value in tree.items()
    }


def _wire(shape: Shape, value: Any) -> Any:
    if shape.model is not None and isinstance(value, dict):
        return wire(shape.model, value)
    if shape.kind == "list" and isinstance(value, list):
        return [_wire(shape.of_items, item) for item in value]
    return value
