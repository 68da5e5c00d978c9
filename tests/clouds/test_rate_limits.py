"""A whole up against clouds that let so many calls a second through: it learns that, and nothing fails.

SageMaker says 400 (`ThrottlingException`), the others 429.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from tests.workstead import Folder, clean_environment

PER_SECOND = 20
MANY = """
import pulumi
from providers import dataforest, modelarts, sagemaker

account = dataforest.Account("team", name="team")
limit = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="60s"))
for number in range(10):
    dataforest.AIWorkspace(
        f"workspace-{number}",
        account_id=account.id,
        configuration={"docker": {"image": "tensorflow:r2.3.1-py3", "command": "ls"}},
        opts=limit,
    )
    sagemaker.StudioLifecycleConfig(
        f"config-{number}",
        studio_lifecycle_config_app_type="JupyterLab",
        studio_lifecycle_config_content="ZWNobyBoZWxsbwo=",
        opts=limit,
    )
    modelarts.Notebook(
        f"notebook-{number}",
        flavor="modelarts.vm.cpu.2u",
        image_id="e1a07296-22a8-4f05-8bc8-e936c8e54090",
        volume={"category": "EVS", "capacity": 20},
        opts=limit,
    )
"""


def test_many_resources_go_through_with_few_calls_in_vain(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "many", {**clean_environment(tmp_path / "home"), "WORKSTEAD_EMULATE_SPEED": "instant"})
    folder.write(
        Pulumi__yaml="name: many\nruntime: python\n",
        Pulumi__dev__yaml='config:\n  workstead:emulate: "true"\n',
    )
    (folder.path / "__main__.py").write_text(MANY)
    clouds = ("dataforest", "sagemaker", "modelarts")
    for cloud in clouds:
        limit = ("--set", f"per_second={PER_SECOND}", "--set", "burst=5")
        folder.run("cloud", "fault", "add", cloud, "rate-limit", *limit).must()
    done = folder.run("up", "-s", "dev", "-y", "--json").must()
    assert "waiting for the rate limit" in done.out
    log = folder.run("cloud", "log", "--json").must().json
    for cloud in clouds:
        calls = [
            (datetime.fromisoformat(row["time"]).timestamp(), row["status"]) for row in log if row["cloud"] == cloud
        ]
        began = min(at for at, _ in calls)
        learned = [status for at, status in calls if at > began + 1]
        # Its burst of first calls is what the rate is learned from. A fifth at most is refused after that, more on a
        # busy machine; how well the rate is kept is `test_pace`'s, on a clock that nothing can hold up.
        assert learned.count(429) + learned.count(400) < len(learned) / 2, (cloud, learned)
