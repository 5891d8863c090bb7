"""Figures: the numbers behind each, and that drawing leaves no trace in pyplot."""

from __future__ import annotations

import itertools
import re
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from experiments.compare import difference
from experiments.reporting import figures as fig
from experiments.reporting import figures_basis as fig_basis
from experiments.reporting import figures_causes as fig_causes
from experiments.reporting import figures_money as fig_money
from experiments.reporting import figures_search as fig_search
from experiments.reporting.causes import Chart, Cut
from experiments.searching.aims import Limit
from experiments.searching.questions.flips import Flip
from experiments.searching.result import Alternative
from tests import records

ARMS = ("winner", "status quo", "do nothing")


def weekly() -> pd.DataFrame:
    """Three arms, four replicates, three weeks; equity grows by a different step in each replicate."""
    rows: list[dict[str, Any]] = []
    for (number, arm), replicate, week in itertools.product(enumerate(ARMS), range(4), range(3)):
        step = 100.0 * (3 - number) + 10 * replicate
        rows.append(
            {"arm": arm, "replicate": replicate, "week": week, "equity": step * (week + 1), "spend": 5.0 * (week + 1)}
        )
    return pd.DataFrame(rows)


def replicates() -> pd.DataFrame:
    """Customers acquired: 10 under the status quo, more under the winner."""
    rows = [
        {"arm": arm, "replicate": replicate, "acquired": {"winner": 12.0, "status quo": 10.0, "do nothing": 8.0}[arm]}
        for arm, replicate in itertools.product(ARMS, range(4))
    ]
    return pd.DataFrame(rows)


MONEY = pd.DataFrame(
    [
        ("winner", "purchase", "order", 1000.0),
        ("winner", "purchase", "goods", -600.0),
        ("winner", "coupon", "coupon_redeemed", -50.0),
        ("winner", "growth.store", "media", -30.0),
        ("winner", "growth.ads", "media", -20.0),
        ("winner", "club", "fee", 8.0),
        ("status quo", "purchase", "order", 500.0),
        ("status quo", "purchase", "goods", -300.0),
    ],
    columns=["arm", "source", "kind", "amount"],
)

CENSUS = pd.DataFrame(
    [
        (arm, day, f"{axis}.{name}", float(n))
        for arm, shift in (("winner", 0), ("status quo", 40))
        for day, grow in ((0, 0), (13, 1))
        for axis, name, n in (
            *(("level", f"L{i}", 100 - 10 * i + grow * shift) for i in range(5)),
            ("level", "L5", 4),
            ("contact", "contact", 300 + grow * 7),
            ("contact", "muted", 0),
            ("contact", "deleted", 12),
        )
    ],
    columns=["arm", "day", "state", "customers"],
)

TRIALS = pd.DataFrame(
    {
        "number": [3, 0, 1, 2],
        "uplift": [4.0, 0.0, 9.0, 2.0],
        "standard_error": [0.5, 0.0, 1.0, 0.5],
        "feasible": [True, True, False, True],
        "dropped": [False, False, False, True],
    }
)


def alternatives() -> list[Alternative]:
    same = difference("clv", np.zeros(3))
    values = {("coupon", 0.5): 1.0, ("coupon", 2.0): 1.2, ("trust", 0.5): -1.0, ("trust", 2.0): 3.0}
    return [
        Alternative(effect, factor, difference("clv", np.array([mean - 1, mean, mean + 1])), "trial 3", same)
        for (effect, factor), mean in values.items()
    ]


def test_difference_info_is_sorted_and_stacks_equal_dots() -> None:
    info = fig.difference_info(np.array([2.0, -1.0, 2.0, 1.0]))
    assert info["value"].tolist() == [-1.0, 1.0, 2.0, 2.0]
    assert info["better"].tolist() == [False, True, True, True]
    assert info["height"].tolist() == [1, 1, 1, 2]


def test_difference_of_a_policy_from_itself_can_be_drawn() -> None:
    info = fig.difference_info(np.zeros(3))
    assert info["height"].tolist() == [1, 2, 3]
    assert not info["better"].any()


def test_curves_divide_by_the_customers_of_the_base() -> None:
    values = fig.per_customer(weekly(), replicates(), "status quo")
    last = values[(values["arm"] == "winner") & (values["week"] == 2) & (values["replicate"] == 1)]
    assert last["value"].item() == pytest.approx(310 * 3 / 10)
    own = fig.per_customer(weekly(), replicates())
    assert own[(own["arm"] == "winner") & (own["week"] == 2)]["value"].iloc[1] == pytest.approx(310 * 3 / 12)


