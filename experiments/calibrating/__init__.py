"""Calibrating: scenario parameters that no model learns, fitted to facts about the real brand."""
