"""A client of an exported model over the REST API of TensorFlow Serving.

This file is the whole client and takes the standard library alone: a service that asks
for recommendations copies it as it is. `client.py` adds the same over gRPC.

    client = RestClient("http://localhost:8501", "cmml")
    task = Task([Pair("31", 4.0), Pair("1029", 2.5)], user={"gender": "F"})
    best = client.recommend(task, exclude=["50"], top=10)
"""

import abc
import collections
import dataclasses
import hashlib
import http.client
import itertools
import json
import math
import numbers
import random
import re
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar

INVALID_ARGUMENT = "INVALID_ARGUMENT"
FAILED_PRECONDITION = "FAILED_PRECONDITION"
UNAVAILABLE = "UNAVAILABLE"
DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"

_CODES = {
    400: INVALID_ARGUMENT,
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: DEADLINE_EXCEEDED,
    409: "ABORTED",
    412: FAILED_PRECONDITION,
    413: "RESOURCE_EXHAUSTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: UNAVAILABLE,
    503: UNAVAILABLE,
    504: DEADLINE_EXCEEDED,
}
_DTYPES = {"DT_STRING": "string", "DT_FLOAT": "float32"}
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 1.0
_FLOAT32_MAX = 3.4028234e38

# What users of a model of clicks forget, by the input that lacks it.
_OF_CLICKS = {
    "support_user_id": "with clicks a support pair has a user, Pair(item_id, 1, "
    "user_id)",
    "query_user_id": "with clicks an item to score is a pair (user_id, item_id), or "
    "the task has a user_id, or what is asked of a context",
}

T = TypeVar("T")
# Values by input name, each a nested list (or array) whose first axis is the task.
Columns: TypeAlias = dict[str, Any]
# What is scored: an item id, or in the scenario setting (user id, item id).
Item: TypeAlias = str | tuple[str, str]


