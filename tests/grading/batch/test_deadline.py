"""A deadline: what is late, by an instructor's list; a wrong list names its line and the remedy."""

import datetime
from pathlib import Path

import pytest

from labkit.grading.batch.collect import Entry
from labkit.grading.batch.deadline import Deadline, read_deadline, read_times
from labkit.grading.batch.results import Row
from labkit.grading.batch.standing import HandedIn
from labkit.home import LabError
from labkit.verdict.outcome import Report

DUE = read_deadline("2026-10-01T23:59+02:00")
ENTRIES = (
    Entry("ada-lab", Path("class/ada/lab.ipynb"), learner="ada/lab"),
    Entry("bo@1", Path("class/bo@1.ipynb"), learner="bo", order=(1,)),
    Entry("bo@2", Path("class/bo@2.ipynb"), learner="bo", order=(2,)),
    Entry("Cy", Path("c.ipynb"), student="Cy", learner="Cy", order=(2,)),
)


def times(tmp_path, text):
    file = tmp_path / "times.csv"
    file.write_text(text, "utf-8")
    return read_times(file, DUE, ENTRIES)


def late(at):
    (row,) = Deadline(DUE, {"a": at}).judged([Row("a", "", "", Report("toy", "graded", 1), Path())])
    return str(row.handed_in)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-10-01T23:59+02:00", "2026-10-01T21:59"),
        ("2026-10-01T23:59Z", "2026-10-01T23:59"),
        ("2026-10-01 23:59 Europe/Berlin", "2026-10-01T21:59"),
        ("2026-12-01 23:59 Europe/Berlin", "2026-12-01T22:59"),
        ("2026-10-01 23:59:30 UTC", "2026-10-01T23:59:30"),
    ],
)
def test_deadline_has_a_zone(text, utc):
    at = read_deadline(text).astimezone(datetime.UTC).replace(tzinfo=None)
    assert at == datetime.datetime.fromisoformat(utc)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2026-10-01T23:59", "which time zone"),
        ("2026-10-01", "no time of day"),
        ("tomorrow", "not a date and time"),
        ("1/10/2026 23:59", "not a date and time"),
        ("2026-10-01 23:59 Mars/Base", "no time zone 'Mars/Base'"),
        ("2026-10-01 23:59+02:00 UTC", "two time zones"),
        ("2026-10-01 23:59 ../etc/passwd", "not a date and time"),
    ],
)
def test_deadline_that_is_none_says_what_to_write(text, says):
    with pytest.raises(LabError, match=f"--deadline .*{says}.*2026-10-01T23:59"):
        read_deadline(text)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-10-01T23:59:00+02:00", "on time"),
        ("2026-10-01T21:58:59+00:00", "on time"),
        ("2026-10-01T21:59:45+00:00", "late by 45 s"),
        ("2026-10-02T01:04:00+02:00", "late by 1 h 5 min"),
        ("2026-10-03T02:59:10+02:00", "late by 1 day 3 h"),
        ("2026-10-03T23:59:00+02:00", "late by 2 days"),
    ],
)
def test_lateness_in_words(at, said):
    assert late(datetime.datetime.fromisoformat(at)) == said


def test_who_is_not_on_the_list_has_no_time():
    assert late(None) == "no time given"
    assert not HandedIn().on_time


def test_list_names_learners_or_submissions(tmp_path):
    found = times(
        tmp_path,
        "Learner,Group,handed_in\n"
        "ada,x,2026-10-01T20:00\n\n"
        "bo@2,y,2026-10-02 00:10 Europe/Berlin\n"
        "Cy,,2026-10-01T22:00Z\n"
        "zoe,,\n",
    )
    assert {name: at.isoformat() for name, at in found.items()} == {
        "ada-lab": "2026-10-01T20:00:00+02:00",
        "bo@2": "2026-10-02T00:10:00+02:00",
        "Cy": "2026-10-01T22:00:00+00:00",
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: there is no column learner and no handed_in; add it"),
        ("learner,time\n", "line 1: there is no column handed_in; add it"),
        ("learner;handed_in\n", "line 1: .*separate cells by commas"),
        ("learner,handed_in\nadda,2026-10-01T20:00\n", "line 2: .*no submission of adda; did you mean ada"),
        ("learner,handed_in\nbo,2026-10-01T20:00\n", "line 2: bo has 2 submissions; .*bo@1, bo@2"),
        ("learner,handed_in\n\nada,yesterday\n", "line 3: 'yesterday' is not a date"),
        ("learner,handed_in\nada,2026-10-01\n", "line 2: '2026-10-01' has no time of day"),
        ("learner,handed_in\n,2026-10-01T20:00\n", "line 2: the learner is missing"),
        ("learner,handed_in\nada,2026-10-01T20:00,x\n", "line 2: it has 3 cells and the header 2"),
        ("learner,handed_in\nada,2026-10-01T20:00\nada-lab,2026-10-01T20:00\n", "line 3: .*line 2 already"),
        ('learner,handed_in\n"ada,2026\n', "can't be read as CSV"),
    ],
)  # fmt: skip
def test_wrong_list_names_the_line_and_the_remedy(tmp_path, text, says):
    with pytest.raises(LabError, match=says):
        times(tmp_path, text)


def test_list_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(LabError, match="can't be read"):
        read_times(tmp_path / "none.csv", DUE, ENTRIES)
