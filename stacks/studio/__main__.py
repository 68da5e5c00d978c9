"""A team on SageMaker: everybody has a JupyterLab in Studio, and one notebook instance works through the night's queue.

workstead -C stacks/studio up --stack dev

All eight types of `providers.sagemaker` are here. Roles and networks are somebody else's: their names are settings.
"""

import pulumi

from providers import sagemaker

config = pulumi.Config()
team: str = config.require("team")
people: list[str] = config.require_object("people")
role_arn: str = config.require("roleArn")

# --- what machines run when they start, and the code they find --------------------------------------------------------

# Its name is made up, and changes with the script: a new version is attached before the old one goes.
tools = sagemaker.StudioLifecycleConfig(
    "tools",
    studio_lifecycle_config_app_type="JupyterLab",
    studio_lifecycle_config_content="#!/bin/bash\nset -e\npip install --quiet vision-tools\n",
)

queue = sagemaker.NotebookInstanceLifecycleConfig(
    "queue", on_start="#!/bin/bash\nset -e\nnohup sudo -u ec2-user -i python SageMaker/vision/queue.py &\n"
)

code = sagemaker.CodeRepository(
    "code", git_config=sagemaker.GitConfig(repository_url=f"https://github.com/example/{team}.git", branch="main")
)

# --- Studio -----------------------------------------------------------------------------------------------------------

domain = sagemaker.Domain(
    "team",
    auth_mode="IAM",
    vpc_id=config.require("vpcId"),
    subnet_ids=config.require_object("subnetIds"),
    default_user_settings=sagemaker.UserSettings(
        execution_role=role_arn,
        jupyter_lab_app_settings=sagemaker.JupyterLabAppSettings(
            default_resource_spec=sagemaker.ResourceSpec(instance_type="ml.t3.medium"),
            lifecycle_config_arns=[tools.arn],
            app_lifecycle_management=sagemaker.AppLifecycleManagement(
                idle_settings=sagemaker.IdleSettings(lifecycle_management="ENABLED", idle_timeout_in_minutes=120)
            ),
        ),
    ),
    retention_policy=sagemaker.RetentionPolicy(home_efs_file_system="Delete"),
    tag_propagation="ENABLED",
    tags={"team": team},
)


class Seat(pulumi.ComponentResource):
    """One person's profile, a private space, and the JupyterLab that runs in it."""

    def __init__(self, person: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("studio:index:Seat", person, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        profile = sagemaker.UserProfile(person, domain_id=domain.id, tags={"person": person}, opts=inside)
        space = sagemaker.Space(
            f"{person}-space",
            domain_id=domain.id,
            space_display_name=f"Space of {person}",
            ownership_settings=sagemaker.OwnershipSettings(owner_user_profile_name=profile.user_profile_name),
            space_sharing_settings=sagemaker.SpaceSharingSettings(sharing_type="Private"),
            space_settings=sagemaker.SpaceSettings(
                app_type="JupyterLab",
                space_storage_settings=sagemaker.SpaceStorageSettings(
                    ebs_storage_settings=sagemaker.EbsStorageSettings(ebs_volume_size_in_gb=20)
                ),
            ),
            opts=inside,
        )
        # Who is idle for two hours loses the app, not the work: it stays ended until somebody opens it again.
        self.lab = sagemaker.App(
            f"{person}-lab",
            domain_id=domain.id,
            space_name=space.space_name,
            app_type="JupyterLab",
            resource_spec=sagemaker.ResourceSpec(instance_type="ml.t3.large", lifecycle_config_arn=tools.arn),
            stay_ended=True,
            opts=inside,
        )
        self.register_outputs({"lab": self.lab.arn})


seats = [Seat(person) for person in people]

# --- a notebook instance ----------------------------------------------------------------------------------------------

night = sagemaker.NotebookInstance(
    "night",
    instance_type="ml.g5.xlarge",
    role_arn=role_arn,
    volume_size_in_gb=50,
    lifecycle_config_name=queue.notebook_instance_lifecycle_config_name,
    default_code_repository=code.code_repository_name,
    instance_metadata_service_configuration=sagemaker.InstanceMetadataServiceConfiguration(
        minimum_instance_metadata_service_version="2"
    ),
    running=True,
    tags={"team": team},
)

pulumi.export("studio", domain.url)
pulumi.export("labs", [seat.lab.arn for seat in seats])
pulumi.export("night", night.url)
