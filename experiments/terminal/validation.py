"""``siyu validate``: hold the world against what happened."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.terminal.options import CutOff, Json, LogsArgument, Processes, Zone, whole

app = typer.Typer(no_args_is_help=True, help="Hold the simulated world against what happened.")


@app.callback()
def validate() -> None:
    """Hold the simulated world against what happened."""


@app.command("forecast")
def forecast_command(
    logs: LogsArgument = "complete_journey",
    cut_off: CutOff = None,
    horizon_days: Annotated[
        int | None,
        typer.Option(parser=whole(7), metavar="DAYS", show_default="all after the cut-off", help="Days to forecast."),
    ] = None,
    replicates: Annotated[int, typer.Option(parser=whole(20), metavar="N", help="Number of simulated futures.")] = 100,
    zone: Zone = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", show_default="only printed", dir_okay=False,
            help="Markdown, or JSON where the name ends in .json. A file that is there is replaced.",
        ),
    ] = None,
    processes: Processes = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Run the customers forward from the cut-off without any action, and compare with what happened and with rivals."""
    from experiments.data import load_logs
    from experiments.forecasting.forecast_document import markdown, save
    from experiments.terminal.console import Bars, say, say_json
    from experiments.validate import forecast

    with Bars() as bars:
        bars.stage("reading logs", 1)
        read = load_logs(logs, zone=zone)
        bars.step(1)
        found = forecast(
            read, cut_off=cut_off, horizon_days=horizon_days, replicates=replicates, listener=bars, processes=processes
        )
        if out:
            save(found, out)
    if json:
        say_json(found.as_dict())
        return
    say(markdown(found) if out is None else f"{found.summary()}\nfile: {out}")
