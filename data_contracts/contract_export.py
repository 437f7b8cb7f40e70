"""The contracts in force for other tools: a JSON Schema a table, and a flat list of rules."""

import json
from pathlib import Path
from typing import Any

from data_contracts.contract import Column, Table
from data_contracts.contract_loader import ContractSet

DRAFT = "https://json-schema.org/draft/2020-12/schema"
RULES = "rules.json"


def export_contracts(contracts: ContractSet, out: Path) -> list[str]:
    """Write ``<table>.schema.json`` for every table of the common contract, and ``rules.json``.

    Returns:
        names of the files, relative to ``out``.
    """
    out.mkdir(parents=True, exist_ok=True)
    files: dict[str, Any] = {f"{table.name}.schema.json": table_schema(table) for table in contracts.common.tables}
    rules = contracts.flat(sorted(contracts.by_source))
    files[RULES] = [rule.model_dump(mode="json") for rule in rules]
    for name, content in files.items():
        scratch = out / f".{name}.partial"
        scratch.write_text(json.dumps(content, indent=2) + "\n")
        scratch.replace(out / name)
    return sorted(files)


def table_schema(table: Table) -> dict[str, Any]:
    """JSON Schema of one row."""
    return {
        "$schema": DRAFT,
        "title": table.name,
        "description": table.description,
        "type": "object",
        "properties": {column.name: _property(column) for column in table.properties},
        "required": [column.name for column in table.properties if column.required],
        "additionalProperties": False,
    }


def table_of_schema(schema: dict[str, Any]) -> Table:
    """The table that ``table_schema`` described: the way back."""
    required = set(schema["required"])
    columns = [
        Column.model_validate(
            {
                "name": name,
                "logicalType": _without_null(described["type"]),
                "required": name in required,
                "description": described.get("description", ""),
            }
        )
        for name, described in schema["properties"].items()
    ]
    return Table(name=schema["title"], description=schema["description"], properties=columns)


def _property(column: Column) -> dict[str, Any]:
    described: dict[str, Any] = {"type": column.logicalType if column.required else [column.logicalType, "null"]}
    return described | ({"description": column.description} if column.description else {})


def _without_null(kind: str | list[str]) -> str:
    return kind if isinstance(kind, str) else next(one for one in kind if one != "null")
