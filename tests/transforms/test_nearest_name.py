from transforms.nearest_name import nearest


def test_the_nearest_name_ignores_case():
    assert nearest("userid", ["userId", "item"]) == "; did you mean 'userId'?"
    assert nearest("userid", ["x"]) == "."
