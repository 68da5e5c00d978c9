"""The same team on two clouds: everybody explores in a notebook on ModelArts, and trains in a workspace on Data Forest.

workstead -C stacks/two_clouds up --stack dev
"""

import pulumi

from providers import dataforest, modelarts

config = pulumi.Config()
team: str = config.require("team")
people: list[str] = config.require_object("people")

HOUR = 60 * 60 * 1000
"""ModelArts counts the lease of a notebook in milliseconds."""


account = dataforest.Account("team", name=f"{team}-team")

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


class Member(pulumi.ComponentResource):
    """A person of the team, with a desk to explore at on one cloud and a workspace to train in on the other."""

    def __init__(self, person: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("two-clouds:index:Member", person, None, opts)
        inside = pulumi.ResourceOptions(parent=self)
        # It stops of itself, and nobody starts it again but the person.
        self.desk = modelarts.Notebook(
            f"{person}-desk",
            flavor="modelarts.vm.cpu.2u",
            image_id="e1a07296-22a8-4f05-8bc8-e936c8e54090",
            volume=modelarts.Volume(category="EVS", capacity=20),
            description=f"Desk of {person}",
            lease=modelarts.Lease(duration=4 * HOUR, type="IDLE"),
            tags={"team": team, "person": person},
            opts=inside,
        )
        self.training = dataforest.AIWorkspace(
            person,
            account_id=account.id,
            description=f"Training of {person}",
            configuration=dataforest.Configuration(
                docker=dataforest.Docker(
                    image="tensorflow:r2.3.1-py3",
                    command="python train.py",
                    env={"DESK": self.desk.name, "SHARED_INSTANCE": shared.name},
                ),
                queue_name="gpu",
                resource=dataforest.Resources(cpu_count=4, gpu_count=1, gpu_model="T4", memory_mb=16384),
            ),
            opts=inside,
        )
        self.register_outputs({"desk": self.desk.name, "training": self.training.name})


members = [Member(person) for person in people]

pulumi.export("desks", [member.desk.name for member in members])
pulumi.export("shared", shared.status)
pulumi.export("training", [member.training.name for member in members])
