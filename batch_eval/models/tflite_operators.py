"""The operators of TensorFlow Lite that a classifier of images may use.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs has their numbers,
and that of the options that each takes. Missing here, and so refused, are operators that call other programs (CUSTOM,
DELEGATE), keep state or tables (variables, CALL_ONCE, HASHTABLE), or run other graphs (IF, WHILE).
"""

from __future__ import annotations

from dataclasses import dataclass

MANY = 1024
"""Inputs or outputs, where an operator takes any number."""


@dataclass(frozen=True)
class Operator:
    """What an operator must be given. The interpreter takes that for granted."""

    name: str
    inputs: int
    """Number of inputs that must be there."""
    most: int = 0
    """Largest number of inputs; 0 means that it is ``inputs``."""
    outputs: int = 1
    """Largest number of outputs."""
    options: int = 0
    """Number of its kind of options in the schema; 0 if it has none."""
    ranks: tuple[int | None, ...] = ()
    """Axes that each input must have; None for any."""
    positive: tuple[tuple[int, int], ...] = ()
    """Options that must be above 0, as (number of the field, default): steps and sizes of windows."""


_STEPS = ((1, 0), (2, 0))
_ARITHMETIC = {0: ("ADD", 11), 18: ("MUL", 21), 41: ("SUB", 28), 42: ("DIV", 29), 78: ("POW", 56)}
_COMPARISONS = {
    55: ("MAXIMUM", 39),
    57: ("MINIMUM", 39),
    58: ("LESS", 41),
    61: ("GREATER", 44),
    62: ("GREATER_EQUAL", 45),
    63: ("LESS_EQUAL", 46),
    71: ("EQUAL", 53),
    72: ("NOT_EQUAL", 54),
    84: ("LOGICAL_OR", 60),
    86: ("LOGICAL_AND", 62),
    90: ("FLOOR_DIV", 65),
    95: ("FLOOR_MOD", 72),
    99: ("SQUARED_DIFFERENCE", 76),
}
_REDUCTIONS = {
    40: "MEAN",
    74: "SUM",
    81: "REDUCE_PROD",
    82: "REDUCE_MAX",
    89: "REDUCE_MIN",
    91: "REDUCE_ANY",
    140: "REDUCE_ALL",
}
_OF_ONE = {
    6: ("DEQUANTIZE", 38),
    8: ("FLOOR", 0),
    11: ("L2_NORMALIZATION", 12),
    14: ("LOGISTIC", 0),
    19: ("RELU", 0),
    20: ("RELU_N1_TO_1", 0),
    21: ("RELU6", 0),
    25: ("SOFTMAX", 9),
    28: ("TANH", 0),
    43: ("SQUEEZE", 30),
    47: ("EXP", 33),
    50: ("LOG_SOFTMAX", 36),
    53: ("CAST", 37),
    59: ("NEG", 42),
    66: ("SIN", 0),
    73: ("LOG", 0),
    75: ("SQRT", 0),
    76: ("RSQRT", 0),
    77: ("SHAPE", 55),
    87: ("LOGICAL_NOT", 63),
    92: ("SQUARE", 66),
    93: ("ZEROS_LIKE", 67),
    98: ("LEAKY_RELU", 75),
    101: ("ABS", 78),
    104: ("CEIL", 0),
    108: ("COS", 84),
    111: ("ELU", 0),
    114: ("QUANTIZE", 89),
    116: ("ROUND", 0),
    117: ("HARD_SWISH", 91),
    150: ("GELU", 116),
    152: ("RELU_0_TO_1", 0),
    158: ("SIGN", 123),
}

OPERATORS: dict[int, Operator] = {
    **{code: Operator(name, 2, options=options) for code, (name, options) in (_ARITHMETIC | _COMPARISONS).items()},
    **{code: Operator(name, 1, options=options) for code, (name, options) in _OF_ONE.items()},
    **{code: Operator(name, 2, options=27) for code, name in _REDUCTIONS.items()},
    1: Operator("AVERAGE_POOL_2D", 1, options=5, ranks=(4,), positive=(*_STEPS, (3, 0), (4, 0))),
    2: Operator("CONCATENATION", 1, MANY, options=10),
    3: Operator("CONV_2D", 2, 3, options=1, ranks=(4, 4, 1), positive=(*_STEPS, (4, 1), (5, 1))),
    4: Operator("DEPTHWISE_CONV_2D", 2, 3, options=2, ranks=(4, 4, 1), positive=(*_STEPS, (5, 1), (6, 1))),
    5: Operator("DEPTH_TO_SPACE", 1, options=94, ranks=(4,), positive=((0, 0),)),
    9: Operator("FULLY_CONNECTED", 2, 3, options=8, ranks=(None, 2, 1)),
    17: Operator("MAX_POOL_2D", 1, options=5, ranks=(4,), positive=(*_STEPS, (3, 0), (4, 0))),
    22: Operator("RESHAPE", 1, 2, options=17, ranks=(None, 1)),
    23: Operator("RESIZE_BILINEAR", 2, options=15, ranks=(4, 1)),
    26: Operator("SPACE_TO_DEPTH", 1, options=19, ranks=(4,), positive=((0, 0),)),
    34: Operator("PAD", 2, options=22, ranks=(None, 2)),
    36: Operator("GATHER", 2, options=23),
    37: Operator("BATCH_TO_SPACE_ND", 3, options=24, ranks=(None, 1, 2)),
    38: Operator("SPACE_TO_BATCH_ND", 3, options=25, ranks=(None, 1, 2)),
    39: Operator("TRANSPOSE", 2, options=26, ranks=(None, 1)),
    45: Operator("STRIDED_SLICE", 4, options=32, ranks=(None, 1, 1, 1)),
    49: Operator("SPLIT", 2, outputs=MANY, options=35),
    54: Operator("PRELU", 2),
    56: Operator("ARG_MAX", 2, options=40),
    60: Operator("PADV2", 3, options=43, ranks=(None, 2, None)),
    64: Operator("SELECT", 3, options=47),
    65: Operator("SLICE", 3, options=48, ranks=(None, 1, 1)),
    67: Operator("TRANSPOSE_CONV", 3, 4, options=49, ranks=(1, 4, 4, 1), positive=_STEPS),
    69: Operator("TILE", 2, options=51, ranks=(None, 1)),
    70: Operator("EXPAND_DIMS", 2, options=52),
    79: Operator("ARG_MIN", 2, options=57),
    83: Operator("PACK", 1, MANY, options=59),
    88: Operator("UNPACK", 1, outputs=MANY, options=64),
    94: Operator("FILL", 2, options=68, ranks=(1, 0)),
    96: Operator("RANGE", 3, options=73, ranks=(0, 0, 0)),
    97: Operator("RESIZE_NEAREST_NEIGHBOR", 2, options=74, ranks=(4, 1)),
    100: Operator("MIRROR_PAD", 2, options=77, ranks=(None, 2)),
    102: Operator("SPLIT_V", 3, outputs=MANY, options=79, ranks=(None, 1, 0)),
    105: Operator("REVERSE_V2", 2, options=81, ranks=(None, 1)),
    107: Operator("GATHER_ND", 2, options=83),
    122: Operator("SCATTER_ND", 3, options=97, ranks=(None, None, 1)),
    123: Operator("SELECT_V2", 3, options=98),
    126: Operator("BATCH_MATMUL", 2, options=101),
    128: Operator("CUMSUM", 2, options=102),
    130: Operator("BROADCAST_TO", 2, options=104, ranks=(None, 1)),
}
"""The operators by their number."""