class ServingError(RuntimeError):
    """An answer other than OK.

    Args:
        code: Name of a gRPC status code, such as "INVALID_ARGUMENT".
        message: What the server says.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class TensorSpec(NamedTuple):
    """Type ("string", "float32", "int32" or "int64") and shape; None is any size."""

    dtype: str
    shape: tuple[int | None, ...]


class Signature(NamedTuple):
    """What a signature takes and gives, by name."""

    inputs: dict[str, TensorSpec]
    outputs: dict[str, TensorSpec]


class Pair(NamedTuple):
    """A labelled interaction; `user_id` goes with scenarios alone."""

    item_id: str
    label: float = 1.0
    user_id: str = ""


@dataclasses.dataclass(frozen=True)
class Task:
    """What the model adapts to, and for whom.

    Attributes:
        support: Labelled interactions of the user, or of the scenario.
        user: Raw features by name, in the user setting. One left out is unknown.
        user_id: The user to score for, with scenarios. Where users are tasks, and the
            clicks of a task are those of one user, nothing takes a `user_id`.
        name: Used in errors, in place of the position of the task.
    """

    support: Sequence[Pair] = ()
    user: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    user_id: str = ""
    name: str = ""


@dataclasses.dataclass(frozen=True)
class Context:
    """The encoded support set of a task, good for one version of the model.

    Attributes:
        values: C numbers.
        support_size: Support pairs it was made from.
        model_version: The version that made it; no other takes it.
    """

    values: tuple[float, ...]
    support_size: int
    model_version: int


@dataclasses.dataclass(frozen=True)
class Recommendations:
    """Items of the catalogue, best first.

    Attributes:
        items: (item id, score).
        fallback_reason: "" if made from the support set, else what they rest on:
            "user_features", "known_user", "scenario" or "popularity".
    """

    items: list[tuple[str, float]]
    fallback_reason: str


@dataclasses.dataclass(frozen=True)
class Explanation:
    """Scores of Q items, and what moved them.

    Attributes:
        score: Q numbers.
        attribution: [Q][S], score less the score without that support pair.
        modulation: [Q][M], changes of the backbone for each item.
    """

    score: list[float]
    attribution: list[list[float]]
    modulation: list[list[float]]


class ContextCache:
    """The contexts used last, by version of the model and digest of the task.

    May be used by several threads.

    Args:
        capacity: Most contexts that it holds.
    """

    def __init__(self, capacity: int = 10_000) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, got {capacity}.")
        self._capacity = capacity
        self._contexts: collections.OrderedDict[tuple[int, str], Context]
        self._contexts = collections.OrderedDict()
        self._lock = threading.Lock()
        self.version = 0  # Of the newest context.

    def get(self, digest: str) -> Context | None:
        """Returns the context of a task that the newest version made, if held."""
        with self._lock:
            key = self.version, digest
            if key in self._contexts:
                self._contexts.move_to_end(key)
            return self._contexts.get(key)

    def put(self, digest: str, context: Context) -> None:
        """Keeps a context, at the cost of the one unused for longest."""
        with self._lock:
            self.version = context.model_version
            self._contexts[context.model_version, digest] = context
            self._contexts.move_to_end((context.model_version, digest))
            if len(self._contexts) > self._capacity:
                self._contexts.popitem(last=False)

    def drop(self, digest: str) -> None:
        """Forgets the context of a task."""
        with self._lock:
            self._contexts.pop((self.version, digest), None)

    def __len__(self) -> int:
        return len(self._contexts)


def digest_of(task: Task) -> str:
    """Returns a digest of all of a task that its context is made from."""
    made_from = [[tuple(pair) for pair in task.support], dict(task.user)]
    text = json.dumps(made_from, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


class ServingClient(abc.ABC):
    """The calls of an exported model, over any transport.

    A call is tried again while the server is unavailable, until `timeout_s` is over.
    Every method with one task or context has a sibling `..._many` that sends several in
    one request, padded to the longest.

    Args:
        model_name: Name of the model on the server.
        version: A version of it; the newest there is by default.
        label: A label of a version, in place of its number.
        timeout_s: Seconds that a call may take, with all its attempts.
        pad_to: Widths that inputs are padded to, by "support", "query", "exclude" and
            "candidate": the smallest that is enough. A server that batches requests can
            join those of equal width only.
        cache: Contexts of `use_cache=True`; may be shared by clients of one model.
        token: The bearer token of a server that asks for one.

    Raises:
        ValueError: If both a version and a label are set.
    """

    def __init__(
        self,
        model_name: str,
        *,
        version: int | None = None,
        label: str | None = None,
        timeout_s: float = 10.0,
        pad_to: Mapping[str, Sequence[int]] | None = None,
        cache: ContextCache | None = None,
        token: str = "",
    ) -> None:
        if version is not None and label is not None:
            raise ValueError(
                f"give a version or a label, not both, got {version} and {label!r}."
            )
        self.model_name = model_name
        self.version = version
        self.label = label
        self.timeout_s = timeout_s
        self.cache = ContextCache() if cache is None else cache
        self._authorization = {"authorization": f"Bearer {token}"} if token else {}
        self._pad_to = {name: sorted(sizes) for name, sizes in (pad_to or {}).items()}
        self._signatures: dict[str, Signature] = {}

    @abc.abstractmethod
    def request(self, signature: str, inputs: Columns) -> Any:
        """Returns a request as `send` takes it."""

    @abc.abstractmethod
    def send(self, request: Any, timeout_s: float) -> Columns:
        """Sends a request once, and returns the outputs by name."""

    @abc.abstractmethod
    def fetch_signatures(self, timeout_s: float) -> dict[str, Signature]:
        """Asks the server for its signatures once."""

    @abc.abstractmethod
    def close(self) -> None:
        """Closes the connections."""

    def __enter__(self: T) -> T:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def signatures(self) -> dict[str, Signature]:
        """Returns the signatures by name; fetched once, and when a call is refused.

        Raises:
            ServingError: If the server cannot say.
        """
        if not self._signatures:
            self._signatures = self._retried(self.fetch_signatures)
        return self._signatures

    def predict(self, signature: str, inputs: Columns) -> Columns:
        """Calls a signature with what it takes, unchecked.

        Args:
            signature: Its name.
            inputs: By name, nested lists or arrays that agree in their first axis.

        Returns:
            The outputs by name, as nested lists or arrays.

        Raises:
            ServingError: If the answer is not OK.
        """
        return self._with_signatures(lambda: self._predict(signature, inputs))

    def rank(
        self, task: Task, items: Sequence[Item], *, use_cache: bool = False
    ) -> list[float]:
        """Scores items for a task; as `rank_many`."""
        return self.rank_many([task], [items], use_cache=use_cache)[0]

    def rank_many(
        self,
        tasks: Sequence[Task],
        items: Sequence[Sequence[Item]],
        *,
        use_cache: bool = False,
    ) -> list[list[float]]:
        """Scores items for each task.

        Args:
            tasks: At least one.
            items: Those to score for each task. In the scenario setting a plain id is
                scored for the `user_id` of the task.
            use_cache: Whether contexts are stored and used again.

        Returns:
            A score for each item.

        Raises:
            ValueError: If a value is not what it should be; the message names the task,
                the key and the value.
            ServingError: If the answer is not OK.
        """
        names, query = _names(tasks), _query(items, [task.user_id for task in tasks])
        if use_cache:
            return self._with_contexts(tasks, lambda c: self._score(c, query, names))
        outputs = self._ask("rank", {**_support(tasks), **query}, names)
        return _cut(outputs["score"], items)

    def recommend(
        self,
        task: Task,
        *,
        exclude: Sequence[str] = (),
        candidates: Sequence[str] = (),
        top: int | None = None,
        use_cache: bool = False,
    ) -> Recommendations:
        """Recommends items to a task; as `recommend_many`."""
        return self.recommend_many(
            [task],
            exclude=[exclude],
            candidates=[candidates],
            top=top,
            use_cache=use_cache,
        )[0]

    def recommend_many(
        self,
        tasks: Sequence[Task],
        *,
        exclude: Sequence[Sequence[str]] | None = None,
        candidates: Sequence[Sequence[str]] | None = None,
        top: int | None = None,
        use_cache: bool = False,
    ) -> list[Recommendations]:
        """Recommends items to each task; never those of its support set.

        Args:
            tasks: At least one.
            exclude: Items not to recommend, for each task. Contexts do not know their
                support set: with `use_cache` its items are sent among these.
            candidates: Items to choose from, for each task, in the scenario setting;
                the whole catalogue by default.
            top: Most items for each; by default, and at most, what was set at export.
            use_cache: Whether contexts are stored and used again.

        Returns:
            Recommendations for each task.

        Raises:
            ValueError: As of `rank_many`.
            ServingError: If the answer is not OK.
        """
        names = _names(tasks)
        choice = _choice([task.user_id for task in tasks], exclude, candidates)

        def ask(contexts: list[Context]) -> Columns:
            values = {**_context(contexts), **choice}
            rows = choice["exclude_item_id"]
            if len(rows) == len(tasks):  # Any other number is refused below.
                known = self.signatures().get("recommend_from_context")
                of_clicks = bool(known and "candidate_item_id" in known.inputs)
                values["exclude_item_id"] = [
                    [
                        *_list(row, f"{name}: exclude_item_id"),
                        *_known_items(task, name, of_clicks=of_clicks),
                    ]
                    for row, task, name in zip(rows, tasks, names, strict=True)
                ]
            return self._ask("recommend_from_context", values, names)

        if use_cache:
            outputs = self._with_contexts(tasks, ask)
        else:
            outputs = self._ask("recommend", {**_support(tasks), **choice}, names)
        return _recommendations(outputs, top)

    def recommend_from_context(
        self,
        context: Context,
        *,
        user_id: str = "",
        exclude: Sequence[str] = (),
        candidates: Sequence[str] = (),
        top: int | None = None,
    ) -> Recommendations:
        """Recommends items with a context; as `recommend_from_context_many`."""
        return self.recommend_from_context_many(
            [context],
            user_ids=[user_id],
            exclude=[exclude],
            candidates=[candidates],
            top=top,
        )[0]

    def recommend_from_context_many(
        self,
        contexts: Sequence[Context],
        *,
        user_ids: Sequence[str] | None = None,
        exclude: Sequence[Sequence[str]] | None = None,
        candidates: Sequence[Sequence[str]] | None = None,
        top: int | None = None,
    ) -> list[Recommendations]:
        """Recommends items with each context, which the model must have made itself.

        Args:
            contexts: At least one.
            user_ids: The user to recommend to, with each, in the scenario setting.
            exclude: Items not to recommend, with each. A context does not know its
                support set, whose items are recommended again unless they are here.
            candidates: As of `recommend_many`.
            top: As of `recommend_many`.

        Returns:
            Recommendations for each context.

        Raises:
            ValueError: As of `rank_many`.
            ServingError: As of `score_many`.
        """
        users = _no_text(user_ids or [""] * len(contexts), "user_ids")
        values = {**_context(contexts), **_choice(users, exclude, candidates)}
        names = _context_names(contexts)
        return _recommendations(self._ask("recommend_from_context", values, names), top)

    def encode(self, task: Task) -> Context:
        """Encodes the support set of a task."""
        return self.encode_many([task])[0]

    def encode_many(self, tasks: Sequence[Task]) -> list[Context]:
        """Encodes the support set of each task.

        Raises:
            ValueError: As of `rank_many`.
            ServingError: If the answer is not OK.
        """
        return self._encode(tasks, _names(tasks))

    def score(self, context: Context, items: Sequence[Item]) -> list[float]:
        """Scores items with a context; as `score_many`."""
        return self.score_many([context], [items])[0]

    def score_many(
        self, contexts: Sequence[Context], items: Sequence[Sequence[Item]]
    ) -> list[list[float]]:
        """Scores items with each context, which the model must have made itself.

        Args:
            contexts: At least one.
            items: Those to score with each; in the scenario setting (user, item).

        Returns:
            A score for each item.

        Raises:
            ValueError: As of `rank_many`.
            ServingError: If the answer is not OK; INVALID_ARGUMENT for a context of
                another version.
        """
        return self._score(contexts, _query(items), _context_names(contexts))

    def update(self, context: Context, pairs: Sequence[Pair]) -> Context:
        """Adds support pairs to a context; as `update_many`."""
        return self.update_many([context], [pairs])[0]

    def update_many(
        self, contexts: Sequence[Context], pairs: Sequence[Sequence[Pair]]
    ) -> list[Context]:
        """Adds support pairs to each context: the same as to encode them all.

        Raises:
            ValueError: As of `rank_many`.
            ServingError: As of `score_many`.
        """
        values = {**_context(contexts), **_pairs(pairs)}
        return _contexts(self._ask("update", values, _context_names(contexts)))

    def explain(self, task: Task, items: Sequence[Item]) -> Explanation:
        """Explains the scores of items for a task; as `explain_many`."""
        return self.explain_many([task], [items])[0]

    def explain_many(
        self, tasks: Sequence[Task], items: Sequence[Sequence[Item]]
    ) -> list[Explanation]:
        """Explains the scores of items for each task.

        Args:
            tasks: At least one.
            items: Those to score for each, as of `rank_many`.

        Returns:
            An explanation for each task, without its padding.

        Raises:
            ValueError: As of `rank_many`.
            ServingError: If the answer is not OK.
        """
        query = _query(items, [task.user_id for task in tasks])
        outputs = self._ask("explain", {**_support(tasks), **query}, _names(tasks))
        names = "score", "attribution", "modulation"
        rows = zip(tasks, *(_cut(outputs[name], items) for name in names), strict=True)
        return [
            Explanation(score, [row[: len(task.support)] for row in rows], modulation)
            for task, score, rows, modulation in rows
        ]

    def _score(
        self,
        contexts: Sequence[Context],
        query: Columns,
        names: Sequence[str],
    ) -> list[list[float]]:
        outputs = self._ask("score", {**_context(contexts), **query}, names)
        return _cut(outputs["score"], query["query_item_id"])

    def _encode(self, tasks: Sequence[Task], names: Sequence[str]) -> list[Context]:
        return _contexts(self._ask("encode", _support(tasks), names))

    def _ask(self, signature: str, values: Columns, names: Sequence[str]) -> Columns:
        """Checks values, as `_inputs` does, and calls a signature with them."""
        return self._with_signatures(
            lambda: self._predict(signature, self._inputs(signature, values, names))
        )

    def _predict(self, signature: str, inputs: Columns) -> Columns:
        request = self.request(signature, inputs)
        return self._retried(lambda timeout_s: self.send(request, timeout_s))

    def _with_signatures(self, call: Callable[[], T]) -> T:
        """Calls, once more if it is refused and the signatures have changed."""
        known = self._signatures
        try:
            return call()
        except ServingError as error:
            is_refused = error.code in (INVALID_ARGUMENT, FAILED_PRECONDITION)
            if not known or not is_refused:
                raise
            self._signatures = self._retried(self.fetch_signatures)
            if self._signatures == known:
                raise
        return call()

    def _with_contexts(
        self, tasks: Sequence[Task], call: Callable[[list[Context]], T]
    ) -> T:
        """Calls with contexts from the cache; anew while versions disagree.

        Behind a balancer one server may encode and one of another version score: they
        are called until they agree, or `timeout_s` is over.
        """
        end = time.monotonic() + self.timeout_s
        digests = [digest_of(task) for task in tasks]
        named = dict(zip(digests, zip(tasks, _names(tasks), strict=True), strict=True))
        cached = {digest: self.cache.get(digest) for digest in named}
        contexts = {digest: context for digest, context in cached.items() if context}
        missing = [digest for digest in named if digest not in contexts]
        for attempt in itertools.count():
            made = {digest: named[digest] for digest in missing}
            contexts |= self._encode_and_keep(made)
            try:
                return call([contexts[digest] for digest in digests])
            except ServingError as error:
                pause = _pause_s(attempt)
                is_over = time.monotonic() + pause >= end
                if is_over or not _is_of_version(error, contexts):
                    raise
            for digest in digests:
                self.cache.drop(digest)
            missing = digests
            time.sleep(pause if attempt else 0.0)
        raise AssertionError("unreachable")

    def _encode_and_keep(
        self, named: Mapping[str, tuple[Task, str]]
    ) -> dict[str, Context]:
        """Encodes tasks with what errors call them, by digest."""
        if not named:
            return {}
        tasks, names = zip(*named.values(), strict=True)
        made = dict(zip(named, self._encode(tasks, names), strict=True))
        for digest, context in made.items():
            self.cache.put(digest, context)
        return made

    def _retried(self, call: Callable[[float], T]) -> T:
        """Calls, with the seconds left, until it is done or they are over."""
        end = time.monotonic() + self.timeout_s
        for attempt in itertools.count():
            try:
                return call(end - time.monotonic())
            except ServingError as error:
                pause = _pause_s(attempt)
                if error.code != UNAVAILABLE or time.monotonic() + pause >= end:
                    raise
            time.sleep(pause * random.uniform(0.5, 1.0))
        raise AssertionError("unreachable")

    def _inputs(self, signature: str, values: Columns, names: Sequence[str]) -> Columns:
        """Checks the values of each task, and pads them.

        Args:
            signature: The signature that takes them.
            values: By input name, for each task a value or a list of values. What the
                signature does not take must be empty; a user feature may be left out.
            names: What errors call the tasks.

        Raises:
            ValueError: If a value is not what it should be.
        """
        signatures = self.signatures()
        if signature not in signatures:
            raise ValueError(
                f"the model has no signature {signature!r}, only {sorted(signatures)}."
            )
        specs = signatures[signature].inputs
        if not names:
            raise ValueError("a call must have at least one task or context, got none.")
        for name, rows in values.items():
            if len(rows) != len(names):
                raise ValueError(
                    f"{name} must have a value for each of {len(names)} tasks, got "
                    f"{len(rows)}."
                )
            for row, task in zip(rows, names, strict=True):
                if name not in specs and _has_value(row):
                    raise ValueError(
                        f"{task}: {name} is {row!r}, but {signature} takes only "
                        f"{sorted(specs)}."
                    )
        unknown = [None] * len(names)
        return {
            name: self._column(name, spec, values.get(name, unknown), names)
            for name, spec in specs.items()
        }

    def _column(
        self, name: str, spec: TensorSpec, rows: Sequence[Any], names: Sequence[str]
    ) -> list[Any]:
        """Returns one input, [B] or [B, padded width]."""
        where = [f"{task}: {name}" for task in names]
        if len(spec.shape) == 1:
            may_lack = name.startswith("user_")
            pairs = zip(rows, where, strict=True)
            return [_value(row, spec.dtype, at, may_lack=may_lack) for row, at in pairs]
        lists = [
            [_value(v, spec.dtype, f"{at}[{i}]") for i, v in enumerate(_list(row, at))]
            for row, at in zip(rows, where, strict=True)
        ]
        longest = max(map(len, lists))
        widths = self._pad_to.get(name.split("_")[0], [longest])
        if longest > widths[-1]:
            raise ValueError(
                f"{name}: at most {widths[-1]} values fit pad_to, got {longest}."
            )
        width = next(width for width in widths if width >= longest)
        fill: Any = "" if spec.dtype == "string" else 0.0
        return [row + [fill] * (width - len(row)) for row in lists]


class RestClient(ServingClient):
    """Asks over REST. There are as many connections, held open, as calls at once.

    Args:
        address: "http://host:port", "https://host:port" or "host:port".
        model_name: As of `ServingClient`, and so are the others.
        **options: As of `ServingClient`.

    Raises:
        ValueError: If the address has neither scheme http nor https.
    """

    def __init__(self, address: str, model_name: str, **options: Any) -> None:
        super().__init__(model_name, **options)
        url = urllib.parse.urlsplit(address if "//" in address else f"http://{address}")
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError(
                f"address must be like 'http://host:port', got {address!r}."
            )
        self._url = url
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        path = f"/v1/models/{urllib.parse.quote(model_name, safe='')}"
        if self.version is not None:
            path += f"/versions/{self.version}"
        elif self.label is not None:
            path += f"/labels/{urllib.parse.quote(self.label, safe='')}"
        self.path = url.path.rstrip("/") + path

    def request(self, signature: str, inputs: Columns) -> bytes:
        """Returns the body of a request."""
        body = {"signature_name": signature, "inputs": inputs}
        return json.dumps(body, default=_plain).encode()

    def send(self, request: bytes, timeout_s: float) -> Columns:
        """Posts a body once; a single output of a signature comes without its name."""
        answer = self._answer("POST", f"{self.path}:predict", request, timeout_s)
        outputs = answer["outputs"]
        if isinstance(outputs, dict):
            return outputs
        signature = json.loads(request)["signature_name"]
        (name,) = self.signatures()[signature].outputs
        return {name: outputs}

    def fetch_signatures(self, timeout_s: float) -> dict[str, Signature]:
        """Gets the signatures."""
        answer = self._answer("GET", f"{self.path}/metadata", None, timeout_s)
        signatures = answer["metadata"]["signature_def"]["signature_def"]
        return {
            name: Signature(_specs(value["inputs"]), _specs(value["outputs"]))
            for name, value in signatures.items()
            if value.get("inputs")  # The initialisation of a SavedModel has none.
        }

    def close(self) -> None:
        """Closes the idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _answer(
        self, method: str, path: str, body: bytes | None, timeout_s: float
    ) -> dict[str, Any]:
        """Returns the JSON object that answers a call, which is made once."""
        status, text = self.exchange(method, path, body, timeout_s)
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            answer = {"error": f"an answer without a JSON object: {text[:200]!r}"}
        if status != 200 or "error" in answer:
            code = _CODES.get(status, "UNKNOWN")
            raise ServingError(code, str(answer.get("error", f"HTTP status {status}")))
        return answer

    def exchange(
        self, method: str, path: str, body: bytes | None, timeout_s: float
    ) -> tuple[int, bytes]:
        """Makes a call once, on the connection used last.

        Returns:
            HTTP status and body of the answer.

        Raises:
            ServingError: UNAVAILABLE if there is no connection, or the server closed
                it; DEADLINE_EXCEEDED if the answer takes longer.
        """
        connection = self._connection(timeout_s)
        try:
            headers = dict(self._authorization)
            if body:
                headers["Content-Type"] = "application/json"
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            status, text = answer.status, answer.read()
        except TimeoutError:
            connection.close()
            message = f"no answer from {self._url.netloc} within {timeout_s:.3g} s"
            raise ServingError(DEADLINE_EXCEEDED, message) from None
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self.close()  # The server may have closed the idle ones too.
            message = f"{self._url.netloc}: {error or type(error).__name__}"
            raise ServingError(UNAVAILABLE, message) from None
        with self._lock:
            self._idle.append(connection)
        return status, text

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        """Takes an idle connection or makes one; http.client sets TCP_NODELAY."""
        with self._lock:
            connection = self._idle.pop() if self._idle else self._new_connection()
        connection.timeout = max(timeout_s, 0.001)
        if connection.sock is not None:
            connection.sock.settimeout(connection.timeout)
        return connection

    def _new_connection(self) -> http.client.HTTPConnection:
        is_safe = self._url.scheme == "https"
        kind = http.client.HTTPSConnection if is_safe else http.client.HTTPConnection
        return kind(str(self._url.hostname), self._url.port)


