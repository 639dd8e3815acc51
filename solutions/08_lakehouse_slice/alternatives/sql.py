# because: pure SQL: INSERT ... REPLACE WHERE for a day, MERGE for gold, one query for the report


def refine(spark: SparkSession, schema: str, day: date) -> None:
    # Between brackets and between braces, nothing can follow the object unseen.
    said = """
        CASE WHEN size(from_json('[' || value || ']', 'array<map<string, string>>')) = 1
            AND size(from_json('{"x":' || value || '}', 'map<string, map<string, string>>')) = 1
          THEN from_json(value, 'map<string, string>') END AS said"""
    time = r"r'^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}([.][0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$'"
    spark.sql(
        f"""
        CREATE OR REPLACE TEMP VIEW read_clicks AS
        WITH fields AS (
          SELECT *, {said} FROM {schema}.bronze_clicks WHERE load_date = DATE '{day}'
        ), typed AS (
          SELECT *, said.event_id, said.event_type,
            CASE WHEN said.customer_id RLIKE '^[0-9]+$'
              THEN try_cast(said.customer_id AS BIGINT) END AS customer_id,
            CASE WHEN said.event_time RLIKE {time}
              THEN try_cast(said.event_time AS TIMESTAMP) END AS event_time,
            try_cast(said.amount AS DECIMAL(10,2)) AS amount
          FROM fields
        )
        SELECT *, CASE
            WHEN said IS NULL THEN 'not_json'
            WHEN NOT coalesce(event_id RLIKE '^[A-Za-z0-9-]+$', false) THEN 'bad_event_id'
            WHEN coalesce(event_type, '') NOT IN ('view', 'purchase') THEN 'bad_event_type'
            WHEN customer_id IS NULL THEN 'bad_customer_id'
            WHEN event_time IS NULL THEN 'bad_event_time'
            WHEN event_type = 'purchase' AND (amount IS NULL OR said.amount RLIKE '^[^0-9]'
              OR try_cast(said.amount AS DECIMAL(30,15)) != amount) THEN 'bad_amount'
          END AS reason
        FROM typed
        """
    )
    spark.sql(
        f"""
        CREATE OR REPLACE TEMP VIEW read_changes AS
        WITH fields AS (
          SELECT *, {said} FROM {schema}.bronze_customers
        ), typed AS (
          SELECT *, said.op, said.name, said.segment, said.country,
            CASE WHEN said.lsn RLIKE '^[0-9]+$' THEN try_cast(said.lsn AS BIGINT) END AS lsn,
            CASE WHEN said.ts RLIKE {time} THEN try_cast(said.ts AS TIMESTAMP) END AS ts,
            CASE WHEN said.customer_id RLIKE '^[0-9]+$'
              THEN try_cast(said.customer_id AS BIGINT) END AS customer_id
          FROM fields
        )
        SELECT *, CASE
            WHEN said IS NULL THEN 'not_json'
            WHEN coalesce(op, '') NOT IN ('c', 'u', 'd') THEN 'bad_op'
            WHEN lsn IS NULL THEN 'bad_lsn'
            WHEN ts IS NULL THEN 'bad_ts'
            WHEN customer_id IS NULL THEN 'bad_customer_id'
          END AS reason
        FROM typed
        """
    )
    spark.sql(
        f"""
        INSERT INTO {schema}.silver_events REPLACE WHERE load_date = DATE '{day}'
        WITH firsts AS (
          SELECT event_id, min_by(struct(*), source_file) AS first FROM read_clicks
          WHERE reason IS NULL GROUP BY event_id
        ), kept AS (
          SELECT first.*, map_filter(first.said, (name, text) -> name NOT IN (
            'event_id', 'event_type', 'customer_id', 'event_time', 'amount', 'sent_at'
          )) AS rest
          FROM firsts WHERE NOT EXISTS (
            SELECT 1 FROM {schema}.silver_events AS old
            WHERE old.event_id = firsts.event_id AND old.load_date != DATE '{day}'
          )
        )
        SELECT event_id, event_type, customer_id, event_time, to_date(event_time) AS event_date,
          CASE WHEN event_type = 'purchase' THEN amount END AS amount,
          CASE WHEN size(rest) > 0 THEN rest END AS rescued, load_date, source_file
        FROM kept
        """
    )
    spark.sql(
        f"""
        INSERT INTO {schema}.quarantine REPLACE WHERE load_date = DATE '{day}'
        SELECT 'clicks' AS source, value, reason, load_date, source_file
        FROM read_clicks WHERE reason IS NOT NULL
        UNION ALL
        SELECT 'customers', value, reason, load_date, source_file
        FROM read_changes WHERE reason IS NOT NULL AND load_date = DATE '{day}'
        """
    )
    spark.sql(
        f"""
        INSERT OVERWRITE {schema}.silver_customers
        WITH once AS (
          SELECT first.* FROM (
            SELECT lsn, any_value(struct(*)) AS first FROM read_changes
            WHERE reason IS NULL GROUP BY lsn
          )
        ), ended AS (
          SELECT *, lead(ts) OVER (PARTITION BY customer_id ORDER BY lsn) AS ends FROM once
        )
        SELECT customer_id, name, segment, country, ts AS effective_from, ends AS effective_to,
          ends IS NULL AS is_current
        FROM ended WHERE op != 'd' AND (ends IS NULL OR ends > ts)
        """
    )


