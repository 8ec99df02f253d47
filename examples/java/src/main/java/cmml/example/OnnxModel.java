package cmml.example;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** An export to ONNX whose tasks are users, asked by ids. Safe for many threads. */
public final class OnnxModel implements AutoCloseable {
  /** Why recommendations do not come from a support set, by the number in an answer. */
  public static final List<String> REASONS =
      List.of("", "user_features", "scenario", "popularity");

  private static final int UNKNOWN = 0;

  /** An item with its score, in the unit of the labels unless popularity stood in. */
  public record Scored(String itemId, String name, float score) {}

  /** Items, best first, and "" or what stood in for a support set. */
  public record Recommendations(String reason, List<Scored> items) {}

  /** Rows of one input: int or float values of a shape, flat. */
  public record Rows(long[] shape, int[] ints, float[] floats) {
    static Rows of(int[] values) {
      return new Rows(new long[] {1, values.length}, values, null);
    }

    static Rows of(float[] values) {
      return new Rows(new long[] {1, values.length}, null, values);
    }
  }

  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final Map<String, OrtSession> sessions = new HashMap<>();
  private final Map<String, Map<String, Integer>> tables = new HashMap<>();
  private final JsonObject manifest;
  private final JsonObject itemNames;
  private final List<String> itemIds;

