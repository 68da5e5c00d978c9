"""Opening clients: settings of the stack, else boto3's own search for credentials, profile and region.

One client per service, region and credentials, made under a lock and shared by all threads, as boto3 asks for.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import threading
from dataclasses import dataclass
from typing import Final

import boto3.session
import botocore.exceptions as aws
from botocore.config import Config

from engine.core.contract import ConfigReader
from engine.core.errors import CredentialsError, UsageError
from providers.base import emulated_endpoint
from providers.sagemaker.client import Client

CONNECT_LIMIT: Final = 10.0
"""Seconds to reach the endpoint."""
ANSWER_LIMIT: Final = 60.0
"""Seconds to wait for an answer."""
EMULATED_REGION: Final = "us-east-1"
"""Where emulated objects are when the settings name no region: the machine's own AWS settings do not count there."""


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
    _require_both_keys(access, spaces[0])
    try:
        session = _session(access)
        known = session.get_credentials() is not None
        region = access.region or session.region_name
    except aws.BotoCoreError as error:
        raise CredentialsError(
            f"AWS credentials could not be had: {error}",
            remedy=f"correct {spaces[0]}:profile, or log in again, or mend the AWS configuration files",
            reference="credentials-missing",
        ) from error
    _require(known, region, spaces)
    local = re.match(r"https?://(localhost|127\.|\[::1\])", access.endpoint)
    try:
        api = session.client(
            service,
            region_name=region,
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
            remedy=f"correct the settings of the namespace {spaces[0]}, such as {spaces[0]}:region",
            reference="endpoint-malformed",
        ) from error
    return Client(api, access.access_key or access.profile)


_SESSIONS: Final[dict[Access, boto3.session.Session]] = {}


def _session(access: Access) -> boto3.session.Session:
    """The session of some credentials, which has read the service models for all its clients.

    Called by one thread at a time, because sessions are not made for more.
    """
    who = Access("", access.profile, access.access_key, access.secret_key, access.token)
    if who not in _SESSIONS:
        _SESSIONS[who] = boto3.session.Session(
            aws_access_key_id=access.access_key or None,
            aws_secret_access_key=access.secret_key or None,
            aws_session_token=access.token or None,
            profile_name=None if access.access_key else access.profile or None,
        )
    return _SESSIONS[who]


def _require_both_keys(access: Access, space: str) -> None:
    """Raises an error for half a pair of keys, which boto3 takes and only fails to sign with."""
    there, missing = ("accessKey", "secretKey") if access.access_key else ("secretKey", "accessKey")
    if bool(access.access_key) != bool(access.secret_key):
        raise CredentialsError(
            f"{space}:{missing} is not set, but {space}:{there} is",
            why="An access key is of no use without its secret, nor the other way round.",
            remedy="set both with `config set`, the secret with --secret; or take both out, to use the profile or the "
            "environment",
            reference="credentials-missing",
        )


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
