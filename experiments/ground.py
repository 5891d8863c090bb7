"""From an experiment's documents and logs to the world that the logs support."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.behaviours import CouponUse
from agents.birth import Learned
from agents.effects import EFFECT_NAMES, Effect
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.experiment import Experiment
from experiments.listener import Listener, Silence
from experiments.load import load
from experiments.reporting.suppression import count_words, share_words
from experiments.searching.plan import SearchPlan

if TYPE_CHECKING:
    from experiments.data import Logs
    from experiments.effects import Effect as LoggedEffect
    from experiments.train import Training

Z_95 = 1.96  # two-sided 95 % point of the normal distribution
REFERENCE_DEPTH = 0.10  # assumed depth of a logged campaign whose coupons carry no depth


@dataclass(frozen=True)
class Ground:
    """Everything that a run of an experiment stands on.

    Attributes
    ----------
    scenario : as documented, with start, population and effects that the logs gave.
    status_quo : the base policy.
    plan : the search plan, if the experiment has one.
    learned, training : models and states from logs; None for cited defaults.
    effects : estimates from the logs by name, with placebo and verdict, used or refused.
    notes : what was taken from where, in sentences for the report.
    logs : what was read; None without logs.
    """

    scenario: Scenario
    status_quo: Policy
    plan: SearchPlan | None
    learned: Learned | None
    training: Training | None
    effects: dict[str, LoggedEffect]
    notes: tuple[str, ...]
    logs: Logs | None = None

    @property
    def assumed(self) -> tuple[str, ...]:
        """Names of the effects that no log identified."""
        return tuple(name for name in EFFECT_NAMES if not getattr(self.scenario.effects, name).identified)


def prepare(experiment: Experiment, listener: Listener | None = None) -> Ground:
    """Read the documents, learn from the logs, and check everything before anything long begins.

    Raises
    ------
    SpecError, DataError
        For the first document or log file that breaks a rule.
    """
    hear = listener or Silence()
    scenario: Scenario = load(experiment.scenario, "scenario")
    policy: Policy = load(experiment.policy, "policy")
    plan: SearchPlan | None = load(experiment.search, "search") if experiment.search else None
    check_documents(scenario, policy, plan)
    if experiment.logs is None:
        return Ground(scenario, policy, plan, None, None, {}, ("No logs: cited defaults decide every transition.",))
    from experiments.data import load_logs  # pandas and scikit-learn are loaded only when there are logs
    from experiments.effects import estimate_effects, redemption_rates
    from experiments.learning.fatigue import learn_fatigue
    from experiments.train import train

    hear.stage("reading logs", 1)
    logs = load_logs(experiment.logs, zone=experiment.zone)
    hear.step(1)
    hear.stage("learning", 1)
    training = train(logs, cut_off=experiment.cut_off, lapse_days=experiment.lapse_days)
    hear.step(1)
    hear.stage("estimating effects", 1)
    cut_off = cut_off_of(training)
    cut_off_day = (cut_off - logs.origin).days
    effects = estimate_effects(logs, cut_off_day=cut_off_day)
    rates = redemption_rates(logs, cut_off_day=cut_off_day) if effects else None
    hear.step(1)
    scenario = scenario.model_copy(update={"start": cut_off + dt.timedelta(days=1)})
    scenario, notes = with_logged_coupons(scenario, effects, rates)
    fatigue = learn_fatigue(logs, cut_off=cut_off, scenario=scenario)
    if fatigue:
        scenario, notes = fatigue.applied(scenario), (*notes, *fatigue.notes)
    check_documents(scenario, policy, plan)
    found = (*_what_was_read(logs, training), *(training.contact.notes if training.contact else ()), *notes)
    return Ground(scenario, policy, plan, training.learned(), training, effects, found, logs)


def cut_off_of(training: Training) -> dt.date:
    """Last day that the training saw."""
    assert training.models.cut_off is not None  # trained models have one; only cited defaults have not
    return training.models.cut_off


def check_documents(scenario: Scenario, policy: Policy, plan: SearchPlan | None) -> None:
    """Raise SpecError when the policy cannot work in the scenario or the plan not on the policy."""
    policy.check(scenario)
    if plan is not None:
        plan.check(policy, scenario)


def with_logged_coupons(
    scenario: Scenario, effects: dict[str, LoggedEffect], rates: Any
) -> tuple[Scenario, tuple[str, ...]]:
    """The scenario with coupon effect and take-up from logged campaigns, where a placebo lets them stand.

    The logs give the effect of being *sent* a campaign (intention to treat). The world wants the effect on somebody
    who means to use the coupon, per unit of depth; so the estimate is divided by take-up and depth.
    """
    usable = {name: e for name, e in effects.items() if e.passed and np.isfinite(e.mean) and np.isfinite(e.sd)}
    if not usable or rates is None:
        if not effects:
            return scenario, ("No campaigns in the logs: the coupon effect is the cited prior.",)
        return scenario, ("No campaign estimate passed its placebo: the coupon effect is the cited prior.",)
    take_ups = dict(zip(rates["kind"], rates["rate"], strict=True))
    told = {row.kind: share_words(row.redeemed, row.n) for row in rates.itertuples()}
    usable = {name: e for name, e in usable.items() if take_ups.get(name, 0) > 0}
    name = min(usable, key=lambda n: usable[n].sd / take_ups[n])  # tightest once divided by take-up
    logged, take_up = usable[name], float(take_ups[name])
    scale = take_up * REFERENCE_DEPTH
    coupon = Effect(
        mean=logged.mean / scale,
        sd=logged.sd / scale,
        source=f"logs: campaigns of type {name}, n = {logged.n}, {logged.source}; per unit of depth at take-up "
        f"{told[name]} and an assumed depth of {REFERENCE_DEPTH:.0%}",
        identified=True,
    )
    use = scenario.behaviours.get("coupon_use", CouponUse())
    behaviours = {**scenario.behaviours, "coupon_use": use.model_copy(update={"take_up": take_up})}
    changed = scenario.model_copy(
        update={"effects": scenario.effects.model_copy(update={"coupon": coupon}), "behaviours": behaviours}
    )
    note = (
        f"Coupons: being sent a type-{name} campaign moved the daily log-odds of a visit by {logged.mean:+.3f} "
        f"(sd {logged.sd:.3f}, placebo {logged.placebo_mean:+.3f}); {told[name]} of receivers redeemed."
    )
    if abs(logged.mean) < Z_95 * logged.sd:
        note += (
            " That is not distinguishable from nothing: in some replicates a coupon raises sales, in others it only "
            "gives money away, and its sign here should not be read as a finding."
        )
    return changed, (note,)


def _what_was_read(logs: Logs, training: Training) -> tuple[str, ...]:
    dropped = ", ".join(f"{count_words(n)} {reason}" for reason, n in logs.dropped.items() if n) or "none"
    key = "pseudonyms under the key that was given" if logs.keyed else "codes, since no key was given"
    return (
        f"Logs '{logs.name}' (hash {logs.digest}): {len(logs.customers):,} customers, {len(logs.visits):,} order days "
        f"from {logs.origin}; rows dropped: {dropped}. Customer ids were replaced by {key}.",
        f"Models were trained on days up to {training.models.cut_off} and see nothing after it.",
    )
