"""Draws pictures with lines of real text and of gibberish, whose place and kind are known.

Gibberish is made from fonts: halves of two letters, letters between two letters, letters on top of
one another, strong warps, and strokes at random. Real or not, lines are drawn sharply over a
picture or as parts of a scene. None of it comes from a generative model, so what is learned here is
tried on lettering that generative models drew: see evaluate.py.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy import ndimage

Random = np.random.Generator
Mask = np.ndarray

EM = 64
"""Size in pixels that letters are first drawn at."""

PSEUDO = ("halves", "between", "stacked", "warp", "strokes", "some")
"""Kinds of gibberish; `some` spoils a part of the letters only."""

SCRIPTS = {
    "cyrillic": (0x0410, 0x044F, "DejaVu|Liberation|FreeSans|FreeSerif|PT"),
    "arabic": (0x0627, 0x064A, "Amiri|Kacst|NotoSansArabic|NotoNaskh|NotoKufi|Nazli|Titr"),
    "hebrew": (0x05D0, 0x05EA, "NotoSansHebrew|NotoSerifHebrew"),
    "devanagari": (0x0905, 0x0939, "Lohit-Deva|NotoSansDevanagari|NotoSerifDevanagari"),
    "thai": (0x0E01, 0x0E2E, "NotoSansThai-|NotoSerifThai-|NotoSansThai|Loma|Norasi"),
    "korean": (0xAC00, 0xD7A3, "Nanum|baekmuk|dotum|batang|gulim"),
    "kana": (0x3041, 0x30F6, "ipag|ipam|VL-|sawarabi"),
    "tamil": (0x0B85, 0x0BB9, "NotoSansTamil-|NotoSerifTamil-"),
    "bengali": (0x0995, 0x09B9, "NotoSansBengali|NotoSerifBengali"),
    "georgian": (0x10D0, 0x10F0, "NotoSansGeorgian|NotoSerifGeorgian|DejaVu"),
    "armenian": (0x0561, 0x0586, "NotoSansArmenian|NotoSerifArmenian"),
    "ethiopic": (0x1200, 0x1240, "NotoSansEthiopic|NotoSerifEthiopic"),
    "khmer": (0x1780, 0x17A2, "NotoSansKhmer|NotoSerifKhmer"),
    "sinhala": (0x0D9A, 0x0DC6, "NotoSansSinhala|NotoSerifSinhala"),
}
"""First and last code point of each script's letters, and fonts that have them."""

UNSEEN = ("tamil", "bengali", "georgian", "armenian", "ethiopic", "khmer", "sinhala")
"""Scripts that nothing is trained on; of the others, each half has fonts of its own."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A line that was drawn: kind, text, and place (left, top, right, bottom)."""

    kind: str
    text: str
    place: tuple[int, int, int, int]


def half(name: str) -> str:
    """`tune` or `report`, by a hash, so that no font and no script is in both."""
    return ("tune", "report")[hashlib.sha256(name.encode()).digest()[0] & 1]


