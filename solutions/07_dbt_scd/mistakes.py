# %% a_table_every_night
# task: fct_orders
# fails: test_orders_stay_that_the_landing_forgot, test_nights_are_merged_into_the_table
# because: a table that is built anew holds what the landing holds today
# breaks: Orders that the landing has forgotten stay.
def fct_orders() -> dict[str, str]:
    return {
        "models/fct_orders.sql": """\
{{ config(materialized='table') }}
select order_id, customer_id, status, amount, is_deleted, updated_at
from {{ source('raw', 'orders_landing') }}
qualify row_number() over (partition by order_id order by updated_at desc) = 1
""",
    }


# %% any_change_of_an_order
# task: fct_orders
# fails: test_first_build_has_the_newest_change_of_each_order,
#   test_changes_that_come_again_change_nothing, test_nights_of_another_shop
# because: ordered by status the alphabet decides which change is kept
# breaks: The first build takes all that landed: one row per order, its newest change by
#   `updated_at`.
# -    select *, row_number() over (partition by order_id order by updated_at desc) as age
# +    select *, row_number() over (partition by order_id order by status) as age

# %% appends
# task: fct_orders
# fails: test_updates_are_merged
# because: the default strategy of dbt-spark is append; unique_key is ignored
# breaks: Later builds are [incremental](https://docs.getdbt.com/docs/build/incremental-models),
#   with the `merge` strategy
# -    incremental_strategy='merge',

# %% deleted_orders_filtered
# task: fct_orders
# fails: test_a_deleted_order_stays_as_deleted
# because: with deletes filtered out first, the order stays as it was before
# breaks: A deleted order stays, as a row in which `is_deleted` is true.
# -    {% if is_incremental() %}
# -    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
# +    where not is_deleted
# +    {% if is_incremental() %}
# +    and updated_at >= (select max(updated_at) - interval 3 days from {{ this }})

# %% deleted_orders_left_out
# task: fct_orders
# fails: test_a_deleted_order_stays_as_deleted
# because: a deleted order that is left out of the result keeps its old row in the table
# breaks: A deleted order stays, as a row in which `is_deleted` is true.
# -where age = 1
# +where age = 1 and not is_deleted

# %% guard_in_the_on_clause
# task: fct_orders
# fails: test_an_older_change_never_overwrites_a_newer_one
# because: incremental_predicates are part of ON: where they fail, the row is inserted a second time
# breaks: An older change never replaces a newer row and is never added beside it
# -    on_schema_change='fail',
# +    on_schema_change='fail',
# +    incremental_predicates=['DBT_INTERNAL_DEST.updated_at < DBT_INTERNAL_SOURCE.updated_at'],
# -{% if is_incremental() %}
# -    and not exists (
# -        select 1
# -        from {{ this }} as known
# -        where known.order_id = newest.order_id
# -            and known.updated_at >= newest.updated_at
# -    )
# -{% endif %}

# %% known_orders_left_alone
# task: fct_orders
# fails: test_updates_are_merged
# because: an order that the table knows is never updated
# breaks: A newer change replaces the row of its order.
# -            and known.updated_at >= newest.updated_at

# %% newer_than_the_newest
# task: fct_orders
# fails: test_late_changes_inside_the_window_arrive
# because: the filter of the tutorial loses every change that comes after a newer one
# breaks: They take the landed changes whose `updated_at` is at most **three days** before the
#   newest `updated_at` in the table
# -    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
# +    where updated_at > (select max(updated_at) from {{ this }})

# %% no_window
# task: fct_orders
# fails: test_changes_before_the_window_stay_out
# because: without a filter every row that the landing holds is taken, however old
# breaks: Older changes stay out; a monthly job reconciles them.
# -    {% if is_incremental() %}
# -    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
# -    {% endif %}

