"""Identities: raw customer ids become pseudonyms at the door and go no further.

A pseudonym is a hash keyed with a secret of the user's (BLAKE2b, RFC 7693). A hash without a key would be no
protection: all telephone numbers of a country can be tried in an hour. The key is read from the environment, kept in
memory while the files are read, and written nowhere. Without one a random key is used and forgotten.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.data.tables import Table
from sim.errors import DataError

KEY, KEY_FILE = "SIYU_KEY", "SIYU_KEY_FILE"
MIN_KEY_BYTES, MAX_KEY_BYTES = 16, 64  # 64 is BLAKE2b's own limit; under 16 keys can be tried
PURPOSE = b"siyu customer"  # the same key used elsewhere gives other hashes
WIDTH = 62  # bits of a pseudonym, so that a positive 64-bit world key can hold one
PERSONAL = r"@|^\+?(?:[ ()-]*\d){10,15}$"  # an e-mail address, or as many digits as a telephone number (ITU E.164)
MANY = 0.1  # share of ids that look like addresses or numbers from which the user is told; assumed

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]


def key_from_environment() -> bytes | None:
    """The user's key: the text of SIYU_KEY, or the content of the file that SIYU_KEY_FILE names; None without either.

    Raises
    ------
    DataError : the file cannot be read. Its content and the key are never part of a message.
    """
    text, path = os.environ.get(KEY), os.environ.get(KEY_FILE)
    if text and path:
        raise DataError("two keys are given", place=f"{KEY} and {KEY_FILE}", cure="unset one of the two")
    if path:
        try:
            return Path(path).read_bytes().strip()
        except OSError as error:
            reason = (error.strerror or "it cannot be read").lower()
            raise DataError(f"the key file cannot be read: {reason}", place=KEY_FILE, cure="check its path") from None
    return text.encode() if text else None


class Identities:
    """Numbers customers in the order in which they are first met, by the hash of their id.

    Parameters
    ----------
    key : 16 to 64 secret bytes; None draws a random key that nobody sees.

    Notes
    -----
    Only hashes are kept, 16 bytes and two numbers a customer: 124 bits of a hash tell customers apart, of which the
    pseudonym is one half. Two customers with the same pseudonym are found by the other half and refused.
    """

    def __init__(self, key: bytes | None) -> None:
        if key is not None and not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
            cure = f"put {MIN_KEY_BYTES} to {MAX_KEY_BYTES} random bytes into {KEY} or the file of {KEY_FILE}"
            raise DataError("key has the wrong length", value=f"{len(key)} bytes", cure=cure)
        self.keyed = key is not None
        self._key = key if key is not None else secrets.token_bytes(32)
        self._sorted: Words = np.empty(0, np.uint64)  # pseudonyms
        self._number: NDArray[np.int32] = np.empty(0, np.int32)  # the customer of each of these
        self._check: Words = np.empty(0, np.uint64)  # the other half of each hash
        self._personal = 0

    def __len__(self) -> int:
        return len(self._sorted)

    def number(self, table: Table) -> NDArray[np.int32]:
        """Numbers of the customers of a table's rows; who was not met before gets the next ones."""
        row, found, pseudonym, check, ids = self._look_up(table)
        new = found < 0
        if new.any():
            found[new] = len(self) + np.arange(int(new.sum()))
            self._add(pseudonym[new], check[new], found[new].astype(np.int32))
            self._personal += int(ids[new].str.contains(PERSONAL).sum())
        return found[row].astype(np.int32)

    def known(self, table: Table) -> NDArray[np.int32]:
        """Numbers of the customers of a table's rows; -1 for those who were never met."""
        row, found, _, _, _ = self._look_up(table)
        return found[row].astype(np.int32)

    def pseudonyms(self) -> Words:
        """Pseudonym of each customer, shape (n,), below 2**62."""
        by_number = np.empty(len(self), np.uint64)
        by_number[self._number] = self._sorted
        return by_number

    @property
    def look_personal(self) -> bool:
        """Whether many of the raw ids are e-mail addresses or telephone numbers by their looks."""
        return self._personal > MANY * len(self)

    def _look_up(self, table: Table) -> tuple[Ints, Ints, Words, Words, pd.Series]:
        """For each row which of the ids it has; for each id its number or -1, and the two halves of its hash."""
        row, ids = pd.factorize(table.frame["customer_id"])
        hashes = self._hashes(ids.tolist())
        pseudonym, check = hashes[:, 0] >> np.uint64(64 - WIDTH), hashes[:, 1]
        where = np.searchsorted(self._sorted, pseudonym)
        met = where < len(self)
        met[met] = self._sorted[where[met]] == pseudonym[met]
        found = np.full(len(ids), -1, np.int64)
        found[met] = self._number[where[met]]
        self._refuse_collision(bool((self._check[where[met]] != check[met]).any()))
        return row.astype(np.int64), found, pseudonym, check, pd.Series(ids)

    def _hashes(self, ids: list[str]) -> Words:
        digests = [hashlib.blake2b(i.encode(), digest_size=16, key=self._key, person=PURPOSE).digest() for i in ids]
        return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64).reshape(-1, 2)

    def _add(self, pseudonym: Words, check: Words, number: NDArray[np.int32]) -> None:
        order = np.argsort(pseudonym)
        pseudonym, check, number = pseudonym[order], check[order], number[order]
        self._refuse_collision(bool((pseudonym[1:] == pseudonym[:-1]).any()))
        where = np.searchsorted(self._sorted, pseudonym)
        self._sorted = np.insert(self._sorted, where, pseudonym)
        self._check = np.insert(self._check, where, check)
        self._number = np.insert(self._number, where, number)

    def _refuse_collision(self, collided: bool) -> None:
        if collided:
            cure = "choose another key" if self.keyed else "run it again"
            raise DataError("two customers have the same pseudonym", place="customer_id", cure=cure)
