"""The name map: what a raw name in a foreign log means."""

import pathlib
import re

import yaml

SHIPPED = pathlib.Path(__file__).with_name("names.yaml")
SIGNAL = re.compile(
    r"ignore|step|epoch"
    r"|\+?(loss|learning_rate|grad_norm|loss_scale|skipped_steps|train_loss|eval_[\w*]+)"
)
CONDITION = re.compile(r"(.*)\[([^=\]]+)=([^\]]*)\]")


class NameMapError(Exception):
    """A name map that cannot be used; the text names the entry."""


class Entry:
    """One line of the map: `raw` or `raw[column=value]` and the signals it sets."""

    def __init__(self, where, raw, signals):
        signals = signals if isinstance(signals, list) else [signals]
        for signal in signals:
            if not isinstance(signal, str) or not SIGNAL.fullmatch(signal):
                raise NameMapError(f"{where}: {raw}: {signal!r} is no signal")
            if "*" in signal and "*" not in raw:
                raise NameMapError(f"{where}: {raw}: {signal!r} has a *, the raw name has none")
        condition = CONDITION.fullmatch(raw)
        self.raw, self.column, self.value = condition.groups() if condition else (raw, None, None)
        self.signals = signals
        self.pattern = re.compile("(.*)".join(map(re.escape, self.raw.split("*"))), re.S)

    def signals_of(self, name, row):
        """The signals that `name` of this row sets, or None where the entry does not fit."""
        fit = self.pattern.fullmatch(name)
        if not fit or (self.column is not None and str(row.get(self.column)) != self.value):
            return None
        part = re.sub(r"\W+", "_", fit.group(1)).strip("_").lower() if fit.groups() else ""
        return [signal.replace("*", part) for signal in self.signals]


class NameMap:
    """The entries of one format. `unmapped` collects the names of numbers that no entry fits."""

    def __init__(self, where, entries):
        self.entries = [Entry(where, str(raw), signals) for raw, signals in entries.items()]
        self.unmapped = set()

    def apply(self, raw_row):
        """{raw name: number} -> {signal: number}; cells that are texts only serve conditions. Where
        several names set one signal, the entry that comes first in the map counts."""
        row, best = {}, {}
        for name, value in raw_row.items():
            if isinstance(value, str):
                continue
            rank, signals = self.find(name, raw_row)
            for signal in signals:
                if signal.startswith("+"):
                    row[signal[1:]] = row.get(signal[1:], 0.0) + value
                elif signal != "ignore" and rank < best.get(signal, len(self.entries)):
                    row[signal], best[signal] = value, rank
        return row

    def find(self, name, raw_row):
        for rank, entry in enumerate(self.entries):
            signals = entry.signals_of(name, raw_row)
            if signals is not None:
                return rank, signals
        self.unmapped.add(name)
        return len(self.entries), []


def load(override=None):
    """The shipped maps, {format: {raw name: signals}}, behind the entries of a file."""
    maps = read(SHIPPED)
    for form, entries in (read(override) if override else {}).items():
        if form not in maps:
            known = ", ".join(sorted(maps))
            raise NameMapError(f"{override}: unknown format {form!r}; known are {known}")
        kept = {raw: signals for raw, signals in maps[form].items() if raw not in entries}
        maps[form] = entries | kept
    for form, entries in maps.items():
        NameMap(form, entries)
    return maps


def read(path):
    try:
        maps = yaml.safe_load(pathlib.Path(path).read_text())
    except yaml.YAMLError as error:
        raise NameMapError(f"{path}: {error}") from error
    if not isinstance(maps, dict) or not all(isinstance(part, dict) for part in maps.values()):
        raise NameMapError(f"{path}: not a map of formats to maps of names")
    return maps
