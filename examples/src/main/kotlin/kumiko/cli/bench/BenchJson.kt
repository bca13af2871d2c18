package kumiko.cli.bench

import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonObjectBuilder
import kotlinx.serialization.json.add
import kotlinx.serialization.json.addJsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import kotlinx.serialization.json.putJsonObject
import kumiko.cli.bench.BenchResult.Speed
import kumiko.runtime.kernel.MachineLimits

/** The result for programs; seconds, bytes and operations, medians and all rounds. */
internal fun BenchResult.toJson(): JsonObject = buildJsonObject {
    put("model", name)
    put("weights", origin)
    put("kernels", kernels)
    put("threads", settings.options.threads())
    putJsonObject("limits") { limits(limits) }
    putJsonObject("load") {
        load.open?.let { put("openSeconds", it) }
        put("compileSeconds", load.compile)
        put("compileAgainSeconds", load.compileAgain.median)
        put("openToFirstTokenSeconds", load.firstToken)
    }
    putJsonObject("prefill") { speed(prefill, limits) }
    putJsonArray("decode") { decode.forEach { addJsonObject { speed(it, limits) } } }
    peakResident?.let { put("peakResidentBytes", it) }
    put("peakHeapBytes", peakHeap)
}

private fun JsonObjectBuilder.speed(speed: Speed, limits: MachineLimits) {
    put("batch", speed.batch)
    put("tokens", speed.tokens)
    put("tokensPerSecond", speed.tokensPerSecond)
    put("flopsPerSecond", speed.flopsPerSecond)
    put("shareOfPeak", speed.shareOfPeak(limits))
    put("bytesPerSecond", speed.bytesPerSecond)
    put("shareOfBandwidth", speed.shareOfBandwidth(limits))
    put("allocatedBytesPerToken", speed.allocatedPerToken)
    putJsonArray("roundSeconds") { speed.rounds.seconds.forEach { add(it) } }
}
