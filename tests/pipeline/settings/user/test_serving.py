import numpy as np
import pytest
from pipeline.settings.user.loaded_dataset import load_dataset
from pipeline.settings.user.raw_requests import raw_request


@pytest.fixture(scope="module")
def episode_and_request(experiment):
    dataset = load_dataset(experiment.dataset_dir)
    return raw_request(dataset, "meta_test", num_tasks=5)


def test_a_request_has_the_inputs_of_rank(episode_and_request):
    episode, request = episode_and_request
    assert {name: values.shape for name, values in request.items()} == {
        "support_item_id": (5, 9),  # 12 ratings less 3 query pairs.
        "support_label": (5, 9),
        "query_item_id": (5, 3),
        "user_gender": (5,),
        "user_language": (5, 8),
        "user_age": (5,),
    }
    assert len(episode["task_id"]) == 5


def test_ids_and_features_are_those_of_the_raw_tables(episode_and_request):
    episode, request = episode_and_request
    for row, task_id in enumerate(episode["task_id"].numpy()):
        user = int(task_id.decode().removeprefix("ü"))
        # As the raw tables were written.
        assert request["user_gender"][row] == (b"M" if user % 2 else b"F")
        languages = [b"en", b"fr"] if user % 3 else [b"de"]
        assert [value for value in request["user_language"][row] if value] == languages
        assert request["user_age"][row] == 20 + user
        items = np.concatenate(
            [request["support_item_id"][row], request["query_item_id"][row]]
        )
        rated = {f"f{item}".encode() for item in range(1, 15) if (user + item) % 7}
        assert set(items) == rated
        labels = [
            1 + (user * int(item[1:]) + user // 3) % 5
            for item in request["support_item_id"][row]
        ]
        np.testing.assert_array_equal(request["support_label"][row], labels)
