"""A recording is uploaded, read and deleted for good in the browser; a wrong file costs no typing and no choosing."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("portal")]


def test_a_recording_is_uploaded_and_deleted_again(sign_in: Callable[..., Page], tmp_path: Path) -> None:
    wrong, right = tmp_path / "notes.mp3", tmp_path / "talk.mp3"
    wrong.write_bytes(b"%PDF-1.7" + bytes(1_000))
    right.write_bytes(b"ID3\x04" + bytes(400_000))
    page = sign_in("erin")
    page.goto("/interviews/")
    page.get_by_role("link", name="Upload recording").click()

    page.get_by_label("Recording", exact=True).set_input_files(wrong)
    page.get_by_label("Interviewees").fill("Zoe Brand <zoe@mail.example>")
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("This file is no recording")).to_be_visible()
    expect(page.get_by_label("Recording", exact=True)).to_have_value(re.compile("notes.mp3"))
    expect(page.get_by_label("Interviewees")).to_have_value("Zoe Brand <zoe@mail.example>")

    too_large = tmp_path / "day.mp3"
    too_large.touch()
    os.truncate(too_large, 200 * 1024 * 1024 + 1)
    page.get_by_label("Recording", exact=True).set_input_files(too_large)
    expect(page.get_by_text("The recording has 200.1 MB; at most 200 MB can be sent.")).to_be_visible()
    expect(page.locator("#id_audio_error")).to_have_count(0)
    expect(page.get_by_text("Please correct what is marked below")).to_have_count(0)

    page.get_by_label("Recording", exact=True).set_input_files(right)
    expect(page.get_by_text("at most 200 MB can be sent.")).to_be_hidden()
    page.get_by_role("button", name="Upload").click()
    expect(page).to_have_url(re.compile(r"/interviews/writes/"))
    page.get_by_role("link", name="Open the interview").click(timeout=20_000)
    expect(page.locator("main")).to_contain_text("400004 bytes of audio")

    key = page.url.rstrip("/").rpartition("/")[2]
    without_script = sign_in("erin", java_script_enabled=False)
    without_script.goto(f"/interviews/{key}/delete/")
    without_script.get_by_label("Id of the interview").fill(key)
    without_script.get_by_label("Why").fill("only a test")
    without_script.get_by_role("button", name="Delete for good").click()
    page.reload()
    expect(page.get_by_text("gone from PostHog")).to_be_visible(timeout=20_000)
