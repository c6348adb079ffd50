"""Which weights should a ranking of resources have for this learner now, learned from rewards?

A DQN moves the weights of eq. (3), (7) and (8) by small steps, or holds them. PyTorch trains it,
NumPy serves it.
Source: T. Li, AMNS 2025, amns-2025-0829, section 6 of the specification.
Sizes: B learners at once, F numbers of a state, A actions.
"""
