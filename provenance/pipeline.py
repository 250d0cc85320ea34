"""One call around any generator: moderate, watermark, sign, read back.

The order is a safety property, so it is code: the slots have names, and `Pipeline._finish` reads
as the diagram. A picture that could not be checked, marked, signed and read back is never returned.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias

import numpy as np

from provenance._checked import CheckedPrompts
from provenance._gate import Gate, Passed, Taken
from provenance._inputs import NOTHING, Given, History, Inputs, with_credentials
from provenance._readback import is_ours, require
from provenance._stopwatch import Stopwatch
from provenance.claims import iptc
from provenance.codec.decode import read_bytes
from provenance.codec.encode import encode, encoding_for
from provenance.codec.limits import Limits
from provenance.errors import (
    Blocked,
    ConfigError,
    HeldForReview,
    InputError,
    ModerationFailed,
    TooSmall,
    UnsupportedPicture,
)
from provenance.evidence import Report
from provenance.moderate.build import moderator
from provenance.moderate.interface import Decision, Finding
from provenance.moderate.moderator import Moderator
from provenance.moderate.review import FolderQueue, ReviewQueue, approved
from provenance.picture import Asset, EncodedPicture, Encoding, Picture
from provenance.sign.file import carried
from provenance.sign.interface import (
    ClaimSigner,
    Edit,
    Generation,
    Generator,
    Ingredient,
    Mark,
    SourceType,
    Statement,
)
from provenance.sign.mining import Permission, TrainingMining
from provenance.sign.sign import Signed, sign
from provenance.sign.timestamp import Timestamp
from provenance.verify.credentials import CredentialsCheck
from provenance.verify.mark import MarkCheck
from provenance.verify.media import media_type
from provenance.verify.verifier import Verifier
from provenance.watermark.interface import Payload, Watermarker

if TYPE_CHECKING:
    from provenance.config import Config
    from provenance.registry.interface import Record
    from provenance.registry.recorder import Recorder

P = ParamSpec("P")

Finished: TypeAlias = "tuple[Asset, Callable[[], Record]]"
"""The asset, and what makes its record."""


@dataclass(frozen=True, slots=True)
class Statements:
    """What the manifest and the file will say, the same for every picture of a pipeline.

    Attributes:
        generator: named as the software agent.
        source_type: IPTC digital source type.
        publish_prompt: write the prompt into the public manifest.
        keep_metadata: copy EXIF, XMP and text of the input.
        timestamp: the authority that says when a picture was signed, or None.
        mining: what others may do with the pictures, or None to say nothing.
    """

    generator: Generator
    source_type: SourceType = SourceType.GENERATED
    publish_prompt: bool = False
    keep_metadata: bool = False
    timestamp: Timestamp | None = None
    mining: TrainingMining | None = None


class Pipeline:
    """Makes generated pictures safe to publish. Thread-safe; works after `fork`.

    Args:
        moderator: judges prompts and pictures.
        watermarker: hides the payload.
        signer: holds the signing key.
        verifier: reads every result back; must trust `signer` and hold the watermark's key.
        anchors: PEM bundles against which the credentials of an input are judged.
        says: what manifests state.
        recorder: keeps what is issued and what is refused; None keeps nothing.
        queue: keeps pictures that a person has to look at; without one they are blocked.
        sign_too_small: sign pictures too small to mark, instead of refusing them.
        limits: on bytes and pixels of inputs.
    """

    def __init__(
        self,
        *,
        moderator: Moderator,
        watermarker: Watermarker,
        signer: ClaimSigner,
        verifier: Verifier,
        says: Statements,
        recorder: Recorder | None = None,
        queue: ReviewQueue | None = None,
        anchors: Sequence[str] = (),
        sign_too_small: bool = False,
        limits: Limits | None = None,
    ) -> None:
        self._moderator = moderator
        self._gate = Gate(moderator, queue)
        self._queue = queue
        self._watermarker = watermarker
        self._signer = signer
        self._verifier = verifier
        self._says = says
        self._recorder = recorder
        self._anchors = tuple(anchors)
        self._sign_too_small = sign_too_small
        self._limits = limits or Limits()

    @classmethod
    def from_config(cls, config: Config | str | Path | None = None) -> Pipeline:
        """The pipeline of a `provenance.toml`; without an argument, the one `init` wrote.

        Raises:
            ConfigError: the configuration is missing or wrong.
            KeyUnusable: a key or certificate cannot be used.
        """
        from provenance.config import Config

        settings = config if isinstance(config, Config) else Config.load(config)
        anchors, watermarker = settings.anchors(), settings.watermarker()
        return cls(
            moderator=moderator(settings.policy),
            watermarker=watermarker,
            signer=settings.signer(),
            verifier=Verifier(
                (CredentialsCheck(anchors), MarkCheck(watermarker)), limits=settings.limits
            ),
            says=Statements(
                settings.generator,
                settings.source_type,
                settings.publish_prompt,
                settings.keep_metadata,
                settings.timestamp(),
                TrainingMining.all(Permission.NOT_ALLOWED) if settings.no_training else None,
            ),
            recorder=settings.recorder(),
            queue=FolderQueue(settings.review),
            anchors=anchors,
            sign_too_small=settings.sign_too_small,
            limits=settings.limits,
        )

    def __call__(
        self, picture: Any, *, prompt: str | None = None, encoding: Encoding | str | None = None
    ) -> Asset:
        """Protect a picture that is there already.

        Args:
            picture: a `Picture`, a Pillow image, an array (H×W, H×W×3, H×W×4; uint8, or floats in
                [0, 1]), the bytes of a file, or its path. Credentials of a file are kept as its
                history.
            prompt: what it was generated from; moderated, and public only if so configured.
            encoding: how to write it, or a file name or suffix such as `.webp`; like the source by
                default, PNG for pixels without one.

        Returns:
            The finished asset, which has been read back and verified.

        Raises:
            Blocked: the policy refused the prompt or the picture.
            HeldForReview: a person has to look first.
            InputError: the picture cannot be used.
            ModerationFailed, SigningFailed, ReadbackFailed: a stage failed; nothing is returned.
        """
        prompts = () if prompt is None else (prompt,)
        return self.protect([picture], prompts=prompts, encoding=encoding)[0]

    def protect(
        self,
        pictures: Sequence[Any],
        *,
        prompts: Sequence[str] = (),
        inputs: Inputs = NOTHING,
        encoding: Encoding | str | None = None,
    ) -> list[Asset]:
        """Protect the pictures of one request: all of them, or none is returned.

        Args:
            pictures: each as for a call.
            prompts: what they were generated from.
            inputs: what the generator was given to see.
            encoding: how to write them.

        Raises:
            As for a call.
        """
        return self._run(lambda: list(pictures), prompts, inputs, encoding, repeatable=False)

    def make(
        self,
        generate: Callable[[], Sequence[Any]],
        *,
        prompts: Sequence[str] = (),
        inputs: Inputs = NOTHING,
        encoding: Encoding | str | None = None,
    ) -> list[Asset]:
        """Check the prompts, generate, and protect what comes: the whole of it, in this order.

        Args:
            generate: returns pictures, each as for a call. It is called again if the policy wants a
                picture regenerated: let it choose a seed of its own.
            prompts: what it generates from.
            inputs: what it is given to see.
            encoding: how to write the pictures.

        Raises:
            As for a call, and whatever `generate` raises.
        """
        return self._run(generate, prompts, inputs, encoding, repeatable=True)

    def check_prompts(self, prompts: Sequence[str]) -> CheckedPrompts:
        """Ask the policy about prompts alone, before a generator that is somewhere else runs.

        Returns:
            The prompts; given to `protect` or `make` as they are, they are not checked twice.

        Raises:
            Blocked: the policy refused one; that is recorded.
            ModerationFailed: a check could not run, which refuses as well.
        """
        with self._refusals_recorded():
            found = [finding for p in prompts for finding in self._moderator.check_prompt(p)]
        return CheckedPrompts(prompts, found, self._moderator)

    def issued(self, data: bytes) -> bool:
        """True if these bytes are a finished asset of this pipeline, unchanged since.

        Its signer must have signed them, and the mark under the key in use must be in the pixels.
        Such bytes may be passed on as they are; marking them again would only cost quality.
        """
        try:
            if carried(data, media_type(data)) is None:
                return False
            report = self._verifier.verify(data)
        except InputError:
            return False
        return is_ours(report, self._signer.certificates)

    def wrap(
        self, generate: Callable[P, Any], *, encoding: Encoding | str | None = None
    ) -> Callable[P, Any]:
        """Put the pipeline around a generator, and get assets instead of what it returns.

        `provenance.integrations.callables.protect` does the same and returns what the generator
        does, with protected pictures in it.

        Args:
            generate: any callable, as for `protect`: a function, a coroutine function, a generator.
            encoding: how to write the pictures.

        Returns:
            A function of the same kind with the same arguments that returns, or yields, an `Asset`
            for a single picture, and a list of them for anything that holds pictures.
        """
        from provenance.integrations.callables import assets_from

        return assets_from(self, generate, encoding=encoding)

    def _run(
        self,
        generate: Callable[[], Sequence[Any]],
        prompts: Sequence[str],
        inputs: Inputs,
        encoding: Encoding | str | None,
        *,
        repeatable: bool,
    ) -> list[Asset]:
        """Prompt, generator, then each picture: all are finished, or none is returned."""
        watch = Stopwatch()
        before = self._found_in(prompts, watch)
        given = inputs.read(self._limits)
        with watch("generate"):
            pictures = generate()
        shared = dict(watch.seconds)
        request_id = str(uuid.uuid4())
        asked = "\n".join(prompts) if prompts else None

        def finished_at(place: int) -> Finished:
            watch = Stopwatch(shared)
            with self._refusals_recorded():
                passed = self._gate.admit(
                    partial(self._taken, pictures[place]),
                    before,
                    asked,
                    partial(self._taken_again, generate, place) if repeatable else None,
                    watch,
                )
            return self._finish(passed, given, asked, encoding, watch, request_id)

        finished = [finished_at(place) for place in range(len(pictures))]
        # Only now, so that neither registry nor log names a picture that was never returned.
        if self._recorder is not None:
            for _, record in finished:
                self._recorder.issued(record())
        return [asset for asset, _ in finished]

    def _found_in(self, prompts: Sequence[str], watch: Stopwatch) -> tuple[Finding, ...]:
        """What the policy says of prompts that it lets pass; it is asked once."""
        if isinstance(prompts, CheckedPrompts) and prompts.moderator is self._moderator:
            return prompts.findings
        if not prompts:
            return ()
        with watch("moderate prompt"):
            return self.check_prompts(prompts).findings

    def _taken_again(self, generate: Callable[[], Sequence[Any]], place: int) -> Taken:
        """Another picture from the same call, in the place of one that the policy refused."""
        pictures = generate()
        if place >= len(pictures):
            raise UnsupportedPicture(
                f"the generator returned {len(pictures)} pictures when it was asked again; "
                f"expected at least {place + 1}"
            )
        return self._taken(pictures[place])

    def release(
        self, ticket: str, reviewer: str, *, encoding: Encoding | str | None = None
    ) -> Asset:
        """Finish a picture that waits for review, which a person has now approved.

        Args:
            ticket: of `HeldForReview`.
            reviewer: who approved it; kept in the asset's decision.
            encoding: how to write it, as for a call.

        Raises:
            ConfigError: nothing waits under this ticket, or there is no queue.
            SigningFailed, ReadbackFailed: a stage failed; the picture goes on waiting.
        """
        if self._queue is None:
            raise ConfigError("this pipeline has no review queue; give it one with queue=")
        held = self._queue.get(ticket)
        parent = Ingredient(*held.parent) if held.parent else None
        passed = Passed(held.picture, parent, approved(held, reviewer))
        request_id = str(uuid.uuid4())
        asset, record = self._finish(
            passed, Given(), held.prompt, encoding, Stopwatch(), request_id
        )
        if self._recorder is not None:
            self._recorder.issued(record())
        self._queue.remove(ticket)
        return asset

    def _finish(
        self,
        passed: Passed,
        given: Given,
        prompt: str | None,
        encoding: Encoding | str | None,
        watch: Stopwatch,
        request_id: str,
    ) -> Finished:
        """Mark, encode, sign and read back what moderation has let through."""
        decision = passed.decision
        history = given.for_picture(passed)
        source_type = SourceType.ALGORITHMIC if passed.replaced else self._says.source_type
        with watch("watermark"):
            marked, payload = self._marked(passed.picture)
        with watch("encode"):
            encoded = self._encoded(marked, encoding, source_type)
        with watch("sign"):
            signed = sign(
                encoded,
                self._statement(payload, passed.edits, history, source_type, prompt, request_id),
                self._signer,
                self._anchors,
                timestamp=self._says.timestamp,
            )
        with watch("read back"):
            report = self._verifier.verify(signed.data)
            require(report, signed, payload)
        notes = [*decision.notes, *marked.notes, *_unstamped(signed)]
        if history.credentials:
            notes.append(
                "the credentials of the input were kept as history: their texts and thumbnails, "
                "which were not moderated, are public"
            )
        if prompt is not None and not self._moderator.checks_prompts:
            notes.append("the prompt was not checked: no classifier of prompts is set up")
        asset = Asset(
            data=signed.data,
            manifest=signed.manifest,
            media_type=encoded.media_type,
            width=encoded.width,
            height=encoded.height,
            manifest_id=signed.manifest_id,
            watermark_id=payload.hex if payload else None,
            decision=decision,
            report=report,
            timings=dict(watch.seconds),
            notes=tuple(notes),
        )
        return asset, partial(self._record, marked, decision, signed, payload, report)

    @contextmanager
    def _refusals_recorded(self) -> Iterator[None]:
        """Log a refusal before it leaves the pipeline."""
        try:
            yield
        except (Blocked, HeldForReview, ModerationFailed) as error:
            if self._recorder is not None:
                self._recorder.refused(error)
            raise

    def _record(
        self,
        marked: Picture,
        decision: Decision,
        signed: Signed,
        payload: Payload | None,
        report: Report,
    ) -> Record:
        from provenance.registry.recorder import record_of

        reading = report.find("watermark")
        return record_of(
            data=signed.data,
            media_type=report.media_type,
            manifest=signed.manifest,
            manifest_id=signed.manifest_id,
            pixels=marked,
            decision=decision,
            certificates=self._signer.certificates,
            algorithm=self._watermarker.algorithm,
            payload=payload,
            reading=reading[0].details if reading else {},
        )

    def _taken(self, made: Any) -> Taken:
        """The pixels, and the file as parent if it carries credentials."""
        if isinstance(made, Picture):
            return made, None
        if isinstance(made, str | Path):
            made = read_bytes(made, self._limits)
        if isinstance(made, bytes | bytearray | memoryview):
            data = bytes(made)
            return Picture.open(data, limits=self._limits), with_credentials(data)
        if isinstance(made, np.ndarray):
            return Picture.from_array(made), None
        if type(made).__module__.startswith("PIL."):
            return Picture.from_pil(made), None
        raise UnsupportedPicture(
            f"the generator returned a {type(made).__name__}; expected a picture, an array, "
            "bytes, a path, or a list of these"
        )

    def _marked(self, picture: Picture) -> tuple[Picture, Payload | None]:
        payload = Payload.random()
        try:
            return self._watermarker.embed(picture, payload), payload
        except TooSmall:
            if not self._sign_too_small:
                raise
            note = "too small to mark reliably: signed without a watermark"
            return replace(picture, notes=(*picture.notes, note)), None

    def _encoded(
        self, marked: Picture, encoding: Encoding | str | None, source_type: SourceType
    ) -> EncodedPicture:
        if isinstance(encoding, str):
            encoding = encoding_for(encoding, marked.encoding)
        return encode(
            marked,
            encoding or marked.encoding,
            keep_metadata=self._says.keep_metadata,
            xmp=iptc.packet(source_type),
        )

    def _statement(
        self,
        payload: Payload | None,
        edits: tuple[Edit, ...],
        history: History,
        source_type: SourceType,
        prompt: str | None,
        request_id: str,
    ) -> Statement:
        return Statement(
            generator=self._says.generator,
            source_type=source_type,
            mark=Mark(self._watermarker.algorithm, payload) if payload else None,
            parent=history.parent,
            edits=history.edits + edits,
            references=history.references,
            prompt=prompt if self._says.publish_prompt else None,
            generation=Generation(request_id=request_id),
            mining=self._says.mining,
        )


def _unstamped(signed: Signed) -> tuple[str, ...]:
    """A note, if a time-stamp was wanted and could not be had."""
    failure = signed.stamp.failure if signed.stamp else ""
    return (f"signed without a time-stamp: {failure}",) if failure else ()
