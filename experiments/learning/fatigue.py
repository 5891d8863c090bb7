"""Wear-out and recovery: how the response to a message falls with those before it, and how soon they are forgotten.

Fatigue is a load that each message adds to and that decays with a half-life. Three responses may show it: muting on
days with a message (its odds rise with the load), replies to chats (theirs fall) and orders (adverts bring fewer). For
each half-life of a grid the likelihood of each response is maximised over everything else; their sum is the profile of
the half-life. A response that moves the other way is no fatigue but selection, and counts as none.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.stats import chi2
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from agents.behaviours import Attention, Reaction
from agents.models import covariates
from agents.scenario import Scenario
from experiments.data import Logs
from experiments.learning.contact_replay import ContactReplay, Flags, Touches
from experiments.learning.replay import Diary, Floats, Ints
from experiments.searching.worlds import Span
from sim import Draws

HALF_LIVES = np.geomspace(0.5, 45.0, 14)  # days; a grid wider than any cited half-life of message fatigue
SCALES = np.geomspace(0.5, 64.0, 12)  # messages' worth of fatigue that halve a pull
MAX_OTHERS = 20_000  # days without the event that a fit sees of each response
FEWEST_EVENTS = 30  # of a response; fewer cannot bend a profile. Assumed
BURN_IN_DAYS = 28  # at the start of the logs, when nobody's load is known; at most a tenth of the window
WITHIN = float(chi2.ppf(0.95, 1))  # twice the log-likelihood that a 95 % interval may lose
Z_95 = 1.96  # two-sided 95 % point of the normal distribution
WEAK_RIDGE = 100.0  # C on standardised covariates: keeps fits finite where everybody's messages come on the same days
FLAT = 1e-9  # a covariate whose sd is below this never varied
FINE = 400  # points at which a profile is read between those of its grid

PERSON = ("log_since", "no_order", "rate_28", "rate_112", "contact_days")
TODAY = ("adverts_today", "contents_today", "chats_today")
WEEKDAYS = tuple(f"weekday_{number}" for number in range(6))
LEVELS = tuple(f"level_is_{level}" for level in range(5))
COMMON = (*PERSON, *WEEKDAYS, *LEVELS)  # weekdays: where all are sent the same week, load and weekday are one
CONTROLS = {
    "mute": (*TODAY, "hard_sells_today", *COMMON),
    "reply": COMMON,
    "order": (*TODAY, *COMMON),
}
EXPECTED = {"mute": 1.0, "reply": -1.0, "order": -1.0}  # direction in which fatigue moves the odds

PATHS = {
    "half_life": "behaviours.attention.fatigue_half_life_days",
    "scale": "behaviours.attention.fatigue_scale",
    "per_fatigue": "behaviours.reaction.per_fatigue",
}


@dataclass(frozen=True)
class FatigueEstimate:
    """One parameter of the scenario as the logs see it.

    Attributes
    ----------
    path : of the scenario's parameter.
    mean, low, high : best value and 95 % interval; the ends of the grid where the profile does not close.
    n : customer-days that were looked at.
    identified : whether the logs tell it: fatigue is there beyond chance, and the interval ends within the grid.
    source : how it was found.
    """

    path: str
    mean: float
    low: float
    high: float
    n: int
    identified: bool
    source: str


@dataclass(frozen=True)
class Fatigue:
    """What logged messages tell of fatigue.

    Attributes
    ----------
    estimates : by name: ``half_life``, ``scale``, ``per_fatigue``; those that could be looked at.
    profiles : twice the log-likelihood gained over no fatigue at each of ``HALF_LIVES``, by response; shape (14,).
    """

    estimates: dict[str, FatigueEstimate]
    profiles: dict[str, Floats]

    @property
    def identified(self) -> dict[str, FatigueEstimate]:
        """Those that the logs tell."""
        return {name: estimate for name, estimate in self.estimates.items() if estimate.identified}

    def applied(self, scenario: Scenario) -> Scenario:
        """The scenario with the identified parameters at their best values; the others stay as assumed."""
        found = {name: estimate.mean for name, estimate in self.identified.items()}
        behaviours = dict(scenario.behaviours)
        for kind, default, fields in (
            ("attention", Attention, {"half_life": "fatigue_half_life_days", "scale": "fatigue_scale"}),
            ("reaction", Reaction, {"per_fatigue": "per_fatigue"}),
        ):
            update = {fields[name]: value for name, value in found.items() if name in fields}
            if update:
                behaviours[kind] = behaviours.get(kind, default()).model_copy(update=update)
        return scenario.model_copy(update={"behaviours": behaviours})

    def without(self, paths: Collection[str]) -> Fatigue:
        """The same, silent about some parameters of the scenario."""
        return replace(self, estimates={name: e for name, e in self.estimates.items() if e.path not in paths})

    def uncertain(self) -> dict[str, Span]:
        """The intervals of the identified parameters, as an experiment's ``uncertain:`` has them."""
        return {e.path: Span(low=e.low, high=e.high, log=True) for e in self.identified.values()}

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found and what was not, in sentences for the report."""
        notes = []
        for e in self.estimates.values():
            name = e.path.rsplit(".", 1)[1]
            if e.identified:
                notes.append(f"Fatigue: {name} {e.mean:.3g}, 95 % {e.low:.3g} to {e.high:.3g}; {e.source}.")
            else:
                notes.append(f"Fatigue: the logs do not tell {name} ({e.source}); the assumed value stays.")
        return tuple(notes)


@dataclass
class Response:
    """The days on which one response could show fatigue; for orders days without a message are there to compare."""

    x: list[Floats] = field(default_factory=list)  # controls, (features, n) a day
    load: list[Floats] = field(default_factory=list)  # load before the day at each half-life, (half-lives, n) a day
    y: list[Flags] = field(default_factory=list)
    customer: list[Ints] = field(default_factory=list)
    day: list[Ints] = field(default_factory=list)


class Doses:
    """Asks on all days, and keeps everybody's load at every half-life of the grid."""

    def __init__(self, replay: ContactReplay, weights: dict[str, float], first_day: int, days: int) -> None:
        self.replay, self.weights, self.first_day = replay, weights, first_day
        n = len(replay.history)
        self.day, self.load = -1, np.zeros((len(HALF_LIVES), n))
        self.decay = np.exp2(-1.0 / HALF_LIVES)[:, None]
        self.found = {name: Response() for name in CONTROLS}
        most = {"mute": len(replay.touches.day), "reply": len(replay.touches.of_kind("chat")), "order": n * days}
        self.share = {name: min(1.0, MAX_OTHERS / max(at_risk, 1)) for name, at_risk in most.items()}
        self.luck = Draws(0)

    def __call__(self, name: str, rows: Ints, y: Flags, day: int) -> None:
        while self.day < day:
            self._sleep()
        if name not in self.found or day < self.first_day or not len(rows):
            return
        found, history, weekday = self.found[name], self.replay.history, self.replay.diary.weekday(day)
        kept = y | (self.luck.uniform(f"fatigue.{name}", day, rows) < self.share[name])
        if name == "mute":
            kept[kept] = covariates(("touched",), history, rows[kept], day, weekday)[0] > 0
        found.x.append(covariates(CONTROLS[name], history, rows[kept], day, weekday))
        found.load.append(self.load[:, rows[kept]])
        found.y.append(y[kept])
        found.customer.append(rows[kept])
        found.day.append(np.full(int(kept.sum()), day))

    def _sleep(self) -> None:
        """Add the day's messages and let a night pass."""
        if self.day >= 0:
            today = self.replay.touches.on(self.day)
            for kind, weight in self.weights.items():
                self.load += weight * np.bincount(today.of_kind(kind), minlength=self.load.shape[1])
        self.load *= self.decay
        self.day += 1


