package kumiko.dsl.mapping

import kumiko.dsl.spec.ModelSpec

/** What a configuration file says, applied to the built-in spec of its family. */
internal class ConfigResult(
    val spec: ModelSpec,
    /** Dimensions that the file leaves to the tensors; [spec] has the built-in's sizes there. */
    val open: Set<String>,
)

/**
 * The model that a configuration file of this layout describes, from its [text] alone. Sizes that the layout takes from its tensors are
 * those of the built-in spec.
 *
 * @throws MappingException naming every key that is unknown, missing or cannot be understood
 */
fun CheckpointMap.describe(text: String, catalog: Catalog, name: String): ModelSpec =
    ConfigReader(this, catalog.spec(model), StrictJson(requireConfig().file, text)).read(name).spec

/**
 * The configuration file of this layout for [spec].
 *
 * @throws MappingException where the layout has no words for what the spec says
 */
fun CheckpointMap.configure(spec: ModelSpec, catalog: Catalog): String = ConfigWriter(this, requireConfig(), catalog).write(spec)

private fun CheckpointMap.requireConfig() = config ?: throw MappingException("map $name says nothing about configuration files")

/** The name of the configuration file of this layout, if it has one. */
val CheckpointMap.configFile: String? get() = config?.file

/** Why a key of the configuration file does not matter; null where it does, or is not known. */
fun CheckpointMap.ignorableKey(key: String): String? = config?.ignored?.firstOrNull { it.key.match(key) != null }?.reason

/** Whether the layout says what it means when a key of its configuration file, or an object of keys, is not there: a key that another goes with takes that one away. */
fun CheckpointMap.hasMeaningWhenAbsent(key: String): Boolean =
    config?.keys.orEmpty().any { k -> k.with == key || (k.absent != null && k.names.any { it == key || it.startsWith("$key.") }) }
