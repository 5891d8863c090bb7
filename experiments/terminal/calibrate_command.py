"""``siyu calibrate``: fit what no model learns to facts about the real brand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.terminal.options import Json, Processes


def calibrate(
    ctx: typer.Context,
    world: Annotated[
        str,
        typer.Argument(
            metavar="EXPERIMENT_OR_SCENARIO",
            help="The world whose values are fitted: a shipped name such as sparkling_drinks, or a path.",
        ),
    ],
    targets: Annotated[
        str,
        typer.Argument(
            metavar="TARGETS", help="Facts that it must show, and values that are free: a shipped name, or a path."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FOLDER", file_okay=False, show_default="runs/calibrate-TARGETS",
            help="Folder for the answer. An unfinished calibration there goes on; a finished one is kept, and the next "
            "gets a number.",
        ),
    ] = None,
    processes: Processes = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Fit values of a scenario that no model learns to facts about the real brand, and say what the facts leave open.

    The answer, ensemble.yaml, is a set of scenarios that a search can live over: name it in an experiment as
    `ensemble`.
    """
    from experiments.calibrate import calibrate as run
    from experiments.calibrating.folder import calibration_folder, save
    from experiments.calibrating.page import told
    from experiments.terminal.console import Bars, say, say_json
    from experiments.terminal.folders import make_folder, remove_empty

    folder = calibration_folder(out or Path("runs") / f"calibrate-{Path(targets).stem}")
    made = make_folder(folder)
    try:
        with Bars() as bars:
            found = run(world, targets, out=folder, processes=processes, listener=bars)
            save(found, folder)
    except BaseException:
        remove_empty(made)
        if folder.exists():
            ctx.find_root().obj = "What was lived is kept; the same command goes on from there."
        raise
    if json:
        say_json({"folder": str(folder), **found.ensemble.model_dump(mode="json", exclude={"weights"})})
        return
    told(found)
    say(f"ensemble: {folder / 'ensemble.yaml'}")
    say(f"report: {folder / 'calibration.md'}")
