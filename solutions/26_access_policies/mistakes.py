# %% own_rules_alone
# task: effective_access
# fails: test_rules[own_and_groups], test_rules[nested], test_other_groups
# because: rules of groups are left out
# breaks: A rule is for a person if it names them, or a group that they are in.
# -        grants.where(F.col("principal").isin(*names))
# +        grants.where(F.col("principal") == principal)

# %% rules_of_one_person
# task: effective_access
# fails: test_rules[another_person]
# because: whoever asks gets the rules of one person
# breaks: A rule is for a person if it names them, or a group that they are in.
# -    names = found = {principal}
# +    names = found = {"ann"}

# %% names_that_begin_so
# task: effective_access
# fails: test_rules[own_and_groups]
# because: a name that begins like another one is another name
# breaks: Names are the same only if they are equal, case included.
# -        grants.where(F.col("principal").isin(*names))
# +        grants.where(reduce(or_, [F.col("principal").startswith(name) for name in names]))

# %% groups_alone
# task: effective_access
# fails: test_rules[own_and_groups], test_rules[in_time]
# because: a rule that names the person is not of a group
# breaks: A rule is for a person if it names them, or a group that they are in.
# -        grants.where(F.col("principal").isin(*names))
# +        grants.where(F.col("principal").isin(*(names - {principal})))

# %% one_level_of_groups
# task: effective_access
# fails: test_rules[nested], test_other_groups
# because: groups of groups are left out
# breaks: is also in the groups that this group is in, and so on, up to 40 levels.
# -    while found:
# -        found = {row["group"] for row in members if row.member in found} - names
# -        names = names | found
# +    names = names | {row["group"] for row in members if row.member in found}

# %% too_few_levels_of_groups
# task: effective_access
# fails: test_rules[nested]
# because: goes up a fixed number of times
# breaks: is also in the groups that this group is in, and so on, up to 40 levels.
# -    while found:
# -        found = {row["group"] for row in members if row.member in found} - names
# -        names = names | found
# +    for _ in range(39):
# +        found = {row["group"] for row in members if row.member in found} - names
# +        names = names | found

# %% down_the_groups_too
# task: effective_access
# fails: test_rules[nested], test_rules[own_and_groups]
# because: takes the rules of whoever else is in a group
# breaks: is also in the groups that this group is in, and so on, up to 40 levels.
# -        found = {row["group"] for row in members if row.member in found} - names
# +        up = {row["group"] for row in members if row.member in found}
# +        down = {row.member for row in members if row["group"] in found}
# +        found = (up | down) - names

# %% circle_is_an_error
# task: effective_access
# fails: test_rules[circle]
# outcome: error
# because: a circle of groups is walked until the stack is full
# breaks: Groups may be in each other, in a circle.
# -    names = found = {principal}
# -    while found:
# -        found = {row["group"] for row in members if row.member in found} - names
# -        names = names | found
# +
# +    def above(name: str) -> set[str]:
# +        direct = {row["group"] for row in members if row.member == name}
# +        return direct.union(*[above(one) for one in direct])
# +
# +    names = {principal} | above(principal)

# %% by_the_clock
# task: effective_access
# fails: test_rules[far_ahead], test_rules[at_another_time], test_rules[in_time]
# because: asks for rules of today, whatever `at` is
# breaks: A rule holds from `valid_from`, included, to `valid_to`, not included.
# -    instant = F.lit(at)
# +    instant = F.current_timestamp()

# %% last_instant_included
# task: effective_access
# fails: test_rules[in_time]
# because: a rule holds at `valid_to`
# breaks: A rule holds from `valid_from`, included, to `valid_to`, not included.
# -    has_ended = F.coalesce(F.col("valid_to") <= instant, F.lit(False))
# +    has_ended = F.coalesce(F.col("valid_to") < instant, F.lit(False))

# %% first_instant_left_out
# task: effective_access
# fails: test_rules[in_time]
# because: a rule does not hold at `valid_from`
# breaks: A rule holds from `valid_from`, included, to `valid_to`, not included.
# -    has_begun = F.col("valid_from") <= instant
# +    has_begun = F.col("valid_from") < instant

# %% future_rules_hold
# task: effective_access
# fails: test_rules[in_time], test_other_groups
# because: looks at the end alone
# breaks: A rule holds from `valid_from`, included, to `valid_to`, not included.
# -        .where(has_begun & ~has_ended)
# +        .where(~has_ended)

# %% by_the_day
# task: effective_access
# fails: test_rules[in_time]
# because: a rule of this afternoon holds in the morning
# breaks: A rule holds from `valid_from`, included, to `valid_to`, not included.
# -    has_begun = F.col("valid_from") <= instant
# +    has_begun = F.to_date("valid_from") <= F.to_date(instant)

# %% by_the_second
# task: effective_access
# fails: test_rules[parts_of_a_second]
# because: a rule that ended in this second still holds
# breaks: A rule holds from `valid_from`, included, to `valid_to`, not included.
# -    instant = F.lit(at)
# +    instant = F.lit(at.replace(microsecond=0))

# %% no_end_never_holds
# task: effective_access
# fails: test_rules[own_and_groups], test_rules[in_time]
# because: a comparison with null is not true
# breaks: A null `valid_to` means that it has no end.
# -    has_ended = F.coalesce(F.col("valid_to") <= instant, F.lit(False))
# +    has_ended = F.coalesce(F.col("valid_to") <= instant, F.lit(True))

# %% no_end_is_a_day
# task: effective_access
# fails: test_rules[far_ahead]
# because: takes the last day of the calendar for the end of a rule without one
# breaks: A null `valid_to` means that it has no end.
# -    has_ended = F.coalesce(F.col("valid_to") <= instant, F.lit(False))
# +    until = F.coalesce("valid_to", F.lit("9999-12-31").cast("timestamp"))
# +    has_ended = until <= instant

# %% reason_is_the_person
# task: effective_access
# fails: test_rules[own_and_groups], test_other_groups
# because: says who asked, not whom the rule names
# breaks: `reason` is the `principal` that the rule names.
# -        .select("tenant", "region", "columns", "effect", F.col("principal").alias("reason"))
# +        .select("tenant", "region", "columns", "effect", F.lit(principal).alias("reason"))

# %% rules_come_twice
# task: effective_access
# fails: test_rules[once]
# because: identical rows come back as often as they are granted
# breaks: Rows that would be identical come back once, also if several ways lead to a group.
# -        .distinct()
# +

# %% columns_do_not_tell_apart
# task: effective_access
# fails: test_rules[once]
# because: of two rules for the same rows and other columns one is lost
# breaks: It returns the rules that hold for `principal` at the instant `at`
# -        .distinct()
# +        .dropDuplicates(["tenant", "region", "effect", "reason"])

# %% effects_do_not_tell_apart
# task: effective_access
# fails: test_rules[once]
# because: of a deny and an allow for the same values one is lost
# breaks: `effect` is `allow` or `deny`: both come back.
# -        .distinct()
# +        .dropDuplicates(["tenant", "region", "columns", "reason"])

# %% one_reason_is_enough
# task: effective_access
# fails: test_rules[once]
# because: who asks why sees one of two rules that say the same
# breaks: It returns the rules that hold for `principal` at the instant `at`
# -        .distinct()
# +        .dropDuplicates(["tenant", "region", "columns", "effect"])

# %% a_row_for_each_way
# task: effective_access
# fails: test_rules[once]
# because: the join with the memberships doubles a rule that two ways lead to
# breaks: Rows that would be identical come back once, also if several ways lead to a group.
def effective_access(
    grants: DataFrame, groups: DataFrame, principal: str, at: datetime
) -> DataFrame:
    members = groups.collect()
    ways, level, seen = [principal], [principal], {principal}
    while level:
        level = [row["group"] for row in members if row.member in level]
        ways += level
        level = [name for name in level if name not in seen]
        seen |= set(level)
    names = groups.sparkSession.createDataFrame([(name,) for name in ways], "principal string")
    return (
        grants.join(names, on="principal", how="inner")
        .where(F.col("valid_from") <= F.lit(at))
        .where(F.col("valid_to").isNull() | (F.col("valid_to") > F.lit(at)))
        .select("tenant", "region", "columns", "effect", F.col("principal").alias("reason"))
    )

# %% names_in_any_case
# task: effective_access
# fails: test_rules[case], test_other_groups
# because: two names that differ by case are taken for one
# breaks: Names are the same only if they are equal, case included.
# -        grants.where(F.col("principal").isin(*names))
# +        grants.where(F.lower("principal").isin(*[name.lower() for name in names]))

# %% members_in_any_case
# task: effective_access
# fails: test_rules[case]
# because: members are found whatever their case
# breaks: Names are the same only if they are equal, case included.
# -        found = {row["group"] for row in members if row.member in found} - names
# +        lower = {name.lower() for name in found}
# +        found = {row["group"] for row in members if row.member.lower() in lower} - names

# %% allows_alone
# task: effective_access
# fails: test_rules[nested]
# because: a deny is no rule here
# breaks: `effect` is `allow` or `deny`: both come back.
# -        .where(has_begun & ~has_ended)
# +        .where(has_begun & ~has_ended & (F.col("effect") == "allow"))

# %% everybody_may_something
# task: effective_access
# fails: test_rules[nobody]
# because: without rules, a person gets those of everybody
# breaks: For a person without rules no row comes back.
# -        grants.where(F.col("principal").isin(*names))
# +        grants.where(F.col("principal").isin(*names) | F.lit(not members or len(names) == 1))

