"""The conformance statement says what the tables of the code say."""

import runpy

from source_tree import ROOT


def test_the_conformance_statement_is_that_of_the_code() -> None:
    written = runpy.run_path(str(ROOT / "tools/write_conformance.py"))
    page = written["PAGE"].read_text(encoding="utf-8")
    assert page == written["statement"](), "Run `python tools/write_conformance.py` and commit the page."
