# ---
# level: senior
# minutes: 90
# needs: []
# spark: false
# datasets: [lakehouse_design]
# topics: [architecture, cost, capacity, reliability, security]
# ---
# %% [markdown]
# # Size it, price it, and defend the drawing
#
# A retailer wants one platform: 25 000 clicks a second on the worst day, an ERP with CDC, nightly
# files, 40 TB of history, answers that are at most 15 minutes old, GDPR, and a budget. The board
# meets on Thursday. You work out how large it is and what it costs, draw it as data, and write the
# reviewer that reads the drawing. No cluster: plain Python, and a check takes well under a second.
#
# **You will learn** to
#
# - turn a brief into partitions, cores, bytes and files, with a unit and a formula for each,
# - price a month with idle time, starts, reservations and egress, and find where classic compute
#   beats serverless,
# - compute freshness, availability and blast radius of a drawing, and find its faults by rules.

# %% [markdown]
# ## The data
#
# A brief is YAML, and so are prices and what one part carries (`limits`). Each price says where it
# is from, or that it is illustrative; put your own into your copy of the file. `read_brief` joins
# all three, so `brief["limits"]` and `brief["prices"]` are always there. No two of a brief's
# sources, joins and consumers have the same name.

# %%
import math
from pathlib import Path

import yaml

import labkit

lab = labkit.open("lakehouse_design")
folder = lab.data("lakehouse_design")


def read_brief(folder: Path, name: str) -> dict:
    """The brief called `name`, with limits and prices."""
    brief, limits, prices = (
        yaml.safe_load((folder / f"{part}.yaml").read_text("utf-8"))
        for part in (name, "limits", "prices")
    )
    return brief | {"limits": limits, "prices": prices}


brief = read_brief(folder, "retailer")
print((folder / "retailer.yaml").read_text("utf-8"))
print((folder / "limits.yaml").read_text("utf-8"))

# %% [markdown]
# Look at the units before you multiply. `per_second` is the **average** of today; the worst minute
# has `peak_factor` times as many. GB and TB are decimal (10^9, 10^12 bytes), MiB is 2^20 bytes,
# Mbit is 10^6 bits. These names stay the same in the whole lab.

# %%
DAY, MIB, GB, TB = 86_400, 2**20, 10**9, 10**12
DAYS = 365 / 12  # of an average month

# %% [markdown]
# ## Task 1: how large is it
#
# `size(brief)` returns a list of rows, dicts with the keys `source`, `item`, `low`, `high`, `unit`
# and `formula`. `formula` says in words or symbols where the number comes from. Where a limit is a
# pair, such as `compression: [4, 8]`, the answer is an interval: `low` is what the better figure
# gives, `high` the worse one. Otherwise `low` equals `high`. Nothing is rounded but counts, which
# are rounded up.
#
# All rates and sizes are those **at the horizon**: today's, times (1 + `growth_per_year`) to the
# power of `horizon_years`. For each source of kind `events` or `cdc`:
#
# | item | unit | formula |
# |---|---|---|
# | `peak_bytes_per_second` | B/s | average rate x `peak_factor` x `bytes` |
# | `cores` | count | the rate to be ready for, over `events_per_core_per_second` |
# | `partitions` | count | `low`: the larger of peak bytes over `partition_mib_per_second`, and `high` of `cores`; `high`: `partition_headroom` times `low` |
# | `raw_bytes_per_day` | B/day | average rate x `bytes` x 86 400 |
# | `topic_bytes` | B | raw bytes a day x `topic_retention_days` x `replicas` |
# | `stored_bytes` | B | raw bytes a day / `compression` x `layers` x (`retention_days` + `rewrites` x `time_travel_days`) |
# | `files_written_per_day` | count | `cores` x 86 400 / `trigger_seconds`, rounded up once: each task writes a file at each trigger |
# | `files_kept_per_day` | count | compressed raw bytes a day over `target_file_mib` |
#
# The rate to be ready for is the larger of two: the peak, and the rate that clears a backlog.
# After `outage_hours` without a consumer, `catch_up_hours` must be enough for the events of the
# outage *and* those that arrive meanwhile, both at the average rate.
#
# What time travel keeps is in `stored_bytes`: a byte that is written again leaves its old copy
# behind for `time_travel_days`.
#
# A source of kind `files` has no topic and no broker. Its rows:
#
# | item | unit | formula |
# |---|---|---|
# | `transfer_seconds` | s | the file's bits over `link_mbit_per_second` |
# | `cores` | count | bytes over `window_hours`, over `mib_per_core_per_second` |
# | `raw_bytes_per_day`, `stored_bytes`, `files_kept_per_day` | as above | as above, from `gb_per_day` |
# | `files_written_per_day` | count | as many as are kept |
#
# Each join has one row, `state_bytes` (B), with the join's name as `source`: both sides wait in
# the state store for `watermark_seconds`, so it is the sum over **both** `sides` of rate x
# watermark x (`bytes` + `state_overhead_bytes`). `low` is at the average rates, `high` at the
# peaks.
#
# The source `all` has the sums of `raw_bytes_per_day`, `stored_bytes`, `files_written_per_day` and
# `peak_bytes_per_second`; `workers`, the sum of all `cores` over `cores_per_worker`, rounded up
# once; and `drivers`, one for all streams and one for all files (0 where there is none). The sum of
# `stored_bytes` includes the history: `history_tb` / `compression` x `layers`.


