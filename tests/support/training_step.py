"""One step of training, outside of `fit`."""

from models.legacy_keras import tf


def take_step(model, episode, optimizer):
    """Moves the weights that have a gradient, and returns the loss before."""
    with tf.GradientTape() as tape:
        loss = model.compute_loss(episode, training=True)
    weights = model.trainable_variables
    gradients = zip(tape.gradient(loss, weights), weights, strict=True)
    optimizer.apply_gradients([pair for pair in gradients if pair[0] is not None])
    return loss
