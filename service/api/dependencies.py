"""What routes ask for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from service.api.language import language_of
from service.api.settings import ApiSettings
from service.domain.messages import Language
from service.usecases.services import Services


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _settings(request: Request) -> ApiSettings:
    settings: ApiSettings = request.app.state.settings
    return settings


def _language(request: Request) -> Language:
    return language_of(request)


UseCases = Annotated[Services, Depends(_services)]
Settings = Annotated[ApiSettings, Depends(_settings)]
CallersLanguage = Annotated[Language, Depends(_language)]
