# because: pure SQL: fields out of a variant, MERGE INTO, VERSION AS OF


def parse(raw: DataFrame) -> tuple[DataFrame, DataFrame]:
    told = raw.sparkSession.sql(
        """
        SELECT *, CASE
            WHEN value IS NULL THEN 'no_value'
            WHEN try_variant_get(json, '$', 'map<string, variant>') IS NULL THEN 'not_json'
            WHEN coalesce(event_id, '') = '' THEN 'bad_event_id'
            WHEN coalesce(order_id, '') = '' THEN 'bad_order_id'
            WHEN coalesce(seq, 0) < 1 THEN 'bad_seq'
            WHEN status IS NULL OR status NOT IN ('created', 'paid', 'shipped', 'delivered', 'cancelled')
                THEN 'bad_status'
            WHEN coalesce(amount, -1) < 0 THEN 'bad_amount'
            WHEN event_time IS NULL THEN 'bad_event_time' END AS reason
        FROM (
            SELECT *,
                try_variant_get(json, '$.event_id', 'string') AS event_id,
                try_variant_get(json, '$.order_id', 'string') AS order_id,
                try_variant_get(json, '$.seq', 'long') AS seq,
                try_variant_get(json, '$.status', 'string') AS status,
                try_variant_get(json, '$.amount', 'decimal(10,2)') AS amount,
                try_variant_get(json, '$.event_time', 'timestamp') AS event_time
            FROM (SELECT *, try_parse_json(CAST(value AS STRING)) AS json FROM {raw})
        )
        """,
        raw=raw,
    )
    orders = told.where("reason IS NULL").selectExpr(
        *("event_id", "order_id", "seq", "status", "amount", "event_time"),
        *("timestamp AS produced_at", "topic", "partition", "offset"),
    )
    dead = told.where("reason IS NOT NULL")
    return orders, dead.select("topic", "partition", "offset", "reason", "value")


def write_batch(batch: DataFrame, batch_id: int, tables: dict[str, str]) -> None:
    spark = batch.sparkSession
    orders, dead = parse(batch)
    spark.sql(
        f"""
        MERGE INTO {tables["orders"]} AS old
        USING (
            SELECT first.* FROM (
                SELECT min_by(struct(*), offset) AS first FROM {{orders}} GROUP BY event_id
            )
        ) AS new
        ON old.event_id = new.event_id
        WHEN NOT MATCHED THEN INSERT *
        """,
        orders=orders,
    )
    spark.sql(
        f"""
        MERGE INTO {tables["dead"]} AS old USING {{dead}} AS new
        ON old.topic = new.topic AND old.partition = new.partition AND old.offset = new.offset
        WHEN NOT MATCHED THEN INSERT *
        """,
        dead=dead,
    )


def serving_view(spark: SparkSession, tables: dict[str, str]) -> DataFrame:
    history = spark.sql(f"DESCRIBE HISTORY {tables['orders']} LIMIT 1")
    return spark.sql(
        f"""
        SELECT order_id, newest.status, newest.amount, newest.seq, newest.event_time AS updated_at,
            (unix_micros(newest.produced_at) - unix_micros(newest.event_time)) / 1e6D AS delay_seconds,
            newest.seq - events AS missing_events
        FROM (
            SELECT order_id, max_by(struct(*), seq) AS newest, count(*) AS events
            FROM {tables["orders"]} VERSION AS OF {history.first().version}
            GROUP BY order_id
        )
        """
    )
