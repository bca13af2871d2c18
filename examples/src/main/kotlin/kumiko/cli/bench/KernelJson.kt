package kumiko.cli.bench

import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonObjectBuilder
import kotlinx.serialization.json.addJsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.double
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import kotlinx.serialization.json.putJsonObject
import kumiko.cli.WEIGHT_TYPES
import kumiko.runtime.kernel.Arithmetic
import kumiko.runtime.kernel.MachineLimits
import java.util.OptionalDouble

/** The result for programs; seconds, bytes and operations, medians and all rounds. */
internal fun KernelResult.toJson(): JsonObject = buildJsonObject {
    put("kernels", kernels(settings))
    put("threads", settings.options.threads())
    putJsonObject("limits") { limits(rounds.limits()) }
    putJsonArray("layers") { speeds.forEach { addJsonObject { speed(it) } } }
}

/** Of the machine. */
internal fun JsonObjectBuilder.limits(limits: MachineLimits) {
    put("readBytesPerSecond", limits.readBytesPerSecond())
    put("f32FlopsPerSecond", limits.f32FlopsPerSecond())
    limits.bf16()?.let { put("bf16FlopsPerSecond", it) }
}

private fun JsonObjectBuilder.speed(speed: LinearSpeed) {
    put("inputs", speed.case.size.inputs)
    put("outputs", speed.case.size.outputs)
    put("weights", speed.case.dtype.name.lowercase())
    put("arithmetic", if (speed.case.arithmetic == Arithmetic.BFLOAT16) "bf16" else "f32")
    put("rows", speed.case.rows)
    put("bf16Products", speed.bf16Products)
    put("copies", speed.case.copies)
    put("seconds", speed.times.median)
    put("bytesPerSecond", speed.bytesPerSecond)
    put("shareOfBandwidth", speed.shareOfBandwidth)
    put("flopsPerSecond", speed.flopsPerSecond)
    put("shareOfPeak", speed.shareOfPeak)
    // Of all copies.
    putJsonArray("rounds") {
        speed.rounds.forEach {
            addJsonObject {
                put("seconds", it.seconds)
                limits(it.limits)
            }
        }
    }
}

/** What [toJson] wrote, read again. */
internal fun linearSpeeds(json: JsonObject): List<LinearSpeed> = json.getValue("layers").jsonArray.map { it.jsonObject }.map { layer ->
    fun number(name: String) = layer.getValue(name).jsonPrimitive.int
    fun word(name: String) = layer.getValue(name).jsonPrimitive.content
    val case = LinearCase(
        MatrixSize(number("inputs"), number("outputs")),
        WEIGHT_TYPES.getValue(word("weights")),
        if (word("arithmetic") == "bf16") Arithmetic.BFLOAT16 else Arithmetic.FLOAT32,
        number("rows"),
    )
    LinearSpeed(case, number("bf16Products"), layer.getValue("rounds").jsonArray.map { round(it.jsonObject) })
}

private fun round(json: JsonObject): Round {
    fun number(name: String) = json.getValue(name).jsonPrimitive.double
    val bf16 = json["bf16FlopsPerSecond"]?.jsonPrimitive?.double?.let(OptionalDouble::of) ?: OptionalDouble.empty()
    return Round(MachineLimits(number("readBytesPerSecond"), number("f32FlopsPerSecond"), bf16), number("seconds"))
}
