"""One OpenSearch node."""

from services import jars
from services.search import JAVA_OPTIONS, SearchServer


class OpenSearch(SearchServer):
    name = "opensearch"

    def __init__(self, data_dir, log_dir, build_dir):
        super().__init__(data_dir, log_dir)
        self.jars = jars.fetch("opensearch", build_dir)
        self.classes = jars.compile_launcher(jars.HERE / "OpenSearchNode.java", self.jars, build_dir)
        self.java = jars.java_bin() / "java"

    def command(self):
        return [self.java, *JAVA_OPTIONS, "-cp", f"{self.classes}:{self.jars}/*", "OpenSearchNode",
                self.data_dir, self.port, *self.settings]
