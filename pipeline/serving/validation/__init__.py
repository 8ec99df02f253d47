"""Whether a version loads, runs and answers as the trained model does."""