# %% nulls_show_nothing
# task: secure
# fails: test_seen[visible_nulls]
# because: a null that she may see is taken for nothing to see
# breaks: A row comes back if at least one of its values is visible.
# -    return df.where(reduce(or_, visible.values())).select(
# +    shown = [condition & F.col(name).isNotNull() for name, condition in visible.items()]
# +    return df.where(reduce(or_, shown)).select(

# %% unknown_columns_allow_the_row
# task: secure
# fails: test_seen[nothing_left]
# because: a rule for a column that is not there makes the row come back
# breaks: A rule for such a column changes nothing.
# -    return df.where(reduce(or_, visible.values())).select(
# +    unknown = [rule for rule in rules if {*rule.columns} - {*df.columns, "*"}]
# +    rows = reduce(or_, map(covers, unknown), reduce(or_, visible.values()))
# +    return df.where(rows).select(

# %% tenants_in_any_case
# task: secure
# fails: test_seen[exact], test_other_rules
# because: merges two tenants whose names differ by case
# breaks: A rule covers the rows whose `tenant` and `region` equal its own, case included.
# -            F.col(part).isNotNull() if rule[part] == "*" else F.col(part).eqNullSafe(rule[part])
# +            F.col(part).isNotNull()
# +            if rule[part] == "*"
# +            else F.lower(F.col(part)).eqNullSafe(rule[part].lower())

# %% tenants_as_text_of_sql
# task: secure
# fails: test_seen[exact]
# because: a quote in the name of a tenant ends the text
# outcome: error
# breaks: A rule covers the rows whose `tenant` and `region` equal its own, case included.
# -            F.col(part).isNotNull() if rule[part] == "*" else F.col(part).eqNullSafe(rule[part])
# +            F.col(part).isNotNull() if rule[part] == "*" else F.expr(f"{part} <=> '{rule[part]}'")

# %% regions_are_forgotten
# task: secure
# fails: test_seen[exact], test_seen[own_rules], test_other_rules
# because: a rule for a region covers all of the tenant
# breaks: A rule covers the rows whose `tenant` and `region` equal its own, case included.
# -        return tenant & region
# +        return tenant

# %% star_is_a_name
# task: secure
# fails: test_seen[stars], test_seen[nulls], test_other_rules
# because: nothing equals a star
# breaks: A `*` in a rule's `tenant` or `region` stands for every one that is not null.
# -            F.col(part).isNotNull() if rule[part] == "*" else F.col(part).eqNullSafe(rule[part])
# +            F.col(part).eqNullSafe(rule[part])

# %% star_covers_nulls
# task: secure
# fails: test_seen[nulls], test_other_rules
# because: claims that have lost their tenant are shown to whoever has a star
# breaks: A row without a tenant or a region is covered by no rule.
# -            F.col(part).isNotNull() if rule[part] == "*" else F.col(part).eqNullSafe(rule[part])
# +            F.lit(True) if rule[part] == "*" else F.col(part).eqNullSafe(rule[part])

# %% star_of_columns_is_a_name
# task: secure
# fails: test_seen[exact], test_seen[stars], test_seen[denied]
# because: no column is called `*`
# breaks: A `*` in it stands for all of them.
# -        named = [rule for rule in rules if {name, "*"} & {*rule.columns}]
# +        named = [rule for rule in rules if name in rule.columns]

# %% columns_of_any_rule
# task: secure
# fails: test_seen[own_rules], test_other_rules
# because: a column that one rule names is shown in all rows
# breaks: A value is visible if an `allow` for it exists, and no `deny`.
# -    visible = {name: covered(name, "allow") & ~covered(name, "deny") for name in df.columns}
# +    named = {name for rule in rules if rule.effect == "allow" for name in rule.columns}
# +    rows = reduce(or_, [covers(rule) for rule in rules if rule.effect == "allow"], F.lit(False))
# +    visible = {
# +        name: rows & F.lit(bool({name, "*"} & named)) & ~covered(name, "deny")
# +        for name in df.columns
# +    }

# %% allow_wins
# task: secure
# fails: test_seen[denied], test_seen[deny_wins], test_other_rules
# because: a deny changes nothing where something allows
# breaks: A value is visible if an `allow` for it exists, and no `deny`.
# -    visible = {name: covered(name, "allow") & ~covered(name, "deny") for name in df.columns}
# +    visible = {name: covered(name, "allow") for name in df.columns}

# %% denies_by_name_alone
# task: secure
# fails: test_seen[denied], test_other_rules
# because: a deny of some rows takes the column away from all
# breaks: A value is visible if an `allow` for it exists, and no `deny`.
# -    visible = {name: covered(name, "allow") & ~covered(name, "deny") for name in df.columns}
# +    denied = {name for rule in rules if rule.effect == "deny" for name in rule.columns}
# +    visible = {
# +        name: covered(name, "allow") & F.lit(not {name, "*"} & denied) for name in df.columns
# +    }

# %% narrow_beats_wide
# task: secure
# fails: test_seen[deny_wins]
# because: an allow that names the tenant is taken for stronger than a deny for all
# breaks: A value is visible if an `allow` for it exists, and no `deny`.
# -    visible = {name: covered(name, "allow") & ~covered(name, "deny") for name in df.columns}
# +    def own(name: str) -> Column:
# +        about = [
# +            rule
# +            for rule in rules
# +            if rule.effect == "allow" and rule.tenant != "*" and name in rule.columns
# +        ]
# +        return reduce(or_, map(covers, about), F.lit(False))
# +
# +    visible = {
# +        name: (covered(name, "allow") & ~covered(name, "deny")) | own(name)
# +        for name in df.columns
# +    }

# %% visible_unless_denied
# task: secure
# fails: test_seen[deny_alone], test_seen[no_rules], test_other_rules
# because: what nothing denies is shown
# breaks: A value is visible if an `allow` for it exists, and no `deny`.
# -    visible = {name: covered(name, "allow") & ~covered(name, "deny") for name in df.columns}
# +    visible = {name: ~covered(name, "deny") for name in df.columns}

# %% masked_rows_come_back
# task: secure
# fails: test_seen[nothing_left], test_seen[deny_alone]
# because: a row that a rule covers comes back without one visible value
# breaks: A row comes back if at least one of its values is visible.
# -    return df.where(reduce(or_, visible.values())).select(
# +    return df.where(reduce(or_, map(covers, rules), F.lit(False))).select(

# %% denied_rows_are_dropped
# task: secure
# fails: test_seen[denied], test_other_rules
# because: a deny of one value takes the whole row away
# breaks: A row comes back if at least one of its values is visible.
# -    return df.where(reduce(or_, visible.values())).select(
# +    denies = [covers(rule) for rule in rules if rule.effect == "deny"]
# +    kept = df.where(~reduce(or_, denies, F.lit(False)))
# +    return kept.where(reduce(or_, visible.values())).select(

# %% rows_by_tenant_alone
# task: secure
# fails: test_seen[masks], test_seen[own_rules], test_other_rules
# because: a row comes back only if its tenant is visible
# breaks: A row comes back if at least one of its values is visible.
# -    return df.where(reduce(or_, visible.values())).select(
# +    return df.where(visible["tenant"]).select(

# %% nulls_for_masks
# task: secure
# fails: test_seen[masks], test_other_columns, test_other_rules
# because: `masks` is not used
# breaks: A value that is not visible is replaced by `masks` of its column, or by null if `masks`
#   has
#   none.
# -            .otherwise(F.lit(masks.get(field.name)).cast(field.dataType))
# +            .otherwise(F.lit(None).cast(field.dataType))

# %% hash_for_a_mask
# task: secure
# fails: test_seen[masks], test_seen[own_rules], test_other_rules
# because: a diagnosis without a mask of its own is hashed, and there are few diagnoses
# breaks: A value that is not visible is replaced by `masks` of its column, or by null if `masks`
#   has
#   none.
# -            .otherwise(F.lit(masks.get(field.name)).cast(field.dataType))
# +            .otherwise(
# +                F.sha2(field.name, 256)
# +                if field.name == "diagnosis"
# +                else F.lit(masks.get(field.name)).cast(field.dataType)
# +            )

# %% unmasked_without_a_mask
# task: secure
# fails: test_seen[masks], test_seen[own_rules], test_other_rules
# because: a column that `masks` does not name is shown
# breaks: A value that is not visible is replaced by `masks` of its column, or by null if `masks`
#   has
#   none.
# -            F.when(visible[field.name], F.col(field.name))
# +            F.when(visible[field.name] | F.lit(field.name not in masks), F.col(field.name))

# %% nulls_stay_null
# task: secure
# fails: test_seen[masked_nulls]
# because: a null shows through the mask
# breaks: So is a null that is not visible.
# -            F.when(visible[field.name], F.col(field.name))
# +            F.when(visible[field.name] | F.col(field.name).isNull(), F.col(field.name))

# %% visible_nulls_are_masked
# task: secure
# fails: test_seen[masked_nulls]
# because: a null that may be seen looks like a hidden value
# breaks: A value that is not visible is replaced by `masks` of its column
# -            F.when(visible[field.name], F.col(field.name))
# +            F.when(visible[field.name] & F.col(field.name).isNotNull(), F.col(field.name))

# %% hidden_columns_are_dropped
# task: secure
# fails: test_seen[masks], test_seen[no_rules], test_other_columns
# because: a reader's query breaks on a column that is not there
# breaks: The columns of `df` come back with the same names, types and order.
# -            for field in df.schema
# -        ]
# -    )
# +            for field in df.schema
# +        ]
# +    ).select(*[
# +        name
# +        for name in df.columns
# +        if any({name, "*"} & {*rule.columns} for rule in rules if rule.effect == "allow")
# +    ])

