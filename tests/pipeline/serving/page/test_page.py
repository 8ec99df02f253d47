"""The page in a browser, as a person uses it, compared with what REST answers."""

import json
import urllib.request

import pytest
import tensorflow as tf

LOADED = "document.querySelector('#recommendations > li')"
ROWS = "[...document.querySelectorAll('#recommendations > li')]"
MINUS = "\N{MINUS SIGN}"
NOBODY = {"user_age": float("nan"), "user_gender": "", "user_languages": []}


@pytest.fixture
def ask(server):
    """Asks for one task over REST."""

    def ask(model, signature, **inputs):
        body = {"signature_name": signature, "instances": [inputs]}
        request = urllib.request.Request(
            f"{server.rest_url}/v1/models/{model}:predict", json.dumps(body).encode()
        )
        with urllib.request.urlopen(request) as response:
            (answer,) = json.load(response)["predictions"]
        return answer

    return ask


@pytest.fixture
def browser(chromium):
    """The browser; at the end its console must have nothing to complain about."""
    chromium.prefer(prefers_color_scheme="light", prefers_reduced_motion="reduce")
    yield chromium
    assert chromium.complaints == []


@pytest.fixture
def films(browser, server):
    """Opens the page of "films" with what a hash says."""

    def open_page(hash_=""):
        browser.open(f"{server.rest_url}/#{hash_}")
        browser.wait(f"{LOADED} || !document.querySelector('#error').hidden")
        return browser

    return open_page


def text(browser, selector):
    return browser.evaluate(f"document.querySelector({json.dumps(selector)}).innerText")


def texts(browser, selector):
    found = f"[...document.querySelectorAll({json.dumps(selector)})]"
    return browser.evaluate(f"{found}.map((node) => node.innerText)")


def shown_ids(browser):
    return browser.evaluate(f"{ROWS}.map((row) => row.dataset.item)")


def wait_for_status(browser, start):
    browser.wait(
        "document.querySelector('#list-status').innerText"
        f".startsWith({json.dumps(start)})"
    )


def wait_for_order(browser, ids):
    wanted = json.dumps(",".join(ids))
    browser.wait(f"{ROWS}.map((row) => row.dataset.item).join() === {wanted}")


def star(item, label):
    return f"#pairs [data-item='{item}'] label:has(input[value='{label}'])"


def test_who_has_rated_nothing_gets_what_is_popular_and_is_told(films, ask):
    page = films()
    status = "Nobody knows you yet: the most popular items, by share of ratings."
    assert text(page, "#list-status") == status
    answer = ask(
        "films",
        "recommend",
        support_item_id=[],
        support_label=[],
        exclude_item_id=[],
        **NOBODY,
    )
    assert shown_ids(page) == answer["item_id"][:10]
    # The first of 14 items has a popularity of 14 / 100.
    assert text(page, "#recommendations .number") == "14.00 %"
    page.click("#recommendations button.item")
    page.wait("document.querySelector('.why')")
    assert "no ratings yet" in text(page, ".why")


def test_a_search_a_click_and_a_rating_change_the_list(films, ask):
    page = films()
    page.click("#search")
    page.type("amelie")
    page.wait("document.querySelector('#search-results:not([hidden]) > li')")
    found = texts(page, "#search-results > li > :first-child")
    assert found == ["Amélie", "the item with the id “amelie”"]
    page.click("#search-results > li")
    assert "f4" in shown_ids(page)  # Not rated yet.
    page.click(star("f4", 5))
    wait_for_status(page, "From 1 rating.")
    answer = ask(
        "films",
        "recommend",
        support_item_id=["f4"],
        support_label=[5],
        exclude_item_id=[],
        **NOBODY,
    )
    # Items of the genre of f4, by popularity, then the others.
    assert answer["item_id"][:5] == ["f1", "f7", "f10", "f13", "f0"]
    assert shown_ids(page) == answer["item_id"][:10]
    assert "f4" not in shown_ids(page)
    assert texts(page, "#recommendations .number") == [
        f"{score:.2f}" for score in answer["score"][:10]
    ]


