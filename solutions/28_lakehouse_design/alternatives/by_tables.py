# because: sizes through a table of items, the bill through a table of hours, the break-even by halving


def _growing(source: dict, brief: dict) -> float:
    return (1 + source["growth_per_year"]) ** brief["horizon_years"]


def _copies(source: dict, limits: dict) -> int:
    old = source["rewrites"] * limits["time_travel_days"]
    return limits["layers"] * (source["retention_days"] + old)


def _of_source(source: dict, brief: dict) -> dict[str, tuple[float, float, str]]:
    """Low, high and unit by item."""
    limits, hours = brief["limits"], brief["recovery"]
    few, many = limits["compression"]
    items: dict[str, tuple[float, float, str]] = {}
    if source["kind"] == "files":
        a_day = source["gb_per_day"] * 1e9 * _growing(source, brief)
        link = a_day / (source["link_mbit_per_second"] / 8 * 1e6)
        items["transfer_seconds"] = link, link, "s"
        rate = a_day / source["window_hours"] / 3600 / 2**20
        slow, fast = limits["mib_per_core_per_second"]
    else:
        mean = source["per_second"] * _growing(source, brief)
        a_day = mean * source["bytes"] * 86_400
        worst = mean * source["peak_factor"]
        backlog = mean * hours["outage_hours"] / hours["catch_up_hours"]
        rate = max(worst, mean + backlog)
        slow, fast = limits["events_per_core_per_second"]
        items["peak_bytes_per_second"] = worst * source["bytes"], worst * source["bytes"], "B/s"
        topic = a_day * limits["topic_retention_days"] * limits["replicas"]
        items["topic_bytes"] = topic, topic, "B"
    cores = math.ceil(rate / fast), math.ceil(rate / slow)
    items["cores"] = *cores, "count"
    packed = a_day / many, a_day / few
    items["raw_bytes_per_day"] = a_day, a_day, "B/day"
    copies = _copies(source, limits)
    items["stored_bytes"] = packed[0] * copies, packed[1] * copies, "B"
    kept = [math.ceil(size / 2**20 / limits["target_file_mib"]) for size in packed]
    items["files_kept_per_day"] = kept[0], kept[1], "count"
    written = kept
    if source["kind"] != "files":
        peak = items["peak_bytes_per_second"][0] / 2**20
        least = max(cores[1], math.ceil(peak / limits["partition_mib_per_second"]))
        items["partitions"] = least, math.ceil(least * limits["partition_headroom"]), "count"
        written = [math.ceil(core * 86_400 / limits["trigger_seconds"]) for core in cores]
    items["files_written_per_day"] = written[0], written[1], "count"
    return items


