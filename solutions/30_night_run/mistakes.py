# %% replaces_the_day
# task: load_night
# fails: test_one_day_of_two_nights, test_nights_in_any_order, test_more_nights_in_any_order
# because: a day has rows of several nights; a repeat of one takes away what came late
# breaks: Rows of other nights stay, also those of the same day.
# -    replace(lake, "sales", list(found.values()), night=night)
# +    rows = list(found.values())
# +    days = {row["day"] for row in rows}
# +    kept = [row for row in read(lake, "sales") if row["day"] not in days]
# +    replace(lake, "sales", kept + rows)

# %% replaces_night_and_day
# task: load_night
# fails: test_a_night_again, test_nights_in_any_order, test_more_nights_in_any_order
# because: rows of a day that the corrected delivery no longer has stay
# breaks: Afterwards the rows of this night are those of its files, and nothing that it had before.
# -    replace(lake, "sales", list(found.values()), night=night)
# +    rows = list(found.values())
# +    orders = {row["order_id"] for row in rows}
# +    kept = [
# +        row
# +        for row in read(lake, "sales")
# +        if row["night"] != night or row["order_id"] not in orders
# +    ]
# +    replace(lake, "sales", kept + rows)

# %% appends
# task: load_night
# fails: test_a_night_again, test_a_lost_answer, test_nights_in_any_order
# because: the second try adds what the first had committed
# breaks: Afterwards the rows of this night are those of its files, and nothing that it had before.
# -    replace(lake, "sales", list(found.values()), night=night)
# +    append(lake, "sales", list(found.values()))

# %% appends_what_is_new
# task: load_night
# fails: test_a_night_again, test_nights_in_any_order, test_more_nights_in_any_order
# because: a sale that the shop took back stays
# breaks: Afterwards the rows of this night are those of its files, and nothing that it had before.
# -    replace(lake, "sales", list(found.values()), night=night)
# +    there = read(lake, "sales")
# +    append(lake, "sales", [row for row in found.values() if row not in there])

# %% skips_a_loaded_night
# task: load_night
# fails: test_a_night_again, test_nights_in_any_order, test_more_nights_in_any_order
# because: a corrected delivery is never read
# breaks: Afterwards the rows of this night are those of its files, and nothing that it had before.
# -    replace(lake, "sales", list(found.values()), night=night)
# +    if not any(row["night"] == night for row in read(lake, "sales")):
# +        replace(lake, "sales", list(found.values()), night=night)

# %% whole_table
# task: load_night
# fails: test_one_day_of_two_nights, test_nights_in_any_order
# because: the nights before are gone
# breaks: Rows of other nights stay, also those of the same day.
# -    replace(lake, "sales", list(found.values()), night=night)
# +    replace(lake, "sales", list(found.values()))

# %% deletes_then_appends
# task: load_night
# fails: test_one_commit
# because: between the two commits readers see a night without sales
# breaks: Each call makes one commit, in `sales`, also if it changes nothing.
# -    replace(lake, "sales", list(found.values()), night=night)
# +    replace(lake, "sales", [], night=night)
# +    append(lake, "sales", list(found.values()))

# %% a_commit_for_each_file
# task: load_night
# fails: test_one_commit, test_refused
# because: if the second file is bad, the first is there already
# breaks: Each call makes one commit, in `sales`, also if it changes nothing.
# -                found[tuple(sale.items())] = sale
# +                found[tuple(sale.items())] = sale
# +        replace(lake, "sales", list(found.values()), night=night)

# %% no_commit_without_a_change
# task: load_night
# fails: test_one_commit
# because: the log does not tell that the night was loaded again
# breaks: Each call makes one commit, in `sales`, also if it changes nothing.
# -    replace(lake, "sales", list(found.values()), night=night)
# +    if [row for row in read(lake, "sales") if row["night"] == night] != list(found.values()):
# +        replace(lake, "sales", list(found.values()), night=night)

# %% text_without_blanks
# task: load_night
# fails: test_rows_of_a_night
# because: what two systems write in two ways is no copy of a key any more
# breaks: `cents` is an `int`, all others are text as in the file.
# -                sale = {"night": night, **line, "cents": int(line["cents"])}
# +                line = {name: text.strip() for name, text in line.items()}
# +                sale = {"night": night, **line, "cents": int(line["cents"])}

# %% no_commit_without_rows
# task: load_night
# fails: test_a_night_without_sales
# because: what the night had before stays
# breaks: A folder without such files has no rows; that is no error.
# -    replace(lake, "sales", list(found.values()), night=night)
# +    if found:
# +        replace(lake, "sales", list(found.values()), night=night)

# %% no_commit_for_nothing
# task: load_night
# fails: test_a_night_without_sales
# because: the log does not tell that the night was loaded
# breaks: Each call makes one commit, in `sales`, also if it changes nothing.
# -    replace(lake, "sales", list(found.values()), night=night)
# +    if found or any(row["night"] == night for row in read(lake, "sales")):
# +        replace(lake, "sales", list(found.values()), night=night)

# %% no_files_is_an_error
# task: load_night
# fails: test_a_night_without_sales
# because: shops can be closed
# breaks: A folder without such files has no rows; that is no error.
# -    replace(lake, "sales", list(found.values()), night=night)
# +    if not found:
# +        raise ValueError("no sales")
# +    replace(lake, "sales", list(found.values()), night=night)

# %% missing_folder_is_empty
# task: load_night
# fails: test_refused
# because: a delivery that has not come looks like a day without sales
# breaks: If the folder does not exist, or `cents` of a line is not a whole number, it raises
#   `ValueError`, and nothing is committed.
# -    if not arrived.is_dir():
# -        raise ValueError(f"nothing arrived in the night {night}")
#

# %% missing_folder_raises_another
# task: load_night
# fails: test_refused
# because: the text names the error
# breaks: If the folder does not exist, or `cents` of a line is not a whole number, it raises
#   `ValueError`, and nothing is committed.
# -        raise ValueError(f"nothing arrived in the night {night}")
# +        raise FileNotFoundError(f"nothing arrived in the night {night}")

# %% bad_lines_are_left_out
# task: load_night
# fails: test_refused
# because: a sale is lost, and nobody hears of it
# breaks: If the folder does not exist, or `cents` of a line is not a whole number, it raises
#   `ValueError`, and nothing is committed.
# -                sale = {"night": night, **line, "cents": int(line["cents"])}
# +                if not line["cents"].lstrip("-").isdigit():
# +                    continue
# +                sale = {"night": night, **line, "cents": int(line["cents"])}

# %% cents_are_cut
# task: load_night
# fails: test_refused
# because: 12.5 becomes 12
# breaks: If the folder does not exist, or `cents` of a line is not a whole number, it raises
#   `ValueError`, and nothing is committed.
# -                sale = {"night": night, **line, "cents": int(line["cents"])}
# +                sale = {"night": night, **line, "cents": int(float(line["cents"]))}

# %% an_empty_amount_is_zero
# task: load_night
# fails: test_refused
# because: a sale for nothing is something else
# breaks: If the folder does not exist, or `cents` of a line is not a whole number, it raises
#   `ValueError`, and nothing is committed.
# -                sale = {"night": night, **line, "cents": int(line["cents"])}
# +                sale = {"night": night, **line, "cents": int(line["cents"] or 0)}

