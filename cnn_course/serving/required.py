"""What has to be installed for serving, with a remedy where it is not."""

import importlib.util

MISSING = [name for name in ("fastapi", "httpx", "prometheus_client", "uvicorn") if not importlib.util.find_spec(name)]
if MISSING:
    raise ModuleNotFoundError(
        f"Serving a model needs packages that are not installed: {', '.join(MISSING)}. Install the course with them: "
        "pip install 'cnn-course[serving]'.",
        name=MISSING[0],
    )
