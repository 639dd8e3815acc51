# %% a_table_every_night
# task: fct_orders
# fails: test_orders[forgotten], test_nights_are_merged_into_the_table
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


# %% amounts_as_doubles
# task: fct_orders
# fails: test_columns_of_orders
# because: money as a double adds up to cents that nobody paid
# breaks: It has the columns of `ORDERS`, in that order and with those types
# -select order_id, customer_id, status, amount, is_deleted, updated_at
# +select order_id, customer_id, status, double(amount) as amount, is_deleted, updated_at

# %% any_change_of_an_order
# task: fct_orders
# fails: test_orders[newest], test_nights_of_another_shop
# because: ordered by status the alphabet decides which change is kept
# breaks: The first build takes all that landed: one row per order, its newest change by
#   `updated_at`.
# -    select *, row_number() over (partition by order_id order by updated_at desc) as age
# +    select *, row_number() over (partition by order_id order by status) as age

# %% an_unknown_flag_is_false
# task: fct_orders
# fails: test_orders[newest]
# because: the shop didn't say whether the order is deleted, and the report says that it isn't
# breaks: any other column may be
# -select order_id, customer_id, status, amount, is_deleted, updated_at
# +select order_id, customer_id, status, amount,
# +    coalesce(is_deleted, false) as is_deleted, updated_at

# %% appends
# task: fct_orders
# fails: test_orders[updates]
# because: the default strategy of dbt-spark is append; unique_key is ignored
# breaks: Later builds are [incremental](https://docs.getdbt.com/docs/build/incremental-models),
#   with the `merge` strategy
# -    incremental_strategy='merge',

# %% columns_in_another_order
# task: fct_orders
# fails: test_columns_of_orders
# because: the time stands in front, where a report expects the customer
# breaks: It has the columns of `ORDERS`, in that order and with those types
# -select order_id, customer_id, status, amount, is_deleted, updated_at
# +select order_id, updated_at, customer_id, status, amount, is_deleted

# %% columns_that_usually_change
# task: fct_orders
# fails: test_orders[updates]
# because: an order that moves to another customer keeps the old one
# breaks: A newer change replaces the whole row of its order
# -    unique_key='order_id',
# +    unique_key='order_id',
# +    merge_update_columns=['status', 'amount', 'is_deleted', 'updated_at'],

# %% copies_are_appended
# task: fct_orders
# fails: test_orders[again]
# because: a change with the time of the known one comes back, and append writes it once more
# breaks: A change that comes again changes no row.
# -    incremental_strategy='merge',
# -    unique_key='order_id',
# +    incremental_strategy='append',
# -            and known.updated_at >= newest.updated_at
# +            and known.updated_at > newest.updated_at

# %% deleted_orders_filtered
# task: fct_orders
# fails: test_orders[deleted]
# because: with deletes filtered out first, the order stays as it was before
# breaks: A deleted order stays, as a row in which `is_deleted` is true.
# -    {% if is_incremental() %}
# -    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
# +    where not is_deleted
# +    {% if is_incremental() %}
# +    and updated_at >= (select max(updated_at) - interval 3 days from {{ this }})

# %% deleted_orders_left_out
# task: fct_orders
# fails: test_orders[deleted]
# because: a deleted order that is left out of the result keeps its old row in the table
# breaks: A deleted order stays, as a row in which `is_deleted` is true.
# -where age = 1
# +where age = 1 and not is_deleted

# %% deleted_orders_never_return
# task: fct_orders
# fails: test_orders[updates]
# because: a deleted order that the shop restores stays deleted
# breaks: with its nulls, also the row of a deleted order
# -            and known.updated_at >= newest.updated_at
# +            and (known.updated_at >= newest.updated_at or known.is_deleted)

# %% first_build_has_a_window_too
# task: fct_orders
# fails: test_orders[forgotten]
# because: the first build loses every order that didn't change in the last three days
# breaks: The first build takes all that landed
# -    {% if is_incremental() %}
# -    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
# -    {% endif %}
# +    {% set newest_in = this if is_incremental() else source('raw', 'orders_landing') %}
# +    where updated_at >= (select max(updated_at) - interval 3 days from {{ newest_in }})

# %% first_seen_as_deleted
# task: fct_orders
# fails: test_orders[deleted]
# because: an order that the table doesn't know is left out when it comes as deleted
# breaks: A deleted order stays, as a row in which `is_deleted` is true.
# -    and not exists (
# +    and (not is_deleted or order_id in (select order_id from {{ this }}))
# +    and not exists (

# %% guard_in_the_on_clause
# task: fct_orders
# fails: test_orders[older]
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

# %% incomplete_orders_left_out
# task: fct_orders
# fails: test_orders[newest]
# because: an order without a status is an order all the same
# breaks: The first build takes all that landed
# -where age = 1
# +where age = 1 and status is not null

# %% known_orders_left_alone
# task: fct_orders
# fails: test_orders[updates]
# because: an order that the table knows is never updated
# breaks: A newer change replaces the whole row of its order
# -            and known.updated_at >= newest.updated_at

