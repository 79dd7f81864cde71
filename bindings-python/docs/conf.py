"""The configuration of Sphinx, which documents the installed package. `make docs-python` runs Sphinx."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from sphinx.pycode import ModuleAnalyzer
from sphinx.util.inspect import TypeAliasForwardRef
from sphinx.util.logging import getLogger

import hightouch_sdk
from hightouch_sdk import _calls, _handles, _models, _names, _resources, report

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment

PACKAGE = "hightouch_sdk"
# Maps the name of each resource on a client, such as `syncs`, to the name of its class.
RESOURCES = {
    name: "".join(part.title() for part in name.split("_"))
    for name, it in vars(_resources.Resources).items()
    if isinstance(it, _handles.Handle)
}
MADE_BY_PACKAGE = (
    hightouch_sdk.Run,
    hightouch_sdk.AsyncRun,
    hightouch_sdk.SyncBatch,
    hightouch_sdk.AsyncSyncBatch,
    hightouch_sdk.Listing,
    hightouch_sdk.AsyncListing,
    hightouch_sdk.RawResponse,
    hightouch_sdk.JsonObject,
    hightouch_sdk.JsonArray,
    hightouch_sdk.JsonEdit,
    hightouch_sdk.HightouchError,
    _calls.Resource,
    report.RunsReport,
    report.SyncFigures,
    report.RunFigures,
    report.ReasonCount,
    report.UnreadSync,
)
PROSE: dict[str, list[str]] = {}

project = "hightouch-sdk"
version = release = hightouch_sdk.__version__
project_copyright = "the authors of hightouch-sdk"
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "alabaster"
html_static_path = ["static"]
html_show_sourcelink = html_copy_source = False
html_theme_options = {"description": "The Hightouch REST API", "page_width": "1100px"}

add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
toc_object_entries = False
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True}
# `autodoc_type_aliases` makes Sphinx show types by their public names. The types in `RUNS` are left out, because
# Sphinx cannot resolve annotations that contain these types.
RUNS = {"SyncRun", "SequenceRun", "IdentityGraphRun"}
# In a union, Sphinx shows the `repr` of a `TypeAliasForwardRef`. So this `repr` must be the name of the type.
TypeAliasForwardRef.__repr__ = lambda alias: alias.name  # type: ignore[method-assign]
autodoc_type_aliases = {name: name for name in hightouch_sdk.__all__ if name not in RUNS}

# Sphinx must not warn that no page documents these names.
nitpick_ignore_regex = [
    # Types of other packages, and names that only annotations contain.
    ("py:.*", r"(typing\.|collections\.|datetime\.|os\.|functools\.|msgspec\.).*"),
    ("py:class", r"(opentelemetry\..*|TracerProvider|Self|ImportError|RuntimeError)"),
    ("py:class", r"(Any|Async)?(Iterator|Callable|Mapping|Sequence|Awaitable|Generic|Literal|PathLike.*|Any)"),
    ("py:class", r"(str|bytes|int|float|bool|object|list|dict|tuple|type|None|datetime|timedelta|BaseException)"),
    # Type variables, and the raw and asynchronous variants of resources. Their methods are those of documented classes.
    ("py:(class|obj)", r"(.*\.)?[KLST]"),
    ("py:class", r"(.*\.)?(\w+WithRawResponse|Async(" + "|".join(RESOURCES.values()) + "))"),
]


def setup(app: Sphinx) -> None:
    """Registers the hooks of the build."""
    app.connect("builder-inited", share_comments)
    app.connect("source-read", complete)
    app.connect("autodoc-process-signature", public_signature)
    # `before_napoleon` must run before the extension napoleon, which handles this event with priority 500.
    app.connect("autodoc-process-docstring", before_napoleon, priority=400)
    app.connect("autodoc-process-docstring", after_napoleon, priority=600)
    app.connect("env-check-consistency", check_names)


def share_comments(_: Sphinx) -> None:
    """Copies the docs of attributes from private modules to the package.

    Public classes name the package as their module, and the classes of values name `_models`, so Sphinx looks for the
    docs there.
    """
    docs = ModuleAnalyzer.for_module(PACKAGE)
    docs.analyze()
    models = ModuleAnalyzer.for_module(_models.__name__)
    models.analyze()
    folder = Path(hightouch_sdk.__file__).parent
    modules = [path.stem for path in folder.glob("_[a-z]*.py")]
    modules += [f"_models.{path.stem}" for path in folder.glob("_models/[a-z]*.py")]
    for name in modules:
        private = ModuleAnalyzer.for_module(f"{PACKAGE}.{name}")
        private.analyze()
        for shared in (docs, models):
            shared.attr_docs.update(private.attr_docs)
            shared.tagorder.update(private.tagorder)
    for name in _names.__all__:
        types = getattr(getattr(hightouch_sdk, name), "__annotations__", {})
        types.update({field: type_.replace("MaybeJson", "Json | None") for field, type_ in types.items()})


def complete(_: Sphinx, page: str, source: list[str]) -> None:
    """Adds the docs of all values to the page `values`, and the docs of all resources to the page `resources`."""
    if page == "values":
        source[0] += "\n\n".join(value(name) for name in _names.__all__)
    if page == "resources":
        source[0] += "\n\n".join(resource(name, cls) for name, cls in RESOURCES.items())


def value(name: str) -> str:
    """Returns the directive for one value of the API: a class, an enum or a union."""
    it = getattr(hightouch_sdk, name)
    if name in _names.ENUMS:
        return f".. autodata:: {name}\n   :no-value:"
    if getattr(it, "__name__", None) == name:
        return f".. autoclass:: {name}"
    held = " | ".join(each.__name__ for each in get_args(it))
    return f".. autodata:: {name}\n   :annotation: = {held}"


def resource(name: str, cls: str) -> str:
    """Returns the section of one resource."""
    title = f"``ht.{name}``"
    return f"{title}\n{'-' * len(title)}\n\n.. autoclass:: {PACKAGE}._resources.{name}.{cls}\n   :inherited-members:"


def public_signature(
    _app: Sphinx, what: str, _name: str, it: Any, _options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None] | None:
    """Hides private arguments, and the signatures of classes that only the package creates."""
    if what != "class" or signature is None:
        return None
    if issubclass(it, MADE_BY_PACKAGE) and it is not hightouch_sdk.HightouchError:
        return "", None
    if hasattr(it, "__struct_fields__") or it is hightouch_sdk.Records:
        # Removes the types of the arguments. Some are internal types of the decoder, which users do not know. Another
        # is the builtin `type`, which Sphinx would link to an attribute named `type`.
        shown = inspect.signature(it)
        bare = [each.replace(annotation=each.empty) for each in shown.parameters.values()]
        return str(shown.replace(parameters=bare)), None
    return re.sub(r", _\w+: [^=]+ = None", "", signature), returns


def before_napoleon(_app: Sphinx, what: str, name: str, _it: object, _options: object, lines: list[str]) -> None:
    """Hides the doc of an attribute from napoleon, an extension that would take the text before a colon for a type."""
    if what in {"attribute", "data", "property"}:
        PROSE[name] = lines.copy()


def after_napoleon(_app: Sphinx, _what: str, name: str, _it: object, _options: object, lines: list[str]) -> None:
    """Restores the doc of an attribute that ``before_napoleon`` has hidden."""
    if name in PROSE:
        lines[:] = PROSE.pop(name)


def check_names(_: Sphinx, env: BuildEnvironment) -> None:
    """Warns if no page documents a public name or a field of a value."""
    known = env.domains.python_domain.objects
    for name in hightouch_sdk.__all__:
        fields = getattr(getattr(hightouch_sdk, name), "__struct_fields__", ())
        for each in (name, *(f"{name}.{field}" for field in fields)):
            if f"{PACKAGE}.{each}" not in known:
                getLogger(__name__).warning("%s.%s is on no page", PACKAGE, each)
