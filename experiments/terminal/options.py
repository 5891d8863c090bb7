"""Arguments and options of the command line, each worded once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

AS_IN_SEARCH = "as the search document says"


def date(text: str) -> dt.date:
    """A day such as 2024-09-30."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"must be a date such as 2024-09-30 (got '{text}')") from None


def lapse_days(text: str) -> int | Literal["auto"]:
    """Days of silence, at least 2, or ``auto``."""
    if text == "auto":
        return "auto"
    if not text.isascii() or not text.isdigit() or int(text) < 2:
        raise typer.BadParameter(f"must be a whole number of days, at least 2, or auto (got '{text}')")
    return int(text)


def whole(least: int) -> Callable[[str], int]:
    """A whole number that is not below ``least``."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise typer.BadParameter(f"must be a whole number, at least {least} (got '{text}')")
        return number

    return parse


# -- documents --------------------------------------------------------------------------------------------------------

Scenario = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="The world: a shipped name such as grocery, or a path.")
]
ScenarioOption = Annotated[
    str, typer.Option("--scenario", metavar="SCENARIO", help="The world: a shipped name such as grocery, or a path.")
]
Policy = Annotated[
    str | None,
    typer.Option(
        metavar="POLICY",
        show_default="the preset's status quo; do_nothing for a world of your own",
        help="What the operator does: a shipped name such as status_quo, or a path.",
    ),
]
Trial = Annotated[
    str, typer.Argument(metavar="TRIAL", help="The policy in question: a shipped name such as winback, or a path.")
]
Base = Annotated[
    str, typer.Argument(metavar="BASE", help="The policy that it is held against: a shipped name, or a path.")
]
Experiment = Annotated[
    str, typer.Argument(metavar="EXPERIMENT", help="The question: a shipped name such as grocery, or a path.")
]

# -- logs -------------------------------------------------------------------------------------------------------------

LogsArgument = Annotated[
    str,
    typer.Argument(metavar="LOGS", help="complete_journey, cdnow, or a folder or file in the log schema."),
]
Logs = Annotated[
    str | None,
    typer.Option(
        metavar="LOGS", show_default="none",
        help="Where models and the customers of day 0 come from: complete_journey, or a folder or file in the log "
        "schema. Without logs, cited defaults decide and the scenario's own population lives.",
    ),
]  # fmt: skip
Models = Annotated[
    str | None,
    typer.Option(
        metavar="FOLDER", show_default="none",
        help="Folder that `siyu train` wrote: its models and customers, without the logs that they come from.",
    ),
]  # fmt: skip
CutOff = Annotated[
    dt.date | None,
    typer.Option(
        parser=date, metavar="DATE", show_default="the last quarter of the logs is left out",
        help="Last day of the logs that training sees, such as 2024-09-30.",
    ),
]  # fmt: skip
LapseDays = Annotated[
    Any,  # typer takes no unions; the parser gives whole days or 'auto'
    typer.Option(
        parser=lapse_days,
        metavar="DAYS",
        help="Days of silence after which a customer counts as lapsed; auto finds them from the gaps between orders.",
    ),
]
Zone = Annotated[
    str | None,
    typer.Option(
        metavar="ZONE", show_default="times count as written",
        help="Time zone whose days count, such as Asia/Shanghai, for logs whose times carry an offset.",
    ),
]  # fmt: skip

# -- effort -----------------------------------------------------------------------------------------------------------

Replicates = Annotated[
    int, typer.Option(parser=whole(1), metavar="N", help="Number of replicates, each with luck of its own.")
]
PairedReplicates = Annotated[
    int,
    typer.Option(
        "--replicates", parser=whole(2), metavar="N", help="Number of replicates; both policies meet the same luck."
    ),
]
Seed = Annotated[
    int,
    typer.Option(parser=whole(0), metavar="N", help="Number that decides all luck. Equal numbers give equal results."),
]
ReplicateSeed = Annotated[
    int | None,
    typer.Option(
        parser=whole(0), metavar="N", show_default="none",
        help="Live only the replicate with this seed of its own, as an error names it.",
    ),
]  # fmt: skip
Processes = Annotated[
    int | None,
    typer.Option(
        parser=whole(1), metavar="N", show_default="one for each core",
        help="Number of processes that share the work. The results do not depend on it.",
    ),
]  # fmt: skip
Trials = Annotated[
    int | None,
    typer.Option(
        parser=whole(3),
        metavar="N",
        show_default=AS_IN_SEARCH,
        help="Number of policies to try; the first ones (the status quo, each lever alone, a spread) always are.",
    ),
]
TrialReplicates = Annotated[
    int | None,
    typer.Option(
        "--replicates",
        parser=whole(2),
        metavar="N",
        show_default=AS_IN_SEARCH,
        help="Number of paired replicates of each trial.",
    ),
]
Holdout = Annotated[
    int | None,
    typer.Option(
        parser=whole(2), metavar="N", show_default=AS_IN_SEARCH,
        help="Number of replicates, on seeds that the search never saw, on which the claim is made.",
    ),
]  # fmt: skip
SearchSeed = Annotated[
    int | None,
    typer.Option(
        "--seed", parser=whole(0), metavar="N", show_default=AS_IN_SEARCH,
        help="Number that decides what is proposed and all luck. Equal numbers give equal results.",
    ),
]  # fmt: skip

StorageUrl = Annotated[
    str | None,
    typer.Option(
        "--storage", metavar="URL", show_default="a journal in the folder",
        help="PostgreSQL database that holds the trials, as postgresql+psycopg://USER@HOST/NAME, so that `siyu worker` "
        "on other machines can measure some.",
    ),
]  # fmt: skip
DaskAddress = Annotated[
    str | None,
    typer.Option(
        "--dask", metavar="ADDRESS", show_default="processes of this machine",
        help="Scheduler of a Dask cluster that lives the replicates, as tcp://HOST:8786.",
    ),
]  # fmt: skip
CacheFolder = Annotated[
    Path | None,
    typer.Option(
        "--cache", metavar="FOLDER", file_okay=False, show_default="the folder of the run",
        help="Folder of replicates that searches on this machine share: what was lived once is not lived again.",
    ),
]  # fmt: skip

# -- what comes out ---------------------------------------------------------------------------------------------------

Out = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", show_default="none, the results are only printed",
        help="Folder for tables, provenance and report. One that exists is kept, and the next free name "
        "(FOLDER-2) taken.",
    ),
]  # fmt: skip
SearchOut = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FOLDER", show_default="runs/EXPERIMENT",
        help="Folder of the run. An unfinished search in it goes on; a finished one is kept, and the next free name "
        "(FOLDER-2) taken.",
    ),
]  # fmt: skip
TrainOut = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FOLDER", show_default="runs/train-LOGS",
        help="Folder for models, states and card, which --models takes. One that exists is kept, and the next free "
        "name (FOLDER-2) taken.",
    ),
]  # fmt: skip
SchemaOut = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FOLDER", show_default="none, the schema is printed",
        help="Folder for KIND.schema.json. A schema that is there is replaced.",
    ),
]  # fmt: skip
Profile = Annotated[
    bool,
    typer.Option(
        "--profile",
        help="Also tell the processor time that each phase of the day, action and behaviour takes in one replicate.",
    ),
]
Accounts = Annotated[
    bool,
    typer.Option(
        "--accounts", help="Also tell what the sales of one replicate are made of, and the steps between trust levels."
    ),
]
Events = Annotated[
    bool, typer.Option("--events", help="Also write every event of the first replicate to events.parquet in --out.")
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON object on standard output and nothing else there."),
]