def test_bands_hold_the_central_ninety_percent() -> None:
    info = fig.curves_info(fig.per_customer(weekly(), replicates(), "status quo"))
    row = info[(info["arm"] == "status quo") & (info["week"] == 0)].iloc[0]
    values = np.array([200.0, 210, 220, 230]) / 10
    assert (row["mean"], row["n"]) == (pytest.approx(values.mean()), 4)
    assert (row["low"], row["high"]) == (
        pytest.approx(np.quantile(values, 0.05)),
        pytest.approx(np.quantile(values, 0.95)),
    )
    assert list(dict.fromkeys(info["arm"])) == list(ARMS)


def test_gain_at_the_end_is_the_paired_difference() -> None:
    values = fig.per_customer(weekly(), replicates(), "status quo")
    last = fig.gain_info(values, "winner", "status quo").iloc[-1]
    d = difference("clv", np.full(4, 30.0))
    assert (last["mean"], last["low"], last["high"]) == (
        pytest.approx(d.mean),
        pytest.approx(d.low),
        pytest.approx(d.high),
    )


def test_spend_accumulates_within_each_replicate() -> None:
    spend = fig.cumulative(weekly(), "spend")
    assert spend[(spend["arm"] == "winner") & (spend["replicate"] == 3)]["value"].tolist() == [5.0, 15.0, 30.0]


def test_funnel_shows_start_once_and_the_end_of_each_arm() -> None:
    info = fig.funnel_info(CENSUS)
    assert list(dict.fromkeys(info["stage"])) == ["start", "winner", "status quo"]
    at = {(row.stage, row.level): row.customers for row in info.itertuples()}
    assert (at["start", "L0"], at["winner", "L0"], at["status quo", "L0"]) == (100, 100, 140)
    hidden = info[info["mark"] != ""]
    assert set(hidden["level"]) == {"L4", "L5"}  # four customers in L5, and the next smallest with them
    assert hidden["customers"].isna().all()


def test_tier_shares_add_up_and_hide_small_tiers() -> None:
    tiers = pd.DataFrame(
        {
            "arm": "winner",
            "tier": ["general", "core", "high_value"],
            "customers": [50.0, 30, 20],
            "sales": [10.0, 30, 60],
        }
    )
    info = fig.tiers_info(tiers)
    assert info["customers_share"].tolist() == pytest.approx([0.5, 0.3, 0.2])
    assert info["sales_share"].tolist() == pytest.approx([0.1, 0.3, 0.6])
    few = fig.tiers_info(tiers.assign(customers=[50.0, 30, 5]))
    assert few["mark"].tolist() == ["", "hidden", "<10"]
    assert few["sales_share"].isna().tolist() == [False, True, True]


def test_waterfall_ends_at_the_sum_and_folds_channels_into_their_action() -> None:
    info = fig_money.waterfall_info(MONEY)
    winner = info[info["arm"] == "winner"].set_index("step")
    assert winner.loc["growth", "amount"] == -50
    assert winner.loc["profit", "amount"] == pytest.approx(1000 - 600 - 50 - 50 + 8)
    assert list(winner.index[:2]) == ["sales", "goods"]
    assert (winner["begin"].iloc[1:-1].to_numpy() == winner["end"].iloc[:-2].to_numpy()).all()  # each begins where the
    assert winner["end"].iloc[-2] == winner["end"].iloc[-1]  # one before ended, and the last is the profit


def test_costs_leave_out_who_spends_nothing() -> None:
    info = fig_money.costs_info(fig_money.waterfall_info(MONEY))
    assert set(info["arm"]) == {"winner"}
    assert dict(zip(info["step"], info["cost"], strict=True)) == {"coupon": 50, "growth": 50, "club": -8}


def test_nobody_spends_anything() -> None:
    free = MONEY[MONEY["source"] == "purchase"]
    info = fig_money.costs_info(fig_money.waterfall_info(free))
    assert info.empty
    assert fig_money.plot_costs(info, arms=ARMS).get_legend() is None


def test_running_best_counts_trials_that_are_allowed_and_were_lived_to_their_end() -> None:
    info = fig_search.history_info(TRIALS)
    assert info["number"].tolist() == [0, 1, 2, 3]
    assert info["standing"].tolist() == ["within the limits", "beyond a limit", "given up early", "within the limits"]
    assert info["best"].tolist() == [0.0, 0.0, 0.0, 4.0]
    assert (info["low"].tolist(), info["high"].tolist()) == ([0.0, 8.0, 1.5, 3.5], [0.0, 10.0, 2.5, 4.5])


