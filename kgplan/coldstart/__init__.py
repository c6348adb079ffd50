"""Whom is a learner like of whom little is known, and what may be lent from them?

A Siamese tower makes vectors of what little is known; learners with near vectors lend their mastery
as a prior. PyTorch trains, NumPy serves.
Source: Sangeetha et al., hybrid Siamese neural network; equations by number, in the readings of the
specification.
Sizes: B learners asked about, U known learners, V items, K concepts, C courses, G groups, d width.
"""
