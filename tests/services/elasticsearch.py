"""One node of Elasticsearch's core: the real wire format, without the modules that are published
nowhere (security, ILM, data stream requests, scripts)."""

from services import jars
from services.search import JAVA_OPTIONS, SearchServer


class Elasticsearch(SearchServer):
    name = "elasticsearch"

    def __init__(self, data_dir, log_dir, build_dir):
        super().__init__(data_dir, log_dir)
        self.home = jars.elasticsearch_home(build_dir)
        self.classes = jars.compile_launcher(jars.HERE / "ElasticsearchNode.java",
                                             self.home / "lib", build_dir)
        self.java = jars.java_bin() / "java"

    def command(self):
        return [self.java, *JAVA_OPTIONS, "-cp", f"{self.classes}:{self.home}/lib/*",
                "ElasticsearchNode", self.home, self.data_dir, self.port, *self.settings]