def _specs(tensors: Mapping[str, Any]) -> dict[str, TensorSpec]:
    """Reads what the metadata says of inputs or outputs."""
    return {
        name: TensorSpec(
            _DTYPES.get(tensor["dtype"], tensor["dtype"].removeprefix("DT_").lower()),
            tuple(
                None if int(dim["size"]) < 0 else int(dim["size"])
                for dim in tensor["tensor_shape"].get("dim", [])
            ),
        )
        for name, tensor in tensors.items()
    }


def _names(tasks: Sequence[Task]) -> list[str]:
    return [f"task {task.name or i}" for i, task in enumerate(tasks)]


def _context_names(contexts: Sequence[Context]) -> list[str]:
    return [f"context {i}" for i in range(len(contexts))]


def _support(tasks: Sequence[Task]) -> Columns:
    """Returns support sets and user features as they came."""
    features = {name for task in tasks for name in task.user}
    return _pairs([task.support for task in tasks]) | {
        f"user_{name}": [task.user.get(name) for task in tasks] for name in features
    }


def _pairs(rows: Sequence[Sequence[Pair]]) -> Columns:
    pairs = [
        [Pair(*_no_text(pair, "a support pair")) for pair in _no_text(row, "support")]
        for row in rows
    ]
    return {
        "support_user_id": [[pair.user_id for pair in row] for row in pairs],
        "support_item_id": [[pair.item_id for pair in row] for row in pairs],
        "support_label": [[pair.label for pair in row] for row in pairs],
    }


