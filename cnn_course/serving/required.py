"""What has to be installed for serving, with a remedy where it is not."""

import importlib.util

PACKAGES = {"fastapi": "fastapi", "httpx": "httpx", "prometheus_client": "prometheus-client", "uvicorn": "uvicorn"}
MISSING = [package for module, package in PACKAGES.items() if not importlib.util.find_spec(module)]
if MISSING:
    raise ModuleNotFoundError(
        f"Serving a model needs packages that are not installed. Install them: pip install {' '.join(MISSING)}."
    )
