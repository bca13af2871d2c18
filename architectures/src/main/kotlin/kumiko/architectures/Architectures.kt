package kumiko.architectures

import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.SpecException
import kumiko.dsl.spec.knownNames

/** The built-in models by name. */
object Architectures {
    /** Families first, each followed by its other sizes and variants. */
    @JvmStatic
    @get:JvmName("all")
    val all: Map<String, ModelSpec> = listOf(
        listOf(gpt2(), gpt2Untied),
        listOf(llama3_8b, llama7b, llama32_1b),
        listOf(gptNeoX20b(), pythia160m),
        listOf(chatGlm6b()),
    ).flatten().associateBy { it.name }

    /** The model called [name]; an unknown name is refused with what is near. */
    @JvmStatic
    operator fun get(name: String): ModelSpec =
        all[name] ?: throw SpecException("no built-in model is called '$name'${knownNames(name, all.keys)}")

    @JvmStatic
    fun gpt2(): ModelSpec = kumiko.architectures.gpt2

    @JvmStatic
    fun llama3(): ModelSpec = llama3_8b

    @JvmStatic
    fun gptNeoX20b(): ModelSpec = kumiko.architectures.gptNeoX20b

    @JvmStatic
    fun chatGlm6b(): ModelSpec = kumiko.architectures.chatGlm6b
}
