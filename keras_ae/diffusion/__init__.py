"""Diffusion in pixels and in the codes of an autoencoder."""
