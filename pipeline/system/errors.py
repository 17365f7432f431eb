"""The errors that a user can fix. The word "Error:" and the exit code are added by `pipeline.system.command_line`.

```
UserError
├── ConfigurationError
├── DataError
│   └── DataUnavailable
├── ModelError
├── TrainingDiverged
└── RunError             (`pipeline.tracking.registry`)
    └── NoRuns
```
"""

from pipeline.system.masking import masked


class UserError(Exception):
    """An error that the user can fix.

    Args:
        message: what was wrong, what is expected, what was received, and the remedy. Passwords in it are masked.
    """

    def __init__(self, message: str) -> None:
        super().__init__(masked(message))


class ConfigurationError(UserError):
    """The configuration breaks the schema."""


class DataError(UserError):
    """Images or labels are not what they should be."""


class DataUnavailable(DataError):
    """The files of a dataset are in no folder, and can't be downloaded from any mirror."""


class TrainingDiverged(UserError):
    """The loss is no longer a finite number."""


class ModelError(UserError):
    """A model file is missing, broken, or not a model that this project can use."""