def test_marks_say_how_an_item_has_moved(films):
    page = films()
    page.click("#search")
    page.type("f4")
    page.press("Enter")
    page.click(star("f4", 5))
    wait_for_status(page, "From 1 rating.")
    marks = texts(page, "#recommendations .mark > :last-child")
    # Before: f0 f1 f2 ... f11. Now: f1 f7 f10 f13 f0 f2 f3 f5 f6 f8.
    moves = ["up 1", "up 6", "up 8", "new in the list", "down 4", "down 3"]
    assert marks == [*moves, "down 3", "down 2", "down 2", "down 1"]


def test_the_explanation_is_that_of_the_server(films, ask):
    page = films("item=f4&label=5&item=f7&label=2&item=f2&label=4&user_age=40")
    page.click("#recommendations [data-item='f1'] button")
    page.wait("document.querySelector('.why')")
    answer = ask(
        "films",
        "explain",
        support_item_id=["f4", "f7", "f2"],
        support_label=[5, 2, 4],
        query_item_id=["f1"],
        user_age=40,
        user_gender="",
        user_languages=[],
    )
    # (5 - 3) / 4, (2 - 3) / 4, and another genre.
    assert answer["attribution"] == [[0.5, -0.25, 0.0]]
    assert texts(page, ".attributions .name") == ["Amélie", "Film 7", "Film 2"]
    assert texts(page, ".attributions .number") == ["+0.50", f"{MINUS}0.25", "+0.00"]
    # 3 + 13 / 100 + 40 / 1000 + 0.5 - 0.25.
    assert answer["score"] == pytest.approx([3.42])
    summary = "Score 3.42; without your ratings it would be 3.17."
    assert text(page, ".summary") == summary
    is_open = "document.querySelector('[data-item=f1] button').ariaExpanded"
    assert page.evaluate(is_open) == "true"
    page.click("#recommendations [data-item='f1'] button")
    page.wait("!document.querySelector('.why')")


def test_the_modulation_is_drawn_part_by_part(films):
    page = films("item=f4&label=5&why=f1")
    page.wait("document.querySelector('.why canvas')")
    assert page.evaluate(
        "[...document.querySelectorAll('.strips canvas')].map((c) => c.ariaLabel)"
    ) == [
        "scale_0, width 2, changed by at most 0.50",
        "shift_0, width 1, changed by at most 0",
    ]
    # Red, blue and alpha in the cells of +0.5 and -0.5, and of no change.
    cells = page.evaluate(
        "[...document.querySelectorAll('.strips canvas')].flatMap((c) => {"
        " const pixels = c.getContext('2d').getImageData(0, 0, c.width, 1).data;"
        " return [...Array(c.width / 4).keys()].map((i) =>"
        " [...pixels.slice(16 * i, 16 * i + 4)]); })"
    )
    assert cells == [[220, 110, 20, 255], [40, 120, 220, 255], [0, 0, 0, 0]]


def test_the_explanation_follows_the_ratings(films):
    page = films("item=f4&label=5&why=f1")
    page.wait("document.querySelector('.attributions')")
    page.click(star("f4", 1))
    page.wait(
        f"document.querySelector('.attributions .number').innerText === '{MINUS}0.50'"
    )


def test_a_recommendation_can_be_rated_where_it_stands(films):
    page = films("item=f4&label=5&why=f1")
    page.click(".rate-here label:has(input[value='4'])")
    wait_for_status(page, "From 2 ratings.")
    assert "f1" not in shown_ids(page)
    assert page.evaluate(
        f"document.querySelector({json.dumps(star('f1', 4))})"
        ".querySelector('input').checked"
    )


def test_everything_can_be_done_with_the_keyboard(films):
    page = films()
    page.evaluate("document.querySelector('#search').focus()")
    page.type("film")
    page.press("ArrowDown")
    page.press("Enter")  # The second of those found.
    # One more to the right: the focus is on the first star, which is not chosen yet.
    page.press("ArrowRight")
    wait_for_status(page, "From 1 rating.")
    assert page.evaluate("location.hash") == "#item=f1&label=2"
    page.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel") == "Remove Film 1"
    page.press("Enter")
    wait_for_status(page, "Nobody knows you yet")
    page.evaluate("document.querySelector('#search').focus()")
    page.type("am")
    page.press("Escape")
    assert page.evaluate("document.querySelector('#search').ariaExpanded") == "false"


