# sinks/
