"""CMML: a recommender that adapts to a task by a forward pass over its support set."""

from collections.abc import Mapping

from models.legacy_keras import tf

import tensorflow_recommenders as tfrs

from models.backbone import Backbone
from models.context_encoder import SequentialEncoder
from models.entity_table import EntityTable
from models.features import EntityEmbedding
from models.hybrid_context import DotHybrid
from models.modulation import FiLMModulation
from models.options import CMMLOptions
from transforms.schema import DatasetInfo


class CMML(tfrs.Model):
    def __init__(self, users, items, info, options, *, min_id_count=3, seed=0, x=None):
        super().__init__()
        x = x or {}
        self.x = x
        self.label_mean = info.label_mean
        self.label_std = info.label_std
        o = options
        self.users = EntityEmbedding(users, o.embedding_dim, seed=seed, name="users")
        self.items = EntityEmbedding(
            items,
            o.embedding_dim,
            min_id_count=min_id_count if o.item_id else None,
            seed=seed + 100,
            name="items",
        )
        self.item_bias = tf.Variable(tf.zeros([items.num_rows, 1]), name="item_bias")
        D = self.users.width + self.items.width + (1 if x.get("bias_feature") else 0)
        self.encoder = SequentialEncoder(
            D, encoder_dim=o.encoder_dim, label_dim=o.label_dim
        )
        self.hybrid = DotHybrid()
        self.modulation = FiLMModulation(o.hidden_dims, modulation_dim=o.modulation_dim)
        self.backbone = Backbone(D, o.hidden_dims, seed=seed + 200)
        self.drop = tf.keras.layers.Dropout(o.dropout)
        self.mae = tf.keras.metrics.Mean("mae")

    def pairs(self, user, item, training):
        parts = [self.users(user), self.items(item)]
        p = tf.concat(parts, -1)
        p = self.drop(p, training=training)
        if self.x.get("bias_feature"):
            p = tf.concat(
                [
                    p,
                    tf.gather(
                        self.item_bias, tf.gather(self.items.id_of_row[:, 0], item)
                    ),
                ],
                -1,
            )
        return p

    def bias(self, item):
        return tf.gather(self.item_bias, tf.gather(self.items.id_of_row[:, 0], item))[
            ..., 0
        ]

    def adapt(self, e, training=False):
        p = self.pairs(e["support_user"], e["support_item"], training)
        lab = (e["support_label"] - self.label_mean) / self.label_std
        if self.x.get("resid"):
            lab = lab - self.bias(e["support_item"])
        return self.encoder(p, lab, e["support_mask"])

    def score(self, ctx, e, training=False):
        p = self.pairs(e["query_user"], e["query_item"], training)
        h = self.hybrid(ctx, p)
        s = self.backbone(p, self.modulation(h))
        s = s + self.bias(e["query_item"])
        return self.label_mean + self.label_std * s

    def call(self, e, training=False):
        return self.score(self.adapt(e, training), e, training)

    def compute_loss(self, inputs, training=False):
        s = self(inputs, training=training)
        m = tf.cast(inputs["query_mask"], tf.float32)
        err = (s - inputs["query_label"]) * m
        per_task = tf.math.divide_no_nan(
            tf.reduce_sum(tf.abs(err), 1), tf.reduce_sum(m, 1)
        )
        self.mae.update_state(per_task)
        return tf.reduce_sum(err * err) / tf.reduce_sum(m)

    @property
    def metrics(self):
        return [self.mae]
