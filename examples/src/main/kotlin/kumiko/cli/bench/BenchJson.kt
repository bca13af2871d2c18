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

/** The result for programs; seconds, bytes and operations, medians and all rounds. */
internal fun BenchResult.toJson(): JsonObject = buildJsonObject {
    put("model", name)
    put("weights", origin)
    put("kernels", kernels)
    put("threads", settings.options.threads())
    putJsonObject("limits") { limits(rounds.limits()) }
    put("weightReadBytesPerSecond", weightBytesPerSecond.median)
    putJsonObject("load") {
        load.open?.let { put("openSeconds", it) }
        put("compileSeconds", load.compile)
        put("compileAgainSeconds", load.compileAgain.median)
        put("openToFirstTokenSeconds", load.firstToken)
    }
    putJsonObject("prefill") { speed(prefill) }
    putJsonArray("decode") { decode.forEach { addJsonObject { speed(it) } } }
    peakResident?.let { put("peakResidentBytes", it) }
    filesInLargePages?.let { put("shareOfFilesInLargePages", it) }
    put("peakHeapBytes", peakHeap)
}

private fun JsonObjectBuilder.speed(speed: Speed) {
    put("batch", speed.batch)
    put("tokens", speed.tokens)
    put("tokensPerSecond", speed.tokensPerSecond)
    put("flopsPerSecond", speed.flopsPerSecond)
    put("shareOfPeak", speed.shareOfPeak)
    put("bytesPerSecond", speed.bytesPerSecond)
    put("shareOfBandwidth", speed.shareOfBandwidth)
    put("allocatedBytesPerToken", speed.allocatedPerToken)
    putJsonObject("limits") { limits(speed.rounds.limits()) }
    putJsonArray("roundSeconds") { speed.times.seconds.forEach { add(it) } }
}
