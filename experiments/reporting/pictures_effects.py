"""Pictures of effects as files beside their document."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from experiments.reporting.figures_effects import effects_info, plot_effects, plot_qini, qini_info

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from experiments.causal.check import EffectsCheck

DPI = 150


def draw_effects(checks: Sequence[EffectsCheck], document: Path) -> list[Path]:
    """A forest plot for logs, a Qini curve for an e-mail test; paths of what was written."""
    made = []
    for check in checks:
        stem = f"{document.stem}_{check.data}"
        if check.email is not None:
            made.append(_saved(plot_qini(qini_info(check.email.qinis)), document.with_name(f"{stem}_qini.png")))
        info = effects_info(check.effects)
        if len(info):
            made.append(_saved(plot_effects(info), document.with_name(f"{stem}_forest.png")))
    return made


def _saved(ax: Axes, path: Path) -> Path:
    figure = ax.figure
    assert isinstance(figure, Figure)
    figure.savefig(path, dpi=DPI)
    return path
