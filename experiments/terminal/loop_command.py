"""``siyu validate loop``: does what is learned from logs alone do good where the logs come from?"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from experiments.terminal.options import Json, Processes, whole

WORLDS, SIZES = 20, "2000,10000,50000"  # written here so that help texts load no engine
FEWEST_CUSTOMERS = 200


def sizes(text: str) -> tuple[int, ...]:
    """Sizes of logs, such as 2000,10000."""
    try:
        return tuple(whole(FEWEST_CUSTOMERS)(part.strip()) for part in text.split(","))
    except typer.BadParameter as error:
        error.param_hint = "'--sizes'"
        raise


def loop(
    worlds: Annotated[int, typer.Option(parser=whole(1), metavar="N", help="Number of hidden worlds.")] = WORLDS,
    customers: Annotated[
        str, typer.Option("--sizes", metavar="N,N,…", help="Customers in the logs of each world; each size is tried.")
    ] = SIZES,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", show_default="only printed", dir_okay=False,
            help="Markdown; numbers (.json) and picture (.png) lie beside it. Files that are there are replaced.",
        ),
    ] = None,
    folder: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER", file_okay=False,
            help="Where each finished world is kept. The same command goes on with what it finds there.",
        ),
    ] = Path("runs/loop"),
    processes: Processes = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Hidden worlds write logs; learn from these alone, search, and live the recommendation there. Exit code 1 when a
    target is missed.

    Ctrl-C ends it at once; finished worlds stay, and the same command goes on later.
    """
    from experiments.closed_loop.document import markdown, save, short
    from experiments.loop import LoopCheck, check_loop
    from experiments.terminal.console import Bars, say, say_json

    asked = sizes(customers)
    command = shlex.join(["siyu", "validate", "loop", "--worlds", str(worlds), "--sizes", ",".join(map(str, asked))])

    def keep(check: LoopCheck) -> None:
        if out:
            save(check, out, command=command)

    with Bars() as bars:
        found = check_loop(
            worlds=worlds, sizes=asked, folder=folder, processes=processes, listener=bars, keep=keep
        )  # fmt: skip
    keep(found)
    if json:
        say_json(found.as_dict())
    else:
        say(markdown(found, command=command) if out is None else f"{short(found)}\nfile: {out}")
    if found.missed():
        raise typer.Exit(1)