# %% overwrites_the_table
# task: fct_orders
# fails: test_orders_stay_that_the_landing_forgot
# because: insert_overwrite without partitions replaces the whole table by tonight's rows
# breaks: Orders that the landing has forgotten stay.
# -    incremental_strategy='merge',
# -    unique_key='order_id',
# +    incremental_strategy='insert_overwrite',

# %% rank_column_stays
# task: fct_orders
# fails: test_first_build_has_the_newest_change_of_each_order
# because: select * brings the helper column along
# breaks: has the columns of `ORDERS`, in that order and with those types
# -select order_id, customer_id, status, amount, is_deleted, updated_at
# +select *

# %% three_days_before_today
# task: fct_orders
# fails: test_updates_are_merged
# because: the clock of the run is not the clock of the data: a replay of old nights finds nothing
# breaks: at most **three days** before the newest `updated_at` in the table
# -    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
# +    where updated_at >= current_date() - interval 3 days

# %% ties_stay_twice
# task: fct_orders
# fails: test_first_build_has_the_newest_change_of_each_order
# because: rank gives both copies of a redelivered change the first place
# breaks: Two changes of an order at the same time are the same change, delivered twice.
# -    select *, row_number() over (partition by order_id order by updated_at desc) as age
# +    select *, rank() over (partition by order_id order by updated_at desc) as age

# %% window_and_nothing_else
# task: fct_orders
# fails: test_an_older_change_never_overwrites_a_newer_one
# because: the newest change in the landing may be older than the row in the table
# breaks: An older change never replaces a newer row and is never added beside it, also when the
#   landing has forgotten the newer change.
# -{% if is_incremental() %}
# -    and not exists (
# -        select 1
# -        from {{ this }} as known
# -        where known.order_id = newest.order_id
# -            and known.updated_at >= newest.updated_at
# -    )
# -{% endif %}

# %% window_without_its_edge
# task: fct_orders
# fails: test_the_edge_of_the_window_is_inside
# because: > leaves out the change that is exactly three days behind
# breaks: before the newest `updated_at` in the table, that instant included
# -    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
# +    where updated_at > (select max(updated_at) - interval 3 days from {{ this }})

# %% a_snapshot_nobody_reads
# task: customers_snapshot
# fails: test_the_history_is_a_snapshot
# because: the snapshot keeps the history, and the dimension shows the last extract
# breaks: a model `dim_customers` that reads it
# -    effective_from,
# -    effective_to,
# -    effective_to is null as is_current
# -from {{ ref('customers_snapshot') }}
# +    updated_at as effective_from,
# +    cast(null as timestamp) as effective_to,
# +    true as is_current
# +from {{ ref('stg_customers') }}

# %% a_table_of_customers
# task: customers_snapshot
# fails: test_a_change_closes_a_version_and_opens_one,
#   test_customers_who_come_again_unchanged_keep_their_version
# because: a table of the last extract has no history
# breaks: keep history in a snapshot whose versions begin when things changed, not when dbt ran
def customers_snapshot() -> dict[str, str]:
    return {
        "models/dim_customers.sql": """\
{{ config(materialized='table') }}
select customer_id, name, city, updated_at as effective_from,
    cast(null as timestamp) as effective_to, true as is_current
from {{ source('raw', 'customers_extract') }}
qualify row_number() over (partition by customer_id order by updated_at desc) = 1
""",
    }


# %% checks_all_columns
# task: customers_snapshot
# fails: test_a_touch_makes_no_version
# because: check_cols: all compares updated_at as well
# breaks: An extract also holds rows in which nothing but `updated_at` is new: they make no version.
# -      check_cols: [name, city]
# +      check_cols: all

# %% checks_only_the_city
# task: customers_snapshot
# fails: test_a_change_closes_a_version_and_opens_one
# because: a new name makes no version
# breaks: Only a changed `name` or `city` makes a version
# -      check_cols: [name, city]
# +      check_cols: [city]

