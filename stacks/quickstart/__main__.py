"""A team's machine-learning workspaces on three clouds, with something from one used in another.

workstead up --stack dev
"""

import pulumi

from providers import dataforest, modelarts, sagemaker

config = pulumi.Config()
team: str = config.require("team")

# --- Naver Data Forest: an account, a pair of workspaces, and one that builds on them ---------------------------------

account = dataforest.Account("team", name=f"{team}-team")


class Pair(pulumi.ComponentResource):
    """A workspace to train in and one to evaluate in, with the same image."""

    def __init__(self, name: str, image: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("quickstart:index:Pair", name, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        self.train = dataforest.AIWorkspace(
            "train",
            account_id=account.id,
            description="Training on a GPU",
            configuration=dataforest.Configuration(
                docker=dataforest.Docker(image=image, command="python train.py"),
                queue_name="gpu",
                resource=dataforest.Resources(cpu_count=4, gpu_count=1, gpu_model="T4", memory_mb=16384),
            ),
            opts=inside,
        )
        self.evaluate = dataforest.AIWorkspace(
            "evaluate",
            account_id=account.id,
            description="Evaluation on CPUs",
            configuration=dataforest.Configuration(
                docker=dataforest.Docker(image=image, command="python evaluate.py"),
                resource=dataforest.Resources(cpu_count=2, memory_mb=4096),
            ),
            opts=inside,
        )
        self.register_outputs({"train": self.train.name, "evaluate": self.evaluate.name})


pair = Pair("models", image="tensorflow:r2.3.1-py3")

report = dataforest.AIWorkspace(
    "report",
    account_id=account.id,
    description="Reads what the others have written",
    configuration=dataforest.Configuration(
        docker=dataforest.Docker(
            image="tensorflow:r2.3.1-py3",
            command="python report.py",
            env={"TRAINED_BY": pair.train.name, "EVALUATED_BY": pair.evaluate.name},
        ),
    ),
)

# --- AWS SageMaker: the team's code, and a notebook instance that opens with it ---------------------------------------

code = sagemaker.CodeRepository(
    "code", git_config=sagemaker.GitConfig(repository_url=f"https://github.com/example/{team}.git", branch="main")
)

review = sagemaker.NotebookInstance(
    "review",
    instance_type="ml.t3.medium",
    role_arn=config.require("roleArn"),
    default_code_repository=code.code_repository_name,
    tags={"team": team},
)

# --- Huawei ModelArts: a development environment that runs, and a notebook that stops of itself -----------------------

lab = modelarts.DevEnvInstance(
    "lab",
    profile_id="Multi-Engine 1.0 (python3)-cpu",
    flavor="modelarts.vm.cpu.2u",
    description=f"Shared by team {team}",
    spec=modelarts.Spec(storage=modelarts.Storage(type="evs", location=modelarts.Location(volume_size=20))),
    running=True,
)

desk = modelarts.Notebook(
    "desk",
    flavor="modelarts.vm.cpu.2u",
    image_id="e1a07296-22a8-4f05-8bc8-e936c8e54090",
    volume=modelarts.Volume(category="EVS", capacity=20),
    lease=modelarts.Lease(duration=4 * 60 * 60 * 1000, type="IDLE"),
    tags={"team": team, "code": code.code_repository_name},
)

pulumi.export("account", account.name)
pulumi.export("workspaces", [pair.train.name, pair.evaluate.name, report.name])
pulumi.export("lab", lab.status)
pulumi.export("review", review.url)
