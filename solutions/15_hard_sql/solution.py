# ---
# level: senior
# minutes: 75
# needs: []
# datasets: [course_site]
# topics: [sql, windows, performance]
# ---
# %% [markdown]
# # Answer hard questions in SQL
#
# A site for online courses has six questions that its BI tool cannot answer. Each one looks like a
# GROUP BY and is not. You write each query once, as DataFrame code or as SQL. At the end the six
# answers are a small report, and you can tell from a plan how much each of them costs.
#
# **You will learn** to
#
# - merge overlapping periods, cut events into sessions and follow users through steps, without a
#   join of a table with itself,
# - say exactly which rows a window function sees, and how ties and days without rows change it,
# - walk up and down a hierarchy in SQL, also when it has a circle.

# %% [markdown]
# ## The data
#
# Five small tables. Times are UTC.
#
# | table | grain | columns |
# |---|---|---|
# | `subscriptions` | a period of a user | `user_id`, `plan`, `started_at`, `ended_at`, `price` |
# | `page_events` | a page view, some delivered twice | `user_id`, `event_time`, `page`, `event_id` |
# | `payments` | a payment | `payment_id`, `country`, `paid_at`, `amount_cents`, `plan` |
# | `employees` | a person | `id`, `manager_id`, `salary` |
# | `hidden_pages` | a page that no report shows | `page` |

# %%
import labkit

lab = labkit.open("hard_sql")
spark = lab.spark
folder = lab.data("course_site")

# %% [markdown]
# The next cell makes a view of each table. `user_id` and times of events may be null, and so may
# `amount_cents` and the `plan` of a payment. One account has 30 % of all events.

# %%
from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

TABLES = ["subscriptions", "page_events", "payments", "employees", "hidden_pages"]
tables = {name: spark.read.parquet(str(folder / f"{name}.parquet")) for name in TABLES}
for name, table in tables.items():
    table.createOrReplaceTempView(name)
    print(f"{name:14} {table.count():6,} rows  {', '.join(table.columns)}")

# %% [markdown]
# ## How you answer
#
# - Four functions take DataFrames and return a DataFrame. Write it with methods of DataFrames, or
#   with `spark.sql("SELECT ... FROM {events}", events=events)`, which puts a DataFrame into a text.
# - Two functions, of Tasks 3 and 6, take *names* of tables or views and return the **text** of one
#   query. Put the names into an f-string. The checks run the text with `spark.sql`, on views with
#   other names.
# - The columns come back in the order in which a task lists them. The order of rows is yours.
# - Input rows come in any order and in any number of partitions.
#
# Tasks also limit the plan. `operators` lists the operators of a plan in its final form, as the
# checks see it, the last one first. A `ShuffleExchange` is a shuffle. `NestedLoopJoin` and
# `CartesianProduct` in a name mean that every row of one side meets every row of the other.

# %%
from labkit.checks import operators

views = tables["page_events"]
by_user = Window.partitionBy("user_id").orderBy("event_time")
much_later = F.expr("later.event_time > sooner.event_time + INTERVAL 27 DAYS")
examples = {
    "window": views.withColumn("place", F.row_number().over(by_user)),
    "join": views.alias("sooner").join(views.alias("later"), much_later),
}
for name, frame in examples.items():
    print(f"{name:7}", " <- ".join(operators(frame)))

# %% [markdown]
# ## Task 1: join overlapping periods
#
# Marketing asks how long users stay without a gap. Users change plans, and the periods overlap.
#
# ```
# basic  |--------------------|
# plus        |----|
# team                     |-------|          |----|
# answer |-------------------------|          |----|
# ```
#
# Write `active_periods(subscriptions)`. It returns one row for each stretch of time in which a user
# has a subscription without a gap: `user_id` long, `from_ts` timestamp, `to_ts` timestamp, `plans`
# long.
#
# - A row lasts from `started_at` to `ended_at`. If `ended_at` is null, it has no end.
# - A row that does not end after its start lasts no time, and is left out.
# - Rows of a user that overlap are one stretch, also if one lies inside another.
# - Rows that touch are one stretch: one starts at the instant at which the other ends.
# - Any longer gap, even a second, separates two stretches.
# - `from_ts` is the earliest start of the stretch. `to_ts` is its latest end, and null if it has
#   none.
# - `plans` counts the different plans in the stretch.
# - The plan has at most one shuffle and no join.
#
# `user_id`, `plan` and `started_at` are never null.


