"""Images of digits: the array contract, and the ways from strokes, photos and scans to it."""
