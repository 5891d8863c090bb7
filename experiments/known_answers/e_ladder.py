"""Family E: a trust ladder climbed under a budget, a constrained Markov decision process.

Each week a customer on level L0 … L5 gets nothing, content, a chat, a coupon or an event. It orders or not; then it
leaves for good or stays; who stays rises a level, falls one or keeps it. All start on L0. Under a budget of expected
discounted spend the best policy mixes two activities on one level, so care may be one activity for a share of the
customers' weeks and another for the rest. Spend is what activities cost; the lower margin with a coupon is none of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from pydantic import model_validator

from agents.calendar import Calendar
from agents.customers import LEVELS
from agents.policy import Policy
from agents.scenario import Scenario
from experiments.known_answers import e_ladder_world as world
from experiments.known_answers.e_chain import Best, Chain
from experiments.known_answers.e_ladder_world import (
    ACTIVITIES,
    COUPON,
    Activity,
    ActivityCosts,
    CareByLevel,
    Chance,
    LadderCare,
    LadderMoves,
    LadderPurchase,
    LevelCare,
    Row,
    check_ladder,
)
from experiments.known_answers.family import (
    UNIT_CNY,
    Family,
    Floats,
    Moments,
    annual_rate,
    shortest_period,
    world_of,
)
from experiments.known_answers.question import Question
from sim.errors import SpecError
from sim.spec import parameter

CARE = "care"  # name of the action in the family's policies
LEVERS = f"actions.{CARE}.levels"
LONGEST_DAYS = 3660  # Scenario.horizon_days
NEGLIGIBLE = 1e-3  # share of the value by which a better policy over a question's horizon may escape its ``best``

Care = Sequence[Activity | LevelCare]
"""What each level gets, from L0 up: an activity for all, or two in shares."""


@dataclass(frozen=True)
class Plan:
    """The best care within a budget, in the long run.

    Attributes
    ----------
    care : for each level.
    value : expected discounted profit per customer, net of spend.
    spend : expected discounted spend per customer.
    shadow_price : what one more unit of the budget earns, net of that unit. The gross margin that it brings, which is
        the dual of a programme that maximises margin alone, is higher by one.
    """

    care: tuple[LevelCare, ...]
    value: float
    spend: float
    shadow_price: float


class TrustLadder(Family):
    """A trust ladder. The levers are the activities on each level and their shares."""

    up: tuple[Row, ...] = parameter(
        (
            (0.010, 0.030, 0.080, 0.040, 0.050),
            (0.010, 0.030, 0.070, 0.035, 0.060),
            (0.008, 0.025, 0.060, 0.025, 0.055),
            (0.005, 0.018, 0.045, 0.015, 0.045),
            (0.002, 0.010, 0.025, 0.008, 0.030),
            (0.0, 0.0, 0.0, 0.0, 0.0),
        ),
        min_length=1, max_length=len(LEVELS),
        doc="chance of rising of who stays, by level and activity",
    )  # fmt: skip
    churn: tuple[Row, ...] = parameter(
        (
            (0.060, 0.050, 0.045, 0.055, 0.055),
            (0.040, 0.033, 0.028, 0.037, 0.035),
            (0.025, 0.020, 0.017, 0.024, 0.021),
            (0.015, 0.012, 0.010, 0.015, 0.012),
            (0.008, 0.0065, 0.0055, 0.0085, 0.0062),
            (0.004, 0.0034, 0.003, 0.0048, 0.0032),
        ),
        doc="chance of leaving, by level and activity",
    )
    down: tuple[Chance, ...] = parameter(
        (0.0, 0.010, 0.010, 0.008, 0.006, 0.004), doc="chance of falling of who stays, by level"
    )
    buy: tuple[Row, ...] = parameter(
        (
            (0.01, 0.012, 0.015, 0.05, 0.015),
            (0.02, 0.025, 0.03, 0.08, 0.03),
            (0.04, 0.048, 0.055, 0.12, 0.055),
            (0.07, 0.082, 0.09, 0.16, 0.095),
            (0.11, 0.125, 0.135, 0.21, 0.14),
            (0.16, 0.175, 0.185, 0.26, 0.20),
        ),
        doc="chance of an order, by level and activity",
    )
    costs: ActivityCosts = parameter(
        ActivityCosts(content=0.10, chat=1.5, coupon=1.0, event=0.8), doc="cost of a week of each activity, in units"
    )
    margin: float = parameter(25.0, ge=0, doc="margin of an order")
    coupon_margin: float = parameter(17.0, ge=0, doc="margin of an order with a coupon")
    discount: float = parameter(0.99, gt=0, lt=1, doc="discount factor of a week")

    @model_validator(mode="after")
    def _ladder(self) -> Self:
        check_ladder(self.up, self.churn, self.down)
        if len(self.buy) != len(self.up):
            raise ValueError(f"buy has {len(self.buy)} levels and up {len(self.up)}; give one row for each level")
        if self.week_days > LONGEST_DAYS:
            raise ValueError(f"a discount factor of {self.discount:g} a week leaves no room for a week; raise it")
        return self

    @property
    def week_days(self) -> int:
        """Model days that stand for a week."""
        return shortest_period(-math.log(self.discount))

    @property
    def longest(self) -> int:
        """Weeks in the longest run that a scenario may have."""
        return (LONGEST_DAYS - 1) // self.week_days + 1

    # -- documents ----------------------------------------------------------------------------------------------

    def scenario(self, *, customers: int, weeks: int) -> Scenario:
        """The world for so many weeks."""
        days = self.week_days
        money = {"margin_cny": self.margin * UNIT_CNY, "coupon_margin_cny": self.coupon_margin * UNIT_CNY}
        return world_of(
            {
                "purchase": LadderPurchase(buy=self.buy, week_days=days, **money),
                "moves": LadderMoves(up=self.up, churn=self.churn, down=self.down, week_days=days),
            },
            title="trust ladder",
            module=world.__name__,
            customers=customers,
            days=(weeks - 1) * days + 1,
            discount_rate=annual_rate(-math.log(self.discount), days),
        )

    def policy(self, *, care: Care) -> Policy:
        """Care for every level, weekly."""
        plan = self._plan(care)
        costs = {name: cost * UNIT_CNY for name, cost in self.costs.model_dump().items()}
        action = LadderCare(
            levels=CareByLevel(**dict(zip(LEVELS, plan, strict=False))),
            cost_cny=ActivityCosts(**costs),
            calendar=Calendar(every_days=self.week_days),
        )
        title = ", ".join(one.action if one.share == 1 else f"{one.action}/{one.otherwise}" for one in plan)
        return Policy(title=title, actions={CARE: action}, plugins=(world.__name__,))

    def care_of(self, policy: Policy) -> tuple[LevelCare, ...]:
        """What a policy of this family gives to each level."""
        for action in policy.actions.values():
            if isinstance(action, LadderCare):
                return action.levels.values()[: len(self.up)]
        return (LevelCare(),) * len(self.up)

    # -- truth --------------------------------------------------------------------------------------------------

    def exact(self, *, care: Care, weeks: int | None = None) -> float:
        """Value per customer over so many weeks, or for ever."""
        chain = self._chain()
        return chain.total(self._mix(care), chain.profit, weeks)

    def spent(self, *, care: Care, weeks: int | None = None) -> float:
        """Discounted spend per customer over so many weeks, or for ever."""
        chain = self._chain()
        return chain.total(self._mix(care), chain.cost, weeks)

    def moments(self, *, care: Care, weeks: int, of_spend: bool = False) -> Moments:
        """Mean and standard deviation of one customer's value, or discounted spend, over so many weeks."""
        return self._chain().moments(self._mix(care), weeks, of_cost=of_spend)

    def optimum(self, *, budget: float | None = None, among: Sequence[Activity] = ACTIVITIES) -> Plan:
        """The best of all policies that use these activities, within a budget of expected discounted spend.

        Raises
        ------
        SpecError
            When no such policy keeps the budget.
        """
        best = self._chain().best([ACTIVITIES.index(name) for name in among], budget)
        care = _care(best)
        return Plan(care, best.value, self.spent(care=care), best.price)

    def question(
        self, *, customers: int = 20_000, budget: float | None = None, among: Sequence[Activity] = ACTIVITIES
    ) -> Question:
        """Which activity on which level, over the longest horizon; the status quo gives everybody the cheapest one.

        Without a budget the levers are the activities. With one they are two activities and a share on each level or,
        when ``among`` has only two, the share of the second: the others get the first.

        Raises
        ------
        SpecError
            When the status quo exceeds the budget, or when the horizon cuts off so much that the best policy of the
            long run need not be the best within it.
        """
        weeks, limited = self.longest, budget is not None
        best, price = self._best_within(weeks, budget, among)
        ceiling, _ = self._chain().ceiling(range(len(ACTIVITIES)), budget, weeks)

        def truth(policy: Policy) -> float:
            return self.exact(care=self.care_of(policy), weeks=weeks) * UNIT_CNY

        def spend(policy: Policy) -> float:
            return self.spent(care=self.care_of(policy), weeks=weeks) * UNIT_CNY

        return Question(
            scenario=self.scenario(customers=customers, weeks=weeks),
            status_quo=self._status_quo(weeks, budget, among),
            space=self._space(list(among), mixed=limited),
            truth=truth,
            best=best * UNIT_CNY,
            ceiling=ceiling * UNIT_CNY,
            limits={} if budget is None else {"spend_discounted": {"at_most": budget * UNIT_CNY}},
            spend=spend if limited else None,
            shadow_price=price if limited else None,
        )

    def _best_within(self, weeks: int, budget: float | None, among: Sequence[Activity]) -> tuple[float, float]:
        """Value over so many weeks of the best policy of the long run, and the price of the budget within them."""
        best = self.exact(care=self.optimum(budget=budget, among=among).care, weeks=weeks)
        ceiling, price = self._chain().ceiling([ACTIVITIES.index(name) for name in among], budget, weeks)
        if ceiling - best > NEGLIGIBLE * abs(ceiling):
            raise SpecError(
                f"{weeks} weeks, the longest horizon, cut off too much: the best policy of the long run reaches "
                f"{best:.6g} in them, and up to {ceiling:.6g} may be reached",
                place="discount", value=self.discount, cure="lower the discount factor",
            )  # fmt: skip
        return best, price

    def _status_quo(self, weeks: int, budget: float | None, among: Sequence[Activity]) -> Policy:
        cheapest = min(among, key=lambda name: self._costs()[ACTIVITIES.index(name)])
        alike = LevelCare(action=cheapest, otherwise=cheapest)
        if budget is not None and len(among) == 2:
            alike = LevelCare(action=among[1], otherwise=among[0], share=float(cheapest == among[1]))
        care = [alike] * len(self.up)
        spent = self.spent(care=care, weeks=weeks)
        if budget is not None and spent > budget:
            raise SpecError(
                f"{cheapest} for everybody spends {spent:.6g}, more than the budget", place="budget", value=budget,
                cure="raise it or allow a cheaper activity",
            )  # fmt: skip
        return self.policy(care=care)

    def _space(self, among: list[Activity], *, mixed: bool) -> dict[str, dict[str, Any]]:
        share = {"low": 0.0, "high": 1.0}
        each: dict[str, dict[str, Any]] = {"action": {"choices": among}}
        if mixed:
            each = {"share": share} if len(among) == 2 else {**each, "otherwise": {"choices": among}, "share": share}
        return {f"{LEVERS}.{level}.{name}": lever for level in LEVELS[: len(self.up)] for name, lever in each.items()}

    # -- the decision process -----------------------------------------------------------------------------------

    def _chain(self) -> Chain:
        up, churn, buy = (np.array(table) for table in (self.up, self.churn, self.buy))
        levels, down = len(up), np.array(self.down)[:, None]
        step = np.zeros((levels, len(ACTIVITIES), levels))
        here = np.arange(levels)
        step[here, :, here] = 1 - up - down
        step[here[:-1], :, here[1:]] = up[:-1]
        step[here[1:], :, here[:-1]] = down[1:]
        cost = np.tile(self._costs(), (levels, 1))
        worth = np.where(np.arange(len(ACTIVITIES)) == COUPON, self.coupon_margin, self.margin)
        return Chain(
            move=(1 - churn)[:, :, None] * step,
            profit=buy * worth - cost,
            square=buy * (worth - cost) ** 2 + (1 - buy) * cost**2,
            cost=cost,
            factor=self.discount,
        )

    def _costs(self) -> Floats:
        return np.array([0.0, self.costs.content, self.costs.chat, self.costs.coupon, self.costs.event])

    def _plan(self, care: Care) -> tuple[LevelCare, ...]:
        if len(care) != len(self.up):
            raise SpecError(
                f"{len(self.up)} levels need as many entries", place="care", value=list(care),
                cure="give an activity, or two and a share, for each level",
            )  # fmt: skip
        return tuple(one if isinstance(one, LevelCare) else LevelCare(action=one) for one in care)

    def _mix(self, care: Care) -> Floats:
        mix = np.zeros((len(self.up), len(ACTIVITIES)))
        for row, one in zip(mix, self._plan(care), strict=True):
            row[ACTIVITIES.index(one.action)] += one.share
            row[ACTIVITIES.index(one.otherwise)] += 1 - one.share
        return mix


def _care(best: Best) -> tuple[LevelCare, ...]:
    """Activities and shares of a mix; a best one has two on one level at most, and one on the others."""
    care = []
    for row in best.mix:
        likely, other = np.argsort(-row, kind="stable")[:2]
        share = float(row[likely] / (row[likely] + row[other]))
        care.append(LevelCare(action=ACTIVITIES[likely], share=share, otherwise=ACTIVITIES[other if share < 1 else 0]))
    return tuple(care)
