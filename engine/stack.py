"""A stack, ready to be worked on: everything an operation needs to know of it, as `engine.opening` has put it together.

It stands apart from the operations so that commands that only read the record need not import what carries them out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engine.clock import CLOCK, Clock
from engine.core.contract import ProviderSource
from engine.core.model import Snapshot
from engine.core.values import Properties
from engine.hands import Hands, Threads
from engine.state import backend as records

if TYPE_CHECKING:
    from engine import program
    from engine.answers import Carried, Predicted


@dataclass(frozen=True)
class Stack:
    """A stack, ready to be worked on.

    `config` maps full keys to text, as the program gets it; `package_config(package)` gives the settings of a
    package's default provider; `overlay` is laid over every own provider's settings without being recorded (where the
    project's `.workstead` folder is); `seal` and `unseal` are the record's secrets, `exported` is
    what stands in for a record that cannot be written: a text for `stack import`, its secrets sealed; `patience` is
    how many seconds a run waits before that. `clock`, `hands` and `declare` are for simulations: the last one puts its
    goals to the answers itself, in the place of the program.
    """

    name: records.StackName
    record: records.StackRecord
    program: Path | program.InlineProgram
    root: Path
    source: ProviderSource
    seal: records.Seal
    unseal: Callable[[Snapshot], Snapshot]
    exported: Callable[[Snapshot], bytes]
    package_config: Callable[[str], Properties]
    outputs_of: Callable[[str], Properties]
    config: Mapping[str, str] = field(default_factory=dict)
    secret_keys: tuple[str, ...] = ()
    overlay: Mapping[str, str] = field(default_factory=dict)
    holder: records.Holder = field(default_factory=lambda: records.Holder("", "", 0, ""))
    organization: str = "organization"
    parallel: int = 32
    patience: float = 300.0
    clock: Clock = CLOCK
    hands: Callable[[], Hands] = Threads
    declare: Callable[[Predicted | Carried], None] | None = None
