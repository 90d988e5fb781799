"""Somebody who asks the application in this process, with or without the operator's token."""

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from config.settings import Settings
from store.engine import Store
from tests.web.newsroom import NOW
from web.app import create_app

TOKEN = "the-operators-own-token"
KEY = {"authorization": f"Bearer {TOKEN}"}


class Client:
    """Asks the application, one request after the other; `headers` go with each."""

    def __init__(self, app: FastAPI, *, headers: dict[str, str] | None = None) -> None:
        self._app = app
        self._headers = headers or {}

    def get(self, path: str, **content: Any) -> httpx.Response:
        return self.send("GET", path, **content)

    def post(self, path: str, **content: Any) -> httpx.Response:
        return self.send("POST", path, **content)

    def patch(self, path: str, **content: Any) -> httpx.Response:
        return self.send("PATCH", path, **content)

    def delete(self, path: str, **content: Any) -> httpx.Response:
        return self.send("DELETE", path, **content)

    def send(self, method: str, path: str, **content: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app, raise_app_exceptions=False)
            address = "http://127.0.0.1:8080"
            async with httpx.AsyncClient(transport=transport, base_url=address, headers=self._headers) as client:
                return await client.request(method, path, **content)

        return asyncio.run(ask())


def open_to_operator(store: Store, settings: Settings, **changes: Any) -> FastAPI:
    """Build the application with a token set, and these settings changed."""
    given = settings.model_copy(update={"operator_token": SecretStr(TOKEN), **changes})
    return create_app(store, settings=given, now=lambda: NOW)
