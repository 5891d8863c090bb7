"""Forecasts: the world run forward from a cut-off, its rivals, and the facts that both are held against."""
