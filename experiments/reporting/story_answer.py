"""The answer of a search: what to do, what it earns, how sure that is, and what else a strategist should know first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.reporting import story_basis, story_causes, story_limits
from experiments.reporting.record import Facts
from experiments.reporting.searched import Candidate, Searched
from experiments.reporting.story import (
    Outcome,
    Recommendation,
    counted,
    date_words,
    percent,
    plus_minus,
    searched_of,
    signed,
    worlds_won,
)
from experiments.reporting.words import change_words, label_words, lever_words, meaning, money, value_words
from experiments.searching.finals.finalists import NOTHING, STATUS_QUO
from experiments.searching.objective import Objective
from experiments.searching.space.paths import Value

MEAN = Objective().words()
LONG = 24  # letters of a value that still stands in a narrow column


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

    @property
    def long(self) -> bool:
        """Whether its values need lines of their own."""
        return max(len(self.before), len(self.after)) > LONG


@dataclass(frozen=True)
class Paragraph:
    """A piece of the summary: where the details stand, what it is about, its sentences."""

    place: str
    head: str
    sentences: tuple[str, ...]


def status_quo_of(searched: Searched) -> Candidate | None:
    """The status quo among the finalists."""
    return next((f for f in searched.finalists if f.label == STATUS_QUO), None)


def outcome_of(facts: Facts) -> Outcome:
    """How the recommendation came out on the holdout seeds."""
    searched, d = searched_of(facts), facts.differences["clv"]
    if not searched.winner.within:
        return "beyond"
    if searched.winner.label == STATUS_QUO:
        return "keep"
    if d.low > 0:
        return "gain"
    here = status_quo_of(searched)
    if here is not None and not here.within:
        return "needed"
    return "loss" if d.high < 0 else "unsettled"


def choice(facts: Facts) -> str:
    """What to call the policy on top: a recommendation only when its gain is proven or the limits demand it."""
    return "recommended" if outcome_of(facts) in ("gain", "keep", "needed") else "the search's choice"


# -- the answer -------------------------------------------------------------------------------------------------------


def recommendation(facts: Facts) -> Recommendation:
    """The answer of a search."""
    outcome, searched, currency = outcome_of(facts), searched_of(facts), facts.world.currency
    if outcome == "keep":
        sentences = (*_kept(facts), tied(searched, currency), _spending(facts))
        return Recommendation(outcome, "Keep the status quo", sentences)
    gain = plus_minus(facts.differences["clv"])
    what = (
        "Do nothing"
        if searched.winner.label == NOTHING
        else f"Change {searched.winner.changes} of {counted(searched.course.levers, 'lever')}"
    )
    title = {
        "gain": f"{what}: {gain} {currency} per customer",
        "needed": f"{what} to keep within the limits: {gain} {currency} per customer",
        "beyond": f"The best policy found goes beyond a limit: {gain} {currency} per customer",
        "unsettled": f"No gain is proven: {gain} {currency} per customer",
        "loss": f"Do not follow the search: {gain} {currency} per customer",
    }[outcome]
    sentences = (
        _earnings(facts),
        _aim(facts),
        _source(facts),
        _spread(facts),
        _certainty(outcome),
        tied(searched, currency),
    )
    return Recommendation(outcome, title, (*sentences, _spending(facts)))


def _earnings(facts: Facts) -> str:
    d, total = facts.differences["clv"], facts.differences["equity"]
    currency, world, searched = facts.world.currency, facts.world, searched_of(facts)
    return (
        f"Against the status quo, {_arm_words(facts)} earns {plus_minus(d)} {currency} per customer "
        f"(95 % interval {signed(d.low)} to {signed(d.high)}), in total {money(total.mean, currency, sign=True)} "
        f"({money(total.low, currency, sign=True)} to {money(total.high, currency, sign=True)}) over the "
        f"{world.horizon_days} days from {date_words(world.start)}; each of its customers, newcomers included, is then "
        f"worth {searched.final.value.mean:.2f} ± {searched.final.value.half_width:.2f} {currency}."
    )


def _arm_words(facts: Facts) -> str:
    label = label_words(searched_of(facts).winner.label)
    return f"the recommended policy ({label})" if choice(facts) == "recommended" else f"the search's choice ({label})"


def _aim(facts: Facts) -> str:
    """What the policy was chosen for, where that is not the mean."""
    searched = searched_of(facts)
    if searched.course.aim == MEAN:
        return ""
    return (
        f"It was chosen for another aim, the {searched.course.aim}: {plus_minus(searched.final.objective)} "
        f"{facts.world.currency} per customer."
    )


def _source(facts: Facts) -> str:
    searched, d = searched_of(facts), facts.differences["clv"]
    for_what = "checked its limits and chose nothing else" if searched.limits else "chose nothing"
    course = searched.course
    where = f", in {course.worlds} worlds drawn from {course.drawn_from}" if course.worlds > 1 else ""
    return (
        f"The interval comes from {d.n} holdout replicates{where}, lived under both policies, whose seeds {for_what}: "
        "no trial and no finalist was picked by them, so the luck of being picked is not in it."
    )


def _spread(facts: Facts) -> str:
    d = facts.differences["clv"]
    return (
        f"In most worlds (the central 90 % of {d.n} paired holdout worlds) the difference lies between "
        f"{signed(d.world_low)} and {signed(d.world_high)} {facts.world.currency} per customer; it is a gain in "
        f"{worlds_won(d)} ({percent(d.better)})."
    )


def _certainty(outcome: Outcome) -> str:
    return {
        "gain": "The interval leaves zero out, so within this simulation the gain is not luck. Whether the world is as "
        "simulated rests on the assumptions below.",
        "needed": "The status quo goes beyond a limit and is no choice; the difference is what keeping the limits "
        "costs or earns.",
        "beyond": "On the holdout seeds it breaks a limit that it kept on the seeds which chose it: loosen the limit, "
        "or search with more replicates.",
        "unsettled": "The interval includes zero: these holdout worlds cannot tell the policy from the status quo. "
        "Raise holdout_replicates, or leave things as they are.",
        "loss": "On seeds that the search never saw the policy is worse than the status quo: what the search saw was "
        "luck. Keep the status quo, and search with more replicates.",
        "keep": "",
    }[outcome]


def tied(searched: Searched, currency: str) -> str:
    """Who counts as equally good, why this one is named, and its chance of being the best."""
    final, winner = searched.final, searched.winner
    n, equal, seeds = len(searched.finalists), [f for f in searched.finalists if f.tied], final.rounds[-1]
    best = f"Its chance of being the best of all {n} is {chance(winner)}"
    if len(equal) < 2:
        return f"No other of the {n} finalists is as good after {seeds} fresh replicates. {best}."
    leader = next((f for f in equal if f.label == final.leader), winner)
    text = (
        f"{len(equal)} of {n} finalists count as equally good after {seeds} fresh replicates: not told apart from the "
        f"one that led, or behind it by less than {final.margin:.2f} {currency} per customer. The simplest of them is "
        f"named: {simplicity(winner)}. {best}"
    )
    if leader is winner:
        return f"{text}; it led them."
    behind = leader.ranked.mean - winner.ranked.mean
    return f"{text}; {label_words(leader.label)}, which led, has {chance(leader)} and was {behind:.2f} better."


def chance(f: Candidate) -> str:
    """How likely a tied finalist is the best; resampling never makes it certain."""
    return percent(min(max(f.probability_best, 1e-9), 1 - 1e-9))


def simplicity(f: Candidate) -> str:
    """How far a policy is from the status quo."""
    if f.label == NOTHING:
        return "it does nothing at all, whatever the bounds of the levers"
    return f"it changes {counted(f.changes, 'lever')}" if f.changes else "it changes nothing"


def _kept(facts: Facts) -> tuple[str, ...]:
    searched, currency = searched_of(facts), facts.world.currency
    first = "No policy within the bounds and the limits was surely better on fresh seeds."
    rivals = [f for f in searched.finalists if f.label not in (STATUS_QUO, NOTHING) and f.within]
    if not rivals:
        return (first,)
    best = max(rivals, key=lambda f: f.ranked.mean)
    saw = "" if best.claimed is None else f"looked {signed(best.claimed)} {currency} per customer to the search and "
    alone = (
        ("Judged alone it would count as better; as the best of several it does not: judge with more replicates.",)
        if best.ranked.low > 0
        else ()
    )
    return (
        first,
        f"The nearest rival, {label_words(best.label)}, {saw}came to {plus_minus(best.ranked)} on "
        f"{best.ranked.n} fresh replicates.",
        *alone,
    )


def _spending(facts: Facts) -> str:
    searched, currency = searched_of(facts), facts.world.currency
    spend, here = searched.winner.spend, status_quo_of(searched)
    text = f"It spends {money(spend, currency)} over the horizon"
    if outcome_of(facts) != "keep" and here is not None:
        more = spend - here.spend
        text += f", {money(abs(more), currency)} {'more' if more >= 0 else 'less'} than the status quo"
    if searched.budget is None:
        return f"{text}; no budget was set."
    left = searched.budget - spend
    if left >= 0:
        return f"{text}; the budget of {money(searched.budget, currency)} leaves {money(left, currency)}."
    return f"{text}, which exceeds the budget of {money(searched.budget, currency)} by {money(-left, currency)}."


def interruption(searched: Searched, tried: int) -> str:
    """What a search that somebody stopped cannot say; empty for one that ended by itself."""
    if not searched.course.interrupted:
        return ""
    return (
        f"This search was stopped by hand after {tried} of {searched.course.effort.trials} trials. The best policy so "
        "far was judged on fresh and on holdout seeds, so its interval stands; but a longer search might find a better "
        "one, and assumptions, prices, fronts and what mattered were not looked at. The same command goes on where it "
        "stopped."
    )


# -- what to change ---------------------------------------------------------------------------------------------------


def changes(facts: Facts) -> list[Change]:
    """Values that the recommendation sets differently, those that mattered most first."""
    searched, currency = searched_of(facts), facts.world.currency
    shares, today = story_causes.shares(searched.causes), searched.status_quo
    values = {path: value for path, value in searched.winner.values.items() if today.get(path) != value}
    replaced = _replaced_rules(values, today)
    found = []
    for path, value in values.items():
        if path in replaced.values():
            continue
        old = replaced.get(path, path)
        before, after = value_words(old, today.get(old), currency), value_words(path, value, currency)
        gone = old != path and value == 0
        found.append(
            Change(
                path=path,
                label=lever_words(path if old == path else path.rpartition(".")[0]),
                meaning=meaning(facts.docs, path, currency),
                before=before,
                after="not done" if gone else after,
                moved="off" if gone else change_words(today.get(path), value),
                share=story_causes.share_of(path, shares),
            )
        )
    return sorted(found, key=lambda change: -(change.share or 0.0))


def _replaced_rules(values: Mapping[str, Value], today: Mapping[str, Value]) -> dict[str, str]:
    """Calendars that follow another rule than today, as where an action is switched off: its path to today's."""
    gone = [path for path, value in values.items() if value is None and today.get(path) is not None]
    calendars = {path.rpartition(".")[0]: path for path in gone if ".calendar." in path}
    return {
        path: calendars[path.rpartition(".")[0]]
        for path, value in values.items()
        if value is not None and path.rpartition(".")[0] in calendars
    }


# -- in short ---------------------------------------------------------------------------------------------------------


def in_short(facts: Facts) -> tuple[Paragraph, ...]:
    """The rest of the story in a few sentences, each paragraph with the place of its details."""
    searched, currency = searched_of(facts), facts.world.currency
    paragraphs = (
        Paragraph(
            "limits", "Limits", (*story_limits.kept(searched, currency), *story_limits.prices(searched, currency))
        ),
        Paragraph("rests", "What it rests on", story_basis.in_short(searched)),
        Paragraph("mattered", "What mattered", story_causes.in_short(searched, currency)),
    )
    return tuple(p for p in paragraphs if p.sentences)