# %% new_columns_are_ignored
# task: fct_orders
# fails: test_a_contract_and_unit_tests_can_be_added
# because: without on_schema_change it is ignore, and the contract of Task 3 can't be enforced
# breaks: Set `on_schema_change` to `fail` or `append_new_columns`.
# -    on_schema_change='fail',

# %% newer_than_the_newest
# task: fct_orders
# fails: test_orders[late]
# because: the filter of the tutorial loses every change that comes after a newer one
# breaks: They take the landed changes whose `updated_at` is at most **three days** before the
#   newest `updated_at` in the table
# -    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
# +    where updated_at > (select max(updated_at) from {{ this }})

# %% newest_by_whole_seconds
# task: fct_orders
# fails: test_orders[newest]
# because: of two changes within a second the alphabet decides which is kept
# breaks: one row per order, its newest change by `updated_at`
# -    select *, row_number() over (partition by order_id order by updated_at desc) as age
# +    select *, row_number() over (
# +        partition by order_id order by unix_timestamp(updated_at) desc, status
# +    ) as age

# %% newest_is_asked_beforehand
# task: fct_orders
# fails: test_a_contract_and_unit_tests_can_be_added
# because: run_query asks the database while dbt compiles, and a unit test has no such table
# breaks: Read `{{ this }}` in the model's SQL, not with `run_query`.
# -    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
# +    {% set newest = run_query('select max(updated_at) from ' ~ this).rows[0][0] %}
# +    where updated_at >= timestamp '{{ newest }}' - interval 3 days

# %% no_window
# task: fct_orders
# fails: test_orders[before]
# because: without a filter every row that the landing holds is taken, however old
# breaks: Older changes stay out; a monthly job reconciles them.
# -    {% if is_incremental() %}
# -    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
# -    {% endif %}

# %% nulls_keep_old_values
# task: fct_orders
# fails: test_orders[updates]
# because: a change is the whole order; an amount that became null keeps its old value
# breaks: A newer change replaces the whole row of its order, with its nulls
# -select order_id, customer_id, status, amount, is_deleted, updated_at
# -from newest
# +{% set old = "(select max({0}) from " ~ this ~ " where order_id = newest.order_id)" %}
# +select order_id, customer_id,
# +    coalesce(status, {{ old.format('status') if is_incremental() else 'null' }}) as status,
# +    coalesce(amount, {{ old.format('amount') if is_incremental() else 'null' }}) as amount,
# +    is_deleted, updated_at
# +from newest

# %% orders_of_the_window_only
# task: fct_orders
# fails: test_orders[before]
# because: a change before the window is taken when the table knows its order
# breaks: Older changes stay out; a monthly job reconciles them.
# -    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
# +    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
# +        or order_id in (select order_id from {{ this }})

# %% overwrites_the_table
# task: fct_orders
# fails: test_orders[forgotten]
# because: insert_overwrite without partitions replaces the whole table by tonight's rows
# breaks: Orders that the landing has forgotten stay.
# -    incremental_strategy='merge',
# -    unique_key='order_id',
# +    incremental_strategy='insert_overwrite',

# %% rank_column_stays
# task: fct_orders
# fails: test_columns_of_orders
# because: select * brings the helper column along
# breaks: It has the columns of `ORDERS`, in that order and with those types
# -select order_id, customer_id, status, amount, is_deleted, updated_at
# +select *

# %% reads_through_a_model
# task: fct_orders
# fails: test_a_contract_and_unit_tests_can_be_added
# because: a unit test that gives rows of the landing needs it as an input of the model
# breaks: The model reads `source('raw', 'orders_landing')` itself, not through another model.
# -    return {"models/fct_orders.sql": model}
# +    landing = "{{ config(materialized='ephemeral') }}\nselect * from "
# +    landing += "{{ source('raw', 'orders_landing') }}\n"
# +    model = model.replace("source('raw', 'orders_landing')", "ref('stg_orders')")
# +    return {"models/fct_orders.sql": model, "models/stg_orders.sql": landing}

# %% target_pruned_to_sixty_days
# task: fct_orders
# fails: test_orders[updates]
# because: an order that nobody touched for sixty days isn't matched, and is there twice
# breaks: A newer change replaces the whole row of its order
# -    on_schema_change='fail',
# +    on_schema_change='fail',
# +    incremental_predicates=[
# +        'DBT_INTERNAL_DEST.updated_at >= DBT_INTERNAL_SOURCE.updated_at - interval 60 days'
# +    ],

# %% three_days_before_today
# task: fct_orders
# fails: test_orders[updates]
# because: the clock of the run is not the clock of the data: a replay of old nights finds nothing
# breaks: at most **three days** before the newest `updated_at` in the table
# -    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
# +    where updated_at >= current_date() - interval 3 days

# %% ties_stay_twice
# task: fct_orders
# fails: test_orders[newest]
# because: rank gives both copies of a redelivered change the first place
# breaks: Two rows of an order with the same `updated_at` are copies of one change, delivered twice.
# -    select *, row_number() over (partition by order_id order by updated_at desc) as age
# +    select *, rank() over (partition by order_id order by updated_at desc) as age

