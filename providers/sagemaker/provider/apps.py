"""Apps: what runs in Studio (specification section 6). There is no update; the service ends them on its own, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from engine.core.contract import CheckFailure, Found, ReadResult, UpdateResult
from engine.core.values import Unknown
from providers.base import Tree, current_call
from providers.errors import RefusedError
from providers.sagemaker.provider.calls import Answer, ByArn, Key
from providers.sagemaker.provider.statuses import GOING, WithStatus
from providers.sagemaker.provider.studio import inputs_of_origins, resource_part

if TYPE_CHECKING:
    from providers.sagemaker.client import Client

KERNEL_GATEWAY: Final = "KernelGateway"
SYSTEM: Final = "system"
ENDED: Final = "Deleted"
"""The status of an app that is over, for the day that the service still shows it (specification 6.3)."""
SYSTEM_MEANS: Final = "ml.t3.medium"
"""What `system` is turned into for a KernelGateway app (API_ResourceSpec)."""

_NEEDS_TYPE: Final = (
    "a KernelGateway app needs an instance type: in the app, in the settings of its user profile or space, or in those "
    "of the domain"
)
_NEEDS_REMEDY: Final = "give it here, or in kernel gateway's default resource spec of the profile, space or domain"
_NOWHERE: Final = "nowhere"


class Apps(ByArn, WithStatus):
    """Apps of user profiles and spaces."""

    token = "pulumi-python:dynamic/sagemaker:App"
    structure = "App"
    noun = "app"
    create_operation, describe_operation, delete_operation = "CreateApp", "DescribeApp", "DeleteApp"
    key = ("DomainId", "UserProfileName", "SpaceName", "AppType", "AppName")
    unique = ("DomainId", "UserProfileName", "SpaceName", "AppType", "AppName")
    marker = "its owner, type and name"
    named_by = "AppName"
    arn_member = "AppArn"
    id_forms = "the ARN, or DOMAIN-ID/user-profile/NAME/APP-TYPE/APP-NAME or DOMAIN-ID/space/NAME/APP-TYPE/APP-NAME"
    answers: ClassVar = {
        "arn": Answer("AppArn"),
        "status": Answer("Status", kept=True),
        "failure_reason": Answer("FailureReason", kept=True),
        "built_in_lifecycle_config_arn": Answer("BuiltInLifecycleConfigArn", ours=True),
        "creation_time": Answer("CreationTime", ours=True),
    }
    busy = frozenset({"Pending", GOING})

    # --- checked against the program

    def reviewed(
        self, olds: Mapping[str, Any], inputs: Mapping[str, Any], failures: list[CheckFailure]
    ) -> Sequence[CheckFailure]:
        """A KernelGateway app finds an instance type somewhere, as far as the program shows."""
        wrong = {failure.property.partition(".")[0] for failure in failures}
        if wrong & {self.spelt("AppType"), self.spelt("ResourceSpec")}:
            return ()
        domain = next(inputs_of_origins(self.spelt("DomainId"), "Domain"), None)
        if domain is None:
            return ()  # Not of this program: `create` looks.
        wanted = self.wanted(inputs)
        if wanted.get("AppType") != KERNEL_GATEWAY or _type_in(wanted.get("ResourceSpec")) != _NOWHERE:
            return ()
        if "SpaceName" in wanted:
            owner = next(inputs_of_origins(self.spelt("SpaceName"), "Space"), None)
            settings, defaults = "SpaceSettings", "DefaultSpaceSettings"
        else:
            owner = next(inputs_of_origins(self.spelt("UserProfileName"), "UserProfile"), None)
            settings, defaults = "UserSettings", "DefaultUserSettings"
        if owner is None:
            return ()
        places = (owner.get(settings), domain.get(defaults))
        if any(_kernel_type(place) != _NOWHERE for place in places):
            return ()
        path = self.dialect.path(self.structure, "ResourceSpec.InstanceType")
        return [CheckFailure(path, _NEEDS_TYPE, "", _NEEDS_REMEDY, "API_CreateApp")]

    # --- names

    def recorded_key(self, id_: str, wanted: Mapping[str, Any]) -> Key:
        """Type, name, domain and owner."""
        del id_
        key = self.key_in(wanted)
        return key if len(key) == len(self.key) - 1 else {}

    def keys_of(self, id_: str) -> list[Key]:
        """From the ARN, whose owner may be a user profile or a space (specification 4.6); or from a form that says."""
        values = resource_part(id_, "app/").split("/")
        kinds = {"user-profile": "UserProfileName", "space": "SpaceName"}
        if len(values) == 5 and values[1] in kinds and all(values):
            domain, kind, owner, app, name = values
            return [{"DomainId": domain, kinds[kind]: owner, "AppType": self._app_type(app), "AppName": name}]
        if len(values) == 4 and id_.startswith("arn:") and all(values):
            domain, owner, app, name = values
            rest = {"DomainId": domain, "AppType": self._app_type(app), "AppName": name}
            return [{**rest, member: owner} for member in kinds.values()]
        return []

    @staticmethod
    def _app_type(text: str) -> str:
        """The app type of an ARN in the API's spelling: letters' case varies there (specification 4.6)."""
        from providers.sagemaker.model import service_model

        choices = service_model("sagemaker").choices("AppType")
        return next((choice for choice in choices if choice.casefold() == text.casefold()), text)

    # --- creating

    def describe(self, client: Client, key: Key) -> Tree | None:
        """The app; None when the service has ended it, which shows for a day as the status Deleted."""
        content = super().describe(client, key)
        return None if content is None or self.status(content) == ENDED else content

    def require_free(self, client: Client, wanted: Tree) -> None:
        """Wait for an app of this key that is going; a failed one does not count."""
        content = self.standing(client, self.key_in(wanted))
        if content is not None and self.status(content) not in self.failed:
            raise self.taken(content)
        self._require_instance_type(client, wanted)

    def look_for(self, client: Client, wanted: Tree) -> Tree | None:
        """The app of this key; one that failed before is not what was sent."""
        content = self.describe(client, self.key_in(wanted))
        return None if content is None or self.status(content) in self.failed else content

    def _require_instance_type(self, client: Client, wanted: Tree) -> None:
        """What `check` could not see: the settings of a profile, space and domain that others have made."""
        if wanted.get("AppType") != KERNEL_GATEWAY or _type_in(wanted.get("ResourceSpec")) != _NOWHERE:
            return
        domain_id = wanted["DomainId"]
        if "SpaceName" in wanted:
            owner = client.look("DescribeSpace", DomainId=domain_id, SpaceName=wanted["SpaceName"])
            settings, defaults = "SpaceSettings", "DefaultSpaceSettings"
        else:
            owner = client.look("DescribeUserProfile", DomainId=domain_id, UserProfileName=wanted["UserProfileName"])
            settings, defaults = "UserSettings", "DefaultUserSettings"
        domain = client.look("DescribeDomain", DomainId=domain_id)
        if owner is None or domain is None:
            return  # The service says it better.
        if _kernel_type(owner.get(settings)) == _kernel_type(domain.get(defaults)) == _NOWHERE:
            raise RefusedError(
                _NEEDS_TYPE,
                path="resourceSpec.instanceType",
                why="None of the three has one (API_CreateApp).",
                remedy=_NEEDS_REMEDY,
                reference="instance-type-missing",
            )

    # --- ended apps

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What it looks like now. One that was ended is gone, unless the program lets it stay so."""
        seen = super().read(id_, props)
        if seen.id or not self.wanted(props).get("StayEnded"):
            return seen
        return ReadResult(id_, {**props, self.status_output: ENDED}, self.declared(props))

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Change the tags; start one again that was ended, unless it may stay so."""
        client, keys = self._place(id_, olds)
        if self.standing(client, keys[0]) is not None:
            return super().update(id_, olds, news)
        if self.wanted(news).get("StayEnded"):
            kept = self.unaltered(olds, self.declared(news), ())
            return UpdateResult({**kept, **self.declared(news), self.status_output: ENDED})
        return UpdateResult(self.create(news).outs)

    # --- reading

    def tags_of(self, client: Client, content: Tree) -> dict[str, str]:
        """A failed app has no tags that could be asked for (specification 4.5)."""
        return {} if self.status(content) in self.failed else super().tags_of(client, content)

    def respelt(self, content: Tree, wanted: Tree) -> Tree:
        """`system` is answered as what it is turned into."""
        given, shown = wanted.get("ResourceSpec") or {}, content.get("ResourceSpec") or {}
        if (
            wanted.get("AppType") == KERNEL_GATEWAY
            and given.get("InstanceType") == SYSTEM
            and shown.get("InstanceType") == SYSTEM_MEANS
        ):
            content = {**content, "ResourceSpec": {**shown, "InstanceType": SYSTEM}}
        return super().respelt(content, wanted)

    def list(self) -> Iterator[Found]:
        """Every app of the region that the service has not ended."""
        items = self.client().pages("ListApps", "Apps")
        return self.described(item for item in items if item.get("Status") != ENDED)

    # --- deleting

    def ask_to_end(self, client: Client, key: Key, props: Mapping[str, Any]) -> None:
        """One that has failed may be gone for the service already."""
        content = self.describe(client, key)
        if content is None:
            return
        try:
            super().ask_to_end(client, key, props)
        except RefusedError as error:
            if self.status(content) not in self.failed:
                raise
            current_call().report(f"the app had failed, and cannot be ended any more: {error.summary}")

    def await_gone(self, client: Client, key: Key) -> None:
        """A failed app is in nobody's way, and the service forgets it within a day (specification 6.3)."""
        content = self.describe(client, key)
        if content is not None and self.status(content) in self.failed:
            return
        super().await_gone(client, key)


def _type_in(spec: Any) -> Any:
    """The instance type of a resource spec; unknown is not nowhere."""
    if isinstance(spec, Unknown):
        return spec
    return (spec or {}).get("InstanceType") or _NOWHERE


def _kernel_type(settings: Any) -> Any:
    """The instance type for kernels in some settings."""
    for name in ("KernelGatewayAppSettings", "DefaultResourceSpec"):
        if isinstance(settings, Unknown):
            return settings
        settings = (settings or {}).get(name)
    return _type_in(settings)
