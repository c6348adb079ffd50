"""How good are the answers? Held-back views, rivals, plans, and worlds whose truth is planted."""