# %% cents_as_text
# task: load_night
# fails: test_rows_of_a_night
# because: sums of text are none
# breaks: `cents` is an `int`, all others are text as in the file.
# -                sale = {"night": night, **line, "cents": int(line["cents"])}
# +                sale = {"night": night, **line, "cents": f"{int(line['cents'])}"}

# %% order_without_zeros
# task: load_night
# fails: test_rows_of_a_night, test_equal_lines
# because: 007 becomes 7
# breaks: `cents` is an `int`, all others are text as in the file.
# -                sale = {"night": night, **line, "cents": int(line["cents"])}
# +                order = line["order_id"].lstrip("0")
# +                sale = {"night": night, **line, "cents": int(line["cents"]), "order_id": order}

# %% day_is_the_night
# task: load_night
# fails: test_rows_of_a_night, test_one_day_of_two_nights
# because: a late sale lands in the wrong day
# breaks: `day` is the day of the sale, also if that is not the night.
# -                sale = {"night": night, **line, "cents": int(line["cents"])}
# +                sale = {"night": night, **line, "day": night, "cents": int(line["cents"])}

# %% night_is_the_day
# task: load_night
# fails: test_rows_of_a_night, test_one_day_of_two_nights
# because: nobody knows any more which night loaded a late sale
# breaks: A row of `sales` has these four, and `night`: the night that loaded it.
# -                sale = {"night": night, **line, "cents": int(line["cents"])}
# +                sale = {"night": line["day"], **line, "cents": int(line["cents"])}

# %% late_sales_are_left_out
# task: load_night
# fails: test_rows_of_a_night, test_one_day_of_two_nights
# because: what came late never counts
# breaks: `day` is the day of the sale, also if that is not the night.
# -                found[tuple(sale.items())] = sale
# +                if sale["day"] == night:
# +                    found[tuple(sale.items())] = sale

# %% all_files
# task: load_night
# fails: test_rows_of_a_night
# because: returns are no sales
# breaks: loads all files `sales-*.csv` of the folder
# -    for path in sorted(arrived.glob("sales-*.csv")):
# +    for path in sorted(set(arrived.glob("*.csv")) - set(arrived.glob("customers.csv"))):

# %% one_file
# task: load_night
# fails: test_rows_of_a_night
# because: the other shops are missing
# breaks: loads all files `sales-*.csv` of the folder
# -    for path in sorted(arrived.glob("sales-*.csv")):
# +    for path in sorted(arrived.glob("sales-*.csv"))[:1]:

# %% one_row_for_each_order
# task: load_night
# fails: test_equal_lines, test_nights_in_any_order
# because: lines that differ are no copies
# breaks: Equal lines of the folder, in one file or in several, are one row.
# -                found[tuple(sale.items())] = sale
# +                found[sale["order_id"]] = sale

# %% copies_stay
# task: load_night
# fails: test_equal_lines, test_nights_in_any_order
# because: a file that was sent twice counts twice
# breaks: Equal lines of the folder, in one file or in several, are one row.
# -                found[tuple(sale.items())] = sale
# +                found[len(found)] = sale

# %% copies_within_a_file
# task: load_night
# fails: test_equal_lines, test_nights_in_any_order
# because: the copy can be in another file
# breaks: Equal lines of the folder, in one file or in several, are one row.
# -                found[tuple(sale.items())] = sale
# +                found[path.name, tuple(sale.items())] = sale

# %% copies_of_other_nights
# task: load_night
# fails: test_equal_lines
# because: another night's row is that night's own
# breaks: Rows of other nights stay, also those of the same day.
# -    replace(lake, "sales", list(found.values()), night=night)
# +    mine = [{**row, "night": ""} for row in found.values()]
# +    kept = [row for row in read(lake, "sales") if {**row, "night": ""} not in mine]
# +    kept = [row for row in kept if row["night"] != night]
# +    replace(lake, "sales", kept + list(found.values()))

# %% returns_the_table
# task: load_night
# fails: test_rows_of_a_night, test_a_night_again
# because: the number is of the night, not of all nights
# breaks: It returns the number of rows of the night.
# -    return len(found)
# +    return len(read(lake, "sales"))

# %% returns_the_lines
# task: load_night
# fails: test_equal_lines
# because: copies are no rows
# breaks: It returns the number of rows of the night.
# -    found = {}
# +    found, lines_read = {}, 0
# -                found[tuple(sale.items())] = sale
# +                found[tuple(sale.items())] = sale
# +                lines_read += 1
# -    return len(found)
# +    return lines_read

# %% hides_a_lost_answer
# task: load_night
# fails: test_a_lost_answer
# because: whether the commit stands is not known
# breaks: let that error
#   out, since the run tries again.
# -    replace(lake, "sales", list(found.values()), night=night)
# +    try:
# +        replace(lake, "sales", list(found.values()), night=night)
# +    except ConnectionError:
# +        pass

# %% newest_of_all
# task: build_night
# fails: test_history[repeat]
# because: a repeat builds on the history of a later night
# breaks: `before` is the history of the newest earlier night whose audit passed.
# -    base = max(good, default=None)
# +    base = max((row["night"] for row in read(lake, "audits") if row["passed"]), default=None)

# %% newest_history
# task: build_night
# fails: test_history[held]
# because: the night was held; so is what it says of customers
# breaks: `before` is the history of the newest earlier night whose audit passed.
# -    base = max(good, default=None)
# +    base = max((r["night"] for r in read(lake, "history") if r["night"] < night), default=None)

# %% the_night_before_alone
# task: build_night
# fails: test_history[newest], test_history[held]
# because: if the night before was held, all history is lost
# breaks: `before` is the history of the newest earlier night whose audit passed.
# -    base = max(good, default=None)
# +    base = f"{datetime.fromisoformat(night) - timedelta(days=1):%Y-%m-%d}"
# +    base = base if base in good else None

# %% oldest_history
# task: build_night
# fails: test_history[newest], test_lakes_at_random
# because: it is the first of all, not the last before this
# breaks: `before` is the history of the newest earlier night whose audit passed.
# -    base = max(good, default=None)
# +    base = min(good, default=None)

# %% last_row_of_the_audits
# task: build_night
# fails: test_history[repeat], test_lakes_at_random, test_more_lakes
# because: a repeat writes its audit last
# breaks: `before` is the history of the newest earlier night whose audit passed.
# -    base = max(good, default=None)
# +    base = good[-1] if good else None

# %% itself
# task: build_night
# fails: test_history[itself]
# because: a second call builds on what the first one made
# breaks: `before` is the history of the newest earlier night whose audit passed.
# -    base = max(good, default=None)
# +    upto = [row["night"] for row in read(lake, "audits") if row["passed"]]
# +    base = max((each for each in upto if each <= night), default=None)

# %% all_histories
# task: build_night
# fails: test_history[newest], test_history[held]
# because: each night has the whole history
# breaks: `before` is the history of the newest earlier night whose audit passed.
# -    before = [row for row in read(lake, "history") if row["night"] == base]
# +    before = [row for row in read(lake, "history") if row["night"] in good]

# %% current_rows_alone
# task: build_night
# fails: test_history[newest], test_city_of_the_day, test_lakes_at_random
# because: the cities of earlier days are lost
# breaks: It is what `apply_snapshot` makes of the customers that arrived in this night.
# -    replace(lake, "history", history, night=night)
# +    history = [row for row in history if row["valid_to"] is None]
# +    replace(lake, "history", history, night=night)

