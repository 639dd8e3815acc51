"""Submissions are found under names of their own; links and `..` lead nowhere."""

import os

import pytest

from labkit.grading.batch.collect import collect, folder_name
from labkit.home import LabError

OPENS = 'import labkit\nlab = labkit.open("toy")\n'


@pytest.fixture
def handed(tmp_path, monkeypatch):
    """A folder to hand in to, and the current folder."""
    folder = tmp_path / "handed in"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def put(path, text="{}"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def names(found):
    return [entry.name for entry in found.entries]


def refused(found):
    return {entry.name: entry.refused for entry in found.entries if entry.refused}


def test_folder_is_searched_for_notebooks_and_for_python_that_opens_a_lab(handed):
    put(handed / "ada" / "lab.ipynb")
    put(handed / "bo" / "answer.py", OPENS)
    put(handed / "bo" / "tools.py", "x = 1")
    put(handed / "bo" / "notes.txt")
    put(handed / ".ipynb_checkpoints" / "lab.ipynb")
    put(handed / "ada" / ".hidden.ipynb")
    found = collect(["."])
    assert names(found) == ["ada-lab", "bo-answer"]
    assert [path.name for path in found.passed_over] == ["tools.py"]
    assert names(collect(["."], any_python=True)) == ["ada-lab", "bo-answer", "bo-tools"]


ALIKE = ["LAB.IPYNB", "lab.dbc", "lab.html", "lab.ipynb.txt", "lab.zip"]


def test_files_that_may_be_meant_as_submissions_are_entries(handed):
    for name in ALIKE:
        put(handed / "ada" / name)
    put(handed / "ada" / "answer.py.txt", OPENS)
    put(handed / "ada" / "data.csv")
    put(handed / "ada" / "template.py.txt")
    put(handed / "ada" / ".lab.zip")
    expected = sorted([*ALIKE, "answer.py.txt"])
    assert sorted(entry.path.name for entry in collect(["."]).entries) == expected
    assert [path.name for path in collect(["."]).passed_over] == ["template.py.txt"]
    matched = collect(["ada/*"]).entries
    assert {entry.path.name for entry in matched} == {*expected, "template.py.txt"}
    named = collect([f"ada/{name}" for name in ALIKE]).entries
    assert sorted(entry.path.name for entry in named) == ALIKE


def test_pages_of_an_earlier_batch_are_no_submissions(handed):
    put(handed / "lab.ipynb")
    put(handed / "grades" / "batch.json")
    put(handed / "grades" / "summary.html")
    put(handed / "grades" / "lab" / "report.html")
    put(handed / "grades" / "late" / "answer.ipynb")
    assert [entry.path.name for entry in collect(["."]).entries] == ["answer.ipynb", "lab.ipynb"]


def test_files_patterns_and_folders_name_a_file_once(handed):
    put(handed / "ada.ipynb")
    assert names(collect(["ada.ipynb", "*.ipynb", ".", "./ada.ipynb"])) == ["ada"]


def test_same_stem_gets_a_hash_and_nobody_is_lost(handed):
    put(handed / "a.ipynb")
    put(handed / "a.py", OPENS)
    put(handed / "A.ipynb")
    found = names(collect(["."]))
    assert len({name.casefold() for name in found}) == 3
    assert all(name.casefold().startswith("a-") for name in found)


def test_one_name_in_two_folders_is_two_submissions(handed):
    put(handed / "monday" / "lab.ipynb")
    put(handed / "tuesday" / "lab.ipynb")
    assert len(set(names(collect(["monday", "tuesday"])))) == 2


def test_nobody_picks_the_name_of_another_ones_results(handed):
    put(handed / "ada.ipynb")
    put(handed / "ada.py", OPENS)
    hashed = next(entry for entry in collect(["."]).entries if entry.path.name == "ada.py").name
    put(handed / "ada" / f"{hashed.removeprefix('ada-')}.py", OPENS)
    put(handed / f"{hashed.upper()}.ipynb")
    found = {entry.name: entry.path for entry in collect(["."]).entries}
    assert found[hashed].name == "ada.py"
    assert len(found) == 4


def test_name_that_is_taken_after_all_is_refused_and_ends_no_batch(handed, monkeypatch):
    put(handed / "ada.ipynb")
    put(handed / "ada.py", OPENS)
    hashes = iter(["ada", "ada", "ada-1"])
    monkeypatch.setattr("labkit.grading.batch.collect._with_hash", lambda name, label: next(hashes))
    found = collect(["."]).entries
    assert [(entry.name, entry.path.name) for entry in found] == [
        ("ada", "ada.ipynb"), ("ada-1", "ada.py"),
    ]  # fmt: skip
    assert "rename it" in found[1].refused


@pytest.mark.parametrize(
    "label",
    [
        "../../etc/passwd",
        "..",
        "",
        "a/../../b",
        "summary.csv",
        "junit.xml",
        ".lock",
        "x" * 300,
        "a\x00b",
        "a\nb",
        "=1+1",
        "con\x1b[31m",
        "\udce4.ipynb",
        "\U0001d400" * 63 + "/" + "\U0001d400" * 60,
    ],
)
def test_folder_of_results_stays_inside_whatever_the_label(label, tmp_path):
    name = folder_name(label)
    assert (tmp_path / name).resolve().parent == tmp_path.resolve()
    assert name.isprintable()
    assert len(name) < 100
    assert len(name.encode()) < 143
    assert not name.startswith((".", "-", "="))
    assert name not in ("summary.csv", "junit.xml")


def test_links_in_a_folder_are_refused_and_not_followed(handed, tmp_path):
    secret = put(tmp_path / "solutions" / "solution.ipynb", "secret")
    put(handed / "ada.ipynb")
    (handed / "bo.ipynb").symlink_to(secret)
    (handed / "cy.ipynb").symlink_to("ada.ipynb")
    (handed / "dee").symlink_to(secret.parent)
    (handed / "eve.ipynb").symlink_to("nowhere")
    found = collect(["."])
    assert names(found) == ["ada", "bo", "cy", "eve"]
    assert set(refused(found)) == {"bo", "cy", "eve"}
    assert "symbolic link" in refused(found)["bo"]
    matched = collect(["*.ipynb", "*/*.ipynb"])
    assert len(refused(matched)) == 4
    named = collect(["bo.ipynb", "cy.ipynb", "dee/solution.ipynb", str(handed / "eve.ipynb")])
    assert len(refused(named)) == 4


def test_pipe_is_refused_before_it_is_opened(handed):
    os.mkfifo(handed / "pipe.ipynb")
    for arguments in (["."], ["pipe.ipynb"], ["*.ipynb"]):
        assert refused(collect(arguments)) == {"pipe": "pipe.ipynb is not an ordinary file"}


def test_file_elsewhere_may_lie_behind_a_link_but_not_be_one(handed, tmp_path):
    put(tmp_path / "real" / "class" / "ada.ipynb")
    (tmp_path / "real" / "eve").symlink_to("class")
    (tmp_path / "away").symlink_to("real")
    found = collect([f"{tmp_path}/away/class/ada.ipynb", f"{tmp_path}/away/eve/ada.ipynb"])
    assert len(found.entries) == 2
    assert [name.endswith("eve-ada") for name in refused(found)] == [True]


def test_folder_named_like_a_notebook_is_one_entry(handed):
    put(handed / "ada.ipynb" / "inner.ipynb")
    assert names(collect(["."])) == ["ada"]


def test_list_names_students(handed):
    put(handed / "one.ipynb")
    put(handed / "two.ipynb")
    rows = "student,path\nAda Moreau,one.ipynb\nBo,two.ipynb\nBo,one.ipynb\n"
    found = collect([str(put(handed / "class.csv", rows))])
    assert [(e.student, e.path.name) for e in found.entries] == [
        ("Ada Moreau", "one.ipynb"), ("Bo", "one.ipynb"), ("Bo", "two.ipynb"),
    ]  # fmt: skip
    assert all(entry.name.isprintable() and " " not in entry.name for entry in found.entries)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("../outside.ipynb", "leads out of the folder"),
        ("{tmp}/outside.ipynb", "leads out of the folder"),
        ("a/../../outside.ipynb", "leads out of the folder"),
        ("link.ipynb", "symbolic link"),
        ("away/outside.ipynb", "leads out of the folder"),
        ("", "has no path"),
        ("a\x00b", "has no path"),
    ],
)
def test_list_cannot_lead_out_of_its_folder(handed, tmp_path, path, says):
    put(tmp_path / "outside.ipynb")
    put(handed / "own.ipynb")
    (handed / "link.ipynb").symlink_to("own.ipynb")
    (handed / "away").symlink_to(tmp_path)
    rows = f"student,path\nEve,{path.format(tmp=tmp_path)}\n"
    (entry,) = collect([str(put(handed / "class.csv", rows))]).entries
    assert says in entry.refused


