# because: pure SQL: fields out of a variant, MERGE INTO, VERSION AS OF


def parse(raw: DataFrame) -> tuple[DataFrame, DataFrame]:
    told = raw.sparkSession.sql(
        """
        SELECT *, CASE
            WHEN value IS NULL THEN 'no_value'
            WHEN try_variant_get(json, '$[0]', 'map<string, variant>') IS NULL THEN 'not_json'
            WHEN size(try_variant_get(json, '$', 'array<variant>')) <> 2 THEN 'not_json'
            WHEN coalesce(id_type, '') <> 'STRING' OR trim(event_id) = '' THEN 'bad_event_id'
            WHEN coalesce(order_type, '') <> 'STRING' OR trim(order_id) = '' THEN 'bad_order_id'
            WHEN coalesce(seq_type, '') <> 'BIGINT' OR coalesce(seq, 0) < 1 THEN 'bad_seq'
            WHEN status IS NULL
                OR status NOT IN ('created', 'paid', 'shipped', 'delivered', 'cancelled')
                THEN 'bad_status'
            WHEN amount_type IN ('STRING', 'BOOLEAN') OR amount IS NULL OR exact < 0
                THEN 'bad_amount'
            WHEN event_time IS NULL THEN 'bad_event_time' END AS reason
        FROM (
            SELECT *,
                schema_of_variant(try_variant_get(json, '$[0].event_id', 'variant')) AS id_type,
                schema_of_variant(try_variant_get(json, '$[0].order_id', 'variant')) AS order_type,
                schema_of_variant(try_variant_get(json, '$[0].seq', 'variant')) AS seq_type,
                schema_of_variant(try_variant_get(json, '$[0].amount', 'variant')) AS amount_type,
                try_variant_get(json, '$[0].event_id', 'string') AS event_id,
                try_variant_get(json, '$[0].order_id', 'string') AS order_id,
                try_variant_get(json, '$[0].seq', 'long') AS seq,
                try_variant_get(json, '$[0].status', 'string') AS status,
                try_variant_get(json, '$[0].amount', 'double') AS exact,
                try_variant_get(json, '$[0].amount', 'decimal(10,2)') AS amount,
                coalesce(
                    try_to_timestamp(told, "yyyy-MM-dd'T'HH:mm:ssXXX"),
                    try_to_timestamp(told, "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX")
                ) AS event_time
            FROM (
                SELECT *, try_variant_get(json, '$[0].event_time', 'string') AS told
                FROM (
                    SELECT *, try_parse_json('[' || CAST(value AS STRING) || ', 0]') AS json
                    FROM {raw}
                )
            )
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
            (unix_micros(newest.produced_at) - unix_micros(newest.event_time)) / 1e6D
                AS delay_seconds,
            newest.seq - events AS missing_events
        FROM (
            SELECT order_id, max_by(struct(*), seq) AS newest, count(*) AS events
            FROM {tables["orders"]} VERSION AS OF {history.first().version}
            GROUP BY order_id
        )
        """
    )