def _query(rows: Sequence[Sequence[Item]], users: Sequence[str] = ()) -> Columns:
    """Returns what is to be scored; a plain item goes with the user of its row."""
    user_of = dict(enumerate(users))
    pairs = [
        [
            item if isinstance(item, tuple) else (user_of.get(i, ""), item)
            for item in _no_text(row, f"items[{i}]")
        ]
        for i, row in enumerate(rows)
    ]
    return {
        "query_user_id": [[user for user, _ in row] for row in pairs],
        "query_item_id": [[item for _, item in row] for row in pairs],
    }


def _context(contexts: Sequence[Context]) -> Columns:
    return {"context": [context.values for context in contexts]}


def _has_value(value: Any) -> bool:
    is_list = isinstance(value, list | tuple)
    return any(map(_has_value, value)) if is_list else value not in (None, "")


def _list(value: Any, where: str) -> Sequence[Any]:
    """Returns a list of values; None is none."""
    if isinstance(value, str) or not isinstance(value or [], Sequence):
        raise ValueError(f"{where} must be a list of values, got {value!r}.")
    return value or []


def _no_text(values: Any, where: str) -> Any:
    """Returns a list or a tuple, and refuses a text: its letters would be taken."""
    if isinstance(values, str | bytes):
        raise ValueError(f"{where} must be a list or a tuple, got {values!r}.")
    return values