def test_the_address_keeps_everything(films):
    page = films()
    page.click("#search")
    page.type("f4")
    page.press("Enter")
    page.click(star("f4", 5))
    page.click("[name='user_gender']")
    page.type("F")
    page.click("[name='user_languages']")
    page.type("de, fr")
    wait_for_status(page, "From 1 rating.")
    page.click("#recommendations [data-item='f7'] button")
    page.wait("document.querySelector('.why')")
    before = page.evaluate("location.hash.slice(1)")
    shown = shown_ids(page)
    assert before == ("item=f4&label=5&user_gender=F&user_languages=de%2C+fr&why=f7")
    page = films(before)
    page.wait("document.querySelector('#recommendations [data-item=f7] .why')")
    assert shown_ids(page) == shown
    assert page.evaluate("document.querySelector('[name=user_gender]').value") == "F"
    page.click("#start-over")
    wait_for_status(page, "Nobody knows you yet")
    assert page.evaluate("location.hash") == ""


def test_features_alone_are_said_to_be_the_reason(films):
    page = films("user_gender=F&user_age=50")
    assert text(page, "#list-status") == (
        "No ratings yet: a guess from what you say about yourself."
    )
    # 3 + 14 / 100 + 50 / 1000.
    assert text(page, "#recommendations .number") == "3.19"


def test_more_of_the_list_can_be_shown(films):
    page = films()
    assert len(shown_ids(page)) == 10
    page.click("#show-more")
    assert len(shown_ids(page)) == 12
    assert page.evaluate("document.querySelector('#show-more').hidden")


def test_names_are_text(films):
    page = films("item=f5&label=3&item=f13&label=3")
    assert texts(page, "#pairs .name") == ["<b>Bold</b> & co.", "f13"]
    page = films("item=constructor&label=3")  # Every object of JavaScript has one.
    assert texts(page, "#pairs .name") == ["constructor"]


def test_quick_changes_are_asked_for_once(films):
    page = films("item=f4&label=5&item=f2&label=4")
    page.evaluate(
        "globalThis.asked = 0; const real = fetch;"
        "globalThis.fetch = (...args) => { asked += 1; return real(...args); }; 0"
    )
    page.evaluate(
        "for (const input of document.querySelectorAll('#pairs input[value=\"1\"]'))"
        " input.click()"
    )
    wait_for_order(page, ["f0", "f3", "f6", "f9", "f12", "f1", "f5", "f7", "f8", "f10"])
    assert page.evaluate("asked") == 1


def test_an_answer_that_comes_too_late_is_dropped(films):
    page = films("item=f4&label=5")
    # The next request waits until it is let go; those after it do not.
    page.evaluate(
        "const real = fetch; let isFirst = true; globalThis.numAnswered = 0;"
        "const gate = new Promise((open) => { globalThis.letGo = open; });"
        "globalThis.fetch = async (url, options) => {"
        " const waits = isFirst; isFirst = false;"
        " if (waits) await gate;"
        " try { return await real(url, options); }"
        " finally { numAnswered += 1; } }; 0"
    )
    page.click(star("f4", 1))
    page.evaluate("new Promise((done) => setTimeout(done, 200))")
    page.click(star("f4", 4))
    page.wait("numAnswered === 1")
    # 3 + 13 / 100 + (4 - 3) / 4.
    page.wait(f"{LOADED}.querySelector('.number').innerText === '3.38'")
    page.evaluate("letGo()")
    page.wait("numAnswered === 2")
    page.evaluate("new Promise((done) => setTimeout(done, 50))")
    assert text(page, "#recommendations .number") == "3.38"
    assert page.evaluate("document.querySelector('#error').hidden")


def test_a_refusal_is_shown_in_the_words_of_the_server(films):
    page = films("item=f4&label=9")
    words = text(page, "#error")
    assert "support_label must be within [1, 5], got" in words
    assert page.complaints  # The browser itself notes a status of 400.
    page.complaints.clear()
    page.click(star("f4", 5))
    wait_for_status(page, "From 1 rating.")
    assert page.evaluate("document.querySelector('#error').hidden")


def test_a_server_that_is_gone_is_said_to_be(films):
    page = films("item=f4&label=5")
    page.evaluate("globalThis.fetch = () => Promise.reject(new TypeError('gone')); 0")
    page.click(star("f4", 1))
    page.wait("!document.querySelector('#error').hidden")
    assert text(page, "#error") == "The server does not answer as it should: gone"


