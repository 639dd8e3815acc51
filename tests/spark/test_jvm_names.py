"""py4j asks the JVM for a class once, and again for what was none."""

import pytest
from py4j.java_gateway import JVMView
from py4j.protocol import Py4JError


@pytest.fixture
def jvm(spark):
    """A view of the JVM of its own: what other tests asked for is not known in it."""
    view = spark._jvm.py4j.JVMView("names", "names")
    return JVMView(spark._sc._gateway._gateway_client, "names", jvm_object=view)


@pytest.fixture
def asked(jvm, monkeypatch):
    """The questions that go to the JVM."""
    found, send = [], jvm._gateway_client.send_command

    def counted(command, *more, **named):
        found.append(command)
        return send(command, *more, **named)

    monkeypatch.setattr(jvm._gateway_client, "send_command", counted)
    return found


def test_class_is_asked_for_once(jvm, asked):
    found = [jvm.org.apache.hadoop.fs.Path for _ in range(2)]
    assert len(asked) == 5
    assert [str(path("/a", "b")) for path in found] == ["/a/b"] * 2


def test_packages_above_a_class_are_asked_for_once(jvm, asked):
    _ = jvm.org.apache.hadoop.fs.Path
    asked.clear()
    assert str(jvm.org.apache.hadoop.io.Text("a")) == "a"
    assert sum("org.apache.hadoop" in command for command in asked[:2]) == 2
    assert jvm.org.apache.hadoop.io.Text._fqn == "org.apache.hadoop.io.Text"


def test_name_with_dots_is_asked_for_once(jvm, asked):
    name = "org.apache.spark.sql.functions"
    found = [getattr(jvm, name)._fqn for _ in range(2)]
    assert (found, len(asked)) == ([name] * 2, 1)
    assert jvm.org.apache.spark.sql.functions._fqn == name
    assert len(asked) == 1


def test_imported_name_is_of_its_view(spark, jvm, asked):
    assert jvm.System._fqn == "java.lang.System"
    assert spark._jvm.PythonSQLUtils._fqn == "org.apache.spark.sql.api.python.PythonSQLUtils"
    with pytest.raises(TypeError, match="JavaPackage"):
        jvm.PythonSQLUtils()


def test_what_was_no_class_is_asked_for_again(jvm, asked):
    for _ in range(2):
        with pytest.raises(TypeError, match="JavaPackage"):
            jvm.org.apache.nothing.Here()
    assert sum("org.apache.nothing.Here" in command for command in asked) == 2
    with pytest.raises(Py4JError):
        jvm.java.lang.System.nothing()
