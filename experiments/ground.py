"""From an experiment's documents and logs to the world that the logs support."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agents.behaviours import CouponUse
from agents.birth import Learned
from agents.effects import EFFECT_NAMES, Effect
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.experiment import Experiment
from experiments.listener import Listener, Silence
from experiments.load import load
from experiments.reporting.suppression import count_words
from experiments.searching.plan import SearchPlan
from experiments.searching.worlds import Span

if TYPE_CHECKING:
    from experiments.data import Logs
    from experiments.effects import Effect as LoggedEffect
    from experiments.train import Training

Z_95 = 1.96  # two-sided 95 % point of the normal distribution


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
    uncertain : what the logs leave open of parameters that they gave, by path; it joins what an experiment calls
        uncertain, so that its worlds differ in it too.
    """

    scenario: Scenario
    status_quo: Policy
    plan: SearchPlan | None
    learned: Learned | None
    training: Training | None
    effects: dict[str, LoggedEffect]
    notes: tuple[str, ...]
    logs: Logs | None = None
    uncertain: dict[str, Span] = field(default_factory=dict)

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
    if experiment.models is not None:
        return _on_models(experiment.models, scenario, policy, plan)
    if experiment.logs is None:
        return Ground(scenario, policy, plan, None, None, {}, ("No logs: cited defaults decide every transition.",))
    from experiments.data import load_logs  # pandas and scikit-learn are loaded only when there are logs
    from experiments.effects import logged_effects
    from experiments.learning.fatigue import PATHS, learn_fatigue
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
    scenario = scenario.model_copy(update={"start": cut_off + dt.timedelta(days=1)})
    fatigue = learn_fatigue(logs, cut_off=cut_off, scenario=scenario)
    if fatigue:
        fatigue = fatigue.without(experiment.uncertain)  # what the experiment calls uncertain is its own affair
        scenario = fatigue.applied(scenario)  # before the effects, since a message's depends on what fatigue leaves
    effects = logged_effects(logs, cut_off_day=cut_off_day, scenario=scenario)
    scenario, notes = with_logged_effects(scenario, effects)
    notes = (*notes, *(fatigue.notes if fatigue else ()))
    hear.step(1)
    check_documents(scenario, policy, plan)
    found = (*_what_was_read(logs, training), *(training.contact.notes if training.contact else ()), *notes)
    learned, spans = training.learned(), fatigue.uncertain() if fatigue else {}
    if learned.contact and {"mute", "delete"} <= set(learned.contact.models.hazards):
        spans.pop(PATHS["per_fatigue"], None)  # learned hazards mute and delete in its place
    return Ground(scenario, policy, plan, learned, training, effects, found, logs, spans)


def _on_models(folder: str, scenario: Scenario, policy: Policy, plan: SearchPlan | None) -> Ground:
    """A world on models and states that were trained before; the logs themselves are not needed."""
    from experiments.learning.trained import load_trained

    trained = load_trained(Path(folder))
    cut_off = trained.learned.models.cut_off
    assert cut_off is not None  # the loader has seen to it
    scenario = scenario.model_copy(update={"start": cut_off + dt.timedelta(days=1)})
    check_documents(scenario, policy, plan)
    notes = (
        f"Models and {len(trained.learned.history):,} customers were read from '{trained.name}' (hash "
        f"{trained.digest}), trained on days up to {cut_off}.",
        "No logs were read: every effect is the cited prior.",
    )
    return Ground(scenario, policy, plan, trained.learned, None, {}, notes)


def cut_off_of(training: Training) -> dt.date:
    """Last day that the training saw."""
    assert training.models.cut_off is not None  # trained models have one; only cited defaults have not
    return training.models.cut_off


def check_documents(scenario: Scenario, policy: Policy, plan: SearchPlan | None) -> None:
    """Raise SpecError when the policy cannot work in the scenario or the plan not on the policy."""
    policy.check(scenario)
    if plan is not None:
        plan.check(policy, scenario)


def with_logged_effects(scenario: Scenario, effects: dict[str, LoggedEffect]) -> tuple[Scenario, tuple[str, ...]]:
    """The scenario with every effect that an accepted estimate gives, as a distribution, and a note on each.

    Of several estimates of one effect the narrowest on the scenario's scale counts. An estimate of coupons brings the
    take-up along that it was found with. What no log tells stays the cited prior, and the notes say so.
    """
    changed, notes = scenario, []
    for name in EFFECT_NAMES:
        told = [e for e in effects.values() if e.replaces == name]
        usable = [e for e in told if e.passed and np.isfinite(e.in_world) and e.in_world_sd > 0]
        if not usable:
            why = told[0].verdict if told else "the logs have nothing of the kind"
            notes.append(f"Effect of {name.replace('_', ' ')}: the cited prior; {why}.")
            continue
        best = min(usable, key=lambda e: e.in_world_sd)
        found = Effect(
            mean=best.in_world, sd=best.in_world_sd, source=f"logs: n = {best.n:,}, {best.source}", identified=True
        )
        changed = changed.model_copy(update={"effects": changed.effects.model_copy(update={name: found})})
        if name == "coupon":
            use = changed.behaviours.get("coupon_use", CouponUse()).model_copy(update={"take_up": best.take_up})
            changed = changed.model_copy(update={"behaviours": {**changed.behaviours, "coupon_use": use}})
        notes.append(_note(name, best))
    return changed, tuple(notes)


def _note(name: str, best: LoggedEffect) -> str:
    note = (
        f"Effect of {name.replace('_', ' ')}: {best.method}; whoever was sent {best.name} had daily log-odds of an "
        f"order moved by {best.mean:+.3f} (sd {best.sd:.3f}, placebo {best.placebo_mean:+.3f}); in the scenario "
        f"{best.in_world:+.3g} (sd {best.in_world_sd:.2g})."
    )
    if abs(best.mean) < Z_95 * best.sd:
        note += (
            " That is not distinguishable from nothing: in some replicates it raises sales, in others it only costs, "
            "and its sign here should not be read as a finding."
        )
    return note


def _what_was_read(logs: Logs, training: Training) -> tuple[str, ...]:
    dropped = ", ".join(f"{count_words(n)} {reason}" for reason, n in logs.dropped.items() if n) or "none"
    key = "pseudonyms under the key that was given" if logs.keyed else "codes, since no key was given"
    return (
        f"Logs '{logs.name}' (hash {logs.digest}): {len(logs.customers):,} customers, {len(logs.visits):,} order days "
        f"from {logs.origin}; rows dropped: {dropped}. Customer ids were replaced by {key}.",
        f"Models were trained on days up to {training.models.cut_off} and see nothing after it.",
    )
