"""How does a diagnosis look to code written for scikit-learn?

The conventions of scikit-learn without a dependency on it: parameters are keyword arguments kept
under their names, fitting sets attributes with a trailing underscore, `get_params` and
`set_params` let it be cloned, searched over and cross-validated.
Sizes: U learners, V videos or items, K concepts, S = 2^K states.
"""

import inspect
from typing import Any, Self, TypeAlias

import numpy as np
from scipy import sparse

from kgplan.arrays import Array, Floats, Ints
from kgplan.diagnosis.config import DiagnosisConfig
from kgplan.diagnosis.entries import rows_of
from kgplan.diagnosis.vdina import Diagnosis, Inference, fit_best, infer
from kgplan.errors import ConfigError, InputError

Matrix: TypeAlias = Array | sparse.csr_matrix


class VDina:
    """V-DINA and DINA as an estimator: `fit` to answers, then `predict_mastery`.

    Parameters:
        q_matrix: (V, K) not 0 where the item needs the concept; dense or sparse.
        link: "compensatory" (V-DINA) or "conjunctive" (DINA).
        prior: "independent" concepts, or "saturated": every state has its own probability.
        learn_prior: estimate the prior; else it stays flat.
        slip_beta, guess_beta, prior_beta: Beta priors as in `DiagnosisConfig`; None: none, so
            that the fit is one of maximum likelihood.
        tolerance: stop when an iteration gains less than this share of the objective.
        iteration_limit: iterations at most.
        n_init: fits from so many starting values; the one with the highest objective stays.
        hierarchy: (H, 2) prerequisite and concept, under a saturated prior: nobody holds a concept
            without its prerequisite.
        random_state: seed or generator of the starting values after the first.
        n_jobs: threads at most; None: one per core. The result does not depend on it.

    Attributes:
        slip_, guess_: (V,).
        prior_: (K,) P(concept held).
        state_share_: (S,) probabilities of the states under a saturated prior, else None.
        diagnosis_: the whole result, `vdina.Diagnosis`.
        n_iter_, converged_: how the fit went.
        n_features_in_: V.

    >>> answers = np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 1.0], [0.0, np.nan]])
    >>> model = VDina(np.array([[1], [1]]), link="conjunctive").fit(answers)
    >>> model.predict_mastery(answers).shape, model.predict(answers).ravel()
    ((4, 1), array([1, 0, 1, 0]))
    """

    def __init__(
        self,
        q_matrix: Matrix,
        *,
        link: str = "compensatory",
        prior: str = "independent",
        learn_prior: bool = True,
        slip_beta: tuple[float, float] | None = (2.0, 6.0),
        guess_beta: tuple[float, float] | None = (2.0, 6.0),
        prior_beta: tuple[float, float] | None = (2.0, 2.0),
        tolerance: float = 1e-8,
        iteration_limit: int = 1000,
        n_init: int = 1,
        hierarchy: Array | None = None,
        random_state: int | np.random.Generator | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.q_matrix = q_matrix
        self.link = link
        self.prior = prior
        self.learn_prior = learn_prior
        self.slip_beta = slip_beta
        self.guess_beta = guess_beta
        self.prior_beta = prior_beta
        self.tolerance = tolerance
        self.iteration_limit = iteration_limit
        self.n_init = n_init
        self.hierarchy = hierarchy
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Matrix, y: object = None, *, weights: Matrix | None = None) -> Self:
        """Fit slip, guess and prior.

        Args:
            X: (U, V) answers in [0, 1]: dense with NaN where not observed, or sparse with every
                stored entry observed, a stored 0 too.
            y: not used; there, as everywhere in scikit-learn.
            weights: (U, V) weight of each observation, in X's form.

        Raises:
            AxisMismatch, InputError, ConfigError: as `vdina.fit`.
        """
        del y
        watched = observations(X)
        self.diagnosis_: Diagnosis = fit_best(
            watched,
            sparse.csr_matrix(self.q_matrix),
            self._config(),
            n_starts=self.n_init,
            rng=np.random.default_rng(self.random_state),
            weights=None if weights is None else observations(weights, where=watched),
            hierarchy=self.hierarchy,
            threads=self.n_jobs,
        )
        found = self.diagnosis_
        self.slip_, self.guess_, self.prior_ = found.slip, found.guess, found.prior
        self.state_share_ = found.share
        self.n_iter_, self.converged_ = found.objective.size - 1, found.converged
        self.n_features_in_ = int(watched.shape[1])
        return self

    def predict_mastery(self, X: Matrix) -> Floats:
        """P(concept held | answers) of any learners, those of the fit or new ones.

        Args:
            X: (U, V) as for `fit`.

        Returns:
            (U, K); the prior where a learner's answers say nothing.

        Raises:
            InputError: `fit` was not called, or X is not what `fit` takes.
        """
        inference = self._infer(X)
        mastery = np.tile(self.prior_, (inference.mastery.shape[0], 1))
        rows = rows_of(inference.mastery)
        mastery[rows, inference.mastery.indices] = inference.mastery.data
        return mastery

    def predict(self, X: Matrix) -> Ints:
        """(U, K) 1 where the learner more likely holds the concept than not, else 0."""
        return (self.predict_mastery(X) >= 0.5).astype(np.int64)

    def score(self, X: Matrix, y: object = None) -> float:
        """Mean log-likelihood of a learner's answers under the fit, in nats."""
        del y
        return float(self._infer(X).log_evidence.mean())

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments by name."""
        del deep  # no parameter is an estimator
        return {name: getattr(self, name) for name in _parameter_names(type(self))}

    def set_params(self, **params: Any) -> Self:
        """Change constructor arguments by name.

        Raises:
            ConfigError: there is no such parameter.
        """
        known = _parameter_names(type(self))
        for name, value in params.items():
            if name not in known:
                raise ConfigError(f"no parameter {name!r}; the parameters: {', '.join(known)}")
            setattr(self, name, value)
        return self

    def _config(self) -> DiagnosisConfig:
        given = {
            name: getattr(self, name)
            for name in ("slip_beta", "guess_beta", "prior_beta")
            if getattr(self, name) is not None
        }
        return DiagnosisConfig.maximum_likelihood(
            link=self.link,
            class_prior=self.prior,
            learn_prior=self.learn_prior,
            tolerance=self.tolerance,
            iteration_limit=self.iteration_limit,
            **given,
        )

    def _infer(self, X: Matrix) -> Inference:
        if not self.__sklearn_is_fitted__():
            raise InputError("this VDina is not fitted yet; call fit(answers) first")
        found = self.diagnosis_
        return infer(
            observations(X), sparse.csr_matrix(self.q_matrix), found.slip, found.guess,
            found.prior, found.config, share=found.share, threads=self.n_jobs,
        )  # fmt: skip

    def __repr__(self) -> str:
        signature = inspect.signature(type(self)).parameters
        changed = [
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if name != "q_matrix" and value != signature[name].default
        ]
        return f"VDina({', '.join(['q_matrix', *changed])})"

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "diagnosis_")

    def __sklearn_tags__(self) -> Any:
        # Called by scikit-learn alone, so it is there.
        from sklearn.utils import InputTags, Tags, TargetTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=False),
            input_tags=InputTags(sparse=True, allow_nan=True),
        )


def observations(X: Matrix, where: sparse.csr_matrix | None = None) -> sparse.csr_matrix:
    """Answers as a sparse matrix that stores every observation, zeros too.

    Args:
        X: dense, NaN where not observed, or sparse.
        where: take the entries stored here in place of those that are not NaN.

    >>> observations(np.array([[0.0, np.nan, 1.0]])).indices
    array([0, 2], dtype=int32)
    """
    if sparse.issparse(X):
        return sparse.csr_matrix(X)
    dense = np.atleast_2d(np.asarray(X, np.float64))
    rows: Ints
    columns: Ints
    if where is None:
        rows, columns = np.nonzero(~np.isnan(dense))
    else:
        rows, columns = rows_of(where), where.indices
    return sparse.csr_matrix((dense[rows, columns], (rows, columns)), shape=dense.shape)


def _parameter_names(of: type) -> list[str]:
    return list(inspect.signature(of).parameters)
