"""Domains, user profiles and spaces (specification sections 7 to 9): the same statuses, updates as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from engine.core.contract import CHECK, CheckFailure, Found, PartialFailure
from engine.core.values import has_unknown
from providers.base import ReplaceRule, Tree, current_call, keeping
from providers.errors import RefusedError
from providers.sagemaker.provider import kinds
from providers.sagemaker.provider.calls import OWN_MEMBERS, Answer, ByArn, Key
from providers.sagemaker.provider.statuses import GOING, WithStatus

if TYPE_CHECKING:
    from providers.sagemaker.client import Client

CLEARED_BY: Final[Mapping[str, Any]] = {
    "LifecycleConfigArns": [],
    "SageMakerImageVersionArn": "None",
    "LifecycleConfigArn": "None",
}
"""Members that are cleared by a value, whether an update replaces or merges (specification 7.2, 14)."""

_UPDATE_FAILED: Final = "Update_Failed"


def with_clearings(old: Any, new: Any) -> Any:
    """New settings with what clears members that the old ones had and the new ones leave out."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return new
    made = {name: with_clearings(old.get(name), value) for name, value in new.items()}
    made.update({name: CLEARED_BY[name] for name in old if name in CLEARED_BY and name not in new and old[name]})
    return made


class StudioType(WithStatus):
    """A type whose objects are Pending, InService, Updating, Update_Failed and so on."""

    update_operation: ClassVar[str]
    updatable: ClassVar[Mapping[str, str]]
    """Input → its name in the update call."""

    def changed(
        self, client: Client, key: Key, content: Tree, members: set[str], old: Tree, new: Tree, olds: Mapping[str, Any]
    ) -> Tree:
        """Send whole structures, as the specification advises, and wait until they are in force."""
        settled = self.settled(client, key)
        content = content if settled is None else settled
        self.require_usable(content, lambda: dict(olds))
        if self.status(content) == _UPDATE_FAILED:
            members = members | {name for name in new if name in self.updatable}
        body = self.update_body(members, old, new)
        if not body:
            return content
        self.when_assumable(lambda: client.call(self.update_operation, **key, **body))
        with keeping(self.id_of(content), lambda: dict(olds), f"the {self.noun} was changed, but is not ready"):
            content = self.ready(client, key)
        if self.status(content) == _UPDATE_FAILED:
            raise PartialFailure(
                f"the update of the {self.noun} failed: {self.reason(content)}",
                id=self.id_of(content),
                outs=dict(olds),
                remedy="mend what the reason names, then run again",
            )
        return content

    def update_body(self, members: set[str], old: Tree, new: Tree) -> Tree:
        """The members of the update call."""
        body: Tree = {}
        for name in sorted(members - OWN_MEMBERS):
            if name in self.updatable:
                value = with_clearings(old.get(name), new.get(name, self.emptied(old.get(name))))
                body[self.updatable[name]] = self.updated(name, value)
        return {name: value for name, value in body.items() if value is not None}

    def emptied(self, value: Any) -> Any:
        """What stands for a member that is no longer declared."""
        return {} if isinstance(value, Mapping) else [] if isinstance(value, list) else None

    def updated(self, name: str, value: Any) -> Any:
        """A member as the update call wants it."""
        del name
        return value


