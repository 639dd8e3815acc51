# fails: test_null_is_a_value_of_its_own
# because: coalesce to '' and 0 makes null equal to an empty string and to 0


def changed_rows(current: DataFrame, updates: DataFrame) -> DataFrame:
    both = updates.alias("u").join(current.alias("c"), on="product_id", how="left")
    changed = (
        F.col("c.effective_from").isNull()
        | (F.coalesce("u.name", F.lit("")) != F.coalesce("c.name", F.lit("")))
        | (F.coalesce("u.category", F.lit("")) != F.coalesce("c.category", F.lit("")))
        | (F.coalesce("u.price", F.lit(0)) != F.coalesce("c.price", F.lit(0)))
    )
    return both.where(changed).select("product_id", "u.name", "u.category", "u.price", "updated_at")
