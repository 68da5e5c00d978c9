"""The stack that the kill test kills: thirty resources over all clouds, as `faults:generation` wants them.

From one generation to the next some resources stay, some change in place, some need a stop for that, some are replaced
in either order, and some come and go.
"""

import pulumi

from providers import dataforest, modelarts, sagemaker

generation = pulumi.Config().require_int("generation")
odd = generation % 2 == 1
ROLE = "arn:aws:iam::111122223333:role/sagemaker"


def opts(*needs: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(depends_on=list(needs))


# --- Data Forest: 1 account, 7 workspaces -----------------------------------------------------------------------------

account = dataforest.Account("team", name="kill-team")


def workspace(name: str, command: str, explicit: str | None = None, **env: pulumi.Input[str]) -> dataforest.AIWorkspace:
    docker = dataforest.Docker(image="tensorflow:r2.3.1-py3", command=command, env=env or None)
    return dataforest.AIWorkspace(
        name, account_id=account.id, name=explicit, configuration=dataforest.Configuration(docker=docker)
    )


steady = workspace("steady", "ls")
updated = workspace("updated", f"python train.py --round {generation}")
renamed = workspace("renamed", "ls", explicit=f"renamed-{generation}")
after_renamed = workspace("after-renamed", "ls", BEFORE=renamed.name)
workspace("after-both", f"echo {generation}", ONE=updated.name, OTHER=after_renamed.name)
workspace("odd" if odd else "even", "ls")
if generation % 3 == 0:
    workspace("third", "ls")

# --- ModelArts: 4 instances, 4 notebooks ------------------------------------------------------------------------------


def instance(name: str, size: int = 20, note: str = "", running: bool = True) -> modelarts.DevEnvInstance:
    return modelarts.DevEnvInstance(
        name,
        profile_id="Multi-Engine 1.0 (python3)-cpu",
        flavor="modelarts.vm.cpu.2u",
        description=note,
        spec=modelarts.Spec(storage=modelarts.Storage(type="evs", location=modelarts.Location(volume_size=size))),
        running=running,
    )


def notebook(name: str, note: str = "", **tags: str) -> modelarts.Notebook:
    return modelarts.Notebook(
        name,
        flavor="modelarts.vm.cpu.2u",
        image_id="e1a07296-22a8-4f05-8bc8-e936c8e54090",
        volume=modelarts.Volume(category="EVS", capacity=20),
        description=note,
        tags={"team": "kill", **tags},
    )


instance("lab-steady")
instance("lab-noted", note=f"round {generation}")
instance("lab-resized", size=20 + generation % 2)
instance("lab-switched", running=odd)
notebook("desk-steady")
notebook("desk-noted", note=f"round {generation}")
notebook("desk-tagged", round=str(generation))
if odd:
    notebook("desk-odd")

# --- SageMaker: 14 ----------------------------------------------------------------------------------------------------

script = sagemaker.NotebookInstanceLifecycleConfig("script", on_start=f"#!/bin/bash\necho {generation}\n")
studio_script = sagemaker.StudioLifecycleConfig(
    "studio-script",
    studio_lifecycle_config_content=f"#!/bin/bash\necho {generation // 2}\n",
    studio_lifecycle_config_app_type="JupyterLab",
)
code = sagemaker.CodeRepository(
    "code", git_config=sagemaker.GitConfig(repository_url=f"https://github.com/example/code{generation // 3}.git")
)
sagemaker.CodeRepository(
    "tools", git_config=sagemaker.GitConfig(repository_url="https://github.com/example/tools.git"), tags={"a": "b"}
)
domain = sagemaker.Domain(
    "studio",
    auth_mode="IAM",
    vpc_id="vpc-0a1b2c3d4e5f67890",
    subnet_ids=["subnet-0a1b2c3d4e5f67890"],
    default_user_settings=sagemaker.UserSettings(
        execution_role=ROLE,
        jupyter_lab_app_settings=sagemaker.JupyterLabAppSettings(
            default_resource_spec=sagemaker.ResourceSpec(instance_type="ml.t3.medium"),
            lifecycle_config_arns=[studio_script.arn],
        ),
    ),
    retention_policy=sagemaker.RetentionPolicy(home_efs_file_system="Delete"),
)
ann = sagemaker.UserProfile("ann", domain_id=domain.id, user_profile_name="ann", tags={"round": str(generation)})
bob = sagemaker.UserProfile("bob", domain_id=domain.id, user_profile_name="bob" if odd else "bert")
space = sagemaker.Space(
    "space",
    domain_id=domain.id,
    ownership_settings=sagemaker.OwnershipSettings(owner_user_profile_name=ann.user_profile_name),
    space_sharing_settings=sagemaker.SpaceSharingSettings(sharing_type="Private"),
    space_settings=sagemaker.SpaceSettings(app_type="JupyterLab"),
)
sagemaker.App(
    "lab",
    domain_id=domain.id,
    space_name=space.space_name,
    app_type="JupyterLab",
    app_name="default",
    resource_spec=sagemaker.ResourceSpec(instance_type="ml.t3.large" if odd else "ml.t3.medium"),
)
sagemaker.App(
    "kernels",
    domain_id=domain.id,
    user_profile_name=bob.user_profile_name,
    app_type="KernelGateway",
    app_name="kernels",
    resource_spec=sagemaker.ResourceSpec(instance_type="ml.t3.medium"),
)
sagemaker.NotebookInstance(
    "nightly",
    instance_type="ml.t3.medium",
    role_arn=ROLE,
    lifecycle_config_name=script.id,
    default_code_repository=code.id,
    volume_size_in_gb=10 + generation,
)
sagemaker.NotebookInstance(
    "resting", instance_type="ml.t3.large" if odd else "ml.t3.medium", role_arn=ROLE, running=False
)
sagemaker.NotebookInstance(
    "moved",
    notebook_instance_name=f"moved-{generation % 2}",
    instance_type="ml.t3.medium",
    role_arn=ROLE,
    opts=opts(code),
)

pulumi.export("studio", domain.id)
pulumi.export("generation", generation)
