"""Protected pictures from ComfyUI: copy or link this folder into ComfyUI's `custom_nodes/`.

ComfyUI's own Python needs the library: `python -m pip install provenance-kit`. The nodes are in
the category "image": Save Image (Provenance), Preview Image (Provenance).
"""

from provenance.integrations.comfyui import mappings

# mappings("/etc/provenance.toml") for a configuration in another place.
NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS = mappings()

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]
