"""Debian's chromium, driven by Playwright, and tabs that fail a test when the page complains.

A test file that imports this is skipped where either program is missing.
"""

import shutil
from contextlib import contextmanager

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install '.[test,browser]'")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("needs a browser: chromium is not on the PATH", allow_module_level=True)


@contextmanager
def launched():
    """Start a browser; ends it afterwards."""
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@contextmanager
def opened(browser, address, expecting="", **options):
    """Open a page; a console message, a dialog, a script's error or a request that leaves its folder fails the test.

    ``expecting`` is how every message begins, if any may come; several beginnings are a tuple.
    """
    folder = address.rpartition("/")[0]
    complaints = []
    tab = browser.new_page(**options)
    tab.set_default_timeout(30_000)  # against hanging: a busy machine takes ten
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}") or dialog.dismiss())
    tab.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
    tab.on(
        "request", lambda request: request.url.startswith((folder, "data:", "blob:")) or complaints.append(request.url)
    )
    tab.goto(address)
    yield tab
    tab.close()

    assert [] == [complaint for complaint in complaints if not expecting or not complaint.startswith(expecting)]
