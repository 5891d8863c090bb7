"""The command line: ``siyu simulate | compare | search | worker | calibrate | train | validate | report | …``.

Modules that take long to import are imported inside the commands, so that help comes at once.
"""

from __future__ import annotations

import datetime as dt
import shlex
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from experiments.terminal import options as opt
from experiments.terminal.calibrate_command import calibrate
from experiments.terminal.validation import app as validate_app
from experiments.terminal.worker_command import worker

if TYPE_CHECKING:
    from agents.policy import Policy
    from experiments.compare import Verdict
    from experiments.ground import Ground
    from experiments.listener import Listener
    from experiments.results import Results
    from experiments.terminal.folders import NewFolder
    from experiments.train import Training

USER_ERROR, INTERRUPTED = 2, 130  # exit codes
USAGE_ERROR = typer.BadParameter.__bases__[0]  # newer versions of typer carry their own copy of click
RUNS = Path("runs")


class Commands(TyperGroup):
    """Tells what the user can mend in one message without a traceback; everything else keeps its traceback."""

    def invoke(self, ctx: Any) -> Any:
        from experiments.terminal.console import complain, mendable

        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            complain(f"Interrupted. {ctx.obj or 'Nothing was written; the same command begins again.'}")
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            message = mendable(error) or _usage(error)
            if message is None:
                raise
            complain(message)
            raise typer.Exit(USER_ERROR) from None


def _usage(error: Exception) -> str | None:
    """What is wrong with a command line in one line; None for other errors and for a plea for help."""
    if type(error).__name__ == "NoArgsIsHelpError" or not isinstance(error, USAGE_ERROR):
        return None
    said: Any = error
    message, command = said.format_message().rstrip("."), said.ctx.command_path if said.ctx else "siyu"
    return f"{message}{' See' if message.endswith('?') else '; see'} `{command} --help`"