# %% customers_of_the_base
# task: build_night
# fails: test_no_customers, test_history[newest]
# because: who moved tonight moves a night late
# breaks: It is what `apply_snapshot` makes of the customers that arrived in this night.
# -    history = apply_snapshot(before, customers_of(landing, night), night)
# +    there = Path(landing, f"night={base}", "customers.csv").exists()
# +    history = apply_snapshot(before, customers_of(landing, base) if there else [], night)

# %% any_history_if_none_passed
# task: build_night
# fails: test_history[none]
# because: it begins with what was held
# breaks: If there is none, it is
#   empty.
# -    base = max(good, default=None)
# +    base = max(good, default=min((r["night"] for r in read(lake, "history")), default=None))

# %% held_rows_count
# task: build_night
# fails: test_what_counts[held], test_what_counts[unaudited], test_an_order_twice
# because: the gate kept them out for one morning only
# breaks: It counts the sales of this night, whatever its audit said before, and of each earlier
#   night whose audit passed.
# -    sales = [row for row in read(lake, "sales") if row["night"] in {night, *good}]
# +    sales = [row for row in read(lake, "sales") if row["night"] <= night]

# %% all_but_held
# task: build_night
# fails: test_what_counts[unaudited], test_lakes_at_random
# because: a night that nobody audited can be as bad
# breaks: No others count: neither later nights nor nights without an audit.
# -    sales = [row for row in read(lake, "sales") if row["night"] in {night, *good}]
# +    bad = {row["night"] for row in read(lake, "audits") if not row["passed"]} - {night}
# +    sales = [r for r in read(lake, "sales") if r["night"] <= night and r["night"] not in bad]

# %% later_nights_count
# task: build_night
# fails: test_what_counts[later], test_lakes_at_random
# because: a repeat of an old night has sales of newer ones
# breaks: No others count: neither later nights nor nights without an audit.
# -    sales = [row for row in read(lake, "sales") if row["night"] in {night, *good}]
# +    passed = {row["night"] for row in read(lake, "audits") if row["passed"]}
# +    sales = [row for row in read(lake, "sales") if row["night"] in {night, *passed}]

# %% own_night_if_it_passed
# task: build_night
# fails: test_what_counts[own], test_what_counts[alone], test_what_counts[held]
# because: its audit comes after this step
# breaks: It counts the sales of this night, whatever its audit said before
# -    sales = [row for row in read(lake, "sales") if row["night"] in {night, *good}]
# +    passed = {row["night"] for row in read(lake, "audits") if row["passed"]}
# +    sales = [r for r in read(lake, "sales") if r["night"] in passed and r["night"] <= night]

# %% own_night_unless_it_failed
# task: build_night
# fails: test_what_counts[own]
# because: the corrected night can never pass
# breaks: It counts the sales of this night, whatever its audit said before
# -    sales = [row for row in read(lake, "sales") if row["night"] in {night, *good}]
# +    failed = {row["night"] for row in read(lake, "audits") if not row["passed"]}
# +    sales = [r for r in read(lake, "sales") if r["night"] in {night, *good} - failed]

# %% own_night_alone
# task: build_night
# fails: test_what_counts[held], test_what_counts[later], test_lakes_at_random
# because: readers get the report of the last night, and miss all others
# breaks: and of each earlier night whose audit passed.
# -    sales = [row for row in read(lake, "sales") if row["night"] in {night, *good}]
# +    sales = [row for row in read(lake, "sales") if row["night"] == night]

# %% base_and_own
# task: build_night
# fails: test_what_counts[later], test_what_counts[held], test_lakes_at_random
# because: two nights are not all
# breaks: and of each earlier night whose audit passed.
# -    sales = [row for row in read(lake, "sales") if row["night"] in {night, *good}]
# +    sales = [row for row in read(lake, "sales") if row["night"] in {night, base}]

# %% orders_twice
# task: build_night
# fails: test_an_order_twice, test_lakes_at_random, test_more_lakes
# because: a sale that was delivered again counts twice
# breaks: An order that several of these nights loaded counts once, as the latest of them has it.
# -    latest = {row["order_id"]: row for row in sorted(sales, key=lambda row: row["night"])}
# +    latest = dict(enumerate(sales))

# %% first_of_an_order
# task: build_night
# fails: test_an_order_twice, test_lakes_at_random
# because: the shop has corrected the sale
# breaks: An order that several of these nights loaded counts once, as the latest of them has it.
# -    latest = {row["order_id"]: row for row in sorted(sales, key=lambda row: row["night"])}
# +    newest_first = sorted(sales, key=lambda row: row["night"], reverse=True)
# +    latest = {row["order_id"]: row for row in newest_first}

# %% last_row_of_an_order
# task: build_night
# fails: test_an_order_twice, test_lakes_at_random
# because: rows of a table have no order; a repeat writes an old night last
# breaks: An order that several of these nights loaded counts once, as the latest of them has it.
# -    latest = {row["order_id"]: row for row in sorted(sales, key=lambda row: row["night"])}
# +    latest = {row["order_id"]: row for row in sales}

# %% last_day_of_an_order
# task: build_night
# fails: test_an_order_twice, test_lakes_at_random
# because: the day of a sale does not say which night is later
# breaks: An order that several of these nights loaded counts once, as the latest of them has it.
# -    latest = {row["order_id"]: row for row in sorted(sales, key=lambda row: row["night"])}
# +    latest = {row["order_id"]: row for row in sorted(sales, key=lambda row: row["day"])}

# %% latest_of_all_nights
# task: build_night
# fails: test_an_order_twice, test_lakes_at_random
# because: an order of a held night takes away the good one of a night before
# breaks: An order that several of these nights loaded counts once, as the latest of them has it.
# -    sales = [row for row in read(lake, "sales") if row["night"] in {night, *good}]
# +    sales = [row for row in read(lake, "sales") if row["night"] <= night]
# -    for sale in latest.values():
# +    for sale in [row for row in latest.values() if row["night"] in {night, *good}]:

# %% city_of_the_night
# task: build_night
# fails: test_city_of_the_day, test_lakes_at_random
# because: a late sale counts in the city that the customer moved to since
# breaks: A sale's city is that of its customer on the day of the sale, by this night's history.
# -        place = sale["day"], city_on(history, sale["customer"], sale["day"])
# +        place = sale["day"], city_on(history, sale["customer"], night)

# %% city_of_its_night
# task: build_night
# fails: test_city_of_the_day, test_lakes_at_random
# because: the night that loaded a sale is not its day
# breaks: A sale's city is that of its customer on the day of the sale, by this night's history.
# -        place = sale["day"], city_on(history, sale["customer"], sale["day"])
# +        place = sale["day"], city_on(history, sale["customer"], sale["night"])

# %% city_by_the_base
# task: build_night
# fails: test_city_of_the_day, test_what_counts[alone]
# because: who is new or moved tonight is not in it
# breaks: A sale's city is that of its customer on the day of the sale, by this night's history.
# -        place = sale["day"], city_on(history, sale["customer"], sale["day"])
# +        place = sale["day"], city_on(before, sale["customer"], sale["day"])

# %% city_by_todays_customers
# task: build_night
# fails: test_city_of_the_day, test_lakes_at_random
# because: an old report changes with each move
# breaks: A sale's city is that of its customer on the day of the sale, by this night's history.
# -    orders, cents = Counter(), Counter()
# +    today = {row["customer"]: row["city"] for row in customers_of(landing, night)}
# +    orders, cents = Counter(), Counter()
# -        place = sale["day"], city_on(history, sale["customer"], sale["day"])
# +        place = sale["day"], today.get(sale["customer"], "unknown")

