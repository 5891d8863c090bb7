"""Logs that users bring: every bad input is refused with its place and cure, every good one gives the same logs."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.data import Logs, load_logs
from sim.errors import DataError

ORDERS = """customer_id,ts,order_id,gross,discount
ann,2024-03-02T09:00:00,o1,20.00,5.00
bob,2024-03-01T10:00:00,o2,10.10,0
ann,2024-03-02T18:30:00,o3,3.99,0.99
ann,2024-03-09T12:00:00,o4,8.00,8.00
"""
TOUCHES = """customer_id,ts,kind,depth,min_spend,valid_days,campaign_id,propensity
ann,2024-03-02T08:00:00,coupon_issued,0.2,30,3,spring,0.5
cat,2024-03-04T08:00:00,coupon_issued,0.2,,3,spring,
ann,2024-03-02T18:30:00,coupon_redeemed,,,,spring,
bob,2024-03-05T08:00:00,message_advert,,,,,
"""
CUSTOMERS = """customer_id,joined,channel,region,age_band,trust_level
cat,2024-02-20,store,Hangzhou,25-34,L2
ann,,ads,,35-44,4
"""


def write(folder: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        raw = content.encode() if isinstance(content, str) else content
        (folder / f"{name}.csv").write_bytes(raw)
    return folder


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    return load_logs(write(tmp_path, orders=ORDERS, touches=TOUCHES, customers=CUSTOMERS))


def test_visits_are_days_in_cents(logs: Logs) -> None:
    """Bob ordered first, so he is 0; ann's two orders of one day are one visit; cat never ordered."""
    assert logs.origin == datetime.date(2024, 3, 1)
    assert logs.last_day == 8
    assert logs.visits.to_numpy().tolist() == [
        [0, 0, 1010, 0, 1010],
        [1, 1, 2399, 599, 1800],
        [1, 8, 800, 800, 0],
    ]
    assert list(logs.visits) == ["customer", "day", "gross", "discount", "net"]
    assert (logs.visits.dtypes == np.int64).all()


def test_customers_have_attributes_and_no_identity(logs: Logs) -> None:
    assert logs.customers["first_day"].tolist() == [0, 1, 9]  # day 9 is after the last: not a buyer yet
    assert logs.customers["joined_day"].isna().tolist() == [True, True, False]
    assert logs.customers["joined_day"][2] == -10
    assert logs.customers["channel"].fillna("").tolist() == ["", "ads", "store"]
    assert logs.customers["region"].fillna("").tolist() == ["", "", "Hangzhou"]
    assert logs.customers["trust_level"].fillna(-1).tolist() == [-1, 4, 2]
    for frame in (logs.customers, logs.visits, logs.touches, logs.campaigns):
        assert frame is not None
        assert not frame.astype(str).isin(["ann", "bob", "cat"]).to_numpy().any()


def test_touches_and_campaigns(logs: Logs) -> None:
    assert logs.touches is not None
    assert logs.campaigns is not None
    assert logs.touches[["customer", "day", "kind"]].to_numpy().tolist() == [
        [0, 4, "message_advert"],
        [1, 1, "coupon_issued"],
        [1, 1, "coupon_redeemed"],
        [2, 3, "coupon_issued"],
    ]
    assert logs.touches["min_spend"].fillna(-1).tolist() == [-1, 3000, -1, -1]
    assert logs.touches["depth"].fillna(-1).tolist() == [-1, 0.2, -1, 0.2]
    assert logs.campaigns.to_numpy().tolist() == [
        ["spring", "spring", 1, 6, 1, True],
        ["spring", "spring", 1, 6, 2, False],
    ]


def test_orders_alone_are_enough(tmp_path: Path) -> None:
    path = write(tmp_path, my_shop=ORDERS) / "my_shop.csv"
    logs = load_logs(path)
    assert logs.name == "my_shop"
    assert logs.touches is None
    assert logs.campaigns is None
    assert list(logs.customers) == ["first_day"]


def test_parquet_gives_the_same_logs(logs: Logs, tmp_path: Path) -> None:
    folder = tmp_path / "typed"
    folder.mkdir()
    orders = pd.read_csv(tmp_path / "orders.csv", parse_dates=["ts"])
    touches = pd.read_csv(tmp_path / "touches.csv", parse_dates=["ts"])
    customers = pd.read_csv(tmp_path / "customers.csv", parse_dates=["joined"])
    for name, frame in {"orders": orders, "touches": touches, "customers": customers}.items():
        frame.to_parquet(folder / f"{name}.parquet")
    assert load_logs(folder).digest == logs.digest


