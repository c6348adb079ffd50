"""Which resource should a learner open next, for a concept or at all?"""
