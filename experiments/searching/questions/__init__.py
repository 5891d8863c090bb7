"""What is asked of a recommendation: fronts, prices, what mattered, what it rests on, what is worth knowing."""
