"""Options that several commands share, and the groups that they travel in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from batch_eval.reports.registry import Kind, format_names

if TYPE_CHECKING:
    from batch_eval.dataset import LabelOptions
    from batch_eval.gates import Limits
    from batch_eval.imaging import PreprocessingOptions
    from batch_eval.models import ModelOptions

Places = Annotated[
    list[Path],
    typer.Argument(
        metavar="FOLDER…",
        help="A folder of images, or what holds a set: an archive (zip, tar), NumPy, IDX or Parquet files, a table of "
        "pixels, of encoded images or of paths; or several of these; or images.",
        show_default=False,
    ),
]
Model = Annotated[
    Path | None,
    typer.Option(
        "--model",
        "-m",
        help="A saved model: .keras, .h5, .hdf5, .onnx, .tflite or a SavedModel folder. "
        "Default: the model that ships with batch_eval.",
        show_default=False,
    ),
]
Network = Annotated[
    str | None,
    typer.Option(
        help="The network whose weights alone --model holds (.weights.h5): one that `batch-eval train` builds.",
        show_default=False,
    ),
]
Architecture = Annotated[
    Path | None,
    typer.Option(
        help="The JSON file with the layers whose weights alone --model holds, as model.to_json() writes it. "
        "Default: the one beside it of the same name.",
        show_default=False,
    ),
]
Saved = Annotated[
    Path,
    typer.Argument(help="A saved evaluation: evaluation.json, or the folder that holds it.", show_default=False),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        help="A label file: CSV, text, JSON or Excel; - is stdin. Default: what labels most images of the label files "
        "that are there, class folders and file names.",
        show_default=False,
    ),
]
PathColumn = Annotated[
    str | None, typer.Option(help="The label file's column with the file names.", show_default=False)
]
LabelColumn = Annotated[str | None, typer.Option(help="The label file's column with the labels.", show_default=False)]
LabelPattern = Annotated[
    str | None,
    typer.Option(
        help="Read labels from file names with this regular expression; its group `label` is the label.",
        show_default=False,
    ),
]
LabelOffset = Annotated[
    int | None,
    typer.Option(
        help="Add this to every label that is a number: -1 where they count from 1, as in Sample001 for 0.",
        show_default=False,
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        help="The label file's encoding, such as cp949. Default: Unicode, or the one in which its names exist.",
        show_default=False,
    ),
]
Split = Annotated[
    str | None,
    typer.Option(help="Take one part of the set, such as test. Default: all parts together.", show_default=False),
]
Preprocess = Annotated[
    str,
    typer.Option(
        "--preprocess",
        "-p",
        help="How images are made to look like MNIST: photo (robust), mnist (the plain recipe), simple (resize and "
        "invert) or none (only resize).",
    ),
]
Skip = Annotated[
    list[str] | None, typer.Option(help="Switch off this step of the preprocessing; repeatable.", show_default=False)
]
Adjust = Annotated[
    list[str] | None,
    typer.Option(
        help="Set a number of a step, such as stroke.thickest=3; repeatable. docs/preprocessing.md names them.",
        metavar="STEP.NAME=VALUE",
        show_default=False,
    ),
]
Classes = Annotated[
    str | None,
    typer.Option(
        help="The model's class names in the order of its outputs: separated by commas, a file with one name a line, "
        "or emnist-balanced, emnist-bymerge, emnist-byclass, emnist-letters or 0-9A-Z. Default: 0,1,…,9.",
        show_default=False,
    ),
]
Only = Annotated[
    str | None,
    typer.Option(
        help="Choose from these classes alone, such as 0-9 of a model that reads letters too.", show_default=False
    ),
]
InputRange = Annotated[
    str,
    typer.Option(
        help="The values the model expects: 0..1, 0..255, -1..1, mnist (0.1307,0.3081), imagenet, MEAN,DEVIATION "
        "(three of each for colours), normalize-1, normalize-2 or normalize-all (Keras' normalize), or auto: what the "
        "file states, else what a self-test on drawn digits finds."
    ),
]
Ink = Annotated[
    str, typer.Option(help="What the model expects: bright (ink on dark), dark (ink on bright), or auto: a self-test.")
]
Transposed = Annotated[
    bool | None,
    typer.Option(
        "--transposed/--upright",
        help="Whether the model expects rows for columns, as in EMNIST's files. Default: a self-test.",
        show_default=False,
    ),
]
TrustModel = Annotated[
    bool,
    typer.Option(
        "--trust-model", help="Open models that are programs: SavedModel folders and Lambda layers can run any code."
    ),
]
ModelMemory = Annotated[
    float, typer.Option(help="Gigabytes of memory that the model's weights and one image may take.", metavar="GB")
]
ModelTimeout = Annotated[
    float,
    typer.Option(
        help="Seconds that a model may take to open and for each batch of images, unless it was converted.",
        metavar="SECONDS",
    ),
]
Verify = Annotated[
    bool,
    typer.Option("--verify", help="Also run the model with TensorFlow, which is slow, and fail where the two differ."),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="The folder for the reports, or - for stdout, which takes exactly one format. Default: reports/FOLDER, "
        "or for a folder that is not below this one, reports/ with its name and a part of its path's hash.",
        show_default=False,
    ),
]
_PARTS = "Parts"
ShardOption = Annotated[
    str | None,
    typer.Option(
        "--shard",
        help="Evaluate this share of the set, counted from 1, and write parts for `batch-eval merge` to --out.",
        metavar="NUMBER/COUNT",
        show_default=False,
        rich_help_panel=_PARTS,
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Write parts to --out, and leave out those that an earlier run has finished there.",
        rich_help_panel=_PARTS,
    ),
]
LOCAL, RAY = "local", "ray"
EngineOption = Annotated[
    str,
    typer.Option(
        "--engine",
        help=f"What evaluates parts: {LOCAL}, this machine; {RAY}, the Ray cluster of RAY_ADDRESS, or a Ray on this "
        "machine. Ray writes parts to --out.",
        metavar=f"{LOCAL}|{RAY}",
        rich_help_panel=_PARTS,
    ),
]
ExportErrors = Annotated[
    Path | None,
    typer.Option(
        help="Copy the misread files, untouched, to this folder as LABEL/READ-AS/NAME, with a labels.csv. "
        "`run` reads it again.",
        show_default=False,
    ),
]
Format = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        "-f",
        help=f"A report to write: {', '.join(format_names(Kind.RUN))}; repeatable. Default: json, csv and html.",
        show_default=False,
    ),
]


def _document_format(kind: Kind, remark: str = "") -> Any:
    """Return the option --format of a command whose reports are documents, of no run."""
    return typer.Option(
        "--format",
        "-f",
        help=f"{', '.join(format_names(kind))}{remark}; repeatable with --out. Default: text; with --out also html, "
        "json, csv and markdown.",
        show_default=False,
    )


RankingFormat = Annotated[list[str] | None, _document_format(Kind.RANKING, " (csv only of a ranking)")]
StressFormat = Annotated[list[str] | None, _document_format(Kind.STRESS)]
DocumentOut = Annotated[
    Path, typer.Option("--out", "-o", help="The folder for the files, or - for stdout, which takes one format.")
]
SelfContained = Annotated[
    bool | None,
    typer.Option(
        "--self-contained/--no-self-contained",
        help="Write the HTML report as one file that holds its pictures, or with its files beside it. "
        "Default: one file up to 5 MB.",
        show_default=False,
    ),
]
GroupErrors = Annotated[
    bool,
    typer.Option(
        "--group-errors", help="Group errors of one confusion by how they look, with scikit-learn's clustering."
    ),
]
Slice = Annotated[
    list[str] | None,
    typer.Option(
        help="Show this slice, whatever its number of values; repeatable. Default: all with at most 20 values.",
        show_default=False,
    ),
]
Plots = Annotated[
    bool,
    typer.Option(
        "--plots",
        help="Also draw confusion matrix, reliability, coverage and first digits as PNG, SVG and PDF, for papers: "
        "--format plots beside the other formats.",
    ),
]
Explain = Annotated[
    bool,
    typer.Option(
        "--explain",
        help="Also say why images were misread: where the evidence lies, and the smallest change that makes each read "
        "right.",
    ),
]
ExplainAtMost = Annotated[
    int,
    typer.Option(
        min=1, help="How many misread images --explain takes, the most confident first. Each needs about 0.1 s."
    ),
]
Against = Annotated[
    Path | None,
    typer.Option(
        help="Training digits to show the nearest of, a NumPy file with x_train and y_train such as Keras' mnist.npz. "
        "Default: 1,000 digits of MNIST for the default model, none for others.",
        show_default=False,
    ),
]
CompareRecipes = Annotated[
    bool,
    typer.Option(
        "--compare-recipes/--no-compare-recipes",
        help="Whether to read a sample of 80 images under the recipes photo, mnist and simple, and show all three "
        "accuracies.",
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, help="Workers. Default: one a core.", show_default=False),
]
CsvBom = Annotated[
    bool,
    typer.Option("--csv-bom", help="Begin CSV files with a byte order mark, so that Excel reads them as UTF-8."),
]
Open = Annotated[bool, typer.Option("--open", help="Open the HTML report in the browser.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Write the reports and print nothing.")]

_GATES = "Gates (exit code 1 where one fails)"


def _limit(help: str, metavar: str = "SHARE") -> Any:  # noqa: A002 - the word that Typer uses
    return typer.Option(help=help, metavar=metavar, show_default=False, rich_help_panel=_GATES)


FailUnder = Annotated[str | None, _limit("Minimum accuracy, as 0.95 or 95%.")]
FailUnderLow = Annotated[str | None, _limit("Minimum lower bound of the accuracy's 95 % interval.")]
FailUnderClass = Annotated[
    list[str] | None,
    _limit(
        "Minimum accuracy of every class of the model and the labels (0.9) or of one (7=0.9); repeatable.",
        "[CLASS=]SHARE",
    ),
]
FailUnderSlice = Annotated[
    list[str] | None,
    _limit(
        "Minimum accuracy of one value of a slice (paper=ruled:0.9) or of each (paper:0.9); repeatable.",
        "NAME[=VALUE]:SHARE",
    ),
]
FailUnderStress = Annotated[
    list[str] | None,
    _limit(
        "Minimum accuracy at a level of a distortion (blur@4=90%); repeatable.",
        "DISTORTION@LEVEL=SHARE",
    ),
]
MaxUnreadable = Annotated[str | None, _limit("Maximum share of files that cannot be read.")]
MaxUnlabelled = Annotated[str | None, _limit("Maximum share of files without a label.")]
MaxOutOfRange = Annotated[
    str | None,
    _limit("Maximum share of files whose label is none of the model's classes; --max-unlabelled counts them too else."),
]
MaxEce = Annotated[str | None, _limit("Maximum expected calibration error.")]
Baseline = Annotated[
    Path | None,
    typer.Option(
        help="An earlier evaluation to compare with: its evaluation.json, or the folder that holds it.",
        show_default=False,
        rich_help_panel=_GATES,
    ),
]
MaxDrop = Annotated[str | None, _limit("Maximum loss of accuracy against --baseline, on the images of both.")]
FailIfWorse = Annotated[
    bool,
    typer.Option(
        "--fail-if-worse",
        help="Fail when the model is significantly worse than --baseline: McNemar's exact test, p < 0.05.",
        rich_help_panel=_GATES,
    ),
]

_SETS = "Conformal sets"
Alpha = Annotated[
    float | None,
    typer.Option(
        help="Give each image a set of classes that misses the truth for at most this share of images like those of "
        "--calibration.",
        metavar="SHARE",
        show_default=False,
        rich_help_panel=_SETS,
    ),
]
CalibrationFile = Annotated[
    Path | None,
    typer.Option(
        "--calibration",
        help="An evaluation of labelled images from other sources, by the same model and recipe: its evaluation.json, "
        "or the folder that holds it.",
        show_default=False,
        rich_help_panel=_SETS,
    ),
]


def class_names(classes: str | None) -> tuple[str, ...] | None:
    """Return the names given with ``--classes``.

    Raises ConfigError for a file that cannot be read.
    """
    if not classes:
        return None
    from batch_eval.models.class_names import parse_classes

    return parse_classes(classes)


@dataclass(frozen=True)
class ModelFlags:
    """How a model is opened, whichever it is."""

    network: Network = None
    architecture: Architecture = None
    classes: Classes = None
    only: Only = None
    input_range: InputRange = "auto"
    ink: Ink = "auto"
    transposed: Transposed = None
    trust_model: TrustModel = False
    model_memory: ModelMemory = 1.0
    model_timeout: ModelTimeout = 5.0

    def options(self, path: Path | None) -> ModelOptions:
        """Return the options for a model file; None is the default model."""
        from batch_eval.models import ModelOptions
        from batch_eval.models.class_names import parse_only

        return ModelOptions(
            path,
            network=self.network,
            architecture=self.architecture,
            class_names=class_names(self.classes),
            input_range=self.input_range,
            trust=self.trust_model,
            ink=self.ink,
            transposed=self.transposed,
            only=parse_only(self.only) if self.only else None,
            memory=self.model_memory,
            timeout=self.model_timeout,
        )


@dataclass(frozen=True)
class LabelFlags:
    """Where the labels are."""

    labels: Labels = None
    path_column: PathColumn = None
    label_column: LabelColumn = None
    label_pattern: LabelPattern = None
    label_offset: LabelOffset = None
    encoding: Encoding = None
    split: Split = None

    def options(self) -> LabelOptions:
        """Return the options of the dataset."""
        from batch_eval.dataset import LabelOptions

        return LabelOptions(
            *(self.labels, self.path_column, self.label_column, self.label_pattern),
            encoding=self.encoding,
            offset=self.label_offset,
            split=self.split,
        )


@dataclass(frozen=True)
class PreprocessingFlags:
    """How images are prepared."""

    preprocess: Preprocess = "photo"
    skip: Skip = None
    adjust: Adjust = None

    def options(self) -> PreprocessingOptions:
        """Return the options of the recipe; raises ConfigError for invalid numbers."""
        from batch_eval.imaging import PreprocessingOptions, parse_adjustments

        return PreprocessingOptions(self.preprocess, tuple(self.skip or ()), parse_adjustments(self.adjust or ()))


@dataclass(frozen=True)
class PartFlags:
    """Whether a set is evaluated in parts, and which of them."""

    shard: ShardOption = None
    resume: Resume = False
    engine: EngineOption = LOCAL

    @property
    def wanted(self) -> bool:
        """Whether parts are written rather than reports."""
        return self.resume or self.shard is not None or self.engine != LOCAL


@dataclass(frozen=True)
class ReportFlags:
    """Which reports are written, and what is printed."""

    format: Format = None
    self_contained: SelfContained = None
    group_errors: GroupErrors = False
    plots: Plots = False
    slice: Slice = None
    csv_bom: CsvBom = False
    open: Open = False
    quiet: Quiet = False


@dataclass(frozen=True)
class SetFlags:
    """Which conformal sets are made, and what they are calibrated on."""

    alpha: Alpha = None
    calibration: CalibrationFile = None

    def check(self) -> None:
        """Raise ConfigError where one of the two is given without the other."""
        from batch_eval.errors import ConfigError

        if (self.alpha is None) != (self.calibration is None):
            missing = "--calibration, an evaluation to calibrate on" if self.calibration is None else "--alpha, a share"
            raise ConfigError(f"conformal sets need --alpha and --calibration. Also give {missing}.")


@dataclass(frozen=True)
class GateFlags:
    """The limits of gates, and the earlier evaluation that some compare with."""

    fail_under: FailUnder = None
    fail_under_low: FailUnderLow = None
    fail_under_class: FailUnderClass = None
    fail_under_slice: FailUnderSlice = None
    max_unreadable: MaxUnreadable = None
    max_unlabelled: MaxUnlabelled = None
    max_out_of_range: MaxOutOfRange = None
    max_ece: MaxEce = None
    baseline: Baseline = None
    max_drop: MaxDrop = None
    fail_if_worse: FailIfWorse = False

    def limits(self) -> Limits:
        """Return the limits; raises ConfigError where one is invalid or lacks its baseline."""
        from batch_eval.gates import parse_limits

        limits = parse_limits(
            fail_under=self.fail_under,
            fail_under_low=self.fail_under_low,
            fail_under_class=self.fail_under_class,
            fail_under_slice=self.fail_under_slice,
            max_unreadable=self.max_unreadable,
            max_unlabelled=self.max_unlabelled,
            max_out_of_range=self.max_out_of_range,
            max_ece=self.max_ece,
            max_drop=self.max_drop,
            fail_if_worse=self.fail_if_worse,
        )
        limits.check_baseline(self.baseline is not None)
        return limits
