# %% bytes_as_they_are
# task: bytes_left
# in: content
# fails: test_files[pages], test_files[nested], test_files[keys], test_files[change_data]
# because: the bytes of a Parquet file alone do not show what its compressed pages hold
# breaks: A Parquet file, by its name `*.parquet`, also holds it if any text in it does
# -    try:
# -        rows = pq.read_table(pa.BufferReader(data)).to_pylist()
# -    except (OSError, pa.ArrowException):
# -        return data
# -    return data + "\0".join(texts_in(rows)).encode()
# +    return data

# %% top_level_columns
# task: bytes_left
# in: content
# fails: test_files[nested], test_files[keys]
# because: only columns that are text themselves are looked at
# breaks: at any depth: in a struct, an array, a key or a value of a map.
# -        rows = pq.read_table(pa.BufferReader(data)).to_pylist()
# +        read = pq.read_table(pa.BufferReader(data))
# +        texts = [name for name in read.column_names if read.schema.field(name).type == "string"]
# +        rows = read.select(texts).to_pylist()

# %% keys_of_maps_forgotten
# task: bytes_left
# in: content
# fails: test_files[keys]
# because: of a map only the values are kept
# breaks: at any depth: in a struct, an array, a key or a value of a map.
# -    return data + "\0".join(texts_in(rows)).encode()
# +    values = [
# +        [pair[1] if isinstance(pair, tuple) else pair for pair in value]
# +        if isinstance(value, list)
# +        else value
# +        for row in rows
# +        for value in row.values()
# +    ]
# +    return data + json.dumps(values, default=str).encode()

# %% parquet_only
# task: bytes_left
# fails: test_files[log], test_files[crc], test_files[other], test_files[packed], test_any_folder
# because: the log, its .crc files and exports are files as well
# breaks: All files are read, at any depth
# -        for file in root.rglob("*")
# +        for file in root.rglob("*.parquet")

# %% one_folder_deep
# task: bytes_left
# fails: test_files[deep], test_files[checkpoint]
# because: a table may lie in any folder below
# breaks: All files are read, at any depth
# -        for file in root.rglob("*")
# +        for file in [*root.glob("*"), *root.glob("*/*"), *root.glob("*/*/*")]

# %% hidden_files_left_out
# task: bytes_left
# fails: test_files[hidden], test_files[crc]
# because: what begins with a dot is taken for nothing
# breaks: also those in hidden folders and those whose name begins with `.` or `_`.
# -        if file.is_file() and any(needle in content(file) for needle in wanted)
# +        if file.is_file()
# +        and not any(part.startswith(".") for part in file.relative_to(root).parts)
# +        and any(needle in content(file) for needle in wanted)

# %% as_spark_lists
# task: bytes_left
# fails: test_files[hidden], test_files[log], test_files[change_data]
# because: Spark leaves out files and folders that begin with _ or a dot
# breaks: also those in hidden folders and those whose name begins with `.` or `_`.
# -        if file.is_file() and any(needle in content(file) for needle in wanted)
# +        if file.is_file()
# +        and not any(part[0] in "._" for part in file.relative_to(root).parts)
# +        and any(needle in content(file) for needle in wanted)

# %% text_files_decoded
# task: bytes_left
# fails: test_files[other]
# because: a file that is no UTF-8 is skipped
# breaks: A file holds a needle if the needle, as UTF-8, is anywhere in its bytes.
# in: content
# -    if file.suffix != ".parquet":
# -        return data
# +    if file.suffix != ".parquet":
# +        try:
# +            return data.decode().encode()
# +        except UnicodeDecodeError:
# +            return b""

# %% every_needle
# task: bytes_left
# fails: test_files[each]
# because: a file must hold all needles
# breaks: one for each file below the folder that holds any of the needles, in any order.
# -        if file.is_file() and any(needle in content(file) for needle in wanted)
# +        if file.is_file() and all(needle in content(file) for needle in wanted)

# %% a_tuple_for_each_needle
# task: bytes_left
# fails: test_files[each]
# because: a file that holds two needles comes twice
# breaks: one for each file below the folder that holds any of the needles, in any order.
# -        if file.is_file() and any(needle in content(file) for needle in wanted)
# +        for needle in wanted
# +        if file.is_file() and needle in content(file)

# %% names_without_folder
# task: bytes_left
# fails: test_files[deep], test_files[pages]
# because: the name alone does not say which table
# breaks: `file` is the file's path inside the folder, with `/` between its parts.
# -        (file.relative_to(root).as_posix(), kind_of(file.relative_to(root)))
# +        (file.name, kind_of(file.relative_to(root)))

# %% whole_paths
# task: bytes_left
# fails: test_files[pages], test_path_as_text
# because: the path is the one on this machine
# breaks: `file` is the file's path inside the folder, with `/` between its parts.
# -        (file.relative_to(root).as_posix(), kind_of(file.relative_to(root)))
# +        (str(file), kind_of(file.relative_to(root)))

# %% paths_as_objects
# task: bytes_left
# fails: test_path_as_text
# because: a Path is no text
# breaks: Both are texts.
# -        (file.relative_to(root).as_posix(), kind_of(file.relative_to(root)))
# +        (file.relative_to(root), kind_of(file.relative_to(root)))

# %% a_path_is_needed
# task: bytes_left
# fails: test_path_as_text
# outcome: error
# because: a text has no rglob
# breaks: `path` is a folder, as a text or a `Path`; `needles` is a list of texts.
# -    root = Path(path)
# +    root = path

# %% packed_as_they_are
# task: bytes_left
# in: content
# fails: test_files[packed]
# because: the bytes of a packed file show nothing
# breaks: A file whose name ends in `.gz` is searched unpacked.
# -    if file.suffix == ".gz":
# -        return gzip.decompress(data)
#

# %% first_member_alone
# task: bytes_left
# in: content
# fails: test_files[packed]
# because: packed files that were joined have several members, and one is unpacked
# breaks: A file whose name ends in `.gz` is searched unpacked.
# -        return gzip.decompress(data)
# +        import zlib
# +
# +        return zlib.decompressobj(31).decompress(data)

# %% values_alone
# task: bytes_left
# in: content
# fails: test_files[beside]
# because: the footer of a Parquet file is read for its values, and not searched itself
# breaks: A file holds a needle if the needle, as UTF-8, is anywhere in its bytes.
# -    return data + "\0".join(texts_in(rows)).encode()
# +    return json.dumps([list(row.values()) for row in rows], default=str).encode()

# %% needles_stripped
# task: bytes_left
# fails: test_files[as_it_is]
# because: a needle loses the blank at its start
# breaks: A needle is searched as it is: case, blanks and all.
# -    wanted = [needle.encode() for needle in needles]
# +    wanted = [needle.strip().encode() for needle in needles]

# %% broken_files_stop_it
# task: bytes_left
# in: content
# fails: test_files[broken]
# outcome: error
# because: half a Parquet file ends the search
# breaks: A Parquet file that is broken, since its writer crashed, is searched by its bytes.
# -    try:
# -        rows = pq.read_table(pa.BufferReader(data)).to_pylist()
# -    except (OSError, pa.ArrowException):
# -        return data
# +    rows = pq.read_table(pa.BufferReader(data)).to_pylist()

# %% broken_files_skipped
# task: bytes_left
# in: content
# fails: test_files[broken]
# because: what can't be read as Parquet is taken for empty
# breaks: A Parquet file that is broken, since its writer crashed, is searched by its bytes.
# -    except (OSError, pa.ArrowException):
# -        return data
# +    except (OSError, pa.ArrowException):
# +        return b""

# %% any_case
# task: bytes_left
# fails: test_files[as_it_is]
# because: a file that has the text in upper case is found
# breaks: A needle is searched as it is: case, blanks and all.
# -    wanted = [needle.encode() for needle in needles]
# +    wanted = [needle.lower().encode() for needle in needles]
# -        if file.is_file() and any(needle in content(file) for needle in wanted)
# +        if file.is_file() and any(needle in content(file).lower() for needle in wanted)

# %% needles_as_patterns
# task: bytes_left
# fails: test_files[as_it_is]
# because: a dot in a pattern is any character
# breaks: A needle is searched as it is: case, blanks and all.
# -        if file.is_file() and any(needle in content(file) for needle in wanted)
# +        if file.is_file() and any(re.search(needle, content(file)) for needle in wanted)

