# %% keeps_everything
# task: first_task
# fails: test_equal_rows_collapse, test_null_rows_collapse
# because: nothing is removed
# breaks: Each row once.
# -    return rows.distinct()
# +    return rows
