"""Documents: whatever is wrong is said with file, line, path, value and cure, all of it at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agents.policy import Policy
from agents.scenario import Scenario
from sim.errors import SpecError
from sim.spec import Document, Kind, Spec, parameter, read_document, validate
from tests.worlds import busy_policy, busy_scenario

GOOD = """\
title: a policy   # said in one line
actions:
  posts:
    kind: content
    calendar: {weekdays: [mon, wed]}
  winback:
    kind: coupon
    depth: 0.2    # deep
    calendar: {every_days: 7}
    audience: lapsing
frequency_cap_per_week: 3
"""


def policy_of(text: str) -> Policy:
    document = Document(text, "p.yaml")
    return validate(Policy, document.data, document)


def error_of(old: str, new: str) -> str:
    """What is said when one part of the good document is replaced."""
    assert GOOD.count(old) == 1
    with pytest.raises(SpecError) as caught:
        policy_of(GOOD.replace(old, new))
    return str(caught.value)


def test_a_good_document_becomes_the_object_that_acts() -> None:
    policy = policy_of(GOOD)
    assert list(policy.actions) == ["posts", "winback"]
    assert policy.actions["winback"].audience.recency_days_min == 14  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ("depth: 0.2", "depht: 0.2", "p.yaml:8: actions.winback.depht", "unknown key 'depht'; did you mean 'depth'?"),
        ("depth: 0.2", "depth: 0.8", "p.yaml:8: actions.winback.depth", "0.5 (got 0.8)"),
        ("depth: 0.2", "depth: deep", "p.yaml:8: actions.winback.depth", "number"),
        ("    calendar: {every_days: 7}\n", "", "p.yaml:6: actions.winback.calendar", "'calendar' is missing"),
        ("kind: coupon", "kind: cuopon", "p.yaml:6: actions.winback", "unknown kind 'cuopon'; did you mean 'coupon'?"),
        ("    kind: coupon\n", "", "p.yaml:6: actions.winback", "kind"),
        ("audience: lapsing", "audience: lapsnig", "p.yaml:10: actions.winback.audience",
         "no audience named 'lapsnig'; did you mean 'lapsing'?"),
        ("audience: lapsing", "audience: {levels: [L9]}", "p.yaml:10: actions.winback.audience.levels.0", "L9"),
        ("[mon, wed]", "[mon, wedn]", "p.yaml:5: actions.posts.calendar.weekdays.1", "wedn"),
        ("title: a policy", "titel: a policy", "p.yaml:1: titel", "unknown key 'titel'; did you mean 'title'?"),
        ("per_week: 3", "per_week: 3.5", "p.yaml:11: frequency_cap_per_week", "3.5"),
        ("per_week: 3", "per_week: .nan", "p.yaml:11: frequency_cap_per_week", "nan"),
        ("every_days: 7", "every_days: 7, per_week: 2", "p.yaml:9: actions.winback.calendar", "found every_days and"),
    ],
)  # fmt: skip
def test_an_error_names_file_line_path_and_cure(old: str, new: str, place: str, said: str) -> None:
    message = error_of(old, new)
    assert place in message
    assert said in message


def test_all_errors_are_told_at_once() -> None:
    message = error_of("depth: 0.2    # deep\n    calendar: {every_days: 7}", "depth: 3\n    calendar: {every_days: 0}")
    assert message.startswith("2 rules are broken:")
    assert "p.yaml:8: actions.winback.depth" in message
    assert "p.yaml:9: actions.winback.calendar.every_days" in message


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (GOOD + "title: another\n", "p.yaml:12"),
        ("title: a\nactions:\n  a: [1, 2\n", "p.yaml:"),
        ("title: a\n\tactions: {}\n", "p.yaml:2"),
        ("title: 'a\n", "p.yaml:"),
    ],
)
def test_what_is_no_yaml_has_a_line(text: str, place: str) -> None:
    with pytest.raises(SpecError, match="not valid YAML") as caught:
        Document(text, "p.yaml")
    assert caught.value.place.startswith(place)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words"])
def test_a_document_is_a_mapping(text: str) -> None:
    with pytest.raises(SpecError, match=r"p\.yaml: a document is a mapping"):
        Document(text, "p.yaml")


def test_lines_and_comments_are_found() -> None:
    document = Document(GOOD, "p.yaml")
    assert document.line(("actions", "winback", "depth")) == 8
    assert document.line(("actions", "posts", "calendar", "weekdays", 1)) == 5
    assert document.line(("actions", "winback", "nothing")) == 6
    assert document.line(("nothing",)) is None
    assert document.comment(("actions", "winback", "depth")) == "deep"
    assert document.comment(("title",)) == "said in one line"
    assert document.comment(("frequency_cap_per_week",)) == ""


def test_files_that_cannot_be_read_say_so(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no such file"):
        read_document(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes("title: caf\xe9".encode("latin-1"))
    with pytest.raises(SpecError, match="cannot be read"):
        read_document(tmp_path / "latin.yaml")
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    assert read_document(tmp_path / "good.yaml").data["title"] == "a policy"


def test_equal_documents_have_equal_digests() -> None:
    assert policy_of(GOOD).digest() == policy_of(GOOD.replace("# deep", "")).digest()
    assert policy_of(GOOD).digest() != policy_of(GOOD.replace("0.2", "0.21")).digest()


@pytest.mark.parametrize("part", [busy_policy(), busy_scenario()], ids=["policy", "scenario"])
def test_documents_survive_a_dump(part: Spec) -> None:
    again: Any = type(part).model_validate(part.model_dump(mode="json"))
    assert again == part
    assert again.digest() == part.digest()


def test_specs_are_frozen_and_closed() -> None:
    scenario = Scenario(title="t")
    with pytest.raises(ValidationError, match="frozen"):
        scenario.margin = 0.1  # type: ignore[misc]
    with pytest.raises(ValidationError, match="margn"):
        Scenario.model_validate({"title": "t", "margn": 0.1})


def test_a_plug_in_needs_nothing_but_its_import() -> None:
    """A family opens its own registry; a kind joins it by being defined."""

    class Animal(Kind):
        pass

    class Farm(Spec):
        animals: dict[str, Animal] = parameter(doc="who lives here")

    class Goat(Animal):
        kind = "goat"
        horns: int = parameter(2, ge=0, doc="horns")

    farm = validate(Farm, {"animals": {"billy": {"kind": "goat", "horns": 3}}})
    assert farm.animals["billy"] == Goat(horns=3)
    assert farm.model_dump(mode="json") == {"animals": {"billy": {"kind": "goat", "horns": 3}}}
    assert "goat" not in Kind.REGISTRY
    with pytest.raises(SpecError, match=r"animals\.x: unknown kind 'goad'; did you mean 'goat'"):
        validate(Farm, {"animals": {"x": {"kind": "goad"}}})
    with pytest.raises(SpecError, match=r"animals\.x\.horns"):
        validate(Farm, {"animals": {"x": {"kind": "goat", "horns": -1}}})