# %%
def size(brief: dict) -> list[dict]:
    """Rows of source, item, low, high, unit, formula: what the platform must carry."""
    # BEGIN SOLUTION: size each source, each join, and the whole
    limits, recovery, rows = brief["limits"], brief["recovery"], []

    def add(source: str, item: str, low: float, high: float, unit: str, formula: str) -> None:
        if unit == "count":
            low, high = math.ceil(low), math.ceil(high)
        row = {"source": source, "item": item, "low": low, "high": high}
        rows.append(row | {"unit": unit, "formula": formula})

    def kept(source: dict, daily: float) -> None:
        name, (worse, better) = source["name"], limits["compression"]
        days = source["retention_days"] + source["rewrites"] * limits["time_travel_days"]
        copies = limits["layers"] * days
        add(name, "raw_bytes_per_day", daily, daily, "B/day", "average rate x bytes x 86 400")
        formula = "raw a day / compression x layers x (retention + rewrites x time travel)"
        add(name, "stored_bytes", daily / better * copies, daily / worse * copies, "B", formula)
        target = limits["target_file_mib"] * MIB
        formula = "raw a day / compression / target file size"
        files = daily / better / target, daily / worse / target
        add(name, "files_kept_per_day", *files, "count", formula)

    rates = {}
    for source in brief["sources"]:
        name = source["name"]
        growth = (1 + source["growth_per_year"]) ** brief["horizon_years"]
        if source["kind"] == "files":
            daily = source["gb_per_day"] * GB * growth
            seconds = daily * 8 / (source["link_mbit_per_second"] * 10**6)
            add(name, "transfer_seconds", seconds, seconds, "s", "bits / bits a second")
            slow, fast = (each * MIB for each in limits["mib_per_core_per_second"])
            rate = daily / (source["window_hours"] * 3600)
            add(name, "cores", rate / fast, rate / slow, "count", "bytes / window / core")
            kept(source, daily)
            low, high = rows[-1]["low"], rows[-1]["high"]
            add(name, "files_written_per_day", low, high, "count", "as many as are kept")
            continue
        average = source["per_second"] * growth
        peak = average * source["peak_factor"]
        rates[name] = average, peak, source["bytes"]
        peak_bytes = peak * source["bytes"]
        add(name, "peak_bytes_per_second", peak_bytes, peak_bytes, "B/s", "rate x peak x bytes")
        hours = recovery["outage_hours"] + recovery["catch_up_hours"]
        ready = max(peak, average * hours / recovery["catch_up_hours"])
        slow, fast = limits["events_per_core_per_second"]
        add(name, "cores", ready / fast, ready / slow, "count", "max(peak, catch-up) / core")
        cores = rows[-1]
        one = limits["partition_mib_per_second"] * MIB
        needed = max(math.ceil(peak_bytes / one), cores["high"])
        most = needed * limits["partition_headroom"]
        add(name, "partitions", needed, most, "count", "max(peak bytes / partition, cores)")
        daily = average * source["bytes"] * DAY
        kept(source, daily)
        topic = daily * limits["topic_retention_days"] * limits["replicas"]
        add(name, "topic_bytes", topic, topic, "B", "raw a day x retention x replicas")
        triggers = DAY / limits["trigger_seconds"]
        files = cores["low"] * triggers, cores["high"] * triggers
        add(name, "files_written_per_day", *files, "count", "cores x triggers a day")
    for join in brief["joins"]:
        low = high = 0.0
        for average, peak, width in (rates[side] for side in join["sides"]):
            held = join["watermark_seconds"] * (width + limits["state_overhead_bytes"])
            low, high = low + average * held, high + peak * held
        formula = "sum over both sides of rate x watermark x (bytes + overhead)"
        add(join["name"], "state_bytes", low, high, "B", formula)

    def total(item: str, end: str) -> float:
        return sum(row[end] for row in rows if row["item"] == item and row["source"] != "all")

    worse, better = limits["compression"]
    history = brief["history_tb"] * TB * limits["layers"]
    for item, unit, low, high in (
        ("raw_bytes_per_day", "B/day", 0, 0),
        ("stored_bytes", "B", history / better, history / worse),
        ("files_written_per_day", "count", 0, 0),
        ("peak_bytes_per_second", "B/s", 0, 0),
    ):
        low, high = low + total(item, "low"), high + total(item, "high")
        add("all", item, low, high, unit, "sum of the sources")
    each = limits["cores_per_worker"]
    workers = total("cores", "low") / each, total("cores", "high") / each
    add("all", "workers", *workers, "count", "cores / cores of a worker")
    kinds = {source["kind"] == "files" for source in brief["sources"]}
    add("all", "drivers", len(kinds), len(kinds), "count", "one for streams, one for files")
    return rows
    # END SOLUTION


# %%
lab.check("size")

# %% [markdown]
# ## Task 2: what a month costs, and where the break-even lies
#
# `monthly_cost(sizing, prices, choices)` returns rows `item`, `quantity`, `unit`, `unit_price` and
# `cost`: quantity x unit price, rounded to cents. `sizing` is what `size` returns; take `high` of
# the rows of `all`, because you pay for the worse case. A month has 365 / 12 days. `choices`:
#
# | key | meaning |
# |---|---|
# | `compute` | `classic` or `serverless` |
# | `hours_per_day`, `starts_per_day` | hours of work, and how often a cluster starts for them |
# | `spot_share` | share of the workers, never of the drivers, that are spot machines |
# | `reserved` | whether all other machines are reserved for a year |
# | `hot_share` | share of the stored bytes in the hot tier; the rest is in the cool one |
# | `egress_gb_per_day` | what leaves the region or the cloud |
#
# Every item has its row each time, also with quantity 0:
#
# | item | unit | quantity |
# |---|---|---|
# | `dbu` | DBU | nodes (workers and drivers) x hours x `dbu_per_node_hour` |
# | `vm_on_demand`, `vm_reserved`, `vm_spot` | node-hour | see below; 0 with serverless, whose DBU price includes machines |
# | `storage_hot`, `storage_cool` | GB-month | stored bytes / 10^9 x share |
# | `write_requests` | 10k requests | files written a month / 10 000 |
# | `stream_units` | unit-hour | peak bytes a second in MiB/s, rounded up, every hour of the month |
# | `egress` | GB | GB a day x days |
#
# - **Serverless** bills the hours of work and nothing else.
# - **Classic** bills more hours than it works. Each start adds `idle_minutes` until the cluster
#   ends itself, for which DBU and machines are paid, and `start_minutes` before it, for which
#   machines are paid and DBU are not. Clusters may overlap, so these hours may be more than 24 a
#   day.
# - A **reserved** machine is paid for 24 hours each day, however long it works. The DBU still
#   follow the hours.
#
# `break_even(prices, starts_per_day)` is the number of hours of work a day at which one node costs
# the same, classic on demand or serverless. Above it classic is cheaper, so without a start it is
# 0. With more starts a day it rises. It is `None` where there is no such number of hours from 0 to
# 24, and where an hour of classic is not the cheaper one.


