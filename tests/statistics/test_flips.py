"""Flip points: toy worlds in which the factor that breaks a recommendation is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from agents.effects import Effect, Effects
from agents.policy import DO_NOTHING, Policy
from agents.scenario import Scenario
from experiments.results import paired
from experiments.run import live
from experiments.searching.objective import Objective
from experiments.searching.questions.assumption_words import condition, sentences
from experiments.searching.questions.assumptions import assumed_effects, assumed_values
from experiments.searching.questions.flips import Robustness, find_flips, most_runs
from experiments.searching.worlds import Alternatives, Span, World, ensemble
from tests.worlds import policy, scenario

Floats = NDArray[np.float64]
Earned = Callable[[str, Scenario, Floats], float]
"""What a policy of this title earns in a scenario; luck is five standard normals that a seed draws."""

HERE = scenario(50, 20).model_copy(
    update={"effects": Effects(coupon=Effect(mean=4.0, sd=1.0), advert=Effect(mean=0.1, sd=0.05))}
)
COUPON, ADVERT, CHAT = assumed_effects(HERE, ("coupon", "advert", "chat"))


def toy(earned: Earned, calls: list[int] | None = None) -> Callable[..., Floats]:
    """A simulator whose truth is a formula, with luck that all policies share."""

    def run(policies: Sequence[Policy], seeds: Sequence[int], scenarios: Sequence[Scenario]) -> Floats:
        if calls is not None:
            calls.append(len(policies) * len(seeds))
        luck = [np.random.default_rng(seed).standard_normal(5) for seed in seeds]
        return np.array(
            [[10 * z[0] + earned(p.title, s, z) for s, z in zip(scenarios, luck, strict=True)] for p in policies]
        )

    return run


def factor(s: Scenario, name: str = "coupon") -> float:
    return float(getattr(s.effects, name).mean / getattr(HERE.effects, name).mean)


def swept(
    earned: Earned, *assumptions: object, labels: Sequence[str] = ("winner", "status quo"), replicates: int = 12,
    worlds: Sequence[World] = (World(HERE, {}),), **kw: object,
) -> Robustness:  # fmt: skip
    policies = [DO_NOTHING.model_copy(update={"title": label}) for label in labels]
    return find_flips(toy(earned), worlds, policies, labels, range(replicates), assumptions, **kw)  # type: ignore[arg-type]


def test_a_straight_uplift_flips_where_its_line_says() -> None:
    """Uplift 5 f − 2 in mean: nothing left at f = 0.4; its band there has a half-width of t · sd / (√n · slope)."""

    def earned(who: str, s: Scenario, z: Floats) -> float:
        return 5 * factor(s) - 2 + 0.3 * (z[1] - Z.mean()) if who == "winner" else 0.0

    n = 12
    Z = np.array([np.random.default_rng(seed).standard_normal(5)[1] for seed in range(n)])
    (flip,) = swept(earned, COUPON, replicates=n).swept[0].flips
    half = stats.t.ppf(0.975, n - 1) * 0.3 * Z.std(ddof=1) / n**0.5 / 5
    assert flip.value == pytest.approx(0.4, abs=1e-6)
    assert flip.doubtful == pytest.approx(0.4 + half, abs=1e-4)
    assert flip.certain == pytest.approx(0.4 - half, abs=1e-4)
    assert (flip.rival, flip.side, flip.plausible) == ("status quo", "below", False)  # 90 %: 1 ± 1.645 / 4


def test_a_curve_is_followed_to_its_root() -> None:
    """Nothing is straight here: f² = 0.3 and e^(f − 2.7) = 1, from a grid that is halves and doubles."""
    below = swept(lambda who, s, z: (factor(s) ** 2 - 0.3) * (3 + 0.2 * z[1]) if who == "winner" else 0.0, COUPON)
    above = swept(lambda who, s, z: -np.expm1(factor(s) - 2.7) * (3 + 0.2 * z[1]) if who == "winner" else 0.0, COUPON)
    assert below.swept[0].flips[0].value == pytest.approx(0.3**0.5, abs=0.005)
    assert above.swept[0].flips[0].value == pytest.approx(2.7, abs=0.06)
    assert above.swept[0].flips[0].side == "above"


def test_flips_on_both_sides_and_the_nearest_is_told_first() -> None:
    """A hump: coupons that work too well are given away too often."""
    result = swept(lambda who, s, z: (factor(s) - 0.7) * (3 - factor(s)) if who == "winner" else 0.0, COUPON)
    assert [(round(f.value, 2), f.side) for f in result.swept[0].flips] == [(0.7, "below"), (3.0, "above")]
    likely, unlikely = sentences(result)
    assert likely.startswith("The recommendation stands unless coupons work less than 0.7× as assumed (0.7× to 0.7×)")
    assert unlikely.startswith("It would also change if coupons work more than 3× as assumed")
    assert unlikely.endswith("which is not plausible as assumed.")


def test_what_does_not_matter_is_found_out_at_its_extremes() -> None:
    calls: list[int] = []
    policies = [DO_NOTHING.model_copy(update={"title": t}) for t in ("winner", "status quo")]
    run = toy(lambda who, s, z: factor(s) + 1 + z[1] if who == "winner" else 0.0, calls)
    result = find_flips(run, (World(HERE, {}),), policies, ("winner", "status quo"), range(8), (COUPON, CHAT))
    coupon, chat = result.swept
    assert (coupon.matters, chat.matters) == (True, False)
    assert chat.values == (0.0, 1.0, 4.0)
    assert result.runs == sum(calls) == (5 + 2) * 2 * 8  # coupons: 0, ½, 1, 2, 4; chats: 0, 4
    assert result.pair is None
    assert not chat.flips


def test_no_more_runs_than_promised() -> None:
    names = ("coupon", "advert", "chat")

    def earned(who: str, s: Scenario, z: Floats) -> float:
        """Both sides of every effect flip, and nothing is straight."""
        each = (0.3 - np.log(factor(s, n) + 0.05) ** 2 * (1 + 0.02 * z[1]) for n in names)
        return float(min(each)) if who == "winner" else 0.0

    result = swept(earned, *assumed_effects(HERE, names))
    assert all(len(s.flips) == 2 for s in result.swept)
    assert 20 * 2 * 12 < result.runs <= most_runs(3, 2, 12)


def test_a_rival_counts_only_beyond_the_noise() -> None:
    """Trial 2 is a hair worse, and never certainly better; trial 3 overtakes at f = 2.5 for sure."""

    def earned(who: str, s: Scenario, z: Floats) -> float:
        return {
            "winner": 3.0,
            "trial 2": 2.999 + z[2] - 0.01 * factor(s),
            "trial 3": 3 + (factor(s) - 2.5) * (1 + 0.1 * z[1]),
            "status quo": 0.0,
        }[who]

    result = swept(earned, COUPON, labels=("winner", "trial 2", "trial 3", "status quo"))
    assert [f.rival for f in result.swept[0].flips] == ["trial 3"]
    assert result.swept[0].flips[0].value == pytest.approx(2.5, abs=1e-6)
    assert "trial 3 is better" in sentences(result)[0]


def test_a_rival_that_is_ahead_in_mean_alone_changes_nothing() -> None:
    """Certainly behind as assumed; at four times the effect a hair ahead, in much more noise."""

    def earned(who: str, s: Scenario, z: Floats) -> float:
        rival = 2 + (factor(s) - 1) * (0.6 + z[1])
        return {"winner": 3.0, "trial 2": rival, "status quo": 0.0}[who]

    result = swept(earned, COUPON, labels=("winner", "trial 2", "status quo"))
    ahead = result.swept[0].at(4.0)
    assert ahead[1].mean() > ahead[0].mean()
    assert not result.swept[0].flips


def test_a_tied_rival_flips_where_it_is_certainly_ahead() -> None:
    """As assumed the two are equal; the rival's lead (f − 1) · 0.5 leaves the noise at a factor that t tells."""
    n = 16
    result = swept(
        lambda who, s, z: {"winner": 3.0, "trial 2": 3 + 0.5 * (factor(s) - 1) + 0.4 * z[1], "status quo": 0.0}[who],
        COUPON, labels=("winner", "trial 2", "status quo"), replicates=n,
    )  # fmt: skip
    noise = 0.4 * np.array([np.random.default_rng(seed).standard_normal(5)[1] for seed in range(n)])
    half = stats.t.ppf(0.975, n - 1) * noise.std(ddof=1) / n**0.5
    (flip,) = [f for f in result.swept[0].flips if f.side == "above"]
    assert flip.value == flip.certain == pytest.approx(1 + (half - noise.mean()) / 0.5, abs=1e-3)