app = typer.Typer(name="siyu", cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.add_typer(validate_app, name="validate")


def main() -> None:
    """Run the command line."""
    app(prog_name="siyu")


def _print_version(asked: bool) -> None:
    if asked:
        from experiments.results import provenance

        typer.echo(f"siyu {provenance()['versions']['siyu']}")
        raise typer.Exit


@app.callback(
    help="Simulate the customers whom a brand can reach itself, learn from logs, and search for what earns most.\n\n"
    "SCENARIO, POLICY and EXPERIMENT are names of shipped documents or paths of YAML files; `siyu describe` lists the "
    "shipped ones and tells everything that can be written in one of your own."
)
def siyu(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Options of the program itself."""


# -- runs -------------------------------------------------------------------------------------------------------------


@app.command()
def simulate(
    scenario: opt.Scenario,
    policy: opt.Policy = None,
    replicates: opt.Replicates = 8,
    seed: opt.Seed = 1,
    replicate_seed: opt.ReplicateSeed = None,
    logs: opt.Logs = None,
    models: opt.Models = None,
    cut_off: opt.CutOff = None,
    zone: opt.Zone = None,
    out: opt.Out = None,
    processes: opt.Processes = None,
    profile: opt.Profile = False,
    accounts: opt.Accounts = False,
    events: opt.Events = False,
    json: opt.Json = False,
) -> None:
    """Live one policy in one scenario and tell what it earns."""
    from experiments.compare import simulate as run
    from experiments.load import status_quo_of
    from experiments.terminal import tell
    from experiments.terminal.closeup import Closeup, live_closely
    from experiments.terminal.console import Bars

    if events and out is None:
        raise typer.BadParameter("--events writes to a folder: add --out FOLDER")
    replicates = replicates if replicate_seed is None else 1
    with Bars() as bars, _folder(out) as folder:
        ground = _ground(scenario, policy or status_quo_of(scenario), logs, models, cut_off, zone, bars)
        world, lived = ground.scenario, ground.status_quo
        bars.stage("living the replicates", replicates)
        results = run(
            world, lived, replicates=replicates, seed=seed, replicate_seed=replicate_seed, learned=ground.learned,
            processes=processes, progress=bars.count,
        )  # fmt: skip
        closeup = None
        if profile or events or accounts:
            bars.stage("living the first replicate from close by", 1)
            first = results.arms[lived.title][0].seed
            asked = {"profile": profile, "events": events, "accounts": accounts}
            closeup = live_closely(world, lived, seed=first, learned=ground.learned, **asked)
        if folder:
            _save(folder.path, results, ground, [lived])
            if closeup and closeup.events is not None:
                closeup.events.to_parquet(folder.path / "events.parquet", index=False)
    about = tell.About(ground, (lived,), replicates, seed, folder.path if folder else None)
    tell.tell_run(about, results, closeup or Closeup(), json=json)


@app.command()
def compare(
    trial: opt.Trial,
    base: opt.Base,
    scenario: opt.ScenarioOption,
    replicates: opt.PairedReplicates = 32,
    seed: opt.Seed = 1,
    logs: opt.Logs = None,
    models: opt.Models = None,
    cut_off: opt.CutOff = None,
    zone: opt.Zone = None,
    out: opt.Out = None,
    processes: opt.Processes = None,
    json: opt.Json = False,
) -> None:
    """Tell what the policy TRIAL earns more than the policy BASE in the same scenario with the same luck."""
    from experiments.compare import compare as run
    from experiments.load import load
    from experiments.terminal import tell
    from experiments.terminal.console import Bars

    with Bars() as bars, _folder(out) as folder:
        policy = load(trial, "policy")
        ground = _ground(scenario, base, logs, models, cut_off, zone, bars)
        bars.stage("living the replicates", 2 * replicates)
        verdict = run(
            policy, ground.status_quo, scenario=ground.scenario, replicates=replicates, seed=seed,
            learned=ground.learned, processes=processes, progress=bars.count,
        )  # fmt: skip
        if folder:
            _save(folder.path, verdict, ground, [policy, ground.status_quo])
    about = tell.About(ground, (policy, ground.status_quo), replicates, seed, folder.path if folder else None)
    tell.tell_verdict(about, verdict, json=json)


@app.command()
def search(
    ctx: typer.Context,
    experiment: opt.Experiment,
    trials: opt.Trials = None,
    replicates: opt.TrialReplicates = None,
    holdout: opt.Holdout = None,
    seed: opt.SearchSeed = None,
    out: opt.SearchOut = None,
    processes: opt.Processes = None,
    storage: opt.StorageUrl = None,
    dask: opt.DaskAddress = None,
    cache: opt.CacheFolder = None,
    json: opt.Json = False,
) -> None:
    """Search for the policy with the highest incremental CLV within its limits, and write a report.

    Ctrl-C judges and reports the best so far; the same command goes on later.
    """
    from experiments.report import write_report
    from experiments.search import search as run
    from experiments.terminal import tell
    from experiments.terminal.console import Bars
    from experiments.terminal.folders import JOURNAL, make_folder, remove_empty, search_folder

    asked = {"trials": trials, "replicates": replicates, "holdout_replicates": holdout, "seed": seed}
    folder = search_folder(out or RUNS / Path(experiment).stem)
    made = make_folder(folder)
    try:
        with Bars() as bars:
            found = run(
                experiment, out=folder, processes=processes, listener=bars, storage=storage, dask=dask, cache=cache,
                overrides={name: value for name, value in asked.items() if value is not None},
            )  # fmt: skip
            bars.stage("writing the report", 1)
            report = write_report(found, folder / "report.html")
    except BaseException:
        remove_empty(made)
        if (folder / JOURNAL).exists():
            ctx.find_root().obj = f"To go on where it stopped, run again: {_command_line()}"
        raise
    tell.tell_search(found, report, json=json)


app.command()(worker)
app.command()(calibrate)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")], json: opt.Json = False
) -> None:
    """Make the report of a finished run again from the tables in its folder."""
    from experiments.report import report_from_folder
    from experiments.terminal.console import say, say_json

    path = report_from_folder(run)
    if json:
        say_json({"report": str(path)})
    else:
        say(f"report: {path}")


# -- learning ---------------------------------------------------------------------------------------------------------


@app.command()
def train(
    logs: opt.LogsArgument,
    cut_off: opt.CutOff = None,
    lapse_days: opt.LapseDays = "auto",
    zone: opt.Zone = None,
    out: opt.TrainOut = None,
    json: opt.Json = False,
) -> None:
    """Learn from logs when customers order, for how much and when they fall silent; judge it on the days after."""
    from experiments.data import load_logs
    from experiments.terminal.console import Bars, say, say_json
    from experiments.terminal.folders import NewFolder
    from experiments.train import train as run

    with Bars() as bars, NewFolder(out or RUNS / f"train-{Path(logs).stem}") as folder:
        bars.stage("reading logs", 1)
        read = load_logs(logs, zone=zone)
        bars.stage("learning", 1)
        found = run(read, cut_off=cut_off, lapse_days=lapse_days)
        _save_training(folder.path, found)
    if json:
        say_json({"folder": str(folder.path), "models": found.models.digest(), "card": found.card.as_dict()})
        return
    say(str(found.card))
    say(f"card: {folder.path / 'card.html'}")
    say(f"folder: {folder.path}")


# -- documents --------------------------------------------------------------------------------------------------------


@app.command()
def describe(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND", show_default=False,
            help="What to describe: a kind of document, action or behaviour such as coupon; effects, audience or "
            "calendar; a document such as scenario/grocery, or its path; a models.json. Without it, a list of all.",
        ),
    ] = None,
    json: opt.Json = False,
) -> None:  # fmt: skip
    """Tell every field of a kind with its limits and the source of its default, or every value of a document."""
    from experiments.terminal.tell import tell_description

    tell_description(name, json=json)


@app.command()
def schema(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND", show_default=False, help="scenario, policy, search, experiment or targets. Without it, all."
        ),
    ] = None,
    out: opt.SchemaOut = None,
) -> None:
    """Print the JSON Schema of a kind of document, by which editors complete and check YAML."""
    from experiments.terminal.console import say, say_json
    from experiments.terminal.schema import json_schemas, write_schemas

    found = json_schemas(kind)
    if out is None:
        say_json(found[kind] if kind else found)
        return
    for path in write_schemas(found, out):
        say(str(path))


# -- shared -----------------------------------------------------------------------------------------------------------


def _folder(out: Path | None) -> AbstractContextManager[NewFolder | None]:
    if out is None:
        return nullcontext()
    from experiments.terminal.folders import NewFolder

    return NewFolder(out)


def _ground(
    scenario: str,
    policy: str,
    logs: str | None,
    models: str | None,
    cut_off: dt.date | None,
    zone: str | None,
    hear: Listener,
) -> Ground:
    """The world and the policy of a run, learned from logs or on models that were, where there are some."""
    from experiments.experiment import Experiment
    from experiments.ground import prepare

    if logs is not None and models is not None:
        raise typer.BadParameter("--logs and --models are two sources of models: leave one of them out")
    for option, value in (("--cut-off", cut_off), ("--zone", zone)):
        if value is not None and logs is None:
            raise typer.BadParameter(f"{option} is about logs: add --logs LOGS")
    question = Experiment(
        title="asked on the command line", scenario=scenario, policy=policy, logs=logs, models=models, cut_off=cut_off,
        zone=zone,
    )  # fmt: skip
    return prepare(question, hear)


def _save(folder: Path, run: Results | Verdict, ground: Ground, policies: Sequence[Policy]) -> None:
    """Write tables, provenance and report of a run into its folder."""
    from experiments.report import write_report
    from experiments.reporting.record import record_of_run

    record = record_of_run(run, scenario=ground.scenario, policies=policies, command=_command_line())
    record.save(folder)
    write_report(record, folder / "report.html")


def _save_training(folder: Path, found: Training) -> None:
    """Write the models, and their card as numbers and as a page."""
    from experiments.learning.trained import save_trained
    from experiments.reporting.page_card import card_page

    save_trained(folder, found.learned())
    (folder / "card.json").write_text(found.card.to_json() + "\n", encoding="utf-8")
    (folder / "card.html").write_text(card_page(found.card), encoding="utf-8")


def _command_line() -> str:
    return shlex.join(["siyu", *sys.argv[1:]])
