"""Put the prebuilt OHIF viewer under web/viewer, ready to be served at /viewer/.

What it is: one set-up step, run after `npm ci`. It fetches the pinned npm tarball of @ohif/app, checks
it against the integrity written here, moves the build from `/` to `/viewer/`, takes the inline scripts out of
the page so that a strict Content-Security-Policy holds, and compresses each text file once (`.gz`, `.br`) so
that no request has to.
What it is not: a build of OHIF (the tarball is already built, so the Node version does not matter), and not
the viewer's settings: those come from web/viewer-app-config.js, which the server gives out at
/viewer/app-config.js.
Where to start: `main`, then `patch`.

It runs on the Python standard library and the `npm` and `node` commands, before anything else is installed.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

VERSION = "3.13.2"
SHA512 = "WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA=="
BASE = "/viewer/"
WEB = Path(__file__).resolve().parent.parent / "web"
DESTINATION = WEB / "viewer"
STAMP = "filmless-viewer.json"

# Left out: source maps, the host's own service worker and redirect rules, the OpenID pages (one of them loads
# a script from somebody else's server; sign-in is ours), and 136 MB of neural network runtime for a SAM tool.
LEFT_OUT = (
    "*.map",
    "sw.js",
    "google.js",
    "init-service-worker.js",
    "_headers",
    "_redirects",
    "serve.json",
    "silent-refresh.html",
    "oidc-client.min.js",
    "es6-shim.min.js",
    "ort",
)
COMPRESSED = {".js", ".css", ".html", ".json", ".svg", ".wasm", ".map", ".txt", ".xml"}
SMALLEST_COMPRESSED_BYTES = 1024  # Below one network packet there is nothing to gain.

BOOT_SCRIPT = f"""// OHIF's two inline scripts, as a file: the page's policy allows no inline script.
window.PUBLIC_URL = "{BASE}";
function browserImportFunction(name) {{ return import(name); }}
"""

# Node is there anyway (npm is), and Python 3.11 has no Brotli of its own. Paths come in on standard input.
BROTLI_SCRIPT = """
const fs = require('fs'), z = require('zlib');
for (const path of fs.readFileSync(0, 'utf8').split('\\n').filter(Boolean)) {
  const bytes = fs.readFileSync(path);
  fs.writeFileSync(path + '.br', z.brotliCompressSync(bytes, { params: {
    [z.constants.BROTLI_PARAM_QUALITY]: 9, [z.constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }));
}
"""


class ViewerSetUpError(Exception):
    """The viewer could not be set up; the message says what to do."""


def say(message: str) -> None:
    print(f"viewer: {message}", flush=True)


def recipe() -> str:
    """A digest of everything that decides the result: this script, hence version, integrity and patches."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def is_current(folder: Path) -> bool:
    stamp = folder / STAMP
    return stamp.is_file() and json.loads(stamp.read_text("utf-8")).get("recipe") == recipe()


def fetch(into: Path) -> Path:
    """Download the pinned tarball with npm: without a version, Node 20 silently gets an older one."""
    say(f"fetching @ohif/app {VERSION} (50 MB)")
    done = subprocess.run(
        ["npm", "pack", f"@ohif/app@{VERSION}", "--pack-destination", str(into), "--silent"],
        capture_output=True,
        text=True,
        check=False,
    )
    tarballs = sorted(into.glob("*.tgz"))
    if done.returncode or len(tarballs) != 1:
        raise ViewerSetUpError(
            f"npm could not fetch @ohif/app {VERSION}: {done.stderr.strip() or 'no tarball came'}. "
            "Check the network and npm's settings, or give a tarball with --tarball."
        )
    return tarballs[0]


def check_integrity(tarball: Path) -> None:
    digest = base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode("ascii")
    if digest != SHA512:
        raise ViewerSetUpError(
            f"{tarball.name} is not the file that was reviewed "
            f"(sha512 {digest[:16]}…, expected {SHA512[:16]}…). Nothing was installed. "
            "Fetch it again; if it differs again, do not use it."
        )


def copy_build(tarball: Path, work: Path, folder: Path) -> None:
    with tarfile.open(tarball) as archive:
        archive.extractall(work, filter="data")
    shutil.copytree(work / "package" / "dist", folder, ignore=shutil.ignore_patterns(*LEFT_OUT))


def expect(count: int, at_least: int, what: str) -> None:
    """Fail loudly when an upgrade moved the text that a patch looks for."""
    if count < at_least:
        raise ViewerSetUpError(
            f"OHIF {VERSION} does not look as expected: {what} was found {count} times, "
            f"not {at_least} or more. Read the new build and adapt tools/set_up_viewer.py."
        )


def patch_scripts(folder: Path) -> None:
    needle, patched = '__webpack_require__.p = "/"', 0
    for path in folder.glob("*.js"):
        text = path.read_text("utf-8")
        if needle in text:
            path.write_text(text.replace(needle, f'__webpack_require__.p = "{BASE}"'), "utf-8")
            patched += 1
    expect(patched, 5, "the public path of the scripts")


def patch_styles(folder: Path) -> None:
    patched = 0
    for path in folder.glob("*.css"):
        text, count = re.subn(r"url\(/(?!/)", f"url({BASE}", path.read_text("utf-8"))
        path.write_text(text, "utf-8")
        patched += count
    say(f"{patched} addresses in style sheets moved")


def patch_page(folder: Path) -> None:
    page = folder / "index.html"
    text = page.read_text("utf-8")
    text, dropped = re.subn(r'<script[^>]*src="/init-service-worker\.js"[^>]*></script>', "", text)
    expect(dropped, 1, "the service worker's script")
    text, inline = re.subn(r"<script>[^<]*PUBLIC_URL[^<]*</script>", "", text)
    expect(inline, 2, "an inline script that sets PUBLIC_URL")
    text, moved = re.subn(r'(href|src)="/(?!/)', rf'\1="{BASE}', text)
    expect(moved, 10, "an address in the page")
    text = text.replace('content="/assets/', f'content="{BASE}assets/')
    text = text.replace("<title>OHIF Viewer</title>", "<title>Filmless viewer</title>")
    text, booted = re.subn(
        r'(<script rel="preload" as="script" src="/viewer/app-config\.js"></script>)',
        rf'<script src="{BASE}filmless-boot.js"></script>\1',
        text,
    )
    expect(booted, 1, "the script app-config.js")
    if re.search(r"<script(?![^>]*\bsrc=)[^>]*>", text):
        raise ViewerSetUpError(
            f"OHIF {VERSION} has an inline script that is not known; move it to filmless-boot.js."
        )
    page.write_text(text, "utf-8")
    (folder / "filmless-boot.js").write_text(BOOT_SCRIPT, "utf-8")


def patch_manifest(folder: Path) -> None:
    manifest = folder / "manifest.json"
    text = manifest.read_text("utf-8")
    expect(text.count('"/assets/'), 1, "an icon in manifest.json")
    manifest.write_text(text.replace('"/assets/', f'"{BASE}assets/'), "utf-8")


def patch(folder: Path) -> None:
    """Move the build from `/` to `/viewer/` and take the inline scripts out."""
    patch_scripts(folder)
    patch_styles(folder)
    patch_page(folder)
    patch_manifest(folder)


def compress(folder: Path) -> None:
    paths = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in COMPRESSED and path.stat().st_size >= SMALLEST_COMPRESSED_BYTES
    ]
    size = sum(path.stat().st_size for path in paths)
    say(f"compressing {len(paths)} files ({size / 1e6:.0f} MB)")
    for path in paths:
        # mtime=0: the same input always gives the same bytes.
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 6, mtime=0))
    listing = "\n".join(map(str, paths))
    done = subprocess.run(
        ["node", "-e", BROTLI_SCRIPT], input=listing, text=True, capture_output=True, check=False
    )
    if done.returncode:
        raise ViewerSetUpError(f"node could not compress the viewer: {done.stderr.strip()}")