# %% day_of_the_night
# task: build_night
# fails: test_city_of_the_day, test_lakes_at_random
# because: a late sale counts on the wrong day
# breaks: There is one row for each day and city that has sales.
# -        place = sale["day"], city_on(history, sale["customer"], sale["day"])
# +        place = sale["night"], city_on(history, sale["customer"], sale["day"])

# %% known_customers_only
# task: build_night
# fails: test_city_of_the_day, test_lakes_at_random
# because: sales of a customer whom nobody knows yet are sales
# breaks: There is one row for each day and city that has sales.
# -        orders[place] += 1
# +        if place[1] == "unknown":
# +            continue
# +        orders[place] += 1

# %% cents_for_orders
# task: build_night
# fails: test_what_counts[alone], test_city_of_the_day
# because: the number of sales is not the number of cents
# breaks: `orders` is the number of sales, `cents` their sum.
# -        orders[place] += 1
# +        orders[place] += sale["cents"]

# %% customers_for_orders
# task: build_night
# fails: test_city_of_the_day, test_lakes_at_random
# because: a customer can buy twice a day
# breaks: `orders` is the number of sales, `cents` their sum.
# -    orders, cents = Counter(), Counter()
# +    orders, cents, seen = Counter(), Counter(), set()
# -        orders[place] += 1
# +        orders[place] += (place, sale["customer"]) not in seen
# +        seen.add((place, sale["customer"]))

# %% overwrites_other_reports
# task: build_night
# fails: test_other_nights_stay
# because: what was served from them can't be looked at any more
# breaks: Other nights' rows stay, and a second call leaves the same rows as the first.
# -    replace(lake, "report", report, night=night)
# +    replace(lake, "report", report)

# %% overwrites_other_histories
# task: build_night
# fails: test_other_nights_stay
# because: a repeat of an older night finds nothing to build on
# breaks: Other nights' rows stay, and a second call leaves the same rows as the first.
# -    replace(lake, "history", history, night=night)
# +    replace(lake, "history", history)

# %% appends_the_report
# task: build_night
# fails: test_other_nights_stay
# because: the second call doubles the night
# breaks: Other nights' rows stay, and a second call leaves the same rows as the first.
# -    replace(lake, "report", report, night=night)
# +    append(lake, "report", report)

# %% replaces_places
# task: build_night
# fails: test_other_nights_stay
# because: a day and city without sales any more stays in the report
# breaks: Other nights' rows stay, and a second call leaves the same rows as the first.
# -    replace(lake, "report", report, night=night)
# +    mine = {(row["night"], row["day"], row["city"]) for row in report}
# +    there = read(lake, "report")
# +    kept = [row for row in there if (row["night"], row["day"], row["city"]) not in mine]
# +    replace(lake, "report", kept + report)

# %% no_commit_of_an_empty_report
# task: build_night
# fails: test_an_empty_night
# because: what the night had before stays
# breaks: Each call makes one commit in each of the two, also if it changes nothing, and none
#   elsewhere.
# -    replace(lake, "report", report, night=night)
# +    if report:
# +        replace(lake, "report", report, night=night)

# %% no_commit_of_the_same_report
# task: build_night
# fails: test_commits_of_a_build
# because: the log does not tell that the night was built again
# breaks: Each call makes one commit in each of the two, also if it changes nothing, and none
#   elsewhere.
# -    replace(lake, "report", report, night=night)
# +    if [row for row in read(lake, "report") if row["night"] == night] != report:
# +        replace(lake, "report", report, night=night)

# %% deletes_first
# task: build_night
# fails: test_commits_of_a_build, test_no_customers
# because: if the next step fails, the night is gone
# breaks: Each call makes one commit in each of the two, also if it changes nothing, and none
#   elsewhere.
# -    base = max(good, default=None)
# +    base = max(good, default=None)
# +    replace(lake, "report", [], night=night)

# %% audits_itself
# task: build_night
# fails: test_commits_of_a_build
# because: the gate is a step of its own, that can stop the run
# breaks: Each call makes one commit in each of the two, also if it changes nothing, and none
#   elsewhere.
# -    replace(lake, "report", report, night=night)
# +    replace(lake, "report", report, night=night)
# +    audit(lake, night)

# %% goes_on_without_customers
# task: build_night
# fails: test_no_customers
# because: the night's moves are missing, and nobody hears of it
# breaks: If the night's folder has no `customers.csv`, it raises `FileNotFoundError`, and nothing is
#   committed.
# -    history = apply_snapshot(before, customers_of(landing, night), night)
# +    there = Path(landing, f"night={night}", "customers.csv").exists()
# +    history = apply_snapshot(before, customers_of(landing, night) if there else [], night)

# %% returns_all_rows
# task: build_night
# fails: test_what_counts[held], test_lakes_at_random
# because: the number is of the report
# breaks: It returns the number of the night's rows in `report`.
# -    return len(report)
# +    return len(history) + len(report)

# %% hides_a_lost_report
# task: build_night
# fails: test_a_lost_build[report]
# because: whether the commit stands is not known
# breaks: let that error
#   out, since the run tries again.
# -    replace(lake, "report", report, night=night)
# +    try:
# +        replace(lake, "report", report, night=night)
# +    except ConnectionError:
# +        print("lost")

# %% hides_a_lost_history
# task: build_night
# fails: test_a_lost_build[history]
# because: whether the commit stands is not known
# breaks: let that error
#   out, since the run tries again.
# -    replace(lake, "history", history, night=night)
# +    try:
# +        replace(lake, "history", history, night=night)
# +    except ConnectionError:
# +        print("lost")

# %% today
# task: build_dag
# fails: test_a_good_night
# because: a repeat of an old night loads tonight's folder
# breaks: All tasks are about one night: that of the run's data interval, by `night_of`.
# -            return load_night(landing, lake, night_of(data_interval_start, data_interval_end))
# +            return load_night(landing, lake, f"{datetime.now(ZoneInfo(TIMEZONE)):%Y-%m-%d}")

# %% logical_date
# task: build_dag
# fails: test_a_good_night
# because: of a run that somebody starts it is the time of the start
# breaks: The clock does not count, nor does `logical_date`.
# -        def load(data_interval_start=None, data_interval_end=None):
# -            return load_night(landing, lake, night_of(data_interval_start, data_interval_end))
# +        def load(logical_date=None):
# +            return load_night(landing, lake, f"{logical_date:%Y-%m-%d}")

# %% day_before_the_logical_date
# task: build_dag
# fails: test_a_bad_batch, test_the_next_night
# because: of a run that the scheduler starts it is the midnight at which the night begins
# breaks: The clock does not count, nor does `logical_date`.
# -        def load(data_interval_start=None, data_interval_end=None):
# -            return load_night(landing, lake, night_of(data_interval_start, data_interval_end))
# +        def load(logical_date=None):
# +            before = logical_date.astimezone(ZoneInfo(TIMEZONE)) - timedelta(days=1)
# +            return load_night(landing, lake, f"{before:%Y-%m-%d}")

