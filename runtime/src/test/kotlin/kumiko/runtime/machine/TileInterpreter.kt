package kumiko.runtime.machine

import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout

private val MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE)
private const val TILES = 8
private const val MOST_ROWS = 16
private const val MOST_BYTES = 64
private val KEPT = listOf(Register.RBX, Register.RSP, Register.RBP, Register.R12, Register.R13, Register.R14, Register.R15)

/**
 * Runs the machine code of [TileProduct] and [TileRows] from its bytes, as Intel's manual describes the instructions (volume 2, chapters 2 and 3):
 * whatever the manual calls an invalid opcode or an invalid configuration ends it, and so does an access outside of [readable] and
 * [writable] memory.
 */
class TileInterpreter(
    private val code: ByteArray,
    private val readable: () -> List<MemorySegment>,
    private val writable: () -> List<MemorySegment>,
) : Routine {
    private class Tile(val rows: Int, val bytes: Int) {
        val data = Array(MOST_ROWS) { ByteArray(MOST_BYTES) }

        fun float(row: Int, column: Int): Float = Float.fromBits(
            (0..3).fold(0) { bits, i ->
                bits or (byte(row, 4 * column + i) shl 8 * i)
            },
        )

        fun setFloat(row: Int, column: Int, value: Float) =
            (0..3).forEach { data[row][4 * column + it] = (value.toRawBits() shr 8 * it).toByte() }

        fun bf16(row: Int, column: Int): Float = normal(Float.fromBits(byte(row, 2 * column) shl 16 or (byte(row, 2 * column + 1) shl 24)))

        private fun byte(row: Int, column: Int) = data[row][column].toInt() and 0xff
    }

    private val registers = LongArray(16)
    private val stack = ArrayDeque<Long>()
    private var tiles: List<Tile>? = null
    private var at = 0
    private var isZero = false

    override fun call(a: Long, b: Long, c: Long, d: Long, e: Long, f: Long) {
        registers.fill(0xdead_beef)
        listOf(Register.RDI to a, Register.RSI to b, Register.RDX to c, Register.RCX to d, Register.R8 to e, Register.R9 to f)
            .forEach { (register, value) -> registers[register.number()] = value }
        at = 0
        val kept = KEPT.map { registers[it.number()] }
        while (step()) {
            check(at in code.indices) { "ran past the end" }
        }
        check(stack.isEmpty() && KEPT.map { registers[it.number()] } == kept) { "a register that a caller expects to keep was changed" }
        check(tiles == null) { "the tiles were not released" }
    }

    private fun next() = code[at++].toInt() and 0xff

    private fun nextInt() = next() or (next() shl 8) or (next() shl 16) or (next() shl 24)

    /** False at the return. */
    private fun step(): Boolean {
        when (val first = next()) {
            0xc3 -> return false

            0x75 -> code[at++].let { if (!isZero) at += it }

            0x0f -> when (next()) {
                0x84 -> nextInt().let { if (isZero) at += it }
                0x85 -> nextInt().let { if (!isZero) at += it }
                0x18 -> address(0, next())
                else -> error("no instruction of this program")
            }

            0xc4 -> tile(next(), next(), next())

            in 0x40..0x47 -> short(first, next())

            in 0x50..0x5f, in 0xb8..0xbf -> short(0x40, first)

            in 0x48..0x4f -> next().let { if (it == 0x05) addToRax(nextInt()) else general(first, it, next()) }

            else -> error("byte %02x is no instruction of this program".format(first))
        }
        return true
    }

    /** Without REX.W. */
    private fun short(rex: Int, operation: Int) {
        val register = (operation and 7) or (rex and 1 shl 3)
        when (operation) {
            in 0x50..0x57 -> stack.addLast(registers[register])

            in 0x58..0x5f -> registers[register] = stack.removeLast()

            in 0xb8..0xbf -> registers[register] = nextInt().toLong()

            // A hint: any address will do.
            0x0f -> if (next() == 0x18) address(rex, next()) else error("no hint of this program")

            else -> error("operation %02x is not in this program".format(operation))
        }
    }

    /** Base, and index times scale, plus displacement, of general instructions. */
    private fun address(rex: Int, operands: Int) =
        place((rex and 2 shl 5 or (rex and 1 shl 5)).inv(), operands).let { it.first + it.second }

    /** The short form of a sum with a number of four bytes. */
    private fun addToRax(number: Int) {
        val sum = registers[Register.RAX.number()] + number
        registers[Register.RAX.number()] = sum
        isZero = sum == 0L
    }

    private fun general(rex: Int, operation: Int, operands: Int) {
        if (operands shr 6 != 3) {
            move(operation, (operands shr 3 and 7) or (rex and 4 shl 1), address(rex, operands))
            return
        }
        val target = (operands and 7) or (rex and 1 shl 3)
        val source = (operands shr 3 and 7) or (rex and 4 shl 1)
        val value = registers[target]
        when (operation) {
            0x89 -> registers[target] = registers[source]

            0x85 -> isZero = value and registers[source] == 0L

            else -> {
                registers[target] = when (operation to if (operation == 0x01) 0 else source and 7) {
                    0x01 to 0 -> value + registers[source]
                    0x83 to 0 -> value + code[at++]
                    0x83 to 4 -> value and code[at++].toLong()
                    0x81 to 0 -> value + nextInt()
                    0xc1 to 4 -> value shl next()
                    0xc1 to 5 -> value ushr next()
                    0xff to 1 -> value - 1
                    else -> error("operation %02x /%d is not in this program".format(operation, source))
                }
                isZero = registers[target] == 0L
            }
        }
    }

    private fun move(operation: Int, register: Int, address: Long) {
        when (operation) {
            0x8b -> {
                require(readable(), address, Long.SIZE_BYTES)
                registers[register] = MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, address)
            }

            0x89 -> {
                require(writable(), address, Long.SIZE_BYTES)
                MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, address, registers[register])
            }

            0x8d -> registers[register] = address

            else -> error("operation %02x is not in this program".format(operation))
        }
    }

    private fun tile(second: Int, third: Int, operation: Int) {
        check(second and 31 == 2 && third and 0x84 == 0) { "VEX.128.0F38.W0 is needed" }
        val prefix = third and 3
        val operands = next()
        val reg = (operands shr 3 and 7) or (second.inv() and 0x80 shr 4)
        val isMemory = operands shr 6 != 3
        when (operation to prefix) {
            0x49 to 3 -> configured(reg).data.forEach { it.fill(0) }
            0x4b to 1 -> place(second, operands).let { (start, stride) -> load(reg, start, stride) }
            0x49 to 0 -> if (isMemory) configure(place(second, operands).first) else tiles = null
            0x4b to 3 -> place(second, operands).let { (start, stride) -> load(reg, start, stride) }
            0x4b to 2 -> place(second, operands).let { (start, stride) -> store(reg, start, stride) }
            0x5c to 2 -> multiply(reg, operands and 7, third.inv() shr 3 and 15)
            else -> error("operation %02x is not in this program".format(operation))
        }
    }

    /** Base plus displacement, and index times scale. */
    private fun place(second: Int, operands: Int): Pair<Long, Long> {
        var base = operands and 7
        var stride = 0L
        if (base == 4) {
            val sib = next()
            base = sib and 7
            val index = (sib shr 3 and 7) or (second.inv() and 0x40 shr 3)
            if (index != 4) stride = registers[index] shl (sib shr 6)
        }
        check(operands shr 6 != 0 || base != 5) { "no base" }
        val displacement = when (operands shr 6) {
            0 -> 0
            1 -> code[at++].toInt()
            else -> nextInt()
        }
        return registers[base or (second.inv() and 0x20 shr 2)] + displacement to stride
    }

    private fun require(memory: List<MemorySegment>, address: Long, bytes: Int) = check(
        memory.any { address >= it.address() && address + bytes <= it.address() + it.byteSize() },
    ) { "access to memory that is not an operand's" }

    private fun configure(address: Long) {
        require(readable(), address, MOST_BYTES)
        val c = MEMORY.asSlice(address, MOST_BYTES.toLong()).toArray(ValueLayout.JAVA_BYTE).map { it.toInt() and 0xff }
        check(
            c[0] == 1 && (1..15).all {
                c[it] == 0
            } && (32..47).all { c[it] == 0 } && (56..63).all { c[it] == 0 },
        ) { "palette or reserved" }
        tiles = List(TILES) { Tile(c[48 + it], c[16 + 2 * it] or (c[17 + 2 * it] shl 8)) }
            .onEach { check(it.rows in 1..MOST_ROWS && it.bytes in 1..MOST_BYTES) { "size of a tile" } }
    }

    private fun configured(tile: Int) = checkNotNull(tiles) { "no configuration" }[tile]

    private fun load(number: Int, start: Long, stride: Long) {
        val tile = configured(number)
        tile.data.forEach { it.fill(0) }
        for (r in 0 until tile.rows) {
            require(readable(), start + r * stride, tile.bytes)
            MemorySegment.copy(MEMORY, start + r * stride, MemorySegment.ofArray(tile.data[r]), 0, tile.bytes.toLong())
        }
    }

    private fun store(number: Int, start: Long, stride: Long) {
        val tile = configured(number)
        for (r in 0 until tile.rows) {
            require(writable(), start + r * stride, tile.bytes)
            MemorySegment.copy(MemorySegment.ofArray(tile.data[r]), 0, MEMORY, start + r * stride, tile.bytes.toLong())
        }
    }

    private fun multiply(c: Int, a: Int, b: Int) {
        val (sums, left, right) = Triple(configured(c), configured(a), configured(b))
        check(setOf(a, b, c).size == 3) { "the three tiles must differ" }
        check(sums.bytes % 4 == 0 && left.bytes % 4 == 0 && right.bytes % 4 == 0) { "rows of whole pairs" }
        check(sums.rows == left.rows && left.bytes / 4 == right.rows && sums.bytes == right.bytes) { "sizes do not fit" }
        for (m in 0 until sums.rows) {
            for (n in 0 until sums.bytes / 4) {
                var even = 0f
                var odd = 0f
                for (k in 0 until left.bytes / 4) {
                    even = normal(Math.fma(left.bf16(m, 2 * k), right.bf16(k, 2 * n), even))
                    odd = normal(Math.fma(left.bf16(m, 2 * k + 1), right.bf16(k, 2 * n + 1), odd))
                }
                sums.setFloat(m, n, normal(normal(sums.float(m, n)) + normal(even + odd)))
            }
        }
    }
}

/** Subnormal numbers are zero for these instructions, going in and coming out. */
fun normal(value: Float): Float = if (Math.abs(value) < java.lang.Float.MIN_NORMAL) 0f * value else value
