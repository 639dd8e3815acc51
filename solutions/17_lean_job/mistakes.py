# %% subject_udf
# task: normalise_subject
# fails: test_no_python[normalise_subject]
# because: the old function as a UDF
# breaks: In Tasks 1 to 3 it has no Python worker
def normalise_subject(df: DataFrame) -> DataFrame:
    return df.withColumn("subject_norm", as_udf("subject"))


# %% any_whitespace_behind_a_prefix
# task: normalise_subject
# fails: test_subjects[others]
# because: a vertical tab behind a prefix is no blank, and stays
# breaks: each with the blank behind it, if it has one.
# -    text = F.regexp_replace(text, "^(?:(?:re|fwd?): ?)++", "")
# +    text = F.regexp_replace(text, r"^(?:(?:re|fwd?):\s?)++", "")

# %% subject_pandas_udf
# task: normalise_subject
# fails: test_no_python[normalise_subject]
# because: batches are sent to Python as well
# breaks: In Tasks 1 to 3 it has no Python worker
def normalise_subject(df: DataFrame) -> DataFrame:
    @F.arrow_udf("string")
    def normal(subjects: pa.Array) -> pa.Array:
        return pa.array(map(normal_subject, subjects.to_pylist()), pa.string())

    return df.withColumn("subject_norm", normal("subject"))


# %% subject_replaced
# task: normalise_subject
# fails: test_rows_and_columns[normalise_subject]
# because: writes the result into `subject` too
# breaks: The columns of `df` come back as they are, in their order.
# -    return df.withColumn("subject_norm", F.substring(text, 1, 40))
# +    return df.withColumn("subject_norm", F.substring(text, 1, 40)).withColumn("subject", text)

# %% subject_first
# task: normalise_subject
# fails: test_rows_and_columns[normalise_subject]
# because: the new column stands before the others
# breaks: The new column is the last one.
# -    return df.withColumn("subject_norm", F.substring(text, 1, 40))
# +    return df.select(F.substring(text, 1, 40).alias("subject_norm"), "*")

# %% subjects_once
# task: normalise_subject
# fails: test_rows_and_columns[normalise_subject]
# because: normalises each subject once, and joins
# breaks: A row comes back as often as it was given.
# -    return df.withColumn("subject_norm", F.substring(text, 1, 40))
# +    named = df.select("subject", F.substring(text, 1, 40).alias("subject_norm"))
# +    return df.join(named, on="subject", how="left").select(*df.columns, "subject_norm")

# %% distinct_subjects
# task: normalise_subject
# fails: test_no_shuffle[normalise_subject]
# because: computes each subject once, and shuffles for it
# breaks: That plan has no shuffle (`ShuffleExchange`).
# -    return df.withColumn("subject_norm", F.substring(text, 1, 40))
# +    named = df.select("subject", F.substring(text, 1, 40).alias("subject_norm")).distinct()
# +    named = named.withColumnRenamed("subject", "_subject")
# +    same = F.col("subject").eqNullSafe(F.col("_subject"))
# +    return df.join(F.broadcast(named), on=same, how="left").drop("_subject")

# %% null_is_empty
# task: normalise_subject
# fails: test_subjects[nulls], test_random_subjects
# because: a null is not the empty string
# breaks: A null stays null.
# -    return df.withColumn("subject_norm", F.substring(text, 1, 40))
# +    return df.withColumn("subject_norm", F.coalesce(F.substring(text, 1, 40), F.lit("")))

# %% empty_is_null
# task: normalise_subject
# fails: test_subjects[nulls], test_random_subjects
# because: the empty string is a value
# breaks: A subject with nothing but whitespace becomes the empty string.
# -    return df.withColumn("subject_norm", F.substring(text, 1, 40))
# +    return df.withColumn("subject_norm", F.nullif(F.substring(text, 1, 40), F.lit("")))

# %% trims_blanks_only
# task: normalise_subject
# fails: test_subjects[ends], test_subjects[nulls], test_random_subjects
# because: `trim` removes blanks; when it comes first, a tab at the end becomes a blank that stays
# breaks: Whitespace at both ends goes
# -    text = F.trim(F.regexp_replace(text, f"[{BLANKS}]+", " "))
# +    text = F.regexp_replace(F.trim(text), f"[{BLANKS}]+", " ")

# %% only_blanks_in_runs
# task: normalise_subject
# fails: test_subjects[runs], test_random_subjects
# because: tabs and line breaks in between stay
# breaks: each run of it in between becomes one blank.
# -    text = F.trim(F.regexp_replace(text, f"[{BLANKS}]+", " "))
# +    text = F.btrim(F.regexp_replace(text, " +", " "), F.lit(BLANKS))

# %% whitespace_of_java
# task: normalise_subject
# fails: test_subjects[ends], test_subjects[runs], test_random_subjects
# because: `\s` of Java has no no-break space, that of Python has
# breaks: Whitespace is what `BLANKS` holds.
# -    text = F.trim(F.regexp_replace(text, f"[{BLANKS}]+", " "))
# +    text = F.trim(F.regexp_replace(text, r"\s+", " "))

# %% more_than_blanks
# task: normalise_subject
# fails: test_subjects[others]
# because: `\s` of Java holds a form feed and a vertical tab as well
# breaks: Whitespace is what `BLANKS` holds.
# -    text = F.trim(F.regexp_replace(text, f"[{BLANKS}]+", " "))
# +    text = F.trim(F.regexp_replace(text, r"[\s\u00a0]+", " "))

# %% each_blank_alone
# task: normalise_subject
# fails: test_subjects[runs], test_random_subjects
# because: replaces each character of a run
# breaks: each run of it in between becomes one blank.
# -    text = F.trim(F.regexp_replace(text, f"[{BLANKS}]+", " "))
# +    text = F.trim(F.regexp_replace(text, f"[{BLANKS}]", " "))

# %% capitals_stay
# task: normalise_subject
# fails: test_subjects[letters], test_random_subjects
# because: capitals other than those of prefixes stay
# breaks: Letters become lower case
# -    text = F.regexp_replace(F.lower("subject"), "ß", "ss")
# -    text = F.trim(F.regexp_replace(text, f"[{BLANKS}]+", " "))
# -    text = F.regexp_replace(text, "^(?:(?:re|fwd?): ?)++", "")
# +    text = F.regexp_replace(F.col("subject"), "[ßẞ]", "ss")
# +    text = F.trim(F.regexp_replace(text, f"[{BLANKS}]+", " "))
# +    text = F.regexp_replace(text, "^(?i)(?:(?:re|fwd?): ?)++", "")

# %% lower_is_not_casefold
# task: normalise_subject
# fails: test_subjects[letters], test_random_subjects
# because: `lower` keeps ß
# breaks: and then `ß` becomes `ss`.
# -    text = F.regexp_replace(F.lower("subject"), "ß", "ss")
# +    text = F.lower("subject")

# %% capital_sharp_s
# task: normalise_subject
# fails: test_subjects[letters], test_random_subjects
# because: replaces ß before the capital one has become one
# breaks: The lower case of `ẞ` is `ß`.
# -    text = F.regexp_replace(F.lower("subject"), "ß", "ss")
# +    text = F.lower(F.regexp_replace("subject", "ß", "ss"))