# %% account_of_the_day_before
# task: build_dag
# fails: test_notes[bad], test_notes[nothing]
# because: of a run that the scheduler starts it is the midnight at which the night begins
# breaks: The clock does not count, nor does `logical_date`.
# -        def account(data_interval_start=None, data_interval_end=None):
# -            note(lake, night_of(data_interval_start, data_interval_end))
# +        def account(logical_date=None):
# +            before = logical_date.astimezone(ZoneInfo(TIMEZONE)) - timedelta(days=1)
# +            note(lake, f"{before:%Y-%m-%d}")

# %% date_in_utc
# task: build_dag
# fails: test_a_good_night
# because: midnight in Berlin is the evening before in UTC
# breaks: All tasks are about one night: that of the run's data interval, by `night_of`.
# -            return load_night(landing, lake, night_of(data_interval_start, data_interval_end))
# +            return load_night(landing, lake, f"{data_interval_start:%Y-%m-%d}")

# %% daily
# task: build_dag
# fails: test_intervals
# because: in Airflow 3 it has no interval
# breaks: each data interval is from one midnight in `TIMEZONE` to the next
# -        schedule=CronDataIntervalTimetable("0 0 * * *", timezone=TIMEZONE),
# +        schedule="@daily",

# %% nights_of_utc
# task: build_dag
# fails: test_intervals
# because: days of UTC are no days of the shop
# breaks: each data interval is from one midnight in `TIMEZONE` to the next
# -        schedule=CronDataIntervalTimetable("0 0 * * *", timezone=TIMEZONE),
# +        schedule=CronDataIntervalTimetable("0 0 * * *", timezone="UTC"),

# %% start_that_moves
# task: build_dag
# fails: test_intervals, test_another_dag
# because: each time the file is read the first night is another one
# breaks: the
#   first is the day `config["start_date"]`.
# -        start_date=pendulum.parse(config["start_date"], tz=TIMEZONE),
# +        start_date=pendulum.now(TIMEZONE).subtract(days=1),

# %% catches_up
# task: build_dag
# fails: test_runs_at_once
# because: the first deployment runs all past nights
# breaks: `catchup` is off, and one run at most is active at the same time.
# -        catchup=False,
# +        catchup=True,

# %% sixteen_nights_at_once
# task: build_dag
# fails: test_runs_at_once
# because: nights that build on each other build at once
# breaks: `catchup` is off, and one run at most is active at the same time.
# -        max_active_runs=1,
#

# %% one_task_at_once
# task: build_dag
# fails: test_runs_at_once
# because: two nights can take turns, task by task
# breaks: `catchup` is off, and one run at most is active at the same time.
# -        max_active_runs=1,
# +        max_active_tasks=1,

# %% retries_for_all
# task: build_dag
# fails: test_retries
# because: the gate is tried again, with the same rows
# breaks: `gate` has none: another try finds the same rows.
# -        @task(retries=0)
# +        @task(**again)

# %% build_without_retries
# task: build_dag
# fails: test_retries, test_lost_answers
# because: one lost answer costs the night
# breaks: `load`, `build` and `publish` have `config["retries"]` retries
# -        @task(**again)
# -        def build(data_interval_start=None, data_interval_end=None):
# +        @task
# +        def build(data_interval_start=None, data_interval_end=None):

# %% retries_by_heart
# task: build_dag
# fails: test_retries, test_nothing_arrived
# because: other settings ask for other retries
# breaks: `load`, `build` and `publish` have `config["retries"]` retries
# -        "retries": config["retries"],
# +        "retries": 2,

# %% seconds_by_heart
# task: build_dag
# fails: test_retries
# because: other settings ask for another delay
# breaks: each after
#   `config["retry_seconds"]`.
# -        "retry_delay": timedelta(seconds=config["retry_seconds"]),
# +        "retry_delay": timedelta(minutes=5),

# %% waits_longer_each_time
# task: build_dag
# fails: test_retries
# because: the settings say otherwise
# breaks: each after
#   `config["retry_seconds"]`.
# -        "retry_delay": timedelta(seconds=config["retry_seconds"]),
# +        "retry_delay": timedelta(seconds=config["retry_seconds"]),
# +        "retry_exponential_backoff": 2.0,

# %% token_at_the_top
# task: build_dag
# fails: test_building_touches_nothing
# because: the scheduler needs the token, and a new one takes effect late
# breaks: To build it reads no file and not the token, and connects to nothing.
# -    landing, lake = config["landing"], config["lake"]
# +    landing, lake = config["landing"], config["lake"]
# +    token = os.environ.get(config["token_variable"], "")
# -                publish(lake, night, os.environ[config["token_variable"]])
# +                publish(lake, night, os.environ.get(config["token_variable"]) or token)

# %% token_as_an_argument
# task: build_dag
# fails: test_building_touches_nothing, test_the_token
# because: arguments are in the database, and in the UI
# breaks: The token is in no argument and no rendered field of a task.
# -        def serve(data_interval_start=None, data_interval_end=None):
# +        def serve(token, data_interval_start=None, data_interval_end=None):
# -                publish(lake, night, os.environ[config["token_variable"]])
# +                publish(lake, night, token)
# -        steps = load() >> build() >> gate() >> serve()
# +        served_now = serve(os.environ.get(config["token_variable"], ""))
# +        steps = load() >> build() >> gate() >> served_now

# %% token_handed_on
# task: build_dag
# fails: test_no_secret
# because: what a task hands on is an argument of the next, and is kept
# breaks: The token is in no argument and no rendered field of a task.
# -        def serve(data_interval_start=None, data_interval_end=None):
# +        def serve(token, data_interval_start=None, data_interval_end=None):
# -                publish(lake, night, os.environ[config["token_variable"]])
# +                publish(lake, night, token or os.environ[config["token_variable"]])
# -        steps = load() >> build() >> gate() >> serve()
# +        @task
# +        def credentials():
# +            return os.environ.get(config["token_variable"], "")
# +
# +        steps = load() >> build() >> gate() >> serve(credentials())

# %% name_of_the_token
# task: build_dag
# fails: test_the_token
# because: the variable's name is not its value
# breaks: `publish` calls `publish` with the token, which is in the environment variable
#   `config["token_variable"]`.
# -                publish(lake, night, os.environ[config["token_variable"]])
# +                publish(lake, night, config["token_variable"])

# %% lists_the_landing
# task: build_dag
# fails: test_building_touches_nothing
# because: Airflow lists the storage each time it reads the file
# breaks: To build it reads no file and not the token, and connects to nothing.
# -    landing, lake = config["landing"], config["lake"]
# +    landing, lake = config["landing"], config["lake"]
# +    print(len(os.listdir(landing)))

# %% asks_for_a_variable
# task: build_dag
# fails: test_building_touches_nothing
# because: Airflow asks its database each time it reads the file
# breaks: To build it reads no file and not the token, and connects to nothing.
# -    landing, lake = config["landing"], config["lake"]
# +    from airflow.sdk import Variable
# +
# +    landing, lake = config["landing"], Variable.get("lake", default=config["lake"])

# %% gate_beside_publish
# task: build_dag
# fails: test_a_bad_batch
# because: what it stops is served already
# breaks: `load`, `build`, `gate` and `publish` start in this order, each only if the one before
#   succeeded.
# -        steps = load() >> build() >> gate() >> serve()
# +        steps = serve()
# +        built = load() >> build()
# +        built >> steps
# +        built >> gate() >> published()

