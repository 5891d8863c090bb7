"""The private domain: customers, scenario, policy, operator actions, customer behaviours, learned models."""
