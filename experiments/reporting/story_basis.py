"""What a recommendation rests on, in words: each assumption, what becomes of it otherwise, what is worth a test."""

from __future__ import annotations

from dataclasses import dataclass

from agents.effects import Effect
from experiments.causal.priors import prior_of
from experiments.reporting.basis import Basis, Sweep
from experiments.reporting.record import Facts
from experiments.reporting.searched import Candidate, Searched
from experiments.reporting.story import percent, plus_minus, searched_of
from experiments.reporting.words import label_words, lever_words, number, value_words
from experiments.searching.finals.finalists import STATUS_QUO
from experiments.searching.questions.information import Worth
from experiments.searching.result import Alternative

EFFECT_WORDS = {
    "coupon": "pull of a coupon in hand, per unit of depth",
    "member_price": "pull of a standing member price, per unit of discount",
    "advert": "pull of an advert on its day",
    "content": "pull of value content on its day",
    "chat": "pull of an answered chat on its day",
    "quote": "pull of an answered request for a quote on its day",
    "live": "pull of a live stream on its day, on those who watch",
    "trust": "pull of the goodwill that the operator has built",
    "community": "pull of a day in a lively community",
    "novelty": "pull of a new product that was looked at",
    "bait": "pull of a newcomer's gift or coupon on adding the contact",
}
SHOWN_FIRST = 2  # sentences about flip points in the summary: what is plausible, then what is not


@dataclass(frozen=True)
class BasisRow:
    """One assumption: its numbers, whether the logs gave it, the recommendation's fate without it, what it is worth."""

    name: str
    words: str
    tag: str
    size: str
    fates: tuple[str, ...]
    worth: str


def told(searched: Searched) -> tuple[str, ...]:
    """What would change the recommendation."""
    basis = searched.basis
    if basis.told:
        return basis.told
    if searched.course.interrupted:
        return ("No assumption was tried, since the search was stopped.",)
    if basis.information is None and not basis.sweeps:
        return ("No assumption was varied: none was asked for, or the logs identified all effects.",)
    return ()


def in_short(searched: Searched) -> tuple[str, ...]:
    """The flip points that matter most, and the first thing worth a test."""
    basis = searched.basis
    return (*basis.told[:SHOWN_FIRST], *basis.worth[:1])


def rows(facts: Facts) -> list[BasisRow]:
    """Every effect of the world and every uncertain value of the scenario."""
    searched, currency = searched_of(facts), facts.world.currency
    basis = searched.basis
    found = [_effect_row(name, effect, searched, currency) for name, effect in facts.world.effects.items()]
    return found + [_value_row(sweep, basis, currency) for sweep in basis.sweeps if not sweep.effect]


def _effect_row(name: str, effect: Effect, searched: Searched, currency: str) -> BasisRow:
    basis, winner = searched.basis, searched.winner
    fates = tuple(fate(a, winner, currency) for a in basis.alternatives if a.effect == name)
    if any(sweep.effect and sweep.name == name and not sweep.matters for sweep in basis.sweeps):
        fates = ("Does not matter to any policy tried.",)
    return BasisRow(
        name=name.replace("_", " "),
        words=f"{EFFECT_WORDS.get(name, name)}. Source: {effect.source}{_standing(name, effect, searched)}",
        tag="from the logs" if effect.identified else "assumed",
        size=f"{effect.mean:.3g} ± {effect.sd:.2g}",
        fates=fates,
        worth=_worth(_of(basis, name), currency),
    )


def _standing(name: str, effect: Effect, searched: Searched) -> str:
    """The placebo of an effect that logs gave, the literature of one that had to be assumed."""
    if effect.identified:
        told = [e for e in searched.logged.values() if e.passed and e.replaces == name and e.in_world == effect.mean]
        return f"; placebo {told[0].placebo_mean:+.3f} ± {told[0].placebo_sd:.2g}" if told else ""
    prior = prior_of(name)
    return f". Literature: {prior.low:g} to {prior.high:g}, {prior.source}" if prior else ""


def _value_row(sweep: Sweep, basis: Basis, currency: str) -> BasisRow:
    low, high = sweep.plausible or (None, None)
    spread = ", ".join(str(v) for v in sweep.values) if low is None else f"{number(low)} to {number(float(high or 0))}"
    gains = [d.mean for d in sweep.gain]
    fate = "Does not matter to any policy tried."
    if sweep.matters:
        fate = f"The gain lies between {min(gains):+.2f} and {max(gains):+.2f} {currency} per customer over these."
    return BasisRow(
        name=lever_words(sweep.name),
        words="value of the scenario",
        tag="uncertain",
        size=f"{value_words(sweep.name, sweep.here, currency)} ({spread})",
        fates=(fate,),
        worth=_worth(_of(basis, sweep.name), currency),
    )


def _of(basis: Basis, name: str) -> Worth | None:
    each = basis.information.each if basis.information else ()
    return next((worth for worth in each if worth.name == name), None)


def _worth(worth: Worth | None, currency: str) -> str:
    """What knowing an assumption is worth, and on a second line the test to run or why there is none."""
    if worth is None:
        return "–"
    if not worth.proven:
        return "nothing proven\nnot worth a test" if worth.testable else "nothing proven"
    value = worth.evppi
    return f"{value.value:.2f} {currency} a customer ({value.low:.2f} to {value.high:.2f})\n{_test(worth)}"


def _test(worth: Worth) -> str:
    if worth.test is None:
        return "a test costs more than it is worth" if worth.testable else "no field test tells"
    test = worth.test
    size = f"A/B test of 2 × {test.per_arm:,} for {test.days} days: {percent(test.attained)} of that"
    return size if test.possible else f"{size}, but there are not so many customers"


# -- other strengths --------------------------------------------------------------------------------------------------


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