def test_keeping_the_status_quo_is_tried_too() -> None:
    result = swept(
        lambda who, s, z: {"status quo": 0.0, "trial 2": 2 * (factor(s) - 1.8) + 0.1 * z[1]}[who], COUPON,
        labels=("status quo", "trial 2"),
    )  # fmt: skip
    assert result.swept[0].flips[0].value == pytest.approx(1.8, abs=0.05)
    (told,) = sentences(result)
    assert told.startswith("The status quo remains best within what is plausible; it would change if coupons work more")


def test_a_lead_that_is_none_is_said_and_has_no_flip() -> None:
    result = swept(lambda who, s, z: factor(s) - 1.2 + 0.01 * z[1] if who == "winner" else 0.0, COUPON)
    assert not result.settled
    assert not result.swept[0].flips
    assert "already" in sentences(result)[0]


def test_an_uncertain_value_flips_at_a_value() -> None:
    """In each of four worlds with its own basket the margin is swept, and only the margin."""
    spreads = {"margin": Span(low=0.2, high=0.6), "buying.basket_cny": Span(low=50, high=70)}
    worlds = ensemble(HERE, spreads, 4, seed=1)

    def earned(who: str, s: Scenario, z: Floats) -> float:
        return s.margin * 60 - 18 + 0.1 * (s.buying.basket_cny - 60) if who == "winner" else 0.0

    result = swept(earned, *assumed_values(HERE, spreads), worlds=worlds)
    margin, basket = result.swept
    shift = 0.1 * np.mean([w.values["buying.basket_cny"] - 60 for w in worlds])
    assert margin.flips[0].value == pytest.approx((18 - shift) / 60, abs=1e-6)
    assert margin.flips[0].plausible
    assert not basket.flips
    assert basket.matters
    assert margin.values[0] == 0.2
    assert margin.values[-1] == 0.6
    assert "margin is below 0.3" in condition(margin.assumption, margin.flips[0])


