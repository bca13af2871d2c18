package kumiko.dsl.mapping

import kumiko.dsl.mapping.KeyTemplate.Variable

/** From the text of a map to its meaning: all mistakes that can be seen without a model, each at its line. */
internal class MapReader(private val json: StrictJson) {
    fun read(): CheckpointMap.Contents {
        val file = json.decode(MapFile.serializer())
        if (file.schema != CheckpointMap.SCHEMA) {
            json.report("schema", "\"${file.schema}\" is not known; this version reads \"${CheckpointMap.SCHEMA}\"")
        }
        val sections = file.sections.mapIndexedNotNull { i, section -> section(section, "sections[$i]") }
        if (file.sections.isEmpty()) json.report("sections", "a map needs at least one section")
        val ignored = file.ignore.mapNotNull { (key, reason) -> ignored(key, reason) }
        val config = ConfigMap.parse(json)
        json.throwIfAny()
        return CheckpointMap.Contents(file.model, sections, ignored, config)
    }

    private fun ignored(key: String, reason: String): IgnoredKey? {
        val path = StrictJson.child("ignore", key)
        if (reason.isBlank()) json.report(path, "say why this key is no weight")
        return template(key, path)?.let { IgnoredKey(it, reason) }
    }

    private fun section(section: SectionFile, path: String): MapSection? {
        val file = template(section.file, "$path.file") ?: return null
        if (file.hasKind) json.report("$path.file", "{p} has no meaning in a file name")
        val rules = section.rules.mapIndexedNotNull { i, rule -> rule(rule, file, section.inside, "$path.rules[$i]") }
        if (section.rules.isEmpty()) json.report("$path.rules", "a section needs at least one rule")
        return MapSection(file, section.stripPrefix, section.inside, rules)
    }

    private fun rule(rule: RuleFile, file: KeyTemplate, inside: String?, path: String): MapRule? {
        val from = template(inside?.let { "$it." }.orEmpty() + rule.from, "$path.from") ?: return null
        val to = template(rule.to, "$path.to") ?: return null
        val tie = rule.tie?.let { template(it, "$path.tie") ?: return null }
        val read = MapRule(json.line(path), from, to, rule.merge, rule.transpose, rule.split, rule.rope, tie, rule.optional)
        mistakes(read, file).forEach { json.report(path, it) }
        return read
    }

    private fun mistakes(rule: MapRule, file: KeyTemplate): List<String> = listOfNotNull(
        "\"from\" and \"to\" must both have {p}, or neither".takeIf { rule.from.hasKind != rule.to.hasKind },
        layerMistake(rule, file),
        "{s} belongs into the file's name; \"to\" has no shards".takeIf { rule.to.has(Variable.SHARD) || rule.from.has(Variable.SHARD) },
        "{layers} counts something in files; it has no meaning in \"to\"".takeIf { rule.to.has(Variable.LAYERS) },
        mergeMistake(rule, file),
        groupMistake(rule),
        "\"optional\" has a meaning only beside \"tie\"".takeIf { rule.optional && rule.tie == null },
        "\"tie\" has no meaning together with \"split\"".takeIf { rule.tie != null && rule.split != null },
    )

    private fun layerMistake(rule: MapRule, file: KeyTemplate): String? {
        val inSource = rule.from.has(Variable.LAYER) || file.has(Variable.LAYER)
        val inTarget = rule.to.has(Variable.LAYER)
        return when {
            inSource && !inTarget -> "{i} is in the file or in \"from\", but not in \"to\": every layer would fill the same parameter"
            inTarget && !inSource -> "{i} is in \"to\", but neither in the file nor in \"from\": one key would fill every layer"
            else -> null
        }
    }

    private fun mergeMistake(rule: MapRule, file: KeyTemplate): String? {
        val sharded = file.has(Variable.SHARD)
        return when {
            sharded && rule.merge == null ->
                "the files are shards, so say how they are merged: \"merge\" is one of ${Merge.entries.joinToString(", ") { it.word }}"

            !sharded && rule.merge != null -> "\"merge\" joins shards, but the file \"$file\" has no {s}"

            else -> null
        }
    }

    private fun groupMistake(rule: MapRule): String? {
        val from = rule.from.groups.map { it.size }
        val to = rule.to.groups.map { it.size }
        val parts = if (rule.split == null) emptyList() else to.take(1)
        return when {
            rule.split != null && parts != listOf(PARTS) ->
                "\"split\": \"${rule.split.word}\" needs three names as the first alternatives of \"to\", like {query,key,value}"

            from != to.drop(parts.size) ->
                "the alternatives of \"from\" $from do not pair up with those of \"to\" ${to.drop(parts.size)}" +
                    if (rule.split == null && to.size == from.size + 1) "; is \"split\" missing?" else ""

            else -> null
        }
    }

    private fun template(text: String, path: String): KeyTemplate? = try {
        KeyTemplate.parse(text)
    } catch (e: MappingException) {
        json.report(path, e.message.orEmpty())
        null
    }

    companion object {
        /** Query, key and value: every split that is published has three parts. */
        const val PARTS = 3
    }
}