# %% one_letter_for_two
# task: normalise_subject
# fails: test_subjects[letters], test_random_subjects
# because: `translate` replaces a letter by one letter
# breaks: and then `ß` becomes `ss`.
# -    text = F.regexp_replace(F.lower("subject"), "ß", "ss")
# +    text = F.translate(F.lower("subject"), "ß", "ss")

# %% one_prefix
# task: normalise_subject
# fails: test_subjects[prefixes], test_random_subjects
# because: removes the first prefix only
# breaks: all prefixes `re:`, `fw:` and `fwd:` at the start go
# -    text = F.regexp_replace(text, "^(?:(?:re|fwd?): ?)++", "")
# +    text = F.regexp_replace(text, "^(?:re|fwd?): ?", "")

# %% ten_prefixes
# task: normalise_subject
# fails: test_subjects[prefixes]
# because: ten replacements, as if no chain were longer
# breaks: all prefixes `re:`, `fw:` and `fwd:` at the start go
# -    text = F.regexp_replace(text, "^(?:(?:re|fwd?): ?)++", "")
# +    for _ in range(10):
# +        text = F.regexp_replace(text, "^(?:re|fwd?): ?", "")

# %% prefixes_anywhere
# task: normalise_subject
# fails: test_subjects[no_prefixes], test_random_subjects
# because: removes them in the middle, too
# breaks: all prefixes `re:`, `fw:` and `fwd:` at the start go
# -    text = F.regexp_replace(text, "^(?:(?:re|fwd?): ?)++", "")
# +    text = F.regexp_replace(text, "(?:(?:re|fwd?): ?)++", "")

# %% prefix_without_colon
# task: normalise_subject
# fails: test_subjects[no_prefixes], test_random_subjects
# because: takes the first letters of "report" for a prefix
# breaks: all prefixes `re:`, `fw:` and `fwd:` at the start go
# -    text = F.regexp_replace(text, "^(?:(?:re|fwd?): ?)++", "")
# +    text = F.regexp_replace(text, "^(?:(?:re|fwd?):? ?)++", "")

# %% prefix_with_a_blank
# task: normalise_subject
# fails: test_subjects[prefixes], test_random_subjects
# because: a prefix may have no blank behind it
# breaks: each with the blank behind it, if it has one.
# -    text = F.regexp_replace(text, "^(?:(?:re|fwd?): ?)++", "")
# +    text = F.regexp_replace(text, "^(?:(?:re|fwd?): )++", "")

# %% prefixes_before_trimming
# task: normalise_subject
# fails: test_subjects[prefixes], test_random_subjects
# because: a prefix behind whitespace is not at the start yet
# breaks: After that, all prefixes `re:`, `fw:` and `fwd:` at the start go
# -    text = F.trim(F.regexp_replace(text, f"[{BLANKS}]+", " "))
# -    text = F.regexp_replace(text, "^(?:(?:re|fwd?): ?)++", "")
# +    text = F.regexp_replace(text, "^(?:(?:re|fwd?): ?)++", "")
# +    text = F.trim(F.regexp_replace(text, f"[{BLANKS}]+", " "))

# %% cut_first
# task: normalise_subject
# fails: test_subjects[cut], test_random_subjects
# because: counts what the other steps remove or add
# breaks: The first 40 characters of the rest stay.
# -    text = F.regexp_replace(F.lower("subject"), "ß", "ss")
# +    text = F.regexp_replace(F.lower(F.substring("subject", 1, 40)), "ß", "ss")

# %% trims_before_a_line_end
# task: normalise_subject
# fails: test_subjects[others]
# because: Java's $ also stands before a last line separator, so a blank in between goes
# breaks: each run of it in between becomes one blank.
# -    text = F.trim(F.regexp_replace(text, f"[{BLANKS}]+", " "))
# +    text = F.regexp_replace(F.regexp_replace(text, f"[{BLANKS}]+", " "), "^ | $", "")

# %% cut_at_ten_thousand
# task: normalise_subject
# fails: test_subjects[cut]
# because: behind ten thousand blanks nothing is left of the subject
# breaks: Subjects may be long: one in the data has a million characters.
# -    text = F.regexp_replace(F.lower("subject"), "ß", "ss")
# +    text = F.regexp_replace(F.lower(F.substring("subject", 1, 10_000)), "ß", "ss")

# %% cut_to_be_quick
# task: normalise_subject
# fails: test_subjects[cut]
# because: cuts long subjects first, and text behind a long run of blanks is lost
# breaks: The first 40 characters of the rest stay.
# -    text = F.regexp_replace(F.lower("subject"), "ß", "ss")
# +    text = F.regexp_replace(F.lower(F.substring("subject", 1, 1_000)), "ß", "ss")

# %% trimmed_at_the_end
# task: normalise_subject
# fails: test_subjects[cut]
# because: the cut may leave a blank at the end
# breaks: The first 40 characters of the rest stay.
# -    return df.withColumn("subject_norm", F.substring(text, 1, 40))
# +    return df.withColumn("subject_norm", F.rtrim(F.substring(text, 1, 40)))

# %% up_to_a_line_end
# task: normalise_subject
# fails: test_subjects[others]
# because: the dot of a pattern stops at line ends, and Unicode has more of them
# breaks: The first 40 characters of the rest stay.
# -    return df.withColumn("subject_norm", F.substring(text, 1, 40))
# +    return df.withColumn("subject_norm", F.regexp_extract(text, "^.{0,40}", 0))

# %% bytes_for_characters
# task: normalise_subject
# fails: test_subjects[characters], test_random_subjects
# because: an emoji has four bytes
# breaks: A character is a code point: an emoji counts as one
# -    return df.withColumn("subject_norm", F.substring(text, 1, 40))
# +    more = F.octet_length(text) - F.char_length(text)
# +    return df.withColumn("subject_norm", F.substring(text, F.lit(1), F.lit(40) - more))

# %% subjects_counted
# task: normalise_subject
# fails: test_runs_no_job[normalise_subject]
# because: looks whether there is a subject at all
# breaks: The call runs no Spark job: it returns a plan.
# -    text = F.regexp_replace(F.lower("subject"), "ß", "ss")
# +    if not df.where("subject IS NOT NULL").count():
# +        return df.withColumn("subject_norm", F.lit(None).cast("string"))
# +    text = F.regexp_replace(F.lower("subject"), "ß", "ss")

# %% null_is_the_empty_text
# task: score_tags
# fails: test_scores[unknown]
# because: a null is looked up as the empty text, which may have a weight
# breaks: and neither does a null
# -        lambda sum_so_far, tag: sum_so_far + F.coalesce(known[tag], F.lit(0.0)),
# +        lambda sum_so_far, tag: (
# +            sum_so_far + F.coalesce(known[F.coalesce(tag, F.lit(""))], F.lit(0.0))
# +        ),