def test_alternatives_are_tried_one_by_one() -> None:
    spreads = {"buying.gap_shape": Alternatives(values=(0.8, 1.0, 1.15, 2.0))}
    result = swept(
        lambda who, s, z: (0.01 * z[1] + 1 - (s.buying.gap_shape == 1.0) * 2) if who == "winner" else 0.0,
        *assumed_values(HERE, spreads), worlds=ensemble(HERE, spreads, 4, seed=1),
    )  # fmt: skip
    (flip,) = result.swept[0].flips
    assert (flip.value, flip.certain, flip.side) == (1.0, 1.0, "other")
    assert "buying: gap shape is 1.0" in sentences(result)[0]


def test_the_tail_may_flip_before_the_mean() -> None:
    """Uplift f + 0.5 z: the mean is gone at 0, the worst quarter (CVaR −1.27 sd, here of the sample) long before."""
    n = 40
    result = swept(
        lambda who, s, z: factor(s) + 0.5 * z[1] if who == "winner" else 0.0, COUPON, replicates=n,
        objective=Objective(measure="cvar", tail=0.25),
    )  # fmt: skip
    z = np.sort([np.random.default_rng(seed).standard_normal(5)[1] for seed in range(n)])
    assert result.swept[0].flips[0].value == pytest.approx(-0.5 * z[:10].mean(), abs=1e-6)


def test_two_unkind_effects_at_once() -> None:
    """At its lower end each alone leaves a gain; both together do not."""

    def earned(who: str, s: Scenario, z: Floats) -> float:
        loss = 4 * (1 - factor(s)) + 2 * (1 - factor(s, "advert"))
        return 3 - loss + 0.1 * z[1] + 0.2 * (factor(s, "chat") - 1) if who == "winner" else 0.0

    result = swept(earned, COUPON, ADVERT, CHAT)
    pair = result.pair
    assert pair is not None
    assert {effect.name: factor for effect, factor in pair.factors} == pytest.approx(
        {"coupon": 1 - 1.6449 / 4, "advert": 1 - 1.6449 / 2}
    )
    assert pair.lead.value == pytest.approx(3 - 1.6449 - 1.6449, abs=0.1)
    assert pair.lead.high < 0
    assert "With adverts at 0.18× and coupons at 0.59× at once it is behind status quo by 0.3" in sentences(result)[-1]


# -- a world of people ------------------------------------------------------------------------------------------------


def test_a_simulated_coupon_stands_and_falls_with_its_effect() -> None:
    """Sixty people, a coupon every fourth day: the product's own worlds through the same callable."""
    here = scenario(60, 20)
    coupon, advert = assumed_effects(here, ("coupon", "advert"))
    friday = policy(friday={"kind": "coupon", "depth": 0.15, "valid_days": 3, "calendar": {"every_days": 4}})
    policies, seeds = (friday, DO_NOTHING), (1, 2, 3)

    def run(policies: Sequence[Policy], seeds: Sequence[int], scenarios: Sequence[Scenario]) -> Floats:
        lived = [[live(s, p, seed) for seed, s in zip(seeds, scenarios, strict=True)] for p in policies]
        return np.array([paired(outcomes, lived[-1], "clv") for outcomes in lived])

    result = find_flips(run, (World(here, {}),), policies, ("coupons", "status quo"), seeds, (coupon, advert))
    of_coupon, of_advert = result.swept
    assert (of_coupon.matters, of_advert.matters) == (True, False)
    assert of_coupon.at(1.0) == pytest.approx(run(policies, seeds, [here] * 3))
    worlds = [of_coupon.at(f)[0].mean() for f in (0.0, 1.0, 4.0)]
    assert worlds[0] < worlds[1] < worlds[2]
    assert worlds[0] < 0  # a coupon that moves nobody is money given away
    assert of_advert.at(2.0) == pytest.approx(of_coupon.at(1.0))
    assert result.runs <= most_runs(2, 2, 3)
