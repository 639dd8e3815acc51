# fails: test_salted_rows_without_partner_stay
# because: <=> joins null with null: house ads become a partner


def salted_join(facts: DataFrame, dims: DataFrame, key: str, salts: int) -> DataFrame:
    left, right = (
        facts.withColumn("_salt", F.floor(F.rand() * salts)).alias("left"),
        dims.withColumn("_salt", F.explode(F.sequence(F.lit(0), F.lit(salts - 1)))).alias("right"),
    )
    same = F.col(f"left.{key}").eqNullSafe(F.col(f"right.{key}")) & F.expr(
        "left._salt = right._salt"
    )
    others = [f"left.{name}" for name in facts.columns if name != key]
    columns = [f"left.{key}", *others, *[f"right.{name}" for name in dims.columns if name != key]]
    return left.join(right, same, how="left").select(columns)