# %%
def active_periods(subscriptions: DataFrame) -> DataFrame:
    """One row for each stretch of time in which a user has a subscription without a gap."""
    # BEGIN SOLUTION: begin a stretch where a row starts after all earlier ones have ended
    by_start = Window.partitionBy("user_id").orderBy("started_at", "until")
    earlier = by_start.rowsBetween(Window.unboundedPreceding, -1)
    so_far = by_start.rowsBetween(Window.unboundedPreceding, 0)
    no_end = F.lit("9999-12-31").cast("timestamp")
    begins = F.coalesce(F.col("started_at") > F.max("until").over(earlier), F.lit(True))
    return (
        subscriptions.withColumn("until", F.coalesce("ended_at", no_end))
        .where("until > started_at")
        .withColumn("begins", begins)
        .withColumn("stretch", F.count_if("begins").over(so_far))
        .groupBy("user_id", "stretch")
        .agg(
            F.min("started_at").alias("from_ts"),
            F.nullif(F.max("until"), no_end).alias("to_ts"),
            F.count_distinct("plan").alias("plans"),
        )
        .drop("stretch")
    )
    # END SOLUTION


# %% [markdown]
# A check compares periods that you can draw on paper. The reason names the stretch that is missing
# or that should not be there. `lab.hint("active_periods")` gives the first of three hints.

# %%
lab.check("active_periods")

# %% [markdown]
# Compare with the first idea that most people have: a new stretch begins where a row starts after
# the end of the row *before* it. It finds too many stretches, as a short period inside a long one
# hides the end of the long one.

# %%
if lab.written("active_periods"):
    before = Window.partitionBy("user_id").orderBy("started_at")
    periods = tables["subscriptions"].where("ended_at > started_at OR ended_at IS NULL")
    gap = F.coalesce(F.col("started_at") > F.lag("ended_at").over(before), F.lit(True))
    wrong = periods.withColumn("begins", gap).where("begins").count()
    right = active_periods(tables["subscriptions"]).count()
    print(f"{wrong} stretches by the row before, {right} in truth")

# %% [markdown]
# ## Task 2: cut events into sessions
#
# The product team wants to know what users do in one sitting. Write `sessionize(events,
# gap_minutes)`. `events` has the columns of `page_events`. All its rows come back with all their
# columns, and after them `session_id`, a string.
#
# - Identical rows come back as often as they were given.
# - Two events of a user that follow each other are in one session if at most `gap_minutes` lie
#   between them. Exactly `gap_minutes` are still one session, a fraction of a second more is not.
# - All events of a session have the same id. Any other session has another id, also one of another
#   user.
# - The same events in another order, or in other partitions, get the same ids.
# - Events that are added later than all others change no id that was given before.
# - An event without `user_id` or `event_time` has a null `session_id`, and counts for no session.
# - The plan has at most one shuffle, no join, and no window without partitions.
#
# `gap_minutes` is an int of at least 1. What an id looks like is up to you.


