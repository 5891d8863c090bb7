"""The record of a run: everything that its report says, as data on disk. A report is made from it and nothing else."""

from __future__ import annotations

import datetime as dt
import io
import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
from pydantic import BaseModel
from ruamel.yaml import YAML

from agents.domain import PrivateDomain
from agents.effects import EFFECT_NAMES, Effect
from agents.policy import DO_NOTHING, Policy
from agents.scenario import Scenario
from experiments.accounts import identities, identity_frame
from experiments.compare import Difference, Verdict, difference
from experiments.reporting.searched import Searched, searched_of
from experiments.reporting.tiers import tier_table
from experiments.results import Results, paired, write_json
from experiments.searching.finals.finalists import NOTHING, STATUS_QUO
from sim.errors import SpecError, StudyError
from sim.spec import Spec, validate

if TYPE_CHECKING:
    from experiments.searching.result import SearchResult

FACTS = "record.json"
TABLES = ("replicates", "weekly", "money", "census", "trials", "tiers", "identities")


class World(Spec):
    """What the report says of the scenario."""

    title: str
    start: dt.date
    horizon_days: int
    currency: str
    margin: float
    discount_rate: float
    wage: float
    hours_per_week: float
    effects: dict[str, Effect]


class Facts(Spec):
    """What is said of a run beside its tables.

    ``policies`` are plain data by arm, the one in question first; ``docs`` the meaning of their fields by dotted path;
    ``differences`` those of the first arm against the second (in a search: against the status quo).
    """

    kind: Literal["search", "compare", "simulate"]
    title: str
    world: World
    policies: dict[str, dict[str, Any]]
    docs: dict[str, str]
    differences: dict[str, Difference]
    search: Searched | None = None

    @property
    def arms(self) -> list[str]:
        """Names of the arms, the one in question first."""
        return list(self.policies)


@dataclass(frozen=True)
class RunRecord:
    """Facts, tables and provenance of a run.

    Attributes
    ----------
    tables : ``replicates``, ``weekly``, ``money``, ``census``; of a search also ``trials``, ``tiers`` and
        ``identities``.
    documents : experiment and search as run, plain data; the command to run them again stands in the report.
    """

    facts: Facts
    tables: dict[str, pd.DataFrame]
    provenance: dict[str, Any]
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write everything into a folder, file by file, never half a file."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, frame in self.tables.items():
            mixed = [column for column in frame.columns if frame[column].dtype == object]
            temporary = folder / f"{name}.tmp"
            frame.astype(dict.fromkeys(mixed, str)).to_parquet(temporary, index=False)
            temporary.replace(folder / f"{name}.parquet")
        for name, document in self.documents.items():
            (folder / f"{name}.yaml").write_text(as_yaml(document), encoding="utf-8")
        write_json(folder / "provenance.json", self.provenance)
        write_json(folder / FACTS, self.facts.model_dump(mode="json"))

    @classmethod
    def load(cls, folder: Path) -> RunRecord:
        """Read what :meth:`save` wrote. Raises StudyError when the folder holds no finished run."""
        if not (folder / FACTS).exists():
            raise StudyError("no finished run here", place=str(folder), cure=f"a run's folder holds {FACTS}")
        try:
            facts = validate(Facts, json.loads((folder / FACTS).read_text(encoding="utf-8")))
            paths = {name: folder / f"{name}.parquet" for name in TABLES}
            tables = {name: pd.read_parquet(path) for name, path in paths.items() if path.exists()}
            return cls(facts, tables, json.loads((folder / "provenance.json").read_text(encoding="utf-8")))
        except (ValueError, OSError, SpecError) as error:  # no JSON, no Parquet, no longer there, another version
            reason = "its record has other fields" if isinstance(error, SpecError) else str(error).splitlines()[0]
            cure = "it was changed, or made by another version; run it again"
            raise StudyError(f"this run cannot be read: {reason}", place=str(folder), cure=cure) from None


def as_yaml(data: dict[str, Any]) -> str:
    """Plain data as a YAML document; fields that are None are left out, since that is their default."""
    yaml, text = YAML(pure=True), io.StringIO()
    yaml.width = 100
    yaml.dump(_without_none(data), text)
    return text.getvalue()


def _without_none(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _without_none(value) for key, value in data.items() if value is not None}
    return [_without_none(value) for value in data] if isinstance(data, list | tuple) else data


# -- records of runs --------------------------------------------------------------------------------------------------


