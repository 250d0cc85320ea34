"""The main job, end to end: keys, protect, verify; then a stripped and a tampered copy.

make demo        or:  python examples/demo.py [FOLDER]
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from PIL import Image

from provenance import Picture
from provenance.errors import UnreadablePicture

HERE = Path(__file__).parent
PROVENANCE = shutil.which("provenance", path=str(Path(sys.executable).parent)) or "provenance"


def run(*arguments: str, expected: int = 0) -> None:
    """Show a command, run it, and insist on its exit code."""
    print(f"\n$ provenance {shlex.join(arguments)}", flush=True)
    code = subprocess.run([PROVENANCE, *arguments], check=False).returncode
    print(f"(exit code {code})", flush=True)
    if code != expected:
        raise SystemExit(f"the demonstration expected exit code {expected}, not {code}")


def strip(source: Path, target: Path) -> None:
    """What platforms do: smaller, recompressed, all metadata and credentials gone."""
    with Image.open(source) as picture:
        small = picture.convert("RGB").resize(
            (picture.width * 4 // 5, picture.height * 4 // 5), Image.Resampling.LANCZOS
        )
        small.save(target, quality=75)


def tamper(source: Path, target: Path) -> None:
    """Change a few bytes of the pixels inside a signed JPEG, and leave its credentials."""
    original = source.read_bytes()
    middle = len(original) - len(original) // 4
    for place in range(middle, len(original) - 8):
        data = bytearray(original)
        data[place : place + 2] = bytes(b ^ 0x15 for b in data[place : place + 2])
        try:
            Picture.open(bytes(data))  # some changes leave a file that cannot be decoded
        except UnreadablePicture:
            continue
        target.write_bytes(data)
        return


def main() -> None:
    """Run the whole demonstration in a folder of its own."""
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "demo-out")
    shutil.rmtree(out, ignore_errors=True)
    (out / "changed").mkdir(parents=True)
    os.environ["PROVENANCE_CONFIG"] = str((out / "home" / "provenance.toml").absolute())

    print("1. Keys: a development certificate and a secret watermark key.")
    run("init", "--dir", str(out / "home"), "--name", "demo-generator")

    print("\n2. Protect photographs, which stand in for the output of a generator.")
    pictures = [str(HERE / "pictures" / name) for name in ("coffee.png", "rocket.jpg")]
    run("protect", *pictures, "-o", f"{out}/protected/", "--prompt", "a quiet morning")

    print("\n3. Verify one of the results: credentials and watermark are both there.")
    run("verify", str(out / "protected" / "coffee.png"))

    print("\n4. A platform shrinks it to 80 %, recompresses it and strips the credentials:")
    print("   the watermark still leads to its credentials, which the registry kept.")
    strip(out / "protected" / "coffee.png", out / "changed" / "stripped.jpg")
    run("verify", str(out / "changed" / "stripped.jpg"))

    print("\n5. Somebody changes pixels and keeps the credentials: verification fails.")
    tamper(out / "protected" / "rocket.jpg", out / "changed" / "tampered.jpg")
    run("verify", str(out / "changed" / "tampered.jpg"), expected=1)

    print("\n6. An ordinary photograph: nothing is known, and nothing is claimed.")
    run("verify", str(HERE / "pictures" / "cat.webp"), expected=3)
    print("\n7. The log of what was issued holds.")
    run("log", "verify")

    print(f"\nDone. The pictures are in {out}; look at them, or verify them anywhere.")


if __name__ == "__main__":
    main()
