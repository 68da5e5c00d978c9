"""IAM as far as ModelArts needs it: users and their keys, tokens, projects (spec 1.1, 2.1).

A token carries what it says and is sealed with the file's seed, so nothing is kept for it: it holds over a restart and
in every process that serves the file, and is void in a file that was reset.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from providers.emulation import Call, Key, Response, rfc3339
from providers.modelarts.emulator.answers import by_iam

# Identities every file knows, made up so that nobody mistakes them for real ones; the file may hold more keys
# (`add_key`). The first are those of the spec's test vectors (2.2).
ACCESS_KEY: Final = "EXAMPLEAK00000000001"
SECRET_KEY: Final = "ExampleSecretKey000000000000000000000000"
COLLEAGUE_ACCESS_KEY: Final = "EXAMPLEAK00000000002"
COLLEAGUE_SECRET_KEY: Final = "ExampleColleagueKey000000000000000000000"
OTHER_ACCESS_KEY: Final = "EXAMPLEAK00000000003"
OTHER_SECRET_KEY: Final = "ExampleOtherKey0000000000000000000000000"
DISABLED_ACCESS_KEY: Final = "EXAMPLEAK00000000004"
DISABLED_SECRET_KEY: Final = "ExampleDisabledKey0000000000000000000000"

REGION: Final = "cn-north-4"
PROJECT_ID: Final = "0123456789abcdef0123456789abcdef"
EAST_PROJECT_ID: Final = "0123456789abcdef0123456789abcde3"  # of the same account, in cn-east-3
SUB_PROJECT_ID: Final = "0123456789abcdef0123456789abcde5"  # of the same account, cn-north-4_team
OTHER_PROJECT_ID: Final = "fedcba9876543210fedcba9876543210"

USER: Final = "dev"
DOMAIN: Final = "example"
PASSWORD: Final = "Example-Password-1"

METHOD: Final = "password"


@dataclass(frozen=True, slots=True)
class User:
    """A user, the account (domain) it belongs to, and the projects it may act in (ID → name)."""

    id: str
    name: str
    domain_id: str
    domain: str
    password: str
    projects: Mapping[str, str]


_PROJECTS: Final = {PROJECT_ID: REGION, EAST_PROJECT_ID: "cn-east-3", SUB_PROJECT_ID: f"{REGION}_team"}
USERS: Final[Mapping[str, User]] = {
    user.name: user
    for user in (
        User("00000000000000000000000000000001", USER, "d0000000000000000000000000000001", DOMAIN, PASSWORD, _PROJECTS),
        User(
            "00000000000000000000000000000002",
            "colleague",
            "d0000000000000000000000000000001",
            DOMAIN,
            "Example-Password-2",
            _PROJECTS,
        ),
        User(
            "00000000000000000000000000000003",
            "other",
            "d0000000000000000000000000000003",
            "other",
            "Example-Password-3",
            {OTHER_PROJECT_ID: REGION},
        ),
    )
}
KEYS: Final[Mapping[str, Key]] = {
    key.access_key: key
    for key in (
        Key(ACCESS_KEY, SECRET_KEY, USER),
        Key(COLLEAGUE_ACCESS_KEY, COLLEAGUE_SECRET_KEY, "colleague"),
        Key(OTHER_ACCESS_KEY, OTHER_SECRET_KEY, "other"),
        Key(DISABLED_ACCESS_KEY, DISABLED_SECRET_KEY, USER, "disabled"),
    )
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a user, and the project its token is for (None: any of the user's, as with a key)."""

    user: User
    project: str | None = None
    by_token: bool = False


def user_named(name: str) -> User:
    """The user of that name; for the owner of an added key an account of its own with one project is made up."""
    if name in USERS:
        return USERS[name]
    id = hashlib.sha256(name.encode()).hexdigest()
    return User(id[:32], name, id[32:], name, "", {hashlib.sha256(id.encode()).hexdigest()[:32]: REGION})


# Tokens


