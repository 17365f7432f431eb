"""The window, in Tk."""
