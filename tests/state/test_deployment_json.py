"""Pulumi's deployment JSON: what the real CLI wrote is read and written back to the byte; what it wrote long ago, too.

The fixtures were made by the real CLI (see their README.md), so these tests need none; the last class talks to it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import CredentialsError, RecordError
from engine.core.model import Options, PendingKind, PendingOperation, ResourceState, Snapshot, Timeouts, problems
from engine.core.values import SECRET, SIGNATURE, UNKNOWN, Archive, Asset, ResourceReference, Sealed, Secret, reveal
from engine.state.backend import StackName
from engine.state.codec import BYTE_STRING
from engine.state.deployment_json import ImportedDeployment, export, parse
from engine.state.memory import MemoryBackend
from engine.state.secrets import Vault, unseal_snapshot
from tests.contract.records import ME, UPDATE, resource, root, urn

FIXTURES = Path(__file__).parent / "fixtures"
PASSPHRASE = "correct horse"
WHOLE, SHOWN, INTERRUPTED = (
    (FIXTURES / name).read_bytes() for name in ("whole-v3.json", "whole-v3-shown.json", "interrupted-v4.json")
)
TIME, VERSION = "2026-01-31T12:00:00.000Z", "workstead-0.1.0"


@pytest.fixture(scope="module")
def vault() -> Vault:
    return Vault.open(parse(WHOLE).secrets_state or {}, PASSPHRASE)


def again(imported: ImportedDeployment, vault: Vault | None = None, show_secrets: bool = False) -> bytes:
    """The deployment exported as if by whoever wrote it."""
    return export(
        imported.snapshot,
        vault,
        show_secrets,
        time=imported.time,
        version=imported.engine,
        secrets_state=imported.secrets_state,
    )


def deployment(*resources: dict[str, Any], version: int = 3, **members: Any) -> str:
    """A deployment's text."""
    features = {"features": members.pop("features")} if "features" in members else {}
    return json.dumps({"version": version, **features, "deployment": {"resources": list(resources), **members}})


def member(name: str, **members: Any) -> dict[str, Any]:
    """A resource as JSON members."""
    return {"urn": urn(name), "custom": True, "id": f"id-{name}", "type": "test:index:Thing", **members}


