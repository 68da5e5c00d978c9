"""Dynamic providers as a customer writes them, importable by Pulumi's plugin process too."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi import dynamic
from pulumi.output import Unknown


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shown(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return "?" if isinstance(value, Unknown) else value


class Recorder(dynamic.ResourceProvider):
    """Says in its answers what it was given."""

    configured = 0

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        self.configured += 1
        self.settings = [req.config.get("own"), req.config.get("other:key"), req.config.require("own")]

    def _told(self, props: dict[str, Any]) -> dict[str, Any]:
        shown = {
            name: f"{type(value).__name__} {_shown(value)!r}"
            for name, value in props.items()
            if name != "__provider" and not isinstance(value, pulumi.Asset)
        }
        assets = {name: value.text for name, value in props.items() if isinstance(value, pulumi.StringAsset)}
        return {**shown, **assets, "has_provider": "__provider" in props}

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.CheckResult:
        failures = [dynamic.CheckFailure("bad", "it is bad")] if "bad" in news else []
        return dynamic.CheckResult({**news, "told": self._told(news), "olds": self._told(olds)}, failures)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        if "opinion" in news:
            return dynamic.DiffResult(bool(news["opinion"]), ["x"], ["stable"], True)
        return dynamic.DiffResult()

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        outs = {
            "told": self._told(props),
            "settings": self.settings,
            "configured": self.configured,
            "names": [pulumi.get_stack(), pulumi.get_organization(), pulumi.get_project(), pulumi.runtime.is_dry_run()],
            "none": None,
            "nested": {"none": None, "list": [None, 1]},
            "asset": pulumi.StringAsset("hello"),
            "fraction": 1.5,
        }
        return dynamic.CreateResult("id-1", outs)

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        if id_ == "gone":
            return dynamic.ReadResult("", {})
        if id_ == "with inputs":
            return dynamic.ReadResult(id_, {"x": 1}, {"y": 2})
        return dynamic.ReadResult(id_, {"told": self._told(props)})

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        return dynamic.UpdateResult({"olds": self._told(olds), "news": self._told(news)})


class Bare(dynamic.ResourceProvider):
    """Only what it must."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult("bare")


class Faulty(dynamic.ResourceProvider):
    """Every customer's first try."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return self._deeper(props)

    def _deeper(self, props: dict[str, Any]) -> dynamic.CreateResult:
        raise ValueError("the quota is used up")

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        return dynamic.DiffResult(news["missing"])


class Numbered(dynamic.ResourceProvider):
    """Gives a number for an ID."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        return dynamic.CreateResult(7)  # type: ignore[arg-type]


class Choosy(dynamic.ResourceProvider):
    """Wants a setting that is not there."""

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        req.config.require("absent")
