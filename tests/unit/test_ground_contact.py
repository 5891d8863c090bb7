"""From files with messages to the world: contact hazards, where everybody stands, and sentences for the report."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from agents.customers import Contact
from agents.domain import PrivateDomain
from experiments.experiment import Experiment
from experiments.ground import Ground, prepare
from tests.messages import lived, written

CUT = "2024-03-20"  # day 79


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    folder, logs = tmp_path_factory.mktemp("logs"), written(lived(220, 100))
    assert logs.touches is not None
    date = pd.Timestamp(logs.origin) + pd.to_timedelta(logs.visits["day"], unit="D")
    orders = pd.DataFrame(
        {"customer_id": logs.visits["customer"], "ts": date.dt.strftime("%Y-%m-%d"), "order_id": range(len(date)),
         "gross": logs.visits["gross"] / 100, "discount": 0}
    )  # fmt: skip
    orders.to_csv(folder / "orders.csv", index=False)
    second = logs.touches.groupby(["customer", "day"]).cumcount()
    when = (
        pd.Timestamp(logs.origin) + pd.to_timedelta(logs.touches["day"], unit="D") + pd.to_timedelta(second, unit="s")
    )
    touches = pd.DataFrame({"customer_id": logs.touches["customer"], "ts": when.dt.strftime("%Y-%m-%dT%H:%M:%S")})
    level = logs.touches["level"].map(lambda k: "" if pd.isna(k) else f"L{k}")
    touches.assign(kind=logs.touches["kind"], level=level).to_csv(folder / "touches.csv", index=False)
    joined = pd.Timestamp(logs.origin) + pd.to_timedelta(logs.customers["joined_day"].astype(int), unit="D")
    customers = pd.DataFrame({"customer_id": logs.customers.index, "joined": joined.dt.strftime("%Y-%m-%d")})
    customers.to_csv(folder / "customers.csv", index=False)
    question = Experiment(
        title="messages", scenario="sparkling_drinks", policy="status_quo", logs=str(folder), cut_off=CUT,
        uncertain={"behaviours.attention.fatigue_half_life_days": {"low": 2, "high": 9}},
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:  # the effects have tests of their own, and take their time
        patch.setattr("experiments.effects.logged_effects", lambda logs, **_: {})
        patch.setattr("experiments.learning.fatigue.MAX_OTHERS", 2000)
        return prepare(question)


def test_the_report_says_what_was_learned_and_what_was_not(ground: Ground) -> None:
    told = " ".join(ground.notes)
    assert "hazards learned from the logged messages decide mute (" in told
    assert "events)" in told
    assert ground.training is not None
    assert ground.training.contact is not None
    for name, transition in ground.training.contact.transitions.items():
        assert name in told
        assert (name in ground.training.contact.models) == (transition.learned != "no")
    assert {"mute", "reply"} <= set(ground.training.card.tasks)
    assert "Fatigue: " in told


def test_what_the_experiment_calls_uncertain_stays_its_own(ground: Ground) -> None:
    assert "behaviours.attention.fatigue_half_life_days" not in ground.uncertain
    assert not any("fatigue_half_life_days" in note for note in ground.notes)


def test_the_world_begins_where_the_logs_end(ground: Ground) -> None:
    world = PrivateDomain(ground.scenario, ground.status_quo, seed=1, learned=ground.learned)
    assert ground.learned is not None
    assert ground.learned.contact is not None
    state = ground.learned.contact.state
    np.testing.assert_array_equal(world.customers.contact, state.contact)
    assert (state.contact == Contact.MUTED).sum() > 10
    assert (state.contact == Contact.DELETED).sum() > 10
    assert len(np.unique(state.level)) > 3
    assert -4 <= state.advert_day.max() <= -1  # adverts go out every few days, and day -1 is the cut-off
    mutes = (state.contact == Contact.MUTED) & (state.contact_day < 0) & (state.contact_day > -100)
    assert mutes.sum() == (state.contact == Contact.MUTED).sum()
    world.run(20)
    assert len(world.ledger.of("mute", "unmute", "delete")) > 0
