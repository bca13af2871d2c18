package kumiko.runtime.kernel

import io.kotest.core.spec.style.FunSpec
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Pairing
import kumiko.runtime.tensor.Rows

private val WIDTHS = listOf(1, 3, 7, 16, 17, 31, 33, 64, 100, 129, 255)
private val VALUES = listOf(0.0, -0.0, 1e-40, -1e-40, 1e-7, 87.0, -87.0, 89.0, -89.0, 104.0, -104.0, 3e38, -3e38, 0.83, -0.84, 5.0, -5.0)

class ElementTwinsSpec :
    FunSpec({
        fun twins(clue: String, tolerance: Double, operation: Bench.(Kernels, Rows, Rows, Rows) -> Unit) {
            val bench = Bench(11)
            for (width in WIDTHS) {
                val a = bench.rows(4, width) { 3 * bench.normal() }
                val b = bench.rows(4, width)
                val before = bench.rows(4, width)
                val want = bench.copyOf(before)
                bench.operation(bench.scalar, a, b, want)
                for (vector in bench.vectors) {
                    val got = bench.copyOf(before)
                    bench.operation(vector, a, b, got)
                    compareAll(want, got, tolerance, "$clue, width $width, ${vector.describe()}")
                }
            }
        }

        for (function in Activation.entries) {
            test("$function agrees on ordinary and on extreme values") {
                twins("$function", Tolerance.FUNCTION) { k, a, _, y -> k.activate(function, a, y, 1, 3) }
                twins("gated $function", 4 * Tolerance.FUNCTION) { k, a, b, y -> k.gated(function, a, b, y, 0, 4) }
                val bench = Bench(12)
                var i = 0
                val x = bench.rows(1, VALUES.size) { VALUES[i++ % VALUES.size] }
                val want = bench.copyOf(x)
                bench.scalar.activate(function, x, want, 0, 1)
                for (vector in bench.vectors) {
                    val got = bench.copyOf(x)
                    vector.activate(function, x, got, 0, 1)
                    compareAll(want, got, Tolerance.FUNCTION, "$function of extremes, ${vector.describe()}")
                }
            }

            test("$function agrees all the way from -12 to 12") {
                val bench = Bench(13)
                var i = 0
                val x = bench.rows(1, 40_000) { (i++ - 20_000) * 6e-4 }
                val want = bench.copyOf(x)
                bench.scalar.activate(function, x, want, 0, 1)
                for (vector in bench.vectors) {
                    val got = bench.copyOf(x)
                    vector.activate(function, x, got, 0, 1)
                    compareAll(want, got, Tolerance.FUNCTION, "$function, ${vector.describe()}")
                }
            }
        }

        test("sums, products, multiples and copies agree") {
            twins("add", Tolerance.FUNCTION) { k, a, b, y -> k.add(0.3, a, b, y, 1, 4) }
            twins("multiply", Tolerance.FUNCTION) { k, a, b, y -> k.multiply(a, b, y, 1, 4) }
            twins("scale", Tolerance.FUNCTION) { k, a, _, y -> k.scale(a, 0.7, y, 1, 4) }
            twins("copy", 0.0) { k, a, _, y -> k.copy(a, y, 1, 4) }
        }

        test("an output may be one of the inputs") {
            twins("add", Tolerance.FUNCTION) { k, a, _, y -> k.add(0.3, y, a, y, 0, 4) }
            twins("gated", 4 * Tolerance.FUNCTION) { k, a, _, y -> k.gated(Activation.SILU, a, y, y, 0, 4) }
        }

        test("norms agree with and without weight and bias") {
            twins("layerNorm", 4 * Tolerance.FUNCTION) { k, a, b, y -> k.layerNorm(a, b, a, 1e-5, y, 1, 3) }
            twins("layerNorm, bare", 4 * Tolerance.FUNCTION) { k, a, _, y -> k.layerNorm(a, null, null, 1e-5, y, 0, 4) }
            twins("rmsNorm", 4 * Tolerance.FUNCTION) { k, a, b, y -> k.rmsNorm(a, b, 1e-6, 1.0, y, 1, 3) }
            twins("rmsNorm, bare", 4 * Tolerance.FUNCTION) { k, a, _, y -> k.rmsNorm(a, null, 1e-6, 0.0, y, 0, 4) }
        }

        test("rotary turns agree for both pairings, whole and partial heads, in place or not") {
            val bench = Bench(14)
            for (pairing in Pairing.entries) {
                for ((headDim, first, pairs) in listOf(
                    Triple(64, 0, 32),
                    Triple(40, 0, 5),
                    Triple(64, 32, 16),
                    Triple(6, 2, 1),
                    Triple(34, 0, 17),
                )) {
                    val x = bench.rows(3, 3 * headDim)
                    val angles = bench.rows(3, 2 * pairs)
                    val before = bench.rows(3, 3 * headDim)
                    val want = bench.copyOf(before)
                    bench.scalar.rotate(x, angles, headDim, first, pairing, want, 0, 3)
                    for (vector in bench.vectors) {
                        val (got, place) = listOf(bench.copyOf(before), bench.copyOf(x))
                        vector.rotate(x, angles, headDim, first, pairing, got, 0, 3)
                        compareAll(want, got, 4 * Tolerance.FUNCTION, "$pairing $headDim $first $pairs, ${vector.describe()}")
                        vector.rotate(place, angles, headDim, first, pairing, place, 0, 3)
                        for (r in 0 until 3) {
                            for (c in 0 until 3 * headDim) check(place.at(r, c) == got.at(r, c)) { "in place: $pairing $r $c" }
                        }
                    }
                }
            }
        }

        test("angles agree") {
            val bench = Bench(15)
            val frequencies = DoubleArray(9) { Math.pow(10_000.0, -it / 9.0) }
            val before = bench.rows(4, 18)
            val (want, got) = List(2) { bench.copyOf(before) }
            val positions = bench.ints(0, 1, 511, 130_000)
            bench.scalar.angles(positions, frequencies, want, 0, 4)
            bench.vector.angles(positions, frequencies, got, 0, 4)
            compareAll(want, got, Tolerance.FUNCTION, "angles")
        }
    })
