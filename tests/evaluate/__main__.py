"""Scores `trainward analyze` on labelled logs: python3 tests/evaluate --help."""

import argparse
import concurrent.futures
import json
import pathlib
import sys

import corpus
import judges
import names
import records
import report
import score

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "runs"


def arguments():
    parser = argparse.ArgumentParser(prog="tests/evaluate", description=__doc__)
    parser.add_argument("--trainward", default=ROOT / "build" / "trainward", type=pathlib.Path, help="the program to score")
    parser.add_argument("--corpus", action="append", type=pathlib.Path, help="a folder with INDEX.tsv or labels.tsv; may be repeated")
    parser.add_argument("--scratch", type=pathlib.Path, help="where converted logs and report.json go (evaluate/ beside the program)")
    parser.add_argument("--names", type=pathlib.Path, help="a YAML file of name map entries that go before the shipped ones")
    parser.add_argument("--only", action="append", default=[], help="only runs of this format, label or part of a file name; may be repeated: all must hold")
    parser.add_argument("--runs", action="store_true", help="a line a run as well, wrong ones first")
    parser.add_argument("--no-baseline", action="store_true", help="leave the rules of common sense out")
    parser.add_argument("--markdown", type=pathlib.Path, help="write the report there as well")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("-o", action="append", default=[], metavar="KEY=VALUE", help="handed to trainward analyze")
    return parser.parse_args()


def chosen(run, only):
    return all(word in (run.format, run.label, run.secondary) or word in run.name for word in only)


def judge_all(runs, options, maps, scratch):
    """({judge: [Judged]}, {format: names that no entry fits})."""
    folder = scratch / "records" / records.converter_digest(maps)
    extra = [word for option in options.o for word in ("-o", option)]
    jobs = [(run, maps, folder, str(options.trainward), extra) for run in runs]
    judged, unmapped = {"trainward": [], "common sense": []}, {}
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        for ours, rules, missing in pool.map(judges.judge, jobs, chunksize=4):
            judged["trainward"].append(ours)
            judged["common sense"].append(rules)
            unmapped.setdefault(ours.run.format, set()).update(missing)
    if options.no_baseline:
        del judged["common sense"]
    return judged, {form: sorted(missing) for form, missing in unmapped.items() if missing}


def write_json(path, scores, judged, unmapped):
    runs = {
        name: [
            {"file": j.run.name, "label": j.run.label, "secondary": j.run.secondary, "verdict": j.verdict(), "findings": j.findings}
            for j in some
        ]
        for name, some in judged.items()
    }
    records.write(path, json.dumps({"scores": scores, "runs": runs, "unmapped_names": unmapped}, indent=1) + "\n")


def main():
    options = arguments()
    folders = options.corpus or [SHARED]
    if not options.corpus and not SHARED.exists():
        print(f"evaluate: skipped, there are no labelled logs at {SHARED}; --corpus DIR names others")
        return 0
    if not options.trainward.exists():
        sys.exit(f"evaluate: there is no {options.trainward}")
    try:
        maps = names.load(options.names)
        runs = [run for folder in folders for run in corpus.read(folder) if chosen(run, options.only)]
    except (names.NameMapError, corpus.CorpusError, OSError) as error:
        sys.exit(f"evaluate: {error}")
    if not runs:
        sys.exit("evaluate: no run is left to judge")
    scratch = options.scratch or options.trainward.resolve().parent / "evaluate"
    judged, unmapped = judge_all(runs, options, maps, scratch)
    scores = {name: score.score(some) for name, some in judged.items()}
    write_json(scratch / "report.json", scores, judged, unmapped)
    print("\n".join(report.lines(scores, judged, options.runs)))
    for form, missing in unmapped.items():
        print(f"{form}: names that the map lacks: {', '.join(missing)}")
    if options.markdown:
        title = ["# How often it is right", ""]
        options.markdown.write_text("\n".join(title + report.lines(scores, judged, False)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
