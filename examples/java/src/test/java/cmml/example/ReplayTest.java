package cmml.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import cmml.example.OnnxModel.Rows;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Asks the recorded requests of an export again: {@code mvn test -Dexport=VERSION}. */
class ReplayTest {
  private static final double TOLERANCE = 1e-5; // Of the largest label or score, or of 1.

  private Path version;

  @BeforeEach
  void findExport() {
    String export = System.getProperty("export", "");
    assumeTrue(!export.isEmpty(), "no export is named by -Dexport=");
    version = Path.of(export);
  }

  @Test
  void answersAreThoseOfTensorFlow() throws Exception {
    List<JsonObject> requests = new ArrayList<>();
    for (String line : Files.readAllLines(version.resolve("parity_requests.jsonl"))) {
      requests.add(JsonParser.parseString(line).getAsJsonObject());
    }
    Map<String, List<Long>> times = new TreeMap<>(); // Processor time in ns.
    for (JsonObject request : requests) {
      times.put(request.get("signature").getAsString(), new ArrayList<>());
    }
    double largest = 0.0;
    try (OnnxModel model = new OnnxModel(version, times.keySet())) {
      for (JsonObject request : requests) {
        largest = Math.max(largest, difference(model, request, times));
      }
    }
    String signatures = String.join(", ", times.keySet());
    System.out.printf(
        Locale.ROOT,
        "onnxruntime %s: %d requests of %s; largest difference %.1e; median ms: %s%n",
        OrtEnvironment.getEnvironment().getVersion(),
        requests.size(),
        signatures,
        largest,
        medians(times));
    assertTrue(largest <= TOLERANCE, "largest difference: " + largest);
  }

  @Test
  void whatIsRatedIsNotRecommended() throws Exception {
    try (OnnxModel model = new OnnxModel(version, Set.of("recommend"))) {
      assumeTrue(model.manifest().get("setting").getAsString().equals("user"));
      float label = model.manifest().get("label_max").getAsFloat();
      OnnxModel.Recommendations before = model.recommend(Map.of(), Map.of());
      assertEquals("popularity", before.reason());
      String popular = before.items().get(0).itemId();
      OnnxModel.Recommendations after = model.recommend(Map.of(popular, label), Map.of());
      assertEquals("", after.reason());
      assertFalse(after.items().stream().anyMatch(item -> item.itemId().equals(popular)));
      assertThrows(
          IllegalArgumentException.class,
          () -> model.recommend(Map.of(popular, label + 1), Map.of()));
    }
  }

  private static String medians(Map<String, List<Long>> times) {
    List<String> medians = new ArrayList<>();
    times.forEach(
        (signature, all) -> {
          double median = all.stream().sorted().toList().get(all.size() / 2) / 1e6;
          medians.add(String.format(Locale.ROOT, "%s %.2f", signature, median));
        });
    return String.join(", ", medians);
  }

  private static double difference(
      OnnxModel model, JsonObject request, Map<String, List<Long>> times) throws Exception {
    String signature = request.get("signature").getAsString();
    JsonObject specs = model.manifest().getAsJsonObject("by_rows").getAsJsonObject(signature);
    Map<String, Rows> rows = new HashMap<>();
    for (Map.Entry<String, JsonElement> input : request.getAsJsonObject("rows").entrySet()) {
      JsonObject spec = specs.getAsJsonObject("inputs").getAsJsonObject(input.getKey());
      rows.put(input.getKey(), rows(spec, input.getValue().getAsJsonArray()));
    }
    JsonObject expected = request.getAsJsonObject("answer");
    double largest = 0.0;
    ThreadMXBean thread = ManagementFactory.getThreadMXBean();
    long started = thread.getCurrentThreadCpuTime();
    try (OrtSession.Result answer = model.ask(signature, rows)) {
      times.get(signature).add(thread.getCurrentThreadCpuTime() - started);
      for (String name : expected.keySet()) {
        List<JsonElement> wanted = flat(expected.get(name));
        switch (name) {
          case "item_id" -> assertItems(model, wanted, flat(expected.get("score")), answer);
          case "fallback_reason" -> assertReasons(wanted, answer);
          default -> largest = Math.max(largest, gap(model, wanted, values(answer, name)));
        }
      }
    }
    return largest;
  }

