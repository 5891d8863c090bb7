"""Files larger than memory: where a file is cut into pieces changes no byte of the logs and no word of an error."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.data import Logs, files, load_logs
from sim.errors import DataError

N_ORDERS, N_TOUCHES, N_PEOPLE = 200, 150, 60
WHOLE, CUTS = 250_000, (11, 64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logs out of order, with copies far from their originals, till sales, blank lines and line breaks in cells."""
    folder, luck = tmp_path_factory.mktemp("logs"), np.random.default_rng(3)
    second = pd.to_timedelta(luck.integers(0, 90 * 24, N_ORDERS), unit="h")
    orders = pd.DataFrame(
        {
            "customer_id": luck.choice([f"c{i}" for i in range(40)] + [""], N_ORDERS),
            "ts": (pd.Timestamp("2024-03-01") + second).strftime("%Y-%m-%dT%H:%M:%S"),
            "order_id": [f"o{i}" for i in range(N_ORDERS)],
            "gross": np.where(luck.random(N_ORDERS) < 0.1, 0.0, np.round(luck.gamma(2, 10, N_ORDERS) + 1, 2)),
            "discount": 0.0,
            "note": luck.choice(["", "two\nlines", "a, b"], N_ORDERS),
        }
    )
    orders = pd.concat([orders, orders.iloc[::20]])  # copies stand a whole file away from their originals
    touches = pd.DataFrame(
        {
            "customer_id": luck.choice([f"c{i}" for i in range(40)], N_TOUCHES),
            "ts": (pd.Timestamp("2024-02-20") + second[:N_TOUCHES]).strftime("%Y-%m-%d"),
            "kind": luck.choice(["chat", "coupon_issued", "coupon_redeemed"], N_TOUCHES),
            "depth": luck.choice(["", "0.15"], N_TOUCHES),
            "min_spend": luck.choice(["", "30"], N_TOUCHES),
            "valid_days": luck.choice(["", "7"], N_TOUCHES),
            "campaign_id": luck.choice(["", "spring", "autumn"], N_TOUCHES),
        }
    )
    touches = pd.concat([touches, touches.iloc[::30]])
    people = pd.DataFrame(
        {
            "customer_id": luck.permutation([f"c{i}" for i in range(N_PEOPLE)]),
            "joined": luck.choice(["", "2024-02-01", "2024-03-09"], N_PEOPLE),
            "region": luck.choice(["", "north", "south"], N_PEOPLE),
            "trust_level": luck.choice(["", "L2", "4"], N_PEOPLE),
        }
    )
    for name, frame in {"orders": orders, "touches": touches, "customers": people}.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    with (folder / "orders.csv").open("a") as more:
        more.write(",,,,,\n\n")
    return folder