# %% even_halves_above_zero
# task: score_tags
# fails: test_scores[halves]
# because: below 0, a half goes away from zero: -2.5 becomes -3
# breaks: A half goes to the even one, as in Python
# -    return df.withColumn("score", F.bround(total))
# +    to_even = F.round(total / 2) * 2
# +    return df.withColumn("score", F.when(total % 1 == 0.5, to_even).otherwise(F.round(total)))

# %% one_row_a_ticket
# task: score_tags
# fails: test_no_shuffle[score_tags], test_rows_and_columns[score_tags]
# because: removes rows that come twice, and shuffles all for it
# breaks: A row comes back as often as it was given.
# -    return df.withColumn("score", F.bround(total))
# +    return df.dropDuplicates(["ticket_id"]).withColumn("score", F.bround(total))

# %% frame_of_weights
# task: score_tags
# fails: test_no_python[score_tags]
# because: a frame made of a list of tuples comes through a Python worker
# breaks: also none that makes a frame out of Python's rows.
# -    return df.withColumn("score", F.bround(total))
# +    rows = [(dict(weights),)]
# +    table = df.sparkSession.createDataFrame(rows, "_weights map<string, double>")
# +    scored = df.crossJoin(F.broadcast(table)).withColumn("score", F.bround(total))
# +    return scored.drop("_weights")

# %% tags_counted
# task: score_tags
# fails: test_runs_no_job[score_tags]
# because: looks whether there is a tag at all
# breaks: The call runs no Spark job: it returns a plan.
# -    pairs = [F.lit(part) for pair in weights.items() for part in pair]
# +    if not df.where("size(tags) > 0").count():
# +        return df.withColumn("score", F.when(F.col("tags").isNotNull(), F.lit(0.0)))
# +    pairs = [F.lit(part) for pair in weights.items() for part in pair]

# %% null_tags_are_none
# task: score_tags
# fails: test_scores[no_tags], test_no_weights, test_random_tags
# because: no array is not an empty array
# breaks: The score is null where `tags` is null
# -    return df.withColumn("score", F.bround(total))
# +    return df.withColumn("score", F.coalesce(F.bround(total), F.lit(0.0)))

# %% empty_is_unknown
# task: score_tags
# fails: test_scores[no_tags], test_no_weights, test_random_tags
# because: the sum of nothing is 0 here
# breaks: and 0 where `tags` is empty.
# -    return df.withColumn("score", F.bround(total))
# +    return df.withColumn("score", F.when(F.size("tags") > 0, F.bround(total)))

# %% distinct_tags
# task: score_tags
# fails: test_scores[repeated], test_random_tags
# because: each tag once
# breaks: A tag adds its weight as often as the array holds it.
# -        "tags",
# +        F.array_distinct("tags"),

# %% unknown_makes_null
# task: score_tags
# fails: test_scores[unknown], test_no_weights, test_random_tags
# because: a sum with a null is null
# breaks: A tag without a weight adds nothing
# -        lambda sum_so_far, tag: sum_so_far + F.coalesce(known[tag], F.lit(0.0)),
# +        lambda sum_so_far, tag: sum_so_far + known[tag],

# %% unknown_weighs_one
# task: score_tags
# fails: test_scores[unknown], test_no_weights, test_random_tags
# because: a default that nobody asked for
# breaks: A tag without a weight adds nothing
# -        lambda sum_so_far, tag: sum_so_far + F.coalesce(known[tag], F.lit(0.0)),
# +        lambda sum_so_far, tag: sum_so_far + F.coalesce(known[tag], F.lit(1.0)),

# %% null_tag_makes_null
# task: score_tags
# fails: test_scores[unknown], test_no_weights, test_random_tags
# because: a null in the array makes the whole score null
# breaks: and neither does a null.
# -    return df.withColumn("score", F.bround(total))
# +    whole = ~F.array_contains(F.transform("tags", F.isnull), True)
# +    return df.withColumn("score", F.when(whole, F.bround(total)))

# %% capitals_ignored
# task: score_tags
# fails: test_scores[capitals], test_random_tags
# because: `Parcel` is not `parcel`
# breaks: Tags with other capitals are other tags.
# -        lambda sum_so_far, tag: sum_so_far + F.coalesce(known[tag], F.lit(0.0)),
# +        lambda sum_so_far, tag: sum_so_far + F.coalesce(known[F.lower(tag)], F.lit(0.0)),

# %% half_up
# task: score_tags
# fails: test_scores[halves], test_random_tags
# because: Spark's `round` takes halves away from zero
# breaks: A half goes to the even one, as in Python
# -    return df.withColumn("score", F.bround(total))
# +    return df.withColumn("score", F.round(total))

# %% not_rounded
# task: score_tags
# fails: test_scores[halves], test_scores[sums], test_random_tags
# because: the sum as it is
# breaks: The sum is rounded to a whole number.
# -    return df.withColumn("score", F.bround(total))
# +    return df.withColumn("score", total)

# %% rounded_weights
# task: score_tags
# fails: test_scores[sums], test_random_tags
# because: rounds each weight
# breaks: The sum is rounded to a whole number.
# -        lambda sum_so_far, tag: sum_so_far + F.coalesce(known[tag], F.lit(0.0)),
# +        lambda sum_so_far, tag: sum_so_far + F.bround(F.coalesce(known[tag], F.lit(0.0))),

# %% nan_is_nothing
# task: score_tags
# fails: test_scores[nan], test_random_tags
# because: a weight that isn't a number adds nothing
# breaks: The score of a ticket with such a tag is NaN.
# -        lambda sum_so_far, tag: sum_so_far + F.coalesce(known[tag], F.lit(0.0)),
# +        lambda total, tag: total + F.coalesce(F.nanvl(known[tag], F.lit(0.0)), F.lit(0.0)),

# %% sum_as_decimal
# task: score_tags
# fails: test_scores[nan], test_random_tags
# because: NaN is no decimal, and a cast makes null of it
# breaks: A weight may be NaN.
# -    return df.withColumn("score", F.bround(total))
# +    return df.withColumn("score", F.bround(total.cast("decimal(12,2)")).cast("double"))

# %% no_weights_no_nulls
# task: score_tags
# fails: test_no_weights
# because: without weights each score is 0, also where there is no array
# breaks: `weights` may be empty.
# -    known = F.create_map(*pairs).cast("map<string, double>")
# +    if not weights:
# +        return df.withColumn("score", F.lit(0.0))
# +    known = F.create_map(*pairs).cast("map<string, double>")


# %% one_offset_for_both_times
# task: business_days
# fails: test_days[clock_changes]
# because: the clock may change between the two times
# breaks: A day is a day in Berlin, in winter and in summer.
# -    first, end = (
# -        F.to_date(F.from_utc_timestamp(name, BERLIN.key)) for name in ("created_at", "solved_at")
# -    )
# +    created = F.from_utc_timestamp("created_at", BERLIN.key)
# +    first = F.to_date(created)
# +    end = F.to_date(F.col("solved_at") + (created - F.col("created_at")))

# %% days_udf
# task: business_days
# fails: test_no_python[business_days]
# because: the old function as a UDF
# breaks: In Tasks 1 to 3 it has no Python worker
def business_days(df: DataFrame, holidays: list[date]) -> DataFrame:
    count = F.udf(lambda start, end: days_open(start, end, holidays), "int")
    return df.withColumn("business_days", count("created_at", "solved_at"))


