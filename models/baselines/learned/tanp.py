"""TaNP: a neural process over tasks, with soft clusters of them."""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from models.baselines.learned.learned_baseline import LearnedBaseline, LearnedOptions
from models.baselines.learned.parts.functional_mlp import joined
from models.legacy_keras import tf
from models.masked_mean import masked_mean
from models.recommender import Episode, State, split_episode


@dataclasses.dataclass(frozen=True)
class TaNPOptions(LearnedOptions):
    """Hyperparameters of `TaNP`.

    Attributes:
        hidden_dims: Units of the decoder's hidden layers, input side first.
        encoder_dim: Units of the hidden layers of the encoders of labelled pairs.
        latent_dim: Z, width of the latent variable.
        code_dim: T, width of a task's code.
        num_clusters: K, clusters of tasks.
        degrees: Degrees of freedom of the assignment to clusters.
        latent_weight: Weight of the divergence of latent distributions in the loss.
        cluster_weight: Weight of the sharpening of clusters in the loss.
    """

    encoder_dim: int = 64
    latent_dim: int = 32
    code_dim: int = 32
    num_clusters: int = 10
    degrees: float = 1.0
    latent_weight: float = 1.0
    cluster_weight: float = 1.0


class Gaussian(NamedTuple):
    """Normal distributions of independent units.

    Attributes:
        mean: float32 [B, Z].
        log_variance: float32 [B, Z].
    """

    mean: tf.Tensor
    log_variance: tf.Tensor


