{% include "source/files/test.py" %}


class Recording:
    """Stands where Databricks has Auto Loader, and notes what it is told."""

    def __init__(self, spark, folder):
        self.readStream = self
        self.options_given = {}
        self._spark, self._folder = spark, folder

    def format(self, name):
        """Which source it is."""
        self.options_given["format"] = name
        return self

    def option(self, name, value):
        """One more option."""
        self.options_given[name] = value
        return self

    def options(self, **given):
        """More options."""
        self.options_given |= given
        return self

    def load(self, path):
        """Lines, as Auto Loader yields them."""
        self.options_given["path"] = path
        return self._spark.readStream.format("text").load(str(self._folder))


def test_what_auto_loader_is_asked_for(spark, make_settings, folder):
    """Text, one column that never changes: the events' schema is ours, and nothing is dropped."""
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
