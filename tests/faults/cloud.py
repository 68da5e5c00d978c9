"""A simulated cloud with the habits that make recovery hard, and its provider.

Three types. *Named* ones have names their callers choose, which are unique and serve as IDs, so that what is made anew
has its predecessor's ID; all of it is seen at once. *Numbered* ones have unique names too, but IDs the cloud chooses.
*Marked* ones have no names of their own: what they are found by is a label. Of the latter two, what is read and listed
may be some seconds old, and making one takes two requests; of two with one label it is known which is the younger. Of
every type, requests are throttled, answers get lost, and requests have their effect late.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from engine.core.contract import (
    CALL,
    CHECK,
    GONE,
    CheckResult,
    CreateResult,
    DiffResult,
    Found,
    ReadResult,
    UpdateResult,
)
from engine.core.diff import changes
from engine.core.errors import CloudError
from engine.core.model import urn_name
from providers.base import create_once, keeping
from tests.faults.world import LAG, LATE, Unheard, World

T = TypeVar("T")
Content = Mapping[str, Any]

NAMED, NUMBERED, MARKED = "sim:index:Named", "sim:index:Numbered", "sim:index:Marked"
TYPES = (NAMED, NUMBERED, MARKED)

_REPLACING = frozenset({"name", "shape", "bound"})


@dataclass(frozen=True, slots=True)
class Weather:
    """How likely a request is throttled, and its answer lost."""

    throttled: float = 0.0
    lost: float = 0.0


class ThrottledError(CloudError):
    """Too many requests: nothing was done."""

    def __init__(self) -> None:
        super().__init__("slow down", retryable=True)


class Cloud:
    """Objects with their pasts; every access is a request, which may go wrong."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.weather = Weather()
        self._pasts: dict[str, list[tuple[float, Content | None]]] = {}
        self._numbers = itertools.count(1)
        self.youngest = 0

    # --- what is there

    def present(self) -> dict[str, Content]:
        """Every object as it is: ID → content."""
        return {id_: past[-1][1] for id_, past in self._pasts.items() if past[-1][1] is not None}  # type: ignore[misc]

    def _shown(self, type_: str) -> dict[str, Content]:
        """The objects of a type as the cloud shows them just now."""
        at = self.world.now if type_ == NAMED else self.world.now - self.world.stale()
        shown = {}
        for id_, past in self._pasts.items():
            content = next((content for since, content in reversed(past) if since <= at), None)
            if content is not None and content["type"] == type_:
                shown[id_] = content
        return shown

    def put(self, type_: str, props: Content) -> str:
        """Make an object. Raises CloudError for a name that is taken."""
        name = props.get("name")
        if name is not None and any(
            content.get("name") == name and content["type"] == type_ for content in self.present().values()
        ):
            raise CloudError(f"the name {name} is taken")
        number = self.youngest = next(self._numbers)
        id_ = str(name) if type_ == NAMED else f"{type_.rpartition(':')[2].lower()}-{number}"
        content = {**props, "type": type_, "serial": f"serial-{number}", "born": self.world.now + number * 1e-6}
        self._pasts.setdefault(id_, []).append((self.world.now, content))
        return id_

    def change(self, id_: str, props: Content) -> None:
        """Change an object. Raises CloudError when there is none."""
        past = self._pasts.get(id_)
        if past is None or past[-1][1] is None:
            raise CloudError(f"there is no {id_}")
        past.append((self.world.now, {**past[-1][1], **props}))

    def end(self, id_: str) -> None:
        """End an object, if there is one."""
        past = self._pasts.get(id_)
        if past is not None and past[-1][1] is not None:
            past.append((self.world.now, None))

    # --- requests

    def create(self, type_: str, props: Content) -> str:
        """The ID of a new object."""
        return self._send("create", lambda: f"{type_.rpartition(':')[2]} {dict(props)}", lambda: self.put(type_, props))

    def set(self, id_: str, props: Content) -> None:
        """Change an object."""
        self._send("set", lambda: f"{id_} {dict(props)}", lambda: self.change(id_, props))

    def delete(self, id_: str) -> None:
        """End an object."""
        self._send("delete", lambda: id_, lambda: self.end(id_))

    def get(self, type_: str, id_: str) -> Content | None:
        """What an object looks like."""
        return self._ask("get", lambda: id_, lambda: self._shown(type_).get(id_))

    def list(self, type_: str) -> dict[str, Content]:
        """The objects of a type."""
        return self._ask("list", lambda: type_.rpartition(":")[2], lambda: self._shown(type_))

    def _ask(self, request: str, what: Callable[[], str], answer: Callable[[], T]) -> T:
        world = self.world
        if not world.unheard:
            world.moment(f"before {request}", what)
            self._be_throttled(request, what)
        result = answer()
        if not world.unheard:
            world.tell("cloud", lambda: f"{request} {what()} → {_short(result)}")
            world.moment(f"after {request}", what)
        return result

    def _send(self, request: str, what: Callable[[], str], effect: Callable[[], T]) -> T:
        world = self.world

        def alone() -> None:
            try:
                world.tell("cloud", f"{request} {what()} → {effect()}, unheard")
            except CloudError as error:
                world.tell("cloud", f"{request} {what()} → {error.summary}, unheard")

        if world.unheard:
            alone()
            raise Unheard
        world.moment(f"before {request}", what, alone)
        self._be_throttled(request, what)
        if self.weather.lost and world.chance.random() < self.weather.lost:
            self._lose(request, what, alone)
        try:
            result = effect()
        except CloudError as error:
            refusal = error.summary
            world.tell("cloud", lambda: f"{request} {what()} → {refusal}")
            world.moment(f"after {request}", what)
            raise
        world.tell("cloud", lambda: f"{request} {what()} → {result}")
        world.moment(f"after {request}", what)
        return result

    def _be_throttled(self, request: str, what: Callable[[], str]) -> None:
        if self.weather.throttled and self.world.chance.random() < self.weather.throttled:
            self.world.tell("cloud", lambda: f"{request} {what()} → throttled")
            raise ThrottledError

    def _lose(self, request: str, what: Callable[[], str], alone: Callable[[], None]) -> None:
        become = self.world.chance.choice(("nothing", "done", "late"))
        self.world.tell("cloud", lambda: f"{request} {what()} → no answer ({become})")
        if become == "done":
            alone()
        elif become == "late":
            self.world.arrive_late(what(), alone)
        raise CloudError("no answer", uncertain=True)


