"""What tests that start processes share."""

# For a JVM that ends after a few answers: the second compiler tier would cost 15 s of CPU, and never
# pay them back.
YOUNG_JVM = {"JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1"}