# %% masks_change_types
# task: secure
# fails: test_seen[masks]
# because: the mask brings its own type
# breaks: The columns of `df` come back with the same names, types and order.
# -            .otherwise(F.lit(masks.get(field.name)).cast(field.dataType))
# +            .otherwise(F.lit(masks.get(field.name)))

# %% a_row_for_each_rule
# task: secure
# fails: test_seen[doubles], test_other_rules
# because: a join with the rules doubles rows that two of them cover
# breaks: A row comes back once, however many rules cover it.
# -    return df.where(reduce(or_, visible.values())).select(
# +    allows = access.where("effect = 'allow'").select(
# +        F.col("tenant").alias("of_tenant"), F.col("region").alias("of_region")
# +    )
# +    tenants = F.expr("tenant = of_tenant OR of_tenant = '*'")
# +    regions = F.expr("region = of_region OR of_region = '*'")
# +    joined = df.join(allows, on=tenants & regions, how="inner").drop("of_tenant", "of_region")
# +    return joined.where(reduce(or_, visible.values())).select(

# %% distinct_rows
# task: secure
# fails: test_seen[doubles]
# because: identical claims become one
# breaks: Identical rows come back as often as in `df`.
# -    return df.where(reduce(or_, visible.values())).select(
# +    return df.where(reduce(or_, visible.values())).distinct().select(

# %% every_file_is_read
# task: secure
# fails: test_files_of_others
# because: Spark can't tell from a Python function which partitions it keeps
# breaks: Of a table partitioned by `tenant`, files of tenants that no `allow` names or covers are
#   not
#   read.
# -    return df.where(reduce(or_, visible.values())).select(
# +    keep = F.udf(lambda shown: shown, "boolean")
# +    return df.where(keep(reduce(or_, visible.values()))).select(

# %% a_view
# task: secure_view
# fails: test_files_of_the_view, test_old_files, test_other_view
# because: a view reads the files of the table, with all that is in them
# breaks: The data files that a query on `view` reads, and their paths, hold nothing of `table` that
#   `view` does not show
def secure_view(
    spark: SparkSession, view: str, table: str, access: DataFrame, masks: dict[str, Any]
) -> None:
    rules = access.collect()
    columns = []
    anything = []
    for field in spark.table(table).schema:
        shown = {"allow": ["false"], "deny": ["false"]}
        for rule in rules:
            if {field.name, "*"} & {*rule.columns}:
                parts = [
                    f"{part} IS NOT NULL" if rule[part] == "*" else f"{part} <=> '{rule[part]}'"
                    for part in ("tenant", "region")
                ]
                shown[rule.effect].append(f"({' AND '.join(parts)})")
        visible = f"(({' OR '.join(shown['allow'])}) AND NOT ({' OR '.join(shown['deny'])}))"
        anything.append(visible)
        mask = masks.get(field.name)
        literal = "NULL" if mask is None else f"'{mask}'"
        kind = field.dataType.simpleString()
        masked = f"cast({literal} AS {kind})"
        columns.append(f"CASE WHEN {visible} THEN {field.name} ELSE {masked} END AS {field.name}")
    spark.sql(
        f"CREATE OR REPLACE VIEW {view} AS SELECT {', '.join(columns)} FROM {table} "
        f"WHERE {' OR '.join(anything)}"
    )

# %% values_unmasked_in_the_copy
# task: secure_view
# fails: test_files_of_the_view, test_other_view
# because: the copy has whole rows, and a view over it the masks
# breaks: The data files that a query on `view` reads, and their paths, hold nothing of `table` that
#   `view` does not show
def secure_view(
    spark: SparkSession, view: str, table: str, access: DataFrame, masks: dict[str, Any]
) -> None:
    spark.sql(f"DROP TABLE IF EXISTS {view}_rows")
    whole = access.where("effect = 'allow'").withColumn("columns", F.array(F.lit("*")))
    rows = secure(spark.table(table), whole, {})
    rows.coalesce(1).write.format("delta").saveAsTable(f"{view}_rows")
    rules = access.collect()
    columns, anything = [], []
    for field in spark.table(table).schema:
        shown = {"allow": ["false"], "deny": ["false"]}
        for rule in rules:
            if {field.name, "*"} & {*rule.columns}:
                parts = [
                    f"{part} IS NOT NULL" if rule[part] == "*" else f"{part} <=> '{rule[part]}'"
                    for part in ("tenant", "region")
                ]
                shown[rule.effect].append(f"({' AND '.join(parts)})")
        visible = f"(({' OR '.join(shown['allow'])}) AND NOT ({' OR '.join(shown['deny'])}))"
        anything.append(visible)
        mask = masks.get(field.name)
        literal = "NULL" if mask is None else f"'{mask}'"
        kind = field.dataType.simpleString()
        masked = f"cast({literal} AS {kind})"
        columns.append(f"CASE WHEN {visible} THEN {field.name} ELSE {masked} END AS {field.name}")
    spark.sql(
        f"CREATE OR REPLACE VIEW {view} AS SELECT {', '.join(columns)} FROM {view}_rows "
        f"WHERE {' OR '.join(anything)}"
    )

# %% a_copy_with_its_past
# task: secure_view
# fails: test_old_files, test_other_view
# because: an overwrite keeps the files of the version before, for time travel
# breaks: no data file of the first call is left that holds more than `view` shows now
# -    spark.sql(f"DROP TABLE IF EXISTS {view}")
# -    seen.coalesce(1).write.format("delta").saveAsTable(view)
# +    seen.coalesce(1).write.format("delta").mode("overwrite").saveAsTable(view)

# %% the_old_copy_is_kept
# task: secure_view
# fails: test_old_files
# because: what was shown before is in a table with another name
# breaks: After it, no data file of the first call is left that holds more than `view` shows now
# -    spark.sql(f"DROP TABLE IF EXISTS {view}")
# +    spark.sql(f"DROP TABLE IF EXISTS {view}_before")
# +    if spark.catalog.tableExists(view):
# +        spark.sql(f"ALTER TABLE {view} RENAME TO {view}_before")

# %% deleted_from_the_copy
# task: secure_view
# fails: test_old_files, test_other_view
# because: DELETE leaves the file behind
# breaks: no data file of the first call is left that holds more than `view` shows now
# -    spark.sql(f"DROP TABLE IF EXISTS {view}")
# -    seen.coalesce(1).write.format("delta").saveAsTable(view)
# +    if spark.catalog.tableExists(view):
# +        spark.sql(f"DELETE FROM {view}")
# +    seen.coalesce(1).write.format("delta").mode("append").saveAsTable(view)

# %% made_once
# task: secure_view
# fails: test_second_call, test_old_files, test_other_view
# because: what is there is kept
# breaks: A second call with the same `view` shows the table and the rules of that moment.
# -    spark.sql(f"DROP TABLE IF EXISTS {view}")
# +    if spark.catalog.tableExists(view):
# +        return

# %% made_for_new_rules
# task: secure_view
# fails: test_second_call
# because: rows that came since are not shown while the rules are the same
# breaks: A second call with the same `view` shows the table and the rules of that moment.
# -    spark.sql(f"DROP TABLE IF EXISTS {view}")
# -    seen.coalesce(1).write.format("delta").saveAsTable(view)
# +    stamp = str(sum(hash(str(row)) for row in access.collect()))
# +    if spark.catalog.tableExists(view):
# +        told = spark.sql(f"SHOW TBLPROPERTIES {view}").where("key = 'stamp'").first()
# +        if told and told.value == stamp:
# +            return
# +    spark.sql(f"DROP TABLE IF EXISTS {view}")
# +    seen.coalesce(1).write.format("delta").saveAsTable(view)
# +    spark.sql(f"ALTER TABLE {view} SET TBLPROPERTIES (stamp = '{stamp}')")

# %% made_for_new_rows_and_rules
# task: secure_view
# fails: test_second_call
# because: other masks are not applied to what is there
# breaks: and shows what `secure` returns for the table at that moment.
# -    spark.sql(f"DROP TABLE IF EXISTS {view}")
# -    seen.coalesce(1).write.format("delta").saveAsTable(view)
# +    version = spark.sql(f"DESCRIBE HISTORY {table} LIMIT 1").first().version
# +    stamp = str(version + sum(hash(str(row)) for row in access.collect()))
# +    if spark.catalog.tableExists(view):
# +        told = spark.sql(f"SHOW TBLPROPERTIES {view}").where("key = 'stamp'").first()
# +        if told and told.value == stamp:
# +            return
# +    spark.sql(f"DROP TABLE IF EXISTS {view}")
# +    seen.coalesce(1).write.format("delta").saveAsTable(view)
# +    spark.sql(f"ALTER TABLE {view} SET TBLPROPERTIES (stamp = '{stamp}')")

# %% added_to_the_copy
# task: secure_view
# fails: test_second_call, test_other_view
# because: a second call adds to the rows of the first
# breaks: A second call with the same `view` shows the table and the rules of that moment.
# -    spark.sql(f"DROP TABLE IF EXISTS {view}")
# -    seen.coalesce(1).write.format("delta").saveAsTable(view)
# +    seen.coalesce(1).write.format("delta").mode("append").saveAsTable(view)

