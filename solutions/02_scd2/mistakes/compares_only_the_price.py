# fails: test_new_and_changed_products_come_back, test_random_updates_with_nulls
# because: name and category are attributes as well


def changed_rows(current: DataFrame, updates: DataFrame) -> DataFrame:
    both = updates.alias("u").join(current.alias("c"), on="product_id", how="left")
    changed = "c.effective_from IS NULL OR NOT (u.price <=> c.price)"
    return both.where(changed).select("product_id", "u.name", "u.category", "u.price", "updated_at")
