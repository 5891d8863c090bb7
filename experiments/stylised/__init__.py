"""Stylised facts: what sources report of private domains, asked of worlds that were not told."""
