# fails: test_null_is_a_value_of_its_own
# because: != with a null on either side is null, and where drops the row


def changed_rows(current: DataFrame, updates: DataFrame) -> DataFrame:
    both = updates.alias("u").join(current.alias("c"), on="product_id", how="left")
    changed = "c.effective_from IS NULL OR u.name != c.name OR u.category != c.category OR u.price != c.price"
    return both.where(changed).select("product_id", "u.name", "u.category", "u.price", "updated_at")