# %% crc_by_folder
# task: bytes_left
# in: kind_of
# fails: test_files[crc]
# because: only those of the log are called so
# breaks: the name ends in `.crc`
# -    if file.suffix == ".crc":
# +    if file.suffix == ".crc" and "_delta_log" in file.parts:

# %% log_before_crc
# task: bytes_left
# in: kind_of
# fails: test_files[crc]
# because: a .crc of the log is called log
# breaks: `where` is the first of these that fits:
# -    if file.suffix == ".crc":
# -        return "crc"
# -    if "_delta_log" in file.parent.parts:
# -        return "checkpoint" if is_parquet else "log"
# +    if "_delta_log" in file.parent.parts:
# +        return "checkpoint" if is_parquet else "log"
# +    if file.suffix == ".crc":
# +        return "crc"

# %% checkpoints_are_log
# task: bytes_left
# in: kind_of
# fails: test_files[checkpoint]
# because: a checkpoint is called log
# breaks: a Parquet file below a folder `_delta_log`
# -        return "checkpoint" if is_parquet else "log"
# +        return "log"

# %% checkpoints_by_name
# task: bytes_left
# in: kind_of
# fails: test_files[checkpoint], test_files[log]
# because: a part of a checkpoint in a folder of the log has another name
# breaks: a Parquet file below a folder `_delta_log`
# -        return "checkpoint" if is_parquet else "log"
# +        return "checkpoint" if "checkpoint" in file.name else "log"

# %% log_is_json
# task: bytes_left
# in: kind_of
# fails: test_files[log]
# because: a file of the log without that ending is called other
# breaks: any other file below a folder `_delta_log`
# -        return "checkpoint" if is_parquet else "log"
# +        return "checkpoint" if is_parquet else "log" if file.suffix == ".json" else "other"

# %% log_at_the_top
# task: bytes_left
# in: kind_of
# fails: test_files[deep], test_files[log]
# because: the log is looked for in the folder itself only
# breaks: The folder may hold many tables, at any depth.
# -    if "_delta_log" in file.parent.parts:
# +    if file.parts[0] == "_delta_log":

# %% parts_of_names
# task: bytes_left
# in: kind_of
# fails: test_files[names]
# because: a folder whose name contains _delta_log is taken for one
# breaks: any other file below a folder `_delta_log`
# -    if "_delta_log" in file.parent.parts:
# +    if "_delta_log" in str(file):

# %% change_data_is_data
# task: bytes_left
# in: kind_of
# fails: test_files[change_data]
# because: the change feed is not told from data
# breaks: a Parquet file below a folder `_change_data`
# -    return "change_data" if "_change_data" in file.parent.parts else "data"
# +    return "data"

# %% change_data_one_deep
# task: bytes_left
# in: kind_of
# fails: test_files[change_data]
# because: change data of a partition lie a folder deeper
# breaks: a Parquet file below a folder `_change_data`
# -    return "change_data" if "_change_data" in file.parent.parts else "data"
# +    return "change_data" if file.parent.name == "_change_data" else "data"

# %% change_data_by_folder
# task: bytes_left
# in: kind_of
# fails: test_files[change_data]
# because: a text file there is no change data
# breaks: everything else
# -    if not is_parquet:
# -        return "other"
# -    return "change_data" if "_change_data" in file.parent.parts else "data"
# +    if "_change_data" in file.parent.parts:
# +        return "change_data"
# +    return "data" if is_parquet else "other"

# %% every_file
# task: bytes_left
# fails: test_files[none]
# because: every file has a tuple, whatever it holds
# breaks: one for each file below the folder that holds any of the needles, in any order.
# -        if file.is_file() and any(needle in content(file) for needle in wanted)
# +        if file.is_file()

# %% a_generator
# task: bytes_left
# fails: test_files[pages]
# because: a generator is no list
# breaks: It returns a list of tuples `(file, where)`
# -    return [
# +    return iter([
# -        if file.is_file() and any(needle in content(file) for needle in wanted)
# -    ]
# +        if file.is_file() and any(needle in content(file) for needle in wanted)
# +    ])

# %% newest_version_only
# task: find_subject
# fails: test_columns[gone], test_columns[versions]
# because: the past of a table is not read
# breaks: that holds the person in any version of the table's history.
# -        versions = [row.version for row in DeltaTable.forName(spark, table).history().collect()]
# +        versions = [DeltaTable.forName(spark, table).history(1).first().version]

# %% rows_of_any_version
# task: find_subject
# fails: test_columns[gone], test_columns[plain]
# because: the rows of all versions are counted
# breaks: `rows` is the number of rows of the newest version that hold the person in this column.
# -            F.count_if("is_newest").alias("rows"),
# +            F.count("*").alias("rows"),

# %% null_rows
# task: find_subject
# fails: test_columns[gone]
# because: a column that only older versions have the person in has null rows
# breaks: It is 0 if only older versions do.
# -            F.count_if("is_newest").alias("rows"),
# +            F.sum(F.when(F.col("is_newest"), 1)).alias("rows"),

# %% gone_is_left_out
# task: find_subject
# fails: test_columns[gone]
# because: what is not in the newest version has no row
# breaks: that holds the person in any version of the table's history.
# -            F.count_distinct("version").alias("versions"),
# -        )
# +            F.count_distinct("version").alias("versions"),
# +        )
# +        .where("rows > 0")

# %% all_versions_counted
# task: find_subject
# fails: test_columns[gone], test_columns[versions]
# because: versions that do not hold the person are counted
# breaks: that hold the person in this column.
# -        .where("holds")
#
# -            F.count_if("is_newest").alias("rows"),
# -            F.count_distinct("version").alias("versions"),
# -        )
# +            F.count_if(F.col("is_newest") & F.col("holds")).alias("rows"),
# +            F.count_distinct("version").alias("versions"),
# +            F.bool_or("holds").alias("ever"),
# +        )
# +        .where("ever")
# +        .drop("ever")

# %% columns_without_the_person
# task: find_subject
# fails: test_columns[nobody], test_tables_and_paths
# because: a column that never held the person has a row
# breaks: There is one row for each table and column that holds the person in any version
# -        .where("holds")
#
# -            F.count_if("is_newest").alias("rows"),
# -            F.count_distinct("version").alias("versions"),
# +            F.count_if(F.col("is_newest") & F.col("holds")).alias("rows"),
# +            F.count_distinct(F.when(F.col("holds"), F.col("version"))).alias("versions"),

# %% first_table_only
# task: find_subject
# fails: test_columns[emptied], test_tables_and_paths
# because: the other tables are not looked at
# breaks: `tables` is a list of names of Delta tables
# -    for table in tables:
# +    for table in tables[:1]:

# %% short_names
# task: find_subject
# fails: test_tables_and_paths
# because: the database is left out
# breaks: `table` is the name as given.
# -                F.lit(table).alias("table"),
# +                F.lit(table.split(".")[-1]).alias("table"),

# %% other_order_of_columns
# task: find_subject
# fails: test_columns[plain]
# because: the columns come in another order
# breaks: It returns a frame with the columns `table` string, `column` string, `rows` long and
#   `versions` long, in this order.
# -            F.count_distinct("version").alias("versions"),
# -        )
# +            F.count_distinct("version").alias("versions"),
# +        )
# +        .select("column", "table", "rows", "versions")

# %% numbers_too
# task: find_subject
# in: places
# fails: test_columns[nobody]
# because: a number is taken for a text
# breaks: Other types are not.
# -    if isinstance(what, StringType):
# -        return [(path, lambda value: value.rlike(pattern))]
# +    if not isinstance(what, (StructType, ArrayType, MapType)):
# +        return [(path, lambda value: value.cast("string").rlike(pattern))]

# %% flat_columns
# task: find_subject
# in: places
# fails: test_columns[structs], test_columns[arrays], test_columns[maps]
# because: nested columns are passed over
# breaks: Columns of type string are searched, at any depth: in structs, arrays and maps.
# -    if isinstance(what, StructType):
# -        return [
# -            (name, in_field(field.name, test))
# -            for field in what
# -            for name, test in places(field.dataType, f"{path}.{field.name}", pattern)
# -        ]
# +    return []

# %% arrays_of_texts_only
# task: find_subject
# in: places
# fails: test_columns[arrays]
# because: structs in an array are not looked into
# breaks: So `devices.element.label` is a field of structs in an array.
# -    if isinstance(what, ArrayType):
# +    if isinstance(what, ArrayType) and isinstance(what.elementType, StringType):