  private static double gap(OnnxModel model, List<JsonElement> wanted, double[] actual) {
    assertEquals(wanted.size(), actual.length);
    double scale = scale(model, wanted);
    double largest = 0.0;
    for (int i = 0; i < actual.length; i++) {
      largest = Math.max(largest, Math.abs(actual[i] - wanted.get(i).getAsDouble()) / scale);
    }
    return largest;
  }

  /** Items whose scores differ by rounding alone may come in either order. */
  private static void assertItems(
      OnnxModel model, List<JsonElement> wanted, List<JsonElement> scores, OrtSession.Result answer)
      throws Exception {
    double[] rows = values(answer, "item_row");
    assertEquals(wanted.size(), rows.length);
    double tolerance = TOLERANCE * scale(model, scores);
    for (int i = 0; i < rows.length; i++) {
      boolean isTied = i == rows.length - 1 || isClose(scores, i, i + 1, tolerance);
      isTied |= i > 0 && isClose(scores, i - 1, i, tolerance);
      String id = model.itemId((int) rows[i]);
      assertTrue(isTied || id.equals(wanted.get(i).getAsString()), "item " + id + " at " + i);
    }
  }

  private static void assertReasons(List<JsonElement> wanted, OrtSession.Result answer)
      throws Exception {
    double[] numbers = values(answer, "fallback");
    assertEquals(wanted.size(), numbers.length);
    for (int i = 0; i < numbers.length; i++) {
      assertEquals(wanted.get(i).getAsString(), OnnxModel.REASONS.get((int) numbers[i]));
    }
  }

  private static boolean isClose(List<JsonElement> scores, int i, int j, double tolerance) {
    return Math.abs(scores.get(i).getAsDouble() - scores.get(j).getAsDouble()) <= tolerance;
  }

  private static double scale(OnnxModel model, List<JsonElement> values) {
    double scale = Math.max(1.0, model.manifest().get("label_max").getAsDouble());
    for (JsonElement value : values) {
      scale = Math.max(scale, Math.abs(value.getAsDouble()));
    }
    return scale;
  }

  private static double[] values(OrtSession.Result answer, String name) throws Exception {
    OnnxTensor tensor = (OnnxTensor) answer.get(name).orElseThrow();
    double[] values = new double[(int) tensor.getInfo().getNumElements()];
    switch (tensor.getInfo().type) {
      case FLOAT -> {
        FloatBuffer buffer = tensor.getFloatBuffer();
        Arrays.setAll(values, buffer::get);
      }
      case INT32 -> {
        IntBuffer buffer = tensor.getIntBuffer();
        Arrays.setAll(values, buffer::get);
      }
      case INT64 -> {
        LongBuffer buffer = tensor.getLongBuffer();
        Arrays.setAll(values, buffer::get);
      }
      default -> throw new AssertionError(tensor.getInfo().toString());
    }
    return values;
  }

  private static Rows rows(JsonObject spec, JsonArray values) {
    List<Long> shape = new ArrayList<>();
    for (JsonElement part = values; part.isJsonArray(); part = part.getAsJsonArray().get(0)) {
      shape.add((long) part.getAsJsonArray().size());
      if (part.getAsJsonArray().isEmpty()) {
        break;
      }
    }
    List<JsonElement> numbers = flat(values);
    long[] dims = shape.stream().mapToLong(Long::longValue).toArray();
    if (spec.get("dtype").getAsString().equals("int32")) {
      int[] ints = numbers.stream().mapToInt(JsonElement::getAsInt).toArray();
      return new Rows(dims, ints, null);
    }
    float[] floats = new float[numbers.size()];
    for (int i = 0; i < floats.length; i++) {
      JsonElement number = numbers.get(i);
      floats[i] = number.isJsonNull() ? Float.NaN : number.getAsFloat();
    }
    return new Rows(dims, null, floats);
  }

  private static List<JsonElement> flat(JsonElement value) {
    if (!value.isJsonArray()) {
      return List.of(value);
    }
    List<JsonElement> values = new ArrayList<>();
    value.getAsJsonArray().forEach(part -> values.addAll(flat(part)));
    return values;
  }
}
