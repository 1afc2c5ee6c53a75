"""Advisories on picklescan and fickling: each is a call that a list lacked, or a container's trick.

The entries that GitHub keeps of them (github.com/mmaitre314/picklescan/security/advisories,
github.com/trailofbits/fickling/security/advisories); what each is about, by the commits that
mended it. `told` says where only the id is public.
"""

from __future__ import annotations

import base64
import marshal
from dataclasses import dataclass

from threats.boxes import stacked, torch_archive
from threats.build import (
    ANYWHERE,
    CALL,
    MAGIC,
    RUN,
    Entry,
    Finding,
    Threat,
    Writer,
    alone,
    legacy,
    runs,
    zip_archive,
)
from threats.literature.paths import hides
from threats.pickled import (
    AT,
    PAYLOAD,
    called,
    dict_of,
    ended,
    found,
    list_of,
    number,
    pushed,
    raw,
    short,
    text,
)


@dataclass(frozen=True)
class Advisory:
    """An advisory that is a call.

    Attributes:
        id: of the advisory.
        calls: "module name" of each function that a pickle of it calls.
        told: False where public text gives the id alone; the call is then of the kind that the
            commit which mended it is about.
    """

    id: str
    calls: tuple[str, ...]
    told: bool = True


def _of(id: str, *calls: str, told: bool = True) -> Advisory:
    return Advisory(id, calls, told)