# %% keys_of_maps
# task: find_subject
# in: places
# fails: test_columns[maps]
# because: the keys of a map are names of columns to its author
# breaks: `consents.key` and `consents.value` those of a map.
# -        parts = [("key", what.keyType, F.map_keys), ("value", what.valueType, F.map_values)]
# +        parts = [("value", what.valueType, F.map_values)]

# %% elements_without_a_name
# task: find_subject
# in: places
# fails: test_columns[arrays], test_tables_and_paths
# because: the path has no part for the elements
# breaks: `devices.element` the elements of an array
# -        for name, test in places(of, f"{path}.{part}", pattern)
# +        for name, test in places(of, path if part == "element" else f"{path}.{part}", pattern)

# %% equal_values
# task: find_subject
# in: pattern_of
# fails: test_columns[inside], test_columns[maps]
# because: the value must be the text
# breaks: A value holds the person if it contains one of the texts, whatever else is in it.
# -    return rf"(?i)(?<![A-Z0-9])(?:{'|'.join(loose)})(?![A-Z0-9])"
# +    return rf"(?i)^{gap}(?:{'|'.join(loose)}){gap}$"

# %% case_counts
# task: find_subject
# in: pattern_of
# fails: test_columns[case]
# because: another case is another text
# breaks: Upper and lower case are the same.
# -    return rf"(?i)(?<![A-Z0-9])(?:{'|'.join(loose)})(?![A-Z0-9])"
# +    return rf"(?<![A-Za-z0-9])(?:{'|'.join(loose)})(?![A-Za-z0-9])"

# %% blanks_count
# task: find_subject
# in: pattern_of
# fails: test_columns[spaced], test_columns[arrays], test_another_person
# because: a phone in another format is not found
# breaks: Blanks and the characters `. - + ( )` do not count, neither in the text nor in the value
# -    gap = f"[{re.escape(IGNORED)}]*"
# -    loose = [gap.join(re.escape(one) for one in text if one not in IGNORED) for text in texts]
# +    loose = [re.escape(text) for text in texts]

# %% plus_counts
# task: find_subject
# in: pattern_of
# fails: test_columns[spaced]
# because: a number without its + is not found
# breaks: Blanks and the characters `. - + ( )` do not count, neither in the text nor in the value
# -    loose = [gap.join(re.escape(one) for one in text if one not in IGNORED) for text in texts]
# +    loose = [
# +        gap.join(re.escape(one) for one in text if one not in IGNORED.replace("+", ""))
# +        for text in texts
# +    ]

# %% parts_of_words
# task: find_subject
# in: pattern_of
# fails: test_columns[whole], test_tables_and_paths
# because: S-10 is found in S-104
# breaks: A text is found whole: in the value as it is written, no letter and no digit stands
#   directly before or after it.
# -    return rf"(?i)(?<![A-Z0-9])(?:{'|'.join(loose)})(?![A-Z0-9])"
# +    return rf"(?i)(?:{'|'.join(loose)})"

# %% borders_of_words
# task: find_subject
# in: pattern_of
# fails: test_columns[whole]
# because: to \b a _ is a part of a word
# breaks: A text is found whole: in the value as it is written, no letter and no digit stands
#   directly before or after it.
# -    return rf"(?i)(?<![A-Z0-9])(?:{'|'.join(loose)})(?![A-Z0-9])"
# +    return rf"(?i)\b(?:{'|'.join(loose)})\b"

# %% whole_to_the_right
# task: find_subject
# in: pattern_of
# fails: test_columns[whole]
# because: what stands before the text is not looked at
# breaks: A text is found whole: in the value as it is written, no letter and no digit stands
#   directly before or after it.
# -    return rf"(?i)(?<![A-Z0-9])(?:{'|'.join(loose)})(?![A-Z0-9])"
# +    return rf"(?i)(?:{'|'.join(loose)})(?![A-Z0-9])"

# %% stripped_before
# task: find_subject
# in: places
# fails: test_columns[whole], test_columns[once]
# because: without its blanks a value has no words any more
# breaks: A text is found whole: in the value as it is written, no letter and no digit stands
#   directly before or after it.
# -        return [(path, lambda value: value.rlike(pattern))]
# +        return [(path, lambda value: F.regexp_replace(value, "[ .+()-]", "").rlike(pattern))]

# %% no_text_at_all
# task: find_subject
# fails: test_nobody_there
# outcome: error
# because: tables without a text end in an error
# breaks: Other types are not.
# -    if not found:
# -        return spark.createDataFrame([], "table string, column string, rows long, versions long")
#

# %% elements_counted
# task: find_subject
# in: in_any
# fails: test_columns[arrays]
# because: a row counts as often as its elements hold the person
# breaks: A row counts once, however many elements of an array or a map hold the person.
# -    return lambda value: F.exists(elements(value), test)
# +    return lambda value: F.forall(elements(value), test)

# %% notes_the_search
# task: find_subject
# fails: test_only_reads
# because: the search is written into the tables
# breaks: The function only reads: no table gets a new version.
# -    for table in tables:
# +    for table in tables:
# +        spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('searched' = 'yes')")

# %% plain_hash
# task: tokenise
# in: token_of
# fails: test_tokens_need_the_key, test_purposes_do_not_join
# because: anybody can hash a list of all phone numbers
# breaks: A token depends on the key of its purpose: another key gives another token
# -        code = hmac.new(key, value.encode(), "sha256").hexdigest()
# +        import hashlib
# +
# +        code = hashlib.sha256(value.encode()).hexdigest()

# %% hash_with_the_purpose
# task: tokenise
# fails: test_tokens_need_the_key
# because: the name of a purpose is no secret
# breaks: A token depends on the key of its purpose: another key gives another token
# -            name: token_of(kind, keys[purpose])(F.col(name))
# +            name: token_of(kind, purpose.encode())(F.col(name))
# %% one_key_for_all
# task: tokenise
# fails: test_purposes_do_not_join
# because: all purposes have the first key
# breaks: A token depends on the key of its purpose: another key gives another token, and so does
#   another purpose.
# -            name: token_of(kind, keys[purpose])(F.col(name))
# +            name: token_of(kind, next(iter(keys.values())))(F.col(name))
# %% a_key_for_each_column
# task: tokenise
# fails: test_another_frame
# because: the name of the column is hashed as well
# breaks: Equal values of a purpose have equal tokens, in whatever column, frame or call
# -            name: token_of(kind, keys[purpose])(F.col(name))
# +            name: token_of(kind, keys[purpose] + name.encode())(F.col(name))
# %% a_salt_for_each_call
# task: tokenise
# fails: test_another_frame
# because: each call has a salt of its own
# breaks: Equal values of a purpose have equal tokens, in whatever column, frame or call
# -    return df.withColumns(
# +    import uuid
# +
# +    salt = uuid.uuid4().bytes
# +    keys = {purpose: key + salt for purpose, key in keys.items()}
# +    return df.withColumns(
# %% random_tokens
# task: tokenise
# in: token_of
# fails: test_spellings_of_an_email, test_another_frame
# because: as AES with a random start: equal values are never equal
# breaks: Equal values of a purpose have equal tokens
# -        code = hmac.new(key, value.encode(), "sha256").hexdigest()
# +        import uuid
# +
# +        code = hmac.new(key, value.encode() + uuid.uuid4().bytes, "sha256").hexdigest()

# %% numbered_values
# task: tokenise
# fails: test_another_frame, test_tokens_need_the_key
# because: the same number stands for another value in another frame
# breaks: Equal values of a purpose have equal tokens, in whatever column, frame or call


def tokenise(df, columns, keys):
    from pyspark.sql import Window

    for name, (kind, _) in columns.items():
        value = F.col(name)
        if kind == "email":
            value = F.lower(F.trim(value))
        if kind == "phone":
            value = F.regexp_replace(value, "[^0-9]", "")
        value = F.when(value != "", value)
        order = F.dense_rank().over(Window.orderBy(value))
        code = F.lpad(order.cast("string"), 32, "0")
        if kind == "email":
            code = F.concat(code, F.lit("@"), F.split_part(value, F.lit("@"), F.lit(2)))
        df = df.withColumn(name, F.when(value.isNotNull(), code))
    return df


