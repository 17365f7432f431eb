"""What a model file may ask Keras to make: layers that compute and do nothing else, and what these are made with.

A name that is not here is refused. Left out of Keras' own index are the layers that hold or run foreign code (Lambda,
TFSMLayer, JaxLayer, FlaxLayer, TorchModuleWrapper), those that read vocabularies from files (StringLookup, IntegerLookup,
TextVectorization), and those of sound and tables, which no model of digits has.
"""

import re
from typing import Any

_LAYERS = """
    Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
    AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AdditiveAttention AlphaDropout Attention AugMix
    AutoContrast Average AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D BatchNormalization
    Bidirectional CenterCrop Concatenate ContrastLimitedAdaptiveHistogramEqualization Conv1D Conv1DTranspose Conv2D
    Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D Convolution1DTranspose Convolution2D
    Convolution2DTranspose Convolution3D Convolution3DTranspose Cropping1D Cropping2D Cropping3D CutMix Dense DepthwiseConv1D
    DepthwiseConv2D Dot Dropout ELU EinsumDense Embedding Equalization Flatten GRU GRUCell GaussianDropout GaussianNoise
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D
    GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization
    GroupQueryAttention Identity InputLayer LSTM LSTMCell LayerNormalization LeakyReLU Masking MaxPool1D MaxPool2D MaxPool3D
    MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum MixUp MultiHeadAttention Multiply Normalization PReLU Permute
    Pipeline RMSNormalization RNN RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast
    RandomCrop RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert
    RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation
    RandomZoom ReLU RepeatVector Rescaling Reshape Resizing ReversibleEmbedding SeparableConv1D SeparableConv2D
    SeparableConvolution1D SeparableConvolution2D SimpleRNN SimpleRNNCell Softmax Solarization SpatialDropout1D SpatialDropout2D
    SpatialDropout3D SpectralNormalization StackedRNNCells Subtract TimeDistributed UnitNormalization UpSampling1D UpSampling2D
    UpSampling3D ZeroPadding1D ZeroPadding2D ZeroPadding3D
"""
_INITIALIZERS = """
    Constant GlorotNormal GlorotUniform HeNormal HeUniform Identity IdentityInitializer LecunNormal LecunUniform Ones Orthogonal
    OrthogonalInitializer RandomNormal RandomUniform TruncatedNormal VarianceScaling Zeros
"""
_POLICIES = "DTypePolicy DTypePolicyMap FloatDTypePolicy Int4DTypePolicy QuantizedDTypePolicy QuantizedFloat8DTypePolicy"
_QUANTIZERS = "AbsMaxQuantizer Float8QuantizationConfig Int4QuantizationConfig Int8QuantizationConfig"
_OPERATIONS = """
    Absolute Add AveragePool BatchNorm Cast Clip Concatenate Divide Elu Exp ExpandDims Gelu GetItem HardSigmoid HardSilu
    LeakyRelu Log LogSigmoid LogSoftmax Max MaxPool Maximum Mean Min Minimum Moveaxis Multiply Negative Power Relu Relu6 Reshape
    Selu Sigmoid Silu Softmax Softplus Softsign Sqrt Square Squeeze Stack Subtract Sum SwapAxes Tanh Transpose TrueDivide
"""
_ACTIVATIONS = """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear log_sigmoid
    log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus sparse_sigmoid sparsemax
    squareplus swish tanh tanh_shrink threshold
"""

#: By the module that Keras offers them in. A definition's own word for the module is not taken: see `definitions`.
CLASSES: dict[str, frozenset[str]] = {
    "keras": frozenset({"Functional", "Model", "Sequential"}),
    "keras.layers": frozenset(_LAYERS.split()),
    "keras.initializers": frozenset(_INITIALIZERS.split()),
    "keras.regularizers": frozenset({"L1", "L2", "L1L2", "OrthogonalRegularizer"}),
    "keras.constraints": frozenset({"MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"}),
    "keras.dtype_policies": frozenset(_POLICIES.split()),
    "keras.quantizers": frozenset(_QUANTIZERS.split()),
}

#: What a definition holds beside classes: tensors of the graph, and plain values that JSON has no word for.
VALUES = frozenset({"__keras_tensor__", "__tuple__", "__numpy__", "__tensor__", "__ellipsis__", "__slice__"})

#: Operations that a functional model may have between its layers, as ``x / 255``.
OPERATIONS = frozenset(_OPERATIONS.split())
#: Functions by name, with what tf.nn called them.
ACTIVATIONS = {name: name for name in _ACTIVATIONS.split()} | {
    "softmax_v2": "softmax",
    "log_softmax_v2": "log_softmax",
    "swish_v2": "swish",
}

MOST_DEPTH = 60  # of brackets within brackets in a definition

_OPERATIONS_MODULE = re.compile(r"keras\.src\.ops\.(core|math|nn|numpy)")
_KERAS = re.compile(r"(keras|tf_keras|tensorflow(\.python)?\.keras|tensorflow\.python\.framework\.dtypes|builtins)(\.|$)")

#: What classes were called before: Keras 1 and 2, and tf.keras.
OLD_NAMES = {
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
    "LSTMV1": "LSTM",
    "LSTMV2": "LSTM",
    "GRUV2": "GRU",
    "DenseV1": "Dense",
    "Policy": "DTypePolicy",
    "PolicyV1": "DTypePolicy",
    "ThresholdedReLU": "ReLU",
}


def is_operation(name: str, module: str) -> bool:
    """Whether a class of a definition is an operation, as Keras writes them down."""
    return bool(_OPERATIONS_MODULE.fullmatch(module)) and name in OPERATIONS


def _is_harmless(name: str, module: str) -> bool:
    """Whether a definition may ask for a class of this name; `module` is where it says that the class comes from."""
    if _OPERATIONS_MODULE.fullmatch(module):
        return is_operation(name, module)
    name = OLD_NAMES.get(name, name)
    return bool(_KERAS.match(module)) and (name in VALUES or any(name in names for names in CLASSES.values()))


def unknown(definition: Any, depth: int = 0) -> set[str]:
    """The classes of a definition, as JSON, that are not known to be harmless, by name.

    What the definition says of training is removed from it.

    Raises:
        ValueError: it is too deep, or the name of a class is no text.

    """
    if depth > MOST_DEPTH:
        raise ValueError(f"its definition must have at most {MOST_DEPTH} brackets within brackets, and has more")
    if isinstance(definition, list):
        return set().union(*(unknown(value, depth + 1) for value in definition))
    if not isinstance(definition, dict):
        return set()
    # How a model was trained is of no use to one that only reads, and names losses and optimizers of anybody's making.
    definition.pop("compile_config", None)
    found = set().union(*(unknown(value, depth + 1) for value in definition.values()))
    return found | _unknown_class(definition) if "class_name" in definition else found


def _unknown_class(entry: dict[str, Any]) -> set[str]:
    """The class that an entry of a definition asks for, if it is not known to be harmless."""
    name, module, registered = (entry.get(key) for key in ("class_name", "module", "registered_name"))
    if not isinstance(name, str) or not isinstance(module, str | None) or not isinstance(registered, str | None):
        raise ValueError(f"a class in its definition must be named by text, and is named {name!r:.50}")
    if name == "function" and entry.get("config") in ACTIVATIONS:  # tf.nn.softmax, as tf.keras wrote it
        return set()
    if registered and registered != name:
        return {registered}
    if _is_harmless(name, module or "keras"):
        return set()
    return {name if "keras" in (module or "keras") else f"{module}.{name}"}