# %% current_versions_only
# task: customers_snapshot
# fails: test_a_change_closes_a_version_and_opens_one
# because: the dimension forgets the history that the snapshot keeps
# breaks: `dim_customers` has one row per version of a customer, closed versions included.
# -from {{ ref('customers_snapshot') }}
# +from {{ ref('customers_snapshot') }}
# +where effective_to is null

# %% dated_by_the_run
# task: customers_snapshot
# fails: test_a_change_closes_a_version_and_opens_one, test_the_first_extract_opens_a_version_each
# because: check without updated_at begins versions when dbt ran
# breaks: A version begins at the `updated_at` of the change that made it, not when dbt ran.
# -      updated_at: updated_at

# %% ends_a_second_early
# task: customers_snapshot
# fails: test_a_change_closes_a_version_and_opens_one
# because: an end one second before the next beginning leaves a second without a version
# breaks: It ends where the next begins: it is valid in [effective_from, effective_to).
# -    effective_to,
# +    effective_to - interval 1 second as effective_to,

# %% extract_as_it_is
# task: customers_snapshot
# fails: test_an_extract_that_has_a_customer_twice
# because: two rows of a customer in an extract become two versions, or stop the MERGE
# breaks: The row with the newest `updated_at` counts.
# -qualify row_number() over (partition by customer_id order by updated_at desc) = 1

# %% history_by_hand
# task: customers_snapshot
# fails: test_the_history_is_a_snapshot
# because: the dimension keeps the history itself, and a full refresh forgets it
# breaks: a [snapshot](https://docs.getdbt.com/docs/build/snapshots) called `customers_snapshot`, a
#   model `dim_customers` that reads it
def customers_snapshot() -> dict[str, str]:
    return {
        "models/dim_customers.sql": """\
{{ config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key=['customer_id', 'effective_from'],
) }}
with newest as (
    select customer_id, name, city, updated_at
    from {{ source('raw', 'customers_extract') }}
    qualify row_number() over (partition by customer_id order by updated_at desc) = 1
)
{% if is_incremental() %}
, opened as (select * from {{ this }} where is_current)
{% endif %}
select newest.customer_id, newest.name, newest.city, newest.updated_at as effective_from,
    cast(null as timestamp) as effective_to, true as is_current
from newest
{% if is_incremental() %}
left anti join opened
    on opened.customer_id = newest.customer_id
    and opened.name <=> newest.name and opened.city <=> newest.city
union all
select opened.customer_id, opened.name, opened.city, opened.effective_from,
    coalesce(newest.updated_at, {{ snapshot_get_time() }}) as effective_to, false as is_current
from opened
left join newest on newest.customer_id = opened.customer_id
where newest.customer_id is null
    or not (newest.name <=> opened.name and newest.city <=> opened.city)
{% endif %}
""",
    }


# %% missing_customers_stay
# task: customers_snapshot
# fails: test_a_customer_who_is_missing_is_closed, test_a_customer_who_returns_has_a_gap
# because: without hard_deletes nobody ever leaves
# breaks: The version of a customer who is missing from the extract is closed at the time of the
#   run.
# -      hard_deletes: invalidate

# %% null_city_is_unknown
# task: customers_snapshot
# fails: test_changes_from_and_to_null_are_versions
# because: a default in place of null changes what the source said
# breaks: null being a value of its own
# -select customer_id, name, city, updated_at
# +select customer_id, name, coalesce(city, 'unknown') as city, updated_at

# %% open_versions_end_in_9999
# task: customers_snapshot
# fails: test_the_first_extract_opens_a_version_each
# because: the open end is a far date and not null
# breaks: The end of an open version is null, and `is_current` is true for open versions only.
# -      hard_deletes: invalidate
# +      dbt_valid_to_current: "to_timestamp('9999-12-31')"
# +      hard_deletes: invalidate
# -    effective_to is null as is_current
# +    effective_to > current_timestamp() as is_current

