"""What stands in a file beside its pixels, read without decoding them.

Pillow is not used for this: its WebP and AVIF readers set up a decoder with a canvas for the whole
picture as soon as a file is opened, and its PNG reader stops at the pixels, where some writers have
not yet put their XMP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from provenance.claims import in_bmff, in_gif, in_jpeg, in_png, in_tiff, in_webp
from provenance.claims.collector import Collector
from provenance.claims.exif import Exif, read_exif
from provenance.claims.tiff import Tiff
from provenance.claims.view import View

_TRAILER = 12


@dataclass(frozen=True, slots=True)
class Headers:
    """The metadata of one file, as raw as it was found.

    Attributes:
        kind: PNG, JPEG, WEBP, AVIF, HEIC, MP4, TIFF, GIF; or empty for anything else.
        width: columns as stored, before orientation; None where the headers do not say.
        height: rows likewise.
        exif: EXIF block from its byte order mark on, or None. A TIFF has none: see `tags`.
        tags: what the EXIF block, or the TIFF itself, says.
        xmp: XMP packets, the main one first.
        iim: IPTC-IIM records, or None.
        texts: PNG text chunks, keyword and text, in the order of the file.
        comments: comments of a JPEG or GIF.
        keys: metadata keys of an MP4 or MOV.
        segments: JPEG application segments of no known kind, by marker such as `APP3`.
        icc: name of the colour profile, or empty.
        encoder: traces of the encoder, such as `quantisation`, a hash of the JPEG tables.
        trailer: Samsung's records after the end of the picture, by name.
        credentials: the file holds a C2PA manifest store, which is not read here.
        notes: what was skipped, and why.
    """

    kind: str = ""
    width: int | None = None
    height: int | None = None
    exif: bytes | None = None
    tags: Exif = field(default_factory=Exif)
    xmp: tuple[bytes, ...] = ()
    iim: bytes | None = None
    texts: tuple[tuple[str, str], ...] = ()
    comments: tuple[str, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    segments: tuple[tuple[str, bytes], ...] = ()
    icc: str = ""
    encoder: Mapping[str, str] = field(default_factory=dict)
    trailer: Mapping[str, bytes] = field(default_factory=dict)
    credentials: bool = False
    notes: tuple[str, ...] = ()


_Walker = Callable[[View, Collector], None]


def read_headers(source: bytes | View) -> Headers:
    """Read the metadata of a picture or an MP4. Never raises on hostile bytes.

    Raises:
        OSError: the file under the view cannot be read.
    """
    view = View(source) if isinstance(source, bytes) else source
    kind, walk = _walker(view.read(0, 32))
    found = Collector()
    if walk is not None:
        walk(view, found)
        _read_trailer(view, found)
    return Headers(
        kind=kind,
        width=found.width or None,
        height=found.height or None,
        exif=found.exif,
        tags=found.tags or read_exif(Tiff(View(found.exif or b""))),
        xmp=tuple(found.xmp),
        iim=found.iim,
        texts=tuple(found.texts),
        comments=tuple(found.comments),
        keys=tuple(found.keys),
        segments=tuple(found.segments),
        icc=found.icc,
        encoder=found.encoder,
        trailer=found.trailer,
        credentials=found.credentials,
        notes=tuple(dict.fromkeys(found.notes)),
    )


def _walker(head: bytes) -> tuple[str, _Walker | None]:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG", in_png.read
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG", in_jpeg.read
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP", in_webp.read
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF", in_tiff.read
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF", in_gif.read
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        if brand in (b"avif", b"avis"):
            return "AVIF", in_bmff.read
        if brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"):
            return "HEIC", in_bmff.read
        return "MP4", in_bmff.read
    return "", None


def _read_trailer(view: View, found: Collector) -> None:
    """Records that Samsung's programs append: data, then a directory between SEFH and SEFT.

    Each entry of the directory has two bytes of zero, a type, how far before the directory its
    record lies, and the record's length; a record has its type, the length of its name, the name
    and the data. Little-endian.

    Source: read off files of Galaxy telephones; ExifTool's Samsung.pm describes the same.
    """
    if view.read(view.size - 4, 4) != b"SEFT":
        return
    length = view.number(view.size - 8, 4, little=True)
    start = view.size - 8 - length
    if length < _TRAILER or view.read(start, 4) != b"SEFH":
        return
    for number in range(min(view.number(start + 8, 4, little=True), 64)):
        entry = start + _TRAILER + 12 * number
        back = view.number(entry + 4, 4, little=True)
        size = view.number(entry + 8, 4, little=True)
        if not 8 <= size <= back <= start:
            continue
        record = view.read(start - back, min(size, 1 << 16))
        named = int.from_bytes(record[4:8], "little")
        if named <= 64:
            name = record[8 : 8 + named].decode("latin-1")
            found.trailer[name] = record[8 + named :]
