"""MLflow: one run an execution, and the runs as commands and the window see them."""
