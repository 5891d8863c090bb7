"""Records of runs by hand, for tests of what is said of them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd

from agents.scenario import Scenario
from experiments import load
from experiments.compare import Difference, difference
from experiments.reporting.basis import Basis, Sweep
from experiments.reporting.causes import Causes, Chart, Cut, Step
from experiments.reporting.record import Facts, RunRecord, World
from experiments.reporting.searched import Candidate, Course, FinalRound, Front, FrontPoint, Searched
from experiments.searching.aims import Kept, Limit
from experiments.searching.objective import Estimate
from experiments.searching.questions.flips import Flip
from experiments.searching.questions.importances import Importance, Interaction
from experiments.searching.questions.information import Information, TestSize, Worth
from experiments.searching.questions.shadow import ShadowPrice
from experiments.searching.result import Alternative
from experiments.searching.trials.measuring import Effort

PER_WEEK, DEPTH = "actions.adverts.calendar.per_week", "actions.coupon.depth"
SCENARIO: dict[str, Any] = {
    "title": "corner shop",
    "horizon_days": 28,
    "population": {"size": 150, "level_shares": [0.2, 0.1, 0.1, 0.2, 0.3, 0.1]},
    "buying": {"orders_per_year": 40, "basket_cny": 60},
}
POLICY: dict[str, Any] = {
    "title": "as it is",
    "actions": {
        "adverts": {"kind": "advert", "calendar": {"per_week": 3}},
        "coupon": {"kind": "coupon", "depth": 0.1, "calendar": {"every_days": 14}},
    },
}


def tables(arms: tuple[str, ...], gains: tuple[float, ...] = (40.0, 60.0, 80.0)) -> dict[str, pd.DataFrame]:
    """Three replicates of each arm; the first arm's equity is 1000 plus its gain, the others' 1000; 10 customers."""
    paired = list(itertools.product(enumerate(arms), enumerate(gains)))
    replicates = [
        {"arm": arm, "replicate": i, "seed": i, "clv": 0.0, "equity": 1000.0 + (gain if k == 0 else 0), "profit": 390.0,
         "revenue": 950.0, "gross_sales": 1000.0, "spend": 60.0, "acquired": 10.0, "n_order": 20.0, "n_join": 3.0,
         "n_mute": 0.0, "n_delete": 12.0, "n_coupon_redeemed": 11.0}
        for (k, arm), (i, gain) in paired
    ]  # fmt: skip
    weekly = [
        {"arm": arm, "replicate": i, "week": week, "spend": 30.0,
         "equity": (1000.0 + (gain if k == 0 else 0)) * (week + 1) / 2}
        for (k, arm), (i, gain) in paired
        for week in range(2)
    ]  # fmt: skip
    money = [
        (arm, source, kind, amount)
        for arm in arms
        for source, kind, amount in (
            ("purchase", "order", 1000.0), ("purchase", "goods", -550.0), ("coupon", "coupon_redeemed", -50.0),
            ("adverts", "message_advert", -10.0),
        )
    ]  # fmt: skip
    census = [
        (arm, day, state, float(n))
        for arm in arms
        for day in (0, 13)
        for state, n in (("level.L0", 40), ("level.L4", 30), ("level.L5", 7), ("contact.contact", 70),
                         ("contact.muted", 15), ("contact.deleted", 3), ("tier.general", 20))
    ]  # fmt: skip
    return {
        "replicates": pd.DataFrame(replicates),
        "weekly": pd.DataFrame(weekly),
        "money": pd.DataFrame(money, columns=["arm", "source", "kind", "amount"]),
        "census": pd.DataFrame(census, columns=["arm", "day", "state", "customers"]),
    }


def found(values: list[float]) -> Difference:
    return difference("clv", np.array(values))


NOBODY = found([0.0, 0.0, 0.0])
TIERS = pd.DataFrame(
    {
        "arm": "status quo",
        "tier": ["general", "core", "high_value"],
        "customers": [50.0, 30, 20],
        "sales": [10.0, 30, 60],
    }
)
TRIALS = pd.DataFrame(
    {"number": [0, 1, 2], "label": ["status quo", "least", ""], "uplift": [0.0, 1.0, 9.0],
     "standard_error": [0.0, 0.4, 0.5], "replicates": 2, "dropped": [False, True, False], "spend": [50.0, 10.0, 60.0],
     "feasible": True}
)  # fmt: skip


def candidate(label: str, gains: list[float], **more: Any) -> Candidate:
    """A finalist with these gains on fresh seeds."""
    usual: dict[str, Any] = {"values": {}, "changes": 1, "claimed": 0.0, "tied": False, "probability_best": 0.0,
                             "holdout": None, "spend": 60.0, "limits": ()}  # fmt: skip
    return Candidate(label=label, ranked=found(gains), **usual | more)


def kept(mean: float, limit: Limit, metric: str = "spend", sure: bool = True) -> Kept:
    return Kept(metric, limit.words(), mean, mean - 2, mean + 2, limit.excess(mean) <= 0, sure)


def course(**more: Any) -> Course:
    usual: dict[str, Any] = {
        "levers": 2, "worlds": 1, "engine": "gp", "aim": "mean uplift", "effort": Effort(3, 2, None, 2), "pilot": None,
        "replication": None, "first_look": None, "stopped": "", "interrupted": False, "simulated": 30, "reused": 4,
        "seconds": {"trials": 2.0, "judgement": 1.0},
    }  # fmt: skip
    return Course(**usual | more)


def record(
    *,
    keeps: bool = False,
    gains: tuple[float, ...] = (40.0, 60.0, 80.0),
    limits: dict[str, Limit] | None = None,
    title: str = "what to do?",
    here_spends: float = 50.0,
    rivals: tuple[Candidate, ...] = (),
    **more: Any,
) -> RunRecord:
    """A search by hand: trial 2 sends one advert a week instead of three and gains 4, 6, 8 a customer.

    ``more`` are fields of the search.
    """
    limits = {"spend": Limit(at_most=100)} if limits is None else limits
    here = {PER_WEEK: 3.0, DEPTH: 0.1}
    policy = load("policy/status_quo").model_copy(update={"title": title}).model_dump(mode="json")
    held = [0.0, 0.0, 0.0] if keeps else [g / 10 for g in gains]

    def standing(spend: float) -> tuple[Kept, ...]:
        return tuple(kept(spend, limit, metric) for metric, limit in limits.items())

    status_quo = candidate("status quo", [0.0, 0.0, 0.0], values=here, changes=0, spend=here_spends,
                           limits=standing(here_spends), holdout=NOBODY if keeps else None, tied=keeps)  # fmt: skip
    trial = candidate(
        "trial 2", [-2.0, -1.0, 0.0] if keeps else [3.0, 5.0, 7.0], values={PER_WEEK: 1.0, DEPTH: 0.1}, claimed=9.0,
        holdout=None if keeps else found(held), limits=standing(60.0), tied=not keeps, probability_best=0.75,
    )  # fmt: skip
    arms = ("status quo", "do nothing") if keeps else ("winner", "status quo", "do nothing")
    fields: dict[str, Any] = {
        "status_quo": here, "bounds": {PER_WEEK: "0 … 7", DEPTH: "0 … 0.3"},
        "finalists": (*((status_quo, trial) if keeps else (trial, status_quo)), *rivals),
        "final": FinalRound(leader="status quo" if keeps else "trial 2", rounds=(3, 6), margin=0.125,
                            value=found([41.0, 43.0, 45.0]), objective=found(held),
                            reference=found([-1.0, -2.0, -3.0])),
        "course": course(), "limits": limits, "prices": (), "fronts": {}, "basis": Basis(), "causes": None,
        "notes": ("No logs: cited defaults.",), "logged": {}, "logs": None, "card": None,
    }  # fmt: skip
    facts = Facts(
        kind="search",
        title=title,
        world=World(
            title="a corner", start="2024-01-01", horizon_days=14, currency="CNY", margin=0.4, discount_rate=0.1,
            wage=30, hours_per_week=40, effects=Scenario.model_validate(SCENARIO).effects.model_dump(),
        ),
        policies={arm: {"title": arm, "actions": {}} if arm == "do nothing" else policy for arm in arms},
        docs={"actions.adverts.cost_cny": "cost of one message, CNY"},
        differences={"clv": found(held), "equity": difference("equity", np.array([40.0, 60, 80])), "spend": NOBODY},
        search=Searched(**fields | more),
    )  # fmt: skip
    parts = [TIERS] if keeps else [TIERS.assign(arm="winner"), TIERS]
    frames = {**tables(arms, gains), "trials": TRIALS, "tiers": pd.concat(parts, ignore_index=True)}
    provenance = {"python": "3", "versions": {"siyu": "0"}, "made_from": {"code": "abc"}, "seeds": {"search": 7},
                  "command": "siyu search it"}  # fmt: skip
    return RunRecord(facts, frames, provenance)


# -- all that a search may find ---------------------------------------------------------------------------------------


def sweep(name: str, words: str, flips: tuple[Flip, ...] = (), *, gains: tuple[float, ...] = (6, 6, 6, 6, 6)) -> Sweep:
    """An effect that was made absent to four times as strong."""
    return Sweep(
        name=name, words=words, effect=True, here=1.0, plausible=(0.4, 1.6), matters=bool(flips),
        values=(0.0, 0.5, 1.0, 2.0, 4.0), gain=tuple(found([g - 1, g, g + 1]) for g in gains), flips=flips,
    )  # fmt: skip


COUPON_FLIP = Flip("status quo", 0.4, 0.6, 0.3, "below", True)


def basis() -> Basis:
    """Coupons flip the recommendation at 0.4×, trust nowhere; trust is worth a test, the others are not."""
    coupon = sweep("coupon", "coupons", (COUPON_FLIP,), gains=(-3, 1, 6, 9, 12))
    test = TestSize(1200, 28, 0.2, 0.8, None, None, True)
    worth = (
        Worth("trust", "goodwill", Estimate(0.25, 0.1, 0.4), 0.05, 2.5, True, test),
        Worth("coupon", "coupons", Estimate(0.0, 0.0, 0.1), 0.05, 0.0, True, None),
    )
    return Basis(
        told=(
            "The recommendation stands unless coupons work less than 0.4×.",
            "It stands at any strength of goodwill.",
        ),
        sweeps=(coupon, sweep("trust", "goodwill")),
        alternatives=(
            Alternative("coupon", 0.5, found([0.0, 1.0, 2.0]), "trial 2", NOBODY),
            Alternative("coupon", 2.0, found([8.0, 9.0, 10.0]), "trial 2", NOBODY),
        ),
        worth=("Worth testing: goodwill.", "Not worth a test: coupons."),
        information=Information(Estimate(0.5, 0.2, 0.8), worth, 10.0, 32, 1, 0.5),
    )


def causes() -> Causes:
    """How often matters most, depth less than a lever that does nothing."""
    line = (0.0, 3.5, 7.0)
    return Causes(
        importances=(
            Importance(PER_WEEK, 0.6, 0.8, 0.7, 0.9, True), Importance(DEPTH, 0.0, 0.03, 0.0, 0.08, False),
        ),
        floor=0.06, r2=0.95, interactions=(Interaction((PER_WEEK, DEPTH), 0.2),),
        cuts=(
            Cut(lever=PER_WEEK, here=1.0, values=line, mean=(5.0, 6.0, 2.0), low=(4.0, 5.0, 1.0), high=(6.0, 7.0, 3.0)),
        ),
        charts=(
            Chart(levers=(PER_WEEK, DEPTH), here=(1.0, 0.1), values=(line, (0.0, 0.3)), mean=((1, 2), (3, 4), (5, 6)),
                  low=((0, 1), (2, 3), (4, 5)), high=((2, 3), (4, 5), (6, 7))),
        ),
        single=Step(values={PER_WEEK: 1.0, DEPTH: 0.1}, uplift=found([3.0, 4.0, 5.0])), pair=None,
        policies=64, replicates=4,
    )  # fmt: skip


def front() -> Front:
    points = [
        FrontPoint(amount=a, uplift=found([g - 1, g, g + 1]), values={PER_WEEK: 1.0, DEPTH: 0.1}, changes=1)
        for a, g in ((20.0, 1.0), (60.0, 5.0))
    ]
    return Front(points=tuple(points), gain=found([4.0, 5.0, 6.0]), status_quo=50.0, recommended=60.0)


def price(mean: float, low: float, high: float, *, metric: str = "spend", limit: float = 100.0) -> ShadowPrice:
    return ShadowPrice(metric, limit, mean, low, high, mean != 0, 0.9 * limit, 1.1 * limit)


def full_record() -> RunRecord:
    """A search of which everything was asked."""
    return record(
        prices=(price(1.4, 1.3, 1.5),), fronts={"spend": front()}, basis=basis(), causes=causes(),
        rivals=(candidate("trial 1, simpler", [3.0, 5.0, 6.0], changes=2, tied=True, probability_best=0.25),),
    )  # fmt: skip
