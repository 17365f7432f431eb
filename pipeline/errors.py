"""The errors that a user can mend.

They are SystemExits: where nothing catches them Python prints the message alone, without a traceback, and exits with 1; and
they come through OmegaConf and DVC, which wrap any Exception and report it as an unexpected one, when these compose.
"""


class UserError(SystemExit):
    """Something the user can mend. The message says what was wrong, what is expected, what was received, and the remedy."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Error: {message}")


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
