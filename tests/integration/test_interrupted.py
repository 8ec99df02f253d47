"""A step that is killed in the middle, and started again."""

import hashlib


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_killed_preparation_leaves_no_trace_in_the_next_one(
    cmml, kill_when, write_config, tmp_path
):
    path = write_config(tmp_path)
    many = "prepare", "--config", path, "--set", "data.episodes.num_shards=50"
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    # Small blocks: it takes longer, and the result is the same.
    kill_when(
        lambda: any(killed.glob("own/*/episodes/*")),
        *(*many, "--set", f"prepared_dir={killed}", "--text_block_bytes=256"),
    )
    assert not list(killed.glob("own/*/_SUCCESS"))
    train = cmml("train", *many[1:], "--set", f"prepared_dir={killed}")
    assert "is not a complete prepared data set" in train.stderr

    assert cmml(*many, "--set", f"prepared_dir={killed}").status == 0
    assert cmml(*many, "--set", f"prepared_dir={whole}").status == 0
    assert digests(killed) == digests(whole)
    assert list(killed.glob("own/*/_SUCCESS"))
