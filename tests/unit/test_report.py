"""Reports: what is said is what was found, nothing leaves the file, nobody can be picked out."""

from __future__ import annotations

import itertools
import re
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from agents.domain import PrivateDomain
from agents.policy import Policy
from agents.scenario import Scenario
from experiments import compare, load, search, simulate
from experiments.compare import Difference, difference
from experiments.metrics import outcome
from experiments.report import page, report_from_folder, write_report, write_run_report
from experiments.reporting import story
from experiments.reporting.record import Candidate, Facts, RunRecord, Searched, World, record_of_run, sales_by_tier
from experiments.reporting.report_tables import count_words, in_cents, money_tables, outcome_table, people_table
from experiments.reporting.words import (
    audience_words,
    calendar_words,
    change_words,
    label_words,
    lever_words,
    policy_rows,
    value_words,
)
from experiments.search import Alternative, SearchResult
from sim import StudyError

PER_WEEK, DEPTH = "actions.adverts.calendar.per_week", "actions.coupon.depth"
SCENARIO: dict[str, Any] = {
    "title": "corner shop",
    "horizon_days": 28,
    "population": {"size": 150, "level_shares": [0.2, 0.1, 0.1, 0.2, 0.3, 0.1]},
    "buying": {"orders_per_year": 40, "basket_cny": 60},
}
POLICY: dict[str, Any] = {
    "title": "as it is",
    "actions": {
        "adverts": {"kind": "advert", "calendar": {"per_week": 3}},
        "coupon": {"kind": "coupon", "depth": 0.1, "calendar": {"every_days": 14}},
    },
}


# -- a record by hand -------------------------------------------------------------------------------------------------


def tables(arms: tuple[str, ...], gains: tuple[float, ...] = (40.0, 60.0, 80.0)) -> dict[str, pd.DataFrame]:
    """Three replicates of each arm; the first arm's equity is 1000 plus its gain, the others' 1000; 10 customers."""
    paired = list(itertools.product(enumerate(arms), enumerate(gains)))
    replicates = [
        {"arm": arm, "replicate": i, "seed": i, "clv": 0.0, "equity": 1000.0 + (gain if k == 0 else 0), "profit": 390.0,
         "revenue": 950.0, "gross_sales": 1000.0, "spend": 60.0, "acquired": 10.0, "n_order": 20.0, "n_join": 3.0,
         "n_mute": 0.0, "n_delete": 12.0, "n_coupon_redeemed": 11.0}
        for (k, arm), (i, gain) in paired
    ]  # fmt: skip
    weekly = [
        {"arm": arm, "replicate": i, "week": week, "spend": 30.0,
         "equity": (1000.0 + (gain if k == 0 else 0)) * (week + 1) / 2}
        for (k, arm), (i, gain) in paired
        for week in range(2)
    ]  # fmt: skip
    money = [
        (arm, source, kind, amount)
        for arm in arms
        for source, kind, amount in (
            ("purchase", "order", 1000.0), ("purchase", "goods", -550.0), ("coupon", "coupon_redeemed", -50.0),
            ("adverts", "message_advert", -10.0),
        )
    ]  # fmt: skip
    census = [
        (arm, day, state, float(n))
        for arm in arms
        for day in (0, 13)
        for state, n in (("level.L0", 40), ("level.L4", 30), ("level.L5", 7), ("contact.contact", 70),
                         ("contact.muted", 15), ("contact.deleted", 3), ("tier.general", 20))
    ]  # fmt: skip
    return {
        "replicates": pd.DataFrame(replicates),
        "weekly": pd.DataFrame(weekly),
        "money": pd.DataFrame(money, columns=["arm", "source", "kind", "amount"]),
        "census": pd.DataFrame(census, columns=["arm", "day", "state", "customers"]),
    }


def found(values: list[float]) -> Difference:
    return difference("clv", np.array(values))


