"""Descriptions and schemas are read from the classes that act: they leave nothing out and say nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from agents.actions import Action, Coupon
from agents.behaviours import Attention, Behaviour
from agents.models import default_models
from agents.scenario import Scenario
from experiments.calibrating.facts import Fact
from experiments.load import KINDS, load, open_document, shipped
from experiments.terminal import describe
from experiments.terminal.schema import json_schema, json_schemas, write_schemas
from sim.errors import ModelError, SpecError
from sim.spec import Spec, validate

Steps = tuple[str | int, ...]


def leaves(data: Any, path: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Every value of a document that holds no other; an audience by its conditions, a list of numbers as a whole."""
    if isinstance(data, dict):
        for key, inner in data.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(data, list) and any(isinstance(inner, dict) for inner in data):
        for number, inner in enumerate(data):
            yield from leaves(inner, (*path, number))
    else:
        yield path, data


# -- pages ------------------------------------------------------------------------------------------------------------


def test_everything_has_a_page() -> None:
    kinds = {*KINDS, *Action.REGISTRY, *Behaviour.REGISTRY, *Fact.REGISTRY}
    assert {*kinds, "effects", "audience", "calendar", "channel"} == set(describe.pages())


@pytest.mark.parametrize("name", describe.pages())
def test_a_page_tells_every_field(name: str) -> None:
    kind, page = describe.pages()[name], describe.page(name)
    told = {row.name.split(".")[0] for row in page.rows if not row.name.startswith("preset ")}
    assert told == set(kind.model_fields)
    assert page.about
    for row in page.rows:
        assert row.meaning or row.name.startswith("preset "), row.name
        assert row.default


def test_a_row_tells_what_the_class_says() -> None:
    rows = {row.name: row for row in describe.page("coupon").rows}
    assert rows["depth"] == describe.Row("depth", "0", "0 … 0.5", "share", "", "discount as a share of the order")
    assert (rows["valid_days"].default, rows["valid_days"].limits, rows["valid_days"].unit) == ("7", "1 … 365", "days")
    assert (rows["stock"].default, rows["stock"].limits) == ("none", "≥ 0")
    assert rows["minimum_spend_cny"].unit == "currency"
    assert (rows["audience"].default, rows["audience"].limits) == ("everybody", "see audience")


def test_sources_are_told() -> None:
    rows = {row.name: row for row in describe.page("scenario").rows}
    assert rows["buying.lapse_after_first"].source == "FHL (2005)"
    assert rows["effects.coupon.mean"].source.startswith("prior: 4.4 per unit of depth")
    assert rows["effects.coupon.sd"].default == f"{Scenario(title='t').effects.coupon.sd:g}"
    assert "effects.coupon.source" not in rows


def test_parts_and_kinds_are_found_in_documents() -> None:
    scenario = {row.name: row for row in describe.page("scenario").rows}
    assert scenario["channels.NAME.volume"].limits == "1 … 100 000 000"
    assert "attention" in scenario["behaviours"].limits
    membership = {row.name: row for row in describe.page("membership").rows}
    assert membership["plans.NAME.benefits.NAME.cost_cny"].default == "required"
    assert membership["plans.NAME.fee_cny"].source == "S4: month card 18"
    assert {"space.NAME.choices", "space.NAME.low"} <= {row.name for row in describe.page("search").rows}


def test_a_plug_in_has_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gift(Coupon):
        """A gift with every order."""

        kind = "gift"

    monkeypatch.delitem(Action.REGISTRY, "gift")  # registered by being defined; gone again after the test
    with pytest.raises(SpecError, match="nothing named 'gift'"):
        describe.page("gift")
    monkeypatch.setitem(Action.REGISTRY, "gift", Gift)
    assert describe.page("gift").about == "A gift with every order."
    assert {"const": "gift"} in [
        kind["properties"]["kind"]
        for kind in json_schema("policy")["properties"]["actions"]["additionalProperties"]["oneOf"]
    ]


# -- documents --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", shipped())
def test_every_value_of_a_shipped_document_is_told_with_its_source(name: str) -> None:
    document, kind = open_document(name)
    _, values = describe.values(name)
    given = {value.path: value for value in values if value.given}
    for path, data in leaves(document.data):
        if data == {} or "source" in path:
            continue
        value = given.get(".".join(map(str, path)))
        assert value is not None, path
        assert value.value == describe.shown(data)
        if comment := document.comment(path):
            assert value.source == comment
        elif isinstance(data, int | float) and not isinstance(data, bool) and kind in ("scenario", "policy"):
            assert value.source == "assumed" or "effects" in path
    assert len({value.path for value in values}) == len(values)


def test_a_document_tells_its_own_source_of_an_effect(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "title: t\neffects: {chat: {mean: 0.2, sd: 0.1, source: our own test}}\nmargin: 0.3  # measured\n"
        "channels:  # of all kinds\n  shop: {volume: 90, cost_per_reach_cny: 2}  # counted\n",
        encoding="utf-8",
    )
    _, values = describe.values(path)
    told = {value.path: value for value in values}
    assert told["effects.chat.mean"].source == "our own test"
    assert told["margin"].source == "measured"
    assert told["channels.shop.volume"].source == told["channels.shop.cost_per_reach_cny"].source == "counted"
    assert told["channels.shop.add_rate"].source == ""
    assert told["buying.gap_shape"].source == "CJ 2017"
    assert not told["buying.gap_shape"].given


