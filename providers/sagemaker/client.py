"""AWS on the wire, through boto3: one client per service, region and credentials; what answers mean; trying again.

boto3 signs, serialises and finds credentials the usual way. Its own retries are off: it would count throttling as a
failure after three tries, and could neither be cancelled nor keep a customer's time limit. That is `providers.patience`
here: throttling is waited out, a broken connection is tried again unless the call creates something.

Errors are told apart by their code; where AWS uses one code for everything (ValidationException), by their text
(specification sections 3.1 to 3.4). Names stay the API's here, because this file is the border.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import boto3
import boto3.session
import botocore.exceptions as aws
from botocore import xform_name
from botocore.config import Config
from botocore.parsers import ResponseParserError

from engine.core.contract import CallContext, ConfigReader
from engine.core.errors import CloudError, CredentialsError, DeadlineError, InternalError, UsageError, WorksteadError
from providers.base import current_call, emulated_endpoint
from providers.patience import Again, Patience, Verdict, patiently
from providers.sagemaker.errors import (
    ConflictError,
    ForbiddenError,
    InUseError,
    LimitError,
    NotFoundError,
    RefusedError,
    RoleNotReadyError,
)

CONNECT_LIMIT: Final = 10.0
"""Seconds to reach the endpoint."""
ANSWER_LIMIT: Final = 60.0
"""Seconds to wait for an answer."""
PATIENCE: Final = Patience(crowded=15 * 60)
EMULATED_REGION: Final = "us-east-1"
"""Where emulated objects are when the settings name no region: the machine's own AWS settings do not count there."""

TAGS_AT_ONCE: Final = 50


# --- what errors mean -------------------------------------------------------------------------------------------------

THROTTLED: Final = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "RequestThrottled",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "SlowDown",
        "EC2ThrottledException",
    }
)
BAD_CREDENTIALS: Final = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "AuthFailure",
        "InvalidAccessKeyId",
        "NotAuthorized",
    }
)
FORBIDDEN: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "OptInRequired"})
MISSING: Final = frozenset({"ResourceNotFound", "ResourceNotFoundException", "NoSuchEntity", "NoSuchEntityException"})
IN_USE: Final = frozenset({"ResourceInUse", "DeleteConflict", "DeleteConflictException"})
LIMITS: Final = frozenset({"ResourceLimitExceeded", "LimitExceeded", "ServiceQuotaExceededException"})
CONFLICTS: Final = frozenset(
    {"ConflictException", "ConcurrentModification", "ConcurrentModificationException", "EntityTemporarilyUnmodifiable"}
)