def size(brief: dict) -> list[dict]:
    limits = brief["limits"]
    by_name = {source["name"]: source for source in brief["sources"]}
    sized = {name: _of_source(source, brief) for name, source in by_name.items()}
    for join in brief["joins"]:
        ends = []
        for factor in (False, True):
            held = 0.0
            for side in map(by_name.get, join["sides"]):
                rate = side["per_second"] * _growing(side, brief)
                rate *= side["peak_factor"] if factor else 1
                held += rate * (side["bytes"] + limits["state_overhead_bytes"])
            ends.append(held * join["watermark_seconds"])
        sized[join["name"]] = {"state_bytes": (*ends, "B")}
    whole = {}
    for item, unit in [
        ("raw_bytes_per_day", "B/day"),
        ("stored_bytes", "B"),
        ("files_written_per_day", "count"),
        ("peak_bytes_per_second", "B/s"),
        ("cores", "count"),
    ]:
        every = [items[item] for items in sized.values() if item in items]
        whole[item] = sum(row[0] for row in every), sum(row[1] for row in every), unit
    few, many = limits["compression"]
    past = brief["history_tb"] * 1e12 * limits["layers"]
    low, high, unit = whole["stored_bytes"]
    whole["stored_bytes"] = low + past / many, high + past / few, unit
    low, high, unit = whole.pop("cores")
    per = limits["cores_per_worker"]
    whole["workers"] = -(-low // per), -(-high // per), "count"
    files = any(source["kind"] == "files" for source in by_name.values())
    streams = any(source["kind"] != "files" for source in by_name.values())
    whole["drivers"] = files + streams, files + streams, "count"
    sized["all"] = whole
    return [
        {"source": name, "item": item, "low": low, "high": high, "unit": unit, "formula": item}
        for name, items in sized.items()
        for item, (low, high, unit) in items.items()
    ]


def monthly_cost(sizing: list[dict], prices: dict, choices: dict) -> list[dict]:
    def of(item: str) -> float:
        return next(r["high"] for r in sizing if r["source"] == "all" and r["item"] == item)

    kind = choices["compute"]
    idle = choices["starts_per_day"] * prices["idle_minutes"] / 60
    start = choices["starts_per_day"] * prices["start_minutes"] / 60
    paid = {
        "classic": {
            "dbu": choices["hours_per_day"] + idle,
            "vm": choices["hours_per_day"] + idle + start,
        },
        "serverless": {"dbu": choices["hours_per_day"], "vm": 0},
    }[kind]
    spot = of("workers") * choices["spot_share"]
    rest = of("workers") + of("drivers") - spot
    firm = choices["reserved"] and kind == "classic"
    month = 365 / 12
    quantities = {
        "dbu": (of("workers") + of("drivers"))
        * paid["dbu"]
        * month
        * prices["dbu_per_node_hour"][kind],
        "vm_on_demand": 0 if firm else rest * paid["vm"] * month,
        "vm_reserved": rest * 24 * month if firm else 0,
        "vm_spot": spot * paid["vm"] * month,
        "storage_hot": of("stored_bytes") / 1e9 * choices["hot_share"],
        "storage_cool": of("stored_bytes") / 1e9 * (1 - choices["hot_share"]),
        "write_requests": of("files_written_per_day") / 1e4 * month,
        "stream_units": math.ceil(of("peak_bytes_per_second") / 2**20) * 730,
        "egress": choices["egress_gb_per_day"] * month,
    }
    units = {
        "dbu": ("DBU", prices["dbu_price"][kind]),
        "vm_on_demand": ("node-hour", prices["vm_hour"]["on_demand"]),
        "vm_reserved": ("node-hour", prices["vm_hour"]["reserved"]),
        "vm_spot": ("node-hour", prices["vm_hour"]["spot"]),
        "storage_hot": ("GB-month", prices["storage_gb_month"]["hot"]),
        "storage_cool": ("GB-month", prices["storage_gb_month"]["cool"]),
        "write_requests": ("10k requests", prices["write_requests_10k"]),
        "stream_units": ("unit-hour", prices["stream_unit_hour"]),
        "egress": ("GB", prices["egress_gb"]),
    }
    return [
        {
            "item": item,
            "quantity": quantity,
            "unit": units[item][0],
            "unit_price": units[item][1],
            "cost": round(quantity * units[item][1], 2),
        }
        for item, quantity in quantities.items()
    ]


def break_even(prices: dict, starts_per_day: float) -> float | None:
    def dearer(hours: float) -> bool:
        machine = prices["vm_hour"]["on_demand"]
        up = hours + starts_per_day * prices["idle_minutes"] / 60
        waiting = starts_per_day * prices["start_minutes"] / 60
        dbu = up * prices["dbu_per_node_hour"]["classic"] * prices["dbu_price"]["classic"]
        classic = dbu + (up + waiting) * machine
        other = prices["dbu_per_node_hour"]["serverless"] * prices["dbu_price"]["serverless"]
        return classic > hours * other

    if dearer(24):
        return None
    low, high = 0.0, 24.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if dearer(middle) else (low, middle)
    return high
