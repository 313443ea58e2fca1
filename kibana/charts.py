"""The charts of the run view in Vega-Lite 4: what aggregations cannot draw.

Each layer asks for its own documents; the dashboard's query, filters and time go into each request.
Findings are a layer over every chart of a signal: a line at the step where each began."""

SCHEMA = "https://vega.github.io/schema/vega-lite/v4.json"
# One answer holds no more by default (index.max_result_window); the newest steps come first.
DOCUMENTS_MAX = 10000
FINDINGS_MAX = 100
BLUE, PINK = "#0077CC", "#C9378E"
COLOURS = {"critical": "#BD271E", "warning": "#E7A100", "info": "#6A7CA0"}
# Ticks for a scale that is near linear below a thousandth and logarithmic above, and takes 0 and
# negative values too. Those that are not on the axis, or have no room, are left out.
TICKS = [0] + [float(f"{sign}{digit}e{power}") for sign in ("", "-") for power in range(-3, 13)
               for digit in (1, 2, 5)]
SYMLOG = {"constant": 0.001, "nice": False, "type": "symlog", "zero": False}
# A run without layers, or without an eval loss, is nothing to warn of.
QUIET = {"kibana": {"hideWarnings": True}}
X = {"axis": {"grid": False, "title": "step"}, "field": "step",
     "scale": {"nice": False, "zero": False}, "type": "quantitative"}


def request(index, conditions, sources, size, sort, must_not=()):
    """An answer's hits as the data of a layer."""
    return {
        "format": {"property": "hits.hits"},
        "url": {"index": index, "body": {
            "_source": sources, "size": size, "sort": sort, "track_total_hits": False,
            "query": {"bool": {
                "filter": ["%dashboard_context-filter_clause%",
                           {"range": {"@timestamp": {"%timefilter%": True}}}, *conditions],
                "must": ["%dashboard_context-must_clause%"],
                "must_not": ["%dashboard_context-must_not_clause%", *must_not]}}}}}


def calculated(**formulas):
    return [{"as": name, "calculate": formula} for name, formula in formulas.items()]


def signal_data(signal):
    return request("trainward-charts", [{"exists": {"field": f"trainward.signals.{signal}.count"}}],
                   ["trainward.run", "trainward.pass", "trainward.step", "trainward.first_step",
                    f"trainward.signals.{signal}"],
                   DOCUMENTS_MAX, [{"trainward.step": "desc"}])


def signal_fields(signal):
    """What the layers of a signal draw. A run that went back or was resumed has a line for each
    way it went."""
    own = f"datum._source.trainward.signals.{signal}"
    return calculated(
        signal=f"'{signal}'", run="datum._source.trainward.run.id",
        line="datum._source.trainward.run.id + ' ' + (datum._source.trainward.run.attempt || '')"
             " + ' ' + datum._source.trainward.pass",
        step="datum._source.trainward.step", first_step="datum._source.trainward.first_step",
        min=f"{own}.min", mean=f"{own}.mean", max=f"{own}.max", nonfinite=f"{own}.nonfinite")


TOOLTIP = [{"field": name, "title": title, "type": kind} for name, title, kind in (
    ("run", "run", "nominal"), ("signal", "signal", "nominal"),
    ("first_step", "from step", "quantitative"), ("step", "to step", "quantitative"),
    ("min", "least", "quantitative"), ("mean", "mean", "quantitative"),
    ("max", "most", "quantitative"), ("nonfinite", "NaN or infinite", "quantitative"))]


