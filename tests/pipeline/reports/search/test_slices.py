from pipeline.reports.search.slices import slices


def test_every_key_has_a_panel(results, words_of):
    words = words_of(slices(results))
    assert {"model.encoder", "model.modulation", "training.learning_rate"} <= set(words)
    assert "model.num_modules (12 of 18 trials)" in words
    assert {"gru", "mean", "film", "soft", "2", "4", "0.001"} <= set(words)
    assert "val_mae, stars (lower is better)" in words


def test_there_is_nothing_to_draw_where_no_key_varies(with_scores):
    assert slices(with_scores((1.0,), (2.0,))) is None


def test_the_same_search_makes_the_same_bytes(results):
    assert slices(results) == slices(results)