class TestWhatTheRealCliWrote:
    @pytest.mark.parametrize("text", [WHOLE, INTERRUPTED], ids=["whole", "interrupted"])
    def test_comes_back_to_the_byte(self, text: bytes) -> None:
        assert again(parse(text)) == text

    def test_comes_back_to_the_byte_with_secrets_shown(self, vault: Vault) -> None:
        assert again(parse(SHOWN), vault, show_secrets=True) == SHOWN
        assert again(parse(WHOLE), vault, show_secrets=True) == SHOWN

    def test_sealed_and_shown_are_the_same_deployment(self, vault: Vault) -> None:
        assert parse(WHOLE, vault).snapshot == parse(SHOWN).snapshot == unseal_snapshot(parse(WHOLE).snapshot, vault)

    @pytest.mark.parametrize("text", [WHOLE, INTERRUPTED], ids=["whole", "interrupted"])
    def test_passes_through_a_record(self, text: bytes, vault: Vault) -> None:
        imported = parse(text)
        record = MemoryBackend().create(StackName("fixture", "dev"))
        lease = record.acquire(ME)
        lease.start(UPDATE)
        lease.replace(imported.snapshot, imported.secrets_state)
        kept = export(record.load(), time=imported.time, version=imported.engine, secrets_state=record.secrets_state())
        assert kept == text
        assert problems(record.load()) == []

    def test_means_what_the_program_said(self, vault: Vault) -> None:
        imported = parse(WHOLE, vault)
        assert (imported.version, imported.features, imported.engine) == (3, (), "")
        assert imported.secrets_state == vault.state
        by_name = {state.name: state for state in imported.snapshot.resources}
        outputs = imported.snapshot.stack_outputs
        assert outputs["token"] == Secret({"odd": "<&> é \u2028", "pass": "s3cr3t <&>", "user": "ml"})
        assert outputs["asset"] == Asset(text="hello", hash=hashlib.sha256(b"hello").hexdigest())
        assert outputs["files"].assets["b"].path == "empty"
        notebook = by_name["lab-notebook"]
        assert notebook.options == Options(
            protect=True,
            retain_on_delete=True,
            ignore_changes=("ports[0]",),
            replace_on_changes=("disk",),
            additional_secret_outputs=("count",),
            custom_timeouts=Timeouts(create=600, delete=90),
            deleted_with=by_name["lab-disk"].urn,
        )
        assert notebook.inputs["ports"] == [80, 443, None]
        assert type(notebook.inputs["big"]) is int
        assert notebook.outputs["count"] == Secret(3)
        assert notebook.parent == by_name["lab"].urn
        assert notebook.property_dependencies["disk"] == (by_name["lab-disk"].urn,)
        assert by_name["lab"].outputs["notebook"] == ResourceReference(notebook.urn, notebook.id)
        assert notebook.extra["stackTrace"]

    def test_interrupted(self, vault: Vault) -> None:
        imported = parse(INTERRUPTED, vault)
        assert (imported.version, imported.features) == (4, ("taint",))
        assert [state.name for state in imported.snapshot.resources if state.tainted] == ["lab-disk"]
        [operation] = imported.snapshot.pending
        assert (operation.kind, operation.resource.name) == (PendingKind.CREATING, "slow")
        assert operation.resource.inputs["secret"] == Secret("s3cr3t <&>")

    def test_secrets_that_are_opened_and_sealed_again_keep_their_meaning(self, vault: Vault) -> None:
        resealed = export(parse(WHOLE, vault).snapshot, vault, time=TIME, version=VERSION)
        assert b"s3cr3t" not in resealed
        assert parse(resealed, vault).snapshot == parse(WHOLE, vault).snapshot

    def test_belongs_to_its_stack(self) -> None:
        imported = parse(INTERRUPTED)
        assert imported.foreign_urns(StackName("fixture", "dev")) == []
        assert len(imported.foreign_urns(StackName("fixture", "prod"))) == len(imported.snapshot.resources) + 1
        assert imported.foreign_urns(StackName("other", "dev"))

    def test_a_file_backends_checkpoint_is_read_too(self) -> None:
        whole = json.loads(WHOLE)
        checkpoint = {"version": 3, "checkpoint": {"stack": "organization/fixture/dev", "latest": whole["deployment"]}}
        assert parse(json.dumps(checkpoint)) == parse(WHOLE)
        assert parse('{"version": 3, "checkpoint": {"stack": "organization/fixture/dev"}}').snapshot == Snapshot()


