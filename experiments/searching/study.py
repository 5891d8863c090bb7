"""The study on disk: trials that survive a kill, proposals that do not depend on who evaluates them."""

from __future__ import annotations

import hashlib
import warnings
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from experiments.searching.plan import SearchPlan
from sim.errors import StudyError

optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)

STARTUP = 10  # trials before the sampler learns, Optuna's default; the enqueued ones count
BUDGET = "budget"  # name of the constraint


class StudyFile:
    """An Optuna study in a journal file, asked in fixed batches.

    Before each question the sampler is seeded with a hash of the plan's seed and the trial's number. So a proposal
    depends on the trials before its batch and on nothing else, and an interrupted search goes on as if it had not been.

    Parameters
    ----------
    path : the journal.
    plan : space and seed.
    made_from : what the study belongs to, name to hash; a journal made from something else is refused.
    """

    def __init__(self, path: Path, plan: SearchPlan, made_from: dict[str, str]) -> None:
        self.plan = plan
        self.resumed = path.exists()
        _drop_torn_line(path)
        storage = JournalStorage(JournalFileBackend(str(path)))
        self.study = optuna.create_study(
            storage=storage, study_name="siyu", direction="maximize", load_if_exists=True, sampler=self._sampler(0),
            pruner=optuna.pruners.NopPruner(),
        )  # fmt: skip
        known: dict[str, str] = self.study.user_attrs.get("made_from", {})
        if not known:
            self.study.set_user_attr("made_from", made_from)
        for name, value in made_from.items():
            if known and known.get(name) != value:
                raise StudyError(
                    f"this study was made with another {name}",
                    place=str(path),
                    value=known.get(name),
                    cure=f"now it is {value}; give another --out, or restore the {name}",
                )

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        digest = hashlib.blake2b(f"{self.plan.seed}/{number}".encode(), digest_size=4).digest()
        seed = int.from_bytes(digest, "little")
        return optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=True, constant_liar=True)

    def enqueue(self, params: dict[str, Any], label: str) -> None:
        """Put a policy before all that the sampler proposes, unless it stands there already."""
        if any(t.user_attrs.get("label") == label for t in self.study.get_trials(deepcopy=False)):
            return
        self.study.enqueue_trial(params, user_attrs={"label": label})

    def asked(self) -> list[optuna.trial.FrozenTrial]:
        """Trials that were proposed, finished or not."""
        return [t for t in self.study.get_trials(deepcopy=False) if t.state != TrialState.WAITING]

    def next_batch(self) -> list[tuple[optuna.Trial, dict[str, Any]]]:
        """Proposals to evaluate now: first those that an interruption left open, then new ones up to a full batch."""
        asked = self.asked()
        batch: list[tuple[optuna.Trial, dict[str, Any]]] = []
        for frozen in asked:
            if frozen.state == TrialState.RUNNING:
                self.study.sampler = self._sampler(frozen.number)
                batch.append(self._values(optuna.Trial(self.study, frozen._trial_id)))
        missing = -len(asked) % self.plan.batch or (0 if batch else self.plan.batch)
        for number in range(len(asked), min(len(asked) + missing, self.plan.trials)):
            self.study.sampler = self._sampler(number)
            batch.append(self._values(self.study.ask()))
        return batch

    def _values(self, trial: optuna.Trial) -> tuple[optuna.Trial, dict[str, Any]]:
        return trial, {d.name: trial._suggest(d.name, d.distribution) for d in self.plan.dimensions()}

    def tell(self, trial: optuna.Trial, value: float, spend: float, more: dict[str, Any]) -> None:
        """Record a result; with a budget, what was overspent is a constraint."""
        if self.plan.budget is not None:
            trial.set_constraint(BUDGET, spend - self.plan.budget)
        for name, content in {**more, "spend": spend}.items():
            trial.set_user_attr(name, content)
        self.study.tell(trial, value)

    def finished(self) -> list[optuna.trial.FrozenTrial]:
        """Complete trials by number."""
        return [t for t in self.study.get_trials(deepcopy=False) if t.state == TrialState.COMPLETE]

    def uplift(self, trial: optuna.trial.FrozenTrial) -> float:
        """Mean uplift of a finished trial."""
        assert trial.value is not None  # complete trials have a value
        return float(trial.value)

    def feasible(self, trial: optuna.trial.FrozenTrial) -> bool:
        """Whether the mean spend of the trial kept the budget."""
        return self.plan.budget is None or float(trial.user_attrs["spend"]) <= self.plan.budget

    def importances(self) -> dict[str, float]:
        """Share of each lever in the variation among all trials, by PED-ANOVA; empty when undefined."""
        trials = self.finished()
        if len(trials) < 8 or len({t.value for t in trials}) < 2:
            return {}
        try:
            return dict(optuna.importance.get_param_importances(self.study))
        except (RuntimeError, ValueError):  # a lever that never moved
            return {}


def _drop_torn_line(path: Path) -> None:
    """Cut a last line that a kill left half written; the journal would otherwise be unreadable from there on."""
    if not path.exists():
        return
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        with path.open("r+b") as handle:
            handle.truncate(data.rfind(b"\n") + 1)
