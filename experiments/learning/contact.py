"""Learn from logged messages who mutes, comes back, deletes, answers a chat, and moves between trust levels.

Each transition is a discrete-time hazard: it may happen, on a day or on the day of a chat, to whoever is in the state
that it leaves. Events are few among many such days, so all events and a random part of the other days are fitted, and
the intercept is set back by the logarithm of that part; slopes of a logistic regression do not mind (Prentice & Pyke
1979).
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.stats import chi2
from threadpoolctl import threadpool_limits

from agents.birth import LearnedContact
from agents.customers import ContactHistory
from agents.models import ContactModels, Hazard, covariates
from agents.models.contact import TRANSITIONS
from agents.models.exposure import EXPOSURE_HALF_LIVES
from experiments.data import Logs
from experiments.learning.contact_replay import ContactReplay, Flags, Touches
from experiments.learning.fit import FEWEST_EVENTS, fit_hazard
from experiments.learning.model_card import ModelCard, Task, reliability, score
from experiments.learning.replay import Diary, Floats, Ints
from experiments.reporting.suppression import count_words
from sim import Draws

MAX_OTHERS = 150_000  # days without the event that a fit sees of each transition
MAX_JUDGED = 300_000  # days after the cut-off on which each transition is judged
FEWEST_AT_RISK = 500  # days at risk below which the logs do not tell, and the scenario's rule stays; assumed
ALARM = 0.01  # chance that covariates which mean nothing pass for a regression (likelihood ratio); assumed
FEWEST_JUDGED = 50  # days after the cut-off below which a transition is not judged; assumed
BURN_IN_DAYS = 28  # at the start of the logs, when nobody's exposure is known; at most a tenth of the window

MESSAGES = ("adverts", "contents", "chats", "replies")
PERSON = ("log_since", "no_order", "rate_28")  # not tenure nor all orders: calendar clocks where all enter together
BEFORE = tuple(f"{many}_{half_life}" for many in MESSAGES for half_life in EXPOSURE_HALF_LIVES)
TODAY = ("adverts_today", "contents_today", "chats_today", "replies_today")
LEVEL = tuple(f"level_is_{level}" for level in range(5))  # L5 is the one to compare with
CONTACT = ("touched", *TODAY, *BEFORE, "contact_days", *PERSON)
FEATURES = {  # what each transition may read; what the logs do not have, or never varies, is left out
    "mute": (*CONTACT, "hard_sells_today", *LEVEL),
    "delete": (*CONTACT, "hard_sells_today", *LEVEL),
    "unmute": (*CONTACT, *LEVEL),
    "delete_muted": (*CONTACT, *LEVEL),
    "reply": (*BEFORE, "contact_days", *PERSON, *LEVEL),
    **{name: (*TODAY, *BEFORE, "level_days", *PERSON) for name in TRANSITIONS if name.startswith(("rise", "fall"))},
}
NEEDED = {  # kinds of touch without which the logs say nothing of a transition
    "mute": ("mute",), "delete": ("delete",), "unmute": ("mute", "unmute"), "delete_muted": ("mute", "delete"),
    "reply": ("chat", "reply"),
    **{name: ("trust_level",) for name in TRANSITIONS if name.startswith(("rise", "fall"))},
}  # fmt: skip
PRIOR = {  # rates that a smoothed constant starts from: those of the assumed rules
    "mute": 1e-3, "delete": 2e-4, "unmute": 4e-3, "delete_muted": 2e-4, "reply": 0.3,
    **{name: 5e-3 for name in TRANSITIONS if name.startswith(("rise", "fall"))},
}  # fmt: skip


@dataclass(frozen=True)
class Transition:
    """What became of one transition.

    Attributes
    ----------
    events, at_risk : how often it happened up to the cut-off, and on how many days it could have.
    learned : ``hazard``; ``constant``, where events are too few to tell days apart or no covariate does; or ``no``,
        where the scenario's rule stays.
    """

    events: int
    at_risk: int
    learned: str


@dataclass(frozen=True)
class ContactTraining:
    """What was learned of contact and trust.

    Attributes
    ----------
    models : the hazards.
    state : everybody on the evening of the cut-off, which is day −1.
    transitions : what became of each, by name.
    tasks : how each did on the days after the cut-off, for the model card; empty without such days.
    """

    models: ContactModels
    state: ContactHistory
    transitions: dict[str, Transition]
    tasks: dict[str, Task]

    def learned(self) -> LearnedContact:
        """What the world needs of it."""
        return LearnedContact(self.models, self.state)

    def on(self, card: ModelCard) -> ModelCard:
        """A model card with these hazards on it."""
        features = {name: list(hazard.features) for name, hazard in self.models.hazards.items()}
        return replace(card, features=card.features | features, tasks=card.tasks | self.tasks)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was learned and what was not, in sentences for the report."""
        by: dict[str, list[tuple[str, Transition]]] = {"hazard": [], "constant": [], "no": []}
        for name, transition in self.transitions.items():
            by[transition.learned].append((name, transition))
        notes = []
        if by["hazard"]:
            named = ", ".join(f"{name} ({count_words(t.events)} events)" for name, t in by["hazard"])
            notes.append(f"Contact and trust: hazards learned from the logged messages decide {named}.")
        if by["constant"]:
            named = ", ".join(f"{name} ({count_words(t.events)} events)" for name, t in by["constant"])
            notes.append(f"Nothing logged tells one day from another, so a smoothed constant decides {named}.")
        if by["no"]:
            named = ", ".join(name for name, _ in by["no"])
            notes.append(f"The logs say nothing, or too little, of {named}: the scenario's assumed rules decide.")
        return tuple(notes)