_GONE = re.compile(
    r"RecordNotFound|does not exist|cannot find|could not find|not found|has already been deleted"
    r"|previously failed and was automatically deleted"
    r"|^Unable to describe Notebook Instance Lifecycle Config",
    re.IGNORECASE,
)
_NOT_ASSUMABLE = re.compile(r"could not assume role", re.IGNORECASE)
_QUOTA = re.compile(
    r"service limit '(?P<name>[^']+)' is (?P<most>\S+) .*?current utilization of (?P<used>\S+)",
    re.IGNORECASE | re.DOTALL,
)
_PLACE = re.compile(r" at '(?P<path>[\w.]+)' failed to satisfy constraint")
_SKEW = re.compile(r"signature (expired|not yet current)|clock|expired", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Said:
    """An error answer: its code, its text, the HTTP status, and how many seconds it asks to wait."""

    operation: str
    code: str
    text: str
    status: int
    after: float | None = None


def judged(said: Said) -> tuple[Verdict, WorksteadError]:
    """What an error answer means: may it be tried again, and the error of ours."""
    operation, code, text = said.operation, said.code, said.text or "no reason given"
    if code in THROTTLED or said.status == 429:
        return Verdict.THROTTLED, CloudError(
            f"{operation} was throttled: {text}",
            retryable=True,
            why="Nothing was carried out.",
            remedy="wait, then run again, perhaps with a lower --parallel",
            reference="throttled",
        )
    if code in BAD_CREDENTIALS:
        # Neither AWS's text nor ours repeats what was signed: that may name the key.
        clock = "The signature's time was refused: is this computer's clock right? " if _SKEW.search(text) else ""
        return Verdict.REFUSED, CredentialsError(
            f"AWS did not accept the credentials ({code})",
            why=f"{clock}The access key is unknown or disabled, its secret is wrong, or a session has ended.",
            remedy="check the access key and its secret (sagemaker: or aws:accessKey and secretKey, the environment, "
            "or the profile); for a session, log in again",
            reference="credentials-refused",
        )
    if said.status >= 500:
        return Verdict.UNCERTAIN, CloudError(
            f"{operation} failed on AWS's side ({code or said.status}): {text}",
            retryable=True,
            uncertain=True,
            why="Whether it was carried out is not known.",
            remedy="run again",
            reference="service-failed",
        )
    return Verdict.REFUSED, _refusal(operation, code, text)


def _refusal(operation: str, code: str, text: str) -> CloudError:
    summary = f"{operation} was refused: {text}"
    if code in FORBIDDEN:
        passing = " To pass a role on, iam:PassRole is needed, too." if "Create" in operation else ""
        return ForbiddenError(
            summary,
            why=f"The credentials are good, but their policies do not allow this.{passing}",
            remedy="ask for the permission that the message names",
        )
    if code in LIMITS:
        quota = _QUOTA.search(text)
        why = f"The quota {quota['name']!r} is {quota['most']}; {quota['used']} are in use." if quota else ""
        return LimitError(
            summary,
            why=why or "A quota of the account is used up.",
            remedy="end what is not needed, or ask for more in the console under Service Quotas",
        )
    if code in MISSING:
        return NotFoundError(summary, remedy="check the name, the account and the region; if it is gone, refresh")
    if code in IN_USE:
        return InUseError(summary, remedy="wait until it is not busy, or end what uses it; then run again")
    if code in CONFLICTS:
        return ConflictError(summary, retryable=True, remedy="run again")
    if _NOT_ASSUMABLE.search(text):
        return RoleNotReadyError(
            summary,
            retryable=True,
            why="The role's trust policy has to name sagemaker.amazonaws.com; a role made seconds ago takes a while.",
            remedy="check the role's trust policy, then run again",
        )
    if code == "ValidationException" and "validation error" not in text and _GONE.search(text):
        return NotFoundError(summary, remedy="check the name, the account and the region; if it is gone, refresh")
    place = _PLACE.search(text)
    return RefusedError(
        summary if code in ("ValidationException", "") else f"{summary} ({code})",
        path=place["path"] if place else "",
        remedy="correct the inputs, if the message is about them",
    )


# --- the client -------------------------------------------------------------------------------------------------------


class Client:
    """One service in one region with one set of credentials. Safe to use from many threads."""

    def __init__(self, api: Any, *, patience: Patience = PATIENCE) -> None:
        self._api = api
        self._patience = patience

    @property
    def endpoint(self) -> str:
        """The URL calls go to."""
        return self._api.meta.endpoint_url

    @property
    def region(self) -> str:
        """The region calls go to."""
        return self._api.meta.region_name

    def call(self, operation: str, *, repeatable: bool = True, **members: Any) -> dict[str, Any]:
        """The answer to an operation, when it is a good one.

        `repeatable`: sending it twice does no harm. Raises the errors of `errors`; CredentialsError; CloudError when
        AWS cannot be reached or fails (`uncertain` when the call may have had its effect); DeadlineError and
        CancelledError.
        """
        call = current_call(operation)
        method = getattr(self._api, xform_name(operation))
        return patiently(
            lambda: self._once(operation, method, members, call), call, self._patience, repeatable=repeatable
        )

    def look(self, operation: str, **members: Any) -> dict[str, Any] | None:
        """The answer to a Describe or Get; None when there is no such object."""
        try:
            return self.call(operation, **members)
        except NotFoundError:
            return None

    def pages(self, operation: str, key: str, **members: Any) -> Iterator[Any]:
        """Every item of a list operation; both of AWS's ways to page."""
        while True:
            answer = self.call(operation, **members)
            yield from answer.get(key) or ()
            token, marker = answer.get("NextToken"), answer.get("Marker")
            if token and token != members.get("NextToken"):
                members["NextToken"] = token
            elif marker and marker != members.get("Marker") and answer.get("IsTruncated"):
                members["Marker"] = marker
            else:
                return

    def tags(self, arn: str) -> dict[str, str]:
        """The tags of a SageMaker object."""
        return {tag["Key"]: tag["Value"] for tag in self.pages("ListTags", "Tags", ResourceArn=arn)}

    def change_tags(self, arn: str, put: Mapping[str, str], drop: list[str]) -> None:
        """Set and remove tags of a SageMaker object."""
        for start in range(0, len(drop), TAGS_AT_ONCE):
            self.call("DeleteTags", ResourceArn=arn, TagKeys=drop[start : start + TAGS_AT_ONCE])
        if put:
            self.call("AddTags", ResourceArn=arn, Tags=tag_list(put))

    # --- one attempt

    def _once(self, operation: str, method: Callable[..., Any], members: Mapping[str, Any], call: CallContext) -> Any:
        left = call.remaining()
        if left is not None and left <= 0:
            raise DeadlineError(f"no time is left for {operation}", remedy="run again with longer time limits")
        try:
            return method(**members)
        except aws.ClientError as error:
            said = _said(operation, error)
            verdict, problem = judged(said)
            if verdict is Verdict.REFUSED:
                raise problem from error
            raise Again(problem, verdict, said.after) from error
        except aws.ParamValidationError as error:
            raise InternalError(f"{operation} was not given what it needs", why=str(error)) from error
        except (aws.BotoCoreError, ResponseParserError, OSError) as error:
            raise self._broken(operation, error) from error

    def _broken(self, operation: str, error: Exception) -> WorksteadError | Again:
        place = self.endpoint
        if isinstance(error, _NO_CREDENTIALS):
            return CredentialsError(
                f"AWS credentials could not be had: {error}",
                remedy="log in again, or give credentials in sagemaker:accessKey and sagemaker:secretKey, the "
                "environment or a profile",
                reference="credentials-missing",
            )
        if isinstance(error, aws.SSLError):
            return CloudError(
                f"the certificate of {place} is not trusted",
                why=f"{error}. Nothing was sent.",
                remedy="correct the endpoint setting, or give AWS_CA_BUNDLE the authority that signed it",
                reference="endpoint-untrusted",
            )
        if isinstance(error, (aws.EndpointConnectionError, aws.ConnectTimeoutError, aws.ProxyConnectionError)):
            return Again(
                CloudError(
                    f"cannot reach {place}",
                    retryable=True,
                    why=f"{type(error).__name__}: {error} Nothing was sent.",
                    remedy="check the region, the endpoint setting, the network and the proxy settings, then run again",
                    reference="endpoint-unreachable",
                ),
                Verdict.UNAVAILABLE,
            )
        return Again(
            CloudError(
                f"the connection to {place} broke before {operation} was answered",
                retryable=True,
                uncertain=True,
                why=f"{type(error).__name__}: {error} The call may have had its effect.",
                remedy="run again",
                reference="answer-lost",
            ),
            Verdict.UNCERTAIN,
        )


_NO_CREDENTIALS: Final = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.TokenRetrievalError,
    aws.UnauthorizedSSOTokenError,
    aws.SSOError,
)


