# %% placeholder
# task: attributed
# fails: test_pairs[hour]
# because: the end of the hour is missing
# breaks: both ends included
# -        "AND clicked_at <= shown_at + INTERVAL 60 MINUTES"
# +        "AND clicked_at < shown_at + INTERVAL 60 MINUTES"
