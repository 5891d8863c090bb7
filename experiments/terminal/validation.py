"""``siyu validate``: hold the world against what happened."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.terminal.effects_command import effects
from experiments.terminal.facts_command import facts
from experiments.terminal.loop_command import loop
from experiments.terminal.options import CutOff, Json, LogsArgument, Processes, Zone, whole

STUDIES, COMPARISONS = 20, 1000  # of `siyu validate optimum`; written here so that help texts load no engine

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
    replicates: Annotated[int, typer.Option(parser=whole(20), metavar="N", help="Number of simulated futures.")] = 200,
    zone: Zone = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", show_default="only printed", dir_okay=False,
            help="Markdown; a page with pictures where the name ends in .html, JSON where it ends in .json. A file "
            "that is there is replaced.",
        ),
    ] = None,
    figures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", show_default="none", file_okay=False, help="Pictures as PNG.")
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
        if figures:
            from experiments.reporting.page_forecast import save_figures

            save_figures(found, figures)
    if json:
        say_json(found.as_dict())
        return
    say(markdown(found) if out is None else f"{found.summary()}\nfile: {out}")
    if figures:
        say(f"figures: {figures}")


@app.command("optimum")
def optimum_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORLD]...", show_default="all",
            help="Worlds by name or first word, such as A, C2 or 'E ladder'.",
        ),
    ] = None,
    studies: Annotated[
        int, typer.Option(parser=whole(0), metavar="N", help="Searches of each world; 0 for fixed policies alone.")
    ] = STUDIES,
    comparisons: Annotated[
        int, typer.Option(parser=whole(0), metavar="N", help="Comparisons of equal policies; 0 for none.")
    ] = COMPARISONS,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", show_default="only printed", dir_okay=False,
            help="Markdown, or JSON where the name ends in .json. A file that is there is replaced.",
        ),
    ] = None,
    processes: Processes = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Search worlds whose best policy is known: is it found, and is what is claimed true? Exit code 1 if not."""
    from experiments.optimum import check_optimum
    from experiments.optimum_document import markdown, save, verdict
    from experiments.terminal.console import Bars, say, say_json

    with Bars() as bars:
        found = check_optimum(
            names=names or (), studies=studies, comparisons=comparisons, processes=processes, listener=bars,
            keep=(lambda check: save(check, out)) if out else None,
        )  # fmt: skip
        if out:
            save(found, out)
    if json:
        say_json(found.as_dict())
    else:
        say(markdown(found) if out is None else f"{verdict(found)}\nfile: {out}")
    if found.missed():
        raise typer.Exit(1)


app.command()(loop)
app.command()(facts)
app.command()(effects)