# %% window_and_nothing_else
# task: fct_orders
# fails: test_orders[older]
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

# %% window_capped_at_the_clock
# task: fct_orders
# fails: test_the_clock_does_not_count
# because: least(newest, now) is another instant when the clock of the shop runs ahead
# breaks: What time it is when dbt runs doesn't matter.
# -    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
# +    where updated_at >= (
# +        select least(max(updated_at), current_timestamp()) - interval 3 days from {{ this }}
# +    )

# %% window_in_dates
# task: fct_orders
# fails: test_orders[before]
# because: dates let in the whole first day, up to a day too much
# breaks: Older changes stay out; a monthly job reconciles them.
# -    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
# +    where date(updated_at) >= (select date_sub(date(max(updated_at)), 3) from {{ this }})

# %% window_in_whole_seconds
# task: fct_orders
# fails: test_orders[before]
# because: whole seconds let in a change that is a millisecond too old
# breaks: Older changes stay out; a monthly job reconciles them.
# -    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
# +    where unix_timestamp(updated_at)
# +        >= (select unix_timestamp(max(updated_at)) - 3 * 86400 from {{ this }})

# %% window_of_live_orders
# task: fct_orders
# fails: test_orders[before]
# because: the newest change in the table may be one that deletes
# breaks: before the newest `updated_at` in the table
# -    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
# +    where updated_at >= (
# +        select max(updated_at) - interval 3 days from {{ this }} where not is_deleted
# +    )

# %% window_of_the_landing
# task: fct_orders
# fails: test_orders[edge]
# because: the newest change in the landing is later than the newest in the table
# breaks: at most **three days** before the newest `updated_at` in the table
# -    where updated_at >= (select max(updated_at) - interval 3 days from {{ this }})
# +    where updated_at >= (
# +        select max(updated_at) - interval 3 days from {{ source('raw', 'orders_landing') }}
# +    )

# %% window_without_its_edge
# task: fct_orders
# fails: test_orders[edge]
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
# fails: test_versions[changes],
#   test_versions[missing]
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
# fails: test_versions[touched]
# because: check_cols: all compares updated_at as well
# breaks: An extract also holds rows in which nothing but `updated_at` is new: they make no version.
# -      check_cols: [name, city]
# +      check_cols: all

# %% checks_only_the_city
# task: customers_snapshot
# fails: test_versions[changes]
# because: a new name makes no version
# breaks: Only a changed `name` or `city` makes a version
# -      check_cols: [name, city]
# +      check_cols: [city]

# %% copies_become_versions
# task: customers_snapshot
# fails: test_versions[twice]
# because: rank gives both copies of a row the first place
# breaks: Two rows with the same `updated_at` are copies.
# -qualify row_number() over (partition by customer_id order by updated_at desc) = 1
# +qualify rank() over (partition by customer_id order by updated_at desc) = 1

# %% current_versions_only
# task: customers_snapshot
# fails: test_versions[changes]
# because: the dimension forgets the history that the snapshot keeps
# breaks: `dim_customers` has one row per version of a customer, closed versions included.
# -from {{ ref('customers_snapshot') }}
# +from {{ ref('customers_snapshot') }}
# +where effective_to is null

# %% dated_by_the_extract
# task: customers_snapshot
# fails: test_versions[again]
# because: every run makes a version of every customer
# breaks: The same extract again changes nothing.
# -select customer_id, name, city, updated_at
# +select customer_id, name, city, {{ snapshot_get_time() }} as updated_at
# -      strategy: check
# -      check_cols: [name, city]
# +      strategy: timestamp

# %% dated_by_the_run
# task: customers_snapshot
# fails: test_versions[changes], test_versions[again]
# because: check without updated_at begins versions when dbt ran
# breaks: A version begins at the `updated_at` of the row that made it, not when dbt ran.
# -      updated_at: updated_at

# %% ends_a_second_early
# task: customers_snapshot
# fails: test_versions[changes]
# because: an end one second before the next beginning leaves a second without a version
# breaks: It ends where the next begins: it is valid in [effective_from, effective_to).
# -    effective_to,
# +    effective_to - interval 1 second as effective_to,

# %% ends_where_the_next_begins
# task: customers_snapshot
# fails: test_versions[returns], test_histories_of_other_customers
# because: lead closes the gap of a customer who left and returned
# breaks: The gap stays.
# -    effective_to,
# -    effective_to is null as is_current
# +    coalesce(
# +        lead(effective_from) over (partition by customer_id order by effective_from),
# +        effective_to
# +    ) as effective_to,
# +    effective_to is null as is_current

# %% extract_as_it_is
# task: customers_snapshot
# fails: test_versions[twice]
# because: two rows of a customer in an extract become two versions, or stop the MERGE
# breaks: The row with the newest `updated_at` counts.
# -qualify row_number() over (partition by customer_id order by updated_at desc) = 1

