"""The operations, one module for each part."""

from kgplan.api.routes import admin, events, graph, health, learners, operations, paths, running

ROUTERS = [
    each.router for each in (paths, events, running, learners, graph, operations, health, admin)
]
"""Requests are matched in this order; what is asked for most comes first."""
