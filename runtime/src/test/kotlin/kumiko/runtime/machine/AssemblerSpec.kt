package kumiko.runtime.machine

import io.kotest.assertions.throwables.shouldThrow
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
            Fact("mov [rdi+72], rax", "48 89 47 48") { mov(Address.at(Register.RDI, 72), Register.RAX) },
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
            Fact("imul r12, rsi", "4c 0f af e6") { imul(Register.R12, Register.RSI) },
            Fact("imul rax, r13", "49 0f af c5") { imul(Register.RAX, Register.R13) },
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
            Fact("test al, 7", "a8 07") { testRax(7) },
            Fact("test al, 127", "a8 7f") { testRax(127) },
            Fact("vmovups ymm3, [r11+32]", "c4 c1 7c 10 5b 20") { loadHalf(3, Address.at(Register.R11, 32)) },
            Fact("vmovups [r9+300], ymm12", "c4 41 7c 11 a1 2c 01 00 00") { storeHalf(Address.at(Register.R9, 300), 12) },
            Fact("vmovss xmm10, [r11]", "c4 41 7a 10 13") { loadOne(10, Address.at(Register.R11, 0)) },
            Fact("vmovd xmm8, edx", "c5 79 6e c2") { loadOne(8, Register.RDX) },
            Fact("vpmovzxwd ymm9, [r10+16]", "c4 42 7d 33 4a 10") { widenHalf(9, Address.at(Register.R10, 16)) },
            Fact("vpmovsxbd ymm9, [r10]", "c4 42 7d 21 0a") { widenBytesHalf(9, Address.at(Register.R10, 0)) },
            Fact("vcvtph2ps ymm12, [r10+rsi*2]", "c4 42 7d 13 24 72") { convertHalf(12, Address.at(Register.R10, Register.RSI, 2)) },
            Fact("vcvtph2ps xmm12, xmm12", "c4 42 79 13 e4") { convertOne(12) },
            Fact("vcvtdq2ps ymm12, ymm12", "c4 41 7c 5b e4") { numbersHalf(12) },
            Fact("vpslld ymm12, ymm8, 24", "c4 c1 1d 72 f0 18") { shiftLeftHalf(12, 8, 24) },
            Fact("vpsrad ymm12, ymm12, 28", "c4 c1 1d 72 e4 1c") { shiftRightHalf(12, 28) },
            Fact("vpxor ymm8, ymm14, [rdi+r11*2+64]", "c4 21 0d ef 44 5f 40") {
                xorHalf(8, 14, Address.at(Register.RDI, Register.R11, 2).plus(64))
            },
            Fact("vpxor ymm5, ymm5, ymm5", "c5 d5 ef ed") { clearHalf(5) },
            Fact("vbroadcastss ymm13, [r10+124]", "c4 42 7d 18 6a 7c") { broadcastHalf(13, Address.at(Register.R10, 124)) },
            Fact("vbroadcastss ymm14, xmm14", "c4 42 7d 18 f6") { broadcastHalf(14, 14) },
            Fact("vfmadd231ps ymm7, ymm8, [r11+2112]", "c4 c2 3d b8 bb 40 08 00 00") { multiplyHalf(7, 8, Address.at(Register.R11, 2112)) },
            Fact("vfmadd231ps ymm11, ymm15, ymm14", "c4 42 05 b8 de") { multiplyHalf(11, 15, 14) },
            Fact("vaddps ymm1, ymm1, ymm5", "c5 f4 58 cd") { addHalf(1, 5) },
            Fact("vaddps ymm9, ymm9, [r10]", "c4 41 34 58 0a") { addHalf(9, Address.at(Register.R10, 0)) },
            Fact("vaddps xmm4, xmm4, [r9+256]", "c4 c1 58 58 a1 00 01 00 00") { addQuarter(4, Address.at(Register.R9, 256)) },
            Fact("vmovups [r9+16], xmm4", "c4 c1 78 11 61 10") { storeQuarter(Address.at(Register.R9, 16), 4) },
            Fact("bt dword ptr [rbp+8], 5; jnc 0", "0f ba 65 08 05 0f 83 00 00 00 00") {
                land(jumpWithout(Address.at(Register.RBP, 8), 5))
            },
            Fact("movzx edx, word ptr [r10+rsi*2]", "41 0f b7 14 72") { movzx(Register.RDX, Address.at(Register.R10, Register.RSI, 2), 2) },
            Fact("movzx ecx, byte ptr [rdi+3]", "0f b6 4f 03") { movzx(Register.RCX, Address.at(Register.RDI, 3), 1) },
            Fact("mov [rbp+2132], dx", "66 89 95 54 08 00 00") { movPart(Address.at(Register.RBP, 2132), Register.RDX, 2) },
            Fact("mov [rbp+2132], cl", "88 8d 54 08 00 00") { movPart(Address.at(Register.RBP, 2132), Register.RCX, 1) },
            Fact("vfmadd231ps zmm3, zmm24, dword ptr [rsi+4]{1to16}", "62 f2 3d 50 b8 5e 01") {
                vfmadd231psEach(3, 24, Address.at(Register.RSI, 4))
            },
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
            Fact("vmovntps [rsi+64], zmm1", "62 f1 7c 48 2b 4e 01") { vmovntps(Address.at(Register.RSI, 64), 1) },
            Fact("sfence", "0f ae f8") { sfence() },
            Fact("cpuid", "0f a2") { cpuid() },
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
            Fact("vdpbf16ps zmm3, zmm19, [rcx+192]", "62 f2 66 40 52 59 03") { vdpbf16ps(3, 19, Address.at(Register.RCX, 192)) },
            Fact("vcvtne2ps2bf16 zmm15, zmm17, zmm16", "62 32 77 40 72 f8") { vcvtne2ps2bf16(15, 17, 16) },
            Fact("vaddps zmm7, zmm7, zmm16", "62 b1 44 48 58 f8") { vaddps(7, 7, 16) },
            Fact("vaddps zmm7, zmm23, [r8+64]", "62 d1 44 40 58 78 01") { vaddps(7, 23, Address.at(Register.R8, 64)) },
            Fact("vmovdqu16 zmm24, [r10+64]", "62 41 ff 48 6f 42 01") { vmovdqu16(24, 0, Address.at(Register.R10, 64)) },
            Fact("vmovdqu16 zmm3{k2}{z}, [r10+rsi]", "62 d1 ff ca 6f 1c 32") {
                vmovdqu16(3, 2, Address.at(Register.R10, Register.RSI, 1))
            },
            Fact("vpunpcklwd zmm16, zmm20, zmm22", "62 a1 5d 40 61 c6") { vpunpcklwd(16, 20, 22) },
            Fact("vpunpckhwd zmm17, zmm20, zmm22", "62 a1 5d 40 69 ce") { vpunpckhwd(17, 20, 22) },
            Fact("vpunpckldq zmm16, zmm0, zmm1", "62 e1 7d 48 62 c1") { vpunpckldq(16, 0, 1) },
            Fact("vpunpckhdq zmm31, zmm14, zmm15", "62 41 0d 48 6a ff") { vpunpckhdq(31, 14, 15) },
            Fact("vpunpcklqdq zmm0, zmm16, zmm18", "62 b1 fd 40 6c c2") { vpunpcklqdq(0, 16, 18) },
            Fact("vpunpckhqdq zmm13, zmm28, zmm30", "62 11 9d 40 6d ee") { vpunpckhqdq(13, 28, 30) },
            Fact("vshufi32x4 zmm16, zmm0, zmm4, 0x88", "62 e3 7d 48 43 c4 88") { vshufi32x4(16, 0, 4, 0x88) },
            Fact("vshufi32x4 zmm15, zmm23, zmm31, 0xdd", "62 13 45 40 43 ff dd") { vshufi32x4(15, 23, 31, 0xdd) },
            Fact("movabs rax, 0x0706050403020100", "48 b8 00 01 02 03 04 05 06 07") { mov(Register.RAX, 0x0706_0504_0302_0100L) },
            Fact("movabs r10, -1", "49 ba ff ff ff ff ff ff ff ff") { mov(Register.R10, -1L) },
            Fact("movabs r11, 0x1122334455667788", "49 bb 88 77 66 55 44 33 22 11") { mov(Register.R11, 0x1122_3344_5566_7788L) },
            Fact("prefetcht1 [r10+rsi]", "41 0f 18 14 32") { prefetcht1(Address.at(Register.R10, Register.RSI, 1)) },
            Fact("prefetcht1 [r10+rsi+192]", "41 0f 18 94 32 c0 00 00 00") {
                prefetcht1(Address.at(Register.R10, Register.RSI, 1).plus(192))
            },
            Fact("prefetcht1 [rdi+64]", "0f 18 57 40") { prefetcht1(Address.at(Register.RDI, 64)) },
            Fact("prefetcht0 [r10+1024]", "41 0f 18 8a 00 04 00 00") { prefetcht0(Address.at(Register.R10, 1024)) },
            Fact("prefetchnta [rdi+64]", "0f 18 47 40") { prefetchnta(Address.at(Register.RDI, 64)) },
            Fact("push rbx", "53") { push(Register.RBX) },
            Fact("push r12", "41 54") { push(Register.R12) },
            Fact("pop rbx", "5b") { pop(Register.RBX) },
            Fact("pop r15", "41 5f") { pop(Register.R15) },
            Fact("and rax, 63", "48 83 e0 3f") { and(Register.RAX, 63) },
            Fact("and r10, 15", "49 83 e2 0f") { and(Register.R10, 15) },
            Fact("bzhi r10, r10, rax", "c4 42 f8 f5 d2") { bzhi(Register.R10, Register.R10, Register.RAX) },
            Fact("bzhi rax, r11, r8", "c4 c2 b8 f5 c3") { bzhi(Register.RAX, Register.R11, Register.R8) },
            Fact("vpxord zmm0, zmm0, zmm0", "62 f1 7d 48 ef c0") { vpxord(0) },
            Fact("vpxord zmm31, zmm31, zmm31", "62 01 05 40 ef ff") { vpxord(31) },
            Fact("vbroadcastss zmm4, [rcx]", "62 f2 7d 48 18 21") { vbroadcastss(4, Address.at(Register.RCX, 0)) },
            Fact("vbroadcastss zmm28, [rsi+rdx*4+8]", "62 62 7d 48 18 64 96 02") {
                vbroadcastss(28, Address.at(Register.RSI, Register.RDX, 4).plus(8))
            },
            Fact("vpbroadcastd zmm30, eax", "62 62 7d 48 7c f0") { vpbroadcastd(30, Register.RAX) },
            Fact("vpbroadcastd zmm7, r10d", "62 d2 7d 48 7c fa") { vpbroadcastd(7, Register.R10) },
            Fact("vmovq xmm1, rax", "c4 e1 f9 6e c8") { vmovq(1, Register.RAX) },
            Fact("vmovq xmm2, r10", "c4 c1 f9 6e d2") { vmovq(2, Register.R10) },
            Fact("vpinsrq xmm1, xmm1, rax, 1", "c4 e3 f1 22 c8 01") { vpinsrq(1, 1, Register.RAX) },
            Fact("vpmovzxwd zmm16, [r10+32]", "62 c2 7d 48 33 42 01") { vpmovzxwd(16, 0, Address.at(Register.R10, 32)) },
            Fact("vpmovzxwd zmm17{k2}{z}, [r10+64]", "62 c2 7d ca 33 4a 02") { vpmovzxwd(17, 2, Address.at(Register.R10, 64)) },
            Fact("vpmovsxbd zmm19, [r10+48]", "62 c2 7d 48 21 5a 03") { vpmovsxbd(19, 0, Address.at(Register.R10, 48)) },
            Fact("vpmovsxbd zmm18{k3}{z}, [rdi]", "62 e2 7d cb 21 17") { vpmovsxbd(18, 3, Address.at(Register.RDI, 0)) },
            Fact("vpmovsxbd zmm31, xmm1", "62 62 7d 48 21 f9") { vpmovsxbd(31, 1) },
            Fact("vcvtph2ps zmm16, [r10+32]", "62 c2 7d 48 13 42 01") { vcvtph2ps(16, 0, Address.at(Register.R10, 32)) },
            Fact("vcvtph2ps zmm21{k4}{z}, [r10+96]", "62 c2 7d cc 13 6a 03") { vcvtph2ps(21, 4, Address.at(Register.R10, 96)) },
            Fact("vcvtdq2ps zmm16, zmm16", "62 a1 7c 48 5b c0") { vcvtdq2ps(16, 16) },
            Fact("vcvtdq2ps zmm3, zmm25", "62 91 7c 48 5b d9") { vcvtdq2ps(3, 25) },
            Fact("vpslld zmm17, zmm17, 16", "62 b1 75 40 72 f1 10") { vpslld(17, 17, 16) },
            Fact("vpslld zmm3, zmm28, 4", "62 91 65 48 72 f4 04") { vpslld(3, 28, 4) },
            Fact("vpermps zmm5, zmm16, zmm31", "62 92 7d 40 16 ef") { vpermps(5, 16, 31) },
            Fact("vpternlogd zmm16, zmm29, zmm30, 0xea", "62 83 15 40 25 c6 ea") { vpternlogd(16, 29, 30, 0xea) },
            Fact("vpshufd zmm1, zmm0, 0x4e", "62 f1 7d 48 70 c8 4e") { vpshufd(1, 0, 0x4e) },
            Fact("vfmadd231ps zmm0, zmm16, zmm20", "62 b2 7d 40 b8 c4") { vfmadd231ps(0, 16, 20) },
            Fact("vfmadd231ps zmm3, zmm19, [r11+192]", "62 d2 65 40 b8 5b 03") { vfmadd231ps(3, 19, Address.at(Register.R11, 192)) },
            Fact("vmulps zmm5, zmm6, zmm27", "62 91 4c 48 59 eb") { vmulps(5, 6, 27) },
            Fact("vmulps zmm5, zmm6, [r11+64]", "62 d1 4c 48 59 6b 01") { vmulps(5, 6, Address.at(Register.R11, 64)) },
            Fact("vsubps zmm16, zmm16, zmm28", "62 81 7c 40 5c c4") { vsubps(16, 16, 28) },
            Fact("vmovaps zmm8, zmm28", "62 11 7c 48 28 c4") { vmovaps(8, 28) },
            Fact("vmaxps zmm2, zmm2, zmm5", "62 f1 6c 48 5f d5") { vmaxps(2, 2, 5) },
            Fact("vmaxps zmm17, zmm20, zmm31", "62 81 5c 40 5f cf") { vmaxps(17, 20, 31) },
            Fact("vminps zmm5, zmm19, zmm5", "62 f1 64 40 5d ed") { vminps(5, 19, 5) },
            Fact("vfmadd213ps zmm10, zmm5, zmm26", "62 12 55 48 a8 d2") { vfmadd213ps(10, 5, 26) },
            Fact("vmulps zmm5{k1}, zmm18, [r10]", "62 d1 6c 41 59 2a") { vmulpsWithin(1, 5, 18, Address.at(Register.R10, 0)) },
            Fact("vmulps zmm21{k2}, zmm3, [rsi+256]", "62 e1 64 4a 59 6e 04") { vmulpsWithin(2, 21, 3, Address.at(Register.RSI, 256)) },
            Fact("vpaddd zmm4, zmm4, zmm16", "62 b1 5d 48 fe e0") { vpaddd(4, 4, 16) },
            Fact("vpcmpd k1, zmm4, zmm0, 5", "62 f3 5d 48 1f c8 05") { vpcmpd(1, 0, 4, 0, FloatInstructions.Comparison.NOT_LESS) },
            Fact("vpcmpd k3{k2}, zmm20, zmm31, 1", "62 93 5d 42 1f df 01") { vpcmpd(3, 2, 20, 31, FloatInstructions.Comparison.LESS) },
            Fact("vfnmadd213ps zmm5, zmm1, zmm21", "62 b2 75 48 ac ed") { vfnmadd213ps(5, 1, 21) },
            Fact("vfnmadd231ps zmm3, zmm17, zmm1", "62 f2 75 40 bc d9") { vfnmadd231ps(3, 17, 1) },
            Fact("vfmaddsub213ps zmm0, zmm2, zmm31", "62 92 6d 48 a6 c7") { vfmaddsub213ps(0, 2, 31) },
            Fact("vdivps zmm2, zmm21, zmm2", "62 f1 54 40 5e d2") { vdivps(2, 21, 2) },
            Fact("vsqrtps zmm0, zmm16", "62 b1 7c 48 51 c0") { vsqrtps(0, 16) },
            Fact("vmovsldup zmm18, zmm2", "62 e1 7e 48 12 d2") { vmovsldup(18, 2) },
            Fact("vpmovzxdq zmm2{k3}{z}, [r10+32]", "62 d2 7d cb 35 52 01") { vpmovzxdq(2, 3, Address.at(Register.R10, 32)) },
            Fact("vblendmps zmm3{k2}, zmm3, zmm22", "62 b2 65 4a 65 de") { vblendmps(3, 2, 3, 22) },
            Fact("vcmpneqps k1, zmm16, zmm18", "62 b1 7c 40 c2 ca 04") { vcmpneqps(1, 16, 18) },
            Fact("vsubps zmm20{k2}, zmm16, zmm19", "62 a1 7c 42 5c e3") { vsubpsWithin(2, 20, 16, 19) },
            Fact("vcmpltps k2, zmm17, zmm6", "62 f1 74 40 c2 d6 01") { vcmpltps(2, 17, 6) },
            Fact("and r11, 15", "49 83 e3 0f") { and(Register.R11, 15) },
            Fact("add r10, r10", "4d 01 d2") { add(Register.R10, Register.R10) },
            Fact("vaddss xmm0, xmm0, [r9]", "c4 c1 7a 58 01") { vaddss(0, 0, Address.at(Register.R9, 0)) },
            Fact("vaddss xmm3, xmm5, [r11+4]", "c4 c1 52 58 5b 04") { vaddss(3, 5, Address.at(Register.R11, 4)) },
            Fact("vmulss xmm0, xmm0, [rdi-4]", "c5 fa 59 47 fc") { vmulss(0, 0, Address.at(Register.RDI, -4)) },
            Fact("vmovss [r9], xmm0", "c4 c1 7a 11 01") { vmovss(Address.at(Register.R9, 0), 0) },
            Fact("vmovss [rdx+8], xmm9", "c5 7a 11 4a 08") { vmovss(Address.at(Register.RDX, 8), 9) },
            Fact("vpandd zmm9, zmm2, zmm31", "62 11 6d 48 db cf") { vpandd(9, 2, 31) },
            Fact("vpandd zmm18, zmm20, zmm5", "62 e1 5d 40 db d5") { vpandd(18, 20, 5) },
            Fact("vpxord zmm3, zmm17, zmm30", "62 91 75 40 ef de") { vpxord(3, 17, 30) },
            Fact("vpmaxud zmm8, zmm8, zmm24", "62 12 3d 48 3f c0") { vpmaxud(8, 8, 24) },
            Fact("vcvtps2dq zmm7, zmm23", "62 b1 7d 48 5b ff") { vcvtps2dq(7, 23) },
            Fact("vpaddd zmm5, zmm21, zmm30", "62 91 55 40 fe ee") { vpaddd(5, 21, 30) },
            Fact("vpsubd zmm16, zmm1, zmm9", "62 c1 75 48 fa c1") { vpsubd(16, 1, 9) },
            Fact("vpermt2b zmm0, zmm29, zmm18", "62 b2 15 40 7d c2") { vpermt2b(0, 29, 18) },
            Fact("vpmovzxdq zmm16, ymm3", "62 e2 7d 48 35 c3") { vpmovzxdq(16, 3) },
            Fact("vpmovzxdq zmm17, ymm17", "62 a2 7d 48 35 c9") { vpmovzxdq(17, 17) },
            Fact("vpermw zmm18, zmm30, zmm16", "62 a2 8d 40 8d d0") { vpermw(18, 30, 16) },
            Fact("vpdpbusd zmm23, zmm24, [r10+508]{1to16}", "62 c2 3d 50 50 7a 7f") { vpdpbusdEach(23, 24, Address.at(Register.R10, 508)) },
            Fact("vpdpbusd zmm5, zmm25, [r10+896]{1to16}", "62 d2 35 50 50 aa 80 03 00 00") {
                vpdpbusdEach(5, 25, Address.at(Register.R10, 896))
            },
            Fact("vmulps zmm28, zmm28, [r10+108]{1to16}", "62 41 1c 50 59 62 1b") { vmulpsEach(28, 28, Address.at(Register.R10, 108)) },
            Fact("vextracti32x4 [rcx+96], zmm20, 0", "62 e3 7d 48 39 61 06 00") { vextracti32x4(Address.at(Register.RCX, 96), 20, 0) },
            Fact("vextracti32x4 [rcx+r8*2+96], zmm20, 2", "62 a3 7d 48 39 64 41 06 02") {
                vextracti32x4(Address.at(Register.RCX, Register.R8, 2).plus(96), 20, 2)
            },
            Fact("vpdpbusd zmm20, zmm16, zmm9", "62 c2 7d 40 50 e1") { vpdpbusd(20, 16, 9) },
            Fact("vpsrld zmm17, zmm26, 4", "62 91 75 40 72 d2 04") { vpsrld(17, 26, 4) },
            Fact("vpbroadcastw zmm31, [r10]", "62 42 7d 48 79 3a") { vpbroadcastw(31, 0, Address.at(Register.R10, 0)) },
            Fact("vpbroadcastw zmm30, [r10+rsi*2]", "62 42 7d 48 79 34 72") {
                vpbroadcastw(30, 0, Address.at(Register.R10, Register.RSI, 2))
            },
            Fact("vpsrlw zmm17, zmm16, 4", "62 b1 75 40 71 d0 04") { vpsrlw(17, 16, 4) },
            Fact("vmovups zmm10, zmm27", "62 11 7c 48 10 d3") { vmovups(10, 27) },
            Fact("lea rax, [rip+0]", "48 8d 05 00 00 00 00") { land(leaAhead(Register.RAX)) },
            Fact("lea r10, [rip+0]", "4c 8d 15 00 00 00 00") { land(leaAhead(Register.R10)) },
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
            Fact("vpermt2ps zmm16, zmm30, zmm1", "62 e2 0d 40 7f c1") { vpermt2ps(16, 30, 1) },
            Fact("vpermt2ps zmm2, zmm29, zmm3", "62 f2 15 40 7f d3") { vpermt2ps(2, 29, 3) },
            Fact("tileloaddt1 tmm5, [r9+rdx]", "c4 c2 79 4b 2c 11") { tileloaddt1(5, Address.at(Register.R9, Register.RDX, 1)) },
            Fact("tilezero tmm3", "c4 e2 7b 49 d8") { tilezero(3) },
            Fact("prefetcht1 [r12+r13]", "43 0f 18 14 2c") { prefetcht1(Address.at(Register.R12, Register.R13, 1)) },
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

    test("a routine for AVX2 with an instruction that only AVX-512 has is refused when it is written") {
        val code = HalvedAssembler().apply { vpermw(0, 1, 2) }
        shouldThrow<IllegalStateException> { code.toBytes() }.message shouldBe
            "a routine for AVX2 uses an instruction that only AVX-512 has"
    }
})