def _said(operation: str, error: aws.ClientError) -> Said:
    response: Mapping[str, Any] = error.response
    problem, about = response.get("Error") or {}, response.get("ResponseMetadata") or {}
    asked = str((about.get("HTTPHeaders") or {}).get("retry-after", ""))
    return Said(
        operation,
        str(problem.get("Code") or ""),
        str(problem.get("Message") or "").strip(),
        int(about.get("HTTPStatusCode") or 400),
        float(asked) if re.fullmatch(r"\d+(\.\d+)?", asked) else None,
    )


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as AWS wants them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


# --- opening ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Access:
    """Where calls go, and who makes them; empty members are left to boto3's own search."""

    region: str = ""
    profile: str = ""
    access_key: str = ""
    secret_key: str = ""
    token: str = ""
    endpoint: str = ""
    dualstack: bool = False
    fips: bool = False


_OPENED: Final[dict[tuple[str, Access], Client]] = {}
_OPENING: Final = threading.Lock()


def open_client(
    config: ConfigReader, service: str, region: str = "", spaces: tuple[str, ...] = ("sagemaker", "aws")
) -> Client:
    """A client of a service: one per region and credentials, made once, shared by all threads.

    `region`: where, if not where the settings say. `spaces`: the namespaces of settings, the first that has one counts.
    Raises CredentialsError and UsageError naming the settings that are missing.
    """
    access = _access(config, service, region, spaces)
    with _OPENING:
        client = _OPENED.get((service, access))
        if client is None:
            client = _OPENED[service, access] = _open(service, access, spaces)
        return client