# %%
def sessionize(events: DataFrame, gap_minutes: int) -> DataFrame:
    """The events, each with the id of its session."""
    # BEGIN SOLUTION: a session is known by its user and the time at which it begins
    by_time = Window.partitionBy("user_id").orderBy("event_time")
    so_far = by_time.rowsBetween(Window.unboundedPreceding, 0)
    time, previous = F.col("event_time"), F.lag("event_time").over(by_time)
    begins = previous.isNull() | (time > previous + F.make_dt_interval(mins=F.lit(gap_minutes)))
    first_time = F.last(F.when(begins, time), ignorenulls=True).over(so_far)
    session_id = F.concat(F.col("user_id").cast("string"), F.lit("-"), F.unix_micros(first_time))
    return events.withColumn("session_id", F.when(time.isNotNull(), session_id))
    # END SOLUTION


# %% [markdown]
# One check calls your function with the same events twice, in another order and in seven
# partitions. Another one adds events of the next day.

# %%
lab.check("sessionize")

# %% [markdown]
# Spark has a grouping for sessions, `session_window`. It has the same limit: three views, exactly
# thirty minutes apart, are one session. But it groups, so the events themselves are gone, and it
# says that the session ended at 11:30, when the limit had passed, and not at the last view.

# %%
spark.sql("""
    SELECT user_id, session_window.start, session_window.end, count(*) AS views
    FROM VALUES (1, timestamp '2026-03-02 10:00'), (1, timestamp '2026-03-02 10:30'),
                (1, timestamp '2026-03-02 11:00') AS views(user_id, event_time)
    GROUP BY user_id, session_window(event_time, '30 minutes')
""").show(truncate=False)

# %% [markdown]
# ## Task 3: the top pages of each user, as SQL text
#
# A mail shows each subscriber their favourite pages. Write `top_pages(subscriptions, events,
# hidden, since, n)`. It returns the text of a query. `subscriptions`, `events` and `hidden` are the
# names of tables like `subscriptions`, `page_events` and `hidden_pages`; `since` is a text such as
# `2026-02-09 00:00:00`. The query gives `user_id` long, `position` int, `page` string, `views`
# long.
#
# - A view counts if its `event_time` is `since` or later.
# - Views of a page in `hidden` don't count, nor views without a page. `hidden` may hold null.
# - `views` is the number of different `event_id`s.
# - Each user has one row for each of their pages, at most `n`. Position 1 has the most views; equal
#   views are ordered by page. No two rows of a user have the same position.
# - A user of `subscriptions` without such views has one row: `position` and `page` null, `views` 0.
# - A user who is not in `subscriptions` has no row. A user with several subscriptions is not
#   repeated.
# - The plan has a `WindowGroupLimit`, so that rows beyond `n` are dropped early. It has no nested
#   loop and no Cartesian product.
#
# `n` is at least 1 and at most 100.


# %%
def top_pages(subscriptions: str, events: str, hidden: str, since: str, n: int) -> str:
    """The text of a query: the n pages that each user with a subscription viewed most."""
    # BEGIN SOLUTION: count, number the pages of a user, and join to the users last
    return f"""
        WITH viewed AS (
          SELECT user_id, page, count(DISTINCT event_id) AS views
          FROM {events} AS e
          WHERE event_time >= '{since}' AND page IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM {hidden} AS h WHERE h.page = e.page)
          GROUP BY user_id, page
        ),
        numbered AS (
          SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY views DESC, page) AS position
          FROM viewed
        ),
        top AS (SELECT * FROM numbered WHERE position <= {n})
        SELECT user_id, position, page, coalesce(views, 0) AS views
        FROM (SELECT DISTINCT user_id FROM {subscriptions})
        LEFT JOIN top USING (user_id)
    """
    # END SOLUTION


# %% [markdown]
# The checks run your text on views with names such as `subs_7`. To see the plan yourself, give
# `spark.sql(...)` to `operators`.

# %%
lab.check("top_pages")

# %% [markdown]
# `hidden_pages` holds a null. The next cell asks three times for the views of pages that are not
# hidden. `NOT IN` compares with each row, and a comparison with null is neither true nor false, so
# no row can be *known* not to be in the list.

