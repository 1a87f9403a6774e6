"""Where the functions and methods are that are loaded when they are first used, by modules of microbp.

Written by tests/test_methods.py; do not edit.
"""

__all__ = ["FUNCTIONS", "METHODS"]

FUNCTIONS = {
    "display": "get_printoptions set_printoptions",
    "functions.arithmetic": (
        "add addcdiv addcmul clamp clamp_max clamp_min clip div divide floor_divide lerp pow sub subtract true_divide "
        "where"
    ),
    "functions.choice": "bernoulli multinomial",
    "functions.comparison": "allclose equal is_nonzero is_same_size isclose isneginf isposinf isreal",
    "functions.contraction": "cdist cross einsum kron tensordot",
    "functions.conversion": "clone is_floating_point is_tensor",
    "functions.covariance": "corrcoef cov",
    "functions.diagonal": "diag diag_embed diagflat diagonal trace tril tril_indices triu triu_indices",
    "functions.distance": "dist renorm",
    "functions.elementwise": "float_power logit nan_to_num positive xlogy",
    "functions.embedded": "diagonal_scatter select_scatter slice_scatter",
    "functions.extremes": "amax amin aminmax argmax argmin max min topk",
    "functions.gathering": "gather index_select take take_along_dim",
    "functions.generator": "Generator default_generator get_rng_state initial_seed manual_seed seed set_rng_state",
    "functions.indexing": "masked_fill masked_select narrow select",
    "functions.legacy": (
        "BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor IntTensor LongTensor ShortTensor"
    ),
    "functions.like": "empty_like full_like ones_like zeros_like",
    "functions.linalg": "bmm dot ger matmul mm mv outer",
    "functions.linear_algebra": "cholesky det inverse logdet matrix_power slogdet",
    "functions.occurrences": "histc unique_consecutive",
    "functions.products": "addbmm addmm addmv addr baddbmm inner vdot",
    "functions.quantiles": "nanmedian nanquantile quantile",
    "functions.random": "normal rand rand_like randint randint_like randn randn_like randperm",
    "functions.rearrange": "flip fliplr flipud meshgrid moveaxis movedim repeat_interleave roll rot90 tile",
    "functions.reduction": "all any count_nonzero mean nanmean nansum norm prod sum",
    "functions.rows": (
        "abs absolute acos acosh arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan atan2 atanh "
        "bitwise_and bitwise_not bitwise_or bitwise_xor ceil copysign cos cosh deg2rad eq erf erfc erfinv exp exp2 "
        "expm1 fix floor fmax fmin fmod frac ge greater greater_equal gt heaviside hypot isfinite isinf isnan le less "
        "less_equal log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor lt "
        "maximum minimum mul multiply ne neg negative not_equal rad2deg reciprocal relu remainder round rsqrt sgn "
        "sigmoid sign signbit sin sinc sinh sqrt square tan tanh trunc"
    ),
    "functions.running": "cumprod cumsum diff",
    "functions.scatter": "masked_scatter scatter scatter_add",
    "functions.scatter_reduce": "scatter_reduce",
    "functions.searching": "argwhere bincount bucketize nonzero searchsorted unique",
    "functions.slices": "index_add index_copy index_fill index_put",
    "functions.softmax": "log_softmax logsumexp softmax",
    "functions.sorting": "argsort cummax cummin kthvalue median msort sort",
    "functions.splitting": "chunk dsplit hsplit split split_with_sizes tensor_split unbind vsplit",
    "functions.statistics": "std std_mean var var_mean",
    "functions.windows": "adjoint",
}

