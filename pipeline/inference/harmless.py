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


class Refused(Exception):
    """A model file holds or asks for something that keeps it from being opened."""


def is_operation(name: str, module: str) -> bool:
    """Whether a class of a definition is an operation, as Keras writes them down."""
    return bool(_OPERATIONS_MODULE.fullmatch(module)) and name in OPERATIONS


def must_be_harmless(entry: dict[str, Any]) -> None:
    """Make sure that an entry of a definition, which names a class and its configuration, asks for nothing but computing.

    Raises:
        Refused: the class is not in the lists above, or not Keras' own.
        ValueError: its name is no text.
    """
    name, module, registered = (entry.get(key) for key in ("class_name", "module", "registered_name"))
    if not isinstance(name, str) or not isinstance(module, str | None) or not isinstance(registered, str | None):
        raise ValueError(f"a class in its definition must be named by text, and is named {name!r:.50}")
    if name == "function" and entry.get("config") in ACTIVATIONS:  # tf.nn.softmax, as tf.keras wrote it
        return
    module = module or "keras"
    is_class = OLD_NAMES.get(name, name) in VALUES.union(*CLASSES.values())
    is_known = is_operation(name, module) if _OPERATIONS_MODULE.fullmatch(module) else _KERAS.match(module) and is_class
    if registered not in (None, name) or not is_known:
        told = registered or (name if "keras" in module else f"{module}.{name}")
        raise Refused(f"holds what is not known to be harmless: {told}")
