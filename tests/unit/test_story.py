"""Stories: what a search found, in sentences that a strategist can act on and no number of which is invented."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from experiments.reporting import story, story_answer, story_basis, story_causes, story_course, story_limits
from experiments.reporting.record import Facts
from experiments.reporting.searched import Searched
from experiments.searching.aims import Limit
from experiments.searching.questions.importances import Interaction
from experiments.searching.questions.information import Estimate, Worth
from experiments.searching.result import Alternative
from experiments.searching.trials.first_look import FirstLook
from experiments.searching.trials.measuring import Effort
from experiments.searching.trials.pilot import Effort as Weighed
from experiments.searching.trials.pilot import Pilot, RankAgreement, Replication
from tests import records
from tests.records import DEPTH, NOBODY, PER_WEEK, TRIALS, candidate, course, found, kept, price, record


def answer(**made: Any) -> tuple[str, str, str]:
    """Outcome, title and all sentences in one."""
    told = story_answer.recommendation(record(**made).facts)
    return told.outcome, told.title, " ".join(told.sentences)


def searched(**made: Any) -> Searched:
    return story.searched_of(record(**made).facts)


# -- the answer -------------------------------------------------------------------------------------------------------


def test_headline_numbers_are_those_of_the_record() -> None:
    outcome, title, told = answer()
    d = record().facts.differences["clv"]
    assert (outcome, title) == ("gain", f"Change 1 of 2 levers: {d.mean:+.2f} ± {d.half_width:.2f} CNY per customer")
    assert f"95 % interval {d.low:+.2f} to {d.high:+.2f}), in total +60 CNY (+10 CNY to +110 CNY)" in told
    assert "each of its customers, newcomers included, is then worth 43.00 ± 4.97 CNY" in told
    assert "chosen for" not in told
    assert f"between {d.world_low:+.2f} and {d.world_high:+.2f}" in told
    assert "it is a gain in 3 of 3 (100 %)" in told
    assert "It spends 60 CNY over the horizon, 10 CNY more than the status quo; the budget of 100 CNY leaves 40" in told


@pytest.mark.parametrize(
    ("gains", "title", "who"),
    [
        ((-40.0, 10.0, 60.0), "No gain is proven: +1.00 ±", "the search's choice (trial 2)"),
        ((-60.0, -50.0, -40.0), "Do not follow the search: -5.00 ±", "the search's choice (trial 2)"),
        ((50.0, 60.0, 70.0), "Change 1 of 2 levers: +6.00 ±", "the recommended policy (trial 2)"),
    ],
)
def test_only_a_proven_gain_is_recommended(gains: tuple[float, ...], title: str, who: str) -> None:
    _, headline, told = answer(gains=gains)
    assert headline.startswith(title)
    assert who in told


@pytest.mark.parametrize("gains", [(-40.0, 10.0, 60.0), (-60.0, -50.0, -40.0)])
def test_where_the_status_quo_breaks_a_limit_a_loss_may_be_needed(gains: tuple[float, ...]) -> None:
    outcome, title, told = answer(gains=gains, here_spends=150.0)
    assert outcome == "needed"
    assert title.startswith("Change 1 of 2 levers to keep within the limits")
    assert "the recommended policy (trial 2)" in told
    assert "The status quo goes beyond a limit and is no choice" in told


def test_the_interval_says_that_its_seeds_chose_nothing() -> None:
    told = answer()[2]
    assert "The interval comes from 3 holdout replicates, lived under both policies, whose seeds checked its" in told
    assert "limits and chose nothing else" in told
    without = answer(limits={}, course=course(worlds=8))[2]
    assert "3 holdout replicates, in 8 worlds drawn from what is uncertain, lived under both" in without
    fitted = answer(limits={}, course=course(worlds=8, drawn_from="calibrated parameter sets"))[2]
    assert "in 8 worlds drawn from calibrated parameter sets" in fitted
    assert "whose seeds chose nothing: no trial" in without


def test_another_aim_than_the_mean_is_told() -> None:
    told = answer(course=course(aim="mean uplift in the worst 10% of replicates"))[2]
    assert "It was chosen for another aim, the mean uplift in the worst 10% of replicates: +6.00 ± 4.97 CNY" in told


def test_alone_at_the_top() -> None:
    told = answer()[2]
    assert "No other of the 2 finalists is as good after 6 fresh replicates." in told
    assert "Its chance of being the best of all 2 is 75 %." in told


def test_the_simplest_of_the_tied_is_named_and_who_led() -> None:
    rival = candidate("only coupon.depth", [4.0, 6.0, 8.0], changes=2, tied=True, probability_best=0.995)
    final = searched().final.model_copy(update={"leader": rival.label})
    told = answer(rivals=(rival,), final=final)[2]
    assert "2 of 3 finalists count as equally good after 6 fresh replicates" in told
    assert "behind it by less than 0.12 CNY per customer. The simplest of them is named: it changes 1 lever." in told
    assert "best of all 3 is 75 %; only coupon, depth, which led, has above 99 % and was 1.00 better." in told
    assert answer(rivals=(rival,))[2].count("best of all 3 is 75 %; it led them.") == 1


@pytest.mark.parametrize(("share", "text"), [(0.0, "below 1 %"), (0.5, "50 %"), (1.0, "above 99 %")])
def test_resampling_makes_nobody_certain(share: float, text: str) -> None:
    assert story_answer.chance(candidate("trial 1", [1.0, 2.0], probability_best=share)) == text


def test_keeps_the_status_quo_when_nothing_is_better() -> None:
    outcome, title, told = answer(keeps=True)
    assert (outcome, title) == ("keep", "Keep the status quo")
    assert "No policy within the bounds and the limits was surely better on fresh seeds." in told
    assert "The nearest rival, trial 2, looked +9.00 CNY per customer to the search and came to -1.00" in told
    assert "on 3 fresh replicates" in told
    assert "more than the status quo" not in told
    assert "Judged alone" not in told


def test_a_rival_that_would_be_better_alone_is_said_to_be() -> None:
    rival = candidate("trial 9", [4.9, 5.0, 5.1], changes=1, claimed=6.0)
    _, _, told = answer(keeps=True, rivals=(rival,))
    assert "came to +5.00" in told
    assert "Judged alone it would count as better; as the best of several it does not" in told


def test_doing_nothing_may_be_the_answer() -> None:
    facts = record(gains=(50.0, 60.0, 70.0)).facts
    nothing = candidate("do nothing", [5.0, 6.0, 7.0], changes=3, claimed=None, holdout=found([5.0, 6.0, 7.0]))
    part = story.searched_of(facts).model_copy(update={"finalists": (nothing,)})
    told = story_answer.recommendation(facts.model_copy(update={"search": part}))
    assert told.title.startswith("Do nothing: +6.00")
    assert story_answer.simplicity(nothing) == "it does nothing at all, whatever the bounds of the levers"


def test_without_a_budget() -> None:
    told = answer(limits={})[2]
    assert "no budget was set" in told
    assert "budget of" not in told


def test_overspending_is_said_and_never_recommended() -> None:
    outcome, title, told = answer(limits={"spend": Limit(at_most=55)})
    assert (outcome, title) == ("beyond", "The best policy found goes beyond a limit: +6.00 ± 4.97 CNY per customer")
    assert "the search's choice (trial 2)" in told
    assert "which exceeds the budget of 55 CNY by 5 CNY" in told


def test_an_interrupted_search_says_what_it_cannot() -> None:
    assert story_answer.interruption(searched(), 40) == ""
    stopped = searched(course=course(interrupted=True, effort=Effort(60, 8, None, 16)))
    assert story_answer.interruption(stopped, 40).startswith("This search was stopped by hand after 40 of 60 trials.")
    assert story_basis.told(stopped) == ("No assumption was tried, since the search was stopped.",)
    assert story_course.course_told(stopped, TRIALS, "CNY")[3] == "It was stopped by hand after 3 of 60 trials."


@pytest.mark.parametrize(
    ("share", "text"), [(0.0, "0 %"), (0.004, "below 1 %"), (0.314, "31 %"), (0.996, "above 99 %"), (1.0, "100 %")]
)
def test_no_chance_is_rounded_to_certainty(share: float, text: str) -> None:
    assert story.percent(share) == text


def test_change_that_mattered_most_comes_first() -> None:
    facts = records.full_record().facts
    part = story.searched_of(facts)
    ranked = [part.causes.importances[1].__class__(DEPTH, 0.5, 0.7, 0.6, 0.8, True), part.causes.importances[0]]
    causes = part.causes.model_copy(update={"importances": (ranked[0], replace(ranked[1], total=0.2))})
    winner = part.winner.model_copy(update={"values": {PER_WEEK: 1.0, DEPTH: 0.0}})
    part = part.model_copy(update={"finalists": (winner,), "causes": causes})
    found = story_answer.changes(facts.model_copy(update={"search": part}))
    assert [(c.label, c.before, c.after, c.moved, c.share) for c in found] == [
        ("coupon: depth", "10 %", "0 %", "off", 0.7), ("adverts: how often", "3 a week", "1 a week", "−67 %", 0.2),
    ]  # fmt: skip


def test_an_action_that_is_switched_off_is_one_change() -> None:
    """The rule of its calendar goes and another takes its place: no two lines about one thing."""
    facts = records.full_record().facts
    part = story.searched_of(facts)
    rules = ("actions.posts.calendar.every_days", "actions.posts.calendar.per_week")
    winner = part.winner.model_copy(update={"values": dict(zip(rules, (None, 0), strict=True))})
    today = {**part.status_quo, **dict(zip(rules, (14, None), strict=True))}
    part = part.model_copy(update={"finalists": (winner,), "status_quo": today})
    (found,) = story_answer.changes(facts.model_copy(update={"search": part}))
    assert (found.label, found.before, found.after, found.moved) == ("posts: when", "every 14 days", "not done", "off")
    assert not found.long


def test_the_summary_leads_to_the_details() -> None:
    parts = {p.place: " ".join(p.sentences) for p in story_answer.in_short(records.full_record().facts)}
    assert list(parts) == ["limits", "rests", "mattered"]
    assert "unless coupons work less than 0.4×" in parts["rests"]
    assert "Not worth a test" not in parts["rests"]
    assert (
        "What moves the result most: adverts: how often (80 %). 1 of 2 levers cannot be told from" in parts["mattered"]
    )
    assert story_answer.in_short(record(limits={}).facts) == ()


# -- limits and prices ------------------------------------------------------------------------------------------------

LIMITS = {"spend": Limit(at_most=100), "hours": Limit(at_most=40), "revenue": Limit(at_least=900)}


def with_limits(**means: float) -> Searched:
    """A search whose winner has these means of limited metrics."""
    facts = searched(limits=LIMITS)
    standings = tuple(kept(means[name], LIMITS[name], name, sure=name != "hours") for name in LIMITS)
    return facts.model_copy(
        update={"finalists": (facts.winner.model_copy(update={"limits": standings}), *facts.finalists[1:])}
    )


def test_limits_that_are_kept_and_how_surely() -> None:
    (told,) = story_limits.kept(with_limits(spend=60, hours=39.5, revenue=950), "CNY")
    assert told == (
        "On the holdout seeds it keeps all 3 limits: spend 60 CNY (at most 100 CNY), staff hours 39.5 hours a week (at "
        "most 40 hours a week) and revenue 950 CNY (at least 900 CNY), staff hours by no more than the noise."
    )


def test_limits_that_are_broken() -> None:
    (told,) = story_limits.kept(with_limits(spend=60, hours=41, revenue=800), "CNY")
    assert told == (
        "It breaks 2 limits on the holdout seeds: staff hours of 41 hours a week where at most 40 hours a week is "
        "allowed and revenue of 800 CNY where at least 900 CNY is allowed."
    )
    rows = story_limits.rows(with_limits(spend=60, hours=41, revenue=800), "CNY")
    assert [(row.standing, row.within) for row in rows] == [
        ("kept", True), ("broken, within the noise", False), ("broken", False),
    ]  # fmt: skip
    assert rows[0].used == "60 CNY\n95 % interval 58 to 62 CNY"


@pytest.mark.parametrize(
    ("metric", "limit", "of", "text"),
    [
        ("spend", {"at_most": 100}, (1.4, 1.3, 1.5),
         "One more CNY of budget earns 1.4 CNY beyond its own cost (1.3 to 1.5)."),
        ("hours", {"at_most": 40}, (812, 700, 1250), "One more staff hour a week earns 812 CNY (700 to 1,250)."),
        ("margin", {"at_least": 0.2}, (5e4, 4e4, 6e4),
         "One percentage point of profit margin less required earns 500 CNY (400 to 600)."),
        ("spend_discounted", {"at_most": 3}, (0.5, -0.1, 1.1),
         "One more CNY of discounted spend per customer earns 0.5 CNY of CLV beyond its own cost (-0.1 to 1.1), which "
         "cannot be told from nothing."),
        ("n_mute", {"at_most": 80}, (0, 0, 0), "The limit on mutes does not bind: more would earn nothing."),
    ],
)  # fmt: skip
def test_shadow_prices_in_plain_words(
    metric: str, limit: dict[str, float], of: tuple[float, float, float], text: str
) -> None:
    bound = next(iter(limit.values()))
    made = searched(limits={metric: Limit(**limit)}, prices=(price(*of, metric=metric, limit=bound),))
    assert story_limits.prices(made, "CNY") == (text,)


def test_a_broken_limit_is_not_called_idle() -> None:
    unknown = price(0, 0, 0, limit=55.0)
    made = searched(limits={"spend": Limit(at_most=55)}, prices=(unknown,))
    assert story_limits.prices(made, "CNY") == ("What more of spend would earn could not be told.",)


def test_every_metric_that_may_be_limited_has_words() -> None:
    from experiments.searching.aims import METRICS

    assert set(story_limits.UNITS) == set(METRICS)
    for metric in METRICS:
        made = searched(limits={metric: Limit(at_most=0.5)}, prices=(price(2.0, 1.0, 3.0, metric=metric, limit=0.5),))
        assert story_limits.prices(made, "CNY")[0].startswith("One more ")
        assert story_limits.rows(made, "CNY")[0].allowed.startswith("at most ")


def test_few_people_are_not_counted_but_a_limit_is() -> None:
    made = searched(limits={"n_delete": Limit(at_most=5)})
    facts = made.model_copy(
        update={"finalists": (made.winner.model_copy(update={"limits": (kept(3, Limit(at_most=5), "n_delete"),)}),)}
    )
    assert story_limits.kept(facts, "CNY") == ("On the holdout seeds it keeps the limit: deletions <10 (at most 5).",)


def test_fronts_in_a_sentence() -> None:
    assert story_limits.front_words("spend", records.front(), "CNY") == (
        "From +1.00 ± 2.48 CNY per customer at 20 CNY to +5.00 ± 2.48 at 60 CNY; the status quo has 50 CNY."
    )
    alone = records.front().model_copy(update={"points": records.front().points[1:]})
    assert story_limits.front_words("hours", alone, "CNY").startswith(
        "One policy is best at every amount of staff hours"
    )


# -- what it rests on -------------------------------------------------------------------------------------------------


def basis_rows(facts: Facts) -> dict[str, story_basis.BasisRow]:
    return {row.name: row for row in story_basis.rows(facts)}


def test_fate_of_the_recommendation_at_other_strengths() -> None:
    stands = Alternative("coupon", 0.5, found([5.0, 6.0, 7.0]), "trial 2", NOBODY)
    noise = Alternative("coupon", 2.0, found([-5.0, 0.5, 5.0]), "status quo", found([-1.0, 0.5, 2.0]))
    moves = Alternative("trust", 0.5, found([-5.0, -4.5, -4.0]), "status quo", found([4.0, 4.5, 5.0]))
    rows = basis_rows(record(basis=records.Basis(alternatives=(stands, noise, moves))).facts)
    assert rows["coupon"].fates == (
        "Halved: stands, with +6.00 ± 2.48 CNY per customer.",
        "Doubled: stands, with +0.17 ± 12.44 CNY per customer, which is not distinguishable from no gain; status quo "
        "is +0.50 ± 3.73 ahead, within the noise.",
    )
    assert rows["trust"].fates == (
        "Halved: would change to status quo, which earns +4.50 ± 1.24 CNY per customer more there.",
    )
    assert rows["chat"].fates == ()


def test_what_is_worth_a_test_and_what_is_not() -> None:
    rows = basis_rows(records.full_record().facts)
    assert rows["trust"].worth == (
        "0.25 CNY a customer (0.10 to 0.40)\nA/B test of 2 × 1,200 for 28 days: 80 % of that"
    )
    assert (rows["coupon"].worth, rows["chat"].worth) == ("nothing proven\nnot worth a test", "–")


@pytest.mark.parametrize(
    ("testable", "test", "text"),
    [
        (False, None, "no field test tells"),
        (True, None, "a test costs more than it is worth"),
        (True, records.TestSize(9000, 28, 0.2, 0.8, None, None, False),
         "A/B test of 2 × 9,000 for 28 days: 80 % of that, but there are not so many customers"),
    ],
)  # fmt: skip
def test_tests_that_cannot_be_had(testable: bool, test: records.TestSize | None, text: str) -> None:
    worth = Worth("trust", "goodwill", Estimate(0.2, 0.1, 0.3), 0.05, 2.0, testable, test)
    basis = records.basis()
    assert basis.information is not None
    information = replace(basis.information, each=(worth,))
    made = record(basis=basis.model_copy(update={"information": information}))
    assert basis_rows(made.facts)["trust"].worth == f"0.20 CNY a customer (0.10 to 0.30)\n{text}"


def test_uncertain_values_of_the_scenario_have_a_row() -> None:
    value = records.sweep("buying.orders_per_year", "buying: orders per year").model_copy(
        update={"effect": False, "here": 14.0, "plausible": (10.0, 20.0), "matters": True}
    )
    rows = basis_rows(record(basis=records.Basis(sweeps=(value,))).facts)
    row = rows["buying, orders per year"]
    assert (row.tag, row.size) == ("uncertain", "14 (10 to 20)")
    assert row.fates == ("The gain lies between +6.00 and +6.00 CNY per customer over these.",)


# -- what mattered ----------------------------------------------------------------------------------------------------


def test_levers_that_mattered_are_named_and_the_others_counted() -> None:
    causes = records.causes()
    assert story_causes.together(causes).startswith(
        "20 % of the variation comes from adverts: how often and coupon: depth"
    )
    weak = causes.model_copy(update={"interactions": (Interaction((PER_WEEK, DEPTH), 0.01),)})
    assert story_causes.together(weak).startswith("No two levers make much more")
    none = tuple(replace(one, above_floor=False) for one in causes.importances)
    told = story_causes.in_short(searched(causes=causes.model_copy(update={"importances": none})), "CNY")
    assert told[0] == "No lever moves the result more than one that does nothing."
    assert told[1] == (
        "The best single change from the status quo, adverts: how often 3 a week → 1 a week, earns +4.00 ± 2.48 CNY "
        "per customer."
    )


def test_a_poor_surrogate_is_admitted() -> None:
    causes = records.causes()
    assert "each by the others." in story_causes.method(causes)
    assert "take the order of the levers as rough" in story_causes.method(causes.model_copy(update={"r2": 0.4}))


@pytest.mark.parametrize(
    ("path", "share"),
    [
        ("actions.club.tiers.0.discount", 0.3),  # set by the lever of the whole table
        ("actions.club.tiersize", None),
        ("actions.chat.hours_per_week.L1", 0.5),  # of several coordinates the one that mattered most
        ("actions.adverts.calendar.weekdays", 0.1),
    ],
)
def test_importance_of_a_value_is_that_of_the_lever_that_sets_it(path: str, share: float | None) -> None:
    shares = {"actions.club.tiers": 0.3, "actions.chat.hours_per_week[L1]": 0.2, "actions.chat.hours_per_week[L2]": 0.5,
              "actions.adverts.calendar.weekdays[mon]": 0.1}  # fmt: skip
    assert story_causes.share_of(path, shares) == share


def test_a_lever_below_the_floor_has_no_share() -> None:
    assert story_causes.shares(records.causes()) == {PER_WEEK: 0.8, DEPTH: 0.0}
    assert story_causes.shares(None) == {}


# -- how it was searched ----------------------------------------------------------------------------------------------


def test_what_was_claimed_stands_beside_what_held() -> None:
    told = story_course.claimed_and_held(record().facts)
    assert "The search expected +9.00 CNY per customer of trial 2, from 2 replicates that it also chose by" in told
    assert "Only the last number is claimed. What the search expected was 3.00 too high" in told
    assert "choose nothing. Only the last are claimed" in story_course.claimed_and_held(record(keeps=True).facts)


def test_pilot_tells_why_so_many_replicates() -> None:
    weighed = (Weighed(4, None, 40, 0.2, 0.01), Weighed(8, (2, 4, 8), 30, 0.1, 0.02))
    made = searched(course=course(
        pilot=Pilot(21, 16, 1.5, 0.1, 0.25, 2.5, 0.987), replication=Replication(weighed[1], weighed),
        effort=Effort(60, 8, (2, 4, 8), 16), worlds=4, stopped="after 3 trials: enough",
    ))  # fmt: skip
    told = " ".join(story_course.course_told(made, TRIALS, "CNY"))
    assert "A pilot of 21 policies on 16 shared seeds found a correlation of 0.987" in told
    assert "one shared replicate is worth 100 on separate seeds" in told
    assert "differ by 1.50 CNY per customer" in told
    assert "So 8 replicates a trial were chosen" in told
    assert "looks after 2, 4, 8 replicates" in told
    assert "1 of 3 were given up early" in told
    assert "one of 4 worlds" in told
    assert "It stopped after 3 trials: enough." in told
    assert "a shortfall below 0.125 CNY per customer counts as equal" in told
    assert "It favours" not in told
    few = made.course.model_copy(update={"replication": Replication(weighed[0], weighed)})
    raised = " ".join(story_course.course_told(made.model_copy(update={"course": few}), TRIALS, "CNY"))
    assert "(It favours 4, of which no error can be told; 8 is the least.)" in raised
    table = story_course.efforts(made.course)
    assert table is not None
    assert table.rows == (
        ("4 each", "40", "0.200", "0.010", ""), ("race to 8", "30", "0.100", "0.020", "chosen"),
    )  # fmt: skip


def test_first_look_in_a_smaller_world_is_told() -> None:
    look = FirstLook(0.1, 8, RankAgreement(12, 0.95, 0.8, 0.99, True), tried=20, dropped=15)
    told = " ".join(story_course.course_told(searched(course=course(first_look=look)), TRIALS, "CNY"))
    assert "on 10 % of the population first" in told
    assert "15 of 20 later ones were given up there" in told


def test_times_add_up() -> None:
    assert story_course.stages(course()).rows == (
        ("trials", "2.0", "67 %"), ("judgement", "1.0", "33 %"), ("all", "3.0", ""),
    )  # fmt: skip