# %%
for condition in [
    "page NOT IN (SELECT page FROM hidden_pages)",
    "page NOT IN (SELECT page FROM hidden_pages WHERE page IS NOT NULL)",
    "NOT EXISTS (SELECT 1 FROM hidden_pages AS h WHERE h.page = page_events.page)",
]:
    count = spark.sql(f"SELECT count(*) AS rows FROM page_events WHERE {condition}").first().rows
    print(f"{count:5} views where {condition}")

# %% [markdown]
# The second and the third count differ by the views without a page: `NOT EXISTS` keeps them.
#
# ## Task 4: follow users through steps
#
# Sales wants a funnel: how many users reach the cart after they saw a course, and how many of those
# pay? Write `funnel(events, steps, window_hours)`. `events` has the columns of `page_events`, and
# `steps` is a list of pages. It returns a row for each step: `step` string, `position` int from 1
# on, `users` long.
#
# - A user reaches a step if they have an event of each step up to it, each one after the event of
#   the step before. Other events may lie in between.
# - An event is after another if its `event_time` is later, or if it is the same and its `event_id`
#   is greater.
# - All these events lie at most `window_hours` after the event of the first step; exactly
#   `window_hours` are allowed.
# - Any event of the first step may be the start: a user who fails once may succeed later.
# - A user counts once for each step.
# - Every step has its row. A step that nobody reaches has 0 users, also if `events` is empty.
# - Events without `user_id` or `event_time` don't count.
# - The plan has at most three shuffles, no join, and no window without partitions.
#
# The pages in `steps` differ from each other. `steps` has at least one page, `window_hours` is an
# int.


# %%
def funnel(events: DataFrame, steps: list[str], window_hours: int) -> DataFrame:
    """The number of users who reach each step, in order and in time."""
    # BEGIN SOLUTION: carry the latest start from which a user reached the step before
    in_order = Window.partitionBy("user_id").orderBy("event_time", "event_id")
    earlier = in_order.rowsBetween(Window.unboundedPreceding, -1)
    hours = F.make_dt_interval(hours=F.lit(window_hours))
    positions = range(1, len(steps) + 1)
    starts = events.where("user_id IS NOT NULL AND event_time IS NOT NULL")
    for position, step in zip(positions, steps, strict=True):
        # The latest start leaves the most time for the steps that follow.
        start = (
            F.max(f"start_{position - 1}").over(earlier) if position > 1 else F.col("event_time")
        )
        reached = (F.col("page") == step) & (F.col("event_time") <= start + hours)
        starts = starts.withColumn(f"start_{position}", F.when(reached, start))
    users = starts.groupBy("user_id").agg(
        *[F.max(f"start_{position}").alias(f"start_{position}") for position in positions]
    )
    lines = [
        F.struct(
            F.lit(step).alias("step"),
            F.lit(position).alias("position"),
            F.count(f"start_{position}").alias("users"),
        )
        for position, step in zip(positions, steps, strict=True)
    ]
    return users.agg(F.array(*lines).alias("lines")).select(F.inline("lines"))
    # END SOLUTION


# %% [markdown]
# The checks use users with two or three events each, whose way you can follow by hand. If a number
# is too small, look at a user who starts twice.

# %%
lab.check("funnel")

# %% [markdown]
# The simple funnel counts the users of each page alone. It is always at least as large, and here it
# says that the last step loses hardly anybody.

# %%
STEPS = ["course", "cart", "pay"]
if lab.written("funnel"):
    alone = views.groupBy("page").agg(F.count_distinct("user_id").alias("alone"))
    in_a_day = funnel(views, STEPS, 24).withColumnRenamed("step", "page")
    in_a_day.join(alone, on="page", how="left").orderBy("position").show()

