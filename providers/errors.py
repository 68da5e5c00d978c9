"""What any cloud can say no with, told apart by what a provider concludes from it.

Apart from the clients, so that planning, which calls no cloud, does not have to load what calls need. What only one
cloud says is in its own `errors.py`.
"""

from __future__ import annotations

from engine.core.errors import CloudError


class NotFoundError(CloudError):
    """The service says that there is no such object, or nothing of what the call refers to."""

    reference = "object-missing"


class EndpointGoneError(CloudError):
    """The gateway knows no such API: nothing can be concluded about objects."""

    reference = "endpoint-gone"


class ForbiddenError(CloudError):
    """The credentials are good, but not for this; some services also say so of what does not exist."""

    reference = "permission-denied"


class RefusedError(CloudError):
    """The service understood and said no: invalid input, a quota, a state the object is not in, a business rule."""

    reference = "refused"