# %% cleaned_in_place
# task: secure_view
# fails: test_table_stays
# because: what nobody may see is deleted from the table itself
# breaks: `table` gets no new version
# -    spark.sql(f"DROP TABLE IF EXISTS {view}")
# +    spark.sql(f"DELETE FROM {table} WHERE tenant IS NULL OR region IS NULL")
# +    spark.sql(f"DROP TABLE IF EXISTS {view}")

# %% nothing_without_rows
# task: secure_view
# fails: test_empty_view
# because: no view is made where nothing is visible
# breaks: If nothing is visible, `view` is there and has no row.
# -    seen.coalesce(1).write.format("delta").saveAsTable(view)
# +    if not seen.isEmpty():
# +        seen.coalesce(1).write.format("delta").saveAsTable(view)

# %% types_of_the_copy
# task: secure_view
# fails: test_view, test_empty_view
# because: the copy has amounts as double
# breaks: its columns have the same names, types and order.
# -    seen.coalesce(1).write.format("delta").saveAsTable(view)
# +    seen.withColumn("amount", F.col("amount").cast("double")).coalesce(1).write.format(
# +        "delta"
# +    ).saveAsTable(view)

# %% rows_without_masks
# task: secure_view
# fails: test_view
# because: the masks are not passed on
# breaks: Its rows are those of `secure`
# -    seen = secure(spark.table(table), access, masks)
# +    seen = secure(spark.table(table), access, {})

# %% added_to_the_tenant
# task: write_tenant
# fails: test_one_tenant, test_name_with_quote, test_empty_batch
# because: the old rows stay
# breaks: After the call the rows of `tenant` are exactly those of `batch`, identical rows included.
def write_tenant(spark: SparkSession, table: str, tenant: str, batch: DataFrame) -> None:
    if batch.where(~F.col("tenant").eqNullSafe(tenant)).isEmpty():
        batch.write.format("delta").mode("append").saveAsTable(table)
    else:
        raise ValueError("rows of others")

# %% merged_by_claim
# task: write_tenant
# fails: test_one_tenant, test_empty_batch
# because: rows that are not in the batch stay
# breaks: After the call the rows of `tenant` are exactly those of `batch`, identical rows included.
# -    literal = tenant.replace("\\", "\\\\").replace("'", "\\'")
# -    (
# +    literal = tenant.replace("\\", "\\\\").replace("'", "\\'")
# +    mine = spark.table(table).where(F.col("tenant") == tenant)
# +    batch = mine.join(batch, on="claim_id", how="left_anti").unionByName(batch)
# +    (

# %% without_doubles
# task: write_tenant
# fails: test_one_tenant
# because: identical claims become one
# breaks: identical rows included.
# -        batch.write.format("delta")
# +        batch.distinct().write.format("delta")

# %% empty_means_nothing
# task: write_tenant
# fails: test_empty_batch
# because: a dynamic overwrite replaces the partitions that the batch has rows for
# breaks: An empty batch leaves no row of `tenant`.
def write_tenant(spark: SparkSession, table: str, tenant: str, batch: DataFrame) -> None:
    if not batch.where(~F.col("tenant").eqNullSafe(tenant)).isEmpty():
        raise ValueError("rows of others")
    batch.write.format("delta").mode("overwrite").option(
        "partitionOverwriteMode", "dynamic"
    ).saveAsTable(table)

# %% all_tenants_are_replaced
# task: write_tenant
# fails: test_other_tenants, test_name_with_quote, test_files_of_one_tenant
# because: an overwrite without a condition is of the whole table
# breaks: Rows and files of other tenants stay
def write_tenant(spark: SparkSession, table: str, tenant: str, batch: DataFrame) -> None:
    if not batch.where(~F.col("tenant").eqNullSafe(tenant)).isEmpty():
        raise ValueError("rows of others")
    batch.write.format("delta").mode("overwrite").saveAsTable(table)

# %% both_of_a_name
# task: write_tenant
# fails: test_other_tenants
# because: replaces the tenant whose name differs by case as well
# breaks: also of one whose name differs by case alone.
# -        .option("replaceWhere", f"tenant = '{literal}'")
# +        .option("replaceWhere", f"lower(tenant) = lower('{literal}')")

# %% the_whole_table_again
# task: write_tenant
# fails: test_files_of_one_tenant
# because: reads all tenants and writes all of them
# breaks: Rows and files of other tenants stay
def write_tenant(spark: SparkSession, table: str, tenant: str, batch: DataFrame) -> None:
    if not batch.where(~F.col("tenant").eqNullSafe(tenant)).isEmpty():
        raise ValueError("rows of others")
    others = spark.table(table).where(~F.col("tenant").eqNullSafe(tenant))
    others.unionByName(batch).write.format("delta").mode("overwrite").saveAsTable(table)

# %% delete_then_append
# task: write_tenant
# fails: test_files_of_one_tenant
# because: a reader in between finds no claim of the tenant
# breaks: It is one commit.
def write_tenant(spark: SparkSession, table: str, tenant: str, batch: DataFrame) -> None:
    from delta.tables import DeltaTable

    if not batch.where(~F.col("tenant").eqNullSafe(tenant)).isEmpty():
        raise ValueError("rows of others")
    DeltaTable.forName(spark, table).delete(F.col("tenant") == tenant)
    batch.write.format("delta").mode("append").saveAsTable(table)

# %% compacted_afterwards
# task: write_tenant
# fails: test_one_commit_for_several_files
# because: the files of the batch are put together in a second commit
# breaks: It is one commit.
# -        .saveAsTable(table)
# -    )
# +        .saveAsTable(table)
# +    )
# +    spark.sql(f"OPTIMIZE {table} WHERE tenant = '{literal}'")

# %% meets_every_writer
# task: write_tenant
# fails: test_one_tenant, test_other_tenants
# outcome: error
# because: the MERGE reads all tenants, so a commit to any of them conflicts with it
# breaks: A commit to another tenant's data, made by another writer during the call, does not make
#   it
#   fail.
def write_tenant(spark: SparkSession, table: str, tenant: str, batch: DataFrame) -> None:
    from delta.tables import DeltaTable

    (
        DeltaTable.forName(spark, table)
        .alias("t")
        .merge(batch.alias("s"), "false")
        .whenNotMatchedInsertAll()
        .whenNotMatchedBySourceDelete(F.col("t.tenant") == tenant)
        .execute()
    )

# %% rows_of_others_are_written
# task: write_tenant
# fails: test_refuses[another], test_refuses[other_case], test_refuses[no_tenant]
# because: whatever the batch has is written
# breaks: If a row of `batch` has another tenant or none, the call raises an exception, of any
#   class,
#   and makes no commit.
def write_tenant(spark: SparkSession, table: str, tenant: str, batch: DataFrame) -> None:
    literal = tenant.replace("\\", "\\\\").replace("'", "\\'")
    check = "spark.databricks.delta.replaceWhere.constraintCheck.enabled"
    spark.conf.set(check, "false")
    try:
        batch.write.format("delta").mode("overwrite").option(
            "replaceWhere", f"tenant = '{literal}'"
        ).saveAsTable(table)
    finally:
        spark.conf.unset(check)

# %% rows_of_others_are_dropped
# task: write_tenant
# fails: test_refuses[another], test_refuses[other_case], test_refuses[no_tenant]
# because: rows of others are left out, and nobody hears of it
# breaks: If a row of `batch` has another tenant or none, the call raises an exception, of any
#   class,
#   and makes no commit.
# -        batch.write.format("delta")
# +        batch.where(F.col("tenant") == tenant).write.format("delta")

# %% rows_without_tenant_are_dropped
# task: write_tenant
# fails: test_refuses[no_tenant]
# because: a row without a tenant is left out, and nobody hears of it
# breaks: If a row of `batch` has another tenant or none, the call raises an exception, of any
#   class,
#   and makes no commit.
# -        batch.write.format("delta")
# +        batch.where("tenant IS NOT NULL").write.format("delta")

# %% written_then_refused
# task: write_tenant
# fails: test_refuses[another], test_refuses[no_tenant]
# because: raises after its rows are written
# breaks: If a row of `batch` has another tenant or none, the call raises an exception, of any
#   class,
#   and makes no commit.
# -        batch.write.format("delta")
# +        batch.where(F.col("tenant") == tenant).write.format("delta")
# -        .saveAsTable(table)
# -    )
# +        .saveAsTable(table)
# +    )
# +    if not batch.where(~F.col("tenant").eqNullSafe(tenant)).isEmpty():
# +        raise ValueError("rows of others")

# %% case_is_corrected
# task: write_tenant
# fails: test_refuses[other_case]
# because: a row of another tenant is taken for a spelling of this one
# breaks: If a row of `batch` has another tenant or none, the call raises an exception, of any
#   class,
#   and makes no commit.
# -        batch.write.format("delta")
# +        batch.withColumn(
# +            "tenant",
# +            F.when(F.lower("tenant") == tenant.lower(), F.lit(tenant)).otherwise(F.col("tenant"))
# +        )
# +        .write.format("delta")

# %% quotes_are_pasted
# task: write_tenant
# fails: test_name_with_quote
# outcome: error
# because: a quote in the name ends the literal
# breaks: `tenant` is not empty, and may hold any ASCII characters, such as quotes.
# -    literal = tenant.replace("\\", "\\\\").replace("'", "\\'")
# +    literal = tenant

# %% double_quotes_are_pasted
# task: write_tenant
# fails: test_odd_names
# outcome: error
# because: a backslash escapes the quote that ends the literal
# breaks: `tenant` is not empty, and may hold any ASCII characters, such as quotes.
# -        .option("replaceWhere", f"tenant = '{literal}'")
# +        .option("replaceWhere", f'tenant = "{tenant}"')