def _access(config: ConfigReader, service: str, region: str, spaces: tuple[str, ...]) -> Access:
    def setting(name: str) -> str:
        found = (config.get(f"{space}:{name}") for space in spaces)
        return str(next((value for value in found if value not in (None, "")), ""))

    url = emulated_endpoint(config, "sagemaker")
    if url:
        emulator = importlib.import_module("providers.sagemaker.emulator")
        where = region or setting("region") or EMULATED_REGION
        return Access(where, access_key=emulator.ACCESS_KEY, secret_key=emulator.SECRET_KEY, endpoint=url)
    return Access(
        region=region or setting("region") or os.environ.get("AWS_REGION", ""),
        profile=setting("profile"),
        access_key=setting("accessKey"),
        secret_key=setting("secretKey"),
        token=setting("sessionToken") or setting("token"),
        endpoint=str(config.get(f"{service}:endpoint") or "") or _own_endpoint(setting("endpoints"), service),
        dualstack=setting("useDualstackEndpoint").lower() == "true",
        fips=setting("useFipsEndpoint").lower() == "true",
    )


def _own_endpoint(text: str, service: str) -> str:
    """The URL of a service in pulumi-aws's setting `endpoints`: a list of maps of services to URLs, as JSON."""
    try:
        given = json.loads(text) if text else []
    except ValueError as error:
        raise UsageError(
            "aws:endpoints is not JSON", remedy='give a list such as [{"sagemaker": "https://…"}]'
        ) from error
    maps = given if isinstance(given, list) else [given]
    return next((str(item[service]) for item in maps if isinstance(item, dict) and item.get(service)), "")


def _open(service: str, access: Access, spaces: tuple[str, ...]) -> Client:
    first = spaces[0]
    try:
        session = boto3.session.Session(
            aws_access_key_id=access.access_key or None,
            aws_secret_access_key=access.secret_key or None,
            aws_session_token=access.token or None,
            region_name=access.region or None,
            profile_name=None if access.access_key else access.profile or None,
        )
        known = session.get_credentials() is not None
        region = session.region_name
    except (aws.ProfileNotFound, aws.PartialCredentialsError) as error:
        raise CredentialsError(
            f"the AWS credentials of the settings cannot be used: {error}",
            remedy=f"correct {first}:profile, {first}:accessKey and {first}:secretKey, or AWS_PROFILE",
            reference="credentials-missing",
        ) from error
    except aws.BotoCoreError as error:
        raise CredentialsError(
            f"AWS credentials could not be had: {error}",
            remedy="log in again, or correct the AWS configuration files",
            reference="credentials-missing",
        ) from error
    _require(known, region, spaces)
    local = re.match(r"https?://(localhost|127\.|\[::1\])", access.endpoint)
    try:
        api = session.client(
            service,
            endpoint_url=access.endpoint or None,
            config=Config(
                retries={"total_max_attempts": 1, "mode": "standard"},
                connect_timeout=CONNECT_LIMIT,
                read_timeout=ANSWER_LIMIT,
                max_pool_connections=64,
                user_agent_extra="workstead",
                proxies={} if local else None,
                use_dualstack_endpoint=access.dualstack or None,
                use_fips_endpoint=access.fips or None,
            ),
        )
    except (aws.BotoCoreError, ValueError) as error:
        raise UsageError(
            f"no client for AWS {service} can be made: {error}",
            remedy=f"correct the settings of the namespace {first}, such as {first}:region",
            reference="endpoint-malformed",
        ) from error
    return Client(api)


def _require(known: bool, region: str | None, spaces: tuple[str, ...]) -> None:
    """Raises an error that names all settings that are missing."""
    others = "".join(f", {space}:{{0}}" for space in spaces[1:])
    keys = f"{spaces[0]}:accessKey and {spaces[0]}:secretKey (or {spaces[0]}:profile, AWS's environment or its files)"
    where = f"{spaces[0]}:region (or AWS_REGION{others.format('region')})"
    missing = [text for there, text in ((known, keys), (region, where)) if not there]
    if missing:
        kind = UsageError if known else CredentialsError
        raise kind(
            f"AWS needs {'credentials and a region' if len(missing) == 2 else 'a region' if known else 'credentials'}: "
            f"{'; '.join(missing)} not set",
            why="Every request is signed with an access key for one region."
            + ("" if "sagemaker" in spaces[:1] else " SageMaker and IAM are reached through boto3."),
            remedy="set them with `config set`, in the environment or in ~/.aws; or set workstead:emulate to true",
            reference="region-missing" if known else "credentials-missing",
        )
