"""models/manifest.json: what is shipped, what it was made from, and the digest of every file."""

import hashlib
import json
from pathlib import Path
from typing import Any

from scripts.training.adapters import ADAPTERS
from scripts.training.cards import LICENCE
from scripts.training.corpus import WORKS

BASE_NAME = "quill"
BASE_WORKS = ("shakespeare-plays", "austen-pride-and-prejudice")


def write_manifest(models_path: Path) -> None:
    """Writes manifest.json over the folders base, adapters/* and datasets/*; parents come before children."""
    assets = [
        *(_asset(models_path, work.name, "Dataset", f"datasets/{work.name}", licence="CC0-1.0") for work in WORKS),
        _asset(models_path, BASE_NAME, "Model", "base", model_id=BASE_NAME, datasets=list(BASE_WORKS)),
        *(
            _asset(
                models_path,
                plan.name,
                "Adapter",
                f"adapters/{plan.name}",
                model_id=f"{BASE_NAME}:{plan.name}",
                parent=BASE_NAME,
                datasets=list(plan.works),
            )
            for plan in ADAPTERS
        ),
    ]
    content = json.dumps({"format": 1, "assets": assets}, indent=2) + "\n"
    (models_path / "manifest.json").write_text(content, encoding="utf-8")


def _asset(models_path: Path, name: str, kind: str, path: str, **fields: Any) -> dict[str, Any]:
    folder = models_path / path
    return {
        "name": name,
        "kind": kind,
        "model_id": None,
        "path": path,
        "parent": None,
        "datasets": [],
        "licence": LICENCE,
        **fields,
        "files": [_file(folder, file) for file in sorted(folder.rglob("*")) if file.is_file()],
    }


def _file(folder: Path, file: Path) -> dict[str, Any]:
    content = file.read_bytes()
    return {
        "path": file.relative_to(folder).as_posix(),
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
