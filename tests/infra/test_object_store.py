"""One contract for every object store, then what only a folder can suffer."""

import logging
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from filmless.infra import limits
from filmless.infra.errors import Invalid, NotFound, Unavailable
from filmless.infra.ids import new_id
from filmless.infra.object_store import FolderObjectStore, ObjectStore, folder_writer, open_object_store
from filmless.infra.object_store.s3 import PART_BYTES, BucketObjectStore

ACCESS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
LARGE = bytes(range(256)) * (2 * PART_BYTES // 256) + b"end"


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_client(s3_endpoint: str) -> Any:
    client = boto3.client("s3", endpoint_url=s3_endpoint, region_name="us-east-1", **ACCESS)
    client.create_bucket(Bucket="images")
    for found in client.list_objects_v2(Bucket="images").get("Contents", []):
        client.delete_object(Bucket="images", Key=found["Key"])
    return client


@pytest.fixture
def bucket_store(s3_endpoint: str, s3_client: Any) -> BucketObjectStore:
    return BucketObjectStore(
        "s3://images/some/prefix",
        config={**ACCESS, "aws_endpoint": s3_endpoint, "aws_region": "us-east-1"},
        client_options={"allow_http": True},
        retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=1)},
    )


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest) -> ObjectStore:
    made: ObjectStore = request.getfixturevalue(
        {"folder": "object_store", "bucket": "bucket_store"}[request.param]
    )
    return made


def put(store: ObjectStore, *buffers: bytes) -> str:
    writer = store.create()
    writer.write(buffers)
    writer.sync()
    return writer.object_id


class TestContract:
    @pytest.mark.parametrize(
        "data", [b"", b"x", b"a slice" * 1000, LARGE], ids=["empty", "1", "small", "large"]
    )
    def test_what_was_written_is_read(self, store: ObjectStore, data: bytes) -> None:
        object_id = put(store, data[:3], data[3:])
        assert store.size(object_id) == len(data)
        assert store.read(object_id) == data
        assert b"".join(store.stream(object_id, chunk_bytes=1 << 20)) == data

    @pytest.mark.parametrize("size", [100, 3_000_000, 20_000_000])
    def test_a_buffer_may_be_used_again_as_soon_as_it_is_written(self, store: ObjectStore, size: int) -> None:
        """As a network connection does: one buffer, filled anew for each receive."""
        buffer = bytearray(size)
        writer = store.create()
        for letter in b"abc":
            buffer[:] = bytes([letter]) * size
            writer.write([memoryview(buffer)])
        buffer[:] = b"X" * size
        writer.seal()
        writer.sync()
        assert store.read(writer.object_id) == b"a" * size + b"b" * size + b"c" * size

    def test_all_kinds_of_buffers_are_taken(self, store: ObjectStore) -> None:
        writer = store.create()
        writer.write([b"one ", bytearray(b"two "), memoryview(b"-three-")[1:6]])
        writer.sync()
        assert writer.size_bytes == 13
        assert store.read(writer.object_id) == b"one two three"

    @pytest.mark.parametrize(
        ("offset", "length", "expected"),
        [
            (0, 3, b"abc"),
            (2, 2, b"cd"),
            (4, 100, b"ef"),
            (3, None, b"def"),
            (0, 0, b""),
            (6, None, b""),
            (6, 5, b""),
            (99, 5, b""),
        ],
    )
    def test_a_range_is_cut_at_the_end(
        self, store: ObjectStore, offset: int, length: int | None, expected: bytes
    ) -> None:
        assert store.read(put(store, b"abcdef"), offset, length) == expected

    @pytest.mark.parametrize(("offset", "expected"), [(2, b"cdef"), (6, b""), (99, b"")])
    def test_a_stream_may_begin_anywhere(self, store: ObjectStore, offset: int, expected: bytes) -> None:
        assert b"".join(store.stream(put(store, b"abcdef"), offset)) == expected

    @pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "", "A" * 26, "0" * 25, "0" * 25 + "/"])
    def test_no_name_from_elsewhere_is_looked_up(self, store: ObjectStore, name: str) -> None:
        for look in (store.read, store.size, store.delete, lambda each: list(store.stream(each))):
            with pytest.raises(NotFound):
                look(name)

    def test_an_absent_object_is_not_found(self, store: ObjectStore) -> None:
        with pytest.raises(NotFound):
            store.read(new_id())
        with pytest.raises(NotFound):
            store.read(new_id(), 5, 5)
        with pytest.raises(NotFound):
            store.size(new_id())
        with pytest.raises(NotFound):
            list(store.stream(new_id()))

    def test_a_deleted_object_is_gone_and_deleting_again_is_no_error(self, store: ObjectStore) -> None:
        object_id = put(store, b"x")
        store.delete(object_id)
        store.delete(object_id)
        with pytest.raises(NotFound):
            store.read(object_id)

    def test_all_objects_are_listed_with_size_and_time(self, store: ObjectStore) -> None:
        object_ids = [put(store, b"x" * size) for size in (1, 2, 3)]
        listed = {found.object_id: found for found in store.list_objects()}
        assert sorted(listed) == sorted(object_ids)
        assert [listed[object_id].size_bytes for object_id in object_ids] == [1, 2, 3]
        assert abs(listed[object_ids[0]].modified_at - datetime.now(UTC)) < timedelta(hours=1)

    @pytest.mark.parametrize("data", [b"x", LARGE], ids=["small", "large"])
    @pytest.mark.parametrize("synced", [False, True])
    def test_an_abandoned_object_leaves_nothing(self, store: ObjectStore, data: bytes, synced: bool) -> None:
        writer = store.create()
        writer.write([data])
        if synced:
            writer.sync()
        writer.abandon()
        writer.abandon()
        assert list(store.list_objects()) == []


