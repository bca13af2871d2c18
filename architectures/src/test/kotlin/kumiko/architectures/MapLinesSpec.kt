package kumiko.architectures

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import kumiko.testing.Golden

/**
 * Every line of every shipped map is left out once; every word and number in it is changed once, every step of a rule left out and put in
 * another's place, and what two keys fill is exchanged. Each change must be seen: by `check` (the map, a configuration or the keys of a
 * checkpoint are refused), or by `parity` (the model or its weights are others, which a comparison with the original shows). The golden
 * files say which of the two saw it.
 */
class MapLinesSpec : FunSpec({
    val root = tempdir().toPath()

    for (map in Maps.maps) {
        test("every line, word and number of ${map.name} matters") {
            val probe = MapProbe(map.name, root)
            probe.seenBy(probe.text) shouldBe null
            val seen = listOf(MapChanges::lines, MapChanges::words, MapChanges::steps, MapChanges::exchanges).map { changes ->
                changes(probe.text).map { it to probe.seenBy(it.text) }
            }
            val unseen = seen.flatten().filter { it.second == null }.map { it.first.what }
            withClue(unseen.joinToString("\n")) { unseen.shouldBeEmpty() }
            Golden.check("map-lines/${map.name}.txt", report(seen.map { all -> all.map { (change, seer) -> change.what to seer!!.word } }))
        }
    }
})

/** Who sees each line, and how many of the other changes each sees. */
private fun report(seen: List<List<Pair<String, String>>>): String {
    val (lines, words, steps, exchanges) = seen
    fun counts(all: List<Pair<String, String>>) =
        all.groupingBy { it.second }.eachCount().toSortedMap().entries.joinToString(", ") { "${it.value} by ${it.key}" }.ifEmpty { "none" }
    return "Lines of the map that are missing, by what sees it.\n\n" +
        lines.joinToString("") { (line, seer) -> "${seer.padEnd(8)}$line\n" } +
        "\nwords and numbers changed: ${counts(words)}\nsteps left out or exchanged: ${counts(steps)}\n" +
        "parameters exchanged: ${counts(exchanges)}\n"
}