@dataclass
class Gathered:
    """Days at risk of one transition."""

    x: list[Floats] = field(default_factory=list)
    y: list[Flags] = field(default_factory=list)
    customer: list[Ints] = field(default_factory=list)
    at_risk: int = 0
    events: int = 0
    touched: int = 0  # days at risk with a message
    events_touched: int = 0


class Gather:
    """Asks on the days of the window: keeps all events and a random part of the other days."""

    def __init__(self, replay: ContactReplay, features: dict[str, tuple[str, ...]], first_day: int, days: int) -> None:
        self.replay, self.features, self.first_day = replay, features, first_day
        self.share = min(1.0, MAX_OTHERS / max(len(replay.history) * days, 1))
        self.found = {name: Gathered() for name in features}
        self.constant: set[str] = set()  # transitions whose days the logs do not tell apart
        self.luck = Draws(0)

    def __call__(self, name: str, rows: Ints, y: Flags, day: int) -> None:
        if name not in self.features or day < self.first_day or not len(rows):
            return
        found, history = self.found[name], self.replay.history
        weekday = self.replay.diary.weekday(day)
        found.at_risk += len(rows)
        found.events += int(y.sum())
        if name in ("mute", "delete"):
            touched = covariates(("touched",), history, rows, day, weekday)[0] > 0
            found.touched += int(touched.sum())
            found.events_touched += int((touched & y).sum())
        kept = y | (self.luck.uniform(f"contact.{name}", day, rows) < self.share)
        found.x.append(covariates(self.features[name], history, rows[kept], day, weekday))
        found.y.append(y[kept])
        found.customer.append(rows[kept])

    def hazard(self, name: str, source: str) -> Hazard:
        """The hazard of a transition: a regression, or constants where events are too few."""
        found = self.found[name]
        if min(found.events, found.at_risk - found.events) < FEWEST_EVENTS:
            self.constant.add(name)
            return _constant(name, found, source)
        x, y = np.concatenate(found.x, axis=1), np.concatenate(found.y)
        varies = np.flatnonzero(np.ptp(x, axis=1) > 0)
        customers = len(np.unique(np.concatenate(found.customer)))
        hazard = fit_hazard(
            name, tuple(self.features[name][i] for i in varies), x[varies], y.astype(np.float64),
            customers=customers, prior=PRIOR[name], tolerance=1e-8,
            source=f"LogisticRegression on {source}: {count_words(found.events)} events",
        )  # fmt: skip
        needed = chi2.ppf(1.0 - ALARM, len(varies))
        if 2.0 * (_log_likelihood(hazard.probability(x[varies]), y) - _log_likelihood(y.mean(), y)) < needed:
            self.constant.add(name)
            return _constant(name, found, source)
        return hazard.recalibrated(1.0, float(np.log(self.share)))


def _constant(name: str, found: Gathered, source: str) -> Hazard:
    """A smoothed constant; for what messages cause one for days with a message, and one for days without."""
    source = f"smoothed constant from {source}: {count_words(found.events)} events"
    if name not in ("mute", "delete"):
        logit = _smoothed(found.events, found.at_risk, PRIOR[name])
        return Hazard(name=name, features=(), coef=(), intercept=logit, source=source)
    loud = _smoothed(found.events_touched, found.touched, PRIOR[name])
    quiet = _smoothed(found.events - found.events_touched, found.at_risk - found.touched, PRIOR["delete"])
    return Hazard(name=name, features=("touched",), coef=(loud - quiet,), intercept=quiet, source=source)


