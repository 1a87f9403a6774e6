"""How Sphinx builds the documentation; ``docs/README.md`` says with which command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]
# Messages name the place of an operation: "cell:3" rather than a temporary file.
os.environ["IPYKERNEL_CELL_NAME"] = "cell"
# Notebooks run in processes of their own, wherever they stand: they see the same microbp.
os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])

from pages import Written  # noqa: E402

import microbp  # noqa: E402

project = "microbp"
author = "The microbp authors"
copyright = author
version = release = microbp.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "api",
    "mathml",
    "pages",
    "pictures",
    "source",
]
exclude_patterns = ["_build", "README.md", "**/.ipynb_checkpoints", "gallery/*.py"]
default_role = "obj"
nitpicky = False  # a word in single quotes need not be a name; names of microbp must be, see `_ext/api.py`

# -- pages in Markdown, and the code in them -----------------------------------------------------

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath", "substitution"]
myst_heading_anchors = 3
nb_execution_mode = "force"  # whenever a page is read, which Sphinx does when it was changed
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_execution_in_temp = True  # what a cell writes is gone afterwards
nb_merge_streams = True

# -- the examples, as a gallery ------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"/(?!mnist)\w+\.py$",  # what needs a network is shown, but not run
    "within_subsection_order": "pages.InOrder",
    "image_scrapers": ("matplotlib", Written()),
    "reset_modules": ("matplotlib", "pages.with_file"),
    "capture_repr": ("_repr_html_",),
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_signature": False,
    "notebook_extensions": set(),
    "write_computation_times": False,
    "backreferences_dir": None,
}

# -- the reference, from docstrings --------------------------------------------------------------

autodoc_typehints = "none"  # the docstrings say it in words
autodoc_inherit_docstrings = False  # a forward is described where it has something to say
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"

# -- other sites: their addresses are kept here, so that a build needs no network ------------------

intersphinx_mapping = {
    "python": ("https://docs.python.org/3", str(HERE / "inventories" / "python.txt")),
    "numpy": ("https://numpy.org/doc/stable", str(HERE / "inventories" / "numpy.txt")),
    "torch": ("https://docs.pytorch.org/docs/stable", str(HERE / "inventories" / "torch.txt")),
}

# -- how it looks --------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "microbp"
html_static_path = ["_static"]
html_css_files = ["microbp.css"]
html_js_files = ["microbp.js"]
html_copy_source = False
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,  # the arrow keys belong to the steppers
    "show_nav_level": 1,
    "navbar_align": "left",
    "secondary_sidebar_items": {
        "**": ["page-toc"],
        "index": [],
        "reference/derivatives": [],
        "source/one_operation": [],
        "source/files": [],
    },
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
}