def create_token(call: Call) -> Response:
    """201, and the token in a header (spec 2.1). Needs no authentication."""
    asked = _asked(call)
    user = USERS.get(asked.user)
    if user is None or asked.password != user.password or asked.domain not in (user.domain, user.domain_id):
        raise by_iam(401, "The user name or the password is wrong")
    project = None
    if asked.project is not None:
        named = {id: name for id, name in user.projects.items() if asked.project in (id, name)}
        if not named:
            raise by_iam(404, f"The project {asked.project} does not exist")  # [E]: 401 is as likely
        project = next(iter(named))
    expires = call.now + float(call.switch("token-life"))
    token = {
        "expires_at": rfc3339(expires),
        "issued_at": rfc3339(call.now),
        "methods": [METHOD],
        "user": {"id": user.id, "name": user.name, "domain": {"id": user.domain_id, "name": user.domain}},
        "roles": [{"id": "0", "name": "te_admin"}],
    }
    domain = {"id": user.domain_id, "name": user.domain}
    if project is not None:
        token["project"] = {"id": project, "name": user.projects[project], "domain": domain}
    else:
        token["domain"] = domain
    if "nocatalog" not in call.request.target:
        token["catalog"] = []
    sealed = _sealed(call, {"user": user.name, "project": project, "expires": expires})
    return Response.of_json(201, {"token": token}, {"x-subject-token": sealed})


def caller_of_token(call: Call, token: str) -> tuple[Caller, float] | None:
    """Who the token was given to and when it expires; None when it is not one of ours (spec 2.3.4)."""
    text, _, seal = token.rpartition(".")
    if not hmac.compare_digest(_seal(call, text).encode(), seal.encode()):
        return None
    found = json.loads(base64.urlsafe_b64decode(text))
    return Caller(user_named(found["user"]), found["project"] or "", by_token=True), found["expires"]


@dataclass(frozen=True, slots=True)
class _Asked:
    user: str
    password: str
    domain: str
    project: str | None


def _asked(call: Call) -> _Asked:
    """What the body asks for; a project wins over a domain (spec 2.1). Raises Refused, 400 in IAM's shape."""
    try:
        auth = call.request.json["auth"]
        user = auth["identity"][METHOD]["user"]
        scope = auth.get("scope", {})
        project = scope.get("project")
        asked = _Asked(
            user["name"],
            user["password"],
            user["domain"].get("name", user["domain"].get("id")),
            None if project is None else project.get("id", project.get("name")),
        )
        methods = auth["identity"]["methods"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise by_iam(400, "The body is not what this API expects") from None
    texts = (asked.user, asked.password, asked.domain, *([] if project is None else [asked.project]))
    if methods != [METHOD] or not all(isinstance(text, str) for text in texts):
        raise by_iam(400, "The body is not what this API expects")
    return asked


def _sealed(call: Call, content: Mapping[str, Any]) -> str:
    text = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
    return f"{text}.{_seal(call, text)}"


def _seal(call: Call, text: str) -> str:
    return hmac.new(call.objects.common["seed"].encode(), text.encode(), hashlib.sha256).hexdigest()


# Projects


def list_projects(call: Call, caller: Caller, query: Mapping[str, str]) -> Response:
    """The caller's projects, `name` compared exactly (spec 1.2)."""
    user = caller.user
    wanted = query.get("name")
    projects = [
        {
            "id": id,
            "name": name,
            "domain_id": user.domain_id,
            "parent_id": user.domain_id,
            "is_domain": False,
            "enabled": True,
            "description": "",
            "links": {"self": f"/v3/projects/{id}"},
        }
        for id, name in user.projects.items()
        if wanted in (None, name)
    ]
    links = {"self": "/v3/projects", "next": None, "previous": None}
    return Response.of_json(200, {"projects": projects, "links": links})


def is_project_id(text: str) -> bool:
    """Spec 1.2: 32 lower-case letters and digits."""
    return re.fullmatch(r"[0-9a-z]{32}", text) is not None
