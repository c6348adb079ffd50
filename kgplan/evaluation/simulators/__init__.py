"""Learners that no planner made, and who teaches them best?"""