def _value(value: Any, dtype: str, where: str, *, may_lack: bool = False) -> Any:
    """Returns a value as the model takes it: a text that says something, or a number.

    An id is a text as preparation writes it: 31, 31.0 and " 31" are "31".
    """
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if value is None and may_lack:
        return "" if dtype == "string" else math.nan
    if dtype != "string":
        if not is_number or not abs(value) <= _FLOAT32_MAX:
            raise ValueError(f"{where} must be a finite number, got {value!r}.")
        return float(value)
    if is_number and math.isfinite(value):
        return str(int(value) if value == int(value) else value)
    if not isinstance(value, str) or not value.strip():
        hint = "" if value else _hint(where)
        raise ValueError(f"{where} must be a text or a number, got {value!r}{hint}.")
    return value.strip()


def _hint(where: str) -> str:
    """Says what goes where there is no value, if more is known of that."""
    name = where.rpartition(": ")[2].partition("[")[0]
    return f": {_OF_CLICKS[name]}" if name in _OF_CLICKS else ""


def _cut(rows: Any, unpadded: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Drops the padding of the second axis."""
    return [_listed(row)[: len(like)] for row, like in zip(rows, unpadded, strict=True)]


def _listed(values: Any) -> list[Any]:
    return values.tolist() if hasattr(values, "tolist") else values


def _known_items(task: Task, name: str, *, of_clicks: bool) -> list[Any]:
    """Returns what is not to be recommended again, as the model has it.

    These are the items of the support set; of clicks those that were clicked, and where
    pairs have users, by the user of the task.
    """
    pairs = [Pair(*pair) for pair in task.support]
    if not any(pair.user_id for pair in pairs):
        return [p.item_id for p in pairs if not of_clicks or p.label > 0.5]
    user_id = _value(task.user_id, "string", f"{name}: query_user_id")
    where = f"{name}: support_user_id"
    return [
        pair.item_id
        for pair in pairs
        if _value(pair.user_id, "string", where) == user_id and pair.label > 0.5
    ]


def _is_of_version(error: ServingError, contexts: Mapping[str, Context]) -> bool:
    """Whether contexts are refused for their version, which the message names."""
    named = set(re.findall(r"\d+", error.message))
    versions = {str(context.model_version) for context in contexts.values()}
    return (
        error.code == INVALID_ARGUMENT
        and "version" in error.message
        and bool(named & versions)
    )


def _pause_s(attempt: int) -> float:
    """Returns the longest pause after an attempt."""
    return min(_FIRST_PAUSE_S * 2.0**attempt, _LONGEST_PAUSE_S)


def _contexts(outputs: Columns) -> list[Context]:
    names = "context", "support_size", "model_version"
    return [
        Context(tuple(_listed(values)), int(size), int(version))
        for values, size, version in zip(
            *(outputs[name] for name in names), strict=True
        )
    ]


def _choice(
    users: Sequence[str],
    exclude: Sequence[Sequence[str]] | None,
    candidates: Sequence[Sequence[str]] | None,
) -> Columns:
    """Returns what is to be recommended, and to whom."""
    return {
        "query_user_id": users,
        "exclude_item_id": exclude or [()] * len(users),
        "candidate_item_id": candidates or [()] * len(users),
    }


def _recommendations(outputs: Columns, top: int | None) -> list[Recommendations]:
    reasons = outputs.get("fallback_reason", [""] * len(outputs["item_id"]))
    best = []
    for ids, scores, reason in zip(
        outputs["item_id"], outputs["score"], reasons, strict=True
    ):
        pairs = zip(_listed(ids), _listed(scores), strict=True)
        items = [(item_id, score) for item_id, score in pairs if item_id]
        best.append(Recommendations(items[:top], str(reason)))
    return best


def _plain(value: Any) -> Any:
    """Turns an array or bytes into what JSON can hold."""
    return value.decode() if isinstance(value, bytes) else value.tolist()
