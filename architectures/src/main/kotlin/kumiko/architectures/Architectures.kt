package kumiko.architectures

import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.SpecException
import kumiko.dsl.spec.knownNames
import java.lang.reflect.Method
import java.lang.reflect.Modifier.isPublic
import java.lang.reflect.Modifier.isStatic

/** The built-in models by name: every public `val` of a [ModelSpec] in the files of this package, found without a list. */
object Architectures {
    private val getters: List<Method> by lazy {
        PackageFiles.names.filter { it.endsWith(CLASS) && '$' !in it }
            .map { Class.forName("${javaClass.packageName}.${it.removeSuffix(CLASS)}", false, javaClass.classLoader) }
            .filter { it != javaClass }
            .flatMap { file -> file.declaredMethods.filter(::isModel) }
    }

    @JvmStatic
    @get:JvmName("all")
    val all: Map<String, ModelSpec> by lazy { getters.map(::model).sortedBy { it.name }.associateBy { it.name } }

    private fun isModel(method: Method) = isPublic(method.modifiers) && isStatic(method.modifiers) && method.parameterCount == 0 &&
        method.returnType == ModelSpec::class.java

    private fun model(getter: Method) = getter.invoke(null) as ModelSpec

    /** The model called [name]; an unknown name is refused with what is near. */
    @JvmStatic
    operator fun get(name: String): ModelSpec = likeliestFirst(name).map(::model).firstOrNull { it.name == name }
        ?: throw SpecException("no built-in model is called '$name'${knownNames(name, all.keys)}")

    /** A family's file is run when one of its models is asked for, so the `val` that is spelled most like [name] comes first. */
    private fun likeliestFirst(name: String): Sequence<Method> {
        val wanted = letters(name)
        return getters.sortedWith(compareBy({ -letters(it.name.removePrefix("get")).commonPrefixWith(wanted).length }, { it.name.length }))
            .asSequence()
    }

    private fun letters(name: String) = name.lowercase().filter(Char::isLetterOrDigit)

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
