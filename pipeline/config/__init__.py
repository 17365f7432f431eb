"""The configuration: the type and bounds of every key, and the messages about mistakes."""
