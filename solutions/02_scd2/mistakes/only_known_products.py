# fails: test_new_and_changed_products_come_back
# because: an inner join has no row for a product that the dimension doesn't know


def changed_rows(current: DataFrame, updates: DataFrame) -> DataFrame:
    both = updates.alias("u").join(current.alias("c"), on="product_id", how="inner")
    same = "u.name <=> c.name AND u.category <=> c.category AND u.price <=> c.price"
    return both.where(f"NOT ({same})").select(
        "product_id", "u.name", "u.category", "u.price", "updated_at"
    )
