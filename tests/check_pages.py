"""The report in a real browser, headless Chromium: are the charts drawn, does nothing go wrong, does it
fit a phone, is it dark where that is wanted? `make check-pages`; Chromium is too large for ../run-tests.
"""

import itertools
import json
import math
import re
import shutil
import subprocess

import pytest

from support import page as pages
from support import programs

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
ATTACK = "</script><img src=x onerror=document.title='attacked'>"

# A page around the report, which tells in its title what it sees of it.
AROUND = r"""<!DOCTYPE html><iframe src="report.html" style="width:%dpx;height:9000px;border:0"></iframe>
<script>onload = () => setTimeout(() => {
  const page = document.querySelector("iframe").contentDocument, root = page.documentElement;
  const [red, green, blue] = getComputedStyle(root).getPropertyValue("--line-1").match(/\w\w/g)
    .map((digits) => parseInt(digits, 16));
  const line = (255 << 24 | blue << 16 | green << 8 | red) >>> 0; // as it lies in memory
  document.title = JSON.stringify({
    title: page.title, canvases: page.querySelectorAll("figure.chart canvas").length,
    drawn: [...page.querySelectorAll("figure.chart canvas")].map((canvas) => {
      const dots = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      return new Uint32Array(dots.buffer).filter((dot) => dot === line).length; }),
    width: root.scrollWidth, room: root.clientWidth,
    page: getComputedStyle(page.body).backgroundColor });
}, 1500)</script>"""


# The same on paper: what is drawn anew when it is about to be printed, and where labels come to stand.
ON_PAPER = r"""<!DOCTYPE html><iframe src="report.html" style="width:%dpx;height:9000px;border:0"></iframe>
<script>onload = () => setTimeout(() => {
  const window = document.querySelector("iframe").contentWindow, page = window.document;
  const labels = new Map(), pen = window.CanvasRenderingContext2D.prototype, fill = pen.fillText;
  pen.fillText = function (text, x, y) {
    if (/[a-z]{4}/.test(text)) { // not a number
      if (!labels.has(this.canvas)) labels.set(this.canvas, {});
      labels.get(this.canvas)[text] = { text, x, y, width: this.measureText(text).width };
    }
    fill.call(this, text, x, y);
  };
  window.dispatchEvent(new Event("beforeprint"));
  setTimeout(() => {
    const open = page.querySelectorAll("details[open]").length;
    const widths = [...page.querySelectorAll("figure.chart canvas")].map((each) => each.offsetWidth);
    const paper = page.body.clientWidth, texts = [...labels.values()].map(Object.values);
    window.dispatchEvent(new Event("afterprint"));
    document.title = JSON.stringify({ labels: texts, widths, paper, open,
      details: page.querySelectorAll("details").length,
      openAfter: page.querySelectorAll("details[open]").length });
  }, 1000);
}, 1500)</script>"""


def write(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    programs.run("trainward-train", *programs.bad_training(), "--run-dir", folder / "runs" / "bad",
                 "--quiet")
    write(folder / "attack.jsonl", [{"run": ATTACK, "step": step,
                                     "loss": .8 + 2 * math.exp(-step / 100),
                                     "grad_norm": 1 if step < 250 else math.nan}
                                    for step in range(1, 300)])
    extreme = [(0, 1e308), (1, -1e308), (2, 5e-324), (3, math.inf), (2 ** 63, 0), (2 ** 64 - 1, 1e308)]
    write(folder / "extreme.jsonl", [{"run": "extreme", "step": step, "loss": value,
                                      "grad_norm": abs(value), "weight_norm": 1.5,
                                      "learning_rate": 5e-324 * (1 + step)} for step, value in extreme])
    write(folder / "close.jsonl", [
        {"run": "close", "step": step, "loss": .8 + 2 * math.exp(-step / 100) if step < 310 else math.nan,
         "grad_norm": 1 if step < 300 else 4.0 ** (step - 299) if step < 312 else math.nan,
         "learning_rate": .01 if step < 100 else .1, "attempt": "a" if step < 104 else "b"}
        for step in range(1, 330)])
    write(folder / "one.jsonl", [{"run": "one", "step": 7, "loss": 1, "grad_norm": 0}])
    programs.trainward("analyze", "--html", folder / "report.html", folder / "runs",
                       *sorted(folder.glob("*.jsonl")))
    return folder


def look(folder, *options, width=1200, around=AROUND):
    """What Chromium makes of the report at that width."""
    (folder / "around.html").write_text(around % width)
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
         f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--window-size=1300,9000",
         "--virtual-time-budget=5000", *options, "--dump-dom", (folder / "around.html").as_uri()],
        capture_output=True, text=True, timeout=120)
    assert "CONSOLE" not in done.stderr, re.findall(".*CONSOLE.*", done.stderr)
    title = pages.Element("", [])
    title.content = re.findall("<title>(.*?)</title>", done.stdout, re.DOTALL)
    return json.loads(title.text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def brightness(colour):
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")


def test_every_chart_is_drawn_and_nothing_of_a_log_is_run(folder):
    seen = look(folder)
    charts = pages.read(folder / "report.html").all("figure", of="chart")
    assert seen["canvases"] == len(charts) > 2
    assert min(seen["drawn"]) > 0  # dots of the first line's colour
    assert seen["title"] == "5 runs - trainward"


@pytest.mark.parametrize("width", [1200, 390, 320])
def test_the_page_is_no_wider_than_its_window(folder, width):
    seen = look(folder, width=width)
    assert seen["width"] <= seen["room"] <= width


def test_the_page_is_light_or_dark_as_the_browser_is(folder):
    assert brightness(look(folder)["page"]) > 200
    assert brightness(look(folder, "--blink-settings=preferredColorScheme=0")["page"]) < 60


def overlap(a, b):
    return (abs(a["y"] - b["y"]) < 11 and a["x"] < b["x"] + b["width"]
            and b["x"] < a["x"] + a["width"])


@pytest.mark.parametrize("width", [1200, 390])
def test_on_paper_nothing_is_cut_off_or_folded(folder, width):
    seen = look(folder, width=width, around=ON_PAPER)
    assert seen["paper"] <= 698  # A4 with half an inch at each side
    assert seen["widths"] and max(seen["widths"]) <= seen["paper"] / 2
    assert seen["open"] == seen["details"] > seen["openAfter"] > 0


def test_labels_in_a_chart_do_not_overlap(folder):
    charts = look(folder, around=ON_PAPER)["labels"]
    assert any({"learning rate up", "resume", "overflow", "gradient-explosion"}
               <= {each["text"] for each in labels} for labels in charts)
    assert not [(a["text"], b["text"]) for labels in charts
                for a, b in itertools.combinations(labels, 2) if overlap(a, b)]
