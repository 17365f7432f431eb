"""Handwritten digit recognition, from MNIST to ``models/mnist.h5``: the stages of ``dvc.yaml`` and what they are made of."""
