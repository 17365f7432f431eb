"""Datasets: where they come from, what people drew, and the prepared arrays."""
