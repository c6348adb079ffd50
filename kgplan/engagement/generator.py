"""Sessions with planted states: faces, voices, movement and counts drawn from what is known.

A learner has a share of time for each state; a state stays with .85 from window to window and is
drawn anew from the shares else. Each state has four parameters in every modality; a learner's
offset and noise are added, and from the sums a face, a voice, movement and counts are made. In each
modality some states are twins: they have equal parameters, so that no encoder of it can tell them
apart. What fusion gains here is therefore planted and says nothing of children.
Sizes: S sessions, T windows, U learners, N windows of all sessions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import fft

from kgplan.arrays import Array, Floats, Ints
from kgplan.errors import ConfigError

STATES = ("neutral", "positive", "confused", "anxious", "fatigued")
MODALITIES = ("visual", "audio", "motion", "log")
PROFILES = np.array(
    [
        [0.35, 0.45, 0.12, 0.04, 0.04],
        [0.30, 0.15, 0.40, 0.10, 0.05],
        [0.30, 0.10, 0.20, 0.35, 0.05],
        [0.35, 0.10, 0.10, 0.05, 0.40],
    ]
)
STAYS = 0.85
ENGAGED = np.array([0.55, 0.85, 0.50, 0.35, 0.15])  # of each state
OFFSET, NOISE = 0.5, 1.0  # standard deviations of a learner's offset, of a window
# Their common scale was set once: by visual, audio and log the filter with the truth is right in
# .927 of windows, where the first look had .926.
MEANS: Mapping[str, Floats] = {
    # mouth, eyes, brows, tilt of the head; confused and anxious are twins
    "visual": np.array(
        [
            [0.0, 0.0, 0.0, 0.0],
            [1.3, 0.4, 0.3, 0.0],
            [-0.6, 0.6, 1.2, 0.5],
            [-0.6, 0.6, 1.2, 0.5],
            [-0.5, -1.4, -0.3, 0.7],
        ]
    ),
    # pitch, its range, syllables a second, energy; neutral and confused are twins
    "audio": np.array(
        [
            [0.0, 0.0, 0.0, 0.0],
            [0.7, 1.2, 0.3, 0.7],
            [0.0, 0.0, 0.0, 0.0],
            [1.1, -0.5, 1.1, 0.0],
            [-0.8, -0.8, -0.9, -0.8],
        ]
    ),
    # how much, how fast, leaning, bursts; positive and anxious are twins
    "motion": np.array(
        [
            [0.0, 0.0, 0.0, 0.0],
            [0.9, 0.8, 0.0, 0.9],
            [0.3, -0.4, 1.2, 0.2],
            [0.9, 0.8, 0.0, 0.9],
            [-1.0, -0.8, 0.8, -0.6],
        ]
    ),
    # going on, asking for help, errors, away; neutral and positive, anxious and fatigued are twins
    "log": np.array(
        [
            [0.5, -0.3, -0.4, -0.3],
            [0.5, -0.3, -0.4, -0.3],
            [-0.4, 1.2, 0.8, 0.0],
            [-0.8, -0.2, 0.6, 1.2],
            [-0.8, -0.2, 0.6, 1.2],
        ]
    ),
}
TWINS: Mapping[str, tuple[tuple[int, int], ...]] = {
    "visual": ((2, 3),),
    "audio": ((0, 2),),
    "motion": ((1, 3),),
    "log": ((0, 1), (3, 4)),
}
SIDE = 32  # pixels of a face
RATE, FRAME, HOP, BANDS, FRAMES = 8_000, 256, 120, 32, 64  # of a second of sound
FORMANTS, BANDWIDTH = (800.0, 1_500.0, 2_800.0), 150.0  # Hz
SAMPLES, CHANNELS, MOTION_RATE = 300, 6, 10.0
KINDS, SLICES = 16, 6  # of events; slices of 5 s
LOADINGS = np.random.default_rng(16).normal(0, 0.35, (4, KINDS))
USUAL_RATES = np.random.default_rng(17).normal(-0.6, 0.5, KINDS)  # log of counts in a slice


@dataclass(frozen=True)
class GeneratorConfig:
    """What is drawn.

    Attributes:
        learners, sessions, windows: U, sessions of each, T.
        modalities: those that are made.
        seed: of all draws.

    Raises:
        ConfigError: a setting cannot be.
    """

    learners: int = 200
    sessions: int = 3
    windows: int = 30
    modalities: tuple[str, ...] = MODALITIES
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("learners", "sessions", "windows"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; give 1 or more")
        unknown = sorted(set(self.modalities) - set(MODALITIES))
        if unknown:
            raise ConfigError(
                f"modality {unknown[0]!r} is not made; give some of {', '.join(MODALITIES)}"
            )


@dataclass(frozen=True)
class World:
    """Sessions, and the truth behind them.

    Attributes:
        learner: (S,) whose each session is, 0 to U - 1.
        state: (S, T) positions in `STATES`.
        engagement: (S, T) in [0, 1].
        shares: (U, 5) of time, of each learner.
        offsets: modality -> (U, 4).
        parameters: modality -> (S, T, 4) from which the inputs were made.
        inputs: modality -> visual (S, T, 32, 32), audio (S, T, 32, 64), motion (S, T, 6, 300),
            log (S, T, 16, 6), float32.
    """

    learner: Ints
    state: Ints
    engagement: Floats
    shares: Floats
    offsets: Mapping[str, Floats]
    parameters: Mapping[str, Floats]
    inputs: Mapping[str, Floats]

    @cached_property
    def by_learner(self) -> tuple[Ints, Ints, Ints]:
        """Sessions for training, validation and the test: 60, 20 and 20 % of learners, whole."""
        n = self.shares.shape[0]
        parts = np.split(np.arange(n), [round(0.6 * n), round(0.8 * n)])
        first, second, third = (np.flatnonzero(np.isin(self.learner, each)) for each in parts)
        return first, second, third


def generate(config: GeneratorConfig) -> World:
    """Draw states, parameters and inputs."""
    rng = np.random.default_rng(config.seed)
    shares = learner_shares(config.learners, rng)
    learner = np.repeat(np.arange(config.learners), config.sessions)
    state = chains(shares[learner], config.windows, rng)
    engagement = engagements(state, rng)
    offsets, parameters, inputs = {}, {}, {}
    for name in MODALITIES:  # all are drawn, so that fewer inputs leave the others as they are
        own = np.random.default_rng([config.seed, 1 + MODALITIES.index(name)])
        offsets[name] = own.normal(0, OFFSET, (config.learners, 4))
        noise = own.normal(0, NOISE, (*state.shape, 4))
        parameters[name] = MEANS[name][state] + offsets[name][learner][:, None] + noise
        if name in config.modalities:
            flat = parameters[name].reshape(-1, 4)
            made = RENDERERS[name](flat, own)
            inputs[name] = made.reshape(*state.shape, *made.shape[1:])
    return World(learner, state, engagement, shares, offsets, parameters, inputs)


def learner_shares(n: int, rng: np.random.Generator) -> Floats:
    """(n, 5) each learner's shares of time: a profile, moved by exp(.3 N), adding to 1."""
    shares = PROFILES[rng.integers(0, len(PROFILES), n)] * np.exp(0.3 * rng.normal(size=(n, 5)))
    return shares / shares.sum(axis=1, keepdims=True)


