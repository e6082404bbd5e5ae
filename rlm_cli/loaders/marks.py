"""What a file is beside plain source, told by its path and first bytes: lock, minified, vendored or generated.

Covered: lock files by name; minified scripts, style sheets and source maps by name, or by the length of their lines;
third-party code by the folders it lies in; generated files by name, or because the comment they open with says so.
Not covered: whether a marked file is loaded; what .gitattributes or its history could tell; folders whose names mean
third-party code in one project and the project's own in the next (external, extern, deps, lib, contrib, vendors).
"""

import re

LOCK, MINIFIED, VENDORED, GENERATED = "lock", "minified", "vendored", "generated"
MARKS = (LOCK, MINIFIED, VENDORED, GENERATED)
"""In order: a file has the first that applies. That it is a lock file or a bundle says more than where it lies, and
what is generated among third-party code is still not this project's."""

_TOP = 2048
"""Bytes in which a file says that it is generated: room for a long licence before."""
_LINES = 40
"""Lines likewise: further down, a comment is about what follows it."""
_SENTENCE = 200
"""Bytes in which a line says so."""
_LONG = 300
"""Bytes that make a line too long to be read. Where such lines hold most of a script, it is minified."""

_LOCKS = frozenset(
    """
    .package-lock.json .terraform.lock.hcl Berksfile.lock Brewfile.lock.json Cargo.lock Cartfile.resolved Chart.lock
    Gemfile.lock Gopkg.lock MODULE.bazel.lock Package.resolved Pipfile.lock Podfile.lock Policyfile.lock.json
    Puppetfile.lock aqua-checksums.json buf.lock buildscript-gradle.lockfile bun.lock bun.lockb cabal.project.freeze
    composer.lock conan.lock conda-lock.yaml conda-lock.yml cpanfile.snapshot deno.lock devbox.lock devenv.lock
    dub.selections.json esy.lock flake.lock gems.locked glide.lock go.sum go.work.sum gradle.lockfile
    lake-manifest.json lazy-lock.json maven_install.json mise.lock mix.lock nimble.lock npm-shrinkwrap.json
    package-lock.json packages.lock.json packrat.lock paket.lock pdm.lock pixi.lock pnpm-lock.yaml poetry.lock
    project.assets.json pubspec.lock pylock.toml rebar.lock renv.lock requirements-dev.lock requirements.lock
    settings-gradle.lockfile shard.lock spack.lock stack.yaml.lock uv.lock vcpkg-lock.json verification-metadata.xml
    yarn.lock
    """.split()
)

_THIRD_PARTY = frozenset(
    """
    .eggs .yarn 3rd-party 3rd_party 3rdParty 3rdparty Carthage Godeps Pods ThirdParty Third_Party _vendor
    bower_components dist-packages elm-stuff jspm_packages node_modules site-packages third-party third_party
    thirdParty thirdparty vendor vendored web_modules
    """.split()
)
"""As they are spelt: `Vendor` and `pods` are what shops and clusters have."""

_MINIFIED = {
    "js": (".min.js", "-min.js", ".bundle.js", ".chunk.js"),
    "mjs": (".min.mjs", ".bundle.mjs"),
    "cjs": (".min.cjs", ".bundle.cjs"),
    "css": (".min.css", "-min.css", ".bundle.css", ".chunk.css"),
    "map": (".js.map", ".mjs.map", ".cjs.map", ".css.map", ".ts.map", ".mts.map", ".cts.map"),
}
"""Extension -> how the names of what is minified end. Data and drawings are no source, however long their lines."""

_SOURCE_MAP = re.compile(rb'\{\s*"version"\s*:\s*3\b')

