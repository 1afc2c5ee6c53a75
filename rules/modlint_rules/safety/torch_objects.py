"""Further objects of torch that whole-object checkpoints hold, by module.

Rebuilding one restores its attributes and runs no more: none has a `__reduce__` of its own, and
their `__setstate__`, where they have one, sets attributes (torch 2.13). Quantised modules are
those that hold their parameters as they are; of the others `Conv1d` and the like pack their
weights anew when they are rebuilt, and `LinearPackedParams` holds a `torch.ScriptObject`, which
native code rebuilds: those are not here.
"""

from __future__ import annotations

_FUSED = (
    "BNReLU2d BNReLU3d ConvAdd2d ConvAddReLU2d ConvBn1d ConvBn2d ConvBn3d ConvBnReLU1d"
    " ConvBnReLU2d ConvBnReLU3d ConvReLU1d ConvReLU2d ConvReLU3d LinearBn1d LinearLeakyReLU"
    " LinearReLU LinearTanh"
)
_QUANTISATION: dict[str, str] = {
    "nn.intrinsic.modules.fused": _FUSED,
    "nn.intrinsic.qat.modules.conv_fused": (
        "ConvBn1d ConvBn2d ConvBn3d ConvBnReLU1d ConvBnReLU2d ConvBnReLU3d ConvReLU1d ConvReLU2d"
        " ConvReLU3d"
    ),
    "nn.intrinsic.qat.modules.linear_fused": "LinearBn1d",
    "nn.intrinsic.qat.modules.linear_relu": "LinearReLU",
    "nn.intrinsic.quantized.dynamic.modules.linear_relu": "LinearReLU",
    "nn.intrinsic.quantized.modules.linear_relu": "LinearLeakyReLU LinearReLU LinearTanh",
    "nn.qat.dynamic.modules.linear": "Linear",
    "nn.qat.modules.conv": "Conv1d Conv2d Conv3d",
    "nn.qat.modules.embedding_ops": "Embedding EmbeddingBag",
    "nn.qat.modules.linear": "Linear",
    "nn.quantizable.modules.activation": "MultiheadAttention",
    "nn.quantizable.modules.rnn": "LSTM LSTMCell _LSTMLayer _LSTMSingleLayer",
    "nn.quantized.dynamic.modules.linear": "Linear",
    "nn.quantized.dynamic.modules.rnn": "GRU GRUCell LSTM LSTMCell PackedParameter RNNCell",
    "nn.quantized.modules": "DeQuantize Quantize",
    "nn.quantized.modules.activation": (
        "ELU Hardswish LeakyReLU MultiheadAttention PReLU ReLU6 Sigmoid Softmax"
    ),
    "nn.quantized.modules.batchnorm": "BatchNorm2d BatchNorm3d",
    "nn.quantized.modules.dropout": "Dropout",
    "nn.quantized.modules.embedding_ops": "Embedding EmbeddingBag",
    "nn.quantized.modules.functional_modules": "FXFloatFunctional FloatFunctional QFunctional",
    "nn.quantized.modules.linear": "Linear",
    "nn.quantized.modules.normalization": (
        "GroupNorm InstanceNorm1d InstanceNorm2d InstanceNorm3d LayerNorm"
    ),
    "quantization.fake_quantize": (
        "FakeQuantize FixedQParamsFakeQuantize FusedMovingAvgObsFakeQuantize"
    ),
    "quantization.observer": (
        "FixedQParamsObserver HistogramObserver MinMaxObserver MovingAverageMinMaxObserver"
        " MovingAveragePerChannelMinMaxObserver NoopObserver PerChannelMinMaxObserver"
        " PlaceholderObserver RecordingObserver ReuseInputObserver _PartialWrapper"
    ),
    "quantization.qconfig": "QConfig QConfigDynamic",
    "quantization.stubs": "DeQuantStub QuantStub QuantWrapper",
}
"""Below `torch.ao`; before torch 1.13 the same modules stood below `torch`."""