class TestExport:
    def test_of_an_empty_stack(self) -> None:
        text = export(Snapshot(), time=TIME, version=VERSION)
        assert text.decode() == (
            "{\n"
            '    "version": 3,\n'
            '    "deployment": {\n'
            '        "manifest": {\n'
            f'            "time": "{TIME}",\n'
            f'            "magic": "{hashlib.sha256(VERSION.encode()).hexdigest()}",\n'
            f'            "version": "{VERSION}"\n'
            "        },\n"
            '        "metadata": {}\n'
            "    }\n"
            "}\n"
        )
        assert parse(text) == ImportedDeployment(Snapshot(), None, 3, (), TIME, VERSION)

    @pytest.mark.parametrize(
        ("state", "features"),
        [
            (resource("a"), []),
            (resource("a", tainted=True), ["taint"]),
            (resource("a", options=Options(replace_with=(root().urn,))), ["replaceWith"]),
            (
                resource("a", extra={"viewOf": root().urn, "refreshBeforeUpdate": True}),
                ["refreshBeforeUpdate", "views"],
            ),
            (resource("a", extra={"resourceHooks": {"beforeCreate": ["x"]}}), ["hooks"]),
            (
                resource("a", extra={"extensionRef": "x", "snippetID": "y"}),
                ["extensionParameterization", "snippets-prototype"],
            ),
            (resource("a", outputs={"x": [{SIGNATURE: BYTE_STRING, "value": "/w=="}]}), ["byteString"]),
        ],
        ids=str,
    )
    def test_is_of_version_4_only_when_a_feature_needs_it(self, state: ResourceState, features: list[str]) -> None:
        snapshot = Snapshot((root(), state))
        text = export(snapshot, time=TIME, version=VERSION)
        whole = json.loads(text)
        assert (whole["version"], whole.get("features", [])) == (4 if features else 3, features)
        assert parse(text).snapshot.resources == snapshot.resources

    def test_byte_strings_in_sealed_secrets_are_remembered(self, vault: Vault) -> None:
        secret = Secret({SIGNATURE: BYTE_STRING, "value": "/w=="})
        text = export(Snapshot((resource("a", outputs={"x": secret}),)), vault, time=TIME, version=VERSION)
        assert json.loads(text)["features"] == ["byteString"]
        sealed = parse(text)
        assert again(sealed) == text
        assert parse(text, vault).snapshot.resources[0].outputs == {"x": secret}

    def test_pending_operations_with_unknown_values(self, vault: Vault) -> None:
        planned = resource("a", outputs={"x": UNKNOWN, "y": Secret(UNKNOWN)})
        snapshot = Snapshot((), (PendingOperation(PendingKind.UPDATING, planned),))
        assert parse(export(snapshot, vault, time=TIME, version=VERSION), vault).snapshot == snapshot

    def test_needs_the_vault_only_for_what_is_open(self, vault: Vault) -> None:
        sealed = Snapshot((resource("a", inputs={"s": Sealed("v1:a:b")}),))
        assert b"v1:a:b" in export(sealed, time=TIME, version=VERSION, secrets_state=vault.state)
        opened = Snapshot((resource("a", inputs={"s": Secret("x")}),))
        for show in (True, False):
            with pytest.raises(CredentialsError) as refused:
                export(opened, None, show, time=TIME, version=VERSION)
            assert refused.value.reference == "passphrase-missing"

    def test_keeps_html_and_text_as_they_are(self) -> None:
        text = export(Snapshot((resource("a", inputs={"t": "<b>&é☃"}),)), time=TIME, version=VERSION)
        assert '"<b>&é☃"'.encode() in text

    def test_keeps_what_belongs_to_the_whole_stack(self) -> None:
        plugins = [{"name": "aws", "path": "", "type": "resource", "version": "7.0.0"}]
        extra = {
            "metadata": {"integrity_error": {"version": "3.1"}},
            "snippets": [{"uuid": "1", "name": "n", "type": "t", "code": "", "descriptor": {"name": "d"}}],
            "extensions": {"ref": {"name": "e", "version": "1", "value": "AA=="}},
            "manifest": {"plugins": plugins},
            "fromTheFuture": 1,
        }
        text = export(Snapshot(extra=extra), time=TIME, version=VERSION)
        assert json.loads(text)["features"] == ["snippets-prototype"]
        assert json.loads(text)["deployment"]["manifest"]["plugins"] == plugins
        assert parse(text).snapshot.extra == extra


