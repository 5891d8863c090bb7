"""The logbook: what a hidden world writes is what happened, to the cent, and nothing that an operator cannot know."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from agents.customers import Customers
from agents.domain import PrivateDomain
from agents.policy import DO_NOTHING
from experiments.closed_loop.hidden import LOG_DAYS, Truth, lived, truth_of
from experiments.closed_loop.logbook import write_logs
from experiments.data import Logs, load_logs
from sim.errors import SiyuError
from tests.worlds import busy_policy, busy_scenario, live

CUSTOMERS = 200
TOUCHED = {
    "message_advert", "coupon_issued", "coupon_redeemed", "coupon_expired", "mute", "unmute", "delete", "trust_level"
}  # fmt: skip


@pytest.fixture(scope="module")
def truth() -> Truth:
    return dataclasses.replace(truth_of(0), mute=-5.0, delete=-7.0, randomised=True)


@pytest.fixture(scope="module")
def world(truth: Truth) -> PrivateDomain:
    return lived(truth, world=0, customers=CUSTOMERS)


@pytest.fixture(scope="module")
def folder(world: PrivateDomain, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_logs(world, tmp_path_factory.mktemp("logs"))


@pytest.fixture(scope="module")
def logs(folder: Path) -> Logs:
    return load_logs(str(folder))


def by_id(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)


def test_orders_come_back_to_the_cent(world: PrivateDomain, folder: Path, logs: Logs) -> None:
    orders, redeemed = world.ledger.of("order"), world.ledger.of("coupon_redeemed")
    assert not logs.dropped
    assert len(logs.visits) == len(orders)
    assert int(logs.visits["gross"].sum()) == int(orders.amount.sum())
    assert int(logs.visits["discount"].sum()) == int(redeemed.amount.sum()) > 0
    # Customer by customer and day by day: the id is the only thing that ties them.
    told = by_id(folder, "orders")
    day = (pd.to_datetime(told["ts"]) - pd.Timestamp(world.start)).dt.days
    key = told["customer_id"].str.removeprefix("c").astype(np.int64)
    mine = dict(zip(zip(day, key, strict=True), told["gross"], strict=True))
    for d, k, amount in zip(orders.day.tolist(), orders.key.tolist(), orders.amount.tolist(), strict=True):
        assert mine[d, k] == f"{amount // 100}.{amount % 100:02d}"


def test_touches_come_back(world: PrivateDomain, logs: Logs) -> None:
    assert logs.touches is not None
    told = logs.touches["kind"].value_counts()
    assert set(told.index) == TOUCHED, "a world this lively has them all"
    for kind in TOUCHED:
        assert told[kind] == len(world.ledger.of(kind)), kind


def test_campaigns_carry_their_terms(truth: Truth, logs: Logs) -> None:
    assert logs.touches is not None
    coupons = logs.touches[logs.touches["kind"].str.startswith("coupon_")]
    terms = coupons.groupby(coupons["campaign_id"].str.split().str[0])[["depth", "min_spend"]].agg(set)
    assert terms.loc["usual", "depth"] == {truth.status_depth}
    assert (terms.loc["light", "depth"], terms.loc["deep", "depth"]) == ({truth.test_depths[0]}, {truth.test_depths[1]})
    assert terms.loc["deep", "min_spend"] == {round(truth.basket_cny * 50)}
    assert set(coupons["propensity"]) == {0.85, 0.10, 0.60, 0.20, 0.50, 0.15}
    assert set(coupons["valid_days"]) == {truth.valid_days}
    assert logs.campaigns is not None
    assert logs.campaigns["campaign_id"].nunique() == 13
    used = coupons[coupons["kind"] == "coupon_redeemed"][["campaign_id", "customer"]].drop_duplicates()
    assert int(logs.campaigns["redeemed"].sum()) == len(used), "a redemption belongs to the campaign that it is of"


def test_whom_campaigns_reach_is_confounded_and_overlaps(world: PrivateDomain, logs: Logs) -> None:
    """Those who got the usual coupon buy more, even before; and some of either kind got it."""
    assert logs.campaigns is not None
    usual = logs.campaigns[logs.campaigns["campaign_id"].str.startswith("usual")]["customer"].value_counts()
    orders = np.bincount(logs.visits["customer"], minlength=logs.n_customers)
    often = np.zeros(logs.n_customers, bool)
    often[usual.index[usual >= 4]] = True
    assert orders[often].mean() > 1.5 * orders[~often].mean()
    assert 0.05 < (usual < 4).mean() < 0.95


def test_nothing_latent_is_told(world: PrivateDomain, folder: Path) -> None:
    latent = {name for name, column in Customers.DECLARED.items() if column.access == "latent"}
    for name in ("orders", "touches", "customers"):
        table = by_id(folder, name)
        assert not latent & set(table.columns)
        for column in table.columns:
            if column != "customer_id":
                values = set(table[column])
                assert not values & set(table["customer_id"]), f"{name}.{column} holds a customer's id"
    kinds = set(by_id(folder, "touches")["kind"])
    assert not kinds & {"lapse", "comeback", "subsidised", "census", "value_tier", "interact"}


def test_the_same_world_writes_the_same_logs(truth: Truth, folder: Path, tmp_path: Path) -> None:
    again = write_logs(lived(truth, world=0, customers=CUSTOMERS), tmp_path)
    for path in folder.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes()


def test_parquet_tells_the_same(world: PrivateDomain, logs: Logs, tmp_path: Path) -> None:
    assert load_logs(str(write_logs(world, tmp_path, suffix="parquet"))).digest == logs.digest


def test_any_world_can_write_logs(tmp_path: Path) -> None:
    """Newcomers, chats, member prices, reminders and coupons that replace each other included."""
    world = live(busy_scenario(), busy_policy())
    read = load_logs(str(write_logs(world, tmp_path)))
    off = sum(int(world.ledger.of(kind).amount.sum()) for kind in ("coupon_redeemed", "member_discount"))
    assert int(read.visits["discount"].sum()) == off
    assert read.touches is not None
    for kind in ("chat", "reply", "message_content", "coupon_expired", "join"):
        assert (read.touches["kind"] == kind).sum() == len(world.ledger.of(kind)), kind


def test_a_world_without_orders_says_so(truth: Truth, tmp_path: Path) -> None:
    with pytest.raises(SiyuError, match="nobody ordered"):
        write_logs(live(busy_scenario(), DO_NOTHING, until=0), tmp_path)


def test_worlds_differ_and_stay_what_they_are() -> None:
    truths = [truth_of(number) for number in range(40)]
    assert truth_of(7) == truths[7]
    assert len({t.coupon for t in truths if t.coupon}) > 25
    without = sum(t.coupon == 0 for t in truths), sum(t.advert == 0 for t in truths)
    assert all(1 <= n <= 14 for n in without), "some worlds have no effect, most have one"
    assert LOG_DAYS == 26 * 7