class Domains(StudioType):
    """Studio domains. The ID is the service's."""

    token = "pulumi-python:dynamic/sagemaker:Domain"
    structure = "Domain"
    noun = "domain"
    create_operation, describe_operation, delete_operation = "CreateDomain", "DescribeDomain", "DeleteDomain"
    update_operation = "UpdateDomain"
    key = ("DomainId",)
    unique = ("DomainName",)
    named_by = "DomainName"
    arn_member = "DomainArn"
    id_forms = "the domain's ID, such as d-nzuqvexepjbz, or its ARN"
    answers: ClassVar = {
        "arn": Answer("DomainArn"),
        "url": Answer("Url"),
        "status": Answer("Status", ("DefaultUserSettings", "DomainSettings", "SubnetIds"), kept=True),
        "failure_reason": Answer("FailureReason", ("DefaultUserSettings",), kept=True),
        "home_efs_file_system_id": Answer("HomeEfsFileSystemId", ("HomeEfsFileSystemCreation",)),
        "security_group_id_for_domain_boundary": Answer(
            "SecurityGroupIdForDomainBoundary", ("DomainSettings", "AppSecurityGroupManagement", "AppNetworkAccessType")
        ),
        "single_sign_on_application_arn": Answer("SingleSignOnApplicationArn", ("DomainSettings",)),
        "single_sign_on_managed_application_instance_id": Answer("SingleSignOnManagedApplicationInstanceId"),
        "creation_time": Answer("CreationTime", ours=True),
    }
    replacing = (ReplaceRule("VpcId", lambda before, after: True, "a domain cannot move to another VPC"),)
    ready_limit = 20 * 60.0
    updatable: ClassVar = {
        "DefaultUserSettings": "DefaultUserSettings",
        "DefaultSpaceSettings": "DefaultSpaceSettings",
        "DomainSettings": "DomainSettingsForUpdate",
        "SubnetIds": "SubnetIds",
        "VpcId": "VpcId",
        "AppNetworkAccessType": "AppNetworkAccessType",
        "AppSecurityGroupManagement": "AppSecurityGroupManagement",
        "HomeEfsFileSystemCreation": "HomeEfsFileSystemCreation",
        "TagPropagation": "TagPropagation",
    }
    defaults: ClassVar = {
        "AppNetworkAccessType": "PublicInternetOnly",
        "HomeEfsFileSystemCreation": "Enabled",
        "TagPropagation": "DISABLED",
    }

    def reviewed(
        self, olds: Mapping[str, Any], inputs: Mapping[str, Any], failures: list[CheckFailure]
    ) -> Sequence[CheckFailure]:
        """The home file system can be added to a domain, but not taken away."""
        name = self.spelt("HomeEfsFileSystemCreation") if "HomeEfsFileSystemCreation" in self.members else ""
        if not (name and olds and inputs.get(name) == "Disabled" and olds.get(name, "Enabled") == "Enabled"):
            return ()
        return [
            CheckFailure(
                name,
                "cannot become Disabled: the domain has its home file system already",
                "'Disabled'",
                "leave it Enabled, or make another domain",
                "API_UpdateDomain",
            )
        ]

    def recorded_key(self, id_: str, wanted: Mapping[str, Any]) -> Key:
        """The ID is the key."""
        return {"DomainId": id_} if wanted else {}

    def keys_of(self, id_: str) -> list[Key]:
        """From the ID or the ARN."""
        bare = id_.rsplit("/", 1)[-1] if id_.startswith("arn:") else id_
        return [{"DomainId": bare}] if bare.startswith("d-") and "/" not in bare else []

    # --- creating

    def require_free(self, client: Client, wanted: Tree) -> None:
        """A name is needed once: of two domains with one name nobody could tell which a lost answer made."""
        named = self._named(client, wanted)
        there = [item for item in named if not self.is_going(item) or self.standing(client, self.key_in(item))]
        content = self._only(client, there)
        if content is not None:
            raise self.taken(content)

    def look_for(self, client: Client, wanted: Tree) -> Tree | None:
        """The domain of this name that is not being deleted (specification 4.2)."""
        return self._only(client, [item for item in self._named(client, wanted) if not self.is_going(item)])

    def _only(self, client: Client, named: list[dict[str, Any]]) -> Tree | None:
        """The one domain among these of one name."""
        if len(named) > 1:
            ids = ", ".join(str(item["DomainId"]) for item in named)
            raise RefusedError(
                f"there are {len(named)} domains named {named[0]['DomainName']!r}: {ids}",
                why="Which of them is meant cannot be told from the name.",
                remedy="take one over with the option import_, or delete those that are not needed",
                reference="name-ambiguous",
            )
        return self.describe(client, {"DomainId": named[0]["DomainId"]}) if named else None

    def _named(self, client: Client, wanted: Tree) -> list[dict[str, Any]]:
        """The domains of this name, those that are being deleted among them."""
        items = client.pages("ListDomains", "Domains")
        return [item for item in items if item.get("DomainName") == wanted.get("DomainName")]

    # --- changing

    def updated(self, name: str, value: Any) -> Any:
        """DomainSettings have another name for RStudio's in the update call."""
        if name in self.defaults and value is None:
            return self.defaults[name]
        if name == "DomainSettings" and isinstance(value, Mapping) and "RStudioServerProDomainSettings" in value:
            rest = {key: item for key, item in value.items() if key != "RStudioServerProDomainSettings"}
            return {**rest, "RStudioServerProDomainSettingsForUpdate": value["RStudioServerProDomainSettings"]}
        return value

    # --- deleting

    def ask_to_end(self, client: Client, key: Key, props: Mapping[str, Any]) -> None:
        """Delete, with what the stack says about the home file system; say when it stays."""
        policy = self.wanted(props).get("RetentionPolicy") or {}
        more: Tree = {"RetentionPolicy": policy} if policy else {}
        file_system = props.get(self.recorded("home_efs_file_system_id"))
        client.call(self.delete_operation, **key, **more)
        if policy.get("HomeEfsFileSystem") != "Delete" and file_system:
            current_call().report(
                f"the home file system {file_system} stays, with mount targets that keep its subnets from being deleted"
            )

    def children(self, client: Client, key: Key) -> Iterable[tuple[str, bool]]:
        """Apps, spaces and profiles."""
        yield from live_apps(client, DomainIdEquals=key["DomainId"])
        yield from going("space", client.pages("ListSpaces", "Spaces", DomainIdEquals=key["DomainId"]), "SpaceName")
        profiles = client.pages("ListUserProfiles", "UserProfiles", DomainIdEquals=key["DomainId"])
        yield from going("user profile", profiles, "UserProfileName")

    def list(self) -> Iterator[Found]:
        """Every domain of the region that is not being deleted."""
        for item in self.client().pages("ListDomains", "Domains"):
            if not self.is_going(item):
                yield self.listed(item, self.status(item))