def signal_layers(signal, colour, y, has_points=False):
    """The band from the least to the greatest reading, the mean, and what was not finite."""
    legend = {"orient": "top", "symbolFillColor": colour, "symbolOpacity": 1,
              "symbolStrokeColor": colour, "title": None}
    shade = {"field": "signal", "legend": legend, "type": "nominal",
             "scale": {"domain": [signal], "range": [colour]}}
    detail = {"field": "line", "type": "nominal"}
    is_drawn = {"filter": "isValid(datum.mean)"}
    return {
        "data": signal_data(signal), "transform": signal_fields(signal),
        "layer": [
            {"encoding": {"color": shade, "detail": detail, "x": {**X, "stack": None},
                          "y": {**y, "field": "min", "stack": None}, "y2": {"field": "max"}},
             "mark": {"opacity": 0.3, "orient": "vertical", "type": "area"}, "transform": [is_drawn]},
            {"encoding": {"color": shade, "detail": detail, "tooltip": TOOLTIP, "x": X,
                          "y": {**y, "field": "mean"}},
             "mark": {"point": {"size": 14 if has_points else 4}, "strokeWidth": 1.5,
                      "type": "line"},
             "transform": [is_drawn]},
            {"encoding": {"tooltip": TOOLTIP, "x": X, "y": {"value": 3}},
             "mark": {"color": COLOURS["critical"], "filled": True, "opacity": 0.9,
                      "shape": "triangle-down", "size": 70, "type": "point"},
             "transform": [{"filter": "datum.nonfinite > 0"}]},
        ]}


def findings_data():
    return request("trainward-runs", [{"term": {"trainward.kind": "episode"}}],
                   ["message", "trainward.run.id", "trainward.detector", "trainward.scope",
                    "trainward.severity", "trainward.state", "trainward.onset_step"],
                   FINDINGS_MAX, [{"event.severity": "desc"}, {"trainward.onset_step": "asc"}],
                   [{"term": {"trainward.state": "withdrawn"}}])


def findings_layers(rows):
    """`rows` of labels at the top, one below the other; 0: lines alone."""
    colour = {"field": "severity", "type": "nominal",
              "legend": {"orient": "top", "symbolType": "stroke", "title": None},
              "scale": {"domain": list(COLOURS), "range": list(COLOURS.values())}}
    tooltip = [{"field": name, "type": "nominal"} for name in
               ("run", "finding", "state", "severity", "message")]
    tooltip.insert(2, {"field": "step", "title": "since step", "type": "quantitative"})
    lines = {"encoding": {"color": colour, "tooltip": tooltip, "x": X},
             "mark": {"opacity": 0.8, "size": 2, "strokeDash": [6, 3], "type": "rule"}}
    labels = [{
        "encoding": {"color": colour, "text": {"field": "finding", "type": "nominal"},
                     "tooltip": tooltip, "x": X, "y": {"value": 20 + 14 * row}},
        "mark": {"align": "left", "baseline": "middle", "dx": 4, "fontSize": 11,
                 "fontWeight": "bold", "type": "text"},
        "transform": [{"filter": f"datum.row % {rows} === {row}"}],
    } for row in range(rows)]
    return {
        "data": findings_data(), "layer": [lines, *labels],
        "transform": calculated(
            detector="datum._source.trainward.detector", message="datum._source.message",
            run="datum._source.trainward.run.id", scope="datum._source.trainward.scope",
            severity="datum._source.trainward.severity", state="datum._source.trainward.state",
            step="datum._source.trainward.onset_step",
            finding="datum.detector + (datum.scope === 'run' ? '' : ' in ' + datum.scope)") + [
            {"sort": [{"field": "step"}, {"field": "finding"}],
             "window": [{"as": "number", "op": "row_number"}]},
            *calculated(row="datum.number - 1")]}


def chart(*layers):
    return {"$schema": SCHEMA, "autosize": {"contains": "padding", "type": "fit"},
            "config": {**QUIET, "legend": {"labelFontSize": 11}, "view": {"stroke": None}},
            "layer": list(layers), "resolve": {"scale": {"color": "independent"}}}


def y_axis(title, is_symlog, text_format):
    axis = {"format": text_format, "labelOverlap": True, "title": title}
    if is_symlog:
        return {"axis": {**axis, "values": TICKS}, "scale": SYMLOG, "type": "quantitative"}
    return {"axis": axis, "scale": {"zero": False}, "type": "quantitative"}


