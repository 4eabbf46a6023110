{% include "source/files/test.py" %}


class Recording:
    """A test double of Databricks' Auto Loader, which records its options."""

    def __init__(self, spark, folder):
        self.readStream = self
        self.options_given = {}
        self._spark, self._folder = spark, folder

    def format(self, name):
        """Record the format."""
        self.options_given["format"] = name
        return self

    def option(self, name, value):
        """Record an option."""
        self.options_given[name] = value
        return self

    def options(self, **given):
        """Record several options."""
        self.options_given |= given
        return self

    def load(self, path):
        """Return lines, as Auto Loader does."""
        self.options_given["path"] = path
        return self._spark.readStream.format("text").load(str(self._folder))


def test_auto_loader_reads_text_without_schema_evolution(spark, make_settings, folder):
    """Auto Loader reads text in one fixed column, so that no record is dropped."""
    settings = make_settings("source.auto_loader=true", "source.schema_location=/schema")
    loader = Recording(spark, folder)

    envelopes = settings.source.read(loader)

    given = loader.options_given
    assert given["format"] == "cloudFiles"
    assert given["path"] == str(folder)
    assert given["cloudFiles.format"] == "text"
    assert given["cloudFiles.schemaLocation"] == "/schema"
    assert given["cloudFiles.schemaEvolutionMode"] == "none"
    assert given["cloudFiles.maxFilesPerTrigger"] == "1000"
    assert envelopes.schema == make_settings().source.read(spark).schema