# %% last_day_asked
# task: business_days
# fails: test_runs_no_job[business_days]
# because: asks for the last time, to leave out later holidays
# breaks: The call runs no Spark job: it returns a plan.
# -    first, end = (
# +    last = df.agg(F.max("solved_at")).first()[0]
# +    holidays = [day for day in holidays if last is None or day <= last.date()]
# +    first, end = (

# %% rows_spread
# task: business_days
# fails: test_no_shuffle[business_days]
# because: spreads the rows, so that long sequences are made in parallel
# breaks: That plan has no shuffle (`ShuffleExchange`).
# -    return df.withColumn("business_days", F.when(first.isNotNull() & end.isNotNull(), count))
# +    known = first.isNotNull() & end.isNotNull()
# +    return df.repartition(8).withColumn("business_days", F.when(known, count))

# %% start_and_end_dropped
# task: business_days
# fails: test_rows_and_columns[business_days]
# because: helper columns replace columns of `df` that have their names
# breaks: The columns of `df` come back as they are, in their order.
# -    first, end = (
# -        F.to_date(F.from_utc_timestamp(name, BERLIN.key)) for name in ("created_at", "solved_at")
# -    )
# +    for name, time in (("start", "created_at"), ("end", "solved_at")):
# +        df = df.withColumn(name, F.to_date(F.from_utc_timestamp(time, BERLIN.key)))
# +    first, end = F.col("start"), F.col("end")
# -    return df.withColumn("business_days", F.when(first.isNotNull() & end.isNotNull(), count))
# +    known = first.isNotNull() & end.isNotNull()
# +    return df.withColumn("business_days", F.when(known, count)).drop("start", "end")

# %% last_day_counts
# task: business_days
# fails: test_days[both_ends], test_days[same_day], test_random_days
# because: counts the day of the solution as well
# breaks: to the day of `solved_at`, which doesn't.
# -    days = F.when(first < end, F.sequence(first, F.date_sub(end, 1)))
# -    worked = F.filter(days, lambda day: (F.weekday(day) < 5) & ~day.isin(holidays))
# -    count = F.when(first >= end, 0).otherwise(F.size(worked))
# +    days = F.when(first <= end, F.sequence(first, end))
# +    worked = F.filter(days, lambda day: (F.weekday(day) < 5) & ~day.isin(holidays))
# +    count = F.when(first > end, 0).otherwise(F.size(worked))

# %% first_day_is_free
# task: business_days
# fails: test_days[both_ends], test_random_days
# because: counts the nights
# breaks: It counts from the day of `created_at`, which counts
# -    days = F.when(first < end, F.sequence(first, F.date_sub(end, 1)))
# +    days = F.when(first < end, F.sequence(F.date_add(first, 1), end))

# %% days_of_the_session
# task: business_days
# fails: test_days[winter], test_days[summer], test_random_days
# because: a day in UTC ends an hour or two later than in Berlin
# breaks: A day is a day in Berlin, in winter and in summer.
# -        F.to_date(F.from_utc_timestamp(name, BERLIN.key)) for name in ("created_at", "solved_at")
# +        F.to_date(name) for name in ("created_at", "solved_at")

# %% days_of_cet
# task: business_days
# fails: test_days[summer]
# because: the zone CET has had other summers than Berlin
# breaks: A day is a day in Berlin, in winter and in summer.
# -        F.to_date(F.from_utc_timestamp(name, BERLIN.key)) for name in ("created_at", "solved_at")
# +        F.to_date(F.from_utc_timestamp(name, "CET")) for name in ("created_at", "solved_at")

# %% always_winter
# task: business_days
# fails: test_days[summer], test_random_days
# because: an hour is right in winter alone
# breaks: A day is a day in Berlin, in winter and in summer.
# -        F.to_date(F.from_utc_timestamp(name, BERLIN.key)) for name in ("created_at", "solved_at")
# +        F.to_date(F.expr(f"{name} + INTERVAL 1 HOUR")) for name in ("created_at", "solved_at")

# %% time_zone_backwards
# task: business_days
# fails: test_days[winter], test_days[summer], test_random_days
# because: goes the other way
# breaks: A day is a day in Berlin, in winter and in summer.
# -        F.to_date(F.from_utc_timestamp(name, BERLIN.key)) for name in ("created_at", "solved_at")
# +        F.to_date(F.to_utc_timestamp(name, BERLIN.key)) for name in ("created_at", "solved_at")

# %% sunday_is_first
# task: business_days
# fails: test_days[weekends], test_random_days
# because: `dayofweek` begins with Sunday, as 1
# breaks: Saturdays and Sundays don't count.
# -    worked = F.filter(days, lambda day: (F.weekday(day) < 5) & ~day.isin(holidays))
# +    worked = F.filter(days, lambda day: (F.dayofweek(day) <= 5) & ~day.isin(holidays))

# %% saturdays_count
# task: business_days
# fails: test_days[weekends], test_random_days
# because: leaves out Sundays alone
# breaks: Saturdays and Sundays don't count.
# -    worked = F.filter(days, lambda day: (F.weekday(day) < 5) & ~day.isin(holidays))
# +    worked = F.filter(days, lambda day: (F.weekday(day) <= 5) & ~day.isin(holidays))

# %% weekday_by_remainder
# task: business_days
# fails: test_days[archive], test_random_days
# because: the remainder of a negative number is negative
# breaks: Times may be of any year from 1895 on.
# -    worked = F.filter(days, lambda day: (F.weekday(day) < 5) & ~day.isin(holidays))
# +    thursday = date(1970, 1, 1)
# +    worked = F.filter(
# +        days,
# +        lambda day: ~((F.datediff(day, F.lit(thursday)) % 7).isin(2, 3)) & ~day.isin(holidays),
# +    )

# %% holidays_count
# task: business_days
# fails: test_days[holidays], test_random_days
# because: forgets the holidays
# breaks: Holidays don't count either.
# -    worked = F.filter(days, lambda day: (F.weekday(day) < 5) & ~day.isin(holidays))
# +    worked = F.filter(days, lambda day: F.weekday(day) < 5)

# %% holidays_subtracted
# task: business_days
# fails: test_days[holidays], test_random_days
# because: subtracts a holiday twice, and a Sunday that was not counted
# breaks: A holiday may be in the list twice, or be a Sunday.
# -    worked = F.filter(days, lambda day: (F.weekday(day) < 5) & ~day.isin(holidays))
# -    count = F.when(first >= end, 0).otherwise(F.size(worked))
# +    worked = F.filter(days, lambda day: F.weekday(day) < 5)
# +    free = F.lit(0)
# +    for day in holidays:
# +        free = free + F.when(F.array_contains(days, day), 1).otherwise(0)
# +    count = F.when(first >= end, 0).otherwise(F.size(worked) - free)