NOBODY = found([0.0, 0.0, 0.0])
TIERS = pd.DataFrame(
    {
        "arm": "status quo",
        "tier": ["general", "core", "high_value"],
        "customers": [50.0, 30, 20],
        "sales": [10.0, 30, 60],
    }
)
TRIALS = pd.DataFrame(
    {"number": [0, 1, 2], "label": ["status quo", "least", ""], "uplift": [0.0, 1.0, 9.0],
     "standard_error": [0.0, 0.4, 0.5], "spend": [50.0, 10.0, 60.0], "feasible": True}
)  # fmt: skip


def record(
    *,
    keeps: bool = False,
    gains: tuple[float, ...] = (40.0, 60.0, 80.0),
    budget: float | None = 100.0,
    title: str = "what to do?",
    alternatives: tuple[Alternative, ...] = (),
    importances: dict[str, float] | None = None,
) -> RunRecord:
    """A search by hand: trial 2 sends one advert a week instead of three and gains 4, 6, 8 a customer."""
    here = {PER_WEEK: 3.0, DEPTH: 0.1}
    policy = load("policy/status_quo").model_copy(update={"title": title}).model_dump(mode="json")
    held = NOBODY if keeps else found([g / 10 for g in gains])
    status_quo = Candidate(label="status quo", values={}, claimed=0.0, ranked=NOBODY, holdout=NOBODY, spend=50.0)
    trial = Candidate(
        label="trial 2",
        values={PER_WEEK: 1.0, DEPTH: 0.1},
        claimed=9.0,
        ranked=found([-2.0, -1.0, 0.0]) if keeps else found([3.0, 5.0, 7.0]),
        holdout=found([g / 10 for g in gains]),
        spend=60.0,
    )
    arms = ("status quo", "do nothing") if keeps else ("winner", "status quo", "do nothing")
    facts = Facts(
        kind="search",
        title=title,
        world=World(
            title="a corner", start="2024-01-01", horizon_days=14, currency="CNY", margin=0.4, discount_rate=0.1,
            wage=30, hours_per_week=40, effects=Scenario.model_validate(SCENARIO).effects.model_dump(),
        ),
        policies={arm: {"title": arm, "actions": {}} if arm == "do nothing" else policy for arm in arms},
        docs={"actions.adverts.cost_cny": "cost of one message, CNY"},
        differences={"clv": held, "equity": difference("equity", np.array([40.0, 60, 80])), "spend": NOBODY},
        search=Searched(
            budget=budget, status_quo=here, bounds={PER_WEEK: "0 … 7", DEPTH: "0 … 0.3"},
            effort={"trials": 3, "replicates": 2, "finalists": 2, "final_replicates": 3, "holdout_replicates": 3},
            finalists=(status_quo, trial) if keeps else (trial, status_quo), reference=found([-1.0, -2.0, -3.0]),
            importances={PER_WEEK: 0.9, DEPTH: 0.1} if importances is None else importances,
            alternatives=alternatives, notes=("No logs: cited defaults.",), logged={}, logs=None, card=None,
        ),
    )  # fmt: skip
    parts = [TIERS] if keeps else [TIERS.assign(arm="winner"), TIERS]
    frames = {**tables(arms, gains), "trials": TRIALS, "tiers": pd.concat(parts, ignore_index=True)}
    provenance = {"python": "3", "versions": {"siyu": "0"}, "made_from": {"code": "abc"}, "seeds": {"search": [7, 2]},
                  "command": "siyu search it"}  # fmt: skip
    return RunRecord(facts, frames, provenance)


