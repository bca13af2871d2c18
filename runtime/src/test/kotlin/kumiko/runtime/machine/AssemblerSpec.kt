package kumiko.runtime.machine

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe

/** What GNU as 2.40 makes of an instruction in Intel's syntax. */
private class Fact(val text: String, val hex: String, val write: Assembler.() -> Unit)

private fun hex(write: Assembler.() -> Unit) = Assembler().apply(write).toBytes().joinToString(" ") { "%02x".format(it) }

class AssemblerSpec : FunSpec({
    test("every instruction is encoded as the GNU assembler encodes it") {
        val facts = listOf(
            Fact("mov rax, rdi", "48 89 f8") { mov(Register.RAX, Register.RDI) },
            Fact("mov r9, rdx", "49 89 d1") { mov(Register.R9, Register.RDX) },
            Fact("mov rax, [rdi]", "48 8b 07") { mov(Register.RAX, Address.at(Register.RDI, 0)) },
            Fact("mov rax, [rdi+120]", "48 8b 47 78") { mov(Register.RAX, Address.at(Register.RDI, 120)) },
            Fact("mov r11, [r12+8]", "4d 8b 5c 24 08") { mov(Register.R11, Address.at(Register.R12, 8)) },
            Fact("mov rax, [r13]", "49 8b 45 00") { mov(Register.RAX, Address.at(Register.R13, 0)) },
            Fact("mov rbx, [rsp+256]", "48 8b 9c 24 00 01 00 00") { mov(Register.RBX, Address.at(Register.RSP, 256)) },
            Fact("mov r11d, 0x55555555", "41 bb 55 55 55 55") { mov(Register.R11, 0x5555_5555) },
            Fact("mov eax, 64", "b8 40 00 00 00") { mov(Register.RAX, 64) },
            Fact("lea rax, [rdx+rdx*2]", "48 8d 04 52") { lea(Register.RAX, Address.at(Register.RDX, Register.RDX, 2)) },
            Fact("lea r10, [rdx+rdx*4]", "4c 8d 14 92") { lea(Register.R10, Address.at(Register.RDX, Register.RDX, 4)) },
            Fact("lea r15, [r14+r13*8+1000]", "4f 8d bc ee e8 03 00 00") {
                lea(Register.R15, Address.at(Register.R14, Register.R13, 8).plus(1000))
            },
            Fact("add rdi, rcx", "48 01 cf") { add(Register.RDI, Register.RCX) },
            Fact("add r9, rsi", "49 01 f1") { add(Register.R9, Register.RSI) },
            Fact("add rsi, 4", "48 83 c6 04") { add(Register.RSI, 4) },
            Fact("add rdi, 256", "48 81 c7 00 01 00 00") { add(Register.RDI, 256) },
            Fact("add rax, 4096", "48 05 00 10 00 00") { add(Register.RAX, 4096) },
            Fact("add r9, 64", "49 83 c1 40") { add(Register.R9, 64) },
            Fact("shl r9, 4", "49 c1 e1 04") { shl(Register.R9, 4) },
            Fact("shr r9, 16", "49 c1 e9 10") { shr(Register.R9, 16) },
            Fact("dec rcx", "48 ff c9") { dec(Register.RCX) },
            Fact("dec r8", "49 ff c8") { dec(Register.R8) },
            Fact("test rcx, rcx", "48 85 c9") { test(Register.RCX, Register.RCX) },
            Fact("test r9, r9", "4d 85 c9") { test(Register.R9, Register.R9) },
            Fact("ret", "c3") { ret() },
            Fact("kmovw k1, r9d", "c4 c1 78 92 c9") { kmovw(1, Register.R9) },
            Fact("kmovw k2, eax", "c5 f8 92 d0") { kmovw(2, Register.RAX) },
            Fact("kmovd k1, r11d", "c4 c1 7b 92 cb") { kmovd(1, Register.R11) },
            Fact("vmovups zmm0, [r8]", "62 d1 7c 48 10 00") { vmovups(0, Address.at(Register.R8, 0)) },
            Fact("vmovups zmm27, [rdi+192]", "62 61 7c 48 10 5f 03") { vmovups(27, Address.at(Register.RDI, 192)) },
            Fact("vmovups zmm16{k1}{z}, [rax+rsi]", "62 e1 7c c9 10 04 30") { vmovups(16, 1, Address.at(Register.RAX, Register.RSI, 1)) },
            Fact("vmovups zmm17{k2}{z}, [rax+rsi+64]", "62 e1 7c ca 10 4c 30 01") {
                vmovups(17, 2, Address.at(Register.RAX, Register.RSI, 1).plus(64))
            },
            Fact("vmovups zmm5, [r8+100]", "62 d1 7c 48 10 a8 64 00 00 00") { vmovups(5, Address.at(Register.R8, 100)) },
            Fact("vmovups zmm9, [r8+8192]", "62 51 7c 48 10 88 00 20 00 00") { vmovups(9, Address.at(Register.R8, 8192)) },
            Fact("vmovups [rdx], zmm15", "62 71 7c 48 11 3a") { vmovups(Address.at(Register.RDX, 0), 15) },
            Fact("vmovups [rsi]{k1}, zmm31", "62 61 7c 49 11 3e") { vmovups(Address.at(Register.RSI, 0), 1, 31) },
            Fact("vmovups [r8+1344], zmm23", "62 c1 7c 48 11 78 15") { vmovups(Address.at(Register.R8, 1344), 23) },
            Fact("vpbroadcastd zmm28, [rsi]", "62 62 7d 48 58 26") { vpbroadcastd(28, Address.at(Register.RSI, 0)) },
            Fact("vpbroadcastd zmm29, [rsi+rdx*2]", "62 62 7d 48 58 2c 56") { vpbroadcastd(29, Address.at(Register.RSI, Register.RDX, 2)) },
            Fact("vpbroadcastd zmm31, [r12+r13*4+508]", "62 02 7d 48 58 7c ac 7f") {
                vpbroadcastd(31, Address.at(Register.R12, Register.R13, 4).plus(508))
            },
            Fact("vpbroadcastw zmm30{k1}{z}, [rsi+rax]", "62 62 7d c9 79 34 06") {
                vpbroadcastw(30, 1, Address.at(Register.RSI, Register.RAX, 1))
            },
            Fact("vdpbf16ps zmm1, zmm2, zmm3", "62 f2 6e 48 52 cb") { vdpbf16ps(1, 2, 3) },
            Fact("vdpbf16ps zmm23, zmm27, zmm31", "62 82 26 40 52 ff") { vdpbf16ps(23, 27, 31) },
            Fact("vdpbf16ps zmm0, zmm24, zmm28", "62 92 3e 40 52 c4") { vdpbf16ps(0, 24, 28) },
            Fact("vcvtne2ps2bf16 zmm15, zmm17, zmm16", "62 32 77 40 72 f8") { vcvtne2ps2bf16(15, 17, 16) },
            Fact("vaddps zmm7, zmm7, zmm16", "62 b1 44 48 58 f8") { vaddps(7, 7, 16) },
            Fact("vpunpckldq zmm16, zmm0, zmm1", "62 e1 7d 48 62 c1") { vpunpckldq(16, 0, 1) },
            Fact("vpunpckhdq zmm31, zmm14, zmm15", "62 41 0d 48 6a ff") { vpunpckhdq(31, 14, 15) },
            Fact("vpunpcklqdq zmm0, zmm16, zmm18", "62 b1 fd 40 6c c2") { vpunpcklqdq(0, 16, 18) },
            Fact("vpunpckhqdq zmm13, zmm28, zmm30", "62 11 9d 40 6d ee") { vpunpckhqdq(13, 28, 30) },
            Fact("vshufi32x4 zmm16, zmm0, zmm4, 0x88", "62 e3 7d 48 43 c4 88") { vshufi32x4(16, 0, 4, 0x88) },
            Fact("vshufi32x4 zmm15, zmm23, zmm31, 0xdd", "62 13 45 40 43 ff dd") { vshufi32x4(15, 23, 31, 0xdd) },
            Fact("vzeroupper", "c5 f8 77") { vzeroupper() },
            Fact("ldtilecfg [r9]", "c4 c2 78 49 01") { ldtilecfg(Address.at(Register.R9, 0)) },
            Fact("ldtilecfg [rax+64]", "c4 e2 78 49 40 40") { ldtilecfg(Address.at(Register.RAX, 64)) },
            Fact("tileloadd tmm4, [rsi+rdx]", "c4 e2 7b 4b 24 16") { tileloadd(4, Address.at(Register.RSI, Register.RDX, 1)) },
            Fact("tileloadd tmm7, [rdi+r10+64]", "c4 a2 7b 4b 7c 17 40") {
                tileloadd(7, Address.at(Register.RDI, Register.R10, 1).plus(64))
            },
            Fact("tileloadd tmm3, [r8+r11+4160]", "c4 82 7b 4b 9c 18 40 10 00 00") {
                tileloadd(3, Address.at(Register.R8, Register.R11, 1).plus(4160))
            },
            Fact("tilestored [r8+r11+4096], tmm2", "c4 82 7a 4b 94 18 00 10 00 00") {
                tilestored(Address.at(Register.R8, Register.R11, 1).plus(4096), 2)
            },
            Fact("tdpbf16ps tmm0, tmm4, tmm6", "c4 e2 4a 5c c4") { tdpbf16ps(0, 4, 6) },
            Fact("tdpbf16ps tmm3, tmm5, tmm7", "c4 e2 42 5c dd") { tdpbf16ps(3, 5, 7) },
            Fact("tilerelease", "c4 e2 78 49 c0") { tilerelease() },
        )
        for (fact in facts) withClue(fact.text) { hex(fact.write) shouldBe fact.hex }
    }

    test("a jump back is short where it can be, and counts from behind itself") {
        hex {
            val top = here()
            dec(Register.RCX)
            jnz(top)
        } shouldBe "48 ff c9 75 fb"
        hex {
            val top = here()
            repeat(128) { ret() }
            jnz(top)
        } shouldBe "c3 ".repeat(128) + "0f 85 7a ff ff ff"
    }

    test("a jump forward lands where it is told to") {
        hex {
            val jump = jz()
            ret()
            land(jump)
            ret()
        } shouldBe "0f 84 01 00 00 00 c3 c3"
    }
})
