"""Causal estimates from logs: what the operator's coupons and messages did, or that the logs cannot tell."""