class TestBucket:
    def test_an_abandoned_upload_leaves_no_parts(
        self, bucket_store: BucketObjectStore, s3_client: Any
    ) -> None:
        writer = bucket_store.create()
        writer.write([LARGE])
        writer.abandon()
        assert s3_client.list_multipart_uploads(Bucket="images").get("Uploads", []) == []

    def test_an_object_shows_only_when_it_is_whole(self, bucket_store: BucketObjectStore) -> None:
        writer = bucket_store.create()
        writer.write([LARGE])
        assert list(bucket_store.list_objects()) == []
        writer.sync()
        assert [found.size_bytes for found in bucket_store.list_objects()] == [len(LARGE)]

    def test_a_bucket_that_is_away_is_unavailable_and_its_address_is_not_told(self) -> None:
        store = BucketObjectStore(
            "s3://images/prefix",
            config={**ACCESS, "aws_endpoint": "http://127.0.0.1:9", "aws_region": "us-east-1"},
            client_options={"allow_http": True},
            retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=1)},
        )
        with pytest.raises(Unavailable) as caught:
            put(store, b"x")
        assert "127.0.0.1" not in caught.value.message
        with pytest.raises(Unavailable):
            store.read(new_id())


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from filmless.infra.errors import Unavailable
from filmless.infra.object_store import folder_writer
from filmless.infra.object_store import FolderObjectStore

store = FolderObjectStore(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (98_304, 98_304))
writer = store.create()
try:
    writer.write([b"x" * int(sys.argv[2])])
    writer.sync()
except Unavailable as error:
    print(error.message)
