"""Memory of models that are not used any more, given back."""

import gc

from models.legacy_keras import tf


def free_memory() -> None:
    """Frees models that nothing refers to, their graphs, and what Keras keeps of them.

    To be called between one model and the next: each refers to itself in circles, and
    the few Python objects of a large one bring no collection about.
    """
    tf.keras.backend.clear_session()
    gc.collect()
