"""Accounts of lived worlds: identities of sales and interaction, and the trust funnel."""

from experiments.accounts.funnel import funnel
from experiments.accounts.identities import Factor, Identity, identities, identity_frame

__all__ = ["Factor", "Identity", "funnel", "identities", "identity_frame"]
