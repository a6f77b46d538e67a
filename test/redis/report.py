"""A plugin of pytest: writes what became of each test, a line of JSON for each, into the file that TEST_REPORT names."""

import json
import os


def pytest_runtest_logreport(report):
    if report.passed and report.when != "call":
        return
    crash = getattr(report.longrepr, "reprcrash", None)
    error = crash.message if crash is not None else str(report.longrepr)
    line = {
        "name": report.nodeid.split("::", 1)[1],
        "outcome": report.outcome,
        "error": error if report.failed else "",
    }
    with open(os.environ["TEST_REPORT"], "a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
