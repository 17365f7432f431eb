"""The process that reads drawings, what is said to it, and the models that can be chosen. Without Tk."""
