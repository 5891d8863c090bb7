"""Effects as distributions: what an estimate leaves open is drawn anew in every replicate, the same in every arm."""

from __future__ import annotations

from scipy.special import ndtri

from sim.draws import Draws
from sim.spec import Spec, parameter

EFFECT_NAMES = (
    "coupon", "member_price", "advert", "content", "chat", "trust", "quote", "bait", "live",
    "community", "novelty",
)  # fmt: skip


class Effect(Spec):
    """A treatment effect on log-odds, of ordering unless said otherwise: normal with this mean and this deviation."""

    mean: float = parameter(doc="mean on the log-odds scale")
    sd: float = parameter(0.0, ge=0, doc="standard deviation: how much the estimate leaves open")
    source: str = parameter("assumed", doc="where the numbers come from")
    identified: bool = parameter(False, doc="estimated from these logs with a placebo that passed")

    def scaled(self, factor: float) -> Effect:
        """The same effect, so many times as strong."""
        return self.model_copy(update={"mean": self.mean * factor, "sd": self.sd * abs(factor)})


class Effects(Spec):
    """All effects of a scenario; every default is a prior and says so."""

    coupon: Effect = Effect(
        mean=4.4, sd=1.5, source="prior: 4.4 per unit of depth, catalogue coupons, Gönül & Shi (1998); width assumed"
    )
    member_price: Effect = Effect(
        mean=2.0, sd=0.7, source="prior: half of a coupon's, a standing price loses novelty; assumed"
    )
    advert: Effect = Effect(
        mean=0.12, sd=0.05, source="prior: log-odds on the day of an advert, trusting reader; assumed"
    )
    content: Effect = Effect(mean=0.04, sd=0.02, source="prior: log-odds on the day of value content; assumed")
    chat: Effect = Effect(mean=0.4, sd=0.15, source="prior: log-odds on the day of an answered chat; assumed")
    trust: Effect = Effect(mean=1.0, sd=0.4, source="prior: log-odds from no goodwill to full goodwill; assumed")
    quote: Effect = Effect(mean=1.5, sd=0.5, source="prior: log-odds on the day of an answered request; assumed")
    bait: Effect = Effect(
        mean=2.0,
        sd=0.7,
        source="prior: log-odds of adding the contact per share of an order that bait is worth; assumed",
    )
    live: Effect = Effect(
        mean=0.6, sd=0.25, source="prior: log-odds on the day of a live stream watched, trusting viewer; assumed"
    )
    community: Effect = Effect(
        mean=0.05, sd=0.02,
        source="prior: log-odds that a day in a community of usual activity adds, 0.17 in all while it fades: 19 % more"
        " revenue of those who join, Manchanda, Packard & Pattabhiramaiah (2015); width assumed",
    )  # fmt: skip
    novelty: Effect = Effect(
        mean=0.5, sd=0.2, source="prior: log-odds on the day of one new product that was looked at; assumed"
    )

    def draw(self, draws: Draws) -> dict[str, float]:
        """One value per effect for this replicate."""
        return {
            name: effect.mean + effect.sd * float(ndtri(draws.one(f"effect.{name}")))
            for name in EFFECT_NAMES
            for effect in (getattr(self, name),)
        }

    def scaled(self, name: str, factor: float) -> Effects:
        """A copy in which one effect is so many times as strong."""
        return self.model_copy(update={name: getattr(self, name).scaled(factor)})
