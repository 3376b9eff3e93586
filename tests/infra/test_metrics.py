"""Figures of several processes add up, and a dead one has nothing open."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from filmless.infra import metrics
from filmless.infra.metrics_folder import VARIABLE, prepare_metrics_folder

ROLE = """
import os, sys
from filmless.infra import metrics
exec(sys.argv[1])
"""
SHOW = "sys.stdout.buffer.write(metrics.render())"


@pytest.fixture
def run_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Runs the code in a process as one role of several; gives the lines that it prints."""
    monkeypatch.setenv(VARIABLE, "")  # Put back after the test, which is not one of the roles.
    prepare_metrics_folder(tmp_path, clear=True)
    environment = dict(os.environ)

    def run(code: str) -> list[str]:
        command = [sys.executable, "-c", ROLE, code]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    return run


def test_the_figures_of_all_processes_add_up(run_role: Callable[[str], list[str]]) -> None:
    for _ in range(2):
        run_role("metrics.INSTANCES.labels('stored').inc(3); metrics.STORE_SECONDS.observe(0.004)")
    shown = run_role("metrics.INSTANCES.labels('stored').inc(); " + SHOW)
    assert 'filmless_instances_total{outcome="stored"} 7.0' in shown
    assert 'filmless_store_seconds_bucket{le="0.005"} 2.0' in shown
    assert "filmless_store_seconds_count 2.0" in shown


def test_a_killed_process_has_no_association_open_and_keeps_its_counts(
    run_role: Callable[[str], list[str]],
) -> None:
    count = "metrics.ASSOCIATIONS_OPEN.inc(5); metrics.ASSOCIATIONS.labels('released').inc(); "
    with pytest.raises(subprocess.CalledProcessError):
        run_role(count + "os.kill(os.getpid(), 9)")
    shown = run_role("metrics.ASSOCIATIONS_OPEN.inc(2); " + SHOW)
    assert "filmless_associations_open 2.0" in shown
    assert 'filmless_associations_total{outcome="released"} 1.0' in shown


def test_the_database_s_figures_are_the_latest_and_not_a_sum(run_role: Callable[[str], list[str]]) -> None:
    show = "metrics.show_backlog({'waiting': 4, 'parked': 1}, 2); " + SHOW
    shown = run_role(show + "; " + show)
    assert 'filmless_jobs{state="waiting"} 4.0' in shown
    assert "filmless_quarantine_waiting 2.0" in shown


def test_the_supervisor_clears_the_figures_of_an_earlier_run(
    run_role: Callable[[str], list[str]], tmp_path: Path
) -> None:
    run_role("metrics.SIGN_IN_FAILURES.inc()")
    assert "filmless_sign_in_failures_total 1.0" in run_role(SHOW)
    prepare_metrics_folder(tmp_path, clear=True)
    assert "filmless_sign_in_failures_total 1.0" not in run_role(SHOW)


def test_a_process_alone_shows_its_own_figures() -> None:
    metrics.SIGN_IN_FAILURES.inc()
    assert b"filmless_sign_in_failures_total" in metrics.render()