_GENERATED = {
    "c": (".pb-c.c", ".tab.c", ".yy.c", ".zep.c"),
    "cc": (".pb.cc", ".tab.cc"),
    "cjs": (".pnp.cjs",),
    "cpp": (".tab.cpp",),
    "cs": (".Designer.cs", ".designer.cs", ".feature.cs", ".g.cs", ".g.i.cs"),
    "dart": (".freezed.dart", ".g.dart", ".pb.dart", ".pbenum.dart", ".pbgrpc.dart", ".pbjson.dart", ".pbserver.dart"),
    "go": (".pb.go", ".pb.gw.go"),
    "h": (".pb-c.h", ".pb.h", ".tab.h", ".zep.h"),
    "py": ("_pb2.py", "_pb2_grpc.py"),
    "pyi": ("_pb2.pyi", "_pb2_grpc.pyi"),
    "swift": (".grpc.swift", ".pb.swift"),
    "vb": (".Designer.vb", ".designer.vb"),
}

_SILENT = frozenset(
    """
    ejs erb ftl gotmpl handlebars hbs in j2 jet jinja jinja2 liquid mako mustache po stg stub template tera tmpl tpl tt
    twig vm
    """.split()
)
"""Extensions of templates, whose first words are about what comes of them; a translation has its words from people."""
_AUTOTOOLS = re.compile(rb"[Gg]enerated (?:from \S+ by autoheader|by automake)")
"""What a template by name says that is none."""

_CODE = re.compile(
    rb"""(?:\xef\xbb\xbf)?(?:
        \s++
      | //[^\n]*+ | /\*.*?(?:\*/|\Z) | --[^\n]*+ | ;[^\n]*+ | %[^\n]*+ | ![^\n]*+ | \.\\"[^\n]*+ | '[ *-][^\n]*+
      | \#(?!\s*(?:include|import)\b)[^\n]*+
      | <!--.*?(?:-->|\Z) | <![^>]*+>? | <\?[^\n>]*+>? | </?(?:html|head|meta|title)\b[^>]*+>?
      | \"\"\".*?(?:\"\"\"|\Z) | '''.*?(?:'''|\Z) | \(\*.*?(?:\*\)|\Z) | \{-.*?(?:-\}|\Z)
      | (?:dnl|rem|REM|@rem|@REM|@echo|@ECHO|package)\b[^\n]*+ | (?:namespace|declare|using)\b[^\n{;]*+;
      | (["'])use\ strict\1;?
    )*+""",
    re.VERBOSE | re.DOTALL,
)
"""What code opens with: comments, and the lines that may stand before them. What is included ends it: a comment further
down is about what follows."""
_PROSE = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s++|<!--.*?(?:-->|\Z)|\.\.[ \n][^\n]*+|---\n(?:(?!---)[^\n]*+\n)*+---)*+", re.DOTALL
)
"""What text opens with that its readers do not see; `#` and `*` are headings and lists there."""
_SETTINGS = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s++|#[^\n]*+)*+")
_OPENINGS = {
    **dict.fromkeys(("adoc", "asciidoc", "markdown", "md", "mdc", "mdx", "org", "rst", "textile"), _PROSE),
    "txt": _SETTINGS,
}
"""Extension -> what its files open with, where that is not what code does."""