# %% the_oldest_of_two_rows
# task: customers_snapshot
# fails: test_an_extract_that_has_a_customer_twice
# because: the older of two rows is the customer before the change
# breaks: The row with the newest `updated_at` counts.
# -qualify row_number() over (partition by customer_id order by updated_at desc) = 1
# +qualify row_number() over (partition by customer_id order by updated_at) = 1

# %% timestamp_strategy
# task: customers_snapshot
# fails: test_a_touch_makes_no_version
# because: the timestamp strategy makes a version of every new updated_at
# breaks: An extract also holds rows in which nothing but `updated_at` is new: they make no version.
# -      strategy: check
# -      check_cols: [name, city]
# +      strategy: timestamp

# %% columns_of_another_snapshot
# task: properties
# fails: test_tests_are_silent_on_good_days, test_overlapping_versions_are_caught
# because: the dimension has no valid_from: the test stops every build, and finds no overlap
# breaks: `DIMENSION` those of the dimension that you build from the second
# -        lead(effective_from) over (
# +        lead(valid_from) over (
# -            order by effective_from, effective_to nulls last
# +            order by valid_from
# -where next_from < coalesce(effective_to, timestamp '9999-12-31')
# +where next_from < coalesce(valid_to, timestamp '9999-12-31')

# %% contract_not_enforced
# task: properties
# fails: test_the_contract_stops_another_shape
# because: columns with types are documentation as long as no contract is enforced
# breaks: on `fct_orders`, enforced, over its six columns and types
# -        enforced: true
# +        enforced: false

# %% contract_of_another_type
# task: properties
# fails: test_the_contract_stops_another_shape
# because: the contract says double, and the right model is decimal
# breaks: on `fct_orders`, enforced, over its six columns and types
# -        data_type: decimal(10,2)
# +        data_type: double

# %% current_versions_overlap_only
# task: properties
# fails: test_overlapping_versions_are_caught
# because: closed versions overlap as well
# breaks: versions of a customer overlap, closed ones included
# -    from {{ ref('dim_customers') }}
# +    from {{ ref('dim_customers') }}
# +    where is_current

# %% customers_not_looked_up
# task: properties
# fails: test_broken_values_of_orders_are_caught
# because: nobody asks whether the customer of an order is known
# breaks: its customer is not in `dim_customers`
# -          - relationships:
# -              arguments:
# -                to: ref('dim_customers')
# -                field: customer_id

# %% empty_versions_pass
# task: properties
# fails: test_wrong_ends_and_flags_are_caught
# because: a version that ends when it begins is valid at no time, and passes
# breaks: a version ends at or before its beginning
# -where effective_to <= effective_from
# +where effective_to < effective_from

# %% every_customer_once
# task: properties
# fails: test_tests_are_silent_on_good_days
# because: unique on a column that has several versions by design fails every night
# breaks: versions of a customer touch: one ends at the instant at which the next begins
# -          - unique:
# -              name: one_current_version
# -              config:
# -                where: is_current
# +          - unique

# %% exposure_reads_one_model
# task: properties
# fails: test_the_dashboard_is_declared
# because: the lineage of the dashboard lacks the dimension
# breaks: `revenue_dashboard`, which reads both models, and only these
# -      - ref('dim_customers')

# %% flag_not_compared
# task: properties
# fails: test_wrong_ends_and_flags_are_caught
# because: is_current can say anything
# breaks: `is_current` disagrees with the end
# -    or is_current is distinct from (effective_to is null)

# %% free_orders_are_faults
# task: properties
# fails: test_tests_are_silent_on_good_days
# because: an amount of zero is allowed
# breaks: an amount is zero, or a city null
# -    amounts = "select * from {{ ref('fct_orders') }} where amount < 0\n"
# +    amounts = "select * from {{ ref('fct_orders') }} where amount <= 0\n"

# %% gaps_are_faults
# task: properties
# fails: test_tests_are_silent_on_good_days
# because: a customer who left and returned has a gap, and it is right
# breaks: customers leave and return
# -where next_from < coalesce(effective_to, timestamp '9999-12-31')
# +where next_from != coalesce(effective_to, timestamp '9999-12-31')