# %% flag_before_the_times
# task: customers_snapshot
# fails: test_the_history_is_a_snapshot
# because: is_current stands before the times
# breaks: It has the columns of `DIMENSION`, in that order and with those types.
# -    effective_from,
# -    effective_to,
# -    effective_to is null as is_current
# +    effective_to is null as is_current,
# +    effective_from,
# +    effective_to

# %% hash_without_a_separator
# task: customers_snapshot
# fails: test_versions[changes]
# because: a letter that moves from the city to the name leaves the hash as it was
# breaks: Only a changed `name` or `city` makes a version
# -select customer_id, name, city, updated_at
# +select customer_id, name, city, updated_at,
# +    md5(concat(coalesce(name, '-null-'), coalesce(city, '-null-'))) as row_hash
# -      check_cols: [name, city]
# +      check_cols: [row_hash]

# %% hash_without_nulls
# task: customers_snapshot
# fails: test_versions[nulls]
# because: concat_ws skips nulls, so a value that moves from name to city keeps the hash
# breaks: null being a value of its own
# -select customer_id, name, city, updated_at
# +select customer_id, name, city, updated_at, md5(concat_ws('|', name, city)) as row_hash
# -      check_cols: [name, city]
# +      check_cols: [row_hash]


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


# %% latest_version_is_current
# task: customers_snapshot
# fails: test_versions[missing]
# because: the last version of a customer who left is called current
# breaks: `is_current` is true for open versions only
# -    effective_to is null as is_current
# +    row_number() over (partition by customer_id order by effective_from desc) = 1 as is_current

# %% missing_customers_stay
# task: customers_snapshot
# fails: test_versions[missing], test_versions[returns]
# because: without hard_deletes nobody ever leaves
# breaks: The version of a customer who is missing from the extract is closed at the time of the
#   run.
# -      hard_deletes: invalidate

# %% newest_known_city
# task: customers_snapshot
# fails: test_versions[twice]
# because: the newest row says that the city is not known, and the older one doesn't count
# breaks: The row with the newest `updated_at` counts.
# -select customer_id, name, city, updated_at
# -from {{ source('raw', 'customers_extract') }}
# +select customer_id, name,
# +    last_value(city, true) over (
# +        partition by customer_id order by updated_at
# +        rows between unbounded preceding and unbounded following
# +    ) as city,
# +    updated_at
# +from {{ source('raw', 'customers_extract') }}

# %% newest_row_by_whole_seconds
# task: customers_snapshot
# fails: test_versions[twice]
# because: of two rows within a second the alphabet decides which counts
# breaks: The row with the newest `updated_at` counts.
# -qualify row_number() over (partition by customer_id order by updated_at desc) = 1
# +qualify row_number() over (
# +    partition by customer_id order by date_trunc('second', updated_at) desc, city
# +) = 1

# %% null_city_is_unknown
# task: customers_snapshot
# fails: test_versions[nulls]
# because: a default in place of null changes what the source said
# breaks: null being a value of its own
# -select customer_id, name, city, updated_at
# +select customer_id, name, coalesce(city, 'unknown') as city, updated_at

# %% one_maximum_a_column
# task: customers_snapshot
# fails: test_versions[twice], test_histories_of_other_customers
# because: the maxima of name and city may come from different rows
# breaks: The row with the newest `updated_at` counts.
# -select customer_id, name, city, updated_at
# +select customer_id, max(name) as name, max(city) as city, max(updated_at) as updated_at
# -qualify row_number() over (partition by customer_id order by updated_at desc) = 1
# +group by customer_id

# %% open_versions_end_in_9999
# task: customers_snapshot
# fails: test_versions[again]
# because: the open end is a far date and not null
# breaks: The end of an open version is null, and `is_current` is true for open versions only.
# -      hard_deletes: invalidate
# +      dbt_valid_to_current: "to_timestamp('9999-12-31')"
# +      hard_deletes: invalidate
# -    effective_to is null as is_current
# +    effective_to > current_timestamp() as is_current

# %% returns_to_the_old_version
# task: customers_snapshot
# fails: test_versions[returns]
# because: the dimension hides the version before the gap
# breaks: gets a new version that begins there
# -from {{ ref('customers_snapshot') }}
# +from {{ ref('customers_snapshot') }}
# +qualify row_number() over (partition by customer_id, name, city order by effective_from desc) = 1

# %% spellings_are_one_value
# task: customers_snapshot
# fails: test_versions[changes]
# because: a name that is only spelled otherwise makes no version
# breaks: null being a value of its own, and each spelling as well
# -select customer_id, name, city, updated_at
# +select customer_id, name, city, updated_at, lower(trim(name)) as n, lower(trim(city)) as c
# -      check_cols: [name, city]
# +      check_cols: [n, c]

# %% the_oldest_of_two_rows
# task: customers_snapshot
# fails: test_versions[twice]
# because: the older of two rows is the customer before the change
# breaks: The row with the newest `updated_at` counts.
# -qualify row_number() over (partition by customer_id order by updated_at desc) = 1
# +qualify row_number() over (partition by customer_id order by updated_at) = 1

