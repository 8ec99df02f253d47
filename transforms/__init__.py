"""Raw interaction logs to a prepared data set of episodes, by Beam."""
