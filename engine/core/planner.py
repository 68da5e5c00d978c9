"""Decides: what one goal, or the lack of one, means for what is recorded.

A `Planner` serves one run. The program's registrations come in one by one, in an order in which dependencies come
first; `decide` answers each with the steps it needs and their reasons (spec section 10.2-10.5). When the program has
ended, `leftovers` says what has to go (10.6). A preview and a real run ask the same questions of the same code; they
differ in what `concluded` is told: the predicted state or the real one.

Pure bookkeeping: `check`, `diff` and `predict` of providers are asked, the cloud never. Where a decision needs a look
at the cloud first (an import, a `.get`), `look` says so, and the caller brings what was read.

Left to others: carrying steps out and recording them (`results`, `engine.executor`), provider references and inherited
options (`engine.monitor`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.core import exchange, graph, options
from engine.core.contract import DiffResult, Origin, Provider, ProviderSource, ReadResult
from engine.core.diff import Change, changes
from engine.core.errors import Diagnostic, ProgramError, Severity
from engine.core.model import (
    PROVIDER_KEY,
    Goal,
    ResourceState,
    Snapshot,
    is_default_provider,
    is_provider_type,
    provider_urn,
)
from engine.core.plan import UNCHANGED, Op, Reason, Step, Why
from engine.core.values import UNKNOWN, Properties, equal, has_unknown, reveal


@dataclass(frozen=True, slots=True)
class Look:
    """A question to the cloud that a decision waits for: read this object. Without an ID: the one of this name."""

    urn: str
    type: str
    id: str
    inputs: Properties
    provider: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What one goal needs. `problems` of severity error make it invalid: nothing may be done for it.

    `after`: other goals whose steps must have ended first, because they delete what these steps make anew or use.
    """

    urn: str
    steps: tuple[Step, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def valid(self) -> bool:
        """May the steps be carried out?"""
        return all(problem.severity is not Severity.ERROR for problem in self.problems)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What the difference between a record and a goal amounts to."""

    reason: Reason
    changes: tuple[Change, ...] = ()
    some: bool = False
    replace_keys: tuple[str, ...] = ()
    delete_first: bool = False
    from_inputs: bool = True

    @property
    def replaces(self) -> bool:
        return bool(self.replace_keys)


class Planner:
    """The decisions of one run over one snapshot. Not thread-safe: callers take turns."""

    def __init__(self, snapshot: Snapshot, source: ProviderSource, *, preview: bool) -> None:
        self.snapshot = snapshot
        self.source = source
        self.preview = preview
        self.goals: dict[str, Goal] = {}
        self.states: dict[str, ResourceState] = {}
        self.steps: list[Step] = []
        self._old = dict(snapshot.by_urn)
        self._old_graph: graph.networkx.DiGraph | None = None
        self._doomed: dict[str, str] = {}  # what goes first with another goal's resource → that goal
        self._deleted_first: dict[str, ResourceState] = {}
        self._replaced: set[str] = set()
        self._superseded: dict[int, ResourceState] = {}
        self._gone: set[int] = set()
        self._promised: dict[int, str] = {}  # rows that waited for their delete, and go first with a goal → that goal
        self._kept: set[int] = set()  # rows that waited for their delete, and are wanted again
        self._any_waiting = any(state.delete for state in snapshot.resources)
        self._failed: set[str] = set()
        self._sought: dict[str, Diagnostic | None] = {}  # to be adopted: looked for in the cloud, or why not
        self._adopted: dict[tuple[str, str], str] = {}  # objects (type, ID) adopted in this run → goal
        self._providers: dict[tuple[str, str, object], Provider] = {}

    # --- one goal -----------------------------------------------------------------------------------------------------

    def look(self, goal: Goal) -> Look | None:
        """What has to be read before this goal can be decided, if anything."""
        if goal.is_read:
            unknown = goal.read_id == UNKNOWN.sentinel
            return None if unknown else Look(goal.urn, goal.type, goal.read_id, goal.inputs, goal.provider)
        old = self._old.get(goal.urn)
        if goal.custom and goal.import_id and not is_provider_type(goal.type):
            known_as = (old.import_id or old.id) if old and not old.external else ""
            if known_as != goal.import_id:
                return Look(goal.urn, goal.type, goal.import_id, goal.inputs, goal.provider)
        elif goal.adopt and goal.custom and old is None and not is_provider_type(goal.type):
            return self._look_by_name(goal)
        return None

    def _look_by_name(self, goal: Goal) -> Look | None:
        try:
            provider = self.provider_of(goal.type, goal.inputs, goal.provider)
        except ProgramError:
            return None  # `decide` says so
        if not hasattr(provider, "locate"):
            self._sought[goal.urn] = self._note(
                goal, "objects of this type cannot be found by their name, so this one is created"
            )
            return None
        checked = exchange.check(provider, goal.urn, {}, goal.inputs, self._origins(goal))
        if checked.failures:
            return None
        if has_unknown(checked.inputs):
            self._sought[goal.urn] = self._note(
                goal, "whether it exists is looked up once everything about it is known; then it is adopted"
            )
            return None
        self._sought[goal.urn] = None
        return Look(goal.urn, goal.type, "", checked.inputs, goal.provider)

    @staticmethod
    def _note(goal: Goal, summary: str, why: str = "") -> Diagnostic:
        return Diagnostic(Severity.INFO, summary, urn=goal.urn, why=why, reference="not-adopted")

    def _adopting(self, goal: Goal, seen: ReadResult) -> tuple[Goal, ReadResult | None, tuple[Diagnostic, ...]]:
        """What was found by its name, as if the program had named it for import; or nothing, and perhaps why."""
        if not seen.id:
            return goal, None, ()
        urn = self._adopted.setdefault((goal.type, seen.id), goal.urn)
        for row in self.snapshot.resources:
            if row.stands_for(seen.id, goal.type, goal.provider):
                urn = row.urn
        if urn != goal.urn:
            whose = "the object of this name belongs to another resource of this stack, so it is not adopted"
            return goal, None, (self._note(goal, whose, f"It is {seen.id}, of {urn}."),)
        return replace(goal, import_id=seen.id), seen, ()

    def decide(self, goal: Goal, seen: ReadResult | None = None) -> Decision:
        """The steps a goal needs; `seen` answers its `look`. Raises ProgramError for a URN registered before."""
        if goal.urn in self.goals:
            raise ProgramError(
                "two resources have the same URN",
                urn=goal.urn,
                why="Type, name and parents together must be unique, or nobody could tell the two apart.",
                remedy="give one of them another name",
                reference="urn-duplicate",
            )
        self.goals[goal.urn] = goal
        if goal.is_read:
            decision = self._decide_read(goal, seen)
        elif not goal.custom:
            decision = self._decide_component(goal)
        else:
            decision = self._decide_custom(goal, seen)
        if goal.urn in self._doomed:
            decision = replace(decision, after=(*decision.after, self._doomed[goal.urn]))
        if self.goes_on(decision):
            self.steps.extend(decision.steps)
            for step in decision.steps:
                if step.op in _REPLACING:
                    self._replaced.add(step.urn)
                elif step.op.deletes and step.new is None and step.old is not None:
                    self._promised[step.old.key] = goal.urn
                elif step.op.deletes and step.new is not None and step.urn != goal.urn:
                    self._doomed[step.urn] = goal.urn
                    self._old[step.urn] = step.new
        else:
            self.failed(goal.urn)
        return decision

    def goes_on(self, decision: Decision) -> bool:
        """Are the steps of a decision taken? A preview goes on with forbidden ones, to show what is refused."""
        return decision.valid or (self.preview and bool(decision.steps))

    def concluded(self, step: Step, state: ResourceState | None) -> None:
        """A step has ended with this state (None: nothing is left). In a preview: the predicted one.

        Sets single entries only, so it may be called from another thread while `decide` runs.
        """
        if step.op.deletes:
            if state is not None:
                self._deleted_first[step.urn] = state
            elif step.old is not None:
                self._gone.add(step.old.key)
        elif state is not None:
            self.states[step.urn] = state
            if step.old is not None and step.op in _REPLACING and not step.old.pending_replacement:
                self._superseded[step.old.key] = step.old

    def failed(self, urn: str) -> None:
        """A goal came to nothing: what it depends on must not be deleted at the end."""
        self._failed.add(urn)

    def recorded(self, urn: str) -> ResourceState | None:
        """The state recorded before this run under a URN."""
        return self._old.get(urn)

    # --- reads and components -----------------------------------------------------------------------------------------

    def _decide_read(self, goal: Goal, seen: ReadResult | None) -> Decision:
        old = self._old.get(goal.urn)
        if seen is not None and not seen.id:
            return self._refuse(
                goal,
                f"there is no object with the ID {goal.read_id!r}",
                "A resource that is only looked up must exist.",
                "check the ID, the account and the region",
                "object-missing",
            )
        outputs = exchange.marked(seen.outs, goal.inputs, goal.options.additional_secret_outputs) if seen else {}
        state = self._state_of(goal, old, goal.inputs, outputs, seen.id if seen else "").but(external=True)
        owned = old is not None and not old.external
        if old is not None and owned and old.id != state.id:
            reason, state = Reason(Why.BECOMES_EXTERNAL), state.but(key=0)
            return Decision(
                goal.urn,
                (
                    Step(op=Op.READ_REPLACEMENT, urn=goal.urn, old=old, new=state, reason=reason, logical=False),
                    Step(op=Op.REPLACE, urn=goal.urn, old=old, new=state, reason=reason, replace_keys=("id",)),
                ),
            )
        kept = state.but(key=old.key) if old is not None else state
        return Decision(goal.urn, (Step(op=Op.READ, urn=goal.urn, old=old, new=kept, reason=Reason(Why.READ)),))

    def _decide_component(self, goal: Goal) -> Decision:
        old = self._old.get(goal.urn)
        new = self._state_of(goal, old, goal.inputs, old.outputs if old else {})
        if old is None:
            return Decision(goal.urn, (Step(op=Op.CREATE, urn=goal.urn, new=new, reason=Reason(Why.NEW)),))
        found = changes(old.inputs, goal.inputs)
        reason = Reason(Why.CHANGED, tuple(map(str, found))) if found else UNCHANGED
        op = Op.UPDATE if found else Op.SAME
        return Decision(goal.urn, (Step(op=op, urn=goal.urn, old=old, new=new, reason=reason, changes=found),))

    # --- custom resources ---------------------------------------------------------------------------------------------

    def _decide_custom(self, goal: Goal, seen: ReadResult | None) -> Decision:
        old = self._old.get(goal.urn)
        imported: Step | None = None
        unadopted = self._sought.get(goal.urn)
        adoption: tuple[Diagnostic, ...] = (unadopted,) if unadopted is not None else ()
        if seen is not None and goal.urn in self._sought:
            goal, seen, adoption = self._adopting(goal, seen)
        if seen is not None:
            decision = self._import(goal, old, seen)
            if not decision.valid:
                return decision
            imported = decision.steps[0]
            old = imported.new
        try:
            provider = self.provider_of(goal.type, goal.inputs, goal.provider)
        except ProgramError as error:
            # A type that nobody serves is one problem of this resource; the others are told with it.
            return Decision(goal.urn, problems=(replace(error.diagnostic(), urn=goal.urn),))
        gone = goal.urn in self._doomed
        kept = None if old is None or old.external or gone else old
        ignored, notes = self._ignore(goal, kept)
        notes = (*adoption, *notes)
        recorded = kept.inputs if kept else {}
        checked = exchange.check(provider, goal.urn, recorded, ignored, self._origins(goal))
        if checked.failures:
            return Decision(goal.urn, problems=(*checked.failures, *checked.warnings, *notes))
        notes += checked.warnings
        if gone:
            steps = self._recreate(goal, self._old[goal.urn], checked.inputs, provider)
            return Decision(goal.urn, steps, notes)
        if old is None:
            steps = self._take_back(goal, None, checked.inputs, provider, None)
            if not steps:
                new = self._predicted(goal, None, checked.inputs, provider)
                first = self._out_of_the_way(goal, checked.inputs, provider)
                steps = (*first, Step(op=Op.CREATE, urn=goal.urn, new=new, reason=Reason(Why.NEW)))
            return Decision(goal.urn, steps, notes)
        if old.external:
            new = self._predicted(goal, None, checked.inputs, provider)
            return Decision(
                goal.urn,
                self._create_first(old, new, _Verdict(Reason(Why.BECOMES_MANAGED), replace_keys=("id",))),
                notes,
            )
        verdict = self._difference(goal, old, checked.inputs, provider)
        if goal.import_id and verdict.replaces:
            notes += (self._would_replace(goal, verdict),)
            if imported is not None:
                return Decision(goal.urn, self._after_import(imported, ()), notes)
        decision = self._carry_out(goal, old, checked.inputs, provider, verdict)
        if imported is not None:
            return Decision(goal.urn, self._after_import(imported, decision.steps), (*notes, *decision.problems))
        return replace(decision, problems=(*notes, *decision.problems))

    def _origins(self, goal: Goal) -> Callable[[str], Sequence[Origin]]:
        """For a property of a goal: the resources of this run that it is made from, nearest first."""

        def origins(name: str) -> list[Origin]:
            found: dict[str, Origin] = {}
            pending = list(goal.property_dependencies.get(name, ()))
            for urn in pending:
                source = self.goals.get(urn)
                if source is not None and urn not in found:
                    found[urn] = Origin(urn, source.type, reveal(source.inputs))
                    pending += [
                        *source.dependencies,
                        *(u for urns in source.property_dependencies.values() for u in urns),
                    ]
            return list(found.values())

        return origins

    def _carry_out(
        self, goal: Goal, old: ResourceState, inputs: Properties, provider: Provider, verdict: _Verdict
    ) -> Decision:
        if verdict.replaces:
            back = self._take_back(goal, old, inputs, provider, verdict)
            return Decision(goal.urn, back) if back else self._replace(goal, old, inputs, provider, verdict)
        if verdict.some or old.init_errors:
            if not verdict.some:
                verdict = _Verdict(Reason(Why.UNFINISHED, note="; ".join(old.init_errors)))
            new = self._predicted(goal, old, inputs, provider)
            return Decision(goal.urn, (self._step(Op.UPDATE, old, new, verdict),))
        new = self._state_of(goal, old, inputs, self._kept_outputs(goal, old, inputs))
        return Decision(goal.urn, (Step(op=Op.SAME, urn=goal.urn, old=old, new=new, reason=verdict.reason),))

    def _step(self, op: Op, old: ResourceState, new: ResourceState, verdict: _Verdict, logical: bool = True) -> Step:
        return Step(
            op=op,
            urn=new.urn,
            old=old,
            new=new,
            reason=verdict.reason,
            changes=verdict.changes,
            replace_keys=verdict.replace_keys,
            from_inputs=verdict.from_inputs,
            logical=logical,
        )

    def _ignore(self, goal: Goal, old: ResourceState | None) -> tuple[Properties, tuple[Diagnostic, ...]]:
        if not goal.options.ignore_changes or old is None:
            return goal.inputs, ()
        inputs, unusable = options.ignore_changes(goal.inputs, old.inputs, goal.options.ignore_changes)
        return inputs, tuple(
            Diagnostic(
                Severity.INFO,
                f"ignore_changes names {path!r}, which is not there to be ignored",
                urn=goal.urn,
                reference="ignore-changes-unusable",
            )
            for path in unusable
        )

    # --- the difference -----------------------------------------------------------------------------------------------

    def _difference(self, goal: Goal, old: ResourceState, inputs: Properties, provider: Provider) -> _Verdict:
        """Spec section 10.4: the first of these reasons that applies."""
        forced = self._forced_replacement(goal, old)
        result = exchange.diff(provider, old, inputs)
        if forced is not None:
            return _Verdict(
                forced,
                options.without_ignored(changes(old.inputs, inputs), goal.options.ignore_changes),
                some=True,
                replace_keys=_REPLACED_BY[forced.why],
                delete_first=self._delete_first(goal, result),
            )
        verdict = self._verdict_of(goal, old, inputs, result)
        return self._with_replace_options(goal, old, verdict, result)

    def _forced_replacement(self, goal: Goal, old: ResourceState) -> Reason | None:
        if old.tainted:
            return Reason(Why.TAINTED, note="; ".join(old.init_errors))
        if old.pending_replacement:
            return Reason(Why.PENDING_REPLACEMENT)
        with_it = tuple(urn for urn in goal.options.replace_with if urn in self._replaced)
        if with_it:
            return Reason(Why.REPLACED_WITH, urns=with_it)
        if goal.options.deleted_with in self._replaced:
            return Reason(Why.DELETED_WITH, urns=(goal.options.deleted_with,))
        if bool(goal.provider) != bool(old.provider):
            return Reason(Why.PROVIDER_CHANGED)
        if options.trigger_fired(old.options.replacement_trigger, goal.options.replacement_trigger, self.preview):
            return Reason(Why.TRIGGER)
        return None

    def _verdict_of(self, goal: Goal, old: ResourceState, inputs: Properties, result: DiffResult) -> _Verdict:
        own = options.without_ignored(changes(old.inputs, inputs), goal.options.ignore_changes)
        if result.changes is None and not result.replaces:
            return _Verdict(_changed(own), own, some=bool(own))
        if not result.changes and not result.replaces:
            return _Verdict(UNCHANGED)
        given = exchange.detailed(result)
        found = own if given is None else given
        return _Verdict(
            Reason(Why.CHANGED, tuple(map(str, found)) or tuple(result.replaces), note=result.note),
            options.marked_by_provider(found, result.replaces),
            some=True,
            replace_keys=tuple(result.replaces),
            from_inputs=given is None,
        )

    def _with_replace_options(self, goal: Goal, old: ResourceState, verdict: _Verdict, result: DiffResult) -> _Verdict:
        found, forced = verdict.changes, ()
        if goal.options.replace_on_changes:
            found, forced = options.replace_on_changes(found, goal.options.replace_on_changes, bool(old.init_errors))
        keys = tuple(dict.fromkeys([*verdict.replace_keys, *forced]))
        if not keys:
            return verdict
        return _Verdict(
            Reason(Why.PROPERTY_REPLACES, keys, note=verdict.reason.note),
            found,
            some=True,
            replace_keys=keys,
            delete_first=self._delete_first(goal, result),
            from_inputs=verdict.from_inputs,
        )

    @staticmethod
    def _delete_first(goal: Goal, result: DiffResult) -> bool:
        """The option decides, else the provider: it knows whether two of them can exist side by side."""
        if goal.delete_before_replace is not None:
            return goal.delete_before_replace
        return bool(result.delete_before_replace)

    # --- replacing ----------------------------------------------------------------------------------------------------

    def _replace(
        self, goal: Goal, old: ResourceState, inputs: Properties, provider: Provider, verdict: _Verdict
    ) -> Decision:
        problems: list[Diagnostic] = []
        if goal.options.protect and old.options.protect:
            problems.append(options.protected(old, "replaced"))
        # Defaults and generated names must be fresh, so the inputs are checked again as those of something new.
        fresh = exchange.check(provider, goal.urn, {}, goal.inputs, self._origins(goal))
        new = self._predicted(goal, None, fresh.inputs, provider)
        if fresh.failures:
            return Decision(goal.urn, problems=(*problems, *fresh.failures))
        steps = self._out_of_the_way(goal, fresh.inputs, provider)
        if not verdict.delete_first:
            return Decision(goal.urn, (*steps, *self._create_first(old, new, verdict)), tuple(problems))
        dependents, after = self._dependents_to_delete(old, steps)
        for dependent in dependents:
            if dependent.options.protect:
                problems.append(options.protected(dependent, "replaced"))
            steps.append(
                Step(
                    op=Op.DELETE if dependent.delete else Op.DELETE_REPLACED,
                    urn=dependent.urn,
                    old=dependent,
                    new=None if dependent.delete else dependent.but(pending_replacement=True),
                    reason=Reason(Why.DEPENDENCY_REPLACED, urns=(old.urn,)),
                    logical=False,
                )
            )
        waiting = old.but(pending_replacement=True)
        if not old.pending_replacement:
            steps.append(self._step(Op.DELETE_REPLACED, old, waiting, verdict, logical=False))
        steps += self._create_first(waiting, new, verdict)
        return Decision(goal.urn, tuple(steps), tuple(problems), after)

    def _create_first(self, old: ResourceState, new: ResourceState, verdict: _Verdict) -> tuple[Step, ...]:
        return (
            self._step(Op.CREATE_REPLACEMENT, old, new, verdict, logical=False),
            self._step(Op.REPLACE, old, new, verdict),
        )

    def _waiting(self, goal: Goal) -> list[ResourceState]:
        """The goal's old objects that still wait for their delete, the youngest first."""
        if not self._any_waiting:
            return []
        rows = [row for row in self.snapshot.resources if row.urn == goal.urn and row.delete]
        return sorted((row for row in rows if not self._goes(row)), key=lambda row: -row.key)

    def _goes(self, row: ResourceState) -> bool:
        return row.key in self._gone or row.key in self._promised

    def _take_back(
        self, goal: Goal, old: ResourceState | None, inputs: Properties, provider: Provider, verdict: _Verdict | None
    ) -> tuple[Step, ...]:
        """Take an old object back that waits for its delete, if the program wants it so again; empty if there is none.

        That happens when a replacement was interrupted and then revoked. Making a third one could not even work: the
        first still has its name.
        """
        for row in self._waiting(goal):
            again = row.but(delete=False)
            change = self._difference(goal, again, inputs, provider)
            if change.replaces or (goal.options.protect and old is not None and old.options.protect):
                continue
            self._kept.add(row.key)
            there = row.inputs if change.some else inputs
            taken = self._state_of(goal, again, there, self._kept_outputs(goal, again, there))
            taken = taken.but(init_errors=row.init_errors)
            reason = Reason(Why.TAKEN_BACK)
            if old is None:
                steps = (Step(op=Op.IMPORT, urn=goal.urn, new=taken, reason=reason),)
            else:
                assert verdict is not None
                verdict = replace(verdict, reason=reason)
                steps = (
                    self._step(Op.IMPORT_REPLACEMENT, old, taken, verdict, logical=False),
                    self._step(Op.REPLACE, old, taken, verdict),
                )
            if not change.some and not row.init_errors:
                return steps
            return (*steps, self._step(Op.UPDATE, taken, self._predicted(goal, taken, inputs, provider), change))
        return ()

    def _out_of_the_way(self, goal: Goal, inputs: Properties, provider: Provider) -> list[Step]:
        """Delete first what waits for its delete anyway and has the place in the cloud that the new object needs."""
        waiting = self._waiting(goal)
        if not any(exchange.diff(provider, row, inputs).delete_before_replace for row in waiting):
            return []
        if self._old_graph is None:
            self._old_graph = graph.of_states(self.snapshot.resources)
        around = graph.dependents(self._old_graph, goal.urn)
        first = [
            row
            for row in reversed(self.snapshot.resources)
            if row.delete and row.urn in around and row.urn != goal.urn and not self._goes(row)
        ]
        going = [*(row for row in first if row.key not in self._kept), *waiting]
        return [
            Step(op=Op.DELETE_REPLACED, urn=row.urn, old=row, reason=Reason(Why.PENDING_DELETE), logical=False)
            for row in going
        ]

    def _recreate(self, goal: Goal, old: ResourceState, inputs: Properties, provider: Provider) -> tuple[Step, ...]:
        new = self._predicted(goal, None, inputs, provider)
        verdict = _Verdict(Reason(Why.DEPENDENCY_REPLACED, urns=(self._doomed[goal.urn],)), replace_keys=("id",))
        return self._create_first(old, new, verdict)

    def _dependents_to_delete(
        self, target: ResourceState, already: Iterable[Step]
    ) -> tuple[list[ResourceState], tuple[str, ...]]:
        """The recorded resources that cannot outlive `target`, those that need others first (spec section 10.5).

        Without what goes by the steps in `already`. And the goals that delete some of them: those must have ended
        before.
        """
        if self._old_graph is None:
            self._old_graph = graph.of_states(self.snapshot.resources)
        by_steps = {step.old.key for step in already if step.old is not None}
        going = {target.urn}
        found: list[ResourceState] = []
        others: dict[str, None] = {}
        around = graph.dependents(self._old_graph, target.urn)
        for state in self.snapshot.resources:
            named = {state.options.deleted_with, *state.options.replace_with} & going
            if state.urn in self.goals or not (state.urn in around or named) or not state.custom or state.external:
                continue
            if not (named or self._cannot_stay(state, going)):
                continue
            going.add(state.urn)
            if state.urn in self._doomed:
                others[self._doomed[state.urn]] = None
            elif state.key in self._promised:
                others[self._promised[state.key]] = None
            elif state.key not in self._gone and state.key not in by_steps:
                found.append(state)
        return found[::-1], tuple(others)

    def _cannot_stay(self, state: ResourceState, going: set[str]) -> bool:
        if state.provider and provider_urn(state.provider) in going:
            return True
        if is_provider_type(state.type):
            return False
        lost = {name for name, urns in state.property_dependencies.items() if not going.isdisjoint(urns)}
        if not lost:
            return False
        inputs = {name: UNKNOWN if name in lost else value for name, value in state.inputs.items()}
        provider = self.provider_of(state.type, inputs, state.provider)
        result = exchange.diff(provider, state, inputs)
        found = changes(state.inputs, inputs) if result.changes is not False else ()
        _, forced = options.replace_on_changes(found, state.options.replace_on_changes, bool(state.init_errors))
        return bool(result.replaces or forced)

    # --- importing ----------------------------------------------------------------------------------------------------

    def _import(self, goal: Goal, old: ResourceState | None, seen: ReadResult) -> Decision:
        if not seen.id or seen.inputs is None:
            missing = not seen.id
            return self._refuse(
                goal,
                f"there is no object with the ID {goal.import_id!r}"
                if missing
                else f"the provider cannot tell which inputs {goal.import_id!r} was made from",
                "Only an existing object whose inputs can be read can be taken into the record.",
                "check the ID, the account and the region" if missing else "write the object's provider a fuller read",
                "import-impossible",
            )
        inputs = exchange.marked(seen.inputs, goal.inputs)
        outputs = exchange.marked(seen.outs, goal.inputs, goal.options.additional_secret_outputs)
        state = self._state_of(goal, None, inputs, outputs, seen.id).but(import_id=goal.import_id)
        if old is not None and not old.external:
            op, replaced = Op.IMPORT_REPLACEMENT, old
        else:
            # What was only looked up so far is taken over in its own row.
            op, replaced = Op.IMPORT, None
            state = state.but(key=old.key if old else 0)
        return Decision(
            goal.urn,
            (Step(op=op, urn=goal.urn, old=replaced, new=state, reason=_IMPORTED[goal.urn in self._sought]),),
        )

    def _after_import(self, imported: Step, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        chain = [imported]
        if imported.op is Op.IMPORT_REPLACEMENT:
            chain.append(
                Step(
                    op=Op.REPLACE,
                    urn=imported.urn,
                    old=imported.old,
                    new=imported.new,
                    reason=imported.reason,
                    replace_keys=("id",),
                )
            )
        return (*chain, *(step for step in steps if step.op is not Op.SAME))

    def _would_replace(self, goal: Goal, verdict: _Verdict) -> Diagnostic:
        return Diagnostic(
            Severity.WARNING if self.preview else Severity.ERROR,
            f"the program differs from the object {goal.import_id!r} in {', '.join(verdict.replace_keys)}, "
            "which only a replacement could change",
            urn=goal.urn,
            why="An object that was there before is not replaced: that would destroy it.",
            remedy="make the program equal to the object, give the resource another name, or do not adopt it"
            if goal.adopt
            else "make the program equal to the object, or take the import option out",
            reference="import-would-replace",
        )

    # --- what is left -------------------------------------------------------------------------------------------------

    def leftovers(self, why: Why = Why.NOT_DECLARED) -> tuple[tuple[Step, ...], tuple[Diagnostic, ...]]:
        """(the deletes after the program has ended, the protected ones among them as errors), dependents first."""
        needed = self._needed_by_failed()
        steps: list[Step] = []
        problems: list[Diagnostic] = []
        for state in reversed(self.snapshot.resources):
            step = self._leftover(state, why)
            if step is None or state.urn in needed:
                continue
            if step.op is Op.DELETE and state.options.protect:
                problems.append(options.protected(state, "deleted"))
            steps.append(step)
        self.steps.extend(steps)
        return tuple(steps), tuple(problems)

    def _leftover(self, state: ResourceState, why: Why) -> Step | None:
        replaced = state.key in self._superseded
        if state.key in self._gone or state.key in self._kept:
            return None
        if state.delete or (replaced and not state.external):
            reason = Reason(Why.REPLACED if replaced else Why.PENDING_DELETE)
            return Step(op=Op.DELETE_REPLACED, urn=state.urn, old=state, reason=reason, logical=False)
        if replaced:
            return Step(
                op=Op.DISCARD_REPLACED,
                urn=state.urn,
                old=state,
                reason=Reason(Why.BECOMES_MANAGED),
                logical=False,
            )
        if state.urn in self.goals:
            return None
        if state.pending_replacement or state.urn in self._deleted_first:
            waiting = self._deleted_first.get(state.urn, state)
            return Step(op=Op.REMOVE_PENDING_REPLACE, urn=state.urn, old=waiting, reason=Reason(why), logical=False)
        op = Op.DISCARD if state.external else Op.DELETE
        return Step(op=op, urn=state.urn, old=state, reason=Reason(why))

    def _needed_by_failed(self) -> set[str]:
        """What must not go: what failed goals need, and what the rows that are kept for it need in turn."""
        if not self._failed:
            return set()
        rows_of: dict[str, list[ResourceState]] = {}
        for state in self.snapshot.resources:
            rows_of.setdefault(state.urn, []).append(state)
        needed: set[str] = set()
        pending = list(self._failed)
        while pending:
            urn = pending.pop()
            goal = self.goals.get(urn)
            urns = [need for row in rows_of.get(urn, ()) for need in row.needs()]
            fresh = [other for other in (*urns, *(goal_needs(goal) if goal else ())) if other not in needed]
            needed.update(fresh)
            pending.extend(fresh)
        return needed

    # --- states -------------------------------------------------------------------------------------------------------

    def provider_of(self, type_: str, properties: Properties, reference: str) -> Provider:
        """The provider of a resource, configured by its provider resource. Safe to call from any thread."""
        urn = provider_urn(reference) if reference else ""
        pickle = reveal(properties.get(PROVIDER_KEY))
        known = self._providers.get((type_, urn, pickle))
        if known is None:
            config = self.states.get(urn) or self._old.get(urn)
            given = {} if pickle is None else {PROVIDER_KEY: pickle}
            settings = reveal(config.inputs) if config else {}
            explicit = bool(urn) and not is_default_provider(urn)
            known = self.source.provider_for(type_, given, settings, explicit=explicit)
            self._providers[type_, urn, pickle] = known
        return known

    def _state_of(
        self, goal: Goal, old: ResourceState | None, inputs: Properties, outputs: Properties, id_: str = ""
    ) -> ResourceState:
        """The state a goal asks for; identity and dates come from the record."""
        return ResourceState(
            urn=goal.urn,
            type=goal.type,
            custom=goal.custom,
            id=id_ or (old.id if old else ""),
            inputs=inputs,
            outputs=outputs,
            parent=goal.parent,
            provider=goal.provider,
            dependencies=goal.dependencies,
            property_dependencies=goal.property_dependencies,
            options=goal.options,
            import_id=goal.import_id or (old.import_id if old else ""),
            created=old.created if old else "",
            modified=old.modified if old else "",
            source_position=goal.source_position,
            extra=old.extra if old else {},
            key=old.key if old else 0,
        )

    def _predicted(
        self, goal: Goal, old: ResourceState | None, inputs: Properties, provider: Provider
    ) -> ResourceState:
        """The state after a create (`old` None) or an update, outputs as far as they are known."""
        outputs = exchange.predict(
            provider,
            goal.urn,
            old.id if old else "",
            old.outputs if old else {},
            inputs,
            goal.options.additional_secret_outputs,
        )
        return self._state_of(goal, old, inputs, outputs)

    @staticmethod
    def _kept_outputs(goal: Goal, old: ResourceState, inputs: Properties) -> Properties:
        """The recorded outputs, with the secret marks the goal asks for today."""
        if not goal.options.additional_secret_outputs and equal(old.inputs, inputs):
            return old.outputs
        return exchange.marked(old.outputs, inputs, goal.options.additional_secret_outputs)

    def _refuse(self, goal: Goal, summary: str, why: str, remedy: str, reference: str) -> Decision:
        problem = Diagnostic(Severity.ERROR, summary, urn=goal.urn, why=why, remedy=remedy, reference=reference)
        return Decision(goal.urn, problems=(problem,))


_REPLACING = frozenset({Op.CREATE_REPLACEMENT, Op.READ_REPLACEMENT, Op.IMPORT_REPLACEMENT})

_IMPORTED = (Reason(Why.IMPORT), Reason(Why.IMPORT, note="there is an object of this name"))

_REPLACED_BY: Mapping[Why, tuple[str, ...]] = {
    Why.TAINTED: ("id",),
    Why.PENDING_REPLACEMENT: ("id",),
    Why.REPLACED_WITH: ("replaceWith",),
    Why.DELETED_WITH: ("deletedWith",),
    Why.PROVIDER_CHANGED: ("provider",),
    Why.TRIGGER: ("replacementTrigger",),
}


def _changed(found: tuple[Change, ...]) -> Reason:
    return Reason(Why.CHANGED, tuple(map(str, found))) if found else UNCHANGED


def goal_needs(goal: Goal) -> Iterable[str]:
    """Every URN a goal depends on."""
    if goal.parent:
        yield goal.parent
    if goal.provider:
        yield provider_urn(goal.provider)
    yield from goal.dependencies
    for urns in goal.property_dependencies.values():
        yield from urns
    if goal.options.deleted_with:
        yield goal.options.deleted_with
    yield from goal.options.replace_with
