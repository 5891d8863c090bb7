"""What becomes of the recommendation under other assumptions, in sentences that a strategist can act on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from experiments.searching.questions.assumptions import AssumedEffect, Assumption
from experiments.searching.questions.flips import Flip, Pair, Robustness, Swept
from experiments.searching.questions.information import Information, TestSize, Worth
from experiments.searching.space.paths import Value


def sentences(robustness: Robustness, *, status_quo: str = "status quo") -> tuple[str, ...]:
    """What changes the recommendation, plausible conditions first, what does not, and two effects at once."""
    best = robustness.labels[0]
    if not robustness.settled:
        return (
            f"On these replicates another policy is as good as {best} already, as things are assumed: no flip point "
            "can be told.",
        )  # fmt: skip
    told = [(flip.plausible, _condition_and_fate(s.assumption, flip, status_quo)) for s in robustness.swept
            for flip in _told(s)]  # fmt: skip
    likely, unlikely = ([text for plausible, text in told if plausible is wanted] for wanted in (True, False))
    what = "The status quo remains best" if best == status_quo else "The recommendation stands"
    found = [f"{what} unless {_listed(likely, 'or unless')}."] if likely else []
    if unlikely:
        start = "It would also change" if likely else f"{what} within what is plausible; it would change"
        found.append(f"{start} if {_listed(unlikely, 'or if')}, which is not plausible as assumed.")
    if quiet := [s.assumption for s in robustness.swept if not s.flips]:
        found.append(f"{'It stands' if told else what} {_whatever(quiet, robustness.swept)}.")
    if robustness.pair is not None:
        found.append(_pair_words(robustness.pair))
    return tuple(found)


def condition(assumption: Assumption, flip: Flip) -> str:
    """Where a flip lies: ``coupons work less than 0.4× as assumed (0.3× to 0.6×)``."""
    if flip.side == "other":
        return f"{assumption.words} is {flip.value}"
    if isinstance(assumption, AssumedEffect):
        more = "less" if flip.side == "below" else "more"
        where = f"{assumption.words} {assumption.verb} {more} than {flip.value:.2g}× as assumed"
    else:
        where = f"{assumption.words} is {flip.side} {flip.value:.3g}"
    if flip.certain is None:
        return f"{where} (in doubt from {_shown(assumption, flip.doubtful)} on)"
    low, high = sorted((flip.doubtful, flip.certain))
    return f"{where} ({_shown(assumption, low)} to {_shown(assumption, high)})"


def _shown(assumption: Assumption, value: Value) -> str:
    return f"{value:.2g}×" if isinstance(assumption, AssumedEffect) else f"{value:.3g}"


def _told(swept: Swept) -> Iterator[Flip]:
    """The nearest flip on each side; every alternative that changes something, once."""
    seen = set()
    for flip in swept.flips:
        what = str(flip.value) if flip.side == "other" else flip.side
        if what not in seen:
            yield flip
        seen.add(what)


def _condition_and_fate(assumption: Assumption, flip: Flip, status_quo: str) -> str:
    fate = "the gain is gone there" if flip.rival == status_quo else f"{flip.rival} is better there"
    return f"{condition(assumption, flip)}: {fate}"


def _whatever(quiet: Sequence[Assumption], swept: Sequence[Swept]) -> str:
    effects = [a.words for a in quiet if isinstance(a, AssumedEffect)]
    values = [a.words for a in quiet if not isinstance(a, AssumedEffect)]
    parts = []
    if effects:
        tried = next(s.values for s in swept if isinstance(s.assumption, AssumedEffect))
        parts.append(
            f"at any strength of {_listed(effects, 'and')} from {tried[0]:g} to {tried[-1]:g} times the assumed"
        )
    if values:
        parts.append(f"at any plausible value of {_listed(values, 'and')}")
    return " and ".join(parts)


def _pair_words(pair: Pair) -> str:
    both = " and ".join(f"{effect.words} at {factor:.2g}×" for effect, factor in pair.factors)
    lead = pair.lead
    if lead.low > 0:
        fate = f"it still leads {pair.rival} by {lead.value:.2f}"
    elif lead.high < 0:
        fate = f"it is behind {pair.rival} by {-lead.value:.2f}"
    else:
        fate = f"it cannot be told from {pair.rival}, {lead.value:+.2f}"
    return f"With {both} at once {fate} per customer ({lead.low:+.2f} to {lead.high:+.2f})."


# -- what is worth knowing --------------------------------------------------------------------------------------------


def worth_sentences(information: Information, currency: str) -> tuple[str, ...]:
    """What is worth a field test and of what size, what is worth finding out otherwise, and what is not."""
    found = [_test_words(w, w.test, information, currency) for w in information.each if w.test is not None]
    dear, others = (
        [f"{w.words} ({_worth_words(w, currency)})" for w in information.each
         if w.proven and w.test is None and w.testable is testable]
        for testable in (True, False)
    )  # fmt: skip
    if dear:
        found.append(f"A test would cost more than it tells: {_listed(dear, 'and')}.")
    if others:
        found.append(f"Worth finding out, though no field test tells: {_listed(others, 'and')}.")
    if idle := [w.words for w in information.each if not w.proven]:
        found.append(f"Not worth a test, since knowing would not change this choice: {_listed(idle, 'and')}.")
    return tuple(found)


def _test_words(worth: Worth, test: TestSize, information: Information, currency: str) -> str:
    what = f"{worth.words} ({_worth_words(worth, currency)})"
    size = f"2 × {test.per_arm:,} customers over {test.days} days"
    if not test.possible:
        return f"Worth knowing: {what}; a test would need {size}, and there are {information.customers:,.0f}."
    text = f"Worth testing: {what}; {size} would tell, which is worth {test.attained:.0%} of knowing"
    if test.cost is not None and test.net is not None:
        text += f", cost {test.cost:,.0f} {currency} and leave {test.net:,.0f} {currency}"
    return f"{text}."


def _worth_words(worth: Worth, currency: str) -> str:
    return f"up to {worth.evppi.value:.2f} {currency} a customer, {worth.total:,.0f} {currency} in all"


def _listed(items: Sequence[str], last: str) -> str:
    if len(items) < 3:
        return f" {last} ".join(items)
    return f"{', '.join(items[:-1])}, {last} {items[-1]}"
