"""Accounts of lived worlds: identities of sales and interaction, the trust funnel, and segments."""

from experiments.accounts.funnel import funnel
from experiments.accounts.identities import Factor, Identity, identities, identity_frame
from experiments.accounts.segments import segments

__all__ = ["Factor", "Identity", "funnel", "identities", "identity_frame", "segments"]