# %% counts_masked_names
# task: aggregate
# fails: test_totals[hidden_names], test_other_totals
# because: masked names are all the same, so a group has one patient
# breaks: `patient_name` need not be visible: it is counted, not shown.
# -    seen = secure(df, counting, {}).where(
# +    seen = secure(df, access, {}).where(

# %% needs_visible_names
# task: aggregate
# fails: test_totals[hidden_names], test_other_totals
# because: a claim whose patient is hidden does not count
# breaks: `patient_name` need not be visible: it is counted, not shown.
# -    seen = secure(df, counting, {}).where(
# +    seen = secure(df, access, {}).where("patient_name IS NOT NULL").where(

# %% counts_everything
# task: aggregate
# fails: test_totals[rows_seen], test_totals[nobody], test_other_totals
# because: totals are made of all rows
# breaks: A claim counts if its `tenant`, `diagnosis` and `amount` are visible by the rules of Task
#   2.
# -    seen = secure(df, counting, {}).where(
# +    seen = df.where(

# %% counts_hidden_amounts
# task: aggregate
# fails: test_totals[rows_seen]
# because: a claim counts without its amount
# breaks: A claim counts if its `tenant`, `diagnosis` and `amount` are visible by the rules of Task
#   2.
# -        "tenant IS NOT NULL AND diagnosis IS NOT NULL AND amount IS NOT NULL"
# +        "tenant IS NOT NULL AND diagnosis IS NOT NULL"

# %% counts_hidden_tenants
# task: aggregate
# fails: test_totals[rows_seen]
# because: claims whose tenant is hidden are added up under no name
# breaks: A claim counts if its `tenant`, `diagnosis` and `amount` are visible by the rules of Task 2.
# -        "tenant IS NOT NULL AND diagnosis IS NOT NULL AND amount IS NOT NULL"
# +        "diagnosis IS NOT NULL AND amount IS NOT NULL"

# %% counts_hidden_diagnoses
# task: aggregate
# fails: test_totals[rows_seen]
# because: claims whose diagnosis is hidden are counted as others
# breaks: A claim counts if its `tenant`, `diagnosis` and `amount` are visible by the rules of Task
#   2.
# -        "tenant IS NOT NULL AND diagnosis IS NOT NULL AND amount IS NOT NULL"
# +        "tenant IS NOT NULL AND amount IS NOT NULL"

# %% totals_for_everybody
# task: aggregate
# fails: test_totals[nobody]
# because: who has no rule gets the totals of all
# breaks: For a person without rules no row comes back.
# -    seen = secure(df, counting, {}).where(
# +    seen = (df if access.isEmpty() else secure(df, counting, {})).where(

# %% equal_amounts_once
# task: aggregate
# fails: test_totals[patients], test_totals[other]
# because: two claims of the same amount are added up once
# breaks: `patients` is their number, and `amount` the sum.
# -        .agg(patients, F.sum("amount").alias("amount"))
# +        .agg(patients, F.sum_distinct("amount").alias("amount"))

# %% claims_for_patients
# task: aggregate
# fails: test_totals[patients], test_totals[small], test_other_totals
# because: one patient with many claims looks like many
# breaks: There is a row for each tenant and diagnosis with at least `k` different patients.
# -    patients = F.count_distinct("patient_name").alias("patients")
# +    patients = F.count("patient_name").alias("patients")

# %% about_so_many_patients
# task: aggregate
# fails: test_many_patients
# because: a sketch counts many patients nearly
# breaks: `patients` is their number, and `amount` the sum.
# -    patients = F.count_distinct("patient_name").alias("patients")
# +    patients = F.approx_count_distinct("patient_name", 0.01).alias("patients")

# %% sums_as_narrow_as_amounts
# task: aggregate
# fails: test_many_patients
# because: the sum of many amounts has no place in the type of one
# breaks: `patients` is their number, and `amount` the sum.
# -        .agg(patients, F.sum("amount").alias("amount"))
# +        .agg(patients, F.expr("try_cast(sum(amount) AS decimal(10,2)) AS amount"))

# %% more_than_k
# task: aggregate
# fails: test_totals[small], test_other_totals
# because: exactly k is enough
# breaks: There is a row for each tenant and diagnosis with at least `k` different patients.
# -    large = sizes.where(F.col("patients") >= k).drop("patients").withColumn("large", F.lit(True))
# +    large = sizes.where(F.col("patients") > k).drop("patients").withColumn("large", F.lit(True))

# %% small_groups_are_shown
# task: aggregate
# fails: test_totals[small], test_totals[other]
# because: a sum of two patients is shown
# breaks: There is a row for each tenant and diagnosis with at least `k` different patients.
# -    large = sizes.where(F.col("patients") >= k).drop("patients").withColumn("large", F.lit(True))
# +    large = sizes.drop("patients").withColumn("large", F.lit(True))
# -        .where(F.col("patients") >= k)
# -        .withColumn("amount", F.col("amount").cast("decimal(20,2)"))
# +        .withColumn("amount", F.col("amount").cast("decimal(20,2)"))

# %% others_are_left_out
# task: aggregate
# fails: test_totals[other], test_totals[same_patients], test_other_totals
# because: small groups are dropped
# breaks: The claims of all other diagnoses of a tenant are one more row, with the diagnosis `other`
# -        seen.join(large, on=["tenant", "diagnosis"], how="left")
# +        seen.join(large, on=["tenant", "diagnosis"], how="inner")

# %% others_of_few
# task: aggregate
# fails: test_totals[small], test_totals[same_patients]
# because: what is left is shown, however few they are
# breaks: If not, they are in no row.
# -        .where(F.col("patients") >= k)
# -        .withColumn("amount", F.col("amount").cast("decimal(20,2)"))
# +        .where((F.col("patients") >= k) | (F.col("diagnosis") == "other"))
# +        .withColumn("amount", F.col("amount").cast("decimal(20,2)"))

# %% sums_of_counts
# task: aggregate
# fails: test_totals[same_patients], test_other_totals
# because: a patient with two small diagnoses counts twice
# breaks: if they have at least `k` different patients together.
def aggregate(df: DataFrame, access: DataFrame, k: int) -> DataFrame:
    is_allow = F.col("effect") == "allow"
    with_name = F.array_append("columns", F.lit("patient_name"))
    without_name = F.array_remove("columns", "patient_name")
    counting = access.withColumn("columns", F.when(is_allow, with_name).otherwise(without_name))
    shown = F.when(F.col("patients") >= k, F.col("diagnosis")).otherwise("other")
    return (
        secure(df, counting, {})
        .where("tenant IS NOT NULL AND diagnosis IS NOT NULL AND amount IS NOT NULL")
        .groupBy("tenant", "diagnosis")
        .agg(F.count_distinct("patient_name").alias("patients"), F.sum("amount").alias("amount"))
        .groupBy("tenant", shown.alias("diagnosis"))
        .agg(F.sum("patients").alias("patients"), F.sum("amount").alias("amount"))
        .where(F.col("patients") >= k)
        .withColumn("amount", F.col("amount").cast("decimal(20,2)"))
    )

# %% others_of_all_tenants
# task: aggregate
# fails: test_totals[tenants], test_other_totals
# because: small groups of different tenants are added up
# breaks: The claims of all other diagnoses of a tenant are one more row, with the diagnosis `other`
# -        .groupBy("tenant", shown.alias("diagnosis"))
# +        .withColumn("tenant", F.when(F.col("large"), F.col("tenant")).otherwise("all"))
# +        .groupBy("tenant", shown.alias("diagnosis"))

# %% tenants_of_one_name
# task: aggregate
# fails: test_totals[tenants], test_other_totals
# because: two tenants that differ by case are added up
# breaks: Tenants whose names differ by case are two tenants.
# -    seen = secure(df, counting, {}).where(
# +    seen = secure(df, counting, {}).withColumn("tenant", F.upper("tenant")).where(

# %% last_rows_deleted_only
# task: secure_view
# fails: test_empty_view
# because: a DELETE leaves the files of the last rows that were visible
# breaks: After it, no data file of the first call is left that holds more than `view` shows now
# -    spark.sql(f"DROP TABLE IF EXISTS {view}")
# +    if seen.isEmpty() and spark.catalog.tableExists(view):
# +        spark.sql(f"DELETE FROM {view}")
# +        return
# +    spark.sql(f"DROP TABLE IF EXISTS {view}")

# %% copy_in_parquet
# task: secure_view
# fails: test_in_delta
# because: a folder of plain files has no commits; a reader meets half of a call
# breaks: What `view` reads is in a Delta table
# -    seen.coalesce(1).write.format("delta").saveAsTable(view)
# +    seen.coalesce(1).write.format("parquet").saveAsTable(view)

# %% once_a_day
# task: write_tenant
# fails: test_empty_batch
# because: the day is the number of the transaction, so a second delivery of a day is skipped
# breaks: After the call the rows of `tenant` are exactly those of `batch`, identical rows included.
# -        .option("replaceWhere", f"tenant = '{literal}'")
# +        .option("replaceWhere", f"tenant = '{literal}'")
# +        .option("txnAppId", f"claims of {tenant}")
# +        .option("txnVersion", 20260501)

