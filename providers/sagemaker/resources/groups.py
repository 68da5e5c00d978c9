"""Small groups of inputs that several types use, as typed classes that are plain dicts on the wire.

One class for each structure of the API, members in snake_case; plain dicts do as well, in this spelling or the API's.
Nothing is judged here: a wrong or missing member is reported by the provider's `check`, with every other mistake.
"""

from __future__ import annotations

import pulumi

from providers.resource import Args


class ResourceSpec(Args):
    """What an app runs on, and its image. The app's own goes before its profile's, and that before its domain's."""

    sagemaker_image_arn: pulumi.Input[str] | None = None
    """ARN of the SageMaker image."""
    sagemaker_image_version_arn: pulumi.Input[str] | None = None
    """ARN of the image's version; goes before the image's ARN. `None`, as text, clears it."""
    sagemaker_image_version_alias: pulumi.Input[str] | None = None
    """Version of the image, such as `1.2`."""
    instance_type: pulumi.Input[str] | None = None
    """Such as `ml.t3.medium`. JupyterServer apps run on `system` only."""
    lifecycle_config_arn: pulumi.Input[str] | None = None
    """ARN of the Studio lifecycle config that runs when the app starts. `None`, as text, clears it."""
    training_plan_arn: pulumi.Input[str] | None = None
    """ARN of a training plan; JupyterLab and CodeEditor apps only. `None`, as text, clears it."""


class InstanceMetadataServiceConfiguration(Args):
    """The instance metadata service of a notebook instance."""

    minimum_instance_metadata_service_version: pulumi.Input[str]
    """The least version it answers: `"1"` or `"2"`, as text."""


class GitConfig(Args):
    """Where a Git repository is, and how to get in."""

    repository_url: pulumi.Input[str]
    """The `https://` address, 11 to 1024 characters."""
    branch: pulumi.Input[str] | None = None
    """The default branch for the Git repository."""
    secret_arn: pulumi.Input[str] | None = None
    """ARN of the secret in Secrets Manager that has username and password; it can be changed in place."""


class RepositoryReference(Args):
    """A Git repository that Studio offers its users to clone."""

    repository_url: pulumi.Input[str]
    """Its `https://` address."""


class CustomImage(Args):
    """A custom SageMaker image."""

    image_name: pulumi.Input[str]
    """The name of the CustomImage."""
    app_image_config_name: pulumi.Input[str]
    """The name of the AppImageConfig."""
    image_version_number: pulumi.Input[int] | None = None
    """The version number of the CustomImage."""
