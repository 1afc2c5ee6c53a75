"""Which globals are the standard library's, in any version of Python, or stand beside it."""

from __future__ import annotations

import sys
from _compat_pickle import IMPORT_MAPPING

from modlint.pickles import imported

_PYTHON_2 = (
    "BaseHTTPServer CGIHTTPServer ConfigParser Cookie HTMLParser Queue SimpleHTTPServer"
    " SimpleXMLRPCServer SocketServer StringIO Tkinter UserDict UserList UserString __builtin__"
    " _winreg anydbm cPickle cStringIO commands compiler copy_reg dbhash dircache dumbdbm"
    " dummy_thread exceptions fpformat gdbm httplib imputil md5 mimetools multifile"
    " mutex new os2emxpath popen2 posixfile repr rexec rfc822 robotparser sets sgmllib sha thread"
    " urllib2 urlparse user whichdb xmlrpclib"
)
_REMOVED_FROM_3 = (
    "aifc asynchat asyncore audioop binhex cgi cgitb chunk crypt distutils formatter imghdr imp"
    " lib2to3 macpath mailcap msilib nis nntplib ossaudiodev parser pipes smtpd sndhdr spwd sunau"
    " symbol telnetlib uu xdrlib"
)
_ADDED_SINCE_3_11 = (
    "_android_support _apple_support _colorize _hmac _interpchannels _interpqueues _interpreters"
    " _ios_support _opcode_metadata _pylong _pyrepl _sysconfig _types _zstd annotationlib"
    " compression"
)

_RENAMED = frozenset(name.partition(".")[0] for name in IMPORT_MAPPING)
"""Python 2's modules that `pickle` looks up under their new names."""

OTHER_VERSIONS = _RENAMED | frozenset(f"{_PYTHON_2} {_REMOVED_FROM_3} {_ADDED_SINCE_3_11}".split())
"""Top-level names, so that the verdict does not depend on the Python that runs modlint."""

_BESIDE_IT = frozenset({"_distutils_hack", "pip", "pkg_resources", "setuptools"})
"""What is installed wherever Python is, and starts programs as readily."""

_TOP_LEVEL = sys.stdlib_module_names | OTHER_VERSIONS | _BESIDE_IT


def reaches_standard_library(module: str, name: str) -> bool:
    """Whether a global is the standard library's, or reaches for it through another module.

    Args:
        module: dotted module name.
        name: qualified name in it; `os.system` reaches the standard library from any module that
            imports `os`.
    """
    first, dot, _ = name.partition(".")
    return imported(module).partition(".")[0] in _TOP_LEVEL or (bool(dot) and first in _TOP_LEVEL)
