"""The parts that there are, and what a process of a submission is told of them."""

from labkit.parts.environment import STAMP
from labkit.parts.known import AIRFLOW, FLINK, installed
from labkit.spark.java import java_home


def test_a_part_that_runs_on_java_comes_with_the_folder_of_java(monkeypatch, tmp_path):
    for part in (AIRFLOW, FLINK):
        folder = tmp_path / part.name
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").touch(mode=0o755)
        (folder / STAMP).write_text('{"megabytes": 1}')
        monkeypatch.setenv(part.variable, str(folder))
    monkeypatch.setattr("labkit.parts.environment.sys.version_info", (3, 11, 9, "final", 0))
    assert installed(["airflow"]) == {"LAB_PART_AIRFLOW": tmp_path / "airflow"}
    assert installed(["flink"]) == {
        "LAB_PART_FLINK": tmp_path / "flink",
        "JAVA_HOME": java_home(),
    }
