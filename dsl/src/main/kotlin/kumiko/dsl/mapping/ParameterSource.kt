package kumiko.dsl.mapping

import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Matrix
import java.lang.foreign.Arena

/** Where the parameters of an export come from, one after the other, so that a model larger than memory can be written. */
interface ParameterSource {
    /** The type in which [parameter] will come. */
    fun dtype(parameter: Target): DType

    /** Whether all elements are zero, so that files can leave them out. */
    val isZero: Boolean get() = false

    /** The parameter; what has to be made for it lives in [arena], which the caller closes when it is written. */
    fun get(parameter: Target, arena: Arena): Matrix
}

/** The parameters of a loaded checkpoint. */
class LoadedParameters(private val weights: LoadedWeights) : ParameterSource {
    override fun dtype(parameter: Target): DType = matrix(parameter).dtype()

    override fun get(parameter: Target, arena: Arena): Matrix = matrix(parameter)

    private fun matrix(parameter: Target) = weights.parameters.getValue(parameter.name)
}