# %% saturday_holidays_subtracted
# task: business_days
# fails: test_days[holidays]
# because: leaves Sundays out of the holidays, and subtracts a Saturday that was not counted
# breaks: Saturdays and Sundays don't count.
# -    worked = F.filter(days, lambda day: (F.weekday(day) < 5) & ~day.isin(holidays))
# -    count = F.when(first >= end, 0).otherwise(F.size(worked))
# +    worked = F.filter(days, lambda day: F.weekday(day) < 5)
# +    free = F.lit(0)
# +    for day in {day for day in holidays if day.isoweekday() != 7}:
# +        free = free + F.when(F.array_contains(days, day), 1).otherwise(0)
# +    count = F.when(first >= end, 0).otherwise(F.size(worked) - free)

# %% holiday_of_the_last_day
# task: business_days
# fails: test_days[holidays]
# because: the day of the end isn't counted, so a holiday on it takes nothing away
# breaks: It counts from the day of `created_at`, which counts, to the day of `solved_at`, which doesn't.
# -    worked = F.filter(days, lambda day: (F.weekday(day) < 5) & ~day.isin(holidays))
# -    count = F.when(first >= end, 0).otherwise(F.size(worked))
# +    count = F.size(F.filter(days, lambda day: F.weekday(day) < 5))
# +    for day in {day for day in holidays if day.isoweekday() < 6}:
# +        count -= F.when(F.lit(day).between(first, end), 1).otherwise(0)
# +    count = F.when(first >= end, 0).otherwise(count)

# %% no_holidays_no_type
# task: business_days
# fails: test_no_holidays
# because: there is no date in an empty list
# breaks: `holidays` may be empty.
# outcome: error
# -    worked = F.filter(days, lambda day: (F.weekday(day) < 5) & ~day.isin(holidays))
# +    last = max(holidays)
# +    worked = F.filter(
# +        days,
# +        lambda day: (F.weekday(day) < 5) & ((day > F.lit(last)) | ~day.isin(holidays)),
# +    )

# %% sequence_runs_backwards
# task: business_days
# fails: test_days[same_day], test_random_days
# because: a sequence whose end is before its start runs backwards
# breaks: The result is 0 if the ticket was solved on the day it was created, or on an earlier one.
# -    days = F.when(first < end, F.sequence(first, F.date_sub(end, 1)))
# -    worked = F.filter(days, lambda day: (F.weekday(day) < 5) & ~day.isin(holidays))
# -    count = F.when(first >= end, 0).otherwise(F.size(worked))
# +    days = F.sequence(first, F.date_sub(end, 1))
# +    worked = F.filter(days, lambda day: (F.weekday(day) < 5) & ~day.isin(holidays))
# +    count = F.size(worked)

# %% backwards_is_null
# task: business_days
# fails: test_days[same_day], test_random_days
# because: `when` without `otherwise`
# breaks: The result is 0 if the ticket was solved on the day it was created, or on an earlier one.
# -    count = F.when(first >= end, 0).otherwise(F.size(worked))
# +    count = F.size(worked)

# %% open_is_zero
# task: business_days
# fails: test_days[no_time]
# because: a ticket that isn't solved was open for no day
# breaks: It is null if one of the two times is null.
# -    return df.withColumn("business_days", F.when(first.isNotNull() & end.isNotNull(), count))
# +    return df.withColumn("business_days", F.coalesce(count, F.lit(0)))


# %% days_are_long
# task: business_days
# fails: test_rows_and_columns[business_days], test_random_days
# because: makes a long of it
# breaks: The new column `business_days`, an int
# -    return df.withColumn("business_days", F.when(first.isNotNull() & end.isNotNull(), count))
# +    known = first.isNotNull() & end.isNotNull()
# +    return df.withColumn("business_days", F.when(known, count.cast("long")))


# %% through_doubles
# task: checksum
# fails: test_checksums[nulls], test_other_checksums
# because: pandas makes doubles of integers and a None
# breaks: Each checksum is exact, to the last digit.
def checksum(df: DataFrame) -> DataFrame:
    import pandas as pd

    def checksums(subjects: pd.Series) -> pd.Series:
        return subjects.map(lambda text: None if text is None else vendor_checksum(text))

    apply = F.pandas_udf(checksums, "long").asNondeterministic()
    return df.withColumn("checksum", apply("subject"))


# %% another_modulus
# task: checksum
# fails: test_checksums[exact], test_checksums[nulls], test_other_checksums
# because: rounds to what a double holds
# breaks: Each checksum is exact, to the last digit.
# -        found = [None if text is None else vendor_checksum(text) for text in texts]
# +        found = [
# +            None if text is None else int(float(vendor_checksum(text)))
# +            for text in texts
# +        ]

# %% empty_has_no_checksum
# task: checksum
# fails: test_checksums[exact]
# because: an empty string is false in Python
# breaks: The empty string has a checksum.
# -        found = [None if text is None else vendor_checksum(text) for text in texts]
# +        found = [vendor_checksum(text) if text else None for text in texts]

# %% null_has_a_checksum
# task: checksum
# fails: test_checksums[nulls], test_other_checksums
# because: a null is not the empty string
# breaks: It is null where `subject` is null.
# -        found = [None if text is None else vendor_checksum(text) for text in texts]
# +        found = [vendor_checksum(text or "") for text in texts]


# %% row_by_row
# task: checksum
# fails: test_batches
# because: a plain UDF is called for each row
# breaks: Spark calls Python with a batch of rows at a time
def checksum(df: DataFrame) -> DataFrame:
    plain = F.udf(lambda text: None if text is None else vendor_checksum(text), "long")
    return df.withColumn("checksum", plain.asNondeterministic()("subject"))


# %% row_by_row_in_arrow
# task: checksum
# fails: test_batches
# because: Arrow carries the rows, and the function still gets one at a time
# breaks: Spark calls Python with a batch of rows at a time
def checksum(df: DataFrame) -> DataFrame:
    @F.udf("long", useArrow=True)
    def plain(text: str) -> int:
        return None if text is None else vendor_checksum(text)

    return df.withColumn("checksum", plain.asNondeterministic()("subject"))


# %% rows_in_pandas
# task: checksum
# fails: test_only_subjects_are_sent
# because: mapInPandas is sent whole rows
# breaks: Python is sent the subjects, and no other column of `df`
def checksum(df: DataFrame) -> DataFrame:
    def checksums(batches):
        for batch in batches:
            texts = batch.column("subject").to_pylist()
            found = [None if text is None else vendor_checksum(text) for text in texts]
            yield batch.append_column("checksum", pa.array(found, pa.int64()))

    columns = [f"`{field.name}` {field.dataType.simpleString()}" for field in df.schema]
    return df.mapInArrow(checksums, ", ".join([*columns, "checksum long"]))


# %% other_columns_lost
# task: checksum
# fails: test_rows_and_columns[checksum]
# because: sends little to Python by keeping little
# breaks: The columns of `df` come back as they are, in their order.
# -    return df.withColumn("checksum", checksums.asNondeterministic()("subject"))
# +    few = df.select("ticket_id", "subject")
# +    return few.withColumn("checksum", checksums.asNondeterministic()("subject"))