# %% gate_after_publish
# task: build_dag
# fails: test_a_bad_batch
# because: it tells of a bad batch that readers have
# breaks: `load`, `build`, `gate` and `publish` start in this order, each only if the one before
#   succeeded.
# -        steps = load() >> build() >> gate() >> serve()
# +        steps = load() >> build() >> serve() >> gate()

# %% gate_beside_build
# task: build_dag
# fails: test_not_built
# because: a night that was not built passes its audit
# breaks: `load`, `build`, `gate` and `publish` start in this order, each only if the one before
#   succeeded.
# -        steps = load() >> build() >> gate() >> serve()
# +        loaded, checked, steps = load(), gate(), serve()
# +        loaded >> [build(), checked] >> steps

# %% publishes_whatever
# task: build_dag
# fails: test_a_bad_batch
# because: a gate that failed stops nothing
# breaks: `load`, `build`, `gate` and `publish` start in this order, each only if the one before
#   succeeded.
# -        @task(task_id="publish", **again)
# +        @task(task_id="publish", trigger_rule="all_done", **again)

# %% gate_that_warns
# task: build_dag
# fails: test_a_bad_batch
# because: a warning in a log holds nothing back
# breaks: `gate` calls `audit`, and fails if that returns reasons.
# -                raise ValueError("; ".join(reasons))
# +                print("; ".join(reasons))

# %% gate_that_skips
# task: build_dag
# fails: test_a_bad_batch, test_the_run_fails[bad]
# because: a run with skipped tasks is green
# breaks: `gate` calls `audit`, and fails if that returns reasons.
# -            if reasons:
# +            from airflow.sdk.exceptions import AirflowSkipException
# +
# +            if reasons:
# +                raise AirflowSkipException("; ".join(reasons))
# +            if reasons:

# %% last_task_hides_it
# task: build_dag
# fails: test_the_run_fails[bad], test_the_run_fails[nothing], test_the_run_fails[no_customers],
#   test_the_run_fails[no_token]
# because: the one leaf has succeeded
# breaks: The run fails if one of these four fails.
# -        steps >> published()
#

# %% leaf_after_the_gate
# task: build_dag
# fails: test_the_run_fails[no_token]
# because: of a publish that failed it knows nothing
# breaks: The run fails if one of these four fails.
# -        steps = load() >> build() >> gate() >> serve()
# +        checked = gate()
# +        steps = load() >> build() >> checked >> serve()
# -        steps >> published()
# +        checked >> published()

# %% always_red
# task: build_dag
# fails: test_a_good_night
# because: nobody looks at a run that is red each night
# breaks: It succeeds if all tasks succeed.
# -        @task
# -        def published():
# -            """A leaf that is red when a task before it is."""
# +        @task(trigger_rule="all_done")
# +        def published(data_interval_start=None, data_interval_end=None):
# +            night = night_of(data_interval_start, data_interval_end)
# +            if not [row for row in read(lake, "notes") if row["night"] == night and row["held"]]:
# +                raise ValueError("nothing was held")

# %% account_of_good_nights
# task: build_dag
# fails: test_notes[bad], test_notes[nothing], test_notes[no_customers], test_notes[no_token]
# because: the mornings that somebody asks about are missing
# breaks: `account` calls `note` once these four have ended, whatever became of them.
# -        @task(trigger_rule="all_done")
# +        @task

# %% account_whenever
# task: build_dag
# fails: test_notes[first]
# because: this rule does not wait: it says what was served before the run
# breaks: `account` calls `note` once these four have ended, whatever became of them.
# -        @task(trigger_rule="all_done")
# +        @task(trigger_rule="always")

# %% account_of_first_runs
# task: build_dag
# fails: test_notes[corrected]
# because: nobody can tell when a repeat was there
# breaks: `account` calls `note` once these four have ended, whatever became of them.
# -            note(lake, night_of(data_interval_start, data_interval_end))
# +            night = night_of(data_interval_start, data_interval_end)
# +            if not any(row["night"] == night for row in read(lake, "notes")):
# +                note(lake, night)

# %% account_without_failures
# task: build_dag
# fails: test_notes[nothing], test_notes[no_token]
# because: a night that failed has no note
# breaks: `account` calls `note` once these four have ended, whatever became of them.
# -        @task(trigger_rule="all_done")
# +        @task(trigger_rule="none_failed")

# %% account_at_once
# task: build_dag
# fails: test_account_comes_last
# because: it says what was served before the run
# breaks: `account` calls `note` once these four have ended, whatever became of them.
# -        steps >> account()
# +        account()

# %% account_after_the_gate
# task: build_dag
# fails: test_account_comes_last
# because: it can say what was served before the publish
# breaks: `account` calls `note` once these four have ended, whatever became of them.
# -        steps = load() >> build() >> gate() >> serve()
# -        steps >> account()
# +        checked = gate()
# +        steps = load() >> build() >> checked >> serve()
# +        checked >> account()

# %% an_older_night_is_served
# task: build_dag
# fails: test_a_repeat_of_an_older_night
# because: readers lose the nights since
# breaks: If a later night is served, it does not publish, and does not fail.
# -            if now is None or now["night"] <= night:
# -                publish(lake, night, os.environ[config["token_variable"]])
# +            publish(lake, night, os.environ[config["token_variable"]])

# %% an_older_night_fails
# task: build_dag
# fails: test_a_repeat_of_an_older_night
# because: the repeat is good, and its run is red
# breaks: If a later night is served, it does not publish, and does not fail.
# -            if now is None or now["night"] <= night:
# -                publish(lake, night, os.environ[config["token_variable"]])
# +            if now is not None and now["night"] > night:
# +                raise ValueError(f"{now['night']} is served")
# +            publish(lake, night, os.environ[config["token_variable"]])

# %% the_same_night_is_not_served
# task: build_dag
# fails: test_a_repeat_of_the_newest_night
# because: what the repeat changed never reaches its readers
# breaks: If a later night is served, it does not publish, and does not fail.
# -            if now is None or now["night"] <= night:
# +            if now is None or now["night"] < night:

# %% waits_for_the_night_before
# task: build_dag
# fails: test_the_next_night
# because: one bad night stops all later ones until somebody comes
# breaks: A night that failed does not stop the next one.
# -        max_active_runs=1,
# +        max_active_runs=1,
# +        default_args={"depends_on_past": True},

# %% paused_after_a_failure
# task: build_dag
# fails: test_failures_pause_nothing
# because: the scheduler pauses the DAG, and no next night starts
# breaks: A night that failed does not stop the next one.
# -        max_active_runs=1,
# +        max_active_runs=1,
# +        max_consecutive_failed_dag_runs=1,

# %% builds_whatever_was_loaded
# task: build_dag
# fails: test_nothing_arrived
# because: what was loaded the last time is built again
# breaks: `load`, `build`, `gate` and `publish` start in this order, each only if the one before
#   succeeded.
# -        @task(**again)
# -        def build(data_interval_start=None, data_interval_end=None):
# +        @task(trigger_rule="all_done", **again)
# +        def build(data_interval_start=None, data_interval_end=None):

# %% load_waits_for_the_night_before
# task: build_dag
# fails: test_the_next_night
# because: one missing delivery stops all later nights
# breaks: A night that failed does not stop the next one.
# -        @task(**again)
# -        def load(data_interval_start=None, data_interval_end=None):
# +        @task(depends_on_past=True, **again)
# +        def load(data_interval_start=None, data_interval_end=None):