PICKLESCAN = (
    _of("CVE-2025-1716", "pip main", "pip._internal.cli.main main"),
    _of("GHSA-vv6j-3g6g-2pvj", "torch.utils._config_module ConfigModule.load_config"),
    _of("GHSA-vr7h-p6mm-wpmh", "torch.jit.unsupported_tensor_ops execWrapper"),
    _of("GHSA-4r9r-ch6f-vxmx", "torch.utils.bottleneck.__main__ run_cprofile"),
    _of("GHSA-4whj-rm5r-c2v8", "torch.utils.bottleneck.__main__ run_autograd_prof"),
    _of("GHSA-86cj-95qr-2p4f", "torch._dynamo.guards GuardBuilder.get"),
    _of(
        "GHSA-f4x7-rfwp-v3xw",
        "torch.fx.experimental.symbolic_shapes ShapeEnv.evaluate_guards_expression",
    ),
    _of("GHSA-f745-w6jp-hpxx", "torch.utils.collect_env run"),
    _of("GHSA-jhph-76pp-mggw", "torch.utils.collect_env run_and_read_all"),
    _of("GHSA-h3qp-7fh3-f8h4", "torch.utils.data.datapipes.utils.decoder basichandlers"),
    _of("GHSA-xp4f-hrf8-rxw7", "ensurepip _run_pip"),
    _of("GHSA-p9w7-82w4-7q8m", "lib2to3.pgen2.pgen ParserGenerator.make_label"),
    _of("GHSA-f54q-57x4-jg88", "lib2to3.pgen2.grammar Grammar.loads"),
    _of("GHSA-m869-42cg-3xwr", "idlelib.run Executive.runcode"),
    _of("GHSA-j343-8v2j-ff7w", "idlelib.pyshell ModifiedInterpreter.runcommand"),
    _of("GHSA-3gf5-cxq9-w223", "idlelib.pyshell ModifiedInterpreter.runcode"),
    _of("GHSA-3vg9-h568-4w9m", "idlelib.debugobj ObjectTreeItem.SetText"),
    _of("GHSA-6w4w-5w54-rjvr", "idlelib.autocomplete AutoComplete.get_entity"),
    _of("GHSA-7cq8-mj8x-j263", "idlelib.autocomplete AutoComplete.fetch_completions"),
    _of("GHSA-8r4j-24qv-fmq9", "idlelib.calltip Calltip.fetch_tip"),
    _of("GHSA-9xph-j2h6-g47v", "idlelib.calltip get_entity"),
    _of("GHSA-fqq6-7vqf-w3fg", "doctest debug_script"),
    _of("GHSA-9w88-8rmg-7g2p", "cProfile runctx"),
    _of("GHSA-49gj-c84q-6qm9", "cProfile run"),
    _of("GHSA-q77w-mwjj-7mqx", "asyncio.unix_events _UnixSubprocessTransport._start"),
    _of("GHSA-5qwp-399c-mjwf", "trace Trace.run"),
    _of("GHSA-g344-hcph-8vgg", "trace Trace.runctx"),
    _of("GHSA-x696-vm39-cp64", "profile Profile.run"),
    _of("GHSA-6vqj-c2q5-j97w", "profile Profile.runctx"),
    _of("GHSA-cj3c-v495-4xqh", "code InteractiveInterpreter.runcode"),
    _of("GHSA-v7x6-rv5q-mhwc", "timeit timeit"),
    _of(
        "CVE-2025-10157 (GHSA-f7qq-56ww-84cr)",
        "asyncio.unix_events _UnixSubprocessTransport._start",
        "aiohttp.client request",
    ),
    _of(
        "GHSA-m273-6v24-x4m4",
        "distutils.file_util write_file",
        "operator methodcaller",
        "operator itemgetter",
    ),
    _of("GHSA-4675-36f9-wf6r", "ctypes CDLL"),
    _of("GHSA-vqmv-47xg-9wpr", "pty spawn", "pip main"),
    _of("GHSA-hgrh-qx5j-jfwx", "ssl get_server_certificate", "requests.api get", told=False),
    _of(
        "GHSA-r8g5-cgf2-4m4m", "numpy.f2py.crackfortran getlincoef", "idlelib.run Executive.runcode"
    ),
    _of("CVE-2025-71339 (GHSA-6556-fwc2-fg2p)", "numpy.f2py.crackfortran _eval_length", told=False),
    _of("GHSA-x843-g5mx-g377", "pydoc locate", told=False),
    _of("GHSA-3329-ghmp-jmv5", "pydoc pipepager", told=False),
    _of("GHSA-cffc-mxrf-mhh4", "numpy.f2py.crackfortran param_eval", told=False),
    _of("GHSA-rrxm-2pvv-m66x", "numpy.f2py.crackfortran _eval_scalar", told=False),
    _of("GHSA-9726-w42j-3qjr", "_io FileIO", "urllib.request urlopen"),
    _of(
        "CVE-2026-53874 (GHSA-9m3x-qqw2-h32h)",
        "types CodeType",
        "cloudpickle.cloudpickle _make_function",
        "cloudpickle.cloudpickle subimport",
    ),
    _of("CVE-2026-56304 (GHSA-m7j5-r2p5-c39r)", "logging FileHandler"),
    _of("GHSA-vvpj-8cmc-gx39", "pkgutil resolve_name"),
    _of(
        "CVE-2026-56315 (GHSA-g38g-8gr9-h9xp)",
        "uuid _get_command_stdout",
        "_osx_support _read_output",
        "_osx_support _find_build_tool",
        "_aix_support _read_cmd_output",
        "imaplib IMAP4_stream",
        "_pyrepl.pager pipe_pager",
        "_pyrepl.pager tempfile_pager",
        "test.support.script_helper assert_python_ok",
    ),
    _of("GHSA-7wx9-6375-f5wh", "profile run", "profile runctx"),
)
FICKLING = (
    _of("GHSA-565g-hwwr-4pp3", "marshal loads", "types FunctionType"),
    _of("GHSA-r7v6-mfhq-g3m2", "pty spawn"),
    _of("GHSA-wfq2-52f7-7qvj", "runpy run_path"),
    _of("GHSA-p523-jq9w-64x9", "cProfile run"),
    _of(
        "GHSA-q5qq-mvfm-j35x",
        "ctypes CDLL",
        "importlib import_module",
        "code interact",
        "multiprocessing.util spawnv_passfds",
    ),
    _of("CVE-2026-22608 (GHSA-5hvc-6wx8-mvv4)", "pydoc locate", "ctypes.util find_library"),
    _of(
        "CVE-2026-22612 (GHSA-h4rm-mm56-xf63)",
        "builtins __import__",
        "builtins getattr",
        "builtins exec",
    ),
    _of(
        "GHSA-5hwf-rc88-82xm",
        "uuid _get_command_stdout",
        "_aix_support _read_cmd_output",
        "_osx_support _find_build_tool",
    ),
    _of("GHSA-r48f-3986-4f9c", "linecache getlines", "difflib context_diff", "gc get_objects"),
    _of("GHSA-5cxw-w2xg-2m8h", "platform popen"),
    _of("GHSA-m6fh-58r7-x697", "_posixsubprocess fork_exec", "site addsitedir", "atexit register"),
    _of(
        "GHSA-pc6j-px3p-rrj4", "test.support.script_helper assert_python_ok", "imaplib IMAP4_stream"
    ),
    _of("GHSA-6ggj-6f2q-f7mx", "_interpreters create", "_xxsubinterpreters run_string"),
    _of("GHSA-cffv-grgg-g429", "ast parse"),
)


