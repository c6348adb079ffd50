"""The operations, one module for each part: paths, graph, operations."""

from fastapi import APIRouter

from kgplan.api.routes import admin, graph, health, operations

router = APIRouter()  # all but paths, which `create_app` puts first
for part in (graph, operations, health, admin):
    router.include_router(part.router)