# %% case_of_an_email
# task: tokenise
# in: token_of
# fails: test_spellings_of_an_email, test_tokens_of_many
# because: another case gives another token
# breaks: Spellings of an `email` differ in case and in blanks before and after it.
# -            value = value.strip(" ").lower()
# +            value = value.strip(" ")

# %% blanks_of_an_email
# task: tokenise
# in: token_of
# fails: test_spellings_of_an_email, test_nulls
# because: a blank before it gives another token
# breaks: Spellings of an `email` differ in case and in blanks before and after it.
# -            value = value.strip(" ").lower()
# +            value = value.lower()

# %% dots_of_an_email
# task: tokenise
# in: token_of
# fails: test_different_values
# because: two addresses that differ in a dot are one
# breaks: Different values have different tokens.
# -            value = value.strip(" ").lower()
# +            local, at, domain = value.strip(" ").lower().partition("@")
# +            value = local.replace(".", "") + at + domain

# %% tag_of_an_email
# task: tokenise
# in: token_of
# fails: test_different_values
# because: an address with a tag after a + is another one
# breaks: Different values have different tokens.
# -            value = value.strip(" ").lower()
# +            value = re.sub(r"[+].*@", "@", value.strip(" ").lower())

# %% phone_as_typed
# task: tokenise
# in: token_of
# fails: test_spellings_of_a_phone, test_nulls
# because: a phone has a token for each format
# breaks: Spellings of a `phone` differ in all that is not a digit.
# -            value = re.sub("[^0-9]", "", value)
# +            value = value.strip(" ")

# %% some_signs_of_a_phone
# task: tokenise
# in: token_of
# fails: test_spellings_of_a_phone
# because: brackets and dots are kept
# breaks: Spellings of a `phone` differ in all that is not a digit.
# -            value = re.sub("[^0-9]", "", value)
# +            value = re.sub("[ +-]", "", value)

# %% phone_as_number
# task: tokenise
# in: token_of
# fails: test_different_values
# because: zeros before a number are lost
# breaks: Different values have different tokens.
# -            value = re.sub("[^0-9]", "", value)
# +            value = re.sub("[^0-9]", "", value).lstrip("0")

# %% text_in_lower_case
# task: tokenise
# in: token_of
# fails: test_different_values
# because: two names that differ in case are one
# breaks: A value of kind `text` has no other spelling.
# -        if not value:
# +        if value is not None and kind == "text":
# +            value = value.lower()
# +        if not value:

# %% text_trimmed
# task: tokenise
# in: token_of
# fails: test_different_values
# because: a blank is a text too
# breaks: A value of kind `text` has no other spelling.
# -        if not value:
# +        if value is not None and kind == "text":
# +            value = value.strip()
# +        if not value:

# %% one_token_for_null
# task: tokenise
# in: token_of
# fails: test_nulls
# because: all nulls have one token, and join
# breaks: Null stays null.
# -        if not value:
# -            return None
# +        if value is None:
# +            return hmac.new(key, b"null", "sha256").hexdigest()
# +        if not value:
# +            return None

# %% one_token_for_blank
# task: tokenise
# in: token_of
# fails: test_nulls
# because: all who left it blank have one token
# breaks: A value of which nothing is left becomes null too
# -        if not value:
# +        if value is None:

# %% short_tokens
# task: tokenise
# in: token_of
# fails: test_form_of_tokens
# because: 12 characters are too few for many values
# breaks: A token has from 32 to 128 characters
# -        code = hmac.new(key, value.encode(), "sha256").hexdigest()
# +        code = hmac.new(key, value.encode(), "sha256").hexdigest()[:12]

# %% tokens_in_base64
# task: tokenise
# in: token_of
# fails: test_form_of_tokens
# because: Base64 ends with = and may have + and /
# breaks: all of them letters from A to Z or a to z, or digits.
# -        code = hmac.new(key, value.encode(), "sha256").hexdigest()
# +        import base64
# +
# +        code = base64.b64encode(hmac.new(key, value.encode(), "sha256").digest()).decode()

# %% no_domain
# task: tokenise
# in: token_of
# fails: test_form_of_tokens
# because: the domain is lost
# breaks: The token of an `email` has `@` and the domain behind it, the domain in lower case.
# -        return f"{code}@{value.partition('@')[2]}" if kind == "email" else code
# +        return code

# %% domain_as_typed
# task: tokenise
# in: token_of
# fails: test_spellings_of_an_email, test_form_of_tokens
# because: the domain has the case of the value
# breaks: The token of an `email` has `@` and the domain behind it, the domain in lower case.
# -        if value is not None and kind == "email":
# -            value = value.strip(" ").lower()
# +        typed = value
# +        if value is not None and kind == "email":
# +            value = value.strip(" ").lower()
# -        return f"{code}@{value.partition('@')[2]}" if kind == "email" else code
# +        return f"{code}@{typed.strip(' ').partition('@')[2]}" if kind == "email" else code

# %% tokens_beside_values
# task: tokenise
# fails: test_other_columns, test_no_key_in_the_plan
# because: tokens come as further columns, and the values stay
# breaks: All columns come back, with their names and in their order.
# -            name: token_of(kind, keys[purpose])(F.col(name))
# +            f"{name}_token": token_of(kind, keys[purpose])(F.col(name))

# %% tokens_at_the_end
# task: tokenise
# fails: test_other_columns
# because: columns with tokens come last
# breaks: All columns come back, with their names and in their order.
# -    return df.withColumns(
# +    return df.select(
# +        *[name for name in df.columns if name not in columns],
# +        *[
# +            token_of(kind, keys[purpose])(F.col(name)).alias(name)
# +            for name, (kind, purpose) in columns.items()
# +        ],
# +    )
# +    return df.withColumns(

# %% other_columns_trimmed
# task: tokenise
# fails: test_other_columns
# because: columns that nobody named are changed
# breaks: Those that `columns` does not name are as before.
# -    return df.withColumns(
# +    for name, kind in df.dtypes:
# +        if kind == "string" and name not in columns:
# +            df = df.withColumn(name, F.trim(name))
# +    return df.withColumns(

# %% key_as_a_literal
# task: tokenise
# fails: test_no_key_in_the_plan
# because: a literal is in the plan
# breaks: A key is nowhere in the plan of the frame
def tokenise(df, columns, keys):
    for name, (kind, purpose) in columns.items():
        value = F.col(name)
        if kind == "email":
            value = F.lower(F.trim(value))
        if kind == "phone":
            value = F.regexp_replace(value, "[^0-9]", "")
        value = F.when(value != "", value)
        code = F.sha2(F.concat(F.lit(keys[purpose].hex()), value), 256)
        if kind == "email":
            code = F.concat(code, F.lit("@"), F.split_part(value, F.lit("@"), F.lit(2)))
        df = df.withColumn(name, code)
    return df


# %% aes_with_the_key
# task: tokenise
# fails: test_no_key_in_the_plan
# because: an argument of aes_encrypt is in the plan
# breaks: A key is nowhere in the plan of the frame
def tokenise(df, columns, keys):
    for name, (kind, purpose) in columns.items():
        value = F.col(name)
        if kind == "email":
            value = F.lower(F.trim(value))
        if kind == "phone":
            value = F.regexp_replace(value, "[^0-9]", "")
        value = F.when(value != "", value)
        code = F.sha2(F.aes_encrypt(value, F.lit(keys[purpose]), F.lit("ECB")), 256)
        if kind == "email":
            code = F.concat(code, F.lit("@"), F.split_part(value, F.lit("@"), F.lit(2)))
        df = df.withColumn(name, code)
    return df


# %% key_as_an_argument
# task: tokenise
# fails: test_no_key_in_the_plan
# because: the key is an argument of the UDF, and arguments are in the plan
# breaks: A key is nowhere in the plan of the frame
def tokenise(df, columns, keys):
    def token(value, key, kind):
        if value is not None and kind == "email":
            value = value.strip(" ").lower()
        if value is not None and kind == "phone":
            value = re.sub("[^0-9]", "", value)
        if not value:
            return None
        code = hmac.new(bytes.fromhex(key), value.encode(), "sha256").hexdigest()
        return f"{code}@{value.partition('@')[2]}" if kind == "email" else code

    tokens = F.udf(token, "string")
    return df.withColumns(
        {
            name: tokens(F.col(name), F.lit(keys[purpose].hex()), F.lit(kind))
            for name, (kind, purpose) in columns.items()
        }
    )


