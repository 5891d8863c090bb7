"""What a run says, in sentences that a strategist can act on. Every number is one that the record holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agents.effects import Effect
from experiments.compare import Difference
from experiments.reporting.record import Candidate, Facts, Searched
from experiments.reporting.words import change_words, label_words, lever_words, meaning, money, value_words
from experiments.search import Alternative

STATUS_QUO = "status quo"
Outcome = Literal["gain", "unsettled", "loss", "keep"]

NOTABLE = 0.02  # share of a number below which its decline is not worth a sentence

EFFECT_WORDS = {
    "coupon": "pull of a coupon in hand, per unit of depth",
    "member_price": "pull of a standing member price, per unit of discount",
    "advert": "pull of an advert on its day",
    "content": "pull of value content on its day",
    "chat": "pull of an answered chat on its day",
    "trust": "pull of the goodwill that the operator has built",
}


@dataclass(frozen=True)
class Recommendation:
    """The answer: how it came out, a title, and sentences in the order of their weight."""

    outcome: Outcome
    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """One lever of the recommendation: words, values today and then, how far it moved, its share of the variation."""

    path: str
    label: str
    meaning: str
    before: str
    after: str
    moved: str
    share: float | None


def signed(value: float) -> str:
    """An amount per customer as it is printed everywhere: sign, two decimals."""
    return f"{value:+.2f}"


def plus_minus(d: Difference) -> str:
    """Mean and half of its 95 % interval."""
    return f"{signed(d.mean)} ± {d.half_width:.2f}"


def worlds_won(d: Difference) -> str:
    """``31 of 32``."""
    return f"{round(d.better * d.n)} of {d.n}"


def outcome_of(facts: Facts) -> Outcome:
    """How the recommendation came out on the holdout seeds."""
    searched = searched_of(facts)
    if searched.finalists[0].label == STATUS_QUO:
        return "keep"
    d = searched.finalists[0].holdout
    if d.low > 0:
        return "gain"
    return "loss" if d.high < 0 else "unsettled"


def choice(facts: Facts) -> str:
    """What to call the policy on top: a recommendation only when its gain is proven."""
    return "recommended" if outcome_of(facts) in ("gain", "keep") else "the search's choice"


def date_words(day: dt.date) -> str:
    """``1 October 2017``."""
    return f"{day.day} {day:%B %Y}"


def searched_of(facts: Facts) -> Searched:
    """The part of a search, which a search has."""
    assert facts.search is not None
    return facts.search


# -- the recommendation -----------------------------------------------------------------------------------------------


def recommendation(facts: Facts) -> Recommendation:
    """The answer of a search."""
    outcome, searched = outcome_of(facts), searched_of(facts)
    if outcome == "keep":
        return Recommendation(outcome, "Keep the status quo", (*_kept(facts), _spending(facts)))
    winner, currency = searched.finalists[0], facts.world.currency
    moved, gain = len(changes(facts)), plus_minus(winner.holdout)
    title = {
        "gain": f"Change {moved} of {len(searched.bounds)} levers: {gain} {currency} per customer",
        "unsettled": f"No gain is proven: {gain} {currency} per customer",
        "loss": f"Do not follow the search: {gain} {currency} per customer",
    }[outcome]
    return Recommendation(outcome, title, (_earnings(facts), _spread(facts), _certainty(outcome), _spending(facts)))


def _earnings(facts: Facts) -> str:
    d, total = facts.differences["clv"], facts.differences["equity"]
    currency, world = facts.world.currency, facts.world
    return (
        f"Against the status quo, {_arm_words(facts)} earns {plus_minus(d)} {currency} per customer "
        f"(95 % interval {signed(d.low)} to {signed(d.high)}), in total {money(total.mean, currency, sign=True)} "
        f"({money(total.low, currency, sign=True)} to {money(total.high, currency, sign=True)}) over the "
        f"{world.horizon_days} days from {date_words(world.start)}."
    )


def _arm_words(facts: Facts) -> str:
    label = label_words(searched_of(facts).finalists[0].label)
    return f"the recommended policy ({label})" if outcome_of(facts) == "gain" else f"the search's choice ({label})"


def _spread(facts: Facts) -> str:
    d = facts.differences["clv"]
    return (
        f"In most worlds (the central 90 % of {d.n} paired holdout worlds) the difference lies between "
        f"{signed(d.world_low)} and {signed(d.world_high)} {facts.world.currency} per customer; it is a gain in "
        f"{worlds_won(d)} ({d.better:.0%})."
    )


def _certainty(outcome: Outcome) -> str:
    return {
        "gain": "The interval leaves zero out, so within this simulation the gain is not luck. Whether the world is as "
        "simulated rests on the assumptions below.",
        "unsettled": "The interval includes zero: these holdout worlds cannot tell the policy from the status quo. "
        "Raise holdout_replicates, or leave things as they are.",
        "loss": "On seeds that the search never saw the policy is worse than the status quo: what the search saw was "
        "luck. Keep the status quo, and search with more replicates.",
        "keep": "",
    }[outcome]


def _kept(facts: Facts) -> tuple[str, ...]:
    searched, currency = searched_of(facts), facts.world.currency
    first = (
        f"No policy within the bounds and the budget beat it on fresh seeds; {searched.effort['trials']} policies were "
        f"tried."
    )
    rivals = [f for f in searched.finalists if f.label != STATUS_QUO]
    if not rivals:
        return (first,)
    best = max(rivals, key=lambda f: f.ranked.mean)
    return (
        first,
        f"The nearest rival, {label_words(best.label)}, looked {signed(best.claimed)} {currency} per customer better "
        f"to the search and came to {plus_minus(best.ranked)} on fresh seeds, {plus_minus(best.holdout)} on holdout "
        "seeds.",
    )


def _spending(facts: Facts) -> str:
    searched, currency = searched_of(facts), facts.world.currency
    spend = searched.finalists[0].spend
    text = f"It spends {money(spend, currency)} over the horizon"
    if outcome_of(facts) != "keep":
        here = next((f.spend for f in searched.finalists if f.label == STATUS_QUO), None)
        if here is not None:
            more = spend - here
            text += f", {money(abs(more), currency)} {'more' if more >= 0 else 'less'} than the status quo"
    if searched.budget is None:
        return f"{text}; no budget was set."
    left = searched.budget - spend
    if left >= 0:
        return f"{text}; the budget of {money(searched.budget, currency)} leaves {money(left, currency)}."
    return f"{text}, which exceeds the budget of {money(searched.budget, currency)} by {money(-left, currency)}."


def changes(facts: Facts) -> list[Change]:
    """Levers that the recommendation sets differently, the one with the largest share of the variation first."""
    searched, currency = searched_of(facts), facts.world.currency
    found = [
        Change(
            path=path,
            label=lever_words(path),
            meaning=meaning(facts.docs, path, currency),
            before=value_words(path, searched.status_quo[path], currency),
            after=value_words(path, value, currency),
            moved=change_words(searched.status_quo[path], value),
            share=searched.importances.get(path),
        )
        for path, value in searched.finalists[0].values.items()
        if searched.status_quo[path] != value
    ]
    return sorted(found, key=lambda change: -(change.share or 0.0))


# -- the winner's curse -----------------------------------------------------------------------------------------------


def claimed_and_held(facts: Facts) -> str:
    """What the search saw of its winner beside what holdout seeds say."""
    searched, currency = searched_of(facts), facts.world.currency
    effort, winner = searched.effort, searched.finalists[0]
    if winner.label == STATUS_QUO:
        winner = max(searched.finalists, key=lambda f: f.claimed)
    lost = winner.claimed - winner.holdout.mean
    text = (
        f"The search saw {signed(winner.claimed)} {currency} per customer for {label_words(winner.label)}, on the "
        f"{effort['replicates']} replicates that it also chose by. On {effort['final_replicates']} fresh replicates, "
        f"which rank the finalists, it was {plus_minus(winner.ranked)}; on {effort['holdout_replicates']} holdout "
        f"replicates, which choose nothing, {plus_minus(winner.holdout)}. Only the last number is claimed."
    )
    if lost > NOTABLE * abs(winner.claimed):
        text += f" What the search saw was {lost:.2f} too high: the best of many trials owes something to luck."
    return text


# -- assumptions ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Basis:
    """One effect: its numbers, whether the logs gave it, and what became of the recommendation without it."""

    name: str
    words: str
    effect: Effect
    sentences: tuple[str, ...]


def bases(facts: Facts) -> list[Basis]:
    """Every effect of the world with the fate of the recommendation at other strengths."""
    searched = searched_of(facts)
    return [
        Basis(
            name.replace("_", " "),
            EFFECT_WORDS.get(name, name),
            effect,
            tuple(fate(a, searched.finalists[0], facts.world.currency) for a in searched.alternatives
                  if a.effect == name),
        )
        for name, effect in facts.world.effects.items()
    ]  # fmt: skip


def strength(factor: float) -> str:
    """``halved``, ``doubled``, ``times 3``."""
    return {0.5: "halved", 2.0: "doubled", 0.0: "absent"}.get(factor, f"times {factor:g}")


def fate(a: Alternative, winner: Candidate, currency: str) -> str:
    """What becomes of the recommendation under another assumption, in a sentence."""
    if changed(a, winner):
        return (
            f"{strength(a.factor).capitalize()}: would change to {label_words(a.best)}, which earns "
            f"{plus_minus(a.behind)} {currency} per customer more there."
        )
    keeps = winner.label == STATUS_QUO
    text = f"{strength(a.factor).capitalize()}: stands"
    if not keeps:
        text += f", with {plus_minus(a.uplift)} {currency} per customer"
        if not a.uplift.certain:
            text += ", which is not distinguishable from no gain"
    if a.best != winner.label:
        text += f"; {label_words(a.best)} is {plus_minus(a.behind)} ahead, within the noise"
    return f"{text}."


def changed(a: Alternative, winner: Candidate) -> bool:
    """Whether another policy of the shortlist is better there beyond the noise."""
    return a.best != winner.label and a.behind.low > 0


MOST_LISTED = 3  # alternatives that a sentence can name


def robustness(facts: Facts) -> str:
    """All alternatives in one sentence."""
    searched = searched_of(facts)
    winner, all_of_them = searched.finalists[0], searched.alternatives
    if not all_of_them:
        return "No effect is assumed: the logs identified all of them."
    what = "The recommendation" if outcome_of(facts) in ("gain", "keep") else "The search's choice"
    broken = [a for a in all_of_them if changed(a, winner)]
    if broken:
        where = _listed([f"{a.effect.replace('_', ' ')} is {strength(a.factor)}" for a in broken])
        text = f"{what} would change if the effect of {where}"
        return f"{text}; it stands in the other {len(all_of_them) - len(broken)} of {len(all_of_them)} alternatives."
    text = f"{what} stands in all {len(all_of_them)} alternatives"
    if winner.label == STATUS_QUO:
        return f"{text}."
    low, high = (pick(a.uplift.mean for a in all_of_them) for pick in (min, max))
    text = f"{text}; its gain there lies between {signed(low)} and {signed(high)} {facts.world.currency} per customer"
    unproven = [a for a in all_of_them if a.uplift.low <= 0]
    if len(unproven) > MOST_LISTED:
        return f"{text}, but in {len(unproven)} of them that gain is not distinguishable from zero."
    if unproven:
        where = _listed([f"{a.effect.replace('_', ' ')} is {strength(a.factor)}" for a in unproven])
        return f"{text}, but where the effect of {where} that gain is not distinguishable from zero."
    return f"{text}."


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}"


# -- runs that searched nothing ---------------------------------------------------------------------------------------


def comparison(facts: Facts) -> Recommendation:
    """The answer of a comparison."""
    trial, base = facts.arms
    d, total, currency = facts.differences["clv"], facts.differences["equity"], facts.world.currency
    outcome: Outcome = "gain" if d.low > 0 else "loss" if d.high < 0 else "unsettled"
    words = {"gain": "earns more than", "loss": "earns less than", "unsettled": "cannot be told from"}[outcome]
    return Recommendation(
        outcome,
        f"'{trial}' {words} '{base}': {plus_minus(d)} {currency} per customer",
        (
            f"The difference in CLV is {plus_minus(d)} {currency} per customer (95 % interval {signed(d.low)} to "
            f"{signed(d.high)}), in total {money(total.mean, currency, sign=True)} over the "
            f"{facts.world.horizon_days} days from {date_words(facts.world.start)}.",
            f"In most worlds (the central 90 % of {d.n} paired worlds) it lies between {signed(d.world_low)} and "
            f"{signed(d.world_high)}; it is a gain in {worlds_won(d)} ({d.better:.0%}).",
        ),
    )


def simulation(facts: Facts, clv: Difference, spend: float) -> Recommendation:
    """The answer of a simulation. ``clv`` describes the replicates of its one arm."""
    world, currency = facts.world, facts.world.currency
    text = (
        f"Under '{facts.arms[0]}' a customer is worth {clv.mean:.2f} {currency} over the {world.horizon_days} days "
        f"from {date_words(world.start)}"
    )
    if clv.n > 1:
        text += f"; in most worlds (the central 90 % of {clv.n} replicates) between {clv.world_low:.2f} and "
        text += f"{clv.world_high:.2f}"
    return Recommendation(
        "keep",
        f"CLV {clv.mean:.2f} {currency} per customer",
        (
            f"{text}. It spends {money(spend, currency)}.",
            "This describes one policy. Whether another would do better is what compare and search answer.",
        ),
    )