# %% hands_on_rows
# task: build_dag
# fails: test_small_values
# because: rows are kept in the metadata database, each night
# breaks: No task hands on more than 200 characters.
# -            return load_night(landing, lake, night_of(data_interval_start, data_interval_end))
# +            load_night(landing, lake, night_of(data_interval_start, data_interval_end))
# +            return read(lake, "sales")

# %% other_names
# task: build_dag
# fails: test_names, test_a_good_night
# because: who looks for `publish` in the UI does not find it
# breaks: with the tasks `load`, `build`, `gate`, `publish` and `account`.
# -        @task(task_id="publish", **again)
# +        @task(**again)

# %% name_in_the_code
# task: build_dag
# fails: test_names, test_another_dag
# because: a second DAG takes the place of the first
# breaks: returns a DAG called `config["dag_id"]`
# -        config["dag_id"],
# +        "shop_night",

# %% folders_by_name
# task: build_dag
# fails: test_a_good_night, test_a_night_of_25_hours
# because: the settings say where the lake is
# breaks: `load` calls `load_night`, `build` calls `build_night`, both for `config["landing"]` and
#   `config["lake"]`.
# -    landing, lake = config["landing"], config["lake"]
# +    landing, lake = f"{os.getcwd()}/landing", f"{os.getcwd()}/lake"

# %% the_changed_alone
# task: nights_to_repeat
# fails: test_nights[middle], test_nights[two], test_more_nights
# because: the nights after it were built without it
# breaks: It has each night of `changed` that has run, and each night that ran after the earliest of
#   these.
# -    return sorted({night for night in ran if started and night >= min(started)})
# +    return sorted(set(started))

# %% after_it_alone
# task: nights_to_repeat
# fails: test_nights[middle], test_nights[last]
# because: the night itself has to run first
# breaks: It has each night of `changed` that has run, and each night that ran after the earliest of
#   these.
# -    return sorted({night for night in ran if started and night >= min(started)})
# +    return sorted({night for night in ran if started and night > min(started)})

# %% after_the_last
# task: nights_to_repeat
# fails: test_nights[two], test_more_nights
# because: nights between the two are left as they were
# breaks: each night that ran after the earliest of these.
# -    return sorted({night for night in ran if started and night >= min(started)})
# +    return sorted({night for night in ran if started and night >= max(started)})

# %% after_the_first_given
# task: nights_to_repeat
# fails: test_nights[two], test_more_nights
# because: the first in a list is not the earliest
# breaks: Both are lists, in any order.
# -    return sorted({night for night in ran if started and night >= min(started)})
# +    return sorted({night for night in ran if started and night >= started[0]})

# %% by_place_in_the_list
# task: nights_to_repeat
# fails: test_nights[any_order]
# because: the list need not be in the order in which nights ran
# breaks: Both are lists, in any order.
# -    return sorted({night for night in ran if started and night >= min(started)})
# +    return sorted(set(ran[ran.index(min(started)) :])) if started else []

# %% from_a_night_that_has_not_run
# task: nights_to_repeat
# fails: test_nights[not_run], test_nights[mixed]
# because: nothing that ran knows of it
# breaks: No other night is in it: not one that has not run, and not one because of a night that has
#   not run.
# -    started = [night for night in changed if night in ran]
# +    started = changed

# %% adds_the_changed
# task: nights_to_repeat
# fails: test_nights[not_run], test_nights[mixed], test_nights[never]
# because: a night that has not run is not repeated: its turn comes
# breaks: No other night is in it: not one that has not run
# -    return sorted({night for night in ran if started and night >= min(started)})
# +    return sorted({*changed, *(night for night in ran if started and night >= min(started))})

# %% fills_the_gap
# task: nights_to_repeat
# fails: test_nights[gap]
# because: a night between two that ran need not have run
# breaks: No other night is in it: not one that has not run
# -    return sorted({night for night in ran if started and night >= min(started)})
# +    if not started:
# +        return []
# +    first, last = (datetime.fromisoformat(night) for night in (min(started), max(ran)))
# +    every = range((last - first).days + 1)
# +    return [f"{first + timedelta(days=number):%Y-%m-%d}" for number in every]

# %% as_often_as_given
# task: nights_to_repeat
# fails: test_nights[twice], test_more_nights
# because: a night that is repeated twice is work for nothing
# breaks: Each night is there once, also if it is in a list twice, and earlier nights come first.
# -    return sorted({night for night in ran if started and night >= min(started)})
# +    return sorted(night for night in ran if started and night >= min(started))

# %% as_they_ran
# task: nights_to_repeat
# fails: test_nights[any_order], test_nights[twice]
# because: a later night builds before the one it builds on
# breaks: earlier nights come first.
# -    return sorted({night for night in ran if started and night >= min(started)})
# +    later = [night for night in ran if started and night >= min(started)]
# +    return list(dict.fromkeys(later))

# %% newest_first
# task: nights_to_repeat
# fails: test_nights[middle], test_nights[two]
# because: a later night builds before the one it builds on
# breaks: earlier nights come first.
# -    return sorted({night for night in ran if started and night >= min(started)})
# +    later = {night for night in ran if started and night >= min(started)}
# +    return sorted(later, reverse=True)

# %% all_if_nothing_changed
# task: nights_to_repeat
# fails: test_nights[nothing]
# because: nothing changed, and everything runs
# breaks: If nothing changed, it is empty.
# -    return sorted({night for night in ran if started and night >= min(started)})
# +    first = min(started, default="" if not changed else "9")
# +    return sorted({night for night in ran if night >= first})

# %% last_note
# task: account
# fails: test_what_was_served, test_first_note, test_held_as_noted
# because: a repeat writes over what people saw
# breaks: The *morning* of a night is its note with the smallest `number`; other notes are of
#   repeats.
# -        mornings.setdefault(row["night"], row)
# +        mornings[row["night"]] = row

# %% first_row_of_a_night
# task: account
# fails: test_first_note, test_accounts_at_random, test_more_accounts
# because: rows of a table have no order
# breaks: Rows of both tables can be in any order.
# -    for row in sorted(read(lake, "notes"), key=lambda row: row["number"]):
# +    for row in read(lake, "notes"):

# %% number_as_text
# task: account
# fails: test_first_note, test_accounts_at_random
# because: as text, 12 comes before 4
# breaks: The *morning* of a night is its note with the smallest `number`
# -    for row in sorted(read(lake, "notes"), key=lambda row: row["number"]):
# +    for row in sorted(read(lake, "notes"), key=lambda row: str(row["number"])):

# %% smallest_version
# task: account
# fails: test_first_note, test_accounts_at_random
# because: the smallest version is not the first note
# breaks: The *morning* of a night is its note with the smallest `number`
# -    for row in sorted(read(lake, "notes"), key=lambda row: row["number"]):
# +    for row in sorted(read(lake, "notes"), key=lambda row: row["version"] or 0):

# %% a_dict_for_each_note
# task: account
# fails: test_what_was_served, test_held_as_noted
# because: a repeat is no morning
# breaks: There is one dict for each night that has a note
# -        mornings.setdefault(row["night"], row)
# +        mornings[row["night"], row["number"]] = row
# -    for night, morning in sorted(mornings.items()):
# +    for (night, _), morning in sorted(mornings.items()):

# %% in_order_of_notes
# task: account
# fails: test_first_note, test_accounts_at_random
# because: a night can have its first note after a later one
# breaks: There is one dict for each night that has a note, and earlier nights come first.
# -    for night, morning in sorted(mornings.items()):
# +    for night, morning in mornings.items():