def test_the_same_bytes_each_time_whatever_the_key_and_the_names(logs: Logs, tmp_path: Path) -> None:
    again = load_logs(tmp_path)
    keyed = load_logs(tmp_path, key=b"a secret of 23 bytes...")
    other = load_logs(tmp_path, key=b"another secret, as long")
    assert again.digest == logs.digest == keyed.digest == other.digest
    assert "pseudonym" not in logs.customers
    assert keyed.customers["pseudonym"].is_unique
    assert not (keyed.customers["pseudonym"] == other.customers["pseudonym"]).any()
    renamed = tmp_path / "renamed"
    renamed.mkdir()
    text = {"orders": ORDERS, "touches": TOUCHES, "customers": CUSTOMERS}
    write(renamed, **{name: body.replace("bob,", "zoe,").replace("ann,", "abe,") for name, body in text.items()})
    assert load_logs(renamed).digest == logs.digest


def test_the_digest_changes_with_a_cent_and_with_a_word(logs: Logs, tmp_path: Path) -> None:
    write(tmp_path, orders=ORDERS.replace("10.10", "10.11"))
    a_cent = load_logs(tmp_path).digest
    write(tmp_path, orders=ORDERS, touches=TOUCHES.replace("message_advert", "message_content"))
    a_word = load_logs(tmp_path).digest
    assert len({logs.digest, a_cent, a_word}) == 3


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    messy = (
        ORDERS
        + ",2024-03-05T12:00:00,o5,4.00,0\n"  # nobody's
        + "ann,2024-03-09T12:00:00,o4,8.00,8.00\n"  # a copy of o4
        + "bob,2024-03-07,o6,0,0\n"  # without value
        + ",,,,\n\n"
    )
    touches = TOUCHES + "bob,2024-04-30,chat,,,,,\n"
    logs = load_logs(write(tmp_path, orders=messy, touches=touches, customers=CUSTOMERS))
    assert logs.dropped == {
        "blank lines of orders": 2,
        "orders without customer": 1,
        "copies of a row of orders": 1,
        "orders without value": 1,
        "touches outside the days of the orders": 1,
    }
    assert len(logs.visits) == 3


def order(line: str) -> dict[str, str]:
    return {"orders": ORDERS + line + "\n"}


def touch(line: str) -> dict[str, str]:
    return {"orders": ORDERS, "touches": TOUCHES.replace("cat", "bob") + line + "\n"}


