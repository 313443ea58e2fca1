"""What several tests use: telemetry made without our C code, and the programs as people run them."""
