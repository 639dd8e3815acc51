"""Take the screenshots of the README and the guides: `.venv/bin/python docs/images/take.py`."""

import io
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import browsing  # noqa: E402
import lab_page  # noqa: E402

from labkit.author.known_answers import read_mistakes  # noqa: E402
from labkit.course import hints  # noqa: E402
from labkit.course.labs import find_lab  # noqa: E402

TOOLBAR = 33  # pixels of the notebook's toolbar, which says nothing here
ONLY_AFTER = '''def flatten(envelopes: DataFrame) -> DataFrame:
    """The row image of each event with a key, then op and lsn."""
    return envelopes.select("after.*", "op", F.col("source.lsn").alias("lsn"))'''


@contextmanager
def notebook(slug: str, last: str, height: int):
    """The page of a lab's starter in a checkout of its own, after "run all"."""
    with tempfile.TemporaryDirectory(prefix="screenshots-") as place:
        root, rest = Path(place) / "checkout", Path(place)
        for part in ("labs", "solutions", "datasets"):
            shutil.copytree(ROOT / part, root / part)
        shutil.copy2(ROOT / "jars.lock", root)
        environment = lab_page.environment_of(root, rest / "jupyter")
        with (
            browsing.chromium(rest / "chromium") as driver,
            lab_page.served("start", slug, checkout=root, environment=environment) as address,
        ):
            driver.set_window_size(1280, height)
            page = lab_page.Page(driver, rest)
            page.open(address, last)
            yield page


def keep(page: lab_page.Page, name: str, cell: str | None = None) -> None:
    """The notebook without its toolbar, in 64 colours."""
    if cell:
        at = page.cell(cell)
        page.driver.execute_script("arguments[0].scrollIntoView({block: 'start'})", at)
    shot = Image.open(io.BytesIO(page.find(".jp-NotebookPanel")[0].screenshot_as_png))
    shot = shot.convert("RGB").crop((0, TOOLBAR, *shot.size))
    shot.quantize(64).save(HERE / f"{name}.png", optimize=True)


def run_all(page: lab_page.Page, last: str, says: str) -> None:
    page.menu("Run", "Run All Cells")
    page.until_says(last, says)


def answer(page: lab_page.Page, task: str, text: str, says: str) -> None:
    """Writes the answer, runs it and asks for the verdict."""
    page.type_into(f"def {task}", text)
    page.run(f"def {task}")
    page.run(f'lab.check("{task}")')
    page.until_says(f'lab.check("{task}")', says)
    page.editor(f"def {task}").send_keys(lab_page.Keys.ESCAPE)


def main() -> None:
    merge, slow = find_lab("cdc_merge", ROOT), find_lab("slow_job", ROOT)
    with notebook("cdc_merge", "lab.next()", 980) as page:
        keep(page, "opened")
        run_all(page, "lab.next()", "Next: write")
        answer(page, "flatten", ONLY_AFTER, "2 of 4 checks passed")
        keep(page, "failed", "def flatten")
        answer(page, "flatten", hints.reference(merge, "flatten"), "4 of 4 checks passed")
        keep(page, "passed", "def flatten")
    mistake = next(each for each in read_mistakes(slow) if each.name == "range_join_kept")
    with notebook("slow_job", "lab.next()", 1000) as page:
        run_all(page, "lab.next()", "Next: write")
        answer(page, "fast_report", mistake.text.strip(), "checks passed")
        keep(page, "plan", 'lab.check("fast_report")')


if __name__ == "__main__":
    main()
