"""A data scientist's SageMaker workspace, written with Pulumi's own AWS classes: nothing here knows Workstead.

workstead -C stacks/aws_native up --stack dev      (needs pulumi-aws: pip install workstead[aws])

The same program runs under `pulumi up`, with Pulumi's AWS plugin.
"""

import base64
import json

import pulumi
import pulumi_aws as aws

config = pulumi.Config()

# --- who the machines act as ------------------------------------------------------------------------------------------

role = aws.iam.Role(
    "sagemaker",
    assume_role_policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sagemaker.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    ),
    description="What notebooks and Studio apps may do",
)

full_access = aws.iam.RolePolicyAttachment(
    "full-access", role=role.name, policy_arn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
)

data = aws.iam.RolePolicy(
    "data",
    role=role.name,
    policy=json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::churn-data/*"}
            ],
        }
    ),
)

with_rights = pulumi.ResourceOptions(depends_on=[full_access, data])

# --- scripts and code -------------------------------------------------------------------------------------------------


def encoded(script: str) -> str:
    return base64.b64encode(script.encode()).decode()


setup = aws.sagemaker.StudioLifecycleConfig(
    "setup",
    studio_lifecycle_config_name="churn-setup-1",
    studio_lifecycle_config_app_type="JupyterLab",
    studio_lifecycle_config_content=encoded("#!/bin/bash\nset -e\npip install --quiet churn-tools\n"),
)

idle = aws.sagemaker.NotebookInstanceLifecycleConfiguration(
    "idle", on_start=encoded("#!/bin/bash\necho 'notebooks that idle are stopped at night'\n")
)

code = aws.sagemaker.CodeRepository(
    "code",
    code_repository_name="churn",
    git_config=aws.sagemaker.CodeRepositoryGitConfigArgs(
        repository_url="https://github.com/example/churn.git", branch="main"
    ),
)

# --- Studio -----------------------------------------------------------------------------------------------------------

domain = aws.sagemaker.Domain(
    "studio",
    domain_name="churn",
    auth_mode="IAM",
    vpc_id=config.require("vpcId"),
    subnet_ids=config.require_object("subnetIds"),
    default_user_settings=aws.sagemaker.DomainDefaultUserSettingsArgs(
        execution_role=role.arn,
        jupyter_lab_app_settings=aws.sagemaker.DomainDefaultUserSettingsJupyterLabAppSettingsArgs(
            default_resource_spec=aws.sagemaker.DomainDefaultUserSettingsJupyterLabAppSettingsDefaultResourceSpecArgs(
                instance_type="ml.t3.medium", lifecycle_config_arn=setup.arn
            ),
            lifecycle_config_arns=[setup.arn],
        ),
        kernel_gateway_app_settings=aws.sagemaker.DomainDefaultUserSettingsKernelGatewayAppSettingsArgs(
            default_resource_spec=aws.sagemaker.DomainDefaultUserSettingsKernelGatewayAppSettingsDefaultResourceSpecArgs(
                instance_type="ml.t3.medium"
            )
        ),
    ),
    retention_policy=aws.sagemaker.DomainRetentionPolicyArgs(home_efs_file_system="Delete"),
    opts=with_rights,
)

ann = aws.sagemaker.UserProfile(
    "ann",
    domain_id=domain.id,
    user_profile_name="ann",
    user_settings=aws.sagemaker.UserProfileUserSettingsArgs(execution_role=role.arn),
    tags={"person": "ann"},
)

space = aws.sagemaker.Space(
    "experiments",
    domain_id=domain.id,
    space_name="experiments",
    space_display_name="Ann's experiments",
    ownership_settings=aws.sagemaker.SpaceOwnershipSettingsArgs(owner_user_profile_name=ann.user_profile_name),
    space_sharing_settings=aws.sagemaker.SpaceSpaceSharingSettingsArgs(sharing_type="Private"),
    space_settings=aws.sagemaker.SpaceSpaceSettingsArgs(
        app_type="JupyterLab",
        space_storage_settings=aws.sagemaker.SpaceSpaceSettingsSpaceStorageSettingsArgs(
            ebs_storage_settings=aws.sagemaker.SpaceSpaceSettingsSpaceStorageSettingsEbsStorageSettingsArgs(
                ebs_volume_size_in_gb=20
            )
        ),
    ),
)

lab = aws.sagemaker.App(
    "lab",
    domain_id=domain.id,
    space_name=space.space_name,
    app_type="JupyterLab",
    app_name="default",
    resource_spec=aws.sagemaker.AppResourceSpecArgs(instance_type="ml.t3.medium", lifecycle_config_arn=setup.arn),
)

kernels = aws.sagemaker.App(
    "kernels",
    domain_id=domain.id,
    user_profile_name=ann.user_profile_name,
    app_type="KernelGateway",
    app_name="kernels",
)

# --- a notebook instance ----------------------------------------------------------------------------------------------

notebook = aws.sagemaker.NotebookInstance(
    "nightly",
    instance_type="ml.t3.medium",
    role_arn=role.arn,
    lifecycle_config_name=idle.name,
    default_code_repository=code.code_repository_name,
    volume_size=10,
    opts=with_rights,
)

pulumi.export("studio", domain.url)
pulumi.export("space", space.arn)
pulumi.export("notebook", notebook.url)
pulumi.export("platform", notebook.platform_identifier)
