package kumiko.runtime.kernel

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContain
import java.lang.classfile.ClassFile
import java.lang.classfile.MethodModel
import java.lang.classfile.instruction.InvokeInstruction
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.extension

/** The largest method that HotSpot's optimising compiler inlines however often it is called: its flag FreqInlineSize. */
private const val INLINED = 325

/** Small on purpose, to be inlined into the methods that work with vectors. */
private val parts = setOf("Lanes")

/** Do not run while a token is decoded: products of many rows, and the measurement of the machine. */
private val notDecoding =
    setOf(
        "LimitsMeter",
        "AttentionTile.isFinite",
        "AttentionTile.round",
        "AttentionTile.addScaled",
        "VectorSoftmax.maxima",
        "VectorSoftmax.mask",
    )

private val classes = Path.of(VectorKernels::class.java.protectionDomain.codeSource.location.toURI()).resolve("kumiko/runtime/kernel")

private fun worksWithVectors(method: MethodModel): Boolean = method.code().isPresent &&
    !method.methodName().equalsString("<clinit>") &&
    method.code().get().elementList().any {
        it is InvokeInstruction &&
            (it.owner().asInternalName() == "kumiko/runtime/kernel/Lanes" || it.owner().asInternalName().startsWith("jdk/incubator/")) &&
            "jdk/incubator/vector" in it.typeSymbol().descriptorString()
    }

private fun vectorMethods(): List<Pair<String, Int>> = Files.list(classes).use { files ->
    files.filter { it.extension == "class" }.toList().flatMap { file ->
        val model = ClassFile.of().parse(file)
        val name = model.thisClass().asInternalName().substringAfterLast('/')
        model.methods().filter { name !in parts && name !in notDecoding && worksWithVectors(it) }.map {
            "$name.${it.methodName()}" to it.findAttribute(java.lang.classfile.Attributes.code()).get().codeLength()
        }
    }
}.filter { it.first !in notDecoding }

class VectorMethodsSpec : FunSpec({
    test("a method that works with vectors is too long to be inlined into its callers, with whom it would be too much for the compiler") {
        val found = vectorMethods()
        found.map { it.first } shouldContain "F32Dots.rows"
        found.filter { it.second <= INLINED }.shouldBeEmpty()
    }
})