# %% denies_of_names_left_out
# task: aggregate
# fails: test_totals[hidden_names]
# because: a deny that names the patient and the amount hides the amount no longer
# breaks: A claim counts if its `tenant`, `diagnosis` and `amount` are visible by the rules of Task 2.
# -    without_name = F.array_remove("columns", "patient_name")
# -    counting = access.withColumn("columns", F.when(is_allow, with_name).otherwise(without_name))
# +    about_names = F.array_contains("columns", "patient_name")
# +    shown = F.when(is_allow, with_name).otherwise(F.col("columns"))
# +    counting = access.where(is_allow | ~about_names).withColumn("columns", shown)

# %% names_are_patterns
# task: effective_access
# fails: test_rules[case]
# because: LIKE takes the underscore in a name for any letter
# breaks: Names are the same only if they are equal, case included.
# -        grants.where(F.col("principal").isin(*names))
# +        grants.where(
# +            reduce(or_, [F.col("principal").like(name.replace("\\", "\\\\")) for name in names])
# +        )

# %% star_alone
# task: secure
# fails: test_seen[stars]
# because: a star beside other names is taken for one of them
# breaks: A `*` in it stands for all of them.
# -        named = [rule for rule in rules if {name, "*"} & {*rule.columns}]
# +        named = [rule for rule in rules if name in rule.columns or rule.columns == ["*"]]

# %% copies_are_no_news
# task: secure_view
# fails: test_second_call
# because: a second copy of a row is no difference of sets
# breaks: A second call with the same `view` shows the table and the rules of that moment.
# -    spark.sql(f"DROP TABLE IF EXISTS {view}")
# +    if spark.catalog.tableExists(view):
# +        shown = spark.table(view)
# +        if seen.subtract(shown).isEmpty() and shown.subtract(seen).isEmpty():
# +            return
# +    spark.sql(f"DROP TABLE IF EXISTS {view}")

# %% columns_by_place
# task: write_tenant
# fails: test_name_with_quote
# because: the columns of the batch get the table's names by their place
# breaks: `batch` has its columns, in any order.
# -        batch.write.format("delta")
# +        batch.toDF(*spark.table(table).columns).write.format("delta")

# %% by_the_millisecond
# task: effective_access
# fails: test_rules[parts_of_a_second]
# because: a rule that begins some microseconds later holds already
# breaks: A rule holds from `valid_from`, included, to `valid_to`, not included.
# -    has_begun = F.col("valid_from") <= instant
# +    has_begun = F.date_trunc("millisecond", "valid_from") <= instant

# %% columns_are_sorted
# task: effective_access
# fails: test_rules[once]
# because: two rows that differ in the order of their columns are not identical
# breaks: Rows that would be identical come back once, also if several ways lead to a group.
# -        .distinct()
# +        .withColumn("columns", F.sort_array("columns"))
# +        .distinct()

# %% columns_are_a_set
# task: effective_access
# fails: test_rules[once]
# because: a column that a rule names twice is left out once
# breaks: Rows that would be identical come back once, also if several ways lead to a group.
# -        .distinct()
# +        .withColumn("columns", F.array_distinct("columns"))
# +        .distinct()

# %% names_are_trimmed
# task: effective_access
# fails: test_rules[case]
# because: a name with a blank behind it is another name
# breaks: Names are the same only if they are equal, case included.
# -        grants.where(F.col("principal").isin(*names))
# +        grants.where(F.trim("principal").isin(*names))

# %% members_are_trimmed
# task: effective_access
# fails: test_rules[case]
# because: a member with a blank behind the name is another member
# breaks: Names are the same only if they are equal, case included.
# -        found = {row["group"] for row in members if row.member in found} - names
# +        found = {row["group"] for row in members if row.member.strip() in found} - names

# %% denies_one_by_one
# task: secure
# fails: test_seen[denies_together]
# because: a row stays unless one deny alone takes all that an allow gives
# breaks: A row comes back if at least one of its values is visible.
# -    return df.where(reduce(or_, visible.values())).select(
# +    def about(rule: Row) -> set[str]:
# +        return {name for name in df.columns if {name, "*"} & {*rule.columns}}
# +
# +    kept = F.lit(False)
# +    for allow in [rule for rule in rules if rule.effect == "allow" and about(rule)]:
# +        wider = [
# +            rule for rule in rules if rule.effect == "deny" and about(rule) >= about(allow)
# +        ]
# +        kept = kept | (covers(allow) & ~reduce(or_, map(covers, wider), F.lit(False)))
# +    return df.where(kept).select(

# %% tenants_are_trimmed
# task: secure
# fails: test_seen[exact]
# because: a blank makes another tenant or region
# breaks: A rule covers the rows whose `tenant` and `region` equal its own, case included.
# -            F.col(part).isNotNull() if rule[part] == "*" else F.col(part).eqNullSafe(rule[part])
# +            F.col(part).isNotNull()
# +            if rule[part] == "*"
# +            else F.trim(F.col(part)).eqNullSafe(rule[part])

# %% tenants_are_patterns_of_sql
# task: secure
# fails: test_seen[exact]
# because: LIKE takes an underscore for any character
# breaks: A rule covers the rows whose `tenant` and `region` equal its own, case included.
# -            F.col(part).isNotNull() if rule[part] == "*" else F.col(part).eqNullSafe(rule[part])
# +            F.col(part).isNotNull()
# +            if rule[part] == "*"
# +            else F.coalesce(F.col(part).like(rule[part].replace("\\", "\\\\")), F.lit(False))

# %% tenants_are_patterns
# task: secure
# fails: test_seen[exact]
# because: a dot in a rule stands for any character
# breaks: A rule covers the rows whose `tenant` and `region` equal its own, case included.
# -            F.col(part).isNotNull() if rule[part] == "*" else F.col(part).eqNullSafe(rule[part])
# +            F.col(part).isNotNull()
# +            if rule[part] == "*"
# +            else F.coalesce(F.col(part).rlike(f"^{rule[part]}$"), F.lit(False))

# %% empty_text_is_nobody
# task: secure
# fails: test_seen[stars]
# because: an empty name is not null
# breaks: A `*` in a rule's `tenant` or `region` stands for every one that is not null.
# -            F.col(part).isNotNull() if rule[part] == "*" else F.col(part).eqNullSafe(rule[part])
# +            F.coalesce(F.col(part) != "", F.lit(False))
# +            if rule[part] == "*"
# +            else F.col(part).eqNullSafe(rule[part])

# %% tenants_have_no_mask
# task: secure
# fails: test_other_columns
# because: takes the columns that rules are about for columns without a mask
# breaks: A value that is not visible is replaced by `masks` of its column
# -            .otherwise(F.lit(masks.get(field.name)).cast(field.dataType))
# +            .otherwise(
# +                F.lit(
# +                    None if field.name in ("tenant", "region") else masks.get(field.name)
# +                ).cast(field.dataType)
# +            )

# %% numbers_and_texts_for_masks
# task: secure
# fails: test_other_columns
# because: a time that hides a time is not used
# breaks: A value that is not visible is replaced by `masks` of its column
# -            .otherwise(F.lit(masks.get(field.name)).cast(field.dataType))
# +            .otherwise(
# +                F.lit(
# +                    masks.get(field.name)
# +                    if isinstance(masks.get(field.name), (str, int, float))
# +                    else None
# +                ).cast(field.dataType)
# +            )

# %% remembered_in_the_table
# task: secure_view
# fails: test_table_stays
# because: a property that names the copy is a commit to the table
# breaks: `table` gets no new version
# -    spark.sql(f"DROP TABLE IF EXISTS {view}")
# +    spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('copied.to' = '{view}')")
# +    spark.sql(f"DROP TABLE IF EXISTS {view}")

# %% no_view_before_rows
# task: secure_view
# fails: test_empty_view
# because: who has never seen a row finds no view
# breaks: If nothing is visible, `view` is there and has no row.
# -    spark.sql(f"DROP TABLE IF EXISTS {view}")
# +    if seen.isEmpty() and not spark.catalog.tableExists(view):
# +        return
# +    spark.sql(f"DROP TABLE IF EXISTS {view}")

# %% rows_without_tenant_are_replaced
# task: write_tenant
# fails: test_other_tenants
# because: claims that have lost their tenant go with the old rows
# breaks: Rows and files of other tenants stay, also of one whose name differs by case alone.
# -        .option("replaceWhere", f"tenant = '{literal}'")
# +        .option("replaceWhere", f"tenant = '{literal}' OR tenant IS NULL")

# %% emptied_in_two_commits
# task: write_tenant
# fails: test_empty_batch
# because: an empty batch is a DELETE, and then an empty write
# breaks: It is one commit.
# -    literal = tenant.replace("\\", "\\\\").replace("'", "\\'")
# +    literal = tenant.replace("\\", "\\\\").replace("'", "\\'")
# +    if batch.isEmpty():
# +        spark.sql(f"DELETE FROM {table} WHERE tenant = '{literal}'")

# %% returns_the_rows
# task: write_tenant
# fails: test_empty_batch
# because: it returns how many rows it wrote
# breaks: and returns nothing.
# -        .saveAsTable(table)
# -    )
# +        .saveAsTable(table)
# +    )
# +    return batch.count()

# %% written_then_restored
# task: write_tenant
# fails: test_refuses[another], test_refuses[other_case], test_refuses[no_tenant]
# because: its own rows are written and then taken back: two commits, and readers between them
# breaks: the call raises an exception, of any class, and makes no commit.
def write_tenant(spark: SparkSession, table: str, tenant: str, batch: DataFrame) -> None:
    from delta.tables import DeltaTable

    before = DeltaTable.forName(spark, table).history(1).first().version
    literal = tenant.replace("\\", "\\\\").replace("'", "\\'")
    mine = F.col("tenant").eqNullSafe(tenant)
    batch.where(mine).write.format("delta").mode("overwrite").option(
        "replaceWhere", f"tenant = '{literal}'"
    ).saveAsTable(table)
    if not batch.where(~mine).isEmpty():
        DeltaTable.forName(spark, table).restoreToVersion(before)
        raise ValueError("rows of others")