class TestOlderVersions:
    def test_1_and_2(self) -> None:
        parent, child = member("a", defaults={"x": 1}), member("b", inputs={"x": 1, "y": 2}, dependencies=[urn("a")])
        for version in (1, 2):
            snapshot = parse(deployment(parent, child, version=version)).snapshot
            assert snapshot.resources == (
                resource("a", inputs={}),
                resource(
                    "b",
                    inputs={"x": 1, "y": 2},
                    dependencies=(urn("a"),),
                    property_dependencies={"x": (urn("a"),), "y": (urn("a"),)},
                ),
            )

    def test_2_with_a_pending_operation(self) -> None:
        operations = [{"resource": member("b", inputs={"x": 1}, dependencies=[urn("a")]), "type": "creating"}]
        snapshot = parse(deployment(member("a"), version=2, pending_operations=operations)).snapshot
        assert snapshot.pending[0].resource.property_dependencies == {"x": (urn("a"),)}

    def test_aliases_are_resolved(self) -> None:
        provider = member("p") | {
            "urn": urn("p").replace("test:index:Thing", "pulumi:providers:x"),
            "type": "pulumi:providers:x",
        }
        old_provider = provider["urn"].replace("::p", "::old")
        provider["aliases"] = [old_provider]
        parent = member("a", aliases=[urn("old-a")])
        child = member("b", parent=urn("old-a"), provider=f"{old_provider}::id-p")
        user = member(
            "c",
            dependencies=[urn("old-a"), urn("b")],
            propertyDependencies={"x": [urn("old-a")], "y": None},
            deletedWith=urn("old-a"),
            viewOf=urn("old-a"),
            replaceWith=[urn("old-a")],
        )
        operations = [{"resource": member("d", dependencies=[urn("old-a")]), "type": "reading"}]
        snapshot = parse(deployment(provider, parent, child, user, pending_operations=operations)).snapshot
        renamed = "urn:pulumi:dev::lab::test:index:Thing$test:index:Thing::b"
        _, first, second, third = snapshot.resources
        assert (first.extra, second.urn, second.parent) == ({}, renamed, urn("a"))
        assert second.provider == f"{provider['urn']}::id-p"
        assert third.dependencies == (urn("a"), renamed)
        assert third.property_dependencies == {"x": (urn("a"),), "y": ()}
        assert (third.options.deleted_with, third.options.replace_with) == (urn("a"), (urn("a"),))
        assert third.extra == {"viewOf": urn("a")}
        assert snapshot.pending[0].resource.dependencies == (urn("a"),)


class TestRefusing:
    @pytest.mark.parametrize(
        ("text", "reference"),
        [
            ("", "deployment-unreadable"),
            ("[]", "deployment-unreadable"),
            ("{}", "deployment-unreadable"),
            ("[" * 100_000, "deployment-unreadable"),
            ('{"version": 3, "deployment": []}', "deployment-unreadable"),
            (deployment(version=5), "deployment-newer"),
            (deployment(version=4, features=["taint", "telepathy"]), "deployment-newer"),
            (deployment(member("a") | {"urn": 7}), "deployment-unreadable"),
            (deployment({"urn": urn("a")}), "deployment-unreadable"),
            (deployment(member("a", inputs=[1])), "deployment-unreadable"),
            (deployment(member("a", dependencies=[1])), "deployment-unreadable"),
            (deployment(member("a", customTimeouts={"create": "soon"})), "deployment-unreadable"),
            (deployment(pending_operations=[{"resource": member("a"), "type": "juggling"}]), "deployment-unreadable"),
            (deployment(manifest={"magic": "x", "version": "v3.1.0"}), "deployment-magic"),
            (deployment(member("a"), member("a")), "record-integrity"),
            (deployment(member("a", parent=urn("b")), member("b")), "record-integrity"),
            (deployment(member("a") | {"custom": False}), "record-integrity"),
            (deployment(member("a", outputs={"x": {SIGNATURE: SECRET}})), "secret-damaged"),
        ],
        ids=lambda value: value[:60],
    )
    def test_what_is_no_deployment(self, text: str, reference: str) -> None:
        with pytest.raises(RecordError) as refused:
            parse(text)
        assert refused.value.reference == reference
        assert refused.value.remedy

    def test_features_of_version_3_are_not_looked_at(self) -> None:
        """As Pulumi does: only version 4 promises that they mean something."""
        assert parse(deployment(version=3, features=["telepathy"])).features == ("telepathy",)

    def test_the_place_of_a_wrong_member_is_told(self) -> None:
        with pytest.raises(RecordError, match=re.escape("$.deployment.resources[1].urn")):
            parse(deployment(member("a"), member("b") | {"urn": 7}))

    def test_a_vault_of_another_stack(self) -> None:
        with pytest.raises(RecordError) as refused:
            parse(WHOLE, Vault.create("other"))
        assert refused.value.reference == "secret-damaged"
        assert refused.value.urn