def record_of_search(result: SearchResult) -> RunRecord:
    """The record of a search. Winner and status quo live one detailed replicate for sales by tier and identities."""
    ground, outcomes = result.ground, result.results.arms
    policies = {"winner": result.winner.policy, STATUS_QUO: ground.status_quo, NOTHING: DO_NOTHING}
    if result.winner.label in (STATUS_QUO, NOTHING):  # the recommended policy has a name of its own
        del policies["winner"]
        policies = {result.winner.label: policies[result.winner.label], **policies}
    arms = Results({arm: outcomes[arm] for arm in policies})
    first, base = next(iter(arms.arms.values())), outcomes[STATUS_QUO]
    facts = Facts(
        kind="search",
        title=result.experiment.title,
        world=_world(ground.scenario),
        policies={arm: policy.model_dump(mode="json") for arm, policy in policies.items()},
        docs={path: text for policy in policies.values() for path, text in meanings(policy)},
        differences={m: difference(m, paired(first, base, m)) for m in ("clv", "equity", "revenue", "spend")},
        search=searched_of(result),
    )
    lived = {
        arm: PrivateDomain(ground.scenario, policies[arm], seed=base[0].seed, learned=ground.learned)
        for arm in facts.arms
        if arm != NOTHING or arm == facts.arms[0]
    }
    for world in lived.values():
        world.run()
    tables = {
        **_tables(arms),
        "trials": result.trials,
        "tiers": pd.concat([tier_table(arm, world) for arm, world in lived.items()], ignore_index=True),
        "identities": pd.concat(
            [identity_frame(arm, identities(world)) for arm, world in lived.items()], ignore_index=True
        ),
    }
    return RunRecord(facts, tables, result.results.provenance | {"command": _command(result)}, _documents(result))


def _command(result: SearchResult) -> str:
    folder = result.folder.as_posix()
    return shlex.join(["siyu", "search", f"{folder}/experiment.yaml", "--out", f"{folder}-again"])


def _documents(result: SearchResult) -> dict[str, dict[str, Any]]:
    """Experiment and plan as they were run, and the recommended policy."""
    here = {"search": f"{result.folder.as_posix()}/search.yaml"}
    return {
        "experiment": result.experiment.model_dump(mode="json") | here,
        "search": result.plan.model_dump(mode="json"),
        "recommended": result.winner.policy.model_dump(mode="json"),
    }


def record_of_run(
    run: Results | Verdict, *, scenario: Scenario, policies: Sequence[Policy], command: str = ""
) -> RunRecord:
    """The record of ``simulate`` or ``compare``.

    Parameters
    ----------
    policies : those of the arms, in their order: the policy, or trial and base.
    command : the command line that makes it again.
    """
    results, named = (run.results, True) if isinstance(run, Verdict) else (run, False)
    titles = [policy.title for policy in policies]
    names = titles if len(set(titles)) == len(titles) else list(results.arms)
    arms = Results(dict(zip(names, results.arms.values(), strict=True)))
    facts = Facts(
        kind="compare" if named else "simulate",
        title=" against ".join(names),
        world=_world(scenario),
        policies={name: policy.model_dump(mode="json") for name, policy in zip(names, policies, strict=True)},
        docs={path: text for policy in policies for path, text in meanings(policy)},
        differences=run.differences if isinstance(run, Verdict) else {},
    )
    more = {"command": command} if command else {}
    return RunRecord(facts, _tables(arms), results.provenance | more)


def _tables(results: Results) -> dict[str, pd.DataFrame]:
    return {
        "replicates": results.frame(), "weekly": results.weekly(), "money": results.money(),
        "census": results.census(),
    }  # fmt: skip


def _world(scenario: Scenario) -> World:
    return World(
        title=scenario.title,
        start=scenario.start,
        horizon_days=scenario.horizon_days,
        currency=scenario.currency,
        margin=scenario.margin,
        discount_rate=scenario.discount_rate,
        wage=scenario.staff.wage_cny_per_hour,
        hours_per_week=scenario.staff.hours_per_week,
        effects={name: getattr(scenario.effects, name) for name in EFFECT_NAMES},
    )


def meanings(part: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Dotted path and description of every field of a document."""
    if isinstance(part, BaseModel):
        for name, info in type(part).model_fields.items():
            here = f"{path}.{name}" if path else name
            yield here, info.description or ""
            yield from meanings(getattr(part, name), here)
    elif isinstance(part, dict):
        for name, value in part.items():
            yield from meanings(value, f"{path}.{name}")
    elif isinstance(part, tuple):
        for number, value in enumerate(part):
            yield from meanings(value, f"{path}.{number}")
