"""Files of the front ends: what is sent, how, and for how long it is kept."""

import gzip
import os
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from filmless.edge.http.static import ASK_AGAIN, IMMUTABLE, spa_app, viewer_app


def write(folder: Path, **files: bytes) -> None:
    """Files by name; two underscores stand for a folder."""
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.fixture
def spa(tmp_path: Path) -> TestClient:
    folder = tmp_path / "dist"
    write(
        folder,
        **{
            "index.html": b"<html>page</html>",
            "favicon.svg": b"<svg/>",
            "assets__index-wESp-ggj.js": b"script",
            "assets__index-wESp-ggj.js.br": b"brotli",
            "assets__index-wESp-ggj.js.gz": gzip.compress(b"script"),
            "assets__decoder-AbCd1234.wasm": b"\0asm",
        },
    )
    (tmp_path / "secret.txt").write_text("outside")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return TestClient(spa_app(folder), follow_redirects=False)


SENT = [
    ("/", "text/html; charset=utf-8", ASK_AGAIN),
    ("/index.html", "text/html; charset=utf-8", ASK_AGAIN),
    ("/studies/1.2.840.10008.1", "text/html; charset=utf-8", ASK_AGAIN),
    ("/setup", "text/html; charset=utf-8", ASK_AGAIN),
    ("/favicon.svg", "image/svg+xml", ASK_AGAIN),
    ("/assets/index-wESp-ggj.js", "text/javascript; charset=utf-8", IMMUTABLE),
    ("/assets/decoder-AbCd1234.wasm", "application/wasm", IMMUTABLE),
]


@pytest.mark.parametrize(("path", "media_type", "kept"), SENT)
def test_a_file_has_its_type_and_is_kept_as_long_as_its_name_means_it(
    spa: TestClient, path: str, media_type: str, kept: str
) -> None:
    answer = spa.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == kept
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "script-src 'self';" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/assets/../../secret.txt",
        "/..\\secret.txt",
        "//etc/passwd.txt",
        "/link.txt",
        "/assets/gone-12345678.js",
        "/%00.txt",
    ],
)
def test_nothing_outside_the_folder_is_ever_sent(spa: TestClient, path: str) -> None:
    answer = spa.get(path)
    assert answer.status_code == 404
    assert "outside" not in answer.text


@pytest.mark.parametrize(
    ("accepted", "encoding", "content"),
    [
        ("br, gzip", "br", b"brotli"),
        ("gzip", "gzip", b"script"),
        ("gzip, br;q=0", "gzip", b"script"),
        ("br;q=0.000", None, b"script"),
        ("identity", None, b"script"),
        ("", None, b"script"),
    ],
)
def test_what_was_compressed_at_build_time_is_sent_to_who_takes_it(
    spa: TestClient, accepted: str, encoding: str | None, content: bytes
) -> None:
    with spa.stream("GET", "/assets/index-wESp-ggj.js", headers={"Accept-Encoding": accepted}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert (gzip.decompress(raw) if encoding == "gzip" else raw) == content


def test_a_file_that_has_not_changed_is_304(spa: TestClient) -> None:
    etag = spa.get("/").headers["etag"]
    answer = spa.get("/", headers={"If-None-Match": f'"other", W/{etag}'})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert spa.get("/", headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_new_build_is_sent_without_a_restart(spa: TestClient, tmp_path: Path) -> None:
    assert spa.get("/assets/index-NEWBUILD.js").status_code == 404
    write(tmp_path / "dist", **{"assets__index-NEWBUILD.js": b"new", "index.html": b"<html>new</html>"})
    os.utime(tmp_path / "dist" / "index.html", (1, 1))
    assert spa.get("/assets/index-NEWBUILD.js").content == b"new"
    assert spa.get("/").content == b"<html>new</html>"


def test_files_can_only_be_read(spa: TestClient) -> None:
    assert spa.post("/").status_code == 405
    answer = spa.head("/")
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_front_end_that_is_not_built_says_so(tmp_path: Path) -> None:
    answer = TestClient(spa_app(tmp_path / "nothing")).get("/")
    assert answer.status_code == 503
    assert "make setup" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "content", "kept"),
    [
        ("/viewer/", b"ohif", ASK_AGAIN),
        ("/viewer/viewer?StudyInstanceUIDs=1.2.3", b"ohif", ASK_AGAIN),
        ("/viewer/app-config.js", b"ours", ASK_AGAIN),
        ("/viewer/7463.css", b"style", ASK_AGAIN),
        ("/viewer/12.bundle.b4688cdbdd856b75.js", b"bundle", IMMUTABLE),
        ("/viewer/5130ccb17e3f3f5b.wasm", b"wasm", IMMUTABLE),
        ("/viewer/assets/CT-Coronary-Arteries.png", b"png", ASK_AGAIN),
    ],
)
def test_the_viewer_has_our_settings_and_may_run_its_decoders(
    tmp_path: Path, path: str, content: bytes, kept: str
) -> None:
    folder = tmp_path / "viewer"
    write(
        folder,
        **{
            "index.html": b"ohif",
            "app-config.js": b"theirs",
            "app-config.js.br": b"theirs compressed",
            "7463.css": b"style",
            "12.bundle.b4688cdbdd856b75.js": b"bundle",
            "5130ccb17e3f3f5b.wasm": b"wasm",
            "assets__CT-Coronary-Arteries.png": b"png",
        },
    )
    write(tmp_path, **{"viewer-app-config.js": b"ours"})
    app = Starlette(
        routes=[Mount("/viewer", viewer_app(folder, tmp_path / "viewer-app-config.js", https=True))]
    )
    answer = TestClient(app).get(path)
    assert (answer.content, answer.headers["cache-control"]) == (content, kept)
    assert "'wasm-unsafe-eval'" in answer.headers["content-security-policy"]
    assert "worker-src 'self' blob:" in answer.headers["content-security-policy"]
    assert answer.headers["strict-transport-security"]


def test_only_scripts_of_the_viewer_may_make_functions_from_text(tmp_path: Path) -> None:
    write(tmp_path, **{"index.html": b"<html></html>", "17.bundle.0ddf166f7a343eda.js": b"codec"})
    client = TestClient(viewer_app(tmp_path, tmp_path / "app-config.js"))
    policies = {
        path: client.get(path).headers["content-security-policy"]
        for path in ("/", "/17.bundle.0ddf166f7a343eda.js")
    }
    assert "'unsafe-eval'" not in policies["/"]
    assert "'unsafe-eval'" in policies["/17.bundle.0ddf166f7a343eda.js"]