# %%
def monthly_cost(sizing: list[dict], prices: dict, choices: dict) -> list[dict]:
    """Rows of item, quantity, unit, unit_price, cost for one month."""
    # BEGIN SOLUTION: multiply quantities by prices
    whole = {row["item"]: row["high"] for row in sizing if row["source"] == "all"}
    workers, drivers = whole["workers"], whole["drivers"]
    classic, starts = choices["compute"] == "classic", choices["starts_per_day"]
    hours = choices["hours_per_day"] * DAYS
    if classic:
        hours += starts * prices["idle_minutes"] / 60 * DAYS
    up = hours + starts * prices["start_minutes"] / 60 * DAYS
    spot = workers * choices["spot_share"] if classic else 0
    steady = workers + drivers - spot if classic else 0
    reserved = steady if choices["reserved"] else 0
    stored = whole["stored_bytes"] / GB
    dbu = (workers + drivers) * hours * prices["dbu_per_node_hour"][choices["compute"]]
    units = math.ceil(whole["peak_bytes_per_second"] / MIB)
    vm, storage = prices["vm_hour"], prices["storage_gb_month"]
    lines = [
        ("dbu", dbu, "DBU", prices["dbu_price"][choices["compute"]]),
        ("vm_on_demand", (steady - reserved) * up, "node-hour", vm["on_demand"]),
        ("vm_reserved", reserved * 24 * DAYS, "node-hour", vm["reserved"]),
        ("vm_spot", spot * up, "node-hour", vm["spot"]),
        ("storage_hot", stored * choices["hot_share"], "GB-month", storage["hot"]),
        ("storage_cool", stored * (1 - choices["hot_share"]), "GB-month", storage["cool"]),
        (
            "write_requests",
            whole["files_written_per_day"] * DAYS / 10_000,
            "10k requests",
            prices["write_requests_10k"],
        ),
        ("stream_units", units * 24 * DAYS, "unit-hour", prices["stream_unit_hour"]),
        ("egress", choices["egress_gb_per_day"] * DAYS, "GB", prices["egress_gb"]),
    ]
    return [
        {
            "item": item,
            "quantity": n,
            "unit": unit,
            "unit_price": price,
            "cost": round(n * price, 2),
        }
        for item, n, unit, price in lines
    ]
    # END SOLUTION


# %% [markdown]
# So the choice depends on how many hours a day the platform works. The next cell is for
# `break_even`.


# %%
def break_even(prices: dict, starts_per_day: float) -> float | None:
    """Hours of work a day at which classic on demand costs what serverless costs."""
    # BEGIN SOLUTION: solve the equation of the two costs of a day
    machine = prices["vm_hour"]["on_demand"]
    classic = machine + prices["dbu_per_node_hour"]["classic"] * prices["dbu_price"]["classic"]
    serverless = prices["dbu_per_node_hour"]["serverless"] * prices["dbu_price"]["serverless"]
    fixed = prices["idle_minutes"] / 60 * classic + prices["start_minutes"] / 60 * machine
    if serverless <= classic:
        return None
    hours = starts_per_day * fixed / (serverless - classic)
    return hours if hours <= 24 else None
    # END SOLUTION


# %%
lab.check("monthly_cost")

# %%
lab.check("break_even")

# %% [markdown]
# Both options for the retailer, at eight starts a day. Which line decides, and would you have
# guessed it?

# %%
CHOICES = {
    "compute": "classic", "hours_per_day": 24, "starts_per_day": 0, "spot_share": 0.0,
    "reserved": True, "hot_share": 1.0, "egress_gb_per_day": 0,
}  # fmt: skip
if lab.written("size", "monthly_cost", "break_even"):
    sizing = size(brief)
    for row in sizing:
        low, high = f"{row['low']:,.0f}", f"{row['high']:,.0f}"
        print(f"{row['source']:20} {row['item']:22} {low:>20} {high:>20} {row['unit']}")
    for name in ("classic", "serverless"):
        rows = monthly_cost(sizing, brief["prices"], CHOICES | {"compute": name})
        print(name, {row["item"]: row["cost"] for row in rows}, round(sum(r["cost"] for r in rows)))
    print("break-even at", break_even(brief["prices"], 8), "hours a day")

# %% [markdown]
# ## The drawing as data
#
# An `architecture` is a dict of four lists.
#
# - `components`: `id`; `kind` (`source`, `broker`, `job`, `store`, `consumer`, `orchestrator`,
#   `vault`); `zones` (list), `region`, `environment` (`prod`, `dev`), `identity` (`managed`,
#   `none`), `sla` (0 to 1), `seconds` (its own time for one pass), `needs` (ids of what it can't
#   run without, such as a vault), `group` (components of the same group replace each other; else
#   null).
#   `brief` is the name of its source or consumer in the brief. A broker has `retention_hours`, a
#   store `engine` (`delta`, `database`) and `lifecycle` (list of `folder`, `days`: what lies there
#   is deleted after so many days), a job `checkpoint` (`store`, `folder`; or null).
# - `flows`: `from`, `to` (ids), `data` (a table where a job writes to a store), `mode` (`stream`,
#   `batch`, `dead_letter`), `every_seconds` (between two runs), `delivery` (`at_least_once`,
#   `exactly_once`), `write` (`append`, `txn_append`, `merge`, `overwrite`; null if no store is
#   written), `contract` (`owner`, `schema`; or null), `auth` (`managed_identity`, `secret`),
#   `network` (`private`, `public`).
# - `tables`: `name`, `layer`, `owner`, `pii` (`none`, `raw`), `policy` (`none`, `mask`, `drop`:
#   done to what it reads), `reads` (names of tables), `transforms` (list), `erasure_days` (until
#   a person who asks is gone; null if there is no path).
# - `recovery`: `store`, `region` of the copy, `every_seconds`, `restore_seconds`.
#
# This is a small one. `part` and `flow` are for your own drawings as well, and so is `draw`, which
# takes the findings of a reviewer.