def live_apps(client: Client, **where: str) -> Iterator[tuple[str, bool]]:
    """The apps that are not over: (what it is, whether it is going)."""
    for item in client.pages("ListApps", "Apps", **where):
        if item.get("Status") not in ("Deleted", "Failed"):
            owner = item.get("UserProfileName") or item.get("SpaceName") or "?"
            yield f"app {item.get('AppType')} {item.get('AppName')} of {owner}", item.get("Status") == GOING


def going(kind: str, items: Iterable[Mapping[str, Any]], name: str) -> Iterator[tuple[str, bool]]:
    """Objects of a list: (what it is, whether it is going)."""
    for item in items:
        yield f"{kind} {item.get(name)}", item.get("Status") == GOING


# --- what is in a domain ----------------------------------------------------------------------------------------------


def inputs_of_origins(property_: str, structure: str) -> Iterator[Tree]:
    """The inputs, in the API's spelling, of the resources of one kind that a property is made from (see CHECK)."""
    context = CHECK.get(None)
    for origin in context.origins(property_) if context else ():
        kind = kinds.of(origin.type)
        if kind is not None and kind.structure == structure:
            yield kind().wanted(origin.inputs)


class UserProfiles(ByArn, StudioType):
    """User profiles of a domain."""

    token = "pulumi-python:dynamic/sagemaker:UserProfile"
    structure = "UserProfile"
    noun = "user profile"
    create_operation, describe_operation = "CreateUserProfile", "DescribeUserProfile"
    update_operation, delete_operation = "UpdateUserProfile", "DeleteUserProfile"
    key = ("DomainId", "UserProfileName")
    unique = ("DomainId", "UserProfileName")
    marker = "its domain and name"
    named_by = "UserProfileName"
    arn_member = "UserProfileArn"
    id_forms = "the ARN, or DOMAIN-ID/NAME"
    answers: ClassVar = {
        "arn": Answer("UserProfileArn"),
        "home_efs_file_system_uid": Answer("HomeEfsFileSystemUid"),
        "status": Answer("Status", ("UserSettings",), kept=True),
        "failure_reason": Answer("FailureReason", ("UserSettings",), kept=True),
        "creation_time": Answer("CreationTime", ours=True),
    }
    updatable: ClassVar = {"UserSettings": "UserSettings"}

    def reviewed(
        self, olds: Mapping[str, Any], inputs: Mapping[str, Any], failures: list[CheckFailure]
    ) -> Sequence[CheckFailure]:
        """Single sign-on as the domain has it; security groups where the domain's apps are in the VPC only."""
        domain = next(inputs_of_origins(self.spelt("DomainId"), "Domain"), None)
        wrong = {failure.property.partition(".")[0] for failure in failures}
        if domain is None or self.spelt("SingleSignOnUserIdentifier") in wrong:
            return ()
        wanted = self.wanted(inputs)
        found: list[CheckFailure] = []
        mode, identifier = domain.get("AuthMode"), wanted.get("SingleSignOnUserIdentifier")
        if not has_unknown([mode, identifier]) and mode is not None and (mode == "SSO") != (identifier is not None):
            found.append(
                CheckFailure(
                    self.spelt("SingleSignOnUserIdentifier"),
                    "is required, with its value, for a domain with SSO"
                    if mode == "SSO"
                    else "is not for a domain whose users sign in through IAM",
                    "" if identifier is None else repr(identifier),
                    "give both single-sign-on members" if mode == "SSO" else "leave both single-sign-on members out",
                    "API_CreateUserProfile",
                )
            )
        groups = [settings.get("SecurityGroups") for settings in _user_settings(domain, wanted)]
        if domain.get("AppNetworkAccessType") == "VpcOnly" and not has_unknown(groups) and not any(groups):
            found.append(
                CheckFailure(
                    self.dialect.path(self.structure, "UserSettings.SecurityGroups"),
                    "are required here or in the domain, whose apps are VpcOnly",
                    "",
                    "give security groups in the profile or in the domain's default user settings",
                    "API_UserSettings",
                )
            )
        return found

    def keys_of(self, id_: str) -> list[Key]:
        """From DOMAIN-ID/NAME or the ARN."""
        return super().keys_of(resource_part(id_, "user-profile/"))

    def children(self, client: Client, key: Key) -> Iterable[tuple[str, bool]]:
        """Its apps, and the spaces it owns."""
        where = {"DomainIdEquals": key["DomainId"]}
        yield from live_apps(client, **where, UserProfileNameEquals=key["UserProfileName"])
        for item in client.pages("ListSpaces", "Spaces", **where):
            owner = (item.get("OwnershipSettingsSummary") or {}).get("OwnerUserProfileName", "")
            if owner.casefold() == key["UserProfileName"].casefold():
                yield f"space {item.get('SpaceName')}, which it owns", item.get("Status") == GOING

    def list(self) -> Iterator[Found]:
        """Every user profile of the region."""
        return self.described(self.client().pages("ListUserProfiles", "UserProfiles"))


