# because: one CHECK a field, rows judged field by field, the first column put first


def migrate(spark: SparkSession, table: str, contract: dict) -> None:
    frame = spark.table(table)
    dropped = {name.lower() for name in contract.get("dropped", [])}
    steps, reasons = steps_to(frame.schema, contract["fields"], dropped)
    rules = conditions_of(contract)
    stored = {name.lower(): name for name in frame.columns}
    if not reasons:
        for field in contract["fields"]:
            name, was = field["name"], field.get("was", "")
            column = stored.get(name.lower()) or stored.get(was.lower())
            if name in rules and column:
                rows = frame.select(F.col(column).alias(name))
                if not rows.where(f"NOT ({rules[name]})").isEmpty():
                    reasons.append(f"{name}: {rules[name]}")
    if reasons:
        raise ContractError(", ".join(reasons))
    properties = dict(spark.sql(f"SHOW TBLPROPERTIES {table}").collect())
    wanted = {f"delta.constraints.rule_{name.lower()}": rule for name, rule in rules.items()}
    plain = lambda rule: rule.replace(" ", "").lower()  # noqa: E731
    there = {key: rule for key, rule in properties.items() if key.startswith("delta.constraints.")}
    keep = {
        key
        for key, rule in there.items()
        if not steps and key in wanted and plain(rule) == plain(wanted[key])
    }
    for key in there.keys() - keep:
        spark.sql(f"ALTER TABLE {table} DROP CONSTRAINT {key.rpartition('.')[2]}")
    for name, value in [("columnMapping.mode", "name"), ("enableTypeWidening", "true")]:
        if steps and properties.get(f"delta.{name}") != value:
            spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('delta.{name}' = '{value}')")
    for clause, part in steps:
        spark.sql(f"ALTER TABLE {table} {clause.format(part)}")
    if steps:
        last = contract["fields"][0]["name"]
        spark.sql(f"ALTER TABLE {table} ALTER COLUMN {last} FIRST")
    for key in wanted.keys() - keep:
        spark.sql(
            f"ALTER TABLE {table} ADD CONSTRAINT {key.rpartition('.')[2]} CHECK ({wanted[key]})"
        )
