"""The forms of saved objects, as Kibana 7.10 and the OpenSearch Dashboards that came of it wrote them.

What stands here is the oldest form that all supported versions read; newer ones migrate it."""

import json

# What the versions of this form are, by type. OpenSearch Dashboards refuses newer ones.
VERSIONS = {"index-pattern": "7.6.0", "search": "7.9.3", "visualization": "7.10.0",
            "dashboard": "7.9.3"}
# Before every title; `setup kibana` puts the prefix of the indices between the brackets.
TAG = "[trainward]"
SOURCE_REFERENCE = "kibanaSavedObjectMeta.searchSourceJSON.index"


def object_id(name):
    """`setup kibana` replaces "trainward_" by the prefix, as it does with "trainward-" of indices."""
    return f"trainward_{name}"


def reference(kind, name, called):
    return {"id": object_id(name), "name": called, "type": kind}


def dumped(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def saved(kind, name, attributes, references):
    return {"attributes": attributes, "id": object_id(name),
            "migrationVersion": {kind: VERSIONS[kind]}, "references": references, "type": kind}


def search_source(query="", index=True):
    source = {"filter": [], "query": {"language": "kuery", "query": query}}
    if index:
        source["indexRefName"] = SOURCE_REFERENCE
    return {"searchSourceJSON": dumped(source)}


# ---- index patterns ----

META_FIELDS = ({"_id": "string", "_index": "string", "_score": "number", "_source": "_source",
                "_type": "string"})
TYPES = {"date": "date", "double": "number", "keyword": "string", "long": "number",
         "text": "string"}


def mapped_fields(properties, path=""):
    """(name, type) of each field of a mapping."""
    for name, mapping in sorted(properties.items()):
        if "properties" in mapping:
            yield from mapped_fields(mapping["properties"], f"{path}{name}.")
        else:
            yield path + name, mapping["type"]


def field(name, kind, es_type=None):
    is_meta = es_type is None
    aggregates = es_type not in (None, "text") or name in ("_id", "_index", "_type")
    return {"aggregatable": aggregates, "count": 0, "esTypes": [] if is_meta else [es_type],
            "name": name, "readFromDocValues": aggregates and not is_meta, "scripted": False,
            "searchable": True, "type": kind}


def index_pattern(name, title, template, formats):
    fields = [field(meta, kind) for meta, kind in META_FIELDS.items()]
    fields += [field(each, TYPES[kind], kind)
               for each, kind in mapped_fields(template["template"]["mappings"]["properties"])]
    known = {each["name"] for each in fields}
    return saved("index-pattern", name, {
        "fieldFormatMap": dumped({key: value for key, value in formats.items() if key in known}),
        "fields": dumped(sorted(fields, key=lambda each: each["name"])),
        "timeFieldName": "@timestamp", "title": title}, [])


# ---- what stands on a dashboard ----

def visualization(name, title, kind, params, aggs, index=None, query="", description=""):
    """`index`: the name of an index pattern; None: it asks for itself, or for nothing."""
    return saved("visualization", name, {
        "description": description, "kibanaSavedObjectMeta": search_source(query, bool(index)),
        "title": f"{TAG} {title}", "uiStateJSON": "{}", "version": 1,
        "visState": dumped({"aggs": aggs, "params": params, "title": f"{TAG} {title}",
                            "type": kind})},
        [reference("index-pattern", index, SOURCE_REFERENCE)] if index else [])


def vega(name, title, spec, description=""):
    """The specification keeps its lines: people edit it in Kibana."""
    text = json.dumps(spec, ensure_ascii=False, indent=2)
    return visualization(name, title, "vega", {"spec": text}, [], description=description)


def markdown(name, title, text):
    return visualization(name, title, "markdown",
                         {"fontSize": 12, "markdown": text.strip(), "openLinksInNewTab": False}, [])


def search(name, title, index, query, columns, sort, description=""):
    meta = json.loads(search_source(query)["searchSourceJSON"])
    meta.update(highlightAll=True, version=True)
    return saved("search", name, {
        "columns": columns, "description": description, "hits": 0,
        "kibanaSavedObjectMeta": {"searchSourceJSON": dumped(meta)}, "sort": sort,
        "title": f"{TAG} {title}", "version": 1},
        [reference("index-pattern", index, SOURCE_REFERENCE)])


def dashboard(name, title, description, rows, time_from, time_to="now"):
    """`rows`: lists of (object, width); a row's height is its first element. 48 columns."""
    panels, references, y = [], [], 0
    for height, *row in rows:
        x = 0
        for shown, width in row:
            number = len(panels) + 1
            panels.append({
                "embeddableConfig": {"title": shown["attributes"]["title"].replace(TAG, "").strip()},
                "gridData": {"h": height, "i": str(number), "w": width, "x": x, "y": y},
                "panelIndex": str(number), "panelRefName": f"panel_{number}", "version": "7.9.3"})
            references.append({"id": shown["id"], "name": f"panel_{number}", "type": shown["type"]})
            x += width
        y += height
    return saved("dashboard", name, {
        "description": description, "hits": 0,
        "kibanaSavedObjectMeta": search_source(index=False),
        "optionsJSON": dumped({"hidePanelTitles": False, "useMargins": True}),
        "panelsJSON": dumped(panels), "timeFrom": time_from, "timeRestore": True,
        "timeTo": time_to, "title": f"{TAG} {title}", "version": 1}, references)
