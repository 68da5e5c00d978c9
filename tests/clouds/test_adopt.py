"""A second stack over what a first one made, on the real emulators: adopted, but not what bears another mark."""

from __future__ import annotations

from pathlib import Path

from tests.workstead import Folder, clean_environment

EXISTING = """
import pulumi
from providers import dataforest, modelarts, sagemaker

command = pulumi.Config().get("command") or "ls"
account = dataforest.Account("account", name="adopt-team")
dataforest.AIWorkspace(
    "workspace",
    account_id=account.id,
    name="adopt-workspace",
    configuration={"docker": {"image": "tensorflow:r2.3.1-py3", "command": command}},
)
sagemaker.StudioLifecycleConfig(
    "config",
    studio_lifecycle_config_name="adopt-config",
    studio_lifecycle_config_app_type="JupyterLab",
    studio_lifecycle_config_content="ZWNobyBoZWxsbwo=",
)
modelarts.Notebook(
    "notebook",
    name="adopt-notebook",
    flavor="modelarts.vm.cpu.2u",
    image_id="e1a07296-22a8-4f05-8bc8-e936c8e54090",
    volume={"category": "EVS", "capacity": 20},
)
modelarts.DevEnvInstance(
    "instance",
    name="adopt-instance",
    profile_id="Multi-Engine 1.0 (python3)-cpu",
    flavor="modelarts.vm.cpu.2u",
    spec=modelarts.Spec(storage=modelarts.Storage(type="evs", location=modelarts.Location(volume_size=20))),
)
"""


def test_another_stack_adopts_what_is_there(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "adopt", {**clean_environment(tmp_path / "home"), "WORKSTEAD_EMULATE_SPEED": "instant"})
    emulated = 'config:\n  workstead:emulate: "true"\n'
    folder.write(
        Pulumi__yaml="name: adopt\nruntime: python\n",
        Pulumi__first__yaml=emulated,
        Pulumi__second__yaml=f"{emulated}  adopt:command: sleep\n",
    )
    (folder.path / "__main__.py").write_text(EXISTING)
    folder.run("up", "-s", "first", "-y").must()
    before = {row["id"] for row in folder.run("cloud", "ls", "--json").must().json}

    shown = folder.run("preview", "-s", "second", "--adopt").must().out
    assert "there is an object of this name" in shown
    folder.run("up", "-s", "second", "-y", "--adopt").must()

    rows = folder.run("cloud", "ls", "--json").must().json
    assert [row["name"] for row in rows if row["id"] not in before] == ["adopt-notebook"]
    record = folder.run("stack", "export", "-s", "second").must().json["deployment"]["resources"]
    ids = {row["urn"].rpartition("::")[2]: row.get("id") for row in record}
    assert {ids[name] for name in ("account", "workspace", "config", "instance")} <= before
    assert ids["notebook"] not in before
    assert folder.writes("dataforest").count("aiworkspaces/setConfiguration") == 1
    folder.run("up", "-s", "second", "-y", "--adopt", "--expect-no-changes").must()
