from transforms.writing.protos import build_anomalies


def test_anomalies_count_refused_rows_by_reason():
    anomalies = build_anomalies({"malformed": 3})
    assert anomalies.anomaly_info["malformed"].short_description == "3 rows refused"
    assert (
        "cannot be cut into fields" in anomalies.anomaly_info["malformed"].description
    )
