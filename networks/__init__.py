"""The generators, encoders, discriminator, losses and their configuration, in plain PyTorch."""