def set_up(tarball: Path | None, destination: Path) -> None:
    """Build the folder beside its place and rename it in: a half-made viewer is never served."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="filmless-viewer-", dir=destination.parent) as temporary:
        work = Path(temporary)
        source = tarball or fetch(work)
        check_integrity(source)
        say("integrity is right; unpacking")
        fresh = work / "viewer"
        copy_build(source, work, fresh)
        patch(fresh)
        compress(fresh)
        (fresh / STAMP).write_text(json.dumps({"ohif": VERSION, "recipe": recipe()}) + "\n", "utf-8")
        if destination.exists():
            shutil.rmtree(destination)
        fresh.rename(destination)
    say(f"OHIF {VERSION} is in {destination} ({time.monotonic() - started:.0f} s)")


def main() -> int:
    parser = argparse.ArgumentParser(description="Set up the OHIF viewer under web/viewer.")
    parser.add_argument(
        "--tarball", type=Path, help="an ohif-app tarball already at hand, instead of the network"
    )
    parser.add_argument("--force", action="store_true", help="do it again even when it is up to date")
    chosen = parser.parse_args()
    if not chosen.force and is_current(DESTINATION):
        say(f"OHIF {VERSION} is already in {DESTINATION}")
        return 0
    try:
        set_up(chosen.tarball, DESTINATION)
    except ViewerSetUpError as problem:
        print(f"viewer: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
