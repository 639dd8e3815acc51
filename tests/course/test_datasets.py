"""Data sets grow by parts: the same bytes however many tasks make them, and what is planted stays."""

import hashlib
import json
import statistics
import subprocess
import sys
from collections import Counter

import pyarrow.parquet as pq
import pytest
from pyspark import cloudpickle

from labkit import home
from labkit.course import datasets
from labkit.home import LabError

FOLDER = home.root() / "datasets"
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/generate.py"))


def digest(folder):
    """The bytes and the modification times, where the generator sets them, of all files."""
    found = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(str(file.relative_to(folder)).encode() + file.read_bytes())
        if folder.name.startswith("card_payments"):
            found.update(str(file.stat().st_mtime).encode())
    return found.hexdigest()


def made(name, into, **more):
    return datasets.generated(FOLDER / name / "generate.py", into, **more)


def lines(file):
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


# ---------------------------------------------------------------- parts and tasks


@pytest.mark.parametrize("name", NAMES)
def test_tasks_make_the_bytes_that_plain_python_makes(name, tmp_path, spark):
    generate = datasets.load_generator(FOLDER / name / "generate.py")
    found = set()
    for number, more in enumerate([{}, *({"spark": spark, "tasks": n} for n in (1, 2, 7))]):
        folder = tmp_path / f"{name}-{number}"
        folder.mkdir()
        datasets.write_parts(generate, folder, seed=5, scale=3, **more)
        assert not list(folder.glob(".*")), "no part is left beside the files"
        found.add(digest(folder))
    assert len(found) == 1


class Elsewhere:
    """In the place of a session: a Python in which labkit can't be imported."""

    @property
    def sparkContext(self):  # noqa: N802
        return self

    def parallelize(self, work, tasks):
        self.work = work
        return self

    def foreach(self, do):
        program = (
            "import pickle, sys; sys.modules['labkit'] = None\n"
            "do, work = pickle.load(sys.stdin.buffer)\n"
            "for item in work: do(item)"
        )
        subprocess.run(
            [sys.executable, "-c", program], input=cloudpickle.dumps((do, self.work)), check=True
        )


@pytest.mark.parametrize("name", NAMES)
def test_executors_need_no_labkit(name, tmp_path):
    generate = datasets.load_generator(FOLDER / name / "generate.py")
    for place, spark in (("here", None), ("elsewhere", Elsewhere())):
        (tmp_path / place).mkdir()
        datasets.write_parts(generate, tmp_path / place, seed=5, scale=2, spark=spark)
    assert digest(tmp_path / "here") == digest(tmp_path / "elsewhere")


@pytest.mark.parametrize("name", NAMES)
def test_one_part_is_the_whole_of_scale_1(name, tmp_path):
    generate = datasets.load_generator(FOLDER / name / "generate.py")
    once, whole = made(name, tmp_path / "a", seed=5), tmp_path / name
    whole.mkdir()
    datasets.write_parts(generate, whole, seed=5, scale=1)
    assert digest(whole) == digest(once)


def test_a_data_set_has_no_more_parts_than_it_may(tmp_path):
    asked = []

    def generate(folder, *, seed, scale, part, parts):
        asked.append((part, parts))
        (folder / "rows.txt").write_text(f"{part}\n")

    datasets.write_parts(generate, tmp_path, seed=0, scale=1000)
    assert asked == [(part, datasets.PARTS) for part in range(datasets.PARTS)]
    assert (tmp_path / "rows.txt").read_text().split() == [str(part) for part, _ in asked]


def test_a_part_that_fails_leaves_nothing(tmp_path):
    path = tmp_path / "toy" / "generate.py"
    path.parent.mkdir()
    path.write_text("def generate(folder, *, seed, scale, part, parts):\n    1 / (part - 1)\n")
    with pytest.raises(ZeroDivisionError):
        datasets.generated(path, tmp_path / "into", scale=2)
    assert not list((tmp_path / "into").iterdir())


def test_a_scale_is_a_whole_number_from_1(tmp_path):
    with pytest.raises(LabError, match="from 1"):
        made("ad_clicks", tmp_path, scale=0)


# ---------------------------------------------------------------- what grows, what stays


