"""Which settings shape a diagnosis?"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from kgplan.errors import ConfigError

LINKS = ("compensatory", "conjunctive")
CLASS_PRIORS = ("independent", "saturated")
ATTENDED, PUBLISHED = "attended", "kg-plppm"
MODELS = (ATTENDED, PUBLISHED)
MOST_ASSUMED = 0.5
"""A mastery above it rests on what the learner did: it is assumed of nobody."""
STATE_LIMIT = 15
"""Most concepts of a saturated prior: 2^15 states."""
_LEAST_BETA = 1 + 1e-6


@dataclass(frozen=True)
class DiagnosisConfig:
    """Every setting of V-DINA, with its default and meaning.

    Attributes:
        link: "compensatory": eta is the share of a video's concepts that are held (V-DINA, eq. 9);
            "conjunctive": eta is 1 where all are held, else 0 (DINA, for exercises).
        class_prior: "independent": each concept is held with its own probability; "saturated": each
            of the 2^K states (sets of held concepts) has its own, K at most STATE_LIMIT.
        slip_start: slip of every video before the first iteration (.2 as in de la Torre 2009).
        guess_start: guess of every video before the first iteration.
        prior_start: P(concept held) of every concept before the first iteration; the spec's flat
            prior over 2^K patterns is .5 with learn_prior off.
        learn_prior: estimate one prior per concept; else all stay at their start.
        prior_beta: Beta(a, b) on each prior; (2, 2) is one held and one not held, seen beforehand.
        most_prior: no prior becomes larger.
        slip_beta: Beta(a, b) on each slip, both above 1: keeps videos with little evidence inside
            0 < guess < 1 - slip < 1. (2, 6) weighs 6 responses and peaks at 1/6.
        guess_beta: the same on each guess.
        least_contrast: lower limit of log((1 - slip) / guess), above 0: holding more concepts never
            makes a video less likely to be watched.
        enumeration_limit: components with at most so many concepts are summed over all 2^n
            patterns; larger ones, unless they are trees, go to propagation.
        region_limit: most concepts around each one that are summed over exactly when a propagated
            mastery is read, 2 to 16; 0: mastery as propagated. Components of many concepts use
            fewer, at least 8.
        cutset_limit: how deep to branch on single concepts where a region moves a mastery by more
            than .05 (cutset conditioning); 0: not at all.
        damping: share of the old message kept in an update, in [0, 1); raised by itself, per
            component, where sweeps do not settle.
        sweep_tolerance: propagation stops when no mastery moves by more than this in a sweep.
        sweep_limit: it also stops after so many sweeps; what is left is in the residual.
        tolerance: EM stops when an iteration gains less than this share of the objective.
        iteration_limit: it also stops after so many iterations, and says it did not converge.
        halving_limit: how often a step that would lower the objective is halved before EM stops.

    Raises:
        ConfigError: a value is out of its range.

    >>> DiagnosisConfig(damping=1.5)
    Traceback (most recent call last):
    kgplan.errors.ConfigError: damping is 1.5; give a number in [0, 1)
    """

    link: str = "compensatory"
    class_prior: str = "independent"
    slip_start: float = 0.2
    guess_start: float = 0.2
    prior_start: float = 0.5
    learn_prior: bool = True
    prior_beta: tuple[float, float] = (2.0, 2.0)
    most_prior: float = 1.0
    slip_beta: tuple[float, float] = (2.0, 6.0)
    guess_beta: tuple[float, float] = (2.0, 6.0)
    least_contrast: float = 1e-3
    enumeration_limit: int = 14
    region_limit: int = 12
    cutset_limit: int = 3
    damping: float = 0.1
    sweep_tolerance: float = 1e-4
    sweep_limit: int = 200
    tolerance: float = 1e-6
    iteration_limit: int = 200
    halving_limit: int = 8

    def __post_init__(self) -> None:
        if self.link not in LINKS:
            raise ConfigError(f"link is {self.link!r}; give one of: {', '.join(LINKS)}")
        if self.class_prior not in CLASS_PRIORS:
            raise ConfigError(
                f"class_prior is {self.class_prior!r}; give one of: {', '.join(CLASS_PRIORS)}"
            )
        for name in ("slip_start", "guess_start", "prior_start"):
            self._need(name, 0 < getattr(self, name) < 1, "a number in (0, 1)")
        self._need(
            "guess_start", self.guess_start < 1 - self.slip_start, "a number below 1 - slip_start"
        )
        for name in ("prior_beta", "slip_beta", "guess_beta"):
            a, b = getattr(self, name)
            least = 1 if name == "prior_beta" else _LEAST_BETA
            self._need(name, min(a, b) >= least, "two numbers above 1")
        least = self.prior_start
        self._need("most_prior", least <= self.most_prior <= 1, f"prior_start ({least}) to 1")
        self._need("least_contrast", 0 < self.least_contrast < 1, "a number in (0, 1)")
        self._need("enumeration_limit", 0 <= self.enumeration_limit <= 20, "0 to 20")
        self._need("region_limit", self.region_limit in (0, *range(2, 17)), "0, or 2 to 16")
        self._need("cutset_limit", 0 <= self.cutset_limit <= 8, "0 to 8")
        self._need("damping", 0 <= self.damping < 1, "a number in [0, 1)")
        for name in ("sweep_tolerance", "tolerance"):
            self._need(name, getattr(self, name) > 0, "a number above 0")
        for name in ("sweep_limit", "iteration_limit"):
            self._need(name, getattr(self, name) >= 1, "at least 1")
        self._need("halving_limit", self.halving_limit >= 0, "at least 0")

    @classmethod
    def maximum_likelihood(cls, **settings: Any) -> "DiagnosisConfig":
        """Settings without a pull on any parameter, for scored answers on few concepts.

        The Beta priors are flat but for a millionth of a response, which keeps slip and guess
        off 0 and 1; iterations go on until log-likelihoods agree to six digits and more.

        Args:
            **settings: whatever shall differ.

        >>> DiagnosisConfig.maximum_likelihood(link="conjunctive").prior_beta
        (1.0, 1.0)
        """
        flat: dict[str, Any] = {
            "slip_beta": (_LEAST_BETA, _LEAST_BETA),
            "guess_beta": (_LEAST_BETA, _LEAST_BETA),
            "prior_beta": (1.0, 1.0),
            "tolerance": 1e-10,
            "iteration_limit": 5000,
            "enumeration_limit": 15,
        }
        return cls(**(flat | settings))

    def _need(self, name: str, holds: bool, wanted: str) -> None:
        if not holds:
            raise ConfigError(f"{name} is {getattr(self, name)!r}; give {wanted}")

    def to_dict(self) -> dict[str, Any]:
        """All settings as plain values: what a result was made with.

        >>> DiagnosisConfig.from_dict(DiagnosisConfig(damping=0.5).to_dict()).damping
        0.5
        """
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "DiagnosisConfig":
        """The settings that `to_dict` wrote; a name that is not a setting is refused.

        Raises:
            ConfigError: an unknown name, or a value out of its range.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ConfigError(
                f"no setting {unknown[0]!r}; the settings: {', '.join(sorted(known))}"
            )
        pairs: dict[str, Any] = {
            k: tuple(v) if isinstance(v, (list, tuple)) else v for k, v in values.items()
        }
        return cls(**pairs)