_DISTRIBUTIONS: dict[str, str] = {
    "bernoulli": "Bernoulli",
    "beta": "Beta",
    "binomial": "Binomial",
    "categorical": "Categorical",
    "cauchy": "Cauchy",
    "chi2": "Chi2",
    "continuous_bernoulli": "ContinuousBernoulli",
    "dirichlet": "Dirichlet",
    "exponential": "Exponential",
    "fishersnedecor": "FisherSnedecor",
    "gamma": "Gamma",
    "generalized_pareto": "GeneralizedPareto",
    "geometric": "Geometric",
    "gumbel": "Gumbel",
    "half_cauchy": "HalfCauchy",
    "half_normal": "HalfNormal",
    "independent": "Independent",
    "inverse_gamma": "InverseGamma",
    "kumaraswamy": "Kumaraswamy",
    "laplace": "Laplace",
    "lkj_cholesky": "LKJCholesky",
    "log_normal": "LogNormal",
    "logistic_normal": "LogisticNormal",
    "lowrank_multivariate_normal": "LowRankMultivariateNormal",
    "mixture_same_family": "MixtureSameFamily",
    "multinomial": "Multinomial",
    "multivariate_normal": "MultivariateNormal",
    "negative_binomial": "NegativeBinomial",
    "normal": "Normal",
    "one_hot_categorical": "OneHotCategorical OneHotCategoricalStraightThrough",
    "pareto": "Pareto",
    "poisson": "Poisson",
    "relaxed_bernoulli": "LogitRelaxedBernoulli RelaxedBernoulli",
    "relaxed_categorical": "ExpRelaxedCategorical RelaxedOneHotCategorical",
    "studentT": "StudentT",
    "transformed_distribution": "TransformedDistribution",
    "transforms": (
        "AbsTransform AffineTransform CatTransform ComposeTransform CorrCholeskyTransform"
        " CumulativeDistributionTransform ExpTransform IndependentTransform"
        " LowerCholeskyTransform PositiveDefiniteTransform PowerTransform ReshapeTransform"
        " SigmoidTransform SoftmaxTransform SoftplusTransform StackTransform"
        " StickBreakingTransform TanhTransform _InverseTransform"
    ),
    "uniform": "Uniform",
    "von_mises": "VonMises",
    "weibull": "Weibull",
    "wishart": "Wishart",
}
"""Below `torch.distributions`."""

TORCH_OBJECTS: dict[str, str] = {
    "torch._dynamo.decorators": "_DimRange",
    "torch.amp.autocast_mode": "autocast",
    "torch.amp.grad_scaler": "GradScaler",
    "torch.cuda.amp.autocast_mode": "autocast",
    "torch.cuda.amp.grad_scaler": "GradScaler",
    "torch.distributed._mesh_layout": "_FlatLayout _MeshLayout",
    "torch.distributed._serialization": "_Entry",
    "torch.distributed._tensor.api": "DTensor",
    "torch.distributed._tensor.placement_types": (
        "DTensorSpec Partial Replicate Shard TensorMeta _Partial"
    ),
    "torch.distributed.device_mesh": "DeviceMesh",
    "torch.distributed.tensor": "DTensor",
    "torch.distributed.tensor._api": "DTensor",
    "torch.distributed.tensor._dtensor_spec": "DTensorSpec ShardOrderEntry TensorMeta",
    "torch.distributed.tensor.placement_types": "Partial Replicate Shard _StridedShard",
    "torch.nested._internal.nested_tensor": "NestedTensor",
    "torch.utils.data._utils.collate": "default_collate default_convert",
    "torch.utils.data.dataloader": "DataLoader",
    "torch.utils.data.dataset": (
        "ChainDataset ConcatDataset Dataset StackDataset Subset TensorDataset"
    ),
    "torch.utils.data.distributed": "DistributedSampler",
    "torch.utils.data.sampler": (
        "BatchSampler RandomSampler SequentialSampler SubsetRandomSampler WeightedRandomSampler"
    ),
    "torch.utils.hooks": "RemovableHandle",
    **{f"torch.ao.{module}": names for module, names in _QUANTISATION.items()},
    **{f"torch.{module}": names for module, names in _QUANTISATION.items()},
    **{f"torch.distributions.{module}": names for module, names in _DISTRIBUTIONS.items()},
}
