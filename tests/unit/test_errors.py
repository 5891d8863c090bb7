"""Errors: rule, value, place and cure in one line, also after a journey between processes."""

from __future__ import annotations

import pickle

import pytest

from sim.errors import DataError, ModelError, SiyuError, SpecError, StudyError, nearest


def test_the_message_reads_place_rule_value_cure() -> None:
    error = SpecError("must be at most 0.5", place="p.yaml:3: depth", value=0.8, cure="lower it")
    assert str(error) == "p.yaml:3: depth: must be at most 0.5 (got 0.8); lower it"
    assert str(SiyuError("it rains")) == "it rains"
    assert str(SiyuError("no", value=0)) == "no (got 0)"


@pytest.mark.parametrize("kind", [SiyuError, SpecError, DataError, ModelError, StudyError])
def test_errors_survive_a_process_pool(kind: type[SiyuError]) -> None:
    error = kind("rule", place="here", value=[1], cure="mend it")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), vars(again)) == (kind, str(error), vars(error))
    assert isinstance(again, SiyuError)


def test_nearest_offers_one_word_or_all() -> None:
    assert nearest("dpeth", ["depth", "stock"]) == "did you mean 'depth'?"
    assert nearest("zzz", ["stock", "depth"]) == "known: depth, stock"
