package kumiko.runtime.kernel

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import kumiko.runtime.machine.SystemPropertyException

class KernelProviderSpec : FunSpec({
    val logger = System.getLogger("kumiko.tests")

    test("a property that names no kernels, or ones that cannot be had, is refused") {
        shouldThrow<SystemPropertyException> { KernelProvider.choose("fast", true, { true }, logger) }.message shouldBe
            "-Dkumiko.kernels=fast: choose scalar or vector"
        shouldThrow<SystemPropertyException> { KernelProvider.choose("vector", false, { false }, logger) }.message shouldBe
            "-Dkumiko.kernels=vector needs java started with --add-modules jdk.incubator.vector"
    }

    test("machine code needs no Vector API, and without either only the definition is left") {
        KernelProvider.choose(null, false, { true }, logger).shouldBeInstanceOf<VectorKernels>()
        KernelProvider.choose(null, false, { false }, logger).shouldBeInstanceOf<ScalarKernels>()
        KernelProvider.choose("scalar", true, { true }, logger).shouldBeInstanceOf<ScalarKernels>()
    }
})