class TaNP(LearnedBaseline):
    """Decodes scores from a pair, a latent variable and a code of the task.

    Labelled pairs give a normal distribution of the latent variable. Training samples
    it given support and query and draws the distribution given the support alone
    towards that; otherwise it is the mean given the support alone. The code, from the
    support set too, is added to the cluster centres it is near to, and scales and
    shifts the layers of the decoder.

    A task without support has fixed, trained distributions and the code 0.

    Arguments as of `LearnedBaseline`.

    Source:
        Lin et al., "Task-adaptive Neural Process for User Cold-Start Recommendation"
        (WWW 2021), with the FiLM decoder. Deviation: the mean of the latent variable
        is used at test, where the released code samples it; the error is that on the
        query set, without the support; support and query are given, not drawn anew
        from their union; no dropout but that of the inputs; in the scenario-specific
        setting labels are 1 and -1 and the error is the ranking loss.
    """

    OPTIONS = TaNPOptions
    CANDIDATES = (
        {},
        {"learning_rate": 3e-4},
        {"latent_weight": 0.1},
        {"cluster_weight": 0.1},
    )

    def _build_parts(self, options: TaNPOptions, seed: int) -> None:
        encoder, dims = options.encoder_dim, options.hidden_dims
        self.latent_encoder = _network([encoder, encoder, encoder], seed)
        self.latent_head = _network([encoder, 2 * options.latent_dim], seed + 10)
        self.code_encoder = _network([encoder, encoder, options.code_dim], seed + 20)
        self.clusters = StudentClusters(
            options.num_clusters,
            options.code_dim,
            degrees=options.degrees,
            seed=seed + 30,
        )
        self.layers_of_decoder = [
            _dense(units, seed + 40 + number) for number, units in enumerate(dims)
        ]
        self.scales = [
            _dense(units, seed + 60 + number, "tanh", f"scale_{number}")
            for number, units in enumerate(dims)
        ]
        self.shifts = [
            _dense(units, seed + 80 + number, "tanh", f"shift_{number}")
            for number, units in enumerate(dims)
        ]
        self.head = _dense(1, seed + 100)
        self.generator = tf.random.Generator.from_seed(seed)

    def adapt(self, support: Episode, training: bool = False) -> State:
        """Returns the mean latent variable [B, Z] and the code [B, T] of each task."""
        labelled = self._labelled_support(support, training)
        mask = support["support_mask"]
        code, _ = self._code(labelled, mask)
        return self._latent(labelled, mask).mean, code

    def raw_score(
        self, state: State, query: Episode, training: bool = False
    ) -> tf.Tensor:
        """Scores query pairs, float32 [B, Q]."""
        latent, code = state
        pairs = self.inputs_of_pairs.embed_query(query, training)
        return self._decode(joined(pairs), latent, code)

    def compute_loss(self, inputs: Episode, training: bool = False) -> tf.Tensor:
        """Error on the query set; in training, with divergences and a sampled latent.

        Only training looks at query labels before it scores.
        """
        if not training:
            return super().compute_loss(inputs, training)
        support, query = split_episode(inputs)
        mask = support["support_mask"]
        labelled = self._labelled_support(support, training)
        pairs = self.inputs_of_pairs.embed_query(query, training)
        prior = self._latent(labelled, mask)
        posterior = self._latent(
            tf.concat([labelled, self._labelled(pairs, inputs, "query")], axis=1),
            tf.concat([mask, inputs["query_mask"]], axis=1),
        )
        code, shares = self._code(labelled, mask)
        raw = self._decode(pairs, self._sample(posterior), code)
        return (
            self.objective.query_loss(inputs, raw)
            + self.options.latent_weight * gaussian_divergence(posterior, prior)
            + self.options.cluster_weight * sharpening_loss(shares)
        )

    def _labelled_support(self, support: Episode, training: bool) -> tf.Tensor:
        """Returns support pairs with their signals, float32 [B, S, D + 1]."""
        pairs = self.inputs_of_pairs.embed_support(support, training)
        return self._labelled(pairs, support, "support")

    def _labelled(self, pairs: tf.Tensor, episode: Episode, role: str) -> tf.Tensor:
        """Returns pairs of a support or query set with their signals."""
        labels, mask = episode[f"{role}_label"], episode[f"{role}_mask"]
        signals = self.objective.signals(labels, mask)
        return tf.concat([pairs, signals[..., tf.newaxis]], axis=-1)

    def _latent(self, labelled: tf.Tensor, mask: tf.Tensor) -> Gaussian:
        """Returns the distribution of the latent variable given labelled pairs."""
        pooled = masked_mean(self.latent_encoder(labelled), mask[..., tf.newaxis], 1)
        mean, log_variance = tf.split(self.latent_head(pooled), 2, axis=-1)
        return Gaussian(mean, log_variance)

    def _code(
        self, labelled: tf.Tensor, mask: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the code [B, T] with that of its clusters, and their shares."""
        code = masked_mean(self.code_encoder(labelled), mask[..., tf.newaxis], 1)
        shares = self.clusters(code)
        return code + self.clusters.mix(shares), shares

    def _sample(self, latent: Gaussian) -> tf.Tensor:
        noise = self.generator.normal(tf.shape(latent.mean))
        return latent.mean + tf.exp(0.5 * latent.log_variance) * noise

    def _decode(
        self, pairs: tf.Tensor, latent: tf.Tensor, code: tf.Tensor
    ) -> tf.Tensor:
        """Returns raw scores, float32 [B, Q]."""
        shape = tf.concat([tf.shape(pairs)[:2], tf.shape(latent)[1:]], axis=0)
        latents = tf.broadcast_to(latent[:, tf.newaxis], shape)  # [B, Q, Z]
        hidden = tf.concat([pairs, latents], axis=-1)
        for layer, scale, shift in zip(
            self.layers_of_decoder, self.scales, self.shifts, strict=True
        ):
            scales, shifts = scale(code), shift(code)  # [B, units]
            hidden = scales[:, tf.newaxis] * layer(hidden) + shifts[:, tf.newaxis]
            hidden = tf.nn.relu(hidden)
        return tf.squeeze(self.head(hidden), axis=-1)


def gaussian_divergence(posterior: Gaussian, prior: Gaussian) -> tf.Tensor:
    """Returns KL(posterior || prior), the mean over tasks, a scalar."""
    squared = tf.square(posterior.mean - prior.mean)
    log_ratio = posterior.log_variance - prior.log_variance
    divergence = tf.exp(log_ratio) + squared * tf.exp(-prior.log_variance)
    return 0.5 * tf.reduce_mean(tf.reduce_sum(divergence - 1.0 - log_ratio, axis=-1))


def _network(widths: Sequence[int], seed: int) -> tf.keras.Sequential:
    """Returns layers of these units, ReLU between them."""
    hidden = [
        _dense(units, seed + number, "relu") for number, units in enumerate(widths[:-1])
    ]
    return tf.keras.Sequential([*hidden, _dense(widths[-1], seed + len(hidden))])


def _dense(
    units: int, seed: int, activation: str | None = None, name: str | None = None
) -> tf.keras.layers.Dense:
    return tf.keras.layers.Dense(
        units,
        activation=activation,
        use_bias=activation != "tanh",  # Scales and shifts have none in the paper.
        kernel_initializer=tf.keras.initializers.GlorotUniform(seed=seed),
        name=name,
    )


class StudentClusters(tf.keras.layers.Layer):
    """Assigns codes to trained cluster centres by a Student-t kernel.

    Args:
        num_clusters: K, number of centres.
        code_dim: T, width of a code and of a centre.
        degrees: Degrees of freedom; the smaller, the heavier the tail.
        seed: Seed of the initial centres.

    Call arguments:
        codes: float32 [B, T].

    Returns:
        float32 [B, K], in proportion to (1 + d^2 / degrees)^(-(degrees + 1) / 2) where
        d is the distance to a centre; each row sums to 1.

    Source:
        Lin et al., TaNP (WWW 2021), section 4.3. Deviation: distances are squared, as
        in the paper, which its released code leaves out.
    """

    def __init__(
        self, num_clusters: int, code_dim: int, *, degrees: float, seed: int
    ) -> None:
        super().__init__(name="clusters")
        self.degrees = degrees
        self.centres = self.add_weight(
            "centres",
            shape=[num_clusters, code_dim],
            initializer=tf.keras.initializers.GlorotUniform(seed=seed),
        )

    def call(self, codes: tf.Tensor) -> tf.Tensor:
        """Returns the share of each cluster."""
        differences = codes[:, tf.newaxis] - self.centres  # [B, K, T]
        squared = tf.reduce_sum(tf.square(differences), axis=-1)
        power = -(self.degrees + 1.0) / 2.0
        return tf.nn.softmax(power * tf.math.log1p(squared / self.degrees))

    def mix(self, shares: tf.Tensor) -> tf.Tensor:
        """Returns the centres weighted by shares [B, K], float32 [B, T]."""
        return shares @ self.centres


def sharpening_loss(shares: tf.Tensor) -> tf.Tensor:
    """Returns how far shares [B, K] are from sharper ones, a scalar.

    The sharper ones, shares squared over the size of the cluster in the batch, are
    held fixed; KL(sharper || shares), the mean over tasks.
    """
    sharper = tf.square(shares) / tf.reduce_sum(shares, axis=0)
    sharper /= tf.reduce_sum(sharper, axis=-1, keepdims=True)
    sharper = tf.stop_gradient(sharper)
    divergence = tf.math.xlogy(sharper, sharper) - tf.math.xlogy(sharper, shares)
    return tf.reduce_mean(tf.reduce_sum(divergence, axis=-1))
