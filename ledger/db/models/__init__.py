"""Every table. Importing this package registers all of them with `Base.metadata`."""

import importlib
import pkgutil

# A stage adds its tables by adding a file: no list to keep in step.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
