"""What is every experiment made from?"""

from collections.abc import Callable
from dataclasses import dataclass

from kgplan.data.records import LearnerRecords
from kgplan.evaluation.papers.experiment import Parameters
from kgplan.evaluation.papers.harness import Kept
from kgplan.evaluation.resources.networks import Content
from kgplan.evaluation.resources.splits import Viewing
from kgplan.graph.snapshot import GraphSnapshot
from kgplan.progress import Progress
from kgplan.similarity import FusedSimilarity


@dataclass(frozen=True)
class Sources:
    """What measures may read.

    Attributes:
        graph, records, similarity: in use.
        model: settings of what is fitted first, of the experiment.
        kept: where that is kept.
        key: under which it is kept; it names data, settings and code.
        progress: told how far the fit is.
        views: opens who viewed what and when, of everything that was opened, and what that is
            about.
    """

    graph: GraphSnapshot
    records: LearnerRecords
    similarity: FusedSimilarity
    model: Parameters
    kept: Kept
    key: str
    progress: Progress
    views: Callable[[], tuple[Viewing, Content]]


@dataclass(frozen=True)
class Generator:
    """What measures of generated data may read: nothing of a home.

    Attributes:
        settings: of what is generated and trained, of the experiment.
        kept: where what takes long is kept.
        progress: told how far that is.
    """

    settings: Parameters
    kept: Kept
    progress: Progress