@dataclass(frozen=True)
class Fitted:
    """One logistic regression: its log-likelihood, and of the last coefficient value, standard error and inflation.

    ``inflation`` is what the likeness of one customer's days, or of all on one day, whichever is more, makes of the
    variance of independent rows; at least 1.
    """

    log_likelihood: float
    coef: float
    se: float
    inflation: float


class Gains(NamedTuple):
    """At each half-life twice the log-likelihood gained over the inflation; coefficients and standard errors."""

    gained: Floats
    coefs: Floats
    se: Floats
    inflation: float


@dataclass(frozen=True)
class Profile:
    """The profile of the half-life in one response."""

    name: str
    x: Floats  # controls that vary, standardised, (n, controls)
    load: Floats  # (half-lives, n)
    adverts: Floats  # today, (n,)
    y: Floats
    customer: Ints
    day: Ints

    @classmethod
    def of(cls, name: str, response: Response) -> Profile | None:
        """The profile of a response, or None where events are too few."""
        if not response.y:
            return None
        x, y = np.concatenate(response.x, axis=1), np.concatenate(response.y).astype(np.float64)
        if min(y.sum(), (1.0 - y).sum()) < FEWEST_EVENTS:
            return None
        names = CONTROLS[name]
        adverts = x[names.index("adverts_today")] if "adverts_today" in names else np.zeros(len(y))
        varies = x.std(axis=1) > FLAT
        if name == "order":
            varies[names.index("adverts_today")] = False  # their pull is what fatigue changes
        x = (x[varies] - x[varies].mean(axis=1, keepdims=True)) / x[varies].std(axis=1, keepdims=True)
        load = np.concatenate(response.load, axis=1)
        if np.ptp(load[0]) == 0 or (name == "order" and np.ptp(adverts) == 0):
            return None  # nothing before, or nothing today, that could be told apart
        return cls(
            name,
            np.ascontiguousarray(x.T),
            load,
            adverts,
            y,
            np.concatenate(response.customer),
            np.concatenate(response.day),
        )

    def fit(self, extra: list[Floats]) -> Fitted:
        """Maximise over the controls and these covariates; the last of them is the one that is asked for."""
        sd = [max(float(column.std()), FLAT) for column in extra]
        x = np.column_stack([self.x, *(column / s for column, s in zip(extra, sd, strict=True))])
        model = LogisticRegression(C=WEAK_RIDGE, solver="newton-cholesky", tol=1e-8).fit(x, self.y)
        p = model.predict_proba(x)[:, 1]
        log_likelihood = float(np.log(np.where(self.y > 0, p, 1.0 - p)).sum())
        if not extra:
            return Fitted(log_likelihood, 0.0, 0.0, 1.0)
        x = np.column_stack([x, np.ones(len(x))])
        bread = np.linalg.inv(x.T @ (x * (p * (1.0 - p))[:, None]) + np.eye(x.shape[1]) / WEAK_RIDGE)
        influence = (self.y - p) * (x @ bread[-2])
        by = (np.bincount(of, influence) for of in (self.customer, self.day))
        plain, robust = bread[-2, -2], max(float(each @ each) for each in by)
        se = float(np.sqrt(max(plain, robust))) / sd[-1]
        return Fitted(log_likelihood, float(model.coef_[0, -1]) / sd[-1], se, max(float(robust / plain), 1.0))

    def covariates(self, i: int) -> list[Floats]:
        """What the i-th half-life adds: the load; for orders what it takes off the pull of today's adverts."""
        if self.name == "order":
            return [self.load[i], self.adverts, self.load[i] * self.adverts]
        return [self.load[i]]

    @cached_property
    def gains(self) -> Gains:
        """What each half-life is worth."""
        none = self.fit([])
        fits, gained = [], np.zeros(len(HALF_LIVES))
        for i in range(len(HALF_LIVES)):
            extra = self.covariates(i)
            before = self.fit(extra[:-1]) if len(extra) > 1 else none
            fits.append(self.fit(extra))
            if fits[i].coef * EXPECTED[self.name] > 0:
                gained[i] = 2.0 * (fits[i].log_likelihood - before.log_likelihood)
        inflation = fits[int(gained.argmax())].inflation
        se = np.array([fitted.se for fitted in fits])
        return Gains(gained / inflation, np.array([fitted.coef for fitted in fits]), se, inflation)


