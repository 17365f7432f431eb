"""The configuration: the type and bounds of every key, and how a mistake is told."""