METHODS = {
    "display": "__format__ __repr__ __str__",
    "functions.arithmetic": (
        "add addcdiv addcmul clamp clamp_max clamp_min clip div divide floor_divide lerp pow sub subtract true_divide "
        "where"
    ),
    "functions.choice": "bernoulli bernoulli_ multinomial",
    "functions.comparison": "allclose equal is_nonzero is_same_size isclose isneginf isposinf isreal",
    "functions.contraction": "cross kron",
    "functions.conversion": (
        "bool byte char clone contiguous cpu cuda detach_ double element_size float half int is_contiguous "
        "is_floating_point long short stride to type type_as"
    ),
    "functions.covariance": "corrcoef cov",
    "functions.diagonal": "diag diag_embed diagflat diagonal trace tril tril_ triu triu_",
    "functions.distance": "dist renorm",
    "functions.elementwise": "float_power logit nan_to_num positive xlogy",
    "functions.embedded": "diagonal_scatter narrow_copy select_scatter slice_scatter",
    "functions.extremes": "amax amin aminmax argmax argmin max min topk",
    "functions.gathering": "gather index_select take take_along_dim",
    "functions.indexing": "__getitem__ __setitem__ masked_fill masked_select narrow select",
    "functions.inplace": (
        "__iadd__ __iand__ __ifloordiv__ __imod__ __imul__ __ior__ __ipow__ __isub__ __itruediv__ __ixor__ abs_ "
        "absolute_ acos_ acosh_ add_ addcdiv_ addcmul_ arccos_ arccosh_ arcsin_ arcsinh_ arctan2_ arctan_ arctanh_ "
        "asin_ asinh_ atan2_ atan_ atanh_ ceil_ clamp_ clamp_max_ clamp_min_ clip_ copy_ copysign_ cos_ cosh_ "
        "deg2rad_ div_ divide_ erf_ erfc_ erfinv_ exp2_ exp_ expm1_ fill_ fix_ floor_ floor_divide_ fmod_ frac_ "
        "heaviside_ hypot_ lerp_ log10_ log1p_ log2_ log_ masked_fill_ mul_ multiply_ neg_ negative_ normal_ pow_ "
        "rad2deg_ reciprocal_ relu_ remainder_ round_ rsqrt_ sgn_ sigmoid_ sign_ sin_ sinc_ sinh_ sqrt_ square_ sub_ "
        "subtract_ tan_ tanh_ trunc_ uniform_ zero_"
    ),
    "functions.inplace_computed": (
        "addbmm_ addmm_ addmv_ addr_ baddbmm_ bitwise_and_ bitwise_not_ bitwise_or_ bitwise_xor_ cumprod_ cumsum_ eq_ "
        "float_power_ ge_ greater_ greater_equal_ gt_ le_ less_ less_equal_ logical_and_ logical_not_ logical_or_ "
        "logical_xor_ logit_ lt_ nan_to_num_ ne_ not_equal_ renorm_ true_divide_ xlogy_"
    ),
    "functions.legacy": "__init__",
    "functions.like": "new_empty new_full new_ones new_tensor new_zeros",
    "functions.linalg": "bmm dot ger matmul mm mv outer",
    "functions.linear_algebra": "cholesky det inverse logdet matrix_power slogdet",
    "functions.occurrences": "histc unique_consecutive",
    "functions.products": "addbmm addmm addmv addr baddbmm inner vdot",
    "functions.quantiles": "mode nanmedian nanquantile quantile",
    "functions.rearrange": "flip fliplr flipud moveaxis movedim repeat repeat_interleave roll rot90 tile",
    "functions.reduction": "all any count_nonzero mean nanmean nansum norm prod sum",
    "functions.rows": (
        "abs absolute acos acosh arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan atan2 atanh "
        "bitwise_and bitwise_not bitwise_or bitwise_xor ceil copysign cos cosh deg2rad eq erf erfc erfinv exp exp2 "
        "expm1 fix floor fmax fmin fmod frac ge greater greater_equal gt heaviside hypot isfinite isinf isnan le less "
        "less_equal log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or logical_xor lt "
        "maximum minimum mul multiply ne neg negative not_equal rad2deg reciprocal relu remainder round rsqrt sgn "
        "sigmoid sign signbit sin sinc sinh sqrt square tan tanh trunc"
    ),
    "functions.running": "cumprod cumsum diff",
    "functions.scatter": "masked_scatter masked_scatter_ scatter scatter_ scatter_add scatter_add_",
    "functions.scatter_reduce": "scatter_reduce scatter_reduce_",
    "functions.searching": "argwhere bincount nonzero unique",
    "functions.slices": "index_add index_add_ index_copy index_copy_ index_fill index_fill_ index_put index_put_",
    "functions.softmax": "log_softmax logsumexp softmax",
    "functions.sorting": "argsort cummax cummin kthvalue median msort sort",
    "functions.splitting": "chunk dsplit hsplit split split_with_sizes tensor_split unbind vsplit",
    "functions.statistics": "std var",
    "functions.windows": "adjoint sum_to_size unfold",
}
