"""The report to look at (`analyze --html`), the plot in a terminal, and several runs side by side."""

import json
import math
import os
import re
import subprocess

import pytest

from support import page as pages
from support import programs, ranks

ATTACK = '</script></title><script>alert(1)</script><img src=x onerror=alert(1)> & "\' <b>'


def write_log(path, loss, steps, run="r", more=lambda step: {}, header=None):
    """JSON telemetry of a run whose loss is a function of the step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    records = [{"run": run, "kind": "header", "hyperparameters": header}] if header else []
    records += [{"run": run, "step": step, "loss": loss(step), **more(step)}
                for step in range(1, steps + 1)]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def falling(step):
    return .8 + 2 * math.exp(-step / 100)


def nan_from(first):
    return lambda step: falling(step) if step < first else math.nan


def analyze(tmp_path, *arguments, **options):
    """(the page, the objects of `--format json` of the same call)."""
    out = tmp_path / "report.html"
    done = programs.trainward("analyze", "--format", "json", "--html", out, *arguments, **options)
    assert done.returncode in (0, 1, 3) and not done.stderr
    return pages.read(out), [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def diverged(tmp_path_factory):
    """A training that diverges: (page, its section, what JSON says of it)."""
    folder = tmp_path_factory.mktemp("diverged")
    programs.run("trainward-train", *programs.bad_training(), "--run-dir", folder / "bad", "--quiet")
    page, (told,) = analyze(folder, folder / "bad")
    return page, pages.run_sections(page)[told["run"]], told


def test_the_page_has_each_finding_with_the_numbers_of_json(diverged):
    _, section, told = diverged
    assert told["findings"]
    for finding in told["findings"]:
        article = section.one("article", id=f"finding-{finding['id']}")
        head = article.one("h3")
        assert finding["detector"] in head.text and finding["scope"] in head.text
        assert finding["severity"] in head.text and finding["state"].replace("_", " ") in head.text
        assert head.numbers == [finding["onset_step"], finding["detected_step"]]
        evidence, shown = finding["evidence"], article.one("dl", of="evidence").pairs()
        assert shown[evidence["statistic"]].numbers == [evidence["value"]]
        assert shown["threshold"].numbers == [evidence["threshold"]]
        assert shown["normal for this run"].numbers == [evidence["baseline"]]
        assert shown["steps looked at"].numbers == [evidence["window_first"],
                                                    evidence["window_last"]]


def test_the_page_has_each_suggestion_from_what_to_what(diverged):
    _, section, told = diverged
    finding = told["findings"][0]
    items = section.one("article", id=f"finding-{finding['id']}").all("li")
    assert finding["suggestions"]
    for suggestion, item in zip(finding["suggestions"], items, strict=True):
        change = item.one("p", of="change")
        known = [suggestion["from"], suggestion["to"]]
        if suggestion["to"] is None:
            known = [suggestion["change"]["value"]]
        assert change.one("code").text == suggestion["parameter"]
        assert change.numbers == [value for value in known if isinstance(value, (int, float))]
        assert suggestion["why"] in item.text
        verify = suggestion["verify"]
        limit = verify.get("below", verify.get("above"))
        assert item.one("p", of="verify").numbers == [limit, verify["within_steps"]]


def assigned(line, name, before):
    """What Python makes of `name`, which was `before`."""
    scope = {name: before}
    exec(line, {}, scope)  # pylint: disable=exec-used
    assert list(scope) == [name]
    return scope[name]


def after_change(suggestion, before):
    change = suggestion["change"]
    if suggestion["to"] is not None:
        now = suggestion["to"]
    elif change["op"] == "set":
        now = change["value"]
    else:
        now = before * change["value"] if change["op"] == "multiply" else before + change["value"]
    if isinstance(now, str):
        return {"true": True, "false": False}.get(now, now)
    return pytest.approx(now)


def advice_of(page, told):
    for finding in told["findings"]:
        items = page.one("article", id=f"finding-{finding['id']}").all("li")
        yield from zip(finding["suggestions"], items, strict=True)


def test_each_advice_is_a_line_of_python_to_copy(diverged, tmp_path):
    resumed = write_log(tmp_path / "resumed.jsonl",
                        lambda step: falling(step) + (.6 if step > 400 else 0), 600,
                        more=lambda step: {"attempt": "a" if step <= 400 else "b"})
    half = write_log(tmp_path / "half.jsonl", nan_from(10), 40, header={"precision": "fp16"})
    page, _, told = diverged
    advice = list(advice_of(page, told))
    for log in (resumed, half):
        page, (told,) = analyze(tmp_path, log)
        advice += advice_of(page, told)
    seen = set()
    for suggestion, item in advice:
        before = 3 if suggestion["from"] is None else suggestion["from"]
        now = assigned(item.one("pre").text, suggestion["parameter"], before)
        assert now == after_change(suggestion, before)
        seen |= {suggestion["change"]["op"], type(now)}
    assert seen >= {"set", "multiply", float, str, bool}


def test_the_line_to_copy_has_the_log_s_own_name(tmp_path):
    for name, expected in (("lr", "lr"), ("opt/lr", "learning_rate")):
        log = tmp_path / "train.log"
        log.write_text("".join(f"step={step} loss={nan_from(300)(step):.6g} {name}=0.25\n"
                               for step in range(1, 320)))
        page, (told,) = analyze(tmp_path, "--map", f"{name}=learning_rate", log)
        assert told["signals"]["learning_rate"]["raw_name"] == name
        lines = {item.one("p", of="change").one("code").text: item.one("pre").text
                 for _, item in advice_of(page, told)}
        assert assigned(lines["learning_rate"], expected, .25) == .125


def test_the_line_to_copy_has_no_digits_of_a_32_bit_float(tmp_path):
    log = write_log(tmp_path / "log.jsonl",
                    lambda step: falling(step) + (.6 if step > 400 else 0), 600, more=lambda step: {
                        "learning_rate": .010335922241210938 if step <= 400 else .0002,
                        "attempt": "a" if step <= 400 else "b"})
    page, (told,) = analyze(tmp_path, log)
    assert "learning_rate = 0.0103359" in [item.one("pre").text for _, item in advice_of(page, told)]


def test_a_count_stands_with_all_its_digits(tmp_path):
    log = write_log(tmp_path / "log.jsonl", falling, 200, header={"max_steps": 1234567, "rate": .123456})
    page, _ = analyze(tmp_path, log)
    shown = page.one("dl", of="hyperparameters").pairs()
    assert shown["max_steps"].text == "1234567" and shown["rate"].text == "0.1235"


def test_the_verdict_leads_to_its_finding(diverged):
    _, section, told = diverged
    link = section.one("p", of="verdict").one("a")
    assert section.one("article", id=link.attributes["href"][1:]).one("h3").text.startswith(link.text)
    assert link.text == told["findings"][0]["detector"]


def test_the_page_has_verdict_signals_and_what_was_not_checked(diverged):
    _, section, told = diverged
    assert section.one("p", of="verdict").one("span").text == told["verdict"]
    rows = section.one("table", of="signals").all("tr")[1:]
    shown = {row.all("td")[0].text: (row.all("td")[1].text, int(row.all("td")[2].text))
             for row in rows}
    assert shown == {name: (signal["raw_name"], signal["count"])
                     for name, signal in told["signals"].items()}
    unchecked = section.all("dl", of="not-checked")
    assert {name: reason.text for each in unchecked for name, reason in each.pairs().items()} == {
        entry["detector"]: entry["reason"] for entry in told["not_checked"]}
    assert section.one("dl", of="hyperparameters").pairs()["learning_rate"].numbers


def test_findings_are_marked_in_the_charts_where_json_has_them(diverged):
    _, section, told = diverged
    data = pages.chart_data(section)
    assert [(mark["detector"], mark["onset"], mark["detected"]) for mark in data["findings"]] == [
        (finding["detector"], finding["onset_step"], finding["detected_step"])
        for finding in told["findings"]]
    assert len(section.all("figure", of="chart")) == len(data["charts"])


def test_a_screen_reader_is_told_what_each_chart_shows(diverged):
    _, section, _ = diverged
    figures = section.all("figure", of="chart")
    assert figures
    for figure in figures:
        plot = figure.one("div", of="plot")
        assert plot.attributes["role"] == "img"
        assert plot.attributes["aria-label"] == figure.one("figcaption").text + " by step"


def test_a_chart_of_a_short_run_has_every_reading(tmp_path):
    log = write_log(tmp_path / "log.jsonl", nan_from(300), 400,
                    more=lambda step: {"eval_loss": 2 * falling(step)} if step % 50 == 0 else {})
    page, _ = analyze(tmp_path, log)
    series = pages.chart_data(pages.run_sections(page)["r"])["series"]
    loss = series["loss"]
    assert loss["step"] == list(range(1, 401)) and "min" not in loss
    assert loss["mean"][:299] == pytest.approx([falling(step) for step in range(1, 300)], rel=1e-6)
    assert loss["mean"][299:] == [None] * 101 and loss["nonfinite"] == list(range(300, 401))
    assert series["eval_loss"]["step"] == list(range(50, 401, 50))
    assert series["eval_loss"]["mean"] == pytest.approx(
        [2 * falling(step) for step in range(50, 401, 50)], rel=1e-6)


def test_a_jump_of_the_learning_rate_and_a_resume_are_marked(tmp_path):
    log = write_log(tmp_path / "log.jsonl", falling, 400, more=lambda step: {
        "learning_rate": .001 if step < 200 else .01, "attempt": "a" if step < 300 else "b"})
    page, _ = analyze(tmp_path, log)
    segments = pages.chart_data(pages.run_sections(page)["r"])["segments"]
    assert segments == [{"step": 200, "text": "learning rate up"}, {"step": 300, "text": "resume"}]


def test_a_long_run_makes_a_small_page(tmp_path):
    """200,000 steps: 391 buckets of 512, with all readings between their smallest and largest."""
    log = tmp_path / "train.log"
    log.write_text("".join(f"step={step} loss={falling(step / 300):.6g}\n"
                           for step in range(1, 200001)))
    page, (told,) = analyze(tmp_path, log)
    loss = pages.chart_data(pages.run_sections(page)[told["run"]])["series"]["loss"]
    assert len(loss["step"]) == 391 and told["signals"]["loss"]["count"] == 200000
    assert loss["max"][0] == pytest.approx(falling(1 / 300), rel=1e-5)
    assert loss["min"][-1] == pytest.approx(falling(200000 / 300), rel=1e-5)
    assert all(low <= mean <= high
               for low, mean, high in zip(loss["min"], loss["mean"], loss["max"], strict=True))
    assert (tmp_path / "report.html").stat().st_size < 300_000


def test_what_comes_from_a_log_is_text(tmp_path):
    log = write_log(tmp_path / "<i>" / "log.jsonl", nan_from(300), 400, run=ATTACK, header={
        "</dl><script>": 3, "text": "<script>alert(2)</script>\x01"})
    page, (told,) = analyze(tmp_path, log)
    assert told["run"] == ATTACK
    section = pages.run_sections(page)[ATTACK]
    assert page.one("title").text == f"{ATTACK} - trainward"
    parameters = section.one("dl", of="hyperparameters").pairs()
    assert parameters["</dl><script>"].numbers == [3]
    assert parameters["text"].text == "<script>alert(2)</script>\N{REPLACEMENT CHARACTER}"
    assert "<i>" in section.one("p", of="facts").text
    assert len(page.all("script")) == 2 and not page.all("img") and not page.all("i")


def test_a_path_written_from_right_to_left_turns_nothing_after_it(tmp_path):
    folder = tmp_path / "a\u202eb"
    folder.mkdir()
    write_log(folder / "log.jsonl", falling, 300)
    page, _ = analyze(tmp_path, folder)
    facts = page.one("p", of="facts")
    assert facts.one("bdi").text.endswith("a\u202eb/log.jsonl")
    assert "steps" in "".join(each for each in facts.content if isinstance(each, str))


def test_a_raw_name_in_the_charts_ends_no_script(tmp_path):
    name = "loss</script><img"
    (tmp_path / "train.log").write_text("".join(
        f"step={step} {name}={falling(step):.6g}\n" for step in range(1, 300)))
    page, (told,) = analyze(tmp_path, "--map", f"{name}=loss", tmp_path / "train.log")
    assert told["signals"]["loss"]["raw_name"] == name
    section = pages.run_sections(page)[told["run"]]
    assert pages.chart_data(section)["series"]["loss"]["raw"] == name
    assert not page.all("img")


def test_the_page_needs_nothing_from_anywhere(diverged):
    page, _, _ = diverged
    for element in page.walk():
        assert not {"src", "srcset", "action", "background"} & set(element.attributes)
        assert element.attributes.get("href", "#").startswith("#")
        assert not [name for name in element.attributes if name.startswith("on")]
        assert element.name not in ("link", "iframe", "object", "embed", "base", "form")
    policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy.attributes["content"].startswith("default-src 'none'")
    style = page.one("style").text
    assert "url(" not in style and "@import" not in style


@pytest.fixture
def several(tmp_path):
    """Four runs below a folder, the healthy ones with a lower learning rate."""
    for name, rate, loss in (("fine", .001, falling), ("sick", .1, nan_from(300)),
                             ("good", .002, falling), ("ill", .2, nan_from(200))):
        write_log(tmp_path / "runs" / name / "telemetry.jsonl", loss, 400, run=name,
                  header={"learning_rate": rate, "batch_size": 32})
    write_log(tmp_path / "runs" / "short" / "telemetry.jsonl", falling, 3, run="short")
    return tmp_path / "runs"


def test_headings_leave_out_no_level(several, diverged, tmp_path):
    for page in (diverged[0], analyze(tmp_path, several)[0]):
        levels = [int(each.name[1]) for each in page.walk() if re.fullmatch("h[1-6]", each.name)]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(below - level <= 1 for level, below in zip(levels, levels[1:]))


def test_several_runs_begin_with_a_table_worst_first(several, tmp_path):
    page, told = analyze(tmp_path, several)
    rows = page.one("table", of="runs").all("tr")[1:]
    names = [row.one("a").text for row in rows]
    assert set(names[:2]) == {"sick", "ill"} and names[2] == "short"
    assert set(names[3:]) == {"fine", "good"} and list(pages.run_sections(page)) == names
    by_run = {each["run"]: each for each in told}
    for row, name in zip(rows, names, strict=True):
        section = page.one("section", id=row.one("a").attributes["href"].removeprefix("#"))
        assert section.one("h2").text == name
        cells = row.all("td")
        assert cells[1].text == by_run[name]["verdict"]
        assert int(cells[4].text) == len(by_run[name]["findings"])
        assert cells[5].numbers == [
            finding["onset_step"] for finding in by_run[name]["findings"][:1]]
    (row,) = page.one("table", of="differences").all("tr", of="apart")
    assert [cell.text for cell in row.all("td")] == ["learning_rate", "0.001 to 0.002",
                                                     "0.1 to 0.2"]


def test_the_text_of_several_runs_ends_in_the_same_table(several):
    done = programs.trainward("analyze", several)
    table = done.stdout.split("5 runs, worst first\n")[1].splitlines()
    assert table[0].split() == ["run", "verdict", "loss", "eval", "loss", "findings", "since",
                                "worst"]
    assert {row.split()[0] for row in table[1:3]} == {"sick", "ill"}
    assert table[3].split()[:2] == ["short", "unknown"]
    assert {tuple(row.split()[:2]) for row in table[4:6]} == {("fine", "healthy"),
                                                              ("good", "healthy")}
    assert re.search(r"^learning_rate +0.001 to 0.002 +0.1 to 0.2 +no value in common$",
                     done.stdout, re.MULTILINE)
    assert "batch_size" not in done.stdout.split("worst first")[1]


def evaluated(top, worst):
    """Evaluations at steps 100, 200, 300, 400; the second is the best."""
    values = {"eval_accuracy": [.5, top, .625, .625], "eval_wer": [.5, worst, .5, .75],
              "eval_weather": [1, 2, 3, 4]}
    return lambda step: ({"eval_loss": 1, **{name: each[step // 100 - 1]
                                             for name, each in values.items()}}
                         if step % 100 == 0 else {})


def test_metrics_of_evaluations_are_told_with_their_best(tmp_path):
    for name, more in (("a", evaluated(.75, .25)), ("b", evaluated(.875, .125))):
        write_log(tmp_path / "runs" / name / "log.jsonl", falling, 400, run=name, more=more)
    said = "  metrics  accuracy (4) 0.625, best 0.75 at step 200; wer (4) 0.75, best 0.25 at step 200; "
    for command in (["analyze"], ["attach", "--once"]):
        done = programs.trainward(*command, tmp_path / "runs" / "a" / "log.jsonl")
        assert f"{said}weather (4) 4\n" in done.stdout
    done = programs.trainward("analyze", tmp_path / "runs")
    head, *rows = done.stdout.split("worst first\n")[1].splitlines()
    assert "eval loss  best wer  findings" in head  # of two that both runs have the shorter name
    assert [(row.split()[0], row.split()[4]) for row in rows[:2]] == [("a", "0.25"), ("b", "0.125")]
    page, _ = analyze(tmp_path, tmp_path / "runs")
    head, *rows = page.one("table", of="runs").all("tr")
    assert head.all("th")[4].text == "best wer"
    assert [row.all("td")[4].numbers for row in rows] == [[.25], [.125]]
    rows = pages.run_sections(page)["a"].one("table", of="scores").all("tr")[1:]
    assert [[cell.text for cell in row.all("td")] for row in rows] == [
        ["accuracy", "0.625", "0.75", "200", "4"], ["wer", "0.75", "0.25", "200", "4"],
        ["weather", "4", "", "", "4"]]


def test_how_a_run_ended_is_told_where_its_log_tells_it(tmp_path):
    """Lines of other programs seldom do: they are not called interrupted."""
    (tmp_path / "train.log").write_text("".join(f"step={i} loss={falling(i)}\n"
                                                for i in range(1, 200)))
    write_log(tmp_path / "log.jsonl", falling, 200)
    ends = [("train.log", "1 to 199"), ("log.jsonl", "1 to 200 · interrupted")]
    for name, end in ends:
        page, _ = analyze(tmp_path, tmp_path / name)
        assert page.one("p", of="facts").text.endswith(f"· steps {end}")


def test_json_is_the_same_with_and_without_a_page(several, tmp_path):
    plain = programs.trainward("analyze", "--format", "json", several)
    both = programs.trainward("analyze", "--format", "json", "--html", tmp_path / "x", several)
    assert both.stdout == plain.stdout and both.returncode == plain.returncode == 1
    assert len(plain.stdout.splitlines()) == 5


def test_a_run_directory_of_several_ranks_has_one_series(tmp_path):
    folder = ranks.write_directory(tmp_path / "ranks", [
        ranks.records_of("r", rank, 200) for rank in range(ranks.RANKS)])
    page, _ = analyze(tmp_path, folder)
    loss = pages.chart_data(pages.run_sections(page)["r"])["series"]["loss"]
    assert loss["step"] == list(range(1, 201)) and "min" not in loss


def test_a_page_that_cannot_be_written_is_one_line_and_status_2(several, tmp_path):
    done = programs.trainward("analyze", "--html", tmp_path / "none" / "x.html", several)
    assert done.returncode == 2 and "x.html" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "worst first" in done.stdout


def test_without_a_run_there_is_no_page(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing\n")
    done = programs.trainward("analyze", "--html", tmp_path / "x.html", tmp_path / "notes.txt")
    assert done.returncode == 2 and not (tmp_path / "x.html").exists()


def test_a_page_that_is_there_is_replaced(several, tmp_path):
    out = tmp_path / "report.html"
    out.write_text("old")
    analyze(tmp_path, several)
    assert pages.read(out).one("html") and not list(tmp_path.glob("*.part"))


def test_a_page_takes_the_place_of_no_log_and_no_device(tmp_path):
    log = write_log(tmp_path / "log.jsonl", falling, 400)
    before = log.read_bytes()
    done = programs.trainward("analyze", "--html", log, log)
    assert done.returncode == 2 and "is the log that is to be read" in done.stderr
    assert log.read_bytes() == before and not done.stdout
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE, text=True) as reader:
        done = programs.trainward("analyze", "--html", fifo, log)
        assert done.returncode == 0 and reader.communicate()[0].endswith("</html>\n")
    assert fifo.is_fifo() and sorted(tmp_path.iterdir()) == [fifo, log]


def braille(text):
    return [line for line in text.splitlines() if any("⠀" < each <= "⣿" for each in line)]


def test_a_plot_is_drawn_where_it_is_asked_for(tmp_path):
    log = write_log(tmp_path / "log.jsonl", nan_from(300), 400)
    plain = programs.trainward("analyze", log).stdout
    assert not braille(plain) and "logarithmic" not in plain
    drawn = programs.trainward("analyze", "--plot", log).stdout
    assert drawn.startswith(plain)
    lines = drawn[len(plain):].splitlines()
    assert lines[1] == "  loss" and len(braille(drawn)) == 6
    assert lines[2].split()[0] == f"{falling(1):.4g}"
    assert lines[7].split()[0] == f"{falling(299):.4g}"
    # The finding begins at step 300 of 1 to 400: at 299/399 of 66 columns.
    assert lines[8].split() == ["findings", "^"] and lines[8].index("^") == 13 + 49
    assert lines[9].split() == ["step", "1", "400"]


def test_a_plot_is_plain_characters_where_the_locale_is(tmp_path):
    log = write_log(tmp_path / "log.jsonl", falling, 400)
    drawn = programs.trainward("analyze", "--plot", log, env={"LC_ALL": "C"}).stdout
    assert drawn.isascii() and drawn.count("*") >= 66
