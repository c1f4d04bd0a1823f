"""The errors that people see, and what the exit codes mean.

BatchEvalError
├── DatasetError          the folder or its labels
│   ├── UnfitFileError    a file that holds no labels of these images
│   │   └── AnswersFileError
│   ├── MalformedFileError
│   └── StoreError        a bucket that refuses or does not answer
├── ConfigError           options and configuration files
├── ModelError            the model file
│   ├── ModelProcessError
│   └── UntrustedModelError
├── ReportError           an output that cannot be written
├── TrainingError         training data or settings
├── WorkerError           worker processes cannot be started
└── UnreadableImageError  one image file; a run records it and goes on
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the exit code of ``batch-eval`` tells a script."""

    OK = 0, "The command did what was asked, and every gate passed."
    GATE_FAILED = 1, "The evaluation is complete, and at least one gate failed."
    USER_ERROR = 2, "You must change something: the usage, the configuration, the model or the data."
    BUG = 70, "An unexpected error inside batch_eval; `--debug` shows the traceback."
    INTERRUPTED = 130, "Stopped with Ctrl-C; no half-written file was left."
    TERMINATED = 143, "Stopped by SIGTERM or SIGHUP; no half-written file was left."

    meaning: str

    def __new__(cls, value: int, meaning: str) -> "ExitCode":
        """Attach the meaning to the number."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member


class BatchEvalError(Exception):
    """Something that the user can fix. The message says what is wrong, where, what was expected and what to do."""


class DatasetError(BatchEvalError):
    """The folder or its labels cannot be used as they are."""


class UnfitFileError(DatasetError):
    """A file names none of the images and holds no labels for them; it may be about something else."""


class AnswersFileError(UnfitFileError):
    """A file holds what a model answered, no labels."""


class MalformedFileError(DatasetError):
    """A label file is damaged, or no table at all."""


class StoreError(DatasetError):
    """A bucket or server refuses, or does not answer. It stops a run, whichever image was to be read."""


class ConfigError(BatchEvalError):
    """An option or a configuration value is invalid."""


class ModelError(BatchEvalError):
    """The model file cannot be opened or does not fit."""


class UntrustedModelError(ModelError):
    """The model file holds a program, and ``--trust-model`` was not given."""


class ModelProcessError(ModelError):
    """The process that runs the model died, or took too much memory or time."""


class ReportError(BatchEvalError):
    """An output file cannot be written."""


class TrainingError(BatchEvalError):
    """The training data or the training settings cannot be used."""


class WorkerError(BatchEvalError):
    """Worker processes cannot be started."""


class UnreadableImageError(BatchEvalError):
    """One image file cannot be decoded or is damaged. The message is the reason in the reports."""
