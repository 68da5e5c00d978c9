"""Notebook instances: what botocore's model does not say about them (specification section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from providers.base import Rule
from providers.sagemaker.model import service_model
from providers.sagemaker.schema.common import REGION, TAG_RULES, TAGS, UNKNOWN_REMEDY, UNKNOWN_TYPE
from providers.sagemaker.schema.structures import Own, Structure

RETIRED_PLATFORMS: Final = ("notebook-al1-v1", "notebook-al2-v1", "notebook-al2-v2", "notebook-al2-v3")
REFUSED_BY_AL2023: Final = frozenset({"p2", "p3", "p3dn", "inf1", "g3"})
"""Instance families (specification 5.2, 6)."""

RETIRED_PLATFORM: Final = "no longer exists: since 1 July 2026 AWS neither creates nor restarts it"


def platform_is_retired(platform: Any) -> bool:
    """Whether AWS no longer creates this platform (specification 5.4)."""
    return platform in RETIRED_PLATFORMS


def moves_to_al2023(before: Any, after: Any) -> bool:
    """The one change of platform that works in place (specification 5.4)."""
    return str(before).startswith("notebook-al2-") and str(after).startswith("notebook-al2023-")


def _family(instance_type: Any) -> str:
    return str(instance_type).removeprefix("ml.").partition(".")[0]


def _refused(instance_type: Any, platform: Any) -> bool:
    return _family(instance_type) in REFUSED_BY_AL2023 and str(platform).startswith("notebook-al2023-")


def _refused_by_default(instance_type: Any, platform: Any) -> bool:
    return _family(instance_type) in REFUSED_BY_AL2023 and platform is None


def _unknown(instance_type: Any) -> bool:
    return instance_type not in service_model("sagemaker").choices("InstanceType")


NOTEBOOK_INSTANCE: Final = Structure(
    shape="CreateNotebookInstanceInput",
    page="CreateNotebookInstance",
    facts={
        "NotebookInstanceName": {"replace": "a notebook instance cannot be renamed"},
        "SubnetId": {"replace": "a notebook instance cannot move to another subnet"},
        "SecurityGroupIds": {
            "replace": "the security groups of a notebook instance cannot be changed",
            "unordered": True,
            "computed": True,
        },
        "KmsKeyId": {"replace": "a volume cannot be encrypted with another key"},
        "DirectInternetAccess": {
            "replace": "internet access of a notebook instance cannot be changed",
            "absent": "Enabled",
        },
        "IpAddressType": {"absent": "ipv4"},
        "RootAccess": {"absent": "Enabled"},
        "VolumeSizeInGB": {"computed": True},
        "PlatformIdentifier": {"computed": True},
        "AcceleratorTypes": {"undiffed": True, "unreadable": True, "absent": []},
        "AdditionalCodeRepositories": {"unordered": True},
    },
    uses={"InstanceMetadataServiceConfiguration": "NotebookMetadataService"},
    own={
        "Tags": TAGS,
        "Region": REGION,
        "Running": Own(
            bool,
            {
                "source": "specification 5.5",
                "remedy": "say True to have it run, False to have it stopped; leave it out to leave it as it is",
                "computed": True,
            },
        ),
    },
    rules=(
        *TAG_RULES,
        Rule(
            at="DirectInternetAccess",
            reads=("SubnetId",),
            broken=lambda access, subnet: access == "Disabled" and subnet is None,
            rule="can be Disabled only together with {SubnetId}",
            remedy="give {SubnetId}, through which the instance reaches the network; or leave {DirectInternetAccess} "
            "Enabled",
            source="API_CreateNotebookInstance",
        ),
        Rule(
            at="SecurityGroupIds",
            reads=("SubnetId",),
            broken=lambda groups, subnet: bool(groups) and subnet is None,
            rule="need {SubnetId}: security groups belong to a network interface in a VPC",
            remedy="give {SubnetId} too, or leave {SecurityGroupIds} out",
            source="specification 5.2",
        ),
        Rule(
            at="IpAddressType",
            reads=("SubnetId",),
            broken=lambda kind, subnet: kind == "dualstack" and subnet is None,
            rule="can be dualstack only together with {SubnetId}, of a subnet with IPv6 addresses",
            remedy="give {SubnetId}, or leave {IpAddressType} ipv4",
            source="API_CreateNotebookInstance; specification 5.1",
        ),
        Rule(
            at="PlatformIdentifier",
            broken=platform_is_retired,
            rule=RETIRED_PLATFORM,
            remedy="give notebook-al2023-v1 or notebook-al2023-v2, or leave it out",
            source="developer guide, nbi-al2",
        ),
        Rule(
            at="InstanceType",
            reads=("PlatformIdentifier",),
            broken=_refused,
            rule="does not run on {PlatformIdentifier} notebook-al2023-*: AL2023 refuses p2, p3, p3dn, g3 and inf1",
            remedy="give a newer instance type, such as ml.g5.xlarge",
            source="developer guide, nbi-al2",
        ),
        Rule(
            at="InstanceType",
            reads=("PlatformIdentifier",),
            broken=_refused_by_default,
            rule="does not run on AL2023, which is what a new instance gets when {PlatformIdentifier} is left out",
            remedy="give a newer instance type, such as ml.g5.xlarge",
            source="developer guide, nbi-al2",
            warning=True,
        ),
        Rule(
            at="InstanceType",
            broken=_unknown,
            rule=f"{UNKNOWN_TYPE} for notebook instances",
            remedy=UNKNOWN_REMEDY,
            source="shape InstanceType",
            warning=True,
        ),
        Rule(
            at="AcceleratorTypes",
            broken=lambda types: bool(types),
            rule="is not sent: AWS has retired Elastic Inference (ml.eia)",
            remedy="leave {AcceleratorTypes} out, and choose an instance type with a GPU",
            source="specification 12",
            warning=True,
        ),
    ),
)

METADATA_SERVICE: Final = Structure(
    shape="InstanceMetadataServiceConfiguration",
    facts={"MinimumInstanceMetadataServiceVersion": {"remedy": 'give "1" or "2", as text'}},
)

STRUCTURES: Final[Mapping[str, Structure]] = {
    "NotebookInstance": NOTEBOOK_INSTANCE,
    "NotebookMetadataService": METADATA_SERVICE,
}
