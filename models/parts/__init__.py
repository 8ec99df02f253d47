"""The parts of CMML: encoders, hybrid contexts, modulations, backbones."""
