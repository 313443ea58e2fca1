# detectors/
