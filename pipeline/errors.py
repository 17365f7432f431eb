"""The errors that a user can mend. The word "Error:" and the exit code are added by `pipeline.command_line`.

```
UserError
├── ConfigurationError
├── DataError
│   └── DataUnavailable
├── ModelError
├── TrainingDiverged
└── RunError             (`pipeline.store`)
    └── NoRuns
```
"""


class UserError(Exception):
    """Something the user can mend. The message says what was wrong, what is expected, what was received, and the remedy."""


class ConfigurationError(UserError):
    """The configuration breaks the schema."""


class DataError(UserError):
    """Pictures or labels are not what they should be."""


class DataUnavailable(DataError):
    """The files of a dataset are in none of its folders, and no mirror gave them."""


class TrainingDiverged(UserError):
    """The loss is no longer a finite number."""


class ModelError(UserError):
    """A model file is missing, broken, or not a model that this project can use."""