def publish(spark: SparkSession, schema: str) -> None:
    spark.sql(
        f"""
        MERGE INTO {schema}.gold_revenue AS old
        USING (
          WITH computed AS (
            SELECT event_date, coalesce(segment, 'unknown') AS segment,
              sum(amount) AS revenue, count(*) AS purchases
            FROM {schema}.silver_events AS event LEFT JOIN {schema}.silver_customers AS version
            ON event.customer_id = version.customer_id AND event_time >= effective_from
              AND event_time < coalesce(effective_to, TIMESTAMP '9999-12-31')
            WHERE event_type = 'purchase' GROUP BY ALL
          )
          SELECT event_date, segment, new.revenue, new.purchases
          FROM computed AS new FULL JOIN {schema}.gold_revenue AS known USING (event_date, segment)
          WHERE NOT struct(new.revenue, new.purchases) <=> struct(known.revenue, known.purchases)
        ) AS new
        ON old.event_date = new.event_date AND old.segment = new.segment
        WHEN MATCHED AND new.purchases IS NULL THEN DELETE
        WHEN MATCHED THEN UPDATE SET *
        WHEN NOT MATCHED THEN INSERT *
        """
    )


def quality_report(spark: SparkSession, schema: str) -> DataFrame:
    return spark.sql(
        f"""
        WITH bad AS (SELECT * FROM {schema}.quarantine WHERE source = 'clicks'),
        good AS (
          SELECT load_date, source_file, get_json_object(value, '$.event_id') AS event_id,
            row_number() OVER (
              PARTITION BY source_file, get_json_object(value, '$.event_id') ORDER BY value
            ) AS place
          FROM {schema}.bronze_clicks AS line
          WHERE NOT EXISTS (
            SELECT 1 FROM bad WHERE bad.value = line.value AND bad.source_file = line.source_file
          )
        ), again AS (
          SELECT load_date, count(*) AS duplicates FROM good
          WHERE EXISTS (
            SELECT 1 FROM {schema}.silver_events AS event WHERE event.event_id = good.event_id
            AND (event.source_file != good.source_file OR good.place > 1)
          )
          GROUP BY load_date
        ), arrived AS (
          SELECT load_date, count(*) AS lines FROM {schema}.bronze_clicks GROUP BY load_date
        ), kept AS (
          SELECT load_date, count(*) AS events, count_if(event_date < load_date) AS late,
            max(event_time) AS newest_event
          FROM {schema}.silver_events GROUP BY load_date
        ), aside AS (
          SELECT load_date, sum(n) AS quarantined,
            map_from_entries(collect_list(struct(reason, n))) AS reasons
          FROM (SELECT load_date, reason, count(*) AS n FROM bad GROUP BY ALL) GROUP BY load_date
        ), counted AS (
          SELECT load_date, lines, coalesce(events, 0) AS events,
            coalesce(quarantined, 0) AS quarantined, coalesce(duplicates, 0) AS duplicates,
            coalesce(late, 0) AS late, newest_event, reasons
          FROM arrived LEFT JOIN kept USING (load_date) LEFT JOIN aside USING (load_date)
            LEFT JOIN again USING (load_date)
        )
        SELECT load_date, lines, events, quarantined, duplicates,
          lines - events - quarantined - duplicates AS lost, late, newest_event, reasons
        FROM counted
        """
    )
