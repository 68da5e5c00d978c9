"""AWS on the wire, through boto3: calls that are tried again, pages, tags.

boto3 signs, serialises and finds credentials the usual way. Its own retries are off: it would count throttling as a
failure after three tries, and could neither be cancelled nor keep a customer's time limit. That is `providers.patience`
here: throttling is waited out, a broken connection is tried again unless the call creates something.

What error answers mean is left to `answers`, settings and credentials to `opening`. Names stay the API's here, because
this file is the border.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import botocore.exceptions as aws
from botocore import xform_name
from botocore.parsers import ResponseParserError

from engine.core.contract import CallContext
from engine.core.errors import CloudError, CredentialsError, DeadlineError, InternalError, WorksteadError
from providers.base import current_call
from providers.errors import NotFoundError
from providers.pace import Place, lane
from providers.patience import Again, Patience, Verdict, patiently
from providers.sagemaker.answers import Said, judged

TAGS_AT_ONCE: Final = 50

_READS: Final = re.compile("Describe|List|Get|Simulate")
"""How the names of operations begin that change nothing."""


class Client:
    """One service in one region with one set of credentials. Safe to use from many threads."""

    def __init__(self, api: Any, account: str, *, patience: Patience | None = None) -> None:
        self._api = api
        self._patience = patience or Patience()
        # The endpoint of a service that has one for all regions is the same for all of them, and so is its rate limit.
        self._place = Place("sagemaker", account, self.endpoint)

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
        shared = lane(self._place, _READS.match(operation) is not None, call.clock)
        return patiently(
            lambda: self._once(operation, method, members, call), call, self._patience, shared, repeatable=repeatable
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
