"""Tables of a report: money that adds up as printed, and people of whom no cell shows fewer than ten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agents.customers import TIERS
from agents.events import DISCOUNTS, OPERATOR_INCOME
from experiments.accounts.funnel import funnel
from experiments.accounts.segments import segments
from experiments.reporting.figures import contacts_info, funnel_info, tiers_info
from experiments.reporting.suppression import FEW, FEWEST
from experiments.reporting.words import LEVEL_NAMES, lever_words

REVENUE = ("order", "package", *OPERATOR_INCOME)
GIVEN_AWAY = (*DISCOUNTS, "points", "refund", "benefit")
COLUMNS = ("revenue", "discounts", "costs", "profit")
CONTACT_NAMES = {"contact": "reachable contacts", "muted": "muted", "deleted": "deleted the contact"}


@dataclass(frozen=True)
class MoneyTable:
    """Money of an arm, mean of the replicates, in whole cents that add up as printed.

    Attributes
    ----------
    rows : label to cents: revenue, discounts, costs, profit.
    total : the sums of the columns.
    adds_up : whether all money booked is the mean profit of the ledgers, and the total its nearest cent.
    """

    arm: str
    rows: dict[str, tuple[int, ...]]
    total: tuple[int, ...]
    adds_up: bool


def money_tables(money: pd.DataFrame, replicates: pd.DataFrame) -> list[MoneyTable]:
    """One table per arm. An action's row is what was booked under it; the sales that it brought are in ``orders``."""
    tables = []
    for arm in dict.fromkeys(replicates["arm"]):
        part = money[money["arm"] == arm]
        profit = float(replicates.loc[replicates["arm"] == arm, "profit"].mean())
        tables.append(_money_table(str(arm), part, profit))
    return tables


def _money_table(arm: str, money: pd.DataFrame, profit: float) -> MoneyTable:
    column = [
        COLUMNS.index("revenue" if kind in REVENUE else "discounts" if kind in GIVEN_AWAY else "costs")
        for kind in money["kind"]
    ]
    leaves = pd.DataFrame(
        {"row": [_row_words(s) for s in money["source"]], "column": column, "amount": money["amount"]}
    )
    leaves = pd.DataFrame(leaves.groupby(["row", "column"], as_index=False, sort=False)["amount"].sum())
    leaves["cents"] = in_cents(leaves["amount"].to_numpy(np.float64))
    rows: dict[str, list[int]] = {}
    for row, where, cents in zip(leaves["row"], leaves["column"], leaves["cents"], strict=True):
        if cents:
            rows.setdefault(str(row), [0, 0, 0, 0])[int(where)] += int(cents)
    for cells in rows.values():
        cells[3] = sum(cells[:3])
    ordered = sorted(rows, key=lambda row: (row != "orders", rows[row][3]))
    total = tuple(sum(cells[i] for cells in rows.values()) for i in range(4))
    exact = abs(float(money["amount"].sum()) - profit) < 1e-4 and abs(total[3] - 100 * profit) < 0.51
    return MoneyTable(arm, {row: tuple(rows[row]) for row in ordered}, total, exact)


def _row_words(source: str) -> str:
    return "orders" if source == "purchase" else source.replace(".", ": ").replace("_", " ")


def in_cents(amounts: NDArray[np.float64]) -> NDArray[np.int64]:
    """Amounts in whole cents whose sum is the rounded sum: the largest remainders are rounded up."""
    exact = np.round(100 * amounts, 6)
    cents = np.floor(exact).astype(np.int64)
    missing = round(float(exact.sum())) - int(cents.sum())
    cents[np.argsort(cents - exact, kind="stable")[:missing]] += 1
    return cents