def loss():
    y = y_axis("loss", True, "~g")
    return chart(signal_layers("loss", BLUE, y),
                 signal_layers("eval_loss", PINK, y, has_points=True), findings_layers(5))


def signal(name, title, is_symlog, text_format="~g"):
    return chart(signal_layers(name, BLUE, y_axis(title, is_symlog, text_format)),
                 findings_layers(0))


# ---- layers ----

def layers(formula, sources, title, scale, needs=""):
    """A heat map, layers downwards and steps to the right: a cell lasts until the layer's next
    figures. Grey: nothing was measured; red: NaN or infinite values stood in the layer."""
    tooltip = [{"field": name, "type": kind, "title": shown} for name, kind, shown in (
        ("layer", "nominal", "layer"), ("step", "quantitative", "step"),
        ("value", "quantitative", title), ("nonfinite", "quantitative", "NaN or infinite"))]
    place = {"tooltip": tooltip, "x": X, "x2": {"field": "end"},
             "y": {"axis": {"labelLimit": 160, "title": None}, "field": "layer",
                   "sort": {"field": "index", "op": "min"}, "type": "nominal"}}
    flags = " || ".join(f"own.{each}_nonfinite" for each in sources)
    flags = flags.replace("own.", "datum._source.trainward.layer.")
    return {
        "$schema": SCHEMA, "autosize": {"contains": "padding", "type": "fit"},
        "config": {**QUIET, "view": {"fill": "#D3DAE6", "stroke": None}},
        "data": request(
            "trainward-charts", [{"exists": {"field": "trainward.layer.name"}}],
            ["trainward.run.id", "trainward.step", "trainward.layer.name",
             "trainward.layer.index", "trainward.layer.nonfinite",
             *(f"trainward.layer.{each}" for each in sources),
             *(f"trainward.layer.{each}_nonfinite" for each in sources)],
            DOCUMENTS_MAX, [{"trainward.step": "desc"}, {"trainward.layer.index": "asc"}]),
        "layer": [
            {"encoding": {**place, "color": {"field": "value", "scale": scale, "type":
                                             "quantitative", "legend": {"title": None}}},
             "mark": {"type": "rect"},
             "transform": [{"filter": f"isValid(datum.value) && isFinite(datum.value){needs}"}]},
            {"encoding": place, "mark": {"color": COLOURS["critical"], "type": "rect"},
             "transform": [{"filter": f"datum.nonfinite > 0 || {flags}"}]},
        ],
        "transform": calculated(
            index="datum._source.trainward.layer.index", layer="datum._source.trainward.layer.name",
            nonfinite="datum._source.trainward.layer.nonfinite || 0",
            run="datum._source.trainward.run.id", step="datum._source.trainward.step",
            value=formula.replace("own.", "datum._source.trainward.layer.")) + [
            {"groupby": ["run", "layer"], "sort": [{"field": "step"}],
             "window": [{"as": "next", "field": "step", "op": "lead"},
                        {"as": "before", "field": "step", "op": "lag"}]},
            *calculated(end="isValid(datum.next) ? datum.next : datum.step + "
                            "(isValid(datum.before) ? datum.step - datum.before : 1)")]}


def layers_gradients():
    return layers("own.grad_norm", ["grad_norm"], "gradient norm",
                  {"scheme": "viridis", "type": "log"}, " && datum.value > 0")


def layers_units():
    return layers("isValid(own.saturated_fraction) || isValid(own.dead_fraction)"
                  " ? max(own.saturated_fraction || 0, own.dead_fraction || 0) : null",
                  ["saturated_fraction", "dead_fraction"], "share of units",
                  {"domain": [0, 1], "scheme": "orangered"})


def layers_updates():
    return layers("own.weight_norm > 0 && isValid(own.update_norm)"
                  " ? own.update_norm / own.weight_norm : null",
                  ["update_norm", "weight_norm"], "update / weights",
                  {"scheme": "viridis", "type": "log"}, " && datum.value > 0")