# %% [markdown]
# ## Task 5: a running balance by day
#
# Finance wants a line for each day of each country. Write `running_balance(events, as_of)`.
# `events` has the columns of `payments`, and `as_of` is a date. It returns:
#
# | column | type | meaning |
# |---|---|---|
# | `country`, `day` | string, date | one row for each |
# | `revenue` | long | the sum of `amount_cents` on that day |
# | `revenue_7d` | long | the sum of `revenue` over that day and the six days before it |
# | `place` | int | the rank of the day in its country by `revenue`, the highest is 1 |
# | `share` | double | `revenue` as a share of the country's revenue of all its days |
# | `last_plan` | string | the latest plan that was seen until the end of that day |
#
# - A country has a row for each day from its first payment to `as_of`, both included.
# - Payments on a day after `as_of` don't count for anything. If no payment counts, no row comes
#   back.
# - A null amount counts as 0. A day without payments has revenue 0.
# - Days with equal revenue share a place. The places after them are skipped: 1, 2, 2, 4.
# - `share` is null in a country whose whole revenue is 0.
# - `last_plan` is the `plan` of the latest payment that has one, by `paid_at`, then by
#   `payment_id`. It is null before the first such payment.
# - The plan has at most four shuffles, no nested loop, no Cartesian product, and no window without
#   partitions.
#
# `country`, `paid_at` and `payment_id` are never null. A payment belongs to the day of `paid_at` in
# UTC.


# %%
def running_balance(events: DataFrame, as_of: date) -> DataFrame:
    """A row for each country and day, with sums, rank, share and the latest plan."""
    # BEGIN SOLUTION: sum by day, add the days without payments, then one window for each column
    country = Window.partitionBy("country")
    by_day = country.orderBy("day")
    with_plan = F.when(F.col("plan").isNotNull(), F.struct("paid_at", "payment_id"))
    paid_days = (
        events.withColumn("day", F.to_date("paid_at"))
        .where(F.col("day") <= F.lit(as_of))
        .groupBy("country", "day")
        .agg(
            F.coalesce(F.sum("amount_cents"), F.lit(0)).alias("revenue"),
            F.max_by("plan", with_plan).alias("plan"),
        )
    )
    # Each row also stands for the days without payments that follow it.
    until = F.coalesce(F.date_sub(F.lead("day").over(by_day), 1), F.lit(as_of))
    days = (
        paid_days.withColumn("days", F.sequence("day", until))
        .withColumn("paid_on", F.col("day"))
        .withColumn("day", F.explode("days"))
        .withColumn("revenue", F.when(F.expr("day = paid_on"), F.col("revenue")).otherwise(0))
    )
    whole = F.sum("revenue").over(country)
    so_far = by_day.rowsBetween(Window.unboundedPreceding, 0)
    return days.select(
        "country",
        "day",
        "revenue",
        F.sum("revenue").over(by_day.rowsBetween(-6, 0)).alias("revenue_7d"),
        F.rank().over(country.orderBy(F.desc("revenue"))).alias("place"),
        F.try_divide("revenue", whole).alias("share"),
        F.last("plan", ignorenulls=True).over(so_far).alias("last_plan"),
    )
    # END SOLUTION


# %% [markdown]
# `rowsBetween(-6, 0)` counts rows, not days. So it is right only where every day has its row.

# %%
lab.check("running_balance")

# %% [markdown]
# Here is what a window sees if you name no frame. With an ORDER BY, the default is `RANGE BETWEEN
# UNBOUNDED PRECEDING AND CURRENT ROW`, and in a range frame, rows that are equal in the ordering
# are one. So `last` is not this row's value, and the running sum jumps.

# %%
spark.sql("""
    SELECT at, amount,
      sum(amount) OVER (ORDER BY at) AS default_sum,
      sum(amount) OVER (ORDER BY at ROWS UNBOUNDED PRECEDING) AS rows_sum,
      last(amount) OVER (ORDER BY at) AS default_last
    FROM VALUES (1, 10), (2, 20), (2, 30), (3, 40) AS payments(at, amount)
""").show()

