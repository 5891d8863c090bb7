"""Trying policies: the loop, the pilot, races, a first look in a smaller world."""
