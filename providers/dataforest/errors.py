"""What Data Forest can say no with, told apart by what a provider concludes from it.

Apart from `client`, so that planning, which never calls the service, does not have to load what calls need.
"""

from __future__ import annotations

from engine.core.errors import CloudError


class NotFoundError(CloudError):
    """The service says that there is no such object (or no such operation: see `provider`)."""

    reference = "object-missing"


class EndpointGoneError(CloudError):
    """The gateway knows no such API: nothing can be concluded about objects."""

    reference = "endpoint-gone"


class ForbiddenError(CloudError):
    """The object belongs to somebody else, does not exist, or the key may not use the service."""

    reference = "permission-denied"


class RefusedError(CloudError):
    """The service understood and said no: invalid input, a quota, a business rule."""

    reference = "refused"