# %% [markdown]
# `rows_sum` does not jump, but which of the two rows at 2 comes first is open. A frame in rows
# needs an ordering without ties.
#
# ## Task 6: a reporting tree, as SQL text
#
# The people team wants to know for each employee who is at the top, how far away, and what the team
# below costs. A wrong import left circles in the table: managers who report to each other.
#
# ```
# 1 ── 2 ── 3        4 ⇄ 5 ── 6        7 reports to 99, who is unknown
# root              a circle, 6 below    root
# ```
#
# Write `reporting_tree(employees)`. It returns the text of a query; `employees` is the name of a
# table like `employees`. The query gives `id` long, `root` long, `depth` int, `path` string,
# `cost_below` double, `cyclic` boolean, with one row for each employee.
#
# - An employee without `manager_id` is a root. So is one whose `manager_id` is the `id` of nobody.
#   The `root` of a root is its own `id`, and its `depth` is 0.
# - Anybody else has the `root` of their manager, and a `depth` that is greater by one.
# - `path` has the ids from the root to the employee, with `/` between them: `1/2/3`.
# - `cost_below` is the sum of the `salary` of all employees below, at any depth. Their own salary
#   is not part of it. A null salary counts as 0. With nobody below it is 0.
# - `cyclic` is true for employees in a circle, and for all below it. Somebody may also be their own
#   manager. For them `root`, `depth`, `path` and `cost_below` are null. For others `cyclic` is
#   false.
# - The query ends, whatever circles the table holds.
# - The plan has no nested loop and no Cartesian product.
#
# `id` is never null and occurs once. No depth is greater than 20.


# %%
def reporting_tree(employees: str) -> str:
    """The text of a query: root, depth, path and cost of each employee; circles are marked."""
    # BEGIN SOLUTION: walk down from the roots; whom the walk does not reach is in or below a circle
    return f"""
        WITH RECURSIVE tree AS (
          SELECT id, salary, array(id) AS chain
          FROM {employees} AS e
          WHERE NOT EXISTS (SELECT 1 FROM {employees} AS m WHERE m.id = e.manager_id)
          UNION ALL
          SELECT e.id, e.salary, tree.chain || array(e.id)
          FROM tree JOIN {employees} AS e ON e.manager_id = tree.id
        ),
        bosses AS (
          SELECT boss AS id,
            max(chain) FILTER (WHERE id = boss) AS chain,
            coalesce(sum(salary) FILTER (WHERE id <> boss), 0) AS cost_below
          FROM (SELECT *, explode(chain) AS boss FROM tree)
          GROUP BY boss
        )
        SELECT id, chain[0] AS root, size(chain) - 1 AS depth, array_join(chain, '/') AS path,
          cost_below, chain IS NULL AS cyclic
        FROM {employees} LEFT JOIN bosses USING (id)
    """
    # END SOLUTION


# %% [markdown]
# The checks run the text on trees of a few people. A query that goes up from each employee must see
# for itself that it comes back to somebody.

# %%
lab.check("reporting_tree")

# %% [markdown]
# This query follows the managers upwards. Level 0 is everybody, level 1 are those with a manager in
# the table, level 2 those with two above them. People in the circle, or below it, are on every
# level. Without its condition on `level` the query would go on. Spark ends such a query after 100
# levels, with the error `RECURSION_LEVEL_LIMIT_EXCEEDED`: that saves the cluster, but it is no
# answer.

# %%
spark.sql("""
    WITH RECURSIVE up AS (
      SELECT id, manager_id, 0 AS level FROM employees
      UNION ALL
      SELECT up.id, boss.manager_id, level + 1
      FROM up JOIN employees AS boss ON boss.id = up.manager_id
      WHERE level < 12
    )
    SELECT level, count(*) AS employees FROM up GROUP BY level ORDER BY level
""").show()

# %% [markdown]
# ## Put it together
#
# The report for the management meeting: one line for each question, from the whole data. Cells wait
# for the functions that they use.