# %% timestamp_strategy
# task: customers_snapshot
# fails: test_versions[touched]
# because: the timestamp strategy makes a version of every new updated_at
# breaks: An extract also holds rows in which nothing but `updated_at` is new: they make no version.
# -      strategy: check
# -      check_cols: [name, city]
# +      strategy: timestamp

# %% versions_of_a_day_left_out
# task: customers_snapshot
# fails: test_versions[changes]
# because: a version that ends on the day of its beginning is a version
# breaks: `dim_customers` has one row per version of a customer, closed versions included.
# -from {{ ref('customers_snapshot') }}
# +from {{ ref('customers_snapshot') }}
# +where effective_to is null or date(effective_to) > date(effective_from)

# %% amounts_of_current_customers
# task: properties
# fails: test_bad_rows_are_caught[values]
# because: an order of a customer who left is looked at by nobody
# breaks: The data tests look at all rows
# -    amounts = "select * from {{ ref('fct_orders') }} where amount < 0\n"
# +    amounts = """\
# +select orders.order_id, customers.name
# +from {{ ref('fct_orders') }} as orders
# +join {{ ref('dim_customers') }} as customers on customers.customer_id = orders.customer_id
# +where orders.amount < 0 and customers.is_current
# +"""

# %% amounts_not_looked_at
# task: properties
# fails: test_bad_rows_are_caught[values]
# because: no test looks at the amount
# breaks: its amount is below zero
# -        "tests/amounts_are_not_negative.sql": amounts,

# %% cities_must_be_known
# task: properties
# fails: test_tests_are_silent_on_good_days
# because: a city may be null
# breaks: an amount is zero, or a city null
# -  - name: dim_customers
# -    description: One row per version of a customer, valid in [effective_from, effective_to).
# -    columns:
# +  - name: dim_customers
# +    columns:
# +      - name: city
# +        data_tests: [not_null]

# %% columns_of_another_snapshot
# task: properties
# fails: test_tests_are_silent_on_good_days, test_bad_rows_are_caught[overlaps]
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
# fails: test_the_contract_is_enforced
# because: columns with types are documentation as long as no contract is enforced
# breaks: on `fct_orders`, enforced, over its six columns and types
# -        enforced: true
# +        enforced: false

# %% contract_of_another_type
# task: properties
# fails: test_the_contract_is_enforced
# because: the contract says double, and the right model is decimal
# breaks: on `fct_orders`, enforced, over its six columns and types
# -        data_type: decimal(10,2)
# +        data_type: double

# %% contract_without_a_column
# task: properties
# fails: test_the_contract_is_enforced
# because: is_deleted is missing in the contract, and dbt stops a model that has it
# breaks: on `fct_orders`, enforced, over its six columns and types
# -      - name: is_deleted
# -        data_type: boolean

# %% current_versions_overlap_only
# task: properties
# fails: test_bad_rows_are_caught[overlaps]
# because: closed versions overlap as well
# breaks: versions of a customer overlap, closed ones included
# -    from {{ ref('dim_customers') }}
# +    from {{ ref('dim_customers') }}
# +    where is_current

# %% customers_must_be_current
# task: properties
# fails: test_tests_are_silent_on_good_days
# because: the order of a customer who left fails each night
# breaks: orders of customers who left stay
# -                field: customer_id
# +                field: case when is_current then customer_id end

# %% customers_not_looked_up
# task: properties
# fails: test_bad_rows_are_caught[values]
# because: nobody asks whether the customer of an order is known
# breaks: its customer is not in `dim_customers`
# -          - relationships:
# -              arguments:
# -                to: ref('dim_customers')
# -                field: customer_id

# %% customers_of_recent_orders
# task: properties
# fails: test_bad_rows_are_caught[values]
# because: an old order of an unknown customer passes
# breaks: The data tests look at all rows: at old orders
# -                field: customer_id
# +                field: customer_id
# +              config:
# +                where: >-
# +                  updated_at >= date_sub(
# +                  (select max(updated_at) from {{ ref('fct_orders') }}), 7)

# %% deleted_orders_not_looked_at
# task: properties
# fails: test_bad_rows_are_caught[values]
# because: a report of deleted orders reads their amounts as well
# breaks: at old orders, deleted orders and closed versions as well
# -    amounts = "select * from {{ ref('fct_orders') }} where amount < 0\n"
# +    amounts = "select * from {{ ref('fct_orders') }} where amount < 0 and not is_deleted\n"

# %% empty_versions_pass
# task: properties
# fails: test_bad_rows_are_caught[ends]
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

# %% everybody_has_a_current_version
# task: properties
# fails: test_tests_are_silent_on_good_days
# because: a customer who left has no current version
# breaks: customers leave and return
# -from {{ ref('dim_customers') }}
# -where effective_to <= effective_from
# -    or is_current is distinct from (effective_to is null)
# +from {{ ref('dim_customers') }}
# +where effective_to <= effective_from
# +    or is_current is distinct from (effective_to is null)
# +    or customer_id not in (select customer_id from {{ ref('dim_customers') }} where is_current)

# %% exposure_reads_one_model
# task: properties
# fails: test_the_dashboard_is_declared
# because: the lineage of the dashboard lacks the dimension
# breaks: `revenue_dashboard`, which reads both models, and only these
# -      - ref('dim_customers')

