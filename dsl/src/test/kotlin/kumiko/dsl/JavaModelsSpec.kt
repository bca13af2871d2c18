package kumiko.dsl

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.hash
import kumiko.dsl.spec.toJson

class JavaModelsSpec : FunSpec({
    test("Java, Kotlin and a spec file give one value") {
        JavaModels.tinyGpt2() shouldBe tinyGpt2
        JavaModels.tinyGpt2().hash() shouldBe tinyGpt2.hash()
        ModelSpec.fromJson(JavaModels.tinyGpt2().toJson()) shouldBe tinyGpt2
    }
})
