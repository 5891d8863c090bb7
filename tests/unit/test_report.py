"""Reports: what is said is what was found, nothing leaves the file, nobody can be picked out."""

from __future__ import annotations

import re
from dataclasses import replace
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
from experiments.metrics import outcome
from experiments.report import page, report_from_folder, write_report, write_run_report
from experiments.reporting import story
from experiments.reporting.basis import basis_of
from experiments.reporting.record import RunRecord, record_of_run
from experiments.reporting.report_tables import in_cents, money_tables, outcome_table, people_table
from experiments.reporting.searched import searched_of
from experiments.reporting.tiers import sales_by_tier
from experiments.results import paired
from experiments.searching.aims import Limit
from experiments.searching.questions.assumption_words import sentences, worth_sentences
from experiments.searching.questions.fronts import Point, risk
from experiments.searching.result import SearchResult
from sim import StudyError
from tests.records import DEPTH, PER_WEEK, POLICY, SCENARIO, course, full_record, record, tables


@cache
def usual() -> str:
    """The page of a search of which everything was asked."""
    return page(full_record())


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are plotted but not turned into SVG, which takes most of the time."""
    monkeypatch.setattr("experiments.reporting.figures.svg", lambda ax, name, description: "<svg></svg>")


def text_of(html: str) -> str:
    """What a reader sees, in one line."""
    body = re.sub(r"<(style|svg).*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", body)))


# -- the page ---------------------------------------------------------------------------------------------------------


def test_page_holds_the_whole_story() -> None:
    """Prose first, then its details, then how it was searched."""
    facts, seen = full_record().facts, text_of(usual())
    searched = story.searched_of(facts)
    places = [
        seen.index(text)
        for text in (
            "Change 1 of 2 levers: +6.00 ± 4.97 CNY per customer",
            "Limits . On the holdout seeds it keeps the limit: spend 60 CNY (at most 100 CNY). One more CNY of budget "
            "earns 1.4 CNY beyond its own cost (1.3 to 1.5).",
            "adverts: how often 3 a week → 1 a week −67 % 80 %",
            "kept One more CNY of budget",
            "Worth testing: goodwill. Not worth a test: coupons.",
            "0.25 CNY a customer (0.10 to 0.40) A/B test of 2 × 1,200 for 28 days: 80 % of that",
            "20 % of the variation comes from adverts: how often and coupon: depth together",
            "CLV against spend",
            "20 CNY +1.00 ± 2.48",
            "The search expected +9.00 CNY per customer of trial 2",
            "trial 1, simpler 2 +0.00 +4.67 ± 3.79 3 25 %",
            "How it was searched 3 policies of 2 levers were tried",
            "30 replicates were simulated; 4 were known already",
            "trials 2.0 67 %",
        )
    ]
    assert places == sorted(places)
    for sentence in (*searched.basis.told, *searched.basis.worth):
        assert sentence in seen


def test_every_figure_is_drawn_once() -> None:
    labels = re.findall(r'<svg role="img" aria-label="([^"]*)"', usual())
    assert len(labels) == len(set(labels)) == 16


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
    html = page(record(keeps=True, basis=full_record().facts.search.basis))
    seen = text_of(html)
    assert "Keep the status quo" in seen
    assert "Nothing. Every lever stays" in seen
    assert "assumption is wrong" not in html  # a tornado of zeros
    assert "How wrong an assumption may be" in html
    assert "winner" not in html.replace("winner on", "")


@pytest.mark.parametrize(
    ("gains", "heading"),
    [((-40.0, 10.0, 60.0), "What the search would change"), ((50.0, 60.0, 70.0), "What to change")],
)
@pytest.mark.usefixtures("undrawn")
def test_unproven_gain_is_not_called_a_recommendation(gains: tuple[float, ...], heading: str) -> None:
    html = page(record(gains=gains))
    assert f'<h2 id="change">{heading}</h2>' in html
    assert ('<span class="tag logs">recommended</span>' in html) == (heading == "What to change")


@pytest.mark.usefixtures("undrawn")
def test_limits_that_are_broken_stand_out() -> None:
    html = page(record(limits={"spend": Limit(at_most=55)}))
    assert '<span class="tag no">broken</span>' in html
    assert '<span class="tag no">beyond a limit</span>' in html
    without = page(record(limits={}))
    assert 'id="limits"' not in without
    assert "no budget set" in without


@pytest.mark.usefixtures("undrawn")
def test_an_interrupted_search_says_so_before_anything_else() -> None:
    seen = text_of(page(record(course=course(interrupted=True))))
    assert seen.index("was stopped by hand after 3 of 3 trials") < seen.index("Change 1 of 2 levers")
    assert "stopped by hand" not in text_of(usual())


def test_all_effects_are_listed_with_their_source() -> None:
    seen = text_of(usual())
    effects = Scenario.model_validate(SCENARIO).effects
    for name in ("coupon", "member_price", "advert", "content", "chat", "trust"):
        effect = getattr(effects, name)
        assert effect.source in seen
        assert f"{effect.mean:.3g} ± {effect.sd:.2g}" in seen


def test_same_report_from_disk(tmp_path: Path) -> None:
    full_record().save(tmp_path)
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
        assert not any(0 <= float(c.split("\n")[0].replace(",", "")) < 10 for c in counts if c[0] not in "<h")


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
        elif name in ("order", "package", "coupon_redeemed", "member_discount"):
            sales[tier.get(key, 0)] += (1 if name in ("order", "package") else -1) * amount / 100
    return sales


# -- real runs --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> SearchResult:
    """A real search, as small as they come."""
    folder = tmp_path_factory.mktemp("report")
    plan = {
        "title": "small", "space": {PER_WEEK: {"low": 0, "high": 7}, DEPTH: {"low": 0, "high": 0.3}}, "trials": 4,
        "replicates": 2, "batch": 4, "finalists": 2, "final_replicates": 22, "final_rounds": 1,
        "holdout_replicates": 3, "design": 8, "budget": 40_000, "limits": {"messages": {"at_most": 50}}, "fronts": [],
    }  # fmt: skip
    for kind, data in (("scenario", SCENARIO), ("policy", POLICY), ("search", plan)):
        (folder / kind).mkdir()
        YAML().dump(data, folder / kind / "it.yaml")
    paths = {kind: str(folder / kind / "it.yaml") for kind in ("scenario", "policy", "search")}
    experiment = {"title": "real", **paths, "sensitivity": {"replicates": 2, "shortlist": 1}}
    (folder / "experiment").mkdir()
    YAML().dump(experiment, folder / "experiment" / "it.yaml")
    return search(str(folder / "experiment" / "it.yaml"), out=folder / "run", processes=1, overrides={"trials": 5})


def test_report_of_a_real_search(result: SearchResult, tmp_path: Path) -> None:
    path = write_report(result, tmp_path / "it.html")
    seen = text_of(path.read_text(encoding="utf-8"))
    if not result.keeps_status_quo:
        assert f"{result.claim.mean:+.2f} ± {result.claim.half_width:.2f} CNY per customer" in seen
    assert seen.count("Adds up to the cent") == len(result.results.arms)
    assert report_from_folder(result.folder).read_bytes() == path.read_bytes()


def test_record_of_a_search_holds_all_that_was_found(result: SearchResult) -> None:
    record = RunRecord.load(result.folder)
    facts = story.searched_of(record.facts)
    assert [(f.label, f.tied, f.ranked) for f in facts.finalists] == [
        (f.label, f.tied, f.ranked) for f in result.finalists
    ]
    assert facts.winner.holdout == result.claim == record.facts.differences["clv"]
    assert (facts.final.value, facts.prices, facts.winner.limits) == (
        result.finals.value, result.prices, result.winner.limits,
    )  # fmt: skip
    assert (facts.basis.information, facts.basis.alternatives) == (result.information, result.alternatives)
    assert [s.name for s in facts.basis.sweeps] == list(result.ground.assumed)
    assert result.information is not None
    assert facts.basis.worth == worth_sentences(result.information, "CNY")
    assert result.robustness is not None
    assert len(facts.basis.told) == len(sentences(result.robustness))
    assert facts.causes is not None
    assert result.explanation is not None
    assert [i.lever for i in facts.causes.importances] == [
        i.lever for i in result.explanation.importances.levers if i.lever in (PER_WEEK, DEPTH)
    ]
    assert (facts.course.simulated, facts.course.seconds) == (result.course.simulated, result.course.seconds)


def test_flip_points_name_policies_in_words(result: SearchResult) -> None:
    assert result.robustness is not None
    lost = replace(result.robustness, labels=(f"only {DEPTH}", "status quo"), settled=False)
    (told,) = basis_of(replace(result, robustness=lost)).told
    assert "another policy is as good as only coupon: depth already" in told


def test_record_of_a_front_says_what_each_policy_sets(result: SearchResult) -> None:
    points = tuple(Point("risk", {PER_WEEK: often, DEPTH: 0.1}, often, result.claim) for often in (1.0, 3.0))
    front = searched_of(replace(result, fronts={"risk": points, "spend": ()})).fronts
    assert [(p.amount, p.values[PER_WEEK], p.changes) for p in front["risk"].points] == [(1.0, 1.0, 1), (3.0, 3.0, 0)]
    assert list(front) == ["risk"]  # nothing is shown of a front without policies
    held = result.finals.holdout
    assert front["risk"].status_quo == 0.0
    assert front["risk"].gain.mean == pytest.approx(result.finals.uplift[0].mean())
    assert front["risk"].recommended == risk(paired(held["winner"], held["status quo"], "clv"))


def test_a_recorded_search_can_be_run_again(result: SearchResult) -> None:
    record = RunRecord.load(result.folder)
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