def learn_fatigue(logs: Logs, *, cut_off: datetime.date, scenario: Scenario) -> Fatigue | None:
    """Fatigue from the logged messages up to a cut-off; None where there are none.

    Parameters
    ----------
    scenario : its ``attention`` says how much content and chats weigh against an advert.
    """
    if logs.touches is None:
        return None
    cut_day = (cut_off - logs.origin).days
    touches = Touches.of(logs, cut_day)
    attention: Any = scenario.behaviours.get("attention", Attention())
    weights = {"message_advert": 1.0, "message_content": attention.content_load, "chat": attention.chat_load}
    if not any(touches.has(kind) for kind in weights):
        return None
    replay = ContactReplay(Diary.of(logs, cut_day), touches)
    first_day = min(BURN_IN_DAYS, (cut_day + 1) // 10)
    doses = Doses(replay, weights, first_day, cut_day + 1 - first_day)
    for day in range(cut_day + 1):
        replay.advance(day, doses)
    with threadpool_limits(1):
        profiles = {name: p for name, r in doses.found.items() if (p := Profile.of(name, r)) is not None}
        return _estimated(profiles, attention.fatigue_half_life_days)


def _estimated(profiles: dict[str, Profile], assumed_half_life: float) -> Fatigue | None:
    if not profiles:
        return None
    gained = {name: profile.gains.gained for name, profile in profiles.items()}
    total, n = np.sum(list(gained.values()), axis=0), sum(len(p.y) for p in profiles.values())
    needed = float(chi2.ppf(0.95, 1 + len(profiles)))
    about = f"profile likelihood of {', '.join(profiles)} on {n:,} days, twice the gain {total.max():.1f}"
    half_life = _read(PATHS["half_life"], HALF_LIVES, total, needed, n, about)
    estimates = {"half_life": half_life}
    if "mute" in profiles:
        estimates["per_fatigue"] = _per_fatigue(profiles["mute"], total, half_life.identified)
    if "order" in profiles:
        others = sum((gained[name] for name in profiles if name != "order"), np.zeros(len(HALF_LIVES)))
        believed = (half_life.low, half_life.mean, half_life.high) if half_life.identified else (assumed_half_life,)
        nearest = sorted({int(np.abs(np.log(HALF_LIVES / value)).argmin()) for value in believed})
        estimates["scale"] = _scale(profiles["order"], nearest, others)
    return Fatigue(estimates, gained)


def _per_fatigue(profile: Profile, total: Floats, known: bool) -> FatigueEstimate:
    """Log-odds of muting per unit of load, over all half-lives that the profile leaves open."""
    coefs, se = profile.gains.coefs, profile.gains.se
    weight = np.exp((total - total.max()) / 2.0)
    mean = float(np.average(coefs, weights=weight))
    sd = float(np.sqrt(np.average(se**2 + (coefs - mean) ** 2, weights=weight)))
    low, high, n = mean - Z_95 * sd, mean + Z_95 * sd, len(profile.y)
    about = f"log-odds of muting per advert's worth of load, {int(profile.y.sum()):,} mutes, {n:,} days"
    return FatigueEstimate(PATHS["per_fatigue"], mean, low, high, n, known and low > 0, about)


def _scale(profile: Profile, half_lives: list[int], others: Floats) -> FatigueEstimate:
    """Load that halves the pull of an advert: orders on adverts · 2^(−load / scale), at the best of some half-lives.

    ``others`` is what the other responses gain at each half-life: a scale may not choose one that they rule out.
    """
    none = max(profile.fit([profile.load[i], profile.adverts]).log_likelihood for i in half_lives)
    gained = np.zeros(len(SCALES))
    for k, scale in enumerate(SCALES):
        for i in half_lives:
            fitted = profile.fit([profile.load[i], profile.adverts * np.exp2(-profile.load[i] / scale)])
            if fitted.coef > 0:
                more = 2.0 * (fitted.log_likelihood - none) / profile.gains.inflation
                gained[k] = max(gained[k], more + others[i] - others[half_lives].max())
    n, needed = len(profile.y), float(chi2.ppf(0.95, 2))
    about = f"profile likelihood of orders on {n:,} days, twice the gain {gained.max():.1f}"
    return _read(PATHS["scale"], SCALES, gained, needed, n, about)


def _read(path: str, grid: Floats, gained: Floats, needed: float, n: int, source: str) -> FatigueEstimate:
    """Best value and interval from a profile, read between its points on a logarithmic scale."""
    at = np.linspace(np.log(grid[0]), np.log(grid[-1]), FINE)
    curve: NDArray[np.float64] = CubicSpline(np.log(grid), gained)(at)
    inside = np.flatnonzero(curve >= curve.max() - WITHIN)
    low, high = float(np.exp(at[inside[0]])), float(np.exp(at[inside[-1]]))
    closed = inside[0] > 0 and inside[-1] < FINE - 1
    if not closed:
        source += f"; the profile is open, {low:.2g} to {high:.2g}"
    best = float(np.exp(at[int(curve.argmax())]))
    return FatigueEstimate(path, best, low, high, n, bool(closed and gained.max() > needed), source)
