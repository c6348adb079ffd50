"""How likely is each resource opened next, by all that is known of it at once?"""
