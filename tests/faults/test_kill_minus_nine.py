"""Success means kept: kill -9 at any moment, start again, and look for every instance that was acknowledged.

Twenty rounds on one data folder. In each, four senders store small and whole slices, the whole process group
is killed at a random moment, and the server starts again with no other step. Then every acknowledged instance
must be listed and come back byte for byte, and every listed one must come back whole, acknowledged or not.
"""

import random
import threading
import time

import pytest
from bench.ct import Series
from bench.dicom_client import ClientError, Sender

from department import DICOMwebClient, Filmless, data_set_of

pytestmark = [pytest.mark.slow, pytest.mark.fault]

ROUNDS = 20
SIZES = (160, 160, 512, 160)  # Rows and columns for each sender: 50 KiB and 512 KiB.
MOMENT_SECONDS = (0.02, 1.2)
SENDING_SECONDS_MAX = 30


class SendingThread(threading.Thread):
    """One modality that sends until its connection breaks, and remembers what was acknowledged."""

    def __init__(self, server: Filmless, series: Series, started: threading.Barrier) -> None:
        super().__init__(daemon=True)
        self.series = series
        self.acknowledged: list[int] = []
        self.refusals: list[int] = []
        self._server = server
        self._together = started

    def run(self) -> None:
        """Connect, wait for the others, send."""
        sender = Sender(self._server.dicom_address, self.series, self._server.ae_title)
        sender.prepare()
        self._together.wait(SENDING_SECONDS_MAX)
        try:
            for number in range(10**6):
                status = sender.store(number)
                (self.refusals if status else self.acknowledged).append(number)
        except (OSError, ClientError):
            sender.close()


def send_until_killed(server: Filmless, series: list[Series], moment_seconds: float) -> list[SendingThread]:
    """All senders at once; SIGKILL to the whole group after the moment."""
    started = threading.Barrier(len(series) + 1)
    threads = [SendingThread(server, one, started) for one in series]
    for thread in threads:
        thread.start()
    started.wait(SENDING_SECONDS_MAX)
    time.sleep(moment_seconds)
    server.kill()
    for thread in threads:
        thread.join(SENDING_SECONDS_MAX)
        assert not thread.is_alive()
    return threads


def check_round(client: DICOMwebClient, thread: SendingThread) -> int:
    """Listed: all that was acknowledged, at most one more (the answer that was lost), and all of it whole."""
    series = thread.series
    assert not thread.refusals
    listed = client.find_instances(series.study_instance_uid)
    sent = {series.sop_instance_uid(number): number for number in range(len(thread.acknowledged) + 1)}
    assert len(listed) == len(set(listed))
    numbers = {sent[instance] for _, _, instance in listed}
    assert numbers >= set(thread.acknowledged)
    for study, series_uid, instance in listed:
        received = data_set_of(client.retrieve(study, series_uid, instance))
        assert received == series.data_set(sent[instance])
    return len(listed)


def test_every_acknowledged_instance_survives_kill_minus_nine(
    running_server: Filmless, request: pytest.FixtureRequest
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # noqa: T201  # So that an unlucky moment can be tried again.
    chance, run = random.Random(seed), Series.new_run()
    held: dict[str, int] = {}
    acknowledged = 0
    with DICOMwebClient(running_server) as client:
        for round_number in range(ROUNDS):
            series = [Series(run, round_number * 10 + place, size, size) for place, size in enumerate(SIZES)]
            threads = send_until_killed(running_server, series, chance.uniform(*MOMENT_SECONDS))
            running_server.start()
            acknowledged += sum(len(thread.acknowledged) for thread in threads)
            for thread in threads:
                held[thread.series.study_instance_uid] = check_round(client, thread)
        for study, count in held.items():  # What earlier rounds kept, later kills did not take away.
            assert len(client.find_instances(study)) == count
    assert acknowledged > ROUNDS  # Otherwise nothing was tried.