def _case(id: str, title: str, write: Writer, line: int = 24) -> Threat:
    return Threat(line, title, write, f"advisory, {id}")


def _called(advisory: Advisory) -> Threat:
    """One pickle with all the calls of an advisory."""
    pairs = [tuple(call.split(" ")) for call in advisory.calls]
    content = ended(*(called((module, name), text("id")) + b"0" for module, name in pairs), b"N")
    findings = (Finding("SEC001", "error", None, None, f"{m}.{n}") for m, n in pairs)
    return _case(advisory.id, ", ".join(advisory.calls), alone("model.pkl", content, *findings))


_DATA = Entry("model/data.pkl", PAYLOAD)
_ARCHIVE = (_DATA, Entry("model/version", b"3\n"))
_IN_DATA = Finding("SEC001", "error", "model/data.pkl", AT, "os.system('id')")
_BY_CALL = MAGIC[:2] + called(("builtins", "eval"), text("0x1950a86a20f9469cfc6c")) + b"."


def _zip(id: str, title: str, **changes: object) -> Threat:
    """A pickle whose entry in an archive is bent."""
    bent = Entry("model/data.pkl", PAYLOAD, **changes)  # type: ignore[arg-type]
    content = zip_archive([bent, _ARCHIVE[1]]).content
    return _case(id, title, alone("m.pt", content, _IN_DATA), 2)


def _operator(name: str) -> bytes:
    """Fetch a module by import, and call its function by an object of `operator`."""
    module = called(("builtins", "__import__"), text("os"))
    caller = called(("_operator", name), text("system"))
    return ended(called(called(caller, module), text("id")))


def _build_after() -> bytes:
    """A call whose result is given a state, so that it looks used."""
    return ended(called(("smtplib", "SMTP"), text("127.0.0.1")), b"}b")


def _first_of_two(second: bytes) -> bytes:
    """The same global named twice, once where nothing comes of it."""
    return ended(pushed(("ast", "parse")) + b"0", second)