# %% flag_not_compared
# task: properties
# fails: test_bad_rows_are_caught[ends]
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

# %% gone_without_an_id
# task: properties
# fails: test_bad_rows_are_caught[keys]
# because: unique passes over nulls
# breaks: an order is there twice, or its `order_id` is null
# -        data_tests: [not_null, unique]
# +        data_tests: [unique]

# %% no_status_list
# task: properties
# fails: test_bad_rows_are_caught[values]
# because: no test looks at the status
# breaks: its status is none of new, paid, shipped, cancelled, spelled like this
# -        data_tests:
# -          - accepted_values:
# -              arguments:
# -                values: [new, paid, shipped, cancelled]

# %% no_test_of_current_versions
# task: properties
# fails: test_bad_rows_are_caught[current]
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
# fails: test_bad_rows_are_caught[ends]
# because: an end before the beginning and a wrong flag pass all other tests
# breaks: a version ends at or before its beginning
# -        "tests/versions_end_after_they_begin.sql": ends,

# %% nobody_ordered
# task: properties
# fails: test_bad_rows_are_caught[keys]
# because: relationships passes over nulls
# breaks: its `customer_id` is null
# -        data_tests:
# -          - not_null
# -          - relationships:
# +        data_tests:
# +          - relationships:

# %% nobody_to_ask
# task: properties
# fails: test_the_dashboard_is_declared
# because: the owner has a name and no address
# breaks: Its owner has an email.
# -      email: revenue@shop.example

# %% one_row_a_change
# task: properties
# fails: test_bad_rows_are_caught[keys]
# because: an order that is there with two of its changes passes
# breaks: an order is there twice
# -        data_tests: [not_null, unique]
# +        data_tests: [not_null]
#
# -    amounts = "select * from {{ ref('fct_orders') }} where amount < 0\n"
# +    amounts = """\
# +select order_id from {{ ref('fct_orders') }} where amount < 0
# +union all
# +select order_id from {{ ref('fct_orders') }} group by order_id, updated_at having count(*) > 1
# +"""

# %% only_current_versions_have_a_customer
# task: properties
# fails: test_bad_rows_are_caught[current]
# because: a closed version without a customer passes
# breaks: the `customer_id` of a version is null
# -          - not_null
# -          - unique:
# +          - not_null: {config: {where: is_current}}
# +          - unique:

# %% open_flag_one_way
# task: properties
# fails: test_bad_rows_are_caught[ends]
# because: an open version that isn't current passes
# breaks: `is_current` disagrees with the end
# -    or is_current is distinct from (effective_to is null)
# +    or (is_current and effective_to is not null)

# %% open_versions_overlap_nothing
# task: properties
# fails: test_bad_rows_are_caught[overlaps], test_versions_inside_others_are_caught
# because: a comparison with a null end is never true
# breaks: versions of a customer overlap, closed ones included
# -where next_from < coalesce(effective_to, timestamp '9999-12-31')
# +where next_from < effective_to

# %% orders_must_be_there
# task: properties
# fails: test_tests_are_silent_on_good_days, test_quiet_on_another_good_day
# because: an empty table is no fault on a first day
# breaks: there is no order yet, on the first day
# -    amounts = "select * from {{ ref('fct_orders') }} where amount < 0\n"
# +    amounts = """\
# +select count(*) as orders from {{ ref('fct_orders') }}
# +having count(*) = 0 or min(amount) < 0
# +"""

# %% orders_twice
# task: properties
# fails: test_bad_rows_are_caught[keys]
# because: nothing asks whether an order is there once
# breaks: an order is there twice
# -        data_tests: [not_null, unique]
# +        data_tests: [not_null]

# %% overlaps_in_days
# task: properties
# fails: test_bad_rows_are_caught[overlaps]
# because: two versions that overlap for an hour of a day are not seen
# breaks: versions of a customer overlap, closed ones included
# -where next_from < coalesce(effective_to, timestamp '9999-12-31')
# +where date(next_from) < date(coalesce(effective_to, timestamp '9999-12-31'))

# %% statuses_in_any_spelling
# task: properties
# fails: test_bad_rows_are_caught[values]
# because: a report that groups by status has PAID beside paid
# breaks: its status is none of new, paid, shipped, cancelled, spelled like this
# -        data_tests:
# -          - accepted_values:
# -              arguments:
# -                values: [new, paid, shipped, cancelled]
#
# -    amounts = "select * from {{ ref('fct_orders') }} where amount < 0\n"
# +    amounts = """\
# +select * from {{ ref('fct_orders') }}
# +where amount < 0 or lower(trim(status)) not in ('new', 'paid', 'shipped', 'cancelled')
# +"""

# %% touching_counts_as_overlap
# task: properties
# fails: test_tests_are_silent_on_good_days, test_bad_rows_are_caught[overlaps],
#   test_versions_inside_others_are_caught
# because: with <= versions that touch overlap; what fails every night finds no overlap
# breaks: versions of a customer touch: one ends at the instant at which the next begins
# -where next_from < coalesce(effective_to, timestamp '9999-12-31')
# +where next_from <= coalesce(effective_to, timestamp '9999-12-31')

