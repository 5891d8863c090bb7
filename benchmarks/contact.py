"""How well contact, trust and fatigue are learned from logged messages: python benchmarks/contact.py [--seeds N].

Prints, for worlds whose truth is known: how often 95 % intervals of fatigue hold it, the scores of every hazard on days
after the cut-off, what 60 days lived forward from the logs come to beside what happened, and what it costs a world.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from agents.birth import Learned
from agents.domain import PrivateDomain
from experiments.data import Logs
from experiments.learning.fatigue import learn_fatigue
from experiments.train import train
from tests.messages import CHANNELS, SENT, lived, made, written
from tests.worlds import policy, scenario

TRUTH = {"half_life": 5.0, "per_fatigue": 0.5, "scale": 3.0}
CUT, DAYS = 119, 180
COUNTED = ("mute", "unmute", "delete", "reply")


def last(logs: Logs) -> dt.date:
    return logs.origin + dt.timedelta(days=logs.last_day)


def recovered(seeds: int) -> None:
    """Fatigue with known parameters, and logs without any."""
    identified, held = Counter[str](), Counter[str]()
    for seed in range(seeds):
        logs = made(seed, n=1500, days=140, half_life=TRUTH["half_life"], advert=1.0)
        found = learn_fatigue(logs, cut_off=last(logs), scenario=scenario())
        for name, e in found.identified.items() if found else ():
            identified[name] += 1
            held[name] += e.low < TRUTH[name] < e.high
            if name == "half_life":
                print(f"  seed {seed}: half-life {e.mean:.2f} days, 95 % {e.low:.2f} to {e.high:.2f}; truth 5")
    for name, value in TRUTH.items():
        print(f"{name}: identified in {identified[name]} of {seeds} logs, interval holds {value} in {held[name]}")
    alarms = 0
    for seed in range(seeds):
        logs = made(100 + seed, n=500, days=100, per_load=0.0, mute=-3.5)
        found = learn_fatigue(logs, cut_off=last(logs), scenario=scenario())
        alarms += found is not None and "half_life" in found.identified
    print(f"without fatigue: pretended to in {alarms} of {seeds} logs")


def forward(size: int, replicates: int = 4) -> None:
    """The card of a hidden world's hazards, and 60 days lived from its logs under the same policy."""
    hidden = lived(size, DAYS)
    logs = written(hidden)
    training = train(logs, cut_off=logs.origin + dt.timedelta(days=CUT))
    assert training.contact is not None
    for name, task in training.contact.tasks.items():
        ours, rate = task.scores["model"], task.scores["base rate"]
        auc = "  –  " if ours.auc is None else f"{ours.auc:.3f}"
        print(
            f"{name:13} {task.rows:7,} days {task.events:5,} events  AUC {auc}  log-loss {ours.log_loss:.5f} "
            f"(constant {rate.log_loss:.5f})  ECE {ours.ece10:.5f} (constant {rate.ece10:.5f})"
        )
    for note in training.contact.notes:
        print(note)
    events = hidden.ledger.events()
    kinds = [kind.name for kind in hidden.ledger.kinds]
    happened = Counter(kinds[code] for code in events.kind[events.day > CUT].tolist())
    print("happened      ", {kind: happened[kind] for kind in COUNTED})
    learned = training.learned()
    for label, each in (("learned", learned), ("assumed rules", replace(learned, contact=None))):
        counts, seconds = lived_on(each, logs, replicates)
        print(f"{label:14}", {kind: round(counts[kind] / replicates) for kind in COUNTED}, f"{seconds:.2f} s a world")


def lived_on(learned: Learned, logs: Logs, replicates: int) -> tuple[Counter[str], float]:
    """Events of the days after the cut-off over some replicates, and the least CPU seconds of one."""
    start = str(logs.origin + dt.timedelta(days=CUT + 1))
    of, counts, seconds = scenario(1, DAYS - CUT - 1, start=start, channels=CHANNELS), Counter[str](), []
    for seed in range(replicates):
        world = PrivateDomain(of, policy(**SENT), seed=seed, learned=learned)
        began = time.process_time()
        world.run()
        seconds.append(time.process_time() - began)
        counts.update(world.ledger.kinds[code].name for code in world.ledger.events().kind.tolist())
    return counts, min(seconds)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=20)
    arguments.add_argument("--size", type=int, default=4000)
    options = arguments.parse_args()
    forward(options.size)
    recovered(options.seeds)
