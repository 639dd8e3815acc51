# because: freshness in topological order, and a reviewer that is a table of rules


def freshness(architecture: dict) -> dict:
    from graphlib import CycleError, TopologicalSorter

    parts = {each["id"]: each for each in architecture["components"]}
    flows = [each for each in architecture["flows"] if each["mode"] != "dead_letter"]
    above: dict[str, set[str]] = {name: set() for name in parts}
    for each in flows:
        above[each["to"]].add(each["from"])
    try:
        order = list(TopologicalSorter(above).static_order())
    except CycleError as error:
        raise ValueError(str(error)) from None
    reached: dict[str, tuple[float, list[str]]] = {}
    for name in order:
        ways = [
            (reached[each["from"]][0] + each["every_seconds"], reached[each["from"]][1])
            for each in flows
            if each["to"] == name
        ]
        seconds, path = max(ways, default=(0, []))
        reached[name] = seconds + parts[name]["seconds"], [*path, name]
    depends = {name: {name} for name in parts}
    for _ in parts:  # as many rounds as the longest chain could need
        for name, mine in depends.items():
            for other in above[name] | set(parts[name]["needs"]):
                mine |= depends[other]
    stops = {name: [] for name in parts}
    consumers = {}
    for name in sorted(parts):
        if parts[name]["kind"] != "consumer":
            continue
        share = 1.0
        done = set()
        for other in depends[name]:
            group = parts[other]["group"]
            twins = [x for x in depends[name] if group and parts[x]["group"] == group] or [other]
            if len(twins) == 1:
                stops[other].append(name)
            if other not in done:
                share *= 1 - math.prod(1 - parts[x]["sla"] for x in twins)
            done |= set(twins)
        consumers[name] = {
            "seconds": reached[name][0],
            "path": reached[name][1],
            "availability": share,
        }
    return {"consumers": consumers, "blast_radius": stops}


def review(architecture: dict, brief: dict) -> list[dict]:
    parts = {each["id"]: each for each in architecture["components"]}
    tables = {each["name"]: each for each in architecture["tables"]}
    flows, copies, recovery = architecture["flows"], architecture["recovery"], brief["recovery"]
    live = [each for each in flows if each["mode"] != "dead_letter"]
    asked = {each["name"]: each for each in brief["consumers"]}
    hours = recovery["outage_hours"] + recovery["catch_up_hours"]
    places: dict[str, set[str]] = {rule: set() for rule in RULES}

    def into(name: str) -> list[dict]:
        return [parts[each["from"]] for each in live if each["to"] == name]

    on_flows = {
        "not_idempotent": lambda f, a, b: f["write"] == "append" and f["delivery"] != "exactly_once",
        "no_contract": lambda f, a, b: not all((f["contract"] or {}).get(k) for k in ("owner", "schema")),
        "public_network": lambda f, a, b: f["network"] != "private",
        "needless_secret": lambda f, a, b: f["auth"] == "secret"
        and a["identity"] == "managed" and b["identity"] == "managed",
        "prod_reads_dev": lambda f, a, b: a["environment"] != "prod" and b["environment"] == "prod",
    }  # fmt: skip
    for each in flows:
        for rule, fires in on_flows.items():
            if fires(each, parts[each["from"]], parts[each["to"]]):
                places[rule].add(f"{each['from']} -> {each['to']}")

    left = set(parts)
    while ends := {
        name for name in left
        if not any(f["from"] == name and f["to"] in left for f in live)
        or not any(f["to"] == name and f["from"] in left for f in live)
    }:  # fmt: skip
        left -= ends
    reach = {name: {f["to"] for f in live if f["from"] == name} for name in parts}
    for _ in parts:
        for name in parts:
            reach[name] |= {far for near in set(reach[name]) for far in reach[near]}
    places["cycle"] = {name for name in left if name in reach[name]}

    def expires(job: dict) -> bool:
        point = job["checkpoint"]
        if not point:
            return False
        here = Path(point["folder"])
        folders = [Path(rule["folder"]) for rule in parts[point["store"]]["lifecycle"]]
        return any(folder == here or folder in here.parents for folder in folders)

    def safe(store: dict) -> bool:
        mine = [c for c in copies if c["store"] == store["id"] and c["region"] != store["region"]]
        return any(
            recovery["rpo_seconds"] >= c["every_seconds"]
            and recovery["rto_seconds"] >= c["restore_seconds"]
            for c in mine
        )

    nightly = all(s["kind"] == "files" for s in brief["sources"]) and all(
        each["freshness_seconds"] >= 21_600 for each in asked.values()
    )
    for name, each in parts.items():
        kind, allowed = each["kind"], brief["allowed_regions"]
        if kind in ("broker", "job", "store") and each["region"] not in allowed:
            places["wrong_region"].add(name)
        if any(c["store"] == name and c["region"] not in allowed for c in copies):
            places["wrong_region"].add(name)
        match kind:
            case "job":
                out = [f for f in flows if f["from"] == name and f["mode"] == "dead_letter"]
                if not out and any(p["kind"] in ("source", "broker") for p in into(name)):
                    places["no_dead_letter"].add(name)
                if expires(each):
                    places["checkpoint_expires"].add(name)
            case "broker":
                if each["retention_hours"] < hours:
                    places["no_replay"].add(name)
                if nightly:
                    places["needless_streaming"].add(name)
            case "orchestrator" | "vault":
                used = any(name in other["needs"] for other in parts.values())
                twin = any(
                    other is not each and each["group"] and other["group"] == each["group"]
                    for other in parts.values()
                )
                if used and len(each["zones"]) < 2 and not twin:
                    places["single_point"].add(name)
            case "store":
                must = recovery["survives"] == "region" and each["environment"] == "prod"
                if must and not safe(each):
                    places["no_recovery"].add(name)
                if each["engine"] == "delta" and volume_gb(brief) < brief["limits"]["small_gb"]:
                    places["needless_lakehouse"].add(name)
            case "consumer":
                lakes = [p for p in into(name) if p["kind"] == "store" and p["engine"] == "delta"]
                if lakes and asked[each["brief"]]["answer_ms"] < 1000:
                    places["unfit_store"].add(name)
    if not places["cycle"]:
        for name, row in freshness(architecture)["consumers"].items():
            if row["seconds"] > asked[parts[name]["brief"]]["freshness_seconds"]:
                places["too_late"].add(name)

    written = {(f["data"], f["from"]) for f in live if parts[f["to"]]["kind"] == "store"}
    names = [data for data, _ in written]
    places["two_writers"] = {data for data in names if names.count(data) > 1}
    raw = {name: table["pii"] == "raw" for name, table in tables.items()}
    for _ in tables:
        for name, table in tables.items():
            if table["policy"] == "none":
                raw[name] |= any(raw.get(other, False) for other in table["reads"])
    for name, table in tables.items():
        if raw[name] and table["layer"] == "gold":
            places["raw_pii_in_gold"].add(name)
        days = table["erasure_days"]
        if raw[name] and (math.inf if days is None else days) > brief["erasure_days"]:
            places["no_erasure"].add(name)
        if table["layer"] == "bronze" and any(t != "add_metadata" for t in table["transforms"]):
            places["logic_in_bronze"].add(name)
    return [
        {
            "rule": rule,
            "severity": RULES[rule][0],
            "where": where,
            "reason": f"{where} breaks the rule {rule}",
            "remedy": RULES[rule][1],
        }
        for rule, found in places.items()
        for where in found
    ]
