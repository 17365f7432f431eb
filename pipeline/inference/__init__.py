"""A model file opened safely; strokes or a picture in, digits out."""
