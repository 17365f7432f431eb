"""Images of digits: the array contract, and the ways from strokes and pictures to it."""
