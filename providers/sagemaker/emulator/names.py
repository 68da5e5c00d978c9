"""Accounts, regions, ARNs and identifiers (spec 1, 4.6, 17.3.7)."""

from __future__ import annotations

import hashlib
import string
import uuid
from dataclasses import dataclass
from typing import Final

from providers.emulation import Call, CloudObject

HEX: Final = "0123456789abcdef"
BASE36: Final = string.ascii_lowercase + string.digits
PARTITIONS: Final = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}

# The member of an object's body that holds its ARN.
ARN_MEMBERS: Final = {
    "App": "AppArn",
    "NotebookInstance": "NotebookInstanceArn",
    "Domain": "DomainArn",
    "UserProfile": "UserProfileArn",
    "Space": "SpaceArn",
    "NotebookInstanceLifecycleConfig": "NotebookInstanceLifecycleConfigArn",
    "StudioLifecycleConfig": "StudioLifecycleConfigArn",
    "CodeRepository": "CodeRepositoryArn",
    "Role": "Arn",
}

# The first segment of an ARN's resource part (spec 1).
SEGMENTS: Final = {
    "App": "app",
    "NotebookInstance": "notebook-instance",
    "Domain": "domain",
    "UserProfile": "user-profile",
    "Space": "space",
    "NotebookInstanceLifecycleConfig": "notebook-instance-lifecycle-config",
    "StudioLifecycleConfig": "studio-lifecycle-config",
    "CodeRepository": "code-repository",
}


@dataclass(frozen=True, slots=True)
class Place:
    """One account in one region; all that SageMaker keeps is kept apart by it (spec 1, 17.3.1)."""

    account: str
    region: str

    @property
    def partition(self) -> str:
        """`aws`, or what China and GovCloud have instead."""
        return next((name for prefix, name in PARTITIONS.items() if self.region.startswith(prefix)), "aws")

    @property
    def owner(self) -> str:
        """As objects of SageMaker are kept."""
        return f"{self.account}/{self.region}"

    @property
    def iam_owner(self) -> str:
        """As objects of IAM are kept, which knows no regions."""
        return f"{self.account}/{self.partition}"

    def arn(self, part: str, service: str = "sagemaker") -> str:
        """An ARN of this place."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{part}"


def place(call: Call) -> Place:
    """Where a SageMaker call acts."""
    account, _, region = call.owner.partition("/")
    return Place(account, region)


def arn_of(found: CloudObject) -> str:
    """The ARN an object was given when it was made."""
    return str(found.body[ARN_MEMBERS[found.type]])


def domain_id(call: Call) -> str:
    """`d-` and twelve lower-case letters or digits (spec 1)."""
    return f"d-{call.objects.new_text(BASE36, 12)}"


def hex_id(call: Call, prefix: str) -> str:
    """`fs-`, `eni-` and the like with seventeen hexadecimal digits (spec 17.3.7)."""
    return f"{prefix}-{call.objects.new_text(HEX, 17)}"


def derived_hex(*parts: str, length: int = 17) -> str:
    """Hexadecimal digits that are always the same for the same parts: for what exists before anybody made it."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:length]


def key_arn(where: Place, given: str) -> str:
    """A KMS key as Describe shows it: by its ARN, whatever it was named by (spec 5.1)."""
    if given.startswith("arn:") and ":key/" in given:
        return given
    name = given.rpartition(":")[2]
    if name.startswith("alias/"):  # whose key nobody told us: always the same one for the same alias
        name = str(uuid.UUID(derived_hex(where.owner, name, length=32)))
    return where.arn(f"key/{name.removeprefix('key/')}", "kms")