# %%
PART = {
    "zones": [1, 2, 3], "region": "westeurope", "environment": "prod", "identity": "managed",
    "sla": 0.999, "seconds": 0, "needs": [], "group": None, "brief": None,
}  # fmt: skip
FLOW = {
    "mode": "stream", "every_seconds": 0, "delivery": "exactly_once", "write": None,
    "contract": {"owner": "platform", "schema": "v1"}, "auth": "managed_identity",
    "network": "private",
}  # fmt: skip


def part(id: str, kind: str, **more) -> dict:
    """A component with what is usual."""
    usual = {
        "broker": {"retention_hours": 72},
        "store": {"engine": "delta", "lifecycle": []},
        "job": {"checkpoint": None},
    }
    return {**PART, "id": id, "kind": kind, **usual.get(kind, {}), **more}


def flow(start: str, end: str, data: str, **more) -> dict:
    """A flow with what is usual."""
    return {**FLOW, "from": start, "to": end, "data": data, **more}


SMALL = {
    "components": [
        part("shop", "source", identity="none", brief="clicks", sla=1.0),
        part("topic", "broker", seconds=1, sla=0.9999),
        part("loader", "job", seconds=40, needs=["keys"]),
        part("lake", "store", sla=0.9999),
        part("board", "consumer", brief="sales_dashboard", sla=1.0),
        part("keys", "vault", zones=[1]),
    ],
    "flows": [
        flow("shop", "topic", "clicks", network="public"),
        flow("topic", "loader", "clicks", every_seconds=60, contract=None),
        flow("loader", "lake", "bronze.clicks", delivery="at_least_once", write="append"),
        flow("lake", "board", "bronze.clicks"),
    ],
    "tables": [],
    "recovery": [],
}


def mermaid(architecture: dict, findings: list[dict] = ()) -> str:
    """The drawing as Mermaid text: what a finding is about is red, with the names of its rules."""
    remarks: dict[str, list[str]] = {}
    for finding in findings:
        remarks.setdefault(finding["where"], []).append(finding["rule"])
    shape = {"store": "[({})]", "broker": "[/{}/]", "source": "([{}])", "consumer": "([{}])"}
    parts = architecture["components"]
    number = {part["id"]: f"n{at}" for at, part in enumerate(parts)}
    lines = ["flowchart LR"]
    for each in parts:
        text = "<br/>".join([each["id"], *(f"✗ {rule}" for rule in remarks.get(each["id"], []))])
        lines.append(
            f"  {number[each['id']]}" + shape.get(each["kind"], "[{}]").format(f'"{text}"')
        )
        if each["id"] in remarks:
            lines.append(f"  style {number[each['id']]} stroke:#c00,stroke-width:3px")
        lines += [f"  {number[need]} -.-> {number[each['id']]}" for need in each["needs"]]
    for each in architecture["flows"]:
        rules = remarks.get(f"{each['from']} -> {each['to']}", [])
        text = "<br/>".join([each["data"], *(f"✗ {rule}" for rule in rules)])
        lines.append(f'  {number[each["from"]]} -->|"{text}"| {number[each["to"]]}')
    return "\n".join(lines)


def draw(architecture: dict, findings: list[dict] = ()) -> None:
    """The drawing in the output, and below it what is said of tables."""
    from IPython.display import Markdown, display

    named = {part["id"] for part in architecture["components"]}
    rest = [f for f in findings if f["where"] not in named and " -> " not in f["where"]]
    notes = "\n".join(f"- `{f['where']}`: {f['rule']}. {f['remedy']}" for f in rest)
    display(Markdown(f"```mermaid\n{mermaid(architecture, findings)}\n```\n\n{notes}"))


draw(SMALL)

# %% [markdown]
# ## Task 3: freshness, availability, blast radius
#
# `freshness(architecture)` returns a dict with two keys.
#
# `consumers`: for the id of each component of kind `consumer`, a dict of
#
# - `seconds`: the worst case along the **slowest** path from any component without incoming flow.
#   What arrives just after a run began waits for the next one, so each flow on the path counts its
#   whole `every_seconds`, and each component its `seconds`, the consumer's own included.
# - `path`: the ids along that path.
# - `availability`: the **product** of the `sla` of all that the consumer depends on: itself,
#   everything upstream on any path, and what these `needs`, with what those need in turn. Members
#   of one `group` among them stand in parallel, and count once, as 1 minus the product of
#   (1 - sla). Whether flows into a part that is only needed count, too, is up to you.
#
# `blast_radius`: for the id of *every* component, the sorted ids of the consumers that stop when it
# fails: those that depend on it, itself included. A consumer that depends on another member of its
# group as well does not stop. Whether it stops with a part that only one member of a group depends
# on is up to you.
#
# Flows of mode `dead_letter` are no path. Behind a circle of flows a consumer has no slowest path:
# raise a `ValueError`. A flow from a part to itself is a circle, too. A circle that leads to no
# consumer may raise one as well.