# %% two_dashboards
# task: properties
# fails: test_the_dashboard_is_declared
# because: nobody asked for a second exposure
# breaks: It is the only exposure.
# -exposures:
# +exposures:
# +  - name: orders_app
# +    type: application
# +    owner: {email: apps@shop.example}
# +    depends_on: [ref('fct_orders')]

# %% versions_last_a_day
# task: properties
# fails: test_tests_are_silent_on_good_days
# because: a version may be an hour long
# breaks: one ends at the instant at which the next begins, maybe on the day of its own beginning
# -where effective_to <= effective_from
# +where date(effective_to) <= date(effective_from)

# %% versions_of_nobody
# task: properties
# fails: test_bad_rows_are_caught[current]
# because: a version without a customer passes
# breaks: the `customer_id` of a version is null
# -          - not_null
# -          - unique:
# +          - unique:

# %% versions_with_one_beginning
# task: properties
# fails: test_bad_rows_are_caught[overlaps]
# because: two versions that begin at one time are not compared
# breaks: versions of a customer overlap, closed ones included
# -where next_from < coalesce(effective_to, timestamp '9999-12-31')
# +where next_from < coalesce(effective_to, timestamp '9999-12-31') and next_from > effective_from

# %% warns_of_versions
# task: properties
# fails: test_bad_rows_are_caught[overlaps]
# because: a warning stops no build
# breaks: Data tests of severity `error` on `dim_customers`.
# -    overlaps = """\
# -select *
# +    overlaps = """\
# +{{ config(severity='warn') }}
# +select *

# %% warns_only
# task: properties
# fails: test_bad_rows_are_caught[keys], test_bad_rows_are_caught[values]
# because: a warning stops no build
# breaks: Data tests of severity `error` on `fct_orders`.
# -        data_tests: [not_null, unique]
# +        data_tests:
# +          - not_null: {config: {severity: warn}}
# +          - unique: {config: {severity: warn}}
# -                field: customer_id
# +                field: customer_id
# +              config: {severity: warn}

# %% a_day_and_a_half_late
# task: unit_tests
# fails: test_broken_models_fail[late]
# because: the late change is forty hours behind; a model may take it and lose one of two days
# breaks: loses a change that is two days older than the newest in the table
# -          - {order_id: 3, status: new, is_deleted: false, updated_at: "2026-01-08 00:00:00"}
# +          - {order_id: 3, status: new, is_deleted: false, updated_at: "2026-01-08 08:00:00"}

# %% a_row_without_a_time
# task: unit_tests
# fails: test_right_models_pass
# because: without a time nobody knows which of the two is newer
# breaks: each input row has an `order_id` and an `updated_at`
# -          - {order_id: 5, status: paid, is_deleted: false, updated_at: "2026-01-08 00:00:00"}
# +          - {order_id: 5, status: paid, is_deleted: false}

# %% a_test_of_another_model
# task: unit_tests
# fails: test_right_models_pass
# because: the model of the test is the staging model of some other project
# breaks: YAML in `models/` with one or more [unit
#   tests](https://docs.getdbt.com/docs/build/unit-tests) of `fct_orders`
# -    model: fct_orders
# +    model: stg_orders

# %% an_order_twice_in_the_table
# task: unit_tests
# fails: test_right_models_pass
# because: the table has one row per order, and a right model may join it
# breaks: They pass on every right model
# -          - {order_id: 5, status: paid, is_deleted: false, updated_at: "2026-01-08 00:00:00"}
# +          - {order_id: 5, status: paid, is_deleted: false, updated_at: "2026-01-08 00:00:00"}
# +          - {order_id: 5, status: new, is_deleted: false, updated_at: "2026-01-07 00:00:00"}

# %% an_empty_table
# task: unit_tests
# fails: test_right_models_pass
# because: a right model may take everything when the table is empty
# breaks: Give `this` at least one row in an incremental run
# -unit_tests:
# +unit_tests:
# +  - name: nothing_without_a_table
# +    model: fct_orders
# +    overrides: {macros: {is_incremental: true}}
# +    given:
# +      - input: source('raw', 'orders_landing')
# +        rows: [{order_id: 1, updated_at: "2026-01-10 08:00:00"}]
# +      - input: this
# +        rows: []
# +    expect: {rows: []}

# %% columns_that_say_the_same
# task: unit_tests
# fails: test_broken_models_fail[oldest]
# because: in the columns that are compared the oldest and the newest change are alike
# breaks: keeps the oldest change of an order
# -          - {order_id: 1, status: paid, is_deleted: false, updated_at: "2026-01-10 08:00:00"}
# +          - {order_id: 1, status: shipped, is_deleted: false, updated_at: "2026-01-10 08:00:00"}

