# because: pure SQL: a subquery for the total, exploded sequences, a broadcast hint, counts of pairs


def key_profile(df: DataFrame, key: str, n: int) -> DataFrame:
    return df.sparkSession.sql(
        f"""
        SELECT {key}, count(*) AS rows, count(*) / (SELECT count(*) FROM {{df}}) AS share
        FROM {{df}} GROUP BY {key} ORDER BY rows DESC LIMIT {n}
        """,
        df=df,
    )


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    others = ", ".join(f"f.{name}" for name in facts.columns if name != key)
    partner = ", ".join(f"d.{name}" for name in dims.columns if name != key)
    return facts.sparkSession.sql(
        f"""
        WITH f AS (SELECT *, cast(floor(rand() * {salts}) AS bigint) AS _salt FROM {{facts}}),
        d AS (SELECT *, explode(sequence(0L, {salts - 1}L)) AS _salt FROM {{dims}})
        SELECT f.{key}, {others}, {partner} FROM f LEFT JOIN d ON f.{key} = d.{key} AND f._salt = d._salt
        """,
        facts=facts,
        dims=dims,
    )


def isolate_hot_keys(facts: DataFrame, dims: DataFrame, key: str, hot: list) -> DataFrame:
    others = ", ".join(f"f.{name}" for name in facts.columns if name != key)
    partner = ", ".join(f"d.{name}" for name in dims.columns if name != key)
    columns = f"f.{key}, {others}, {partner}"
    kind = facts.schema[key].dataType.simpleString()
    literals = ", ".join(repr(value) for value in hot if value is not None)
    is_hot = f"coalesce(array_contains(cast(array({literals}) AS array<{kind}>), {key}), false)"
    return facts.sparkSession.sql(
        f"""
        WITH f AS (SELECT * FROM {{facts}} WHERE {is_hot}), d AS (SELECT * FROM {{dims}} WHERE {is_hot})
        SELECT /*+ BROADCAST(d) */ {columns} FROM f LEFT JOIN d ON f.{key} = d.{key}
        UNION ALL
        SELECT {columns} FROM (SELECT * FROM {{facts}} WHERE NOT {is_hot}) f
        LEFT JOIN {{dims}} d ON f.{key} = d.{key}
        """,
        facts=facts,
        dims=dims,
    )


def two_stage_count(facts: DataFrame, key: str, salts: int) -> DataFrame:
    return facts.sparkSession.sql(
        f"""
        WITH pairs AS (SELECT {key}, user_id, count(*) AS part FROM {{facts}} GROUP BY {key}, user_id)
        SELECT {key}, sum(part) AS rows, count(user_id) AS users FROM pairs GROUP BY {key}
        """,
        facts=facts,
    )