def chains(shares: Floats, windows: int, rng: np.random.Generator) -> Ints:
    """(S, T) states in order.

    Args:
        shares: (S, 5) of each session's learner.
        windows: T.
        rng: draws.
    """
    edges = shares.cumsum(axis=1)[:, None, :-1]
    drawn = (rng.random((len(shares), windows, 1)) > edges).sum(axis=2)
    stays = rng.random((len(shares), windows)) < STAYS
    state = drawn.copy()
    for t in range(1, windows):
        state[:, t] = np.where(stays[:, t], state[:, t - 1], drawn[:, t])
    return state


def engagements(state: Ints, rng: np.random.Generator) -> Floats:
    """(S, T) that of the state and a wave (AR(1), .8, innovations of .05), within [0, 1]."""
    wave = rng.normal(0, 0.05, state.shape)
    wave[:, 0] /= np.sqrt(1 - 0.8**2)
    for t in range(1, state.shape[1]):
        wave[:, t] += 0.8 * wave[:, t - 1]
    return np.asarray(np.clip(ENGAGED[state] + wave, 0, 1))


def filtered(world: World, names: tuple[str, ...] = MODALITIES) -> Floats:
    """(S, T, 5) posterior of the state by a forward filter with the true shares, offsets, means
    and noise, which sees the parameters themselves: nobody can be better, but by chance.

    Args:
        world: with the parameters.
        names: modalities that it sees.
    """
    fit = np.zeros((*world.state.shape, len(STATES)))
    for name in names:
        centred = world.parameters[name] - world.offsets[name][world.learner][:, None]
        gap = centred[:, :, None, :] - MEANS[name]
        fit -= (gap**2).sum(axis=-1) / (2 * NOISE**2)
    likely = np.exp(fit - fit.max(axis=-1, keepdims=True))
    shares = world.shares[world.learner]
    now, found = shares, []
    for t in range(likely.shape[1]):
        before = now if t == 0 else STAYS * now + (1 - STAYS) * shares
        now = before * likely[:, t]
        now = now / now.sum(axis=1, keepdims=True)
        found.append(now)
    return np.stack(found, axis=1)