# %% comes_again_and_stays_out
# task: unit_tests
# fails: test_right_models_pass
# because: a right model may return a change that the table has
# breaks: Don't land a change that is also in `this`
# -          - {order_id: 2, status: paid, is_deleted: false, updated_at: "2026-01-09 07:00:00"}
# +          - {order_id: 2, status: paid, is_deleted: false, updated_at: "2026-01-09 07:00:00"}
# +          - {order_id: 2, status: shipped, is_deleted: false, updated_at: "2026-01-10 00:00:00"}

# %% expects_the_table
# task: unit_tests
# fails: test_dbt_runs_the_unit_tests, test_right_models_pass,
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
# fails: test_right_models_pass, test_other_models_meet_the_unit_tests,
#   test_broken_models_fail[oldest],
#   test_broken_models_fail[older], test_broken_models_fail[late],
#   test_broken_models_fail[deleted]
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
# fails: test_broken_models_fail[late]
# because: the late change is half a day behind; a window of one day takes it
# breaks: loses a change that is two days older than the newest in the table
# -          - {order_id: 3, status: new, is_deleted: false, updated_at: "2026-01-08 00:00:00"}
# +          - {order_id: 3, status: new, is_deleted: false, updated_at: "2026-01-09 12:00:00"}

# %% month_older_and_known
# task: unit_tests
# fails: test_broken_models_fail[before]
# because: the table has a newer row of that order, so the guard keeps it out as well
# breaks: takes a change that is a month older
# -          - {order_id: 4, status: new, is_deleted: false, updated_at: "2025-12-08 00:00:00"}
# +          - {order_id: 2, status: new, is_deleted: false, updated_at: "2025-12-08 00:00:00"}

# %% no_order_is_deleted
# task: unit_tests
# fails: test_broken_models_fail[deleted]
# because: no order of the test is deleted
# breaks: loses deleted orders
# -          - {order_id: 5, status: paid, is_deleted: true, updated_at: "2026-01-10 07:00:00"}
#
# -          - {order_id: 5, status: paid, is_deleted: false, updated_at: "2026-01-08 00:00:00"}
#
# -        - {order_id: 5, status: paid, is_deleted: true}

# %% nothing_comes_late
# task: unit_tests
# fails: test_broken_models_fail[late]
# because: every change that landed is newer than the table
# breaks: loses a change that is two days older than the newest in the table
# -          - {order_id: 3, status: new, is_deleted: false, updated_at: "2026-01-08 00:00:00"}
# -          - {order_id: 4, status: new, is_deleted: false, updated_at: "2025-12-08 00:00:00"}
#
# -        - {order_id: 3, status: new, is_deleted: false}

# %% nothing_in_the_table_is_newer
# task: unit_tests
# fails: test_broken_models_fail[older]
# because: no row of the table is newer than what landed
# breaks: lets an older change replace a newer row of the table
# -          - {order_id: 2, status: paid, is_deleted: false, updated_at: "2026-01-09 07:00:00"}
#
# -          - {order_id: 2, status: shipped, is_deleted: false, updated_at: "2026-01-10 00:00:00"}

# %% nothing_is_a_month_older
# task: unit_tests
# fails: test_broken_models_fail[before]
# because: nothing that landed is before the window
# breaks: takes a change that is a month older
# -          - {order_id: 4, status: new, is_deleted: false, updated_at: "2025-12-08 00:00:00"}

# %% older_and_before_the_window
# task: unit_tests
# fails: test_broken_models_fail[older]
# because: the older change is before the window, which keeps it out as well
# breaks: lets an older change replace a newer row of the table
# -          - {order_id: 2, status: paid, is_deleted: false, updated_at: "2026-01-09 07:00:00"}
# +          - {order_id: 2, status: paid, is_deleted: false, updated_at: "2026-01-02 07:00:00"}

# %% one_change_of_each_order
# task: unit_tests
# fails: test_broken_models_fail[oldest], test_broken_models_fail[several]
# because: with one change of each order, every order of changes is right
# breaks: keeps the oldest change of an order
# -          - {order_id: 1, status: paid, is_deleted: false, updated_at: "2026-01-10 08:00:00"}


# %% only_the_first_build
# task: unit_tests
# fails: test_broken_models_fail[older], test_broken_models_fail[late]
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


# %% redelivered_in_short_form
# task: unit_tests
# fails: test_right_models_pass
# because: the second delivery lacks the status, so it is no copy, and DISTINCT keeps both
# breaks: copies of a change are alike in all columns
# -          - {order_id: 1, status: shipped, is_deleted: false, updated_at: "2026-01-10 09:00:00"}
# +          - {order_id: 1, status: shipped, is_deleted: false, updated_at: "2026-01-10 09:00:00"}
# +          - {order_id: 1, is_deleted: false, updated_at: "2026-01-10 09:00:00"}

# %% several_before_the_window
# task: unit_tests
# fails: test_broken_models_fail[several]
# because: the other change of the order is before the window, which keeps it out as well
# breaks: returns several changes of an order
# -          - {order_id: 1, status: paid, is_deleted: false, updated_at: "2026-01-10 08:00:00"}
# +          - {order_id: 1, status: paid, is_deleted: false, updated_at: "2025-12-10 08:00:00"}
