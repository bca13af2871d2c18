package kumiko.runtime.machine

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import kotlin.math.abs
import kotlin.random.Random

private const val UNIT = 1.0 / (1 shl 24)
private const val ROWS = 7

/** Rows of weights, one row of factors and results, with numbers that are none behind every row. */
private class Stored(val type: DType, val inner: Int, val outer: Int, random: Random, rows: Int = ROWS) {
    private val arena: Arena = Arena.ofAuto()
    val width = maxOf(inner, outer) + 5
    val weights: MemorySegment = arena.allocate(type.bytes(rows.toLong() * width) + 64)
    val x: MemorySegment = floats(width) { if (it < inner) random.nextDouble(-1.0, 1.0).toFloat() else Float.NaN }
    val y: MemorySegment = floats(width) { if (it < outer) random.nextDouble(-1.0, 1.0).toFloat() else Float.NaN }

    init {
        for (i in 0 until rows.toLong() * width) Elements.set(type, weights, i, Double.NaN)
    }

    fun fill(rows: Int, columns: Int, random: Random) {
        for (r in 0 until rows) for (c in 0 until columns) Elements.set(type, weights, r.toLong() * width + c, random.nextDouble(-1.0, 1.0))
    }

    fun weight(row: Int, column: Int) = Elements.get(type, weights, row.toLong() * width + column)

    private fun floats(count: Int, value: (Int) -> Float): MemorySegment = arena.allocate(4L * count).also {
        for (i in 0 until count) it.set(ValueLayout.JAVA_FLOAT, 4L * i, value(i))
    }
}

private fun Stored.shouldHaveAdded(want: List<Double>, columns: Int) {
    for (r in 0 until ROWS) {
        withClue("$columns columns, row $r") { abs(y.at(r) - want[r]) shouldBeLessThanOrEqual (columns + 2) * 2 * UNIT }
    }
    y.at(ROWS).isNaN() shouldBe true
}

/** Of all rows of weights, and looks whether as much was packed as it said. */
private fun BfloatDots.packAndMultiply(stored: Stored, columns: Int) {
    val bytes = packedBytes(columns)
    val packed = Arena.ofAuto().allocate(bytes + 64).fill(-1)
    pack(stored.x.address(), columns, packed.address())
    packed.asSlice(bytes).mismatch(Arena.ofAuto().allocate(64).fill(-1)) shouldBe -1
    val stride = DType.BF16.bytes(stored.width.toLong())
    dots(stored.weights.address(), stride, ROWS, packed.address(), columns, stored.y.address())
}

private fun MemorySegment.at(i: Int) = get(ValueLayout.JAVA_FLOAT, 4L * i).toDouble()

/** One kind of [BfloatDots], where it runs, and what becomes of a factor. */
private class Packing(val name: String, val here: Boolean, val dots: (CodePages) -> BfloatDots, val factor: (Float) -> Float)

