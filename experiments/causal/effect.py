"""An estimated effect, the checks that it has to pass, and what it becomes in a world."""

from __future__ import annotations

import math
from dataclasses import dataclass

from experiments.reporting.suppression import count_words

Z = 1.96  # two-sided 95 %
FEWEST_TARGETED = 30  # assumed; clustered standard errors of fewer are too small
PRIOR = "use a cited prior"


@dataclass(frozen=True)
class Estimate:
    """An estimate with its standard error, clustered by customer."""

    mean: float
    sd: float

    @property
    def z(self) -> float:
        """Standard errors from zero; NaN where there is no error to divide by."""
        return self.mean / self.sd if self.sd > 0 else math.nan

    @property
    def known(self) -> bool:
        """Whether there is an estimate at all."""
        return math.isfinite(self.mean) and math.isfinite(self.sd) and self.sd > 0


UNKNOWN = Estimate(math.nan, math.nan)


@dataclass(frozen=True)
class Refutation:
    """One attempt to refute an estimate, what it gave, and whether the estimate survived."""

    name: str
    mean: float
    sd: float
    passed: bool


@dataclass(frozen=True)
class Segment:
    """The effect on a part of the targeted."""

    name: str
    n: int
    mean: float
    sd: float


@dataclass(frozen=True)
class Effect:
    """An estimated effect and whether it may enter a world.

    Attributes
    ----------
    name : the kind of campaign or touch, or the user's campaign.
    mean, sd : estimate and its standard error; NaN where there is none.
    scale : ``logit``, the log-odds that a targeted customer orders on a day of the window; or ``currency_per_week``
        and customer.
    n : targeted customers, counted once per campaign.
    placebo_mean, placebo_sd : the same estimate one window before the campaigns, where the truth is 0.
    passed : whether the placebo and every refutation let it stand and the targeted are enough.
    source : method, logs and days.
    verdict : one sentence for the report.
    method : ``randomised``, ``difference in differences``, ``doubly robust`` or ``regression``.
    replaces : the effect of the scenario that it stands for; empty for none.
    in_world, in_world_sd : the same on that effect's scale: per unit of depth on somebody who means to use the coupon,
        or on the day of a message that is seen by a rested buyer. NaN where the logs do not say how.
    take_up : share of receivers who mean to use a coupon; NaN for everything else.
    refutations : further attempts to refute it.
    segments : the effect on parts of the targeted.
    """

    name: str
    mean: float
    sd: float
    scale: str
    n: int
    placebo_mean: float
    placebo_sd: float
    passed: bool
    source: str
    verdict: str
    method: str = "difference in differences"
    replaces: str = ""
    in_world: float = math.nan
    in_world_sd: float = math.nan
    take_up: float = math.nan
    refutations: tuple[Refutation, ...] = ()
    segments: tuple[Segment, ...] = ()

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the estimate."""
        return self.mean - Z * self.sd, self.mean + Z * self.sd

    @property
    def placebo_interval(self) -> tuple[float, float]:
        """95 % interval of the placebo."""
        return self.placebo_mean - Z * self.placebo_sd, self.placebo_mean + Z * self.placebo_sd


def verdict_of(
    n: int, real: Estimate | None, placebo: Estimate | None, refutations: tuple[Refutation, ...] = ()
) -> tuple[bool, str]:
    """Whether an estimate may be used, and why, in one sentence."""
    if n == 0:
        return False, f"refused: no campaign has a complete window and two before it; {PRIOR}"
    if n < FEWEST_TARGETED:
        return False, f"refused: {count_words(n)} targeted customers are fewer than {FEWEST_TARGETED}; {PRIOR}"
    if real is None or placebo is None or not real.known or not placebo.known:
        return False, f"refused: targeting cannot be told from time or from other campaigns; {PRIOR}"
    told = (
        f"{real.mean:+.3g} ± {real.sd:.2g}; one window earlier {placebo.mean:+.3g} ± {placebo.sd:.2g} "
        f"(z {placebo.z:+.1f})"
    )
    if abs(placebo.z) > Z:
        return False, f"refused: {told}, where nothing had happened yet; {PRIOR}"
    for one in refutations:
        if not one.passed:
            return False, f"refused: {told}, but {one.name} gives {one.mean:+.3g} ± {one.sd:.2g}; {PRIOR}"
    return True, f"accepted: {told}, as it should be near 0"