# %% no_status_list
# task: properties
# fails: test_broken_values_of_orders_are_caught
# because: no test looks at the status
# breaks: its status is none of new, paid, shipped, cancelled
# -        data_tests:
# -          - accepted_values:
# -              arguments:
# -                values: [new, paid, shipped, cancelled]

# %% no_test_of_current_versions
# task: properties
# fails: test_two_current_versions_are_caught
# because: two versions that are both current and begin at one time: only the overlap test could
#   know, and it asks about closed ones
# breaks: a customer has two current versions
# -          - unique:
# -              name: one_current_version
# -              config:
# -                where: is_current
#
# -    from {{ ref('dim_customers') }}
# +    from {{ ref('dim_customers') }}
# +    where effective_to is not null

# %% no_test_of_ends
# task: properties
# fails: test_wrong_ends_and_flags_are_caught
# because: an end before the beginning and a wrong flag pass all other tests
# breaks: a version ends at or before its beginning
# -        "tests/versions_end_after_they_begin.sql": ends,

# %% open_versions_overlap_nothing
# task: properties
# fails: test_a_version_that_never_ended_is_caught
# because: a comparison with a null end is never true
# breaks: versions of a customer overlap, closed ones included
# -where next_from < coalesce(effective_to, timestamp '9999-12-31')
# +where next_from < effective_to

# %% orders_must_be_there
# task: properties
# fails: test_quiet_on_a_first_day
# because: an empty table is no fault on a first day
# breaks: there is no order yet, on the first day
# -    amounts = "select * from {{ ref('fct_orders') }} where amount < 0\n"
# +    amounts = """\
# +select count(*) as orders from {{ ref('fct_orders') }}
# +having count(*) = 0 or min(amount) < 0
# +"""

# %% touching_counts_as_overlap
# task: properties
# fails: test_tests_are_silent_on_good_days, test_overlapping_versions_are_caught,
#   test_a_version_that_never_ended_is_caught
# because: with <= versions that touch overlap; what fails every night finds no overlap
# breaks: versions of a customer touch: one ends at the instant at which the next begins
# -where next_from < coalesce(effective_to, timestamp '9999-12-31')
# +where next_from <= coalesce(effective_to, timestamp '9999-12-31')

# %% warns_only
# task: properties
# fails: test_broken_keys_of_orders_are_caught, test_broken_values_of_orders_are_caught
# because: a warning stops no build
# breaks: Data tests of severity `error` on `fct_orders`.
# -        data_tests: [not_null, unique]
# +        data_tests:
# +          - not_null: {config: {severity: warn}}
# +          - unique: {config: {severity: warn}}
# -                field: customer_id
# +                field: customer_id
# +              config: {severity: warn}

# %% a_test_of_another_model
# task: unit_tests
# fails: test_right_models_pass_the_unit_tests
# because: the model of the test is the staging model of some other project
# breaks: YAML in `models/` with one or more [unit
#   tests](https://docs.getdbt.com/docs/build/unit-tests) of `fct_orders`
# -    model: fct_orders
# +    model: stg_orders

# %% expects_the_table
# task: unit_tests
# fails: test_dbt_runs_the_unit_tests, test_right_models_pass_the_unit_tests,
#   test_other_models_meet_the_unit_tests
# because: what is expected of an incremental model is what it returns, not the table after the
#   MERGE
# breaks: What a unit test expects of an incremental model is what the model returns, that is the
#   rows to merge.
# -        - {order_id: 1, status: shipped, is_deleted: false}
# +        - {order_id: 1, status: shipped, is_deleted: false}
# +        - {order_id: 2, status: shipped, is_deleted: false}

