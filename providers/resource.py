"""What the classes that stack authors import have in common: registering, naming, looking up.

The classes are plain `pulumi.CustomResource`s with the type token of a dynamic resource, so a program written with them
runs on the real `pulumi up` as well as here. They do without `pulumi.dynamic.Resource`, which pickles the provider for
every resource (0.3 ms, and more with each: spec section 9.4): what Pulumi's plugin process needs is the same short text
for every resource of a class, a pickle that only names the provider's class.

What members a type has is left to each cloud's `resources.py`; whether they are right, to its `schema.py`.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self, dataclass_transform

import pulumi

from engine.core.model import ADOPT_IF_THERE, PROVIDER_KEY, make_urn
from providers.base import GENERATED, physical_name


@dataclass_transform(kw_only_default=True)
class Args(dict[str, Any]):
    """A typed group of inputs that is a plain dict on the wire.

    Subclasses annotate their members; editors then complete the constructor. Nothing is judged here: a wrong or missing
    member is reported by the provider's `check`, together with every other mistake.
    """

    def __init_subclass__(cls) -> None:
        # A default of None in the class body tells type checkers that the member is optional. At run time it would hide
        # the value in the dict.
        for name in [name for name in cls.__annotations__ if name in cls.__dict__]:
            delattr(cls, name)

    def __init__(self, **members: Any) -> None:
        super().__init__({name: value for name, value in members.items() if value is not None})

    def __getattr__(self, name: str) -> Any:
        if name in type(self).__annotations__:
            return self.get(name)
        raise AttributeError(f"{type(self).__name__} has no member {name!r}")


class CloudResource(pulumi.CustomResource):
    """A resource whose provider is ours.

    Class arguments: `token` is the type token, `provider` the provider's `module:Class`, `computed` the names of
    outputs that are not inputs, `secrets` those of outputs that are always secret; `hidden` those that are secret in a
    resource that is only looked up, where no program marks what is secret in them.
    """

    _token: ClassVar[str]
    _pickle: ClassVar[str]
    _inputs: ClassVar[tuple[str, ...]]
    _computed: ClassVar[tuple[str, ...]]
    _secrets: ClassVar[tuple[str, ...]]
    _hidden: ClassVar[tuple[str, ...]]

    def __init_subclass__(
        cls,
        *,
        token: str,
        provider: str,
        inputs: Iterable[str],
        computed: Iterable[str] = (),
        secrets: Iterable[str] = (),
        hidden: Iterable[str] = (),
    ) -> None:
        super().__init_subclass__()
        cls._token, cls._pickle = token, pickle_of(provider)
        cls._inputs, cls._computed = tuple(inputs), tuple(computed)
        cls._secrets, cls._hidden = tuple(secrets), tuple(hidden)

    def _register(
        self,
        resource_name: str,
        inputs: Mapping[str, Any],
        opts: pulumi.ResourceOptions | None,
        secrets: Iterable[str] = (),
    ) -> None:
        """Register with these inputs; a None is an input that the program leaves out."""
        props = {**dict.fromkeys((*self._inputs, *self._computed)), **inputs, PROVIDER_KEY: self._pickle}
        always = [*self._secrets, *secrets]
        if always:
            opts = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(additional_secret_outputs=always), opts)
        super().__init__(self._token, resource_name, props, opts)

    @classmethod
    def get(cls, resource_name: str, id: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None) -> Self:
        """An existing object, looked up by its ID in the cloud; it is only read, never changed."""
        self = cls.__new__(cls)
        with_id = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id))
        self._register(resource_name, {}, with_id, self._hidden)
        return self


def adopt_if_there(opts: pulumi.ResourceOptions | None = None) -> pulumi.ResourceOptions:
    """Options with which a resource takes over the object that bears its name, if there is one; else it is created.

        Notebook("desk", ..., opts=adopt_if_there(pulumi.ResourceOptions(protect=True)))

    It says of one resource what `workstead up --adopt` says of all. Unlike `import_` it needs no ID and may stay in the
    program for good, because a recorded resource is not looked for any more. What it adds is an alias that no resource
    has. Options cannot carry anything of ours, and an input would be recorded and compared by the real `pulumi up`; an
    alias that matches nothing it simply ignores, so there the resource is created as ever.
    """
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(aliases=[ADOPT_IF_THERE]))


def generated_name(
    token: str, resource_name: str, opts: pulumi.ResourceOptions | None, limit: int, **rules: Any
) -> dict[str, Any]:
    """The inputs `name` and the mark that it was made up, for a resource whose program gives none.

    Both engines arrive at the same name, because it is made from the URN. That is known at once, unless the resource
    has a parent, whose own URN only the engine tells.
    """
    parent = opts.parent if opts else None
    stack, project = pulumi.get_stack(), pulumi.get_project()

    def name(parent_urn: str | None) -> str:
        return physical_name(make_urn(stack, project, parent_urn or "", token, resource_name), limit, **rules)

    if parent is None:
        return {"name": name(""), GENERATED: ["name"]}
    # From the URN's text, not from the output itself: an output of a component stands for everything in it, and the
    # resource would have to wait for itself.
    return {"name": pulumi.Output.from_input(parent.urn.future()).apply(name), GENERATED: ["name"]}


def pickle_of(provider: str) -> str:
    """The base64 text of a pickle that makes an instance of a provider class (`module:Class`) by reference.

    Written out (PROTO 4, GLOBAL, EMPTY_TUPLE, NEWOBJ, STOP) so that a program does not have to import the provider.
    """
    module, _, name = provider.partition(":")
    return base64.b64encode(b"\x80\x04c" + f"{module}\n{name}\n".encode() + b")\x81.").decode()
