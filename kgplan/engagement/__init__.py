"""How engaged does a learner seem, from what a page sees of itself?

Source: Su and Sun, "Multimodal recommendation for preschool learning", 2025; equations by number,
in the readings of the specification. Sizes: S sessions, T windows of a session, M modalities,
d width of a feature, h of the state, U learners.
"""
