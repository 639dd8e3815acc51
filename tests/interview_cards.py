"""Cards for tests, and checkouts that hold some."""

from pathlib import Path

import yaml


def card(name: str = "one", **changes) -> dict:
    """A valid card; a change to None leaves the key out."""
    points = [
        {"point": f"{name} says {what}", "weight": weight}
        for what, weight in (("why", 3), ("how much", 2), ("what it costs", 2), ("when not", 1))
    ]
    found = {
        "id": name,
        "asks": f"Why would you choose {name}?",
        "finds_out": "whether the candidate decides",
        "level": "senior",
        "minutes": 5,
        "topics": ["delta"],
        "seed": [6],
        "listen_for": points,
        "red_flags": ["it is always right"],
        "strong": "word " * 90 + "\n\n" + "other " * 40,
        "follow_ups": [{"asks": "And then?", "answer": "Then I measure."}],
        "practise": ["toy.double"],
        "sources": [{"title": "Delta Lake", "url": "https://docs.delta.io/latest/index.html"}],
        **changes,
    }
    return {key: value for key, value in found.items() if value is not None}


def put(root: Path, **sections: list[dict]) -> Path:
    """Writes cards into a checkout, by section; the checkout."""
    (root / "interview").mkdir(parents=True, exist_ok=True)
    for section, cards in sections.items():
        text = yaml.safe_dump(cards, sort_keys=False)
        (root / "interview" / f"{section}.yaml").write_text(text, "utf-8")
    return root