def test_front_ends_with_status_quo_and_recommendation() -> None:
    info = fig_search.front_info(records.front())
    assert info["what"].tolist() == ["front", "front", "status quo", "recommended"]
    assert info["amount"].tolist() == [20.0, 60.0, 50.0, 60.0]
    assert info["mean"].tolist() == pytest.approx([1.0, 5.0, 0.0, 5.0])
    assert info["high"].iloc[-1] == records.front().gain.high
    assert fig_search.scaled(info, 100)["amount"].tolist() == [2000.0, 6000.0, 5000.0, 6000.0]


def test_both_sides_of_a_limit_are_drawn_on_the_scale_of_the_axis() -> None:
    info = fig_search.scaled(fig_search.front_info(records.front()), 100)
    ax = fig_search.plot_front(info, limit=Limit(at_least=0.1, at_most=0.4), scale=100.0)
    dashed = {tuple(line.get_xdata()) for line in ax.lines if line.get_color() == fig.RED}
    assert dashed == {(10.0, 10.0), (40.0, 40.0)}


def test_tornado_puts_the_effect_that_matters_most_first() -> None:
    info = fig_basis.assumptions_info(alternatives())
    assert info["effect"].tolist() == ["trust", "trust", "coupon", "coupon"]
    assert info["span"].tolist() == pytest.approx([4.0, 4.0, 0.2, 0.2])


def test_flips_keep_the_nearest_on_each_side_and_effects_without_any() -> None:
    near, far = Flip("trial 3", 0.6, 0.7, None, "below", True), Flip("status quo", 0.2, 0.3, 0.1, "below", False)
    above = Flip("status quo", 2.5, 2.0, 3.0, "above", False)
    value = records.sweep("buying", "buying").model_copy(update={"effect": False})
    sweeps = [records.sweep("coupon", "coupons", (near, above, far)), records.sweep("trust", "goodwill"), value]
    info = fig_basis.flips_info(sweeps)
    assert list(zip(info["effect"], info["value"].fillna(-1), info["side"], strict=True)) == [
        ("coupons", 0.6, "below"), ("coupons", 2.5, "above"), ("goodwill", -1, ""),
    ]  # fmt: skip
    assert np.isnan(info["certain"].iloc[0])
    assert (info["plausible_low"].iloc[0], info["plausible_high"].iloc[0]) == (0.4, 1.6)


def test_what_is_plausible_is_drawn_no_farther_than_what_was_tried() -> None:
    wide = records.sweep("trust", "goodwill").model_copy(update={"plausible": (-0.5, 5.0)})
    info = fig_basis.flips_info([wide])
    assert (info["plausible_low"].item(), info["plausible_high"].item()) == (0.0, 4.0)


def test_importances_are_sorted_and_know_the_floor() -> None:
    info = fig_causes.importances_info(records.causes())
    assert info["lever"].tolist() == [records.PER_WEEK, records.DEPTH]
    assert info["above"].tolist() == [True, False]
    ax = fig_causes.plot_importances(info, floor=0.06)
    assert [to_hex(bar.get_facecolor()) for bar in ax.patches[:2]] == [fig.BLUE.lower(), fig.PALE]
    assert [line.get_xdata()[0] for line in ax.lines if line.get_label().startswith("floor")] == [0.06]


def test_slices_are_on_the_scale_of_their_axis() -> None:
    cut = Cut(lever="d", here=0.1, values=(0.0, 0.3), mean=(1, 2), low=(0, 1), high=(2, 3))
    assert fig_causes.slice_info(cut, 100)["value"].tolist() == [0.0, 30.0]
    assert fig_causes.slice_info(CHOICES)["value"].tolist() == ["everybody", "buyers"]


def test_map_rows_are_those_of_the_first_lever() -> None:
    info = fig_causes.map_info(records.causes().charts[0], (1.0, 100.0))
    at = {(row.one, round(row.other)): (row.mean, row.half) for row in info.itertuples()}
    assert at[(0.0, 30)] == (2, 1.0)
    assert at[(7.0, 0)] == (5, 1.0)


CHOICES = Cut(
    lever="whom", here="buyers", values=("everybody", "buyers"), mean=(1, 2), low=(0, 1), high=(2, 3)
)  # fmt: skip
MIXED = Chart(
    levers=("whom", "d"), here=("buyers", 0.1), values=(("everybody", "buyers"), (0.0, 0.1, 0.2)),
    mean=((1, 2, 3), (4, 5, 6)), low=((0, 1, 2), (3, 4, 5)), high=((2, 3, 4), (5, 6, 7)),
)  # fmt: skip


