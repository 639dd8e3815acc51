"""Tell GitHub Classroom the points: its two notices, and the result that its reporter action reads."""

import base64
import json
import os
import sys
from pathlib import Path

REPORTS = Path(sys.argv[1])
# The names of GitHub Classroom's grading reporter, whose format this is.
PASS, FAIL, ERROR = "pass", "fail", "error"


def main() -> None:
    summary = json.loads((REPORTS / "summary.json").read_text("utf-8"))
    most = {lab["lab"]: lab["max_score"] for lab in summary["labs"]}
    best: dict[str, dict] = {}
    for row in summary["submissions"]:
        if row["lab"] not in best or row["score"] > best[row["lab"]]["score"]:
            best[row["lab"]] = row
    points = sum(row["score"] for row in best.values())
    # A lab of which nothing could be judged has no points to reach; one keeps the notice readable.
    total = sum(most[lab] for lab in best) or 1
    tests = [test for row in best.values() for test in tests_of(row)]
    states = {test["status"] for test in tests}
    result = {
        "version": 1,
        "status": ERROR if ERROR in states else FAIL if FAIL in states else PASS,
        "max_score": total,
        "tests": tests,
    }
    encoded = base64.b64encode(json.dumps(result).encode()).decode()
    with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8") as out:
        out.write(f"points={points:g}\nmax-points={total:g}\nresult={encoded}\n")
    print(f"::notice title=Autograding complete::Points {points:g}/{total:g}")
    report = json.dumps({"totalPoints": points, "maxPoints": total})
    print(f"::notice title=Autograding report::{report}")


def tests_of(row: dict) -> list[dict]:
    """One test a check, or one for a submission that could not be judged."""
    result = json.loads((REPORTS / row["name"] / "result.json").read_text("utf-8"))
    checks = [
        test(
            f"{check['task']}: {check['title']}",
            PASS
            if check["outcome"] == "passed"
            else ERROR
            if check["outcome"] == "broken"
            else FAIL,
            check["points"],
            check["reason"],
        )
        for check in result["checks"]
    ]
    return checks or [test(row["name"], ERROR, 0, row["message"] or row["status"])]


def test(name: str, status: str, score: float, message: str) -> dict:
    return {
        "name": name, "status": status, "score": score, "message": message[:500],
        "test_code": "", "filename": "", "line_no": 0,
    }  # fmt: skip


if __name__ == "__main__":
    main()
