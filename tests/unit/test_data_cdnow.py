"""CDNOW from a folder that looks like the package's: two layouts, read as the user's own orders would be."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.data import load_logs
from experiments.data.cdnow import FILES, LAST_DAY, load_cdnow
from sim.errors import DataError

LINES = (
    "00004 19970101 2 29.33", "00004 19970118 2 29.73", "00021 19970101 3 63.34", "00021 19970118 1 11.77",
    "00050 19970101 1 6.79", "00071 19970202 1 0.00", "00004 19970118 1 0.27", "00021 19980630 1 5.00",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    named = [" customer_id  date number_of_cds  dollar_value", *LINES]
    (tmp_path / FILES["cdnow_master"]).write_text("\n".join(named), encoding="utf-8")
    ours = [f" {line[:5]} 1{line[1:5]} {line[6:]}" for line in LINES]  # an own number after that of the master file
    (tmp_path / FILES["cdnow"]).write_text("\n".join(ours), encoding="utf-8")
    return tmp_path


def test_visits_by_day(folder: Path) -> None:
    logs = load_cdnow("cdnow_master", folder)
    visits = logs.visits[["customer", "day", "net"]].to_numpy().tolist()
    assert visits == [[0, 0, 2933], [0, 17, 3000], [1, 0, 6334], [1, 17, 1177], [1, LAST_DAY, 500], [2, 0, 679]]
    assert logs.customers["first_day"].tolist() == [0, 0, 0, LAST_DAY + 1], "who ordered nothing of value is kept"
    assert logs.dropped == {"orders without value": 1}
    assert (str(logs.origin), logs.last_day) == ("1997-01-01", 545)


def test_the_sample_has_another_layout(folder: Path) -> None:
    sample, master = (load_cdnow(name, folder) for name in ("cdnow", "cdnow_master"))
    assert sample.visits.equals(master.visits)
    assert sample.digest == master.digest


def test_the_same_as_orders_of_ones_own(folder: Path) -> None:
    """Whoever exports the file as orders.csv gets the very same logs, so the name is no privilege."""
    rows = ["customer_id,ts,order_id,gross,discount"]
    for number, line in enumerate(LINES):
        customer, date, _, net = line.split()
        rows.append(f"{customer},{date[:4]}-{date[4:6]}-{date[6:]},{number},{net},0")
    (folder / "orders.csv").write_text("\n".join(rows), encoding="utf-8")
    own, named = load_logs(folder), load_cdnow("cdnow", folder)
    assert own.visits.equals(named.visits)
    assert own.digest == named.digest


def test_without_the_package_the_cure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match="pip install --no-deps lifetimes"):
        load_logs("cdnow")
