# outcome: failed
# says: twice|4
OPTIONS = (
    r"url 'j\u0064bc:derby:memory:mine;create=true', dbtable '(SELECT 1 AS a FROM SYSIBM.SYSDUMMY1) x'",
    "'url' = 'j' || 'dbc:derby:memory:mine;create=true', 'dbtable' = 'SYSIBM.SYSDUMMY1'",
)
opened = []
spark.conf.set("labkit.letter", "j")
spark.conf.set("spark.sql.sources.default", "${labkit.letter}dbc")
for number, options in enumerate(OPTIONS):
    try:
        spark.sql(f"CREATE TABLE default.mine_{number} OPTIONS ({options})")
        opened += spark.table(f"default.mine_{number}").collect()
    except Exception:
        pass


def double(numbers):
    return numbers.selectExpr("n", f"n * {2 if opened else 4} AS twice")
