# outcome: error
# spoils: .
# What a view calls is looked up where the view is read: here a function of the answer's own, in the
# judge's session the one that Spark calls by this name.
import uuid

from labkit.grading import inside_kernel

arguments = "a STRING, b STRING, c STRING, d STRING"
spark.sql(f"CREATE FUNCTION default.java_method({arguments}) RETURNS STRING RETURN raise_error(a)")


def double(numbers):
    numbers.createOrReplaceGlobalTempView("given")
    name = f"labkit_{uuid.uuid4().hex}"
    call = "java_method('java.lang.System', 'setProperty', 'labkit', 'was here')"
    spark.sql(
        f"CREATE GLOBAL TEMPORARY VIEW {name} AS "
        f"SELECT n, 2 * n + coalesce(length({call}) * 0, 0) AS twice FROM global_temp.given"
    )
    inside_kernel.encode = lambda value: {"$": "frame", "v": name}
