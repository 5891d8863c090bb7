"""Breaking a stick: shares of a whole as coordinates that mean something each alone.

Independent uniform coordinates give shares that are uniform over all ways to divide the whole (Dirichlet with all
parameters 1), whatever the order of the parts. Source: Devroye (1986), Non-Uniform Random Variate Generation, ch. XI.4.
"""

from __future__ import annotations

from collections.abc import Sequence


def broken(coordinates: Sequence[float]) -> list[float]:
    """Shares that add up to 1, one more than there are coordinates.

    The part after which m others come takes the share 1 − u^(1/m) of what is left, so u = 1 leaves it nothing.
    """
    shares, left = [], 1.0
    for others, u in zip(range(len(coordinates), 0, -1), coordinates, strict=True):
        kept = u ** (1 / others)
        shares.append(left * (1 - kept))
        left *= kept
    return [*shares, left]


def joined(parts: Sequence[float]) -> list[float]:
    """The coordinates at which :func:`broken` gives parts in these proportions; even ones where nothing is left."""
    found = []
    for number in range(len(parts) - 1):
        others = len(parts) - 1 - number
        left = sum(parts[number:])
        found.append((sum(parts[number + 1 :]) / left if left > 0 else others / (others + 1)) ** others)
    return found
