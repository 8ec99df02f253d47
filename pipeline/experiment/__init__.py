"""The YAML file of an experiment, its run directory, and what all steps share."""