def test_do_nothing_can_be_described() -> None:
    assert describe.values("policy/do_nothing")[0] == "do nothing"


# -- models -----------------------------------------------------------------------------------------------------------


def test_models_are_told_by_coefficient(tmp_path: Path) -> None:
    models = default_models(orders_per_year=12, basket_cents=8000)
    path = tmp_path / "models.json"
    path.write_text(models.to_json(), encoding="utf-8")
    about, rows = describe.models(path)
    assert "cited defaults" in about
    count = sum(1 + len(getattr(models, name).features) for name in ("repurchase", "lapse", "comeback", "basket"))
    assert len(rows) == count
    path.write_text(models.to_json().replace('"lapse_days": ', '"lapse_days": 1'), encoding="utf-8")
    with pytest.raises(ModelError, match="do not match their hash"):
        describe.models(path)


# -- schemas ----------------------------------------------------------------------------------------------------------


def plain(name: str) -> Any:
    """A document as an editor sees it: dates are text."""
    return json.loads(json.dumps(open_document(name)[0].data, default=str))


def allowed(kind: str, data: Any) -> bool:
    """Whether the schema allows this."""
    return bool(jsonschema.Draft202012Validator(json_schema(kind)).is_valid(data))


def loads(kind: str, data: Any) -> bool:
    """Whether loading does."""
    try:
        validate(KINDS[kind], data)
    except SpecError:
        return False
    return True


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_a_schema(kind: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(kind))


@pytest.mark.parametrize("name", shipped())
def test_shipped_documents_satisfy_their_schema(name: str) -> None:
    jsonschema.validate(plain(name), json_schema(name.split("/")[0]))


CHANGES: list[tuple[str, Steps, Any]] = [  # what a schema can know to be wrong
    ("policy/winback", ("actions", "coupon", "depth"), 0.8),
    ("policy/winback", ("actions", "coupon", "depth"), "10%"),
    ("policy/winback", ("actions", "coupon", "depth"), True),
    ("policy/winback", ("actions", "coupon", "dept"), 0.1),
    ("policy/winback", ("actions", "coupon", "kind"), "cupon"),
    ("policy/winback", ("actions", "coupon", "audience"), "lapsd"),
    ("policy/winback", ("actions", "coupon", "audience"), {"levels": ["L9"]}),
    ("policy/winback", ("actions", "coupon", "calendar"), {"weekdays": ["monday"]}),
    ("policy/winback", ("actions", "chat", "hours_per_week"), {"L7": 1}),
    ("policy/winback", ("actions", "coupon"), {"depth": 0.1}),
    ("policy/winback", ("frequency_cap_per_week",), -1),
    ("scenario/sparkling_drinks", ("margin",), 1.5),
    ("scenario/sparkling_drinks", ("population", "level_shares"), [0.5, 0.5]),
    ("scenario/sparkling_drinks", ("channels", "douyin"), {"volume": 3}),
    ("scenario/sparkling_drinks", ("behaviours",), {"purchase": {"kind": "purchase", "first_ordr": 1}}),
    ("search/sparkling_drinks", ("space",), {"actions.coupon.depth": {"low": 0}}),
    ("search/sparkling_drinks", ("trials",), 2),
    ("experiment/grocery", ("lapse_days",), "soon"),
]


@pytest.mark.parametrize(("name", "path", "value"), CHANGES)
def test_schema_and_loading_refuse_the_same(name: str, path: Steps, value: Any) -> None:
    kind, data = name.split("/")[0], plain(name)
    assert allowed(kind, data)
    assert loads(kind, data)
    inner = data
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert not allowed(kind, data)
    assert not loads(kind, data)


@pytest.mark.parametrize(
    "part", [load("policy/winback"), load("scenario/grocery"), Attention(), load("search/grocery")]
)
def test_what_is_dumped_satisfies_the_schema(part: Spec) -> None:
    """With every default written out."""
    kind = next((word for word, known in KINDS.items() if isinstance(part, known)), None)
    if kind is None:
        data: Any = {"title": "t", "behaviours": {"attention": part.dump()}}  # type: ignore[attr-defined]
        kind = "scenario"
    else:
        data = part.model_dump(mode="json")
    jsonschema.validate(data, json_schema(kind))


def test_fields_carry_their_meaning_and_source() -> None:
    buying = json_schema("scenario")["$defs"]["Buying"]["properties"]
    assert buying["gap_shape"]["description"] == "regularity of gaps between orders; 1 = Poisson"
    assert buying["gap_shape"]["source"] == "CJ 2017"


def test_schemas_are_written_whole(tmp_path: Path) -> None:
    paths = write_schemas(json_schemas(), tmp_path / "deep" / "schemas")
    assert sorted(path.name for path in paths) == sorted(f"{kind}.schema.json" for kind in KINDS)
    assert sorted((tmp_path / "deep" / "schemas").iterdir()) == sorted(paths)
    assert json.loads(paths[0].read_text(encoding="utf-8")) == json_schema("scenario")