@pytest.mark.skipif(not shutil.which("pulumi"), reason="the real pulumi is not on PATH")
class TestWithTheRealCli:
    @pytest.fixture
    def project(self, tmp_path: Path) -> Path:
        (tmp_path / "Pulumi.yaml").write_text("name: lab\nruntime: python\n")
        (tmp_path / "state").mkdir()
        self.pulumi(tmp_path, "stack", "init", "dev")
        return tmp_path

    def pulumi(self, project: Path, *arguments: str) -> str:
        """Run the CLI; its standard output."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(project),
            "PULUMI_HOME": str(project / "home"),
            "PULUMI_BACKEND_URL": f"file://{project}/state",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        ran = subprocess.run(
            ["pulumi", "--non-interactive", *arguments],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def snapshot(self) -> Snapshot:
        """Something of everything a record can hold."""
        provider = ResourceState(
            urn="urn:pulumi:dev::lab::pulumi:providers:test::default",
            type="pulumi:providers:test",
            custom=True,
            id="11111111-2222",
        )
        first = resource(
            "first",
            inputs={"n": 1, "f": 2.5, "t": "<é&\u2028>", "s": Secret({"deep": ["x"]}), "l": [None, True, {}]},
            outputs={"a": Asset(text="hello", hash=hashlib.sha256(b"hello").hexdigest()), "s": Secret("open sesame")},
            provider=provider.reference,
            parent=root().urn,
            created="2026-01-31T12:00:00Z",
            modified="2026-01-31T12:00:00Z",
        )
        second = resource(
            "second",
            outputs={
                "ref": ResourceReference(first.urn, first.id),
                "files": Archive(assets={"a": Asset(text="A", hash="1")}),
            },
            provider=provider.reference,
            dependencies=(first.urn,),
            property_dependencies={"name": (first.urn,)},
            options=Options(
                protect=True,
                ignore_changes=("size",),
                replace_with=(first.urn,),
                custom_timeouts=Timeouts(create=90),
                additional_secret_outputs=("x",),
                deleted_with=first.urn,
                retain_on_delete=True,
                replacement_trigger=["now"],  # not a secret one: the real CLI forgets its content (seen at 1b5949891b)
            ),
            tainted=True,
            init_errors=("slow",),
            extra={"stackTrace": [{"sourcePosition": "project:///a.py#1"}]},
        )
        old = second.but(id="id-old", delete=True, options=Options(), tainted=False)
        return Snapshot((root(), provider, first, second, old))

    def test_it_takes_what_we_write_and_gives_it_back(self, project: Path) -> None:
        vault = Vault.create(PASSPHRASE)
        snapshot = self.snapshot()
        (project / "ours.json").write_bytes(export(snapshot, vault, time=TIME, version=VERSION))
        assert "Import complete." in self.pulumi(project, "stack", "import", "--file", "ours.json")
        theirs = parse(self.pulumi(project, "stack", "export"))
        assert theirs.secrets_state == vault.state
        assert unseal_snapshot(theirs.snapshot, vault).resources == snapshot.resources
        shown = parse(self.pulumi(project, "stack", "export", "--show-secrets"))
        assert shown.snapshot.resources == snapshot.resources
        outputs = json.loads(self.pulumi(project, "stack", "output", "--json"))
        assert outputs == reveal(snapshot.stack_outputs)

    @pytest.mark.parametrize("text", [WHOLE, INTERRUPTED], ids=["whole", "interrupted"])
    def test_it_takes_back_what_it_wrote(self, project: Path, vault: Vault, text: bytes) -> None:
        (project / "again.json").write_bytes(again(parse(text, vault), vault))
        assert "Import complete." in self.pulumi(project, "stack", "import", "--force", "--file", "again.json")
        theirs = parse(self.pulumi(project, "stack", "export"), vault)
        assert theirs.snapshot.resources == parse(text, vault).snapshot.resources

    def test_its_settings_open_with_our_vault(self, project: Path) -> None:
        self.pulumi(project, "config", "set", "--secret", "token", "--", "s3cr3t")
        settings = (project / "Pulumi.dev.yaml").read_text()
        salt, secure = (re.findall(rf"{key}: (\S+)", settings)[0] for key in ("encryptionsalt", "secure"))
        vault = Vault.from_salt(salt, PASSPHRASE)
        assert vault.decrypt(secure) == "s3cr3t"
        (project / "Pulumi.dev.yaml").write_text(settings.replace(secure, vault.encrypt("ours")))
        assert self.pulumi(project, "config", "get", "token").strip() == "ours"
