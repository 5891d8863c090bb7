"""Privacy: whatever is written or said after the door, no raw id and no key is in it."""

from __future__ import annotations

import io
import json
import logging
import re
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.data import identities, load_logs
from experiments.data.identities import KEY, KEY_FILE
from sim.errors import DataError
from tests.desk import SIMULATE, desk, run

__all__ = ["desk"]  # a fixture

CUSTOMERS, DAYS = 44, 120
CUT_OFF = "2024-03-31"
SECRET = "a key that nobody may ever see"
NAMES = ("ann.lee{}@mail.example", "+86 138 0013 8{:03d}", "张三丰{}", "ID-{}-TELLTALE")


def raw_id(customer: int) -> str:
    return NAMES[customer % len(NAMES)].format(customer)


def write_logs(folder: Path) -> None:
    """Orders, messages, replies, a coupon campaign and tags of people whose ids tell who they are."""
    luck = np.random.default_rng(5)
    orders, touches = [], []
    for customer in range(CUSTOMERS):
        gap, day = luck.gamma(2, 6), luck.uniform(0, 20)
        while day < DAYS:
            stamp = (pd.Timestamp("2024-01-01") + pd.Timedelta(days=day)).isoformat(timespec="seconds")
            order_id = f"TELLTALE-ORDER-{len(orders)}"
            orders.append((raw_id(customer), stamp, order_id, round(float(luck.lognormal(3, 0.5)), 2), 0))
            day += 0.7 + luck.exponential(gap)
        for day in range(3, DAYS, 14):
            stamp = (pd.Timestamp("2024-01-01") + pd.Timedelta(days=day)).isoformat()
            touches.append((raw_id(customer), stamp, luck.choice(["message_advert", "chat", "reply"]), "", ""))
        if customer % 2:
            touches.append((raw_id(customer), "2024-02-10T08:00:00", "coupon_issued", 14, "spring"))
    folder.mkdir()
    orders += [("", "2024-03-01", f"till-{i}", 1, 0) for i in range(3)]  # a count that is too small to be told
    columns = ["customer_id", "ts", "order_id", "gross", "discount"]
    pd.DataFrame(orders, columns=columns).to_csv(folder / "orders.csv", index=False)
    columns = ["customer_id", "ts", "kind", "valid_days", "campaign_id"]
    pd.DataFrame(touches, columns=columns).to_csv(folder / "touches.csv", index=False)
    people = [(raw_id(customer), "2023-12-01", "L2", "north") for customer in range(CUSTOMERS)]
    columns = ["customer_id", "joined", "trust_level", "region"]
    pd.DataFrame(people, columns=columns).to_csv(folder / "customers.csv", index=False)


def texts(path: Path) -> Iterator[str]:
    """Everything that can be read of a file: as it is, and decoded."""
    content = path.read_bytes()
    yield content.decode("utf-8", "replace")
    if path.suffix == ".parquet":
        yield pd.read_parquet(path).to_csv()
    if path.suffix == ".json":
        yield json.dumps(json.loads(content), ensure_ascii=False)
    if path.suffix == ".npz":
        with np.load(io.BytesIO(content), allow_pickle=False) as parts:
            yield " ".join(str(parts[name].tolist()) for name in parts.files)
    if path.suffix == ".sqlite":
        for key, outcome in sqlite3.connect(path).execute("SELECT key, outcome FROM outcomes"):
            yield str(key) + zlib.decompress(outcome).decode("utf-8", "replace")


def needles() -> list[str]:
    ids = [raw_id(customer) for customer in range(CUSTOMERS)]
    return [*ids, *(i.replace(" ", "") for i in ids), "mail.example", "TELLTALE", "三丰", r"\u5f20\u4e09", SECRET]


def check(desk: Path, *said: str) -> int:
    """Look for tell-tale text in everything but the logs; return how many texts were looked through."""
    files = [path for path in desk.rglob("*") if path.is_file() and desk / "shop" not in path.parents]
    found = [(path.name, text) for path in files for text in texts(path)] + [("said", text) for text in said]
    for name, text in found:
        for needle in needles():
            assert needle not in text, f"{name} tells {needle}"
    return len(found)