def _short(result: Any) -> str:
    return ", ".join(result) if isinstance(result, dict) and result and "type" not in result else str(result)


# --- its provider -----------------------------------------------------------------------------------------------------


def _patiently(request: Callable[[], T]) -> T:
    """A throttled request is sent again, a few times."""
    for _ in range(4):
        try:
            return request()
        except ThrottledError:
            CALL.get().pause(1.0)
    return request()


class SimProvider:
    """The provider of one type: what a careful author would write for this cloud."""

    def __init__(self, cloud: Cloud, type_: str) -> None:
        self.cloud = cloud
        self.type = type_
        self.marker = "its label" if type_ == MARKED else "its name"

    def configure(self, req: Any) -> None:
        """Nothing to set."""

    def lag(self) -> float:
        """What is sent arrives, and then shows."""
        return LATE + LAG

    # --- deciding

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Marked ones get their label."""
        label = {"label": olds.get("label") or urn_name(CHECK.get().urn)} if self.type == MARKED else {}
        return CheckResult({"size": 1, **label, **news})

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Name, shape and bound replace; what keeps its name has to go first."""
        found = changes({key: value for key, value in olds.items() if key in news}, news)
        replaces = [str(change) for change in found if change.path[0] in _REPLACING]
        collides = self.type != MARKED and olds.get("name") == news.get("name")
        return DiffResult(bool(found), replaces, (), collides, {str(change): change.kind for change in found})

    def predict(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
        """All but the serial of something new."""
        return {**news, **({"serial": olds["serial"]} if id_ and "serial" in olds else {})}

    # --- looking

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """What it looks like."""
        content = _patiently(lambda: self.cloud.get(self.type, id_))
        return GONE if content is None else self._seen(id_, content, props)

    def find(self, props: dict[str, Any]) -> ReadResult:
        """The youngest of this name or label, if it is of this make."""
        for id_, content in self._alike(props)[:1]:
            seen = self._seen(id_, content, props)
            if not self.diff(id_, seen.outs, props).replaces:
                return seen
        return GONE

    def list(self) -> Iterator[Found]:
        """All of them."""
        for id_, content in _patiently(lambda: self.cloud.list(self.type)).items():
            yield Found(self.type, id_, str(content.get("name", "")))

    def _alike(self, props: Mapping[str, Any]) -> list[tuple[str, Content]]:
        by = "label" if self.type == MARKED else "name"
        shown = _patiently(lambda: self.cloud.list(self.type)).items()
        return sorted(
            ((id_, content) for id_, content in shown if content.get(by) == props[by]),
            key=lambda item: -item[1]["born"],
        )

    @staticmethod
    def _seen(id_: str, content: Content, props: Mapping[str, Any]) -> ReadResult:
        asked = [key for key in content if key in props or not props] if props else [*content]
        inputs = {key: content[key] for key in asked if key not in ("type", "serial", "born")}
        return ReadResult(id_, {**inputs, "serial": content["serial"]}, inputs)

    # --- acting

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Make it; what takes two requests is kept in between."""
        began = self.cloud.world.now + self.cloud.youngest * 1e-6
        first = props if self.type == NAMED else {key: value for key, value in props.items() if key != "size"}

        def look() -> str | None:
            return next((id_ for id_, content in self._alike(props) if content["born"] > began), None)

        id_ = create_once(
            lambda: _patiently(lambda: self.cloud.create(self.type, first)), look, "it", within=self.lag()
        )
        outs = {**props, "serial": self.cloud.present()[id_]["serial"]}
        if first is not props:
            with keeping(id_, lambda: {**first, "serial": outs["serial"]}, "it was made, but has not its size"):
                _patiently(lambda: self.cloud.set(id_, {"size": props["size"]}))
        return CreateResult(id_, outs)

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Change it, property by property."""
        outs = dict(olds)
        with keeping(id_, lambda: outs, "it was changed in part"):
            for key, value in news.items():
                if olds.get(key) != value:
                    _patiently(lambda key=key, value=value: self.cloud.set(id_, {key: value}))
                    outs[key] = value
            for key in [key for key in olds if key not in news and key != "serial"]:
                del outs[key]
        return UpdateResult(outs)

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """End it."""
        _patiently(lambda: self.cloud.delete(id_))


class SimSource:
    """The providers of this cloud."""

    def __init__(self, cloud: Cloud) -> None:
        self._providers = {type_: SimProvider(cloud, type_) for type_ in TYPES}

    def constants(self, type_: str) -> dict[str, Any]:
        """None."""
        return {}

    def provider_for(self, type_: str, inputs: Any, config: Any, *, explicit: bool = False) -> Any:
        """The provider of a type."""
        return self._providers[type_]