# %% nothing_named
# task: tokenise
# fails: test_nothing_to_tokenise
# outcome: error
# because: an empty dict ends in an error
# breaks: `columns` may be empty.
# -    return df.withColumns(
# +    first, *_ = columns
# +    return df.withColumns(

# %% delete_only
# task: forget
# fails: test_data_files, test_change_data, test_rows_deleted_before, test_the_log_forgets
# because: a DELETE writes a deletion vector, and leaves the file as it is
# breaks: No file in the table's folder holds anything of the person after the call
def forget(spark: SparkSession, tables: list[str], subject: str) -> None:
    for table in tables:
        DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)


# %% vacuum_without_purge
# task: forget
# fails: test_data_files, test_rows_deleted_before
# because: the file under a deletion vector is live, so VACUUM leaves it
# breaks: No file in the table's folder holds anything of the person after the call
# -            spark.sql(f"REORG TABLE {table} APPLY (PURGE)")
#

# %% optimize_in_place_of_purge
# task: forget
# fails: test_data_files, test_rows_deleted_before
# because: an OPTIMIZE leaves a single file alone
# breaks: No file in the table's folder holds anything of the person after the call
# -            spark.sql(f"REORG TABLE {table} APPLY (PURGE)")
# +            spark.sql(f"OPTIMIZE {table}")

# %% no_vacuum
# task: forget
# fails: test_data_files, test_change_data, test_rows_deleted_before, test_files_of_no_version,
#   test_no_byte_after_three_days
# because: the old files stay in the folder
# breaks: That means data files, change data, and files that no version of the table has any longer.
# -            spark.sql(f"VACUUM {table} RETAIN 0 HOURS")
#

# %% vacuum_by_the_property
# task: forget
# fails: test_data_files, test_rows_deleted_before
# because: VACUUM keeps what was removed within the day
# breaks: No file in the table's folder holds anything of the person after the call
# -            spark.sql(f"VACUUM {table} RETAIN 0 HOURS")
# +            spark.sql(f"VACUUM {table}")

# %% vacuum_of_an_hour
# task: forget
# fails: test_data_files, test_rows_deleted_before
# because: any number but 0 at the call counts for nothing
# breaks: No file in the table's folder holds anything of the person after the call
# -            spark.sql(f"VACUUM {table} RETAIN 0 HOURS")
# +            spark.sql(f"VACUUM {table} RETAIN 1 HOURS")

# %% vacuum_comes_first
# task: forget
# fails: test_data_files, test_rows_deleted_before
# because: the files are written anew after the VACUUM, so the old ones stay
# breaks: No file in the table's folder holds anything of the person after the call
# -            spark.sql(f"REORG TABLE {table} APPLY (PURGE)")
# -            spark.sql(
# +            spark.sql(f"VACUUM {table} RETAIN 0 HOURS")
# +            spark.sql(f"REORG TABLE {table} APPLY (PURGE)")
# +            spark.sql(
# -            spark.sql(f"VACUUM {table} RETAIN 0 HOURS")
#

# %% nothing_to_delete
# task: forget
# fails: test_rows_deleted_before, test_files_of_no_version
# because: a table without rows of the person is skipped, and their bytes stay
# breaks: This holds too if somebody has deleted the rows before
# -            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)
# +            if spark.table(table).where(F.col("subject_id") == subject).isEmpty():
# +                continue
# +            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)

# %% vacuum_of_the_log_alone
# task: forget
# fails: test_files_of_no_version
# because: the light VACUUM looks into the log, in which a crashed writer's file is not
# breaks: and files that no version of the table has any longer.
# -            spark.sql(f"VACUUM {table} RETAIN 0 HOURS")
# +            spark.sql(f"VACUUM {table} LITE RETAIN 0 HOURS")

# %% first_table_alone
# task: forget
# fails: test_rows_deleted_before, test_the_log_forgets
# because: the other tables are left as they are
# breaks: No table has a row with this `subject_id` after the call.
# -        for table in tables:
# +        for table in tables[:1]:

# %% columns_blanked
# task: forget
# fails: test_people[gone]
# because: the rows stay, without their values
# breaks: No table has a row with this `subject_id` after the call.
# -            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)
# +            others = [name for name in spark.table(table).columns if name != "subject_id"]
# +            blank = dict.fromkeys(others, F.lit(None))
# +            is_theirs = F.col("subject_id") == subject
# +            DeltaTable.forName(spark, table).update(is_theirs, blank)

# %% similar_ids
# task: forget
# fails: test_people[similar]
# because: an id that begins like this one is deleted too
# breaks: All other rows stay as they are
# -            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)
# +            DeltaTable.forName(spark, table).delete(F.col("subject_id").startswith(subject))

# %% whole_household
# task: forget
# fails: test_people[household]
# because: a phone may be somebody else's too
# breaks: and those of people who share an address or a phone with the person.
# -            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)
# +            known = DeltaTable.forName(spark, table)
# +            theirs = known.toDF().where(F.col("subject_id") == subject)
# +            is_theirs = F.col("subject_id") == subject
# +            if "phone" in theirs.columns:
# +                phones = [row.phone for row in theirs.where("phone IS NOT NULL").collect()]
# +                is_theirs = is_theirs | F.col("phone").isin(phones)
# +            known.delete(is_theirs)

# %% deleted_by_email
# task: forget
# fails: test_history_names_nobody
# because: the predicate of a DELETE is in the history
# breaks: Nothing of the person gets into the log by the parameters of an operation
# -            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)
# +            known = DeltaTable.forName(spark, table)
# +            theirs = known.toDF().where(F.col("subject_id") == subject)
# +            emails = [row.email for row in theirs.select("email").collect()]
# +            known.delete(F.col("email").isin(emails))

# %% deleted_by_the_first_column
# task: forget
# fails: test_history_names_nobody
# because: names that make the DELETE read fewer files are in its predicate
# breaks: Nothing of the person gets into the log by the parameters of an operation
# -            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)
# +            is_theirs = F.col("subject_id") == subject
# +            rows, first = spark.table(table), F.col(spark.table(table).columns[0])
# +            values = [row[0] for row in rows.where(is_theirs).select(first).collect()]
# +            if values:
# +                is_theirs &= first.isNull() | first.isin(values)
# +            DeltaTable.forName(spark, table).delete(is_theirs)

# %% deleted_by_number
# task: forget
# fails: test_history_names_nobody
# because: a number that only this person has is in the predicate
# breaks: Nothing of the person gets into the log by the parameters of an operation
# -            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)
# +            is_theirs = F.col("subject_id") == subject
# +            rows, last = spark.table(table), F.col(spark.table(table).columns[-1])
# +            if dict(rows.dtypes)[rows.columns[-1]] == "bigint":
# +                for row in rows.where(is_theirs).select(last.alias("n")).distinct().collect():
# +                    DeltaTable.forName(spark, table).delete(is_theirs & last.eqNullSafe(row.n))
# +            DeltaTable.forName(spark, table).delete(is_theirs)

# %% overwritten_without_nulls
# task: forget
# fails: test_people[no_id], test_orders_of_others
# because: a row without an id is neither equal nor unequal
# breaks: All other rows stay as they are, also those without a `subject_id`
# -            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)
# +            kept = spark.table(table).where(F.col("subject_id") != subject)
# +            kept.write.format("delta").mode("overwrite").saveAsTable(table)

# %% overwritten_each_time
# task: forget
# fails: test_second_call
# because: each call writes the whole table
# breaks: A second call changes no row and writes no data file.
# -            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)
# +            kept = spark.table(table).where(~F.col("subject_id").eqNullSafe(F.lit(subject)))
# +            kept.write.format("delta").mode("overwrite").saveAsTable(table)

# %% made_again
# task: forget
# fails: test_same_tables
# because: the table is dropped and made again, without its history and properties
# breaks: A table stays what it is: columns, properties (but for two, below), features and history
# -            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)
# +            kept = spark.table(table).where(~F.col("subject_id").eqNullSafe(F.lit(subject)))
# +            rows = kept.localCheckpoint()
# +            spark.sql(f"DROP TABLE {table}")
# +            rows.write.format("delta").saveAsTable(table)

# %% log_for_thirty_days
# task: forget
# fails: test_the_log_forgets
# because: the log is kept for 30 days
# breaks: The log forgets by itself: `delta.logRetentionDuration` is `interval 1 days` after the
#   call.
# -                "'delta.logRetentionDuration' = 'interval 1 days', "
#

