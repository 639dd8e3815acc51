# because: SQL, with WATERMARK in the FROM clause; a plan worked out from a watermark


def attributed(impressions: DataFrame, clicks: DataFrame) -> DataFrame:
    session = impressions.sparkSession
    shown = session.sql(
        "SELECT * FROM {rows} WATERMARK shown_at DELAY OF INTERVAL 10 MINUTES", rows=impressions
    )
    clicked = session.sql(
        "SELECT * FROM {rows} WATERMARK clicked_at DELAY OF INTERVAL 20 MINUTES", rows=clicks
    )
    return session.sql(
        """
        SELECT s.imp_id, s.ad_id, s.shown_at, c.click_id, c.clicked_at
        FROM {shown} s
        JOIN {clicked} c ON s.imp_id = c.imp_id
          AND c.clicked_at BETWEEN s.shown_at AND s.shown_at + INTERVAL 1 HOUR
        """,
        shown=shown.distinct(),
        clicked=clicked.distinct(),
    )


def unclicked(impressions: DataFrame, clicks: DataFrame) -> DataFrame:
    session = impressions.sparkSession
    shown = session.sql(
        "SELECT * FROM {rows} WATERMARK shown_at DELAY OF INTERVAL 10 MINUTES", rows=impressions
    )
    clicked = session.sql(
        "SELECT * FROM {rows} WATERMARK clicked_at DELAY OF INTERVAL 20 MINUTES", rows=clicks
    )
    return session.sql(
        """
        SELECT s.imp_id, s.ad_id, s.shown_at
        FROM {clicked} c
        RIGHT JOIN {shown} s ON s.imp_id = c.imp_id
          AND s.shown_at BETWEEN c.clicked_at - INTERVAL 1 HOUR AND c.clicked_at
        WHERE c.click_id IS NULL
        """,
        shown=shown.distinct(),
        clicked=clicked.distinct(),
    )


def state_plan(watermarks, bounds, behind):
    left, right = (
        None if delay is None else -late - delay
        for delay, late in zip(watermarks, behind, strict=True)
    )
    if left is None or right is None:
        return (None, None)
    mark = min(left, right)  # of a newest row at 0
    return tuple(
        None if bound is None else sign * bound - mark
        for bound, sign in zip(reversed(bounds), (1, -1), strict=True)
    )


def enrich(clicks: DataFrame, ads_table: str) -> DataFrame:
    return clicks.sparkSession.sql(
        f"""
        SELECT c.*, a.campaign, a.bid
        FROM {{clicks}} c LEFT JOIN {ads_table} a ON c.ad_id = a.ad_id
        """,
        clicks=clicks,
    )


def enrich_as_of(clicks: DataFrame, history_table: str) -> DataFrame:
    return clicks.sparkSession.sql(
        f"""
        WITH versions AS (
          SELECT ad_id, campaign, bid, valid_from,
            lead(valid_from, 1, TIMESTAMP'9999-12-31') OVER (PARTITION BY ad_id ORDER BY valid_from)
              AS valid_to
          FROM {history_table}
        )
        SELECT c.*, v.campaign, v.bid
        FROM {{clicks}} c
        LEFT JOIN versions v
          ON c.ad_id = v.ad_id AND c.clicked_at >= v.valid_from AND c.clicked_at < v.valid_to
        """,
        clicks=clicks,
    )
