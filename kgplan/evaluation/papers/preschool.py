"""What do the tables of the preschool paper measure, on sessions with planted states?

Su and Sun, 2025, section 4; their data are not public. Measures give sums over the windows of each
session of test learners, once for each training seed.
Sizes: S sessions of test learners, T windows, R training seeds, N = R S.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from kgplan.arrays import Array, Floats, Ints
from kgplan.engagement.clusters import adjusted_rand, k_means
from kgplan.engagement.generator import (
    PROFILES,
    STATES,
    GeneratorConfig,
    World,
    chains,
    filtered,
    generate,
)
from kgplan.engagement.network.config import NetworkConfig
from kgplan.engagement.network.heads import heads, softmax
from kgplan.errors import ConfigError
from kgplan.evaluation.papers.experiment import Parameters
from kgplan.evaluation.papers.harness import LEARNER, Filled, Measure, Values
from kgplan.evaluation.papers.intervals import Figure, MeanRatio, Ratio, mean_of
from kgplan.evaluation.papers.sources import Generator

OF_NETWORK = frozenset({"modalities", "fusion", "recurrent", "dropout"})
OF_METHOD = OF_NETWORK | {"method", "missing", "noise", "shuffled", "seeds"}
CURVE = (1, 2, 3, 5, 8, 12, 20, 30)  # epochs


@dataclass(frozen=True)
class Said:
    """What a method says of the test learners' windows.

    Attributes:
        state: (S, T) the likeliest.
        engagement: (S, T); NaN where the method says none.
    """

    state: Ints
    engagement: Floats


class Session:
    """Generated sessions, with what was trained on them, each once.

    Args:
        generator: whose settings are `learners`, `sessions`, `world_seed`, and of
            `NetworkConfig`.
    """

    def __init__(self, generator: Generator) -> None:
        given = dict(generator.settings)
        names = ("learners", "sessions", "world_seed")
        if missing := [name for name in names if name not in given]:
            raise ConfigError(f"the experiment's model has no {missing[0]}; give it a number")
        drawn = {name: given.pop(name) for name in names}
        self.world: World = generate(
            GeneratorConfig(drawn["learners"], drawn["sessions"], seed=drawn["world_seed"])
        )
        try:
            self.usual = NetworkConfig(**given)
        except TypeError as error:
            raise ConfigError(f"the experiment's model: {error}; mend the file") from None
        self.progress = generator.progress
        self.train, self.valid, self.test = self.world.by_learner
        self.encoder: Callable[[str, int, bool], Any] = cache(self._encoder)
        self.features: Callable[[str, int, bool], Floats] = cache(self._features)
        self.network: Callable[..., Any] = cache(self._network)

    def truth(self, shuffled: bool) -> Any:
        """What is trained on; with the states of whole windows at random where shuffled."""
        from kgplan.engagement.network.training import Truth

        state, engagement = self.world.state, self.world.engagement
        if shuffled:
            order = np.random.default_rng(5).permutation(state.size)
            state = state.ravel()[order].reshape(state.shape)
            engagement = engagement.ravel()[order].reshape(state.shape)
        return Truth(state, engagement)

    def _encoder(self, modality: str, seed: int, shuffled: bool) -> Any:
        from kgplan.engagement.network.training import train_encoder

        config = replace(self.usual, seed=seed)
        truth = self.truth(shuffled).of(self.train)
        inputs = self.world.inputs[modality][self.train]
        return train_encoder(modality, inputs, truth, config, self.progress)

    def _features(self, modality: str, seed: int, shuffled: bool) -> Floats:
        from kgplan.engagement.network.training import encoded

        return encoded(self.encoder(modality, seed, shuffled), self.world.inputs[modality])

    def _network(self, config: NetworkConfig, noise: str, shuffled: bool) -> Any:
        """The network, how training went, and the features (S, T, M, d) of all sessions."""
        from kgplan.engagement.network.training import train_network

        trained, features = {}, {}
        for name in config.modalities:
            trained[name] = self.encoder(name, config.seed, shuffled)
            features[name] = self.features(name, config.seed, shuffled)
        if noise:
            drawn = np.random.default_rng([config.seed, 9]).normal(size=features[noise].shape)
            features[noise] = np.abs(drawn).astype(np.float32)
        rows = self.train, self.valid
        network, history = train_network(
            features, trained, self.truth(shuffled), rows, config, self.progress
        )
        return network, history, np.stack([features[name] for name in config.modalities], axis=2)

    def config(self, parameters: Parameters, seed: int) -> NetworkConfig:
        """Of the network that parameters ask for."""
        given = {name: parameters[name] for name in OF_NETWORK & parameters.keys()}
        if "modalities" in given:
            given["modalities"] = tuple(given["modalities"])
        return replace(self.usual, **given, seed=seed)


# ---------------------------------------------------------------- methods


def constant(session: Session, parameters: Parameters, seed: int) -> Said:
    """The commonest state and the mean engagement of training learners."""
    world, shape = session.world, session.world.state[session.test].shape
    commonest = np.bincount(world.state[session.train].ravel()).argmax()
    mean = world.engagement[session.train].mean()
    return Said(np.full(shape, commonest), np.full(shape, mean))


def oracle(session: Session, parameters: Parameters, seed: int) -> Said:
    """The forward filter that knows everything but states."""
    names = tuple(parameters["modalities"])
    posterior = filtered(session.world, names)[session.test]
    return Said(posterior.argmax(axis=-1), np.full(posterior.shape[:2], np.nan))


def logistic(session: Session, parameters: Parameters, seed: int) -> Said:
    """Logistic regression and ridge on inputs averaged over blocks, each window by itself."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    inputs = session.world.inputs
    x = np.concatenate([_blocks(inputs[name]) for name in parameters["modalities"]], axis=-1)
    flat = [x[rows].reshape(-1, x.shape[-1]) for rows in (session.train, session.test)]
    truth = session.truth(False).of(session.train)
    states = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
    degrees = make_pipeline(StandardScaler(), Ridge(10.0))
    said = states.fit(flat[0], truth.state.ravel()).predict(flat[1])
    engaged = degrees.fit(flat[0], truth.engagement.ravel()).predict(flat[1])
    shape = session.world.state[session.test].shape
    return Said(said.reshape(shape), np.clip(engaged, 0, 1).reshape(shape))


