"""Ledger: rows in order, totals that need no rows, and refusal of what cannot be booked."""

from __future__ import annotations

import numpy as np
import pytest

from sim.errors import SiyuError
from sim.ledger import NOBODY, EventKind, Ledger

KINDS = (
    EventKind("sale", +1, "cents", "wool sold"),
    EventKind("feed", -1, "cents", "feed bought"),
    EventKind("shear", 0, "count", "shorn"),
)


def keys(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def filled(*, detail: bool = True) -> Ledger:
    ledger = Ledger(KINDS, detail=detail)
    ledger.record(3, "sale", keys(1, 2), np.array([100, 250]), "market")
    ledger.record(3, "sale", keys(9), 5, "market")
    ledger.record_shared(3, "feed", 40, "farm")
    ledger.record(4, "shear", keys(2), 0, "farm")
    ledger.record(4, "sale", keys(), 7, "nowhere")
    return ledger


def test_rows_are_kept_in_order() -> None:
    events = filled().events()
    assert list(zip(events.day.tolist(), events.key.tolist(), events.amount.tolist(), strict=True)) == [
        (3, 1, 100), (3, 2, 250), (3, 9, 5), (3, NOBODY, 40), (4, 2, 0),
    ]  # fmt: skip
    assert [KINDS[kind].name for kind in events.kind] == ["sale", "sale", "sale", "feed", "shear"]
    assert len(filled().of("sale", "shear")) == 4


@pytest.mark.parametrize("detail", [True, False])
def test_totals_are_sums_by_day_kind_and_source(detail: bool) -> None:
    totals = filled(detail=detail).totals()
    rows = list(zip(*(column.tolist() for column in vars(totals).values()), strict=True))
    assert rows == [(3, 0, 0, 3, 355), (3, 1, 1, 1, 40), (4, 2, 1, 1, 0)]


def test_no_event_gives_no_source_and_no_row() -> None:
    """A source's code must not depend on whether somebody happened to be addressed by nothing."""
    assert filled().sources == ["market", "farm"]
    assert len(Ledger(KINDS).events()) == len(Ledger(KINDS).totals().n) == 0


def test_signs_follow_the_codes() -> None:
    assert filled().signs().tolist() == [1, -1, 0]


def test_amounts_are_copied() -> None:
    ledger, amount, who = Ledger(KINDS), np.array([100]), keys(1)
    ledger.record(0, "sale", who, amount, "market")
    amount[0] = who[0] = 7
    assert (ledger.events().amount.tolist(), ledger.events().key.tolist()) == ([100], [1])


def test_large_sums_are_exact() -> None:
    """Totals are Python integers until they are read: no double loses a cent."""
    ledger = Ledger(KINDS, detail=False)
    for _ in range(3):
        ledger.record(0, "sale", keys(1), 2**60 + 1, "market")
    assert ledger._sums[0, 0, 0][1] == 3 * (2**60 + 1)


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(SiyuError, match="no event kind 'sael'; did you mean 'sale'"):
        Ledger(KINDS).record(0, "sael", keys(1), 1, "market")


@pytest.mark.parametrize("amount", [1.0, np.array([1.5]), True])
def test_only_whole_cents_are_booked(amount: object) -> None:
    with pytest.raises(SiyuError, match=r"sale: ledger amounts are integers"):
        Ledger(KINDS).record(0, "sale", keys(1), amount, "market")  # type: ignore[arg-type]


def test_totals_alone_give_no_events() -> None:
    with pytest.raises(SiyuError, match=r"keeps totals only.*detail=True"):
        filled(detail=False).events()


@pytest.mark.parametrize("detail", [True, False])
def test_restore_takes_back_what_state_gave(detail: bool) -> None:
    whole, half = filled(detail=detail), Ledger(KINDS, detail=detail)
    half.restore(whole.state())
    for ledger in (whole, half):
        ledger.record(5, "feed", keys(1), 3, "farm")
        ledger.record(5, "feed", keys(1), 3, "new")
    for name, column in half.state().items():
        assert np.array_equal(column, whole.state()[name]), name
        assert column.dtype == whole.state()[name].dtype


def test_an_empty_ledger_survives_a_snapshot() -> None:
    ledger = Ledger(KINDS)
    ledger.restore(Ledger(KINDS).state())
    assert len(ledger.events()) == 0
