"""What to tell a person about botocore's string shapes: the remedy that goes with a broken limit.

The limits themselves are in botocore's model (`model`); a shape that is not listed gets a plain remedy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_NAME: Final = "give 1 to 63 letters, digits and hyphens, beginning and ending with a letter or digit, such as team-a"
_OBJECT_ID: Final = "give the ID as AWS shows it: letters, digits and hyphens, such as {}"

REMEDIES: Final[Mapping[str, str]] = {
    "AccountId": "give the 12 digits of an AWS account",
    "AppImageConfigName": _NAME,
    "AppName": _NAME + "; AWS calls apps of most types default",
    "Branch": "give a branch name without spaces and without ~ ^ : ? * [",
    "CodeRepositoryNameOrUrl": "give the name of a code repository in this account, or an https:// address",
    "DomainId": "give the ID of a domain, d- and letters and digits, such as domain.id",
    "DomainName": _NAME,
    "EntityName": _NAME,
    "FileSystemId": "give the ID of a file system: fs- and at least 8 hexadecimal digits",
    "FileSystemPath": "give an absolute path without spaces",
    "GitConfigUrl": "give the repository's https:// address",
    "ImageArn": "give the ARN of a SageMaker image, arn:aws:sagemaker:REGION:ACCOUNT:image/NAME",
    "ImageName": "give the image's name: letters, digits, and single hyphens and dots between them",
    "ImageVersionAlias": "give a version such as 1, 1.2 or 1.2.3",
    "ImageVersionAliasPattern": "give a version such as 1.2",
    "ImageVersionArn": "give the ARN of an image version, ending in /NUMBER; or None to clear it",
    "KmsKeyId": "give a KMS key's ID, ARN or alias",
    "LandingUri": "give one such as studio:: or app:JupyterServer:",
    "NonEmptyString64": "give 1 to 64 characters that are not all blank",
    "NotebookInstanceLifecycleConfigName": _NAME,
    "NotebookInstanceName": _NAME,
    "QProfileArn": "give the ARN of an Amazon Q profile",
    "RegionName": "give the name of a region, such as eu-west-1",
    "RepositoryUrl": "give the repository's https:// address, of letters, digits and . - _ /",
    "RoleArn": "give the ARN of an IAM role, arn:aws:iam::ACCOUNT:role/NAME",
    "S3SchemaUri": "give an address that begins with s3://",
    "S3Uri": "give an address that begins with s3:// or https://",
    "SecretArn": "give the ARN of a secret in Secrets Manager",
    "SecurityGroupId": _OBJECT_ID.format("sg-0123456789abcdef0"),
    "SingleSignOnApplicationArn": "give the ARN of an IAM Identity Center application",
    "SpaceName": _NAME,
    "String1024": "give at most 1024 characters",
    "String256": "give at most 256 characters",
    "StudioLifecycleConfigArn": "give the ARN of a Studio lifecycle config, such as config.arn; or None to clear it",
    "StudioLifecycleConfigName": _NAME,
    "StudioResourceSpecTrainingPlanArn": "give the ARN of a training plan; or None to clear it",
    "SubnetId": _OBJECT_ID.format("subnet-0123456789abcdef0"),
    "TagKey": "give letters, digits, spaces and _ . : / = + - @, 1 to 128 of them",
    "TagValue": "give letters, digits, spaces and _ . : / = + - @, at most 256 of them",
    "UserProfileName": _NAME,
    "VpcId": _OBJECT_ID.format("vpc-0123456789abcdef0"),
    # IAM
    "arnType": "give an ARN",
    "pathType": "give / or a path that begins and ends with /",
    "policyDocumentType": "give a policy as JSON text of at most 131072 characters",
    "policyNameType": "give 1 to 128 letters, digits and _ + = , . @ -",
    "roleDescriptionType": "give at most 1000 characters of Latin-1 text",
    "roleNameType": "give 1 to 64 letters, digits and _ + = , . @ -",
    "tagKeyType": "give letters, digits, spaces and _ . : / = + - @, 1 to 128 of them",
    "tagValueType": "give letters, digits, spaces and _ . : / = + - @, at most 256 of them",
}
