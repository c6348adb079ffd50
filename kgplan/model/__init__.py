"""The model in use: opened, listed, switched."""