# %%
report = {}
if lab.written("active_periods", "sessionize"):
    stretches = active_periods(tables["subscriptions"])
    report["stretches of a subscription, and how many are open"] = stretches.agg(
        F.count("*"), F.count_if(F.isnull("to_ts"))
    )
    sessions = sessionize(views, 30).where("session_id IS NOT NULL").groupBy("session_id").count()
    report["sessions, and views of the average one"] = sessions.agg(
        F.count("*"), F.round(F.avg("count"), 1)
    )
if lab.written("top_pages", "reporting_tree"):
    text = top_pages("subscriptions", "page_events", "hidden_pages", "2026-02-09 00:00:00", 3)
    favourites = spark.sql(text).where("position = 1 OR position IS NULL")
    report["users by favourite page"] = favourites.groupBy("page").count().orderBy(F.desc("count"))
    tree = spark.sql(reporting_tree("employees"))
    report["people by depth, null for circles"] = tree.groupBy("depth").count().orderBy("depth")
for title, frame in report.items():
    print(f"{title}: {', '.join(str(tuple(row)) for row in frame.collect())}")

# %% [markdown]
# The balance as a picture: the bars are single days, the line is the sum of seven days. On days
# without payments the line still has its point, and that is why it may fall there.

# %%
import matplotlib.pyplot as plt


def draw(ax, country: str, rows: list) -> None:
    days = [row.day for row in rows]
    ax.bar(days, [row.revenue / 100 for row in rows], color="#0072B2", label="day")
    ax.plot(days, [row.revenue_7d / 100 for row in rows], color="#D55E00", label="seven days")
    ax.set(title=f"Revenue in {country}", ylabel="euro")
    ax.tick_params(axis="x", rotation=30)
    ax.legend(loc="upper left")


if lab.written("running_balance"):
    rows = running_balance(tables["payments"], date(2026, 3, 4)).orderBy("country", "day").collect()
    figure, axes = plt.subplots(1, 2, figsize=(11, 3.4), sharey=True, layout="constrained")
    for ax, country in zip(axes, ["NL", "PT"], strict=True):
        draw(ax, country, [row for row in rows if row.country == country])
    plt.show()

# %% [markdown]
# And the price of each answer. All windows of a query that share their partition share one shuffle,
# in whatever order they sort.

# %%
answers = {}
if lab.written("active_periods", "sessionize", "funnel", "running_balance"):
    answers = {
        "active_periods": active_periods(tables["subscriptions"]),
        "sessionize": sessionize(views, 30),
        "funnel": funnel(views, STEPS, 24),
        "running_balance": running_balance(tables["payments"], date(2026, 3, 4)),
    }
for name, frame in answers.items():
    plan = operators(frame)
    print(f"{name:16} {plan.count('ShuffleExchange')} shuffles, {plan.count('Window')} windows")

# %% [markdown]
# ## In practice
#
# - **Read a plan from the bottom.** Sources first, then what moves (`Exchange`), then what holds
#   rows (`Sort`, `Window`, aggregates). Count exchanges before anything else: on a cluster they
#   cost more than all functions together.
# - **Name the frame.** `ROWS` or `RANGE`, with both ends. The default differs with and without
#   ORDER BY, and a reader cannot see which one you meant. Over dates, `RANGE BETWEEN INTERVAL 6
#   DAYS PRECEDING AND CURRENT ROW` counts days; it still gives no row for a day without rows.
# - **Break every tie.** `row_number` without a full ordering can give another answer on each run,
#   and a test with small data hardly ever shows it. End the ORDER BY with a key.
# - **`rank`, `dense_rank`, `row_number`.** They differ only on ties. When somebody asks for "the
#   best three", ask back: three rows, or all who share the third place?
# - **A hot key is one task.** All events of a user meet in one task for a window. This lab sets no
#   limit for the account that has 30 % of the events. On real data you would cut by day first, or
#   find out who that is: often it is a robot.
# - **Distinct counts.** Spark has no `count(DISTINCT ...)` in a window. `size(collect_set(...)
#   OVER ...)` does the same, and holds the set of each frame in memory. `approx_count_distinct` is
#   allowed in a window; or count in an aggregate and join.
# - **Keep an intermediate result** as a table when several queries need it, or when it is the place
#   where a number is agreed: sessions are the usual example.
#
# **On Databricks** the SQL editor and dbt run the same texts, and the query profile shows the same
# operators, with rows and time for each. `QUALIFY row_number() OVER (...) <= 3` filters by a window
# without a subquery; Spark 4.2 knows it, too.