# %% greatest_tenant_is_this_one
# task: write_tenant
# fails: test_refuses[another]
# because: looks at the greatest name alone
# breaks: If a row of `batch` has another tenant or none, the call raises an exception
def write_tenant(spark: SparkSession, table: str, tenant: str, batch: DataFrame) -> None:
    literal = tenant.replace("\\", "\\\\").replace("'", "\\'")
    found = batch.agg(F.max("tenant"), F.count_if(F.col("tenant").isNull())).first()
    if found[0] not in (None, tenant) or found[1]:
        raise ValueError("rows of others")
    batch.where(F.col("tenant") == tenant).write.format("delta").mode("overwrite").option(
        "replaceWhere", f"tenant = '{literal}'"
    ).saveAsTable(table)

# %% blank_is_corrected
# task: write_tenant
# fails: test_refuses[blank_behind]
# because: a row of another tenant is taken for a spelling of this one
# breaks: If a row of `batch` has another tenant or none, the call raises an exception
# -        batch.write.format("delta")
# +        batch.withColumn("tenant", F.trim("tenant"))
# +        .write.format("delta")

# %% counts_positive_amounts
# task: aggregate
# fails: test_totals[patients]
# because: a patient whose claim was taken back is not counted
# breaks: A claim counts if its `tenant`, `diagnosis` and `amount` are visible by the rules of Task 2.
# -        "tenant IS NOT NULL AND diagnosis IS NOT NULL AND amount IS NOT NULL"
# +        "tenant IS NOT NULL AND diagnosis IS NOT NULL AND amount > 0"

# %% patients_in_any_case
# task: aggregate
# fails: test_totals[patients]
# because: two patients whose names differ by case are counted as one
# breaks: Patients are the same if their names are equal.
# -    patients = F.count_distinct("patient_name").alias("patients")
# +    patients = F.count_distinct(F.lower("patient_name")).alias("patients")

# %% patients_are_trimmed
# task: aggregate
# fails: test_totals[patients]
# because: two patients whose names differ by a blank are counted as one
# breaks: Patients are the same if their names are equal.
# -    patients = F.count_distinct("patient_name").alias("patients")
# +    patients = F.count_distinct(F.trim("patient_name")).alias("patients")

# %% diagnoses_in_any_case
# task: aggregate
# fails: test_totals[tenants]
# because: two diagnoses that differ by case are added up
# breaks: The same holds for diagnoses and for patients.
# -    seen = secure(df, counting, {}).where(
# +    seen = secure(df, counting, {}).withColumn("diagnosis", F.upper("diagnosis")).where(

# %% braces_are_places
# task: write_tenant
# fails: test_odd_names
# outcome: error
# because: spark.sql with a frame fills in what stands in braces, in a name as well
# breaks: `tenant` is not empty, and may hold any ASCII characters, such as quotes.
def write_tenant(spark: SparkSession, table: str, tenant: str, batch: DataFrame) -> None:
    literal = tenant.replace("\\", "\\\\").replace("'", "\\'")
    if not batch.where(~F.col("tenant").eqNullSafe(tenant)).isEmpty():
        raise ValueError("rows of others")
    delivered = batch.select(*spark.table(table).columns)
    spark.sql(
        f"INSERT INTO {table} REPLACE WHERE tenant = '{literal}' SELECT * FROM {{delivered}}",
        delivered=delivered,
    )

# %% at_in_milliseconds
# task: effective_access
# fails: test_rules[parts_of_a_second]
# because: a rule that began some microseconds ago does not hold yet
# breaks: A rule holds from `valid_from`, included, to `valid_to`, not included.
# -    instant = F.lit(at)
# +    instant = F.lit(at.replace(microsecond=at.microsecond // 1000 * 1000))

# %% named_allow_beats_star
# task: secure
# fails: test_seen[deny_wins]
# because: an allow that names the column is taken for stronger than a deny of all columns
# breaks: A value is visible if an `allow` for it exists, and no `deny`.
# -    visible = {name: covered(name, "allow") & ~covered(name, "deny") for name in df.columns}
# +    def named(name: str) -> Column:
# +        mine = [rule for rule in rules if name in rule.columns]
# +        allows = [covers(rule) for rule in mine if rule.effect == "allow"]
# +        denies = [covers(rule) for rule in mine if rule.effect == "deny"]
# +        return reduce(or_, allows, F.lit(False)) & ~reduce(or_, denies, F.lit(False))
# +
# +    visible = {
# +        name: named(name) | (covered(name, "allow") & ~covered(name, "deny"))
# +        for name in df.columns
# +    }

# %% numbers_stay_numbers
# task: secure
# fails: test_other_columns
# because: a number that hides a text is not made a text
# breaks: The columns of `df` come back with the same names, types and order.
# -            .otherwise(F.lit(masks.get(field.name)).cast(field.dataType))
# -            .alias(field.name)
# +            .otherwise(F.lit(masks.get(field.name)).cast(field.dataType))
# +            .cast(
# +                "int"
# +                if isinstance(masks.get(field.name), int)
# +                and field.dataType.simpleString() == "string"
# +                else field.dataType
# +            )
# +            .alias(field.name)

# %% one_copy_for_all
# task: secure_view
# fails: test_other_views
# because: the copy has the name of the table, so a call for one person changes another's view
# breaks: and other views of it stay as they are.
# -    spark.sql(f"DROP TABLE IF EXISTS {view}")
# -    seen.coalesce(1).write.format("delta").saveAsTable(view)
# +    spark.sql(f"DROP TABLE IF EXISTS {table}_seen")
# +    seen.coalesce(1).write.format("delta").saveAsTable(f"{table}_seen")
# +    spark.sql(f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM {table}_seen")

# %% denies_of_names_alone
# task: aggregate
# fails: test_totals[hidden_names]
# because: a deny of the name and the region hides the name from the count
# breaks: `patient_name` need not be visible: it is counted, not shown.
# -    without_name = F.array_remove("columns", "patient_name")
# +    is_name = F.col("columns") == F.array(F.lit("patient_name"))
# +    without_name = F.when(is_name, F.array_remove("columns", "patient_name")).otherwise(
# +        F.col("columns")
# +    )
# -        "tenant IS NOT NULL AND diagnosis IS NOT NULL AND amount IS NOT NULL"
# +        "tenant IS NOT NULL AND diagnosis IS NOT NULL AND amount IS NOT NULL"
# +        " AND patient_name IS NOT NULL"

# %% others_who_are_in_no_large_group
# task: aggregate
# fails: test_totals[other]
# because: whoever is in a large group is left out of the small ones, with their claims
# breaks: The claims of all other diagnoses of a tenant are one more row
# -    return (
# -        seen.join(large, on=["tenant", "diagnosis"], how="left")
# +    marked = seen.join(large, on=["tenant", "diagnosis"], how="left")
# +    known = marked.where("large").select("tenant", "patient_name").distinct()
# +    rest = marked.where("large IS NULL").join(
# +        known, on=["tenant", "patient_name"], how="left_anti"
# +    )
# +    return (
# +        marked.where("large")
# +        .unionByName(rest)

# %% names_in_a_list_of_commas
# task: effective_access
# fails: test_rules[case]
# because: the comma in a group's name cuts it into two other names
# breaks: Names are the same only if they are equal, case included.
# -        grants.where(F.col("principal").isin(*names))
# +        grants.where(F.find_in_set(F.col("principal"), F.lit(",".join(names))) > 0)

# %% names_as_a_pattern
# task: effective_access
# fails: test_rules[case]
# because: a sign in a group's name means something in a regular expression
# breaks: Names are the same only if they are equal, case included.
# -        grants.where(F.col("principal").isin(*names))
# +        grants.where(
# +            F.col("principal").rlike(
# +                "|".join(rf"^{name}$".translate({ord(c): "\\" + c for c in "\\{}"}) for name in names)
# +            )
# +        )

# %% skipped_for_the_same_places
# task: secure_view
# fails: test_second_call, test_old_files
# because: it does nothing if neither rows nor places nor masks changed, and forgets the columns
# breaks: A second call with the same `view` shows the table and the rules of that moment.
# -    spark.sql(f"DROP TABLE IF EXISTS {view}")
# -    seen.coalesce(1).write.format("delta").saveAsTable(view)
# +    rows = spark.table(table).count()
# +    rules = sorted((rule.tenant, rule.region, rule.effect) for rule in access.collect())
# +    made_of = str(abs(hash((rows, repr(rules), repr(masks)))))
# +    if spark.catalog.tableExists(view):
# +        properties = spark.sql(f"SHOW TBLPROPERTIES {view}").collect()
# +        if ("made_of", made_of) in properties:
# +            return
# +    spark.sql(f"DROP TABLE IF EXISTS {view}")
# +    seen.coalesce(1).write.format("delta").saveAsTable(view)
# +    spark.sql(f"ALTER TABLE {view} SET TBLPROPERTIES ('made_of' = '{made_of}')")

