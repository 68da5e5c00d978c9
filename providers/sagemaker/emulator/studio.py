"""What domains, user profiles, spaces and apps have in common: finding each other, and who must wait for whom.

Spec 1 (the graph), 7.3 (statuses), 17.3 (guards). The parent of a profile or space is its domain's ID, the parent of an
app its owner's ARN, so a deletion at the console takes the children along. Texts are ours [E] unless a source is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.emulation import Call, CloudObject
from providers.sagemaker.emulator.answers import epoch, in_use, invalid, missing, shown
from providers.sagemaker.emulator.names import arn_of, place

Members = Mapping[str, Any]

UPDATABLE: Final = ("InService", "Update_Failed")  # spec 17.3
DELETABLE: Final = ("InService", "Failed", "Update_Failed", "Delete_Failed")  # spec 7.3
ENDED: Final = ("Deleted", "Failed")  # apps that hold nothing back any more (spec 6.3)
BUSY_APPS: Final = ("InService", "Pending", "Deleting")  # spec 7.1


def domain_of(call: Call, given: Members, *, look: bool = False) -> CloudObject:
    """The domain a request names. Raises Refused."""
    found = call.objects.get("Domain", given["DomainId"], owner=call.owner, look=look)
    if found is None:
        raise missing(f"Domain [{place(call).arn('domain/' + given['DomainId'])}] does not exist.")
    return found


def profile_of(call: Call, domain: str, name: str, *, look: bool = False) -> CloudObject:
    """A domain's profile by its name, whose case does not count (spec 8). Raises Refused."""
    arn = place(call).arn(f"user-profile/{domain}/{name}")
    found = _by_any_case(call, domain, arn, name, look=look)
    if found is None:
        raise missing(f"UserProfile [{arn}] does not exist.")
    return found


def profile_named(call: Call, domain: str, name: str) -> CloudObject | None:
    """The same, None when there is none."""
    return _by_any_case(call, domain, place(call).arn(f"user-profile/{domain}/{name}"), name)


def space_of(call: Call, domain: str, name: str, *, look: bool = False) -> CloudObject:
    """A domain's space by its name. Raises Refused."""
    arn = place(call).arn(f"space/{domain}/{name}")
    found = call.objects.get("Space", arn, owner=call.owner, look=look)
    if found is None:
        raise not_there(call, f"Space [{arn}] does not exist.")
    return found


def not_there(call: Call, text: str) -> Exception:
    """A space or an app that is not there: terraform knows two answers, the switch chooses (spec 3.2)."""
    if call.switch("missing-app-or-space") == "ValidationException":
        return invalid("RecordNotFound")
    return missing(text)


def must_be(found: CloudObject, *legal: str) -> None:
    """Refuse what cannot be done in this status with ResourceInUse (spec 17.3)."""
    if found.status not in legal:
        raise in_use(f"{found.type} [{arn_of(found)}] is in status {found.status}, not in [{', '.join(legal)}].")


def apps_of(call: Call, owner: CloudObject, *except_in: str) -> list[CloudObject]:
    """The apps of a profile or space that are not in one of these statuses."""
    return [app for app in call.objects.all("App", owner=call.owner, parent=owner.id) if app.status not in except_in]


def apps_in(call: Call, domain: CloudObject, *statuses: str) -> list[CloudObject]:
    """The apps anywhere in a domain that are in one of these statuses."""
    return [
        app
        for app in call.objects.all("App", owner=call.owner)
        if app.body["DomainId"] == domain.id and app.status in statuses
    ]


def no_apps(call: Call, owner: CloudObject) -> None:
    """Refuse to delete what still has apps, in the observed text (spec 3.4: for a profile)."""
    if apps_of(call, owner, *ENDED):
        raise in_use(f"Unable to delete {owner.type} [{arn_of(owner)}] because App(s) are associated with it.")


def next_uid(call: Call, domain: CloudObject) -> str:
    """HomeEfsFileSystemUid counts from 200001 within a domain (spec 17.3.7)."""
    count = int(domain.body.get("_uids", 200_000)) + 1
    call.objects.save(domain, body={**domain.body, "_uids": count}, modified=domain.modified)
    return str(count)


def described(found: CloudObject) -> dict[str, Any]:
    """What every Describe of the family shows."""
    return {
        **shown(found),
        "Status": found.status,
        "CreationTime": epoch(found.created),
        "LastModifiedTime": epoch(found.modified),
    }


def _by_any_case(call: Call, domain: str, arn: str, name: str, *, look: bool = False) -> CloudObject | None:
    found = call.objects.get("UserProfile", arn, owner=call.owner, look=look)
    if found is not None:
        return found
    for each in call.objects.all("UserProfile", owner=call.owner, parent=domain):
        if each.name.lower() == name.lower():
            return call.objects.get("UserProfile", each.id, owner=call.owner, look=look)
    return None