_DIRECTIVE = re.compile(rb"#[a-z]")
"""What is no sentence, though it opens like a comment."""
_ORNAMENT = b" \t\r/*#;-!%\"'.<>{}()[]=~+|:_`\\&$"
"""What surrounds the words of a comment."""
_FILE = (
    r"(?:files?|code|class|header|sources?|module|document|tables?|script|snippet|font|program|parser|scanner|page|"
    r"package|interface|config|configuration|makefile|project|fixture|schema|tests?|wrapper)"
)
_IS = r"(?:is|are|was|were|has been|have been) (?:an? )?"
_SUBJECTS = (
    rf"(?:this|it) {_IS}",
    rf"(?:this|these|the following|all of these) (?:\S+ ){{0,2}}?{_FILE} (?:\S+ ){{0,3}}?{_IS}",
    rf"(?:the|all) (?:\S+ ){{1,4}}?(?:of|in) (?:this|these) (?:\S+ ){{0,2}}?{_FILE} (?:\S+ ){{0,3}}?{_IS}",
    r"(?:\S+ ){0,2}?(?:code|file|header|source|class|parser|scanner|page|script|content|configuration|config) ",
)
_HOW = r"(?:(?:auto(?:matically)?|auto-?magically|machine|mechanically|programmatically|tool)[-_ ]?)?"
_BY = (
    r"(?: (?:automatically|mechanically|code|file|source|output|protocol buffer code))?"
    r"(?: (?:by|from|with|using|via|on|through)\b(?! the fly)| ?(?:[-.,;:!(*=]|$)| please | do not | don't )"
)
_NOT_TO_EDIT = r"(?:(?:do not|don't|never|not be) (?:edit|modif|change|touch|send patches)|manual editing)"
_SAYS = re.compile(
    # What is about some other thing, or about this one no longer.
    r"(?!(?:any|begin|can|each|every|for|how|if|may|most|no|not|once|some|start|to|unless|until|when|where|whether)\b)"
    r"(?!.*\b(?:hand[- ]|manually )(?:edited|modified|tuned|tweaked)\b)"
    r"(?:(?:warning|note|notice|attention|important|caution|nb|dnl|rem)\b[\s:!,.*-]*+)*+"
    r"(?:"
    r"(?:.*\s)?@generated(?![\w`'\"\])-])"
    rf"|(?:please )?{_NOT_TO_EDIT}\w*(?! (?:the |any |these )?\S*generated\b).*\bgenerated\b"
    rf"|.*generated\b.*\b{_NOT_TO_EDIT}"
    r"|this \S*generated (?:file|code|class|module)\b"
    rf"|(?:{'|'.join(_SUBJECTS)})?@?{_HOW}generated{_BY}"
    r")".encode()
)
"""How a sentence begins, in small letters, that says of its file that it is generated. What is `generated when ...` or
`generated at ...` is something else, made when the program runs."""


def mark_of(path: str, head: bytes) -> str | None:
    """Return one of MARKS, or None, for a file by its path, with `/` between parts, and its first 8 KiB."""
    folder, _, name = path.rpartition("/")
    if name in _LOCKS:
        return LOCK
    kind = name.rpartition(".")[2]
    if kind in _MINIFIED and _is_minified(name, kind, head):
        return MINIFIED
    if not _THIRD_PARTY.isdisjoint(folder.split("/")) or ("vendored" in folder and _is_vendored(folder)):
        return VENDORED
    if name.endswith(_GENERATED.get(kind, ())):
        return GENERATED
    # Two plain searches: one that ignores case takes ten times as long, and one file in twenty has the word at its top.
    if (head.find(b"enerated", 0, _TOP) >= 0 or head.find(b"ENERATED", 0, _TOP) >= 0) and _says_so(name, kind, head):
        return GENERATED
    return None


def _is_minified(name: str, kind: str, head: bytes) -> bool:
    if name.endswith(_MINIFIED[kind]):
        return True
    if kind == "map":
        return _SOURCE_MAP.match(head) is not None
    if head.count(b"\n") * 40 > len(head):  # cheap, and true of nearly all that people write
        return False
    return 2 * sum(len(line) for line in head.splitlines() if len(line) >= _LONG) > len(head)


def _is_vendored(folder: str) -> bool:
    return any(part.startswith(("vendored-", "vendored_", "vendored.")) for part in folder.split("/"))


def _says_so(name: str, kind: str, head: bytes) -> bool:
    """Tell whether the comment that a file opens with says that the file is generated."""
    kind = kind.lower()
    if kind in _SILENT:
        return _AUTOTOOLS.search(head, 0, _TOP) is not None
    if name.endswith(("ignore", "-tpl")):  # lists of what is generated, and Django's templates
        return False
    opening = _OPENINGS.get(kind, _CODE).match(head, 0, _TOP)
    assert opening is not None  # at least the empty one
    before = b""
    for line in opening[0].split(b"\n", _LINES)[:_LINES]:
        words = line.strip(_ORNAMENT)
        # A line that goes on with a sentence is about what that is about.
        begins = not before or before.endswith((b".", b":", b"!")) or not words[:1].islower()
        if begins and b"enerated" in words.lower():
            sentences = b" ".join(words[:_SENTENCE].lower().split()).split(b". ")
            if any(map(_SAYS.match, sentences)):
                return True
        before = b"" if _DIRECTIVE.match(line) else line.strip(b" \t\r/*#;-%=~+|_")
    return False
