"""Type and bounds of every configuration key. No values: those stand in ``conf/``.

A class per configuration group, a field per key. A field's type and bounds decide what is accepted, and are what an error
message says is allowed. Checking is strict: ``"3"`` is not a number and ``1.0`` is not a whole one.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from pipeline.system.masking import holds_password, masked

Rate = Annotated[float, Field(ge=0, lt=1)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Factor = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(min_length=1)]
Activation = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "selu", "tanh", "sigmoid", "linear"]


class Section(BaseModel):
    """Base of all groups: unknown keys are errors, values are taken as they are, and nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Drawings(Section):
    """The collection of drawings that were corrected in the window."""

    folder: Name
    train: bool
    repeat: Count
    held_out_by: Literal["writer", "date"]
    held_out_fraction: Fraction


class Dataset(Section):
    """What every dataset has."""

    name: Name
    class_names: Annotated[list[str], Field(min_length=10, max_length=10)]
    validation_fraction: Fraction
    split_seed: Seed
    training_limit: Annotated[int, Field(ge=10)] | None
    drawings: Drawings | None


class SourceFile(Section):
    """A file as distributed."""

    name: Annotated[str, Field(pattern=r"^[^/\\]+$")]
    sha256: Sha256


class IdxFiles(Section):
    """The four files of a set in MNIST's format."""

    train_pictures: SourceFile
    train_labels: SourceFile
    test_pictures: SourceFile
    test_labels: SourceFile


class IdxDataset(Dataset):
    """Four gzipped files in the IDX format, found in a folder or downloaded."""

    kind: Literal["idx"]
    folders: Annotated[list[Name], Field(min_length=1)]
    mirrors: list[Annotated[str, Field(pattern=r"^https?://.*/$")]]
    files: IdxFiles
    archive: SourceFile | None


class DigitsDataset(Dataset):
    """The UCI digits that scikit-learn ships."""

    kind: Literal["digits"]
    test_fraction: Fraction


class FolderDataset(Dataset):
    """Picture files sorted into folders ``0`` to ``9``."""

    kind: Literal["folder"]
    folder: Name
    test_fraction: Fraction


class Block(Section):
    """Convolution, batch normalisation, activation, pooling, dropout, in this order."""

    filters: Count
    kernel: Annotated[int, Field(ge=1, le=28)]
    stride: Annotated[int, Field(ge=1, le=28)]
    pool: Annotated[int, Field(ge=1, le=28)]
    pooling: Literal["max", "average"]
    batch_normalization: bool
    activation: Activation
    dropout: Rate


class DenseLayer(Section):
    """Dense layer; ``model.dropout`` follows it."""

    units: Count
    activation: Activation


