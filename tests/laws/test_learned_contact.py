"""Exposure means the same in logs and in the running world, learned hazards are used as they are, and nothing peeks."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from agents.behaviours import Attrition
from agents.birth import Learned, LearnedContact
from agents.customers import Contact, ContactHistory, Customers, ExposedCustomers
from agents.domain import PrivateDomain, churn
from agents.models import ContactModels, Exposure, Hazard, History, covariates, default_models
from experiments.data import Logs
from experiments.learning.contact import FEATURES, Gather, learn_contact
from experiments.learning.contact_replay import ContactReplay, Touches
from experiments.learning.fatigue import learn_fatigue
from experiments.learning.fit import RIDGE_CUSTOMERS
from experiments.learning.replay import Diary
from experiments.train import train
from tests.messages import SENT, lived, made, written
from tests.worlds import policy, scenario

CUT = 79


def date(logs: Logs, day: int) -> dt.date:
    return logs.origin + dt.timedelta(days=day)


def strangers(n: int) -> Learned:
    """People of whom nothing is known on day 0, and hazards that move all of them about."""
    history, state = History(), ContactHistory()
    history.append(n, key=np.arange(n), joined=0)
    state.append(n, **history.arrays(), contact_day=0, level_day=0)
    hazards = {
        name: Hazard(name=name, features=("adverts_7",), coef=(0.1,), intercept=intercept, source="made up")
        for name, intercept in (("mute", -4.0), ("unmute", -2.5), ("delete", -7.0), ("rise_0", -3.0), ("fall_1", -3.0),
                                ("rise_4", -4.0), ("reply", 0.0))
    }  # fmt: skip
    contact = LearnedContact(ContactModels(hazards=hazards), state)
    models = default_models(orders_per_year=40, basket_cents=6000)
    return Learned(models, history, np.zeros(n), np.zeros(n, np.int64), contact)


def test_replay_and_running_world_agree_on_every_day() -> None:
    """What the world's updater left each evening is what the replay of the world's own logs leaves."""
    channels = {"store": {"volume": 300, "cost_per_reach_cny": 2.0, "organic_per_day": 2.0, "add_rate": 0.6}}
    behaviours = {"purchase": {"kind": "purchase", "first_order": -3.0}}
    coupons = {"kind": "coupon", "depth": 0.1, "valid_days": 5, "reminder_days": 2, "calendar": {"every_days": 7}}
    world = PrivateDomain(
        scenario(150, 60, channels=channels, behaviours=behaviours), policy(**SENT, coupons=coupons),
        seed=3, learned=strangers(150),
    )  # fmt: skip
    evenings: list[dict[str, Any]] = []
    while world.day < world.horizon_days:
        world.step()
        evenings.append(world.customers.arrays())
    logs = written(world)
    replay = ContactReplay(Diary.of(logs, logs.last_day), Touches.of(logs, logs.last_day))
    assert {"mute", "unmute", "reply", "join", "trust_level"} <= set(logs.touches["kind"])  # type: ignore[index]
    for day, evening in enumerate(evenings):
        replay.advance(day, lambda *_: None)
        here = np.flatnonzero(evening["contact"] >= Contact.CONTACT)
        for name in ("contact", "level", "orders", *Exposure.DECLARED):
            ours, theirs = evening[name][here], getattr(replay.history, name)[here]
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, err_msg=f"{name} on day {day}")


def gathered(logs: Logs, name: str) -> Gather:
    replay = ContactReplay(Diary.of(logs, logs.last_day), Touches.of(logs, logs.last_day))
    gather = Gather(replay, {name: FEATURES[name]}, 0, logs.last_day + 1)
    for day in range(logs.last_day + 1):
        replay.advance(day, gather)
    return gather


def test_exported_hazards_equal_predict_proba() -> None:
    gather = gathered(written(lived(400, 90)), "mute")
    found = gather.found["mute"]
    x, y = np.concatenate(found.x, axis=1), np.concatenate(found.y)
    varies = np.ptp(x, axis=1) > 0
    hazard, customers = gather.hazard("mute", "test"), len(np.unique(np.concatenate(found.customer)))
    strength = customers / RIDGE_CUSTOMERS * min(1.0, customers / y.sum())
    theirs = make_pipeline(StandardScaler(), LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-8))
    theirs.fit(x[varies].T, y)
    at = [FEATURES["mute"].index(name) for name in hazard.features]
    assert gather.share == 1.0
    np.testing.assert_allclose(hazard.probability(x[at]), theirs.predict_proba(x[varies].T)[:, 1], rtol=1e-4)


def test_a_part_of_the_quiet_days_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a sixth of the days without a mute the hazard still adds up to the mutes of all days."""
    logs = made(1, n=600)
    monkeypatch.setattr("experiments.learning.contact.MAX_OTHERS", 600 * 120 // 6)
    part, whole = gathered(logs, "mute"), ContactReplay(Diary.of(logs, 119), Touches.of(logs, 119))
    assert part.share < 0.2
    hazard, expected = part.hazard("mute", "test"), []

    def ask(name: str, rows: Any, y: Any, day: int) -> None:
        if name == "mute":
            expected.append(hazard.probability(covariates(hazard.features, whole.history, rows, day, 0)).sum())

    for day in range(120):
        whole.advance(day, ask)
    assert np.sum(expected) == pytest.approx(part.found["mute"].events, rel=0.05)


def test_the_world_draws_with_the_learned_chances() -> None:
    """Over days, mutes and returns are within 4 sd of the sum of the chances that the hazards give each evening."""
    learned = strangers(4000)
    world = PrivateDomain(scenario(1, 25), policy(sell=SENT["sell"]), seed=4, learned=learned)
    assert learned.contact is not None
    models = learned.contact.models
    attrition = next(b for b in world.behaviours if isinstance(b, Attrition))
    expected, variance, found = dict.fromkeys(("mute", "unmute"), 0.0), dict.fromkeys(("mute", "unmute"), 0.0), 0
    while world.day < world.horizon_days:
        for phase in world.PHASES[: world.PHASES.index(churn)]:
            phase(world)
        c = world.customers
        for state, (deleting, moving) in {
            Contact.CONTACT: ("delete", "mute"),
            Contact.MUTED: ("none", "unmute"),
        }.items():
            rows = np.flatnonzero(c.contact == state)
            kept = 1.0 - models.chance(deleting, c, rows, world.day, world.weekday)
            p = kept * models.chance(moving, c, rows, world.day, world.weekday)
            expected[moving] += float(p.sum())
            variance[moving] += float((p * (1 - p)).sum())
        attrition.apply(world)
        world.day += 1
    for kind in expected:
        found = len(world.ledger.of(kind))
        assert abs(found - expected[kind]) < 4 * variance[kind] ** 0.5
        assert found > 100


def test_nothing_after_the_cut_off_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs whose future is thrown into disorder give the same hazards, states and fatigue."""
    logs = written(lived(200, 100))
    assert logs.touches is not None
    later = logs.touches["day"] > CUT
    kinds = logs.touches["kind"].where(~later, "mute")
    moved = logs.touches["day"].where(~later, CUT + 1 + logs.touches["day"] % 5)
    order = logs.visits["day"] > CUT
    other = replace(
        logs, touches=logs.touches.assign(kind=kinds, day=moved),
        visits=logs.visits.assign(day=logs.visits["day"].where(~order, CUT + 1 + logs.visits["day"] % 7)),
    )  # fmt: skip
    customers = np.flatnonzero(Diary.of(logs, CUT).joined <= CUT)
    ours, theirs = (learn_contact(each, cut_off=date(logs, CUT), customers=customers) for each in (logs, other))
    assert ours is not None
    assert theirs is not None
    assert len(ours.models.hazards) > 5
    assert ours.models.digest() == theirs.models.digest()
    for name, column in ours.state.arrays().items():
        np.testing.assert_array_equal(column, theirs.state.arrays()[name])
    monkeypatch.setattr("experiments.learning.fatigue.MAX_OTHERS", 2000)
    told = [learn_fatigue(each, cut_off=date(logs, CUT), scenario=scenario()) for each in (logs, other)]
    assert told[0] is not None
    assert told[1] is not None
    assert told[0].estimates == told[1].estimates


def test_logs_without_messages_change_nothing() -> None:
    """No contact models, no exposure columns, and the digest of before."""
    logs = made(2, n=150)
    silent = replace(logs, touches=None)
    loud, quiet = train(logs, lapse_days=28), train(silent, lapse_days=28)
    assert loud.contact is not None
    assert quiet.contact is None
    assert quiet.models == loud.models
    learned = quiet.learned()
    assert learned.digest() == replace(loud.learned(), contact=None).digest() != loud.learned().digest()
    assert "mute" in set(loud.card.tasks) - set(quiet.card.tasks)
    kinds = {type(PrivateDomain(scenario(1, 5), policy(), seed=1, learned=each).customers) for each in (learned, None)}
    assert kinds == {Customers}
    assert type(PrivateDomain(scenario(1, 5), policy(), seed=1, learned=loud.learned()).customers) is ExposedCustomers


def test_an_exposed_world_resumes(tmp_path: Any) -> None:
    """A snapshot holds the exposure too: the days after it are the same."""
    told = policy(**SENT), scenario(1, 30)
    whole, half, again = (PrivateDomain(told[1], told[0], seed=6, learned=strangers(200)) for _ in range(3))
    whole.run()
    half.run(15)
    half.save(tmp_path / "half.npz")
    again.resume(tmp_path / "half.npz")
    again.run()
    for name, column in whole.customers.arrays().items():
        np.testing.assert_array_equal(column, again.customers.arrays()[name])