def test_changes_of_customers_have_one_log(tmp_path):
    folder = made("customer_changes", tmp_path, scale=3)
    batches = [lines(file) for file in sorted(folder.iterdir())]
    events = {}
    for change in (one for batch in batches for one in batch if one["op"]):
        image = change["after"] if change["op"] != "d" else change["before"]
        if image["customer_id"] is not None:
            events.setdefault(change["source"]["lsn"], []).append((image["customer_id"], change))
    assert len(events) == 3 * 300
    assert all(len({str(event) for event in same}) == 1 for same in events.values())
    customers = {same[0][0] for same in events.values()}
    assert min(customers) == 1 and 2 * 80 < max(customers) <= 3 * 80
    late = [change["source"]["lsn"] for change in batches[5] if change["op"] not in (None, "c")]
    assert min(late) < max(same[0][1]["source"]["lsn"] for same in events.values()) - 1000
    third = len(events) // 3
    first = [events[lsn][0][0] for lsn in sorted(events)[:third]]
    assert {(customer - 1) // 80 for customer in first} == {0, 1, 2}, "parts take turns in the log"


def test_the_hot_advertiser_is_hot_in_all_parts(tmp_path):
    folder = made("ad_clicks", tmp_path, scale=3)
    clicks = pq.read_table(folder / "clicks").to_pylist()
    assert len({row["click_id"] for row in clicks}) == len(clicks) == 3 * 20_000
    (hot, many), (house, some) = Counter(row["advertiser_id"] for row in clicks).most_common(2)
    assert house is None
    assert many / len(clicks) == pytest.approx(0.7, abs=0.01)
    assert some / len(clicks) == pytest.approx(0.1, abs=0.01)
    users = {row["user_id"] for row in clicks if row["advertiser_id"] == hot}
    assert len(users) > 2.5 * 9_826, "the crowd grows"
    assert pq.read_metadata(folder / "advertisers.parquet").num_rows == 61
    sizes = [pq.read_metadata(file).num_rows for file in (folder / "clicks").iterdir()]
    assert sizes == [3 * 2_500] * 8


def test_products_grow_and_their_corrections_with_them(tmp_path):
    folder = made("product_updates", tmp_path, scale=3)
    updates = [row for file in folder.glob("updates_*") for row in lines(file)]
    assert {row["product_id"] for row in updates} == set(range(101, 101 + 3 * 60))
    corrected = [
        row for row in lines(folder / "updates_2026-03-06.json") if row["updated_at"] < "2026-03-06"
    ]
    assert len({row["product_id"] for row in corrected}) == pytest.approx(3 * 11, abs=4)
    said = {}
    for file in sorted(folder.glob("updates_*")):
        for row in lines(file):
            key = (file.name, row["product_id"], row["updated_at"])
            assert said.setdefault(key, row) == row, "one product, one time, one file: one row"
    sales = lines(folder / "sales.json")
    assert [row["sale_id"] for row in sales] == list(range(1, 3 * 400 + 1))
    assert sum(row["product_id"] < 101 for row in sales) == 3 * 8


def test_orders_keep_their_messages_together(tmp_path):
    folder = made("order_events", tmp_path, scale=3)
    messages = lines(folder / "morning.jsonl") + lines(folder / "afternoon.jsonl")
    assert {row["key"] for row in messages} == {f"o-{n:04d}" for n in range(1, 3 * 60 + 1)}
    assert {row["partition"] for row in messages} == {0, 1}
    assert sum(row["aborted"] for row in messages) > 6
    assert sum(row["value"] is None for row in messages) > 0


def test_the_erp_has_one_log_in_the_order_of_time(tmp_path):
    folder = made("shop_landing", tmp_path, scale=3)
    changes = {}
    for file in (folder / "customers").rglob("*.json"):
        for line in file.read_text("utf-8").splitlines():
            try:
                change = json.loads(line)
            except ValueError:
                continue  # broken on purpose
            assert changes.setdefault(change["lsn"], change) == change
    times = [changes[lsn]["ts"] for lsn in sorted(changes)]
    assert times == sorted(times)
    assert {change["customer_id"] for change in changes.values()} == set(range(1, 3 * 40 + 1))
    files = [file.name for file in (folder / "clicks" / "2026-06-03").iterdir()]
    assert len(files) == 3 * 3, "each part has files of its own"


def test_shops_have_ids_of_their_own(tmp_path):
    folder = made("shop_extracts", tmp_path, scale=3)
    placed = Counter()
    for row in {
        json.dumps(row): row for file in folder.glob("orders_*") for row in lines(file)
    }.values():
        placed[row["order_id"]] += row["status"] == "new" and not row["is_deleted"]
    assert {(order_id - 1) // 100 for order_id in placed} == {0, 1, 2}
    extract = [row["customer_id"] for row in lines(folder / "customers_2026-05-04.json")]
    assert sorted(extract) == list(range(1, 3 * 24 + 1))


def test_the_reseller_places_as_many_orders_as_ever(tmp_path):
    folder = made("order_report", tmp_path, scale=3)
    orders = pq.read_table(folder / "orders.parquet").to_pylist()
    assert [row["order_id"] for row in orders] == list(range(1, 3 * 1_500 + 1))
    assert statistics.mode(row["customer_id"] for row in orders) == 7
    assert sum(row["customer_id"] == 7 for row in orders) / 4_500 == pytest.approx(0.45, abs=0.03)
    assert pq.read_metadata(folder / "rates.parquet").num_rows == 359
    assert (folder / "slow_job.py").is_file()


def test_cards_are_different_ones(tmp_path):
    folder = made("card_payments", tmp_path, scale=3)
    rows = [row for file in folder.iterdir() for row in lines(file)]
    assert {row["card_id"] for row in rows} == {f"c-{n:03d}" for n in range(3 * 90)}
    times = [file.stat().st_mtime for file in sorted(folder.iterdir())]
    assert {late - early for early, late in zip(times, times[1:], strict=False)} == {300.0}
