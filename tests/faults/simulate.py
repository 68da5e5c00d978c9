"""Long lives of stacks, left to chance: `python -m tests.faults.simulate --schedules 20000 --seed 1`.

A schedule is a program of some resources that changes again and again, commands that carry each change out, and
everything that can go wrong: deaths, lost answers, throttling, what arrives late, what is shown old, people who meddle.
At the end one up that nothing disturbs must lead to what the program says. The seed of a schedule decides all of it; a
failing one prints its seed and its tale.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import click

from tests.faults.cloud import MARKED, NAMED, NUMBERED, Weather
from tests.faults.simulation import Simulation, WrongError
from tests.faults.things import Program, Thing
from tests.faults.world import LAG, LATE


@dataclass
class Life:
    """One schedule, as its seed decides it."""

    seed: int
    smallest: int = 5
    largest: int = 30
    counts: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        """Live it. Raises WrongError with the seed and the tale."""
        try:
            self._live()
        except WrongError as error:
            again = f"python -m tests.faults.simulate --schedules 1 --seed {self.seed}"
            raise WrongError(f"{error}\nschedule {self.seed}; again: {again}") from error

    def _live(self) -> None:
        chance = self.chance = Random(self.seed)
        self.names = 0
        self.simulation = simulation = Simulation(chance)
        self.meddled = False
        for _ in range(chance.randint(self.smallest, self.largest)):
            simulation.program = (*simulation.program, self._new(simulation.program))
        for _ in range(chance.randint(2, 5)):
            simulation.cloud.weather = Weather(*chance.choice(((0.0, 0.0), (0.1, 0.0), (0.0, 0.05), (0.05, 0.05))))
            self._command()
            simulation.require_whole()
            simulation.world.pass_time(chance.choice((0.0, 0.5, 3.0, LATE + LAG)))
            if chance.random() < 0.15:
                self._meddle()
            if chance.random() < 0.8:
                simulation.program = self._changed(simulation.program)
        simulation.cloud.weather = Weather()
        simulation.well("up", skip_preview=chance.random() < 0.5, refresh=self.meddled)
        simulation.require_well()

    def _command(self) -> None:
        chance, simulation = self.chance, self.simulation
        name = chance.choices(("up", "refresh", "destroy"), (10, 2, 1))[0]
        choices = {"skip_preview": True, "continue_on_error": chance.random() < 0.3}
        if name == "up" and chance.random() < 0.2:
            choices["refresh"] = True
        self.counts["commands"] += 1
        if chance.random() < 0.6:
            moment = chance.randint(1, 6 * len(simulation.program) + 10)
            self.counts["deaths"] += simulation.crash(name, moment, **choices)
        elif simulation.command(name, **choices) is not None:
            self.counts["failures"] += 1

    # --- programs

    def _new(self, before: Program) -> Thing:
        """Another resource, perhaps one that follows from others."""
        chance = self.chance
        self.names += 1

        def some() -> str:
            return chance.choice(before).name if before and chance.random() < 0.4 else ""

        return Thing(
            f"t{self.names}",
            chance.choice((NAMED, NUMBERED, MARKED)),
            tag=some(),
            bound=some() if chance.random() < 0.5 else "",
            after=tuple(filter(None, (some(),))),
            deleted_with=some() if chance.random() < 0.15 else "",
            delete_first=chance.choice((None, None, None, True)),
        )

    def _changed(self, program: Program) -> Program:
        """The program after somebody has worked on it."""
        chance = self.chance
        for _ in range(chance.randint(1, 4)):
            what = chance.choice(("size", "shape", "called", "tag", "bound", "add", "remove", "order"))
            if what == "add" or not program:
                program = (*program, self._new(program))
                continue
            index = chance.randrange(len(program))
            thing = program[index]
            if what == "remove":
                program = tuple(_without(other, thing.name) for other in program if other is not thing)
                continue
            changes = {
                "size": {"size": chance.randint(1, 5)},
                "shape": {"shape": chance.choice(("round", "square", "flat"))},
                "called": {"called": f"{thing.name}-{chance.randint(1, 3)}"},
                "tag": {"tag": chance.choice(program[:index]).name if index else ""},
                "bound": {"bound": chance.choice(program[:index]).name if index else ""},
                "order": {"delete_first": chance.choice((None, True))},
            }[what]
            program = (*program[:index], thing.but(**changes), *program[index + 1 :])
        return program

    def _meddle(self) -> None:
        """Somebody changes or deletes an object of ours in the console."""
        there = sorted(self.simulation.cloud.present())
        if not there:
            return
        id_ = self.chance.choice(there)
        if self.chance.random() < 0.5:
            self.simulation.cloud.change(id_, {"size": 99})
            self.simulation.world.tell("meddled", f"{id_} has size 99")
        else:
            self.simulation.cloud.end(id_)
            self.simulation.world.tell("meddled", f"{id_} is gone")
        self.simulation.world.pass_time(LAG)
        self.meddled = True


def _without(thing: Thing, name: str) -> Thing:
    """A resource that no longer follows from another."""
    return thing.but(
        tag="" if thing.tag == name else thing.tag,
        bound="" if thing.bound == name else thing.bound,
        deleted_with="" if thing.deleted_with == name else thing.deleted_with,
        after=tuple(other for other in thing.after if other != name),
    )


@click.command()
@click.option("--schedules", default=500, show_default=True, help="How many.")
@click.option("--seed", default=1, show_default=True, help="That of the first; each next one has the next number.")
@click.option("--keep-going", is_flag=True, help="Count the failing ones, and show only their seeds after the first.")
def main(schedules: int, seed: int, keep_going: bool) -> None:
    """Live this many schedules, and print one line of counts."""
    began = time.process_time()
    counts: Counter[str] = Counter()
    wrong: list[int] = []
    for number in range(seed, seed + schedules):
        life = Life(number)
        try:
            life.run()
        except WrongError as error:
            wrong.append(number)
            click.echo(f"schedule {number}: {error if len(wrong) == 1 else str(error).splitlines()[0]}", err=True)
            if not keep_going:
                break
        counts += life.counts
        counts["schedules"] += 1
    told = " ".join(f"{name}={counts[name]}" for name in ("schedules", "commands", "deaths", "failures"))
    click.echo(f"{told} wrong={len(wrong)} seed={seed} cpu={time.process_time() - began:.0f}s")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
