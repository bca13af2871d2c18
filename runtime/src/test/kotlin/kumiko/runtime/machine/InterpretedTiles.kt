package kumiko.runtime.machine

import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.util.function.Consumer

private val EVERYTHING = listOf(MemorySegment.NULL.reinterpret(Long.MAX_VALUE))

/** Whether all but tiles of [interpretedTiles] runs here. */
val runsBesideTiles: Boolean
    get() = Processor.current().firstMissing("avx512bw", "bmi2", "avx512_bf16") == null

/** The machine code of a processor with tiles, whose instructions for them are interpreted: for tests on one that has none. */
fun interpretedTiles(): MachineCode {
    val here = Processor.current()
    val processor = Processor(here.system(), here.vendor(), here.family(), here.flags() + setOf("amx_tile", "amx_bf16"))
    val arena = Arena.ofAuto()
    val pages = CodePages(arena)
    val interpreted = CodeInstaller {
        val code = it.bytes()
        if (usesTiles(code)) TileInterpreter(code, { EVERYTHING }, { EVERYTHING }) else pages.install(it)
    }
    return MachineCodeChoice.choose(null, processor, { rest, ahead -> TileProduct(rest, ahead, interpreted, arena) }, arena)
}

/** What it writes. */
internal fun Consumer<Assembler>.bytes(): ByteArray = Assembler().also(::accept).toBytes()

/** Whether `ldtilecfg` is in it, without which there are no tiles. */
private fun usesTiles(code: ByteArray) =
    code.toList().windowed(4).any { it[0] == 0xc4.toByte() && it[2] == 0x78.toByte() && it[3] == 0x49.toByte() }