# %% its_own_night
# task: account
# fails: test_what_was_served
# because: the night was held, and readers had the one before
# breaks: `served` is the night whose report was served in that morning: the one of the noted
#   `version`.
# -                "served": version and version["night"],
# +                "served": version and night,

# %% newest_of_the_night
# task: account
# fails: test_what_was_served, test_first_note
# because: what a repeat served is not what the morning had
# breaks: `served` is the night whose report was served in that morning: the one of the noted
#   `version`.
# -        then = cents_of(morning["version"])
# +        last = [number for number, row in versions.items() if row["night"] == night]
# +        then = cents_of(max(last, default=morning["version"]))

# %% what_was_loaded
# task: account
# fails: test_what_was_served, test_nothing_served
# because: what was loaded is not what was served
# breaks: `cents` is the sum of that report.
# -                "cents": sum(then.values()),
# +                "cents": sum(r["cents"] for r in read(lake, "sales") if r["night"] <= night),

# %% report_of_the_night
# task: account
# fails: test_what_was_served, test_nothing_served
# because: a report that was made need not have been served, and a repeat makes it anew
# breaks: `cents` is the sum of that report.
# -                "cents": sum(then.values()),
# +                "cents": sum(r["cents"] for r in read(lake, "report") if r["night"] == night),

# %% cents_of_its_day
# task: account
# fails: test_what_was_served, test_accounts_at_random
# because: a report has all days so far
# breaks: `cents` is the sum of that report.
# -                "cents": sum(then.values()),
# +                "cents": sum(then[place] for place in then if place[0] == night),

# %% held_by_the_audits
# task: account
# fails: test_first_note, test_held_as_noted
# because: the audit of a repeat has taken its place: it seems that nothing was ever held
# breaks: `held` is `held` of its morning, as it was noted then.
# -                "held": morning["held"],
# +                "held": [
# +                    reason
# +                    for row in read(lake, "audits")
# +                    if row["night"] == night
# +                    for reason in row["reasons"]
# +                ],

# %% first_reason
# task: account
# fails: test_held_as_noted, test_accounts_at_random
# because: the other reasons are lost
# breaks: `held` is `held` of its morning, as it was noted then.
# -                "held": morning["held"],
# +                "held": morning["held"][:1],

# %% version_one_if_none
# task: account
# fails: test_nothing_served
# because: there was nothing to read that morning
# breaks: If that version is `None`, these are `None` and 0.
# -        then = cents_of(morning["version"])
# +        then = cents_of(morning["version"] or min(versions, default=None))

# %% no_dict_for_nothing
# task: account
# fails: test_nothing_served, test_accounts_at_random
# because: a morning on which nothing was served is one to tell of
# breaks: There is one dict for each night that has a note
# -        then = cents_of(morning["version"])
# +        if morning["version"] is None:
# +            continue
# +        then = cents_of(morning["version"])

# %% last_version_in_the_table
# task: account
# fails: test_changes, test_newest_version, test_accounts_at_random
# because: rows of a table have no order
# breaks: Rows of both tables can be in any order.
# -    newest = cents_of(max(versions, default=None))
# +    newest = cents_of(list(versions)[-1] if versions else None)

# %% version_of_the_newest_night
# task: account
# fails: test_newest_version, test_accounts_at_random
# because: the newest version can be of an older night
# breaks: `changed` says what a reader of that morning would find different now, in the newest version
# -    newest = cents_of(max(versions, default=None))
# +    newest = cents_of(max(versions, key=lambda each: versions[each]["night"], default=None))

# %% next_version
# task: account
# fails: test_newest_version, test_accounts_at_random
# because: the next version is not what readers have now
# breaks: `changed` says what a reader of that morning would find different now, in the newest version
# -        then = cents_of(morning["version"])
# +        then = cents_of(morning["version"])
# +        later = [number for number in versions if number > (morning["version"] or 0)]
# +        newest = cents_of(min(later, default=morning["version"]))

# %% what_came_is_missing
# task: account
# fails: test_nothing_served, test_changes
# because: late sales are new places
# breaks: What
#   one of the two versions does not have counts 0 there
# -            for day, city in sorted({*then, *newest})
# +            for day, city in sorted(then)

# %% what_went_is_missing
# task: account
# fails: test_changes, test_accounts_at_random
# because: a reader looks for the number that is gone
# breaks: What
#   one of the two versions does not have counts 0 there
# -            for day, city in sorted({*then, *newest})
# +            for day, city in sorted(newest)

# %% later_days_too
# task: account
# fails: test_days_up_to_the_night, test_accounts_at_random
# because: of days after the night nobody had read anything
# breaks: `changed` has each day and city whose cents differ, where the day is not after the night.
# -            if day <= night and then[day, city] != newest[day, city]
# +            if then[day, city] != newest[day, city]

# %% days_before_the_night
# task: account
# fails: test_changes, test_days_up_to_the_night
# because: the night's own day is the one that people look at
# breaks: `changed` has each day and city whose cents differ, where the day is not after the night.
# -            if day <= night and then[day, city] != newest[day, city]
# +            if day < night and then[day, city] != newest[day, city]

# %% equal_places_too
# task: account
# fails: test_changes, test_days_up_to_the_night
# because: what is the same has not changed
# breaks: `changed` has each day and city whose cents differ
# -            if day <= night and then[day, city] != newest[day, city]
# +            if day <= night

# %% nothing_is_not_zero
# task: account
# fails: test_changes, test_accounts_at_random
# because: it tells of a change from 0 to 0
# breaks: What
#   one of the two versions does not have counts 0 there; 0 and 0 do not differ.
# -            if day <= night and then[day, city] != newest[day, city]
# +            if day <= night and then.get((day, city)) != newest.get((day, city))

# %% what_grew
# task: account
# fails: test_changes, test_accounts_at_random
# because: a number can become smaller
# breaks: `changed` has each day and city whose cents differ
# -            if day <= night and then[day, city] != newest[day, city]
# +            if day <= night and then[day, city] < newest[day, city]

# %% days_alone
# task: account
# fails: test_accounts_at_random, test_changes
# because: two cities can differ while their day comes to the same
# breaks: `changed` is in the order of `day`, then `city`.
# -            for day, city in sorted({*then, *newest})
# +            for city, day in sorted((city, day) for day, city in {*then, *newest})

# %% then_and_now_reversed
# task: account
# fails: test_changes, test_nothing_served
# because: it says the opposite
# breaks: a
#   list of dicts `day`, `city`, `then`, `now`, with cents.
# -            {"day": day, "city": city, "then": then[day, city], "now": newest[day, city]}
# +            {"day": day, "city": city, "then": newest[day, city], "now": then[day, city]}

# %% no_mornings_are_an_error
# task: account
# fails: test_nothing_served
# outcome: error
# because: a lake can be new
# breaks: Without notes
#   the list is empty.
# -    return found
# +    if not found:
# +        raise ValueError("there are no notes")
# +    return found

# %% keeps_the_account
# task: account
# fails: test_writes_nothing
# because: who asks changes the lake
# breaks: Nothing is written.
# -    return found
# +    replace(lake, "accounts", found)
# +    return found

# %% writes_a_page
# task: account
# fails: test_writes_nothing
# because: who asks changes the lake
# breaks: Nothing is written.
# -    return found
# +    Path(lake, "account.json").write_text(json.dumps(found))
# +    return found