BAD: dict[str, tuple[dict[str, str | bytes], str, str, str]] = {
    # what is wrong: the files, place, value, cure
    "missing column": (
        {"orders": ORDERS.replace("gross", "gros")},
        "orders.csv, row 1, column gross",
        "customer_id, ts, order_id, gros, discount",
        "did you mean 'gros'?",
    ),
    "semicolons": ({"orders": ORDERS.replace(",", ";")}, "row 1, column customer_id", ";order_id", "by commas"),
    "column twice": (
        {"orders": "gross," + ORDERS.replace("\n", "\n1,").removesuffix("1,")},
        "orders.csv, row 1, column gross",
        "",
        "keep one",
    ),
    "no bytes": ({"orders": ""}, "orders.csv, row 1", "", "with a header and rows"),
    "no rows": ({"orders": ORDERS.splitlines()[0] + "\n"}, "orders.csv, row 1", "", "export the rows"),
    "no customers at all": (
        {"orders": "customer_id,ts,order_id,gross,discount\n,2024-01-01,o,1,0\n"},
        "orders.csv, row 2, column customer_id",
        "",
        "fill it in",
    ),
    "no order of value": (
        {"orders": "customer_id,ts,order_id,gross,discount\nann,2024-01-01,o,0,0\n"},
        "orders.csv, row 2, column gross",
        "'0'",
        "before discounts",
    ),
    "unparsable date": (order("bob,5 March,o9,1,0"), "orders.csv, row 6, column ts", "5 March", "ISO 8601"),
    "day first": (order("bob,05/03/2024,o9,1,0"), "orders.csv, row 6, column ts", "05/03/2024", "ISO 8601"),
    "a year is no date": (order("bob,2024,o9,1,0"), "orders.csv, row 6, column ts", "2024", "ISO 8601"),
    "no such day": (order("bob,2024-02-30,o9,1,0"), "orders.csv, row 6, column ts", "2024-02-30", "ISO 8601"),
    "future": (order("bob,2124-03-05,o9,1,0"), "orders.csv, row 6, column ts", "2124-03-05", "year"),
    "empty clock": (order("bob,1970-01-01,o9,1,0"), "orders.csv, row 6, column ts", "1970-01-01", "leave the row out"),
    "one zone, one none": (
        order("bob,2024-03-05T12:00:00+08:00,o9,1,0"),
        "orders.csv, row 6, column ts",
        "+08:00",
        "without offset",
    ),
    "two zones": (
        {"orders": ORDERS.replace(":00,", ":00+08:00,").replace("18:30:00+08:00", "18:30:00Z")},
        "orders.csv, row 4, column ts",
        "2024-03-02T18:30:00Z",
        "name the zone",
    ),
    "zones of two files": (
        touch("bob,2024-03-05T12:00:00Z,chat,,,,,"),
        "touches.csv, row 6, column ts",
        "2024-03-05T12:00:00Z",
        "without offset",
    ),
    "all touches in another zone": (
        {"orders": ORDERS, "touches": TOUCHES.replace("cat", "bob").replace(":00,", ":00Z,")},
        "touches.csv, row 2, column ts",
        "2024-03-02T08:00:00Z",
        "without offset",
    ),
    "negative amount": (order("bob,2024-03-05,o9,-1.50,0"), "orders.csv, row 6, column gross", "-1.50", "refund"),
    "negative discount": (order("bob,2024-03-05,o9,1,-.5"), "orders.csv, row 6, column discount", "-.5", "0 or more"),
    "not a number": (order("bob,2024-03-05,o9,¥12,0"), "orders.csv, row 6, column gross", "¥12", "12.50"),
    "blank amount": (order("bob,2024-03-05,o9,12,"), "orders.csv, row 6, column discount", "''", "12.50"),
    "infinite amount": (order("bob,2024-03-05,o9,inf,0"), "orders.csv, row 6, column gross", "inf", "12.50"),
    "monstrous amount": (order("bob,2024-03-05,o9,2e12,0"), "orders.csv, row 6, column gross", "2e12", "unit"),
    "discount over gross": (
        order("bob,2024-03-05,o9,5.00,5.01"),
        "orders.csv, row 6, column discount",
        "5.01",
        "before the discount",
    ),
    "duplicate order id": (
        order("bob,2024-03-05,o1,5,0"),
        "orders.csv, row 6, column order_id",
        "an id of 2 characters",
        "one row per order",
    ),
    "blank order id": (order("bob,2024-03-05,,5,0"), "orders.csv, row 6, column order_id", "''", "fill it in"),
    "two fields too many": (order("bob,2024-03-05,o9,5,0,x,y"), "orders.csv, row 6", "saw 7", "quote"),
    "every row too long": (
        {"orders": ORDERS.splitlines()[0] + "\nbob,2024-03-05,o9,5,0,x\n"},
        "orders.csv, row 2",
        "",
        "quote cells",
    ),
    "open quote": (order('bob,2024-03-05,"o9,5,0'), "orders.csv, row", "EOF inside string", "close every quote"),
    "line breaks in cells": (
        {"orders": ORDERS.replace("o2", '"o\n\n2"') + "bob,someday,o9,1,0\n"},
        "orders.csv, row 8, column ts",
        "someday",
        "ISO 8601",
    ),
    "not UTF-8": (
        {"orders": (ORDERS + "张三,2024-03-05,o9,1,0\n").encode("gb18030")},
        "orders.csv, row 6, column customer_id",
        r"b'\xd5'",
        "UTF-8",
    ),
    "not UTF-8, further right": (
        {"orders": (ORDERS + "bob,2024-03-05,订单,1,0\n").encode("gb18030")},
        "orders.csv, row 6, column order_id",
        r"b'\xb6'",
        "UTF-8",
    ),
    "unknown customer": (
        touch("zoe,2024-03-05,chat,,,,,"),
        "touches.csv, row 6, column customer_id",
        "an id of 3 characters",
        "add the customer to customers.csv",
    ),
    "unknown touch kind": (
        touch("bob,2024-03-05,coupon_isued,,,,,"),
        "touches.csv, row 6, column kind",
        "coupon_isued",
        "did you mean 'coupon_issued'?",
    ),
    "depth in percent": (touch("bob,2024-03-05,chat,15,,,,"), "touches.csv, row 6, column depth", "'15'", "0.15"),
    "half a day": (touch("bob,2024-03-05,chat,,,1.5,,"), "touches.csv, row 6, column valid_days", "1.5", "0, 1, 2"),
    "negative threshold": (
        touch("bob,2024-03-05,chat,,-3,,,"),
        "touches.csv, row 6, column min_spend",
        "-3",
        "0 or more",
    ),
    "customer twice": (
        {"orders": ORDERS, "customers": CUSTOMERS + "ann,,store,,,\n"},
        "customers.csv, row 4, column customer_id",
        "an id of 3 characters",
        "one row per customer",
    ),
    "unknown trust level": (
        {"orders": ORDERS, "customers": CUSTOMERS + "dan,,,,,L9\n"},
        "customers.csv, row 4, column trust_level",
        "L9",
        "L",
    ),
    "unparsable joining": (
        {"orders": ORDERS, "customers": CUSTOMERS + "dan,soon,,,,\n"},
        "customers.csv, row 4, column joined",
        "soon",
        "ISO 8601",
    ),
}