# %%
def freshness(architecture: dict) -> dict:
    """`consumers` (seconds, path, availability) and `blast_radius` of a drawing."""
    # BEGIN SOLUTION: walk the flows backwards from each consumer
    parts = {part["id"]: part for part in architecture["components"]}
    incoming: dict[str, list[dict]] = {name: [] for name in parts}
    for flow in architecture["flows"]:
        if flow["mode"] != "dead_letter":
            incoming[flow["to"]].append(flow)

    def slowest(name: str, below: tuple[str, ...] = ()) -> tuple[float, list[str]]:
        if name in below:
            raise ValueError(f"flows in a circle: {' -> '.join([*below, name])}")
        longest, path = 0.0, []
        for flow in incoming[name]:
            seconds, before = slowest(flow["from"], (*below, name))
            if seconds + flow["every_seconds"] >= longest:
                longest, path = seconds + flow["every_seconds"], before
        return longest + parts[name]["seconds"], [*path, name]

    def required(name: str) -> set[str]:
        seen, waiting = set(), [name]
        while waiting:
            current = waiting.pop()
            if current not in seen:
                seen.add(current)
                waiting += [flow["from"] for flow in incoming[current]]
                waiting += parts[current]["needs"]
        return seen

    consumers, stops = {}, {name: [] for name in parts}
    for name in sorted(parts):
        if parts[name]["kind"] != "consumer":
            continue
        groups: dict[str, list[str]] = {}
        for each in required(name):
            groups.setdefault(parts[each]["group"] or f"only {each}", []).append(each)
        availability = 1.0
        for members in groups.values():
            availability *= 1 - math.prod(1 - parts[member]["sla"] for member in members)
            if len(members) == 1:
                stops[members[0]].append(name)
        seconds, path = slowest(name)
        consumers[name] = {"seconds": seconds, "path": path, "availability": availability}
    return {"consumers": consumers, "blast_radius": stops}
    # END SOLUTION


# %%
lab.check("freshness")

# %% [markdown]
# ## Task 4: the reviewer
#
# `review(architecture, brief)` returns findings, dicts with the keys `rule`, `severity`, `where`,
# `reason` and `remedy`. `where` is a component's id, a table's name, or a flow as
# `from -> to`. Order is free; each pair of rule and place comes once. Severity and a remedy for
# each rule are in `RULES` below; `reason` is yours, not empty. Names decide nothing: the same
# drawing with other ids has the same findings. A clean drawing has none.
#
# About flows and components:
#
# | rule | where | fires if |
# |---|---|---|
# | `cycle` | component | it lies on a circle of flows (`dead_letter` flows aside) |
# | `not_idempotent` | flow | `delivery` is `at_least_once` and `write` is `append` |
# | `no_contract` | flow | it has no `contract`, or one without `owner` or `schema` |
# | `public_network` | flow | its `network` is `public` |
# | `needless_secret` | flow | `auth` is `secret`, and both ends have a managed identity |
# | `no_dead_letter` | job | a source or a broker flows into it, and no `dead_letter` flow leaves it |
# | `no_replay` | broker | its `retention_hours` are fewer than `outage_hours` + `catch_up_hours` |
# | `checkpoint_expires` | job | its checkpoint lies in a folder with `lifecycle` of that store, or in one below it |
# | `prod_reads_dev` | flow | from a component in `dev` to one in `prod` |
# | `single_point` | component | an orchestrator or vault that a component needs has fewer than two zones, and no other member in its `group` |
#
# About tables:
#
# | rule | where | fires if |
# |---|---|---|
# | `two_writers` | table | flows that aren't `dead_letter` write it to a store from two components |
# | `raw_pii_in_gold` | table | it is of layer `gold`, and raw PII reaches it |
# | `no_erasure` | table | raw PII reaches it, and `erasure_days` is null or more than the brief's |
# | `logic_in_bronze` | table | it is of layer `bronze`, and has a transform that is not `add_metadata` |
#
# Raw PII reaches a table whose `pii` is `raw`, and every table that reads from one it reaches,
# however far away, unless the `policy` of the reader is `mask` or `drop`. What its own `pii` says
# is no proof.
#
# About the brief:
#
# | rule | where | fires if |
# |---|---|---|
# | `too_late` | consumer | its `seconds` exceed the `freshness_seconds` of its `brief`; not judged in a drawing with a `cycle` |
# | `wrong_region` | component, or `store` of a copy | region not in `allowed_regions`; for kinds `broker`, `job`, `store`, and the copies in `recovery` |
# | `no_recovery` | store | of `prod`, the brief must survive the loss of a `region`, and no copy in **another** region, allowed or not, keeps both RPO (`every_seconds`) and RTO (`restore_seconds`) |
# | `needless_streaming` | broker | all sources of the brief are `files`, and nobody needs data younger than six hours |
# | `needless_lakehouse` | store | engine `delta`, and `volume_gb(brief)` is less than `small_gb` |
# | `unfit_store` | consumer | its `answer_ms` is less than 1 000, and a store of engine `delta` flows into it |

# %%
RULES = {
    "cycle": ("block", "Cut the circle; replay through its own flow"),
    "not_idempotent": ("block", "Merge by key, or append with a transaction id"),
    "no_contract": ("warn", "Name owner and schema"),
    "public_network": ("block", "Private endpoint, public access off"),
    "needless_secret": ("block", "Managed identity"),
    "no_dead_letter": ("block", "Add a dead-letter flow with an owner"),
    "no_replay": ("block", "Keep the topic for longer than outage and catch-up"),
    "checkpoint_expires": ("block", "Move the checkpoint out of the folder"),
    "prod_reads_dev": ("block", "Promote what it reads to prod"),
    "single_point": ("warn", "Use zones, or a second one"),
    "two_writers": ("block", "One writer, fed by a queue or a union"),
    "raw_pii_in_gold": ("block", "Mask or drop on the way"),
    "no_erasure": ("block", "Delete and VACUUM in every layer, in time"),
    "logic_in_bronze": ("warn", "Move it to silver"),
    "too_late": ("block", "Shorten the slowest path"),
    "wrong_region": ("block", "Keep data where it may lie"),
    "no_recovery": ("block", "A copy in another region, often enough"),
    "needless_streaming": ("warn", "A nightly job"),
    "needless_lakehouse": ("warn", "One database"),
    "unfit_store": ("block", "A database that serves by key"),
}


def volume_gb(brief: dict) -> float:
    """History and a year of today's raw data, in GB."""
    daily = 0.0
    for source in brief["sources"]:
        if source["kind"] == "files":
            daily += source["gb_per_day"]
        else:
            daily += source["per_second"] * source["bytes"] * DAY / GB
    return brief["history_tb"] * 1000 + daily * 365


# %% [markdown]
# Write one rule, check, write the next. Those on flows are a line each; three need a walk.