@dataclass(frozen=True)
class Table:
    """A small table of texts."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def people_table(census: pd.DataFrame, axis: str) -> Table:
    """Contacts by trust level (``level``) or contact state (``contact``): start, and the end of each arm."""
    info = funnel_info(census) if axis == "level" else contacts_info(census)
    names = LEVEL_NAMES if axis == "level" else CONTACT_NAMES
    stages = list(dict.fromkeys(info["stage"]))
    rows = []
    for state, part in info.groupby(axis, sort=False):
        cells = [mark or f"{n:,.0f}" for n, mark in zip(part["customers"], part["mark"], strict=True)]
        rows.append((names[str(state)], *cells))
    return Table(("", *(str(stage) for stage in stages)), tuple(rows))


def steps_table(census: pd.DataFrame) -> Table:
    """For each trust level and arm: customers there on average, and which share of them rises or falls in a week."""
    info = funnel(census)
    return _by_arm(
        info.assign(words=info["level"].map(LEVEL_NAMES)),
        stood=("on average", "{:,.0f}"), up_a_week=("rise a week", "{:.2%}"), down_a_week=("fall a week", "{:.2%}"),
    )  # fmt: skip


def segments_table(census: pd.DataFrame) -> Table:
    """Contacts at the start and at the end of each arm by class of each segment, and orders a contact. May be empty."""
    info = segments(census)
    return _by_arm(
        info.assign(words=info["dimension"] + " " + info["name"]),
        before=("at first", "{:,.0f}"), after=("at last", "{:,.0f}"), orders=("orders each", "{:.2f}"),
    )  # fmt: skip


def _by_arm(info: pd.DataFrame, **columns: tuple[str, str]) -> Table:
    """A row for each ``words``, columns of each arm side by side: column of the frame = head and format; NaN is few."""
    arms = list(dict.fromkeys(info["arm"]))
    rows = []
    for words, part in info.groupby("words", sort=False):
        of_arm: dict[Any, dict[Any, float]] = part.set_index("arm")[list(columns)].to_dict("index")
        cells = [
            FEW if np.isnan(of_arm[arm][name]) else form.format(of_arm[arm][name])
            for arm in arms
            for name, (_, form) in columns.items()
        ]
        rows.append((str(words), *cells))
    head = ("", *(f"{what}, {arm}" for arm in arms for what, _ in columns.values()))
    return Table(head, tuple(rows))


def quantity(value: float) -> str:
    """Four significant digits, thousands in whole numbers."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def identity_tables(frame: pd.DataFrame) -> list[tuple[str, Table]]:
    """Each identity with its formula: factors by arm, and what they multiply to."""
    found = []
    for name, part in frame.groupby("identity", sort=False):
        arms = list(dict.fromkeys(part["arm"]))
        cell = {
            (arm, factor): f"{quantity(value)}\n{of}"
            for arm, factor, value, of in zip(part["arm"], part["factor"], part["value"], part["of"], strict=True)
        }
        told = part.drop_duplicates("factor").set_index("factor")["counted"]
        rows = [(f"{factor}: {told[factor]}", *(cell.get((arm, factor), "–") for arm in arms)) for factor in told.index]
        result = part.groupby("arm", sort=False)[["result", "broken"]].first()
        ends = [f"{result.loc[a, 'result']:,.0f}" + ("\nno product" if result.loc[a, "broken"] else "") for a in arms]
        caption = f"{str(name).capitalize()}: {part['formula'].iloc[0]} ({part['source'].iloc[0]}), one replicate"
        found.append((caption, Table(("", *map(str, arms)), (*rows, ("product", *ends)))))
    return found


def tier_shares(tiers: pd.DataFrame) -> Table:
    """Shares of buyers and of sales by value tier and arm."""
    info = tiers_info(tiers)
    arms = list(dict.fromkeys(info["arm"]))
    rows = []
    for tier in TIERS:
        cells = []
        for arm in arms:
            row = info[(info["arm"] == arm) & (info["tier"] == tier)].iloc[0]
            shares = (row["customers_share"], row["sales_share"])
            cells += [str(row["mark"]), "–"] if row["mark"] else [f"{share:.0%}" for share in shares]
        rows.append((tier.replace("_", " "), *cells))
    head = ("", *(f"{what}, {arm}" for arm in arms for what in ("buyers", "sales")))
    return Table(head, tuple(rows))


AMOUNTS = {"clv": "CLV per customer acquired", "equity": "customer equity (discounted)", "profit": "profit",
           "revenue": "revenue, net of discounts", "spend": "spend"}  # fmt: skip
COUNTS = {"acquired": "customers in all", "n_order": "orders", "n_join": "newcomers", "n_mute": "times muted",
          "n_delete": "contacts deleted", "n_coupon_redeemed": "coupons redeemed"}  # fmt: skip


def outcome_table(replicates: pd.DataFrame) -> Table:
    """Means of the arms; on a second line the central 90 % of their replicates."""
    arms = list(dict.fromkeys(replicates["arm"]))
    rows = []
    for metric, label in (AMOUNTS | COUNTS).items():
        cells = []
        for arm in arms:
            values = replicates.loc[replicates["arm"] == arm, metric]
            form = ",.2f" if metric == "clv" else ",.0f"
            low, high = values.quantile(0.05), values.quantile(0.95)
            if metric in COUNTS and values.mean() < FEWEST:
                cells.append(FEW)
            else:
                cells.append(f"{values.mean():{form}}\n{low:{form}} … {high:{form}}")
        rows.append((label, *cells))
    return Table(("", *(str(arm) for arm in arms)), tuple(rows))


def lever_table(levers: Sequence[str], candidates: Sequence[tuple[str, Sequence[str]]]) -> Table:
    """Lever values of several policies beside each other."""
    rows = [(lever_words(lever), *(values[i] for _, values in candidates)) for i, lever in enumerate(levers)]
    return Table(("", *(label for label, _ in candidates)), tuple(rows))