def _blocks(inputs: Floats) -> Floats:
    """(S, T, n) means of pictures over 4 x 4, of series over all time and their deviations."""
    if inputs.shape[2:] in ((32, 32), (32, 64)):
        s, t, high, wide = inputs.shape
        means = inputs.reshape(s, t, high // 4, 4, wide // 4, 4).mean(axis=(3, 5))
        return means.reshape(s, t, -1)
    return np.concatenate([inputs.mean(axis=-1), inputs.std(axis=-1)], axis=-1)


def single(session: Session, parameters: Parameters, seed: int) -> Said:
    """An encoder with heads of its own, each window by itself; of several the late product."""
    posterior, engaged = [], []
    shares = np.bincount(session.world.state[session.train].ravel(), minlength=len(STATES))
    for name in parameters["modalities"]:
        features = session.features(name, seed, False)[session.test]
        logits, e = heads(np, features, session.encoder(name, seed, False).heads)
        posterior.append(softmax(np, logits))
        engaged.append(e)
    both = np.sum(np.log(posterior), axis=0) - (len(posterior) - 1) * np.log(shares / shares.sum())
    return Said(both.argmax(axis=-1), np.mean(engaged, axis=0))


def network(session: Session, parameters: Parameters, seed: int) -> Said:
    """The network, with modalities missing where asked for."""
    config = session.config(parameters, seed)
    noise, shuffled = parameters.get("noise", ""), parameters.get("shuffled", False)
    served, _, features = session.network(config, noise, shuffled)
    present = np.ones(features.shape[:3], dtype=np.float32)
    present[..., np.isin(config.modalities, parameters.get("missing", []))] = 0
    seen = served.seen(features[session.test], present[session.test])
    return Said(seen.posterior.argmax(axis=-1), seen.engagement)


METHODS: Mapping[str, Callable[[Session, Parameters, int], Said]] = {
    "constant": constant,
    "oracle": oracle,
    "logistic": logistic,
    "single": single,
    "network": network,
}


# ---------------------------------------------------------------- measures


def windows(session: Session, parameters: Parameters) -> Values:
    """Sums over the windows of each session.

    Returns:
        (N,) each: `windows`; `hits`; `square`, of what engagement is off by; and of each state k
        `both_k`, said and true, and `either_k`, said plus true.
    """
    method = METHODS.get(parameters["method"])
    if method is None:
        raise ConfigError(
            f"there is no method {parameters['method']!r}; it is one of {', '.join(METHODS)}"
        )
    state = session.world.state[session.test]
    engagement = session.world.engagement[session.test]
    parts: list[dict[str, Array]] = []
    for seed in parameters["seeds"]:
        said = method(session, parameters, seed)
        found = {
            LEARNER: session.world.learner[session.test],
            "windows": np.full(len(state), state.shape[1]),
            "hits": (said.state == state).sum(axis=1),
            "square": ((said.engagement - engagement) ** 2).sum(axis=1),
        }
        for k in range(len(STATES)):
            found[f"both_{k}"] = ((said.state == k) & (state == k)).sum(axis=1)
            found[f"either_{k}"] = (said.state == k).sum(axis=1) + (state == k).sum(axis=1)
        parts.append(found)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def losses(session: Session, parameters: Parameters) -> Values:
    """The loss of each validation session behind epochs; behind the last that was trained, its own.

    Returns:
        (N,) each: `CURVE`'s epochs by name; `stopped`, how many were trained.
    """
    parts: list[dict[str, Array]] = []
    for seed in parameters["seeds"]:
        config = session.config(parameters, seed)
        _, history, _ = session.network(config, "", False)
        trained = len(history.losses)
        found: dict[str, Array] = {LEARNER: session.world.learner[session.valid]}
        for epoch in CURVE:
            found[f"{epoch}"] = history.validation[min(epoch, trained) - 1]
        found["stopped"] = np.full(session.valid.size, trained)
        parts.append(found)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def recovered(session: Session, parameters: Parameters) -> Values:
    """How well K-means on the true shares of time finds the planted profiles.

    Returns:
        (N,) `agreement`, the adjusted Rand index, of each of so many drawn worlds.
    """
    found = []
    for k in range(parameters["worlds"]):
        rng = np.random.default_rng([parameters["cluster_seed"], k])
        profile: Ints = np.asarray(rng.integers(0, len(PROFILES), parameters["cluster_learners"]))
        shares = PROFILES[profile] * np.exp(0.3 * rng.normal(size=(profile.size, len(STATES))))
        shares /= shares.sum(axis=1, keepdims=True)
        seen = np.zeros_like(shares)
        for _ in range(parameters["seen_sessions"]):
            state = chains(shares, 30, rng)
            seen += (state[:, :, None] == np.arange(len(STATES))).mean(axis=1)
        roots = np.sqrt(seen / parameters["seen_sessions"])
        found.append(adjusted_rand(profile, k_means(roots, len(PROFILES), k).cluster))
    return {LEARNER: np.arange(len(found)), "agreement": np.array(found)}


def _share(above: str, below: str) -> Callable[[Values], Figure]:
    return lambda values: Ratio(values[above].astype(np.float64), values[below].astype(np.float64))


def _f1(values: Values) -> Figure:
    """Mean over the states of 2 TP / (2 TP + FP + FN)."""
    return MeanRatio(
        tuple(
            Ratio(2.0 * values[f"both_{k}"], values[f"either_{k}"].astype(np.float64))
            for k in range(len(STATES))
        )
    )


def _mean(name: str) -> Callable[[Values], Figure]:
    return lambda values: mean_of(values[name].astype(np.float64))


MEASURES: Mapping[str, Measure[Session]] = {
    "windows": Measure(
        windows,
        OF_METHOD,
        {
            "accuracy": _share("hits", "windows"),
            "macro-F1": _f1,
            "MSE": _share("square", "windows"),
        },
    ),
    "losses": Measure(
        losses,
        OF_NETWORK | {"method", "seeds"},
        {f"{name}": _mean(f"{name}") for name in (*CURVE, "stopped")},
    ),
    "recovered": Measure(
        recovered,
        frozenset({"worlds", "cluster_seed", "cluster_learners", "seen_sessions", "seeds"}),
        {"agreement": _mean("agreement")},
    ),
}


# ---------------------------------------------------------------- what follows

ORDER = ("CNN, visual only", "LSTM, log only", "DNN, all modalities", "CNN + LSTM, ours")


def findings(tables: Mapping[str, Filled]) -> Sequence[str]:
    """Sentences that follow from the filled tables."""
    found = [
        "All states are planted; no real set here has labels of affect. What fusion gains was"
        " planted with the twins, and says nothing of children."
    ]
    if "1" in tables:
        found += _order(tables["1"])
    if "seeds" in tables:
        rows = tables["seeds"].cells
        for line in rows:
            values = [cell.found.value for cell in line]
            found.append(
                f'Over {len(values)} training seeds the macro-F1 of "{line[0].row}" has a standard'
                f" deviation of {np.std(values, ddof=1):.4f}."
            )
    return found


def _order(filled: Filled) -> Sequence[str]:
    found = []
    for column, better in (("accuracy", 1), ("macro-F1", 1), ("MSE", -1)):
        cells = [filled.cell(row, column) for row in ORDER]
        if any(cell is None for cell in cells):
            return []
        told = [cell for cell in cells if cell is not None]
        ours = [row for _, row in sorted((-better * c.found.value, c.row) for c in told)]
        theirs = [row for _, row in sorted((-better * (c.published or 0), c.row) for c in told)]
        verdict = "the paper's order" if ours == theirs else "not the paper's order"
        found.append(f"By {column}, best first: {'; '.join(ours)}. That is {verdict}.")
    best, other = filled.cell(ORDER[3], "accuracy"), filled.cell(ORDER[2], "accuracy")
    top = filled.cell("oracle", "accuracy")
    if best and other and top:
        found.append(
            f"The oracle is right in {top.found.value:.3f} of windows. From the DNN at"
            f" {other.found.value:.3f} our network at {best.found.value:.3f} closes"
            f" {(best.found.value - other.found.value) / (top.found.value - other.found.value):.0%}"
            " of the gap."
        )
    constant_, lowest = filled.cell("constant", "MSE"), filled.cell(ORDER[3], "MSE")
    if constant_ and lowest:
        found.append(
            f"A constant has an MSE of {constant_.found.value:.4f}, our network"
            f" {lowest.found.value:.4f}."
        )
    return found
