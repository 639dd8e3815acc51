"""A judge for the attacks: a process of its own, as in grading; JSON lines in and out.

`python judge_process.py on|off|open|fresh ROOT`: in the sandbox, without it, in it with an open JVM,
or with a fresh JVM for each answer.
"""

import sys

from labkit.sandbox import sandbox

if __name__ == "__main__":
    mode = sys.argv[1]
    if mode != "off":
        sandbox.leave_network()
    import json
    from pathlib import Path

    from labkit.course.labs import Lab
    from labkit.grading.grade import Grader
    from labkit.grading.jvm import GradingJvm
    from labkit.sandbox.limits import Limits, limit_own_memory
    from labkit.verdict.report_json import to_json

    limit_own_memory()
    root = Path(sys.argv[2])
    answers = sys.stdout
    sys.stdout = sys.stderr
    with GradingJvm(
        root, sandboxed=mode != "off", allow_jvm=mode == "open", reuse=mode != "fresh"
    ) as spark:
        grader = Grader(spark)
        for line in sys.stdin:
            asked = json.loads(line)
            spark.limits = Limits(**asked.pop("limits"))
            lab, path = Lab(asked.pop("lab"), "toy", root), Path(asked.pop("path"))
            report = grader.grade(lab, path, **asked)
            facts = {"spoiled": spark.spoiled, "starts": spark.starts}
            print(json.dumps(json.loads(to_json(report)) | facts), file=answers, flush=True)
