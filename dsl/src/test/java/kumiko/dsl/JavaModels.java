package kumiko.dsl;

import static kumiko.dsl.spec.Attentions.attention;
import static kumiko.dsl.spec.Branches.plus;
import static kumiko.dsl.spec.Dims.times;
import static kumiko.dsl.spec.Embeddings.learnedPositions;
import static kumiko.dsl.spec.Embeddings.tokens;
import static kumiko.dsl.spec.FeedForwards.mlp;
import static kumiko.dsl.spec.Masks.causal;
import static kumiko.dsl.spec.Norms.layerNorm;
import static kumiko.dsl.spec.Paths.then;
import static kumiko.dsl.spec.Topologies.sequentialResidual;

import java.util.List;
import kumiko.dsl.spec.Affine;
import kumiko.dsl.spec.Bias;
import kumiko.dsl.spec.Blocks;
import kumiko.dsl.spec.Dim;
import kumiko.dsl.spec.Layer;
import kumiko.dsl.spec.ModelSpec;
import kumiko.dsl.spec.Norm;
import kumiko.dsl.spec.PositionCode;
import kumiko.dsl.spec.ScoreScale;
import kumiko.dsl.spec.SequentialPositions;
import kumiko.dsl.spec.TiedToTokens;
import kumiko.runtime.graph.Activation;

/** A model described from Java: the same values, without the Kotlin scopes. */
public final class JavaModels {
  private JavaModels() {}

  /** The same as {@code tinyGpt2} of the Kotlin tests. */
  public static ModelSpec tinyGpt2() {
    Dim vocab = Dim.of("vocab", 10);
    Dim context = Dim.of("context", 16);
    Dim embed = Dim.of("embed", 8);
    Dim heads = Dim.of("heads", 2);
    Dim headDim = Dim.of("headDim", embed.div(heads));
    Dim hidden = Dim.of("hidden", times(4, embed));
    Norm norm = layerNorm(embed, 1e-5, Affine.WEIGHT_AND_BIAS);
    Layer attn = attention(embed, heads, headDim, heads, null, PositionCode.None.INSTANCE, causal(null),
        ScoreScale.InverseSqrt.INSTANCE, Bias.EVERYWHERE, null, null);
    Layer ffn = mlp(embed, hidden, Activation.GELU_TANH, Bias.EVERYWHERE);

    Layer block = sequentialResidual(then(norm, attn), then(norm, ffn));
    return new ModelSpec("tiny-gpt2", SequentialPositions.INSTANCE, plus(tokens(vocab, embed), learnedPositions(context, embed)),
        List.of(new Blocks(2, List.of(block))), then(norm, TiedToTokens.INSTANCE));
  }
}
