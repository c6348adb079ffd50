"""Does a ranking of resources name what learners opened next?"""
