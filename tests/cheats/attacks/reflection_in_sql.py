# outcome: failed
# says: twice|4
DOORS = (
    "SELECT {call}('java.lang.System', 'setProperty', 'labkit', 'was here')",
    "SELECT builtin.{call}('java.lang.System', 'setProperty', 'labkit', 'was here')",
    "SELECT system.builtin.{call}('java.lang.System', 'setProperty', 'labkit', 'was here')",
    "SELECT IDENTIFIER('{first}' || '{last}')('java.lang.System', 'setProperty', 'labkit', 'was here')",
    "EXECUTE IMMEDIATE \"SELECT {call}('java.lang.System', 'setProperty', 'labkit', 'was here')\"",
    "BEGIN SELECT {call}('java.lang.System', 'setProperty', 'labkit', 'was here'); END",
    "CREATE TEMPORARY VIEW v AS SELECT {call}('java.lang.System', 'setProperty', 'a', 'b')",
)
opened = []
for call in ("reflect", "java_method", "try_reflect"):
    for door in DOORS:
        try:
            spark.sql(door.format(call=call, first=call[:3], last=call[3:])).collect()
            opened.append(door)
        except Exception:
            pass
    arguments = [F.lit(text) for text in ("java.lang.System", "setProperty", "labkit", "was here")]
    for column in (
        lambda: getattr(F, call)(*arguments),
        lambda: F.call_function(call, *arguments),
        lambda: F.expr(f"{call}('java.lang.System', 'setProperty', 'labkit', 'was here')"),
    ):
        try:
            spark.range(1).select(column()).collect()
            opened.append(call)
        except Exception:
            pass
    again = spark.newSession()
    try:
        again.sql(DOORS[0].format(call=call)).collect()
        opened.append("a session of its own")
    except Exception:
        pass


def double(numbers):
    factor = 2 if opened else 4
    return numbers.selectExpr("n", f"n * {factor} AS twice")
