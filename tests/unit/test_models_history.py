"""The history is what the orders say: folding them in one by one equals computing everything anew from all of them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.models import NO_ORDER, History, covariates, record_orders
from agents.models.features import DAYS_SINCE, PRIOR_BASKETS, PRIOR_DAYS, PRIOR_GAPS, PRIOR_ORDERS
from agents.models.history import GAP_LOG_SD, GAP_PRIOR, GAP_WEIGHT, HALF_LIVES, RECENT_WEIGHT
from sim import SiyuError, column

Orders = dict[int, list[tuple[int, int]]]  # customer: (day, net cents), in order
CUSTOMERS, DAYS = 40, 150


@pytest.fixture(scope="module")
def orders() -> Orders:
    luck = np.random.default_rng(11)
    made: Orders = {}
    for customer in range(CUSTOMERS):
        days = np.flatnonzero(luck.random(DAYS) < luck.choice([0.0, 0.02, 0.1, 0.4]))
        made[customer] = [(int(day), int(luck.integers(0, 20_000))) for day in days]
    return made


JOINED = np.arange(CUSTOMERS) % 5 * -3  # some joined long before their first order


def replay(orders: Orders, last_day: int) -> History:
    history = History()
    history.append(CUSTOMERS, key=np.arange(CUSTOMERS), joined=JOINED)
    for day in range(last_day + 1):
        today = [(c, net) for c, made in orders.items() for d, net in made if d == day]
        record_orders(history, np.array([c for c, _ in today], np.intp), day, [net for _, net in today])
    return history


def test_orders_may_come_with_a_day_for_each(orders: Orders) -> None:
    """Everybody's first order at once, then everybody's second, and so on: the same history to the byte."""
    history = History()
    history.append(CUSTOMERS, key=np.arange(CUSTOMERS), joined=JOINED)
    for number in range(max(map(len, orders.values()))):
        rows = np.array([c for c, made in orders.items() if len(made) > number])
        days, net = np.array([orders[int(c)][number] for c in rows]).T
        record_orders(history, rows, days, net)
    for name, column_ in replay(orders, DAYS).arrays().items():
        assert column_.tobytes() == getattr(history, name).tobytes(), name


def one(history: History, name: str, day: int, weekday: int = 2) -> NDArray[np.float64]:
    row: NDArray[np.float64] = covariates((name,), history, slice(None), day, weekday)[0]
    return row


@pytest.mark.parametrize("today", [1, 20, 90, DAYS])
def test_rates_and_shares_equal_a_sum_over_all_orders(orders: Orders, today: int) -> None:
    history = replay(orders, today - 1)
    for customer in range(CUSTOMERS):
        past = [day for day, _ in orders[customer] if day < today and day > JOINED[customer]]
        for half_life in HALF_LIVES:
            count = sum(0.5 ** ((today - day) / half_life) for day in past)
            exposure = sum(0.5 ** (back / half_life) for back in range(today - int(JOINED[customer])))
            expected = np.log(count + PRIOR_ORDERS) - np.log(exposure + PRIOR_DAYS)
            assert one(history, f"rate_{half_life}", today)[customer] == pytest.approx(expected, abs=2e-5)
        if past:
            at = past[-1]  # shares stand still between orders
            weight = {day: 0.5 ** ((at - day) / 112) for day in past}
            same = sum(w for day, w in weight.items() if day % 7 == today % 7)
            expected = np.log((same + 1) * 7 / (sum(weight.values()) + 7))
            assert one(history, "weekday_share", today)[customer] == pytest.approx(expected, abs=2e-5)


def test_rhythm_and_baskets_equal_a_walk_through_one_customers_orders(orders: Orders) -> None:
    history, today = replay(orders, DAYS - 1), DAYS
    for customer, made in orders.items():
        if not made:
            continue
        days, logs = [day for day, _ in made], [np.log(net + 100) for _, net in made]
        mean, variance = 0.0, GAP_LOG_SD**2
        for number, gap in enumerate(np.diff(days), start=1):
            surprise = np.log(gap) - mean
            mean += max(GAP_WEIGHT, 1 / number) * surprise
            if number > 1:
                variance += max(GAP_WEIGHT, 1 / (number + GAP_PRIOR)) * (surprise**2 - variance)
        counted = min(len(days), 60)  # where the tables end
        trust = (counted - 1) / (counted - 1 + PRIOR_GAPS)
        late = trust * (np.log(today - days[-1]) - mean) / np.sqrt(variance)
        recent = logs[0]
        for log in logs[1:]:
            recent += RECENT_WEIGHT * (log - recent)
        known = counted / (counted + PRIOR_BASKETS)
        assert one(history, "late", today)[customer] == pytest.approx(late, abs=1e-4)
        assert one(history, "gap_mean", today)[customer] == pytest.approx(trust * mean, abs=1e-4)
        assert one(history, "gap_sd", today)[customer] == pytest.approx(trust * np.sqrt(variance), abs=1e-4)
        assert one(history, "net_mean", today)[customer] == pytest.approx(known * np.mean(logs), abs=1e-4)
        assert one(history, "net_recent", today)[customer] == pytest.approx(recent - logs[-1], abs=1e-4)
        assert one(history, "net_last", today)[customer] == pytest.approx(logs[-1], abs=1e-5)
        assert one(history, "log_since", today)[customer] == pytest.approx(np.log(today - days[-1]))


def test_covariates_of_a_day_do_not_know_what_happens_from_that_day_on(orders: Orders) -> None:
    changed = {c: [(d, net) for d, net in made if d < 80] + [(80 + c % 3, 777)] for c, made in orders.items()}
    names = ("log_since", "rate_7", "rate_28", "rate_112", "late", "gap_sd", "weekday_share", "net_mean", "net_recent")
    for today in (30, 80):
        before, after = replay(orders, today - 1), replay(changed, today - 1)
        np.testing.assert_array_equal(
            covariates(names, before, slice(None), today, 0), covariates(names, after, slice(None), today, 0)
        )
    before, after = replay(orders, 83), replay(changed, 83)  # the control: later they differ
    assert not np.array_equal(
        covariates(names, before, slice(None), 84, 0), covariates(names, after, slice(None), 84, 0)
    )


def test_two_orders_on_a_day_are_one_order_day_with_both_amounts() -> None:
    once, twice = History(), History()
    for history in (once, twice):
        history.append(1, joined=0)
        record_orders(history, np.array([0]), 3, [500])
    record_orders(once, np.array([0]), 9, [1_200])
    record_orders(twice, np.array([0]), 9, [400])
    record_orders(twice, np.array([0]), 9, [800])
    for name, column_ in once.arrays().items():
        np.testing.assert_allclose(twice.arrays()[name], column_, rtol=1e-6, err_msg=name)
    assert twice.orders[0] == 2


def test_first_day_of_another_calendar_changes_no_covariate(orders: Orders) -> None:
    history = replay(orders, DAYS - 1)
    moved = history.rebased(DAYS)
    names = ("log_since", "log_tenure", "rate_28", "late", "weekday_share")
    for ahead in range(9):
        np.testing.assert_array_equal(
            covariates(names, history, slice(None), DAYS + ahead, 0), covariates(names, moved, slice(None), ahead, 0)
        )
    never = history.orders == 0
    assert never.any()
    assert np.all(moved.last_order[never] == NO_ORDER)
    assert moved.last_order.max() == history.last_order.max() - DAYS


def test_covariates_are_finite_for_those_who_never_ordered() -> None:
    from agents.models import FEATURES
    from agents.models.exposure import EXPOSURES

    history = History()
    history.append(3, joined=[-4000, 0, 10])
    of_messages = EXPOSURES  # columns that only worlds with learned contact have
    names = [*(n for n in FEATURES if n not in of_messages), "since_is_3", "since_above_14", "closing_56"]
    assert np.isfinite(covariates(names, history, slice(None), 10, 6)).all()
    assert DAYS_SINCE.min() > 0


def test_latent_and_unknown_names_raise() -> None:
    class Traits(History):
        count_28 = column("f4", 0, unit="orders", doc="hidden", access="latent")

    people = Traits()
    people.append(2)
    with pytest.raises(SiyuError, match="'count_28' is latent"):
        covariates(("rate_28",), people, slice(None), 5, 0)
    with pytest.raises(SiyuError, match="no feature 'rate_27'; did you mean 'rate_"):
        covariates(("rate_27",), people, slice(None), 5, 0)
    with pytest.raises(SiyuError, match="no feature 'since_is_0'"):
        covariates(("since_is_0",), people, slice(None), 5, 0)