writer.abandon()
print(list(store.list_objects()))
"""


class TestFolder:
    @pytest.mark.fault
    @pytest.mark.parametrize("length", [120_000, 3_000_000])
    def test_a_disk_that_takes_no_more_is_unavailable_and_nothing_is_left(
        self, tmp_path: Path, length: int
    ) -> None:
        """The kernel refuses in the middle of a write, as a full disk does; at the end or on the way."""
        command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "objects"), str(length)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout == "The object store does not answer (File too large). Try again later.\n[]\n"
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    @pytest.mark.parametrize("direct", [True, False])
    @pytest.mark.parametrize(
        "length", [0, 1, 511, 4095, 4096, 4097, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_333_333]
    )
    def test_every_length_is_kept_to_the_byte_whether_written_directly_or_not(
        self, object_store: FolderObjectStore, length: int, direct: bool
    ) -> None:
        if not direct:
            object_store.place = replace(object_store.place, direct=0)
        elif not object_store.place.direct:
            pytest.skip("the file system under the test's folder takes no direct writes")
        seen: list[bytes] = []
        data = random.Random(length).randbytes(length)
        writer = object_store.create(lambda run: seen.append(bytes(run)))
        for start in range(0, length, 100_003):
            writer.write([data[start : start + 100_003]])
        writer.sync()
        assert object_store.read(writer.object_id) == b"".join(seen) == data

    def test_a_busy_sender_finds_files_made_ahead_and_they_are_not_objects(
        self, object_store: FolderObjectStore
    ) -> None:
        written = {put(object_store, b"x" * 10) for _ in range(200)}
        assert {found.object_id for found in object_store.list_objects()} == written
        object_store.close()
        assert sum(1 for path in object_store.root.rglob("*") if path.is_file()) == len(written)

    def test_what_a_crash_left_empty_is_removed_when_it_is_old(self, object_store: FolderObjectStore) -> None:
        kept = put(FolderObjectStore(object_store.root), b"x")  # Another store: this one is not busy.
        descriptor = object_store.create()  # Nothing is written, and nobody abandons it.
        hour = timedelta(hours=1)
        object_store.remove_empty(datetime.now(UTC) - hour)
        assert sum(1 for path in object_store.root.rglob("*") if path.is_file()) >= 2
        object_store.remove_empty(datetime.now(UTC) + hour)
        assert [path.name for path in object_store.root.rglob("*") if path.is_file()] == [kept]
        descriptor.abandon()

    def test_a_file_removed_under_our_hands_in_a_long_receive_is_not_a_stored_object(
        self, object_store: FolderObjectStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(folder_writer, "LONG_SECONDS", -1.0)
        writer = object_store.create()
        writer.write([b"x"])
        object_store.delete(writer.object_id)
        with pytest.raises(Unavailable):
            writer.sync()

    def test_a_shorter_object_never_shows_the_rest_of_a_longer_one(
        self, object_store: FolderObjectStore
    ) -> None:
        """Staging buffers are used again; the block that is filled up must hold zeros."""
        put(object_store, b"S" * 8192)
        written: list[bytes] = []
        real = os.pwrite
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "pwrite", lambda *call: written.append(bytes(call[1])) or real(*call))
            put(object_store, b"x")
        assert b"S" not in b"".join(written)

    def test_a_nearly_full_disk_receives_nothing(
        self, object_store: FolderObjectStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "DISK_FREE_BYTES_MIN", 1 << 60)
        with pytest.raises(Unavailable, match="nearly full"):
            object_store.create()

    def test_many_buffers_and_folders_tidied_away_are_no_trouble(
        self, object_store: FolderObjectStore
    ) -> None:
        put(object_store, *[b"x"] * 2000)
        (found,) = object_store.list_objects()
        object_store.delete(found.object_id)
        for folder in sorted(object_store.root.rglob("*"), reverse=True):
            folder.rmdir()
        put(object_store, b"y")
        assert [found.size_bytes for found in object_store.list_objects()] == [1]

    def test_a_gone_folder_is_unavailable(self, object_store: FolderObjectStore) -> None:
        object_store.root.rmdir()
        object_store.root.write_text("A file where the folder was.")
        with pytest.raises(Unavailable):
            put(object_store, b"x")

    def test_the_path_of_an_object_is_its_file(self, object_store: FolderObjectStore) -> None:
        path = object_store.local_path(put(object_store, b"x"))
        assert path is not None
        assert Path(path).read_bytes() == b"x"


class TestOpen:
    def test_a_file_url_opens_a_folder(self, tmp_path: Path) -> None:
        folder = tmp_path / "with space"
        store = open_object_store(folder.as_uri())
        assert isinstance(store, FolderObjectStore)
        assert store.root == folder

    def test_an_s3_url_opens_a_bucket(self) -> None:
        assert isinstance(open_object_store("s3://images/prefix"), BucketObjectStore)

    @pytest.mark.parametrize("url", ["", "/folder", "ftp://host/x", "file://host/x", "s3://", "memory:///"])
    def test_any_other_url_is_refused(self, url: str) -> None:
        with pytest.raises(Invalid):
            open_object_store(url)
