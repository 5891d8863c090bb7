"""How fast the engine is, what a customer weighs, and how both grow: python benchmarks/engine.py [--quick] [--learned].

Two worlds are told apart (benchmarks/playbook.py): that of six kinds of action, the playbook of the first releases,
whose speed is to stay what it was, and the whole playbook. --against CLONE compares the former with another commit.

Speed is counted in agent-days: contacts of day 0 times days lived, newcomers not counted. Times are those of this
process's own CPU clock and the least of the repeats, since other work may share the machine. Memory is measured in a
fresh process each. Everything that is compared runs here, one after the other; compare ratios between machines, not
seconds.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import gc
import multiprocessing
import platform
import sys
import time
import tracemalloc
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from agents.birth import Learned
from agents.domain import PrivateDomain
from agents.models import History
from benchmarks.against import ratio, show_against
from benchmarks.playbook import Setting, everything, six_kinds

SEED = 1
REFERENCE_SIZE = 1000  # customers as objects; their speed does not depend on their number

SEARCHED = {"scenario": "sparkling_drinks", "policy": "sparkling_drinks", "search": "sparkling_drinks"}
SEARCH_SIZE, SEARCH_DAYS = 10_000, 180
SEARCH_REPLICATES = 200 * 8  # trials times replicates
SEARCH_MINUTES = 3  # in which two cores should live them

TARGETS = {
    "agent-days/s of a search on two cores": (
        "at least",
        SEARCH_REPLICATES * SEARCH_SIZE * SEARCH_DAYS / SEARCH_MINUTES / 60,
    ),
    "agent-days/s at 100 k, six kinds": ("at least", 4e6),
    "time of six kinds over that of the other commit": ("at most", 1.05),
    "time of the whole playbook over that of six kinds": ("at most", 2.0),
    "bytes a customer at 1 M": ("at most", 200.0),
    "time of 1 M over time of 100 k": ("at most", 12.0),
    "speed over the object reference": ("at least", 30.0),
}


def learned_population(size: int) -> Learned:
    """Models and states learned from the Complete Journey, its households repeated under new keys up to a size."""
    from experiments import load_logs, train

    one = train(load_logs("complete_journey")).learned()
    again = np.resize(np.arange(len(one.history)), size)
    history = History()
    history.restore({name: array[again] for name, array in one.history.arrays().items()})
    history.key[:] = np.arange(size)
    return Learned(one.models, history, one.p_lapsed[again], one.spend_before[again])


@dataclass(frozen=True)
class Run:
    """One world lived to its end."""

    cpu_seconds: float
    wall_seconds: float
    agent_days: int
    rows: int
    events: int
    phases: dict[str, float]

    @property
    def speed(self) -> float:
        """Agent-days a second of CPU time."""
        return self.agent_days / self.cpu_seconds


def live(setting: Setting, *, detail: bool = False, learned: Learned | None = None, profile: bool = False) -> Run:
    """Live one world; its birth is not counted."""
    world = PrivateDomain(
        setting.scenario(), setting.policy(), seed=SEED, learned=learned, detail=detail, profile=profile
    )
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    world.run()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    events = int(world.ledger.totals().n.sum())
    return Run(cpu, wall, setting.size * setting.days, len(world.customers), events, dict(world.seconds))


def best(repeats: int, setting: Setting, **options: Any) -> Run:
    """The fastest of several equal runs."""
    return min((live(setting, **options) for _ in range(repeats)), key=lambda run: run.cpu_seconds)


def show_playbook(size: int, days: int, repeats: int) -> float:
    """Live six kinds of action and the whole playbook in turns; the ratio of their times an agent-day."""
    settings = six_kinds(size, days), everything(size, days)
    kinds = {action["kind"] for action in settings[1].operator["actions"].values()}
    print(f"the whole playbook, {len(kinds)} kinds of action, in turns with six kinds, {size:,} customers")
    runs: tuple[list[Run], list[Run]] = ([], [])
    for _ in range(repeats):
        for setting, done in zip(settings, runs, strict=True):
            done.append(live(setting))
    seconds = [[run.cpu_seconds for run in done] for done in runs]
    fastest = [min(done, key=lambda run: run.cpu_seconds) for done in runs]
    for label, run in zip(("six kinds", "every kind"), fastest, strict=True):
        show(label, run)
    print(f"  every kind takes {ratio(*seconds)}")
    show_phases(best(1, settings[1], profile=True), parts=12)
    return fastest[1].cpu_seconds / fastest[0].cpu_seconds


@dataclass(frozen=True)
class Weight:
    """Bytes a customer, newcomers included, that a world adds at its peak beside the ledger."""

    traced: float
    resident: float
    columns: int


def weigh(setting: Setting, small: Setting) -> Weight:
    """Weigh a world. To be called in a fresh process, since a process's peak never falls."""
    live(small)  # everything imported and cached that has nothing to do with the size
    scenario, policy = setting.scenario(), setting.policy()
    before = most_resident()
    world = PrivateDomain(scenario, policy, seed=SEED, detail=False)
    world.run()
    resident, rows = most_resident() - before, len(world.customers)
    del world
    gc.collect()
    tracemalloc.start()
    world = PrivateDomain(scenario, policy, seed=SEED, detail=False)
    world.run()
    return Weight(tracemalloc.get_traced_memory()[1] / rows, resident / rows, world.customers.bytes_per_row)


