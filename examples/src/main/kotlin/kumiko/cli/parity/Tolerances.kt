package kumiko.cli.parity

import kumiko.cli.refuse

/**
 * How far each tensor of a reference may be off.
 *
 * @param otherwise for tensors about which the reference says nothing
 * @param share of the reference's tolerance that is allowed: 1 in float32
 */
internal class Tolerances(private val reference: ReferenceSet, private val otherwise: Double?, private val share: Double) {
    operator fun get(name: String): Double = reference.tolerances[name]?.let { it * share } ?: whole(name)

    /**
     * In decoding the float32 rounding of the reference was not measured, only taken to be about that of its logits, so float64 cannot
     * be asked for less than float32.
     */
    val decoding: Double get() = reference.tolerances["logits"] ?: whole("generated_logits")

    private fun whole(name: String): Double =
        otherwise ?: refuse("${reference.source}: names no tolerance for \"$name\". Say with --atol how far it may be off.")
}
