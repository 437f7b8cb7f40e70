"""Reading one YAML file into one record, with the offending field in the message."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import ValidationError

from data_contracts.base import Record
from data_contracts.errors import ErrorCode, InputError

Content = TypeVar("Content", bound=Record)


def read_yaml(path: Path, record_type: type[Content]) -> Content:
    """The content of ``path``.

    Raises:
        InputError: the file is missing, is not YAML, or does not satisfy the record.
    """
    try:
        return record_type.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        message = f"{path.name}: field {field} is {first['input']!r}: {first['msg']}"
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        message = f"{path.name}: {error}"
    raise InputError(ErrorCode.CONTRACT_INVALID, message, f"correct {path.name}; `wm corpus validate` checks it")
