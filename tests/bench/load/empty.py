"""What does the server itself cost? An application with one route that answers {}."""

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

fastapi = FastAPI()


@fastapi.get("/")
async def nothing() -> dict[str, int]:
    return {}


async def nothing_more(_: Request) -> JSONResponse:
    return JSONResponse({})


starlette = Starlette(routes=[Route("/", nothing_more)])
