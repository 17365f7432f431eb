"""MLflow: one run an execution, and the runs as commands and the window see them."""

import os

# Before MLflow is loaded. Its telemetry reports to its makers; without a network it gives up after a while, and deletes a
# variable of the environment, at which a request that another thread is making fails.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
