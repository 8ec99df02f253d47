"""What learned baselines are made of: networks, memories, inner loops, inputs."""