TRICKS = (
    _case(
        "CVE-2025-1889",
        "a pickle under a suffix of another format",
        alone("config.p", PAYLOAD, runs(None, PAYLOAD)),
        11,
    ),
    _zip("CVE-2025-1944", "another name in the local header", local_name="model/data.pkx"),
    _zip("CVE-2025-1945", "flag bits of encryption", flags=1),
    _case(
        "CVE-2025-10155 (GHSA-jgw4-cr84-mqxg)",
        "a pickle under a suffix of PyTorch",
        alone("model.bin", PAYLOAD, runs(None, PAYLOAD)),
        11,
    ),
    _zip("CVE-2025-10156 (GHSA-mjqp-26hc-grxg)", "a wrong checksum", crc=1),
    _case(
        "GHSA-9gvj-pp9x-gcfr",
        "STRING before STACK_GLOBAL",
        alone(
            "m.pkl",
            b"S'os'\nS'system'\n\x93S'id'\n\x85R.",
            Finding("SEC001", "error", None, 24, "os.system('id')"),
        ),
        15,
    ),
    _case(
        "GHSA-84r2-jw7c-4r5q",
        "a pickle in a pickle, and a method of a module that is located by name",
        alone(
            "m.pkl",
            ended(
                called(
                    called(("operator", "methodcaller"), text("system"), text("id")),
                    called(("pydoc", "locate"), text("os")),
                ),
                called(("pickle", "loads"), raw(PAYLOAD)),
                b"\x86",
            ),
            Finding("SEC001", "error", None, None, "pydoc.locate"),
            Finding("SEC001", "error", None, None, "operator.methodcaller"),
            Finding("SEC001", "error", ANYWHERE, AT, "os.system('id')"),
        ),
        22,
    ),
    *(
        _case(
            advisory,
            f"_operator.{name} of a module that is imported",
            alone(
                "m.pkl",
                _operator(name),
                Finding("SEC001", "error", None, None, f"_operator.{name}"),
                Finding("SEC001", "error", None, None, "builtins.__import__"),
            ),
        )
        for advisory, name in (
            ("GHSA-955r-x9j8-7rhh", "methodcaller"),
            ("GHSA-46h3-79wf-xr6c", "attrgetter"),
        )
    ),
    _case(
        "GHSA-97f8-7cmv-76j2",
        "the legacy magic number by a call",
        alone(
            "m.pt",
            legacy(PAYLOAD, _BY_CALL),
            Finding("SEC001", "error", None, None, "builtins.eval"),
            runs(None, legacy(PAYLOAD, _BY_CALL)),
        ),
        13,
    ),
    _case(
        "GHSA-97f8-7cmv-76j2",
        "a payload in the pickle of the magic number",
        alone("m.pt", stacked({0: CALL + b"0"}), runs(None, stacked({0: CALL + b"0"}))),
        13,
    ),
    _case(
        "CVE-2026-53874 (GHSA-9m3x-qqw2-h32h)",
        "a function by value: marshalled code",
        alone(
            "m.pkl",
            ended(
                called(
                    ("types", "FunctionType"),
                    called(("marshal", "loads"), raw(marshal.dumps(compile("pass", "x", "exec")))),
                    b"}",
                )
            ),
            Finding("SEC001", "error", None, None, "marshal.loads"),
            Finding("SEC001", "error", None, None, "types.FunctionType"),
        ),
    ),
    _case(
        "GHSA-mxhj-88fx-4pcv",
        "OBJ and POP",
        alone(
            "m.pkl",
            ended(b"(", found(("smtplib", "SMTP")), short("127.0.0.1"), b"o0N"),
            Finding("SEC001", "error", None, None, "smtplib.SMTP"),
        ),
        16,
    ),
    _case(
        "GHSA-mhc9-48gj-9gp3",
        "a BUILD behind the call",
        alone("m.pkl", _build_after(), Finding("SEC001", "error", None, None, "smtplib.SMTP")),
        20,
    ),
    _case(
        "GHSA-cffv-grgg-g429",
        "a global that was named before",
        alone(
            "m.pkl",
            _first_of_two(called(("ast", "parse"), text("1"))),
            Finding("SEC001", "error", None, None, "ast.parse"),
        ),
    ),
    _case(
        "GHSA-5j3x-jp52-966f",
        "dots in a name reach another module",
        alone(
            "m.pkl",
            ended(called(found(("pathlib", "os.system")), text("id"))),
            Finding("SEC001", "error", None, None, "pathlib.os.system"),
        ),
        17,
    ),
    _case(
        "GHSA-wccx-j62j-r448, GHSA-fphw-536r-4p88",
        "entry points that a hook misses",
        alone(
            "m.pkl",
            ended(
                list_of(
                    *(
                        called((module, name), raw(PAYLOAD))
                        for module in ("pickle", "_pickle")
                        for name in ("loads", "_loads", "Unpickler", "_Unpickler")
                    )
                )
            ),
            Finding("SEC001", "error", None, None, "pickle._loads"),
            Finding("SEC001", "error", None, None, "_pickle.Unpickler"),
            Finding("SEC001", "error", ANYWHERE, AT, "os.system('id')"),
        ),
        22,
    ),
    _case(
        "fickling 317",
        "an argument reaches past its FRAME",
        alone(
            "m.pkl",
            b"\x80\x04\x95\x04\0\0\0\0\0\0\0" + short("AAAAAA") + RUN,
            Finding("SEC001", "error", None, None),
        ),
        19,
    ),
    _case(
        "modelscan 330",
        "BUILD on a function of NumPy",
        alone(
            "m.pkl",
            ended(pushed(("numpy", "size")) + dict_of(__doc__=number(1)) + b"b"),
            Finding("SEC001", "error", None, None, "numpy.size"),
        ),
        20,
    ),
    _case(
        "CVE-2025-1889",
        "base64 of a pickle in an archive's member",
        hides(
            "m.zip",
            zip_archive(
                [Entry("data", base64.b64encode(PAYLOAD)), Entry("m.pth", torch_archive())]
            ).content,
        ),
        39,
    ),
)

THREATS = (*map(_called, (*PICKLESCAN, *FICKLING)), *TRICKS)
