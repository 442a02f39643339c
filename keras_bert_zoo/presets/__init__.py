"""The one door to models, the one format in which they are saved.

Names are listed without loading TensorFlow or Keras: what needs them is
imported when it is first touched.
"""

import importlib

_HOMES = {
    "CardFacts": "model_card",
    "Preset": "loading",
    "PresetInfo": "catalog",
    "Provenance": "catalog",
    "list_presets": "catalog",
    "load_encoder": "loading",
    "load_tokenizer": "loading",
    "preset_info": "catalog",
    "save_preset": "saving",
    "write_preset": "saving",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    value = getattr(home, name)
    globals()[name] = value
    return value


def __dir__():
    return sorted([*globals(), *__all__])
