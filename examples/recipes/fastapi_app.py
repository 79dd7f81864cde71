"""A web API with FastAPI: POST starts a run, and GET returns its state."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from hightouch_sdk import AsyncHightouch, HightouchError


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    # One client for the whole process. A call that would wait more than two seconds for the rate limit fails instead.
    async with AsyncHightouch(max_wait=2, deadline=20) as app.state.ht:
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/syncs/{sync}/runs", status_code=202)
async def start(sync: str, request: Request) -> dict[str, str]:
    run = await request.app.state.ht.syncs.trigger(sync)
    return {"token": run.token}


@app.get("/runs/{token}")
async def look(token: str, request: Request) -> dict[str, object]:
    state = await request.app.state.ht.run(token).state()
    return {"status": state.status, "added": state.successful_rows.added_count, "ended": state.has_ended}


@app.exception_handler(HightouchError)
async def failed(_: Request, error: HightouchError) -> JSONResponse:
    status = {"not_found": 404, "invalid_request": 400, "rate_limited": 429}.get(error.kind, 502)
    headers = {"Retry-After": str(round(error.retry_after + 1))} if error.retry_after else None
    return JSONResponse({"kind": error.kind, "message": error.message}, status, headers)
