"""Write the briefs of three companies, what one part carries, and prices, as YAML."""

import random
import shutil
from pathlib import Path

COPIED = ["retailer.yaml", "insurer.yaml", "limits.yaml", "prices.yaml"]
DRAWN = """\
# A brief drawn with the seed: machines that report, and a plant manager who watches them.
name: drawn
allowed_regions: [westeurope, northeurope]
horizon_years: 1
history_tb: {history}
erasure_days: 30
budget_per_month: 20000
recovery: {{outage_hours: {outage}, catch_up_hours: {catch_up}, rpo_seconds: 86400,
  rto_seconds: 86400, survives: {survives}}}
sources:
  - {{name: machines, kind: events, per_second: {rate}, peak_factor: {peak}, bytes: {size},
     growth_per_year: 0.2, retention_days: {days}, rewrites: 1, pii: false}}
  - {{name: orders, kind: cdc, per_second: {changes}, peak_factor: 8, bytes: 1200,
     growth_per_year: 0.1, retention_days: 1825, rewrites: 5, pii: true}}
joins:
  - {{name: machines_with_orders, sides: [machines, orders], watermark_seconds: {watermark}}}
consumers:
  - {{name: plant_manager, reads: [machines, orders], freshness_seconds: {fresh}, answer_ms: 5000}}
"""


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    """Three briefs, `limits.yaml` and `prices.yaml`; a larger scale has no more of them."""
    if part:
        return
    for name in COPIED:
        shutil.copyfile(Path(__file__).parent / name, folder / name)
    rng = random.Random(seed)
    text = DRAWN.format(
        history=rng.randint(2, 30),
        outage=rng.randint(2, 8),
        catch_up=rng.randint(1, 4),
        survives=rng.choice(["zone", "region"]),
        rate=rng.randrange(1000, 9000, 100),
        peak=rng.choice([2, 2.5, 3, 4]),
        size=rng.randrange(200, 1000, 50),
        days=rng.choice([365, 400, 730]),
        changes=rng.randrange(20, 200, 10),
        watermark=rng.choice([600, 1800, 3600]),
        fresh=rng.choice([600, 900, 1800]),
    )
    (folder / "drawn.yaml").write_text(text, "utf-8")
