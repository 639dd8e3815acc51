# because: one job a layer for all sources, a private region pair, and two drawings that differ in their interval


def _drawing(brief: dict, wait: int) -> dict:
    regions, survive = brief["allowed_regions"], brief["recovery"]
    streams = {s["name"] for s in brief["sources"] if s["kind"] != "files"}
    tiny = volume_gb(brief) < brief["limits"]["small_gb"]
    quick = {c["name"] for c in brief["consumers"] if c["answer_ms"] < 1000}
    here = {"region": regions[-1]}
    base = {"needs": ["airflow"], "seconds": 45, **here}
    parts = [part("airflow", "orchestrator", **here)]
    lines, tables = [], []
    if streams:
        parts.append(part("hub", "broker", retention_hours=24 * 7, **here))
    parts.append(part("ingest", "job", **base))
    kind = "database" if tiny else "delta"
    for name in ["lake"] if tiny else ["raw", "core"]:
        parts.append(part(name, "store", engine=kind, **here))
    for source in brief["sources"]:
        name = source["name"]
        parts.append(part(name, "source", brief=name, identity="none"))
        if name in streams:
            lines.append(flow(name, "hub", name))
        else:
            lines.append(flow(name, "ingest", name, mode="batch", every_seconds=wait))
    if streams:
        lines.append(flow("hub", "ingest", "all", every_seconds=wait, delivery="at_least_once"))
    personal = any(source["pii"] for source in brief["sources"])
    stored = {"pii": "raw" if personal else "none", "erasure_days": 1}
    first = "lake" if tiny else "raw"
    lines += [
        flow("ingest", first, "everything", write="merge"),
        flow("ingest", first, "rejected", write="append", mode="dead_letter"),
    ]
    tables.append({**table("everything", "silver" if tiny else "bronze"), **stored})
    last = first
    if not tiny:
        parts.append(part("model", "job", **base))
        lines += [
            flow("raw", "model", "everything", every_seconds=wait),
            flow("model", "core", "facts", write="overwrite"),
        ]
        tables.append(table("facts", "gold", reads=["everything"], policy="drop"))
        last = "core"
    if quick and not tiny:
        parts += [part("copy", "job", **base), part("redis", "store", engine="database", **here)]
        lines += [
            flow("core", "copy", "facts", every_seconds=wait),
            flow("copy", "redis", "keys", write="merge"),
        ]
        tables.append(table("keys", "gold", reads=["facts"]))
    for each in brief["consumers"]:
        name = each["name"]
        parts.append(part(f"for {name}", "consumer", brief=name))
        lines.append(flow("redis" if name in quick and not tiny else last, f"for {name}", "facts"))
    copies = [
        {
            "store": each["id"],
            "region": regions[0],
            "every_seconds": survive["rpo_seconds"] / 2,
            "restore_seconds": survive["rto_seconds"] / 2,
        }
        for each in parts
        if each["kind"] == "store" and survive["survives"] == "region"
    ]
    return {"components": parts, "flows": lines, "tables": tables, "recovery": copies}


def table(name: str, layer: str, **more) -> dict:
    empty = {"owner": "data team", "pii": "none", "policy": "none", "reads": [], "transforms": []}
    return {"name": name, "layer": layer, **empty, "erasure_days": None, **more}


def design(brief: dict) -> dict:
    limit = min(each["freshness_seconds"] for each in brief["consumers"])
    longest = max(1, (limit - 200) // 3)
    options = []
    for name, wait in (("often", min(60, longest)), ("seldom", longest)):
        always = wait < 600
        options.append(
            {
                "name": name,
                "architecture": _drawing(brief, wait),
                "choices": {
                    "compute": "classic" if always else "serverless",
                    "hours_per_day": 24 if always else 24 * 200 / wait,
                    "starts_per_day": 0,
                    "spot_share": 0,
                    "reserved": always,
                    "hot_share": 1,
                    "egress_gb_per_day": 0,
                },
                "gives_up": f"With a run each {wait} s, {'money' if name == 'often' else 'minutes'}.",
            }
        )
    return {
        "options": options,
        "recommended": "seldom",
        "because": f"Nobody needs it sooner than {limit} seconds.",
    }
