# because: hexadecimal texts; an anti join and append as one query; events in an array


def in_hex(texts: list[str]) -> str:
    """The digits of a text hold no comma and no dash."""
    told = [f"coalesce(hex({text}), '-')" for text in texts]
    return f"sha2(concat_ws(',', {', '.join(told)}), 256)"


def hash_key(columns: list[str]) -> str:
    return in_hex([f"upper(trim(`{name}`))" for name in columns])


def hash_diff(columns: dict[str, str]) -> str:
    texts = []
    for name, type in columns.items():
        if type.startswith("decimal"):
            texts.append(f"string(`{name}` + CAST(0 AS decimal(20,18)))")
        elif type == "timestamp":
            texts.append(f"string(unix_micros(`{name}`))")
        else:
            texts.append(f"string(`{name}`)")
    return in_hex(texts)


def append_missing(spark: SparkSession, table: str, rows: DataFrame, on: list[str]) -> None:
    """The table is read in the query that appends, so Delta sees that it was read."""
    missing = rows.join(spark.table(table), on=on, how="left_anti")
    missing.write.mode("append").format("delta").saveAsTable(table)


def load_hub(spark: SparkSession, hub: str, staged: DataFrame, keys: list[str]) -> None:
    named = staged.withColumn("hash_key", F.expr(hash_key(keys)))
    for name in keys:
        named = named.withColumn(name, F.upper(F.trim(name)))
    rows = named.groupBy("hash_key", *keys).agg(
        F.min("load_ts").alias("load_ts"),
        F.min_by("record_source", F.struct("load_ts", "record_source")).alias("record_source"),
    )
    append_missing(spark, hub, rows, ["hash_key"])


def load_satellite(
    spark: SparkSession,
    satellite: str,
    staged: DataFrame,
    keys: list[str],
    attributes: dict[str, str],
) -> None:
    rows = (
        staged.withColumn("hash_key", F.expr(hash_key(keys)))
        .withColumn("hash_diff", F.expr(hash_diff(attributes)))
        .select(spark.table(satellite).columns)
        .distinct()
    )
    append_missing(spark, satellite, rows, ["hash_key", "load_ts", "record_source"])


def publish_customer(spark: SparkSession, vault: dict[str, str]) -> DataFrame:
    """One list of events of each customer, walked through by an aggregate."""
    shop = spark.table(vault["shop"])
    times = shop.agg(F.array_sort(F.collect_set("load_ts")).alias("times"))
    crm_events = spark.table(vault["crm"]).select(
        "hash_key", F.struct(F.col("load_ts").alias("at"), F.lit(0).alias("k"), "name", "address")
    )
    crm_events = crm_events.toDF("hash_key", "event")
    by_key = shop.groupBy("hash_key").agg(
        F.map_from_entries(
            F.collect_list(F.struct("load_ts", F.struct("name", "address").alias("said")))
        ).alias("told"),
        F.min("load_ts").alias("first"),
    )
    shop_events = (
        by_key.crossJoin(times)
        .select("hash_key", "told", F.explode(F.filter("times", lambda t: t >= F.col("first"))))
        .withColumn("said", F.try_element_at("told", F.col("col")))
        .select(
            "hash_key",
            F.struct(
                F.col("col").alias("at"),
                F.lit(1).alias("k"),
                F.col("said.name").alias("name"),
                F.col("said.address").alias("address"),
            ).alias("event"),
        )
    )
    walk = F.expr(
        """
        aggregate(
          events,
          named_struct(
            'c_name', string(null), 'c_at', timestamp(null), 'c', string(null),
            's_name', string(null), 's_at', timestamp(null), 's', string(null),
            'out', cast(array() AS array<struct<at:timestamp,name:string,address:string>>)
          ),
          (acc, e) -> if(e.k = 0,
            named_struct(
              'c_name', e.name, 'c_at', if(acc.c <=> e.address, coalesce(acc.c_at, e.at), e.at),
              'c', e.address, 's_name', acc.s_name, 's_at', acc.s_at, 's', acc.s,
              'out', array_append(acc.out, named_struct('at', e.at,
                'name', coalesce(e.name, acc.s_name),
                'address', CASE
                  WHEN e.address IS NULL THEN acc.s
                  WHEN acc.s IS NULL OR acc.s_at
                    <= if(acc.c <=> e.address, coalesce(acc.c_at, e.at), e.at) THEN e.address
                  ELSE acc.s END))),
            named_struct(
              'c_name', acc.c_name, 'c_at', acc.c_at, 'c', acc.c,
              's_name', e.name, 's_at', if(acc.s <=> e.address, coalesce(acc.s_at, e.at), e.at),
              's', e.address,
              'out', array_append(acc.out, named_struct('at', e.at,
                'name', coalesce(acc.c_name, e.name),
                'address', CASE
                  WHEN acc.c IS NULL THEN e.address
                  WHEN e.address IS NULL OR if(acc.s <=> e.address, coalesce(acc.s_at, e.at), e.at)
                    <= acc.c_at THEN acc.c
                  ELSE e.address END)))),
          acc -> acc.out)
        """
    )
    by_time = Window.partitionBy("hash_key").orderBy("at")
    states = (
        crm_events.unionByName(shop_events)
        .groupBy("hash_key")
        .agg(F.array_sort(F.collect_list("event")).alias("events"))
        .select("hash_key", F.explode(walk).alias("state"))
        .select("hash_key", "state.*")
    )
    # Of two events at one time the second one has seen both.
    last = F.struct("name", "address")
    settled = states.withColumn("place", F.monotonically_increasing_id())
    settled = settled.groupBy("hash_key", "at").agg(F.max_by(last, "place").alias("said"))
    before = F.lag("said").over(by_time)
    versions = settled.withColumn("changed", ~before.eqNullSafe(F.col("said"))).where("changed")
    return (
        spark.table(vault["hub"])
        .select("hash_key", "customer_no")
        .join(versions, on="hash_key", how="left")
        .select(
            "hash_key",
            "customer_no",
            "said.name",
            "said.address",
            F.coalesce("at", F.lit(datetime(1900, 1, 1))).alias("valid_from"),
            F.lead("at").over(by_time).alias("valid_to"),
        )
    )
