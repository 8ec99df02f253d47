"""The hyperparameters of CMML.

Standard library only, so that reading a configuration does not wait for TensorFlow.
"""

import dataclasses
from typing import Literal

# To be raised whenever the same options and data come to give other weights or scores:
# runs of before are then not taken for up to date.
MODEL_VERSION = 1


@dataclasses.dataclass(frozen=True)
class CMMLOptions:
    """Sizes and switches of a CMML model.

    Attributes:
        embedding_dim: Width of the embedding of each feature.
        item_id: Whether items have an id embedding beside their features.
        prior: What label is expected of a pair before the backbone adds to it:
            "factors" of collaborative filtering, solved in closed form from the
            support set, or "constant", the mean label, as in the paper.
        prior_rank: Latent factors of the "factors" prior; 0 leaves biases alone.
        label_dim: Width of the embedding of a support label.
        encoder_dim: H, units of the GRU and of the hidden layer behind it.
        modulation_dim: Units of each layer of the modulation network's trunk.
        hidden_dims: Units of each hidden layer of the backbone, input side first.
        dropout: Share of pair-embedding units dropped in training.
    """

    embedding_dim: int = 32
    item_id: bool = True
    prior: Literal["factors", "constant"] = "factors"
    prior_rank: int = 16
    label_dim: int = 64
    encoder_dim: int = 128
    modulation_dim: int = 64
    hidden_dims: tuple[int, ...] = (64, 64, 64)
    dropout: float = 0.2

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    def __post_init__(self) -> None:
        """Checks the sizes."""
        sizes = {
            "embedding_dim": self.embedding_dim,
            "label_dim": self.label_dim,
            "encoder_dim": self.encoder_dim,
            "modulation_dim": self.modulation_dim,
        }
        for name, size in [
            *sizes.items(),
            *(("hidden_dims", u) for u in self.hidden_dims),
        ]:
            if size < 1:
                raise ValueError(f"{name} must be at least 1, got {size}.")
        if not self.hidden_dims:
            raise ValueError("hidden_dims must name at least one layer, got none.")
        if self.prior_rank < 0:
            raise ValueError(f"prior_rank must be at least 0, got {self.prior_rank}.")
        if not 0.0 <= self.dropout < 1.0:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}.")
