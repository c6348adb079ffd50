"""The operations, one module for each part: paths, graph, operations."""

from fastapi import APIRouter

from kgplan.api.routes import admin, graph, health, operations, paths

router = APIRouter()
for part in (paths, graph, operations, health, admin):
    router.include_router(part.router)
