"""``siyu worker``: help a search that runs elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.terminal.options import Json, Processes, whole


def worker(
    ctx: typer.Context,
    study: Annotated[
        str,
        typer.Argument(
            metavar="STUDY",
            help="The --storage of the search, or the folder of its run on a disk that this machine shares.",
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", show_default="the one that runs", help="Name of the study in a database."),
    ] = None,
    logs: Annotated[
        str | None,
        typer.Option(
            metavar="LOGS", show_default="where the experiment says",
            help="Where this machine has the search's logs or models.",
        ),
    ] = None,
    processes: Processes = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", file_okay=False, show_default="nothing is kept",
            help="Folder of replicates that searches on this machine share: what was lived once is not lived again.",
        ),
    ] = None,
    patience: Annotated[
        int, typer.Option(parser=whole(1), metavar="SECONDS", help="How long to wait without anything to measure.")
    ] = 600,
    json: Json = False,
) -> None:  # fmt: skip
    """Measure trials for a search that runs on another machine or in another terminal, until it has no more."""
    from experiments.searching.studies.worker import work
    from experiments.terminal.console import Bars, say, say_json

    ctx.find_root().obj = "What this worker had not finished goes to the others."
    with Bars() as bars:
        done = work(
            study, name=name, logs=logs, processes=processes, cache=cache, patience_seconds=patience, listener=bars
        )
    if json:
        say_json({"measured": done})
    else:
        say(f"measured {done} trial{'' if done == 1 else 's'}")
