import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;

import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginBundle;
import org.elasticsearch.plugins.PluginsLoader;

/** One Elasticsearch node on 127.0.0.1, until it is told to stop: HOME DATA PORT [SETTING=VALUE ...]. */
public final class ElasticsearchNode {
    private ElasticsearchNode() {
    }

    private static Settings settings(Path home, Path data, String[] arguments) {
        Settings.Builder settings = Settings.builder()
                .put("path.home", home)
                .put("path.data", data.resolve("data"))
                .put("path.logs", data.resolve("logs"))
                .put("cluster.name", "trainward-tests")
                .put("node.name", "only")
                .put("discovery.type", "single-node")
                .put("network.host", "127.0.0.1")
                .put("http.port", arguments[2])
                .put("transport.port", "0")
                .put("cluster.routing.allocation.disk.threshold_enabled", false);
        for (int i = 3; i < arguments.length; i++) {
            String[] setting = arguments[i].split("=", 2);
            settings.put(setting[0], setting[1]);
        }
        return settings.build();
    }

    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]).toAbsolutePath();
        Path data = Path.of(arguments[1]).toAbsolutePath();
        Path config = Files.createDirectories(data.resolve("config"));
        System.setProperty("es.path.home", home.toString());
        System.setProperty("es.path.conf", config.toString());
        Environment environment = new Environment(settings(home, data, arguments), config);
        LogConfigurator.configureESLogging();
        Set<PluginBundle> modules = PluginsLoader.loadModulesBundles(home.resolve("modules"));
        Set<PluginBundle> plugins = PluginsLoader.loadPluginsBundles(home.resolve("plugins"));
        Node node = new Node(environment,
                PluginsLoader.createPluginsLoader(modules, plugins, Map.of(), false));
        node.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (Exception failure) {
                failure.printStackTrace();
            }
        }));
        new CountDownLatch(1).await();
    }
}
