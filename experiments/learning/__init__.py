"""Learning from logs: replay, estimation, judgement out of time."""
