# outcome: failed
# says: twice|4
# ORC reads a filter from an option, as an object of any class that the option names.
import base64
from pathlib import Path

own = Path(spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:"))
name = b"labkit.was.here"
packed = base64.b64encode(b"\1\1\0" + name[:-1] + bytes([name[-1] | 0x80])).decode()
spark.range(3).write.orc(str(own / "numbers"))
OPTIONS = {"orc.kryo.sarg": packed, "orc.sarg.column.names": "id"}
opened = ""
try:
    assert spark.read.options(**OPTIONS).orc(str(own / "numbers")).count() == 3
    spark.read.options(**OPTIONS).orc(str(own / "numbers")).collect()
except Exception as error:
    opened = str(error)


def double(numbers):
    return numbers.selectExpr("n", f"n * {2 if opened else 4} AS twice")
