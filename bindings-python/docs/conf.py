"""What Sphinx makes of the installed package; `make docs-python` runs it."""

from __future__ import annotations

import inspect
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_args

from sphinx.pycode import ModuleAnalyzer
from sphinx.util.logging import getLogger

import hightouch_sdk
from hightouch_sdk import _calls, _names, _resources

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

PACKAGE = "hightouch_sdk"
# The classes of the resources by their names on a client.
RESOURCES = {
    name: "".join(part.title() for part in name.split("_"))
    for name, it in vars(_resources.Resources).items()
    if isinstance(it, cached_property)
}
MADE_BY_PACKAGE = (
    hightouch_sdk.Run,
    hightouch_sdk.AsyncRun,
    hightouch_sdk.Listing,
    hightouch_sdk.AsyncListing,
    hightouch_sdk.RawResponse,
    hightouch_sdk.JsonObject,
    hightouch_sdk.JsonArray,
    hightouch_sdk.JsonEdit,
    hightouch_sdk.HightouchError,
    _calls.Resource,
)
PROSE: dict[str, list[str]] = {}

project = "hightouch-sdk"
version = release = hightouch_sdk.__version__
project_copyright = "the authors of hightouch-sdk"
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "alabaster"
html_show_sourcelink = html_copy_source = False
html_theme_options = {"description": "The Hightouch REST API", "page_width": "1100px"}

add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
toc_object_entries = False
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True}
# Types under the names that users know: what is checked and what runs differ, as an open enum runs as `str`.
# Not so those that only annotations import: what cannot be resolved is shown as it is written.
RUNS = {"SyncRun", "SequenceRun", "IdentityGraphRun"}
autodoc_type_aliases = {name: name for name in hightouch_sdk.__all__ if name not in RUNS}

# What stands in other people's documentation, and what types are called that only annotations name.
nitpick_ignore_regex = [
    ("py:.*", r"(typing\.|collections\.|datetime\.|os\.|functools\.|msgspec\.).*"),
    ("py:class", r"(Any|Async)?(Iterator|Callable|Mapping|Sequence|Awaitable|Generic|Literal|PathLike.*|Any)"),
    ("py:class", r"(str|bytes|int|float|bool|object|list|dict|tuple|type|None|datetime|timedelta|BaseException)"),
    # Type variables, and what has the methods of a resource that is there.
    ("py:(class|obj)", r"(.*\.)?[KST]"),
    ("py:class", r"(.*\.)?(\w+WithRawResponse|Async(" + "|".join(RESOURCES.values()) + "))"),
]


def setup(app: Sphinx) -> None:
    """Hook into the build."""
    app.connect("builder-inited", share_comments)
    app.connect("source-read", complete)
    app.connect("autodoc-process-signature", public_signature)
    # Napoleon is at 500.
    app.connect("autodoc-process-docstring", before_napoleon, priority=400)
    app.connect("autodoc-process-docstring", after_napoleon, priority=600)
    app.connect("env-check-consistency", check_names)


def share_comments(_: Sphinx) -> None:
    """Let the package know what its private modules say of the aliases that it exports."""
    docs = ModuleAnalyzer.for_module(PACKAGE)
    models = ModuleAnalyzer.for_module(f"{PACKAGE}._models")
    docs.analyze()
    models.analyze()
    docs.attr_docs.update({key: text for key, text in models.attr_docs.items() if key[0] == ""})
    for name in _names.__all__:
        types = getattr(getattr(hightouch_sdk, name), "__annotations__", {})
        types.update({field: type_.replace("MaybeJson", "Json | None") for field, type_ in types.items()})


def complete(_: Sphinx, page: str, source: list[str]) -> None:
    """Add to a page what the package has, so that nothing new is left out."""
    if page == "values":
        source[0] += "\n\n".join(value(name) for name in _names.__all__)
    if page == "resources":
        source[0] += "\n\n".join(resource(name, cls) for name, cls in RESOURCES.items())


def value(name: str) -> str:
    """The directive for one value of the API: a class, or an alias, which goes by another name or none at all."""
    it = getattr(hightouch_sdk, name)
    if getattr(it, "__name__", None) == name:
        return f".. autoclass:: {name}"
    held = " | ".join(each.__name__ for each in get_args(it)) or it.__name__
    return f".. autodata:: {name}\n   :annotation: = {held}"


def resource(name: str, cls: str) -> str:
    """The section of one resource."""
    title = f"``ht.{name}``"
    return f"{title}\n{'-' * len(title)}\n\n.. autoclass:: {PACKAGE}._operations.{cls}"


def public_signature(
    _app: Sphinx, what: str, _name: str, it: Any, _options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None] | None:
    """Show what a user passes: no private arguments, and nothing where only the package makes such objects."""
    if what != "class" or signature is None:
        return None
    if issubclass(it, MADE_BY_PACKAGE) and it is not hightouch_sdk.HightouchError:
        return "", None
    if hasattr(it, "__struct_fields__"):
        # The types stand beside the fields; those of the decoder, which stand here, are not all the same.
        shown = inspect.signature(it)
        bare = [each.replace(annotation=each.empty) for each in shown.parameters.values()]
        return str(shown.replace(parameters=bare)), None
    return re.sub(r", _\w+: [^=]+ = None", "", signature), returns


def before_napoleon(_app: Sphinx, what: str, name: str, _it: object, _options: object, lines: list[str]) -> None:
    """Keep an attribute's prose: napoleon takes what stands before a colon for a type."""
    if what in {"attribute", "data", "property"}:
        PROSE[name] = lines.copy()


def after_napoleon(_app: Sphinx, _what: str, name: str, _it: object, _options: object, lines: list[str]) -> None:
    """Put an attribute's prose back."""
    if name in PROSE:
        lines[:] = PROSE.pop(name)


def check_names(_: Sphinx, env: BuildEnvironment) -> None:
    """Every public name stands on some page, and so does every field of a value."""
    known = env.domains.python_domain.objects
    for name in hightouch_sdk.__all__:
        fields = getattr(getattr(hightouch_sdk, name), "__struct_fields__", ())
        for each in (name, *(f"{name}.{field}" for field in fields)):
            if f"{PACKAGE}.{each}" not in known:
                getLogger(__name__).warning("%s.%s is on no page", PACKAGE, each)
