"""Searching: what a search is made of, from levers and proposals to the final judgement."""
