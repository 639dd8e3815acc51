# because: hashes of a JSON array, MERGE in SQL, versions from joins over all times


def as_array(texts: list[str]) -> str:
    return f"sha2(to_json(array({', '.join(texts)})), 256)"


def hash_key(columns: list[str]) -> str:
    return as_array([f"upper(trim(`{name}`))" for name in columns])


def hash_diff(columns: dict[str, str]) -> str:
    texts = []
    for name, type in columns.items():
        if type == "timestamp":
            texts.append(f"string(unix_micros(`{name}`))")
        elif type.startswith("decimal"):
            texts.append(f"string(CAST(`{name}` AS decimal(38,19)))")
        else:
            texts.append(f"string(`{name}`)")
    return as_array(texts)


def load_hub(spark: SparkSession, hub: str, staged: DataFrame, keys: list[str]) -> None:
    names = ", ".join(f"upper(trim(`{name}`)) AS {name}" for name in keys)
    spark.sql(
        f"""
        MERGE INTO {hub} AS old
        USING (
          WITH named AS (
            SELECT {hash_key(keys)} AS hash_key, {names}, load_ts, record_source FROM {{staged}}
          ),
          numbered AS (
            SELECT *, row_number() OVER (
              PARTITION BY hash_key ORDER BY load_ts, record_source
            ) AS place
            FROM named
          )
          SELECT * EXCEPT (place) FROM numbered WHERE place = 1
        ) AS new
        ON old.hash_key = new.hash_key
        WHEN NOT MATCHED THEN INSERT *
        """,
        staged=staged,
    )


def load_satellite(
    spark: SparkSession,
    satellite: str,
    staged: DataFrame,
    keys: list[str],
    attributes: dict[str, str],
) -> None:
    spark.sql(
        f"""
        MERGE INTO {satellite} AS old
        USING (
          SELECT DISTINCT {hash_key(keys)} AS hash_key, load_ts, record_source,
            {hash_diff(attributes)} AS hash_diff, {", ".join(attributes)}
          FROM {{staged}}
        ) AS new
        ON old.hash_key = new.hash_key AND old.load_ts = new.load_ts
          AND old.record_source = new.record_source
        WHEN NOT MATCHED THEN INSERT *
        """,
        staged=staged,
    )


def publish_customer(spark: SparkSession, vault: dict[str, str]) -> DataFrame:
    return spark.sql(
        f"""
        WITH crm AS (SELECT hash_key, load_ts, name, address FROM {vault["crm"]}),
        extracts AS (SELECT DISTINCT load_ts FROM {vault["shop"]}),
        heard AS (
          SELECT hash_key, min(load_ts) AS first
          FROM (SELECT hash_key, load_ts FROM crm UNION ALL
                SELECT hash_key, load_ts FROM {vault["shop"]})
          GROUP BY hash_key
        ),
        moments AS (
          SELECT hash_key, load_ts AS at FROM crm
          UNION
          SELECT h.hash_key, e.load_ts FROM heard AS h JOIN extracts AS e ON e.load_ts >= h.first
        ),
        shop AS (
          SELECT m.hash_key, m.at AS load_ts, s.name, s.address
          FROM moments AS m JOIN extracts AS e ON e.load_ts = m.at
          LEFT JOIN {vault["shop"]} AS s ON s.hash_key = m.hash_key AND s.load_ts = m.at
        ),
        crm_aged AS (
          SELECT *, last(if(address <=> before AND place > 1, null, load_ts), true) OVER (
            PARTITION BY hash_key ORDER BY load_ts
          ) AS since
          FROM (SELECT *, lag(address) OVER w AS before, row_number() OVER w AS place FROM crm
                WINDOW w AS (PARTITION BY hash_key ORDER BY load_ts))
        ),
        shop_aged AS (
          SELECT *, last(if(address <=> before AND place > 1, null, load_ts), true) OVER (
            PARTITION BY hash_key ORDER BY load_ts
          ) AS since
          FROM (SELECT *, lag(address) OVER w AS before, row_number() OVER w AS place FROM shop
                WINDOW w AS (PARTITION BY hash_key ORDER BY load_ts))
        ),
        states AS (
          SELECT m.hash_key, m.at,
            max_by(struct(c.name, c.address, c.since), c.load_ts) AS c,
            max_by(struct(s.name, s.address, s.since), s.load_ts) AS s
          FROM moments AS m
          LEFT JOIN crm_aged AS c ON c.hash_key = m.hash_key AND c.load_ts <= m.at
          LEFT JOIN shop_aged AS s ON s.hash_key = m.hash_key AND s.load_ts <= m.at
          GROUP BY m.hash_key, m.at
        ),
        chosen AS (
          SELECT hash_key, at, coalesce(c.name, s.name) AS name,
            CASE WHEN c.address IS NULL THEN s.address
                 WHEN s.address IS NULL OR s.since <= c.since THEN c.address
                 ELSE s.address END AS address
          FROM states
        ),
        changed AS (
          SELECT * FROM (
            SELECT *, lag(name) OVER w AS n, lag(address) OVER w AS a, lag(at) OVER w AS t
            FROM chosen WINDOW w AS (PARTITION BY hash_key ORDER BY at)
          ) WHERE t IS NULL OR NOT (name <=> n AND address <=> a)
        )
        SELECT h.hash_key, h.customer_no, v.name, v.address,
          coalesce(v.at, timestamp '1900-01-01 00:00:00') AS valid_from,
          lead(v.at) OVER (PARTITION BY h.hash_key ORDER BY v.at) AS valid_to
        FROM {vault["hub"]} AS h LEFT JOIN changed AS v ON v.hash_key = h.hash_key
        """
    )
