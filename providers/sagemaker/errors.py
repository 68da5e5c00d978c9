"""What AWS can say no with, told apart by what a provider concludes from it.

Apart from `client`, so that planning, which never calls the service, does not have to load what calls need.
"""

from __future__ import annotations

from engine.core.errors import CloudError


class NotFoundError(CloudError):
    """The object, or something the call refers to, does not exist."""

    reference = "object-missing"


class InUseError(CloudError):
    """The object is busy, has children, or its name is taken."""

    reference = "object-in-use"


class LimitError(CloudError):
    """A quota of the account is used up."""

    reference = "limit-reached"


class ConflictError(CloudError):
    """Somebody else is changing the object at the same time."""

    reference = "conflict"


class ForbiddenError(CloudError):
    """The credentials are good, but do not allow the call."""

    reference = "permission-denied"


class RefusedError(CloudError):
    """The service understood and said no: invalid input, a state the object is not in, a business rule."""

    reference = "refused"


class RoleNotReadyError(RefusedError):
    """The service could not assume the role; a role that was made seconds ago becomes assumable by itself."""

    reference = "role-not-assumable"
