"""What only ModelArts says no with; what every cloud says is in `providers.errors`.

Apart from `client`, so that planning, which never calls the service, does not have to load what calls need.
"""

from __future__ import annotations

from engine.core.errors import CloudError


class WrongStatusError(CloudError):
    """Not in the object's present status; `code` is the vendor's number, such as 6304."""

    reference = "wrong-status"

    def __init__(self, summary: str, *, code: str, why: str = "", remedy: str = "") -> None:
        super().__init__(summary, retryable=True, why=why, remedy=remedy)
        self.code = code


class TokenExpiredError(CloudError):
    """The IAM token has to be fetched anew (gateway code 0307)."""

    reference = "token-expired"


class StatusFailedError(CloudError):
    """The object is in a status that it does not leave by itself, such as START_FAILED."""

    reference = "status-failed"
