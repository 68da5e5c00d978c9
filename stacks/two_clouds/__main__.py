"""One team on two clouds: people explore in notebooks on ModelArts, what they arrive at is trained on Data Forest.

workstead -C stacks/two_clouds up --stack dev
"""

import pulumi

from providers import dataforest, modelarts

config = pulumi.Config()
team: str = config.require("team")
people: list[str] = config.require_object("people")

HOUR = 60 * 60 * 1000
"""ModelArts counts the lease of a notebook in milliseconds."""


class Desk(pulumi.ComponentResource):
    """A person's own notebook. It stops of itself, and nobody starts it again but the person."""

    def __init__(self, person: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("two-clouds:index:Desk", person, None, opts)
        self.notebook = modelarts.Notebook(
            f"{person}-desk",
            flavor="modelarts.vm.cpu.2u",
            image_id="e1a07296-22a8-4f05-8bc8-e936c8e54090",
            volume=modelarts.Volume(category="EVS", capacity=20),
            description=f"Desk of {person}",
            lease=modelarts.Lease(duration=4 * HOUR, type="IDLE"),
            tags={"team": team, "person": person},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"notebook": self.notebook.name})


desks = [Desk(person) for person in people]

# Runs as long as the team works: should somebody stop it, the next up after a refresh starts it again.
shared = modelarts.DevEnvInstance(
    "shared",
    profile_id="Multi-Engine 1.0 (python3)-cpu",
    flavor="modelarts.vm.cpu.2u",
    description=f"Shared by team {team}",
    spec=modelarts.Spec(
        storage=modelarts.Storage(type="obs", location=modelarts.Location(path=f"{team}-data/shared/"))
    ),
    running=True,
)

account = dataforest.Account("team", name=f"{team}-team")

training = dataforest.AIWorkspace(
    "training",
    account_id=account.id,
    description=f"Training of team {team}",
    configuration=dataforest.Configuration(
        docker=dataforest.Docker(
            image="tensorflow:r2.3.1-py3",
            command="python train.py",
            env={"SHARED_INSTANCE": shared.name},
        ),
        queue_name="gpu",
        resource=dataforest.Resources(cpu_count=4, gpu_count=1, gpu_model="T4", memory_mb=16384),
    ),
)

pulumi.export("desks", [desk.notebook.name for desk in desks])
pulumi.export("shared", shared.status)
pulumi.export("training", training.name)
