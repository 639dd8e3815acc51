"""A judge for the attacks: a process of its own, as in grading; JSON lines in and out."""

import sys

from labkit.sandbox import sandbox

if __name__ == "__main__":
    if sys.argv[1] == "on":
        sandbox.isolate()
    import json
    from pathlib import Path

    from labkit.course.labs import Lab
    from labkit.grading.grade import grade
    from labkit.grading.jvm import Engine

    root = Path(sys.argv[2])
    answers = sys.stdout
    sys.stdout = sys.stderr
    with Engine(root, sandboxed=sys.argv[1] == "on") as engine:
        for line in sys.stdin:
            asked = json.loads(line)
            engine.limits = sandbox.Limits(**asked.pop("limits"))
            path = Path(asked.pop("path"))
            report = grade(Lab(0, "toy", root), path, engine.session, engine=engine, **asked)
            facts = {"spoiled": engine.spoiled, "starts": engine.starts}
            print(json.dumps(report.as_dict() | facts), file=answers, flush=True)
