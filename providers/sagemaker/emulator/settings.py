"""Settings of users, spaces and domains: the rules that join members, and what an app inherits (spec 6, 7.2, 9).

What one member alone may be, the model says (`constraints`). Rules are looked at one after the other and the first
that is broken is answered; the texts are ours [E] unless a source is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.emulation import Call
from providers.sagemaker.emulator.answers import invalid
from providers.sagemaker.emulator.names import place
from providers.sagemaker.emulator.references import check_roles, check_studio_configs

Settings = Mapping[str, Any]

# Settings of one kind of app → that kind.
APP_SETTINGS: Final[Mapping[str, str]] = {
    "JupyterServerAppSettings": "JupyterServer",
    "KernelGatewayAppSettings": "KernelGateway",
    "TensorBoardAppSettings": "TensorBoard",
    "RSessionAppSettings": "RSessionGateway",
    "CodeEditorAppSettings": "CodeEditor",
    "JupyterLabAppSettings": "JupyterLab",
}
SETTINGS_OF: Final = {app_type: name for name, app_type in APP_SETTINGS.items()}
IN_SPACES: Final = ("JupyterLab", "CodeEditor")  # spec 6.2

# What a kind of app runs on when nobody says: the type of instance, the account and name of AWS's own image (spec 6.2
# for JupyterServer; the rest is [E]). KernelGateway has no default instance: there the call fails.
DEFAULT_INSTANCES: Final[Mapping[str, str]] = {"JupyterLab": "ml.t3.medium", "CodeEditor": "ml.t3.medium"}
IMAGES: Final[Mapping[str, tuple[str, str]]] = {
    "JupyterServer": ("081325390199", "jupyter-server-3"),
    "KernelGateway": ("081325390199", "datascience-1.0"),
    "JupyterLab": ("885854791233", "sagemaker-distribution-cpu"),
    "CodeEditor": ("885854791233", "sagemaker-distribution-cpu"),
}


def judge_user_settings(call: Call, settings: Settings, *, domain: bool) -> None:
    """Spec 7.2, for a domain's defaults or a profile's own."""
    judge_space_defaults(call, settings)
    if settings.get("DefaultLandingUri") == "studio::" and settings.get("StudioWebPortal") != "ENABLED":
        raise invalid("DefaultLandingUri [studio::] can only be passed if StudioWebPortal is set to ENABLED.")
    sharing = settings.get("SharingSettings", {})
    if sharing.get("NotebookOutputOption") == "Allowed" and "S3OutputPath" not in sharing:
        raise invalid("S3OutputPath is required when NotebookOutputOption is Allowed.")
    if domain and settings.get("AutoMountHomeEFS") == "DefaultAsDomain":
        raise invalid("AutoMountHomeEFS [DefaultAsDomain] is only supported for user profiles.")


def judge_space_defaults(call: Call, settings: Settings) -> None:
    """What DefaultSpaceSettings shares with UserSettings."""
    check_roles(call, settings.get("ExecutionRole"))
    judge_apps(call, settings)
    storage = settings.get("SpaceStorageSettings", {}).get("DefaultEbsStorageSettings", {})
    if storage and storage["DefaultEbsVolumeSizeInGb"] > storage["MaximumEbsVolumeSizeInGb"]:
        raise invalid("DefaultEbsVolumeSizeInGb must not be greater than MaximumEbsVolumeSizeInGb.")


def judge_apps(call: Call, settings: Settings) -> None:
    """The settings of each kind of app, of a user or of a space."""
    for name, app_type in APP_SETTINGS.items():
        if name not in settings:
            continue
        own = settings[name]
        arns = own.get("LifecycleConfigArns", [])
        if arns and "DefaultResourceSpec" not in own:
            raise invalid(f"LifecycleConfigArns of {name} needs a DefaultResourceSpec.")
        check_studio_configs(call, [*arns, own.get("BuiltInLifecycleConfigArn")], app_type)
        judge_spec(call, own.get("DefaultResourceSpec", {}), app_type)
        idle = own.get("AppLifecycleManagement", {}).get("IdleSettings", {})
        limits = [
            idle[f"{each}IdleTimeoutInMinutes"] for each in ("Min", "", "Max") if f"{each}IdleTimeoutInMinutes" in idle
        ]
        if limits != sorted(limits):
            raise invalid(f"IdleTimeoutInMinutes of {name} must be between its minimum and its maximum.")


def judge_spec(call: Call, spec: Settings, app_type: str) -> None:
    """A ResourceSpec, for one kind of app (spec 6.1, 6.2)."""
    instance = spec.get("InstanceType")
    if app_type == "JupyterServer" and instance not in (None, "system"):
        # the wording of terraform-provider-aws, pull request 20470
        raise invalid(
            f"Invalid instance type '{instance}' for JupyterServer App. Only 'system' instance type is supported"
        )
    if "TrainingPlanArn" in spec and app_type not in IN_SPACES:
        raise invalid(f"TrainingPlanArn is not supported for AppType [{app_type}].")
    check_studio_configs(call, [spec.get("LifecycleConfigArn")], app_type)


def effective_spec(call: Call, app_type: str, *layers: Settings) -> dict[str, Any]:
    """The ResourceSpec an app gets: each layer goes before those after it, then the service's own (spec 6.2).

    Raises Refused when a KernelGateway app finds no instance type anywhere.
    """
    found: dict[str, Any] = {}
    for layer in reversed(layers):
        # an image of its own puts the version of an inherited one out of force (spec 14, ResourceSpec)
        if "SageMakerImageArn" in layer and "SageMakerImageVersionArn" not in layer:
            found.pop("SageMakerImageVersionArn", None)
            found.pop("SageMakerImageVersionAlias", None)
        found.update(layer)
    if "InstanceType" not in found and app_type == "KernelGateway":
        raise invalid(
            "InstanceType must be specified in the ResourceSpec of the request, the user profile or the domain for"
            " AppType [KernelGateway]."
        )
    found.setdefault("InstanceType", DEFAULT_INSTANCES.get(app_type, "system"))
    if app_type == "KernelGateway" and found["InstanceType"] == "system":
        found["InstanceType"] = "ml.t3.medium"  # spec 6.2
    if app_type in IMAGES and "SageMakerImageArn" not in found and "SageMakerImageVersionArn" not in found:
        where, (account, image) = place(call), IMAGES[app_type]
        found["SageMakerImageArn"] = f"arn:{where.partition}:sagemaker:{where.region}:{account}:image/{image}"
    return {name: value for name, value in found.items() if value != "None"}


def default_spec(settings: Settings, app_type: str) -> Settings:
    """What settings say about one kind of app."""
    return settings.get(SETTINGS_OF.get(app_type, ""), {}).get("DefaultResourceSpec", {})


def updated(call: Call, before: Settings, after: Settings) -> dict[str, Any]:
    """Settings after an update: replaced by what was sent, or merged with it, by the switch (spec 7.2, unknown 5).

    An empty list of lifecycle configs clears them either way.
    """
    if call.switch("settings-update") == "merge":
        return _merged(before, after)
    return dict(after)


def _merged(before: Settings, after: Settings) -> dict[str, Any]:
    found = dict(before)
    for name, value in after.items():
        inner = found.get(name)
        found[name] = _merged(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return found