def most_resident() -> int:
    """Largest resident memory of this process so far, bytes; 0 where the system has no /proc."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))


def weigh_apart(setting: Setting, small: Setting) -> Weight:
    """:func:`weigh` in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(weigh, setting, small).result()


def reference_speed(days: int, repeats: int) -> float:
    """Agent-days a second of CPU time when every customer is a mesa agent."""
    from tests.reference import ReferenceWorld

    setting, seconds = six_kinds(REFERENCE_SIZE, days), []
    for _ in range(repeats):
        world = ReferenceWorld(setting.scenario(), setting.policy(), seed=SEED)
        began = time.process_time()
        world.run()
        seconds.append(time.process_time() - began)
    return REFERENCE_SIZE * days / min(seconds)


def machine() -> str:
    """Processor, cores and versions."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = f"{names[0]} × {len(names)}" if names else model
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "mesa", "pydantic"))
    return f"{model}; {platform.system()}; Python {platform.python_version()}, {packages}"


def searched(replicates: int) -> Run:
    """Replicates of a search, each with its birth and its metrics, of policies spread over its space.

    Scenario, policy and space are the shipped ones of sparkling drinks, at the size that the targets name.
    """
    from experiments import load
    from experiments.run import live as replicate
    from experiments.searching.space.coordinates import Coordinates

    shipped, base, plan = (load(f"{kind}/{name}") for kind, name in SEARCHED.items())
    people = shipped.population.model_copy(update={"size": SEARCH_SIZE})
    scenario = shipped.model_copy(update={"population": people, "horizon_days": SEARCH_DAYS})
    axes = Coordinates(plan.dimensions())
    policies = [plan.policy(base, axes.params(row)) for row in axes.sobol(replicates, SEED)]
    replicate(scenario, base, SEED)  # everything imported and cached
    cpu, wall = time.process_time(), time.perf_counter()
    outcomes = [replicate(scenario, policy, SEED + number) for number, policy in enumerate(policies)]
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    rows = sum(int(outcome.values["acquired"]) for outcome in outcomes)
    events = sum(int(value) for outcome in outcomes for name, value in outcome.values.items() if name.startswith("n_"))
    return Run(cpu, wall, replicates * SEARCH_SIZE * SEARCH_DAYS, rows, events, {})


def show_search(processes: int, replicates: int) -> float:
    """Live replicates of a search in several processes at once; agent-days a second of CPU time, all together."""
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(processes, mp_context=context) as pool:
        runs = list(pool.map(searched, [replicates] * processes))
    speed = sum(run.speed for run in runs)
    cpu = sum(run.cpu_seconds for run in runs) / len(runs) / replicates
    share = sum(run.wall_seconds for run in runs) / sum(run.cpu_seconds for run in runs)
    minutes = SEARCH_REPLICATES * SEARCH_SIZE * SEARCH_DAYS / speed / 60
    print(
        f"  {f'{processes} process' + 'es at once' * (processes > 1):<38}{speed / 1e6:>7.2f} M agent-days/s"
        f" {cpu:>8.3f} s CPU a replicate (wall × {share:.2f}); {SEARCH_REPLICATES:,} replicates: {minutes:.1f} minutes"
    )
    return speed


def show(label: str, run: Run) -> None:
    share = run.wall_seconds / run.cpu_seconds
    print(
        f"  {label:<38}{run.speed / 1e6:>7.2f} M agent-days/s {run.cpu_seconds:>8.2f} s CPU (wall × {share:.2f})"
        f"  {run.events / run.agent_days:.3f} events an agent-day, {run.rows:,} rows at the end"
    )


def show_phases(run: Run, parts: int = 0) -> None:
    """Where the time of a profiled run goes: phases, and the dearest actions and behaviours."""
    phases = {name: seconds for name, seconds in run.phases.items() if "/" not in name}
    within = {name: seconds for name, seconds in run.phases.items() if "/" in name}
    total = sum(phases.values())
    for label, found, most in (("phases", phases, len(phases)), ("dearest parts", within, parts)):
        dearest = sorted(found.items(), key=lambda item: -item[1])[:most]
        if dearest:
            split = ", ".join(f"{name} {100 * seconds / total:.0f} %" for name, seconds in dearest)
            print(f"  {label} at {run.agent_days:,} agent-days: {split}")


def show_weights(size: int, days: int) -> Weight:
    """Weigh the worlds of a size, each in a process of its own; give that of six kinds of action with newcomers."""
    worlds = {
        "every kind of action": (everything(size, days), everything(1000, days)),
        "six kinds without newcomers": (six_kinds(size, days, newcomers=False), six_kinds(100, days)),
        "six kinds and newcomers by three channels": (six_kinds(size, days), six_kinds(100, days)),
    }
    for label, settings in worlds.items():
        weight = weigh_apart(*settings)
        print(
            f"  {size:,} customers, {label}: {weight.traced:.0f} traced at the peak, {weight.resident:.0f} resident; "
            f"{weight.columns} in columns"
        )
    return weight


def verdicts(found: dict[str, float]) -> None:
    print("targets")
    for name, value in found.items():
        word, limit = TARGETS[name]
        met = value >= limit if word == "at least" else value <= limit
        print(f"  {'met   ' if met else 'MISSED'} {name}: {value:,.4g} ({word} {limit:,.4g})")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer days and repeats, no million")
    parser.add_argument("--learned", action="store_true", help="also with models learned from the Complete Journey")
    parser.add_argument("--days", type=int, default=60, help="days of each run (default 60)")
    parser.add_argument("--repeats", type=int, default=3, help="runs of which the fastest counts (default 3)")
    parser.add_argument("--against", type=Path, metavar="CLONE", help="clone of this repository at another commit")
    given = parser.parse_args()
    days, repeats = (min(given.days, 30), 1) if given.quick else (given.days, given.repeats)
    sizes = [10_000, 100_000] if given.quick else [10_000, 100_000, 1_000_000]
    print(f"{machine()}\nsix kinds of action, {days} days, best of {repeats}")

    print("speed, default models")
    usual = six_kinds(100_000, days)
    runs = {size: best(repeats, six_kinds(size, days)) for size in sizes}
    for size, run in runs.items():
        show(f"{size:,} customers, totals only", run)
    show("100,000 customers, every event kept", best(repeats, usual, detail=True))
    show_phases(best(repeats, usual, profile=True))
    if given.learned:
        print("speed, models learned from the Complete Journey")
        learned = learned_population(100_000)
        show("100,000 customers, totals only", best(repeats, usual, learned=learned))
        show_phases(best(repeats, usual, learned=learned, profile=True))
    found = {
        "agent-days/s at 100 k, six kinds": runs[100_000].speed,
        "time of the whole playbook over that of six kinds": show_playbook(100_000, days, repeats),
    }
    if given.against:
        name = "time of six kinds over that of the other commit"
        found[name] = show_against(given.against.resolve(), usual.size, days, repeats)
    objects = reference_speed(days, repeats)
    print(f"object reference\n  {REFERENCE_SIZE:,} customers {objects / 1e3:,.1f} k agent-days/s")
    found["speed over the object reference"] = runs[100_000].speed / objects

    print("memory beside the ledger, bytes a customer")
    for size in sizes[1:]:
        weight = show_weights(size, days)
    print(f"search of sparkling drinks, {SEARCH_SIZE:,} customers, {SEARCH_DAYS} days, birth and metrics included")
    show_search(1, 4 * repeats)
    found["agent-days/s of a search on two cores"] = show_search(2, 4 * repeats)
    if not given.quick:
        found["time of 1 M over time of 100 k"] = runs[1_000_000].cpu_seconds / runs[100_000].cpu_seconds
        found["bytes a customer at 1 M"] = weight.traced
    verdicts(found)


if __name__ == "__main__":
    main()
