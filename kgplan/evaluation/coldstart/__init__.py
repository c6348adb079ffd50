"""Does it help a learner of whom little is known to know whom the learner is like?"""
