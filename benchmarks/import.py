"""How much memory and time the import of logs takes.

``python benchmarks/import.py`` writes ten million orders of 1.25 million customers, in no order, into a temporary
folder, imports them in a process of their own, and prints that process's peak memory, libraries included, and seconds.
``--format parquet`` or ``gz`` for the other kinds of file, ``--touches`` for as many touches beside the orders.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROWS, CUSTOMERS_SHARE, DAYS, BATCH = 10_000_000, 0.125, 365, 1_000_000
TARGET_MB = 2000


def write(folder: Path, rows: int, suffix: str, name: str) -> None:
    """Orders or touches in random order, batch by batch."""
    for first in range(0, rows, BATCH):
        luck, n = np.random.default_rng([first, len(name)]), min(BATCH, rows - first)
        second = np.datetime64("2024-01-01T00:00:00") + luck.integers(0, DAYS * 86_400, n).astype("timedelta64[s]")
        customer = np.random.default_rng(first).integers(0, int(rows * CUSTOMERS_SHARE), n)  # of orders and touches
        columns = {"customer_id": np.char.add("c", customer.astype(str)), "ts": np.datetime_as_string(second)}
        if name == "orders":
            gross = np.round(luck.gamma(2.0, 20.0, n) + 0.5, 2)
            columns |= {"order_id": np.arange(first, first + n), "gross": gross, "discount": np.round(0.1 * gross, 2)}
        else:
            kind = luck.choice(["message_advert", "coupon_issued", "coupon_redeemed"], n)
            columns |= {"kind": kind, "depth": np.full(n, 0.15), "campaign_id": luck.choice(["spring", "autumn"], n)}
        path = folder / f"{name}-{first // BATCH}.parquet" if suffix == ".parquet" else folder / f"{name}{suffix}"
        frame = pd.DataFrame(columns)
        if suffix == ".parquet":
            frame.to_parquet(path)
        else:
            frame.to_csv(path, mode="a", header=first == 0, index=False)
    if suffix == ".parquet":
        _joined(folder, name)


def _joined(folder: Path, name: str) -> None:
    import pyarrow.parquet as pq

    parts = sorted(folder.glob(f"{name}-*.parquet"))
    with pq.ParquetWriter(folder / f"{name}.parquet", pq.read_schema(parts[0])) as writer:
        for part in parts:
            writer.write_table(pq.read_table(part))
            part.unlink()


def read(folder: str) -> None:
    """Import, and tell what it took."""
    from experiments.data import load_logs

    began, worked = time.perf_counter(), time.process_time()
    logs = load_logs(folder)
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    touches = 0 if logs.touches is None else len(logs.touches)
    print(f"{len(logs.visits):,} order days of {logs.n_customers:,} customers, {touches:,} touches")
    print(f"{seconds:.0f} s, {worked:.0f} of them on a processor; {peak:,.0f} MB at the peak, libraries included")
    print(f"target: ten million orders in {TARGET_MB:,} MB")


def main() -> None:
    """Write, then import in another process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--format", choices=["csv", "gz", "parquet"], default="csv")
    parser.add_argument("--touches", action="store_true")
    parser.add_argument("--read", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.read:
        read(asked.read)
        return
    suffix = {"csv": ".csv", "gz": ".csv.gz", "parquet": ".parquet"}[asked.format]
    with tempfile.TemporaryDirectory() as name:
        for table in ("orders", "touches")[: 1 + asked.touches]:
            write(Path(name), asked.rows, suffix, table)
        size = sum(path.stat().st_size for path in Path(name).iterdir()) / 1e6
        print(f"{asked.rows:,} rows, {size:,.0f} MB on disk", flush=True)
        subprocess.run([sys.executable, __file__, "--read", name], check=True)


if __name__ == "__main__":
    main()