class StoredProductSpec : FunSpec({
    val types = listOf(DType.F32, DType.BF16, DType.F16)
    val awkward = listOf(1, 3, 15, 16, 17, 47, 63, 64, 65, 127, 128, 200, 321)

    for (width in Width.entries) {
        for (ahead in Ahead.entries) {
            context("by $width, where memory is asked for $ahead") {
                val here = width.here
                val splits = here && width == Width.AVX512
                val herePairs = splits && Processor.current().firstMissing("avx512_bf16") == null
                val nearestCache = (if (ahead == Ahead.GAPS) 32 else 48) shl 10
                val product = if (here) StoredProduct(ahead, nearestCache, width.pages()) else null
                val splitting = Packing("with float32", splits, { SplitDots(ahead, nearestCache, it) }, { it })
                val rounding =
                    Packing("with what rounded factors give", herePairs, {
                        PairDots(RowRounding(it), ahead, nearestCache, it)
                    }, Elements::nearestBfloat16)

                /** Rows without a gap, all in one call and each in one of its own. */
                fun areRowByRow(type: DType, rows: Int, columns: Int, dots: (weights: Long, stride: Long, rows: Int, y: Long) -> Unit) {
                    val random = Random(5)
                    val weights = Arena.ofAuto().allocate(type.bytes(rows.toLong() * columns), 64)
                    for (i in 0 until rows.toLong() * columns) Elements.set(type, weights, i, random.nextDouble(-1.0, 1.0))
                    val (together, apart) = List(2) { Arena.ofAuto().allocate(4L * rows + 8, 8) }
                    val stride = type.bytes(columns.toLong())
                    dots(weights.address(), stride, rows, together.address())
                    for (r in 0 until rows) dots(weights.address() + r * stride, stride, 1, apart.address() + 4L * r)
                    withClue("$rows rows of $columns $type") { together.mismatch(apart) shouldBe -1 }
                }

                val many = listOf(64 to 2048, 67 to 1003, 300 to 321, 5 to 9000)

                test("many rows without a gap get, bit for bit, what each gets alone").config(enabled = here) {
                    for ((rows, columns) in many) {
                        val x = Stored(DType.F32, columns, 1, Random(6)).x
                        for (type in types) {
                            areRowByRow(type, rows, columns) { weights, stride, count, y ->
                                product!!.dots(type, weights, stride, count, x.address(), columns, y)
                            }
                        }
                    }
                }

                for (packing in listOf(splitting, rounding)) {
                    test("many rows of bf16 without a gap get what each gets alone ${packing.name}").config(enabled = packing.here) {
                        val dots = packing.dots(width.pages())
                        for ((rows, columns) in many) {
                            val packed = Arena.ofAuto().allocate(dots.packedBytes(columns), 64)
                            dots.pack(Stored(DType.F32, columns, 1, Random(6)).x.address(), columns, packed.address())
                            areRowByRow(DType.BF16, rows, columns) { weights, stride, count, y ->
                                dots.dots(weights, stride, count, packed.address(), columns, y)
                            }
                        }
                    }

                    test("packed dots of bf16 weights add ${packing.name}, and no weight or factor behind a row takes part").config(
                        enabled = packing.here,
                    ) {
                        val random = Random(4)
                        val dots = packing.dots(width.pages())
                        for (columns in awkward + 96) {
                            val stored = Stored(DType.BF16, columns, ROWS, random).apply { fill(ROWS, columns, random) }
                            val factors = List(columns) { packing.factor(stored.x.at(it).toFloat()).toDouble() }
                            val want = List(ROWS) { r -> stored.y.at(r) + (0 until columns).sumOf { factors[it] * stored.weight(r, it) } }
                            dots.packAndMultiply(stored, columns)
                            stored.shouldHaveAdded(want, columns)
                        }
                    }
                }

                for (type in types) {
                    test(
                        "dots of $type weights add to the results that there are, and no weight or factor behind a row takes part",
                    ).config(enabled = here) {
                        val random = Random(1)
                        for (columns in awkward) {
                            val stored = Stored(type, columns, ROWS, random).apply { fill(ROWS, columns, random) }
                            val want = List(ROWS) { r ->
                                stored.y.at(r) + (0 until columns).sumOf { stored.x.at(it) * stored.weight(r, it) }
                            }
                            val stride = type.bytes(stored.width.toLong())
                            product!!.dots(type, stored.weights.address(), stride, ROWS, stored.x.address(), columns, stored.y.address())
                            stored.shouldHaveAdded(want, columns)
                        }
                    }

                    test("sums of $type weights add to the results that there are, for any number of rows").config(enabled = here) {
                        val random = Random(2)
                        for (columns in awkward) {
                            for (rows in (1..ROWS) + 23) {
                                val stored = Stored(type, rows, columns, random, rows).apply { fill(rows, columns, random) }
                                val want = List(columns) { c ->
                                    stored.y.at(c) + (0 until rows).sumOf { stored.x.at(it) * stored.weight(it, c) }
                                }
                                product!!.sums(
                                    type,
                                    stored.weights.address(),
                                    type.bytes(stored.width.toLong()),
                                    rows,
                                    stored.x.address(),
                                    columns,
                                    stored.y.address(),
                                )
                                for (c in 0 until columns) {
                                    withClue("$rows rows, column $c of $columns") {
                                        abs(stored.y.at(c) - want[c]) shouldBeLessThanOrEqual (rows + 2) * 2 * UNIT
                                    }
                                }
                                stored.y.at(columns).isNaN() shouldBe true
                            }
                        }
                    }

                    test(
                        "up to eight rows of factors meet $type weights as each would alone, and become no number by what lies behind",
                    ).config(enabled = here) {
                        val random = Random(3)
                        val cases = (awkward + product!!.columns()).flatMap { columns -> (1..Eights.EIGHT).map { columns to it } }
                        for ((columns, others) in cases) {
                            val stored = Stored(type, columns, ROWS, random).apply { fill(ROWS, columns, random) }
                            val stride = product.stride().toLong()
                            val arena = Arena.ofAuto()
                            val factors = arena.allocate(Eights.EIGHT * stride).fill(-1)
                            for (r in 0 until others) {
                                for (k in 0 until columns) {
                                    factors.set(
                                        ValueLayout.JAVA_FLOAT,
                                        r * stride + 4L * k,
                                        random.nextDouble(-1.0, 1.0).toFloat(),
                                    )
                                }
                            }
                            val tile = arena.allocate(ROWS.toLong() * Eights.TILE_BYTES)
                            product.add(
                                type,
                                stored.weights.address(),
                                type.bytes(stored.width.toLong()),
                                ROWS,
                                factors.address(),
                                others,
                                columns,
                                tile.address(),
                                stored.weights.address() + 4096,
                            )
                            for (i in 0 until ROWS) {
                                for (r in 0 until others) {
                                    val want = (0 until columns).sumOf {
                                        factors.get(ValueLayout.JAVA_FLOAT, r * stride + 4L * it) * stored.weight(i, it)
                                    }
                                    val got = tile.get(ValueLayout.JAVA_FLOAT, i.toLong() * Eights.TILE_BYTES + 4L * r)
                                    withClue("$columns columns, weight row $i, row $r of $others") {
                                        abs(got - want) shouldBeLessThanOrEqual (columns + 2) * 2 * UNIT
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
})
