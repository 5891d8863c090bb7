"""What may move in a policy: levers, their coordinates, conditions and rules."""
