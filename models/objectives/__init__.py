"""What is learned: losses of ratings and of clicks."""
