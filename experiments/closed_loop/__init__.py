"""The closed loop: hidden worlds write logs, the product learns from these alone, and its policy is lived there."""
