"""What is drawn and shown, without Tk."""
