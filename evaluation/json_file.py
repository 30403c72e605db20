"""Reading JSON files that follow a model."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from ..data.errors import InputError
from ..data.files import check_is_file

Model = TypeVar("Model", bound=BaseModel)


def read_model(path: Path, model: type[Model], what: str) -> Model:
    """Read and validate a JSON file.

    Parameters
    ----------
    path
        The file.
    model
        What it must follow.
    what
        What it should be, for messages.

    Raises
    ------
    InputError
        When it is missing, no JSON, or something else.
    """
    check_is_file(path)
    try:
        return model.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(f"{path}: not {what}: {where}: {first['msg'].removeprefix('Value error, ')}") from None
