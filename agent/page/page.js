/* Draws the charts of a report from the numbers beside them, with uPlot. */
"use strict";
(() => {
  const colours = ["--line-1", "--line-2", "--line-3"];
  const severities = { info: "--info", warning: "--warning", critical: "--critical" };
  const labelRows = 6; /* of labels above one another in a chart; what finds no place has none */
  const height = 190;
  const logFrom = 20; /* largest / smallest that a linear axis would hide too much of */
  const wholeSteps = Array.from({ length: 19 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat();
  let charts = [];

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const faint = (text, opacity) =>
    text + Math.round(opacity * 255).toString(16).padStart(2, "0"); /* of #rrggbb */

  const number = (value) => {
    if (value == null) return "–";
    const size = Math.abs(value);
    if (Number.isInteger(value) && size < 1e6) return String(value);
    if (size && (size < 1e-3 || size >= 1e6)) return Number(value.toPrecision(3)).toExponential();
    return String(Number(value.toPrecision(4)));
  };
  const step = (value) => value.toLocaleString("en-GB", { maximumFractionDigits: 0 });

  const isLogarithmic = (chart) => {
    let low = Infinity, high = -Infinity;
    for (const series of chart.series)
      for (const value of [...series.mean, ...(series.min || []), ...(series.max || [])]) {
        if (value == null) continue;
        if (value <= 0 && chart.scale !== "log") return false;
        if (value > 0) low = Math.min(low, value), high = Math.max(high, value);
      }
    if (chart.scale === "log") return high > 2 * low; /* less has no tick on a logarithmic axis */
    return chart.scale === "auto" && high / low > logFrom;
  };

  /* Between many powers of ten, nine lines each would be one grey. */
  const powersOfTen = (u, splits) => (splits.length < 50 ? splits : splits.map((value) =>
    (Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 0.03 ? value : null)));

  /* Beyond these, differences overflow or vanish and axes find no end: values stand at the edge. */
  const largest = 1e150, smallest = 1e-150;
  const drawable = (value, isLog) => {
    if (value == null || (isLog && value <= 0)) return null;
    if (!isLog && Math.abs(value) < smallest) return 0;
    return Math.max(isLog ? smallest : -largest, Math.min(largest, value));
  };

  /* Lines of the means, and a band from the smallest to the largest where a point is of many steps. */
  const table = (chart, isLog) => {
    const column = (values) => values.map((value) => drawable(value, isLog));
    return uPlot.join(chart.series.map((series) => [
      series.step, column(series.mean), column(series.min || series.mean),
      column(series.max || series.mean),
    ]));
  };

  const seriesOf = (chart) => chart.series.flatMap((series, i) => {
    const stroke = colour(colours[i]);
    const few = series.step.length < 40;
    const edge = { stroke: "transparent", width: 0, points: { show: false }, spanGaps: true };
    return [
      { label: series.name, stroke, width: 1.5, spanGaps: true, points: { show: few, size: 5 } },
      edge, edge,
    ];
  });

  const bandsOf = (chart) => chart.series.flatMap((series, i) =>
    series.min ? [{ series: [3 * i + 3, 3 * i + 2], fill: faint(colour(colours[i]), 0.22) }] : []);

  const line = (u, at, stroke, dash, width) => {
    const { ctx, bbox } = u;
    const x = Math.round(u.valToPos(at, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) return null;
    ctx.strokeStyle = stroke;
    ctx.lineWidth = width * devicePixelRatio;
    ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    return x;
  };

  /* Beside a line, on the side where there is room, in the first row that is free there. */
  const label = (u, rows, rowTop, x, text, fill) => {
    const { ctx, bbox } = u;
    const gap = 4 * devicePixelRatio, width = ctx.measureText(text).width;
    const fits = x + gap + width < bbox.left + bbox.width;
    const left = fits ? x + gap : Math.max(bbox.left, x - gap - width);
    const isHere = ({ from, to }) => left <= to + gap && left + width + gap >= from;
    if (rows.flat().some((other) => other.text === text && isHere(other))) return; /* says it for both */
    const row = rows.findIndex((taken) => !taken.some(isHere));
    if (row < 0) return;
    rows[row].push({ text, from: left, to: left + width });
    ctx.strokeText(text, left, rowTop(row)); /* keeps lines off the letters */
    ctx.fillStyle = fill;
    ctx.fillText(text, left, rowTop(row));
  };

  const emptyRows = (n) => Array.from({ length: n }, () => []);

  const drawLabels = (u, segments, findings) => {
    const { ctx, bbox } = u;
    const rowHeight = 13 * devicePixelRatio;
    ctx.lineJoin = "round";
    ctx.lineWidth = 3 * devicePixelRatio;
    ctx.setLineDash([]);
    ctx.strokeStyle = colour("--card");
    const below = emptyRows(2), above = emptyRows(labelRows);
    const bottom = bbox.top + bbox.height - 2 * devicePixelRatio;
    for (const [x, text] of segments)
      label(u, below, (row) => bottom - rowHeight * (row + 1), x, text, colour("--muted"));
    for (const [x, text, shade] of findings)
      label(u, above, (row) => bbox.top + 4 * devicePixelRatio + rowHeight * row, x, text, shade);
  };

  const drawMarks = (u, data, chart) => {
    const { ctx, bbox } = u;
    ctx.save();
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textBaseline = "top";
    ctx.textAlign = "left";
    const segments = [], findings = [];
    for (const segment of data.segments) {
      const x = line(u, segment.step, colour("--muted"), [1, 3], 1);
      if (x != null && data.segments.length < 4) segments.push([x, segment.text]);
    }
    for (const finding of data.findings) {
      if (finding.state === "withdrawn") continue;
      const shade = colour(severities[finding.severity]);
      const from = Math.max(u.valToPos(finding.onset, "x", true), bbox.left);
      const to = Math.min(u.valToPos(finding.detected, "x", true), bbox.left + bbox.width);
      ctx.fillStyle = faint(shade, 0.1);
      if (to > from) ctx.fillRect(from, bbox.top, to - from, bbox.height);
      line(u, finding.onset, shade, [5, 4], 1);
      const x = line(u, finding.detected, shade, [], 1.25);
      if (x != null) findings.push([x, finding.detector, shade]);
    }
    drawLabels(u, segments, findings);
    ctx.fillStyle = colour("--critical");
    for (const at of new Set(chart.series.flatMap((series) => series.nonfinite))) {
      const x = u.valToPos(at, "x", true), size = 4 * devicePixelRatio;
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.beginPath();
      ctx.moveTo(x - size, bbox.top + bbox.height);
      ctx.lineTo(x + size, bbox.top + bbox.height);
      ctx.lineTo(x, bbox.top + bbox.height - 2 * size);
      ctx.fill();
    }
    ctx.restore();
  };

  /* The names with their colours; under the cursor, their values too. */
  const legendOf = (figure, chart) => {
    figure.querySelector(".legend")?.remove();
    const legend = document.createElement("span");
    legend.className = "legend";
    const at = document.createElement("span");
    const values = chart.series.map((series, i) => {
      const entry = document.createElement("span"), value = document.createElement("span");
      const swatch = document.createElement("i");
      swatch.style.background = colour(colours[i]);
      entry.title = series.raw;
      entry.append(swatch, series.name, value);
      legend.append(entry);
      return value;
    });
    legend.append(at);
    figure.querySelector("figcaption").append(legend);
    return (u) => {
      const index = u.cursor.idx;
      at.textContent = index == null ? "" : `step ${step(u.data[0][index])}`;
      values.forEach((value, i) => {
        const mean = index == null ? null : u.data[3 * i + 1][index];
        const low = index == null ? null : u.data[3 * i + 2][index];
        const high = index == null ? null : u.data[3 * i + 3][index];
        value.textContent = mean == null ? "" : ` ${number(mean)}` +
          (low !== high && low != null ? ` (${number(low)} to ${number(high)})` : "");
      });
    };
  };

  const draw = (figure, data, chart, key, range) => {
    const place = figure.querySelector(".plot");
    const isLog = isLogarithmic(chart);
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--grid"), width: 1 },
      ticks: { stroke: colour("--grid"), width: 1 }, font: "11px system-ui, sans-serif" };
    const read = legendOf(figure, chart);
    const plot = new uPlot({
      width: place.clientWidth, height,
      legend: { show: false },
      cursor: { sync: { key }, y: false },
      scales: { x: { time: false, range }, y: { distr: isLog ? 3 : 1 } },
      series: [{}, ...seriesOf(chart)],
      bands: bandsOf(chart),
      axes: [
        { ...axis, values: (u, values) => values.map(step), size: 32, incrs: wholeSteps,
          space: (u, i, low, high) => Math.max(70, 7 * step(high).length + 14) },
        { ...axis, size: 62,
          values: (u, values) => values.map((v) => (v == null ? "" : number(v))),
          ...(isLog && { grid: { ...axis.grid, filter: powersOfTen },
            ticks: { ...axis.ticks, filter: powersOfTen } }) },
      ],
      hooks: { draw: [(u) => drawMarks(u, data, chart)], setCursor: [read] },
    }, table(chart, isLog), place);
    new ResizeObserver(() => {
      if (place.clientWidth && place.clientWidth !== plot.width)
        plot.setSize({ width: place.clientWidth, height });
    }).observe(place);
    charts.push(plot);
  };

  /* All charts of a run have the same steps from left to right, unless one is zoomed into. */
  const rangeOf = (data) => {
    let first = Infinity, last = -Infinity;
    for (const chart of data.charts)
      for (const series of chart.series) {
        first = Math.min(first, series.step[0]);
        last = Math.max(last, series.step[series.step.length - 1]);
      }
    if (first === last) first -= 1, last += 1;
    return (u, low, high) => {
      const isWhole = low == null || (low <= u.data[0][0] && high >= u.data[0][u.data[0].length - 1]);
      return isWhole ? [first, last] : [low, high];
    };
  };

  const drawRun = (run) => {
    const text = run.querySelector("script.data");
    if (!text) return;
    const data = JSON.parse(text.textContent);
    const figures = run.querySelectorAll("figure.chart");
    const range = rangeOf(data);
    data.charts.forEach((chart, i) => draw(figures[i], data, chart, run.id, range));
  };

  /* A page of hundreds of runs draws those that are looked at. */
  const runs = [...document.querySelectorAll("section.run")];
  const drawn = new Set();
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries)
      if (isIntersecting && !drawn.has(target)) drawn.add(target), drawRun(target);
  }, { rootMargin: "600px" });
  runs.forEach((run) => seen.observe(run));

  const redraw = (all) => {
    charts.forEach((plot) => plot.destroy());
    charts = [];
    if (all) runs.forEach((run) => drawn.add(run));
    drawn.forEach(drawRun);
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraw(false));
  /* On paper nothing can be unfolded. */
  let unfolded = [];
  const print = (isPrinted) => {
    document.documentElement.classList.toggle("print", isPrinted);
    if (isPrinted) unfolded = [...document.querySelectorAll("details:not([open])")];
    unfolded.forEach((details) => (details.open = isPrinted));
    redraw(isPrinted);
  };
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
})();