# %% log_alone
# task: forget
# fails: test_the_log_forgets
# outcome: error
# because: Delta refuses a log that is kept for less time than removed files
# breaks: `delta.deletedFileRetentionDuration` is `interval 1 days` too
# -                "'delta.logRetentionDuration' = 'interval 1 days', "
# -                "'delta.deletedFileRetentionDuration' = 'interval 1 days')"
# +                "'delta.logRetentionDuration' = 'interval 1 days')"

# %% nothing_kept
# task: forget
# fails: test_the_log_forgets
# because: every later VACUUM deletes what readers still need
# breaks: `delta.deletedFileRetentionDuration` is `interval 1 days` too
# -                "'delta.deletedFileRetentionDuration' = 'interval 1 days')"
# +                "'delta.deletedFileRetentionDuration' = 'interval 0 hours')"

# %% check_left_off
# task: forget
# fails: test_settings
# because: the next VACUUM in this session runs without the safety check
# breaks: The settings of the session are after the call as they were before it.
# -        if before is None:
# -            spark.conf.unset(check)
# -        else:
# -            spark.conf.set(check, before)
# +        pass

# %% check_on_in_any_case
# task: forget
# fails: test_settings
# because: a session that had the check off has it on after the call
# breaks: The settings of the session are after the call as they were before it.
# -        if before is None:
# -            spark.conf.unset(check)
# -        else:
# -            spark.conf.set(check, before)
# +        spark.conf.unset(check)

# %% texts_of_all_rows_joined
# task: bytes_left
# in: content
# fails: test_files[as_it_is]
# because: two texts side by side hold together what neither does
# breaks: also holds it if any text in it does
# -    return data + "\0".join(texts_in(rows)).encode()
# +    return data + " ".join(texts_in(rows)).encode()

# %% values_of_all_types
# task: bytes_left
# in: content
# fails: test_path_as_text
# because: a number and a null are no texts
# breaks: also holds it if any text in it does
# -    return data + "\0".join(texts_in(rows)).encode()
# +    return data + json.dumps(rows, default=str).encode()

# %% whole_by_its_ends
# task: bytes_left
# in: content
# fails: test_files[broken]
# outcome: error
# because: a file that begins and ends like a whole one may be broken, too
# breaks: A Parquet file that is broken, since its writer crashed, is searched by its bytes.
# -    if file.suffix != ".parquet":
# +    if file.suffix != ".parquet" or not (data[:4] == data[-4:] == b"PAR1"):
# -    try:
# -        rows = pq.read_table(pa.BufferReader(data)).to_pylist()
# -    except (OSError, pa.ArrowException):
# -        return data
# +    rows = pq.read_table(pa.BufferReader(data)).to_pylist()

# %% letters_of_all_scripts
# task: find_subject
# in: pattern_of
# fails: test_columns[whole]
# because: an accented letter and a raised digit are taken for a part of the word
# breaks: Letters are those of ASCII, digits are 0 to 9, blanks are spaces.
# -    return rf"(?i)(?<![A-Z0-9])(?:{'|'.join(loose)})(?![A-Z0-9])"
# +    return rf"(?i)(?<![\p{{L}}\p{{N}}])(?:{'|'.join(loose)})(?![\p{{L}}\p{{N}}])"

# %% any_sign_between
# task: find_subject
# in: pattern_of
# fails: test_columns[whole]
# because: a slash, a colon and an underscore do count
# breaks: Blanks and the characters `. - + ( )` do not count, neither in the text nor in the value
# -    gap = f"[{re.escape(IGNORED)}]*"
# +    gap = "[^A-Za-z0-9@]*"

# %% first_place_only
# task: find_subject
# in: pattern_of
# fails: test_columns[whole]
# because: behind a longer word the person is not looked for
# breaks: A value holds the person if it contains one of the texts, whatever else is in it.
# -    return rf"(?i)(?<![A-Z0-9])(?:{'|'.join(loose)})(?![A-Z0-9])"
# +    first = "|".join(rf"(?:(?!{one}).)*(?<![A-Z0-9]){one}(?![A-Z0-9])" for one in loose)
# +    return rf"(?is)^(?:{first})"

# %% texts_in_one_form
# task: tokenise
# in: token_of
# fails: test_different_values
# because: a letter with its accent and one with the accent behind it are two values
# breaks: A value of kind `text` has no other spelling.
# -        if not value:
# +        if value is not None and kind == "text":
# +            import unicodedata
# +
# +            value = unicodedata.normalize("NFC", value)
# +        if not value:

# %% domain_of_two_parts
# task: tokenise
# in: token_of
# fails: test_form_of_tokens
# because: a domain may have more than two parts
# breaks: The token of an `email` has `@` and the domain behind it
# -        return f"{code}@{value.partition('@')[2]}" if kind == "email" else code
# +        domain = ".".join(value.partition("@")[2].split(".")[-2:])
# +        return f"{code}@{domain}" if kind == "email" else code

# %% hours_are_short_enough
# task: forget
# fails: test_the_log_forgets
# because: a table that keeps removed files for hours is left as it is
# breaks: `delta.deletedFileRetentionDuration` is `interval 1 days` too
# -            spark.sql(
# -                f"ALTER TABLE {table} SET TBLPROPERTIES ("
# -                "'delta.logRetentionDuration' = 'interval 1 days', "
# -                "'delta.deletedFileRetentionDuration' = 'interval 1 days')"
# -            )
# +            of_files = "delta.deletedFileRetentionDuration"
# +            now = spark.sql(f"DESCRIBE DETAIL {table}").first().properties
# +            spark.sql(
# +                f"ALTER TABLE {table} SET TBLPROPERTIES ("
# +                "'delta.logRetentionDuration' = 'interval 1 days', "
# +                f"'{of_files}' = '{now.get(of_files, 'interval 1 days')}')"
# +            )

# %% texts_as_patterns
# task: bytes_left
# fails: test_files[as_it_is]
# because: in the texts of a Parquet file a dot stands for any character
# breaks: A needle is searched as it is: case, blanks and all.
# -        if file.is_file() and any(needle in content(file) for needle in wanted)
# +        if file.is_file()
# +        and any(
# +            re.search(needle.replace(b"+", rb"\+"), content(file))
# +            if file.suffix == ".parquet"
# +            else needle in content(file)
# +            for needle in wanted
# +        )

# %% no_needle_is_in_all
# task: bytes_left
# fails: test_path_as_text
# because: a pattern of no needles fits everywhere
# breaks: one for each file below the folder that holds any of the needles
# -        if file.is_file() and any(needle in content(file) for needle in wanted)
# +        if file.is_file() and re.search(b"|".join(map(re.escape, wanted)), content(file))

# %% first_mebibyte
# task: bytes_left
# fails: test_files[other]
# because: the end of a long file is not read
# breaks: A file holds a needle if the needle, as UTF-8, is anywhere in its bytes.
# in: content
# -    data = file.read_bytes()
# +    data = file.read_bytes()[: 2**20]

# %% start_of_what_is_packed
# task: bytes_left
# fails: test_files[packed]
# because: a small packed file may be long when it is unpacked
# breaks: A file whose name ends in `.gz` is searched unpacked.
# in: content
# -        return gzip.decompress(data)
# +        return gzip.decompress(data)[: 2**20]

# %% first_row_group
# task: bytes_left
# fails: test_files[pages]
# because: a Parquet file may have several groups of rows
# breaks: also holds it if any text in it does
# in: content
# -        rows = pq.read_table(pa.BufferReader(data)).to_pylist()
# +        rows = pq.ParquetFile(pa.BufferReader(data)).read_row_group(0).to_pylist()

# %% first_column
# task: bytes_left
# fails: test_files[pages]
# because: the other columns are not looked at
# breaks: also holds it if any text in it does
# in: content
# -        rows = pq.read_table(pa.BufferReader(data)).to_pylist()
# +        rows = pq.read_table(pa.BufferReader(data)).select([0]).to_pylist()

# %% broken_pages_stop_it
# task: bytes_left
# fails: test_files[broken]
# outcome: error
# because: a file that opens may have a page that nothing can read
# breaks: A Parquet file that is broken, since its writer crashed, is searched by its bytes.
# in: content
# -        rows = pq.read_table(pa.BufferReader(data)).to_pylist()
# +        opened = pq.ParquetFile(pa.BufferReader(data))
# -    return data + "\0".join(texts_in(rows)).encode()
# +    return data + "\0".join(texts_in(opened.read().to_pylist())).encode()

