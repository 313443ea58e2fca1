"""Aggregation-based visualizations in few words."""


def agg(number, kind, schema, **params):
    return {"enabled": True, "id": str(number), "params": params, "schema": schema, "type": kind}


def count(number=1, label="Documents"):
    return agg(number, "count", "metric", customLabel=label)


def metric(number, kind, field, label):
    return agg(number, kind, "metric", customLabel=label, field=field)


def terms(number, field, schema, label, size=20, order_by="1", missing=None):
    """`order_by`: the number of a metric, or "_key"."""
    return agg(number, "terms", schema, customLabel=label, field=field, missingBucket=bool(missing),
               missingBucketLabel=missing or "Missing", order="desc", orderBy=order_by,
               otherBucket=False, otherBucketLabel="Other", size=size)


def over_time(number=2, schema="segment"):
    return agg(number, "date_histogram", schema, customLabel="Time", drop_partials=False,
               extended_bounds={}, field="@timestamp", interval="auto", min_doc_count=1,
               scaleMetricValues=False, timeRange={"from": "now-7d", "to": "now"},
               useNormalizedEsInterval=True)


def axis(name, kind, position, title):
    labels = {"filter": True, "rotate": 0, "show": True, "truncate": 100}
    return {"id": name, "labels": labels, "position": position, "scale": {"type": "linear"},
            "show": True, "style": {}, "title": {"text": title}, "type": kind}


def bars(y_title="Documents", is_horizontal=False):
    """Parameters of stacked bars."""
    value = axis("ValueAxis-1", "value", "bottom" if is_horizontal else "left", y_title)
    value.update(name="LeftAxis-1", scale={"mode": "normal", "type": "linear"})
    return {
        "addLegend": True, "addTimeMarker": False, "addTooltip": True,
        "categoryAxes": [axis("CategoryAxis-1", "category", "left" if is_horizontal else "bottom",
                              "")],
        "grid": {"categoryLines": False}, "labels": {"show": False}, "legendPosition": "right",
        "seriesParams": [{"data": {"id": "1", "label": y_title}, "drawLinesBetweenPoints": True,
                          "lineWidth": 2, "mode": "stacked", "show": True, "showCircles": True,
                          "type": "histogram", "valueAxis": "ValueAxis-1"}],
        "thresholdLine": {"color": "#E7664C", "show": False, "style": "full", "value": 10,
                          "width": 1},
        "times": [], "type": "horizontal_bar" if is_horizontal else "histogram",
        "valueAxes": [value]}


def table(per_page=10):
    return {"dimensions": {"buckets": [], "metrics": []}, "percentageCol": "", "perPage": per_page,
            "showMetricsAtAllLevels": False, "showPartialRows": False, "showTotal": False,
            "showToolbar": True, "sort": {"columnIndex": None, "direction": None},
            "totalFunc": "sum"}


def number():
    return {"addLegend": False, "addTooltip": True, "type": "metric", "metric": {
        "colorSchema": "Green to Red", "colorsRange": [{"from": 0, "to": 10000}],
        "invertColors": False, "labels": {"show": True}, "metricColorMode": "None",
        "percentageMode": False, "style": {"bgColor": False, "bgFill": "#000", "fontSize": 36,
                                           "labelColor": False, "subText": ""},
        "useRanges": False}}


def pie():
    return {"addLegend": True, "addTooltip": True, "isDonut": True, "legendPosition": "right",
            "labels": {"last_level": True, "show": True, "truncate": 100, "values": True},
            "type": "pie"}