# ---------------------------------------------------------------- what is made of parameters


def faces(parameters: Floats, rng: np.random.Generator) -> Floats:
    """(N, 32, 32) grey drawings: moved, lit differently, one in ten half hidden.

    Args:
        parameters: (N, 4) mouth, eyes, brows, tilt.
        rng: draws place, light, noise and what hides.
    """
    n = len(parameters)
    mouth, eyes, brows, tilt = np.tanh(parameters.T[:, :, None, None].astype(np.float32) / 2.5)
    line = np.linspace(-1, 1, SIDE, dtype=np.float32)
    moved = rng.uniform(-0.12, 0.12, (2, n, 1, 1)).astype(np.float32)
    x0, y0 = line[None, None, :] - moved[0], line[None, :, None] - moved[1]
    turn = 0.35 * tilt
    x, y = x0 * np.cos(turn) + y0 * np.sin(turn), y0 * np.cos(turn) - x0 * np.sin(turn)
    side = np.abs(x) - 0.33
    face = _soft(1 - (x / 0.75) ** 2 - (y / 0.95) ** 2, 8)
    eye = _soft(1 - (side / 0.16) ** 2 - ((y + 0.15) / (0.11 + 0.08 * eyes)) ** 2, 3)
    brow = _soft(0.06 - np.abs(y + 0.45 + 0.1 * brows - 0.6 * brows * side), 40)
    brow = brow * _soft(0.2 - np.abs(side), 30)
    lip = _soft(0.07 - np.abs(y - 0.5 - 0.8 * mouth * (0.06 - x**2)), 40)
    lip = lip * _soft(0.35 - np.abs(x), 30)
    light = rng.uniform(0.8, 1.2, (n, 1, 1)).astype(np.float32)
    picture = light * face * (1 - 0.8 * np.maximum(np.maximum(eye, brow), lip))
    hidden = np.flatnonzero(rng.random(n) < 0.1)
    for k, (top, left) in zip(hidden, rng.integers(0, SIDE - 14, (hidden.size, 2)), strict=True):
        picture[k, top : top + 14, left : left + 14] = 0.5
    return np.asarray(picture + rng.normal(0, 0.05, picture.shape), dtype=np.float32)


def _soft(value: Floats, steep: float) -> Floats:
    """From 0 to 1 where the value turns positive."""
    return np.asarray(1 / (1 + np.exp(-steep * np.clip(value, -2, 2))))


