"""What only AWS says no with; what every cloud says is in `providers.errors`.

Apart from `client`, so that planning, which never calls the service, does not have to load what calls need.
"""

from __future__ import annotations

from engine.core.errors import CloudError
from providers.errors import RefusedError


class InUseError(CloudError):
    """The object is busy, has children, or its name is taken."""

    reference = "object-in-use"


class LimitError(CloudError):
    """A quota of the account is used up."""

    reference = "limit-reached"


class ConflictError(CloudError):
    """Somebody else is changing the object at the same time."""

    reference = "conflict"


class RoleNotReadyError(RefusedError):
    """The service could not assume the role; a role that was made seconds ago becomes assumable by itself."""

    reference = "role-not-assumable"
