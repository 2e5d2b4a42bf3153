"""Questions to the installed service, answered as JSON. Run by the Python of `.venv`.

python ask_service.py settings
python ask_service.py model NAME
python ask_service.py license NAME
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence

from service import AppConfig
from service.domain.errors import ModelUnavailable


def settings() -> dict[str, object]:
    """What the quickstart must know, and which model was chosen on purpose (None: none)."""
    config = AppConfig()
    return {
        "data_dir": str(config.data_dir),
        "port": config.server_port,
        "model": config.model_name if "model_name" in config.model_fields_set else None,
        "embedded": config.database_url is None,
        "own_key": config.master_key is None and config.master_key_file is None,
    }


def model(name: str) -> dict[str, object]:
    """Fetch the pack where it is missing; `problem` says why it cannot be had, None: it is there."""
    from service.engine.packs import find_pack

    try:
        find_pack(name, AppConfig().model_root)
    except ModelUnavailable as error:
        return {"problem": str(error.values["cause"])}
    return {"problem": None}


def license_(name: str) -> dict[str, object]:
    """The license of a model's weights, by the name that `service/engine/licenses.py` gives it."""
    from service.engine.licenses import license_of

    return {"license": license_of(name)}


def main(arguments: Sequence[str]) -> None:
    question, *names = arguments
    answers: dict[str, Callable[..., dict[str, object]]] = {
        "settings": settings,
        "model": model,
        "license": license_,
    }
    print(json.dumps(answers[question](*names)))


if __name__ == "__main__":
    main(sys.argv[1:])