# %%
def review(architecture: dict, brief: dict) -> list[dict]:
    """Findings of rule, severity, where, reason, remedy; none of a clean drawing."""
    # BEGIN SOLUTION: one rule after the other
    parts = {part["id"]: part for part in architecture["components"]}
    tables = {table["name"]: table for table in architecture["tables"]}
    flows = architecture["flows"]
    paths = [flow for flow in flows if flow["mode"] != "dead_letter"]
    wanted = {each["name"]: each for each in brief["consumers"]}
    findings: dict[tuple[str, str], dict] = {}

    def found(rule: str, where: str, reason: str) -> None:
        severity, remedy = RULES[rule]
        finding = {"rule": rule, "severity": severity, "where": where}
        findings[rule, where] = finding | {"reason": reason, "remedy": remedy}

    def downstream(start: str) -> set[str]:
        seen, waiting = set(), [start]
        while waiting:
            current = waiting.pop()
            new = {flow["to"] for flow in paths if flow["from"] == current} - seen
            seen |= new
            waiting += new
        return seen

    # Flows
    for flow in flows:
        start, end = parts[flow["from"]], parts[flow["to"]]
        where = f"{flow['from']} -> {flow['to']}"
        if flow["delivery"] == "at_least_once" and flow["write"] == "append":
            found("not_idempotent", where, "a redelivery is appended again")
        contract = flow["contract"] or {}
        if not (contract.get("owner") and contract.get("schema")):
            found("no_contract", where, "nobody answers for a change of its schema")
        if flow["network"] == "public":
            found("public_network", where, "it can be reached from anywhere")
        if flow["auth"] == "secret" and start["identity"] == end["identity"] == "managed":
            found("needless_secret", where, "a secret that need not exist can't leak")
        if start["environment"] == "dev" and end["environment"] == "prod":
            found("prod_reads_dev", where, "dev changes without notice")

    # Components
    looped = {name for name in parts if name in downstream(name)}
    for name in looped:
        found("cycle", name, "its output comes back to it")
    needed = {need for part in parts.values() for need in part["needs"]}
    for name, part in parts.items():
        kind = part["kind"]
        feeders = {parts[flow["from"]]["kind"] for flow in paths if flow["to"] == name}
        leaving = {flow["mode"] for flow in flows if flow["from"] == name}
        if kind == "job" and feeders & {"source", "broker"} and "dead_letter" not in leaving:
            found("no_dead_letter", name, "one bad record stops it, or is lost")
        hours = brief["recovery"]["outage_hours"] + brief["recovery"]["catch_up_hours"]
        if kind == "broker" and part["retention_hours"] < hours:
            found("no_replay", name, f"it forgets before the {hours} h of a recovery are over")
        if kind == "job" and (point := part["checkpoint"]):
            for rule in parts[point["store"]]["lifecycle"]:
                if f"{point['folder'].rstrip('/')}/".startswith(f"{rule['folder'].rstrip('/')}/"):
                    found("checkpoint_expires", name, f"{rule['folder']} is deleted by age")
        if kind in ("orchestrator", "vault") and name in needed and len(part["zones"]) < 2:
            group = part["group"]
            if group is None or [p["group"] for p in parts.values()].count(group) < 2:
                found("single_point", name, "all that needs it stops with one zone")
        if kind in ("broker", "job", "store") and part["region"] not in brief["allowed_regions"]:
            found("wrong_region", name, f"data may not be in {part['region']}")

    # Tables
    writers: dict[str, set[str]] = {}
    for flow in paths:
        if parts[flow["to"]]["kind"] == "store":
            writers.setdefault(flow["data"], set()).add(flow["from"])
    for name, names in writers.items():
        if len(names) > 1:
            found("two_writers", name, f"written by {', '.join(sorted(names))}")
    raw = {name for name, table in tables.items() if table["pii"] == "raw"}
    while (
        new := {
            name
            for name, table in tables.items()
            if table["policy"] not in ("mask", "drop") and raw.intersection(table["reads"])
        }
        - raw
    ):
        raw |= new
    for name, table in tables.items():
        if name in raw and table["layer"] == "gold":
            found("raw_pii_in_gold", name, "raw PII reaches it")
        days = table["erasure_days"]
        if name in raw and (days is None or days > brief["erasure_days"]):
            found("no_erasure", name, "a person who asks stays in it")
        if table["layer"] == "bronze" and set(table["transforms"]) - {"add_metadata"}:
            found("logic_in_bronze", name, "a wrong rule can't be undone from the raw data")

    # The brief
    if not looped:
        for name, answer in freshness(architecture)["consumers"].items():
            limit = wanted[parts[name]["brief"]]["freshness_seconds"]
            if answer["seconds"] > limit:
                found("too_late", name, f"{answer['seconds']:.0f} s, allowed are {limit}")
    copies = architecture["recovery"]
    for copy in copies:
        if copy["region"] not in brief["allowed_regions"]:
            found("wrong_region", copy["store"], f"a copy may not be in {copy['region']}")
    small = volume_gb(brief) < brief["limits"]["small_gb"]
    youngest = min(each["freshness_seconds"] for each in wanted.values())
    nightly = youngest >= 6 * 3600 and all(s["kind"] == "files" for s in brief["sources"])
    recovery = brief["recovery"]
    for name, part in parts.items():
        if part["kind"] == "store" and part["environment"] == "prod":
            enough = any(
                copy["store"] == name
                and copy["region"] != part["region"]
                and copy["every_seconds"] <= recovery["rpo_seconds"]
                and copy["restore_seconds"] <= recovery["rto_seconds"]
                for copy in copies
            )
            if recovery["survives"] == "region" and not enough:
                found("no_recovery", name, "its region is its only one, or the copy is too old")
        if part["kind"] == "store" and part["engine"] == "delta" and small:
            found("needless_lakehouse", name, "one database carries it all")
        if part["kind"] == "broker" and nightly:
            found("needless_streaming", name, "nobody reads before morning")
        feeding = [parts[flow["from"]] for flow in paths if flow["to"] == name]
        lake = any(each["kind"] == "store" and each["engine"] == "delta" for each in feeding)
        if part["kind"] == "consumer" and lake and wanted[part["brief"]]["answer_ms"] < 1000:
            found("unfit_store", name, "a scan of files does not answer in milliseconds")
    return list(findings.values())
    # END SOLUTION


