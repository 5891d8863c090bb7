"""The final round: nominees, judgement, and the policy that is named."""