def voices(parameters: Floats, rng: np.random.Generator) -> Floats:
    """(N, 32, 64) log-mel spectrograms of a second: pulses through formants, noise of 5 to 20 dB.

    Args:
        parameters: (N, 4) pitch, its range, syllables a second, energy.
        rng: draws phases and noise.
    """
    parts = np.array_split(parameters, max(1, len(parameters) // 256))
    return np.concatenate([spectrogram(_sounds(part, rng)) for part in parts])


def _sounds(parameters: Floats, rng: np.random.Generator) -> Floats:
    """(N, 8000) a second of sound."""
    n = len(parameters)
    pitch, spread, tempo, energy = np.tanh(parameters.T[:, :, None] / 2.5)
    time = np.arange(RATE)[None, :] / RATE
    phases = rng.random((2, n, 1))
    syllables = time * 4 * 2.0**tempo + phases[0]
    wave = np.sin(2 * np.pi * syllables)
    frequency = 260 * 2.0 ** (0.6 * pitch + (0.15 + 0.12 * spread) * wave)
    phase = np.cumsum(frequency, axis=1) / RATE + phases[1]
    pulses = np.diff(np.floor(phase), axis=1, prepend=0)
    pulses[:, 0] = 0
    heard = fft.irfft(fft.rfft(pulses.astype(np.float32)) * _formants(), RATE)
    heard *= (0.5 - 0.5 * np.cos(2 * np.pi * syllables)) * 10 ** (0.5 * energy)
    level = heard.std(axis=1, keepdims=True) / 10 ** (rng.uniform(5, 20, (n, 1)) / 20)
    return np.asarray(heard + level * rng.standard_normal((n, RATE), dtype=np.float32))


def _formants() -> Floats:
    """(4001,) how strongly each frequency comes through."""
    hz = np.arange(RATE // 2 + 1)
    peaks = [1 / (1 + ((hz - centre) / BANDWIDTH) ** 2) for centre in FORMANTS]
    return np.asarray(np.sum(peaks, axis=0) + 0.02, dtype=np.float32)


def spectrogram(sounds: Floats) -> Floats:
    """(N, 32, 64) log of the energy in mel bands: Hann windows of 256, a hop of 120.

    Args:
        sounds: (N, 8000) at 8 kHz.
    """
    framed = np.lib.stride_tricks.sliding_window_view(sounds, FRAME, axis=1)[:, ::HOP][:, :FRAMES]
    window = np.hanning(FRAME).astype(np.float32)
    power = np.abs(fft.rfft((framed * window).astype(np.float32))) ** 2
    return np.asarray(np.log(power @ _mel().T + 1e-6).transpose(0, 2, 1), dtype=np.float32)


def _mel() -> Floats:
    """(32, 129) triangles, alike in width on the mel scale."""
    highest = 2595 * np.log10(1 + RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, BANDS + 2) / 2595) - 1)
    hz = np.arange(FRAME // 2 + 1) * RATE / FRAME
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (hz - low) / (middle - low), (high - hz) / (high - middle)
    return np.asarray(np.clip(np.minimum(rising, falling), 0, None), dtype=np.float32)


def movements(parameters: Floats, rng: np.random.Generator) -> Floats:
    """(N, 6, 300) accelerometer and gyroscope over 30 s at 10 Hz, smoothed over three samples.

    Args:
        parameters: (N, 4) how much, how fast, leaning, bursts.
        rng: draws phases, directions, moments of bursts, noise.
    """
    n = len(parameters)
    amount, tempo, lean, bursts = np.tanh(parameters.T[:, :, None, None].astype(np.float32) / 2.5)
    time = (np.arange(SAMPLES + 2, dtype=np.float32) / MOTION_RATE)[None, None, :]
    phase = rng.uniform(0, 2 * np.pi, (n, CHANNELS, 1)).astype(np.float32)
    reach = rng.uniform(0.5, 1.5, (n, CHANNELS, 1)).astype(np.float32)
    moved = reach * 0.5 * 3.0**amount * np.sin(2 * np.pi * 0.8 * 2.0**tempo * time + phase)
    often = 0.02 * 3.0 ** bursts[:, 0]  # of a sample
    starts = (rng.random((n, time.size)) < often).astype(np.float32)
    shaken = np.maximum.reduce([np.roll(starts, k, axis=1) for k in range(5)])[:, None]
    jerks = rng.standard_normal((n, CHANNELS, time.size), dtype=np.float32)
    resting = np.zeros((n, CHANNELS, 1), dtype=np.float32)
    resting[:, 0], resting[:, 2] = np.sin(0.6 * lean[:, 0]), np.cos(0.6 * lean[:, 0])
    raw = resting + moved + (0.2 + 1.2 * shaken) * jerks
    return np.asarray((raw[:, :, :-2] + raw[:, :, 1:-1] + raw[:, :, 2:]) / 3, dtype=np.float32)


def counts(parameters: Floats, rng: np.random.Generator) -> Floats:
    """(N, 16, 6) log(1 + count) of each kind of event in each slice, the counts Poisson.

    Args:
        parameters: (N, 4) going on, asking for help, errors, away.
        rng: draws.
    """
    rates = np.exp(USUAL_RATES + parameters @ LOADINGS)
    drawn = rng.poisson(np.minimum(rates, 50)[:, :, None], (len(parameters), KINDS, SLICES))
    return np.asarray(np.log1p(drawn), dtype=np.float32)


RENDERERS = {"visual": faces, "audio": voices, "motion": movements, "log": counts}


def majority(state: Array) -> float:
    """Share of the commonest state."""
    return float(np.bincount(np.ravel(state), minlength=len(STATES)).max() / np.size(state))
