"""The examples in other languages answer as the SavedModel does, where they can run."""

import contextlib
import functools
import http.server
import json
import pathlib
import shutil
import subprocess
import threading

import pytest

from pipeline.export.loaded_version import load_version

EXAMPLES = pathlib.Path(__file__).parents[4] / "examples"
BROWSER, JAVA = EXAMPLES / "browser", EXAMPLES / "java"
MADE = ("experiment", "scenario_experiment")
JAR = pathlib.Path.home() / ".m2/repository/com/microsoft/onnxruntime/onnxruntime"
SAID = (
    "requests of encode, explain, rank, recommend, recommend_from_context, score; "
    "largest difference"
)
ROWS = "[...document.querySelectorAll('#best > li')]"


@pytest.fixture(scope="session")
def node():
    """Runs a script of the page's folder."""
    if shutil.which("node") is None:
        pytest.skip("node is not on the PATH")
    if not (BROWSER / "node_modules" / "onnxruntime-web").exists():
        pytest.skip("`npm install` has not been run in examples/browser")

    def run(*arguments):
        command = ["node", *map(str, arguments)]
        done = subprocess.run(command, cwd=BROWSER, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@contextlib.contextmanager
def served(folder):
    """Serves the files of a folder; yields the address, and the paths asked for."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append(self.path)

    handler = functools.partial(Handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/", asked
        finally:
            server.shutdown()
            thread.join()


def rate(browser, list_id, item, label):
    """Chooses a label as a person does; a headless browser opens no list of choices."""
    select = f"document.querySelector('#{list_id} [data-item=\"{item}\"] select')"
    browser.wait(select)
    browser.evaluate(
        f"(({{select, value}}) => {{ select.value = value; "
        f"select.dispatchEvent(new Event('change')); }})"
        f"({{select: {select}, value: '{label}'}})"
    )


def wait_for_best(browser, folder, request):
    """Waits until the page shows what Python recommends."""
    best = load_version(folder).answer(request, 10)["recommended"]
    ids = json.dumps([item["item_id"] for item in best])
    browser.wait(
        f"JSON.stringify({ROWS}.map((row) => row.dataset.item)) === "
        f"JSON.stringify({ids})"
    )
    scores = browser.evaluate(
        f"{ROWS}.map((row) => parseFloat(row.querySelector('.number').innerText))"
    )
    return scores, [item["score"] for item in best]


@pytest.mark.parametrize("made", MADE)
def test_recorded_requests_are_answered_alike_in_node(made, written, node):
    assert SAID in node("replay.mjs", written(made, "onnx"))


def test_a_wrong_answer_is_noticed_in_node(written, node, tmp_path):
    folder = shutil.copytree(written("experiment", "onnx"), tmp_path / "version")
    path = folder / "parity_requests.jsonl"
    record = json.loads(path.read_text("utf-8").splitlines()[0])
    record["answer"]["score"][0][0] += 1e-3
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="line 1, rank: score must be"):
        node("replay.mjs", folder)


def test_the_page_adapts_without_a_server(written, node, chromium, tmp_path):
    folder = written("experiment", "onnx")
    node("build.mjs", folder, tmp_path / "page")
    assert not (tmp_path / "page" / "model" / "parity_requests.jsonl").exists()
    with served(tmp_path / "page") as (url, asked):
        chromium.open(url)
        chromium.wait(ROWS + ".length")
        scores, expected = wait_for_best(chromium, folder, {"support": [], "user": {}})
        # Popularity, in percent.
        assert scores == pytest.approx([100 * one for one in expected], abs=0.05)
        assert {"/model/recommend.onnx", "/runtime/ort-wasm-simd-threaded.wasm"} <= {
            *asked
        }
    # The server is gone.
    chromium.click("#search")
    chromium.type("film 3")
    rate(chromium, "found", "f3", 5)
    support = [{"item_id": "f3", "label": 5}]
    scores, expected = wait_for_best(chromium, folder, {"support": support, "user": {}})
    assert scores == pytest.approx(expected, abs=0.005 + 2e-4)
    rated = chromium.evaluate("document.querySelector('#best > li').dataset.item")
    rate(chromium, "best", rated, 1)
    support.append({"item_id": rated, "label": 1})
    for name, value in (("gender", "F"), ("language", "de, fr"), ("age", "31")):
        chromium.click(f"[name={name}]")
        chromium.type(value)
        chromium.press("Tab")
    user = {"gender": "F", "language": ["de", "fr"], "age": 31}
    scores, expected = wait_for_best(
        chromium, folder, {"support": support, "user": user}
    )
    assert scores == pytest.approx(expected, abs=0.005 + 2e-4)
    assert chromium.evaluate("document.querySelector('#error').hidden")
    assert chromium.complaints == []


@pytest.mark.parametrize("made", MADE)
def test_recorded_requests_are_answered_alike_in_java(made, written, tmp_path):
    if shutil.which("mvn") is None or not list(JAR.glob("*/*.jar")):
        pytest.skip("`mvn test` has not been run in examples/java")
    command = ["mvn", "-B", "-o", "-q", "test", f"-Dexport={written(made, 'onnx')}"]
    done = subprocess.run(command, cwd=JAVA, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert SAID in done.stdout
