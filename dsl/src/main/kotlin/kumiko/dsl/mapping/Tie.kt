package kumiko.dsl.mapping

/** A [key] that may repeat the bytes of a [parameter]; [row] is the first that differs, null where it does. */
class Tie internal constructor(val key: String, val parameter: String, val row: Int?) {
    val isRepetition: Boolean get() = row == null

    override fun toString(): String = if (row == null) {
        "$key repeats the bytes of $parameter, so the model is tied and one copy is used"
    } else {
        "$key differs from $parameter, in row $row first, so it is a parameter of its own"
    }
}
