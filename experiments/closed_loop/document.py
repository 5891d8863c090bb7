"""The document of `siyu validate loop`: every number of the check in Markdown, JSON and a picture, whatever it says."""

from __future__ import annotations

import math
from pathlib import Path

from scipy.stats import binomtest

from experiments.closed_loop.hidden import FUTURE_DAYS, LOG_DAYS, NO_EFFECT_SHARE
from experiments.closed_loop.scoring import NO_GAIN, Cell
from experiments.loop import LEAST_COVERAGE, MOST_REGRET, TARGET_SIZE, LoopCheck, Size
from experiments.optimum_document import NONE, table
from experiments.reporting.figures_loop import save_picture
from experiments.results import write_json
from experiments.terminal.folders import write_text

HEADER = (
    "customers in the logs", "worlds", "with something to gain", "regret: median", "middle half of worlds",
    "missed per customer, median", "naive analyst: median regret", "claim holds the truth",
    "interval of the mean does", "harm: product", "naive analyst", "status quo",
)  # fmt: skip


def save(check: LoopCheck, path: Path, *, command: str) -> Path:
    """Write Markdown, and beside it the numbers as JSON and the picture; return the Markdown's path.

    Parameters
    ----------
    command : what made it, for the document.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path.with_suffix(".json"), check.as_dict())
    picture = save_picture(check.cells, path.with_suffix(".png"), target=MOST_REGRET)
    return write_text(path, markdown(check, command=command, picture=picture.name))


def markdown(check: LoopCheck, *, command: str, picture: str | None = None) -> str:
    """The whole document."""
    parts = [
        "# The closed loop",
        f"Made by `{command}`. In each hidden world, whose parameters are drawn at random, an operator with targeted "
        f"coupon campaigns works for {LOG_DAYS} days and writes logs. Coupons do nothing in {NO_EFFECT_SHARE:.0%} of "
        "the worlds, and adverts in as many. The product reads nothing but these logs and the public facts (margin, "
        f"costs, what the status quo is) and searches over five levers; policies are then lived for {FUTURE_DAYS} days "
        "in the hidden world itself, from the state in which the logs end, all with the same luck.",
        verdict(check),
        "Regret is the share of what could be gained over the status quo that a policy misses: the best attainable "
        "policy is what the same search finds when it knows the world. Where that gains less than "
        f"{NO_GAIN:.1%} of a customer's value there is no share to speak of; what is missed per customer counts every "
        "world. The naive analyst takes a gradient boosting on customer-weeks for causal. The claim is the central "
        "90 % of worlds that the search prints beside its uplift. Harm: surely worse than going on as before; of the "
        "status quo, than doing nothing.",
        table(HEADER, [_row(size) for size in check.sizes]),
    ]
    if picture:
        parts.append(f"![regret by size of the logs, and claims against the truth]({picture})")
    for size in check.sizes:
        parts += [
            f"## Logs of {size.customers:,} customers",
            "Money per customer over the days to come. Effects on the log-odds of an order: what is true, and what "
            "the product used (*from the logs*, or the prior). *By coupon* and *by adverts*: what the best policy "
            "loses when it takes this one action as the product recommends it.",
            table(
                ("world", "value", "attainable", "product", "naive", "doing nothing", "regret", "by coupon",
                 "by adverts", "claimed", "held", "coupon: true", "used", "advert: true", "used"),
                [_world(c) for c in size.cells],
            ),
        ]  # fmt: skip
    codes = {c.code for c in check.cells}
    if len(codes) > 1:
        parts.append(f"These worlds were finished by {len(codes)} versions of the code.")
    return "\n\n".join(parts) + "\n"


def verdict(check: LoopCheck) -> str:
    """Whether the targets are met, each one that is not, and what was not judged."""
    words = [f"- missed: {missed}" for missed in check.missed()]
    if all(size.customers != TARGET_SIZE for size in check.sizes):
        words.append(f"- not judged: regret, whose target is about logs of {TARGET_SIZE:,} customers")
    aim = (
        f"To reach: median regret of at most {MOST_REGRET:.0%} from logs of {TARGET_SIZE:,} customers, and a claim "
        f"that holds the truth in at least {LEAST_COVERAGE:.0%} of worlds."
    )
    if words:
        return "\n".join([aim, "", *words])
    return f"{aim} Both are met in the worlds that were tried; {_sureness(check)}"


def _sureness(check: LoopCheck) -> str:
    """How sure so many worlds are of the coverage."""
    tried = [cell for size in check.sizes for cell in size.cells]
    held = sum(cell.covered for cell in tried)
    least = binomtest(held, len(tried), alternative="greater").proportion_ci(0.95, method="exact").low
    return f"{held} of {len(tried)} claims held, which makes sure of {least:.0%} and no more (exact 95 % bound)."


def short(check: LoopCheck) -> str:
    """The verdict and a line for each size of logs, for who reads the document elsewhere."""
    lines = [
        f"- logs of {size.customers:,} customers, worlds {len(size.cells)}: median regret "
        f"{_share(size.regret('product'))} (naive analyst {_share(size.regret('naive'))}), the claim holds the truth "
        f"in {_share(size.coverage)}"
        for size in check.sizes
    ]
    return "\n".join([verdict(check), "", *lines])


def _row(size: Size) -> tuple[str, ...]:
    low, high = size.regret("product", 0.25), size.regret("product", 0.75)
    return (
        f"{size.customers:,}", f"{len(size.cells)}", f"{len(size.worthwhile)}", _share(size.regret("product")),
        f"{_share(low)} to {_share(high)}", f"{size.missed('product'):.2f}", _share(size.regret("naive")),
        _share(size.coverage), _share(size.mean_coverage), _share(size.harm("product")), _share(size.harm("naive")),
        _share(size.harm("status quo")),
    )  # fmt: skip


def _world(c: Cell) -> tuple[str, ...]:
    up = [f"{c.uplift[arm]:+.2f} ± {c.error[arm]:.2f}" for arm in ("best", "product", "naive", "nothing")]
    claim = f"{c.claimed:+.2f} ({c.low:+.2f} to {c.high:+.2f})"
    effects = [text for name in ("coupon", "advert") for text in (f"{c.truth[name]:.3g}", _used(c, name))]
    lost = [f"{c.lost_by[name]:+.2f}" for name in ("coupon", "adverts")]
    return (
        f"{c.world}", f"{c.value:.1f}", *up, _share(c.regret("product")), *lost, claim,
        "yes" if c.covered else "no", *effects,
    )  # fmt: skip


def _used(c: Cell, name: str) -> str:
    mean, sd, identified = c.effects[name]
    text = f"{mean:.2g} ± {sd:.2g}"
    return f"*{text}*" if identified else text


def _share(value: float) -> str:
    return NONE if math.isnan(value) else f"{value:.0%}"
