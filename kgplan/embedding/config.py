"""How is the embedding trained? Every hyper-parameter, checked, from one TOML text.

A configuration is complete: `default.toml` holds a value for each key, and no key has a value
outside the file. `kgplan.store.configs` changes single ones.
"""

import difflib
import math
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kgplan.errors import ConfigError

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
RefitStart = Literal["best", "anew", "none"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class SplitConfig(_Section):
    """Which triples train, which choose the epoch, which are kept for the final figures."""

    train: Annotated[float, Field(gt=0, lt=1)]
    validation: Annotated[float, Field(gt=0, lt=1)]
    test: Annotated[float, Field(gt=0, lt=1)]
    fewest: Annotated[int, Field(ge=0)]
    seed: Seed

    @model_validator(mode="after")
    def _shares_sum_to_one(self) -> Self:
        total = self.train + self.validation + self.test
        if not math.isclose(total, 1, abs_tol=1e-9):
            raise ValueError(f"train + validation + test is {total:g}, and must be 1")
        return self


class ModelConfig(_Section):
    """The shape of TransR and where it starts."""

    dimension: Count
    relation_dimension: Count
    norm: Literal[1, 2]
    squared: bool
    projection_start: Literal["identity", "xavier"]
    seed: Seed


class TrainingConfig(_Section):
    """The loss and the walk down it."""

    regime: Literal["softmax", "negative"]
    score_scale: Positive
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    query_weight_power: Annotated[float, Field(ge=0, le=1)]
    optimiser: Literal["adam", "adagrad"]
    learning_rate: Positive
    final_learning_rate: Positive
    projection_rate: Annotated[float, Field(ge=0, le=1)]
    beta1: Annotated[float, Field(ge=0, lt=1)]
    beta2: Annotated[float, Field(ge=0, lt=1)]
    batch_size: Count
    epochs: Count
    evaluate_every: Count
    patience: Count
    seed: Seed
    threads: Count

    @model_validator(mode="after")
    def _softmax_needs_adam(self) -> Self:
        if self.regime == "softmax" and self.optimiser != "adam":
            raise ValueError(f"regime softmax is trained by adam, not by {self.optimiser}")
        return self


class NegativeConfig(_Section):
    """The negatives and their loss; read in regime "negative" only."""

    loss: Literal["margin", "soft_margin", "self_adversarial", "infonce"]
    margin: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    adversarial_temperature: Positive
    sampler: Literal["uniform", "bernoulli", "typed"]
    negatives: Count
    filtered: bool


class RefitConfig(_Section):
    """The last fit to all facts, after the figures were taken."""

    start: RefitStart
    epochs: Count
    learning_rate: Positive
    final_learning_rate: Positive


class WarmConfig(_Section):
    """The walk that starts from the last vectors."""

    epochs: Count
    learning_rate: Positive
    final_learning_rate: Positive
    refit_epochs: Count


class EvaluationConfig(_Section):
    """How the filtered ranking is computed; it changes the time taken, not the figures."""

    batch_size: Count


class EmbeddingConfig(_Section):
    """Every hyper-parameter of `kgplan.embedding.train.train`; `default.toml` explains the keys."""

    split: SplitConfig
    model: ModelConfig
    training: TrainingConfig
    negative: NegativeConfig
    refit: RefitConfig
    warm: WarmConfig
    evaluation: EvaluationConfig

    @classmethod
    def default(cls) -> Self:
        """The configuration that kgplan comes with, `default.toml`."""
        return cls.from_toml((files(__package__) / "default.toml").read_text(encoding="utf-8"))

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Read a complete configuration.

        Raises:
            ConfigError: no TOML, or a key that is missing, unknown or has an impossible value.
        """
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"the embedding configuration is no TOML: {error}") from None
        return cls.from_dict(values)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The configuration that `to_dict` wrote.

        Raises:
            ConfigError: a key is missing, unknown or has an impossible value.
        """
        try:
            return cls.model_validate(dict(values))
        except ValidationError as error:
            raise ConfigError(_sentence(error)) from None

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Section -> key -> value, ready for JSON."""
        return self.model_dump()


def _sentence(error: ValidationError) -> str:
    # a misspelt key is unknown and missing at once: say the former
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"])
    place = f"embedding configuration, key {key!r}"
    if first["type"] == "missing":
        return f"{place}: it is missing; kgplan/embedding/default.toml shows every key"
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, _known_keys(), n=3)
        hint = f"close matches: {', '.join(near)}" if near else "default.toml shows every key"
        return f"{place}: there is no such key; {hint}"
    return f"{place}: {first['input']!r} cannot be used: {first['msg'].lower()}"


def _known_keys() -> list[str]:
    sections = EmbeddingConfig.model_fields
    return [
        f"{name}.{key}"
        for name, section in sections.items()
        if isinstance(section.annotation, type) and issubclass(section.annotation, _Section)
        for key in section.annotation.model_fields
    ] + list(sections)