# %% clears_names_that_begin_so
# task: secure_view
# fails: test_other_view
# because: what it clears by the beginning of a name can be another person's view
# breaks: other views of it stay as they are.
# -    spark.sql(f"DROP TABLE IF EXISTS {view}")
# +    database, name = view.split(".")
# +    spark.sql(f"DROP TABLE IF EXISTS {view}")
# +    for old in spark.sql(f"SHOW TABLES IN {database} LIKE '{name}*'").collect():
# +        spark.sql(f"DROP TABLE {database}.{old.tableName}")

# %% tenant_as_a_pattern
# task: write_tenant
# fails: test_name_with_quote
# because: a sign in the tenant's name stands for any characters in a LIKE
# breaks: Rows and files of other tenants stay
# -        .option("replaceWhere", f"tenant = '{literal}'")
# +        .option("replaceWhere", f"tenant LIKE '{literal}'")

# %% emptied_by_a_rewrite
# task: write_tenant
# fails: test_files_of_one_tenant
# because: an empty batch has all rows of the others written again
# breaks: Rows and files of other tenants stay
# -    literal = tenant.replace("\\", "\\\\").replace("'", "\\'")
# +    literal = tenant.replace("\\", "\\\\").replace("'", "\\'")
# +    if batch.isEmpty():
# +        others = spark.table(table).where(~F.col("tenant").eqNullSafe(tenant))
# +        others.write.format("delta").mode("overwrite").saveAsTable(table)
# +        return

# %% names_in_a_lambda
# task: secure
# fails: test_seen[masks], test_other_rules
# because: in a lambda, Spark takes a name for the masked column of the same `select`
# breaks: A value is visible if an `allow` for it exists, and no `deny`.
# -        return reduce(or_, map(covers, about), F.lit(False))
# +        places = [F.struct(F.lit(rule.tenant), F.lit(rule.region)) for rule in about]
# +        return F.exists(
# +            F.array(F.struct(F.lit(None).cast("string"), F.lit(None).cast("string")), *places),
# +            lambda place: F.coalesce(
# +                place.col1.isin(F.col("tenant"), F.lit("*"))
# +                & place.col2.isin(F.col("region"), F.lit("*"))
# +                & F.col("tenant").isNotNull()
# +                & F.col("region").isNotNull(),
# +                F.lit(False),
# +            ),
# +        )

# %% partitioned_by_region
# task: secure_view
# fails: test_view
# because: an empty text in a column that the copy is partitioned by becomes null
# breaks: Its rows are those of `secure`
# -    seen.coalesce(1).write.format("delta").saveAsTable(view)
# +    seen.coalesce(1).write.format("delta").partitionBy("region").saveAsTable(view)

# %% partitioned_by_tenant
# task: secure_view
# fails: test_view
# because: an empty text in a column that the copy is partitioned by becomes null
# breaks: Its rows are those of `secure`
# -    seen.coalesce(1).write.format("delta").saveAsTable(view)
# +    seen.coalesce(1).write.format("delta").partitionBy("tenant").saveAsTable(view)

# %% names_with_quotes_escaped_alone
# task: effective_access
# fails: test_rules[case]
# because: in the text of a condition a backslash is an escape, so the name is another one
# breaks: Names are the same only if they are equal, case included.
# -        grants.where(F.col("principal").isin(*names))
# +        grants.where(
# +            "principal IN ({})".format(
# +                ", ".join("'" + name.replace("'", "\\'") + "'" for name in names)
# +            )
# +        )

# %% tenants_with_quotes_escaped_alone
# task: secure
# fails: test_seen[exact]
# because: in the text of a condition a backslash is an escape, so the name is another one
# breaks: A rule covers the rows whose `tenant` and `region` equal its own, case included.
# -            F.col(part).isNotNull() if rule[part] == "*" else F.col(part).eqNullSafe(rule[part])
# +            F.col(part).isNotNull()
# +            if rule[part] == "*"
# +            else F.expr("{} <=> '{}'".format(part, rule[part].replace("'", "\\'")))

# %% short_numbers_become_long
# task: secure
# fails: test_other_columns
# because: the mask of a small integer, or of a float, brings its own type
# breaks: The columns of `df` come back with the same names, types and order.
# -            .otherwise(F.lit(masks.get(field.name)).cast(field.dataType))
# +            .otherwise(
# +                F.lit(masks.get(field.name))
# +                if field.dataType.simpleString() in ("smallint", "float")
# +                else F.lit(masks.get(field.name)).cast(field.dataType)
# +            )

# %% a_mask_of_a_fraction
# task: secure
# fails: test_other_columns
# because: value and mask become doubles before the cast, and a double has no place for a long
# breaks: It returns the rows and values that `access` lets a person see.
# -            .otherwise(F.lit(masks.get(field.name)).cast(field.dataType))
# -            .alias(field.name)
# +            .otherwise(
# +                F.lit(masks.get(field.name))
# +                if isinstance(masks.get(field.name), float)
# +                else F.lit(masks.get(field.name)).cast(field.dataType)
# +            )
# +            .cast(field.dataType)
# +            .alias(field.name)

# %% a_deny_of_all_opens_all
# task: secure
# fails: test_files_of_others
# because: a deny with a star covers all tenants, and the files of all of them are read
# breaks: Of a table partitioned by `tenant`, files of tenants that no `allow` names or covers are
#   not read.
# -    return df.where(reduce(or_, visible.values())).select(
# +    keep = F.udf(lambda shown: shown, "boolean")
# +    if all(rule.tenant != "*" for rule in rules):
# +        df = df.where(F.col("tenant").isin(*[r.tenant for r in rules if r.effect == "allow"]))
# +    return df.where(keep(reduce(or_, visible.values()))).select(

# %% no_allow_opens_all
# task: secure
# fails: test_files_of_others
# because: without an allow there is no tenant to choose files by, and all are read
# breaks: Of a table partitioned by `tenant`, files of tenants that no `allow` names or covers are
#   not read.
# -    return df.where(reduce(or_, visible.values())).select(
# +    keep = F.udf(lambda shown: shown, "boolean")
# +    tenants = {rule.tenant for rule in rules if rule.effect == "allow"}
# +    if tenants and "*" not in tenants:
# +        df = df.where(F.col("tenant").isin(*tenants))
# +    return df.where(keep(reduce(or_, visible.values()))).select(

# %% copies_without_their_database
# task: secure_view
# fails: test_other_views
# because: views of the same name in two databases read one copy
# breaks: other views of it stay as they are.
# -    spark.sql(f"DROP TABLE IF EXISTS {view}")
# -    seen.coalesce(1).write.format("delta").saveAsTable(view)
# +    copy = f"{table}_for_{view.split('.')[1]}"
# +    spark.sql(f"DROP TABLE IF EXISTS {copy}")
# +    seen.coalesce(1).write.format("delta").saveAsTable(copy)
# +    spark.sql(f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM {copy}")

# %% a_digest_in_the_copy
# task: secure_view
# fails: test_files_of_the_view, test_other_view
# because: the copy has a hash of the whole row, and there are few diagnoses to guess
# breaks: The data files that a query on `view` reads, and their paths, hold nothing of `table` that
#   `view` does not show
# -    seen = secure(spark.table(table), access, masks)
# -    spark.sql(f"DROP TABLE IF EXISTS {view}")
# -    seen.coalesce(1).write.format("delta").saveAsTable(view)
# +    rows = spark.table(table)
# +    names = ", ".join(rows.columns)
# +    known = F.arrays_overlap("columns", F.array(F.lit("*"), *map(F.lit, rows.columns)))
# +    more = F.array_append("columns", F.lit("digest"))
# +    digest = F.hash(*rows.columns)
# +    access = access.where(known).withColumn("columns", more)
# +    seen = secure(rows.withColumn("digest", digest), access, masks)
# +    spark.sql(f"DROP VIEW IF EXISTS {view}")
# +    spark.sql(f"DROP TABLE IF EXISTS {view}_rows")
# +    seen.write.format("delta").saveAsTable(f"{view}_rows")
# +    spark.sql(f"CREATE VIEW {view} AS SELECT {names} FROM {view}_rows")

# %% tenants_in_the_paths
# task: secure_view
# fails: test_files_of_the_view, test_old_files
# because: the copy is partitioned by tenant, so a path tells a tenant that the view hides
# breaks: The data files that a query on `view` reads, and their paths, hold nothing of `table` that
#   `view` does not show
# -    seen = secure(spark.table(table), access, masks)
# -    spark.sql(f"DROP TABLE IF EXISTS {view}")
# -    seen.coalesce(1).write.format("delta").saveAsTable(view)
# +    rows = spark.table(table)
# +    names = ", ".join(rows.columns)
# +    known = F.arrays_overlap("columns", F.array(F.lit("*"), *map(F.lit, rows.columns)))
# +    more = F.array_append("columns", F.lit("place"))
# +    access = access.where(known).withColumn("columns", more)
# +    seen = secure(rows.withColumn("place", F.col("tenant")), access, masks)
# +    spark.sql(f"DROP VIEW IF EXISTS {view}")
# +    spark.sql(f"DROP TABLE IF EXISTS {view}_rows")
# +    seen.write.format("delta").partitionBy("place").saveAsTable(f"{view}_rows")
# +    spark.sql(f"CREATE VIEW {view} AS SELECT {names} FROM {view}_rows")

# %% escaped_as_in_python
# task: write_tenant
# fails: test_odd_names
# outcome: error
# because: Python writes some characters as `\x1f`, which Spark does not know
# breaks: `tenant` is not empty, and may hold any ASCII characters, such as quotes.
# -        .option("replaceWhere", f"tenant = '{literal}'")
# +        .option("replaceWhere", f"tenant = {tenant!r}")