# %% subjects_looked_for
# task: checksum
# fails: test_runs_no_job[checksum]
# because: looks whether there is a subject at all
# breaks: The call runs no Spark job: it returns a plan.
# -    return df.withColumn("checksum", checksums.asNondeterministic()("subject"))
# +    if not df.where("subject IS NOT NULL").count():
# +        return df.withColumn("checksum", F.lit(None).cast("long"))
# +    return df.withColumn("checksum", checksums.asNondeterministic()("subject"))

# %% struct_of_all
# task: checksum
# fails: test_only_subjects_are_sent
# because: an argument that holds every column sends every column
# breaks: Python is sent the subjects, and no other column of `df`
# -        found = [None if text is None else vendor_checksum(text) for text in texts]
# +        texts = subjects.field("subject").to_pylist()
# +        found = [None if text is None else vendor_checksum(text) for text in texts]
# -    return df.withColumn("checksum", checksums.asNondeterministic()("subject"))
# +    return df.withColumn("checksum", checksums.asNondeterministic()(F.struct("*")))

# %% key_for_the_error
# task: checksum
# fails: test_only_subjects_are_sent
# because: a second column is sent, to name the row when the vendor fails
# breaks: Python is sent the subjects, and no other column of `df`
# -    def checksums(subjects: pa.Array) -> pa.Array:
# +    def checksums(subjects: pa.Array, keys: pa.Array) -> pa.Array:
# -    return df.withColumn("checksum", checksums.asNondeterministic()("subject"))
# +    key = next((name for name in df.columns if name != "subject"), "subject")
# +    return df.withColumn("checksum", checksums.asNondeterministic()("subject", key))

# %% pure_function
# task: checksum
# fails: test_filter_runs_python_once
# because: the optimiser copies a function that it takes for pure
# breaks: A consumer that filters the result by `checksum` doesn't make Python run twice
# -    return df.withColumn("checksum", checksums.asNondeterministic()("subject"))
# +    return df.withColumn("checksum", checksums("subject"))

# %% checksum_of_distinct
# task: checksum
# fails: test_no_shuffle[checksum]
# because: asks the vendor once for each subject, and shuffles all subjects for it
# breaks: That plan has no shuffle (`ShuffleExchange`).
# -    return df.withColumn("checksum", checksums.asNondeterministic()("subject"))
# +    asked = df.select(F.col("subject").alias("_subject")).distinct()
# +    asked = asked.withColumn("checksum", checksums.asNondeterministic()("_subject"))
# +    same = F.col("subject").eqNullSafe(F.col("_subject"))
# +    return df.join(F.broadcast(asked), on=same, how="left").drop("_subject")

# %% amounts_without_value
# task: features
# fails: test_groups, test_total, test_no_tickets, test_outputs_of_other_tickets
# because: amounts of 0 and below are in the branch
# breaks: Rows of `tickets` count if their `amount` is greater than 0.
# -    branch = tickets.where("amount > 0").select("ticket_id", "lang", "amount", "created_at")
# +    branch = tickets.where("amount IS NOT NULL")

# %% null_is_an_empty_language
# task: features
# fails: test_groups[by_lang]
# because: the tickets without a language are counted with those whose language is an empty text
# breaks: A null `lang`, and a null day, have a row of their own.
# -            "by_lang": branch.groupBy("lang").agg(*measures),
# +            "by_lang": branch.na.fill("", ["lang"])
# +            .groupBy("lang")
# +            .agg(*measures)
# +            .withColumn("lang", F.nullif(F.col("lang"), F.lit(""))),

# %% computed_by_the_first_reader
# task: features
# fails: test_computed_once
# because: a lazy checkpoint is made when somebody reads, from what the tickets are then
# breaks: `tickets` is computed once, during the call
def features(tickets: DataFrame) -> dict[str, DataFrame]:
    measures = F.count("*").alias("tickets"), F.sum("amount").alias("amount")
    branch = tickets.where("amount > 0").select("ticket_id", "lang", "amount", "created_at")
    branch = branch.localCheckpoint(eager=False)
    return {
        "by_lang": branch.groupBy("lang").agg(*measures),
        "by_day": branch.groupBy(F.to_date("created_at").alias("day")).agg(*measures),
        "largest": branch.orderBy(F.desc("amount"), "ticket_id")
        .limit(3)
        .select("ticket_id", "amount"),
        "total": branch.agg(*measures),
    }

# %% zero_counts
# task: features
# fails: test_groups, test_total, test_no_tickets, test_outputs_of_other_tickets
# because: 0 is not greater than 0
# breaks: Rows of `tickets` count if their `amount` is greater than 0.
# -    branch = tickets.where("amount > 0").select("ticket_id", "lang", "amount", "created_at")
# +    branch = tickets.where("amount >= 0")

# %% tickets_counted_once
# task: features
# fails: test_total, test_groups[by_day]
# because: one ticket of two rows
# breaks: `tickets` is how many rows count, and `amount` is their sum.
# -    measures = F.count("*").alias("tickets"), F.sum("amount").alias("amount")
# +    ids = F.count_distinct("ticket_id").alias("tickets")
# +    measures = ids, F.sum("amount").alias("amount")

# %% no_language_no_row
# task: features
# fails: test_groups[by_lang], test_outputs_of_other_tickets
# because: drops the group of null
# breaks: A null `lang`, and a null day, have a row of their own.
# -            "by_lang": branch.groupBy("lang").agg(*measures),
# +            "by_lang": branch.where("lang IS NOT NULL").groupBy("lang").agg(*measures),

# %% no_day_no_row
# task: features
# fails: test_groups[by_day]
# because: drops the group of null
# breaks: A null `lang`, and a null day, have a row of their own.
# -            "by_day": branch.groupBy(F.to_date("created_at").alias("day")).agg(*measures),
# +            "by_day": branch.groupBy(F.to_date("created_at").alias("day"))
# +            .agg(*measures)
# +            .where("day IS NOT NULL"),

# %% days_in_berlin
# task: features
# fails: test_groups[by_day], test_outputs_of_other_tickets
# because: the days of Task 3
# breaks: each day of `created_at` (UTC)
# -            "by_day": branch.groupBy(F.to_date("created_at").alias("day")).agg(*measures),
# +            "by_day": branch.groupBy(
# +                F.to_date(F.from_utc_timestamp("created_at", BERLIN.key)).alias("day")
# +            ).agg(*measures),

# %% days_towards_zero
# task: features
# fails: test_groups[by_day]
# because: a cast cuts towards zero, so a day before 1970 is one too late
# breaks: each day of `created_at` (UTC)
# -            "by_day": branch.groupBy(F.to_date("created_at").alias("day")).agg(*measures),
# +            "by_day": branch.groupBy(
# +                F.date_from_unix_date(
# +                    (F.unix_seconds("created_at") / 86400).cast("int")
# +                ).alias("day")
# +            ).agg(*measures),

# %% any_of_equal_amounts
# task: features
# fails: test_largest, test_outputs_of_other_tickets
# because: of equal amounts the greater id
# breaks: Of equal amounts, those with the smaller `ticket_id` are in `largest`.
# -            "largest": branch.orderBy(F.desc("amount"), "ticket_id")
# +            "largest": branch.orderBy(F.desc("amount"), F.desc("ticket_id"))