# %% five_newest_versions
# task: find_subject
# fails: test_columns[emptied]
# because: the history is read with a limit
# breaks: in any version of the table's history.
# -        versions = [row.version for row in DeltaTable.forName(spark, table).history().collect()]
# +        history = DeltaTable.forName(spark, table).history(5).collect()
# +        versions = [row.version for row in history]

# %% ten_newest_versions
# task: find_subject
# fails: test_another_person
# because: the history is read with a limit
# breaks: in any version of the table's history.
# -        versions = [row.version for row in DeltaTable.forName(spark, table).history().collect()]
# +        history = DeltaTable.forName(spark, table).history(10).collect()
# +        versions = [row.version for row in history]

# %% sum_of_no_rows
# task: find_subject
# fails: test_columns[emptied]
# because: a sum over a table without rows is null
# breaks: It is 0 if only older versions do.
def find_subject(spark: SparkSession, tables: list[str], subject: list[str]) -> DataFrame:
    pattern = pattern_of(subject)
    counts = []
    for table in tables:
        columns = [
            F.struct(
                F.lit(path).alias("column"),
                F.sum(F.coalesce(test(F.col(field.name)), F.lit(False)).cast("long")).alias("rows"),
            )
            for field in spark.table(table).schema
            for path, test in places(field.dataType, field.name, pattern)
        ]
        newest = DeltaTable.forName(spark, table).history(1).first().version
        counts += [
            spark.read.option("versionAsOf", version)
            .table(table)
            .agg(F.array(*columns).alias("found"))
            .select(
                F.lit(table).alias("table"),
                F.lit(version == newest).alias("is_newest"),
                F.inline("found"),
            )
            for version in range(newest + 1)
            if columns
        ]
    if not counts:
        return spark.createDataFrame([], "table string, column string, rows long, versions long")
    return (
        reduce(DataFrame.unionAll, counts)
        .groupBy("table", "column")
        .agg(
            F.max(F.when(F.col("is_newest"), F.col("rows"))).alias("rows"),
            F.count_if(F.col("rows") > 0).alias("versions"),
        )
        .where("versions > 0")
    )


# %% tabs_do_not_count
# task: find_subject
# in: pattern_of
# fails: test_columns[whole]
# because: a tab and the end of a line are no blanks
# breaks: Blanks and the characters `. - + ( )` do not count
# -    gap = f"[{re.escape(IGNORED)}]*"
# +    gap = f"[{re.escape(IGNORED)}\\s]*"

# %% gaps_where_the_text_has_them
# task: find_subject
# in: pattern_of
# fails: test_columns[spaced]
# because: a value may be grouped in another way than the text
# breaks: neither in the text nor in the value
# -    loose = [gap.join(re.escape(one) for one in text if one not in IGNORED) for text in texts]
# +    loose = [gap.join(map(re.escape, re.split(r"[ .+()-]+", text))) for text in texts]

# %% half_of_the_key
# task: tokenise
# in: token_of
# fails: test_tokens_need_the_key
# because: keys that differ behind their middle make the same tokens
# breaks: another key gives another token
# -        code = hmac.new(key, value.encode(), "sha256").hexdigest()
# +        code = hmac.new(key[:16], value.encode(), "sha256").hexdigest()

# %% end_of_the_key
# task: tokenise
# in: token_of
# fails: test_purposes_do_not_join
# because: keys that differ before their middle make the same tokens
# breaks: and so does another purpose.
# -        code = hmac.new(key, value.encode(), "sha256").hexdigest()
# +        code = hmac.new(key[16:], value.encode(), "sha256").hexdigest()

# %% key_in_lower_case
# task: tokenise
# in: token_of
# fails: test_purposes_do_not_join
# because: two keys that differ in the case of a letter make the same tokens
# breaks: another key gives another token
# -        code = hmac.new(key, value.encode(), "sha256").hexdigest()
# +        code = hmac.new(key.lower(), value.encode(), "sha256").hexdigest()

# %% first_characters
# task: tokenise
# in: token_of
# fails: test_different_values
# because: long values that begin alike have one token
# breaks: Different values have different tokens.
# -        code = hmac.new(key, value.encode(), "sha256").hexdigest()
# +        code = hmac.new(key, value.encode()[:256], "sha256").hexdigest()

# %% line_ends_trimmed
# task: tokenise
# in: token_of
# fails: test_different_values
# because: a text with the end of a line behind it is another text
# breaks: A value of kind `text` has no other spelling.
# -        code = hmac.new(key, value.encode(), "sha256").hexdigest()
# +        code = hmac.new(key, value.rstrip("\r\n").encode(), "sha256").hexdigest()

# %% own_retention_stays
# task: forget
# fails: test_the_log_forgets
# because: a table that was made with a retention of its log keeps it
# breaks: `delta.logRetentionDuration` is `interval 1 days` after the call.
# -            spark.sql(
# -                f"ALTER TABLE {table} SET TBLPROPERTIES ("
# -                "'delta.logRetentionDuration' = 'interval 1 days', "
# -                "'delta.deletedFileRetentionDuration' = 'interval 1 days')"
# -            )
# +            has = {row["key"] for row in spark.sql(f"SHOW TBLPROPERTIES {table}").collect()}
# +            wanted = ["'delta.deletedFileRetentionDuration' = 'interval 1 days'"]
# +            if "delta.logRetentionDuration" not in has:
# +                wanted.append("'delta.logRetentionDuration' = 'interval 1 days'")
# +            spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ({', '.join(wanted)})")

# %% vacuum_if_files_changed
# task: forget
# fails: test_files_of_no_version
# because: a call that replaces no file of the table leaves what others have left
# breaks: That means data files, change data, and files that no version of the table has any longer.
# -            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)
# +            files = set(spark.table(table).inputFiles())
# +            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)
# -            spark.sql(f"VACUUM {table} RETAIN 0 HOURS")
# +            if set(spark.table(table).inputFiles()) != files:
# +                spark.sql(f"VACUUM {table} RETAIN 0 HOURS")

# %% a_feature_more
# task: forget
# fails: test_same_tables
# because: a feature that a table gets keeps older readers and writers out
# breaks: A table stays what it is: columns, properties (but for two, below), features and history
# -                "'delta.logRetentionDuration' = 'interval 1 days', "
# +                "'delta.feature.domainMetadata' = 'supported', "
# +                "'delta.logRetentionDuration' = 'interval 1 days', "

# %% a_copy_for_the_auditor
# task: forget
# fails: test_change_data
# because: VACUUM passes over folders whose names begin with _
# breaks: No file in the table's folder holds anything of the person after the call
# -            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)
# +            place = spark.sql(f"DESCRIBE DETAIL {table}").first().location
# +            spark.table(table).where(F.col("subject_id") == subject).write.mode(
# +                "overwrite"
# +            ).parquet(f"{place}/_before")
# +            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)

# %% parquet_by_what_it_is
# task: bytes_left
# fails: test_files[none]
# because: a file without that name is opened as Parquet
# breaks: A Parquet file, by its name `*.parquet`, also holds it if any text in it does
# in: content
# -    if file.suffix != ".parquet":
# +    if file.suffix != ".parquet" and data[:4] != b"PAR1":

# %% packed_by_what_it_is
# task: bytes_left
# fails: test_files[none]
# because: a file without that name is unpacked
# breaks: A file whose name ends in `.gz` is searched unpacked.
# in: content
# -    if file.suffix == ".gz":
# +    if data[:2] == b"\x1f\x8b":

# %% names_are_searched
# task: bytes_left
# fails: test_files[none]
# because: a name that has the needle is no byte of the file
# breaks: A file holds a needle if the needle, as UTF-8, is anywhere in its bytes.
# -        if file.is_file() and any(needle in content(file) for needle in wanted)
# +        if file.is_file()
# +        and any(needle in str(file).encode() + content(file) for needle in wanted)

# %% folders_are_files
# task: bytes_left
# fails: test_files[deep]
# outcome: error
# because: a folder may have the name of a file, as Spark's have
# breaks: All files are read, at any depth
# -        if file.is_file() and any(needle in content(file) for needle in wanted)
# +        if file.suffix and any(needle in content(file) for needle in wanted)

