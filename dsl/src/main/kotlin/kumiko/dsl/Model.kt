@file:JvmName("Models")

package kumiko.dsl

import kumiko.dsl.spec.Blocks
import kumiko.dsl.spec.Dim
import kumiko.dsl.spec.Layer
import kumiko.dsl.spec.LayerExpr
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.PositionIds
import kumiko.dsl.spec.SequentialPositions
import kumiko.dsl.spec.SpecException
import kotlin.experimental.ExperimentalTypeInference
import kotlin.properties.PropertyDelegateProvider
import kotlin.properties.ReadOnlyProperty

/** Keeps the words of one scope out of the scopes inside it. */
@DslMarker
@Target(AnnotationTarget.CLASS, AnnotationTarget.TYPE)
public annotation class ModelDsl

/**
 * Describes a model and proves that it fits.
 *
 * @throws SpecException with every problem, if it does not
 */
public fun model(name: String, describe: ModelScope.() -> Unit): ModelSpec = ModelScope(name).apply(describe).build()

/** What can be said of a model. */
@ModelDsl
public class ModelScope internal constructor(private val name: String) {
    private val rows = mutableListOf<Blocks>()

    /** From token ids to the rows the first block reads. */
    public var embedding: Layer? = null

    /** From the last block's rows to the logits. */
    public var head: Layer? = null

    /** Rows in front of every sequence's keys and values, see [ModelSpec.prefix]. */
    public var prefix: Layer? = null

    /** How position numbers follow from the tokens. */
    public var positions: PositionIds = SequentialPositions

    /** `val embed by dim(768)`: a size, named after its property. */
    public fun dim(size: Int): NamedDim = NamedDim(Dim.of(size))

    /** `val hidden by dim(4 * embed)`: a size that follows from others. */
    public fun dim(size: Dim): NamedDim = NamedDim(size)

    /** [count] blocks that are alike. */
    public fun blocks(count: Int, block: BlockScope.() -> Layer) {
        rows += Blocks(count, listOf(BlockScope.block()))
    }

    /** [count] blocks that repeat a cycle. */
    @OptIn(ExperimentalTypeInference::class)
    @OverloadResolutionByLambdaReturnType
    @JvmName("cycle")
    public fun blocks(count: Int, cycle: BlockScope.() -> List<Layer>) {
        rows += Blocks(count, BlockScope.cycle())
    }

    /** One block. */
    public fun block(block: BlockScope.() -> Layer): Unit = blocks(1, block)

    internal fun build(): ModelSpec {
        val missing = listOfNotNull(
            "embedding is not set".takeIf { embedding == null },
            "blocks(count) { ... } is missing".takeIf { rows.isEmpty() },
            "head is not set".takeIf { head == null },
        )
        if (missing.isNotEmpty()) throw SpecException(missing.joinToString("\n  - ", prefix = "$name is incomplete:\n  - "))
        return ModelSpec(name, positions, embedding!!, rows.toList(), head!!, prefix)
    }
}

/** Takes the name of the property it is the delegate of. */
public class NamedDim internal constructor(private val definition: Dim) : PropertyDelegateProvider<Any?, ReadOnlyProperty<Any?, Dim>> {
    override fun provideDelegate(thisRef: Any?, property: kotlin.reflect.KProperty<*>): ReadOnlyProperty<Any?, Dim> {
        val dim = Dim.of(property.name, definition)
        return ReadOnlyProperty { _, _ -> dim }
    }
}

/** What can be said of a block. */
@ModelDsl
public object BlockScope {
    /** The number of the layer, from 0. */
    public val layer: LayerExpr get() = LayerExpr.Layer

    /** How many layers the model has. */
    public val count: LayerExpr get() = LayerExpr.Count
}