@pytest.fixture
def shop(desk: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_logs(desk / "shop")
    monkeypatch.setenv(KEY, SECRET)
    return desk


def test_nothing_written_or_said_tells_who(shop: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Training, a run with all its events, a search with its journal, cache and report, and a run without the logs."""
    (shop / "question.yaml").write_text((shop / "question.yaml").read_text() + f"logs: shop\ncut_off: {CUT_OFF}\n")
    with caplog.at_level(logging.DEBUG):
        done = [
            run(shop, "train", "shop", "--cut-off", CUT_OFF, "--out", "training"),
            run(shop, *SIMULATE, "--logs", "shop", "--cut-off", CUT_OFF, "--events", "--out", "lived", "--json"),
            run(shop, "search", "question.yaml", "--processes", "1", "--out", "searched"),
            run(shop, *SIMULATE, "--models", "training", "--json"),
        ]
    assert [said.code for said in done] == [0] * 4, [said.err for said in done]
    looked = check(shop, caplog.text, *(text for said in done for text in (said.out, said.err)))
    assert looked > 40
    names = {path.name for path in shop.rglob("*")}
    assert {"study.journal", "replicates.sqlite", "report.html", "states.npz", "events.parquet"} <= names
    report = (shop / "searched" / "report.html").read_text(encoding="utf-8")
    assert re.search(r"<th>orders without customer</th><td[^>]*>(<|&lt;)10</td>", report)
    assert "<10 orders without customer" in done[1].out
    keys = pd.read_parquet(shop / "lived" / "events.parquet")["key"]
    assert (keys >= 1 << 62).any()  # pseudonyms are there


def test_the_needles_would_be_found(shop: Path) -> None:
    """Negative control: the logs themselves are full of them."""
    for name in ("orders.csv", "touches.csv", "customers.csv"):
        (shop / f"copy-{name}").write_bytes((shop / "shop" / name).read_bytes())
        with pytest.raises(AssertionError, match="tells"):
            check(shop)
        (shop / f"copy-{name}").unlink()
    pd.read_csv(shop / "shop" / "orders.csv").to_parquet(shop / "leak.parquet", compression="gzip")
    with pytest.raises(AssertionError, match="tells"):
        check(shop)


WRONG_ROWS = {  # a row for one of the files, in which the id stands where it may or may not
    "orders.csv": (
        "{id},someday,x,1,0", "{id},2024-03-01,TELLTALE-ORDER-0,1,0", "{id},2024-03-01,{id},-1,0",
        "x,{id},y,1,0", "x,2024-03-01,{id},{id},0", "x,2024-03-01,{id},1,{id}", "{id},2024-03-01,y,1,0,{id}",
    ),
    "touches.csv": ("stranger-{id},2024-03-01,chat,,", "{id},2024-03-01,chatt,,", "{id},2024-03-01,chat,{id},"),
    "customers.csv": ("{id},2024-01-01,L3,north", "{id}x,{id},L3,", "{id}x,,{id},"),
}  # fmt: skip
PERSONAL = ("ann.lee0@mail.example", "+86 138 0013 8001")


@pytest.mark.parametrize("name", WRONG_ROWS)
def test_errors_do_not_tell_who(shop: Path, name: str) -> None:
    good = (shop / "shop" / name).read_text()
    for row in WRONG_ROWS[name]:
        for who in PERSONAL:
            (shop / "shop" / name).write_text(good + row.format(id=who) + "\n")
            said = run(shop, "train", "shop", "--cut-off", CUT_OFF)
            assert (said.code, said.new) == (2, set()), (row, said)
            assert f"{name}, row {good.count(chr(10)) + 1}" in said.err
            check(shop, said.out, said.err)


def test_the_same_customer_has_the_same_key_in_every_export(shop: Path) -> None:
    """Next month's export has more customers, who even ordered earlier; with another key, or none, nothing tells."""
    first = load_logs(shop / "shop")
    orders = pd.read_csv(shop / "shop" / "orders.csv", dtype=str)
    early = orders.head(3).assign(customer_id="somebody new", ts="2023-12-30", order_id=["n1", "n2", "n3"])
    (shop / "next").mkdir()
    pd.concat([early, orders]).to_csv(shop / "next" / "orders.csv", index=False)
    following = load_logs(shop / "next")
    assert set(following.keys) - set(first.keys) == {following.keys[0]}
    assert (following.keys[1:] == first.keys[: len(following.keys) - 1]).all()
    assert len(set(first.keys)) == CUSTOMERS
    assert first.keys.min() >= 1 << 62  # above the keys of all prospects
    assert first.customers["pseudonym"].str.fullmatch("[0-9a-f]{16}").all()
    other = load_logs(shop / "shop", key=b"another key of some length")
    assert not set(other.keys) & set(first.keys)
    assert other.digest == first.digest


def test_without_a_key_customers_are_their_codes(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyed = load_logs(shop / "shop")
    monkeypatch.delenv(KEY)
    logs, again = load_logs(shop / "shop"), load_logs(shop / "shop")
    assert logs.keys.tolist() == again.keys.tolist() == list(range(CUSTOMERS))
    assert (logs.keyed, keyed.keyed) == (False, True)
    assert logs.digest == keyed.digest
    assert "pseudonym" not in logs.customers


def test_where_the_key_comes_from(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environment or file, the same bytes give the same pseudonyms; what is wrong is told without the key."""
    named = load_logs(shop / "shop").keys
    (shop / "key").write_text(SECRET + "\n")
    monkeypatch.setenv(KEY_FILE, "key")
    said = run(shop, "train", "shop")
    assert (said.code, said.out) == (2, "")
    assert "SIYU_KEY and SIYU_KEY_FILE: two keys are given; unset one" in said.err
    monkeypatch.delenv(KEY)
    assert (load_logs(shop / "shop").keys == named).all()
    for value, words in (("nowhere", "the key file cannot be read: no such file"), ("short", "wrong length (got '3 b")):
        (shop / "short").write_text("abc")
        monkeypatch.setenv(KEY_FILE, value)
        said = run(shop, "train", "shop")
        assert (said.code, said.out, said.new - {"short"}) == (2, "", set())
        assert words in said.err


def test_two_customers_with_one_pseudonym_are_refused(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash of eight bits collides among forty; the other half of the hash tells."""

    def short(self: identities.Identities, ids: list[str]) -> identities.Words:
        hashes = whole(self, ids)
        hashes[:, 0] &= np.uint64(0xFF << 56)
        return hashes

    whole = identities.Identities._hashes
    monkeypatch.setattr(identities.Identities, "_hashes", short)
    with pytest.raises(DataError, match="two customers have the same pseudonym; choose another key"):
        load_logs(shop / "shop")


def test_ids_that_look_personal_are_told_of(shop: Path, caplog: pytest.LogCaptureFixture) -> None:
    load_logs(shop / "shop")
    assert "look like addresses or telephone numbers" in caplog.text
    caplog.clear()
    path = shop / "shop" / "orders.csv"
    frame = pd.read_csv(path, dtype=str)
    frame.assign(customer_id="c" + pd.Series(range(len(frame))).mod(50).astype(str)).to_csv(path, index=False)
    load_logs(path)
    assert "look like" not in caplog.text
