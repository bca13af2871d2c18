package kumiko.cli.generate

import com.github.ajalt.clikt.parameters.groups.OptionGroup
import com.github.ajalt.clikt.parameters.options.flag
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.types.double
import com.github.ajalt.clikt.parameters.types.int
import com.github.ajalt.clikt.parameters.types.long
import com.github.ajalt.clikt.parameters.types.restrictTo
import kumiko.cli.refuse
import kumiko.runtime.run.Sampler
import kotlin.random.Random

/** How the next token is chosen. Nothing said is greedy; a choice by chance names its seed, so that it can be repeated. */
internal class Sampling : OptionGroup("Choice of the next token") {
    private val greedy by option("--greedy").flag().help("the most probable token (the default)")
    private val temperature by option("--temperature").double().help("divides the logits; chooses by chance")
    private val topK by option("--top-k").int().restrictTo(min = 1).help("chooses among the K most probable")
    private val topP by option("--top-p").double().help("chooses among the fewest that reach this probability together")
    private val seed by option("--seed").long().help("of the chance; without it one is drawn and printed")

    /** @param announce is given the seed where none was asked for */
    fun sampler(announce: (Long) -> Unit): Sampler {
        val chance = listOfNotNull(
            temperature?.let { "--temperature" },
            topK?.let { "--top-k" },
            topP?.let { "--top-p" },
            seed?.let { "--seed" },
        )
        if (greedy && chance.isNotEmpty()) refuse("--greedy leaves nothing to chance; leave out either it or ${chance.joinToString(", ")}.")
        if (chance.isEmpty()) return Sampler.greedy()
        temperature?.let {
            if (!(it > 0 && it.isFinite())) refuse("--temperature is a number above 0, not $it. For the most probable token say --greedy.")
        }
        topP?.let { if (!(it > 0 && it <= 1)) refuse("--top-p is a probability above 0 and up to 1, not $it.") }
        val chosen = seed ?: Random.nextLong(0, Int.MAX_VALUE.toLong()).also(announce)
        return Sampler.of(temperature ?: 1.0, topK ?: 0, topP ?: 1.0, chosen)
    }
}
