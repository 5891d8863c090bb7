"""The page of a model card: what models are made of and how they did on unseen days, with pictures."""

from __future__ import annotations

from experiments.learning.model_card import ModelCard
from experiments.reporting import figures_card as fig
from experiments.reporting.html import environment
from experiments.reporting.pictures import Picture, judged, picture, reliability
from experiments.reporting.suppression import count_words


def card_page(card: ModelCard) -> str:
    """The card as HTML: no network, no script, pictures as SVG inside."""
    pictures = {"losses": _losses(card), "reliability": reliability(card), "lift": _lift(card)}
    return environment().get_template("card.html.j2").render(card=card, count_words=count_words, **pictures)


def _losses(card: ModelCard) -> Picture | None:
    if not (tasks := judged(card)):
        return None
    ax = fig.plot_losses(fig.losses_info(tasks))
    return picture(
        ax,
        "losses",
        "By how many percent the log-loss of others exceeds that of these models; left of zero the others win.",
    )


def _lift(card: ModelCard) -> list[Picture]:
    found = []
    for number, task in enumerate(judged(card)):
        info = fig.gains_info(task.reliability)
        words = f"{task.question}: the highest tenth holds {info['gain'].iloc[0]:.0%} of the events."
        found.append(picture(fig.plot_lift(info, title=task.question), f"lift{number}", words))
    return found
