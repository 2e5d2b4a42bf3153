"""Questions to the installed service, answered as JSON. Run by the Python of `.venv`.

python ask_service.py settings
python ask_service.py model NAME
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

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
    from service.engine.engines import licence_notice
    from service.engine.packs import find_pack

    try:
        find_pack(name, AppConfig().model_root)
    except ModelUnavailable as error:
        return {"problem": str(error.values["cause"]), "license": None}
    return {"problem": None, "license": licence_notice(name)}


def main(arguments: Sequence[str]) -> None:
    answer = settings() if arguments[0] == "settings" else model(arguments[1])
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1:])