# %% three_amounts
# task: features
# fails: test_largest, test_outputs_of_other_tickets
# because: the rank of equal amounts is equal, so more rows come back
# breaks: `largest` has at most three rows.
# -            "largest": branch.orderBy(F.desc("amount"), "ticket_id")
# -            .limit(3)
# -            .select("ticket_id", "amount"),
# +            "largest": branch.withColumn(
# +                "place", F.dense_rank().over(Window.orderBy(F.desc("amount")))
# +            )
# +            .where("place <= 3")
# +            .select("ticket_id", "amount"),

# %% rank_of_a_ticket
# task: features
# fails: test_largest
# because: a ticket that came twice has one rank for both rows
# breaks: `largest` has at most three rows.
# -            "largest": branch.orderBy(F.desc("amount"), "ticket_id")
# -            .limit(3)
# -            .select("ticket_id", "amount"),
# +            "largest": branch.withColumn(
# +                "place", F.rank().over(Window.orderBy(F.desc("amount"), "ticket_id"))
# +            )
# +            .where("place <= 3")
# +            .select("ticket_id", "amount"),

# %% smallest
# task: features
# fails: test_largest, test_outputs_of_other_tickets
# because: sorts upwards
# breaks: each of the three largest amounts
# -            "largest": branch.orderBy(F.desc("amount"), "ticket_id")
# +            "largest": branch.orderBy("amount", "ticket_id")

# %% total_of_nothing
# task: features
# fails: test_no_tickets
# because: a group by a constant has no row when there is none
# breaks: `total` has one row, also if no row counts: then `tickets` is 0 and `amount` is null.
# -            "total": branch.agg(*measures),
# +            "total": branch.groupBy(F.lit("all")).agg(*measures).select("tickets", "amount"),

# %% amount_before_tickets
# task: features
# fails: test_groups[by_lang], test_groups[by_day], test_outputs_of_other_tickets
# because: the amount stands before the number
# breaks: columns, in this order
# -    measures = F.count("*").alias("tickets"), F.sum("amount").alias("amount")
# +    measures = F.sum("amount").alias("amount"), F.count("*").alias("tickets")

# %% amounts_as_doubles
# task: features
# fails: test_groups[by_lang], test_total, test_outputs_of_other_tickets
# because: sums doubles, whose cents are not exact
# breaks: `lang` string, `tickets` long, `amount` decimal(22,2)
# -    measures = F.count("*").alias("tickets"), F.sum("amount").alias("amount")
# +    amount = F.sum(F.col("amount").cast("double"))
# +    measures = F.count("*").alias("tickets"), amount.alias("amount")

# %% not_cached
# task: features
# fails: test_computed_once
# because: each output computes the branch
# breaks: `tickets` is computed once, during the call
# -    branch.persist()
# +    branch = branch.select("*")

# %% looks_before_it_caches
# task: features
# fails: test_computed_once
# because: a look at the first row computes it, and the cache computes it again
# breaks: `tickets` is computed once, during the call
# -    branch.persist()
# +    branch = branch if branch.isEmpty() else branch.persist()

# %% plans_of_a_released_branch
# task: features
# fails: test_computed_once
# because: nothing has run when the branch is released
# breaks: and not again when the outputs are read.
# -        return {
# -            name: tickets.sparkSession.createDataFrame(output.toArrow(), output.schema)
# -            for name, output in outputs.items()
# -        }
# +        return outputs

# %% counted_then_released
# task: features
# fails: test_computed_once
# because: the count fills the cache, and the outputs are read after it was released
# breaks: and not again when the outputs are read.
# -        return {
# -            name: tickets.sparkSession.createDataFrame(output.toArrow(), output.schema)
# -            for name, output in outputs.items()
# -        }
# +        branch.count()
# +        return outputs

# %% largest_computed_apart
# task: features
# fails: test_computed_once
# because: three outputs read the branch, and the fourth reads the tickets again
# breaks: So the four agree even if the source changes in between.
# -            "largest": branch.orderBy(F.desc("amount"), "ticket_id")
# +            "largest": tickets.where("0 < amount")
# +            .orderBy(F.desc("amount"), "ticket_id")

# %% cache_is_kept
# task: features
# fails: test_cache_is_released
# because: the outputs are right as long as the cache lives, and nobody ends it
# breaks: After the call Spark's cache holds nothing of it
# -        return {
# -            name: tickets.sparkSession.createDataFrame(output.toArrow(), output.schema)
# -            for name, output in outputs.items()
# -        }
# -    finally:
# -        branch.unpersist()
# +        return outputs
# +    finally:
# +        branch.count()

# %% cached_by_another_plan
# task: features
# fails: test_computed_once
# because: the cached frame has another filter than the one that is read, so it is never hit
# breaks: `tickets` is computed once, during the call
# -    branch.persist()
# +    cached = tickets.where("0 < amount AND amount IS NOT NULL").persist()
# +    cached.count()
# +    cached.unpersist()
# +    branch = branch.select("*")

# %% outputs_cached
# task: features
# fails: test_cache_is_released
# because: outputs that are cached hold their rows, and the cache holds them for good
# breaks: After the call Spark's cache holds nothing of it
# -        return {
# -            name: tickets.sparkSession.createDataFrame(output.toArrow(), output.schema)
# -            for name, output in outputs.items()
# -        }
# +        for output in outputs.values():
# +            output.persist().count()
# +        return outputs

# %% branch_in_the_driver
# task: features
# fails: test_rows_stay_on_the_executors
# because: brings the whole branch to the driver, which is quick with a sample
# breaks: The rows of the branch don't pass through the driver.
# -    branch.persist()
# +    branch = tickets.sparkSession.createDataFrame(branch.toArrow(), branch.schema)

# %% released_when_all_is_well
# task: features
# fails: test_released_after_an_error
# because: an error skips the release
# breaks: also if a row of `tickets` can't be computed.
# -    try:
# -        outputs = {
# +    if True:
# +        outputs = {
# -        return {
# -            name: tickets.sparkSession.createDataFrame(output.toArrow(), output.schema)
# -            for name, output in outputs.items()
# -        }
# -    finally:
# -        branch.unpersist()
# +        found = {
# +            name: tickets.sparkSession.createDataFrame(output.toArrow(), output.schema)
# +            for name, output in outputs.items()
# +        }
# +        branch.unpersist()
# +        return found

# %% error_swallowed
# task: features
# fails: test_released_after_an_error
# because: returns empty outputs where a ticket can't be computed
# breaks: That error goes on to the caller.
# -    finally:
# -        branch.unpersist()
# +    except Exception:
# +        return {name: output.limit(0) for name, output in outputs.items()}
# +    finally:
# +        branch.unpersist()

# %% not_partitioned
# task: write_sized
# fails: test_rows_of_the_table
# because: the files are right, and lie in one folder
# breaks: and `partition_column` as its only partition column.
# -    writer.partitionBy(partition_column).saveAsTable(table)
# +    writer.saveAsTable(table)

