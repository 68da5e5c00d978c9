"""Notebook instances (specification section 5): stopped for every change but tags, and started again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

from engine.core import paths
from engine.core.contract import CheckFailure, DiffResult, Found, ReadResult
from engine.core.diff import Kind
from engine.core.errors import CloudError, WorksteadError
from providers.base import ReplaceRule, Tree, current_call, keeping, wait_until
from providers.errors import RefusedError
from providers.sagemaker.provider.calls import Answer, Key
from providers.sagemaker.provider.statuses import GOING, POLL, WithStatus
from providers.sagemaker.schema.notebooks import RETIRED_PLATFORM, moves_to_al2023, platform_is_retired
from providers.sagemaker.schema.structures import api_path

if TYPE_CHECKING:
    from providers.sagemaker.client import Client

START_TAKES_WITHIN: Final = 30.0
"""Seconds after which an instance that is still Stopped is started once more (specification 5.5)."""
RUNNING: Final = frozenset({"InService", "Pending", "InMaintenance", "PendingMaintenance", "Updating"})

_FLAGS: Final[Mapping[str, str]] = {
    "LifecycleConfigName": "DisassociateLifecycleConfig",
    "DefaultCodeRepository": "DisassociateDefaultCodeRepository",
    "AdditionalCodeRepositories": "DisassociateAdditionalCodeRepositories",
}
"""Members that only a flag clears (specification 5.2)."""
_DEFAULTS: Final[Mapping[str, Any]] = {
    "RootAccess": "Enabled",
    "IpAddressType": "ipv4",
    "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "1"},
}
"""What a member that is no longer declared goes back to."""
_UPDATED: Final = frozenset(
    {
        "InstanceType",
        "IpAddressType",
        "PlatformIdentifier",
        "RoleArn",
        "VolumeSizeInGB",
        "RootAccess",
        "InstanceMetadataServiceConfiguration",
        *_FLAGS,
    }
)
_RENAMED: Final[Mapping[str, str]] = {
    "SecurityGroups": "SecurityGroupIds",
    "NotebookInstanceLifecycleConfigName": "LifecycleConfigName",
}
"""Members that Describe calls something else than Create."""


class NotebookInstances(WithStatus):
    """Notebook instances. The ID is the name."""

    token = "pulumi-python:dynamic/sagemaker:NotebookInstance"
    structure = "NotebookInstance"
    noun = "notebook instance"
    create_operation, describe_operation = "CreateNotebookInstance", "DescribeNotebookInstance"
    delete_operation = "DeleteNotebookInstance"
    key = ("NotebookInstanceName",)
    unique = ("NotebookInstanceName",)
    named_by = "NotebookInstanceName"
    arn_member = "NotebookInstanceArn"
    answers: ClassVar = {
        "arn": Answer("NotebookInstanceArn"),
        "status": Answer("NotebookInstanceStatus", ("Running", *sorted(_UPDATED)), kept=True),
        "failure_reason": Answer("FailureReason", ("Running", *sorted(_UPDATED)), kept=True),
        "url": Answer("Url", ("IpAddressType",)),
        "network_interface_id": Answer("NetworkInterfaceId", ("IpAddressType",)),
        "creation_time": Answer("CreationTime", ours=True),
    }
    replacing = (
        ReplaceRule("VolumeSizeInGB", lambda before, after: after < before, "a volume cannot shrink"),
        ReplaceRule(
            "PlatformIdentifier",
            lambda before, after: before != after and not moves_to_al2023(before, after),
            "only a move from Amazon Linux 2 to 2023 works in place",
        ),
    )
    status_member = "NotebookInstanceStatus"
    busy = frozenset({"Pending", "Updating", "Stopping", GOING, "InMaintenance", "PendingMaintenance"})
    ready_limit = 60 * 60.0
    gone_limit = 20 * 60.0

    # --- inputs

    def reviewed(
        self, olds: Mapping[str, Any], inputs: Mapping[str, Any], failures: list[CheckFailure]
    ) -> Sequence[CheckFailure]:
        """A retired platform is only wrong for something new; what is there may stay what it is."""
        name = self.spelt("PlatformIdentifier")
        if platform_is_retired(olds.get(name)) and olds.get(name) == inputs.get(name):
            failures[:] = [one for one in failures if one.property != name or RETIRED_PLATFORM not in one.rule]
        return ()

    def diff(self, id_: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> DiffResult:
        """As in the base; says when the instance is stopped for the change, and that one that failed is started."""
        result = super(WithStatus, self).diff(id_, olds, news)
        was = str(olds.get(self.status_output) or "")
        notes = [result.note] if result.note else []
        detail = dict(result.detailed_diff or {})
        changed = bool(result.changes)
        if not result.replaces:
            members = {str(paths.parse(api_path(self.schema, path))[0]) for path in detail}
            if was in self.failed and self._should_run(olds, news):
                changed, detail[self.status_output] = True, Kind.UPDATE.value
                why = olds.get(self.recorded("failure_reason")) or "see the console"
                notes.append(f"it has failed and is started again: {why}")
            elif members & _UPDATED and was in RUNNING:
                stays = "and started again" if self._should_run(olds, news) else "and stays stopped"
                notes.append(f"the instance is stopped for this {stays}; what is not in its volume is lost")
            if members & _UPDATED and platform_is_retired(olds.get(self.spelt("PlatformIdentifier"))):
                notes.append(self._stranded(detail))
        return DiffResult(
            changes=changed,
            replaces=result.replaces,
            delete_before_replace=result.delete_before_replace,
            detailed_diff=detail if changed else None,
            note="; ".join(filter(None, notes)),
        )

    def _stranded(self, detail: Mapping[str, str]) -> str:
        if self.spelt("PlatformIdentifier") in detail:
            return ""
        return "its platform is retired: once stopped, it can only start again on notebook-al2023-v1 or later"

    def _should_run(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
        """Whether the instance is to run afterwards: as declared, else as it was."""
        if "Running" not in self.members or self.spelt("Running") not in self.declared(news):
            return str(olds.get(self.status_output) or "") != "Stopped"
        return bool(self.declared(news)[self.spelt("Running")])

    # --- descriptions

    def tidied(self, answer: Tree) -> Tree:
        """Two members have other names than in the create call, and the status says whether it runs."""
        content = {_RENAMED.get(name, name): value for name, value in answer.items()}
        return {**content, "Running": self.status(content) in RUNNING}

    def body(self, wanted: Mapping[str, Any]) -> Tree:
        """Elastic Inference is retired: accelerators are not sent (specification 12)."""
        return {name: value for name, value in super().body(wanted).items() if name != "AcceleratorTypes"}

    def find(self, props: dict[str, Any]) -> ReadResult:
        """As in the base; whether it runs is no sign of whose it is, and is put right by the next update."""
        found = super().find(props)
        name = self.spelt("Running") if "Running" in self.members else ""
        if not found.id or not name or name not in found.outs:
            return found
        running = found.outs[self.status_output] in RUNNING
        return ReadResult(found.id, {**found.outs, name: running}, found.inputs)

    # --- creating

    def finished(self, client: Client, content: Tree, wanted: Tree) -> Tree:
        """One that is not to run is stopped once it is there."""
        return self._stopped(client, content) if wanted.get("Running") is False else content

    # --- changing

    def changed(
        self, client: Client, key: Key, content: Tree, members: set[str], old: Tree, new: Tree, olds: Mapping[str, Any]
    ) -> Tree:
        """Stop it, change it, start it again if it ran; in that order, and only as far as needed."""
        settled = self.settled(client, key)
        content = content if settled is None else settled
        runs = self.status(content) != "Stopped"
        should = bool(new["Running"]) if "Running" in new else runs
        body = self._update_body(members & _UPDATED, old, new)
        call = current_call()
        with keeping(self.id_of(content), lambda: dict(olds), f"the {self.noun} was changed in part"):
            if body:
                if self.status(content) not in ("Stopped", *self.failed):
                    call.report("stopping the instance for the change")
                    content = self._stopped(client, content)
                try:
                    content = self._updated(client, key, body)
                except WorksteadError:
                    if runs and should:
                        self._start_all_the_same(client, content)
                    raise
            if should and self.status(content) != "InService":
                if body and runs:
                    call.report("starting the instance again")
                content = self._started(client, content)
            elif not should and self.status(content) == "InService":
                content = self._stopped(client, content)
        return content

    def _update_body(self, members: set[str], old: Tree, new: Tree) -> Tree:
        """Only what changes; what is cleared by its flag, never both (specification 5.2)."""
        body: Tree = {}
        for name in sorted(members):
            if new.get(name) not in (None, []):
                body[name] = new[name]
            elif name in _FLAGS and old.get(name):
                body[_FLAGS[name]] = True
            elif name in _DEFAULTS:
                body[name] = _DEFAULTS[name]
        return body

    def _updated(self, client: Client, key: Key, body: Tree) -> Tree:
        self.when_assumable(lambda: client.call("UpdateNotebookInstance", **key, **body))
        content = self.ready(client, key)
        if self.status(content) in self.failed:
            raise CloudError(
                f"the update of the {self.noun} failed: {self.reason(content)}",
                remedy="mend what the reason names, then run again",
                reference="update-failed",
            )
        return content

    def _stopped(self, client: Client, content: Tree) -> Tree:
        """Have it stopped, from whatever it is doing."""
        key = self.key_in(content)
        content = self.ready(client, key)
        if self.status(content) == "InService":
            self._ask(client, "StopNotebookInstance", key)
            content = wait_until(
                lambda: self.describe(client, key) or content,
                lambda seen: self.status(seen) not in ("InService", *self.busy),
                progress=lambda seen: f"{self.noun} {self.status(seen)}",
                every=POLL,
                limit=self.gone_limit,
                doing="stop",
            )
        return content

    def _started(self, client: Client, content: Tree) -> Tree:
        """Have it run. A start that does not take is sent again (specification 5.5)."""
        key, call = self.key_in(content), current_call()
        asked: list[float] = []

        def look() -> Tree:
            seen = self.describe(client, key) or content
            idle = self.status(seen) == "Stopped" or (self.status(seen) in self.failed and not asked)
            if idle and (not asked or call.clock() - asked[-1] >= START_TAKES_WITHIN):
                self._ask(client, "StartNotebookInstance", key)
                asked.append(call.clock())
                seen = self.describe(client, key) or seen
            return seen

        content = wait_until(
            look,
            lambda seen: self.status(seen) == "InService" or (bool(asked) and self.status(seen) in self.failed),
            progress=lambda seen: f"{self.noun} {self.status(seen)}",
            every=POLL,
            limit=self.ready_limit,
            doing="start",
        )
        if self.status(content) in self.failed:
            raise CloudError(
                f"the {self.noun} did not start: {self.reason(content)}",
                remedy="mend what the reason names, then run again",
                reference="start-failed",
            )
        return content

    def _ask(self, client: Client, operation: str, key: Key) -> None:
        """Start or stop; an uncertain answer, or one of a call that came twice, is settled by the next look."""
        try:
            client.call(operation, repeatable=False, **key)
        except RefusedError as error:
            if "Unable to transition" not in error.summary:
                raise
        except CloudError as error:
            if not error.uncertain:
                raise

    def _start_all_the_same(self, client: Client, content: Tree) -> None:
        """A change that was refused leaves the instance running, as it was."""
        try:
            self._started(client, content)
        except WorksteadError as error:
            current_call().report(f"the instance could not be started again: {error.summary}")

    # --- deleting

    def ask_to_end(self, client: Client, key: Key, props: Mapping[str, Any]) -> None:
        """It has to be stopped, or failed, to be deleted."""
        content = self.describe(client, key)
        if content is None:
            return
        if self.status(content) == "InService":
            current_call().report("stopping the instance before it is deleted")
            self._stopped(client, content)
        super().ask_to_end(client, key, props)

    def keys_of(self, id_: str) -> list[Key]:
        """From the name; an ARN has it in lower case, which is not always the name (specification 4.6)."""
        return [] if "/" in id_ or ":" in id_ or not id_ else [{"NotebookInstanceName": id_}]

    def list(self) -> Iterator[Found]:
        """Every notebook instance of the region that is not being deleted."""
        for item in self.client().pages("ListNotebookInstances", "NotebookInstances"):
            if not self.is_going(item):
                yield self.listed(item, self.status(item))
