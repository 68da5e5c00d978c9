"""Lifecycle configs and code repositories (specification section 10): no status, most of them hardly changeable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from engine.core.contract import CheckResult, Found
from providers.base import GENERATED, Tree
from providers.sagemaker.errors import InUseError
from providers.sagemaker.provider.calls import Answer, Key, SageMakerType
from providers.sagemaker.provider.studio import resource_part

if TYPE_CHECKING:
    from providers.sagemaker.client import Client


class Named(SageMakerType):
    """A type whose ID is the name, and whose ARN ends in it."""

    arn_prefix: ClassVar[str]
    id_forms = "the name, or the ARN"

    def keys_of(self, id_: str) -> list[Key]:
        """From the name or the ARN."""
        name = resource_part(id_, self.arn_prefix)
        return [{self.key[0]: name}] if name and "/" not in name else []


class NotebookInstanceLifecycleConfigs(Named):
    """What notebook instances run when they are made, and whenever they start."""

    token = "pulumi-python:dynamic/sagemaker:NotebookInstanceLifecycleConfig"
    structure = "NotebookInstanceLifecycleConfig"
    noun = "notebook lifecycle config"
    create_operation = "CreateNotebookInstanceLifecycleConfig"
    describe_operation = "DescribeNotebookInstanceLifecycleConfig"
    delete_operation = "DeleteNotebookInstanceLifecycleConfig"
    key = ("NotebookInstanceLifecycleConfigName",)
    unique = key
    named_by = "NotebookInstanceLifecycleConfigName"
    arn_member = "NotebookInstanceLifecycleConfigArn"
    arn_prefix = "notebook-instance-lifecycle-config/"
    answers: ClassVar = {
        "arn": Answer("NotebookInstanceLifecycleConfigArn"),
        "creation_time": Answer("CreationTime", ours=True),
    }

    def changed(
        self, client: Client, key: Key, content: Tree, members: set[str], old: Tree, new: Tree, olds: Mapping[str, Any]
    ) -> Tree:
        """Both hooks are sent: what an update with one does to the other is not documented. An empty list clears."""
        if not members & {"OnCreate", "OnStart"}:
            return content
        hooks = {name: new.get(name, []) for name in ("OnCreate", "OnStart")}
        client.call("UpdateNotebookInstanceLifecycleConfig", **key, **hooks)
        return self.ready(client, key)

    def list(self) -> Iterator[Found]:
        """Every notebook lifecycle config of the region."""
        operation = "ListNotebookInstanceLifecycleConfigs"
        for item in self.client().pages(operation, "NotebookInstanceLifecycleConfigs"):
            yield self.listed(item)


class StudioLifecycleConfigs(Named):
    """What Studio apps run when they start."""

    token = "pulumi-python:dynamic/sagemaker:StudioLifecycleConfig"
    structure = "StudioLifecycleConfig"
    noun = "Studio lifecycle config"
    create_operation = "CreateStudioLifecycleConfig"
    describe_operation = "DescribeStudioLifecycleConfig"
    delete_operation = "DeleteStudioLifecycleConfig"
    key = ("StudioLifecycleConfigName",)
    unique = key
    named_by = "StudioLifecycleConfigName"
    arn_member = "StudioLifecycleConfigArn"
    arn_prefix = "studio-lifecycle-config/"
    answers: ClassVar = {
        "arn": Answer("StudioLifecycleConfigArn"),
        "creation_time": Answer("CreationTime", ours=True),
    }

    def check(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> CheckResult:
        """A made-up name changes with the contents.

        So a new version can be made and attached before the old one, which cannot be deleted while it is attached.
        """
        contents = (self.spelt("StudioLifecycleConfigContent"), self.spelt("StudioLifecycleConfigAppType"))
        if news.get(GENERATED) and any(olds.get(name) != news.get(name) for name in contents):
            olds = {}
        return super().check(olds, news)

    def end(self, client: Client, key: Key, props: Mapping[str, Any]) -> None:
        """One that is attached stays."""
        try:
            super().end(client, key, props)
        except InUseError as error:
            raise InUseError(
                error.summary,
                why="A domain, user profile or space names it in its settings, or a running app uses it.",
                remedy="take it out of those settings first; to change a script, give it a new name",
            ) from error

    def list(self) -> Iterator[Found]:
        """Every Studio lifecycle config of the region."""
        for item in self.client().pages("ListStudioLifecycleConfigs", "StudioLifecycleConfigs"):
            yield self.listed(item)


class CodeRepositories(Named):
    """Git repositories that notebook instances can name."""

    token = "pulumi-python:dynamic/sagemaker:CodeRepository"
    structure = "CodeRepository"
    noun = "code repository"
    create_operation = "CreateCodeRepository"
    describe_operation = "DescribeCodeRepository"
    delete_operation = "DeleteCodeRepository"
    key = ("CodeRepositoryName",)
    unique = key
    named_by = "CodeRepositoryName"
    arn_member = "CodeRepositoryArn"
    arn_prefix = "code-repository/"
    answers: ClassVar = {
        "arn": Answer("CodeRepositoryArn"),
        "creation_time": Answer("CreationTime", ours=True),
    }

    def changed(
        self, client: Client, key: Key, content: Tree, members: set[str], old: Tree, new: Tree, olds: Mapping[str, Any]
    ) -> Tree:
        """Only the secret can be changed."""
        secret = (new.get("GitConfig") or {}).get("SecretArn")
        if "GitConfig" not in members or secret is None:
            return content
        client.call("UpdateCodeRepository", **key, GitConfig={"SecretArn": secret})
        return self.ready(client, key)

    def list(self) -> Iterator[Found]:
        """Every code repository of the region."""
        for item in self.client().pages("ListCodeRepositories", "CodeRepositorySummaryList"):
            yield self.listed(item)