# %% change_data_before_log
# task: bytes_left
# fails: test_files[checkpoint]
# because: the second row of the table that fits is taken before the first
# breaks: `where` is the first of these that fits:
# in: kind_of
# -    if "_delta_log" in file.parent.parts:
# +    if is_parquet and "_change_data" in file.parent.parts:
# +        return "change_data"
# +    if "_delta_log" in file.parent.parts:

# %% one_row_for_a_column
# task: find_subject
# fails: test_tables_and_paths
# because: columns of one name in two tables are added up
# breaks: There is one row for each table and column
# -        .groupBy("table", "column")
# -        .agg(
# +        .groupBy("column")
# +        .agg(
# +            F.max("table").alias("table"),
# -            F.count_distinct("version").alias("versions"),
# -        )
# +            F.count_distinct("version").alias("versions"),
# +        )
# +        .select("table", "column", "rows", "versions")

# %% two_signs_at_most
# task: find_subject
# in: pattern_of
# fails: test_columns[spaced]
# because: between two characters that count, at most two that do not are skipped
# breaks: Blanks and the characters `. - + ( )` do not count, neither in the text nor in the value
# -    gap = f"[{re.escape(IGNORED)}]*"
# +    gap = f"[{re.escape(IGNORED)}]{{0,2}}"

# %% capitals_of_the_text
# task: find_subject
# in: pattern_of
# fails: test_columns[spaced]
# because: a capital of the text is looked for as a capital
# breaks: Upper and lower case are the same.
# -    return rf"(?i)(?<![A-Z0-9])(?:{'|'.join(loose)})(?![A-Z0-9])"
# +    cased = "".join(
# +        f"[{one}{one.upper()}]" if one.islower() else one for one in "|".join(loose)
# +    )
# +    return rf"(?<![A-Za-z0-9])(?:{cased})(?![A-Za-z0-9])"

# %% ids_are_trimmed
# task: forget
# fails: test_people[similar]
# because: an id with a blank behind it is somebody else's
# breaks: All other rows stay as they are
# -            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)
# +            DeltaTable.forName(spark, table).delete(F.trim("subject_id") == subject)

# %% fields_of_these_names
# task: find_subject
# in: places
# fails: test_columns[structs], test_columns[maps]
# because: a field called element, key or value is taken for a part of an array or a map
# breaks: Columns of type string are searched, at any depth: in structs, arrays and maps.
# -            for field in what
# +            for field in what
# +            if field.name not in ("element", "key", "value")

# %% elements_joined
# task: find_subject
# in: places
# fails: test_columns[arrays]
# because: two elements side by side hold together what neither does
# breaks: A value holds the person if it contains one of the texts
# -    parts: list[tuple[str, DataType, Test]] = []
# +    if isinstance(what, ArrayType) and isinstance(what.elementType, StringType):
# +        joined = lambda value: F.array_join(value, " ").rlike(pattern)
# +        return [(f"{path}.element", joined)]
# +    parts: list[tuple[str, DataType, Test]] = []

# %% versions_that_changed_rows
# task: find_subject
# fails: test_columns[emptied], test_another_person
# because: a version that changes no row holds the person like the one before
# breaks: `versions` is the number of versions, the newest one included
# -        versions = [row.version for row in DeltaTable.forName(spark, table).history().collect()]
# +        history = DeltaTable.forName(spark, table).history().collect()
# +        quiet = ("OPTIMIZE", "SET TBLPROPERTIES")
# +        versions = [
# +            row.version
# +            for row in history
# +            if row.operation not in quiet or row.version == history[0].version
# +        ]

# %% vectors_left_off
# task: forget
# fails: test_no_byte_after_three_days
# because: a table that never had the property has it after the call, as false
# breaks: A table stays what it is: columns, properties (but for two, below), features and history
# -            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)
# +            vectors = "delta.enableDeletionVectors"
# +            had = spark.sql(f"DESCRIBE DETAIL {table}").first().properties.get(vectors, "false")
# +            spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('{vectors}' = 'false')")
# +            DeltaTable.forName(spark, table).delete(F.col("subject_id") == subject)
# -                "'delta.logRetentionDuration' = 'interval 1 days', "
# +                f"'{vectors}' = '{had}', 'delta.logRetentionDuration' = 'interval 1 days', "

# %% whole_by_its_end
# task: bytes_left
# fails: test_files[broken]
# outcome: error
# because: a writer that crashed after four bytes has left the mark of a whole file
# breaks: A Parquet file that is broken, since its writer crashed, is searched by its bytes.
def bytes_left(path: str | Path, needles: list[str]) -> list[tuple[str, str]]:
    root, wanted = Path(path), [needle.encode() for needle in needles]

    def holds(file: Path) -> bool:
        data = file.read_bytes()
        if file.suffix != ".parquet" or not data.endswith(b"PAR1"):
            data = content(file)
        elif not any(needle in data for needle in wanted):
            data = "\0".join(texts_in(pq.read_table(pa.BufferReader(data)).to_pylist())).encode()
        return any(needle in data for needle in wanted)

    return [
        (file.relative_to(root).as_posix(), kind_of(file.relative_to(root)))
        for file in root.rglob("*")
        if file.is_file() and holds(file)
    ]

# %% texts_without_a_gap
# task: bytes_left
# in: content
# fails: test_files[as_it_is]
# because: texts that are joined with nothing between hold what none of them holds
# breaks: A needle is searched as it is: case, blanks and all.
# -    return data + "\0".join(texts_in(rows)).encode()
# +    return data + "".join(texts_in(rows)).encode()

# %% packed_by_any_part_of_the_name
# task: bytes_left
# in: content
# fails: test_files[packed]
# because: the end of a name says how the file is read, not what stands before it
# breaks: A file whose name ends in `.gz` is searched unpacked.
# -    if file.suffix == ".gz":
# +    if ".gz" in file.name and data[:2] == b"\x1f\x8b":

# %% packed_by_its_pages
# task: bytes_left
# in: content
# fails: test_files[packed]
# because: Spark calls a Parquet file whose pages are packed `.gz.parquet`; it is no packed file
# breaks: A Parquet file, by its name `*.parquet`, also holds it if any text in it does
# -    if file.suffix == ".gz":
# -        return gzip.decompress(data)
# +    if ".gz" in file.suffixes:
# +        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data

# %% a_row_is_known_by_its_json
# task: find_subject
# fails: test_columns[twins]
# because: two rows that are alike in all columns count once
# breaks: `rows` is the number of rows of the newest version that hold the person in this column.
# -                F.inline(F.array(*tests)),
# +                F.to_json(F.struct("*")).alias("row"),
# +                F.inline(F.array(*tests)),
# -        .where("holds")
# +        .where("holds")
# +        .distinct()

# %% key_as_text
# task: tokenise
# in: token_of
# fails: test_tokens_need_the_key
# because: bytes that are no UTF-8 are dropped, so keys that differ in them make the same tokens
# breaks: another key gives another token
# -        code = hmac.new(key, value.encode(), "sha256").hexdigest()
# +        secret = key.decode(errors="ignore").encode()
# +        code = hmac.new(secret, value.encode(), "sha256").hexdigest()

# %% key_up_to_a_zero
# task: tokenise
# in: token_of
# fails: test_tokens_need_the_key
# because: as a text of C ends, a key ends at its first zero
# breaks: another key gives another token
# -        code = hmac.new(key, value.encode(), "sha256").hexdigest()
# +        code = hmac.new(key.partition(b"\0")[0], value.encode(), "sha256").hexdigest()

# %% first_key_is_the_master
# task: tokenise
# fails: test_tokens_need_the_key
# because: the first key makes those of all purposes, so a new one changes every token
# breaks: A token depends on the key of its purpose: another key gives another token
# -            name: token_of(kind, keys[purpose])(F.col(name))
# +            name: token_of(
# +                kind, hmac.digest(next(iter(keys.values())), purpose.encode(), "sha256")
# +            )(F.col(name))

# %% last_key_is_the_master
# task: tokenise
# fails: test_tokens_need_the_key
# because: the last key makes those of all purposes, so a new one of another purpose has no effect
# breaks: A token depends on the key of its purpose: another key gives another token
# -            name: token_of(kind, keys[purpose])(F.col(name))
# +            name: token_of(
# +                kind, hmac.digest(list(keys.values())[-1], purpose.encode(), "sha256")
# +            )(F.col(name))
