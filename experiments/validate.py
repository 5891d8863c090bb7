"""Validation: the world, started from the customers' real states on a cut-off day, against the days that followed."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from experiments.data import Logs
from experiments.forecasting.customer_forecast import CustomerForecast
from experiments.forecasting.direct import direct_btyd, direct_linear, direct_trees
from experiments.forecasting.forecast import WORLD, Forecast
from experiments.forecasting.order_days import Ints, OrderDays
from experiments.forecasting.origins import ask_origins, p_any
from experiments.forecasting.past import Past
from experiments.forecasting.quarters import Tally, only_buyers, quiet_scenario, tally_quarters
from experiments.forecasting.rivals import bg_nbd, pareto_nbd, recent_and_history, resampled, the_same_again
from experiments.forecasting.scores import Scores
from experiments.listener import Listener, Silence
from experiments.results import provenance
from experiments.run import seeds_for
from experiments.train import Training, train
from sim.errors import DataError, SiyuError

LEAST_DAYS = 7  # that a forecast is judged on
FEWEST_REPLICATES = 20  # below which a 90 % band is the range of a few numbers


def forecast(
    logs: Logs,
    *,
    cut_off: dt.date | None = None,
    horizon_days: int | None = None,
    replicates: int = 200,
    listener: Listener | None = None,
    processes: int | None = None,
) -> Forecast:
    """Train up to a cut-off, run the world forward without operator actions, and compare with what happened.

    Training, the world and every rival are handed logs that end on the cut-off day. The world starts from each
    customer's state on that day; nobody arrives, and no message, coupon or lost contact moves anybody, so that the
    learned transitions alone are judged. Only customers who ordered by the cut-off are forecast.

    Parameters
    ----------
    cut_off : last day that may be seen. Default: leave the last quarter of the logs.
    horizon_days : days to forecast. Default: all that the logs hold after the cut-off.
    replicates : simulated quarters, at least 20.
    processes : None takes all cores; the numbers do not depend on it.

    Raises
    ------
    DataError
        Where the logs do not reach over the horizon, or hold too little to learn from.
    """
    if replicates < FEWEST_REPLICATES:
        cure = f"ask for {FEWEST_REPLICATES} or more"
        raise SiyuError("a 90 % band needs more replicates", place="replicates", value=replicates, cure=cure)
    with threadpool_limits(1):  # threads of BLAS and OpenMP wait for each other actively: ten times slower when busy
        return _forecast(logs, cut_off, horizon_days, replicates, listener or Silence(), processes)


def _forecast(
    logs: Logs, cut_off: dt.date | None, horizon_days: int | None, replicates: int, hear: Listener,
    processes: int | None,
) -> Forecast:  # fmt: skip
    seconds: dict[str, float] = {}
    cut_day, days = _split(logs, cut_off, horizon_days)
    past_logs = logs.until(cut_day)
    with _timed(seconds, "learning", hear):
        training = train(past_logs, cut_off=logs.origin + dt.timedelta(days=cut_day))
    codes = training.customer[training.state.orders > 0]
    seeds = seeds_for("validate.forecast", replicates, 0)
    with _timed(seconds, "simulating", hear, replicates):
        scenario = quiet_scenario(logs.origin + dt.timedelta(days=cut_day + 1), days)
        learned = only_buyers(training.learned())
        tallies = tally_quarters(scenario, learned, seeds, processes=processes, progress=hear.step)
        ours = CustomerForecast.of_tallies(tallies, p_any(past_logs, training.models, cut_day, days))
    with _timed(seconds, "rivals", hear, len(rivals := _rivals(seeds))):
        past = Past(OrderDays.of_logs(logs, codes, 0, cut_day), days)
        forecasts = {WORLD: ours}
        for number, (name, rival) in enumerate(rivals.items()):
            forecasts[name] = rival(past)
            hear.step(number + 1, name)
    with _timed(seconds, "questions", hear):
        origins = ask_origins(logs, training.models, cut_day, days, WORLD)
    observed = Tally.of(OrderDays.of_logs(logs, codes, cut_day + 1, cut_day + days))
    late = _late(logs, codes, cut_day + 1, cut_day + days)
    return Forecast(
        data=logs.name,
        cut_off=logs.origin + dt.timedelta(days=cut_day),
        start=scenario.start,
        days=days,
        observed=observed,
        late_customers=int((late.orders() > 0).sum()),
        late_orders=len(late),
        late_spend=float(late.net.sum() / 100),
        forecasts=forecasts,
        scores={name: Scores.of(forecast, observed) for name, forecast in forecasts.items()},
        origins=origins,
        provenance=_provenance(logs, training, seeds),
        seconds=seconds,
    )


def _rivals(seeds: tuple[int, ...]) -> dict[str, Callable[[Past], CustomerForecast]]:
    return {
        "the same again": the_same_again,
        "recent and history": recent_and_history,
        "Pareto/NBD + Gamma-Gamma": partial(pareto_nbd, seeds=seeds),
        "BG/NBD + Gamma-Gamma": bg_nbd,
        "direct boosted trees": direct_trees,
        "direct logistic + Poisson": direct_linear,
        "the same on BTYD covariates": direct_btyd,
        "own rate, own baskets (simulated)": partial(resampled, seeds=seeds),
    }


@contextmanager
def _timed(seconds: dict[str, float], name: str, hear: Listener, steps: int = 1) -> Iterator[None]:
    began = time.perf_counter()
    hear.stage(name, steps)
    yield
    hear.step(steps)
    seconds[name] = round(time.perf_counter() - began, 2)


def _split(logs: Logs, cut_off: dt.date | None, horizon_days: int | None) -> tuple[int, int]:
    """Day of the cut-off, and days to forecast."""
    cut_day = logs.last_day - (logs.last_day + 1) // 4 if cut_off is None else (cut_off - logs.origin).days
    left = logs.last_day - cut_day
    days = left if horizon_days is None else horizon_days
    if not LEAST_DAYS <= days <= left:
        last = logs.origin + dt.timedelta(days=logs.last_day)
        room = f"and {max(left, 0)} lie" if left < LEAST_DAYS else f"up to all {left} that lie"
        cure = "choose an earlier cut-off" if left < LEAST_DAYS else f"take a horizon of {LEAST_DAYS} to {left} days"
        raise DataError(
            f"a forecast is judged on at least {LEAST_DAYS} days, {room} between the cut-off and the end of the logs, "
            f"{last}", place=logs.name, value=days, cure=cure,
        )  # fmt: skip
    return cut_day, days


def _late(logs: Logs, codes: Ints, first_day: int, last_day: int) -> OrderDays:
    """Order days of the customers who are not forecast."""
    others = np.setdiff1d(np.arange(logs.n_customers), codes)
    return OrderDays.of_logs(logs, others, first_day, last_day)


def _provenance(logs: Logs, training: Training, seeds: tuple[int, ...]) -> dict[str, object]:
    return provenance(
        logs=logs.digest, models=training.models.digest(), lapse_days=training.models.lapse_days, first_seed=seeds[0]
    )
