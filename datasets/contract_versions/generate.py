"""Write five versions of a data contract and a proposal for a sixth, as YAML."""

import random
import shutil
from pathlib import Path

VERSIONS = ["v1.yaml", "v2.yaml", "v3.yaml", "v4.yaml", "v5.yaml"]
PROPOSAL = """\
# What checkout proposes next. Nobody has agreed yet.
version: 6
key: order_id
on_violation: quarantine
fields:
  - {{name: order_id, type: bigint, required: true}}
  - {{name: total, type: "decimal({digits},{scale})", required: {total_required}, above: 0}}
  - {{name: currency, type: string, required: {currency_required}, allowed: [EUR, USD, GBP]}}
  - {{name: placed_at, type: timestamp}}
  - name: address
    fields:
      - {{name: city, type: string}}
      - {{name: zip, type: {zip}}}
      - {{name: country, type: string}}
  - {{name: {new}, type: {kind}, required: {new_required}}}
"""


def generate(folder: Path, *, seed: int, scale: int = 1, part: int = 0, parts: int = 1) -> None:
    """`v1.yaml` to `v5.yaml`, the same for every seed, and `v6.yaml`, which is drawn."""
    if part:
        return
    for name in VERSIONS:
        shutil.copyfile(Path(__file__).parent / name, folder / name)
    rng = random.Random(seed)
    text = PROPOSAL.format(
        digits=rng.randint(8, 14),
        scale=rng.choice([2, 3, 4]),
        total_required=rng.choice(["true", "false"]),
        currency_required=rng.choice(["true", "false"]),
        zip=rng.choice(["string", "int"]),
        new=rng.choice(["voucher", "shop_id", "device", "tax", "gift_note"]),
        kind=rng.choice(["string", "int", "bigint"]),
        new_required=rng.choice(["true", "false"]),
    )
    (folder / "v6.yaml").write_text(text, "utf-8")