def cut(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(files, "PIECE_ROWS", rows)


def same(a: Logs, b: Logs) -> None:
    assert a.digest == b.digest
    assert a.dropped == b.dropped
    for name in ("customers", "visits", "touches", "campaigns"):
        pd.testing.assert_frame_equal(getattr(a, name), getattr(b, name))


def test_the_whole_file_at_once_gives_what_it_always_gave(folder: Path) -> None:
    """Counted by hand-written pandas on the whole file."""
    logs = load_logs(folder)
    orders = pd.read_csv(folder / "orders.csv", skip_blank_lines=True).drop_duplicates()
    orders = orders[orders["customer_id"].notna()]
    worth = orders[orders["gross"] > 0].assign(day=pd.to_datetime(orders["ts"]).dt.normalize())
    days = worth.groupby(["customer_id", "day"])["gross"].sum()
    assert len(logs.visits) == len(days)
    assert logs.visits["net"].sum() == round(100 * days.sum())
    first = orders.sort_values("ts", kind="stable")["customer_id"].drop_duplicates().tolist()
    spend = (worth.groupby("customer_id")["gross"].sum() * 100).round().reindex(first).fillna(0)
    by_code = logs.visits.groupby("customer")["net"].sum().reindex(range(len(first)), fill_value=0)
    assert by_code.tolist() == spend.tolist()  # codes run in the order of first orders
    assert logs.dropped["copies of a row of orders"] >= 9
    assert logs.dropped["copies of a row of touches"] >= 5


@pytest.mark.parametrize("rows", CUTS)
def test_pieces_change_nothing(folder: Path, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = load_logs(folder)
    cut(monkeypatch, rows)
    same(load_logs(folder), whole)


@pytest.mark.parametrize("rows", [31, WHOLE])
def test_other_forms_of_the_files_change_nothing(
    folder: Path, rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = load_logs(folder)
    cut(monkeypatch, rows)
    for name in ("orders", "touches", "customers"):
        (tmp_path / f"{name}.csv.gz").write_bytes(gzip.compress((folder / f"{name}.csv").read_bytes()))
    same(load_logs(tmp_path), whole)
    assert load_logs(tmp_path / "orders.csv.gz").name == "orders"
    typed = tmp_path / "typed"
    typed.mkdir()
    for name in ("orders", "touches", "customers"):
        pd.read_csv(folder / f"{name}.csv").to_parquet(typed / f"{name}.parquet", row_group_size=11)
    assert load_logs(typed).digest == whole.digest


ROWS = 12
GOOD = [f"c{i % 4},2024-03-{i + 1:02d}T09:00:00,o{i},10.00,1.00" for i in range(ROWS)]
BREAKS = {  # what is wrong: the row, and words of the error
    "time": ("bob,someday,x,1,0", "column ts: not a date"),
    "offset": ("bob,2024-03-05T09:00:00Z,x,1,0", "column ts: time zones are mixed: another offset than"),
    "amount": ("bob,2024-03-05,x,-1,0", "column gross: amount is negative"),
    "discount": ("bob,2024-03-05,x,1,2", "column discount: discount exceeds gross"),
    "order id": ("bob,2024-03-05,,1,0", "column order_id: cell is blank"),
    "repeated": ("bob,2024-03-05,o{other},1,0", "column order_id: order stands twice"),
    "fields": ("bob,2024-03-05,x,1,0,6,7", "a row has more fields"),
    "letters": ("张,2024-03-05,x,1,0", "column customer_id: the file is not UTF-8"),
}


@pytest.mark.parametrize("wrong", BREAKS)
def test_an_error_names_the_same_row_wherever_the_file_is_cut(
    wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, words = BREAKS[wrong]
    for place in range(ROWS):
        bad = line.format(other=0 if place else ROWS - 1)  # the same id as far away as can be
        lines = ["customer_id,ts,order_id,gross,discount", *GOOD[:place], bad, *GOOD[place + 1 :]]
        (tmp_path / "orders.csv").write_bytes(
            ("\n".join(lines) + "\n").encode("gb18030" if wrong == "letters" else "utf-8")
        )
        said = set()
        for rows in (4, WHOLE):
            cut(monkeypatch, rows)
            with pytest.raises(DataError) as caught:
                load_logs(tmp_path)
            said.add(str(caught.value))
        row = place + 2
        if not place:  # of two orders the later is at fault, and the first row says which offset all must have
            row = {"repeated": ROWS + 1, "offset": 3}.get(wrong, row)
        assert len(said) == 1
        assert f"row {row}" in said.copy().pop()
        assert words in said.pop()


def test_of_several_broken_rules_the_first_rule_is_told_with_all_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad amount stands before three bad times, but times are asked first; the line break in a cell is counted."""
    rows = GOOD.copy()
    rows[1] = "c1,2024-03-02,o1,-5,0"
    rows[2] = 'c2,2024-03-02,"o\n2",5,0'
    for place in (4, 7, 11):
        rows[place] = f"c1,soon,o{place},5,0"
    (tmp_path / "orders.csv").write_text("\n".join(["customer_id,ts,order_id,gross,discount", *rows]) + "\n")
    for size in (1, 5, WHOLE):
        cut(monkeypatch, size)
        with pytest.raises(DataError, match=r"row 7, column ts: not a date.*'soon'.*\(2 more such rows\)"):
            load_logs(tmp_path)


def test_a_gzip_file_that_is_cut_off(folder: Path, tmp_path: Path) -> None:
    raw = gzip.compress((folder / "orders.csv").read_bytes())
    (tmp_path / "orders.csv.gz").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(DataError, match="damaged or cut off"):
        load_logs(tmp_path)
    (tmp_path / "orders.csv.gz").write_bytes(b"no gzip at all")
    with pytest.raises(DataError, match="damaged or cut off"):
        load_logs(tmp_path)


def test_text_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Peak memory grows by far less than the text does, which a million-row benchmark shows better but later."""
    header = "customer_id,ts,order_id,gross,discount,note\n"
    line = "c%d,2024-03-01T09:00:00,order-%030d,10.00,1.00," + "x" * 300 + "\n"
    cut(monkeypatch, 500)
    peaks = []
    for rows in (1_000, 8_000):
        (tmp_path / "orders.csv").write_text(header + "".join(line % (i % 50, i) for i in range(rows)))
        load_logs(tmp_path) if not peaks else None  # what is imported and cached at first is not counted
        tracemalloc.start()
        load_logs(tmp_path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / 7_000 < 150  # bytes a row; the text has 380
