"""How good are the answers? Held-back views, rivals, and worlds whose truth is planted."""