@dataclass(frozen=True)
class LearnerModelConfig(DiagnosisConfig):
    """Every setting of the model that learners are diagnosed by, V-DINA's among them.

    Attributes:
        model: "attended": V-DINA fitted to what learners met (`attendance`); "kg-plppm": as it was
            published, where an item of a course that was never opened counts as a failure.
        attended_prior_beta: Beta(a, b) on each prior in place of `prior_beta` where the model is
            "attended"; no prior is above `MOST_ASSUMED` then. How many hold a concept, what was
            opened hardly tells: (2, 3) peaks at 1/3.
        response_rate: of what is met, the share that is opened; None: fitted.
        seed: draws what attendance is fitted to.

    Raises:
        ConfigError: a value is out of its range.

    >>> LearnerModelConfig(model="dina")
    Traceback (most recent call last):
    kgplan.errors.ConfigError: model is 'dina'; give one of: attended, kg-plppm
    """

    model: str = ATTENDED
    attended_prior_beta: tuple[float, float] = (2.0, 3.0)
    response_rate: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.model not in MODELS:
            raise ConfigError(f"model is {self.model!r}; give one of: {', '.join(MODELS)}")
        self._need("attended_prior_beta", min(self.attended_prior_beta) >= 1, "two numbers above 1")
        rate = self.response_rate
        self._need("response_rate", rate is None or 0 < rate < 1, "a number in (0, 1)")
        self._need("seed", self.seed >= 0, "0 or more")
        if self.model == ATTENDED and self.class_prior != "independent":
            raise ConfigError(
                f"class_prior is {self.class_prior!r}, which model {PUBLISHED!r} alone can have;"
                " leave it out, or give both"
            )

    def attended(self) -> Self:
        """What V-DINA is fitted with where the model is "attended"."""
        most = min(self.most_prior, MOST_ASSUMED)
        return replace(self, prior_beta=self.attended_prior_beta, most_prior=most)
