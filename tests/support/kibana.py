"""Saved objects of Kibana taken apart: what a panel asks a server for.

Written from the side of Kibana (its Kuery, its aggregations, its Vega requests), not from
kibana/make_objects.py, so that one checks the other."""

import copy
import json
import re

from support.programs import TOP

PATH = TOP / "kibana" / "saved_objects.ndjson"
VEGA_WORDS = {"must": "%dashboard_context-must_clause%",
              "filter": "%dashboard_context-filter_clause%",
              "must_not": "%dashboard_context-must_not_clause%"}


class Objects:
    def __init__(self, text):
        self.all = [json.loads(line) for line in text.splitlines()]
        self.by_id = {each["id"]: each for each in self.all}

    def of_type(self, kind):
        return [each for each in self.all if each["type"] == kind]

    def index_of(self, saved):
        """The index pattern that a search or visualization names, or None."""
        source = source_of(saved)
        if "indexRefName" not in source:
            return None
        found, = [each for each in saved["references"] if each["name"] == source["indexRefName"]]
        return self.by_id[found["id"]]

    def panels(self, dashboard_id):
        return [self.by_id[each["id"]] for each in self.by_id[dashboard_id]["references"]]


def committed():
    return Objects(PATH.read_text())


def source_of(saved):
    return json.loads(saved["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])


def state_of(saved):
    return json.loads(saved["attributes"]["visState"])


def is_vega(saved):
    return saved["type"] == "visualization" and state_of(saved)["type"] == "vega"


def fields_of(index_pattern):
    return {each["name"]: each for each in json.loads(index_pattern["attributes"]["fields"])}


# ---- Kuery ----

TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([():])|([^\s():"]+))')


class Kuery:
    """As much of it as the objects and links use: FIELD : VALUE, FIELD : (A or B), and, or, not."""

    def __init__(self, text):
        self.tokens = [(m.group(1), m.group(2) or m.group(3)) for m in TOKEN.finditer(text)]
        self.at = 0

    def peek(self):
        return self.tokens[self.at][1] if self.at < len(self.tokens) else None

    def take(self, word=None):
        quoted, bare = self.tokens[self.at]
        assert word is None or bare == word, (word, self.tokens, self.at)
        self.at += 1
        return bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)

    def parse(self):
        if not self.tokens:
            return {"match_all": {}}
        found = self.either()
        assert self.at == len(self.tokens), self.tokens[self.at:]
        return found

    def joined(self, word, part, clause):
        parts = [part()]
        while self.peek() == word:
            self.take(word)
            parts.append(part())
        return parts[0] if len(parts) == 1 else {"bool": {clause: parts}}

    def either(self):
        return self.joined("or", self.both, "should")

    def both(self):
        return self.joined("and", self.one, "filter")

    def one(self):
        if self.peek() == "not":
            self.take("not")
            return {"bool": {"must_not": [self.one()]}}
        if self.peek() == "(":
            self.take("(")
            found = self.either()
            self.take(")")
            return found
        field = self.take()
        self.take(":")
        return self.values(field)

    def values(self, field):
        if self.peek() != "(":
            value = self.take()
            return {"exists": {"field": field}} if value == "*" else {"match_phrase": {field: value}}
        self.take("(")
        values = [self.take()]
        while self.peek() == "or":
            self.take("or")
            values.append(self.take())
        self.take(")")
        return {"bool": {"should": [{"match_phrase": {field: value}} for value in values]}}


def kuery_fields(text):
    return re.findall(r"([@\w.]+)\s*:", text)


# ---- requests ----

def context(kuery, time_range):
    """The clauses that a dashboard's own query and time put into each request."""
    return {"must": [], "must_not": [],
            "filter": [Kuery(kuery).parse(), {"range": {"@timestamp": time_range}}]}


def body_of_search(saved, clauses):
    clauses = copy.deepcopy(clauses)
    clauses["filter"].append(Kuery(source_of(saved)["query"]["query"]).parse())
    return {"query": {"bool": clauses}, "track_total_hits": True, "size": 500,
            "sort": [{name: {"order": order}} for name, order in saved["attributes"].get("sort", [])]}


def _aggregation(agg, aggs):
    params, kind = agg["params"], agg["type"]
    if kind == "date_histogram":
        return {"date_histogram": {"field": params["field"], "fixed_interval": "1h",
                                   "min_doc_count": params["min_doc_count"]}}
    if kind == "terms":
        ordering, = [each for each in aggs if each["id"] == params["orderBy"]]
        by = "_count" if ordering["type"] == "count" else params["orderBy"]
        found = {"field": params["field"], "size": params["size"], "order": {by: params["order"]}}
        if params["missingBucket"]:
            found["missing"] = "__missing__"
        return {"terms": found}
    return {kind: {"field": params["field"]}}


def aggregations(aggs):
    """Buckets inside each other in their order, the metrics in every one of them."""
    metrics = {each["id"]: _aggregation(each, aggs) for each in aggs
               if each["schema"] == "metric" and each["type"] != "count"}
    found = copy.deepcopy(metrics)
    for agg in reversed([each for each in aggs if each["schema"] != "metric"]):
        inner = {**_aggregation(agg, aggs), "aggs": found}
        found = {agg["id"]: inner, **copy.deepcopy(metrics)}
    return found


def body_of_aggregations(saved, clauses):
    body = body_of_search(saved, clauses)
    body.pop("sort")
    return {**body, "size": 0, "aggs": aggregations(state_of(saved)["aggs"])}


def vega_requests(spec):
    """Each `data: {url: {...}}` with an Elasticsearch request, wherever it stands, as Kibana looks
    for them."""
    if isinstance(spec, list):
        for each in spec:
            yield from vega_requests(each)
    elif isinstance(spec, dict):
        for key, value in spec.items():
            if key == "data" and isinstance(value, dict) and isinstance(value.get("url"), dict):
                yield value
            else:
                yield from vega_requests(value)


def fill_vega(value, clauses, time_range):
    """A request's body with the dashboard's clauses and time in place of the words for them."""
    if isinstance(value, list):
        filled = []
        for each in value:
            word = [name for name, known in VEGA_WORDS.items() if each == known]
            filled += clauses[word[0]] if word else [fill_vega(each, clauses, time_range)]
        return filled
    if isinstance(value, dict):
        if value.get("%timefilter%") is True:
            return time_range
        return {key: fill_vega(each, clauses, time_range) for key, each in value.items()}
    return value


def requests(saved, index_title, kuery, time_range):
    """[(index, body)] that a panel sends: none for text."""
    clauses = context(kuery, time_range)
    if saved["type"] == "search":
        return [(index_title, body_of_search(saved, clauses))]
    if is_vega(saved):
        # Vega's time stands in the specification itself.
        clauses["filter"].pop()
        spec = json.loads(state_of(saved)["params"]["spec"])
        return [(data["url"]["index"], fill_vega(data["url"]["body"], clauses, time_range))
                for data in vega_requests(spec)]
    if index_title is None:
        return []
    return [(index_title, body_of_aggregations(saved, clauses))]
