"""Known hazards and a known fatigue come back from logs within their 95 % intervals; what logs cannot tell is said."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from agents.behaviours import Attention, Reaction
from agents.models import sigmoid
from agents.scenario import Scenario
from experiments.data import Logs
from experiments.learning.contact import Gather, learn_contact
from experiments.learning.contact_replay import ContactReplay, Touches
from experiments.learning.fatigue import HALF_LIVES, Fatigue, learn_fatigue
from experiments.learning.replay import Diary
from tests.messages import made
from tests.worlds import scenario

Z_95 = 1.96
BUSY = scenario(behaviours={"attention": {"kind": "attention", "interact_chance": 0.2}})


def last(logs: Logs) -> dt.date:
    return logs.origin + dt.timedelta(days=logs.last_day)


def fatigue_of(logs: Logs, of: Scenario | None = None) -> Fatigue:
    found = learn_fatigue(logs, cut_off=last(logs), scenario=of or scenario())
    assert found is not None
    return found


def test_known_hazards_come_back() -> None:
    """Muting by adverts of a load with half-life 7 days, and a constant return: truth within the 95 % interval."""
    logs = made(1, n=2000, days=100)
    replay = ContactReplay(Diary.of(logs, 99), Touches.of(logs, 99))
    names = ("touched", "adverts_7")
    gather = Gather(replay, {"mute": names, "unmute": ("adverts_7",)}, 0, 100)
    for day in range(100):
        replay.advance(day, gather)
    mute, found = gather.hazard("mute", "test"), gather.found["mute"]
    x, y = np.concatenate(found.x, axis=1), np.concatenate(found.y)
    assert not y[x[0] == 0].any()  # nobody mutes on a quiet day in this generator, so the days with a message decide
    loud = np.vstack([np.ones(len(y)), x[1]])[:, x[0] > 0]
    p = mute.probability(x[:, x[0] > 0])
    se = np.sqrt(np.diag(np.linalg.inv((loud * (p * (1 - p))) @ loud.T)))
    at = dict(zip(mute.features, mute.coef, strict=True))
    assert abs(mute.intercept + at["touched"] - -6.0) < Z_95 * se[0]
    assert abs(at["adverts_7"] - 0.5) < Z_95 * se[1]
    unmute = gather.hazard("unmute", "test")
    assert unmute.features == ()  # nothing tells its days apart, and nothing is made up
    assert (
        abs(sigmoid(np.array(unmute.intercept)) - 0.03) < Z_95 * (0.03 * 0.97 / gather.found["unmute"].at_risk) ** 0.5
    )


@pytest.fixture(scope="module")
def slow_to_recover() -> Fatigue:
    return fatigue_of(made(2, n=900, half_life=8.0, advert=1.0, mute=-5.5), BUSY)


def test_a_known_fatigue_comes_back(slow_to_recover: Fatigue) -> None:
    quick = fatigue_of(made(2, n=900, half_life=2.5, mute=-5.5))
    assert set(slow_to_recover.identified) == {"half_life", "per_fatigue", "scale"}
    assert set(quick.identified) == {"half_life", "per_fatigue"}
    for found, half_life in ((slow_to_recover, 8.0), (quick, 2.5)):
        truth = {"half_life": half_life, "per_fatigue": 0.5, "scale": 3.0}
        for name, estimate in found.identified.items():
            assert estimate.low < truth[name] < estimate.high, name
            assert estimate.low < estimate.mean < estimate.high
            assert estimate.high < 6 * estimate.low
    assert quick.estimates["half_life"].mean < slow_to_recover.estimates["half_life"].low


def test_what_logs_tell_of_fatigue_enters_the_scenario(slow_to_recover: Fatigue) -> None:
    found, estimates = slow_to_recover, slow_to_recover.estimates
    after = found.applied(BUSY).behaviours
    attention, reaction = after["attention"], after["reaction"]
    assert isinstance(attention, Attention)
    assert isinstance(reaction, Reaction)
    assert attention.fatigue_half_life_days == estimates["half_life"].mean
    assert attention.fatigue_scale == estimates["scale"].mean
    assert reaction.per_fatigue == estimates["per_fatigue"].mean
    assert attention.interact_chance == 0.2
    assert found.uncertain()["behaviours.attention.fatigue_half_life_days"].low == estimates["half_life"].low
    own = found.without({"behaviours.attention.fatigue_half_life_days"})  # an experiment's own affair
    assert set(own.uncertain()) == {"behaviours.attention.fatigue_scale", "behaviours.reaction.per_fatigue"}
    assert own.applied(BUSY).behaviours["attention"] != attention
    assert any("fatigue_half_life_days" in note and "95 %" in note for note in found.notes)


def test_without_fatigue_the_prior_stays() -> None:
    """Negative control: where no load drives mutes the profile is flat, the assumed value stays, and this is said."""
    logs = made(3, n=300, days=80, per_load=0.0, mute=-3.5)
    found = fatigue_of(logs)
    assert not found.identified
    assert found.applied(scenario()).behaviours == {}
    assert all("do not tell" in note for note in found.notes)
    assert found.profiles["mute"].shape == HALF_LIVES.shape


def test_more_messages_to_the_patient_are_no_fatigue() -> None:
    """A response that moves the other way, as where messages go to those who bear them, counts for nothing."""
    found = fatigue_of(made(7, n=300, days=80, per_load=-1.0, mute=-1.5))
    assert not found.identified
    assert found.profiles["mute"].max() == 0
    assert found.estimates["per_fatigue"].mean < 0


@pytest.mark.long
def test_false_alarms_are_rare() -> None:
    """Of twelve logs without fatigue at most two pretend to one: the level is 5 %, P(more than two of 12) is 2 %."""
    alarms = 0
    for seed in range(12):
        logs = made(10 + seed, n=150, days=80, per_load=0.0, mute=-3.0)
        found = learn_fatigue(logs, cut_off=last(logs), scenario=scenario())
        alarms += found is not None and "half_life" in found.identified
    assert alarms <= 2


def test_too_few_events_make_a_constant_and_say_so() -> None:
    logs = made(4, n=300, days=80, per_load=0.0, mute=-8.0)
    assert logs.touches is not None
    mutes = int((logs.touches["kind"] == "mute").sum())
    assert 0 < mutes < 10
    found = learn_contact(logs, cut_off=last(logs), customers=np.arange(300))
    assert found is not None
    mute = found.models.hazards["mute"]
    assert mute.features == ("touched",)
    assert mute.coef[0] > 0  # more messages mean more mutes even so
    assert found.transitions["mute"].learned == "constant"
    assert "unmute" not in found.models.hazards  # hardly anybody was ever muted: the assumed rule stays
    told = " ".join(found.notes)
    assert "constant decides mute (<10 events)" in told
    assert "unmute" in told.split("assumed rules")[0]


def test_judged_after_the_cut_off() -> None:
    """The card scores mutes that training has not seen, better than a constant rate."""
    logs = made(6, n=800)
    cut = logs.origin + dt.timedelta(days=79)
    found = learn_contact(logs, cut_off=cut, customers=np.arange(800))
    assert found is not None
    task: Any = found.tasks["mute"]
    assert task.events == int(((logs.touches["kind"] == "mute") & (logs.touches["day"] > 79)).sum())  # type: ignore[index]
    model, constant = task.scores["model"], task.scores["base rate"]
    assert model.auc > 0.8
    assert model.log_loss < constant.log_loss
    assert model.bias == pytest.approx(1.0, abs=0.3)  # about 100 mutes are judged: 1 sd is 0.1
    assert model.ece10 < 0.3 * task.events / task.rows
