"""Where the built parts of the web application lie."""

from pathlib import Path


def web_folder(name: str) -> Path:
    """`dist` (the application) or `viewer` (OHIF): inside the package, else in the checkout's `web/`."""
    packaged = Path(__file__).parents[1] / "web" / name
    return packaged if packaged.exists() else Path(__file__).parents[3] / "web" / name
