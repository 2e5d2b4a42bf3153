"""What routes ask for.

Asynchronous, though nothing is waited for: FastAPI runs a `def` in a worker thread, and the way
there and back costs more than all of these together.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from service.api.language import language_of
from service.api.settings import ApiSettings
from service.telemetry.metrics import Metrics
from service.texts import Language
from service.usecases.use_cases import UseCases


async def _use_cases(request: Request) -> UseCases:
    use_cases: UseCases = request.app.state.use_cases
    return use_cases


async def _settings(request: Request) -> ApiSettings:
    settings: ApiSettings = request.app.state.settings
    return settings


async def _metrics(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


async def _language(request: Request) -> Language:
    return language_of(request)


AllUseCases = Annotated[UseCases, Depends(_use_cases)]
Settings = Annotated[ApiSettings, Depends(_settings)]
Counted = Annotated[Metrics, Depends(_metrics)]
CallersLanguage = Annotated[Language, Depends(_language)]
