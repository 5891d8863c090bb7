"""``siyu validate effects``: what data tell of the operator's effects, and what they do not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.terminal.options import Json, Zone


def effects(
    data: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DATA]...", show_default="hillstrom complete_journey",
            help="hillstrom, complete_journey, or a folder or file in the log schema.",
        ),
    ] = None,
    zone: Zone = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", show_default="only printed", dir_okay=False,
            help="Markdown with figures beside it, or JSON where the name ends in .json. What is there is replaced.",
        ),
    ] = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Estimate effects of e-mails, coupons and messages, with placebos and refutations, beside the cited priors."""
    from experiments.causal.check import check_effects
    from experiments.causal.document import markdown, save
    from experiments.terminal.console import Bars, say, say_json

    names = data or ["hillstrom", "complete_journey"]
    with Bars() as bars:
        bars.stage("estimating effects", len(names))
        checks = []
        for name in names:
            checks.append(check_effects(name, zone=zone))
            bars.step(1)
        made = [save(checks, out)] if out else []
        if out and out.suffix != ".json":
            from experiments.reporting.pictures_effects import draw_effects

            made += draw_effects(checks, out)
    if json:
        say_json({check.data: check.as_dict() for check in checks})
    elif out is None:
        say(markdown(checks))
    else:
        for path in made:
            say(f"file: {path}")