class Material:
    """Fonts, words and backgrounds of one half.

    Args:
        fonts: folder of fonts.
        words: English words, one a line.
        dictionary: Chinese words, `word count kind` a line.
        photographs: backgrounds.
        part: `tune` or `report`.
    """

    def __init__(
        self, fonts: Path, words: Path, dictionary: Path, photographs: Sequence[Path], part: str
    ) -> None:
        files = sorted(p for p in fonts.rglob("*") if p.suffix.lower() in {".ttf", ".otf", ".ttc"})
        self.part = part
        own = [p for p in files if half(p.stem.split("-")[0].lower()[:6]) == part]
        self.latin = [p for p in own if _draws(p, "aeghRSTW") and not p.stem.startswith("Noto")]
        self.chinese = [p for p in files if p.parent.name.startswith(("wqy", "arphic"))]
        self.others = {
            script: [p for p in files if any(k in p.stem for k in keys.split("|"))]
            for script, (_, _, keys) in SCRIPTS.items()
            if part == "report" or script not in UNSEEN
        }
        self.others = {
            script: [p for p in found if _draws(p, chr(SCRIPTS[script][0] + 2))]
            for script, found in self.others.items()
        }
        side = ("tune", "report").index(part)
        self.others = {
            script: found if script in UNSEEN else found[side::2]
            for script, found in self.others.items()
        }
        self.others = {script: found for script, found in self.others.items() if found}
        lines = words.read_text(encoding="utf-8").split()
        self.words = [w for w in lines if half(w) == part and "'" not in w and len(w) > 1]
        counted = [line.split(" ") for line in dictionary.read_text("utf-8").splitlines()]
        self.hanzi = [
            w for w, n, *_ in counted if int(n) > 300 and len(w) > 1 and "一" <= w[0] <= "龟"
        ]
        self.photographs = list(photographs)

    def phrase(self, random: Random) -> str:
        """Words as signs, labels and headings have them."""
        count = int(random.integers(1, 5))
        words = [self.words[int(random.integers(len(self.words)))] for _ in range(count)]
        text = " ".join(words)
        style = random.random()
        if style < 0.35:
            return text.upper()
        return text.title() if style < 0.6 else text.capitalize()

    def code(self, random: Random) -> str:
        """Names and codes: real, and surprising."""
        letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
        pick = lambda s, n: "".join(s[int(i)] for i in random.integers(0, len(s), n))  # noqa: E731
        return (
            f"{pick(letters, 3)}-{pick('0123456789', 4)}",
            f"{pick(letters, 2)} {pick('0123456789', 5)} {pick(letters, 1)}",
            f"{pick('123456789', 2)}.{pick('0123456789', 2)} EUR",
            f"www.{pick('abcdefghiklmnoprstuw', 7)}.com",
            f"{pick('0123456789', 2)}/{pick('0123456789', 2)}/20{pick('0123456789', 2)}",
            f"{pick(letters, 1)}{pick('aeiou', 1)}{pick('rstvzkl', 2)}{pick('aeiouy', 1)}"
            f"{pick('bdgkmnz', 1)} {pick(letters, 1)}. {pick(letters, 1)}{pick('aeio', 1)}"
            f"{pick('lmnrs', 2)}{pick('aeio', 1)}",
        )[int(random.integers(6))]

    def chinese_phrase(self, random: Random) -> str:
        """Two or three words."""
        return "".join(
            self.hanzi[int(random.integers(len(self.hanzi)))]
            for _ in range(int(random.integers(2, 4)))
        )

    def font(self, random: Random, chinese: bool = False) -> ImageFont.FreeTypeFont:
        """One of this half's fonts."""
        files = self.chinese if chinese else self.latin
        return ImageFont.truetype(files[int(random.integers(len(files)))], EM)

    def background(self, random: Random, size: tuple[int, int]) -> Image.Image:
        """Flat, a gradient, or a part of a photograph."""
        style = random.random()
        if style < 0.3:
            return Image.new("RGB", size, tuple(int(v) for v in random.integers(0, 256, 3)))
        if style < 0.45:
            ends = random.integers(0, 256, (2, 2, 3)).astype(np.uint8)
            return Image.fromarray(ends).resize(size, Image.Resampling.BICUBIC)
        path = self.photographs[int(random.integers(len(self.photographs)))]
        photograph = Image.open(path).convert("RGB")
        scale = max(size[0] / photograph.width, size[1] / photograph.height)
        photograph = photograph.resize(
            (-int(-photograph.width * scale // 1), -int(-photograph.height * scale // 1))
        ).crop((0, 0, *size))
        softness = random.choice([0, 0, 4, 10])
        return photograph.filter(ImageFilter.GaussianBlur(float(softness)))


def _draws(path: Path, text: str) -> bool:
    """Whether the font has these letters, each with a shape of its own."""
    try:
        font = ImageFont.truetype(path, 24)
        missing = font.getmask("\uffff").getbbox()
        seen = {bytes(font.getmask(c)) for c in text}
        return len(seen) == len(text) and all(
            font.getmask(c).getbbox() not in {None, missing} for c in text
        )
    except OSError:
        return False


def drawn(text: str, font: ImageFont.FreeTypeFont) -> Mask:
    """A line of text as it should be: its ink from 0 to 1."""
    left, top, right, bottom = font.getbbox(text)
    page = Image.new("L", (max(1, int(right - left)) + 8, max(1, int(bottom - top)) + 8))
    ImageDraw.Draw(page).text((4 - left, 4 - top), text, fill=255, font=font)
    return np.asarray(page, np.float32) / 255


def letter(character: str, font: ImageFont.FreeTypeFont) -> Mask:
    """One letter on its line, cut to its width."""
    ascent, descent = font.getmetrics()
    width = max(4, int(font.getlength(character)))
    page = Image.new("L", (width, ascent + descent))
    ImageDraw.Draw(page).text((0, 0), character, fill=255, font=font)
    return np.asarray(page, np.float32) / 255


def fitted(mask: Mask, width: int) -> Mask:
    """Stretched to a width."""
    image = Image.fromarray((mask * 255).astype(np.uint8))
    return np.asarray(image.resize((max(2, width), mask.shape[0])), np.float32) / 255


def halves(a: Mask, b: Mask, random: Random) -> Mask:
    """The left or upper part of one letter and the rest of another."""
    b = fitted(b, a.shape[1])
    out = a.copy()
    if random.random() < 0.5:
        cut = int(a.shape[1] * random.uniform(0.35, 0.65))
        out[:, cut:] = b[:, cut:]
    else:
        rows = np.nonzero(a.max(axis=1) > 0.1)[0]
        cut = int(rows.mean()) if len(rows) else a.shape[0] // 2
        out[cut:] = b[cut:]
    return out


def between(a: Mask, b: Mask, random: Random) -> Mask:
    """A letter half way from one to another, by distance to the ink."""
    b = fitted(b, a.shape[1])

    def distance(mask: Mask) -> Mask:
        ink = mask > 0.5
        return ndimage.distance_transform_edt(ink) - ndimage.distance_transform_edt(~ink)

    share = random.uniform(0.4, 0.6)
    return np.clip(share * distance(a) + (1 - share) * distance(b) + 1.2, 0, 1).astype(np.float32)


def stacked(a: Mask, b: Mask, random: Random) -> Mask:
    """Two letters on top of one another, moved a little."""
    b = np.roll(fitted(b, a.shape[1]), int(random.integers(-8, 9)), axis=1)
    return np.maximum(a, b)


def strokes(a: Mask, _: Mask, random: Random) -> Mask:
    """Bent strokes of about a letter's size."""
    height, width = a.shape
    rows = np.nonzero(a.max(axis=1) > 0.1)[0]
    top, bottom = (int(rows[0]), int(rows[-1])) if len(rows) else (10, height - 10)
    page = Image.new("L", (width, height))
    pen = ImageDraw.Draw(page)
    for _stroke in range(int(random.integers(2, 4))):
        x, y = random.uniform(2, width - 2, 3), random.uniform(top, max(top + 1, bottom), 3)
        t = np.linspace(0, 1, 12)[:, None]
        ends = np.stack([x, y], axis=1)
        path = (1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * ends[1] + t**2 * ends[2]
        pen.line([tuple(p) for p in path], fill=255, width=int(random.integers(4, 9)))
    return np.asarray(page, np.float32) / 255


MIX: dict[str, Callable[[Mask, Mask, Random], Mask]] = {
    "halves": halves,
    "between": between,
    "stacked": stacked,
    "strokes": strokes,
}


def warped(mask: Mask, random: Random, strength: float) -> Mask:
    """Pushed about by smooth noise as fine as letters."""
    push = [ndimage.gaussian_filter(random.standard_normal(mask.shape), EM / 6) for _ in range(2)]
    push = [p / (np.abs(p).max() + 1e-9) * strength * EM for p in push]
    rows, columns = np.indices(mask.shape, np.float32)
    return ndimage.map_coordinates(mask, [rows + push[0], columns + push[1]], order=1)


def gibberish(text: str, kind: str, font: ImageFont.FreeTypeFont, random: Random) -> Mask:
    """A line that looks like writing and is none."""
    if kind == "warp":
        return warped(drawn(text, font), random, random.uniform(0.32, 0.55))
    letters = [c for c in text if c != " "]
    parts = []
    for character in text:
        first = letter(character, font)
        if character != " " and (kind != "some" or random.random() < 0.6):
            other = letter(letters[int(random.integers(len(letters)))], font)
            if other.shape == first.shape and np.allclose(other, first):
                other = letter("gRkSeB"[int(random.integers(6))], font)
            how = kind if kind != "some" else list(MIX)[int(random.integers(len(MIX)))]
            first = MIX[how](first, other, random)
        parts.append(first)
    line = np.concatenate(parts, axis=1)
    rows = np.nonzero(line.max(axis=1) > 0.1)[0]
    if len(rows):
        line = line[max(0, rows[0] - 3) : rows[-1] + 4]
    return warped(line, random, 0.06) if random.random() < 0.5 else line


def mask_of(
    kind: str, material: Material, random: Random, few: int | None = None
) -> tuple[str, Mask]:
    """The text and the ink of a line of this kind, of so few letters only, or of any number."""
    chinese = kind.startswith("zh-")
    font = material.font(random, chinese)
    base = kind.removeprefix("zh-")
    if base in PSEUDO:
        text = material.chinese_phrase(random) if chinese else material.phrase(random)
        text = text[:few].strip()
        return "", gibberish(text, base, font, random)
    if base in SCRIPTS:
        first, last, _ = SCRIPTS[base]
        files = material.others[base]
        font = ImageFont.truetype(files[int(random.integers(len(files)))], EM)
        count = few or int(random.integers(5, 14))
        codes = random.integers(first, last + 1, count)
        gaps = random.random(count) < 0.15
        text = "".join(" " if gap else chr(int(c)) for c, gap in zip(codes, gaps, strict=True))
        return "", drawn(text.strip() or chr(first), font)
    text = {
        "words": material.phrase,
        "codes": material.code,
        "mild": material.phrase,
        "chinese": material.chinese_phrase,
        "mirrored": material.phrase,
        "random": material.phrase,
    }[base](random)[:few].strip()
    if base == "chinese":
        font = material.font(random, chinese=True)
    if base == "random":  # clean letters in no order: another fault, measured apart
        text = "".join(
            chr(int(random.integers(65, 91)) + 32 * c.islower()) if c != " " else c for c in text
        )
    mask = drawn(text, font)
    if base == "mild":
        mask = warped(mask, random, 0.05)
    return text, mask[:, ::-1] if base == "mirrored" else mask


def picture(
    kinds: Sequence[str], material: Material, random: Random, scene: bool = False
) -> tuple[Image.Image, list[Placed]]:
    """One picture with these lines on it, one below the other, then blurred and compressed.

    Args:
        kinds: of the lines, from the top.
        material: of one half.
        random: decides everything else.
        scene: whether the lines are drawn as parts of the picture: short, soft, faint, in
            perspective and worn, on plates of their own; and the picture is enlarged.
    """
    size = (int(random.integers(500, 1100)), int(random.integers(400, 900)))
    page = material.background(random, size)
    placed = []
    y = int(random.integers(8, 40))
    for kind in kinds:
        few = int(random.integers(2, 6)) if scene and random.random() < 0.5 else None
        text, mask = mask_of(kind, material, random, few)
        height = int(np.exp(random.uniform(np.log(16), np.log(72))))
        width = max(8, int(mask.shape[1] * height / mask.shape[0]))
        if width > size[0] - 20:
            height, width = max(8, int(height * (size[0] - 20) / width)), size[0] - 20
        if y + height > size[1] - 4:
            break
        ink = Image.fromarray((np.clip(mask, 0, 1) * 255).astype(np.uint8))
        ink = ink.resize((width, height), Image.Resampling.LANCZOS)
        plate = None
        if scene:
            plate, ink = in_perspective(ink, random)
        if random.random() < 0.3:
            slope = float(random.uniform(-7, 7))
            ink, plate = (
                part and part.rotate(slope, Image.Resampling.BICUBIC, expand=True)
                for part in (ink, plate)
            )
        x = int(random.integers(4, max(5, size[0] - ink.width - 4)))
        place = (x, y, x + ink.width, y + ink.height)
        if plate is not None:
            page.paste(tuple(int(v) for v in random.integers(0, 256, 3)), (x, y), plate)
        under = np.asarray(page.crop(place), np.float32)
        dark = under.mean() < 128
        ink_colour = random.integers(150, 256, 3) if dark else random.integers(0, 106, 3)
        if abs(float(ink_colour.mean()) - under.mean()) < 60:
            ink_colour = np.array([255, 255, 255]) if dark else np.array([0, 0, 0])
        if scene:
            ink = worn(ink, random)
        page.paste(tuple(int(v) for v in ink_colour), (x, y), ink)
        placed.append(Placed(kind, text, place))
        y += ink.height + int(random.integers(14, 60))
    return degraded(enlarged(page, random) if scene else page, random), placed


def in_perspective(ink: Image.Image, random: Random) -> tuple[Image.Image | None, Image.Image]:
    """The ink as if seen from the side, and in half of all cases the plate that it is on."""
    edge = int(ink.height * random.uniform(0.1, 0.6))
    size = (ink.width + 2 * edge, ink.height + 2 * edge)
    whole = Image.new("L", size)
    whole.paste(ink, (edge, edge))
    width, height = size
    push = random.uniform(0, 0.22, 8) * height
    corners = (
        -push[0], -push[1], -push[2], height + push[3],
        width + push[4], height + push[5], width + push[6], -push[7],
    )  # fmt: skip
    matrix = _homography(corners, size)

    def seen(image: Image.Image) -> Image.Image:
        return image.transform(size, Image.Transform.PERSPECTIVE, matrix, Image.Resampling.BICUBIC)

    plate = seen(Image.new("L", size, 255)) if random.random() < 0.5 else None
    return plate, seen(whole)


def _homography(corners: Sequence[float], size: tuple[int, int]) -> tuple[float, ...]:
    """What Pillow needs to show, in this size, the quadrilateral of these corners."""
    width, height = size
    rows, values = [], []
    for (x, y), (u, v) in zip(
        ((0, 0), (0, height), (width, height), (width, 0)),
        zip(corners[::2], corners[1::2], strict=True),
        strict=True,
    ):
        rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y), (0, 0, 0, x, y, 1, -v * x, -v * y)]
        values += [u, v]
    return tuple(float(v) for v in np.linalg.solve(np.array(rows, float), np.array(values, float)))


def worn(ink: Image.Image, random: Random) -> Image.Image:
    """The ink soft, faint, and thinner in places."""
    softness = ink.height * random.uniform(0, 0.035)
    soft = np.asarray(ink.filter(ImageFilter.GaussianBlur(float(softness))), np.float32)
    if random.random() < 0.6:
        grain = random.standard_normal(soft.shape)
        grain = ndimage.gaussian_filter(grain, ink.height * random.uniform(0.04, 0.3))
        soft = soft * np.clip(1 - random.uniform(0.1, 0.4) * grain / (grain.std() + 1e-9), 0, 1)
    return Image.fromarray((soft * random.uniform(0.35, 1)).astype(np.uint8))


def enlarged(page: Image.Image, random: Random) -> Image.Image:
    """The picture as if it had been smaller before."""
    share = random.uniform(0.5, 1)
    small = (int(page.width * share), int(page.height * share))
    return page.resize(small, Image.Resampling.BICUBIC).resize(page.size, Image.Resampling.BICUBIC)


def degraded(page: Image.Image, random: Random) -> Image.Image:
    """A little blur, noise and JPEG."""
    page = page.filter(ImageFilter.GaussianBlur(float(random.choice([0, 0.4, 0.8, 1.2]))))
    noise = random.normal(0, random.choice([0, 2, 6]), (page.height, page.width, 1))
    pixels = np.clip(np.asarray(page, np.float32) + noise, 0, 255).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=int(random.integers(55, 96)))
    out.seek(0)
    return Image.open(out).convert("RGB")
