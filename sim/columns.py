"""A population as a struct of arrays that is declared once and grows.

>>> class Sheep(Columns):
...     wool = column("f4", 1.0, unit="kg", doc="wool on the back")
>>> flock = Sheep(); flock.append(2, wool=[1.5, 2.5]); flock.wool += 1; flock[1].wool
3.5
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import SiyuError, nearest

Access = Literal["observed", "latent"]
GROWTH = 1.05  # capacity factor when rows run out: copying stays below 20 writes a row, a twentieth of memory idle


@dataclass(frozen=True)
class Column:
    """Declaration of one column: dtype, default, unit, meaning, and who can see it."""

    dtype: str
    default: float
    unit: str
    doc: str
    access: Access = "observed"
    source: str = ""
    name: str = ""


def column(
    dtype: str, default: float, *, unit: str, doc: str, access: Access = "observed", source: str = ""
) -> NDArray[Any]:
    """Declare a column in the body of a ``Columns`` class. On an instance the name is the live slice of all rows."""
    return Column(dtype, default, unit, doc, access, source)  # type: ignore[return-value]


class Columns:
    """Rows of declared columns.

    ``columns.trust`` is a live view of all rows and may be written to; it goes stale when rows are appended, so fetch
    it inside a phase. ``columns[17]`` is a read-only view of one row. ``columns.observed()`` shows only what an
    operator's systems could log.
    """

    DECLARED: ClassVar[dict[str, Column]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        declared = dict(cls.DECLARED)
        for name, value in list(vars(cls).items()):
            if isinstance(value, Column):
                declared[name] = Column(
                    value.dtype, value.default, value.unit, value.doc, value.access, value.source, name
                )
                delattr(cls, name)
        cls.DECLARED = declared

    @classmethod
    def with_columns_of(cls, *others: type[Columns]) -> type[Self]:
        """This class with the columns of others beside its own. Raises when one name is declared in two ways."""
        declared = dict(cls.DECLARED)
        for other in others:
            for name, column in other.DECLARED.items():
                if declared.setdefault(name, column) != column:
                    raise SiyuError(
                        f"column '{name}' is declared twice, differently", place=other.__name__, cure="rename one"
                    )
        return cls if declared == cls.DECLARED else type(cls.__name__, (cls,), {"DECLARED": declared})

    def __init__(self, capacity: int = 0) -> None:
        self._size = 0
        self._capacity = capacity
        self._store: dict[str, NDArray[Any]] = {
            name: np.full(capacity, c.default, dtype=c.dtype) for name, c in self.DECLARED.items()
        }
        self._refresh()

    def __len__(self) -> int:
        return self._size

    def __getattr__(self, name: str) -> NDArray[Any]:
        # Reached only for names that are not columns: live slices are instance attributes.
        raise AttributeError(f"no column '{name}'; {nearest(name, type(self).DECLARED)}")

    def append(self, n: int, **values: ArrayLike) -> slice:
        """Add ``n`` rows with the given values and defaults for the rest; return their slice. Old views go stale."""
        for name in values:
            if name not in self.DECLARED:
                raise SiyuError(f"no column '{name}'", cure=nearest(name, self.DECLARED))
        rows = slice(self._size, self._size + n)
        if rows.stop > self._capacity:
            self._grow(rows.stop)
        self._size = rows.stop
        for name, value in values.items():
            self._store[name][rows] = value
        self._refresh()
        return rows

    def _grow(self, needed: int) -> None:
        # The first fill takes what it needs and no more: most populations are born once.
        capacity = needed if self._capacity == 0 else max(needed, int(self._capacity * GROWTH) + 1)
        for name, c in self.DECLARED.items():
            grown = np.full(capacity, c.default, dtype=c.dtype)
            grown[: self._size] = self._store[name][: self._size]
            self._store[name] = grown
            self.__dict__[name] = grown[: self._size]  # or the view would keep every old column alive until the end
        self._capacity = capacity

    def _refresh(self) -> None:
        for name, array in self._store.items():
            self.__dict__[name] = array[: self._size]

    def __getitem__(self, row: int) -> Row:
        if not -self._size <= row < self._size:
            raise IndexError(f"row {row} of {self._size}")
        return Row(self, row % self._size)

    def __iter__(self) -> Iterator[Row]:
        return (Row(self, row) for row in range(self._size))

    def observed(self) -> Observed:
        """A view that refuses latent columns."""
        return Observed(self)

    @property
    def bytes_per_row(self) -> int:
        """Bytes that one row takes, spare capacity left out."""
        return sum(np.dtype(c.dtype).itemsize for c in self.DECLARED.values())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of all columns by name, for snapshots and frames."""
        return {name: self._store[name][: self._size].copy() for name in self.DECLARED}

    def taken(self, rows: NDArray[np.integer[Any]]) -> Self:
        """A copy of some rows, in their order."""
        kept = type(self)()
        kept.restore({name: self._store[name][: self._size][rows] for name in self.DECLARED})
        return kept

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Replace all rows by the columns of :meth:`arrays`."""
        self._size = self._capacity = len(next(iter(arrays.values())))
        self._store = {name: np.array(arrays[name], dtype=c.dtype) for name, c in self.DECLARED.items()}
        self._refresh()


class Row:
    """One agent, read-only. Attribute access gives Python numbers."""

    __slots__ = ("_columns", "index")
    _columns: Columns
    index: int

    def __init__(self, columns: Columns, index: int) -> None:
        object.__setattr__(self, "_columns", columns)
        object.__setattr__(self, "index", index)

    def __getattr__(self, name: str) -> float | int | bool:
        value: float | int | bool = getattr(self._columns, name)[self.index].item()
        return value

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a row is read-only: write to columns.{name}[{self.index}] instead")

    def as_dict(self) -> dict[str, float | int | bool]:
        """All columns of this row by name."""
        return {name: getattr(self, name) for name in self._columns.DECLARED}

    def __repr__(self) -> str:
        return f"Row({self.index}: " + ", ".join(f"{k}={v:.6g}" for k, v in self.as_dict().items()) + ")"


class Observed:
    """Only the observed columns of a population; a latent one raises."""

    __slots__ = ("_columns",)

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def __len__(self) -> int:
        return len(self._columns)

    def __getattr__(self, name: str) -> NDArray[Any]:
        declared = self._columns.DECLARED.get(name)
        if declared is not None and declared.access == "observed":
            seen: NDArray[Any] = self._columns.__dict__[name]
            return seen
        if declared is None and not name.startswith("_") and hasattr(self._columns, name):
            raise SiyuError(f"'{name}' is no declared column, and may be made of latent ones", cure="use a column")
        if declared is not None and declared.access == "latent":
            raise SiyuError(f"'{name}' is latent: no operator's system could log it", cure="use an observed column")
        array: NDArray[Any] = getattr(self._columns, name)
        return array
