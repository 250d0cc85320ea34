"""Nodes of ComfyUI that save and preview protected pictures.

Install: a folder in ComfyUI's `custom_nodes/` whose `__init__.py` says

    from provenance.integrations.comfyui import mappings

    NODE_CLASS_MAPPINGS, NODE_DISPLAY_NAME_MAPPINGS = mappings()

as `examples/comfyui_provenance` does.
"""

from provenance.integrations.comfyui.nodes import mappings

__all__ = ["mappings"]