# %% expects_what_never_comes
# task: unit_tests
# fails: test_right_models_pass_the_unit_tests, test_other_models_meet_the_unit_tests,
#   test_a_model_that_keeps_the_oldest_change_fails,
#   test_a_model_that_lets_older_changes_win_fails, test_a_model_without_a_look_back_fails,
#   test_a_model_that_loses_deletes_fails
# because: a unit test that no model passes fails on each bug, and tells none from a right model
# breaks: They pass on every right model
def unit_tests() -> dict[str, str]:
    return {
        "models/unit_tests.yml": """\
unit_tests:
  - name: rows_to_merge
    model: fct_orders
    overrides:
      macros: {is_incremental: true}
    given:
      - input: source('raw', 'orders_landing')
        rows:
          - {order_id: 1, status: paid, is_deleted: false, updated_at: "2026-01-10 08:00:00"}
      - input: this
        rows:
          - {order_id: 2, status: shipped, is_deleted: false, updated_at: "2026-01-10 00:00:00"}
    expect:
      rows:
        - {order_id: 99, status: paid, is_deleted: false}
""",
    }


# %% half_a_day_late
# task: unit_tests
# fails: test_a_model_without_a_look_back_fails
# because: the late change is half a day behind; a window of one day takes it
# breaks: loses a change that is two days older than the newest in the table
# -          - {order_id: 3, status: new, is_deleted: false, updated_at: "2026-01-08 00:00:00"}
# +          - {order_id: 3, status: new, is_deleted: false, updated_at: "2026-01-09 12:00:00"}

# %% no_order_is_deleted
# task: unit_tests
# fails: test_a_model_that_loses_deletes_fails
# because: no order of the test is deleted
# breaks: loses deleted orders
# -          - {order_id: 5, status: paid, is_deleted: true, updated_at: "2026-01-10 07:00:00"}
#
# -          - {order_id: 5, status: paid, is_deleted: false, updated_at: "2026-01-08 00:00:00"}
#
# -        - {order_id: 5, status: paid, is_deleted: true}

# %% nothing_comes_late
# task: unit_tests
# fails: test_a_model_without_a_look_back_fails
# because: every change that landed is newer than the table
# breaks: loses a change that is two days older than the newest in the table
# -          - {order_id: 3, status: new, is_deleted: false, updated_at: "2026-01-08 00:00:00"}
# -          - {order_id: 4, status: new, is_deleted: false, updated_at: "2025-12-08 00:00:00"}
#
# -        - {order_id: 3, status: new, is_deleted: false}

# %% nothing_in_the_table_is_newer
# task: unit_tests
# fails: test_a_model_that_lets_older_changes_win_fails
# because: no row of the table is newer than what landed
# breaks: lets an older change replace a newer row of the table
# -          - {order_id: 2, status: paid, is_deleted: false, updated_at: "2026-01-09 07:00:00"}
#
# -          - {order_id: 2, status: shipped, is_deleted: false, updated_at: "2026-01-10 00:00:00"}

# %% one_change_of_each_order
# task: unit_tests
# fails: test_a_model_that_keeps_the_oldest_change_fails
# because: with one change of each order, every order of changes is right
# breaks: keeps the oldest change of an order
# -          - {order_id: 1, status: paid, is_deleted: false, updated_at: "2026-01-10 08:00:00"}

# %% only_the_first_build
# task: unit_tests
# fails: test_a_model_that_lets_older_changes_win_fails, test_a_model_without_a_look_back_fails
# because: the rules of later nights are behind is_incremental(), which is false here
# breaks: To test an incremental run, override `is_incremental` with `true`.
def unit_tests() -> dict[str, str]:
    return {
        "models/unit_tests.yml": """\
unit_tests:
  - name: first_build
    model: fct_orders
    given:
      - input: source('raw', 'orders_landing')
        rows:
          - {order_id: 1, status: paid, is_deleted: false, updated_at: "2026-01-10 08:00:00"}
          - {order_id: 1, status: shipped, is_deleted: true, updated_at: "2026-01-10 09:00:00"}
    expect:
      rows:
        - {order_id: 1, status: shipped, is_deleted: true}
""",
    }
