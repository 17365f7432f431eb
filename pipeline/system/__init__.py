"""What every part stands on: errors, paths, processes, the command line, TensorFlow's start."""