def _log_likelihood(p: Any, y: Flags) -> float:
    return float(np.log(np.where(y, p, 1.0 - p)).sum())


def _smoothed(events: int, days: int, prior: float) -> float:
    p = (events + 1.0) / (days + 1.0 / prior)
    return float(np.log(p) - np.log1p(-p))


class Judge:
    """Asks on the days after the cut-off: what the hazards and the constant rates of training had said."""

    def __init__(self, models: ContactModels, replay: ContactReplay, rates: dict[str, float], cut_day: int) -> None:
        self.models, self.replay, self.rates, self.cut_day = models, replay, rates, cut_day
        self.found: dict[str, list[tuple[Floats, Flags]]] = {name: [] for name in rates}
        self.share, self.luck = 1.0, Draws(0)

    def __call__(self, name: str, rows: Ints, y: Flags, day: int) -> None:
        if name not in self.found or day <= self.cut_day or not len(rows):
            return
        kept = self.luck.uniform(f"contact.judge.{name}", day, rows) < self.share
        p = self.models.chance(name, self.replay.history, rows[kept], day, self.replay.diary.weekday(day))
        self.found[name].append((p, y[kept]))

    def tasks(self) -> dict[str, Task]:
        """Scores by transition."""
        tasks = {}
        for name, parts in self.found.items():
            if sum(len(y) for _, y in parts) >= FEWEST_JUDGED:
                p, y = np.concatenate([p for p, _ in parts]), np.concatenate([y for _, y in parts])
                scores = {"model": score(p, y), "base rate": score(np.full(len(y), self.rates[name]), y)}
                tasks[name] = Task(TRANSITIONS[name], len(y), int(y.sum()), scores, reliability(p, y))
        return tasks


def learn_contact(logs: Logs, *, cut_off: datetime.date, customers: Ints) -> ContactTraining | None:
    """Hazards of contact and trust from the days up to a cut-off, judged on the days after it; None without any.

    Parameters
    ----------
    customers : codes of the customers whose state is wanted, in this order: ``Training.customer``.
    """
    cut_day = (cut_off - logs.origin).days
    if logs.touches is None:
        return None
    touches = Touches.of(logs, cut_day)
    wanted = {name: features for name, features in FEATURES.items() if touches.has(*NEEDED[name])}
    if not wanted:
        return None
    if not touches.has("trust_level"):  # the level of somebody without a tag is only a guess
        wanted = {name: tuple(f for f in fs if "level" not in f and "hard" not in f) for name, fs in wanted.items()}
    replay = ContactReplay(Diary.of(logs, cut_day), touches)
    first_day = min(BURN_IN_DAYS, (cut_day + 1) // 10)
    gather = Gather(replay, wanted, first_day, cut_day + 1 - first_day)
    for day in range(cut_day + 1):
        replay.advance(day, gather)
    enough = [name for name in wanted if gather.found[name].at_risk >= FEWEST_AT_RISK]
    with threadpool_limits(1):  # threads of BLAS wait for each other actively: slower on a busy machine
        hazards = {name: gather.hazard(name, f"{logs.name} {logs.digest}") for name in enough}
    if not hazards:
        return None
    models = ContactModels(hazards=hazards)
    state = replay.history.rebased(cut_day + 1).taken(customers)
    transitions = _transitions(gather, models)
    return ContactTraining(models, state, transitions, _judged(logs, models, transitions, cut_day))


def _transitions(gather: Gather, models: ContactModels) -> dict[str, Transition]:
    found = {}
    for name in TRANSITIONS:
        seen = gather.found.get(name, Gathered())
        learned = "no"
        if name in models:
            learned = "constant" if name in gather.constant else "hazard"
        found[name] = Transition(seen.events, seen.at_risk, learned)
    return found


def _judged(logs: Logs, models: ContactModels, transitions: dict[str, Transition], cut_day: int) -> dict[str, Task]:
    """Scores of the regressions on the days after the cut-off."""
    rates = {name: t.events / t.at_risk for name, t in transitions.items() if t.learned == "hazard"}
    if not rates or logs.last_day == cut_day:
        return {}
    replay = ContactReplay(Diary.of(logs, logs.last_day), Touches.of(logs, logs.last_day))
    judge = Judge(models, replay, rates, cut_day)
    judge.share = min(1.0, MAX_JUDGED / (len(replay.history) * (logs.last_day - cut_day)))
    for day in range(logs.last_day + 1):
        replay.advance(day, judge)
    return judge.tasks()
