package cmml.example;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Prints what a model recommends to someone known by some ratings. */
public final class Recommend {
  private static final int NUM_SHOWN = 10;

  private Recommend() {}

  /**
   * Runs it.
   *
   * @param arguments A version of an export to ONNX, then ratings such as {@code 31=4.5}.
   */
  public static void main(String[] arguments) throws Exception {
    if (arguments.length == 0) {
      System.err.println("usage: VERSION [ITEM_ID=LABEL ...]");
      System.exit(2);
    }
    Map<String, Float> support = new LinkedHashMap<>();
    for (int i = 1; i < arguments.length; i++) {
      int at = arguments[i].lastIndexOf('=');
      if (at < 0) {
        throw new IllegalArgumentException(
            "A rating must be ITEM_ID=LABEL, got \"" + arguments[i] + "\".");
      }
      support.put(arguments[i].substring(0, at), Float.valueOf(arguments[i].substring(at + 1)));
    }
    try (OnnxModel model = new OnnxModel(Path.of(arguments[0]), Set.of("recommend"))) {
      OnnxModel.Recommendations answer = model.recommend(support, Map.of());
      System.out.println(
          answer.reason().isEmpty() ? "From the ratings:" : "From " + answer.reason() + ":");
      answer.items().stream()
          .limit(NUM_SHOWN)
          .forEach(
              item -> System.out.printf(Locale.ROOT, "%.4f  %s%n", item.score(), item.name()));
    }
  }
}