def test_a_model_that_is_not_there_is_said_to_be(browser, server):
    browser.open(f"{server.rest_url}/?model=no")
    browser.wait("!document.querySelector('#error').hidden")
    assert "no" in text(browser, "#error")
    browser.complaints.clear()  # The browser notes a status of 404.


def test_clicks_of_other_users_count_in_a_scenario(browser, server, ask):
    browser.open(f"{server.rest_url}/?model=themes#for=u1")
    browser.wait(LOADED)
    assert text(browser, "#list-status").startswith("Nobody knows this user yet")
    browser.click("#search")
    browser.type("f4")
    browser.press("Enter")
    wait_for_status(browser, "From 1 click.")
    assert "f4" not in shown_ids(browser)
    browser.click("#pairs .by")
    browser.type("u2")
    browser.wait("document.querySelector('#recommendations [data-item=f4]')")
    answer = ask(
        "themes",
        "recommend",
        support_user_id=["u2"],
        support_item_id=["f4"],
        support_label=[1],
        query_user_id="u1",
        candidate_item_id=[],
        exclude_item_id=[],
    )
    assert shown_ids(browser) == answer["item_id"][:10]
    assert browser.evaluate("location.hash") == "#item=f4&label=1&by=u2&for=u1"
    browser.click("#recommendations [data-item='f1'] button")
    browser.wait("document.querySelector('.why')")
    assert text(browser, ".attributions .number") == "+0.50"
    browser.click(star("f4", 0))
    browser.wait(
        "document.querySelector('.attributions .number').innerText === '+0.00'"
    )


def test_where_users_are_tasks_clicks_are_of_the_one_who_asks(browser, server, ask):
    browser.open(f"{server.rest_url}/?model=shows")
    browser.wait(f"{LOADED} || !document.querySelector('#error').hidden")
    status = "Nobody knows you yet: the most popular items, by share of clicks."
    assert text(browser, "#list-status") == status
    assert browser.evaluate("document.querySelector('#wanted-user').hidden")
    assert text(browser, "#task-title") == "Your clicks"
    browser.click("#search")
    browser.type("f4")
    browser.press("Enter")
    wait_for_status(browser, "From 1 click.")
    answer = ask(
        "shows",
        "recommend",
        support_item_id=["f4"],
        support_label=[1],
        candidate_item_id=[],
        exclude_item_id=[],
    )
    assert shown_ids(browser) == answer["item_id"][:10]
    assert browser.evaluate("document.querySelector('#pairs .by')") is None
    assert browser.evaluate("location.hash") == "#item=f4&label=1"
    assert "unknown" not in text(browser, "#pairs")
    browser.click("#recommendations [data-item='f1'] button")
    browser.wait("document.querySelector('.why')")
    assert text(browser, ".attributions .number") == "+1.00"
    assert "Would you click it?" in text(browser, ".why")
    assert "The network was left untrained" in text(browser, ".why")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1200, 2200])
@pytest.mark.parametrize("model", ["films", "themes", "shows"])
def test_it_can_be_looked_at(browser, server, tmp_path, model, scheme, width):
    browser.prefer(prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    said = "item=f5&label=1&by=somebody+else&item=" + "x" * 80 + "&label=1&why=f1"
    browser.open(f"{server.rest_url}/?model={model}#{said}", width=width)
    browser.wait("document.querySelector('.why')")
    content, inner = browser.evaluate(
        "[document.documentElement.scrollWidth, innerWidth]"
    )
    assert content <= inner == width
    browser.screenshot(tmp_path / "page.png")
    image = tf.io.decode_png((tmp_path / "page.png").read_bytes(), channels=3).numpy()
    assert image.shape == (800, width, 3)
    assert image.std() > 5.0  # There is something to be seen.
    assert (image.mean() > 150.0) == (scheme == "light")


def test_clicks_of_items_that_the_model_does_not_know_are_marked(browser, server):
    title = "x" * 300
    browser.open(f"{server.rest_url}/?model=shows#item=f4&label=1&item={title}&label=1")
    wait_for_status(
        browser, "From 2 clicks, 1 of an item that the model does not know."
    )
    assert texts(browser, "#pairs .hint") == ["unknown"]
    lines = browser.evaluate(
        "Math.max(...[...document.querySelectorAll('#pairs .name')].map((name) =>"
        " name.clientHeight / parseFloat(getComputedStyle(name).lineHeight)))"
    )
    assert lines < 3.5
