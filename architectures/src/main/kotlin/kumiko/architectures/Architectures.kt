package kumiko.architectures

import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.SpecException
import kumiko.dsl.spec.knownNames
import java.lang.reflect.Modifier.isPublic
import java.lang.reflect.Modifier.isStatic

/** The built-in models by name: every public `val` of a [ModelSpec] in the files of this package, found without a list. */
object Architectures {
    @JvmStatic
    @get:JvmName("all")
    val all: Map<String, ModelSpec> = PackageFiles.names.filter { it.endsWith(CLASS) && '$' !in it }
        .map {
            Class.forName(
                "${Architectures::class.java.packageName}.${it.removeSuffix(CLASS)}",
                false,
                Architectures::class.java.classLoader,
            )
        }
        .filter { it != Architectures::class.java }
        .flatMap(::specs)
        .sortedBy { it.name }
        .associateBy { it.name }

    private fun specs(file: Class<*>): List<ModelSpec> = file.declaredMethods
        .filter { isPublic(it.modifiers) && isStatic(it.modifiers) && it.parameterCount == 0 && it.returnType == ModelSpec::class.java }
        .map { it.invoke(null) as ModelSpec }

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

    private const val CLASS = ".class"
}
