"""PyKEEN's own TransR with the weights of an embedding: the oracle of scores and ranks."""

import numpy as np
import torch
from pykeen.models import TransR
from pykeen.triples import TriplesFactory
from pykeen.utils import NoRandomSeedNecessary


def plain_transr(embedding, config):
    """The model, ready to score; `config` is what the embedding was trained with."""
    entities = {label: number for number, label in enumerate(embedding.entity_ids.tolist())}
    inverses = config.training.regime == "softmax"
    plain = embedding.relation_ids[:: 2 if inverses else 1]
    relations = {label: number for number, label in enumerate(plain.tolist())}
    factory = TriplesFactory(
        mapped_triples=torch.empty(0, 3, dtype=torch.long),
        entity_to_id=entities,
        relation_to_id=relations,
        create_inverse_triples=inverses,
    )
    model = TransR(
        triples_factory=factory,
        embedding_dim=config.model.dimension,
        relation_dim=config.model.relation_dimension,
        scoring_fct_norm=config.model.norm,
        power_norm=config.model.squared,
        random_seed=NoRandomSeedNecessary,
    )
    weights = [*model.entity_representations, *model.relation_representations]
    values = [embedding.vectors, embedding.relation_vectors, embedding.projections]
    with torch.no_grad():
        for representation, value in zip(weights, values, strict=True):
            weight = representation._embeddings.weight
            weight.copy_(torch.from_numpy(np.ascontiguousarray(value)).reshape(weight.shape))
    return model.eval()