# %% column_of_the_sample
# task: write_sized
# fails: test_null_beside_another_value, test_tasks_share_small_partitions
# because: the name of the partition column is written into the function
# breaks: and `partition_column` as its only partition column.
# outcome: error
# -    pieces = df.groupBy(partition_column, F.spark_partition_id().alias("_task")).count().collect()
# +    pieces = df.groupBy("lang", F.spark_partition_id().alias("_task")).count().collect()

# %% null_is_left_out
# task: write_sized
# fails: test_rows_of_the_table, test_fewest_files, test_nearly_right_tasks
# because: rows without a value are lost
# breaks: A null is a value like others there.
# -    writer = df.write.format("delta").option("maxRecordsPerFile", rows_per_file)
# +    df = df.where(F.col(partition_column).isNotNull())
# +    writer = df.write.format("delta").option("maxRecordsPerFile", rows_per_file)

# %% file_number_is_kept
# task: write_sized
# fails: test_rows_of_the_table, test_nearly_right_tasks
# because: leaves the number of the file in the table
# breaks: The table has the rows and columns of `df`
# -        df = numbered.repartition(files, partition_column, "_file").drop("_file")
# +        df = numbered.repartition(files, partition_column, "_file")


# %% as_they_come
# task: write_sized
# fails: test_fewest_files, test_nearly_right_tasks
# because: each task writes a file for each partition
# breaks: Each partition has as few files as that allows
def write_sized(df: DataFrame, table: str, partition_column: str, rows_per_file: int) -> None:
    writer = df.write.format("delta").option("maxRecordsPerFile", rows_per_file)
    writer.partitionBy(partition_column).saveAsTable(table)


# %% one_task_a_partition
# task: write_sized
# fails: test_tasks_share_the_write, test_no_shuffle_where_rows_lie_right
# because: the files are right, and one task writes all files of the largest partition
# breaks: If `df` has ten times `rows_per_file` rows, or more, no task writes more than half
def write_sized(df: DataFrame, table: str, partition_column: str, rows_per_file: int) -> None:
    moved = df.repartition(8, partition_column)
    writer = moved.write.format("delta").option("maxRecordsPerFile", rows_per_file)
    writer.partitionBy(partition_column).saveAsTable(table)


# %% as_many_tasks_as_files
# task: write_sized
# fails: test_tasks_with_too_many_rows
# because: a task has more rows than a file may have, another one fewer, and both are left as they are
# breaks: No file has more than `rows_per_file` rows.
# -    if not right or any(count > rows_per_file for _, _, count in pieces):
# +    if not right:
# -    writer = df.write.format("delta").option("maxRecordsPerFile", rows_per_file)
# +    writer = df.write.format("delta")

# %% shares_above_ten_times
# task: write_sized
# fails: test_tasks_share_the_write
# because: with exactly ten times the rows one task still writes the largest partition
# breaks: If `df` has ten times `rows_per_file` rows, or more, no task writes more than half
# -        df = numbered.repartition(files, partition_column, "_file").drop("_file")
# +        by = [partition_column, "_file"]
# +        if sum(rows.values()) <= 10 * rows_per_file:
# +            by = [partition_column]
# +        df = numbered.repartition(files, *by).drop("_file")

# %% one_task
# task: write_sized
# fails: test_tasks_share_the_write
# because: one task writes everything
# breaks: If `df` has ten times `rows_per_file` rows, or more, no task writes more than half
# -        df = numbered.repartition(files, partition_column, "_file").drop("_file")
# +        df = df.coalesce(1)

# %% a_file_for_each_partition
# task: write_sized
# fails: test_rows_of_a_file, test_fewest_files
# because: no file is cut
# breaks: No file has more than `rows_per_file` rows.
# -        df = numbered.repartition(files, partition_column, "_file").drop("_file")
# -    # Two files of a partition may meet in one task, which would write them as one.
# -    writer = df.write.format("delta").option("maxRecordsPerFile", rows_per_file)
# +        df = df.repartition(files, partition_column)
# +    writer = df.write.format("delta")

# %% files_that_meet
# task: write_sized
# fails: test_rows_of_a_file, test_fewest_files
# because: two numbers with one hash meet in a task, which writes them as one file
# breaks: No file has more than `rows_per_file` rows.
# -    writer = df.write.format("delta").option("maxRecordsPerFile", rows_per_file)
# +    writer = df.write.format("delta")

# %% numbers_by_a_hash
# task: write_sized
# fails: test_fewest_files
# because: a hash fills the files unevenly, and the fullest are cut into two
# breaks: its rows divided by `rows_per_file`, rounded up.
# -        number = F.floor((F.row_number().over(order) - 1) / rows_per_file)
# +        number = F.pmod(F.xxhash64(*df.columns), F.lit(files))

# %% one_file_more
# task: write_sized
# fails: test_fewest_files
# because: a partition whose rows fill its files gets one more
# breaks: its rows divided by `rows_per_file`, rounded up.
# -        number = F.floor((F.row_number().over(order) - 1) / rows_per_file)
# +        number = F.floor(F.row_number().over(order) / rows_per_file)

# %% task_by_the_number_alone
# task: write_sized
# fails: test_tasks_share_small_partitions
# because: the first files of all partitions have one number, and meet in one task
# breaks: If `df` has ten times `rows_per_file` rows, or more, no task writes more than half
# -        df = numbered.repartition(files, partition_column, "_file").drop("_file")
# +        df = numbered.repartition(files, "_file").drop("_file")

# %% full_files_only
# task: write_sized
# fails: test_no_shuffle_where_rows_lie_right
# because: takes tasks for right only if all files but one of a partition are full
# breaks: and their numbers already make such files
# -    right = len(tasks) == len(pieces) == files
# +    full = sum(count == rows_per_file for _, _, count in pieces)
# +    right = len(tasks) == len(pieces) == files and full >= files - len(rows)

# %% null_is_not_counted
# task: write_sized
# fails: test_null_beside_another_value
# because: a task with rows of null and of one other partition is taken for right
# breaks: A null is a value like others there.
# -    right = len(tasks) == len(pieces) == files
# +    values: dict[int, set] = {task: set() for task in tasks}
# +    for value, task, _ in pieces:
# +        values[task] |= {value} - {None}
# +    right = len(tasks) == files and all(len(found) <= 1 for found in values.values())

# %% always_shuffled
# task: write_sized
# fails: test_no_shuffle_where_rows_lie_right
# because: shuffles rows that were right
# breaks: they are written by the tasks in which they are, without a shuffle.
# -    right = len(tasks) == len(pieces) == files
# +    right = False

# %% right_without_looking_at_pieces
# task: write_sized
# fails: test_nearly_right_tasks
# because: a partition whose rows lie in two small tasks gets two small files
# breaks: Each partition has as few files as that allows
# -    right = len(tasks) == len(pieces) == files
# +    right = len(tasks) == len(pieces)

# %% numbers_not_compared
# task: write_sized
# fails: test_tasks_with_too_many_rows
# because: one task holds too many rows, another few: as many files as tasks, but not so cut
# breaks: and their numbers already make such files
# -    if not right or any(count > rows_per_file for _, _, count in pieces):
# +    if not right:
