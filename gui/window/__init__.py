"""The window, in Tk.

Everywhere `px` is the display scaling, which is 1 for 96 dots an inch, and `palette` the colours of the theme.
"""