@cache
def usual() -> str:
    """The page of the usual record."""
    return page(record())


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are plotted but not turned into SVG, which takes most of the time."""
    monkeypatch.setattr("experiments.reporting.figures.svg", lambda ax, name, description: "<svg></svg>")


def text_of(html: str) -> str:
    """What a reader sees, in one line."""
    body = re.sub(r"<(style|svg).*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", body)))


# -- the page ---------------------------------------------------------------------------------------------------------


def test_headline_numbers_are_those_of_the_record() -> None:
    d = record().facts.differences["clv"]
    seen = text_of(usual())
    assert f"{d.mean:+.2f} ± {d.half_width:.2f} CNY per customer" in seen
    assert f"95 % interval {d.low:+.2f} to {d.high:+.2f}" in seen
    assert f"between {d.world_low:+.2f} and {d.world_high:+.2f}" in seen
    assert "+60 CNY" in seen  # in total
    assert "it is a gain in 3 of 3 (100%)" in seen
    assert "It spends 60 CNY over the horizon, 10 CNY more than the status quo; the budget of 100 CNY leaves 40" in seen


def test_change_is_shown_with_units() -> None:
    seen = text_of(usual())
    assert "Change 1 of 2 levers" in seen
    assert "adverts: how often so many times" not in seen  # this record holds no text for it
    assert "adverts: how often 3 a week → 1 a week −67 %" in seen


def test_lever_that_mattered_most_comes_first() -> None:
    facts = record(importances={PER_WEEK: 0.2, DEPTH: 0.8}).facts
    winner = story.searched_of(facts).finalists[0].model_copy(update={"values": {PER_WEEK: 1.0, DEPTH: 0.0}})
    searched = story.searched_of(facts).model_copy(update={"finalists": (winner,)})
    found = story.changes(facts.model_copy(update={"search": searched}))
    assert [(c.label, c.before, c.after, c.moved) for c in found] == [
        ("coupon: depth", "10 %", "0 %", "off"), ("adverts: how often", "3 a week", "1 a week", "−67 %"),
    ]  # fmt: skip


def test_what_the_search_saw_stands_beside_what_held() -> None:
    seen = text_of(usual())
    assert "The search saw +9.00 CNY per customer for trial 2" in seen
    assert "Only the last number is claimed. What the search saw was 3.00 too high" in seen


def test_nothing_is_fetched_and_nothing_runs() -> None:
    html = usual()
    assert "http" not in html
    assert "<script" not in html
    assert not re.findall(r'\b(?:src|action)="', html)
    assert all(target.startswith("#") for target in re.findall(r'href="([^"]*)"', html))
    assert "@import" not in html
    assert "url(" not in re.sub(r"url\(#", "", html)
    assert len(html) < 1_000_000


def test_links_within_the_page_lead_somewhere() -> None:
    html = usual()
    ids = re.findall(r'\bid="([^"]*)"', html)
    assert len(ids) == len(set(ids))
    assert {t.removeprefix("#") for t in re.findall(r'href="(#[^"]*)"', html)} <= set(ids)


@pytest.mark.usefixtures("undrawn")
def test_titles_are_escaped() -> None:
    html = page(record(title="<script>alert('x')</script>"))
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_keeps_the_status_quo_when_nothing_is_better() -> None:
    moves = Alternative("trust", 0.5, NOBODY, "trial 2", found([4.0, 4.5, 5.0]))
    html = page(record(keeps=True, alternatives=(moves,)))
    seen = text_of(html)
    assert "Keep the status quo" in seen
    assert "No policy within the bounds and the budget beat it on fresh seeds; 3 policies were tried." in seen
    assert "The nearest rival, trial 2, looked +9.00 CNY per customer better to the search and came to -1.00" in seen
    assert "Nothing. Every lever stays" in seen
    assert "Halved: would change to trial 2, which earns +4.50" in seen
    assert "assumption is wrong" not in html  # a tornado of zeros
    assert "winner" not in html.replace("winner on", "")


@pytest.mark.parametrize(
    ("gains", "title", "choice"),
    [
        ((-40.0, 10.0, 60.0), "No gain is proven: +1.00 ±", "the search's choice (trial 2)"),
        ((-60.0, -50.0, -40.0), "Do not follow the search: -5.00 ±", "the search's choice (trial 2)"),
        ((50.0, 60.0, 70.0), "Change 1 of 2 levers: +6.00 ±", "the recommended policy (trial 2)"),
    ],
)
@pytest.mark.usefixtures("undrawn")
def test_unproven_gain_is_not_called_a_recommendation(gains: tuple[float, ...], title: str, choice: str) -> None:
    seen = text_of(page(record(gains=gains)))
    assert title in seen
    assert choice in seen
    assert ("What to change" in seen.split("What it rests on")[1]) == ("recommended" in choice)


@pytest.mark.usefixtures("undrawn")
def test_without_a_budget() -> None:
    seen = text_of(page(record(budget=None)))
    assert "no budget was set" in seen
    assert "budget of" not in seen


@pytest.mark.usefixtures("undrawn")
def test_overspending_is_said() -> None:
    seen = text_of(page(record(budget=55.0)))
    assert "which exceeds the budget of 55 CNY by 5 CNY" in seen
    assert "over budget" in seen


@pytest.mark.usefixtures("undrawn")
def test_few_trials_have_no_importances() -> None:
    seen = text_of(page(record(importances={})))
    assert "Too few different trials" in seen


@pytest.mark.usefixtures("undrawn")
def test_assumptions_in_sentences() -> None:
    stands = Alternative("coupon", 0.5, found([5.0, 6.0, 7.0]), "trial 2", NOBODY)
    noise = Alternative("coupon", 2.0, found([-5.0, 0.5, 5.0]), "status quo", found([-1.0, 0.5, 2.0]))
    moves = Alternative("trust", 0.5, found([-5.0, -4.5, -4.0]), "status quo", found([4.0, 4.5, 5.0]))
    seen = text_of(page(record(alternatives=(stands, noise, moves))))
    assert "Halved: stands, with +6.00 ± 2.48 CNY per customer." in seen
    assert (
        "Doubled: stands, with +0.17 ± 12.44 CNY per customer, which is not distinguishable from no gain; status quo"
        in seen
    )
    assert "Halved: would change to status quo, which earns +4.50 ± 1.24 CNY per customer more there." in seen
    assert "The recommendation would change if the effect of trust is halved; it stands in the other 2 of 3" in seen


def test_all_effects_are_listed_with_their_source() -> None:
    seen = text_of(usual())
    effects = Scenario.model_validate(SCENARIO).effects
    for name in ("coupon", "member_price", "advert", "content", "chat", "trust"):
        effect = getattr(effects, name)
        assert effect.source in seen
        assert f"{effect.mean:.3g} ± {effect.sd:.2g}" in seen


def test_same_report_from_disk(tmp_path: Path) -> None:
    record().save(tmp_path)
    again = report_from_folder(tmp_path)
    assert again == tmp_path / "report.html"
    assert again.read_text(encoding="utf-8") == usual()


def test_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no finished run"):
        report_from_folder(tmp_path)


# -- tables -----------------------------------------------------------------------------------------------------------


def test_cents_add_up_though_every_cell_is_rounded() -> None:
    thirds = np.array([1 / 3, 1 / 3, 1 / 3, -0.005, 2.675])
    cents = in_cents(thirds)
    assert cents.sum() == round(100 * thirds.sum())
    assert (np.abs(cents - 100 * thirds) < 1).all()
    assert in_cents(np.array([0.0, -5.0])).tolist() == [0, -500]


def test_money_rows_and_columns_add_up() -> None:
    frames = tables(("winner", "status quo"))
    frames["money"]["amount"] += 0.003  # means of replicates are no whole cents
    frames["replicates"]["profit"] += 4 * 0.003
    for table in money_tables(frames["money"], frames["replicates"]):
        assert table.adds_up
        assert table.total == tuple(sum(column) for column in zip(*table.rows.values(), strict=True))
        assert all(sum(cells[:3]) == cells[3] for cells in table.rows.values())
        assert table.total[3] == 39001
    assert list(table.rows) == ["orders", "coupon", "adverts"]


def test_money_goes_into_the_right_column() -> None:
    frames = tables(("winner",))
    more = [("winner", "club", kind, amount) for kind, amount in (("fee", 90.0), ("points", -20.0), ("refund", -5.0))]
    more += [("winner", "growth.store", "media", -7.0), ("winner", "growth.ads", "media", -3.0)]
    money = pd.concat([frames["money"], pd.DataFrame(more, columns=frames["money"].columns)])
    table = money_tables(money, frames["replicates"].assign(profit=445.0))[0]
    assert table.rows["club"] == (9000, -2500, 0, 6500)
    assert table.rows["coupon"] == (0, -5000, 0, -5000)
    assert (table.rows["growth: store"], table.rows["growth: ads"]) == ((0, 0, -700, -700), (0, 0, -300, -300))
    assert table.rows["orders"] == (100_000, 0, -55_000, 45_000)
    assert table.adds_up


@pytest.mark.usefixtures("undrawn")
def test_money_that_is_lost_is_noticed() -> None:
    frames = tables(("winner", "status quo"))
    lost = frames["money"].assign(amount=frames["money"]["amount"] - 0.01)
    assert not money_tables(lost, frames["replicates"])[0].adds_up
    assert "Does not add up" in page(RunRecord(record().facts, {**record().tables, "money": lost}, record().provenance))


def test_no_cell_about_people_stands_for_fewer_than_ten() -> None:
    frames = tables(("winner", "status quo"))
    contacts = people_table(frames["census"], "contact")
    assert dict(zip(contacts.head, contacts.rows[-1], strict=True)) == {
        "": "deleted the contact", "start": "<10", "winner": "<10", "status quo": "<10",
    }  # fmt: skip
    for table in (contacts, people_table(frames["census"], "level"), outcome_table(frames["replicates"].iloc[:3])):
        counts = [cell for label, *cells in table.rows for cell in cells if "CLV" not in label]
        assert not any(0 <= float(c.split("\n")[0].replace(",", "")) < 10 for c in counts if not c.startswith("<"))
    assert (count_words(9.6), count_words(10.2)) == ("<10", "10")


def test_sales_by_tier_are_the_revenue(busy: PrivateDomain) -> None:
    sales = sales_by_tier(busy.ledger)
    assert sales.sum() == pytest.approx(outcome(busy).values["revenue"])
    assert (sales > 0).all()
    assert sales == pytest.approx(sales_in_turn(busy))


def sales_in_turn(world: PrivateDomain) -> np.ndarray[Any, Any]:
    """The same, one event after the other."""
    ledger, tier, sales = world.ledger, {}, np.zeros(3)
    events = ledger.events()
    for key, kind, amount in zip(events.key.tolist(), events.kind.tolist(), events.amount.tolist(), strict=True):
        name = ledger.kinds[kind].name
        if name == "value_tier":
            tier[key] = amount
        elif name in ("order", "coupon_redeemed", "member_discount"):
            sales[tier.get(key, 0)] += (1 if name == "order" else -1) * amount / 100
    return sales


# -- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "label", "text"),
    [
        (PER_WEEK, 5.0, "adverts: how often", "5 a week"),
        (DEPTH, 0.0228, "coupon: depth", "2.28 %"),
        ("actions.coupon.valid_days", 9, "coupon: validity", "9 days"),
        ("actions.coupon.minimum_spend_cny", 1234.5, "coupon: minimum spend", "1,234 EUR"),
        ("actions.coupon.audience", "core_and_high", "coupon: whom", "core and high"),
        (
            "actions.coupon.audience",
            {"orders_min": 2, "muted": False},
            "coupon: whom",
            "at least 2 orders, except muted",
        ),
        ("actions.coupon.calendar", {"every_days": 14, "from_day": 7}, "coupon: when", "every 14 days, from day 7"),
        ("actions.chat.hours_per_week.L1", 14.316, "chat: hours, L1 acquainted", "14.3 hours a week"),
        ("actions.club.tiers.0.discount", 0.05, "club: tier 1, discount", "5 %"),
        ("actions.club.tiers.1.points_multiplier", 2, "club: tier 2, points multiplier", "×2"),
        ("actions.club.card", None, "club: card", "none"),
        ("actions.growth.spend_cny_per_day.store_qr", 20, "growth: spend, store qr", "20 EUR a day"),
        ("frequency_cap_per_week", 7, "frequency cap", "7 a week"),
    ],
)
def test_levers_in_words(path: str, value: Any, label: str, text: str) -> None:
    assert lever_words(path) == label
    assert value_words(path, value, "EUR") == text


@pytest.mark.parametrize(
    ("label", "text"),
    [("trial 7", "trial 7"), ("status quo", "status quo"), (f"only {DEPTH}", "only coupon: depth")],
)
def test_labels_of_trials_in_words(label: str, text: str) -> None:
    assert label_words(label) == text


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (4, 14.3, "3.58 times"),
        (5, 1, "−80 %"),
        (0, 142, "new"),
        (0.1, 0, "off"),
        (2, 3, "+50 %"),
        ("a", "b", "changed"),
    ],
)
def test_how_far_a_lever_moved(before: Any, after: Any, text: str) -> None:
    assert change_words(before, after) == text


def test_audiences_and_calendars() -> None:
    plain = load("policy/winback").model_dump(mode="json")["actions"]
    assert audience_words(plain["coupon"]["audience"]) == "lapsing"
    assert audience_words({"muted": True}) == "everybody"
    assert audience_words({"tiers": ["core"], "members": False}) == "core, not members"
    assert calendar_words({"weekdays": ["mon", "fri"], "until_day": 30}) == "mon, fri, until day 30"


def test_policies_beside_each_other_name_what_differs() -> None:
    policies = [load(f"policy/{name}").model_dump(mode="json") for name in ("winback", "status_quo")]
    rows = policy_rows(policies, {"actions.coupon.depth": "discount, CNY"}, "USD")
    by_label = {row.label: row for row in rows}
    assert by_label["depth"].values == ("15 %", "10 %")
    assert (by_label["depth"].differs, by_label["depth"].meaning) == (True, "discount, USD")
    assert by_label["hours, L5 super users"].values == ("4 hours a week", "4 hours a week")
    assert not by_label["hours, L5 super users"].differs
    only = policy_rows([policies[0], {"actions": {}}], {}, "CNY")
    assert next(row for row in only if row.label == "adverts").values == ("advert", "not done")


# -- real runs --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    """A real search, as small as they come."""
    folder = tmp_path_factory.mktemp("report")
    plan = {
        "title": "small", "space": {PER_WEEK: {"low": 0, "high": 7}, DEPTH: {"low": 0, "high": 0.3}}, "trials": 4,
        "replicates": 2, "batch": 4, "finalists": 2, "final_replicates": 2, "holdout_replicates": 3,
    }  # fmt: skip
    for kind, data in (("scenario", SCENARIO), ("policy", POLICY), ("search", plan)):
        (folder / kind).mkdir()
        YAML().dump(data, folder / kind / "it.yaml")
    paths = {kind: str(folder / kind / "it.yaml") for kind in ("scenario", "policy", "search")}
    experiment = {"title": "real", **paths, "sensitivity": {"replicates": 2, "shortlist": 1, "factors": [0.5]}}
    (folder / "experiment").mkdir()
    YAML().dump(experiment, folder / "experiment" / "it.yaml")
    return search(str(folder / "experiment" / "it.yaml"), out=folder / "run", processes=1, overrides={"trials": 5})


def test_report_of_a_real_search(result: SearchResult, tmp_path: Path) -> None:
    path = write_report(result, tmp_path / "it.html")
    seen = text_of(path.read_text(encoding="utf-8"))
    d = result.winner.holdout
    if not result.keeps_status_quo:
        assert f"{d.mean:+.2f} ± {d.half_width:.2f} CNY per customer" in seen
    assert seen.count("Adds up to the cent") == len(result.results.arms)
    assert report_from_folder(result.folder).read_bytes() == path.read_bytes()


def test_record_of_a_search_is_complete_and_can_be_run_again(result: SearchResult) -> None:
    record = RunRecord.load(result.folder)
    facts = story.searched_of(record.facts)
    assert [f.label for f in facts.finalists] == [f.label for f in result.finalists]
    assert facts.finalists[0].holdout == result.winner.holdout
    assert len(facts.alternatives) == 6
    arm = record.facts.arms[0]
    tiers, replicates = record.tables["tiers"], record.tables["replicates"]
    first = replicates[(replicates["arm"] == arm) & (replicates["replicate"] == 0)]
    assert tiers.loc[tiers["arm"] == arm, "sales"].sum() == pytest.approx(first["revenue"].item())
    again = load(result.folder / "experiment.yaml", "experiment")
    assert load(again.search, "search") == result.plan
    recommended: Policy = load(result.folder / "recommended.yaml", "policy")
    assert recommended == result.winner.policy
    assert f"{result.folder.as_posix()}/experiment.yaml" in record.provenance["command"]


def test_reports_of_simulate_and_compare(tmp_path: Path) -> None:
    scenario, policy = Scenario.model_validate(SCENARIO), Policy.model_validate(POLICY)
    nothing: Policy = load("policy/do_nothing")
    one = simulate(scenario, policy, replicates=1, processes=1)
    seen = text_of(write_run_report(one, tmp_path / "s.html", scenario=scenario, policies=[policy]).read_text("utf-8"))
    clv = one.frame()["clv"].item()
    assert f"CLV {clv:.2f} CNY per customer" in seen
    assert "Adds up to the cent" in seen
    verdict = compare(policy, nothing, scenario=scenario, replicates=3, processes=1)
    record_of_run(verdict, scenario=scenario, policies=(policy, nothing), command="siyu compare").save(tmp_path / "c")
    seen = text_of(report_from_folder(tmp_path / "c").read_text(encoding="utf-8"))
    d = verdict.differences["clv"]
    assert f"{d.mean:+.2f} ± {d.half_width:.2f} CNY per customer" in seen
    assert "as it is against do nothing" in seen


def test_policy_titles_are_escaped_in_text_and_figures() -> None:
    scenario = Scenario.model_validate(SCENARIO)
    bad = Policy.model_validate({**POLICY, "title": "<script>$5 & \\bad$</script>"})
    found = record_of_run(simulate(scenario, bad, replicates=2, processes=1), scenario=scenario, policies=[bad])
    html = page(found)
    assert "<script" not in html
    figures = " ".join(re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL))
    assert "&lt;script&gt;$5 &amp; \\bad$&lt;/script&gt;" in figures


@pytest.mark.usefixtures("undrawn")
def test_policies_of_the_same_title_are_told_apart() -> None:
    scenario, policy = Scenario.model_validate(SCENARIO), Policy.model_validate(POLICY)
    verdict = compare(policy, policy, scenario=scenario, replicates=2, processes=1)
    found = record_of_run(verdict, scenario=scenario, policies=(policy, policy))
    assert found.facts.arms == ["trial", "base"]
    assert "cannot be told from" in text_of(page(found))


def test_plot_of_a_verdict() -> None:
    scenario, policy = Scenario.model_validate(SCENARIO), Policy.model_validate(POLICY)
    verdict = compare(policy, load("policy/do_nothing"), scenario=scenario, replicates=2, processes=1)
    for metric in verdict.differences:
        assert verdict.plot(metric).get_xlabel() in ("CNY per customer", "CNY in total", "count")
