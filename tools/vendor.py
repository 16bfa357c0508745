"""Fetch what the console holds of others, as vendor.toml names it; refuse what has another hash.

To take a newer version: change its entries in vendor.toml, run this, and read what it says.
"""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
import tomllib
import urllib.request
from pathlib import Path

VENDOR = Path(__file__).parent.parent / "src/chappe/console/static/vendor"


def main() -> int:
    """Write every file of vendor.toml; 1 where one is not what it should be."""
    entries = tomllib.loads((VENDOR / "vendor.toml").read_text("utf-8"))["file"]
    packages: dict[str, bytes] = {}
    wrong = 0
    for entry in entries:
        url = entry["url"]
        if not url.startswith("https://"):
            raise SystemExit(f"{entry['name']}: {url!r} is not https")
        if url not in packages:
            with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310  # https, see above
                packages[url] = answer.read()
        with tarfile.open(fileobj=io.BytesIO(packages[url])) as package:
            member = package.extractfile(f"package/{entry['path']}")
            assert member is not None, entry["path"]
            found = member.read()
        digest = hashlib.sha256(found).hexdigest()
        if digest == entry["sha256"]:
            (VENDOR / entry["name"]).write_bytes(found)
        else:
            wrong += 1
            sys.stderr.write(
                f"{entry['name']}: its sha256 is {digest}, not {entry['sha256']}; not written\n"
            )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
