"""The network, what it is trained with, and the training loop."""
