"""The shipped documents: YAML only. A package so that they are found however siyu is installed."""
