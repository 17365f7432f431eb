"""``python -m pipeline.sweep``: try many configurations, and keep the best as an experiment."""

from pipeline import tracking as tracking  # has MLflow's settings, which must come before MLflow