# %%
lab.check("review")

# %% [markdown]
# The small drawing from above looked harmless. Here it is with the reviewer's findings.

# %%
if lab.written("freshness", "review"):
    remarks = review(SMALL, brief)
    for remark in remarks:
        print(f"{remark['severity']:6} {remark['where']:16} {remark['rule']}: {remark['reason']}")
    draw(SMALL, remarks)

# %% [markdown]
# ## Task 5: your drawing
#
# `design(brief)` returns a dict with three keys:
#
# - `options`: a list of at least two dicts with the keys `name`, `architecture`, `choices` (as in
#   Task 2) and `gives_up`, the price of this option in a sentence. Names differ, and so do
#   `gives_up`. No two options have the same architecture and the same choices.
# - `recommended`: the name of one option.
# - `because`: why, in at least one sentence.
#
# The recommended architecture has no finding of any rule of Task 4, for this brief *and for others
# of the same form* that you have not seen. It also
#
# - has exactly one component of kind `source` for each source of the brief, and one of kind
#   `consumer` for each consumer, named in `brief`; they are in `prod`,
# - has a path of flows to each consumer from every source that it reads, through at least one
#   store,
# - has a table with `pii: raw` if a source has PII: what you don't declare, nobody erases,
# - names in `tables` every table that a flow writes to a store (`dead_letter` aside),
# - is within `budget_per_month`, by `monthly_cost` of `size(brief)` with its `choices`,
# - pays for what it runs: if a flow into a job has `every_seconds` below 600, `hours_per_day` is
#   24,
# - has jobs with `seconds` of at least 30, and stands on parts of `sla` below 1 (only sources and
#   consumers may have 1).
#
# `brief` is left as it was.


# %%
# BEGIN SOLUTION: a helper that draws one architecture
def table(name: str, layer: str, **more) -> dict:
    """A table with what is usual."""
    usual = {"owner": "platform", "pii": "none", "policy": "none", "reads": [], "transforms": []}
    return {"name": name, "layer": layer, **usual, "erasure_days": None, **more}


def platform(brief: dict, every: int) -> dict:
    """A drawing for the brief whose jobs run each `every` seconds."""
    home, *others = brief["allowed_regions"]
    small = volume_gb(brief) < brief["limits"]["small_gb"]
    streams = [source for source in brief["sources"] if source["kind"] != "files"]
    recovery = brief["recovery"]
    parts = [part("scheduler", "orchestrator"), part("vault", "vault")]
    flows, tables = [], []
    needs = ["scheduler", "vault"]
    engine = "database" if small else "delta"
    layers = ["database"] if small else ["bronze", "silver", "gold"]
    parts += [part(layer, "store", engine=engine, sla=0.9999) for layer in layers]
    parts += [part("dead_letters", "store", engine="database", sla=0.9999)]
    if streams:
        hours = 2 * (recovery["outage_hours"] + recovery["catch_up_hours"])
        parts.append(part("broker", "broker", seconds=1, retention_hours=hours, sla=0.9999))
    first, last = layers[0], layers[-1]
    for source in brief["sources"]:
        name = source["name"]
        parts.append(part(f"from_{name}", "source", brief=name, identity="none", sla=1.0))
        job = part(f"load_{name}", "job", seconds=60, needs=needs)
        job["checkpoint"] = {"store": first, "folder": f"/checkpoints/{name}"}
        parts.append(job)
        start = f"from_{name}"
        if source in streams:
            flows.append(flow(start, "broker", name))
            start = "broker"
        flows += [
            flow(start, job["id"], name, every_seconds=every, delivery="at_least_once"),
            flow(job["id"], first, f"{first}.{name}", write="merge" if small else "txn_append"),
            flow(job["id"], "dead_letters", f"bad.{name}", mode="dead_letter", write="merge"),
        ]
        erasure = brief["erasure_days"] if source["pii"] else None
        pii = "raw" if source["pii"] else "none"
        if small:
            tables.append(table(f"{first}.{name}", "silver", pii=pii, erasure_days=erasure))
            continue
        tables += [
            table(f"bronze.{name}", "bronze", pii=pii, erasure_days=erasure),
            table(f"silver.{name}", "silver", reads=[f"bronze.{name}"], erasure_days=erasure),
            table(f"gold.{name}", "gold", reads=[f"silver.{name}"], policy="mask"),
        ]
        for before, after in (("bronze", "silver"), ("silver", "gold")):
            step = f"{after}_{name}"
            parts.append(part(step, "job", seconds=60, needs=needs))
            flows += [
                flow(before, step, f"{before}.{name}", every_seconds=every),
                flow(step, after, f"{after}.{name}", write="merge"),
            ]
    quick = [each for each in brief["consumers"] if each["answer_ms"] < 1000]
    if quick and not small:
        parts += [
            part("by_key", "store", engine="database", sla=0.9999),
            part("serve", "job", seconds=30, needs=needs),
        ]
        flows += [
            flow("gold", "serve", "gold", every_seconds=every),
            flow("serve", "by_key", "by_key.all", write="merge"),
        ]
        gold = [f"gold.{source['name']}" for source in brief["sources"]]
        tables.append(table("by_key.all", "gold", policy="mask", reads=gold))
    for each in brief["consumers"]:
        parts.append(part(f"to_{each['name']}", "consumer", brief=each["name"], sla=1.0))
        store = "by_key" if each in quick and not small else last
        flows.append(flow(store, f"to_{each['name']}", store))
    copies = []
    for each in parts:
        each["region"] = home
        if each["kind"] == "store" and recovery["survives"] == "region":
            copies.append(
                {
                    "store": each["id"],
                    "region": others[0],
                    "every_seconds": recovery["rpo_seconds"],
                    "restore_seconds": recovery["rto_seconds"] // 2,
                }
            )
    return {"components": parts, "flows": flows, "tables": tables, "recovery": copies}


# END SOLUTION