def curves(ax: Axes | None) -> Axes:
    values = fig.per_customer(weekly(), replicates(), "status quo")
    return fig.plot_curves(fig.curves_info(values), ax, title="t", y="CNY", limit=60)


DRAWN: dict[str, Callable[[Axes | None], Axes]] = {
    "difference": lambda ax: fig.plot_difference(
        difference("clv", np.array([1.0, 2, 4])), np.array([1.0, 2, 4]), ax=ax, currency="CNY"
    ),
    "curves": curves,
    "gain": lambda ax: fig.plot_gain(
        fig.gain_info(fig.per_customer(weekly(), replicates()), "winner", "status quo"), ax, y="CNY"
    ),
    "reachable": lambda ax: fig.plot_curves(fig.reachable_info(CENSUS), ax, y="customers"),
    "funnel": lambda ax: fig.plot_funnel(fig.funnel_info(CENSUS), ax),
    "waterfall": lambda ax: fig_money.plot_waterfall(fig_money.waterfall_info(MONEY), ax, currency="CNY"),
    "costs": lambda ax: fig_money.plot_costs(
        fig_money.costs_info(fig_money.waterfall_info(MONEY)), ax, arms=ARMS, currency="CNY"
    ),
    "history": lambda ax: fig_search.plot_history(fig_search.history_info(TRIALS), ax, currency="CNY"),
    "front": lambda ax: fig_search.plot_front(
        fig_search.front_info(records.front()), ax, x="spend", limit=Limit(at_most=100)
    ),
    "importances": lambda ax: fig_causes.plot_importances(
        fig_causes.importances_info(records.causes()), ax, floor=0.06
    ),
    "slice": lambda ax: fig_causes.plot_slice(
        fig_causes.slice_info(records.causes().cuts[0]), ax, x="a week", here=1.0, today=3.0
    ),
    "slice of choices": lambda ax: fig_causes.plot_slice(
        fig_causes.slice_info(CHOICES), ax, x="whom", here="buyers", today="everybody"
    ),
    "map": lambda ax: fig_causes.plot_map(
        fig_causes.map_info(records.causes().charts[0]), ax, x="a week", y="depth", here=(1.0, 0.1)
    ),
    "map of choices": lambda ax: fig_causes.plot_map(
        fig_causes.map_info(MIXED), ax, x="whom", y="depth", here=("buyers", 0.1)
    ),
    "assumptions": lambda ax: fig_basis.plot_assumptions(
        fig_basis.assumptions_info(alternatives()), ax, currency="CNY"
    ),
    "flips": lambda ax: fig_basis.plot_flips(fig_basis.flips_info(records.basis().sweeps), ax),
}


@pytest.mark.parametrize("name", DRAWN)
def test_draws_on_the_given_axes_and_labels_them(name: str) -> None:
    given = Figure().add_subplot()
    assert DRAWN[name](given) is given
    assert given.get_xlabel()
    own = DRAWN[name](None)
    assert own is not given
    assert own.figure is not given.figure
    open_figures = sys.modules["matplotlib.pyplot"].get_fignums() if "matplotlib.pyplot" in sys.modules else []
    assert not open_figures


@pytest.mark.parametrize("name", DRAWN)
def test_svg_is_self_contained_and_its_ids_are_its_own(name: str) -> None:
    text = fig.svg(DRAWN[name](None), name, 'says "less" & <more>')
    assert text.startswith('<svg role="img" aria-label="says &quot;less&quot; &amp; &lt;more>"')
    assert "http" not in text
    ids = re.findall(r'id="([^"]*)"', text)
    assert ids
    assert all(i.startswith(f"{name}-") for i in ids)
    used = set(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', text))
    assert {one or other for one, other in used} <= set(ids)


def test_svg_is_the_same_every_time() -> None:
    assert fig.svg(curves(None), "c", "") == fig.svg(curves(None), "c", "")


def test_svg_keeps_chinese_as_text() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nor does it complain about our own fonts
        assert "私域" in fig.svg(fig.axes(title="私域", x="周", y="元"), "zh", "")


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "0.5"), (999, "999"), (1234, "1.23k"), (-20_000, "-20k"), (2.5e6, "2.5M")]
)
def test_short_numbers(value: float, text: str) -> None:
    assert fig.short(value) == text
