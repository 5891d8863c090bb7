"""``siyu validate facts``: do the shipped worlds show what sources report, without being told?"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from experiments.terminal.options import Json, Processes, whole

REPLICATES = 16
SEARCHES = 4


def facts(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FACT]...", show_default="all", help="Groups of facts such as tiers, or whole names of facts."
        ),
    ] = None,
    replicates: Annotated[
        int, typer.Option(parser=whole(2), metavar="N", help="Number of replicates of each world.")
    ] = REPLICATES,
    searches: Annotated[
        int, typer.Option(parser=whole(2), metavar="N", help="Number of searches of each world that is searched.")
    ] = SEARCHES,
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
    """Ask the presets what sources report of private domains. Exit code 1 when a fact does not hold.

    All of it takes one core about half an hour, most of it in the searches of `categories`.
    """
    from experiments.facts import check_facts
    from experiments.stylised.document import markdown, save, verdict
    from experiments.terminal.console import Bars, say, say_json
    from experiments.terminal.folders import make_folder, remove_empty

    if out:  # told now, and not after half an hour
        remove_empty(make_folder(out.parent))
    command = shlex.join(["siyu", "validate", "facts", *(names or ())])
    for option, n, usual in (("replicates", replicates, REPLICATES), ("searches", searches, SEARCHES)):
        command += "" if n == usual else f" --{option} {n}"
    with Bars() as bars:
        found = check_facts(names or (), replicates=replicates, searches=searches, processes=processes, listener=bars)
        if out:
            save(found, out, command=command)
    if json:
        say_json(found.as_dict())
    else:
        say(markdown(found, command=command) if out is None else f"{verdict(found)}\nfile: {out}")
    if found.failed():
        raise typer.Exit(1)
