"""The same types under the tokens of Pulumi's AWS classes, for programs written with `pulumi_aws` (specification 19).

What differs is the spelling (`schema.pulumi`), the IDs, the outputs every class of theirs has (`arn`, `region`,
`tagsAll`), names that are made up when left out, and that what the service chose for a member that was left out is
put out, too. Under Pulumi's own engine such a program runs on its plugin; nothing here needs `pulumi_aws`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from engine.core.contract import CHECK, CheckResult, ConfigReader, ConfigureRequest, DiffResult
from engine.core.diff import Kind
from engine.core.errors import UsageError
from engine.core.values import has_unknown
from providers.base import MADE_UP, Tree, physical_name
from providers.sagemaker.provider.apps import Apps
from providers.sagemaker.provider.calls import Answer, SageMakerType
from providers.sagemaker.provider.configs import (
    CodeRepositories,
    NotebookInstanceLifecycleConfigs,
    StudioLifecycleConfigs,
)
from providers.sagemaker.provider.notebooks import NotebookInstances
from providers.sagemaker.provider.studio import Domains, Spaces, UserProfiles
from providers.sagemaker.schema.pulumi import PULUMI, camel
from providers.sagemaker.schema.structures import from_api

if TYPE_CHECKING:
    from providers.sagemaker.client import Client

UNSERVED: Final = (
    "assumeRole",
    "assumeRoles",
    "assumeRoleWithWebIdentity",
    "allowedAccountIds",
    "forbiddenAccountIds",
    "ignoreTags",
    "sharedConfigFiles",
    "sharedCredentialsFiles",
    "customCaBundle",
    "httpProxy",
    "httpsProxy",
    "noProxy",
)
"""Settings of pulumi-aws whose neglect could reach the wrong account or delete the wrong tags."""


class PulumiType(SageMakerType):
    """What makes a type one of Pulumi's AWS classes."""

    dialect = PULUMI
    spaces = ("aws", "sagemaker")
    autonamed: ClassVar[str] = ""
    """The API member that is made up when the program leaves it out, as pulumi-aws does."""
    longest_name: ClassVar[int] = 63
    name_letters: ClassVar[str] = "a-zA-Z0-9-"

    @classmethod
    def recorded(cls, output: str) -> str:
        """Outputs in camelCase; what Pulumi's class does not have is recorded under a hidden name."""
        return f"__{camel(output)}" if cls.answers[output].kept else camel(output)

    @classmethod
    def spelt_answers(cls) -> dict[str, Answer]:
        """Only what Pulumi's class has, or a plan needs."""
        return {cls.recorded(name): answer for name, answer in cls.answers.items() if not answer.ours}

    # --- settings

    def configure(self, req: ConfigureRequest) -> None:
        """Keep the settings. Raises UsageError for those that are not served and must not be neglected."""
        super().configure(req)
        _require_served(req.config)

    @property
    def default_tags(self) -> dict[str, str]:
        """The tags that the provider's settings put on everything."""
        assert self.config is not None
        given = _loaded(self.config.get("aws:defaultTags"))
        tags = given.get("tags") if isinstance(given, Mapping) else None
        return {str(name): str(value) for name, value in (tags or {}).items()}

    # --- inputs

    def check(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> CheckResult:
        """Complete and judge inputs, with a name made up from the URN where there is none."""
        return super().check(olds, self.named(olds, news))

    def named(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs with a name: the given one, the recorded one, or one that is always the same for a URN."""
        given, context = dict(news), CHECK.get(None)
        name = self.spelt(self.autonamed) if self.autonamed else ""
        if name and given.get(name) is None:
            if olds.get(name):
                given[name] = olds[name]
            elif context is not None:
                given[name] = self.made_up_name(context.urn, given)
        return given

    def made_up_name(self, urn: str, given: Mapping[str, Any]) -> Any:
        """A name for the resource of this URN."""
        del given
        return physical_name(urn, self.longest_name, allowed=self.name_letters, hash_length=7)

    def body(self, wanted: Mapping[str, Any]) -> Tree:
        """With the provider's default tags."""
        if "Tags" not in self.members:
            return super().body(wanted)
        tags = self.all_tags(wanted.get("Tags") or {})
        return super().body({**wanted, **({"Tags": tags} if tags else {})})

    def all_tags(self, tags: Mapping[str, str]) -> dict[str, str]:
        """With the provider's default tags, which the program's overrule."""
        return {**self.default_tags, **tags}

    def without_common_tags(self, tags: dict[str, str]) -> dict[str, str]:
        """Without the provider's default tags."""
        common = self.default_tags
        return {name: value for name, value in tags.items() if common.get(name) != value}

    def recorded_tags(self, olds: Mapping[str, Any]) -> Mapping[str, str]:
        """All tags that were set."""
        return olds.get("tagsAll") or super().recorded_tags(olds)

    def diff(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> DiffResult:
        """As in the base; other default tags in the settings are a change, too."""
        result = super().diff(id_, olds, news)
        recorded, tags = olds.get("tagsAll"), self.declared(news).get("tags") or {}
        if "Tags" not in self.members or recorded is None or has_unknown(tags) or recorded == self.all_tags(tags):
            return result
        detail = dict(result.detailed_diff or {})
        if not any(path.startswith("tags") for path in detail):
            detail["tagsAll"] = Kind.UPDATE.value
        return replace(result, changes=True, detailed_diff=detail)

    # --- outputs

    def predict(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Tree:
        """As in the base; which members the service chooses is not known before."""
        known = super().predict(id_, olds, news)
        known.pop(MADE_UP, None)
        if "Tags" in self.members:
            known["tagsAll"] = _laid_over(self.default_tags, self.declared(news).get("tags"))
        return known

    def outs(self, declared: Tree, content: Mapping[str, Any], client: Client) -> Tree:
        """With all tags, the default ones among them."""
        outs = super().outs(declared, content, client)
        if "Tags" in self.members:
            outs["tagsAll"] = self.all_tags(declared.get("tags") or {})
        return outs

    def made_up(self, declared: Tree, content: Mapping[str, Any], client: Client) -> Tree:
        """Every input that the program left out and the service has a value for."""
        observed = from_api(self.schema, {name: value for name, value in content.items() if name != "Tags"})
        chosen = {name: value for name, value in observed.items() if name not in declared}
        return {**chosen, **super().made_up(declared, content, client)}


def _require_served(config: ConfigReader) -> None:
    given = [name for name in UNSERVED if _loaded(config.get(f"aws:{name}")) not in (None, "", [], {})]
    if given:
        raise UsageError(
            f"these settings of pulumi-aws are not served here: {', '.join(f'aws:{name}' for name in given)}",
            why="AWS is reached through boto3 directly; neglecting them could reach another account than you mean.",
            remedy="take them out; to assume a role, name a profile with role_arn in aws:profile",
            reference="setting-not-served",
        )


def _laid_over(common: Mapping[str, str], tags: Any) -> Any:
    """Tags over the common ones; an unknown stays one."""
    return {**common, **(tags or {})} if isinstance(tags, Mapping) or tags is None else tags


def _loaded(value: Any) -> Any:
    """A setting of the provider: complex ones are JSON text."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


class PulumiDomains(PulumiType, Domains):
    """`aws.sagemaker.Domain`."""

    token = "aws:sagemaker/domain:Domain"


class PulumiUserProfiles(PulumiType, UserProfiles):
    """`aws.sagemaker.UserProfile`."""

    token = "aws:sagemaker/userProfile:UserProfile"


class PulumiSpaces(PulumiType, Spaces):
    """`aws.sagemaker.Space`."""

    token = "aws:sagemaker/space:Space"


class PulumiApps(PulumiType, Apps):
    """`aws.sagemaker.App`."""

    token = "aws:sagemaker/app:App"


class PulumiNotebookInstances(PulumiType, NotebookInstances):
    """`aws.sagemaker.NotebookInstance`."""

    token = "aws:sagemaker/notebookInstance:NotebookInstance"
    autonamed = "NotebookInstanceName"


class PulumiNotebookLifecycleConfigs(PulumiType, NotebookInstanceLifecycleConfigs):
    """`aws.sagemaker.NotebookInstanceLifecycleConfiguration`."""

    token = "aws:sagemaker/notebookInstanceLifecycleConfiguration:NotebookInstanceLifecycleConfiguration"
    autonamed = "NotebookInstanceLifecycleConfigName"


class PulumiStudioLifecycleConfigs(PulumiType, StudioLifecycleConfigs):
    """`aws.sagemaker.StudioLifecycleConfig`."""

    token = "aws:sagemaker/studioLifecycleConfig:StudioLifecycleConfig"


class PulumiCodeRepositories(PulumiType, CodeRepositories):
    """`aws.sagemaker.CodeRepository`."""

    token = "aws:sagemaker/codeRepository:CodeRepository"
