"""Records of a prepared data set as batches of episodes."""
