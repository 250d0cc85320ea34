"""The fields that every reader lets stand in `c2pa.metadata`.

C2PA 2.2, section 18.18, allows only listed fields there; c2pa-rs held to that until 0.90, dropped
it in 0.91, and browsers still ship older ones, which call a file with any other field invalid.
These were found by signing each candidate (XMP, Exif, IPTC, PLUS names) and reading it with
c2pa-python 0.35.2 (c2pa-rs 0.88.0): no `assertion.metadata.disallowed`. Anything else may go into
`cawg.metadata`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

_FIELDS: Mapping[str, str] = {
    "Iptc4xmpExt": """
        DigImageGUID DigitalSourceType EventId Genre ImageRating ImageRegion
        LocationCreated LocationShown MaxAvailHeight MaxAvailWidth RegistryId
    """,
    "crs": """
        AutoBrightness AutoShadows BlueHue BlueSaturation Brightness CameraProfile
        ChromaticAberrationB ChromaticAberrationR ColorNoiseReduction Contrast
        CropAngle CropBottom CropHeight CropLeft CropRight CropTop CropUnits CropWidth
        Exposure GreenHue GreenSaturation HasCrop HasSettings LuminanceSmoothing
        RawFileName RedHue RedSaturation Saturation ShadowTint Shadows Sharpness
        Temperature ToneCurve ToneCurveName Version VignetteAmount VignetteMidpoint
    """,
    "dc": """
        coverage date format identifier language relation type
    """,
    "exif": """
        ApertureValue BrightnessValue CFAPattern ColorSpace CompressedBitsPerPixel
        Contrast CustomRendered DateTimeDigitized DateTimeOriginal
        DeviceSettingDescription DigitalZoomRatio ExifVersion ExposureBiasValue
        ExposureIndex ExposureMode ExposureProgram ExposureTime FNumber FileSource
        Flash FlashEnergy FlashpixVersion FocalLength FocalLengthIn35mmFilm
        FocalPlaneResolutionUnit FocalPlaneXResolution FocalPlaneYResolution
        GPSAltitude GPSAltitudeRef GPSDOP GPSDateStamp GPSDestBearing
        GPSDestBearingRef GPSDestDistance GPSDestDistanceRef GPSDestLatitude
        GPSDestLongitude GPSDifferential GPSHPositioningError GPSImgDirection
        GPSImgDirectionRef GPSLatitude GPSLongitude GPSMapDatum GPSMeasureMode
        GPSProcessingMethod GPSSatellites GPSSpeed GPSSpeedRef GPSStatus GPSTimeStamp
        GPSTrack GPSTrackRef GPSVersionID GainControl ISOSpeedRatings ImageUniqueID
        LightSource MaxApertureValue MeteringMode OECF OffsetTimeOriginal
        PixelXDimension PixelYDimension RelatedSoundFile Saturation SceneCaptureType
        SceneType SensingMethod Sharpness ShutterSpeedValue SpatialFrequencyResponse
        SpectralSensitivity SubjectArea SubjectDistance SubjectDistanceRange
        SubjectLocation WhiteBalance
    """,
    "exifEX": """
        BodySerialNumber Gamma ISOSpeed ISOSpeedLatitudeyyy ISOSpeedLatitudezzz
        InteroperabilityIndex LensMake LensModel LensSerialNumber LensSpecification
        PhotographicSensitivity RecommendedExposureIndex SensitivityType
        StandardOutput-Sensitivity
    """,
    "pdf": """
        Keywords PDFVersion Producer Trapped
    """,
    "photoshop": """
        Category City ColorMode Country DateCreated DocumentAncestors History
        ICCProfile State TextLayers TransmissionReference Urgency
    """,
    "plus": """
        FileNameAsDelivered FirstPublicationDate ImageFileFormatAsDelivered
        ImageFileSizeAsDelivered ImageType Version
    """,
    "tiff": """
        BitsPerSample Compression DateTime ImageLength ImageWidth Make Model
        Orientation PhotometricInterpretation PlanarConfiguration
        PrimaryChromaticities ReferenceBlackWhite ResolutionUnit SamplesPerPixel
        Software TransferFunction WhitePoint XResolution YCbCrCoefficients
        YCbCrPositioning YCbCrSubSampling YResolution
    """,
    "xmp": """
        BaseURL CreateDate CreatorTool Identifier Label MetadataDate ModifyDate
        Nickname Rating Thumbnails
    """,
    "xmpDM": """
        Tracks absPeakAudioFilePath album altTapeName altTimecode audioChannelType
        audioCompressor audioSampleRate audioSampleType beatSpliceParams cameraAngle
        cameraLabel cameraModel comment contributedMedia duration fileDataRate genre
        good instrument introTime key logComment loop lyrics markers numberOfBeats
        outCue partOfCompilation projectName pullDown relativePeakAudioFilePath
        relativeTimestamp releaseDate resampleParams scaleType scene shotDate shotDay
        shotLocation shotName shotSize speakerPlacement startTimecode stretchMode
        tapeName tempo timeScaleParams timeSignature trackNumber videoAlphaMode
        videoAlphaUnityIsTransparent videoColorSpace videoCompressor videoFieldOrder
        videoFrameRate videoFrameSize videoPixelAspectRatio videoPixelDepth
    """,
    "xmpMM": """
        DerivedFrom DocumentID History Ingredients InstanceID ManageTo ManageUI
        ManagedFrom Manager ManagerVariant OriginalDocumentID Pantry RenditionClass
        RenditionParams VersionID
    """,
}

ALLOWED = frozenset(
    f"{prefix}:{name}" for prefix, names in _FIELDS.items() for name in names.split()
)


def disallowed(fields: Iterable[str]) -> Iterator[str]:
    """Those that some reader refuses."""
    return (field for field in fields if field not in ALLOWED)
