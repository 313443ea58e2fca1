"""Scores `trainward analyze` on labelled logs. In tests/: python3 -m evaluate --help"""

import argparse
import concurrent.futures
import json
import pathlib
import sys

from evaluate import corpus, judges, names, records, report, score

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SHARED = ROOT.parent / "shared" / "runs"
INTRODUCTION = HERE / "introduction.md"
DOUBTFUL = HERE / "doubtful_labels.md"


def arguments():
    parser = argparse.ArgumentParser(prog="evaluate", description=__doc__)
    add = parser.add_argument
    path = pathlib.Path
    add("--trainward", default=ROOT / "build" / "trainward", type=path, help="what to score")
    add(
        "--corpus",
        action="append",
        type=path,
        metavar="DIR",
        help="a folder with INDEX.tsv or labels.tsv; may be repeated",
    )
    add(
        "--scratch",
        type=path,
        metavar="DIR",
        help="for converted logs and report.json; evaluate/ beside the program",
    )
    add("--names", type=path, metavar="FILE", help="entries that go before those of names.yaml")
    add(
        "--only",
        action="append",
        default=[],
        metavar="WORD",
        help="a format, a label or part of a file name; of several all must hold",
    )
    add("--runs", action="store_true", help="a line a run as well, wrong ones first")
    add("--original", action="store_true", help="trainward reads the logs as they are")
    add("--no-baseline", action="store_true", help="without the rules of common sense")
    add("--markdown", type=path, metavar="FILE", help="write the report there as a page, too")
    add("--jobs", type=int, default=2, metavar="N", help="processes (%(default)s)")
    add("-o", action="append", default=[], metavar="KEY=VALUE", help="for trainward analyze")
    return parser.parse_args()


def chosen(run, only):
    """Does the run have all these words?"""
    told = (run.format, *run.labels())
    return all(word in told or word in run.name for word in only)


def judge_all(runs, options, maps, scratch):
    """({judge: [Judged]}, {format: names that no entry fits})."""
    folder = scratch / "records" / records.converter_digest(maps)
    extra = [word for option in options.o for word in ("-o", option)]
    program = str(options.trainward)
    jobs = [(run, maps, folder, program, extra, options.original) for run in runs]
    judged, unmapped = {"trainward": [], "common sense": []}, {}
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        for ours, rules, missing in pool.map(judges.judge, jobs, chunksize=4):
            judged["trainward"].append(ours)
            judged["common sense"].append(rules)
            unmapped.setdefault(ours.run.format, set()).update(missing)
    if options.no_baseline:
        del judged["common sense"]
    return judged, {form: sorted(missing) for form, missing in unmapped.items() if missing}


def run_json(j):
    run = {"file": j.run.name, "label": j.run.label, "secondary": j.run.secondary}
    return run | {"verdict": j.verdict(), "findings": j.findings, "error": j.error}


def write_json(path, scores, judged, unmapped):
    runs = {name: list(map(run_json, some)) for name, some in judged.items()}
    whole = {"scores": scores, "runs": runs, "unmapped_names": unmapped}
    records.write(path, json.dumps(whole, indent=1) + "\n")


def page(scores):
    """The report as a page of documentation."""
    return "\n".join([INTRODUCTION.read_text(), *report.lines(scores), DOUBTFUL.read_text()])


def read_corpora(options):
    maps = names.load(options.names)
    runs = [run for folder in options.corpus or [SHARED] for run in corpus.read(folder, maps)]
    return maps, [run for run in runs if chosen(run, options.only)]


def main():
    options = arguments()
    if not options.corpus and not SHARED.exists():
        print(f"evaluate: skipped: no labelled logs at {SHARED}; --corpus DIR names others")
        return 0
    if not options.trainward.exists():
        sys.exit(f"evaluate: there is no {options.trainward}")
    try:
        maps, runs = read_corpora(options)
    except (names.NameMapError, corpus.CorpusError, OSError) as error:
        sys.exit(f"evaluate: {error}")
    if not runs:
        sys.exit("evaluate: no run is left to judge")
    scratch = options.scratch or options.trainward.resolve().parent / "evaluate"
    judged, unmapped = judge_all(runs, options, maps, scratch)
    scores = {name: score.score(some) for name, some in judged.items()}
    write_json(scratch / "report.json", scores, judged, unmapped)
    print("\n".join(report.lines(scores)))
    for name, some in judged.items() if options.runs else ():
        print("\n".join(report.section(f"Runs as judged by {name}", report.runs(some))))
    for form, missing in unmapped.items():
        print(f"{form}: names that the map lacks: {', '.join(missing)}")
    if options.markdown:
        options.markdown.write_text(page(scores))
    return 0


if __name__ == "__main__":
    sys.exit(main())