def test_list_among_files_that_were_handed_in_is_not_read(handed):
    put(handed / "ada.ipynb")
    put(handed / "eve.csv", "student,path\nEve,ada.ipynb\n")
    with pytest.raises(LabError, match="eve.csv stands among other files"):
        collect(["ada.ipynb", "eve.csv"])
    put(handed / "more.csv", "student,path\nBo,ada.ipynb\n")
    assert [e.student for e in collect(["eve.csv", "more.csv"]).entries] == ["Bo", "Eve"]


def test_list_row_without_a_file_is_an_entry_and_says_so_when_read(handed):
    (entry,) = collect([str(put(handed / "class.csv", "path,student\ngone.ipynb,Ada\n"))]).entries
    assert (entry.name, entry.refused) == ("Ada", "")


@pytest.mark.parametrize("content", [b"", b"name,file\na,b\n", b"student,path\n\xff,\n"])
def test_list_that_is_none_is_told(handed, content):
    (handed / "class.csv").write_bytes(content)
    with pytest.raises(LabError, match="class.csv"):
        collect(["class.csv"])


@pytest.mark.parametrize("argument", ["nowhere", "nowhere.ipynb", "*.nothing"])
def test_argument_that_names_nothing_is_wrong_usage(handed, argument):
    with pytest.raises(LabError, match="isn't there|matches no"):
        collect([argument])


def test_shards_are_disjoint_and_complete(handed):
    for number in range(10):
        put(handed / f"{number}.ipynb")
    found = collect(["."])
    parts = [names(found.shard(part, 3)) for part in (1, 2, 3)]
    assert [len(part) for part in parts] == [4, 3, 3]
    assert sorted(sum(parts, [])) == names(found)
