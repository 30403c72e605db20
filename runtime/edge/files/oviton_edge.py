"""The edge runtime's command line: `python -m oviton_edge try-on …`. Import it first when you use `oviton` in Python.

The runtime is written for Python 3.11. JetPack 6 has 3.10, which lacks two small things; they are put in here.
"""

import hashlib
import sys
import typing

if sys.version_info < (3, 11):
    import typing_extensions

    def _file_digest(file: typing.Any, algorithm: str) -> typing.Any:
        digest = hashlib.new(algorithm)
        while block := file.read(2**20):
            digest.update(block)
        return digest

    typing.Self = typing_extensions.Self
    hashlib.file_digest = _file_digest


if __name__ == "__main__":
    from oviton.cli.main import main

    main()
