"""The analyses that modlint's own rules consume, offered as any plugin's are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modlint.analysis.base import Analysis
from modlint.markers import hookimpl


@hookimpl
def modlint_analyses() -> Iterable[type[Analysis[Any, Any]]]:
    """The analyses that modlint's own rules consume."""
    from modlint.analysis.batch_norms import BatchNorms
    from modlint.analysis.beside import Beside, Document
    from modlint.analysis.bits import TensorBits
    from modlint.analysis.checksums import Checksums
    from modlint.analysis.cluster_views import ClusterWeights, LaplacianSpectrum, ReorderedWeights
    from modlint.analysis.clustering import ClusterTest, Partition, SpectralSum
    from modlint.analysis.code_steps import QuantisedSteps, TensorBytes
    from modlint.analysis.comparing import TensorDrift
    from modlint.analysis.components import Components
    from modlint.analysis.copies import StoredCopies
    from modlint.analysis.digests import Digests
    from modlint.analysis.duplicate_rows import DuplicateUnits
    from modlint.analysis.embeddings import EmbeddingRows, EmbeddingTables
    from modlint.analysis.ends import TensorEnds
    from modlint.analysis.fixed_batch import OnnxBatchAxes
    from modlint.analysis.flow import (
        CarryingUnits,
        Flow,
        FlowShares,
        InputFlows,
        NegligibleUnits,
        SurvivingFlow,
    )
    from modlint.analysis.graphs import BalancedGraph, CarryingGraph, ConvolutionGraph, FlowGraph
    from modlint.analysis.heads import DuplicateHeads
    from modlint.analysis.histograms import TensorHistogram
    from modlint.analysis.hub_cache import HubCache
    from modlint.analysis.index_buffers import IndexValues
    from modlint.analysis.initialisation import InitialDistribution, SpectralExcess
    from modlint.analysis.intervals import DeadRelus
    from modlint.analysis.layer_weights import LayerWeights
    from modlint.analysis.lesions import PlainPerceptron
    from modlint.analysis.lora import LoraFactors
    from modlint.analysis.magnitudes import TensorMagnitudes
    from modlint.analysis.members import RedundantMembers
    from modlint.analysis.modules import MatchedTest, ModuleClusters
    from modlint.analysis.norm_scales import SilencedChannels
    from modlint.analysis.octaves import TensorOctaves
    from modlint.analysis.onnx_chains import LinearChains
    from modlint.analysis.openings import Openings
    from modlint.analysis.partitions import SeededPartition
    from modlint.analysis.parts import Parts
    from modlint.analysis.quantisation import QuantisedWeights
    from modlint.analysis.quantisation_values import QuantisationBreaches
    from modlint.analysis.rows import TensorRows
    from modlint.analysis.scales import UnitScales
    from modlint.analysis.siblings import SiblingDifferences
    from modlint.analysis.signal_path import InputReach
    from modlint.analysis.sparse import SparseIndices
    from modlint.analysis.sparsity import SparsityPattern
    from modlint.analysis.spectra import (
        LayerRank,
        LipschitzBound,
        StateRadius,
        TensorSpectrum,
        WeightRanks,
        WeightStructure,
    )
    from modlint.analysis.spiking import SpikingLayers
    from modlint.analysis.statistics import TensorStatistics
    from modlint.analysis.strays import StrayFiles
    from modlint.analysis.texts import Texts
    from modlint.analysis.thresholds import ThresholdOrder
    from modlint.analysis.units import UnitWeights
    from modlint.analysis.weights import WeightArrays

    of_folders = (Beside, Document, HubCache, SiblingDifferences, StrayFiles)
    of_files = (
        Checksums,
        Digests,
        LoraFactors,
        OnnxBatchAxes,
        Openings,
        QuantisationBreaches,
        QuantisedWeights,
        QuantisedSteps,
        SpikingLayers,
        SparseIndices,
        Texts,
    )
    of_weights = (LayerWeights, StoredCopies, ThresholdOrder, RedundantMembers)
    of_tensors = (
        TensorStatistics,
        TensorBits,
        TensorMagnitudes,
        TensorHistogram,
        TensorRows,
        TensorOctaves,
        TensorBytes,
        TensorEnds,
        IndexValues,
    )
    of_pairs = (TensorDrift,)
    of_training = (BatchNorms, EmbeddingRows, EmbeddingTables, InitialDistribution, SpectralExcess)
    of_rows = (DuplicateUnits, SparsityPattern)
    of_spectra = (
        *(TensorSpectrum, WeightRanks, WeightStructure),
        *(LayerRank, StateRadius, LipschitzBound, LinearChains),
    )
    of_flow = (Flow, NegligibleUnits, FlowShares, CarryingUnits, SurvivingFlow, InputFlows)
    of_channels = (SilencedChannels, DeadRelus, DuplicateHeads, InputReach, Components, Parts)
    of_units = (UnitWeights, UnitScales, *of_flow, *of_channels)
    graphs = (
        *(WeightArrays, CarryingGraph, FlowGraph, BalancedGraph),
        ConvolutionGraph,
    )
    tests = (Partition, SpectralSum, ClusterTest, MatchedTest)
    of_clusters = (*tests, ModuleClusters, SeededPartition, PlainPerceptron)
    views = (ClusterWeights, LaplacianSpectrum, ReorderedWeights)
    measured = (*of_folders, *of_files, *of_weights, *of_tensors, *of_pairs, *of_training, *of_rows)
    return (*measured, *of_spectra, *of_units, *graphs, *of_clusters, *views)