@pytest.mark.parametrize("wrong", BAD)
def test_bad_input_is_refused_with_its_place_and_cure(wrong: str, tmp_path: Path) -> None:
    files, place, value, cure = BAD[wrong]
    with pytest.raises(DataError) as caught:
        load_logs(write(tmp_path, **files))
    assert place in caught.value.place
    assert value in (repr(caught.value.value) if caught.value.value is not None else "")
    assert cure in caught.value.cure
    assert caught.value.rule
    assert "zoe" not in str(caught.value)


def test_more_bad_rows_are_counted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"row 2, column gross.*\(3 more such rows\)"):
        load_logs(
            write(
                tmp_path,
                orders=ORDERS.replace(",20.00", ",-1")
                .replace(",10.10", ",-1")
                .replace(",3", ",-3")
                .replace(",8.00,", ",-8,"),
            )
        )


def test_a_parquet_row_counts_from_one(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"customer_id": ["a", "b"], "ts": "2024-03-01", "order_id": [1, 2], "gross": [1.0, -1.0], "discount": 0}
    )
    frame.to_parquet(tmp_path / "orders.parquet")
    with pytest.raises(DataError, match=r"orders\.parquet, row 2, column gross"):
        load_logs(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("orders.xlsx", b"PK", "not a CSV or Parquet file"),
        ("orders.parquet", b"PAR1?", "not a Parquet file"),
    ],
)
def test_files_that_are_no_tables(name: str, content: bytes, rule: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=rule):
        load_logs(tmp_path / name)


def test_folders_that_hold_no_or_two_files_of_orders(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        load_logs(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no file of orders"):
        load_logs(tmp_path)
    write(tmp_path, orders=ORDERS)
    pd.read_csv(tmp_path / "orders.csv").to_parquet(tmp_path / "orders.parquet")
    with pytest.raises(DataError, match="two files of orders"):
        load_logs(tmp_path)


def test_times_are_local_where_the_zone_is_named(tmp_path: Path) -> None:
    """Half past six in the evening in UTC is the next morning in Shanghai; without a zone the day is as written."""
    path = write(tmp_path, orders=ORDERS.replace(":00,", ":00Z,")) / "orders.csv"
    assert load_logs(path).visits["day"].tolist() == [0, 1, 8]
    shanghai = load_logs(path, zone="Asia/Shanghai")
    assert shanghai.visits[["customer", "day"]].to_numpy().tolist() == [[0, 0], [1, 1], [1, 2], [1, 8]]
    summer = (
        write(
            tmp_path,
            orders=ORDERS.replace(":00,", ":00-05:00,").replace("03-09T12:00:00-05:00", "03-10T00:30:00-04:00"),
        )
        / "orders.csv"
    )
    assert load_logs(summer, zone="America/New_York").visits["day"].tolist() == [0, 1, 8]
    with pytest.raises(DataError, match="no such time zone"):
        load_logs(path, zone="Mars/Olympus")


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="16 to 64"):
        load_logs(write(tmp_path, orders=ORDERS), key=b"short")


def test_dated_trust_tags(tmp_path: Path) -> None:
    """A tag says its level; without one, or without the column, the row is named. Other touches need none."""
    orders = "customer_id,ts,order_id,gross,discount\na,2024-03-01,1,10,0\na,2024-03-09,2,10,0\n"
    (tmp_path / "orders.csv").write_text(orders)
    touches = tmp_path / "touches.csv"
    touches.write_text("customer_id,ts,kind,level\na,2024-03-02,chat,\na,2024-03-03,trust_level,L2\n")
    read = load_logs(tmp_path).touches
    assert read is not None
    assert read["level"].fillna(-1).tolist() == [-1, 2]
    touches.write_text("customer_id,ts,kind,level\na,2024-03-02,chat,\na,2024-03-03,trust_level,\n")
    with pytest.raises(DataError, match="row 3, column level"):
        load_logs(tmp_path)
    touches.write_text("customer_id,ts,kind\na,2024-03-02,chat\na,2024-03-03,trust_level\n")
    with pytest.raises(DataError, match="column level"):
        load_logs(tmp_path)
    touches.write_text("customer_id,ts,kind\na,2024-03-02,chat\n")
    read = load_logs(tmp_path).touches
    assert read is not None
    assert "level" not in read
