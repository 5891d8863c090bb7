"""What a recommendation rests on, as data on disk: flip points, other strengths of an effect, what is worth a test."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.compare import Difference, difference
from experiments.reporting.words import label_words
from experiments.searching.questions.assumption_words import sentences, worth_sentences
from experiments.searching.questions.assumptions import AssumedEffect
from experiments.searching.questions.flips import Flip, Robustness, Swept
from experiments.searching.questions.information import Information
from experiments.searching.result import Alternative
from sim.spec import Spec

if TYPE_CHECKING:
    from experiments.searching.result import SearchResult


class Sweep(Spec):
    """One assumption made weaker and stronger.

    ``effect`` tells an effect, whose values are factors, from a value of the scenario; ``gain`` is the recommended
    policy's uplift at each of the values, on the same seeds.
    """

    name: str
    words: str
    effect: bool
    here: Any
    plausible: tuple[float, float] | None
    matters: bool
    values: tuple[Any, ...]
    gain: tuple[Difference, ...]
    flips: tuple[Flip, ...]


class Basis(Spec):
    """What the recommendation withstands, in sentences and numbers; empty where nothing was tried."""

    told: tuple[str, ...] = ()
    settled: bool = True
    sweeps: tuple[Sweep, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    worth: tuple[str, ...] = ()
    information: Information | None = None


def basis_of(result: SearchResult) -> Basis:
    """What was found of the assumptions of a search."""
    robustness, information = result.robustness, result.information
    currency = result.ground.scenario.currency
    return Basis(
        told=sentences(_in_words(robustness)) if robustness else (),
        settled=robustness.settled if robustness else True,
        sweeps=tuple(_sweep(swept) for swept in robustness.swept) if robustness else (),
        alternatives=result.alternatives,
        worth=worth_sentences(information, currency) if information else (),
        information=information,
    )


def _sweep(swept: Swept) -> Sweep:
    assumption = swept.assumption
    return Sweep(
        name=assumption.name,
        words=assumption.words,
        effect=isinstance(assumption, AssumedEffect),
        here=assumption.here,
        plausible=assumption.plausible,
        matters=swept.matters,
        values=swept.values,
        gain=tuple(difference("clv", np.asarray(swept.at(value)[0])) for value in swept.values),
        flips=swept.flips,
    )


def _in_words(robustness: Robustness) -> Robustness:
    """The same with labels as a strategist reads them."""
    swept = tuple(
        replace(s, flips=tuple(replace(flip, rival=label_words(flip.rival)) for flip in s.flips))
        for s in robustness.swept
    )
    pair = robustness.pair and replace(robustness.pair, rival=label_words(robustness.pair.rival))
    labels = tuple(label_words(label) for label in robustness.labels)
    return replace(robustness, labels=labels, swept=swept, pair=pair)
