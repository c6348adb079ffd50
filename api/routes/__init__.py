"""The operations, one module for each part: paths, graph, operations."""

from fastapi import APIRouter

from kgplan.api.routes import graph, operations, paths

router = APIRouter()
for part in (paths, graph, operations):
    router.include_router(part.router)