def _user_settings(domain: Tree, profile: Tree) -> list[Mapping[str, Any]]:
    found = (domain.get("DefaultUserSettings"), profile.get("UserSettings"))
    return [settings if isinstance(settings, Mapping) else {"SecurityGroups": settings} for settings in found]


def resource_part(id_: str, prefix: str) -> str:
    """What follows a prefix in an ARN's resource part; an ID that is no ARN as it is."""
    if not id_.startswith("arn:"):
        return id_
    part = id_.split(":", 5)[-1]
    return part.removeprefix(prefix) if part.startswith(prefix) else ""


class Spaces(ByArn, StudioType):
    """Spaces of a domain."""

    token = "pulumi-python:dynamic/sagemaker:Space"
    structure = "Space"
    noun = "space"
    create_operation, describe_operation = "CreateSpace", "DescribeSpace"
    update_operation, delete_operation = "UpdateSpace", "DeleteSpace"
    key = ("DomainId", "SpaceName")
    unique = ("DomainId", "SpaceName")
    marker = "its domain and name"
    named_by = "SpaceName"
    arn_member = "SpaceArn"
    id_forms = "the ARN, or DOMAIN-ID/NAME"
    answers: ClassVar = {
        "arn": Answer("SpaceArn"),
        "url": Answer("Url"),
        "home_efs_file_system_uid": Answer("HomeEfsFileSystemUid"),
        "status": Answer("Status", ("SpaceSettings", "SpaceDisplayName"), kept=True),
        "failure_reason": Answer("FailureReason", ("SpaceSettings",), kept=True),
        "creation_time": Answer("CreationTime", ours=True),
    }
    replacing = (
        ReplaceRule(
            "SpaceSettings.SpaceStorageSettings.EbsStorageSettings.EbsVolumeSizeInGb",
            lambda before, after: after < before,
            "a volume cannot shrink",
        ),
    )
    updatable: ClassVar = {"SpaceSettings": "SpaceSettings", "SpaceDisplayName": "SpaceDisplayName"}

    def updated(self, name: str, value: Any) -> Any:
        """The app type is never sent: the service refuses even an unchanged one (specification 3.4)."""
        if name == "SpaceSettings" and isinstance(value, Mapping):
            return {key: item for key, item in value.items() if key != "AppType"}
        return value

    def keys_of(self, id_: str) -> list[Key]:
        """From DOMAIN-ID/NAME or the ARN."""
        return super().keys_of(resource_part(id_, "space/"))

    def children(self, client: Client, key: Key) -> Iterable[tuple[str, bool]]:
        """Its apps."""
        yield from live_apps(client, DomainIdEquals=key["DomainId"], SpaceNameEquals=key["SpaceName"])

    def list(self) -> Iterator[Found]:
        """Every space of the region."""
        return self.described(self.client().pages("ListSpaces", "Spaces"))