def design(brief: dict) -> dict:
    """`options` (name, architecture, choices, gives_up), `recommended` and `because`."""
    # BEGIN SOLUTION: two options, their cost, and the cheaper one
    youngest = min(each["freshness_seconds"] for each in brief["consumers"])
    # Four jobs at most are on a path; each waits for its interval and works for a minute.
    every = max(30, min(DAY, (youngest - 300) // 5))
    always = every < 600
    hours = 24 if always else max(1, 24 * 300 / every)
    starts = 0 if always else DAY / every
    common = {
        "hours_per_day": hours, "starts_per_day": starts, "hot_share": 1.0,
        "egress_gb_per_day": 0, "spot_share": 0.0,
    }  # fmt: skip
    drawing = platform(brief, every)
    options = [
        {
            "name": "classic",
            "architecture": drawing,
            "choices": common | {"compute": "classic", "reserved": always},
            "gives_up": "Clusters, their policies and patches are ours, and reserved for a year.",
        },
        {
            "name": "serverless",
            "architecture": drawing,
            "choices": common | {"compute": "serverless", "reserved": False},
            "gives_up": "A higher price for each hour of work, and no choice of machines.",
        },
    ]
    sizing = size(brief)
    for option in options:
        rows = monthly_cost(sizing, brief["prices"], option["choices"])
        option["cost"] = sum(row["cost"] for row in rows)
    best = min(options, key=lambda option: option["cost"])
    because = f"It works {hours:.0f} hours a day, and costs {best['cost']:,.0f} a month."
    return {"options": options, "recommended": best["name"], "because": because}
    # END SOLUTION


# %%
lab.check("design")

# %% [markdown]
# ## Put it together
#
# Your drawings for three briefs, with their findings, if any, and what each consumer gets.

# %%
if lab.written("size", "monthly_cost", "freshness", "review", "design"):
    for name in ("retailer", "insurer", "drawn"):
        one = read_brief(folder, name)
        answer = design(one)
        chosen = next(o for o in answer["options"] if o["name"] == answer["recommended"])
        print(f"{name}: {answer['recommended']}. {answer['because']}")
        for id, row in freshness(chosen["architecture"])["consumers"].items():
            print(f"  {id}: {row['seconds']:.0f} s, available {row['availability']:.4%}")
        draw(chosen["architecture"], review(chosen["architecture"], one))

# %% [markdown]
# ## In practice
#
# - **Say numbers aloud.** Round first: 10 000 events of a kilobyte are 10 MB a second, and 10 MB a
#   second are about 0.9 TB a day. State the unit each time, and name the one figure that would
#   change the answer. Here that is the peak factor for the broker and the compression for the bill.
# - **Measure first** what the limits file only claims: events a core and second with your own
#   transformations, compression of your own columns, and the worst minute of the last year.
# - **Average and peak size different things.** Storage follows the average, broker and state the
#   peak, compute the larger of peak and catch-up.
# - **FinOps**: a policy that refuses compute without tags, cluster policies with auto-termination
#   and a largest size, and a budget that warns. Review the three largest lines each month.
# - **Network**: private endpoints for storage and vault, VNet injection or a private workspace,
#   egress through a firewall by name. Egress has a price, and so has each request.
# - **Landing zone as code**: catalogs, grants, networks and identities from one repository, dev
#   and prod from the same modules.
# - **Lambda or Kappa**: one path with a replayable log, unless a batch path must exist for other
#   reasons; two code paths are two answers.
# - **Mesh** needs owners with time, a platform that they can use alone, and contracts; without
#   these it is a copy of the same lake in each department.
# - **When not**: 20 GB of reports are a database, and an answer by key in 50 ms is one as well.
#
# **On Databricks** system tables (`system.billing.usage` with `list_prices`) hold the quantities of
# Task 2; budgets and tags sit on top. Serverless compute bills no machines of yours, and Unity
# Catalog's managed storage takes the place of secrets in the drawing.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. You size for the peak. Why may the platform still catch up too late after an outage?
# 2. Ten parts with 99.9 % each: how available is the path, and what do you do about it?
# 3. When is serverless cheaper, although its hour costs more?
# 4. The brief says 15 minutes. Where do they go, and who gets them?
# 5. When do you tell a customer that a lakehouse is the wrong answer?
# 6. Which figure of your sizing do you trust least, and how do you measure it?
# 7. GDPR: a person asks to be forgotten. In which places of your drawing is she?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. The backlog of the outage arrives on top of what flows anyway. With a catch-up time of c hours
#    after an outage of o hours the rate is average x (o + c) / c. If the outage is long and c
#    short, that exceeds the peak. Processing at exactly the average never catches up at all.
# 2. 0.999 to the power of ten is 99.0 %, about seven hours a month. Remove parts from the path,
#    make the shared ones redundant across zones, or let the consumer read the last good state.
# 3. When work is short and starts are many. Classic pays machines for the minutes of each start,
#    and machines and DBU for the idle minutes after it. The break-even in hours a day is starts x
#    fixed cost / difference of the hourly prices.
# 4. Each hop takes a whole interval plus its run in the worst case. Three hops with an interval of
#    one minute and one minute of work are six minutes; the rest is for a retry. An average would
#    hide that.
# 5. Small data that one database carries, answers by key in milliseconds, transactions on single
#    rows, a team without anyone to operate it. I say so before I draw.
# 6. Events a core and second, because it depends on code that is not written. I run one hour
#    of recorded traffic through the hardest transformation, and take the slower figure.
# 7. In the topic until its retention ends, bronze, silver, state stores, dead letters, old versions
#    of tables, copies in the other region, extracts of consumers. Delete in each layer, then
#    VACUUM; or encrypt what belongs to her with a key of her own, and destroy the key.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Google, [Site Reliability Engineering: embracing risk](https://sre.google/sre-book/embracing-risk/)
# - Microsoft, [Azure Databricks: well-architected lakehouse](https://learn.microsoft.com/en-us/azure/databricks/lakehouse-architecture/)
# - Databricks, [Monitor costs using system tables](https://docs.databricks.com/aws/en/admin/usage/system-tables)
# - FinOps Foundation, [Framework](https://www.finops.org/framework/)