  /**
   * Loads a version.
   *
   * @param version Its folder, such as {@code cmml.onnx/1796072830}.
   * @param signatures Those that will be asked.
   */
  public OnnxModel(Path version, Set<String> signatures) throws IOException, OrtException {
    manifest = json(version.resolve("manifest.json"));
    Path names = version.resolve("item_names.json");
    itemNames = Files.exists(names) ? json(names) : new JsonObject();
    itemIds = lines(version.resolve("item_id.txt"));
    for (JsonElement role : manifest.getAsJsonArray("roles")) {
      readTable(version, role.getAsString() + "_id");
    }
    for (String name : features().keySet()) {
      if (feature(name).get("vocabulary_size").getAsInt() > 0) {
        readTable(version, name);
      }
    }
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1); // With more, a small graph is no faster.
      for (String name : signatures) {
        String file = version.resolve(name + ".onnx").toString();
        sessions.put(name, environment.createSession(file, options));
      }
    }
  }

  public JsonObject manifest() {
    return manifest;
  }

  /** Returns the id of a row, "" where no item is left. */
  public String itemId(int row) {
    return row == UNKNOWN ? "" : itemIds.get(row - 1);
  }

  /**
   * Adapts to a user, and finds the best items that this user has not rated.
   *
   * @param support Labels by the ids of items.
   * @param user Values of features by name; a number is one value. What is not there is
   *     unknown.
   * @throws IllegalArgumentException If a label is out of range, or the model is not of
   *     this kind.
   */
  public Recommendations recommend(Map<String, Float> support, Map<String, List<String>> user)
      throws OrtException {
    checkKind();
    int[] items = new int[support.size()];
    float[] labels = new float[support.size()];
    int place = 0;
    for (Map.Entry<String, Float> pair : support.entrySet()) {
      items[place] = tables.get("item_id").getOrDefault(pair.getKey().strip(), UNKNOWN);
      labels[place++] = checked(pair.getValue());
    }
    Map<String, Rows> rows = new HashMap<>();
    rows.put("support_item_row", Rows.of(items));
    rows.put("support_label", Rows.of(labels));
    rows.put("exclude_item_row", Rows.of(items));
    for (String name : features().keySet()) {
      rows.put("user_" + name, featureRows(name, user.getOrDefault(name, List.of())));
    }
    try (OrtSession.Result answer = ask("recommend", rows)) {
      int[] best = ((int[][]) answer.get("item_row").orElseThrow().getValue())[0];
      float[] scores = ((float[][]) answer.get("score").orElseThrow().getValue())[0];
      int[] fallback = (int[]) answer.get("fallback").orElseThrow().getValue();
      List<Scored> scored = new ArrayList<>();
      for (int i = 0; i < best.length && best[i] != UNKNOWN; i++) {
        String id = itemId(best[i]);
        String name = itemNames.has(id) ? itemNames.get(id).getAsString() : id;
        scored.add(new Scored(id, name, scores[i]));
      }
      return new Recommendations(REASONS.get(fallback[0]), scored);
    }
  }

  /**
   * Asks a graph.
   *
   * @param signature One that was loaded.
   * @param rows Its inputs by name.
   * @return Its outputs; the caller closes them.
   */
  public OrtSession.Result ask(String signature, Map<String, Rows> rows) throws OrtException {
    OrtSession session = sessions.get(signature);
    Map<String, OnnxTensor> inputs = new HashMap<>();
    try {
      // Of some signatures the graph makes no use of every input.
      for (String name : session.getInputNames()) {
        inputs.put(name, tensor(rows.get(name)));
      }
      return session.run(inputs);
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  @Override
  public void close() throws OrtException {
    for (OrtSession session : sessions.values()) {
      session.close();
    }
  }

  private OnnxTensor tensor(Rows rows) throws OrtException {
    return rows.ints() != null
        ? OnnxTensor.createTensor(environment, IntBuffer.wrap(rows.ints()), rows.shape())
        : OnnxTensor.createTensor(environment, FloatBuffer.wrap(rows.floats()), rows.shape());
  }

  private void checkKind() {
    boolean normalizes = manifest.get("normalize_ids").getAsBoolean();
    String setting = manifest.get("setting").getAsString();
    if (!setting.equals("user") || normalizes) {
      throw new IllegalArgumentException(
          "The model must have users as tasks, and ids as they are written; got the setting \""
              + setting + "\", normalize_ids " + normalizes + ".");
    }
  }

  private float checked(float label) {
    float least = manifest.get("label_min").getAsFloat();
    float most = manifest.get("label_max").getAsFloat();
    if (label >= least && label <= most) {
      return label;
    }
    throw new IllegalArgumentException(
        "A label must be within [" + least + ", " + most + "], got " + label + ".");
  }

  /** Returns rows of known values, then 0; of a number itself, NaN if unknown. */
  private Rows featureRows(String name, List<String> values) {
    JsonObject feature = feature(name);
    if (feature.get("kind").getAsString().equals("numeric")) {
      float value = values.isEmpty() ? Float.NaN : Float.parseFloat(values.get(0));
      return new Rows(new long[] {1}, null, new float[] {value});
    }
    int[] rows = new int[feature.get("max_values").getAsInt()];
    Set<String> counted = new LinkedHashSet<>();
    values.forEach(value -> counted.add(value.strip()));
    counted.remove("");
    int place = 0;
    for (String value : counted.stream().limit(rows.length).toList()) {
      int row = tables.getOrDefault(name, Map.of()).getOrDefault(value, UNKNOWN);
      if (row != UNKNOWN) {
        rows[place++] = row;
      }
    }
    return Rows.of(rows);
  }

  private JsonObject features() {
    return manifest.getAsJsonObject("features");
  }

  private JsonObject feature(String name) {
    return features().getAsJsonObject(name);
  }

  private void readTable(Path version, String name) throws IOException {
    Map<String, Integer> table = new HashMap<>();
    for (String value : lines(version.resolve(name + ".txt"))) {
      table.put(value, table.size() + 1);
    }
    tables.put(name, table);
  }

  /** Splits at line feeds alone, as the lines were written. */
  private static List<String> lines(Path path) throws IOException {
    String text = Files.readString(path);
    return text.isEmpty() ? List.of() : List.of(text.split("\n"));
  }

  private static JsonObject json(Path path) throws IOException {
    return JsonParser.parseString(Files.readString(path)).getAsJsonObject();
  }
}