class Model(Section):
    """Layers between the 28 x 28 input and the ten outputs."""

    name: Literal["cnn", "mlp"]
    standardize: bool
    blocks: list[Block]
    padding: Literal["same", "valid"]
    dense: list[DenseLayer]
    dropout: Rate

    @model_validator(mode="after")
    def _fits_the_picture(self) -> "Model":
        side = 28
        for number, block in enumerate(self.blocks):
            for key, size in (("kernel", block.kernel), ("pool", block.pool)):
                if size > side and not (key == "kernel" and self.padding == "same"):
                    raise ValueError(
                        f"the {key} of block {number} must fit its input of {side} x {side}, and is {size}: "
                        "make it smaller, or the strides and pools before it"
                    )
                step = block.stride if key == "kernel" else block.pool
                side = -(-side // step) if key == "kernel" and self.padding == "same" else (side - size) // step + 1
        return self


class Optimizer(Section):
    """What every optimizer has."""

    learning_rate: Positive
    weight_decay: NotNegative | None
    gradient_clip_norm: Positive | None
    ema_momentum: Fraction | None


class Adadelta(Optimizer):
    """Zeiler, 2012."""

    name: Literal["adadelta"]
    rho: Rate
    epsilon: Positive


class Adam(Optimizer):
    """Kingma and Ba, 2014; with decoupled weight decay, Loshchilov and Hutter, 2017."""

    name: Literal["adam", "adamw"]
    beta_1: Rate
    beta_2: Rate
    epsilon: Positive


class Sgd(Optimizer):
    """Stochastic gradient descent with momentum."""

    name: Literal["sgd"]
    momentum: Rate
    nesterov: bool


class Muon(Optimizer):
    """Jordan, 2024."""

    name: Literal["muon"]
    momentum: Rate
    adam_learning_rate_ratio: Positive


class ConstantSchedule(Section):
    """The learning rate as it is."""

    name: Literal["constant"]


class CosineSchedule(Section):
    """Linear warm-up, then half a cosine."""

    name: Literal["cosine"]
    warmup_fraction: Rate
    final_factor: Factor


class OneCycleSchedule(Section):
    """Half a cosine up, half a cosine down."""

    name: Literal["one_cycle"]
    warmup_fraction: Fraction
    initial_factor: Factor
    final_factor: Factor


class Augment(Section):
    """Largest random changes to a training picture, and what is put among the pictures; 0 leaves a change out."""

    name: Name
    shift_pixels: Annotated[float, Field(ge=0, le=14)]
    rotate_degrees: Annotated[float, Field(ge=0, le=180)]
    zoom: Rate
    shear: Factor
    elastic_pixels: Annotated[float, Field(ge=0, le=14)]
    elastic_grid: Annotated[int, Field(ge=2, le=28)]
    thickness: Factor
    slashed_zeros: Factor
    negatives: Factor


class Training(Section):
    """How long, on what, and how exactly."""

    epochs: Count
    batch_size: Count
    early_stopping_patience: Count | None
    label_smoothing: Rate
    seed: Seed
    deterministic: bool
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"]
    xla: bool


class Evaluation(Section):
    """How the test set is read and summed up."""

    batch_size: Count
    confidence: Fraction
    calibration_bins: Annotated[int, Field(ge=2)]
    worst_mistakes: Count
    rejected_digits: Fraction
    doubted_digits: Fraction
    negatives: Count


class Export(Section):
    """What is written."""

    formats: Annotated[list[Literal["h5", "keras", "tflite"]], Field(min_length=1)]
    tolerance: Positive
    sure_from: Factor

    @model_validator(mode="after")
    def _has_h5(self) -> "Export":
        if "h5" not in self.formats:
            raise ValueError("formats must contain h5, which the window opens: add it to the list")
        return self


class Tracking(Section):
    """Where MLflow's runs go."""

    uri: Name | None
    experiment: Name

    @field_validator("uri")
    @classmethod
    def _holds_no_password(cls, uri: str | None) -> str | None:
        if uri and holds_password(uri):
            raise ValueError(
                f"must hold no password, for git, DVC and MLflow keep the configuration, and is {masked(uri)}. Set "
                "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD in the environment, or the whole address as "
                "MLFLOW_TRACKING_URI"
            )
        return uri


class Sampler(Section):
    """How a sweep chooses the values of the next trial."""

    name: Literal["tpe", "random", "grid", "cmaes"]
    seed: Seed
    startup_trials: Count


class Pruner(Section):
    """When a sweep ends a trial early."""

    name: Literal["none", "median", "hyperband"]
    startup_trials: Count
    warmup_epochs: Annotated[int, Field(ge=0)]
    min_epochs: Count
    reduction_factor: Annotated[int, Field(ge=2)]


class Sweep(Section):
    """What a sweep tries, how, where, and when it ends. Not a part of ``params.yaml``: see `pipeline.sweep`."""

    name: Annotated[str, Field(pattern=r"^\w[\w-]*$")]
    space: Annotated[dict[str, str | int | float | bool], Field(min_length=1)]
    trials: Count | None
    workers: Count
    scheduler: Annotated[str, Field(pattern=r"^\w+://.+$")] | None
    storage: Annotated[str, Field(pattern=r"^\w[\w+]*://.+$")]
    objective: Literal["validation_accuracy", "validation_loss"]
    failures: Annotated[int, Field(ge=0)]
    heartbeat_seconds: Count
    grace_period_seconds: Count
    sampler: Sampler
    pruner: Pruner

    @field_validator("grace_period_seconds")
    @classmethod
    def _holds_heartbeats(cls, seconds: int, known: ValidationInfo) -> int:
        if seconds <= known.data.get("heartbeat_seconds", 0):
            raise ValueError(
                f"must be more than sweep.heartbeat_seconds, which is {known.data['heartbeat_seconds']}, or trials that are "
                f"running are taken for dead; is {seconds}"
            )
        return seconds


AnyDataset = Annotated[IdxDataset | DigitsDataset | FolderDataset, Field(discriminator="kind")]
AnyOptimizer = Annotated[Adadelta | Adam | Sgd | Muon, Field(discriminator="name")]
AnySchedule = Annotated[ConstantSchedule | CosineSchedule | OneCycleSchedule, Field(discriminator="name")]


class Configuration(Section):
    """Everything in ``params.yaml``."""

    name: Name
    composed_from: str
    dataset: AnyDataset
    model: Model
    optimizer: AnyOptimizer
    schedule: AnySchedule
    augment: Augment
    training: Training
    evaluation: Evaluation
    export: Export
    tracking: Tracking


class SweepConfiguration(Configuration):
    """What ``python -m pipeline.sweep`` composes."""

    sweep: Sweep