# %%
lab.next()

# %% [markdown]
# ## Interview follow-ups
#
# 1. How do you join overlapping intervals in SQL, and why is LAG of the previous end not enough?
# 2. What is the frame of a window function if you name none, and when does that matter?
# 3. You need a moving sum over seven days, and some days have no row. What are the ways?
# 4. Why may `NOT IN` with a subquery return nothing, and what do you write instead?
# 5. A query has five window functions. How many shuffles does it need, and how do you check that?
# 6. A recursive query runs for ever in production. What do you look for, and how do you make it
#    safe?
# 7. How would you compute a funnel over a billion events a day?

# %% [markdown] tags=["solution"]
# <details><summary>Model answers</summary>
#
# 1. Sort by start, carry the greatest end of all earlier rows with a running maximum, and begin a
#    new island where the start is greater than that. A running sum of the beginnings numbers the
#    islands, and a GROUP BY gives first start and last end. LAG sees one row: a short interval
#    inside a long one hides the long one's end, and the island breaks although it is covered. One
#    shuffle by the key does all of it.
# 2. With ORDER BY: RANGE from the start of the partition to the current row, all its peers
#    included. Without: the whole partition. It matters with ties (a running sum counts all peers at
#    once), for `last_value` (which is the last peer, not the last row of the partition), and for a
#    share, where a needless ORDER BY turns a total into a running total.
# 3. Make the days: a calendar joined to the keys, or `sequence` from each row to the next one, with
#    0 for the new days, and then seven rows. Or keep the rows that exist and use a RANGE frame on
#    the date with an interval: right for the rows that exist, but there is no line for the other
#    days. `rowsBetween(-6, 0)` on gaps sums seven rows of any age.
# 4. If the subquery gives a null, `x NOT IN (...)` is false or unknown for each x, never true. And
#    if x is null, it is unknown too. NOT EXISTS with an equality, or a left anti join, treats null
#    as no match and keeps the row. Or filter nulls on both sides and say why.
# 5. As many as there are different ways to partition, if Spark can't reuse one: windows over the
#    same key share a shuffle, each other ORDER BY costs a sort. A GROUP BY on the key and more
#    columns can use the same distribution. Read the executed plan after adaptive execution, and
#    count `Exchange`.
# 6. A circle in the data, or a join that makes the same rows again. Carry the path and stop when an
#    id is in it, limit the depth, and report what was cut: a limit alone hides the fault. Walking
#    down from the roots never enters a circle, and the rows that were not reached are the report.
#    Guard the table too: the circle is an error in the data, so look for it when you load.
# 7. Reduce first: only events of the steps, one day and its overlap, partitioned by user. One sort
#    for each user and a running state for each step, as here: no join of events with events. Leave
#    out robots, whose many events make hot keys. Compute by day and keep the state of users between
#    days, or stream it. If only the rate matters, sample users, never events.
#
# </details>

# %% [markdown]
# ## Further reading
#
# - Spark, [Window functions](https://spark.apache.org/docs/latest/sql-ref-syntax-qry-select-window.html)
# - Spark, [Common table expressions](https://spark.apache.org/docs/latest/sql-ref-syntax-qry-select-cte.html)
# - Spark, [Null semantics](https://spark.apache.org/docs/latest/sql-ref-null-semantics.html)
