"""How likely is each resource opened next, by what it is about, the graph, and views in order?

Each part is written once, over arrays of NumPy or of PyTorch: `xp` names which. PyTorch trains,
NumPy serves.
Source: T. Li, AMNS 2025, amns-2025-0829; equations by number, in the readings of the specification.
Sizes: B learners at once, U learners, V resources, K concepts, M modalities, T views, d width.
"""
