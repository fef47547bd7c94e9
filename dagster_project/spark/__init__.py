"""The same models on Apache Spark. Needs the packages of requirements-spark.lock."""
