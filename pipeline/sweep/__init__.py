"""``python -m pipeline.sweep``: try many configurations, and keep the best as an experiment."""
